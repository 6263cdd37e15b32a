//! How is a file of templates read, and how does a template become words?
//!
//! A line is a template: `(a|b)` chooses, `[a]` may be left out, `{slot}` is filled with a value; they nest. The files in
//! `grammar/` are part of the program, so that what is wrong with one is a bug; a test reads them all.

use std::collections::BTreeMap;

use bantam_core::seed::Rng;
use bantam_core::{Error, Result};
use rand::RngExt;

/// How a sentence may be surrounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `!`: a command, as in "could you please ...".
    Command,
    /// `.`: a whole sentence or question.
    Sentence,
}

/// A part of a template.
#[derive(Clone, Debug, PartialEq)]
enum Part {
    Words(String),
    Slot(String),
    Choice(Vec<Vec<Part>>),
}

/// A template.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Template {
    pub(super) form: Form,
    parts: Vec<Part>,
}

/// A list of templates with a label.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) label: String,
    pub(super) description: String,
    pub(super) templates: Vec<Template>,
}

/// A stretch of a text: a slot's value, or words between.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) slot: Option<String>,
}

/// What a file holds.
#[derive(Clone, Debug, Default)]
pub(super) struct Grammar {
    pub(super) sections: Vec<Section>,
    /// What goes before and after a template.
    pub(super) frames: Vec<(Form, Template, Template)>,
    /// Slots and their values.
    pub(super) slots: BTreeMap<String, Vec<String>>,
}

impl Grammar {
    /// Adds what `text` holds; `name` is its file's.
    pub(super) fn read(&mut self, name: &str, text: &str) -> Result<()> {
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            self.line(line).map_err(|what| Error::internal(format_args!("{name}:{}", number + 1), what))?;
        }
        Ok(())
    }

    fn line(&mut self, line: &str) -> Result<(), &'static str> {
        let (head, rest) = line.split_once(' ').ok_or("a lone word")?;
        match head {
            "=" => {
                let (label, description) = rest.split_once(": ").ok_or("a section is `= label: description`")?;
                let (label, description) = (label.to_owned(), description.to_owned());
                self.sections.push(Section { label, description, templates: Vec::new() });
            }
            "!" | "." => {
                let section = self.sections.last_mut().ok_or("a template before any section")?;
                section.templates.push(template(form(head)?, rest)?);
            }
            "frame" => {
                let (kind, rest) = rest.split_once(' ').ok_or("a frame is `frame ! ... * ...`")?;
                let (before, after) = rest.split_once('*').ok_or("a frame has no `*`")?;
                let form = form(kind)?;
                self.frames.push((form, template(form, before)?, template(form, after)?));
            }
            "slot" => {
                let (name, values) = rest.split_once(": ").ok_or("a slot is `slot name: a | b`")?;
                let values: Vec<String> = values.split(" | ").flat_map(|v| spread(v.trim())).collect();
                self.slots.insert(name.to_owned(), values);
            }
            _ => return Err("no line begins so"),
        }
        Ok(())
    }
}

fn form(mark: &str) -> Result<Form, &'static str> {
    match mark {
        "!" => Ok(Form::Command),
        "." => Ok(Form::Sentence),
        _ => Err("a form is `!` or `.`"),
    }
}

/// `1..3 bars` as three values, anything else as itself.
fn spread(value: &str) -> Vec<String> {
    let numbers = || {
        let (range, unit) = value.split_once(' ')?;
        let (from, to) = range.split_once("..")?;
        Some((from.parse::<u32>().ok()?, to.parse::<u32>().ok()?, unit))
    };
    match numbers() {
        Some((from, to, unit)) => (from..=to).map(|n| format!("{n} {unit}")).collect(),
        None => vec![value.to_owned()],
    }
}

fn template(form: Form, text: &str) -> Result<Template, &'static str> {
    let mut rest = text;
    let mut alternatives = sequence(&mut rest)?;
    match (alternatives.pop(), alternatives.is_empty(), rest.is_empty()) {
        (Some(parts), true, true) => Ok(Template { form, parts }),
        _ => Err("`|`, `)` or `]` without its beginning"),
    }
}

/// Alternatives up to a closing bracket or the end.
fn sequence(rest: &mut &str) -> Result<Vec<Vec<Part>>, &'static str> {
    let mut alternatives = vec![Vec::new()];
    loop {
        let end = rest.find(['(', ')', '[', ']', '{', '|']).unwrap_or(rest.len());
        let (words, tail) = rest.split_at(end);
        let here = alternatives.last_mut().ok_or("nothing to choose from")?;
        if !words.is_empty() {
            here.push(Part::Words(words.to_owned()));
        }
        let Some(mark) = tail.chars().next() else {
            *rest = tail;
            return Ok(alternatives);
        };
        *rest = tail;
        if matches!(mark, ')' | ']') {
            return Ok(alternatives);
        }
        *rest = &tail[1..];
        match mark {
            '|' => alternatives.push(Vec::new()),
            '{' => {
                let (name, after) = rest.split_once('}').ok_or("`{` without `}`")?;
                here.push(Part::Slot(name.to_owned()));
                *rest = after;
            }
            _ => {
                let close = if mark == '(' { ')' } else { ']' };
                let mut inner = sequence(rest)?;
                *rest = rest.strip_prefix(close).ok_or("a bracket that is not closed")?;
                if mark == '[' {
                    inner.push(Vec::new());
                }
                here.push(Part::Choice(inner));
            }
        }
    }
}

impl Template {
    /// The slots it may fill, in order.
    pub(super) fn slots(&self) -> Vec<&str> {
        fn collect<'a>(parts: &'a [Part], out: &mut Vec<&'a str>) {
            for part in parts {
                match part {
                    Part::Words(_) => {}
                    Part::Slot(name) => out.push(name),
                    Part::Choice(alternatives) => alternatives.iter().for_each(|a| collect(a, out)),
                }
            }
        }
        let mut out = Vec::new();
        collect(&self.parts, &mut out);
        out
    }

    /// Words and values. `fill` draws a slot's value.
    pub(super) fn tell(&self, rng: &mut Rng, fill: &mut dyn FnMut(&str, &mut Rng) -> String) -> Vec<Piece> {
        fn walk(parts: &[Part], rng: &mut Rng, fill: &mut dyn FnMut(&str, &mut Rng) -> String, out: &mut Vec<Piece>) {
            for part in parts {
                match part {
                    Part::Words(words) => out.push(Piece { text: words.clone(), slot: None }),
                    Part::Slot(name) => out.push(Piece { text: fill(name, rng), slot: Some(name.clone()) }),
                    Part::Choice(alternatives) => {
                        let chosen = rng.random_range(0..alternatives.len());
                        walk(&alternatives[chosen], rng, fill, out);
                    }
                }
            }
        }
        let mut out = Vec::new();
        walk(&self.parts, rng, fill, &mut out);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bantam_core::seed;

    #[test]
    fn choices_nest_and_slots_are_told_apart_from_words() {
        let made = template(Form::Command, "(turn|switch) on [the (big|small)] {room} lamp").unwrap();
        assert_eq!(made.slots(), ["room"]);
        let mut texts = std::collections::BTreeSet::new();
        for i in 0..200 {
            let mut rng = seed::rng(1, &i.to_string());
            let pieces = made.tell(&mut rng, &mut |slot, _| format!("<{slot}>"));
            assert_eq!(pieces.iter().filter(|p| p.slot.as_deref() == Some("room")).count(), 1);
            let text: String = pieces.iter().map(|p| p.text.as_str()).collect();
            texts.insert(text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        assert_eq!(texts.len(), 6);
        assert!(texts.contains("switch on the small <room> lamp") && texts.contains("turn on <room> lamp"));
    }

    #[test]
    fn what_is_no_grammar_is_told() {
        for wrong in ["(a", "a)", "[a", "a|b", "{a", "(a]"] {
            assert!(template(Form::Sentence, wrong).is_err(), "{wrong}");
        }
        for wrong in ["x", "! a", "= a", "frame ! a", "slot a", "? a"] {
            assert!(Grammar::default().read("g", wrong).is_err(), "{wrong}");
        }
        let mut grammar = Grammar::default();
        grammar.read("g", "# c\nslot n: 1..3 bars | off\n").unwrap();
        assert_eq!(grammar.slots["n"], ["1 bars", "2 bars", "3 bars", "off"]);
    }
}
