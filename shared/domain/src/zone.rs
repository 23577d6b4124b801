//! Time zones by their IANA name. The time zone database is compiled into the program, so the machine's copy does not matter.

use std::fmt;

use jiff::tz::TimeZone;

use crate::violation::Violation;

/// A time zone of the IANA database.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// Looks up a time zone by name, such as `Europe/Berlin`, ignoring case.
    ///
    /// # Errors
    /// A [`Violation`] with code `unknown_time_zone`.
    pub fn parse(name: &str) -> Result<Self, Violation> {
        let unknown = || {
            Violation::new(
                "unknown_time_zone",
                "Unknown time zone: give an IANA name such as Europe/Berlin or UTC.",
            )
        };
        let zone = TimeZone::get(name).map_err(|_| unknown())?;
        match zone.iana_name() {
            Some("Etc/Unknown") | None => Err(unknown()),
            Some(_) => Ok(Self(zone)),
        }
    }

    /// UTC, the default time zone.
    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// The rules of the time zone.
    pub fn rules(&self) -> &TimeZone {
        &self.0
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({self})")
    }
}

impl serde::Serialize for Zone {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_zone_is_found_by_its_iana_name() {
        assert_eq!(Zone::parse("europe/berlin").unwrap().to_string(), "Europe/Berlin");
        assert_eq!(Zone::parse("UTC").unwrap(), Zone::utc());
        for bad in ["", "Mars/Olympus", "+02:00", "Europe/Berlin\0", "../etc/passwd", "Etc/Unknown"] {
            assert_eq!(Zone::parse(bad).unwrap_err().code, "unknown_time_zone", "{bad:?}");
        }
    }
}
