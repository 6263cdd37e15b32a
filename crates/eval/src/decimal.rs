//! A JSON number as the exact decimal it states.

use std::fmt;

/// An exact decimal, `±0.d1d2d3... × 10^exponent`, normalized so that equal values are equal structures:
/// `1`, `1.0` and `1e0` are one value, `-0` is `0`. Memory is bounded by the digits in the text, never by the exponent.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal {
    negative: bool,
    /// Position of the decimal point relative to the first digit; 0 for zero.
    exponent: i64,
    /// ASCII digits without leading or trailing zeros; empty for zero.
    digits: String,
}

impl Decimal {
    /// Reads a number that already has the form RFC 8259 section 6 asks for.
    /// `None` if its exponent leaves the range of `i64` (a limit that section permits).
    pub(crate) fn from_literal(literal: &str) -> Option<Self> {
        let (negative, rest) = match literal.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, literal),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent),
            None => (rest, "0"),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let digits = all.trim_start_matches('0');
        if digits.is_empty() {
            return Some(Self { negative: false, exponent: 0, digits: String::new() });
        }
        let leading_zeros = all.len() - digits.len();
        let digits = digits.trim_end_matches('0').to_owned();
        let point = i64::try_from(whole.len()).ok()?.checked_sub(i64::try_from(leading_zeros).ok()?)?;
        Some(Self { negative, exponent: exponent.parse::<i64>().ok()?.checked_add(point)?, digits })
    }

    /// Whether the value has no fractional part.
    pub fn is_integer(&self) -> bool {
        self.digits.is_empty() || i64::try_from(self.digits.len()).is_ok_and(|n| n <= self.exponent)
    }

    /// The value as a `serde_json` number, for checking against a schema: exact for integers in the range of `i64`
    /// and `u64`, otherwise the nearest finite `f64`. Rounding is not allowed to change what `type` sees or the sign:
    /// magnitudes beyond `f64` saturate at its limits, a non-zero value never becomes 0, and a fraction near an
    /// integer moves to the nearest `f64` that is not an integer (above 2^52 there is none and the integer stays).
    pub fn to_number(&self) -> serde_json::Number {
        if self.is_integer() && self.exponent <= 20 {
            let whole = self.whole_digits();
            if let Ok(v) = whole.parse::<i64>() {
                return v.into();
            }
            if let Ok(v) = whole.parse::<u64>() {
                return v.into();
            }
        }
        let nearest: f64 = self.to_string().parse().unwrap_or(0.0);
        let mut value = nearest.clamp(f64::MIN, f64::MAX);
        if !self.is_integer() && value.fract() == 0.0 && value.abs() < (1u64 << 52) as f64 {
            value = match value {
                0.0 if self.negative => -f64::from_bits(1),
                0.0 => f64::from_bits(1),
                v => f64::from_bits(v.to_bits() - 1), // one step towards zero
            };
        }
        serde_json::Number::from_f64(value).unwrap_or_else(|| 0.into())
    }

    /// Digits of an integer of at most 20 places, with its sign.
    fn whole_digits(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        let places = usize::try_from(self.exponent).unwrap_or(0).max(1);
        format!("{sign}{:0<places$}", self.digits)
    }
}

impl fmt::Display for Decimal {
    /// Plain digits while that is short, `0.ddd` or `d.dde±x` otherwise; always a JSON number of the same value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.digits.is_empty() {
            return f.write_str("0");
        }
        if self.negative {
            f.write_str("-")?;
        }
        let digits = self.digits.as_str();
        let point = match usize::try_from(self.exponent) {
            Ok(point) if point <= 30 => point,
            Err(_) if self.exponent >= -6 => {
                return write!(f, "0.{}{digits}", "0".repeat(self.exponent.unsigned_abs() as usize));
            }
            _ => {
                let (first, rest) = digits.split_at(1);
                let dot = if rest.is_empty() { "" } else { "." };
                return write!(f, "{first}{dot}{rest}e{}", i128::from(self.exponent) - 1);
            }
        };
        if point == 0 {
            write!(f, "0.{digits}")
        } else if digits.len() <= point {
            write!(f, "{digits:0<point$}")
        } else {
            write!(f, "{}.{}", &digits[..point], &digits[point..])
        }
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn d(text: &str) -> Decimal {
        Decimal::from_literal(text).unwrap()
    }

    #[test]
    fn one_value_has_one_form() {
        for same in ["1", "1.0", "1e0", "10e-1", "0.1E+1", "1.000", "0.0001e4"] {
            assert_eq!(d(same), d("1"), "{same}");
        }
        for zero in ["0", "-0", "0.0", "-0.000e5", "0e999999999999999999999999999"] {
            assert_eq!(d(zero), d("0"), "{zero}");
        }
        assert_ne!(d("1"), d("-1"));
        assert_ne!(d("0.1"), d("0.10000000000000000001"));
        assert_ne!(d("9007199254740993"), d("9007199254740992"));
        assert_ne!(d("1e1000000"), d("1e1000001"));
    }

    #[test]
    fn exponents_beyond_i64_are_refused_and_huge_ones_cost_nothing() {
        assert!(Decimal::from_literal("1e9223372036854775808").is_none());
        assert!(Decimal::from_literal("10e9223372036854775807").is_none());
        assert_eq!(d("1e9000000000000000000").to_string(), "1e9000000000000000000");
        assert_eq!(d("-1e-9000000000000000000").to_string(), "-1e-9000000000000000000");
    }

    #[test]
    fn numbers_for_the_schema_keep_sign_and_kind() {
        let n = |text| d(text).to_number();
        assert_eq!(n("18446744073709551615").as_u64(), Some(u64::MAX));
        assert_eq!(n("-9223372036854775808").as_i64(), Some(i64::MIN));
        assert_eq!(n("100").as_i64(), Some(100));
        assert_eq!(n("1.0").as_i64(), Some(1));
        assert_eq!(n("1e400").as_f64(), Some(f64::MAX));
        assert_eq!(n("-1e400").as_f64(), Some(f64::MIN));
        assert!(n("1e-400").as_f64().unwrap() > 0.0);
        assert!(n("-1e-400").as_f64().unwrap() < 0.0);
        assert_ne!(n("2.00000000000000000000001").as_f64().unwrap().fract(), 0.0);
        assert!(n("1.99999999999999999999999").as_f64().unwrap() < 2.0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn display_reads_back_as_the_same_value(text in "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,25})?([eE][+-]?[0-9]{1,4})?") {
            let value = d(&text);
            prop_assert_eq!(d(&value.to_string()), value);
        }

        #[test]
        fn finite_doubles_survive(value in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL) {
            let decimal = d(&serde_json::to_string(&value).unwrap());
            prop_assert_eq!(decimal.to_number().as_f64(), Some(value));
        }

        #[test]
        fn shifting_the_point_changes_nothing(digits in "[1-9][0-9]{0,12}", shift in 0usize..20) {
            let shifted = format!("{digits}{}e-{shift}", "0".repeat(shift));
            prop_assert_eq!(d(&shifted), d(&digits));
        }
    }
}
