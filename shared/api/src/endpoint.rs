//! The definition of each endpoint of the API, next to its handler. It is the single source for the binaries, the
//! OpenAPI document, tests, benchmarks and the tables in `docs/`. A test compares `template.yaml` with it.

use taskbell_domain::{api_token::ApiScope, rate_limit::RateLimit};

/// An endpoint: one function that serves one path.
#[derive(Clone, Copy)]
pub struct Endpoint {
    /// The name shared by the binary, the event file, the handler, the function in the template and the OpenAPI
    /// operation.
    pub name: &'static str,
    /// The section of the reference it belongs to.
    pub tag: Tag,
    /// Which callers are allowed.
    pub access: Access,
    /// How many requests are allowed.
    pub rate_limit: RequestLimit,
    /// The path, with parameters in braces.
    pub path: &'static str,
    /// One operation per method. HEAD is served for every path that has GET.
    pub operations: &'static [Operation],
}

/// One method of an endpoint.
#[derive(Clone, Copy)]
pub struct Operation {
    /// The method, in upper case.
    pub method: &'static str,
    /// The OpenAPI summary.
    pub summary: &'static str,
    /// The OpenAPI description.
    pub description: &'static str,
    /// Names of query parameters and request headers.
    pub parameters: &'static [&'static str],
    /// The schema of the request body, if there is one.
    pub request: Option<&'static str>,
    /// The successful responses, by status.
    pub responses: &'static [(u16, Body)],
    /// Error codes specific to this operation. [`crate::http::codes`] lists all of them; common ones are derived.
    pub errors: &'static [&'static str],
}

/// In place of the schema of a request: the body is newline-delimited JSON, in the format of an export.
pub const NDJSON: &str = "application/x-ndjson";

/// Comma-separated values (RFC 4180).
pub const CSV: &str = "text/csv";

/// The content of a response.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// None.
    Empty,
    /// JSON of this schema.
    Json(&'static str),
    /// A page of items that have this schema.
    Page(&'static str),
    /// An HTML page.
    Html,
    /// A page of an export: newline-delimited JSON, or CSV.
    Export,
    /// The OpenAPI document.
    Document,
}

/// The callers that an endpoint accepts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everyone, without an access token.
    Public,
    /// Users with an access token, and programs with an API token where the decision for the endpoint says so.
    User(Programs),
    /// Operators. The guard accepts users; the handler rejects those that are not operators, because only the stored
    /// profile tells who is one (`require_operator`). The authorization table tests it.
    Operator,
}

/// Whether programs may use an endpoint with an API token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Programs {
    /// Not: it is about the account itself, its sessions or its tokens.
    Refused,
    /// If their token has this scope.
    WithScope(ApiScope),
}

impl Access {
    /// Whether programs may use the endpoint.
    pub fn programs(self) -> Programs {
        match self {
            Self::User(programs) => programs,
            Self::Public | Self::Operator => Programs::Refused,
        }
    }
}

/// The rate limit of an endpoint.
#[derive(Clone, Copy)]
pub enum RequestLimit {
    /// No limit besides API Gateway's throttling: the endpoint reads and writes nothing.
    None,
    /// A fixed limit.
    Fixed(RateLimit),
    /// A limit whose value is in an environment variable.
    Variable(&'static str, fn(u32) -> RateLimit),
}

impl RequestLimit {
    /// The limit that all endpoints with an access token share, per user.
    pub const PER_USER: Self = Self::Variable("REQUESTS_PER_MINUTE", RateLimit::requests);
}

/// A section of the reference, in reading order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tag {
    /// Registration and sessions.
    Authentication,
    /// The caller's own account.
    Profile,
    /// Tokens of programs.
    ApiTokens,
    /// Tasks.
    Tasks,
    /// Comments on tasks.
    Comments,
    /// Shared spaces.
    Spaces,
    /// Members of spaces.
    Members,
    /// Invitations into spaces.
    Invitations,
    /// Statistics about tasks.
    Statistics,
    /// What has changed.
    Changes,
    /// Export and import.
    Transfer,
    /// Links in emails.
    Links,
    /// For operators of the stack.
    Operators,
    /// The service itself.
    Service,
}

impl Tag {
    /// All tags, in order.
    pub const ALL: [Self; 14] = [
        Self::Authentication,
        Self::Profile,
        Self::ApiTokens,
        Self::Tasks,
        Self::Comments,
        Self::Spaces,
        Self::Members,
        Self::Invitations,
        Self::Statistics,
        Self::Changes,
        Self::Transfer,
        Self::Links,
        Self::Operators,
        Self::Service,
    ];

    /// The section's title in the reference.
    pub fn name(self) -> &'static str {
        match self {
            Self::Authentication => "Authentication",
            Self::Profile => "Profile",
            Self::ApiTokens => "API tokens",
            Self::Tasks => "Tasks",
            Self::Comments => "Comments",
            Self::Spaces => "Spaces",
            Self::Members => "Members",
            Self::Invitations => "Invitations",
            Self::Statistics => "Statistics",
            Self::Changes => "Changes",
            Self::Transfer => "Export and import",
            Self::Links => "Links in emails",
            Self::Operators => "Operators",
            Self::Service => "Service",
        }
    }

    /// The section's description in the reference.
    pub fn description(self) -> &'static str {
        match self {
            Self::Authentication => {
                "Register, log in, and keep a session. Access tokens are valid for 15 minutes."
            }
            Self::Profile => "The caller's own account: time zone, default reminders, email settings.",
            Self::ApiTokens => {
                "Tokens for scripts and integrations, limited to scopes and, if wanted, to one space."
            }
            Self::Tasks => "Tasks with due times, reminders, recurrence and checklists.",
            Self::Comments => "Comments on tasks.",
            Self::Spaces => "Spaces hold tasks. Each user has a personal space; others can be shared.",
            Self::Members => "Members of shared spaces and their roles.",
            Self::Invitations => "Invite people into a shared space by email.",
            Self::Statistics => "Statistics about the tasks of a space.",
            Self::Changes => "What has changed since a client last asked, in all its spaces.",
            Self::Transfer => "Take all data along, and bring tasks in.",
            Self::Links => "The targets of links in emails. They return HTML pages.",
            Self::Operators => "For operators of the stack. Other users get 403.",
            Self::Service => "The service itself.",
        }
    }
}

/// The endpoint definition of each handler.
macro_rules! endpoints {
    ($($resource:ident :: { $($handler:ident),+ $(,)? }),+ $(,)?) => {
        &[$($(&crate::handlers::$resource::$handler::ENDPOINT),+),+]
    };
}

/// Every endpoint of the API, in the order of the reference.
pub const ENDPOINTS: &[&Endpoint] = endpoints! {
    auth::{register_user, verify_email, log_in, refresh_session, log_out, forgot_password, reset_password},
    auth::{undo_email_change},
    second_factor::{remove_second_factor},
    sessions::{list_sessions, end_session, end_other_sessions},
    me::{get_profile, update_profile, send_verification, delete_account},
    me::{change_password, change_email, confirm_email},
    second_factor::{start_second_factor, confirm_second_factor, delete_second_factor},
    api_tokens::{create_api_token, list_api_tokens, delete_api_token},
    tasks::{
        create_task, list_tasks, get_task, update_task, delete_task, complete_task, reopen_task,
        snooze_task, skip_task, move_task, list_task_occurrences, list_task_reminders, batch_tasks,
    },
    comments::{create_comment, list_comments, update_comment, delete_comment},
    spaces::{
        create_space, list_spaces, get_space, update_space, delete_space, list_members, update_member,
        remove_member,
    },
    invitations::{invite_member, list_invitations, revoke_invitation, accept_invitation},
    statistics::{get_stats, list_tags, list_categories},
    changes::{list_changes, open_live},
    transfer::{export_data, import_data},
    links::{run_action, unsubscribe},
    me::{become_operator},
    users::{list_users, get_user, update_user, delete_user, invite_user},
    notifications::{create_notification, get_notification},
    health::{get_health},
    openapi::{get_openapi},
    docs::{get_docs},
};

impl Endpoint {
    /// The endpoint of a function. `None` if the function does not serve the API.
    pub fn named(name: &str) -> Option<&'static Self> {
        ENDPOINTS.iter().copied().find(|endpoint| endpoint.name == name)
    }

    /// The operation for a method. HEAD is served as GET.
    pub fn operation(&self, method: &str) -> Option<&'static Operation> {
        let method = if method == "HEAD" { "GET" } else { method };
        self.operations.iter().find(|operation| operation.method == method)
    }
}
