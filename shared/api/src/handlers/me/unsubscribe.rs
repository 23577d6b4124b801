//! `GET` and `POST /v1/unsubscribe/{token}`: turns reminder mails off from a mail, without logging in.
//!
//! Mail programs send the POST themselves (RFC 8058). The GET is for people; it shows a button and changes
//! nothing, because scanners follow every link in a mail.

use askama::Template;
use http::Method;
use taskbell_domain::{
    clock::Clock,
    credential::sha256_hex,
    id::UserId,
    ports::{ProfileChanges, Replaced},
    user::{User, UserPatch},
};

use crate::handlers::TRIES;
use crate::http::{Call, Problem, Reply};

#[derive(Template)]
#[template(path = "unsubscribe.html")]
struct Page {
    done: bool,
}

/// The token that stands in the links of a user's mails.
pub fn link_token(user: &User) -> String {
    format!("{}.{}", user.id.body(), user.unsubscribe_token)
}

/// Turns reminder mails off, or asks whether to.
///
/// # Errors
/// 404 for every token that was not sent to somebody; 409 `busy`.
pub async fn handle(
    call: &Call,
    accounts: &impl ProfileChanges,
    clock: &dyn Clock,
) -> Result<Reply, Problem> {
    let (user, secret) = call.path("token").split_once('.').ok_or_else(Problem::not_found)?;
    let user = UserId::from_body(user).map_err(|_| Problem::not_found())?;
    let mut user = accounts.user(user).await?.ok_or_else(Problem::not_found)?;
    // Hashes are compared, so that the time taken says nothing about the token.
    if sha256_hex(secret.as_bytes()) != sha256_hex(user.unsubscribe_token.as_bytes()) {
        return Err(Problem::not_found());
    }
    if call.method() != Method::POST {
        return page(false);
    }
    let off = UserPatch { mail_reminders: Some(false), ..UserPatch::default() };
    for _ in 0..TRIES {
        let read = user.version;
        if !user.apply(off.clone(), clock.now()) {
            return page(true);
        }
        match accounts.replace_user(&user, read).await? {
            Replaced::Done => return page(true),
            Replaced::Conflict(Some(present)) => user = *present,
            Replaced::Conflict(None) => return Err(Problem::not_found()),
        }
    }
    Err(Problem::busy())
}

fn page(done: bool) -> Result<Reply, Problem> {
    Page { done }.render().map(Reply::html).map_err(|_| Problem::internal())
}
