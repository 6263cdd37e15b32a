//! A conversation with a model through its chat template: every answer reads only what the session has not read before.

use bantam_core::{Error, Result};
use bantam_formats::chat::{self, Message, TemplateTokens};
use bantam_formats::{ModelArtifact, Tokenizer};

use crate::decode::Listener;
use crate::generate::{Generation, Generator};
use crate::measure::Clock;
use crate::model::Model;
use crate::session::Session;

/// Messages and the session that has read them.
pub struct Conversation<'m> {
    session: Session<'m>,
    /// What the session has read.
    read: Vec<u32>,
    template: String,
    bos: Option<String>,
    eos: Option<String>,
    messages: Vec<Message>,
}

impl<'m> Conversation<'m> {
    /// An empty conversation. An input error when the model has no chat template.
    pub fn new(model: &'m Model, artifact: &ModelArtifact, tokenizer: &Tokenizer) -> Result<Self> {
        let template = artifact.chat_template().ok_or_else(|| {
            let remedy = "use `bantam generate`, or a model that was trained to converse";
            Error::input(artifact.path().display(), "the model has no chat template", remedy)
        })?;
        let text = |id: Option<u32>| id.and_then(|id| tokenizer.id_to_token(id));
        Ok(Self {
            session: Session::new(model),
            read: Vec::new(),
            template: template.to_owned(),
            bos: text(tokenizer.bos()),
            eos: text(tokenizer.eos()),
            messages: Vec::new(),
        })
    }

    /// What was said, the system's message first where there is one.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Goes on from other messages.
    pub fn set_messages(&mut self, messages: Vec<Message>) {
        self.messages = messages;
    }

    /// Puts the system's message first, in place of the one there was; an empty one takes it away.
    pub fn set_system(&mut self, content: &str) {
        self.messages.retain(|m| m.role != "system");
        if !content.is_empty() {
            self.messages.insert(0, Message::new("system", content));
        }
    }

    /// Forgets what user and assistant said; the system's message stays.
    pub fn clear(&mut self) {
        self.messages.retain(|m| m.role == "system");
    }

    /// Takes the last question back, with its answer. `None` when nothing was asked.
    pub fn take_back(&mut self) -> Option<String> {
        let at = self.messages.iter().rposition(|m| m.role == "user")?;
        let question = self.messages.split_off(at).into_iter().next();
        question.map(|m| m.content)
    }

    /// Says `content` and lets the model answer. The whole conversation has to fit the context with room for an answer: nothing is
    /// left out in silence.
    /// After an error, and that is an input error, the conversation is as it was.
    pub fn say(
        &mut self,
        content: &str,
        tokenizer: &Tokenizer,
        generator: Generator<'_>,
        listener: &mut Listener<'_>,
        clock: &dyn Clock,
    ) -> Result<Generation> {
        self.messages.push(Message::new("user", content));
        let answered = self.answer(tokenizer, generator, listener, clock);
        match &answered {
            Ok(made) => self.messages.push(Message::new("assistant", made.text.as_str())),
            Err(_) => drop(self.messages.pop()),
        }
        answered
    }

    fn answer(
        &mut self,
        tokenizer: &Tokenizer,
        generator: Generator<'_>,
        listener: &mut Listener<'_>,
        clock: &dyn Clock,
    ) -> Result<Generation> {
        let names = TemplateTokens { bos: self.bos.as_deref(), eos: self.eos.as_deref() };
        // The template writes the special tokens itself.
        let prompt = tokenizer.encode(&chat::render(&self.template, &self.messages, true, names)?, false);
        let context = self.session.model().context_length();
        if prompt.len() >= context {
            let what =
                format!("{} tokens, and the model's context of {context} has no room for an answer", prompt.len());
            return Err(Error::input("conversation", what, "say less, or begin anew"));
        }
        let same = self.read.iter().zip(&prompt).take_while(|(a, b)| a == b).count();
        let mut known = same.min(prompt.len().saturating_sub(1));
        if !self.session.truncate(known) {
            (self.session, known) = (Session::new(self.session.model()), 0);
        }
        self.read.truncate(known);
        let made = generator.already_read(known).run(&mut self.session, &prompt, listener, clock);
        match &made {
            Ok(made) => {
                self.read = [prompt.as_slice(), &made.tokens].concat();
                self.read.truncate(self.session.position());
            }
            Err(_) => {
                self.session = Session::new(self.session.model());
                self.read.clear();
            }
        }
        made
    }
}
