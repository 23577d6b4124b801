//! Lists the caller's sessions.

use taskbell_domain::ports::{Profiles, Sessions};

use super::session_view;
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    http::{Call, Params, Problem, Reply, whole_list},
};

/// The maximum number of sessions in a list.
const MAX_LISTED: u8 = 100;

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "list-sessions",
    tag: Tag::Authentication,
    access: Access::User(Programs::Refused),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/me/sessions",
    operations: &[Operation {
        method: "GET",
        summary: "List sessions",
        description: "Returns the sessions of the caller, the latest first: those of the 100 latest log-ins that are open.",
        parameters: &[],
        request: None,
        responses: &[(200, Body::Page("OpenSession"))],
        errors: &["validation_failed"],
    }],
};

/// Responds with the sessions that are open.
pub async fn handle(call: &Call<'_>, store: &(impl Sessions + Profiles)) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let (current, now) = (caller.session()?.session, call.now());
    Params::of(call).finish()?;
    let user = store.user(caller.user);
    let (user, mut sessions) = futures_util::try_join!(user, store.sessions(caller.user, MAX_LISTED))?;
    let password_set_at = user.ok_or_else(Problem::unauthorized)?.password_set_at;
    sessions.retain(|session| session.is_open(password_set_at, now));
    let items: Vec<_> = sessions.iter().map(|session| session_view(session, current)).collect();
    whole_list(&items)
}
