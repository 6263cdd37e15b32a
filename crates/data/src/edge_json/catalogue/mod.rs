//! Which schemas does the generator publish? Sixty-four over real domains: twenty-two simple, twenty-two medium, twenty complex.

mod complex;
mod medium;
mod simple;

use crate::item::Level;

/// A published schema as its author writes it.
#[derive(Debug)]
pub(crate) struct Domain {
    pub(crate) id: &'static str,
    pub(crate) level: Level,
    pub(crate) title: &'static str,
    /// What a text calls the whole; alternatives separated by `|`.
    pub(crate) nouns: &'static str,
    pub(crate) members: &'static [Member],
}

/// A property of a domain's object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    /// The property name; for leaves the concept's key unless renamed.
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) optional: bool,
}

/// What a property holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// A concept of the vocabulary, by key.
    Leaf(&'static str),
    Object {
        nouns: &'static str,
        members: &'static [Member],
    },
    /// Objects in an array; the nouns name one of them.
    List {
        nouns: &'static str,
        members: &'static [Member],
    },
}

/// A required field.
const fn r(key: &'static str) -> Member {
    Member { name: key, shape: Shape::Leaf(key), optional: false }
}

/// A field that may be absent.
const fn o(key: &'static str) -> Member {
    Member { name: key, shape: Shape::Leaf(key), optional: true }
}

/// A required field under another property name.
const fn named(name: &'static str, key: &'static str) -> Member {
    Member { name, shape: Shape::Leaf(key), optional: false }
}

const fn object(name: &'static str, nouns: &'static str, members: &'static [Member]) -> Member {
    Member { name, shape: Shape::Object { nouns, members }, optional: false }
}

const fn list(name: &'static str, nouns: &'static str, members: &'static [Member]) -> Member {
    Member { name, shape: Shape::List { nouns, members }, optional: false }
}

/// Every domain, by level and then in the order of the tables.
pub(crate) fn all() -> impl Iterator<Item = &'static Domain> {
    simple::DOMAINS.iter().chain(medium::DOMAINS).chain(complex::DOMAINS)
}
