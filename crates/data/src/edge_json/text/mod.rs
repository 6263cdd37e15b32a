//! How is an instance told as a text, in each of the styles?

mod forms;
mod language;
mod sentences;

use std::fmt;

use rand::RngExt;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::instance::{Group, Leaf};
use super::templates::{Chooser, Templates};
use super::values::{Manner, Source, Value};

/// What kind of text an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// `Key: value` forms in several layouts.
    KeyValue,
    /// An e-mail with greeting and signature.
    Email,
    /// Chat messages between two people.
    Chat,
    /// Log lines.
    Log,
    /// Markdown tables.
    MarkdownTable,
    /// Running prose.
    Prose,
    /// Bullet notes in phrases.
    Notes,
}

impl Style {
    /// All styles.
    pub const ALL: [Style; 7] =
        [Style::KeyValue, Style::Email, Style::Chat, Style::Log, Style::MarkdownTable, Style::Prose, Style::Notes];

    /// The name used in files, for instance `key_value`.
    pub fn name(self) -> &'static str {
        match self {
            Style::KeyValue => "key_value",
            Style::Email => "email",
            Style::Chat => "chat",
            Style::Log => "log",
            Style::MarkdownTable => "markdown_table",
            Style::Prose => "prose",
            Style::Notes => "notes",
        }
    }

    /// How often the style is drawn, relative to the others: sentences twice as often as forms.
    pub(crate) fn weight(self) -> u32 {
        if matches!(self, Style::Prose | Style::Email | Style::Chat) { 2 } else { 1 }
    }

    fn is_language(self) -> bool {
        matches!(self, Style::Prose | Style::Email | Style::Chat | Style::Notes)
    }
}

impl fmt::Display for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A leaf as its text shows it.
#[derive(Clone, Debug)]
pub(crate) struct Mention {
    /// JSON pointer into the gold.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests look for every gold leaf in the text"))]
    pub(crate) path: String,
    #[cfg_attr(not(test), expect(dead_code, reason = "tests look for every gold leaf in the text"))]
    pub(crate) shown: String,
}

/// A text with what it was made of.
pub(crate) struct Told {
    pub(crate) text: String,
    pub(crate) templates: Vec<String>,
    pub(crate) templates_seen: bool,
    #[cfg_attr(not(test), expect(dead_code, reason = "tests look for every gold leaf in the text"))]
    pub(crate) mentions: Vec<Mention>,
}

/// What telling depends on besides the instance.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'a> {
    pub(crate) style: Style,
    pub(crate) templates: &'a Templates,
    /// Whether templates kept for the test split may be used.
    pub(crate) unseen: bool,
    /// How likely a text holds sentences that state nothing of the item, 0 to 1.
    pub(crate) noise: f64,
}

/// Tells `group` in the setting's style.
pub(crate) fn tell(group: &Group, setting: Setting, has_currency: bool, source: &mut Source) -> Told {
    let manner = Manner::draw(source.rng, setting.style.is_language(), has_currency);
    let chooser = Chooser::new(setting.templates, setting.unseen);
    let lower = setting.style == Style::Chat && source.rng.random_bool(0.6);
    let mut teller = Teller { source, chooser, manner, mentions: Vec::new(), noise: setting.noise, lower };
    let text = match setting.style {
        Style::KeyValue => teller.key_value(group),
        Style::MarkdownTable => teller.markdown_tables(group),
        Style::Log => teller.log(group),
        Style::Email => teller.email(group),
        Style::Chat => teller.chat(group),
        Style::Prose => teller.prose(group),
        Style::Notes => teller.notes(group),
    };
    let mentions = teller.mentions;
    let (templates, templates_seen) = teller.chooser.finish();
    Told { text, templates, templates_seen, mentions }
}

/// One text in the making.
struct Teller<'a, 'b> {
    source: &'a mut Source<'b>,
    chooser: Chooser<'a>,
    manner: Manner,
    mentions: Vec<Mention>,
    noise: f64,
    /// Sentences start in lower case.
    lower: bool,
}

impl Teller<'_, '_> {
    fn show(&mut self, leaf: &Leaf) -> String {
        let shown = self.manner.show(leaf.concept.kind, &leaf.value, self.source.rng);
        self.mention(leaf, shown.clone());
        shown
    }

    fn mention(&mut self, leaf: &Leaf, shown: String) {
        self.mentions.push(Mention { path: leaf.path.clone(), shown });
    }

    /// A template of a group; groups are never empty for any split.
    fn template(&mut self, groups: &[&str]) -> &'static str {
        self.chooser.pick(self.source.rng, groups, |_| true).unwrap_or("{v}")
    }

    fn chance(&mut self, p: f64) -> bool {
        self.source.rng.random_bool(p)
    }

    fn below(&mut self, n: usize) -> usize {
        self.source.rng.random_range(0..n.max(1))
    }

    fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.source.rng.random_range(0..list.len())]
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        list.shuffle(self.source.rng);
    }

    fn shuffled<'g, T>(&mut self, list: impl Iterator<Item = &'g T>) -> Vec<&'g T> {
        let mut list: Vec<_> = list.collect();
        list.shuffle(self.source.rng);
        list
    }

    fn label(&mut self, labels: &'static str) -> &'static str {
        let index = self.below(labels.split('|').count());
        labels.split('|').nth(index).unwrap_or(labels)
    }

    /// Sentences that state nothing of the item: none, one or, in longer texts, two or three.
    fn noise_sentences(&mut self, long: bool) -> Vec<String> {
        if !self.chance(self.noise) {
            return Vec::new();
        }
        let most = if long { 3 } else { 1 };
        let count = 1 + self.below(most);
        let mut out: Vec<String> = Vec::new();
        for _ in 0..count {
            let group = if self.chance(0.25) { "noise_valued" } else { "noise" };
            let template = self.template(&[group]);
            let template = if template.starts_with('{') { template.to_owned() } else { self.sentence_case(template) };
            let sentence = self.fill_noise(&template);
            if !out.contains(&sentence) {
                out.push(sentence);
            }
        }
        out
    }

    fn fill_noise(&mut self, template: &str) -> String {
        use super::values::Kind;
        let kinds = [
            ("{person}", Kind::Person),
            ("{date}", Kind::Date(3, 40)),
            ("{city}", Kind::City),
            ("{number}", Kind::Int(13, 90, "")),
            ("{company}", Kind::Company),
        ];
        let mut out = template.to_owned();
        for (mark, kind) in kinds {
            if out.contains(mark) {
                let value: Value = self.source.draw(kind);
                out = out.replace(mark, &self.manner.show(kind, &value, self.source.rng));
            }
        }
        out
    }

    /// A text that starts with a word of a template, as this author starts sentences.
    fn sentence_case(&self, text: &str) -> String {
        let keep = ["I ", "Dr. ", "Re:", "I'"].iter().any(|p| text.starts_with(p));
        match text.chars().next() {
            Some(c) if !keep => {
                let first: String = if self.lower { c.to_lowercase().collect() } else { c.to_uppercase().collect() };
                first + &text[c.len_utf8()..]
            }
            _ => text.to_owned(),
        }
    }
}
