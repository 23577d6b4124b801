//! Parsing of dates and times in RFC 3339 with the suffixes of RFC 9557. Other forms of ISO 8601 are refused, so that a text
//! has at most one meaning.

use jiff::{civil, tz::Offset};

use crate::{violation::Violation, zone::Zone};

/// The parts of a date or time. They may contradict each other.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DateTimeParts {
    pub(crate) date: civil::Date,
    /// In whole seconds: fractions are dropped.
    pub(crate) time: Option<civil::Time>,
    pub(crate) offset: Option<Offset>,
    pub(crate) zone: Option<Zone>,
}

/// The values of `u-ca` for the calendar of RFC 3339 (RFC 9557 §3.1).
const CALENDARS: [&str; 2] = ["iso8601", "gregory"];

impl DateTimeParts {
    /// Parses a date or time.
    ///
    /// # Errors
    /// A [`Violation`]: `invalid_time`, or `unknown_time_zone`.
    pub(crate) fn parse(text: &str) -> Result<Self, Violation> {
        let (plain, suffixes) = text.split_at(text.find('[').unwrap_or(text.len()));
        let mut input = Input(plain);
        let date = input.date().ok_or_else(invalid)?;
        if plain.len() == "2026-03-01".len() && suffixes.is_empty() {
            return Ok(Self { date, time: None, offset: None, zone: None });
        }
        // RFC 3339 §5.6 allows lower case, and a space instead of the T.
        input.one_of(&['T', 't', ' ']).ok_or_else(invalid)?;
        let (hour, minute, second) = input.time().ok_or_else(invalid)?;
        let offset = match input {
            Input("") => None,
            ref mut input => Some(input.offset().filter(|_| input.0.is_empty()).ok_or_else(invalid)?),
        };
        if (hour, minute, second) == (24, 0, 0) {
            let why = "The hour must be 00 to 23: use 00:00 of the next day instead of 24:00.";
            return Err(Violation::new("invalid_time", why));
        }
        if second == 60 {
            let why = "The second must be 00 to 59: leap seconds are not supported.";
            return Err(Violation::new("invalid_time", why));
        }
        let time = civil::Time::new(hour, minute, second, 0).map_err(|_| invalid())?;
        Ok(Self { date, time: Some(time), offset, zone: zone(suffixes)? })
    }
}

/// The text that was not parsed yet.
struct Input<'a>(&'a str);

impl Input<'_> {
    fn number<T: std::str::FromStr>(&mut self, digits: usize) -> Option<T> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        number.bytes().all(|byte| byte.is_ascii_digit()).then_some(())?;
        self.0 = rest;
        number.parse().ok()
    }

    fn one_of(&mut self, letters: &[char]) -> Option<char> {
        let letter = self.0.chars().next().filter(|letter| letters.contains(letter))?;
        self.0 = &self.0[letter.len_utf8()..];
        Some(letter)
    }

    fn date(&mut self) -> Option<civil::Date> {
        let year = self.number(4)?;
        self.one_of(&['-'])?;
        let month = self.number(2)?;
        self.one_of(&['-'])?;
        civil::Date::new(year, month, self.number(2)?).ok()
    }

    /// Hours, minutes and seconds, not checked for their ranges. Seconds are optional, unlike in RFC 3339.
    fn time(&mut self) -> Option<(i8, i8, i8)> {
        let hour = self.number(2)?;
        self.one_of(&[':'])?;
        let minute = self.number(2)?;
        if self.one_of(&[':']).is_none() {
            return Some((hour, minute, 0));
        }
        let second = self.number(2)?;
        if self.one_of(&['.']).is_some() {
            let fraction = self.0.trim_start_matches(|letter: char| letter.is_ascii_digit());
            (fraction.len() < self.0.len()).then_some(())?;
            self.0 = fraction;
        }
        Some((hour, minute, second))
    }

    fn offset(&mut self) -> Option<Offset> {
        let sign = match self.one_of(&['Z', 'z', '+', '-'])? {
            'Z' | 'z' => return Some(Offset::UTC),
            '-' => -1,
            _ => 1,
        };
        let hours: i32 = self.number(2)?;
        self.one_of(&[':'])?;
        let minutes: i32 = self.number(2)?;
        (hours < 24 && minutes < 60).then_some(())?;
        Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).ok()
    }
}

/// The time zone in the suffixes. Other suffixes do not change the time and are ignored, unless they are marked as critical
/// with `!` (RFC 9557 §3.3).
fn zone(mut suffixes: &str) -> Result<Option<Zone>, Violation> {
    let (mut zone, mut tags) = (None, Vec::new());
    while !suffixes.is_empty() {
        let inner = suffixes.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let (suffix, rest) = inner.ok_or_else(invalid)?;
        suffixes = rest;
        let (critical, suffix) = suffix.strip_prefix('!').map_or((false, suffix), |rest| (true, rest));
        let Some((key, value)) = suffix.split_once('=') else {
            // There is at most one time zone, before all tags.
            if zone.is_some() || !tags.is_empty() {
                return Err(invalid());
            }
            zone = Some(Zone::parse(suffix)?);
            continue;
        };
        if !is_key(key) || !is_value(value) {
            return Err(invalid());
        }
        let supported = key == "u-ca" && CALENDARS.contains(&value);
        // Of several suffixes with the same key the first is used. If one of them is critical, they must be equal.
        let contradicted = tags.iter().any(|(other_key, other_value, other_critical)| {
            *other_key == key && *other_value != value && (critical || *other_critical)
        });
        if contradicted || (critical && !supported) {
            let why = "This suffix with ! is not supported: leave it out.";
            return Err(Violation::new("invalid_time", why));
        }
        tags.push((key, value, critical));
    }
    Ok(zone)
}

/// Whether the text is a key of a suffix (RFC 9557 §4.1).
fn is_key(key: &str) -> bool {
    let is_first = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    key.bytes().next().is_some_and(is_first)
        && key.bytes().all(|byte| is_first(byte) || byte.is_ascii_digit() || byte == b'-')
}

/// Whether the text is a value of a suffix.
fn is_value(value: &str) -> bool {
    value.split('-').all(|one| !one.is_empty() && one.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// The violation of a text that has none of the accepted forms.
pub(crate) fn invalid() -> Violation {
    Violation::new(
        "invalid_time",
        "Give a date (2026-03-01), a time with a time zone (2026-03-01T09:00[Europe/Berlin]) or an instant \
         (2026-03-01T08:00:00Z).",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rfc_3339_is_accepted() {
        for text in [
            "2026-03-01",
            "2026-03-01T09:00",
            "2026-03-01t09:00:00z",
            "2026-03-01 09:00:00-00:00",
            "2026-03-01T09:00:00.123456789012345678Z",
            "2026-03-01T09:00+05:30",
            "2026-03-01T23:59:59-23:59",
        ] {
            assert!(DateTimeParts::parse(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "20260301",
            "2026-3-1",
            "2026-03-1",
            "26-03-01",
            "2026-060",
            "2026060",
            "2026-W09",
            "2026-W09-7",
            "2026-03",
            "2026",
            "+002026-03-01",
            "-002026-03-01",
            "02026-03-01",
            "2026/03/01",
            "01.03.2026",
            "2026-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-03-00",
            "20260301T090000Z",
            "2026-03-01T0900Z",
            "2026-03-01T09Z",
            "2026-03-01T9:00Z",
            "2026-03-01T09:00:00,5Z",
            "2026-03-01T09:00:00.Z",
            "2026-03-01T09:00.5Z",
            "2026-03-01T09:00:00+0530",
            "2026-03-01T09:00:00+05",
            "2026-03-01T09:00:00+05:60",
            "2026-03-01T09:00:00+24:00",
            "2026-03-01T09:00:00+05:30:15",
            "2026-03-01T09:00:00ZZ",
            "2026-03-01Z",
            "2026-03-01T",
            "2026-03-01T25:00Z",
            "2026-03-01T24:00:01Z",
            "2026-03-01T09:60Z",
            "2026-03-01T09:00:61Z",
            " 2026-03-01",
            "2026-03-01 ",
            "2026-03-01  09:00Z",
            "２０２６-03-01",
            "2026-03-01T09:00\u{2212}05:00",
        ] {
            assert_eq!(DateTimeParts::parse(text), Err(invalid()), "{text}");
        }
        for (text, why) in [
            ("2026-03-01T24:00Z", "00:00 of the next day"),
            ("2026-03-01T24:00:00[Europe/Berlin]", "00:00 of the next day"),
            ("2016-12-31T23:59:60Z", "leap seconds"),
            ("2026-03-01T09:00:60.5[Europe/Berlin]", "leap seconds"),
        ] {
            let refused = DateTimeParts::parse(text).unwrap_err();
            assert!(
                refused.code == "invalid_time" && refused.message.contains(why),
                "{text}: {refused:?}"
            );
        }
    }

    #[test]
    fn suffixes_are_parsed_by_rfc_9557() {
        let zone = |text: &str| {
            DateTimeParts::parse(text).map(|parts| parts.zone.map(|zone| zone.to_string()))
        };
        for (suffixes, name) in [
            ("[Europe/Berlin]", Some("Europe/Berlin")),
            ("[!Europe/Berlin]", Some("Europe/Berlin")),
            ("[Europe/Berlin][u-ca=gregory]", Some("Europe/Berlin")),
            ("[!Europe/Berlin][!u-ca=iso8601][!u-ca=iso8601]", Some("Europe/Berlin")),
            ("[Europe/Berlin][u-ca=hebrew]", Some("Europe/Berlin")),
            ("[Europe/Berlin][u-ca=islamic-civil][u-ca=gregory]", Some("Europe/Berlin")),
            ("[Europe/Berlin][_foo=bar-baz][x1-y=1]", Some("Europe/Berlin")),
            ("[u-ca=gregory]", None),
            ("", None),
        ] {
            assert_eq!(
                zone(&format!("2026-03-01T09:00{suffixes}")),
                Ok(name.map(str::to_owned)),
                "{suffixes}"
            );
        }
        for (suffixes, code) in [
            ("[!u-ca=hebrew]", "invalid_time"),
            ("[Europe/Berlin][!u-ca=hebrew]", "invalid_time"),
            ("[Europe/Berlin][!foo=bar]", "invalid_time"),
            ("[Europe/Berlin][u-ca=hebrew][!u-ca=gregory]", "invalid_time"),
            ("[Europe/Berlin][!u-ca=gregory][u-ca=iso8601]", "invalid_time"),
            ("[u-ca=gregory][Europe/Berlin]", "invalid_time"),
            ("[Europe/Berlin][Europe/Berlin]", "invalid_time"),
            ("[Europe/Berlin]x", "invalid_time"),
            ("[Europe/Berlin", "invalid_time"),
            ("[Europe/Berlin][", "invalid_time"),
            ("[Europe/Berlin][U-CA=gregory]", "invalid_time"),
            ("[Europe/Berlin][=x]", "invalid_time"),
            ("[Europe/Berlin][x=]", "invalid_time"),
            ("[Europe/Berlin][x=a--b]", "invalid_time"),
            ("[]", "unknown_time_zone"),
            ("[!]", "unknown_time_zone"),
            ("[!!Europe/Berlin]", "unknown_time_zone"),
            ("[+01:00]", "unknown_time_zone"),
            ("[Mars/Olympus]", "unknown_time_zone"),
        ] {
            let refused = zone(&format!("2026-03-01T09:00{suffixes}")).unwrap_err();
            assert_eq!(refused.code, code, "{suffixes}");
        }
        assert_eq!(zone("2026-03-01[u-ca=gregory]"), Err(invalid()), "a date has no suffixes");
    }
}
