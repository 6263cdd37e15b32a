//! From conversations and completions to tokens: the text as the model will meet it, the loss on the answers alone.

use std::ops::Range;

use bantam_core::{Error, Result};
use bantam_data::chat::{ASSISTANT, Conversation};
use bantam_data::completion::Completion;
use bantam_data::packing::Example;
use bantam_formats::Tokenizer;
use bantam_formats::chat::{self, Message, TemplateTokens};
use rayon::prelude::*;

/// What a file of items became.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokenized {
    /// The items that fit, in the file's order.
    pub examples: Vec<Example>,
    /// Those that do not. They are left out whole: a cut answer teaches to stop early.
    pub too_long: Vec<TooLong>,
}

/// An item that is longer than the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong {
    /// The line it stands on.
    pub line: usize,
    /// Its tokens.
    pub tokens: usize,
}

impl Tokenized {
    fn sort(items: Vec<(usize, Example)>, max_tokens: usize) -> Self {
        let mut sorted = Self::default();
        for (line, example) in items {
            match example.tokens.len() {
                n if n > max_tokens => sorted.too_long.push(TooLong { line, tokens: n }),
                _ => sorted.examples.push(example),
            }
        }
        sorted
    }
}

/// Writes conversations by the model's chat template and tokenizes them. Every turn of the assistant is learned, from
/// where the template begins an answer to the turn's last token; the white space that some templates put after it is not.
/// `place` names the file in errors.
///
/// # Errors
/// A template that fails, or that writes earlier turns otherwise once later ones follow: then what the model would be shown
/// in use is not a beginning of what it was trained on, and no token can be said to be an answer's.
pub fn conversations(
    items: &[Conversation],
    tokenizer: &Tokenizer,
    template: &str,
    max_tokens: usize,
    place: &str,
) -> Result<Tokenized> {
    let text = |id: Option<u32>| id.and_then(|id| tokenizer.id_to_token(id));
    let (bos, eos) = (text(tokenizer.bos()), text(tokenizer.eos()));
    let special = TemplateTokens { bos: bos.as_deref(), eos: eos.as_deref() };
    let example = |item: &Conversation| {
        let (text, answers) =
            written(item, template, special).map_err(|e| e.within(format!("{place}:{}", item.line)))?;
        let mut tokens = Tokens { tokenizer, text: &text, at: 0, ids: Vec::new() };
        let answers = answers.into_iter().map(|answer| {
            tokens.upto(answer.start);
            let start = tokens.ids.len().max(1);
            tokens.upto(answer.end);
            start..tokens.ids.len().max(start)
        });
        let answers = answers.collect();
        let answer_bytes = item.turns.iter().filter(|t| t.role == ASSISTANT).map(|t| t.content.len()).sum();
        Ok((item.line, Example { tokens: tokens.ids, answers, labels: Vec::new(), answer_bytes, level: None }))
    };
    Ok(Tokenized::sort(items.par_iter().map(example).collect::<Result<_>>()?, max_tokens))
}

/// A conversation's text, and where in it the answers are.
fn written(item: &Conversation, template: &str, special: TemplateTokens<'_>) -> Result<(String, Vec<Range<usize>>)> {
    let messages: Vec<Message> = item.turns.iter().map(|t| Message::new(&t.role, &t.content)).collect();
    let text = chat::render(template, &messages, false, special)?;
    let mut answers = Vec::new();
    for (at, turn) in item.turns.iter().enumerate().filter(|(_, t)| t.role == ASSISTANT) {
        let before = chat::render(template, &messages[..at], true, special)?;
        let with = chat::render(template, &messages[..=at], false, special)?;
        if !(with.starts_with(&before) && text.starts_with(&with) && with.contains(turn.content.trim())) {
            return Err(Error::input(
                format!("message {}", at + 1),
                "the chat template does not continue the prompt that it makes for this answer",
                "use a template that writes every turn the same whatever follows it",
            ));
        }
        answers.push(before.len()..before.len() + with[before.len()..].trim_end().len());
    }
    Ok((text, answers))
}

/// A text tokenized from left to right, with stops.
struct Tokens<'a> {
    tokenizer: &'a Tokenizer,
    text: &'a str,
    at: usize,
    ids: Vec<u32>,
}

impl Tokens<'_> {
    /// Adds the tokens of the text up to byte `end`. Where the text's beginning, tokenized as one, goes on from the tokens
    /// so far, these are taken; where a token would reach over the stop, the rest is tokenized by itself, as it is in use:
    /// a prompt is tokenized before its answer is known.
    fn upto(&mut self, end: usize) {
        let whole = self.tokenizer.encode(&self.text[..end], false);
        if whole.starts_with(&self.ids) {
            self.ids = whole;
        } else {
            self.ids.extend(self.tokenizer.encode(&self.text[self.at..end], false));
        }
        self.at = end;
    }
}

/// Tokenizes prompts and completions as plain text: the token that opens a sequence where the tokenizer asks for one, the
/// prompt, the completion, and the token that ends an answer. The completion and the end are learned.
///
/// # Errors
/// A tokenizer without an end token.
pub fn completions(items: &[Completion], tokenizer: &Tokenizer, max_tokens: usize) -> Result<Tokenized> {
    let Some(end) = tokenizer.eos() else {
        return Err(Error::input("tokenizer", "it has no end token", "name eos_token in tokenizer_config.json"));
    };
    let example = |item: &Completion| {
        let text = format!("{}{}", item.prompt, item.completion);
        let mut tokens = Tokens { tokenizer, text: &text, at: 0, ids: Vec::new() };
        tokens.upto(item.prompt.len());
        let prompt = tokens.ids.len();
        tokens.upto(text.len());
        let opening: Vec<u32> = tokenizer.bos().filter(|_| tokenizer.adds_bos()).into_iter().collect();
        let start = (opening.len() + prompt).max(1);
        let tokens = [opening, tokens.ids, vec![end]].concat();
        (item.line, Example::with_answer(tokens, start, item.completion.len()))
    };
    Ok(Tokenized::sort(items.par_iter().map(example).collect(), max_tokens))
}
