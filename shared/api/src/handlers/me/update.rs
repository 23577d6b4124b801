//! `PATCH /v1/me`: changes the caller's profile (RFC 7396).

use http::StatusCode;
use taskbell_domain::{
    clock::Clock,
    ports::{ProfileChanges, Replaced},
    text::PersonName,
    user::UserPatch,
    zone::Zone,
};

use super::profile_view;
use crate::{
    handlers::TRIES,
    http::{Call, Fields, Problem, Reply, read},
};

/// Changes what the patch names. Tasks keep the due instants they have: a new zone counts for tasks that
/// are created or rescheduled from now on.
///
/// # Errors
/// 401, 409 `busy`, 422, and those of every body.
pub async fn handle(
    call: &Call,
    accounts: &impl ProfileChanges,
    clock: &dyn Clock,
) -> Result<Reply, Problem> {
    let now = clock.now();
    let caller = call.caller()?;
    let mut fields = Fields::of(call)?;
    let mail = fields.nested("mail.", |mail| {
        Some((mail.changed("reminders", read::boolean), mail.changed("assignments", read::boolean)))
    });
    let patch = UserPatch {
        name: fields.changed("name", read::text(PersonName::parse)),
        time_zone: fields.changed("time_zone", read::text(Zone::parse)),
        default_reminders: fields
            .clearable("default_reminders", read::default_reminders)
            .map(Option::unwrap_or_default),
        mail_reminders: mail.and_then(|mail| mail.0),
        mail_assignments: mail.and_then(|mail| mail.1),
        ..UserPatch::default()
    };
    let patch = fields.finish(Some(patch))?;

    let mut user = accounts.user(caller.user).await?.ok_or_else(Problem::unauthorized)?;
    call.admitted().await?;
    for _ in 0..TRIES {
        let read = user.version;
        if !user.apply(patch.clone(), now) {
            return Reply::json(StatusCode::OK, &profile_view(&user));
        }
        match accounts.replace_user(&user, read).await? {
            Replaced::Done => return Reply::json(StatusCode::OK, &profile_view(&user)),
            Replaced::Conflict(Some(present)) => user = *present,
            Replaced::Conflict(None) => return Err(Problem::unauthorized()),
        }
    }
    Err(Problem::busy())
}
