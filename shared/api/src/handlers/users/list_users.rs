//! Lists accounts, for operators.

use taskbell_domain::{
    email::MAX_OCTETS,
    id::UserId,
    ports::Accounts,
    user::{OperatorSecondFactor, User},
    violation::Violation,
};

use super::{account_view, require_operator};
use crate::{
    access::while_checked,
    endpoint::{Access, Body, Endpoint, Operation, RequestLimit, Tag},
    http::{Call, Cursor, CursorKey, Params, Problem, Reply, page},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "list-users",
    tag: Tag::Operators,
    access: Access::Operator,
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/users",
    operations: &[Operation {
        method: "GET",
        summary: "List accounts",
        description: "Returns the accounts of this stack, sorted by email address; `email` selects addresses that start with a text.",
        parameters: &["email", "limit", "cursor"],
        request: None,
        responses: &[(200, Body::Page("Account"))],
        errors: &[],
    }],
};

/// Responds with a page of accounts, sorted by email address. `email` selects addresses with this prefix.
pub async fn handle(
    call: &Call<'_>,
    store: &impl Accounts,
    key: &CursorKey,
    second_factor: OperatorSecondFactor,
) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let mut params = Params::of(call);
    let prefix = params.optional("email", parse_prefix).unwrap_or_default();
    let (limit, cursor) = params.page();
    params.finish()?;
    let cursors = Cursor::new(key, caller, &("users", &prefix));
    let after = cursors.read(cursor.as_deref(), |position| {
        let (user, email) = position.split_once(' ')?;
        Some((email.to_owned(), UserId::from_body(user).ok()?))
    })?;
    let (_, found) = while_checked(
        require_operator(store, caller, second_factor),
        store.users(&prefix, after, limit),
    )
    .await?;
    let next = found.next.map(|(email, user)| position(&email, user));
    let position_of = |user: &User| position(&user.email.canonical(), user.id);
    page(&cursors, &found.items, next, position_of, account_view)
}

fn position(email: &str, user: UserId) -> String {
    format!("{} {email}", user.body())
}

fn parse_prefix(text: &str) -> Result<String, Violation> {
    if text.len() > MAX_OCTETS {
        return Err(Violation::new(
            "too_long",
            format!("It must have at most {MAX_OCTETS} characters."),
        ));
    }
    Ok(text.trim().to_ascii_lowercase())
}
