//! Makes the caller an operator if the account has the operator address of the stack and the caller can read mail sent
//! there.

use http::StatusCode;
use serde_json::json;
use taskbell_domain::{
    email::EmailAddress,
    one_time_code::Purpose,
    ports::{Notifications, ProfileChanges, RateLimits, Redemption, Redemptions, Sessions, TimerQueue},
    rate_limit::{CODES, RateLimitKey},
    user::{AccountRole, User, UserPatch},
};

use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    handlers::codes,
    http::{Call, Caller, Fields, Problem, Reply, check_state, enforce_limit, read},
    profiles::profile_view,
    update::Attempts,
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "become-operator",
    tag: Tag::Operators,
    access: Access::User(Programs::Refused),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/me/operator",
    operations: &[Operation {
        method: "POST",
        summary: "Become an operator",
        description: "Makes the caller an operator, if their address is the one that the stack was deployed with. Without a `code`, one is sent to that address by email (202); send it to finish (200). Refresh the session afterwards: earlier access tokens are no longer valid.",
        parameters: &[],
        request: Some("BecomeOperatorRequest"),
        responses: &[(200, Body::Json("Profile")), (202, Body::Json("Accepted"))],
        errors: &["forbidden", "invalid_code", "busy"],
    }],
};

/// Without a code, mails one to the caller and responds 202. With the code, responds with the profile of the new
/// operator. Earlier access tokens become invalid, so none of them gains the operator role: refresh the session. The
/// session must not have ended.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl ProfileChanges + Sessions + Redemptions + Notifications + RateLimits),
    queue: &impl TimerQueue,
    operator: Option<&EmailAddress>,
) -> Result<Reply, Problem> {
    let now = call.now();
    let caller = call.caller()?;
    let mut fields = Fields::of(call)?;
    let code = fields.optional("code", read::any_text);
    let code = fields.finish(Some(code))?;
    let user = store.user(caller.user).await?.ok_or_else(Problem::unauthorized)?;
    if operator.map(EmailAddress::canonical) != Some(user.email.canonical()) {
        let detail = "The address of this account is not the operator address of this stack.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail));
    }
    if !store.has_session(user.id, caller.session()?.session, now).await? {
        return Err(Problem::unauthorized());
    }
    if let Some(code) = code {
        call.admit().await?;
        return promote(call, store, (user, caller), &code).await;
    }
    call.admit().await?;
    enforce_limit(store, CODES, RateLimitKey::user(caller.user), 1, now).await?;
    codes::send(call, store, queue, (user.id, None), Purpose::Operator).await?;
    let detail = "A code will be sent to the address of this account.";
    Reply::json(StatusCode::ACCEPTED, &json!({ "detail": detail }))
}

/// Makes the holder of the code an operator. Consumes the code.
async fn promote(
    call: &Call<'_>,
    store: &(impl ProfileChanges + Redemptions + Notifications),
    (mut user, caller): (User, Caller),
    code: &str,
) -> Result<Reply, Problem> {
    let mut attempts = Attempts::new();
    loop {
        attempts.begin()?;
        let now = call.now();
        let opened = codes::verify(store, code, Purpose::Operator, now).await?;
        let issued_at = opened.notification.created_at;
        if opened.user != user.id || user.outdates_code(Purpose::Operator, issued_at) {
            return Err(codes::invalid());
        }
        let code = opened.mark_used();
        let patch = UserPatch { role: Some(AccountRole::Operator), ..UserPatch::default() };
        if !user.apply(patch, now) {
            store.replace_notification(&code, code.version - 1).await?;
            return Reply::json(StatusCode::OK, &profile_view(&user));
        }
        let redemption = Redemption { code: &code, user: &user, credential: None };
        if store.redeem(redemption).await? {
            return Reply::json(StatusCode::OK, &profile_view(&user));
        }
        user = store.user(user.id).await?.ok_or_else(Problem::unauthorized)?;
        check_state(user.state(), caller)?;
    }
}
