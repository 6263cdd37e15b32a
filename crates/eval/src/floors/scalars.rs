//! A text read as the scalar that the schema asks for; `None` if it is not of that type.

use serde_json::Value;

use super::lines::spoken;
use crate::json::{self, Json};

/// The enum value that the text spells: letter for letter, else apart from case and `_`.
pub(super) fn one_of(text: &str, values: &[Value]) -> Option<Json> {
    let spelled = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    let wanted = spoken(text);
    let exact = values.iter().find(|v| spelled(v) == text);
    exact.or(values.iter().find(|v| spoken(&spelled(v)) == wanted)).and_then(|v| json::parse(&v.to_string()).ok())
}

/// `true` and `yes`, `false` and `no`.
pub(super) fn boolean(text: &str) -> Option<Json> {
    match text.trim_end_matches('.').to_lowercase().as_str() {
        "true" | "yes" => Some(Json::Bool(true)),
        "false" | "no" => Some(Json::Bool(false)),
        _ => None,
    }
}

/// A number as written, or with a currency or unit around it and commas between thousands.
pub(super) fn number(text: &str) -> Option<Json> {
    let plain = |t: &str| json::parse(t).ok().filter(|v| matches!(v, Json::Number(_)));
    plain(text).or_else(|| {
        let start = text.find(|c: char| c.is_ascii_digit())?;
        let start = if text[..start].ends_with('-') { start - 1 } else { start };
        let part = &text[start..];
        let end = part.find(|c: char| !(c.is_ascii_digit() || ".,-".contains(c))).unwrap_or(part.len());
        plain(&part[..end].trim_end_matches(['.', ',', '-']).replace(',', ""))
    })
}

/// `19.11.2022`, `19 November 2022` and `November 19, 2022` as `2022-11-19`.
pub(super) fn date(text: &str) -> Option<String> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let parts: Vec<&str> = text.split([' ', ',', '.']).filter(|p| !p.is_empty()).collect();
    let [first, second, year] = parts[..] else { return None };
    let month_named = |name: &str| MONTHS.iter().position(|m| name.get(..3).is_some_and(|n| n.eq_ignore_ascii_case(m)));
    let (day, month) = match (month_named(first), month_named(second)) {
        (Some(month), _) => (second, month + 1),
        (None, Some(month)) => (first, month + 1),
        _ if text.contains('.') => (first, second.parse().ok()?),
        _ => return None,
    };
    let (day, year): (usize, usize) = (day.parse().ok()?, year.parse().ok()?);
    let possible = (1..=31).contains(&day) && (1..=12).contains(&month) && (1000..=9999).contains(&year);
    possible.then(|| format!("{year}-{month:02}-{day:02}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_typed() {
        let n = |t: &str| number(t).map(|v| v.to_string());
        assert_eq!(n("$1,200.50").as_deref(), Some("1200.5"));
        assert_eq!([n("-3 °C").as_deref(), n("7.").as_deref(), n("none").as_deref()], [Some("-3"), Some("7"), None]);
        assert_eq!(boolean("Yes."), Some(Json::Bool(true)));
        assert_eq!(boolean("perhaps"), None);
        assert_eq!(
            one_of("In Progress", &["in_progress".into(), "done".into()]),
            Some(Json::String("in_progress".into()))
        );
        assert_eq!(one_of("gone", &["done".into()]), None);
        for text in ["19.11.2022", "19 November 2022", "Nov 19, 2022"] {
            assert_eq!(date(text).as_deref(), Some("2022-11-19"), "{text}");
        }
        assert_eq!([date("2022-11-19"), date("soon"), date("40.1.2022"), date("é 1 2022")], [None, None, None, None]);
    }
}
