//! How do prose, e-mails, chats and notes tell a group of values?

use super::super::instance::{Group, Leaf, Node};
use super::super::values::{Kind, pools, words};
use super::super::vocabulary::Family;
use super::Teller;
use super::sentences::{ordinal, with_state};
use crate::capitalized::capitalized;

impl Teller<'_, '_> {
    pub(super) fn prose(&mut self, group: &Group) -> String {
        let subject = self.root_subject(group);
        let mut blocks = self.blocks(group, &subject, true);
        self.shuffle(&mut blocks);
        self.add_noise(group, &mut blocks);
        if self.chance(0.4) {
            let template = self.template(&["prose_opening"]);
            blocks.insert(0, vec![self.filled(template, "", "", &subject)]);
        }
        let paragraphs = if blocks.len() > 7 { 2 } else { 1 };
        let size = blocks.len().div_ceil(paragraphs);
        let paragraphs: Vec<_> = blocks.chunks(size.max(1)).map(|b| running(&b.concat())).collect();
        paragraphs.join("\n\n")
    }

    pub(super) fn email(&mut self, group: &Group) -> String {
        let subject = self.root_subject(group);
        let mut out = String::new();
        if self.chance(0.6) {
            let template = self.template(&["email_subject"]);
            let line = self.sentence_case(&template.replace("{n}", group.noun));
            out.push_str(&format!("Subject: {line}\n\n"));
        }
        let greeting = self.template(&["email_greeting"]).replace("{p}", self.source.word(pools::FIRST));
        out.push_str(&greeting);
        out.push_str("\n\n");
        let mut blocks = self.blocks(group, &subject, true);
        self.shuffle(&mut blocks);
        self.add_noise(group, &mut blocks);
        if self.chance(0.55) {
            let template = self.template(&["email_opening"]);
            blocks.insert(0, vec![self.filled(template, "", "", &subject)]);
        }
        let paragraphs = if blocks.len() > 4 { 2 } else { 1 };
        let size = blocks.len().div_ceil(paragraphs);
        for part in blocks.chunks(size.max(1)) {
            out.push_str(&running(&part.concat()));
            out.push_str("\n\n");
        }
        if self.chance(0.35) {
            let template = self.template(&["email_ending"]);
            out.push_str(&running(&[template.to_owned()]));
            out.push_str("\n\n");
        }
        out.push_str(self.template(&["email_closing"]));
        out.push('\n');
        out.push_str(self.source.word(pools::FIRST));
        out
    }

    pub(super) fn chat(&mut self, group: &Group) -> String {
        let subject = self.root_subject(group);
        let (asking, telling) = (self.source.word(pools::FIRST), self.source.word(pools::FIRST));
        let telling = if asking == telling { "Guest" } else { telling };
        let (mut asked, mut told) = (Vec::new(), Vec::new());
        for leaf in self.shuffled(group.nodes.iter()).into_iter().filter_map(leaf_of) {
            if self.chance(0.4) { asked.push(leaf) } else { told.push(leaf) }
        }
        // The root without the leaves that get a question of their own.
        let mut rest = group.clone();
        rest.nodes.retain(|n| leaf_of(n).is_none_or(|l| told.iter().any(|t| t.path == l.path)));
        let mut blocks: Vec<Vec<String>> = Vec::new();
        for block in self.blocks(&rest, &subject, true) {
            // One or two sentences to a message.
            let size = 1 + self.below(2);
            blocks.push(block.chunks(size).map(|part| format!("{telling}: {}", self.message(part))).collect());
        }
        for leaf in asked {
            blocks.push(self.question(leaf, &subject, asking, telling));
        }
        for sentence in self.noise_sentences(group.nodes.len() > 6) {
            let name = self.one_of(&[asking, telling]);
            blocks.push(vec![format!("{name}: {}", self.message(&[sentence]))]);
        }
        self.shuffle(&mut blocks);
        if self.chance(0.5) {
            let template = self.template(&["chat_opening"]);
            blocks.insert(0, vec![format!("{telling}: {}", self.filled(template, "", "", &subject))]);
        }
        let mut lines: Vec<String> = Vec::new();
        for block in blocks {
            if !lines.is_empty() && self.chance(0.15) {
                lines.push(format!("{asking}: {}", self.template(&["chat_ack"])));
            }
            lines.extend(block);
        }
        lines.join("\n")
    }

    pub(super) fn notes(&mut self, group: &Group) -> String {
        let mut lines: Vec<Vec<String>> = Vec::new();
        let leaves: Vec<_> = self.shuffled(group.nodes.iter()).into_iter().filter_map(leaf_of).collect();
        let bullet = self.one_of(&["- ", "* ", "+ ", ""]);
        let mut rest = &leaves[..];
        while !rest.is_empty() {
            let size = self.one_of(&[1, 1, 1, 2]).min(rest.len());
            lines.push(vec![format!("{bullet}{}", self.phrases(&rest[..size]).join("; "))]);
            rest = &rest[size..];
        }
        for node in &group.nodes {
            match node {
                Node::Leaf(_) => {}
                Node::Object(inner) => lines.push(self.note(inner, inner.noun, bullet)),
                Node::List(_, entries) => {
                    let count = entries.len();
                    let one = |(i, e): (usize, &Group)| (format!("{} {}", ordinal(i, count), e.noun), e.clone());
                    let named: Vec<_> = entries.iter().enumerate().map(one).collect();
                    lines.push(named.iter().flat_map(|(name, entry)| self.note(entry, name, bullet)).collect());
                }
            }
        }
        for sentence in self.noise_sentences(group.nodes.len() > 6) {
            lines.push(vec![format!("{bullet}{sentence}")]);
        }
        self.shuffle(&mut lines);
        if self.chance(0.7) {
            let heading = self.template(&["notes_heading"]).replace("{n}", group.noun);
            lines.insert(0, vec![self.sentence_case(&heading)]);
        }
        lines.concat().join("\n")
    }

    /// Lines of notes about a nested object.
    fn note(&mut self, group: &Group, name: &str, bullet: &str) -> Vec<String> {
        let leaves: Vec<_> = self.shuffled(group.nodes.iter()).into_iter().filter_map(leaf_of).collect();
        let mut lines = vec![format!("{bullet}{name}: {}", self.phrases(&leaves).join("; "))];
        for node in &group.nodes {
            if let Node::Object(inner) = node {
                lines.extend(self.note(inner, &format!("{name}'s {}", inner.noun), bullet));
            }
        }
        if self.chance(0.5) {
            lines.reverse();
        }
        lines
    }

    fn question(&mut self, leaf: &Leaf, subject: &str, asking: &str, telling: &str) -> Vec<String> {
        let label = self.label(leaf.concept.labels);
        let group = match leaf.concept.family {
            Family::State => "chat_state_question",
            _ if leaf.concept.kind == Kind::Bool => "chat_bool_question",
            _ => "chat_question",
        };
        let question = with_state(self.template(&[group]), label);
        let question = self.filled(&question, "", label, subject);
        let shown = self.show(leaf);
        let answer = self.chat_answer(leaf);
        let answer = self.with_wrong(answer, leaf, &shown);
        vec![format!("{asking}: {question}"), format!("{telling}: {}", self.filled(&answer, &shown, "", ""))]
    }

    /// An answer; no wrong value beside yes or no and beside lists.
    fn chat_answer(&mut self, leaf: &Leaf) -> &'static str {
        let plain = matches!(leaf.concept.kind, Kind::Bool | Kind::Many(_) | Kind::Series(..) | Kind::Enum(_));
        let fits = |text: &str| !plain || !text.contains("{w}");
        self.chooser.pick(self.source.rng, &["chat_answer"], fits).unwrap_or("{v}")
    }

    /// Sentences as one chat message: the last full stop is often left out.
    fn message(&mut self, sentences: &[String]) -> String {
        let text = running(sentences);
        match text.strip_suffix('.') {
            Some(bare) if self.chance(0.6) => bare.to_owned(),
            _ => text,
        }
    }

    fn add_noise(&mut self, group: &Group, blocks: &mut Vec<Vec<String>>) {
        for sentence in self.noise_sentences(group.nodes.len() > 6) {
            let at = self.below(blocks.len() + 1);
            blocks.insert(at, vec![sentence]);
        }
    }
}

/// Sentences with their full stops.
fn running(sentences: &[String]) -> String {
    let mut out = String::new();
    for sentence in sentences {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(sentence);
        if !sentence.ends_with(['.', '?', '!', ':']) {
            out.push('.');
        }
    }
    out
}

fn leaf_of(node: &Node) -> Option<&Leaf> {
    if let Node::Leaf(leaf) = node { Some(leaf) } else { None }
}

/// A heading in upper case at word starts.
pub(super) fn title_case(text: &str) -> String {
    words(text).iter().map(|w| capitalized(w)).collect::<Vec<_>>().join(" ")
}
