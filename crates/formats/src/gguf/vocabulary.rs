//! The tokenizer in a GGUF's metadata, and how it becomes one again.

use std::collections::HashMap;

use bantam_core::{Error, Result};
use serde_json::{Map, Value as Json, json};

use super::keys::{List, Value};
use super::reader::shortened;
use super::sentence_piece;
use crate::tokenizer::{PreTokenizer, Tokenizer};

/// GGUF's kinds of token (`tokenizer.ggml.token_type`).
pub(super) mod token_type {
    /// Plain text.
    pub const NORMAL: i32 = 1;
    /// Stands for what nothing else does.
    pub const UNKNOWN: i32 = 2;
    /// A mark of the format.
    pub const CONTROL: i32 = 3;
    /// Plain text that is never cut.
    pub const USER_DEFINED: i32 = 4;
    /// Fills a gap in the ids.
    pub const UNUSED: i32 = 5;
    /// One byte, `<0x0A>`.
    pub const BYTE: i32 = 6;
}

/// The tokenizer's part of a GGUF, read but not yet built.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vocabulary {
    model: Option<String>,
    pre: Option<String>,
    tokens: Vec<String>,
    types: Vec<i64>,
    scores: Vec<f64>,
    merges: Vec<String>,
    pub bos: Option<u32>,
    pub eos: Option<u32>,
    pub pad: Option<u32>,
    /// Further ids that end generation: end of turn, end of message.
    pub more_eos: Vec<u32>,
    add_bos: Option<bool>,
    add_eos: bool,
    /// Whether a SentencePiece text begins with a space of its own.
    space_first: bool,
}

impl Vocabulary {
    /// Takes the `tokenizer.*` keys. Wrong kinds of values are errors here; whether a tokenizer can be built shows in [`tokenizer`](Self::tokenizer).
    pub fn take(keys: &mut HashMap<String, Value>, place: &str) -> Result<Self> {
        let wrong = |key: &str, value: &Value| {
            let what = format!("{} where GGUF has another kind", value.kind_name());
            Error::input(format!("{place}: {key}"), what, "convert the model again")
        };
        let mut take = |name: &str| {
            let key = format!("tokenizer.ggml.{name}");
            keys.remove(&key).map(|v| (key, v))
        };
        let mut text = |name: &str| -> Result<Option<String>> {
            match take(name) {
                None => Ok(None),
                Some((_, Value::Text(t))) => Ok(Some(t)),
                Some((key, v)) => Err(wrong(&key, &v)),
            }
        };
        let (model, pre) = (text("model")?, text("pre")?);
        let mut texts = |name: &str| -> Result<Vec<String>> {
            match take(name) {
                None => Ok(Vec::new()),
                Some((_, Value::List(List::Texts(t)))) => Ok(t),
                Some((key, v)) => Err(wrong(&key, &v)),
            }
        };
        let (tokens, merges) = (texts("tokens")?, texts("merges")?);
        let types = match take("token_type") {
            None => Vec::new(),
            Some((_, Value::List(List::Integers { values, .. }))) => values,
            Some((key, v)) => return Err(wrong(&key, &v)),
        };
        let scores = match take("scores") {
            None => Vec::new(),
            Some((_, Value::List(List::Floats { values, .. }))) => values,
            Some((key, v)) => return Err(wrong(&key, &v)),
        };
        let mut id = |name: &str| -> Result<Option<u32>> {
            let Some((key, v)) = take(name) else { return Ok(None) };
            v.as_u64().and_then(|n| u32::try_from(n).ok()).map(Some).ok_or_else(|| wrong(&key, &v))
        };
        let (bos, eos, pad) = (id("bos_token_id")?, id("eos_token_id")?, id("padding_token_id")?);
        let more_eos = [id("eot_token_id")?, id("eom_token_id")?].into_iter().flatten().collect();
        let mut flag = |name: &str| -> Result<Option<bool>> {
            let Some((key, v)) = take(name) else { return Ok(None) };
            v.as_bool().map(Some).ok_or_else(|| wrong(&key, &v))
        };
        let (add_bos, add_eos) = (flag("add_bos_token")?, flag("add_eos_token")?.unwrap_or(false));
        let space_first = flag("add_space_prefix")?.unwrap_or(true);
        Ok(Self { model, pre, tokens, types, scores, merges, bos, eos, pad, more_eos, add_bos, add_eos, space_first })
    }

    /// Number of tokens listed; 0 where the file has no vocabulary.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Builds the tokenizer. An input error where there is none (`no_vocab`), or one of a kind that Bantam does not know.
    pub fn tokenizer(&self, place: &str) -> Result<Tokenizer> {
        let at = |key: &str| format!("{place}: tokenizer.ggml.{key}");
        let json = match self.model.as_deref() {
            Some("gpt2") => {
                let name = self.pre.as_deref().unwrap_or("default");
                let Some(pre) = PreTokenizer::from_name(name) else {
                    let what = format!("pre-tokenizer `{}` is not supported", shortened(name));
                    return Err(Error::input(at("pre"), what, format!("use one of {}", PreTokenizer::names())));
                };
                self.byte_level_json(pre, place)?
            }
            Some("llama") => self.sentence_piece_json(place)?,
            None | Some("no_vocab" | "none") => {
                let remedy = "give a file converted with its vocabulary, or use token ids only";
                return Err(Error::input(at("model"), "the file holds no tokenizer", remedy));
            }
            Some(other) => {
                let what = format!("tokenizers of kind `{}` are not supported", shortened(other));
                let remedy = "use a model with a byte-level BPE (gpt2) or SentencePiece BPE (llama) tokenizer";
                return Err(Error::input(at("model"), what, remedy));
            }
        };
        let mut tokenizer = Tokenizer::from_json(json.to_string().as_bytes(), &format!("{place}: tokenizer.ggml"))?;
        tokenizer.set_bos(self.bos);
        tokenizer.set_eos(self.eos);
        tokenizer.set_pad(self.pad);
        Ok(tokenizer)
    }

    fn wrong(place: &str, key: &str, what: String) -> Error {
        Error::input(format!("{place}: tokenizer.ggml.{key}"), what, "convert the model again")
    }

    /// A token's kind ([`token_type`]).
    fn kind(&self, id: usize) -> i64 {
        self.types.get(id).copied().unwrap_or(i64::from(token_type::NORMAL))
    }

    /// Ids by token, and the `added_tokens`: those found in a text before anything else.
    fn vocab(&self, place: &str) -> Result<(Map<String, Json>, Vec<Json>)> {
        if !self.types.is_empty() && self.types.len() != self.tokens.len() {
            let what = format!("{} types for {} tokens", self.types.len(), self.tokens.len());
            return Err(Self::wrong(place, "token_type", what));
        }
        let mut vocab = Map::new();
        let mut added = Vec::new();
        for (id, token) in self.tokens.iter().enumerate() {
            if vocab.insert(token.clone(), json!(id)).is_some() {
                return Err(Self::wrong(place, "tokens", format!("the token `{}` stands twice", shortened(token))));
            }
            let kind = self.kind(id);
            let special = [token_type::CONTROL, token_type::UNKNOWN].into_iter().any(|k| kind == i64::from(k));
            if special || kind == i64::from(token_type::USER_DEFINED) {
                added.push(json!({"id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
                    "normalized": false, "special": special}));
            }
        }
        Ok((vocab, added))
    }

    fn byte_level_json(&self, pre: PreTokenizer, place: &str) -> Result<Json> {
        let (vocab, added) = self.vocab(place)?;
        let merges = self.merges.iter().map(|line| {
            // As llama.cpp: the first space after the first character parts the pair.
            let from = line.chars().next().map_or(0, char::len_utf8);
            match line[from..].find(' ') {
                Some(space) => Ok(json!([line[..from + space], line[from + space + 1..]])),
                None => Err(Self::wrong(place, "merges", format!("`{}` is not a pair", shortened(line)))),
            }
        });
        let merges = merges.collect::<Result<Vec<Json>>>()?;
        let implied = pre.implies_bos() && self.bos.is_some();
        Ok(json!({
            "version": "1.0",
            "truncation": null,
            "padding": null,
            "added_tokens": added,
            "normalizer": pre.normalizer(),
            "pre_tokenizer": pre.json(),
            "post_processor": self.post_processor(implied, place)?,
            "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
            "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
                "ignore_merges": pre.ignores_merges(), "vocab": vocab, "merges": merges},
        }))
    }

    fn sentence_piece_json(&self, place: &str) -> Result<Json> {
        let (vocab, added) = self.vocab(place)?;
        if self.scores.len() != self.tokens.len() {
            let what = format!("{} scores for {} tokens", self.scores.len(), self.tokens.len());
            return Err(Self::wrong(place, "scores", what));
        }
        let is = |id: usize, kind: i32| self.kind(id) == i64::from(kind);
        let scored = self.tokens.iter().map(String::as_str).zip(self.scores.iter().copied()).enumerate();
        let merged: Vec<(&str, f64)> = scored
            .filter(|(id, _)| is(*id, token_type::NORMAL) || is(*id, token_type::USER_DEFINED))
            .map(|(_, t)| t)
            .collect();
        let unknown = (0..self.tokens.len()).find(|id| is(*id, token_type::UNKNOWN)).map(|id| self.tokens[id].as_str());
        let parts = sentence_piece::parts(vocab, &merged, unknown, self.space_first)
            .map_err(|what| Self::wrong(place, "tokens", what))?;
        Ok(json!({
            "version": "1.0",
            "truncation": null,
            "padding": null,
            "added_tokens": added,
            "normalizer": parts.normalizer,
            "pre_tokenizer": null,
            // As in llama.cpp, a SentencePiece model has a BOS unless the file says otherwise.
            "post_processor": self.post_processor(self.bos.is_some(), place)?,
            "decoder": parts.decoder,
            "model": parts.model,
        }))
    }

    /// BOS and EOS around a text, where the file asks for them; `implied`: it has a BOS if it says nothing.
    fn post_processor(&self, implied: bool, place: &str) -> Result<Json> {
        let before = self.add_bos.unwrap_or(implied);
        let mut single = vec![json!({"Sequence": {"id": "A", "type_id": 0}})];
        let mut pair = vec![single[0].clone(), json!({"Sequence": {"id": "B", "type_id": 1}})];
        let mut special = Map::new();
        for (wanted, id, front) in [(before, self.bos, true), (self.add_eos, self.eos, false)] {
            if !wanted {
                continue;
            }
            let token = id.and_then(|id| self.tokens.get(id as usize).map(|t| (id, t)));
            let Some((id, token)) = token else {
                return Err(Self::wrong(
                    place,
                    "bos_token_id",
                    "the token to be added is not in the vocabulary".into(),
                ));
            };
            special.insert(token.clone(), json!({"id": token, "ids": [id], "tokens": [token]}));
            let piece = json!({"SpecialToken": {"id": token, "type_id": 0}});
            for sequence in [&mut single, &mut pair] {
                sequence.insert(if front { 0 } else { sequence.len() }, piece.clone());
            }
        }
        if special.is_empty() {
            return Ok(Json::Null);
        }
        Ok(json!({"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": special}))
    }
}
