//! Validation errors, collected while a request is read.

use std::fmt::Display;

use taskbell_domain::violation::FieldError;

/// The maximum number of errors in a response.
pub(crate) const MAX_ERRORS: usize = 50;

/// The first errors of a request and their total number. Errors beyond the maximum are counted but not built, so an
/// invalid body needs no more memory than a valid one.
#[derive(Debug, Default)]
pub struct Errors {
    listed: Vec<FieldError>,
    total: usize,
}

impl Errors {
    /// Adds an error, or only counts it.
    pub(super) fn add(&mut self, error: impl FnOnce() -> FieldError) {
        self.total += 1;
        if self.listed.len() < MAX_ERRORS {
            self.listed.push(error());
        }
    }

    /// Adds the errors of a nested value, up to the maximum.
    pub(super) fn append(&mut self, inner: Self) {
        let room = MAX_ERRORS - self.listed.len();
        self.listed.extend(inner.listed.into_iter().take(room));
        self.total += inner.total;
    }

    /// The same errors with their fields mapped.
    pub(crate) fn map(mut self, field: impl Fn(String) -> String) -> Self {
        self.listed.iter_mut().for_each(|error| error.field = field(std::mem::take(&mut error.field)));
        self
    }

    /// The same errors with a prefix added to their fields.
    pub(super) fn under(self, prefix: impl Display) -> Self {
        self.map(|field| format!("{prefix}{field}"))
    }

    /// Whether there are no errors.
    pub(super) fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The listed errors, and a sentence that summarizes all of them.
    pub(super) fn into_list_and_summary(self) -> (Vec<FieldError>, String) {
        let total = self.total;
        let detail = match self.listed.as_slice() {
            [only] if total == 1 => format!("{}: {}", only.field, only.message),
            listed if listed.len() == total => format!("{total} fields are not valid: see errors."),
            _ => format!("{total} fields are not valid: errors lists the first ones."),
        };
        (self.listed, detail)
    }
}

impl From<FieldError> for Errors {
    fn from(error: FieldError) -> Self {
        Self { listed: vec![error], total: 1 }
    }
}

#[cfg(test)]
mod tests {
    use taskbell_domain::violation::Violation;

    use super::*;

    fn error(field: usize) -> FieldError {
        Violation::new("unknown_field", "Unknown field.").for_field(field.to_string())
    }

    #[test]
    fn errors_beyond_the_maximum_are_counted_but_not_built() {
        let (mut outer, mut inner) = (Errors::default(), Errors::default());
        let mut built = 0;
        for field in 0..1_000 {
            inner.add(|| {
                built += 1;
                error(field)
            });
        }
        assert_eq!(built, MAX_ERRORS);
        outer.add(|| error(7));
        outer.append(inner.under("."));
        let (listed, detail) = outer.into_list_and_summary();
        assert_eq!((listed.len(), listed[1].field.as_str()), (MAX_ERRORS, ".0"));
        assert_eq!(detail, "1001 fields are not valid: errors lists the first ones.");
    }
}
