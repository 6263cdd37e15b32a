//! What is a model asked for one item, and what does it give back?

use std::sync::Arc;

use bantam_core::Result;
use bantam_formats::chat::Message;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One item as it is asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// What the model reads.
    pub prompt: Prompt,
    /// What its text has to follow.
    pub constraint: Option<Constraint>,
    /// Continuations whose log-probabilities are wanted.
    pub candidates: Option<Arc<Candidates>>,
    /// Whether a text is wanted; without, only the candidates are weighed.
    pub text: bool,
}

impl Request {
    /// A system message and a user's, answered by a text. `cue` is the line that calls for the answer where there is no chat
    /// template (`JSON:`).
    pub fn chat(system: impl Into<String>, user: impl Into<String>, cue: impl Into<String>) -> Self {
        let messages = vec![Message::new("system", system), Message::new("user", user)];
        Self { prompt: Prompt::Chat { messages, cue: cue.into() }, constraint: None, candidates: None, text: true }
    }
}

/// What a model reads before it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// Messages, the user's last. Without a chat template: their contents (empty ones left out) with blank lines between, and the cue on a line of
    /// its own before each answer.
    Chat {
        /// The messages.
        messages: Vec<Message>,
        /// The cue.
        cue: String,
    },
    /// A text to be continued as it stands, past any chat template.
    Plain(String),
}

impl Prompt {
    /// The prompt as a text for a model without a chat template.
    pub fn plain(&self) -> String {
        match self {
            Self::Plain(text) => text.clone(),
            Self::Chat { messages, cue } => {
                let mut text = String::new();
                for message in messages.iter().filter(|m| !m.content.is_empty()) {
                    if message.role == "assistant" {
                        text.push_str(&format!("{cue}\n"));
                    }
                    text.push_str(&format!("{}\n\n", message.content));
                }
                text + cue + "\n"
            }
        }
    }
}

/// What a text has to follow.
#[derive(Clone, Debug)]
pub struct Constraint {
    /// What tells it from others of the same suite; prepared once under this name.
    pub name: String,
    /// Where it was given, for errors: a schema's file, an item.
    pub place: String,
    /// The language of the texts allowed.
    pub grammar: Grammar,
}

/// A language.
#[derive(Clone, Debug)]
pub enum Grammar {
    /// The instances of a JSON Schema as compact JSON, keys in the schema's order, those of slots in any.
    JsonSchema(Arc<Value>),
    /// One of these texts.
    Labels(Arc<Vec<String>>),
    /// What this regular expression matches as a whole.
    Regex(Arc<str>),
    /// What this grammar in llguidance's variant of Lark's syntax derives.
    Lark(Arc<str>),
}

/// Continuations to be weighed: labels, choices, completions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidates {
    /// Their texts.
    pub texts: Vec<String>,
    /// Whether the end of the answer counts as part of each. A label that is the beginning of another (`light`,
    /// `light_off`) can only be weighed with its end.
    pub ended: bool,
}

/// What a model said to one item. Serialized, a line of the partial file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// The whole text, prompt excluded. `None` scores 0.
    pub text: Option<String>,
    /// Why there is no text, or what is to be known about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Why decoding ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    /// Tokens of the prompt, 0 if not known.
    #[serde(default)]
    pub prompt_tokens: usize,
    /// Tokens of the output, 0 if not known.
    #[serde(default)]
    pub generated_tokens: usize,
    /// Seconds from asking to the whole answer. Never part of samples or scores: it does not repeat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// Seconds from asking to the first piece of text that can be shown. Never part of samples or scores either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_token_seconds: Option<f64>,
    /// ln p(candidate | prompt) in nats for each of the request's candidates, by the model's own distribution; `None` where
    /// none were wanted or what answers cannot tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate_log_probabilities: Option<Vec<f64>>,
}

impl Output {
    /// An output that is only its text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }

    /// No output, and why.
    pub fn missing(why: impl Into<String>) -> Self {
        Self { note: Some(why.into()), ..Self::default() }
    }
}

/// Something that answers: a local model, a server, a test.
pub trait Answerer: Sync {
    /// Makes ready for a constraint that many items share, before any item is asked.
    ///
    /// # Errors
    /// An input error naming the constraint's place if it cannot work with it.
    fn prepare(&mut self, constraint: &Constraint) -> Result<()>;

    /// Answers one item. What depends on the item alone (a prompt that is too long, a server that fails on it) is an
    /// [`Output::missing`], not an error.
    ///
    /// # Errors
    /// Whatever ends the whole evaluation.
    fn answer(&self, request: &Request) -> Result<Output>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_template_every_answer_follows_the_cue() {
        let asked = Request::chat("S", "Q", "JSON:");
        assert_eq!(asked.prompt.plain(), "S\n\nQ\n\nJSON:\n");
        let messages = [("system", "S"), ("user", "A"), ("assistant", "1"), ("user", "B")];
        let messages = messages.map(|(role, content)| Message::new(role, content)).to_vec();
        assert_eq!(Prompt::Chat { messages, cue: "JSON:".into() }.plain(), "S\n\nA\n\nJSON:\n1\n\nB\n\nJSON:\n");
        assert_eq!(Request::chat("", "Q", "JSON:").prompt.plain(), "Q\n\nJSON:\n");
        assert_eq!(Prompt::Plain("as it is".into()).plain(), "as it is");
    }
}
