//! Bits per byte of a whole text, by a sliding window.

use std::collections::BTreeMap;
use std::path::Path;

use bantam_core::{Error, Result, files};
use bantam_runtime::{ScoreOptions, token_log_probabilities};
use serde::Serialize;
use serde_json::json;

use super::byte_ngram::{self, ByteNgram};
use super::problems::Tables;
use super::{METRIC_VERSION, NAME, Sample, bits_per_byte};
use crate::local_model::LocalModel;
use crate::result::{Decoding, Evaluation, Mode, Protocol, Source, SuiteResult};
use crate::statistics::{Difference, Estimate, paired_difference};

/// Tokens of a block: the parts that the bootstrap draws.
const BLOCK: usize = 256;

/// The window asked for; what is not said is as [`ScoreOptions::for_model`] has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Window {
    /// Tokens of a window.
    pub context: Option<usize>,
    /// Tokens from the start of one window to that of the next; less than the context, so that every token is scored.
    pub stride: Option<usize>,
}

/// A text's evaluation.
pub type TextEvaluation = Evaluation<Tables, BTreeMap<String, Difference>, Sample>;

/// Scores the text of a file.
///
/// # Errors
/// An input error when the file cannot be read or is not UTF-8, makes fewer than two tokens, or the window does not fit the model.
pub fn evaluate(model: &LocalModel, path: &Path, window: Window) -> Result<TextEvaluation> {
    let place = path.display().to_string();
    let bytes = files::read(path)?;
    let text = std::str::from_utf8(&bytes).map_err(|e| {
        let remedy =
            "convert the file to UTF-8: bits per byte counts its raw bytes, so nothing may be replaced in silence";
        Error::input(format_args!("{place}: byte {}", e.valid_up_to()), "not UTF-8 text", remedy)
    })?;
    let options = ScoreOptions::for_model(model.model(), window.context, window.stride)?;
    if options.stride == options.context {
        let what = format!("a stride of the whole context of {} leaves tokens without a score", options.context);
        return Err(Error::input("--stride", what, "give a smaller stride"));
    }
    let tokens = model.tokenizer().encode(text, true);
    let nats = token_log_probabilities(model.model(), &tokens, bytes.len(), options).map_err(|e| e.within(&place))?;
    let token_bytes: Vec<usize> = tokens.iter().map(|token| model.tokenizer().token_bytes(*token).len()).collect();
    let blocks = blocks(&bytes, &nats, &token_bytes);
    let (data, tokenizer) = (Source::of(path)?, bantam_core::hash::bytes(model.tokenizer().json().as_bytes()));
    Ok(Evaluation {
        result: result(model, &blocks, protocol(model, data, options, &tokenizer)),
        samples: blocks.into_iter().map(Block::sample).collect(),
    })
}

/// A run of tokens.
struct Block {
    id: String,
    bytes: usize,
    bits: f64,
    floor_bits: f64,
}

impl Block {
    fn sample(self) -> Sample {
        let scores = |bits: f64| BTreeMap::from([("bits_per_byte".to_owned(), bits / self.bytes as f64)]);
        Sample {
            id: self.id,
            group: None,
            scores: scores(self.bits),
            floors: BTreeMap::from([("byte_ngram".to_owned(), scores(self.floor_bits))]),
            log_probabilities: Vec::new(),
            right: None,
            bytes: self.bytes,
            error: None,
        }
    }
}

/// The raw bytes of the text, cut after every [`BLOCK`] tokens, with the bits of their tokens. A tokenizer that rewrites its text (a
/// space put before it, say) spells other bytes; then every cut is moved in proportion, and the bytes still add up to those of the text.
fn blocks(text: &[u8], nats: &[Option<f64>], token_bytes: &[usize]) -> Vec<Block> {
    let spelled: usize = token_bytes.iter().sum::<usize>().max(1);
    let (mut out, mut floor) = (Vec::new(), ByteNgram::default());
    let (mut begin, mut read, mut bits) = (0, 0, 0.0);
    for (number, (nats, bytes)) in nats.chunks(BLOCK).zip(token_bytes.chunks(BLOCK)).enumerate() {
        read += bytes.iter().sum::<usize>();
        bits += nats.iter().flatten().map(|nats| bits_per_byte(*nats, 1)).sum::<f64>();
        let end = (read as u128 * text.len() as u128 / spelled as u128) as usize;
        if end > begin {
            let floor_bits = floor.read(&text[begin..end]);
            out.push(Block { id: format!("block-{number:06}"), bytes: end - begin, bits, floor_bits });
            (begin, bits) = (end, 0.0);
        }
    }
    // Tokens at the end that spell nothing.
    if let Some(last) = out.last_mut() {
        last.bits += bits;
    }
    out
}

fn result(
    model: &LocalModel,
    blocks: &[Block],
    protocol: Protocol,
) -> SuiteResult<Tables, BTreeMap<String, Difference>> {
    let tables = |of: &dyn Fn(&Block) -> f64| {
        let parts: Vec<(f64, f64)> = blocks.iter().map(|b| (of(b), b.bytes as f64)).collect();
        let overall = BTreeMap::from([("bits_per_byte".to_owned(), Estimate::ratio(&parts))]);
        Tables { overall, by_subject: BTreeMap::new() }
    };
    let column = |of: &dyn Fn(&Block) -> f64| blocks.iter().map(|b| of(b) / b.bytes as f64).collect::<Vec<f64>>();
    let each: Vec<usize> = (0..blocks.len()).collect();
    let difference = paired_difference(&column(&|b| b.bits), &column(&|b| b.floor_bits), &each);
    let against = BTreeMap::from([("bits_per_byte".to_owned(), difference)]);
    SuiteResult {
        suite: NAME.to_owned(),
        model: model.name().to_owned(),
        n: blocks.len(),
        tables: tables(&|b| b.bits),
        floors: BTreeMap::from([("byte_ngram".to_owned(), tables(&|b| b.floor_bits))]),
        versus_floors: BTreeMap::from([("byte_ngram".to_owned(), against)]),
        protocol,
        timing: None,
    }
}

fn protocol(model: &LocalModel, data: Source, options: ScoreOptions, tokenizer: &str) -> Protocol {
    let mut made_by = model.made_by("none: a text is scored as it stands");
    if let Some(decoding) = &mut made_by.decoding {
        *decoding =
            Decoding { chat_template: None, strategy: "none: nothing is decoded".to_owned(), ..decoding.clone() };
    }
    let words =
        "-log2 p of every token but the first, given those before it in its window, over the raw bytes of the file";
    let intervals = "95 %: percentile bootstrap that draws blocks of 256 tokens, 2,000 resamples, seed 0. Differences are the mean over blocks.";
    Protocol {
        metrics: BTreeMap::from([("bits_per_byte".to_owned(), words.to_owned())]),
        extraction_rule: "none: nothing is decoded".to_owned(),
        intervals: intervals.to_owned(),
        floors: BTreeMap::from([("byte_ngram".to_owned(), byte_ngram::WORDS.to_owned())]),
        track: Some(format!("text_{}_{}", options.context, options.stride)),
        settings: BTreeMap::from([
            ("format".to_owned(), json!("text")),
            ("context".to_owned(), json!(options.context)),
            ("stride".to_owned(), json!(options.stride)),
            ("tokenizer_sha256".to_owned(), json!(tokenizer)),
            ("vocabulary".to_owned(), json!(model.tokenizer().vocab_size())),
        ]),
        ..Protocol::new(METRIC_VERSION, data)
    }
    .made(Mode::Free, made_by)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_blocks_add_up_whatever_the_tokens_spell() {
        let text = "abc".repeat(1000);
        let nats: Vec<Option<f64>> = (0..1000).map(|i| (i > 0).then_some(-std::f64::consts::LN_2)).collect();
        for spelled in [3, 4] {
            let found = blocks(text.as_bytes(), &nats, &vec![spelled; 1000]);
            assert_eq!((found.len(), found.iter().map(|b| b.bytes).sum::<usize>()), (4, 3000));
            assert!((found.iter().map(|b| b.bits).sum::<f64>() - 999.0).abs() < 1e-9);
        }
        // Tokens that spell nothing leave their bits to the next block, or to the last.
        let found = blocks(
            b"ab",
            &vec![Some(-std::f64::consts::LN_2); 600],
            &[vec![0; 300], vec![1, 1], vec![0; 298]].concat(),
        );
        assert_eq!((found.len(), found[0].bytes, found[0].bits.round()), (1, 2, 600.0));
    }
}
