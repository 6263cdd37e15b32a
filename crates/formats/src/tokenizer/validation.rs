//! What a `tokenizer.json` must not hold, because the `tokenizers` crate would panic on it or take memory by its word.

use serde_json::Value;

/// Says what is wrong, in words for an error message.
pub(super) fn check(tokenizer: &Value) -> Result<(), String> {
    let model = &tokenizer["model"];
    if !model.is_object() {
        return Err("no `model` object".into());
    }
    let text = |key: &str| model[key].as_str().unwrap_or_default();
    if model["type"] == "BPE" || model["merges"].is_array() {
        // The crate cuts the prefix's length off every right half without looking.
        if !text("continuing_subword_prefix").is_empty() {
            return Err("model.continuing_subword_prefix is not supported".into());
        }
        let unknown = text("unk_token");
        if !unknown.is_empty() && model["vocab"].get(unknown).is_none() {
            return Err(format!("model.unk_token `{unknown}` is not in the vocabulary"));
        }
    }
    Ok(())
}
