//! Sets a new password with a code from an email.

use http::StatusCode;
use taskbell_domain::{
    credential::Credential,
    one_time_code::Purpose,
    ports::{Accounts, LiveConnections, Notifications, PushQueue, Redemption, Redemptions},
    rate_limit::LINKS,
    secret::link_token,
    violation::Violation,
};

use crate::{
    endpoint::{Access, Body, Endpoint, Operation, RequestLimit, Tag},
    handlers::codes,
    http::{Call, Fields, Problem, Reply, disabled, read},
    live::end_connections,
    passwords,
    update::Attempts,
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "reset-password",
    tag: Tag::Authentication,
    access: Access::Public,
    rate_limit: RequestLimit::Fixed(LINKS),
    path: "/v1/auth/reset-password",
    operations: &[Operation {
        method: "POST",
        summary: "Reset the password",
        description: "Sets a new password with the code from the email. All sessions of the account end, and access tokens issued before stop working.",
        parameters: &[],
        request: Some("ResetPasswordRequest"),
        responses: &[(204, Body::Empty)],
        errors: &["invalid_code", "account_disabled", "busy"],
    }],
};

/// Sets the password and consumes the code in one transaction. Sessions and live connections end; earlier access tokens, mail links and
/// codes become invalid. The code also verifies the email address.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl Accounts + Redemptions + Notifications + LiveConnections),
    queue: &impl PushQueue,
) -> Result<Reply, Problem> {
    let mut fields = Fields::of(call)?;
    let code = fields.required("code", read::any_text);
    let password = fields.required("password", read::any_text);
    let (code, password) = fields.finish(code.zip(password))?;
    call.admit().await?;
    let weak = |violation: Violation| violation.for_field("password");
    // Check the password before the code, so that a rejected password does not consume the code.
    passwords::check_new(&password, &[]).map_err(weak)?;
    let mut password_hash = None;
    let mut attempts = Attempts::new();
    loop {
        attempts.begin()?;
        let (now, random) = (call.now(), call.random());
        let opened = codes::verify(store, &code, Purpose::PasswordReset, now).await?;
        let mut user = store.user(opened.user).await?.ok_or_else(codes::invalid)?;
        if user.disabled_at.is_some() {
            return Err(disabled());
        }
        if user.outdates_code(Purpose::PasswordReset, opened.notification.created_at) {
            return Err(codes::invalid());
        }
        let hash = match password_hash.take() {
            Some(hash) => hash,
            None => {
                let own = [user.email.as_str(), user.name.as_str()];
                passwords::check_new(&password, &own).map_err(weak)?;
                passwords::new_hash(&password, random)?
            }
        };
        let credential = Credential { user: user.id, password_hash: hash };
        // The current time, not that of the reads: tokens and codes that were issued since must become invalid.
        user.reset_password(link_token(random), call.now());
        let code = opened.mark_used();
        let redemption = Redemption { code: &code, user: &user, credential: Some(&credential) };
        if store.redeem(redemption).await? {
            store.close_sessions(user.id).await?;
            end_connections(store, queue, user.id, |_| true).await?;
            return Ok(Reply::empty(StatusCode::NO_CONTENT));
        }
        password_hash = Some(credential.password_hash);
    }
}
