//! Points in time.

use std::fmt;

use jiff::civil::DateTime;
use jiff::{SignedDuration, Span};
use serde::{Deserialize, Serialize};

use crate::schema::schema;

/// A day has so many seconds; UTC as computers count it has no leap seconds.
pub const DAY_SECONDS: i64 = 24 * 60 * 60;

/// A point in time, in whole milliseconds, from 1970 to the end of 9999. As text RFC 3339 in UTC with exactly three
/// decimals (`2026-11-21T08:30:00.000Z`), so that its text sorts as time does and can stand in sort keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
// Not a `jiff::Timestamp`, which ends on 9999-12-30 so that it can be shown in every zone.
pub struct Timestamp(i64);

impl Timestamp {
    /// 9999-12-31T23:59:59.999Z.
    const MAX: i64 = 253_402_300_799_999;

    /// From milliseconds since 1970; what lies outside 1970 to 9999 becomes the nearest end.
    pub fn from_milliseconds(milliseconds: i64) -> Self {
        Self(milliseconds.clamp(0, Self::MAX))
    }

    /// Milliseconds since 1970.
    pub fn milliseconds(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, the unit of JWT claims and of DynamoDB's TTL.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This time moved by whole seconds, either way.
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_milliseconds(self.milliseconds().saturating_add(seconds.saturating_mul(1000)))
    }

    /// This time moved by whole months, either way: on the same day of the month, or on the last one of a shorter month.
    pub fn plus_months(self, months: i32) -> Self {
        let moved =
            EPOCH.saturating_add(SignedDuration::from_millis(self.0)).saturating_add(Span::new().months(months));
        let since = moved.duration_since(EPOCH).as_millis();
        Self::from_milliseconds(i64::try_from(since).unwrap_or(Self::MAX))
    }

    /// This time in whole seconds as HTTP and e-mail write it: `Sat, 21 Nov 2026 08:30:00 GMT` (RFC 9110, section 5.6.7).
    pub fn http_date(self) -> String {
        EPOCH.saturating_add(SignedDuration::from_millis(self.0)).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    /// Its day in UTC, as a page shows it: `21 November 2026`.
    pub fn date_in_words(self) -> String {
        EPOCH.saturating_add(SignedDuration::from_millis(self.0)).strftime("%-d %B %Y").to_string()
    }

    /// The beginning of its day in UTC.
    pub fn day(self) -> Self {
        Self::from_milliseconds(self.seconds().div_euclid(DAY_SECONDS) * DAY_SECONDS * 1000)
    }
}

schema! { Timestamp,
    /// A time (RFC 3339) from 1970 to 9999, without leap seconds. Responses have UTC with milliseconds.
    request {
        "type": "string",
        "format": "date-time",
        "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-5][0-9](\\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$",
        "examples": ["2026-11-21T08:30:00Z"],
    }
    reply {
        "type": "string",
        "format": "date-time",
        "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
        "examples": ["2026-11-21T08:30:00.000Z"],
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The sum is within the range of civil times, so that it does not saturate.
        write!(f, "{:.3}Z", EPOCH.saturating_add(SignedDuration::from_millis(self.0)))
    }
}

impl From<Timestamp> for String {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.to_string()
    }
}

/// The beginning of 1970.
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

impl TryFrom<String> for Timestamp {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let milliseconds =
            rfc3339(&text).ok_or("must be an RFC 3339 time with an offset, such as 2026-11-21T08:30:00Z")?;
        let time = Self::from_milliseconds(milliseconds);
        (time.0 == milliseconds).then_some(time).ok_or("must lie between the years 1970 and 9999")
    }
}

/// Milliseconds since 1970 of a `date-time` of RFC 3339, section 5.6, and of nothing else: jiff's own parser takes what
/// ISO 8601 and RFC 9557 add, such as `20300101T000000Z`, `+05` and `[UTC]`. A fraction of a millisecond is dropped. A leap
/// second is refused, because the time that is stored has none.
fn rfc3339(text: &str) -> Option<i64> {
    let (date_time, rest) = text.split_at_checked(19)?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T' | b't', h1, h2, b':', n1, n2, b':', s1, s2] =
        date_time.as_bytes()
    else {
        return None;
    };
    let year = number(&[*y1, *y2, *y3, *y4])?;
    let two = |one: &u8, other: &u8| number(&[*one, *other]).and_then(|number| i8::try_from(number).ok());
    let (fraction, offset) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?),
        None => ("0", rest),
    };
    let thousandths = fraction.bytes().chain(*b"00").take(3).collect::<Vec<_>>();
    if fraction.is_empty() {
        return None;
    }
    let nanoseconds = i32::from(number(&thousandths)?) * 1_000_000;
    let minutes = match offset.as_bytes() {
        b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', n1, n2] => {
            let (hours, minutes) = (i64::from(two(h1, h2)?), i64::from(two(n1, n2)?));
            let offset = (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)?;
            if *sign == b'-' { -offset } else { offset }
        }
        _ => return None,
    };
    let local = DateTime::new(year, two(m1, m2)?, two(d1, d2)?, two(h1, h2)?, two(n1, n2)?, two(s1, s2)?, nanoseconds);
    let since = local.ok()?.duration_since(EPOCH).as_millis();
    Some(i64::try_from(since).ok()? - minutes * 60_000)
}

/// A number of up to four decimal digits.
fn number(digits: &[u8]) -> Option<i16> {
    let value = |number: i16, digit: &u8| digit.is_ascii_digit().then(|| number * 10 + i16::from(digit - b'0'));
    digits.iter().try_fold(0, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<String, &'static str> {
        Timestamp::try_from(text.to_owned()).map(|time| time.to_string())
    }

    #[test]
    fn a_date_of_http_is_in_english_and_in_utc() {
        let date = |text: &str| Timestamp::try_from(text.to_owned()).unwrap().http_date();
        assert_eq!(date("1994-11-06T08:49:37.999Z"), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date("2026-11-21T08:30:00+09:00"), "Fri, 20 Nov 2026 23:30:00 GMT");
        assert_eq!(date("9999-12-31T23:59:59.999Z"), "Fri, 31 Dec 9999 23:59:59 GMT");
    }

    #[test]
    fn a_time_is_what_rfc_3339_says() {
        for (typed, time) in [
            ("2026-11-21T08:30:00Z", "2026-11-21T08:30:00.000Z"),
            ("2026-11-21t08:30:00z", "2026-11-21T08:30:00.000Z"),
            ("2026-11-21T08:30:00.1Z", "2026-11-21T08:30:00.100Z"),
            ("2026-11-21T08:30:00.123999999999999Z", "2026-11-21T08:30:00.123Z"),
            ("2026-11-21T08:30:00+23:59", "2026-11-20T08:31:00.000Z"),
            ("2026-11-21T08:30:00-00:00", "2026-11-21T08:30:00.000Z"),
            ("2024-02-29T23:30:00-01:00", "2024-03-01T00:30:00.000Z"),
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
            ("9998-12-31T23:59:59.999Z", "9998-12-31T23:59:59.999Z"),
            ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z"),
            ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(parsed(typed), Ok(time.to_owned()), "{typed}");
        }
        for bad in [
            "",
            "2026-11-21",
            "2026-11-21T08:30Z",
            "2026-11-21T08:30:00",
            "2026-11-21 08:30:00Z",
            "2026-11-21T08:30:00+25:00",
            "2026-11-21T08:30:00+24:00",
            "2026-11-21T08:30:00+05:60",
            "2026-11-21T08:30:00+05",
            "2026-11-21T08:30:00+0500",
            "2026-11-21T08:30:00+05:00:00",
            "2026-11-21T08:30:00Z[UTC]",
            "2026-11-21T08:30:00+01:00[America/New_York]",
            "2026-11-21T08:30:00Z ",
            "20300101T000000Z",
            "2026-11-21T08:30:00,5Z",
            "2026-11-21T08:30:00.Z",
            "2026-11-21T08:30:00.",
            "+002030-01-01T00:00:00Z",
            "-000001-01-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-11-21T24:00:00Z",
            "2016-12-31T23:59:60Z",
            "2026-13-01T00:00:00Z",
            "２026-11-21T08:30:00Z",
            "2026-11-21T08:30:0éZ",
        ] {
            assert!(parsed(bad).unwrap_err().contains("RFC 3339"), "{bad}");
        }
        for outside in
            ["1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "0000-01-01T00:00:00Z"]
        {
            assert!(parsed(outside).unwrap_err().contains("between"), "{outside}");
        }
    }
}
