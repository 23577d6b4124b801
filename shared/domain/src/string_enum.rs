//! Enums whose variants are written as fixed strings.

use crate::violation::Violation;

/// Defines an enum whose variants are written as strings.
macro_rules! string_enum {
    ($name:ident, $doc:literal, $($variant:ident = $string:literal: $meaning:literal),+ $(,)?) => {
        #[doc = $doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
        pub enum $name { $(#[doc = $meaning] #[serde(rename = $string)] $variant),+ }

        impl $name {
            /// All variants, in ascending order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The string that the variant is written as.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $string),+ }
            }

            /// Reads a variant.
            ///
            /// # Errors
            /// A [`Violation`](crate::violation::Violation) `unknown_value` that lists the accepted strings.
            pub fn parse(text: &str) -> Result<Self, $crate::violation::Violation> {
                Self::ALL.iter().copied().find(|v| v.as_str() == text).ok_or_else(|| {
                    let accepted: Vec<_> = Self::ALL.iter().map(|v| v.as_str()).collect();
                    $crate::string_enum::unknown_value(&accepted)
                })
            }
        }
    };
}

pub(crate) use string_enum;

/// The violation of a string that is none of the accepted ones.
pub(crate) fn unknown_value(accepted: &[&str]) -> Violation {
    Violation::new("unknown_value", format!("It must be one of {}.", accepted.join(", ")))
}
