//! SentencePiece's BPE vocabularies, as GGUF keeps them (tokens and scores), as a `tokenizer.json`.
//!
//! SentencePiece merges the neighbours whose union has the highest score, the leftmost of equals. That is BPE with a merge for every way
//! to cut a token in two tokens, in the order of the scores; which is how transformers converts such models too.

use std::collections::HashMap;

use serde_json::{Map, Value as Json, json};

/// Stands for a space.
const SPACE: &str = "\u{2581}";
/// Longest token, in characters, that may be cut: every cut is looked up.
const LONGEST: usize = 512;

/// The `normalizer`, `decoder` and `model` of a vocabulary.
pub(super) struct Parts {
    pub normalizer: Json,
    pub decoder: Json,
    pub model: Json,
}

/// Builds them. `merged` are the tokens that stand for text, with their scores; `space_first`: a text begins with a space that is taken
/// off again. Says what is wrong in words for an error message.
pub(super) fn parts(
    vocab: Map<String, Json>,
    merged: &[(&str, f64)],
    unknown: Option<&str>,
    space_first: bool,
) -> Result<Parts, String> {
    let mut normalizers = vec![json!({"type": "Replace", "pattern": {"String": " "}, "content": SPACE})];
    let mut decoders = vec![
        json!({"type": "Replace", "pattern": {"String": SPACE}, "content": " "}),
        json!({"type": "ByteFallback"}),
        json!({"type": "Fuse"}),
    ];
    if space_first {
        normalizers.insert(0, json!({"type": "Prepend", "prepend": SPACE}));
        decoders.push(json!({"type": "Strip", "content": " ", "start": 1, "stop": 0}));
    }
    let merges: Vec<Json> = merges(merged)?.into_iter().map(|(left, right)| json!([left, right])).collect();
    Ok(Parts {
        normalizer: json!({"type": "Sequence", "normalizers": normalizers}),
        decoder: json!({"type": "Sequence", "decoders": decoders}),
        model: json!({"type": "BPE", "dropout": null, "unk_token": unknown, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": true, "byte_fallback": true, "ignore_merges": false, "vocab": vocab,
            "merges": merges}),
    })
}

/// Every way to cut a token in two, best score first; of one token the longest left part first.
fn merges<'a>(tokens: &[(&'a str, f64)]) -> Result<Vec<(&'a str, &'a str)>, String> {
    let known: HashMap<&str, f64> = tokens.iter().copied().collect();
    let mut found = Vec::new();
    for &(token, score) in tokens {
        if token.chars().nth(LONGEST).is_some() {
            return Err(format!("a token of more than {LONGEST} characters"));
        }
        if score.is_nan() {
            return Err("a score that is not a number".into());
        }
        for (cut, _) in token.char_indices().skip(1) {
            let (left, right) = token.split_at(cut);
            if known.contains_key(left) && known.contains_key(right) {
                found.push((score, left, right));
            }
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| b.1.len().cmp(&a.1.len())));
    Ok(found.into_iter().map(|(_, left, right)| (left, right)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cut_is_a_merge_in_the_order_of_the_scores() {
        let tokens = [("a", -10.0), ("b", -11.0), ("ab", -2.0), ("aba", -1.0), ("ba", -3.0), ("x", -12.0)];
        assert_eq!(merges(&tokens).unwrap(), [("ab", "a"), ("a", "ba"), ("a", "b"), ("b", "a")]);
        assert!(merges(&[("a", f64::NAN)]).is_err());
        assert!(merges(&[(&"é".repeat(513), 0.0)]).is_err());
        assert!(merges(&[("", 0.0)]).unwrap().is_empty());
    }
}
