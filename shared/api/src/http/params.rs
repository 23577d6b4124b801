//! Reads query parameters one by one, like the fields of a body.

use taskbell_domain::{list::DEFAULT_PAGE_LIMIT, violation::Violation};

use super::{
    Call, Errors, Problem,
    read::{self, shown},
};

/// The unread parameters, and the errors found so far.
pub struct Params<'a> {
    call: &'a Call<'a>,
    values: Vec<(&'a str, &'a str)>,
    errors: Errors,
}

impl<'a> Params<'a> {
    /// The query parameters of a request.
    pub fn of(call: &'a Call) -> Self {
        Self { call, values: call.query(), errors: Errors::default() }
    }

    /// An optional parameter. Given twice, it is an error.
    pub fn optional<T>(
        &mut self,
        name: &str,
        check: impl Fn(&str) -> Result<T, Violation>,
    ) -> Option<T> {
        let found: Vec<_> = self.values.extract_if(.., |(found, _)| *found == name).collect();
        let result = match found.as_slice() {
            [] => return None,
            [(_, value)] => check(value),
            _ => Err(Violation::new("duplicate", "Give this parameter only once.")),
        };
        result.map_err(|violation| self.errors.add(|| violation.for_field(name))).ok()
    }

    /// The limit of items and the cursor of a paged list.
    pub fn page(&mut self) -> (u8, Option<String>) {
        let limit = self.optional("limit", read::page_limit).unwrap_or(DEFAULT_PAGE_LIMIT);
        (limit, self.optional("cursor", |text| Ok(text.to_owned())))
    }

    /// Checks that there are no errors and no unread parameters.
    ///
    /// # Errors
    /// 422 `validation_failed` with every error found; an unread parameter is one. 400 `malformed_request` if the query
    /// is not valid UTF-8.
    pub fn finish(mut self) -> Result<(), Problem> {
        self.call.check_query()?;
        for (name, _) in &self.values {
            let unknown = || Violation::new("unknown_parameter", "Unknown parameter.");
            self.errors.add(|| unknown().for_field(shown(name)));
        }
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::invalid(self.errors)) }
    }
}
