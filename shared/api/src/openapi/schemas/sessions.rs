//! Sessions, as their owners see them.

use serde::Serialize;
use utoipa::ToSchema;

use super::values::{Date, DateTime, SessionId};

/// A session that is open.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenSession {
    /// Id of the session.
    pub id: SessionId,
    /// What the session was opened with, according to the client itself, such as "Firefox on Linux". Null if unknown.
    #[schema(required, max_length = 60, examples("Firefox on Linux"))]
    pub label: Option<String>,
    /// When the user logged in.
    pub created_at: DateTime,
    /// Day (UTC) of the log-in or of the last refresh. Null if that was before this release of the service.
    #[schema(required)]
    pub last_used_on: Option<Date>,
    /// Whether this is the session of the request.
    pub current: bool,
}
