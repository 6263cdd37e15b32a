//! The pre-tokenizers that llama.cpp knows by name, as `tokenizers` spells them.
//!
//! A GGUF holds only the name. Patterns are those of llama.cpp's `llama-vocab.cpp` and of the models' own `tokenizer.json`.

use serde_json::{Value, json};

/// A pre-tokenizer with a name in GGUF (`tokenizer.ggml.pre`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PreTokenizer {
    /// Digits one by one, then GPT-2's pattern. What Bantam trains with.
    SmolLm,
    /// GPT-2's pattern.
    Gpt2,
    /// Llama 3's pattern; whole words in the vocabulary win over merges.
    LlamaBpe,
    /// Qwen 2's pattern, after normalization to NFC.
    Qwen2,
    /// llama.cpp's fallback for files that name none.
    Default,
}

const CONTRACTIONS_AND_WORDS: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|";
const SYMBOLS_AND_SPACES: &str = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)";

impl PreTokenizer {
    const ALL: [Self; 5] = [Self::SmolLm, Self::Gpt2, Self::LlamaBpe, Self::Qwen2, Self::Default];

    /// The name in GGUF.
    pub fn name(self) -> &'static str {
        match self {
            Self::SmolLm => "smollm",
            Self::Gpt2 => "gpt-2",
            Self::LlamaBpe => "llama-bpe",
            Self::Qwen2 => "qwen2",
            Self::Default => "default",
        }
    }

    /// By GGUF's name; other names of the same pattern count too.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "starcoder" | "refact" => Some(Self::SmolLm),
            "phi-2" => Some(Self::Gpt2),
            "llama3" | "llama-v3" => Some(Self::LlamaBpe),
            "deepseek-r1-qwen" => Some(Self::Qwen2),
            _ => Self::ALL.into_iter().find(|p| p.name() == name),
        }
    }

    /// Which one a `tokenizer.json` uses; `None` if llama.cpp has no name for it.
    pub fn of_json(tokenizer_json: &Value) -> Option<Self> {
        let normalizer = &tokenizer_json["normalizer"];
        let splits = stripped(&tokenizer_json["pre_tokenizer"]);
        Self::ALL.into_iter().find(|p| stripped(&p.json()) == splits && *normalizer == p.normalizer())
    }

    /// The `pre_tokenizer` of a `tokenizer.json`.
    pub fn json(self) -> Value {
        let split = |pattern: &str| json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false});
        let to_bytes = |use_regex: bool| json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": use_regex});
        let sequence = |steps: Vec<Value>| json!({"type": "Sequence", "pretokenizers": steps});
        match self {
            Self::SmolLm => sequence(vec![json!({"type": "Digits", "individual_digits": true}), to_bytes(true)]),
            Self::Gpt2 => to_bytes(true),
            Self::LlamaBpe => {
                let pattern = format!("{CONTRACTIONS_AND_WORDS}\\p{{N}}{{1,3}}{SYMBOLS_AND_SPACES}");
                sequence(vec![split(&pattern), to_bytes(false)])
            }
            Self::Qwen2 => {
                let pattern = format!("{CONTRACTIONS_AND_WORDS}\\p{{N}}{SYMBOLS_AND_SPACES}");
                sequence(vec![split(&pattern), to_bytes(false)])
            }
            Self::Default => sequence(vec![
                split(r"[\p{P}\$\+<=>\^~\|]+"),
                split(GPT2),
                split(r"\p{N}+"),
                split("[0-9][0-9][0-9]"),
                to_bytes(false),
            ]),
        }
    }

    /// The `normalizer` that goes with it.
    pub fn normalizer(self) -> Value {
        match self {
            Self::Qwen2 => json!({"type": "NFC"}),
            _ => Value::Null,
        }
    }

    /// Whether a word that is in the vocabulary whole is taken without merging.
    pub fn ignores_merges(self) -> bool {
        self == Self::LlamaBpe
    }
}

/// A pre-tokenizer without what does not touch the ids: `trim_offsets` moves only character offsets, and files leave defaults out.
fn stripped(pre_tokenizer: &Value) -> Value {
    let mut out = pre_tokenizer.clone();
    if let Some(steps) = out.get_mut("pretokenizers").and_then(Value::as_array_mut) {
        for step in steps {
            *step = stripped(step);
        }
    }
    if out["type"] == "ByteLevel"
        && let Some(keys) = out.as_object_mut()
    {
        keys.remove("trim_offsets");
        keys.entry("use_regex").or_insert(Value::Bool(true));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_recognized_in_its_own_json() {
        for pre in PreTokenizer::ALL {
            let json = json!({"normalizer": pre.normalizer(), "pre_tokenizer": pre.json()});
            assert_eq!(PreTokenizer::of_json(&json), Some(pre));
            assert_eq!(PreTokenizer::from_name(pre.name()), Some(pre));
        }
        assert_eq!(PreTokenizer::of_json(&json!({"pre_tokenizer": {"type": "Whitespace"}})), None);
        let nfc = json!({"normalizer": {"type": "NFC"}, "pre_tokenizer": PreTokenizer::SmolLm.json()});
        assert_eq!(PreTokenizer::of_json(&nfc), None);
    }
}
