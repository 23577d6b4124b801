//! Texts entered by users. Each type has its own limits, and its values have been checked.

use jiff::Timestamp;
use unicode_normalization::UnicodeNormalization;

use crate::{name, violation::Violation};

/// A single line: NFC, trimmed, without control characters (so that it is safe in a mail header), of 1 to `max`
/// characters.
pub(crate) fn line(value: &str, max: usize) -> Result<String, Violation> {
    let text: String = value.trim().nfc().collect();
    if text.chars().any(char::is_control) {
        return Err(Violation::new(
            "invalid_characters",
            "It must be a single line without control characters.",
        ));
    }
    length(text, 1, max)
}

/// The name of a user or a space: a single line of 1 to `max` characters without hidden characters and links.
fn visible_name(value: &str, max: usize) -> Result<String, Violation> {
    let text = line(value, max)?;
    name::check(&text).map(|()| text)
}

/// Several lines: NFC, up to `max` characters, no control characters other than line breaks and tabs.
fn block(value: &str, max: usize) -> Result<String, Violation> {
    let text: String = value.nfc().collect();
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(Violation::new(
            "invalid_characters",
            "Control characters other than line breaks and tabs are not allowed.",
        ));
    }
    length(text, 0, max)
}

/// Several lines that are not empty.
fn non_empty_block(value: &str, max: usize) -> Result<String, Violation> {
    length(block(value.trim(), max)?, 1, max)
}

pub(crate) fn length(text: String, min: usize, max: usize) -> Result<String, Violation> {
    match text.chars().count() {
        n if n < min => Err(Violation::new("too_short", "It must not be empty.")),
        n if n > max => {
            Err(Violation::new("too_long", format!("It must not exceed {max} characters; it has {n}.")))
        }
        _ => Ok(text),
    }
}

macro_rules! text_type {
    ($(#[$extra:meta])* $name:ident, $check:expr, $doc:literal) => {
        #[doc = $doc]
        $(#[$extra])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Checks and normalizes a text.
            ///
            /// # Errors
            /// A [`Violation`] with code `too_short`, `too_long` or `invalid_characters`; for names of users and
            /// spaces also `contains_url`.
            pub fn parse(value: &str) -> Result<Self, Violation> {
                let check: fn(&str) -> Result<String, Violation> = $check;
                check(value).map(Self)
            }

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

text_type!(Title, |v| line(v, 500), "The title of a task: a single line of 1 to 500 characters.");
text_type!(
    #[derive(Default)]
    Description,
    |v| block(v, 16_000),
    "The description of a task: up to 16,000 characters."
);
text_type!(Category, |v| line(v, 100), "The category of a task: a single line of 1 to 100 characters.");
text_type!(
    Tag,
    |v| line(&v.to_lowercase(), 100),
    "A tag, in lower case so that `Home` and `home` are equal: a single line of 1 to 100 characters."
);
text_type!(PersonName, |v| visible_name(v, MAX_NAME), "The name of a user: 1 to 100 characters.");

text_type!(
    ApiTokenName,
    |v| visible_name(v, MAX_NAME),
    "The name of an API token: 1 to 100 characters, without links, because it is in mails."
);
text_type!(
    ItemTitle,
    |v| line(v, 200),
    "The title of a checklist item: a single line of 1 to 200 characters."
);
text_type!(
    CommentText,
    |v| non_empty_block(v, MAX_COMMENT),
    "The text of a comment: 1 to 4,000 characters, and a first line that names its author if it was imported."
);
text_type!(
    MessageSubject,
    |v| line(v, 200),
    "The subject of a message: a single line of 1 to 200 characters."
);
text_type!(
    MessageText,
    |v| non_empty_block(v, 10_000),
    "The text of a message: 1 to 10,000 characters."
);
text_type!(SpaceName, |v| visible_name(v, MAX_NAME), "The name of a space: 1 to 100 characters.");

/// The maximum length of a comment that somebody writes, in characters.
pub(crate) const MAX_COMMENT: usize = 4_000;

/// The maximum length of the name of a user or a space, in characters.
const MAX_NAME: usize = 100;

impl PersonName {
    /// Reads a stored name. It may be older than the checks of [`Self::parse`].
    ///
    /// # Errors
    /// A [`Violation`] if it is not a single line of 1 to 100 characters.
    pub fn parse_trusted(value: &str) -> Result<Self, Violation> {
        line(value, MAX_NAME).map(Self)
    }
}

impl CommentText {
    /// The text of somebody else's comment: its first line names the author and the time. The others can be as long as a comment.
    /// A text that has such a line already keeps it, so that it does not grow with each import.
    pub fn attributed(self, author: &str, at: Timestamp) -> Self {
        match unattributed(&self.0) {
            Some(_) => self,
            None => Self(format!("{author}, {at}:\n{}", self.0)),
        }
    }

    /// Reads a stored or exported text, which [`Self::attributed`] may have made longer.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_trusted(value: &str) -> Result<Self, Violation> {
        let text = block(value.trim(), usize::MAX)?;
        length(unattributed(&text).unwrap_or(&text).to_owned(), 1, MAX_COMMENT)?;
        Ok(Self(text))
    }
}

/// The length of an instant in whole seconds, such as `2026-03-01T08:00:00Z`.
const WHOLE_SECONDS: usize = 20;

/// What follows the line that [`CommentText::attributed`] adds. `None` if there is no such line.
fn unattributed(text: &str) -> Option<&str> {
    let (first, rest) = text.split_once(":\n")?;
    let (author, at) = first.rsplit_once(", ")?;
    let is_time = at.len() <= WHOLE_SECONDS && at.parse::<Timestamp>().is_ok();
    let is_attribution = line(author, MAX_NAME).is_ok() && is_time;
    (is_attribution && !rest.is_empty()).then_some(rest)
}

impl SpaceName {
    /// Reads a stored name. It may be older than the checks of [`Self::parse`].
    ///
    /// # Errors
    /// A [`Violation`] if it is not a single line of 1 to 100 characters.
    pub fn parse_trusted(value: &str) -> Result<Self, Violation> {
        line(value, MAX_NAME).map(Self)
    }
}

/// The maximum number of tags of a task.
pub const MAX_TAGS: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    fn code<T>(result: Result<T, Violation>) -> &'static str {
        result.err().map_or("ok", |violation| violation.code)
    }

    #[test]
    fn a_title_has_1_to_500_unicode_characters() {
        assert_eq!(code(Title::parse("")), "too_short");
        assert_eq!(code(Title::parse("  \u{a0} ")), "too_short");
        assert_eq!(code(Title::parse(&"ä".repeat(500))), "ok");
        assert_eq!(code(Title::parse(&"ä".repeat(501))), "too_long");
    }

    #[test]
    fn a_single_line_has_no_control_characters() {
        for bad in ["a\r\nBcc: x@example.com", "a\0b", "a\tb", "a\u{85}b", "a\u{7f}b"] {
            assert_eq!(code(Title::parse(bad)), "invalid_characters", "{bad:?}");
        }
    }

    #[test]
    fn a_description_may_have_several_lines_but_no_nul() {
        assert_eq!(code(Description::parse("a\r\n\tb")), "ok");
        assert_eq!(code(Description::parse("a\0b")), "invalid_characters");
        assert_eq!(code(Description::parse(&"x".repeat(16_001))), "too_long");
    }

    #[test]
    fn stored_names_are_readable_even_if_new_ones_would_be_refused() {
        for (name, expected) in
            [("Ada", "ok"), ("evil.com", "contains_url"), ("A\u{202e}da", "invalid_characters")]
        {
            assert_eq!(code(PersonName::parse(name)), expected, "{name:?}");
            assert_eq!(code(SpaceName::parse(name)), expected, "{name:?}");
            assert_eq!(PersonName::parse_trusted(name).unwrap().as_str(), name);
            assert_eq!(SpaceName::parse_trusted(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn a_comment_of_somebody_else_can_have_as_many_characters_as_any_other() {
        let at: Timestamp = "2026-03-01T08:00:00Z".parse().unwrap();
        let (author, longest) = ("\u{1f514}".repeat(100), "\u{1f514}".repeat(4_000));
        let imported = CommentText::parse(&longest).unwrap().attributed(&author, at);
        assert_eq!(imported.as_str(), format!("{author}, 2026-03-01T08:00:00Z:\n{longest}"));
        assert_eq!(code(CommentText::parse(imported.as_str())), "too_long");
        let read = CommentText::parse_trusted(imported.as_str()).unwrap();
        assert_eq!(read, imported);
        assert_eq!(read.attributed("Eve", at), imported, "it names the first author only");
        for (text, expected) in [
            (format!("{author}, 2026-03-01T08:00:00Z:\n{longest}."), "too_long"),
            (format!("{longest}."), "too_long"),
            (format!("{author}., 2026-03-01T08:00:00Z:\n{longest}"), "too_long"),
            (format!("Ada, yesterday:\n{longest}"), "too_long"),
            (format!("Ada, 2026-03-01T08:00:00.5Z:\n{longest}"), "too_long"),
            (format!(", 2026-03-01T08:00:00Z:\n{longest}"), "too_long"),
            ("Ada, 2026-03-01T08:00:00Z:\n".to_owned(), "ok"),
            ("a\0".to_owned(), "invalid_characters"),
            (" ".to_owned(), "too_short"),
        ] {
            assert_eq!(code(CommentText::parse_trusted(&text)), expected, "{}", text.len());
        }
    }

    #[test]
    fn tags_that_differ_in_case_or_composition_are_equal() {
        assert_eq!(Tag::parse(" HOME ").unwrap(), Tag::parse("home").unwrap());
        assert_eq!(Tag::parse("cafe\u{301}").unwrap(), Tag::parse("CAFÉ").unwrap());
    }
}
