//! Who is calling.

use jiff::Timestamp;

use super::{Call, Problem};
use crate::tokens::{Identity, Verifier};

/// The bearer of the access token (RFC 6750 §2.1).
///
/// # Errors
/// 401 `unauthorized`, the same whatever is wrong with the token.
pub fn authenticate(call: &Call, verifier: &Verifier, now: Timestamp) -> Result<Identity, Problem> {
    let header = call.header("authorization").ok().flatten().unwrap_or("");
    let (scheme, token) = header.split_once(' ').unwrap_or(("", ""));
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| verifier.verify(token.trim(), now))
        .flatten()
        .ok_or_else(Problem::unauthorized)
}
