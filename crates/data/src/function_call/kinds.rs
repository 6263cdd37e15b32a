//! How is a value drawn, how is it said, and what does its schema look like?

use bantam_core::seed::Rng;
use rand::RngExt;
use serde_json::{Value, json};

use super::words::Kind;
use crate::canonical::quoted;
use crate::coined_word::coined_word;

/// A value as the gold has it and as the text shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Drawn {
    /// JSON.
    pub(crate) gold: String,
    pub(crate) shown: String,
}

/// Open words with this place in every five are kept for the test split.
const HELD_OUT: usize = 4;
/// How often a test item draws such a word.
const TEST_WORDS: f64 = 0.5;
/// How often a training item's open word is put together from two.
const COINED: f64 = 0.3;

impl Kind {
    /// The JSON Schema of a parameter of this kind.
    pub(crate) fn schema(self) -> Value {
        match self {
            Self::Open(_) | Self::Code(_) => json!({"type": "string"}),
            Self::Many(_) => json!({"type": "array", "items": {"type": "string"}}),
            Self::Closed(list) => {
                json!({"enum": list.split('|').map(|v| v.split('=').next()).collect::<Vec<_>>()})
            }
            Self::Switch(..) => json!({"type": "boolean"}),
            Self::Integer(..) | Self::Minutes => json!({"type": "integer"}),
            Self::Decimal(..) => json!({"type": "number"}),
            Self::Time => json!({"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]$"}),
        }
    }

    /// Whether two values can be asked for with one "and" between them.
    pub(crate) fn is_listable(self) -> bool {
        matches!(self, Self::Open(_) | Self::Closed(_) | Self::Code(_))
    }

    pub(crate) fn draw(self, rng: &mut Rng, test: bool) -> Drawn {
        match self {
            Self::Open(list) => {
                let word = open_word(list, rng, test);
                Drawn { gold: quoted(&word), shown: word }
            }
            Self::Many(list) => many(list, rng, test),
            Self::Code(pattern) => {
                let code: String = pattern.chars().map(|c| code_character(c, rng)).collect();
                Drawn { gold: quoted(&code), shown: code }
            }
            Self::Closed(list) => {
                let wordings: Vec<&str> = pick(list, rng).split('=').collect();
                let shown = if wordings.len() > 1 && rng.random_bool(0.7) {
                    wordings[rng.random_range(1..wordings.len())].to_owned()
                } else {
                    wordings[0].replace('_', " ")
                };
                Drawn { gold: quoted(wordings[0]), shown }
            }
            Self::Switch(yes, no) => {
                let on = rng.random_bool(0.5);
                Drawn { gold: on.to_string(), shown: pick(if on { yes } else { no }, rng).to_owned() }
            }
            Self::Integer(least, most, step, forms) => {
                let n = least + step * rng.random_range(0..=(most - least) / step);
                let number = if n <= 100 && rng.random_bool(0.15) { in_words(n) } else { n.to_string() };
                Drawn { gold: n.to_string(), shown: said(forms, &number, rng) }
            }
            Self::Decimal(decimals, least, most, step, forms) => {
                let units = least + step * rng.random_range(0..=(most - least) / step);
                let number = decimal(units, decimals);
                Drawn { shown: said(forms, &number, rng), gold: number }
            }
            Self::Minutes => minutes(rng),
            Self::Time => time(rng),
        }
    }
}

pub(crate) fn pick<'a>(list: &'a str, rng: &mut Rng) -> &'a str {
    let count = list.split('|').count();
    list.split('|').nth(rng.random_range(0..count)).unwrap_or(list)
}

/// A word of the list; for training, sometimes one whose letters come from two of them, which only copying gets right.
fn open_word(list: &'static str, rng: &mut Rng, test: bool) -> String {
    let held_out = test && rng.random_bool(TEST_WORDS);
    let words: Vec<&str> =
        list.split('|').enumerate().filter(|(i, _)| (i % 5 == HELD_OUT) == held_out).map(|(_, word)| word).collect();
    let word = words[rng.random_range(0..words.len())];
    if test || !rng.random_bool(COINED) {
        return word.to_owned();
    }
    let (start, last) = word.rsplit_once(' ').map_or(("", word), |(start, last)| (start, last));
    let other = words[rng.random_range(0..words.len())];
    match coined_word(last, other.rsplit(' ').next().unwrap_or(other)) {
        Some(coined) if start.is_empty() => coined,
        Some(coined) => format!("{start} {coined}"),
        None => word.to_owned(),
    }
}

fn many(list: &'static str, rng: &mut Rng, test: bool) -> Drawn {
    let mut words: Vec<String> = Vec::new();
    for _ in 0..rng.random_range(1..=3) {
        let word = open_word(list, rng, test);
        if !words.contains(&word) {
            words.push(word);
        }
    }
    let shown = match &words[..] {
        [init @ .., last] if !init.is_empty() => format!("{} and {last}", init.join(", ")),
        _ => words.concat(),
    };
    Drawn { gold: format!("[{}]", words.iter().map(|w| quoted(w)).collect::<Vec<_>>().join(",")), shown }
}

fn code_character(c: char, rng: &mut Rng) -> char {
    match c {
        '#' => char::from(b'0' + rng.random_range(0..10u8)),
        '@' => char::from(b'A' + rng.random_range(0..26u8)),
        c => c,
    }
}

fn said(forms: &str, number: &str, rng: &mut Rng) -> String {
    // A symbol does not go with words.
    let words = number.starts_with(|c: char| c.is_ascii_alphabetic());
    let fits: Vec<&str> = forms.split('|').filter(|f| !words || !f.contains(['%', '°', '€'])).collect();
    fits[rng.random_range(0..fits.len())].replace("{n}", number)
}

/// The number without zeros at its end, as JSON writes it.
fn decimal(units: i64, decimals: u32) -> String {
    let scale = 10i64.pow(decimals);
    let (whole, rest) = (units / scale, units % scale);
    if rest == 0 {
        return whole.to_string();
    }
    format!("{whole}.{rest:0width$}", width = decimals as usize).trim_end_matches('0').to_owned()
}

fn minutes(rng: &mut Rng) -> Drawn {
    let drawn = |n: i64, shown: &str| Drawn { gold: n.to_string(), shown: shown.to_owned() };
    match rng.random_range(0..12) {
        0 => drawn(30, "half an hour"),
        1 => drawn(60, ["an hour", "one hour", "1 hour"][rng.random_range(0..3)]),
        2 => {
            let hours = rng.random_range(2..=6);
            let number = if rng.random_bool(0.5) { in_words(hours) } else { hours.to_string() };
            drawn(60 * hours, &format!("{number} hours"))
        }
        3 => drawn(90, "an hour and a half"),
        4 => drawn(15, "a quarter of an hour"),
        5 => {
            let n = rng.random_range(2..=59);
            drawn(n, &format!("{} minutes", in_words(n)))
        }
        _ => {
            let n = rng.random_range(2..=90);
            drawn(n, &format!("{n} {}", ["minutes", "min", "minutes"][rng.random_range(0..3)]))
        }
    }
}

fn time(rng: &mut Rng) -> Drawn {
    let (hour, minute) = (rng.random_range(0..24), 5 * rng.random_range(0..12));
    let gold = format!("\"{hour:02}:{minute:02}\"");
    let (twelve, half) = ((hour + 11) % 12 + 1, if hour < 12 { "am" } else { "pm" });
    let day = match hour {
        4..=11 => "in the morning",
        12..=17 => "in the afternoon",
        18..=21 => "in the evening",
        _ => "at night",
    };
    let shown = match (rng.random_range(0..8), minute) {
        (0 | 1, _) => format!("{hour:02}:{minute:02}"),
        (2, 0) => format!("{twelve} {half}"),
        (3, 0) => format!("{} o'clock {day}", in_words(twelve)),
        (4, 30) => format!("half past {} {day}", in_words(twelve)),
        (4, 15) => format!("quarter past {} {day}", in_words(twelve)),
        (5, 0) if hour == 12 => "noon".to_owned(),
        (5, 0) if hour == 0 => "midnight".to_owned(),
        (6, _) => format!("{hour}:{minute:02}"),
        (7, _) => format!("{twelve}:{minute:02} {day}"),
        (_, 0) if rng.random_bool(0.5) => format!("{twelve}{half}"),
        _ => format!("{twelve}:{minute:02} {half}"),
    };
    // `at night` from 22 on and before 4: `12:30 at night` is half past midnight, as said.
    Drawn { gold, shown }
}

/// English words for 0 to 100.
pub(crate) fn in_words(n: i64) -> String {
    const SMALL: [&str; 20] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 10] = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    match usize::try_from(n) {
        Ok(n @ 0..20) => SMALL[n].to_owned(),
        Ok(n @ 20..100) if n % 10 == 0 => TENS[n / 10].to_owned(),
        Ok(n @ 20..100) => format!("{}-{}", TENS[n / 10], SMALL[n % 10]),
        Ok(100) => "one hundred".to_owned(),
        _ => n.to_string(),
    }
}
