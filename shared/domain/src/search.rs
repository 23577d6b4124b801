//! Search in texts: which characters are equal, and whether a text contains what is searched for.

use std::sync::LazyLock;

use crate::{
    text::{length, line},
    violation::Violation,
};

/// The longest search term, in characters.
const MAX_LENGTH: usize = 100;

/// The most characters of a search key for one character of a text. What has more in the collation order, such as
/// U+FDFA with eighteen, is equal to itself only.
pub const MAX_EXPANSION: usize = 6;

/// What somebody searches for: 1..100 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchTerm(String);

impl SearchTerm {
    /// Checks what is searched for.
    ///
    /// # Errors
    /// A [`Violation`] with code `too_short`, also for a term that is ignored as a whole, `too_long` or
    /// `invalid_characters`.
    pub fn parse(value: &str) -> Result<Self, Violation> {
        let key = search_key(&line(value, MAX_LENGTH)?);
        length(key, 1, MAX_LENGTH * MAX_EXPANSION).map(Self)
    }

    /// Whether the text, which is in NFC, contains it.
    pub fn is_in(&self, text: &str) -> bool {
        search_key(text).contains(&self.0)
    }
}

/// A text in NFC as it is searched: each character is replaced by those that stand for all characters with its primary
/// weights in the root collation order of CLDR (UTS #10, UTS #35 part 5), and ignorable characters are left out. The
/// key has at most [`MAX_EXPANSION`] characters for one of the text.
///
/// Characters are taken one by one: the few letters of that order which are written with several characters
/// (contractions) are compared by their characters, and a Hangul syllable is equal to itself only.
pub fn search_key(text: &str) -> String {
    let mut key = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            'A'..='Z' => key.push(c.to_ascii_lowercase()),
            ' '..='~' => key.push(c),
            _ => match EQUIVALENTS.of(c) {
                Some(letters) => key.push_str(letters),
                None => key.push(c),
            },
        }
    }
    key
}

/// What stands for characters that are not equal to themselves only. Written by the test
/// `the_table_of_equal_characters_is_that_of_the_root_collation_order`.
static EQUIVALENTS: LazyLock<Equivalents> =
    LazyLock::new(|| Equivalents::parse(include_str!("search/equivalents.txt")));

struct Equivalents {
    /// What stands for characters.
    letters: Vec<String>,
    /// The first and the last character of each range, and the place of what stands for them all, by character.
    ranges: Vec<(char, char, usize)>,
}

impl Equivalents {
    /// Reads lines of what stands for characters, a colon, and ranges of these characters, all in hexadecimal numbers.
    fn parse(table: &str) -> Self {
        let character = |number: &str| char::from_u32(u32::from_str_radix(number, 16).ok()?);
        let (mut letters, mut ranges) = (Vec::new(), Vec::new());
        for line in table.lines().filter(|line| !line.starts_with('#')) {
            let (standing, equal) = line.split_once(':').unwrap_or_default();
            for range in equal.split_whitespace() {
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                if let (Some(first), Some(last)) = (character(first), character(last)) {
                    ranges.push((first, last, letters.len()));
                }
            }
            letters.push(standing.split_whitespace().filter_map(character).collect());
        }
        ranges.sort_unstable();
        Self { letters, ranges }
    }

    fn of(&self, c: char) -> Option<&str> {
        let behind = self.ranges.partition_point(|(first, ..)| *first <= c);
        let (_, last, place) = self.ranges.get(behind.checked_sub(1)?)?;
        (c <= *last).then(|| self.letters.get(*place).map(String::as_str))?
    }
}

#[cfg(test)]
mod tests;
