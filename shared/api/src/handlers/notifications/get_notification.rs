//! Returns a message and its delivery, for operators.

use http::StatusCode;
use taskbell_domain::{
    ports::{Notifications, Profiles},
    user::OperatorSecondFactor,
};

use super::View;
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, RequestLimit, Tag},
    handlers::users::require_operator,
    http::{Call, Problem, Reply},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "get-notification",
    tag: Tag::Operators,
    access: Access::Operator,
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/notifications/{notification_id}",
    operations: &[Operation {
        method: "GET",
        summary: "Get a message",
        description: "Returns a message and its delivery status.",
        parameters: &[],
        request: None,
        responses: &[(200, Body::Json("Notification"))],
        errors: &[],
    }],
};

/// Responds with the message and its delivery. Messages are kept for 90 days.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl Notifications + Profiles),
    second_factor: OperatorSecondFactor,
) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    require_operator(store, caller, second_factor).await?;
    let id = call.path_id("notification_id")?;
    let notification = store.notification(id).await?.ok_or_else(Problem::not_found)?;
    Reply::json(StatusCode::OK, &View::of(&notification).ok_or_else(Problem::not_found)?)
}
