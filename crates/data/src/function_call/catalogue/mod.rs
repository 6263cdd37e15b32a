//! Which device functions are there, and what do people say who want them?
//!
//! In a template `(a/b)` is a choice of words, `{p}` the parameter's value, and `[...]` a part that is left out when its
//! parameter is not stated. A template that begins with `!` is no command and takes no "could you" before it.

mod home;
mod industrial;
pub(crate) mod paraphrases;
mod vehicle;
mod wearable;

/// One function of the device set.
#[derive(Debug)]
pub(crate) struct Function {
    /// Its name in the published schemas.
    pub(crate) name: &'static str,
    /// Functions that people ask for in like words: they are not offered as each other's wrong choices where that would
    /// make an item ambiguous.
    pub(crate) group: &'static str,
    /// `name:kind` separated by spaces, `?` after the name of an optional one.
    pub(crate) parameters: &'static str,
    /// Utterance templates separated by `|`.
    pub(crate) says: &'static str,
}

/// Where functions run.
pub(crate) const DOMAINS: [(&str, &[Function]); 4] = [
    ("home", home::FUNCTIONS),
    ("vehicle", vehicle::FUNCTIONS),
    ("wearable", wearable::FUNCTIONS),
    ("industrial", industrial::FUNCTIONS),
];
