//! Values that are one word out of a few.

use crate::violation::Violation;

/// Makes an enum whose variants are written as words.
macro_rules! word_enum {
    ($name:ident, $doc:literal, $($variant:ident = $word:literal: $meaning:literal),+ $(,)?) => {
        #[doc = $doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $(#[doc = $meaning] $variant),+ }

        impl $name {
            /// All of them, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word it is written as.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Reads the word.
            ///
            /// # Errors
            /// A [`Violation`](crate::violation::Violation) `unknown_value` that lists the words.
            pub fn parse(word: &str) -> Result<Self, $crate::violation::Violation> {
                Self::ALL.iter().copied().find(|v| v.as_str() == word).ok_or_else(|| {
                    let words: Vec<_> = Self::ALL.iter().map(|v| v.as_str()).collect();
                    $crate::words::unknown_word(&words)
                })
            }
        }
    };
}

pub(crate) use word_enum;

/// The violation of a word that is none of those there are.
pub(crate) fn unknown_word(words: &[&str]) -> Violation {
    Violation::new("unknown_value", format!("It must be one of {}.", words.join(", ")))
}
