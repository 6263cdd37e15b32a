//! Text to token ids and back, over the `tokenizers` crate, with what a language model's user needs beside: the bytes behind a token,
//! which tokens are special, and whether a BOS is put in front.

mod byte_level;
mod frame;
mod pre_tokenizer;
mod validation;

use std::sync::Arc;

use bantam_core::{Error, Result};
use serde_json::Value;
use tokenizers::processors::PostProcessorWrapper;
use tokenizers::tokenizer::AddedToken;

use frame::Frame;

pub(crate) use pre_tokenizer::PreTokenizer;

/// A tokenizer as the writers take it: the `tokenizer.json` and the texts of the tokens that play a part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenizerBundle {
    /// The whole `tokenizer.json`.
    pub tokenizer_json: String,
    /// The chat template (Jinja).
    pub chat_template: Option<String>,
    /// Text of the token that opens a sequence.
    pub bos_token: Option<String>,
    /// Text of the token that ends an answer.
    pub eos_token: Option<String>,
    /// Text of the filler token.
    pub pad_token: Option<String>,
}

/// Encodes and decodes text. Built from a `tokenizer.json` or from a GGUF's metadata (through [`crate::ModelArtifact::tokenizer`]).
#[derive(Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    /// The file as it was read.
    json: Arc<str>,
    /// What is put around a text.
    frame: Frame,
    /// How a token's text stands for bytes.
    spelling: Spelling,
    vocab_size: usize,
    bos: Option<u32>,
    eos: Option<u32>,
    pad: Option<u32>,
}

/// How the texts in a vocabulary spell bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spelling {
    /// GPT-2's table: one printable character for each byte.
    ByteLevel,
    /// SentencePiece's: `▁` for a space, `<0x0A>` for a byte.
    SentencePiece,
}

/// Ids beyond this are refused: tables are sized by the largest one.
const MAX_VOCAB: usize = 1 << 24;

impl Tokenizer {
    /// Reads a `tokenizer.json`; `place` names it in errors. Truncation and padding that the file may ask for are switched off, as transformers does.
    pub fn from_json(json: &[u8], place: &str) -> Result<Self> {
        let malformed = |what: String| Error::input(place, what, "restore the tokenizer from its origin");
        let text = std::str::from_utf8(json).map_err(|e| malformed(format!("not UTF-8: {e}")))?;
        let value: Value = serde_json::from_str(text).map_err(|e| malformed(format!("not JSON: {e}")))?;
        validation::check(&value).map_err(malformed)?;
        let mut inner =
            tokenizers::Tokenizer::from_bytes(json).map_err(|e| malformed(format!("not a tokenizer: {e}")))?;
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|e| malformed(e.to_string()))?;
        inner.with_post_processor(None::<PostProcessorWrapper>);
        let largest = inner.get_vocab(true).into_values().max();
        let vocab_size = largest.map_or(0, |id| id as usize + 1);
        if vocab_size == 0 || vocab_size > MAX_VOCAB {
            return Err(malformed(format!("{vocab_size} token ids, possible are 1 to {MAX_VOCAB}")));
        }
        let frame = Frame::read(&value["post_processor"], vocab_size).map_err(malformed)?;
        Ok(Self {
            inner,
            json: text.into(),
            spelling: spelling(&value),
            vocab_size,
            bos: frame.before.first().copied(),
            eos: None,
            pad: None,
            frame,
        })
    }

    /// Token ids of a text. Special tokens written in the text become themselves. `add_special` puts around it what the tokenizer
    /// asks for (a BOS, where [`adds_bos`](Self::adds_bos)).
    pub fn encode(&self, text: &str, add_special: bool) -> Vec<u32> {
        // With padding and truncation off the crate fails only on an unknown token that is missing from its own vocabulary,
        // which `validation` has ruled out.
        let ids = self.inner.encode_fast(text, false).map(|e| e.get_ids().to_vec()).unwrap_or_default();
        if add_special { [self.frame.before.as_slice(), &ids, &self.frame.after].concat() } else { ids }
    }

    /// Text of token ids; bytes that are not UTF-8 become U+FFFD, ids outside the vocabulary nothing.
    pub fn decode(&self, ids: &[u32], skip_special: bool) -> String {
        match self.spelling {
            Spelling::ByteLevel => {
                let kept = ids.iter().filter(|&&id| !(skip_special && self.is_special(id)));
                let bytes: Vec<u8> = kept.flat_map(|&id| self.token_bytes(id)).collect();
                String::from_utf8_lossy(&bytes).into_owned()
            }
            Spelling::SentencePiece => self.inner.decode(ids, skip_special).unwrap_or_default(),
        }
    }

    /// The bytes a token stands for; empty for an id outside the vocabulary. A special token stands for its text.
    pub fn token_bytes(&self, id: u32) -> Vec<u8> {
        let Some(text) = self.inner.id_to_token(id) else { return Vec::new() };
        if self.added(id).is_some() {
            return text.into_bytes();
        }
        match self.spelling {
            Spelling::ByteLevel => byte_level::bytes(&text).unwrap_or_else(|| text.into_bytes()),
            Spelling::SentencePiece => byte_level::sentence_piece_bytes(&text),
        }
    }

    /// One more than the largest id. There may be ids without a token below it.
    pub fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    /// Whether the token is a special one: a mark of the format, never part of plain text.
    pub fn is_special(&self, id: u32) -> bool {
        self.added(id).is_some_and(|t| t.special)
    }

    /// Whether the token was added to the vocabulary: it is found in the text before anything else.
    pub fn is_added(&self, id: u32) -> bool {
        self.added(id).is_some()
    }

    /// The id of a token by its text as the vocabulary spells it.
    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// The inverse of [`token_to_id`](Self::token_to_id).
    pub fn id_to_token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    /// The token that opens a sequence, if the model has one.
    pub fn bos(&self) -> Option<u32> {
        self.bos
    }

    /// The token that ends an answer, if the model has one.
    pub fn eos(&self) -> Option<u32> {
        self.eos
    }

    /// The filler token, if the model has one.
    pub fn pad(&self) -> Option<u32> {
        self.pad
    }

    /// Whether `encode` with `add_special` puts a BOS in front.
    pub fn adds_bos(&self) -> bool {
        !self.frame.before.is_empty()
    }

    /// The ids that `encode` with `add_special` puts before and after a text.
    pub(crate) fn frame(&self) -> (&[u32], &[u32]) {
        (&self.frame.before, &self.frame.after)
    }

    /// The `tokenizer.json` of this tokenizer, as it was read.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// Names the token that opens a sequence; `None` keeps what the post-processor puts there.
    pub(crate) fn set_bos(&mut self, id: Option<u32>) {
        self.bos = id.or(self.bos);
    }

    pub(crate) fn set_eos(&mut self, id: Option<u32>) {
        self.eos = id;
    }

    pub(crate) fn set_pad(&mut self, id: Option<u32>) {
        self.pad = id;
    }

    fn added(&self, id: u32) -> Option<&AddedToken> {
        self.inner.get_added_vocabulary().get_added_tokens_decoder().get(&id)
    }
}

/// A byte-level decoder, alone or in a sequence, means byte-level spelling.
fn spelling(tokenizer_json: &Value) -> Spelling {
    let decoder = &tokenizer_json["decoder"];
    let is_byte_level = |d: &Value| d["type"] == "ByteLevel";
    if is_byte_level(decoder) || decoder["decoders"].as_array().is_some_and(|d| d.iter().any(is_byte_level)) {
        Spelling::ByteLevel
    } else {
        Spelling::SentencePiece
    }
}
