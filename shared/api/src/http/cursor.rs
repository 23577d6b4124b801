//! Pagination cursors. They are opaque, and valid only for the user and the query they were issued for.

use std::fmt::Debug;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::hmac;

use super::{Caller, Problem};

/// The version of the cursor format. Increment it when the content of cursors or the meaning of their positions
/// changes: older cursors are then rejected.
const FORMAT: u8 = 3;

/// The length of a [`CursorKey`] and of the signature in a cursor, in bytes (SHA-256).
const BYTES: usize = 32;

/// The HMAC-SHA-256 key (RFC 2104) that signs cursors. All functions that return pages share it.
pub struct CursorKey(hmac::Key);

/// The value is not a valid [`CursorKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {BYTES} bytes in base64url")]
pub struct InvalidCursorKey;

impl CursorKey {
    /// Parses 32 bytes in base64url without padding.
    ///
    /// # Errors
    /// [`InvalidCursorKey`].
    pub fn parse(text: &str) -> Result<Self, InvalidCursorKey> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursorKey)?;
        let bytes: [u8; BYTES] = bytes.try_into().map_err(|_| InvalidCursorKey)?;
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }
}

/// Creates and verifies the cursors of one user and one query.
///
/// A cursor contains a position in the sorted list and a signature of the position, the user and the query. A verified
/// position is therefore one that this query returned. The partition key is never taken from a cursor.
pub struct Cursor<'a> {
    key: &'a CursorKey,
    binding: String,
}

impl<'a> Cursor<'a> {
    /// The cursors of a caller and a query. `query` is everything that determines the items and their order. The page
    /// size is not part of it and can change between pages.
    pub fn new(key: &'a CursorKey, caller: Caller, query: &impl Debug) -> Self {
        let mut binding = format!("{FORMAT} {:?} {query:?}", caller.user);
        if let Some(space) = caller.confined_to() {
            binding = format!("{binding} {space:?}");
        }
        Self { key, binding }
    }

    /// The signed bytes. The length prefix separates the binding from the position.
    fn message(&self, position: &str) -> Vec<u8> {
        format!("{} {}{position}", self.binding.len(), self.binding).into_bytes()
    }

    /// The cursor of a position.
    pub fn write(&self, position: &str) -> String {
        let signature = hmac::sign(&self.key.0, &self.message(position));
        URL_SAFE_NO_PAD.encode([signature.as_ref(), position.as_bytes()].concat())
    }

    /// Verifies a cursor and parses its position. `None` if the request has no cursor.
    ///
    /// # Errors
    /// 400 `invalid_cursor`.
    pub fn read<T>(
        &self,
        text: Option<&str>,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = text else { return Ok(None) };
        let position = || {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
            let (signature, position) = bytes.split_at_checked(BYTES)?;
            let position = std::str::from_utf8(position).ok()?;
            hmac::verify(&self.key.0, &self.message(position), signature).ok()?;
            parse(position)
        };
        position().map(Some).ok_or_else(|| {
            let why = "Invalid cursor: start again without one.";
            Problem::malformed("invalid_cursor", why)
        })
    }
}

#[cfg(test)]
mod tests {
    use taskbell_domain::api_token::ApiToken;
    use taskbell_test::fixtures::{api_token, space, user};

    use super::*;

    #[test]
    fn an_invalid_cursor_key_is_refused() {
        for bad in ["", "AAAA", "not base64!", &"A".repeat(42), &"A".repeat(44)] {
            assert_eq!(CursorKey::parse(bad).err(), Some(InvalidCursorKey), "{bad}");
        }
        assert!(CursorKey::parse(&"A".repeat(43)).is_ok());
    }

    #[test]
    fn a_cursor_cannot_be_used_for_another_query() {
        let key = CursorKey::parse(&"A".repeat(43)).unwrap();
        let caller = Caller::from(&api_token(1, &user(1)));
        let (one, other) = (Cursor::new(&key, caller, &1), Cursor::new(&key, caller, &12));
        let cursor = one.write("2 a");
        assert_eq!(
            one.read(Some(&cursor), |position| Some(position.to_owned())).unwrap().unwrap(),
            "2 a"
        );
        let bytes = URL_SAFE_NO_PAD.decode(&cursor).unwrap();
        let moved = URL_SAFE_NO_PAD.encode([&bytes[..BYTES], b" a"].concat());
        assert!(other.read(Some(&moved), |position| Some(position.to_owned())).is_err());
    }

    #[test]
    fn a_cursor_cannot_be_used_with_a_token_that_is_confined_to_another_space() {
        let key = CursorKey::parse(&"A".repeat(43)).unwrap();
        let ada = user(1);
        let token = |space| ApiToken { space, ..api_token(1, &ada) };
        let spaces = [None, Some(space(1, &ada).0.id), Some(space(2, &ada).0.id)];
        for (number, from) in spaces.into_iter().enumerate() {
            let cursor = Cursor::new(&key, Caller::from(&token(from)), &1).write("a");
            for (other, to) in spaces.into_iter().enumerate() {
                let cursors = Cursor::new(&key, Caller::from(&token(to)), &1);
                let is_valid = cursors.read(Some(&cursor), |_| Some(())).is_ok();
                assert_eq!(is_valid, number == other, "{from:?} {to:?}");
            }
        }
    }
}
