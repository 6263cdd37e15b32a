//! How long to wait before the next try?

use std::time::Duration;

use ureq::http::HeaderMap;

/// The first wait; each further one is twice as long.
const FIRST: Duration = Duration::from_secs(1);
/// No wait is longer, whatever the server says.
const LONGEST: Duration = Duration::from_secs(120);

/// Waits between two tries. What computes takes one, so that tests need not wait.
pub trait Wait: Sync {
    /// Lets the time pass.
    fn wait(&self, time: Duration);
}

/// Really waits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sleep;

impl Wait for Sleep {
    fn wait(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// The wait after `tried` tries: what the server said, else 1, 2, 4, ... seconds.
pub(super) fn pause(tried: u32, told: Option<Duration>) -> Duration {
    let doubled = FIRST.saturating_mul(2u32.saturating_pow(tried.saturating_sub(1)));
    told.unwrap_or(doubled).min(LONGEST)
}

/// What `Retry-After` says: seconds, or a moment, counted from the answer's own `Date`.
pub(super) fn told(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let after = text("retry-after")?;
    if let Ok(seconds) = after.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let (then, now) = (moment(after)?, moment(text("date")?)?);
    Some(Duration::from_secs(then.saturating_sub(now)))
}

/// Seconds since 0000-03-01 of an HTTP date (RFC 9110's preferred form): `Wed, 21 Oct 2015 07:28:00 GMT`.
fn moment(text: &str) -> Option<u64> {
    let fields: Vec<&str> = text.split_once(", ")?.1.split([' ', ':']).collect();
    let [day, month, year, hour, minute, second, "GMT"] = fields[..] else { return None };
    const MONTHS: [&str; 12] = ["Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Jan", "Feb"];
    let number = |text: &str| text.parse::<u64>().ok().filter(|n| *n < 10_000);
    // Years that begin in March put the leap day last.
    let month = MONTHS.iter().position(|m| *m == month)? as u64;
    let year = number(year)?.checked_sub(u64::from(month >= 10))?;
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + number(day)?;
    Some(((days * 24 + number(hour)?) * 60 + number(minute)?) * 60 + number(second)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_end() {
        let seconds = |tried, told| pause(tried, told).as_secs();
        assert_eq!([1, 2, 3, 4].map(|tried| seconds(tried, None)), [1, 2, 4, 8]);
        assert_eq!((seconds(40, None), seconds(u32::MAX, None)), (120, 120));
        assert_eq!((seconds(3, Some(Duration::ZERO)), seconds(1, Some(Duration::from_secs(9_999)))), (0, 120));
    }

    #[test]
    fn the_server_may_say_how_long() {
        let headers = |fields: &[(&'static str, &str)]| {
            fields.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect::<HeaderMap>()
        };
        let after = |fields: &[(&'static str, &str)]| told(&headers(fields)).map(|d| d.as_secs_f64());
        assert_eq!(after(&[("retry-after", "7")]), Some(7.0));
        assert_eq!(after(&[("retry-after", "0.5")]), Some(0.5));
        let date = ("date", "Sun, 28 Feb 2016 23:59:50 GMT");
        assert_eq!(after(&[date, ("retry-after", "Mon, 29 Feb 2016 00:00:05 GMT")]), Some(15.0));
        assert_eq!(after(&[date, ("retry-after", "Tue, 01 Mar 2016 00:00:00 GMT")]), Some(86_410.0));
        assert_eq!(after(&[date, ("retry-after", "Sat, 27 Feb 2016 00:00:00 GMT")]), Some(0.0));
        for odd in ["", "-1", "soon", "NaN", "inf", "1e400", "Wed, 21 Oct", "Wed, 99999999999 Oct 2015 07:28:00 GMT"] {
            assert_eq!(after(&[date, ("retry-after", odd)]), None, "{odd}");
        }
        assert_eq!(after(&[("retry-after", "Mon, 29 Feb 2016 00:00:05 GMT")]), None, "a moment without a date");
    }
}
