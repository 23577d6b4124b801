//! The caller's profile.

use http::StatusCode;
use taskbell_domain::{api_token::ApiScope, ports::Profiles};

use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    http::{Call, Problem, Reply},
    profiles::profile_view,
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "get-profile",
    tag: Tag::Profile,
    access: Access::User(Programs::WithScope(ApiScope::ProfileRead)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/me",
    operations: &[Operation {
        method: "GET",
        summary: "Get the profile",
        description: "Returns the caller's own account: name, time zone, default reminders and email settings.",
        parameters: &[],
        request: None,
        responses: &[(200, Body::Json("Profile"))],
        errors: &["forbidden"],
    }],
};

/// Responds with the profile.
pub async fn handle(call: &Call<'_>, accounts: &impl Profiles) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    caller.refuse_confined()?;
    let user = accounts.user(caller.user).await?.ok_or_else(Problem::unauthorized)?;
    Reply::json(StatusCode::OK, &profile_view(&user))
}
