//! Points in time.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::schema::schema;

/// A day has so many seconds; UTC as computers count it has no leap seconds.
pub const DAY_SECONDS: i64 = 24 * 60 * 60;

/// A point in time, in whole milliseconds, between 1970 and 9999. As text RFC 3339 in UTC with exactly three
/// decimals (`2026-11-21T08:30:00.000Z`), so that its text sorts as time does and can stand in sort keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// From milliseconds since 1970; what lies outside 1970 to 9999 becomes the nearest end.
    pub fn from_milliseconds(milliseconds: i64) -> Self {
        let milliseconds = milliseconds.clamp(0, 253_370_764_799_000);
        Self(jiff::Timestamp::from_millisecond(milliseconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH))
    }

    /// Milliseconds since 1970.
    pub fn milliseconds(self) -> i64 {
        self.0.as_millisecond()
    }

    /// Whole seconds since 1970, the unit of JWT claims and of DynamoDB's TTL.
    pub fn seconds(self) -> i64 {
        self.0.as_second()
    }

    /// This time moved by whole seconds, either way.
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_milliseconds(self.milliseconds().saturating_add(seconds.saturating_mul(1000)))
    }

    /// The beginning of its day in UTC.
    pub fn day(self) -> Self {
        Self::from_milliseconds(self.seconds().div_euclid(DAY_SECONDS) * DAY_SECONDS * 1000)
    }
}

schema! { Timestamp,
    /// A time (RFC 3339). Responses have UTC with milliseconds.
    request { "type": "string", "format": "date-time", "examples": ["2026-11-21T08:30:00Z"] }
    reply {
        "type": "string",
        "format": "date-time",
        "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
        "examples": ["2026-11-21T08:30:00.000Z"],
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

impl From<Timestamp> for String {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.to_string()
    }
}

impl TryFrom<String> for Timestamp {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let parsed: jiff::Timestamp =
            text.parse().map_err(|_| "must be an RFC 3339 time with an offset, such as 2026-11-21T08:30:00Z")?;
        let clamped = Self::from_milliseconds(parsed.as_millisecond());
        (clamped.milliseconds() == parsed.as_millisecond())
            .then_some(clamped)
            .ok_or("must lie between the years 1970 and 9998")
    }
}
