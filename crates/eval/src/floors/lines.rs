//! A text as the rule sees it: lines with an indent and, where a key of the schema stands before a separator, key and value.

use std::collections::BTreeSet;

/// One line of the text, or one "Key: value" of several on it.
#[derive(Clone)]
pub(super) struct Line {
    /// White space before the line.
    pub(super) indent: usize,
    /// As [`spoken`]; empty if no separator stands in the line.
    pub(super) key: String,
    /// What follows the separator.
    pub(super) value: String,
    /// The whole line, trimmed.
    pub(super) text: String,
}

/// What may stand between key and value.
const SEPARATORS: [&str; 6] = [":", "->", "→", "=", " - ", "|"];

/// A key as it is said: `order_id`, `orderId`, `Order Id` and `order.id` are all "order id".
pub(super) fn spoken(key: &str) -> String {
    let mut out = String::new();
    let mut after_lower = false;
    for c in key.chars() {
        let gap = c.is_whitespace() || "_-.,/".contains(c);
        if (gap || (after_lower && c.is_uppercase())) && !out.is_empty() && !out.ends_with(' ') {
            out.push(' ');
        }
        if !gap {
            out.extend(c.to_lowercase());
        }
        after_lower = c.is_lowercase();
    }
    out.truncate(out.trim_end().len());
    out
}

/// Splits the text into lines, and a line with several known keys ("Order Id: 7, Status: open") into one for each.
pub(super) fn lines(text: &str, keys: &BTreeSet<String>) -> Vec<Line> {
    let mut out = Vec::new();
    for line in text.lines() {
        let mut starts = vec![0];
        starts.extend(key_starts(line, keys));
        starts.push(line.len());
        let indent = line.len() - line.trim_start().len();
        for span in starts.windows(2) {
            let mut part = &line[span[0]..span[1]];
            if starts.len() > 2 {
                part = part.trim_end().trim_end_matches([',', ';', '|', '(']);
            }
            let (key, value) = split(part, keys);
            out.push(Line { indent, key, value, text: part.trim().to_owned() });
        }
    }
    out
}

/// Where known keys begin within a line: before a colon and after punctuation, or before an equals sign.
fn key_starts(line: &str, keys: &BTreeSet<String>) -> Vec<usize> {
    // One byte for one, so that offsets stay.
    let lower: String = line.to_ascii_lowercase().replace(['_', '.'], " ");
    let mut found = Vec::new();
    for (at, separator) in lower.match_indices([':', '=']) {
        if keys.contains(&bare_key(&line[..at])) {
            continue; // "Driver, Name: ..." is one key
        }
        let starts_key = |key: &&String| {
            let Some(head) = lower[..at].strip_suffix(key.as_str()).filter(|head| head.ends_with(' ')) else {
                return false;
            };
            // Full stops are blanks in `lower`.
            let before = line[..head.len()].trim_end();
            separator == "=" || before.ends_with([',', ';', '|', '.', ':', '('])
        };
        found.extend(keys.iter().filter(starts_key).map(|key| at - key.len()).min());
    }
    found.dedup();
    found
}

/// A line without the signs of a list or a heading before it.
fn without_marks(line: &str) -> &str {
    line.trim_start_matches(|c: char| c.is_whitespace() || "-*•>#|+".contains(c))
}

fn bare_key(text: &str) -> String {
    spoken(without_marks(text).trim_matches(|c: char| c.is_whitespace() || c == '*'))
}

/// Key and value of a part: at the first separator that a known key stands before, else at the first colon.
fn split(part: &str, keys: &BTreeSet<String>) -> (String, String) {
    let known = SEPARATORS.iter().filter_map(|separator| {
        let (key, value) = without_marks(part).split_once(separator)?;
        let key = bare_key(key);
        keys.contains(&key).then_some((key, value))
    });
    let (key, value) = known
        .min_by_key(|(key, _)| key.len())
        .or_else(|| {
            let (key, value) = without_marks(part).split_once(':')?;
            Some((bare_key(key), value))
        })
        .unwrap_or_default();
    let value = value.trim_start_matches('*').trim().trim_end_matches('|').trim_end();
    let unquoted = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).filter(|v| !v.contains('"'));
    (key, unquoted.unwrap_or(value).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_however_they_are_set() {
        let keys: BTreeSet<String> = ["order id", "total", "driver name", "name"].map(str::to_owned).into();
        let pairs = |text: &str| -> Vec<(String, String)> {
            lines(text, &keys).into_iter().filter(|l| keys.contains(&l.key)).map(|l| (l.key, l.value)).collect()
        };
        let pair = |k: &str, v: &str| (k.to_owned(), v.to_owned());
        for text in
            ["Order Id: 7: a", "order_id = 7: a", "- **Order Id:** 7: a", "* Order Id -> 7: a", "- Order id - 7: a"]
        {
            assert_eq!(pairs(text), [pair("order id", "7: a")], "{text}");
        }
        let log = "2024-01-01T00:00:00Z INFO shop order_id=7 driver.name=\"Mara de Vries\" total=3.5";
        assert_eq!(pairs(log), [pair("order id", "7"), pair("driver name", "Mara de Vries"), pair("total", "3.5")]);
        assert_eq!(pairs("Thanks. Order Id: 7, Total: 3."), [pair("order id", "7"), pair("total", "3.")]);
        assert_eq!(pairs("Driver, name: x"), [pair("driver name", "x")]);
        assert_eq!(pairs("| Order Id | 7 |\n|---|---|\n| Total | 3 |"), [pair("order id", "7"), pair("total", "3")]);
        assert!(pairs("a total of 3 - or 4").is_empty());
        assert_eq!(pairs("ÀÉ İ. Name: ß"), [pair("name", "ß")]);
    }
}
