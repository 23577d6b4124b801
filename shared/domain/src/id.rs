//! Ids: a ULID with a prefix for the type of the resource.
//!
//! Ids are opaque to clients. They sort by the time in the ULID, and its 80 random bits make them unguessable.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest, Sha256};
use ulid::Ulid;

use crate::clock::{Clock, Random};

/// The text is not an id of the expected type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid id")]
pub struct InvalidId;

fn new_ulid(clock: &dyn Clock, random: &dyn Random) -> Ulid {
    let mut bytes = [0; 16];
    random.fill(&mut bytes[6..]);
    let millisecond = u64::try_from(clock.instant().as_millisecond()).unwrap_or_default();
    Ulid::from_parts(millisecond, u128::from_be_bytes(bytes))
}

/// A ULID of a time, whose other bits are the start of a SHA-256 hash of the parts, each with its length.
fn derived_ulid(at: Timestamp, parts: &[&str]) -> Ulid {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut bytes = [0; 16];
    bytes.iter_mut().skip(6).zip(hash.finalize()).for_each(|(byte, hashed)| *byte = hashed);
    let millisecond = u64::try_from(at.as_millisecond()).unwrap_or_default();
    Ulid::from_parts(millisecond, u128::from_be_bytes(bytes))
}

/// Accepts the canonical form only, so that each resource has one id.
fn parse_ulid(body: &str) -> Result<Ulid, InvalidId> {
    let ulid = Ulid::from_string(body).map_err(|_| InvalidId)?;
    (ulid.to_string() == body).then_some(ulid).ok_or(InvalidId)
}

macro_rules! id_type {
    ($name:ident, $prefix:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Ulid);

        impl $name {
            /// A new id from the current time and 80 random bits.
            pub fn generate(clock: &dyn Clock, random: &dyn Random) -> Self {
                Self(new_ulid(clock, random))
            }

            /// The id that belongs to these parts: always the same one. `at` is the time in it.
            pub fn derived(at: Timestamp, parts: &[&str]) -> Self {
                Self(derived_ulid(at, parts))
            }

            /// The time in the id, in milliseconds. Of an id that a client has sent, it can be any.
            pub fn time(&self) -> Timestamp {
                let millisecond = i64::try_from(self.0.timestamp_ms()).unwrap_or_default();
                Timestamp::from_millisecond(millisecond).unwrap_or_default()
            }

            /// When the id was generated, in whole seconds.
            pub fn created_at(&self) -> Timestamp {
                let second = self.0.timestamp_ms() / 1_000;
                Timestamp::from_second(i64::try_from(second).unwrap_or_default()).unwrap_or_default()
            }

            /// The ULID without the prefix: 26 characters.
            pub fn body(&self) -> String {
                self.0.to_string()
            }

            /// A number from 0 to 31 that is evenly distributed over ids and constant for each: the last five random bits.
            pub fn jitter_seed(&self) -> u8 {
                (self.0.random() & 0x1f) as u8
            }

            /// Reads the output of [`Self::body`].
            ///
            /// # Errors
            /// [`InvalidId`] if the text is not a ULID in canonical form.
            pub fn from_body(body: &str) -> Result<Self, InvalidId> {
                parse_ulid(body).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix(concat!($prefix, "_")).ok_or(InvalidId).and_then(Self::from_body)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                std::borrow::Cow::<'de, str>::deserialize(deserializer)?
                    .parse()
                    .map_err(D::Error::custom)
            }
        }
    };
}

id_type!(UserId, "usr", "The id of an account.");
id_type!(TaskId, "tsk", "The id of a task.");
id_type!(SpaceId, "spc", "The id of a space.");
id_type!(ItemId, "itm", "The id of an item of a checklist.");
id_type!(CommentId, "cmt", "The id of a comment on a task.");
id_type!(NotificationId, "ntc", "The id of a notification.");
id_type!(ReminderId, "rem", "The id of a reminder of a task.");
id_type!(SessionId, "ses", "The id of a session.");
id_type!(ApiTokenId, "tok", "The id of an API token.");

impl SpaceId {
    /// Not later than any id, so that a range can start with it.
    pub const FIRST: Self = Self(Ulid::nil());

    /// The id of a user's personal space. It has the same body as the user's id, so its owner is known without a read.
    pub fn personal(user: UserId) -> Self {
        Self(user.0)
    }

    /// The owner, if this is a personal space. Of another space, the id of no user.
    pub fn personal_owner(self) -> UserId {
        UserId(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "01JQ0000000000000000000000";

    #[test]
    fn an_id_is_parsed_from_its_text() {
        let id: TaskId = format!("tsk_{BODY}").parse().unwrap();
        assert_eq!(id.to_string(), format!("tsk_{BODY}"));
        assert_eq!(TaskId::from_body(&id.body()), Ok(id));
    }

    #[test]
    fn an_id_of_another_type_or_form_is_refused() {
        for text in [
            format!("usr_{BODY}"),
            BODY.to_owned(),
            format!("tsk_{}", BODY.to_lowercase()),
            format!("tsk_{BODY}0"),
            "tsk_".to_owned(),
            format!("tsk_8{}", &BODY[1..]), // more than 128 bits
            "tsk_01JQ00000000000000000000é".to_owned(),
        ] {
            assert_eq!(text.parse::<TaskId>(), Err(InvalidId), "{text}");
        }
    }

    #[test]
    fn the_personal_space_has_the_id_body_of_its_owner() {
        let user: UserId = format!("usr_{BODY}").parse().unwrap();
        assert_eq!(SpaceId::personal(user).body(), user.body());
    }
}
