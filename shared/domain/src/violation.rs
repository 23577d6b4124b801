//! Why a value was refused, in words for a person and a code for a program.

/// One reason why a value is not acceptable. It does not know which field held the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Stable, snake_case; clients branch on it.
    pub code: &'static str,
    /// A sentence for a person. It never repeats the refused value.
    pub message: String,
}

impl Violation {
    /// A violation with its code and its sentence.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The violation, said of a field (`title`, `tags[3]`, `mail.reminders`).
    pub fn at(self, field: impl Into<String>) -> FieldError {
        FieldError { field: field.into(), code: self.code, message: self.message }
    }
}

/// A [`Violation`] and the field it was found in.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldError {
    /// Path of the field in the request body, or the name of the query parameter.
    pub field: String,
    /// Stable, snake_case.
    pub code: &'static str,
    /// A sentence for a person.
    pub message: String,
}
