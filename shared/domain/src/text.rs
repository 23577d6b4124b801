//! The texts people type, each with its own limits. Whoever holds one knows that it was checked.

use unicode_normalization::UnicodeNormalization;

use crate::{name, violation::Violation};

/// One line: NFC, trimmed, without control characters (so that it can stand in a mail header), and
/// between 1 and `max` characters long.
pub(crate) fn line(value: &str, max: usize) -> Result<String, Violation> {
    let text: String = value.trim().nfc().collect();
    if text.chars().any(char::is_control) {
        return Err(Violation::new("invalid_characters", "Use one line without control characters."));
    }
    length(text, 1, max)
}

/// The name of a person or a space: one line of up to `max` characters that hides nothing and has no link in it.
fn visible_name(value: &str, max: usize) -> Result<String, Violation> {
    let text = line(value, max)?;
    name::check(&text).map(|()| text)
}

/// Several lines: NFC, at most `max` characters, no control characters but line breaks and tabs.
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

/// Several lines that say something.
fn words(value: &str, max: usize) -> Result<String, Violation> {
    length(block(value.trim(), max)?, 1, max)
}

pub(crate) fn length(text: String, min: usize, max: usize) -> Result<String, Violation> {
    match text.chars().count() {
        n if n < min => Err(Violation::new("too_short", "It must not be empty.")),
        n if n > max => {
            Err(Violation::new("too_long", format!("It has {n} characters; at most {max} fit.")))
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
            /// Checks and normalises a text.
            ///
            /// # Errors
            /// A [`Violation`] with code `too_short`, `too_long` or `invalid_characters`; for names of people and
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

text_type!(Title, |v| line(v, 500), "What is to be done: one line, 1..500 characters.");
text_type!(
    #[derive(Default)]
    Description,
    |v| block(v, 16_000),
    "More about a task: 0..16,000 characters."
);
text_type!(Category, |v| line(v, 100), "The one category of a task: one line, 1..100 characters.");
text_type!(
    Tag,
    |v| line(&v.to_lowercase(), 100),
    "A tag, in lower case so that `Home` and `home` are one: one line, 1..100 characters."
);
text_type!(
    PersonName,
    |v| visible_name(v, MAX_NAME),
    "How a user wants to be addressed: 1..100 characters."
);

text_type!(ItemTitle, |v| line(v, 200), "An item of a checklist: one line, 1..200 characters.");
text_type!(CommentText, |v| words(v, 4_000), "What somebody says about a task: 1..4,000 characters.");
text_type!(MessageSubject, |v| line(v, 200), "What a message is about: one line, 1..200 characters.");
text_type!(MessageText, |v| words(v, 10_000), "What an operator writes: 1..10,000 characters.");
text_type!(SpaceName, |v| visible_name(v, MAX_NAME), "What people call a space: 1..100 characters.");

/// The longest name of a person or a space, in characters.
const MAX_NAME: usize = 100;

impl PersonName {
    /// Reads a name that is stored already. It may be older than the checks of [`Self::parse`].
    ///
    /// # Errors
    /// A [`Violation`] if it is not one line of 1..100 characters.
    pub fn parse_trusted(value: &str) -> Result<Self, Violation> {
        line(value, MAX_NAME).map(Self)
    }
}

impl SpaceName {
    /// Reads a name that is stored already. It may be older than the checks of [`Self::parse`].
    ///
    /// # Errors
    /// A [`Violation`] if it is not one line of 1..100 characters.
    pub fn parse_trusted(value: &str) -> Result<Self, Violation> {
        line(value, MAX_NAME).map(Self)
    }
}

/// The most tags a task can have.
pub const MAX_TAGS: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    fn code<T>(result: Result<T, Violation>) -> &'static str {
        result.err().map_or("ok", |violation| violation.code)
    }

    #[test]
    fn a_title_has_1_to_500_characters_counted_as_characters() {
        assert_eq!(code(Title::parse("")), "too_short");
        assert_eq!(code(Title::parse("  \u{a0} ")), "too_short");
        assert_eq!(code(Title::parse(&"ä".repeat(500))), "ok");
        assert_eq!(code(Title::parse(&"ä".repeat(501))), "too_long");
    }

    #[test]
    fn control_characters_never_reach_a_single_line() {
        for bad in ["a\r\nBcc: x@example.com", "a\0b", "a\tb", "a\u{85}b", "a\u{7f}b"] {
            assert_eq!(code(Title::parse(bad)), "invalid_characters", "{bad:?}");
        }
    }

    #[test]
    fn a_description_keeps_its_lines_but_no_nul() {
        assert_eq!(code(Description::parse("a\r\n\tb")), "ok");
        assert_eq!(code(Description::parse("a\0b")), "invalid_characters");
        assert_eq!(code(Description::parse(&"x".repeat(16_001))), "too_long");
    }

    #[test]
    fn names_are_checked_when_they_are_given_and_readable_when_they_are_stored() {
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
    fn tags_that_differ_in_case_or_composition_are_one() {
        assert_eq!(Tag::parse(" HOME ").unwrap(), Tag::parse("home").unwrap());
        assert_eq!(Tag::parse("cafe\u{301}").unwrap(), Tag::parse("CAFÉ").unwrap());
    }
}
