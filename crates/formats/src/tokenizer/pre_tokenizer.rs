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
    /// Llama 3's pattern with merges only.
    Dbrx,
    /// As [`LlamaBpe`](Self::LlamaBpe), but no BOS is implied.
    Glm4,
    /// Qwen 2's pattern, after normalization to NFC.
    Qwen2,
    /// Qwen 3.5's: marks go with letters.
    Qwen35,
    /// DeepSeek LLM's: letters of scripts with case, then punctuation, then the scripts of East Asia.
    DeepseekLlm,
    /// DeepSeek Coder's.
    DeepseekCoder,
    /// DeepSeek V3's.
    DeepseekV3,
    /// Falcon's: punctuation first, digits in threes.
    Falcon,
    /// BLOOM's: words up to punctuation.
    Bloom,
    /// BLOOM's, then digits one by one.
    Viking,
    /// Mistral's Tekken: words are cut where a capital follows a small letter; whole words win over merges.
    Tekken,
    /// GPT-4o's: Tekken's with contractions, digits in threes.
    Gpt4o,
    /// Seed Coder's.
    SeedCoder,
    /// llama.cpp's fallback for files that name none.
    Default,
}

const CONTRACTIONS: &str = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const WORDS: &str = r"[^\r\n\p{L}\p{N}]?\p{L}+";
const SYMBOLS: &str = r" ?[^\s\p{L}\p{N}]+[\r\n]*";
const SPACES: &str = r"\s*[\r\n]+|\s+(?!\S)|\s+";
const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)";
/// A word that begins with capitals and ends with small letters, as llama.cpp has it: capitals are letters but a to z.
const CAPITALIZED: &str = r"[^\r\n\p{L}\p{N}]?[\p{L}&&[^a-z]]*[\p{L}&&[^A-Z]]+";
const CAPITALS: &str = r"[^\r\n\p{L}\p{N}]?[\p{L}&&[^a-z]]+[\p{L}&&[^A-Z]]*";
const WORDS_OF_ANY: &str = " ?[^(\\s|.,!?…。，、।۔،)]+";
const EAST_ASIA: &str = "[一-龥ࠀ-一가-\u{d7ff}]+";
/// Letters of scripts with case, one class's content.
const CASED_LETTERS: &str = concat!(
    "A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗ",
    "ὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆ",
    "ﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃",
);

impl PreTokenizer {
    const ALL: [Self; 17] = [
        Self::SmolLm,
        Self::Gpt2,
        Self::LlamaBpe,
        Self::Dbrx,
        Self::Glm4,
        Self::Qwen2,
        Self::Qwen35,
        Self::DeepseekLlm,
        Self::DeepseekCoder,
        Self::DeepseekV3,
        Self::Falcon,
        Self::Bloom,
        Self::Viking,
        Self::Tekken,
        Self::Gpt4o,
        Self::SeedCoder,
        Self::Default,
    ];

    /// The name in GGUF.
    pub fn name(self) -> &'static str {
        match self {
            Self::SmolLm => "smollm",
            Self::Gpt2 => "gpt-2",
            Self::LlamaBpe => "llama-bpe",
            Self::Dbrx => "dbrx",
            Self::Glm4 => "glm4",
            Self::Qwen2 => "qwen2",
            Self::Qwen35 => "qwen35",
            Self::DeepseekLlm => "deepseek-llm",
            Self::DeepseekCoder => "deepseek-coder",
            Self::DeepseekV3 => "deepseek-v3",
            Self::Falcon => "falcon",
            Self::Bloom => "bloom",
            Self::Viking => "viking",
            Self::Tekken => "tekken",
            Self::Gpt4o => "gpt-4o",
            Self::SeedCoder => "seed-coder",
            Self::Default => "default",
        }
    }

    /// The names of all, for error messages.
    pub fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// By GGUF's name; other names under which llama.cpp does the same count too.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "starcoder" | "refact" | "command-r" | "codeshell" | "exaone" | "minerva-7b" => Some(Self::SmolLm),
            "phi-2" | "mpt" | "olmo" | "jais" | "jina-es" | "jina-de" | "jina-v2-code" | "roberta-bpe"
            | "modern-bert" | "gigachat" | "trillion" | "granite-docling" | "mellum" | "a.x-4.0" | "exaone4" => {
                Some(Self::Gpt2)
            }
            "llama3" | "llama-v3" | "falcon3" | "falcon-h1" | "pixtral" | "midm-2.0" | "lfm2" => Some(Self::LlamaBpe),
            "smaug-bpe" | "chatglm-bpe" => Some(Self::Dbrx),
            "deepseek-r1-qwen" | "stablelm2" | "hunyuan" | "megrez" | "kormo" | "solar-open" => Some(Self::Qwen2),
            "poro-chat" | "gpt3-finnish" => Some(Self::Bloom),
            "llama4" => Some(Self::Gpt4o),
            _ => Self::ALL.into_iter().find(|p| p.name() == name),
        }
    }

    /// Which one a `tokenizer.json` uses; `None` if llama.cpp has no name for it.
    pub fn of_json(tokenizer_json: &Value) -> Option<Self> {
        let normalizer = match &tokenizer_json["normalizer"] {
            steps if steps["normalizers"].as_array().is_some_and(Vec::is_empty) => &Value::Null,
            other => other,
        };
        let splits = stripped(&tokenizer_json["pre_tokenizer"]);
        let whole_words = tokenizer_json["model"]["ignore_merges"] == true;
        let is = |p: &Self| {
            p.ignores_merges() == whole_words && *normalizer == p.normalizer() && stripped(&p.json()) == splits
        };
        Self::ALL.into_iter().find(is)
    }

    /// The `pre_tokenizer` of a `tokenizer.json`.
    pub fn json(self) -> Value {
        let split = |pattern: &str| json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false});
        let to_bytes = |use_regex: bool| json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": use_regex});
        let sequence = |steps: Vec<Value>| json!({"type": "Sequence", "pretokenizers": steps});
        let digits = || json!({"type": "Digits", "individual_digits": true});
        let one_of = |parts: &[&str]| sequence(vec![split(&parts.join("|")), to_bytes(false)]);
        match self {
            Self::SmolLm => sequence(vec![digits(), to_bytes(true)]),
            Self::Gpt2 => to_bytes(true),
            Self::LlamaBpe | Self::Dbrx | Self::Glm4 => one_of(&[CONTRACTIONS, WORDS, r"\p{N}{1,3}", SYMBOLS, SPACES]),
            Self::Qwen2 => one_of(&[CONTRACTIONS, WORDS, r"\p{N}", SYMBOLS, SPACES]),
            Self::Qwen35 => one_of(&[
                CONTRACTIONS,
                r"[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+",
                r"\p{N}",
                r" ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*",
                SPACES,
            ]),
            Self::SeedCoder => one_of(&[CONTRACTIONS, WORDS, r"\p{N}{1}", r" ?[^\s\p{L}\p{N}\r\n]+", SPACES]),
            Self::Tekken => one_of(&[CAPITALIZED, CAPITALS, r"\p{N}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", SPACES]),
            Self::Gpt4o => one_of(&[
                &format!("{CAPITALIZED}{CONTRACTIONS}?"),
                &format!("{CAPITALS}{CONTRACTIONS}?"),
                r"\p{N}{1,3}",
                r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
                SPACES,
            ]),
            Self::DeepseekLlm => sequence(vec![
                split("[\r\n]"),
                split(&format!("\\s?[{CASED_LETTERS}]+")),
                split("\\s?[!-/:-~！-／：-～‘-‟\u{3000}-。]+"),
                split(r"\s+$"),
                split(EAST_ASIA),
                split(r"\p{N}+"),
                to_bytes(false),
            ]),
            Self::DeepseekCoder => sequence(vec![
                split("[\r\n]"),
                split(r"\s?\p{L}+"),
                split(r"\s?\p{P}+"),
                split(EAST_ASIA),
                digits(),
                to_bytes(false),
            ]),
            Self::DeepseekV3 => sequence(vec![
                split(r"\p{N}{1,3}"),
                split("[一-龥\u{3040}-ゟ゠-ヿ]+"),
                split(concat!(
                    r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|"##,
                    r" ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
                )),
                to_bytes(false),
            ]),
            Self::Falcon => {
                sequence(vec![split(r"[\p{P}\$\+<=>\^~\|`]+"), split(GPT2), split("[0-9][0-9][0-9]"), to_bytes(false)])
            }
            Self::Bloom => sequence(vec![split(WORDS_OF_ANY), to_bytes(false)]),
            Self::Viking => sequence(vec![split(WORDS_OF_ANY), digits(), to_bytes(false)]),
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
            Self::Qwen2 | Self::Qwen35 => json!({"type": "NFC"}),
            _ => Value::Null,
        }
    }

    /// Whether a word that is in the vocabulary whole is taken without merging.
    pub fn ignores_merges(self) -> bool {
        matches!(self, Self::LlamaBpe | Self::Glm4 | Self::Tekken)
    }

    /// Whether a file that does not say so has a BOS before every text.
    pub fn implies_bos(self) -> bool {
        matches!(self, Self::LlamaBpe | Self::Tekken)
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
            let model = json!({"ignore_merges": pre.ignores_merges()});
            let json = json!({"normalizer": pre.normalizer(), "pre_tokenizer": pre.json(), "model": model});
            // Llama 3's and GLM 4's differ only in the BOS that a file may leave out.
            let expected = if pre == PreTokenizer::Glm4 { PreTokenizer::LlamaBpe } else { pre };
            assert_eq!(PreTokenizer::of_json(&json), Some(expected));
            assert_eq!(PreTokenizer::from_name(pre.name()), Some(pre));
        }
        assert_eq!(PreTokenizer::of_json(&json!({"pre_tokenizer": {"type": "Whitespace"}})), None);
        let nfc = json!({"normalizer": {"type": "NFC"}, "pre_tokenizer": PreTokenizer::SmolLm.json()});
        assert_eq!(PreTokenizer::of_json(&nfc), None);
    }
}
