//! API tokens, as their owners see them.

use serde::Serialize;
use utoipa::ToSchema;

use super::values::{ApiTokenId, ApiTokenName, Date, DateTime, SpaceId};

words!(/// What an API token may be used for. `tasks:read`: read tasks, comments, statistics and changes, with the
    /// spaces and members that have changed. `tasks:write`:
    /// create, change, complete and delete tasks and comments. `spaces:read`: read spaces, members and invitations.
    /// `spaces:write`: create, change and delete spaces, manage members and invitations. `profile:read`: read the profile.
    ApiScope: #[serde(rename = "tasks:read")] TasksRead, #[serde(rename = "tasks:write")] TasksWrite,
    #[serde(rename = "spaces:read")] SpacesRead, #[serde(rename = "spaces:write")] SpacesWrite,
    #[serde(rename = "profile:read")] ProfileRead);

/// An API token to be created.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateApiTokenRequest {
    /// Name of the program that uses the token.
    pub name: ApiTokenName,
    /// Scopes of the token.
    #[schema(min_items = 1, max_items = 5)]
    pub scopes: Vec<ApiScope>,
    /// Space that the token is confined to. All spaces of the user if absent or null.
    pub space: Option<SpaceId>,
    /// When the token expires: within a year.
    pub expires_at: DateTime,
    /// Password of the account.
    #[schema(format = Password, examples("correct horse battery staple"))]
    pub password: String,
}

/// An API token.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiToken {
    /// Id of the token.
    pub id: ApiTokenId,
    /// Name of the program that uses the token.
    pub name: ApiTokenName,
    /// Scopes of the token.
    #[schema(min_items = 1, max_items = 5)]
    pub scopes: Vec<ApiScope>,
    /// Space that the token is confined to. Null if it gives access to all spaces of the user.
    #[schema(required)]
    pub space: Option<SpaceId>,
    /// When the token was created.
    pub created_at: DateTime,
    /// When the token expires.
    pub expires_at: DateTime,
    /// Day (UTC) on which the token was last used. Null if it was never used.
    #[schema(required)]
    pub last_used_on: Option<Date>,
    /// The text of the token, for the `Authorization` header. Only in the response to its creation.
    #[schema(
        pattern = "^tbk_[0-9A-HJKMNP-TV-Z]{52}_[0-9a-f]{48}$",
        examples(
            "tbk_01KJM6JM00J452VV4909EC3FQB01KJM6JM00EEKDAP9K7T78NJFE_5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e3bc4b32d"
        )
    )]
    pub token: Option<String>,
}
