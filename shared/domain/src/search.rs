//! Search in texts, ignoring case, accents and width.

use std::sync::LazyLock;

use crate::{
    text::{length, line},
    violation::Violation,
};

/// The maximum length of a search term, in characters.
const MAX_LENGTH: usize = 100;

/// The maximum length of the search key of one character. A character with a longer one in the collation order, such as
/// U+FDFA with eighteen, is equal to itself only.
pub const MAX_EXPANSION: usize = 6;

/// A search term of 1 to 100 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchTerm(String);

impl SearchTerm {
    /// Checks a search term.
    ///
    /// # Errors
    /// A [`Violation`] with code `too_short`, also if all characters are ignored in a search, `too_long` or
    /// `invalid_characters`.
    pub fn parse(value: &str) -> Result<Self, Violation> {
        let key = search_key(&line(value, MAX_LENGTH)?);
        length(key, 1, MAX_LENGTH * MAX_EXPANSION).map(Self)
    }

    /// Whether a text in NFC contains the term.
    pub fn is_in(&self, text: &str) -> bool {
        search_key(text).contains(&self.0)
    }
}

/// The search key of a text in NFC. Characters with equal primary weights in the root collation order of CLDR (UTS #10,
/// UTS #35 part 5) have equal keys, and ignorable characters have an empty one. The key has at most [`MAX_EXPANSION`]
/// characters per character of the text.
///
/// Each character is mapped by itself: contractions of the collation order are not supported, and a Hangul syllable is equal
/// to itself only.
pub fn search_key(text: &str) -> String {
    let mut key = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            'A'..='Z' => key.push(c.to_ascii_lowercase()),
            ' '..='~' => key.push(c),
            _ => match EQUIVALENTS.key(c) {
                Some(mapped) => key.push_str(mapped),
                None => key.push(c),
            },
        }
    }
    key
}

/// The search keys of characters that are not their own key. Written by the test
/// `the_table_of_equal_characters_matches_the_root_collation_order`.
static EQUIVALENTS: LazyLock<Equivalents> =
    LazyLock::new(|| Equivalents::parse(include_str!("search/equivalents.txt")));

struct Equivalents {
    /// The distinct keys.
    keys: Vec<String>,
    /// The first and last character of each range, and the index of their key. Sorted by character.
    ranges: Vec<(char, char, usize)>,
}

impl Equivalents {
    /// Reads lines of the form `<key>:<ranges of characters>`, with characters as hexadecimal numbers.
    fn parse(table: &str) -> Self {
        let character = |number: &str| char::from_u32(u32::from_str_radix(number, 16).ok()?);
        let (mut keys, mut ranges) = (Vec::new(), Vec::new());
        for line in table.lines().filter(|line| !line.starts_with('#')) {
            let (key, equal) = line.split_once(':').unwrap_or_default();
            for range in equal.split_whitespace() {
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                if let (Some(first), Some(last)) = (character(first), character(last)) {
                    ranges.push((first, last, keys.len()));
                }
            }
            keys.push(key.split_whitespace().filter_map(character).collect());
        }
        ranges.sort_unstable();
        Self { keys, ranges }
    }

    fn key(&self, c: char) -> Option<&str> {
        let next = self.ranges.partition_point(|(first, ..)| *first <= c);
        let (_, last, index) = self.ranges.get(next.checked_sub(1)?)?;
        (c <= *last).then(|| self.keys.get(*index).map(String::as_str))?
    }
}

#[cfg(test)]
mod tests;
