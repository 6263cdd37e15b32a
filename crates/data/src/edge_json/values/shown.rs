//! How may a text show a value? Every form leads back to the gold: dates name their month or put the day before dots
//! (07.03.2024), thousands are separated by commas, enum values may be said in a listed phrase.

use bantam_core::seed::Rng;
use rand::RngExt;

use super::{Kind, Value, enum_values};

const MONTHS: &str = "January|February|March|April|May|June|July|August|September|October|November|December";
const SMALL: &str = "zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve";

/// How one item's text writes values; drawn once per item, as one author would.
#[derive(Clone, Debug)]
pub(crate) struct Manner {
    /// Sentences (quotes around free text, phrases for enum values) or a form.
    pub(crate) language: bool,
    date: DateForm,
    money: MoneyForm,
    thousands: bool,
    utc: bool,
    /// What stands for true and false.
    bools: (&'static str, &'static str),
}

#[derive(Clone, Copy, Debug)]
enum DateForm {
    Iso,
    MonthFirst,
    DayFirst,
    Dots,
    /// `7 Mar 2024`
    Short,
    /// `7th of March 2024`
    Ordinal,
}

#[derive(Clone, Copy, Debug)]
enum MoneyForm {
    Plain,
    Before(&'static str),
    After(&'static str),
}

impl Manner {
    /// `plain_money`: the schema has a currency field, so amounts stand alone.
    pub(crate) fn draw(rng: &mut Rng, language: bool, plain_money: bool) -> Self {
        let date = match rng.random_range(0..20) {
            0..=9 => DateForm::Iso,
            10..=12 => DateForm::MonthFirst,
            13..=14 => DateForm::DayFirst,
            15..=16 => DateForm::Short,
            17 if language => DateForm::Ordinal,
            _ => DateForm::Dots,
        };
        let forms = [
            MoneyForm::Plain,
            MoneyForm::Before("$"),
            MoneyForm::Before("€"),
            MoneyForm::After(" EUR"),
            MoneyForm::After(" USD"),
            MoneyForm::Before("£"),
        ];
        let drawn = forms[rng.random_range(0..forms.len())];
        let money = if plain_money { MoneyForm::Plain } else { drawn };
        let bools = match rng.random_range(0..10) {
            0..=1 if !language => ("true", "false"),
            2 if !language => ("True", "False"),
            3 if !language => ("Yes", "No"),
            _ => ("yes", "no"),
        };
        Self { language, date, money, thousands: rng.random_bool(0.2), utc: rng.random_bool(0.25), bools }
    }

    /// The value as the text shows it. Booleans come as one word: sentences say them by their own templates.
    pub(crate) fn show(&self, kind: Kind, value: &Value, rng: &mut Rng) -> String {
        match value {
            Value::Text(s) if self.language && matches!(kind, Kind::Text | Kind::Title) => format!("\"{s}\""),
            Value::Text(s) => s.clone(),
            Value::Date(y, m, d) => {
                let month = MONTHS.split('|').nth(*m as usize - 1).unwrap_or_default();
                match self.date {
                    DateForm::Iso => format!("{y}-{m:02}-{d:02}"),
                    DateForm::MonthFirst => format!("{month} {d}, {y}"),
                    DateForm::DayFirst => format!("{d} {month} {y}"),
                    DateForm::Dots => format!("{d:02}.{m:02}.{y}"),
                    DateForm::Short => format!("{d} {} {y}", &month[..3]),
                    DateForm::Ordinal => {
                        let ending = match d {
                            1 | 21 | 31 => "st",
                            2 | 22 => "nd",
                            3 | 23 => "rd",
                            _ => "th",
                        };
                        format!("{d}{ending} of {month} {y}")
                    }
                }
            }
            Value::DateTime(s) if self.utc => {
                // Whole minutes go without their seconds.
                let time = s.strip_suffix(":00Z").unwrap_or(s).trim_end_matches('Z');
                format!("{} UTC", time.replace('T', " "))
            }
            Value::DateTime(s) => s.clone(),
            Value::Number(n) => self.number(kind, n, rng),
            Value::Enum(i) => {
                let plain = enum_values(kind).nth(*i).unwrap_or_default();
                let Kind::Enum(list) = kind else { return plain.to_owned() };
                let phrases: Vec<_> = list.split('|').nth(*i).unwrap_or_default().split('=').skip(1).collect();
                if self.language && !phrases.is_empty() && rng.random_bool(0.4) {
                    phrases[rng.random_range(0..phrases.len())].to_owned()
                } else if self.language || rng.random_bool(0.3) {
                    plain.replace('_', " ")
                } else {
                    plain.to_owned()
                }
            }
            Value::Bool(b) => (if *b { self.bools.0 } else { self.bools.1 }).to_owned(),
            Value::Many(list) => match list.split_last() {
                Some((last, rest)) if self.language && !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
                _ => list.join(", "),
            },
        }
    }

    fn number(&self, kind: Kind, literal: &str, rng: &mut Rng) -> String {
        let grouped = if self.thousands { with_thousands(literal) } else { literal.to_owned() };
        let units = match kind {
            Kind::Money(..) => {
                return match self.money {
                    MoneyForm::Plain => grouped,
                    MoneyForm::Before(symbol) => format!("{symbol}{grouped}"),
                    MoneyForm::After(code) => format!("{grouped}{code}"),
                };
            }
            // Years and status codes have neither unit nor separator.
            Kind::Int(from, _, "") if from >= 100 => return literal.to_owned(),
            Kind::Int(_, _, units) | Kind::Decimal(_, _, _, units) => units,
            _ => "",
        };
        let count = literal.parse::<usize>().ok().filter(|n| (2..=12).contains(n) && self.language);
        if let Some(count) = count
            && matches!(kind, Kind::Int(..))
            && !units.contains('%')
            && rng.random_bool(0.1)
        {
            let word = SMALL.split('|').nth(count).unwrap_or(literal);
            return with_unit(word, units, rng);
        }
        if units.is_empty() || (!self.language && rng.random_bool(0.5)) {
            return grouped;
        }
        with_unit(&grouped, units, rng)
    }
}

fn with_unit(number: &str, units: &'static str, rng: &mut Rng) -> String {
    if units.is_empty() {
        return number.to_owned();
    }
    let unit = units.split('|').nth(rng.random_range(0..units.split('|').count())).unwrap_or_default();
    if unit == "%" { format!("{number}%") } else { format!("{number} {unit}") }
}

fn with_thousands(literal: &str) -> String {
    let (whole, rest) = literal.split_at(literal.find('.').unwrap_or(literal.len()));
    let (sign, digits) = if let Some(d) = whole.strip_prefix('-') { ("-", d) } else { ("", whole) };
    let mut out = String::from(sign);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use bantam_core::seed;

    #[test]
    fn thousands_are_grouped_from_the_right() {
        assert_eq!(with_thousands("1249.00"), "1,249.00");
        assert_eq!(with_thousands("-999"), "-999");
        assert_eq!(with_thousands("1234567"), "1,234,567");
    }

    #[test]
    fn dates_are_shown_in_forms_that_lead_back() {
        let mut rng = seed::rng(1, "shown");
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let manner = Manner::draw(&mut rng, true, false);
            seen.insert(manner.show(Kind::Date(0, 0), &Value::Date(2024, 3, 7), &mut rng));
        }
        let forms = ["07.03.2024", "2024-03-07", "7 Mar 2024", "7 March 2024", "7th of March 2024", "March 7, 2024"];
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), forms);
    }
}
