//! Time zones by their IANA name, from the database compiled into the program: no machine's own copy can
//! change what a task means.

use std::fmt;

use jiff::tz::TimeZone;

use crate::violation::Violation;

/// A time zone of the IANA database.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// Looks a zone up by name (`Europe/Berlin`), in any case.
    ///
    /// # Errors
    /// A [`Violation`] with code `unknown_time_zone`.
    pub fn parse(name: &str) -> Result<Self, Violation> {
        let unknown = || {
            Violation::new(
                "unknown_time_zone",
                "It is not a time zone of the IANA database, such as Europe/Berlin or UTC.",
            )
        };
        let zone = TimeZone::get(name).map_err(|_| unknown())?;
        match zone.iana_name() {
            Some("Etc/Unknown") | None => Err(unknown()),
            Some(_) => Ok(Self(zone)),
        }
    }

    /// Coordinated Universal Time, the zone of users who name none.
    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// The zone's rules.
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
    fn a_zone_is_known_by_its_iana_name() {
        assert_eq!(Zone::parse("europe/berlin").unwrap().to_string(), "Europe/Berlin");
        assert_eq!(Zone::parse("UTC").unwrap(), Zone::utc());
        for bad in ["", "Mars/Olympus", "+02:00", "Europe/Berlin\0", "../etc/passwd", "Etc/Unknown"] {
            assert_eq!(Zone::parse(bad).unwrap_err().code, "unknown_time_zone", "{bad:?}");
        }
    }
}
