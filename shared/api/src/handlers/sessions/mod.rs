//! Sessions of the caller.

pub mod end_other_sessions;
pub mod end_session;
pub mod list_sessions;

use jiff::Timestamp;
use serde_json::{Value, json};
use taskbell_domain::{
    credential::Session, id::SessionId, ports::Sessions, session_label::SessionLabel,
};

use crate::http::{Call, Caller, Problem};

/// What the client of a request calls itself. `None` if it does not say, or if that is no name.
pub(crate) fn label(call: &Call<'_>) -> Option<SessionLabel> {
    call.header("user-agent").ok().flatten().and_then(SessionLabel::of_user_agent)
}

/// The caller's session, which must not have ended: an access token outlives its session by up to 15 minutes. For changes
/// that decide who can use the account afterwards.
///
/// # Errors
/// 401 `unauthorized`.
pub(super) async fn require_open(
    store: &impl Sessions,
    caller: Caller,
    now: Timestamp,
) -> Result<SessionId, Problem> {
    let session = caller.session()?.session;
    let is_open = store.has_session(caller.user, session, now).await?;
    is_open.then_some(session).ok_or_else(Problem::unauthorized)
}

/// A session, as its owner sees it.
fn session_view(session: &Session, current: SessionId) -> Value {
    json!({
        "id": session.id,
        "label": session.label,
        "created_at": session.id.created_at(),
        "last_used_on": session.last_used_on,
        "current": session.id == current,
    })
}
