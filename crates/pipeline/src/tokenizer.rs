//! How does a set of items become a tokenizer folder?

use std::path::Path;

use crate::recipe::TokenizerSection;
use bantam_core::{Error, Result, files};
use bantam_data::absent_fields::AbsentFields;
use bantam_data::item::Item;
use bantam_data::prompt::{self, SPECIAL_TOKENS, SchemaInPrompt};
use bantam_data::schemas::SchemaSet;
use bantam_formats::{Tokenizer, TokenizerBundle, hf, tokenizer_training};
use serde::{Deserialize, Serialize};

/// What a trained tokenizer does to text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TokenizerReport {
    /// Tokens in all, special ones included; fewer than asked for where the texts have no more pairs.
    pub vocab_size: usize,
    /// Bytes of signatures, prompts and answers, over their tokens.
    pub bytes_per_token: f64,
    /// Bytes measured.
    pub bytes: u64,
    /// Tokens measured.
    pub tokens: u64,
    /// Items measured.
    pub items: usize,
}

/// Items to learn from, with what their prompts tell of the schema.
pub struct Texts<'a> {
    /// The items.
    pub items: &'a [Item],
    /// Their schemas.
    pub schemas: &'a SchemaSet,
    /// What a prompt says of them.
    pub schema_in_prompt: SchemaInPrompt,
    /// How the answers write absent fields.
    pub absent_fields: AbsentFields,
}

/// Trains on `train`, measures on `measured`, and writes `tokenizer.json`, `tokenizer_config.json` and `report.json`
/// into `dir`, which appears whole or not at all.
pub fn train(
    train: &[Texts<'_>],
    measured: &Texts<'_>,
    section: &TokenizerSection,
    max_length: usize,
    dir: &Path,
) -> Result<TokenizerReport> {
    // Parts one by one: the special tokens between them are no text to learn merges from.
    let texts = train.iter().map(parts).collect::<Result<Vec<_>>>()?.concat();
    let tokenizer_json =
        tokenizer_training::train(texts.iter().flatten(), section.vocab_size, section.spaced(), &SPECIAL_TOKENS)?;
    write(tokenizer_json, measured, section, max_length, dir)
}

/// The same three files of a tokenizer that there is, so that everything after it finds it in its place.
pub(crate) fn write(
    tokenizer_json: String,
    measured: &Texts<'_>,
    section: &TokenizerSection,
    max_length: usize,
    dir: &Path,
) -> Result<TokenizerReport> {
    let tokenizer = Tokenizer::from_json(tokenizer_json.as_bytes(), "tokenizer.json")?;
    let report = measure(&tokenizer, measured)?;
    let text = serde_json::to_string_pretty(&report).map_err(|e| Error::internal("tokenizer report", e))?;
    files::write_dir(dir, |dir| {
        hf::write_tokenizer_files(dir, &bundle(tokenizer_json, section), max_length)?;
        files::write(&dir.join("report.json"), format!("{text}\n").as_bytes())
    })?;
    Ok(report)
}

/// The tokenizer that [`train`] wrote into `dir`, as packages carry it.
pub(crate) fn read_bundle(dir: &Path, section: &TokenizerSection) -> Result<TokenizerBundle> {
    Ok(bundle(files::read_text(&dir.join("tokenizer.json"))?, section))
}

/// The tokenizer that [`train`] wrote into `dir`.
pub(crate) fn read(dir: &Path) -> Result<Tokenizer> {
    let path = dir.join("tokenizer.json");
    Tokenizer::from_json(&files::read(&path)?, &path.display().to_string())
}

fn bundle(tokenizer_json: String, section: &TokenizerSection) -> TokenizerBundle {
    TokenizerBundle {
        tokenizer_json,
        chat_template: Some(prompt::chat_template(section.reading, section.absent_fields)),
        bos_token: None,
        eos_token: Some("<|end|>".to_owned()),
        pad_token: Some("<|pad|>".to_owned()),
    }
}

/// Signature, prompt and answer of each item, as the model sees them.
fn parts(texts: &Texts<'_>) -> Result<Vec<[String; 3]>> {
    let of = |item: &Item| {
        let schema = texts.schemas.get(&item.schema_id)?;
        let answer = prompt::canonical_answer(&item.expected_output, schema, texts.absent_fields);
        Ok([texts.schema_in_prompt.system(&item.schema_id, schema), item.prompt.clone(), answer])
    };
    texts.items.iter().map(of).collect()
}

fn measure(tokenizer: &Tokenizer, measured: &Texts<'_>) -> Result<TokenizerReport> {
    let (mut bytes, mut tokens) = (0u64, 0u64);
    for text in parts(measured)?.iter().flatten() {
        bytes += text.len() as u64;
        tokens += tokenizer.encode(text, false).len() as u64;
    }
    let bytes_per_token = bytes as f64 / tokens.max(1) as f64;
    Ok(TokenizerReport {
        vocab_size: tokenizer.vocab_size(),
        bytes_per_token,
        bytes,
        tokens,
        items: measured.items.len(),
    })
}
