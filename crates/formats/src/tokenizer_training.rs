//! Trains a byte-level BPE tokenizer whose pre-tokenizer llama.cpp knows by name (`smollm`).

use bantam_core::{Error, Result};
use serde_json::json;
use tokenizers::models::TrainerWrapper;
use tokenizers::models::bpe::BpeTrainer;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::tokenizer::AddedToken;

use crate::tokenizer::PreTokenizer;

/// Trains on `texts` and returns the `tokenizer.json`. Same texts, same bytes.
///
/// Ids: the special tokens in the order given, then the 256 bytes, then merges, up to `vocab_size` (fewer where the texts have no more
/// pairs). Digits are split one by one, then GPT-2's pattern applies; no space is put in front; nothing is normalized, so that decoding gives
/// back every byte.
///
/// An input error if `vocab_size` cannot hold the special tokens and the bytes, or if a special token is empty or given twice.
pub fn train(
    texts: impl IntoIterator<Item = impl AsRef<str> + Send, IntoIter: Send>,
    vocab_size: usize,
    special_tokens: &[&str],
) -> Result<String> {
    let least = special_tokens.len() + 256;
    if vocab_size < least || vocab_size > 1 << 24 {
        let what = format!("{vocab_size} is not between {least} (special tokens and bytes) and {}", 1 << 24);
        return Err(Error::input("tokenizer.vocab_size", what, "choose a size in that range"));
    }
    for (i, token) in special_tokens.iter().enumerate() {
        if token.is_empty() || special_tokens[..i].contains(token) {
            let what = format!("special token `{token}` is empty or given twice");
            return Err(Error::input("tokenizer.special_tokens", what, "name each once"));
        }
    }
    let failed = |e: tokenizers::Error| Error::internal("tokenizer_training", e);
    let frame = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
        "pre_tokenizer": PreTokenizer::SmolLm.json(), "post_processor": null,
        "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
        "model": {"type": "BPE", "vocab": {}, "merges": []},
    });
    let mut tokenizer = tokenizers::Tokenizer::from_bytes(frame.to_string()).map_err(failed)?;
    let mut trainer: TrainerWrapper = BpeTrainer::builder()
        .vocab_size(vocab_size)
        .show_progress(false)
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .special_tokens(special_tokens.iter().map(|t| AddedToken::from(*t, true)).collect())
        .build()
        .into();
    tokenizer.train(&mut trainer, texts.into_iter()).map_err(failed)?;
    tokenizer.to_string(false).map_err(failed)
}
