//! How well a model predicts a text: nats, perplexity, bits per byte.

use bantam_core::{Error, Result};
use bantam_formats::Tokenizer;
use serde::Serialize;

use crate::log_probability::log_probability;
use crate::model::Model;
use crate::session::Session;

/// The sliding window of a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScoreOptions {
    /// Tokens of a window.
    pub context: usize,
    /// Tokens from the start of one window to that of the next, at most `context`.
    pub stride: usize,
}

/// The score of one text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Score {
    /// Tokens given to the model, a BOS included where the tokenizer adds one.
    pub tokens: usize,
    /// Tokens that were predicted and counted in `nll`: all but the first, and with `stride == context` all but the first
    /// of every window.
    pub scored_tokens: usize,
    /// Raw bytes of the text.
    pub bytes: usize,
    /// Negative log-likelihood in nats, summed over the scored tokens.
    pub nll: f64,
    /// `exp(nll / scored_tokens)`.
    pub perplexity: f64,
    /// `nll / ln 2 / bytes`.
    pub bits_per_byte: f64,
    /// Tokens of a window.
    pub context: usize,
    /// Tokens between windows.
    pub stride: usize,
}

/// Windows longer than this are not chosen by default, whatever the model could take.
const DEFAULT_CONTEXT: usize = 2048;

impl ScoreOptions {
    /// The window asked for, with the model's context (at most 2,048) and half a window of stride where nothing is asked.
    /// An input error when it does not fit the model or itself.
    pub fn for_model(model: &Model, context: Option<usize>, stride: Option<usize>) -> Result<Self> {
        let limit = model.context_length();
        let context = context.unwrap_or(limit.min(DEFAULT_CONTEXT));
        if context < 2 || context > limit {
            return Err(Error::input(
                "context",
                format!("{context} is not between 2 and {limit}"),
                "choose one between",
            ));
        }
        let stride = stride.unwrap_or(context / 2);
        if stride == 0 || stride > context {
            return Err(Error::input(
                "stride",
                format!("{stride} is not between 1 and {context}"),
                "choose one between",
            ));
        }
        Ok(Self { context, stride })
    }
}

/// Scores a text given as raw bytes; `place` names it in errors. See [`score_tokens`].
/// An input error when the bytes are not UTF-8 or make fewer than two tokens.
pub fn score_text(
    model: &Model,
    tokenizer: &Tokenizer,
    text: &[u8],
    place: &str,
    options: ScoreOptions,
    logits: Option<&mut Vec<f32>>,
) -> Result<Score> {
    let utf8 = std::str::from_utf8(text).map_err(|e| {
        Error::input(
            format!("{place}: byte {}", e.valid_up_to()),
            "not UTF-8 text",
            "convert the file to UTF-8: bits per byte counts its raw bytes, so nothing may be replaced in silence",
        )
    })?;
    let tokens = tokenizer.encode(utf8, true);
    score_tokens(model, &tokens, text.len(), options, logits).map_err(|e| e.within(place))
}

/// Scores a sequence of tokens that stand for `bytes` raw bytes.
///
/// Windows start every `stride` tokens; each counts the tokens that no earlier window counted, given those before them in
/// the window (the protocol of `transformers`' perplexity guide). The first token of the sequence is given, not scored.
/// With `logits`, the logits (`[tokens, vocab_size]`) are appended: row i is what followed token i, from the window that
/// scores token i + 1.
pub fn score_tokens(
    model: &Model,
    tokens: &[u32],
    bytes: usize,
    options: ScoreOptions,
    mut logits: Option<&mut Vec<f32>>,
) -> Result<Score> {
    let ScoreOptions { context, stride } = options;
    let (mut nll, mut scored) = (0.0, 0);
    let rows_before = logits.as_ref().map_or(0, |out| out.len() / model.vocab_size());
    each_row(model, tokens, bytes, options, &mut |Row { input, counts, last, logits: row }| {
        if counts {
            nll -= log_probability(row, tokens[input + 1]);
            scored += 1;
        }
        let Some(out) = logits.as_deref_mut() else { return };
        if (counts || last) && out.len() / row.len() == rows_before + input {
            out.extend_from_slice(row);
        }
    })?;
    if !nll.is_finite() {
        return Err(Error::input("model", "its logits are not numbers", "train or download the model again"));
    }
    Ok(Score {
        tokens: tokens.len(),
        scored_tokens: scored,
        bytes,
        nll,
        perplexity: (nll / scored as f64).exp(),
        bits_per_byte: nll / std::f64::consts::LN_2 / bytes as f64,
        context,
        stride,
    })
}

/// ln p of each token in nats, given those before it in its window, by the windows of [`score_tokens`]; `None` for tokens that are
/// given and not scored. Errors as there.
pub fn token_log_probabilities(
    model: &Model,
    tokens: &[u32],
    bytes: usize,
    options: ScoreOptions,
) -> Result<Vec<Option<f64>>> {
    let mut found = vec![None; tokens.len()];
    each_row(model, tokens, bytes, options, &mut |row| {
        if row.counts {
            found[row.input + 1] = Some(log_probability(row.logits, tokens[row.input + 1]));
        }
    })?;
    if found.iter().flatten().any(|nats: &f64| !nats.is_finite()) {
        return Err(Error::input("model", "its logits are not numbers", "train or download the model again"));
    }
    Ok(found)
}

/// What follows one token in one window.
struct Row<'a> {
    /// The token's place in the sequence.
    input: usize,
    /// Whether the next token is scored by this row.
    counts: bool,
    /// Whether no window scores the next token: the sequence ends, or the next window starts behind it.
    last: bool,
    /// `[vocab_size]`
    logits: &'a [f32],
}

/// Reads every window and tells of every row in it.
fn each_row(
    model: &Model,
    tokens: &[u32],
    bytes: usize,
    options: ScoreOptions,
    each: &mut dyn FnMut(Row<'_>),
) -> Result<()> {
    let ScoreOptions { context, stride } = options;
    if tokens.len() < 2 || bytes == 0 {
        return Err(Error::input("text", format!("{} tokens, nothing to score", tokens.len()), "give a longer text"));
    }
    // The first token no window has covered.
    let mut covered = 0;
    for begin in (0..tokens.len()).step_by(stride) {
        let end = (begin + context).min(tokens.len());
        Session::new(model).prefill_each(&tokens[begin..end], |index, logits| {
            let target = begin + index + 1;
            let counts = target < end && target >= covered;
            let last = target == end && (end == tokens.len() || stride == context);
            each(Row { input: begin + index, counts, last, logits });
        })?;
        covered = end;
        if end == tokens.len() {
            break;
        }
    }
    Ok(())
}
