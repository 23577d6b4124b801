//! Entity tags (RFC 9110 §8.8.3): the version of a task, in quotes.

use http::header;

use super::{Call, Problem};

/// The strong tag of a version.
pub fn tag(version: u64) -> String {
    format!("\"{version}\"")
}

/// Refuses a change unless `If-Match` is absent, `*`, or lists the version. Weak tags never match here
/// (RFC 9110 §13.1.1).
///
/// # Errors
/// 412 `version_mismatch`, or 400 `invalid_header`.
pub fn require_match(call: &Call, version: u64) -> Result<(), Problem> {
    match call.header(header::IF_MATCH.as_str())? {
        None => Ok(()),
        Some(listed) if listed.trim() == "*" || tags(listed).any(|found| found == tag(version)) => {
            Ok(())
        }
        Some(_) => Err(Problem::stale()),
    }
}

/// Whether `If-None-Match` says that the client has this version already.
///
/// # Errors
/// 400 `invalid_header`.
pub fn matches_none(call: &Call, version: u64) -> Result<bool, Problem> {
    Ok(call.header(header::IF_NONE_MATCH.as_str())?.is_some_and(|listed| {
        let strong = |found: &str| found.strip_prefix("W/").unwrap_or(found) == tag(version);
        listed.trim() == "*" || tags(listed).any(strong)
    }))
}

fn tags(listed: &str) -> impl Iterator<Item = &str> {
    listed.split(',').map(str::trim)
}
