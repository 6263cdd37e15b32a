//! Trains a byte-level BPE tokenizer whose pre-tokenizer llama.cpp knows by name (`smollm`).
//!
//! A word is spelled with the same tokens whether or not a space stands before it: no merge joins a space to letters,
//! but for the most frequent lower-case words, whose merges come last. A model that copies "Lukas" from a text, where a
//! space precedes it, into JSON, where a quote does, then copies tokens one by one; with ordinary merges the first
//! token of every copied value changes, and small models do not learn to copy (docs/lab-notes.md).

use std::collections::BTreeMap;

use bantam_core::{Error, Result};
use serde_json::{Value, json};
use tokenizers::models::TrainerWrapper;
use tokenizers::models::bpe::BpeTrainer;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::tokenizer::AddedToken;

use crate::tokenizer::PreTokenizer;

/// The byte-level spelling of a space.
const SPACE: &str = "\u{120}";

/// Trains on `texts` and returns the `tokenizer.json`. Same texts, same bytes.
///
/// Ids: the special tokens in the order given, then the 256 bytes, then merges, up to `vocab_size` (fewer where the texts have no more
/// pairs). Digits are split one by one, then GPT-2's pattern applies; no space is put in front; nothing is normalized, so that decoding gives
/// back every byte. The last `spaced_words` ids are whole lower-case words with a space before them: they shorten texts, and the
/// same word copied after a quote is another token.
///
/// An input error if `vocab_size` cannot hold the special tokens and the bytes, or if a special token is empty or given twice.
pub fn train<T: AsRef<str> + Send + Sync>(
    texts: impl IntoIterator<Item = T>,
    vocab_size: usize,
    spaced_words: usize,
    special_tokens: &[&str],
) -> Result<String> {
    let texts: Vec<T> = texts.into_iter().collect();
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
    let runs_of_space = json!({"type": "Split", "pattern": {"Regex": "\\s+"}, "behavior": "Isolated", "invert": false});
    let apart = json!({"type": "Sequence", "pretokenizers": [runs_of_space, PreTokenizer::SmolLm.json()]});
    let frame = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
        "pre_tokenizer": apart, "post_processor": null,
        "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
        "model": {"type": "BPE", "vocab": {}, "merges": []},
    });
    let mut tokenizer = tokenizers::Tokenizer::from_bytes(frame.to_string()).map_err(failed)?;
    let mut trainer: TrainerWrapper = BpeTrainer::builder()
        .vocab_size(vocab_size - spaced_words.min(vocab_size - least))
        .show_progress(false)
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .special_tokens(special_tokens.iter().map(|t| AddedToken::from(*t, true)).collect())
        .build()
        .into();
    tokenizer.train(&mut trainer, texts.iter().map(AsRef::as_ref)).map_err(failed)?;
    let text = tokenizer.to_string(false).map_err(failed)?;
    let mut trained: Value = serde_json::from_str(&text).map_err(|e| Error::internal("tokenizer_training", e))?;
    trained["pre_tokenizer"] = PreTokenizer::SmolLm.json();
    add_spaced_words(&mut trained, &texts, vocab_size)?;
    Ok(trained.to_string())
}

/// Appends merges of the space and the most frequent lower-case words that are one token, up to `vocab_size` ids.
fn add_spaced_words<T: AsRef<str>>(tokenizer: &mut Value, texts: &[T], vocab_size: usize) -> Result<()> {
    let broken = || Error::internal("tokenizer_training", "the trained tokenizer lacks its vocabulary");
    let model = tokenizer.get_mut("model").and_then(Value::as_object_mut).ok_or_else(broken)?;
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    {
        let vocab = model.get("vocab").and_then(Value::as_object).ok_or_else(broken)?;
        for text in texts {
            for (i, _) in text.as_ref().match_indices(' ') {
                let rest = &text.as_ref()[i + 1..];
                let word = &rest[..rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len())];
                if word.len() > 1 && word.bytes().all(|b| b.is_ascii_lowercase()) && vocab.contains_key(word) {
                    *counts.entry(word).or_default() += 1;
                }
            }
        }
    }
    let mut words: Vec<(u64, &str)> = counts.into_iter().map(|(word, n)| (n, word)).collect();
    // Most frequent first; among equals, alphabetically.
    words.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    let vocab = model.get_mut("vocab").and_then(Value::as_object_mut).ok_or_else(broken)?;
    let first = vocab.len();
    words.truncate(vocab_size.saturating_sub(first));
    for (i, (_, word)) in words.iter().enumerate() {
        vocab.insert(format!("{SPACE}{word}"), json!(first + i));
    }
    let merges = model.get_mut("merges").and_then(Value::as_array_mut).ok_or_else(broken)?;
    merges.extend(words.iter().map(|(_, word)| json!([SPACE, word])));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokenizer::Tokenizer;

    fn trained() -> Tokenizer {
        let texts: Vec<String> = (0..300)
            .map(|i| {
                format!("the name of the guest is Lukas Mar{} and the theatre, \"Lukas Wells\" paid {i}.50", i % 7)
            })
            .collect();
        let json = train(&texts, 340, 10, &["<|end|>"]).unwrap();
        assert_eq!(json, train(&texts, 340, 10, &["<|end|>"]).unwrap());
        Tokenizer::from_json(json.as_bytes(), "test").unwrap()
    }

    #[test]
    fn a_copied_word_keeps_its_tokens_after_a_space_and_after_a_quote() {
        let tokenizer = trained();
        for word in ["Lukas", "Wells", "Marten", "Zyx", "X-4711"] {
            let after_quote = tokenizer.encode(&format!("\"{word}"), false);
            let after_space = tokenizer.encode(&format!(" {word}"), false);
            assert_eq!(after_quote[1..], after_space[1..], "{word}");
        }
        // Frequent lower-case words are one token with their space; nothing is lost either way.
        assert_eq!(tokenizer.encode(" the", false).len(), 1);
        let text = " the theatre of  Lukas\n\n Wells 12";
        assert_eq!(tokenizer.decode(&tokenizer.encode(text, false), false), text);
    }
}
