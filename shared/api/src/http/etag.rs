//! Entity tags (RFC 9110 §8.8.3): the version of a task, in quotes.

use http::header;

use super::{Call, Problem};

/// The strong tag of a version.
pub fn tag(version: u64) -> String {
    format!("\"{version}\"")
}

/// Which versions a change is meant for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// Any.
    Any,
    /// Those that a header lists. Weak tags never match here (RFC 9110 §13.1.1).
    Listed(Vec<String>),
}

impl IfMatch {
    /// What the header `If-Match` says: any, if it is absent or `*`.
    ///
    /// # Errors
    /// 400 `invalid_header`.
    pub fn of(call: &Call) -> Result<Self, Problem> {
        Ok(match call.header(header::IF_MATCH.as_str())? {
            None => Self::Any,
            Some(listed) if listed.trim() == "*" => Self::Any,
            Some(listed) => Self::Listed(tags(listed).map(str::to_owned).collect()),
        })
    }

    /// One version, or any.
    pub fn version(version: Option<u64>) -> Self {
        version.map_or(Self::Any, |version| Self::Listed(vec![tag(version)]))
    }

    /// Refuses a change of another version.
    ///
    /// # Errors
    /// 412 `version_mismatch`.
    pub fn check(&self, version: u64) -> Result<(), Problem> {
        match self {
            Self::Any => Ok(()),
            Self::Listed(tags) if tags.contains(&tag(version)) => Ok(()),
            Self::Listed(_) => Err(Problem::stale()),
        }
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
