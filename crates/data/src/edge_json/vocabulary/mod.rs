//! Which fields exist, what are they called, and how do sentences state them?
//!
//! Schemas of all domains draw their fields from this one vocabulary, so that a model can meet an unseen schema with
//! words it knows. Lists in strings are separated by `|`.

mod people;
mod services;
mod technology;
mod trade;

use std::collections::HashMap;
use std::sync::LazyLock;

use super::values::Kind;

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
}

const fn c(
    key: &'static str,
    kind: Kind,
    also: &'static str,
    labels: &'static str,
    says: &'static str,
    frags: &'static str,
) -> Concept {
    Concept { key, kind, also, labels, says, frags }
}

static CONCEPTS: LazyLock<HashMap<&'static str, &'static Concept>> =
    LazyLock::new(|| all().map(|c| (c.key, c)).collect());

/// Every concept in the order of the tables.
pub(crate) fn all() -> impl Iterator<Item = &'static Concept> {
    people::CONCEPTS.iter().chain(trade::CONCEPTS).chain(technology::CONCEPTS).chain(services::CONCEPTS)
}

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
