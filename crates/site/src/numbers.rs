//! How numbers are written, once for every form of the report.

/// A share as a percentage with one decimal: `71.2`.
pub fn percent(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
}

/// A difference of shares in percentage points, signed: `+3.1`, `−0.4`.
pub fn points(difference: f64) -> String {
    let text = format!("{:.1}", 100.0 * difference.abs());
    match difference {
        _ if text == "0.0" => text,
        d if d < 0.0 => format!("−{text}"),
        _ => format!("+{text}"),
    }
}

/// Thousands apart: `1,234,567`.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A size on disk in decimal units: `1.1 MB`.
pub fn bytes(n: u64) -> String {
    match n {
        0..1_000 => format!("{n} B"),
        1_000..1_000_000 => format!("{:.1} kB", n as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", n as f64 / 1e6),
        _ => format!("{:.2} GB", n as f64 / 1e9),
    }
}

/// Three significant digits, in the shorter of plain and scientific form.
pub fn short(value: f64) -> String {
    let magnitude = value.abs();
    if value == 0.0 {
        "0".to_owned()
    } else if !(1e-3..1e6).contains(&magnitude) {
        let text = format!("{value:.2e}");
        // 1.50e-3 -> 1.5e-3
        match text.split_once('e') {
            Some((m, e)) if m.contains('.') => format!("{}e{e}", m.trim_end_matches('0').trim_end_matches('.')),
            _ => text,
        }
    } else {
        let decimals = (2 - magnitude.log10().floor() as i32).clamp(0, 6) as usize;
        let text = format!("{value:.decimals$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    }
}

/// The first sign that a hash is that hash.
pub fn short_hash(hash: &str) -> String {
    hash.chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!([percent(0.7123), percent(1.0), percent(0.0)], ["71.2", "100.0", "0.0"]);
        assert_eq!([points(0.031), points(-0.004), points(-0.0001)], ["+3.1", "−0.4", "0.0"]);
        assert_eq!([thousands(0), thousands(999), thousands(1_234_567)], ["0", "999", "1,234,567"]);
        assert_eq!([bytes(999), bytes(1_100_000), bytes(2_000_000_000)], ["999 B", "1.1 MB", "2.00 GB"]);
        let shorts = [0.0, 0.0015, 0.000_15, 0.05, 6.931, 1234.5, 2.0e7].map(short);
        assert_eq!(shorts, ["0", "0.0015", "1.5e-4", "0.05", "6.93", "1234", "2e7"]);
    }
}
