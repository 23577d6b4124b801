//! Updates the caller's profile (RFC 7396).

use http::StatusCode;
use taskbell_domain::{
    ports::ProfileChanges,
    text::PersonName,
    user::{MailKind, UserPatch},
    zone::Zone,
};

use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    http::{Call, Fields, Problem, Reply, read},
    profiles::{change_profile, profile_view},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "update-profile",
    tag: Tag::Profile,
    access: Access::User(Programs::Refused),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/me",
    operations: &[Operation {
        method: "PATCH",
        summary: "Update the profile",
        description: "Changes the fields that are sent (JSON Merge Patch, RFC 7396).",
        parameters: &[],
        request: Some("UpdateProfileRequest"),
        responses: &[(200, Body::Json("Profile"))],
        errors: &["busy"],
    }],
};

/// Applies the patch. Existing tasks keep their due instants: a new time zone applies to tasks created or rescheduled
/// afterwards.
pub async fn handle(call: &Call<'_>, accounts: &impl ProfileChanges) -> Result<Reply, Problem> {
    let now = call.now();
    let caller = call.caller()?;
    let mut fields = Fields::of(call)?;
    let mail = fields.nested("mail.", |mail| {
        let wanted = |kind: &MailKind| Some((*kind, mail.changed(kind.as_str(), read::boolean)?));
        Some(MailKind::ALL.iter().filter_map(wanted).collect())
    });
    let patch = UserPatch {
        name: fields.changed("name", read::text(PersonName::parse)),
        time_zone: fields.changed("time_zone", read::text(Zone::parse)),
        default_reminders: fields
            .clearable("default_reminders", read::default_reminders)
            .map(Option::unwrap_or_default),
        mail: mail.unwrap_or_default(),
        digest_hour: fields.changed("digest_hour", read::digest_hour),
        ..UserPatch::default()
    };
    let patch = fields.finish(Some(patch))?;

    let user = accounts.user(caller.user).await?.ok_or_else(Problem::unauthorized)?;
    call.admit().await?;
    let user = change_profile(accounts, user, |user| user.apply(patch.clone(), now)).await?;
    let user = user.ok_or_else(Problem::unauthorized)?;
    Reply::json(StatusCode::OK, &profile_view(&user))
}
