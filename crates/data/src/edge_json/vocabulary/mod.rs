//! Which fields exist, what are they called, and how do sentences state them?
//!
//! Schemas of all domains draw their fields from this one vocabulary, so that a model can meet an unseen schema with
//! words it knows. Lists in strings are separated by `|`.

mod compounds;
mod leisure;
mod people;
mod places;
mod services;
mod technology;
mod trade;

use std::collections::HashMap;
use std::sync::LazyLock;

use super::values::Kind;
pub(crate) use compounds::all as compounds;

/// A field as every schema that has it uses it.
#[derive(Debug)]
pub(crate) struct Concept {
    /// The property name in the published schemas.
    pub(crate) key: &'static str,
    pub(crate) kind: Kind,
    /// Other property names, used in training variants of schemas.
    pub(crate) also: &'static str,
    /// What people call it; fits after "the".
    pub(crate) labels: &'static str,
    /// Sentence templates. `{v}` is the value; with `{s}`, the subject, it is a whole sentence, without it a predicate.
    /// Those of booleans are pairs `yes ^ no` without `{v}`.
    pub(crate) says: &'static str,
    /// Short phrases for enumerations, in the same notation.
    pub(crate) frags: &'static str,
    pub(crate) family: Family,
}

/// Which templates may state a concept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Family {
    /// Its own and the general ones.
    Written,
    /// The general ones alone: a compound of a qualifier and a head (`renewal date`).
    Compound,
    /// Those of states: the label is a thing and what is said of it (`seal broken`).
    State,
}

const fn c(
    key: &'static str,
    kind: Kind,
    also: &'static str,
    labels: &'static str,
    says: &'static str,
    frags: &'static str,
) -> Concept {
    Concept { key, kind, also, labels, says, frags, family: Family::Written }
}

static CONCEPTS: LazyLock<HashMap<&'static str, &'static Concept>> =
    LazyLock::new(|| all().map(|c| (c.key, c)).collect());

/// Every concept in the order of the tables.
pub(crate) fn all() -> impl Iterator<Item = &'static Concept> {
    people::CONCEPTS
        .iter()
        .chain(trade::CONCEPTS)
        .chain(technology::CONCEPTS)
        .chain(services::CONCEPTS)
        .chain(leisure::CONCEPTS)
        .chain(places::CONCEPTS)
}

impl Concept {
    /// Everything that a schema or a text may call it.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        let all = [self.key].into_iter().chain(self.also.split('|')).chain(self.labels.split('|'));
        all.filter(|n| !n.is_empty())
    }

    /// Whether it may be called this.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.names().any(|n| is_same_name(n, name))
    }

    /// Whether the two have a name in common: no text could tell them apart in one object.
    pub(crate) fn conflicts(&self, other: &Concept) -> bool {
        other.names().any(|n| self.is_called(n))
    }

    /// Whether a template's own words name the concept, so that its value cannot be taken for another of its kind.
    pub(crate) fn is_named_by(&self, template: &str) -> bool {
        let stem = |word: &str| word.chars().take(4).collect::<String>();
        let parts = self.names().flat_map(|n| n.split([' ', '_', '-']));
        let stems: Vec<_> = parts.map(|word| stem(&word.to_lowercase())).collect();
        let words = template.split(|c: char| !c.is_alphabetic()).map(str::to_lowercase);
        words.filter(|w| w.len() > 2 && !EMPTY_WORDS.contains(&w.as_str())).any(|w| stems.contains(&stem(&w)))
    }
}

/// Whether two names are the same apart from case and from how their words are joined.
pub(crate) fn is_same_name(a: &str, b: &str) -> bool {
    let plain = |b: u8| if b == b'_' || b == b'-' { b' ' } else { b.to_ascii_lowercase() };
    a.len() == b.len() && a.bytes().zip(b.bytes()).all(|(a, b)| plain(a) == plain(b))
}

/// Words that tell nothing of what a value is.
const EMPTY_WORDS: &[&str] = &["the", "has", "was", "with", "for", "from", "and", "number", "date", "name", "code"];

/// The concept of this key.
pub(crate) fn find(key: &str) -> Option<&'static Concept> {
    CONCEPTS.get(key).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_well_formed() {
        assert_eq!(all().count(), CONCEPTS.len(), "a key is used twice");
        for c in all() {
            assert!(c.labels.split('|').all(|l| !l.is_empty()), "{}", c.key);
            for text in c.says.split('|').chain(c.frags.split('|')) {
                if c.kind == Kind::Bool {
                    assert!(text.matches('^').count() == 1 && !text.contains("{v}"), "{}: {text}", c.key);
                } else {
                    assert_eq!(text.matches("{v}").count(), 1, "{}: {text}", c.key);
                }
                assert!(!text.ends_with('.') && text.trim() == text, "{}: {text}", c.key);
            }
            assert!(!c.frags.contains("{s}"), "{}", c.key);
            for name in c.also.split('|').chain([c.key]) {
                assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "{name}");
            }
        }
    }
}
