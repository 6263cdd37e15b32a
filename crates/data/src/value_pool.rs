//! Which values has a field, and what else could stand there? A field whose values hardly repeat can have any, so it also gets
//! values that nobody has said; of the others the values are to be learned.

use bantam_core::seed::Rng;
use rand::RngExt as _;

use crate::capitalized::capitalized;
use crate::coined_word::coined_word;
use crate::digits;

/// How likely another value of an [open](ValuePool::is_open) field is put together from two values.
const SPLICED: f64 = 0.2;
/// How likely one word of another value of an open field is put together from two words.
const COINED: f64 = 0.15;
/// How likely another value of an open field has other digits.
const OTHER_DIGITS: f64 = 0.5;
/// How likely another value of a field that the caller calls open is made of words of the texts.
const NAMED: f64 = 0.4;

/// The values that a field has in all texts.
#[derive(Default)]
pub(crate) struct ValuePool<'a> {
    /// Each once, in order, after [`Self::sort`].
    values: Vec<String>,
    /// How often a value was said.
    said: usize,
    /// The words that names are made of, where the field was called open.
    names: &'a [&'a str],
}

impl<'a> ValuePool<'a> {
    pub(crate) fn add(&mut self, value: String) {
        self.values.push(value);
        self.said += 1;
    }

    /// To be called once, after the last [`Self::add`].
    pub(crate) fn sort(&mut self) {
        self.values.sort_unstable();
        self.values.dedup();
    }

    /// Calls the field open; names are made of `words`.
    pub(crate) fn open(&mut self, words: &'a [&'a str]) {
        self.names = words;
    }

    /// How many different values there are.
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// How often a value was said.
    pub(crate) fn said(&self) -> usize {
        self.said
    }

    /// Whether the field can have any value, as a name or a title can: then there are many, and most are said once; or some, and
    /// hardly one is said twice. Of the others, such as countries, the values are to be learned.
    fn is_open(&self) -> bool {
        let values = self.values.len();
        let (many, some) = (values >= 60 && 2 * values > self.said, values >= 20 && 10 * values >= 9 * self.said);
        many || some || !self.names.is_empty()
    }

    fn drawn(&self, rng: &mut Rng) -> &str {
        drawn(&self.values, rng)
    }

    /// A number of the pool, as JSON writes it; of an open one, also one with other digits.
    pub(crate) fn other_number(&self, rng: &mut Rng) -> String {
        let number = self.drawn(rng);
        if self.is_open() && rng.random_bool(OTHER_DIGITS) { digits::of_number(number, rng) } else { number.to_owned() }
    }

    /// A value of the pool; of an open one, also the beginning of a value with the end of another, one with a word that no
    /// value has, or one with other digits.
    pub(crate) fn other_value(&self, rng: &mut Rng) -> String {
        if !self.is_open() {
            return self.drawn(rng).to_owned();
        }
        if !self.names.is_empty() && rng.random_bool(NAMED) {
            return name(self.names, rng);
        }
        let value = self.spliced(rng);
        if rng.random_bool(COINED) {
            return self.with_coined_word(&value, rng);
        }
        if rng.random_bool(OTHER_DIGITS) { digits::of_text(&value, rng) } else { value }
    }

    /// The value with half of one of its words exchanged for half of another value's.
    fn with_coined_word(&self, value: &str, rng: &mut Rng) -> String {
        let words: Vec<&str> = value.split(' ').collect();
        let end_of = self.drawn(rng).split(' ').next_back().unwrap_or_default();
        let at = rng.random_range(0..words.len());
        let Some(coined) = coined_word(words[at], end_of) else { return value.to_owned() };
        let word = |(i, word): (usize, &&str)| if i == at { coined.clone() } else { (*word).to_owned() };
        words.iter().enumerate().map(word).collect::<Vec<_>>().join(" ")
    }

    fn spliced(&self, rng: &mut Rng) -> String {
        let one = self.drawn(rng);
        if !rng.random_bool(SPLICED) {
            return one.to_owned();
        }
        let other = self.drawn(rng);
        match (one.split_once(' '), other.rsplit_once(' ')) {
            (Some((first, _)), Some((_, last))) => format!("{first} {last}"),
            _ => one.to_owned(),
        }
    }
}

/// One to three capitalized words, of the texts or coined from them, some behind an article.
fn name(words: &[&str], rng: &mut Rng) -> String {
    let count = rng.random_range(1..=3);
    let mut parts: Vec<String> = if rng.random_bool(0.25) { vec!["The".to_owned()] } else { Vec::new() };
    for _ in 0..count {
        let word = |rng: &mut Rng| drawn(words, rng).trim_matches(|c: char| !c.is_alphabetic());
        let (one, other) = (word(rng), word(rng));
        let word = if rng.random_bool(0.5) { coined_word(one, other) } else { None };
        let word = word.unwrap_or_else(|| one.to_owned()).to_lowercase();
        if !word.is_empty() {
            parts.push(capitalized(&word));
        }
    }
    parts.join(" ")
}

/// One of a pool that is not empty.
pub(crate) fn drawn<'a, T: AsRef<str>>(pool: &'a [T], rng: &mut Rng) -> &'a str {
    pool[rng.random_range(0..pool.len())].as_ref()
}
