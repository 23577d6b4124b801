//! `GET` and `POST /v1/unsubscribe/{token}`: turns mails of one kind off from a mail, without logging in.
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
    kind: &'static str,
    done: bool,
}

/// The kinds of mail that can be turned off, each by its own link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailKind {
    /// Reminders of tasks.
    Reminders,
    /// News of assignments.
    Assignments,
}

impl MailKind {
    fn word(self) -> &'static str {
        match self {
            Self::Reminders => "reminders",
            Self::Assignments => "assignments",
        }
    }
}

/// The token that stands in the links of a user's mails of one kind.
pub fn link_token(user: &User, kind: MailKind) -> String {
    format!("{}.{}.{}", user.id.body(), user.unsubscribe_token, kind.word())
}

fn parse(token: &str) -> Option<(UserId, &str, MailKind)> {
    let (user, rest) = token.split_once('.')?;
    let (secret, word) = rest.split_once('.')?;
    let kind = [MailKind::Reminders, MailKind::Assignments].into_iter().find(|k| k.word() == word)?;
    Some((UserId::from_body(user).ok()?, secret, kind))
}

/// Turns mails of that kind off, or asks whether to.
///
/// # Errors
/// 404 for every token that was not sent to somebody; 409 `busy`.
pub async fn handle(
    call: &Call,
    accounts: &impl ProfileChanges,
    clock: &dyn Clock,
) -> Result<Reply, Problem> {
    let (user, secret, kind) = parse(call.path("token")).ok_or_else(Problem::not_found)?;
    let mut user = accounts.user(user).await?.ok_or_else(Problem::not_found)?;
    // Hashes are compared, so that the time taken says nothing about the token.
    if sha256_hex(secret.as_bytes()) != sha256_hex(user.unsubscribe_token.as_bytes()) {
        return Err(Problem::not_found());
    }
    if call.method() != Method::POST {
        return page(kind, false);
    }
    let off = match kind {
        MailKind::Reminders => UserPatch { mail_reminders: Some(false), ..UserPatch::default() },
        MailKind::Assignments => UserPatch { mail_assignments: Some(false), ..UserPatch::default() },
    };
    call.admitted().await?;
    for _ in 0..TRIES {
        let read = user.version;
        if !user.apply(off.clone(), clock.now()) {
            return page(kind, true);
        }
        match accounts.replace_user(&user, read).await? {
            Replaced::Done => return page(kind, true),
            Replaced::Conflict(Some(present)) => user = *present,
            Replaced::Conflict(None) => return Err(Problem::not_found()),
        }
    }
    Err(Problem::busy())
}

fn page(kind: MailKind, done: bool) -> Result<Reply, Problem> {
    Page { kind: kind.word(), done }.render().map(Reply::html).map_err(|_| Problem::internal())
}
