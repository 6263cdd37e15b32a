//! SentencePiece's BPE vocabularies: GGUF's tokens and scores as a `tokenizer.json`, and back.
//!
//! SentencePiece merges the neighbours whose union has the highest score, the leftmost of equals. That is BPE with a merge for every way
//! to cut a token in two tokens, in the order of the scores; which is how transformers converts such models too.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value as Json, json};

use super::reader::shortened;

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

/// What GGUF keeps of a vocabulary in SentencePiece's manner.
#[derive(Debug, PartialEq)]
pub(super) struct Kept {
    /// A score for each token that merges lead to; the best is 0.
    pub scores: HashMap<String, f64>,
    /// As for [`parts`].
    pub space_first: bool,
}

/// The inverse of [`parts`], for a `tokenizer.json` that has the same steps. `None` if its steps are others; words for an error message if its
/// merges are not those that scores stand for: every way to cut a token in two, token by token.
pub(super) fn kept(tokenizer_json: &Json) -> Option<Result<Kept, String>> {
    let model = &tokenizer_json["model"];
    let plain = |part: &Json| match part["normalizers"].as_array().map(Vec::as_slice) {
        Some([only]) => only.clone(),
        _ => part.clone(),
    };
    let has_steps = |space_first: &bool| {
        parts(Map::new(), &[], None, *space_first).is_ok_and(|p| {
            plain(&p.normalizer) == plain(&tokenizer_json["normalizer"]) && p.decoder == tokenizer_json["decoder"]
        })
    };
    let space_first = [true, false].into_iter().find(has_steps)?;
    if !tokenizer_json["pre_tokenizer"].is_null() {
        return None;
    }
    Some(scores(model).map(|scores| Kept { scores, space_first }))
}

fn scores(model: &Json) -> Result<HashMap<String, f64>, String> {
    let vocab = model["vocab"].as_object().ok_or("model.vocab is not an object")?;
    if model["byte_fallback"] != true || (0..=255).any(|b| !vocab.contains_key(&format!("<0x{b:02X}>"))) {
        return Err("model.byte_fallback needs a token for every byte".into());
    }
    if model["ignore_merges"] == true {
        return Err("model.ignore_merges has no place in GGUF's SentencePiece vocabularies".into());
    }
    let not_pairs = || "model.merges is not a list of pairs".to_owned();
    let mut given: Vec<(&str, &str)> = Vec::new();
    for merge in model["merges"].as_array().ok_or_else(not_pairs)? {
        let pair = match merge {
            Json::Array(pair) => pair.first().and_then(Json::as_str).zip(pair.get(1).and_then(Json::as_str)),
            line => line.as_str().and_then(|l| l.split_once(' ')),
        };
        given.push(pair.ok_or_else(not_pairs)?);
    }
    let mut scores: HashMap<String, f64> = HashMap::new();
    let mut last = String::new();
    for (left, right) in &given {
        let token = [*left, *right].concat();
        if token != last {
            let next = -(scores.len() as f64);
            if scores.insert(token.clone(), next).is_some() {
                return Err(format!("the merges that make `{}` do not stand together", shortened(&token)));
            }
            last = token;
        }
    }
    // Every token takes part in SentencePiece's merges; those that none makes come last.
    let all: Vec<(&str, f64)> =
        vocab.keys().map(|t| (t.as_str(), scores.get(t).copied().unwrap_or(f64::NEG_INFINITY))).collect();
    let is_made = |(left, right): &(&str, &str)| scores.contains_key(&[*left, *right].concat());
    let (made, other): (Vec<_>, Vec<_>) = merges(&all)?.into_iter().partition(is_made);
    let missing = made.into_iter().collect::<HashSet<_>>() != given.into_iter().collect::<HashSet<_>>();
    if missing || !other.is_empty() {
        return Err("model.merges is not every way to cut every token in two, as SentencePiece has it".into());
    }
    Ok(scores)
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

    #[test]
    fn scores_are_kept_only_where_they_say_all() {
        let mut tokens: Vec<(String, f64)> = (0..=255).map(|b| (format!("<0x{b:02X}>"), 0.0)).collect();
        let more = [("a", -10.0), ("b", -11.0), ("ab", -2.0), ("aba", -1.0), ("ba", -3.0), ("\u{2581}", -12.0)];
        tokens.extend(more.map(|(t, s)| (t.to_owned(), s)));
        let vocab: Map<String, Json> = tokens.iter().enumerate().map(|(id, t)| (t.0.clone(), json!(id))).collect();
        let merged: Vec<(&str, f64)> = tokens[256..].iter().map(|t| (t.0.as_str(), t.1)).collect();
        for space_first in [true, false] {
            let p = parts(vocab.clone(), &merged, None, space_first).unwrap();
            let mut json =
                json!({"normalizer": p.normalizer, "decoder": p.decoder, "model": p.model, "pre_tokenizer": null});
            let kept_of = |json: &Json| kept(json).unwrap();
            let found = kept_of(&json).unwrap();
            assert_eq!(found.space_first, space_first);
            let expected = [("aba", 0.0), ("ab", -1.0), ("ba", -2.0)];
            assert_eq!(found.scores, expected.map(|(t, s)| (t.to_owned(), s)).into());
            // As older files spell merges, and in another order within a token.
            json["model"]["merges"] = json!(["a ba", "ab a", "a b", "b a"]);
            assert_eq!(kept_of(&json).unwrap(), found);
            for (merges, says) in [
                (json!(["ab a", "a b", "b a"]), "every way"),
                (json!(["ab a", "a b", "a ba", "b a"]), "together"),
                (json!(["ab a", "a ba", "a b"]), "every way"),
                (json!(["ab"]), "pairs"),
            ] {
                json["model"]["merges"] = merges;
                assert!(kept_of(&json).unwrap_err().contains(says));
            }
            json["pre_tokenizer"] = json!({"type": "Digits"});
            assert!(kept(&json).is_none());
        }
    }
}
