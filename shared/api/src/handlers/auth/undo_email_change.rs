//! Restores the address that an account had before it was changed.

use http::StatusCode;
use taskbell_domain::{
    one_time_code::Purpose,
    ports::{
        Accounts, Credentials, EmailChanges, EmailRestoration, LiveConnections, Notifications,
        PushQueue,
    },
    rate_limit::LINKS,
    secret::link_token,
};

use crate::{
    endpoint::{Access, Body, Endpoint, Operation, RequestLimit, Tag},
    handlers::codes,
    http::{Call, Fields, Problem, Reply, disabled, read},
    live::end_connections,
    log_id::log_id,
    passwords,
    update::Attempts,
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "undo-email-change",
    tag: Tag::Authentication,
    access: Access::Public,
    rate_limit: RequestLimit::Fixed(LINKS),
    path: "/v1/auth/undo-email-change",
    operations: &[Operation {
        method: "POST",
        summary: "Undo a change of the email address",
        description: "Restores the address of an account with the code that was sent to it when it was changed, whatever the present address is. All sessions and API tokens of the account end, access tokens and links in emails stop working, and the password is locked: set a new one with `POST /v1/auth/forgot-password`.",
        parameters: &[],
        request: Some("UndoEmailChangeRequest"),
        responses: &[(204, Body::Empty)],
        errors: &["invalid_code", "account_disabled", "busy"],
    }],
};

/// Restores the address, locks the password and consumes the code in one transaction, then ends sessions and live
/// connections. If it is interrupted in between, refreshing a session refuses all that are older.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl EmailChanges + Accounts + Credentials + Notifications + LiveConnections),
    pushes: &impl PushQueue,
) -> Result<Reply, Problem> {
    let mut fields = Fields::of(call)?;
    let text = fields.required("code", read::any_text);
    let text = fields.finish(text)?;
    call.admit().await?;
    let mut attempts = Attempts::new();
    loop {
        attempts.begin()?;
        let code = codes::verify(store, &text, Purpose::EmailChangeUndo, call.now()).await?;
        let restored = code.address().cloned().ok_or_else(codes::invalid)?;
        let user = async { Ok::<_, Problem>(store.user(code.user).await?) };
        let owner = async { Ok::<_, Problem>(store.credential(&restored).await?) };
        let (user, owner) = futures_util::try_join!(user, owner)?;
        let mut user = user.ok_or_else(codes::invalid)?;
        if user.disabled_at.is_some() {
            return Err(disabled());
        }
        // Somebody else can have the address only after the reservation has expired.
        owner.filter(|owner| owner.user == user.id).ok_or_else(codes::invalid)?;
        let (replaced, id, secret) =
            (user.email.clone(), code.notification.id, link_token(call.random()));
        // The current time, not that of the reads: whatever was issued since must become invalid.
        if !user.undo_email_change(id, restored, secret, call.now()) {
            return Err(codes::invalid());
        }
        let (code, locked_hash) = (&code.mark_used(), passwords::LOCKED);
        let restoration = EmailRestoration { code, user: &user, replaced: &replaced, locked_hash };
        if store.restore_email(restoration).await? {
            store.close_sessions(user.id).await?;
            end_connections(store, pushes, user.id, |_| true).await?;
            tracing::info!(user = log_id(user.id), "change of the address undone");
            return Ok(Reply::empty(StatusCode::NO_CONTENT));
        }
    }
}
