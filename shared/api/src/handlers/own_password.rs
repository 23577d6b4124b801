//! The caller's password, for changes that a stolen access token must not suffice for.

use taskbell_domain::{
    credential::Credential,
    ports::{Credentials, RateLimits},
    rate_limit::{PASSWORD_CHECKS, RateLimitKey},
    user::User,
    violation::Violation,
};

use crate::{
    http::{Call, Problem, enforce_limit},
    passwords,
};

/// Verifies the password of an account, which was given in this field. Returns the credential that it matches.
///
/// # Errors
/// 422 `wrong_password` for the field; 429 `too_many_requests`.
pub(super) async fn verify(
    call: &Call<'_>,
    store: &(impl Credentials + RateLimits),
    user: &User,
    (field, password): (&'static str, &str),
) -> Result<Credential, Problem> {
    // Before the work of hashing, and counted whether or not it matches.
    enforce_limit(store, PASSWORD_CHECKS, RateLimitKey::user(user.id), 1, call.now()).await?;
    let credential = store.credential(&user.email).await?.filter(|found| found.user == user.id);
    let hash = credential.as_ref().map(|found| found.password_hash.as_str());
    let is_right = passwords::verify(password, hash);
    credential.filter(|_| is_right).ok_or_else(|| {
        Violation::new("wrong_password", "The password is wrong.").for_field(field).into()
    })
}
