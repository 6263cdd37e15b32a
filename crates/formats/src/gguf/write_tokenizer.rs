//! A tokenizer as GGUF's keys.

use bantam_core::{Error, Result};
use serde_json::Value as Json;

use super::keys::{List, Value};
use super::sentence_piece::{self, Kept};
use super::vocabulary::token_type;
use crate::config::ModelConfig;
use crate::tokenizer::{PreTokenizer, Tokenizer, TokenizerBundle};

/// The `tokenizer.*` keys: a byte-level BPE by its merges and the pre-tokenizer's name, SentencePiece's by scores. An input error where neither
/// says all that the tokenizer does.
pub(super) fn tokenizer_keys(bundle: &TokenizerBundle, config: &ModelConfig) -> Result<Vec<(String, Value)>> {
    let place = "tokenizer.json";
    let tokenizer = Tokenizer::from_json(bundle.tokenizer_json.as_bytes(), place)?;
    let json: Json = serde_json::from_str(&bundle.tokenizer_json)
        .map_err(|e| Error::input(place, e, "restore the tokenizer from its origin"))?;
    if json["model"]["type"] != "BPE" {
        return Err(Error::input(
            place,
            "not a BPE tokenizer",
            "GGUF takes a byte-level or SentencePiece BPE tokenizer here",
        ));
    }
    if tokenizer.vocab_size() > config.vocab_size {
        let what = format!("{} ids for an embedding of {} rows", tokenizer.vocab_size(), config.vocab_size);
        return Err(Error::input(place, what, "use the tokenizer that the model was trained with"));
    }
    let mut keys = match sentence_piece::kept(&json) {
        Some(Ok(kept)) => sentence_piece_keys(&kept, &json, &tokenizer, config.vocab_size),
        Some(Err(what)) => {
            return Err(Error::input(
                place,
                what,
                "package without a tokenizer, or train one with `bantam tokenizer train`",
            ));
        }
        None => byte_level_keys(&json, &tokenizer, config.vocab_size)?,
    };
    let id = |text: &Option<String>| text.as_deref().and_then(|t| tokenizer.token_to_id(t));
    let eos = id(&bundle.eos_token).or(config.eos_token_ids.first().copied());
    let (before, after) = tokenizer.frame();
    if before.len() > 1 || !after.is_empty() && after != eos.as_slice() {
        let what = format!("{} tokens are put before a text and {} after it", before.len(), after.len());
        return Err(Error::input(
            format!("{place}: post_processor"),
            what,
            "GGUF holds a BOS before it and the EOS after it",
        ));
    }
    let ids = [
        ("bos_token_id", before.first().copied().or(id(&bundle.bos_token)).or(config.bos_token_id)),
        ("eos_token_id", eos),
        ("padding_token_id", id(&bundle.pad_token).or(config.pad_token_id)),
    ];
    for (name, id) in ids {
        keys.extend(id.map(|id| (format!("tokenizer.ggml.{name}"), Value::U32(id))));
    }
    keys.push(("tokenizer.ggml.add_bos_token".into(), Value::Bool(!before.is_empty())));
    keys.push(("tokenizer.ggml.add_eos_token".into(), Value::Bool(!after.is_empty())));
    keys.extend(bundle.chat_template.clone().map(|t| ("tokenizer.chat_template".into(), Value::Text(t))));
    Ok(keys)
}

/// Texts and kinds of all ids. llama.cpp takes the number of tokens for the number of rows: gaps and the end are filled.
fn tokens(tokenizer: &Tokenizer, rows: usize) -> (Vec<String>, Vec<i32>) {
    let token = |id| match tokenizer.id_to_token(id) {
        None => (format!("[PAD{id}]"), token_type::UNUSED),
        Some(text) if tokenizer.is_special(id) => (text, token_type::CONTROL),
        Some(text) if tokenizer.is_added(id) => (text, token_type::USER_DEFINED),
        Some(text) => (text, token_type::NORMAL),
    };
    (0..rows as u32).map(token).unzip()
}

fn byte_level_keys(json: &Json, tokenizer: &Tokenizer, rows: usize) -> Result<Vec<(String, Value)>> {
    let place = "tokenizer.json";
    let Some(pre) = PreTokenizer::of_json(json) else {
        return Err(Error::input(
            format!("{place}: pre_tokenizer"),
            "llama.cpp has no name for it that Bantam knows",
            "train the tokenizer with `bantam tokenizer train`",
        ));
    };
    let merge = |m: &Json| match m {
        Json::Array(pair) => Some(format!("{} {}", pair.first()?.as_str()?, pair.get(1)?.as_str()?)),
        line => line.as_str().map(str::to_owned),
    };
    let merges = json["model"]["merges"].as_array().and_then(|list| list.iter().map(merge).collect::<Option<Vec<_>>>());
    let Some(merges) = merges else {
        return Err(Error::input(format!("{place}: model.merges"), "not a list of pairs", "restore the tokenizer"));
    };
    let (tokens, types) = tokens(tokenizer, rows);
    Ok(vec![
        ("tokenizer.ggml.model".into(), Value::Text("gpt2".into())),
        ("tokenizer.ggml.pre".into(), Value::Text(pre.name().into())),
        ("tokenizer.ggml.tokens".into(), List::texts(tokens)),
        ("tokenizer.ggml.token_type".into(), List::i32s(types)),
        ("tokenizer.ggml.merges".into(), List::texts(merges)),
    ])
}

fn sentence_piece_keys(kept: &Kept, json: &Json, tokenizer: &Tokenizer, rows: usize) -> Vec<(String, Value)> {
    let (tokens, mut types) = tokens(tokenizer, rows);
    let unknown = json["model"]["unk_token"].as_str();
    let lowest = -(kept.scores.len() as f64);
    let mut scores = Vec::with_capacity(rows);
    for (token, kind) in tokens.iter().zip(&mut types) {
        let is_byte = token.len() == 6 && token.starts_with("<0x") && token.ends_with('>');
        match () {
            () if unknown == Some(token) => *kind = token_type::UNKNOWN,
            () if *kind == token_type::NORMAL && is_byte => *kind = token_type::BYTE,
            () => {}
        }
        // As SentencePiece: marks and bytes 0, letters below every union.
        let scored = matches!(*kind, token_type::NORMAL | token_type::USER_DEFINED);
        scores.push(if scored { kept.scores.get(token).copied().unwrap_or(lowest) } else { 0.0 });
    }
    let mut keys: Vec<(String, Value)> = vec![
        ("tokenizer.ggml.model".into(), Value::Text("llama".into())),
        ("tokenizer.ggml.pre".into(), Value::Text("default".into())),
        ("tokenizer.ggml.tokens".into(), List::texts(tokens)),
        ("tokenizer.ggml.scores".into(), Value::List(List::Floats { kind: 6, values: scores })),
        ("tokenizer.ggml.token_type".into(), List::i32s(types)),
        ("tokenizer.ggml.add_space_prefix".into(), Value::Bool(kept.space_first)),
    ];
    let unknown = unknown.and_then(|t| tokenizer.token_to_id(t));
    keys.extend(unknown.map(|id| ("tokenizer.ggml.unknown_token_id".into(), Value::U32(id))));
    keys
}
