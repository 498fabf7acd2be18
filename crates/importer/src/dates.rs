//! Dates, as people and generators write them.
//!
//! What has one meaning only is read, whatever its form. What may mean two days (`03/04/2021`) or nothing is refused: a
//! wrong date on a post is worse than a file that has to be looked at again.

use std::{fs, path::Path};

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::{Offset, TimeZone},
};

/// The last whole second of jiff's times. The server's go on for a day and two hours, and whoever has posts come out then means never.
const LAST: Timestamp = Timestamp::constant(253_402_207_200, 0);

/// The instant that `text` names. A date without a zone is a wall clock in `zone`; without a time it is midnight.
pub fn parse(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return of_digits(text, zone);
    }
    let spaced = split_at_t(text).replace(',', " ");
    let mut parts = Parts::default();
    for word in spaced.split_whitespace() {
        parts.take(word)?;
    }
    parts.instant(zone)
}

/// `20200102`; or the seconds since 1970, as Hugo takes numbers, or milliseconds, as JavaScript does. Their lengths
/// tell these apart since 1973.
fn of_digits(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let number: i64 = text.parse().ok()?;
    match text.len() {
        8 => {
            let part = |number: i64| i8::try_from(number % 100).ok();
            let date = Date::new(i16::try_from(number / 10_000).ok()?, part(number / 100)?, part(number)?).ok()?;
            (date.year() >= 1900).then(|| date.to_zoned(zone.clone()).map_or(LAST, |date| date.timestamp()))
        }
        9 | 10 => Timestamp::from_second(number).ok(),
        13 => Timestamp::from_millisecond(number).ok(),
        _ => None,
    }
}

/// The date that a name begins with, as in `2021-3-4-some-title`, and what follows it.
pub fn leading(name: &str) -> Option<(Date, &str)> {
    let (year, rest) = digits(name, 4, 4)?;
    let (month, rest) = digits(rest.strip_prefix('-')?, 1, 2)?;
    let (day, rest) = digits(rest.strip_prefix('-')?, 1, 2)?;
    let is_whole = rest.is_empty() || rest.starts_with(['-', '_', ' ', '.']);
    let date = Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    is_whole.then(|| (date, rest.trim_start_matches(['-', '_', ' ', '.'])))
}

/// Whether a name begins with what looks like a date and goes on behind it, as in `2021-3-4-some-title`. The day need not exist.
pub fn looks_dated(name: &str) -> bool {
    let mut parts = name.splitn(4, '-');
    let mut is_number = |lengths: std::ops::RangeInclusive<usize>| {
        parts.next().is_some_and(|part| lengths.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    is_number(2..=4) && is_number(1..=2) && is_number(1..=2) && parts.next().is_some_and(|rest| !rest.is_empty())
}

/// The date that folders name: `2019-05-06-some-title`, the first of these, `2019/05/06`, `2019/05` (its first day) or `2019`.
pub fn of_folders<'a>(folders: impl Iterator<Item = &'a str> + Clone) -> Option<Date> {
    if let Some((date, _)) = folders.clone().find_map(leading) {
        return Some(date);
    }
    let mut found: Vec<u32> = Vec::new();
    for folder in folders {
        let number: Option<u32> = folder.parse().ok().filter(|_| folder.bytes().all(|byte| byte.is_ascii_digit()));
        match (number, found.len()) {
            (Some(year @ 1900..=2999), _) if folder.len() == 4 => found = vec![year],
            (Some(month @ 1..=12), 1) if folder.len() <= 2 => found.push(month),
            (Some(day @ 1..=31), 2) if folder.len() <= 2 => found.push(day),
            // A folder of another name ends the date: in `2019/talks/05` the 5 is no month.
            (_, 0) => {}
            _ => break,
        }
    }
    let year = i16::try_from(*found.first()?).ok()?;
    let part = |index: usize| found.get(index).map_or(Some(1), |&number| i8::try_from(number).ok());
    Date::new(year, part(1)?, part(2)?).ok()
}

/// The time zone of this name in the system's database, which every Unix has (`tzdata`). Jiff's copy of the database
/// would be in every function that is deployed, as Cargo unites the features of a workspace.
pub fn zone(name: &str) -> Option<TimeZone> {
    if matches!(name, "UTC" | "GMT" | "Etc/UTC" | "Z") {
        return Some(TimeZone::UTC);
    }
    let is_name = name.split('/').all(|part| !part.is_empty() && !part.starts_with('.'));
    if !is_name {
        return None;
    }
    ["/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo"]
        .iter()
        .find_map(|folder| fs::read(Path::new(folder).join(name)).ok())
        .and_then(|bytes| TimeZone::tzif(name, &bytes).ok())
}

/// Parts the `T` of ISO 8601 into a space, and leaves that of `Tue` and `UTC` alone.
fn split_at_t(text: &str) -> String {
    let bytes = text.as_bytes();
    let is_digit = |index: Option<usize>| index.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    text.char_indices()
        .map(|(at, letter)| match letter {
            'T' | 't' if is_digit(at.checked_sub(1)) && is_digit(at.checked_add(1)) => ' ',
            letter => letter,
        })
        .collect()
}

#[derive(Default)]
struct Parts {
    year: Option<u32>,
    month: Option<u32>,
    day: Option<u32>,
    time: Option<Time>,
    offset: Option<Offset>,
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl Parts {
    /// Takes one word in; `None` if it has no place in a date, or its place is taken.
    fn take(&mut self, word: &str) -> Option<()> {
        let lower = word.trim_end_matches('.').to_lowercase();
        let names = |full: &&str| lower.len() >= 3 && full.starts_with(&lower);
        let sept = (lower == "sept").then_some(8);
        if let Some(month) = sept.or_else(|| MONTHS.iter().position(names)) {
            return put(&mut self.month, u32::try_from(month).ok()? + 1);
        }
        if DAYS.iter().any(names) {
            return Some(());
        }
        match lower.as_str() {
            "utc" | "gmt" | "z" => return put(&mut self.offset, Offset::UTC),
            "am" | "pm" => return self.half_of_the_day(lower == "pm"),
            _ => {}
        }
        if lower.contains(':') && !lower.starts_with(['+', '-']) {
            return self.take_time(&lower);
        }
        if lower.starts_with(['+', '-']) && self.time.is_some() {
            return put(&mut self.offset, offset(&lower)?);
        }
        if let Some((date, "")) = leading(&lower.replace(['/', '.'], "-")) {
            put(&mut self.year, u32::try_from(date.year()).ok()?)?;
            put(&mut self.month, u32::try_from(date.month()).ok()?)?;
            return put(&mut self.day, u32::try_from(date.day()).ok()?);
        }
        let (number, rest) = digits(&lower, 1, 4)?;
        match (lower.len() - rest.len(), rest) {
            // `2020-06-08 0920`, as Python's dateutil takes it.
            (4, "") if self.year.is_some() && self.day.is_some() => {
                let part = |number: u32| i8::try_from(number).ok();
                put(&mut self.time, Time::new(part(number / 100)?, part(number % 100)?, 0, 0).ok()?)
            }
            (4, "") => put(&mut self.year, number),
            (1 | 2, "" | "st" | "nd" | "rd" | "th") => put(&mut self.day, number),
            _ => None,
        }
    }

    /// `16:30`, `16:30:00.5`, with a zone or a half of the day at its end.
    fn take_time(&mut self, text: &str) -> Option<()> {
        let (hour, rest) = digits(text, 1, 2)?;
        let (minute, rest) = digits(rest.strip_prefix(':')?, 2, 2)?;
        let (second, rest) = match rest.strip_prefix(':') {
            Some(rest) => digits(rest, 2, 2)?,
            None => (0, rest),
        };
        let (nanoseconds, rest) = match rest.strip_prefix('.') {
            Some(rest) => {
                let length = rest.bytes().take_while(u8::is_ascii_digit).count();
                let nine: String = rest[..length].chars().chain("000000000".chars()).take(9).collect();
                (nine.parse().ok()?, &rest[length..])
            }
            None => (0, rest),
        };
        let part = |number: u32| i8::try_from(number).ok();
        put(&mut self.time, Time::new(part(hour)?, part(minute)?, part(second)?, nanoseconds).ok()?)?;
        match rest {
            "" => Some(()),
            "z" | "utc" | "gmt" => put(&mut self.offset, Offset::UTC),
            "am" | "pm" => self.half_of_the_day(rest == "pm"),
            rest => put(&mut self.offset, offset(rest)?),
        }
    }

    fn half_of_the_day(&mut self, afternoon: bool) -> Option<()> {
        let time = self.time?;
        let hour = match (time.hour(), afternoon) {
            (12, false) => 0,
            (hour @ 1..=11, true) => hour + 12,
            (hour @ 1..=12, _) => hour,
            _ => return None,
        };
        self.time = Some(Time::new(hour, time.minute(), time.second(), time.subsec_nanosecond()).ok()?);
        Some(())
    }

    fn instant(&self, zone: &TimeZone) -> Option<Timestamp> {
        let (year, month, day) = (self.year?, self.month?, self.day?);
        let date = Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
        let wall_clock: DateTime = date.to_datetime(self.time.unwrap_or(Time::midnight()));
        let instant = match self.offset {
            Some(offset) => offset.to_timestamp(wall_clock),
            None => wall_clock.to_zoned(zone.clone()).map(|zoned| zoned.timestamp()),
        };
        // A year has four digits, so that nothing but too late a time fails.
        Some(instant.unwrap_or(LAST))
    }
}

/// Two numbers for one place are an ambiguity, not a correction.
fn put<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.is_none().then(|| *place = Some(value))
}

/// A number of `min` to `max` digits at the beginning of `text`, and the rest.
fn digits(text: &str, min: usize, max: usize) -> Option<(u32, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    if !(min..=max).contains(&length) {
        return None;
    }
    Some((text[..length].parse().ok()?, &text[length..]))
}

/// `+02:00`, `+0200` or `+02`.
fn offset(text: &str) -> Option<Offset> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let plain = text.get(1..)?.replace(':', "");
    // Digits only: another sign before them is none, and other letters are longer in bytes.
    if !matches!(plain.len(), 2 | 4) || !plain.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = plain.split_at_checked(2)?;
    let hours: i32 = hours.parse().ok()?;
    let minutes = if minutes.is_empty() { 0 } else { minutes.parse::<i32>().ok().filter(|minutes| *minutes < 60)? };
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_that_has_one_meaning_is_read() {
        for (text, expected) in [
            ("2021-03-04", "2021-03-04T00:00:00Z"),
            ("2013-05-1 16:30:00", "2013-05-01T16:30:00Z"),
            ("2014-3-3", "2014-03-03T00:00:00Z"),
            ("2014/3/3 9:05", "2014-03-03T09:05:00Z"),
            ("2014.03.03", "2014-03-03T00:00:00Z"),
            ("2021-03-04T10:11:12.5", "2021-03-04T10:11:12.5Z"),
            ("2021-03-04T10:11:12-08:00", "2021-03-04T18:11:12Z"),
            ("2021-03-04 10:11:12 -0800", "2021-03-04T18:11:12Z"),
            ("2021-03-04 10:11 +0530", "2021-03-04T04:41:00Z"),
            ("2021-03-04 10:11:12 UTC", "2021-03-04T10:11:12Z"),
            ("2021-03-04T10:11+02", "2021-03-04T08:11:00Z"),
            ("Jul 08 2022", "2022-07-08T00:00:00Z"),
            ("8 July, 2022", "2022-07-08T00:00:00Z"),
            ("July 8th, 2022 4:05 PM", "2022-07-08T16:05:00Z"),
            ("Sept. 1 2022 12:30am", "2022-09-01T00:30:00Z"),
            ("Thu, 04 Mar 2021 10:11:12 +0100", "2021-03-04T09:11:12Z"),
            ("Thu, 04 Mar 2021 10:11:12 GMT", "2021-03-04T10:11:12Z"),
            ("Tue, 02 Mar 2021", "2021-03-02T00:00:00Z"),
            ("2020-06-08 0920", "2020-06-08T09:20:00Z"),
            ("8 June 2020 2359 +0100", "2020-06-08T22:59:00Z"),
            ("20200608", "2020-06-08T00:00:00Z"),
            ("1577836800", "2020-01-01T00:00:00Z"),
            ("1577836800123", "2020-01-01T00:00:00.123Z"),
            ("9999-12-30T22:00:00Z", "9999-12-30T22:00:00Z"),
            ("9999-12-31T23:59:59.999Z", "9999-12-30T22:00:00Z"),
            ("9999-12-31", "9999-12-30T22:00:00Z"),
            ("99991231", "9999-12-30T22:00:00Z"),
        ] {
            assert_eq!(parse(text, &TimeZone::UTC), Some(expected.parse().unwrap()), "{text}");
        }
        for text in [
            "03/04/2021",
            "2021",
            "2021-02-30",
            "yesterday",
            "10:11:12",
            "2021-03-04 10:11:12 EST",
            "",
            "2021-03-04T25:00:00Z",
            "March 2021",
            "4 5 March 2021",
            "2021-03-04 13:00 pm",
            "2021-03-04 10:11 +0260",
            "2021-03-04T10:11:12+1€",
            "2021-03-04T10:11:12+é",
            "2021-03-04T10:11:12+-1",
            "2021-03-04 2461",
            "2021-03-04 10:11 1011",
            "20201308",
            "00010203",
            "202006080920",
        ] {
            assert_eq!(parse(text, &TimeZone::UTC), None, "{text}");
        }
    }

    #[test]
    fn a_date_without_a_zone_is_a_wall_clock_of_the_site() {
        let berlin = zone("Europe/Berlin").unwrap();
        assert_eq!(parse("2021-07-04 10:00", &berlin), Some("2021-07-04T08:00:00Z".parse().unwrap()));
        assert_eq!(parse("2021-01-04", &berlin), Some("2021-01-03T23:00:00Z".parse().unwrap()));
        assert_eq!(parse("2021-07-04 10:00 -0100", &berlin), Some("2021-07-04T11:00:00Z".parse().unwrap()));
        for wrong in ["Europe/Atlantis", "../../etc/passwd", "", "/etc/passwd", "Europe/../UTC"] {
            assert!(zone(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn names_and_folders_carry_dates() {
        let date = |text: &str| Some(text.parse::<Date>().unwrap());
        assert_eq!(leading("2014-3-3-one-digit"), Some(("2014-03-03".parse().unwrap(), "one-digit")));
        assert_eq!(leading("2014-03-03_a"), Some(("2014-03-03".parse().unwrap(), "a")));
        for none in ["2014-13-3-a", "2014-03-033", "14-3-3-a", "2014-03-x", "2014-03-3rd-party"] {
            assert_eq!(leading(none), None, "{none}");
        }
        assert_eq!(of_folders(["posts", "2019", "05"].into_iter()), date("2019-05-01"));
        assert_eq!(of_folders(["2019", "5", "6", "7"].into_iter()), date("2019-05-06"));
        assert_eq!(of_folders(["2019", "talks", "05"].into_iter()), date("2019-01-01"));
        assert_eq!(of_folders(["top-100", "05"].into_iter()), None);
        assert_eq!(of_folders(["blog", "2020-09-27-local-fonts", "2021-01-01"].into_iter()), date("2020-09-27"));
        assert_eq!(of_folders(["2019", "2019-02-30-no-day"].into_iter()), date("2019-01-01"));
    }
}
