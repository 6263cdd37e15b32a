//! Other digits in the places of a value's own: identifiers and numbers that have to be copied, since nobody has said them.

use bantam_core::seed::Rng;
use rand::RngExt;

/// `text` with new digits and letters in its codes: in runs of three or more decimal digits that are no year, and in runs of
/// four or more hexadecimal digits of which one at least is decimal. Everything else stays, upper-case runs too.
pub(crate) fn of_text(text: &str, rng: &mut Rng) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphanumeric()) {
        let length = rest[start..].find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len() - start);
        let (before, run) = (&rest[..start], &rest[start..start + length]);
        out.push_str(before);
        if is_code(run) {
            out.extend(run.chars().map(|c| other(c, rng)))
        } else {
            out.push_str(run)
        }
        rest = &rest[start + length..];
    }
    out + rest
}

/// A number as JSON writes it, with other digits after its first two: of the same size and length, and still written as JSON
/// writes it.
pub(crate) fn of_number(number: &str, rng: &mut Rng) -> String {
    if !number.bytes().all(|b| b.is_ascii_digit() || b == b'-' || b == b'.') {
        return number.to_owned();
    }
    let last = number.len() - 1;
    let is_fraction = number.contains('.');
    let mut seen = 0;
    let digit = |(at, c): (usize, char)| {
        seen += usize::from(c.is_ascii_digit());
        match c.is_ascii_digit() && seen > 2 {
            true if at == last && is_fraction => decimal(1, rng),
            true => decimal(0, rng),
            false => c,
        }
    };
    number.chars().enumerate().map(digit).collect()
}

fn is_code(run: &str) -> bool {
    let decimal = run.bytes().all(|b| b.is_ascii_digit());
    let hexadecimal = run.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let is_year = run.len() == 4 && (run.starts_with("19") || run.starts_with("20"));
    match decimal {
        true => run.len() >= 3 && !is_year,
        false => hexadecimal && run.len() >= 4 && run.bytes().any(|b| b.is_ascii_digit()),
    }
}

fn other(c: char, rng: &mut Rng) -> char {
    if c.is_ascii_digit() { decimal(0, rng) } else { char::from(rng.random_range(b'a'..=b'f')) }
}

fn decimal(least: u8, rng: &mut Rng) -> char {
    char::from(b'0' + rng.random_range(least..=9))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bantam_core::seed;

    #[test]
    fn codes_change_and_keep_their_shape_and_words_and_years_stay() {
        let mut rng = seed::rng(1, "digits");
        let text =
            "INV-2024 for größe 12 faced 48213: bdd640fb-0667-4ad1-9c80-317fa3b1799d, 1998-07-13T00:11:28.676981";
        let shape = |s: &str| s.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect::<String>();
        let other = of_text(text, &mut rng);
        assert_ne!(other, text);
        assert_eq!(other.len(), text.len());
        assert!(
            other.starts_with("INV-2024 for größe 12 faced ") && other.contains(", 1998-07-13T00:11:28."),
            "{other}"
        );
        assert_eq!(shape(&of_text("a 482 b", &mut rng)), "a 000 b");
        assert_eq!(of_text("", &mut rng), "");
    }

    #[test]
    fn numbers_stay_of_their_size_and_as_json_writes_them() {
        let mut rng = seed::rng(1, "digits");
        for number in ["410.77", "-108.153781", "487561.01", "84", "0.5", "7", "529", "-5.27", "1e+30"] {
            for _ in 0..50 {
                let other = of_number(number, &mut rng);
                let value: serde_json::Number = serde_json::from_str(&other).unwrap();
                assert_eq!(value.to_string(), other, "{number}");
                assert_eq!(other.len(), number.len());
                assert_eq!(other[..2.min(other.len())], number[..2.min(number.len())]);
            }
        }
        assert_ne!(of_number("410.77", &mut rng), "410.77");
    }
}
