//! What a `tokenizer.json` must not hold: parts on which the `tokenizers` crate panics or takes memory by the file's word, and kinds that no
//! model of ours has.

use serde_json::Value;

const NORMALIZERS: [&str; 9] = ["Sequence", "Prepend", "Replace", "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "Strip"];
const PRE_TOKENIZERS: [&str; 8] =
    ["Sequence", "Split", "ByteLevel", "Digits", "Metaspace", "Whitespace", "WhitespaceSplit", "Punctuation"];
const DECODERS: [&str; 7] = ["Sequence", "ByteLevel", "Replace", "ByteFallback", "Fuse", "Strip", "Metaspace"];

/// Says what is wrong, in words for an error message.
pub(super) fn check(tokenizer: &Value) -> Result<(), String> {
    let model = &tokenizer["model"];
    if !model.is_object() {
        return Err("no `model` object".into());
    }
    // Old files leave the type out; merges then tell it.
    if !(model["type"] == "BPE" || model["type"].is_null() && model["merges"].is_array()) {
        return Err("the model is not BPE, the only kind that is supported".into());
    }
    let text = |key: &str| model[key].as_str().unwrap_or_default();
    // The crate cuts the prefix's length off every right half without looking.
    if !text("continuing_subword_prefix").is_empty() {
        return Err("model.continuing_subword_prefix is not supported".into());
    }
    let unknown = text("unk_token");
    if !unknown.is_empty() && model["vocab"].get(unknown).is_none() {
        return Err(format!("model.unk_token `{unknown}` is not in the vocabulary"));
    }
    check_kinds(tokenizer, "normalizer", "normalizers", &NORMALIZERS)?;
    check_kinds(tokenizer, "pre_tokenizer", "pretokenizers", &PRE_TOKENIZERS)?;
    check_kinds(tokenizer, "decoder", "decoders", &DECODERS)
}

/// Checks the kind of a part and of the steps below it.
fn check_kinds(parent: &Value, key: &str, steps: &str, known: &[&str]) -> Result<(), String> {
    check_kind(&parent[key], key, steps, known, 0)
}

fn check_kind(part: &Value, key: &str, steps: &str, known: &[&str], depth: usize) -> Result<(), String> {
    if part.is_null() && depth == 0 {
        return Ok(());
    }
    let kind = part["type"].as_str().unwrap_or_default();
    if !known.contains(&kind) || depth > 8 {
        return Err(format!("{key} of kind `{kind}` is not supported"));
    }
    // The crate counts characters off the end of shorter tokens.
    if key == "decoder" && kind == "Strip" && part["stop"] != 0 {
        return Err("decoder.Strip with `stop` is not supported".into());
    }
    // Empty texts send the crate past the end of what it changes.
    let empty = |text: &Value| text.as_str().unwrap_or_default().is_empty();
    if kind == "Replace" && empty(&part["pattern"]["String"]) || kind == "Prepend" && empty(&part["prepend"]) {
        return Err(format!("{key}.{kind} of something else than a plain text is not supported"));
    }
    if repeats_a_group(part["pattern"]["Regex"].as_str().unwrap_or_default()) {
        return Err(format!("{key}.{kind} with a pattern that repeats a group is not supported"));
    }
    let below = part[steps].as_array().into_iter().flatten();
    below.into_iter().try_for_each(|step| check_kind(step, key, steps, known, depth + 1))
}

/// Whether a pattern repeats a group without bound, as in `(a+)+`: such a pattern can take time exponential in the text, which the regex
/// engine ends by a panic. No known tokenizer has one.
fn repeats_a_group(pattern: &str) -> bool {
    let (mut escaped, mut in_class, mut after_group) = (false, 0usize, false);
    for c in pattern.chars() {
        let repeats = matches!(c, '*' | '+' | '{');
        if after_group && repeats {
            return true;
        }
        after_group = false;
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => in_class += 1,
            ']' => in_class = in_class.saturating_sub(1),
            ')' if in_class == 0 => after_group = true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_repeated_group_is_one() {
        for bad in ["(a+)+", "(?:a|b)*c", "x(a){2,}", r"(\))+"] {
            assert!(repeats_a_group(bad), "{bad}");
        }
        for good in [r"(?i:'s|'t)?\p{L}+", r"[()]+", r"\)+", r"(?!\S)|\s+", "", r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"]
        {
            assert!(!repeats_a_group(good), "{good}");
        }
    }
}
