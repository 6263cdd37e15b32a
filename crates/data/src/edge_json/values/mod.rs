//! What kinds of values are there, how is one drawn, what does the gold say of it and how may a text show it?

pub(crate) mod pools;
mod shown;

use bantam_core::seed::Rng;
use rand::RngExt;
use rand::seq::IndexedRandom;
use serde_json::{Value as Json, json};

use crate::canonical::quoted;
use crate::capitalized::capitalized;
pub(crate) use shown::Manner;

/// What a field holds. Lists in strings are separated by `|`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Person,
    Company,
    Street,
    City,
    Email,
    Phone,
    Url,
    Username,
    Product,
    /// A short sentence or note.
    Text,
    /// A title of two or three words.
    Title,
    Uuid,
    Version,
    Ip,
    /// A path such as `/orders/413`.
    Path,
    /// Shapes: `#` is a digit, `@` a capital letter, `%` a lower-case hexadecimal digit.
    Code(&'static str),
    /// One of a list.
    Pick(&'static str),
    /// Days after the item's base date, from and to.
    Date(i64, i64),
    DateTime,
    Time,
    /// An amount between two whole numbers, with two decimals.
    Money(i64, i64),
    /// From, to, and the units a text may show.
    Int(i64, i64, &'static str),
    /// From and to in units of the last decimal, the number of decimals, units.
    Decimal(i64, i64, u32, &'static str),
    /// Values, each with the phrases a text may show instead: `in_transit=on its way|delivered`.
    Enum(&'static str),
    Bool,
    /// A list of different strings from a list.
    Many(&'static str),
    /// A list of whole numbers between two.
    Series(i64, i64),
}

impl Kind {
    /// Whether a text that says only the value leaves open which of the two it is.
    pub(crate) fn rivals(self, other: Kind) -> bool {
        use Kind::*;
        let class = |kind| match kind {
            Person => 0,
            Company | Pick(_) | Product | Text | Title | City | Street => 1,
            Email => 2,
            Phone => 3,
            Url | Path => 4,
            Username => 5,
            Uuid | Version | Ip | Code(_) => 6,
            Date(..) => 7,
            DateTime => 8,
            Time => 9,
            Money(..) | Int(..) | Decimal(..) => 10,
            Enum(_) => 11,
            Bool => 12,
            Many(_) => 13,
            Series(..) => 14,
        };
        let units = |kind| match kind {
            Int(_, _, units) | Decimal(_, _, _, units) => units,
            _ => "",
        };
        match (self, other) {
            // What an enum may say is in the schema: rivals only where values are the same.
            (Enum(_), Enum(_)) => enum_values(self).any(|v| enum_values(other).any(|o| o == v)),
            (Money(..) | Int(..) | Decimal(..), _) => class(self) == class(other) && units(self) == units(other),
            _ => class(self) == class(other),
        }
    }
}

/// A drawn value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// The gold is the text itself.
    Text(String),
    Date(i64, u32, u32),
    /// `2024-03-07T14:30:00Z`
    DateTime(String),
    /// The number's literal.
    Number(String),
    /// The index of the value.
    Enum(usize),
    Bool(bool),
    Many(Vec<String>),
}

/// How often a word is drawn that is in no list.
const RARE: f64 = 0.08;

/// Draws values for one item.
pub(crate) struct Source<'a> {
    pub(crate) rng: &'a mut Rng,
    /// Whether the words reserved for the test split may be used.
    pub(crate) all_words: bool,
    /// Days since 2021-01-01 around which the item's dates lie.
    pub(crate) base_day: i64,
    /// The person last drawn in this group: e-mail addresses follow the name.
    pub(crate) person: Option<String>,
}

impl<'a> Source<'a> {
    pub(crate) fn new(rng: &'a mut Rng, all_words: bool) -> Self {
        let base_day = rng.random_range(30..1900);
        Self { rng, all_words, base_day, person: None }
    }

    pub(crate) fn draw(&mut self, kind: Kind) -> Value {
        match kind {
            Kind::Person => {
                let name = self.person_name();
                self.person = Some(name.clone());
                Value::Text(name)
            }
            Kind::Company => Value::Text(self.company()),
            Kind::Street => {
                let (name, kind) = (self.word(pools::STREETS), self.word(pools::STREET_KINDS));
                Value::Text(format!("{} {name} {kind}", self.rng.random_range(1..300)))
            }
            Kind::City => Value::Text(self.city()),
            Kind::Email => Value::Text(self.email()),
            Kind::Phone => {
                let shapes = "+## ## ### ####|+## ### #######|(###) ###-####|###-###-####|0### ######";
                Value::Text(self.code(shapes))
            }
            Kind::Url => {
                let (word, path) = (ascii(&self.company_word()), self.word(pools::PATHS));
                Value::Text(match self.rng.random_range(0..3) {
                    0 => format!("https://{word}.example/{path}"),
                    1 => format!("https://www.{word}-{path}.example"),
                    _ => format!("https://{path}.{word}.example"),
                })
            }
            Kind::Username => {
                let (first, last) = (ascii(self.word(pools::FIRST)), ascii(self.word(pools::LAST)));
                Value::Text(match self.rng.random_range(0..3) {
                    0 => format!("{first}_{}", self.rng.random_range(10..99)),
                    1 => format!("{first}.{last}"),
                    _ => format!("{}{last}", &first[..1]),
                })
            }
            Kind::Product => Value::Text(self.product()),
            Kind::Text => {
                let (thing, happened) = (self.word(pools::THINGS), self.word(pools::HAPPENED));
                Value::Text(format!("{} {happened}", capitalized(thing)))
            }
            Kind::Title => {
                let (a, b) = (self.word(pools::TITLE_LIKE), self.word(pools::TITLE_OF));
                let c = self.word(pools::TITLE_ENDS);
                Value::Text(if self.rng.random_bool(0.5) { format!("{a} {b} {c}") } else { format!("{b} {c}") })
            }
            Kind::Uuid => Value::Text(self.code("%%%%%%%%-%%%%-4%%%-a%%%-%%%%%%%%%%%%")),
            Kind::Version => {
                let (a, b, c) = (self.below(12), self.below(30), self.below(20));
                Value::Text(format!("{a}.{b}.{c}"))
            }
            Kind::Ip => Value::Text(format!("10.{}.{}.{}", self.below(256), self.below(256), self.below(256))),
            Kind::Path => Value::Text(format!("/{}/{}", self.word(pools::PATHS), self.rng.random_range(10..9999))),
            Kind::Code(shapes) => Value::Text(self.code(shapes)),
            Kind::Pick(_) if self.rng.random_bool(RARE) => Value::Text(self.rare()),
            Kind::Pick(list) => Value::Text(self.word(list).to_owned()),
            Kind::Date(from, to) => {
                let (y, m, d) = date(self.base_day + self.rng.random_range(from..=to));
                Value::Date(y, m, d)
            }
            Kind::DateTime => {
                let (y, m, d) = date(self.base_day);
                let (hour, minute) = (self.below(24), self.below(60));
                let second = if self.rng.random_bool(0.3) { self.below(60) } else { 0 };
                Value::DateTime(format!("{y}-{m:02}-{d:02}T{hour:02}:{minute:02}:{second:02}Z"))
            }
            Kind::Time => Value::Text(format!("{:02}:{:02}", self.rng.random_range(6..23), 5 * self.below(12))),
            Kind::Money(from, to) => {
                // Small amounts are as common as large ones.
                let (low, high) = ((from as f64).max(1.0).ln(), (to as f64).ln());
                let whole = self.rng.random_range(low..high).exp() as i64;
                let cents = if self.rng.random_bool(0.25) { 0 } else { self.below(100) };
                Value::Number(format!("{whole}.{cents:02}"))
            }
            Kind::Int(from, to, _) => Value::Number(self.rng.random_range(from..=to).to_string()),
            Kind::Decimal(from, to, places, _) => {
                let drawn = self.rng.random_range(from..=to);
                let unit = 10i64.pow(places);
                let sign = if drawn < 0 { "-" } else { "" };
                let (whole, part) = (drawn.abs() / unit, drawn.abs() % unit);
                Value::Number(format!("{sign}{whole}.{part:0width$}", width = places as usize))
            }
            Kind::Enum(list) => Value::Enum(self.rng.random_range(0..list.split('|').count())),
            Kind::Series(from, to) => {
                let count = self.rng.random_range(2..=4);
                Value::Many((0..count).map(|_| self.rng.random_range(from..=to).to_string()).collect())
            }
            Kind::Bool => Value::Bool(self.rng.random_bool(0.5)),
            Kind::Many(list) => {
                let wanted = self.rng.random_range(2..=3);
                let mut found: Vec<String> = Vec::new();
                for _ in 0..20 {
                    let word = self.word(list);
                    if found.len() < wanted && !found.iter().any(|w| w == word) {
                        found.push(word.to_owned());
                    }
                }
                Value::Many(found)
            }
        }
    }

    /// One of the values of an enum that a schema lists, by their numbers.
    pub(crate) fn choose(&mut self, choices: &[usize]) -> Option<Value> {
        choices.choose(self.rng).map(|i| Value::Enum(*i))
    }

    /// What no list and no habit can tell: it has to be copied.
    fn rare(&mut self) -> String {
        match self.rng.random_range(0..4) {
            0 => self.code("@@-###|@#@#@|%%%%%|###.##.#|@@/##"),
            1 => format!("{} {}", self.coined(), self.coined()),
            2 => format!("{} {}", self.coined(), self.rng.random_range(2..900)),
            _ => self.coined(),
        }
    }

    /// One of a list; the reserved words only where the split may have them.
    pub(crate) fn word(&mut self, list: &'static str) -> &'static str {
        let count = list.split('|').count();
        let mut word = list;
        for _ in 0..32 {
            word = list.split('|').nth(self.rng.random_range(0..count)).unwrap_or(list);
            if self.all_words || !is_reserved(word) {
                break;
            }
        }
        word
    }

    pub(crate) fn person_name(&mut self) -> String {
        let first = self.word(pools::FIRST);
        if self.rng.random_bool(0.3) {
            format!("{first} {}", self.coined())
        } else {
            format!("{first} {}", self.word(pools::LAST))
        }
    }

    fn city(&mut self) -> String {
        match self.rng.random_range(0..10) {
            0 => format!("{}ton", self.coined()),
            1 => format!("{}ville", self.coined()),
            _ => self.word(pools::CITIES).to_owned(),
        }
    }

    fn company_word(&mut self) -> String {
        if self.rng.random_bool(0.35) { self.coined() } else { self.word(pools::COMPANY_WORDS).to_owned() }
    }

    fn company(&mut self) -> String {
        let (word, end) = (self.company_word(), self.word(pools::COMPANY_ENDS));
        match self.rng.random_range(0..5) {
            0 => format!("{word} {end} Ltd"),
            1 => format!("{word} & {}", self.word(pools::LAST)),
            _ => format!("{word} {end}"),
        }
    }

    fn product(&mut self) -> String {
        let thing = self.word(pools::PRODUCTS);
        match self.rng.random_range(0..4) {
            0 => format!("{} {} {thing}", self.word(pools::PRODUCT_LIKE), self.word(pools::PRODUCT_OF)),
            1 => format!("{} {thing}", self.word(pools::PRODUCT_OF)),
            2 => format!("{} {thing} {}", self.word(pools::PRODUCT_LIKE), self.rng.random_range(2..90)),
            _ => format!("{} {thing}", self.word(pools::PRODUCT_LIKE)),
        }
    }

    fn email(&mut self) -> String {
        let person = match self.person.clone() {
            Some(p) if self.rng.random_bool(0.8) => p,
            _ => self.person_name(),
        };
        let person = ascii(&person);
        let (first, last) = person.split_once(' ').unwrap_or((&person, "x"));
        let last = last.replace([' ', '\''], "");
        let domain = if self.rng.random_bool(0.4) {
            format!("{}.example", ascii(&self.company_word()))
        } else {
            self.word(pools::DOMAINS).to_owned()
        };
        match self.rng.random_range(0..4) {
            0 => format!("{first}.{last}@{domain}"),
            1 => format!("{}{last}@{domain}", &first[..1]),
            2 => format!("{first}{}@{domain}", self.rng.random_range(2..99)),
            _ => format!("{last}.{}@{domain}", &first[..1]),
        }
    }

    /// A name that no list has.
    fn coined(&mut self) -> String {
        let count = self.rng.random_range(2..=3);
        let name: String = (0..count).map(|_| self.word(pools::SYLLABLES)).collect();
        if !self.rng.random_bool(0.12) {
            return capitalized(&name);
        }
        let letter = |c: char| {
            let row = ACCENTS.iter().find(|row| row.starts_with(c));
            row.and_then(|row| row.chars().skip(1).nth(name.len() % 2)).unwrap_or(c)
        };
        let at = self.rng.random_range(0..name.len());
        capitalized(&name.chars().enumerate().map(|(i, c)| if i >= at { letter(c) } else { c }).collect::<String>())
    }

    fn code(&mut self, shapes: &'static str) -> String {
        let count = shapes.split('|').count();
        let shape = shapes.split('|').nth(self.rng.random_range(0..count)).unwrap_or(shapes);
        let mut out = String::with_capacity(shape.len());
        for c in shape.chars() {
            out.push(match c {
                // No leading zeros: they read as padding.
                '#' if !out.ends_with(|c: char| c.is_ascii_digit()) => char::from(b'1' + self.below(9) as u8),
                '#' => char::from(b'0' + self.below(10) as u8),
                '@' => char::from(b'A' + self.below(26) as u8),
                '%' => char::from_digit(self.below(16) as u32, 16).unwrap_or('0'),
                c => c,
            });
        }
        out
    }

    fn below(&mut self, n: i64) -> i64 {
        self.rng.random_range(0..n)
    }
}

/// The words of the test split: a fifth of every list, chosen by the word itself (FNV-1a).
pub(crate) fn is_reserved(word: &str) -> bool {
    let hash = word.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    (hash >> 32) % 5 == 0 && word.len() > 3
}

/// The gold's JSON text of a value.
pub(crate) fn gold(kind: Kind, value: &Value) -> String {
    match value {
        Value::Text(s) | Value::DateTime(s) => quoted(s),
        Value::Date(y, m, d) => format!("\"{y}-{m:02}-{d:02}\""),
        Value::Number(n) => n.clone(),
        Value::Enum(i) => quoted(enum_values(kind).nth(*i).unwrap_or_default()),
        Value::Bool(b) => b.to_string(),
        Value::Many(list) if matches!(kind, Kind::Series(..)) => format!("[{}]", list.join(",")),
        Value::Many(list) => format!("[{}]", list.iter().map(|s| quoted(s)).collect::<Vec<_>>().join(",")),
    }
}

/// The schema of a kind; of an enum only the values that `choices` names, or all if it names none.
pub(crate) fn schema(kind: Kind, choices: &[usize]) -> Json {
    match kind {
        Kind::Email => json!({"type": "string", "format": "email"}),
        Kind::Url => json!({"type": "string", "format": "uri"}),
        Kind::Uuid => json!({"type": "string", "format": "uuid"}),
        Kind::Date(..) => json!({"type": "string", "format": "date"}),
        Kind::DateTime => json!({"type": "string", "format": "date-time"}),
        Kind::Money(..) => json!({"type": "number", "minimum": 0}),
        Kind::Int(from, ..) if from >= 0 => json!({"type": "integer", "minimum": 0}),
        Kind::Int(..) => json!({"type": "integer"}),
        Kind::Decimal(..) => json!({"type": "number"}),
        Kind::Enum(_) if choices.is_empty() => json!({"type": "string", "enum": enum_values(kind).collect::<Vec<_>>()}),
        Kind::Enum(_) => {
            let chosen: Vec<_> = choices.iter().filter_map(|i| enum_values(kind).nth(*i)).collect();
            json!({"type": "string", "enum": chosen})
        }
        Kind::Series(..) => json!({"type": "array", "items": {"type": "integer"}, "minItems": 1}),
        Kind::Bool => json!({"type": "boolean"}),
        Kind::Many(_) => json!({"type": "array", "items": {"type": "string"}, "minItems": 1}),
        _ => json!({"type": "string"}),
    }
}

pub(crate) fn enum_values(kind: Kind) -> impl Iterator<Item = &'static str> {
    let list = if let Kind::Enum(list) = kind { list } else { "" };
    list.split('|').map(|part| part.split('=').next().unwrap_or_default())
}

/// Year, month and day of a day counted from 2021-01-01 (proleptic Gregorian).
fn date(mut day: i64) -> (i64, u32, u32) {
    let mut year = 2021;
    let leap = |y: i64| (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    let length = |y: i64| if leap(y) { 366 } else { 365 };
    while day < 0 {
        year -= 1;
        day += length(year);
    }
    while day >= length(year) {
        day -= length(year);
        year += 1;
    }
    for month in 1..=12u32 {
        let days = match month {
            2 if leap(year) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        if day < days {
            return (year, month, day as u32 + 1);
        }
        day -= days;
    }
    (year, 12, 31)
}

/// Letters, each with those that are it with an accent.
const ACCENTS: [&str; 10] = ["aáàåäã", "eéèëę", "iíî", "oóöøõ", "uúü", "cčç", "nñń", "sšś", "zžż", "lł"];

/// Lower-case ASCII for addresses: accents are dropped.
fn ascii(text: &str) -> String {
    let plain = |c: char| ACCENTS.iter().find(|row| row.contains(c)).and_then(|row| row.chars().next()).unwrap_or(c);
    text.to_lowercase().chars().map(plain).filter(|c| c.is_ascii() && *c != '\'').collect()
}

/// The words of a property name in lower case, however it is written: `order_id`, `orderId`, `OrderId`, `order-id`.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut out: Vec<String> = vec![String::new()];
    let mut after_lower = false;
    for c in name.chars() {
        let gap = matches!(c, '_' | '-' | ' ');
        if (gap || (c.is_uppercase() && after_lower)) && out.last().is_some_and(|w| !w.is_empty()) {
            out.push(String::new());
        }
        if let Some(word) = out.last_mut().filter(|_| !gap) {
            word.extend(c.to_lowercase());
        }
        after_lower = c.is_lowercase() || c.is_ascii_digit();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use bantam_core::seed;

    #[test]
    fn days_become_dates() {
        assert_eq!(date(0), (2021, 1, 1));
        assert_eq!(date(-1), (2020, 12, 31));
        assert_eq!(date(31 + 28), (2021, 3, 1));
        assert_eq!(date(3 * 365 + 31 + 28), (2024, 2, 29));
        assert_eq!(date(3 * 365 + 366), (2025, 1, 1));
    }

    #[test]
    fn reserved_words_never_reach_the_training_splits() {
        let mut rng = seed::rng(1, "t");
        let mut source = Source::new(&mut rng, false);
        let drawn: Vec<_> = (0..500).map(|_| source.word(pools::CITIES)).collect();
        assert!(drawn.iter().all(|w| !is_reserved(w)));
        source.all_words = true;
        assert!((0..500).any(|_| is_reserved(source.word(pools::CITIES))));
        for list in [pools::FIRST, pools::LAST, pools::CITIES, pools::PRODUCTS, pools::THINGS] {
            let share = list.split('|').filter(|w| is_reserved(w)).count() as f64 / list.split('|').count() as f64;
            assert!((0.08..0.35).contains(&share), "{share}");
        }
    }

    #[test]
    fn numbers_keep_their_decimals() {
        let mut rng = seed::rng(1, "t");
        let mut source = Source::new(&mut rng, true);
        for _ in 0..200 {
            let Value::Number(n) = source.draw(Kind::Decimal(-95, 95, 1, "")) else { panic!() };
            assert!(n.parse::<f64>().unwrap().abs() <= 9.5 && n.contains('.'), "{n}");
            let Value::Number(n) = source.draw(Kind::Money(2, 900)) else { panic!() };
            assert_eq!(n.split_once('.').unwrap().1.len(), 2);
        }
    }
}
