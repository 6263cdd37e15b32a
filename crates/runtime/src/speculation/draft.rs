//! Guesses from a smaller model, which draws with the same noise as the large one.

use bantam_core::{Error, Result};
use bantam_formats::Tokenizer;

use crate::model::Model;
use crate::sampling::{History, Sampler, SamplingOptions};
use crate::session::Session;

/// A model that guesses for another one.
pub struct DraftModel<'m> {
    model: &'m Model,
}

impl<'m> DraftModel<'m> {
    /// `model` with its tokenizer guesses for a model of `vocab_size` logits with `target`.
    /// An input error when a token does not mean the same to both.
    pub fn new(model: &'m Model, tokenizer: &Tokenizer, target: &Tokenizer) -> Result<Self> {
        let size = tokenizer.vocab_size().max(target.vocab_size());
        let meaning = |tokenizer: &Tokenizer, id| (tokenizer.id_to_token(id), tokenizer.is_special(id));
        match (0..size as u32).find(|id| meaning(tokenizer, *id) != meaning(target, *id)) {
            None => Ok(Self { model }),
            Some(id) => Err(Error::input(
                "draft model",
                format!("its tokenizer is another one: token {id} differs"),
                "give a draft model that was trained with the same tokenizer",
            )),
        }
    }
}

/// The draft model at work on one text.
pub(crate) struct Drafter<'m> {
    session: Session<'m>,
    /// What the session has read.
    read: Vec<u32>,
    /// Where its state cannot go back: the session and how much it had read before it guessed.
    before: Option<(Session<'m>, usize)>,
    sampler: Sampler,
    logits: Vec<f32>,
}

impl<'m> Drafter<'m> {
    pub fn new(draft: &DraftModel<'m>, sampling: &SamplingOptions) -> Result<Self> {
        Ok(Self {
            session: Session::new(draft.model),
            read: Vec::new(),
            before: None,
            sampler: Sampler::new(sampling.clone())?,
            logits: Vec::new(),
        })
    }

    /// At most `most` tokens that the draft model would write after `history`; none where its context is full.
    pub fn propose(&mut self, history: History<'_>, most: usize) -> Result<Vec<u32>> {
        let mut all = [history.prompt, history.generated].concat();
        let (known, vocab) = (all.len(), self.session.model().vocab_size());
        let foreign = all.iter().any(|token| *token as usize >= vocab);
        if most == 0 || foreign || known + most > self.session.model().context_length() {
            return Ok(Vec::new());
        }
        self.rewind(&all);
        self.logits.clear();
        self.logits.extend_from_slice(self.session.prefill(&all[self.read.len()..])?);
        if !self.session.can_truncate(0) {
            self.before = Some((self.session.fork(), known));
        }
        loop {
            let generated = &all[history.prompt.len()..];
            let token = self.sampler.sample(&mut self.logits, History { prompt: history.prompt, generated })?;
            all.push(token);
            if all.len() == known + most {
                // The last guess is not read.
                self.read = all[..all.len() - 1].to_vec();
                return Ok(all.split_off(known));
            }
            self.logits.clear();
            self.logits.extend_from_slice(self.session.step(token)?);
        }
    }

    /// Forgets what has turned out otherwise, and at least the last token, whose logits are wanted again.
    fn rewind(&mut self, all: &[u32]) {
        let same = self.read.iter().zip(all).take_while(|(a, b)| a == b).count().min(all.len() - 1);
        if self.session.truncate(same) {
            self.read.truncate(same);
            return;
        }
        match self.before.take() {
            Some((session, read)) if read <= same => {
                self.session = session;
                self.read.truncate(read);
            }
            _ => {
                self.session = Session::new(self.session.model());
                self.read.clear();
            }
        }
    }
}
