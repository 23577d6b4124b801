//! Cursors: opaque to clients, and good only for the user and the query they were given for.

use std::fmt::Debug;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use taskbell_domain::id::UserId;

use super::Problem;

/// Bytes of the checksum.
const CHECKSUM: usize = 12;

/// Makes and reads the cursors of one query of one user.
///
/// A cursor holds a place in the sorted list and a checksum over the place, the user and the query. The
/// checksum is not keyed: it turns away what was edited, cut or meant for another query. Somebody who
/// computes one for themselves gets another place in their own list, which they could have asked for
/// anyway; a partition is never taken from a cursor.
pub struct Cursor {
    binding: Vec<u8>,
}

impl Cursor {
    /// The cursors of a user for a query: for all that says which items it gives in which order. The page size
    /// may change from page to page.
    pub fn new(user: UserId, query: &impl Debug) -> Self {
        Self { binding: format!("{user:?} {query:?}").into_bytes() }
    }

    fn checksum(&self, place: &str) -> [u8; CHECKSUM] {
        let digest = Sha256::new().chain_update(&self.binding).chain_update(place).finalize();
        std::array::from_fn(|index| digest[index])
    }

    /// The cursor of a place.
    pub fn write(&self, place: &str) -> String {
        let mut bytes = self.checksum(place).to_vec();
        bytes.extend_from_slice(place.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads what [`Self::write`] wrote for the same user and query, if there is anything to read, and what the
    /// place means.
    ///
    /// # Errors
    /// 400 `invalid_cursor`.
    pub fn read<T>(
        &self,
        text: Option<&str>,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = text else { return Ok(None) };
        let place = || {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
            let (checksum, place) = bytes.split_at_checked(CHECKSUM)?;
            let place = std::str::from_utf8(place).ok()?;
            (self.checksum(place) == checksum).then(|| parse(place)).flatten()
        };
        place().map(Some).ok_or_else(|| {
            let why = "It is not a cursor that this query gave: begin again without one.";
            Problem::malformed("invalid_cursor", why)
        })
    }
}
