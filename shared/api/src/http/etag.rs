//! Entity tags (RFC 9110 §8.8.3) and preconditions (§13). The tag of a task is its version in quotes, followed by `-gzip`
//! for a compressed body: a strong tag differs by encoding (§8.8.3.3). Both name the version in preconditions.

use http::{HeaderName, HeaderValue, header};

use super::{Call, Problem};

/// The strong entity tag of a version.
pub(super) fn tag(version: u64) -> String {
    format!("\"{version}\"")
}

/// The end of the tag of a compressed body.
const COMPRESSED: &str = "-gzip";

/// Changes the entity tag among the headers to that of the compressed body.
pub(super) fn mark_compressed(headers: &mut [(HeaderName, HeaderValue)]) {
    let tags = headers.iter_mut().filter(|(name, _)| name == header::ETAG);
    for (_, value) in tags {
        let opaque = value.to_str().ok().and_then(|text| text.strip_suffix('"'));
        let marked = opaque.map(|opaque| HeaderValue::from_str(&format!("{opaque}{COMPRESSED}\"")));
        if let Some(Ok(marked)) = marked {
            *value = marked;
        }
    }
}

/// Whether `If-None-Match` names this tag, by weak comparison (RFC 9110 §13.1.2). For what the client need not send back.
///
/// # Errors
/// 400 `invalid_header`.
pub(crate) fn is_known(call: &Call<'_>, tag: &str) -> Result<bool, Problem> {
    let mut listed =
        call.header(header::IF_NONE_MATCH.as_str())?.unwrap_or("").split(',').map(str::trim);
    Ok(listed.any(|known| known == "*" || opaque(known) == opaque(tag)))
}

/// A tag without the mark of a weak one.
fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// The versions that a request applies to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preconditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
}

impl Preconditions {
    /// Parses `If-Match` and `If-None-Match`.
    ///
    /// # Errors
    /// 400 `invalid_header`.
    pub fn of(call: &Call<'_>) -> Result<Self, Problem> {
        let tags = |name: &'static str| {
            let Some(listed) = call.header(name)? else { return Ok(None) };
            let invalid = || {
                let why =
                    format!("The header {name} must be * or a list of entity tags such as \"3\".");
                Problem::malformed("invalid_header", why)
            };
            Tags::parse(listed).map(Some).ok_or_else(invalid)
        };
        let if_match = tags(header::IF_MATCH.as_str())?;
        Ok(Self { if_match, if_none_match: tags(header::IF_NONE_MATCH.as_str())? })
    }

    /// The condition for one version, or for any.
    pub fn version(version: Option<u64>) -> Self {
        let one = |version: u64| Tags::Listed(vec![(false, version.to_string())]);
        Self { if_match: version.map(one), if_none_match: None }
    }

    /// Checks the precondition of a change.
    ///
    /// # Errors
    /// 412 `version_mismatch` by `If-Match`, `precondition_failed` by `If-None-Match`.
    pub fn check(&self, version: u64) -> Result<(), Problem> {
        if self.is_known(version)? { Err(Problem::precondition_failed()) } else { Ok(()) }
    }

    /// Whether `If-None-Match` lists the version, so the client already has it. `If-Match` is evaluated first (RFC 9110
    /// §13.2.2).
    ///
    /// # Errors
    /// 412 `version_mismatch`.
    pub fn is_known(&self, version: u64) -> Result<bool, Problem> {
        // If-Match compares strongly (§13.1.1), If-None-Match weakly (§13.1.2).
        if let Some(tags) = self.if_match.as_ref().filter(|tags| !tags.name(version, false)) {
            let is_weak = tags.name(version, true);
            return Err(if is_weak { Problem::weak_tag() } else { Problem::version_mismatch() });
        }
        Ok(self.if_none_match.as_ref().is_some_and(|tags| tags.name(version, true)))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Tags {
    /// Any version: `*`.
    Any,
    /// For each tag: whether it is weak, and the text between its quotes.
    Listed(Vec<(bool, String)>),
}

impl Tags {
    /// `None` if the value is neither `*` nor a list of entity tags. Empty list elements are allowed (RFC 9110
    /// §5.6.1.2).
    fn parse(text: &str) -> Option<Self> {
        let space = [' ', '\t'];
        let (mut rest, mut tags) = (text.trim_matches(space), Vec::new());
        if rest == "*" {
            return Some(Self::Any);
        }
        while !rest.is_empty() {
            if let Some(next) = rest.strip_prefix(',') {
                rest = next.trim_start_matches(space);
                continue;
            }
            let weak = rest.strip_prefix("W/");
            // Entity tags have no escapes: backslashes and commas are ordinary characters.
            let (opaque, next) = weak.unwrap_or(rest).strip_prefix('"')?.split_once('"')?;
            opaque.bytes().all(|byte| byte > b' ').then_some(())?;
            tags.push((weak.is_some(), opaque.to_owned()));
            rest = next.trim_start_matches(space);
            (rest.is_empty() || rest.starts_with(',')).then_some(())?;
        }
        Some(Self::Listed(tags))
    }

    /// Whether one of the tags matches the version. Weak tags match only in a weak comparison.
    fn name(&self, version: u64, weakly: bool) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(tags) => {
                let version = version.to_string();
                let names = |opaque: &str| opaque.strip_suffix(COMPRESSED).unwrap_or(opaque) == version;
                tags.iter().any(|(weak, opaque)| (weakly || !weak) && names(opaque))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entity_tag_lists_are_parsed_as_in_rfc_9110() {
        let listed = |tags: &[(bool, &str)]| {
            Some(Tags::Listed(
                tags.iter().map(|(weak, opaque)| (*weak, (*opaque).to_owned())).collect(),
            ))
        };
        for (text, tags) in [
            (" * ", Some(Tags::Any)),
            ("\"1\"", listed(&[(false, "1")])),
            ("\"a,b\" ,\tW/\"2\",\"3\"", listed(&[(false, "a,b"), (true, "2"), (false, "3")])),
            (",, \"1\",", listed(&[(false, "1")])),
            ("\"\", \"\\\"", listed(&[(false, ""), (false, "\\")])),
            ("", listed(&[])),
        ] {
            assert_eq!(Tags::parse(text), tags, "{text}");
        }
        for bad in [
            "1",
            "\"1",
            "1\"",
            "\"1\" \"2\"",
            "\"1\"2",
            "w/\"1\"",
            "W/1",
            "W/ \"1\"",
            "\"1\", *",
            "**",
            "'1'",
            "\"1 2\"",
            "\"1\"; \"2\"",
        ] {
            assert_eq!(Tags::parse(bad), None, "{bad}");
        }
    }
}
