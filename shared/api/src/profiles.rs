//! Reading and changing the profile of an account.

use serde_json::{Value, json};
use taskbell_domain::{
    credential::Credential,
    email::EmailAddress,
    id::UserId,
    ports::{Credentials, PortError, ProfileChanges, Profiles},
    user::User,
};

use crate::{
    http::{Call, Problem},
    update::Update,
};

/// The account that has an address, with its credential. An address that is reserved for its previous owner belongs to none. The number of calls
/// is the same in all cases.
pub(crate) async fn account_with(
    call: &Call<'_>,
    accounts: &(impl Credentials + Profiles),
    email: &EmailAddress,
) -> Result<Option<(User, Credential)>, PortError> {
    let credential = accounts.credential(email).await?;
    let id = credential.as_ref().map(|found| found.user);
    let id = id.unwrap_or_else(|| UserId::generate(call.clock(), call.random()));
    let user = accounts.user(id).await?;
    Ok(user.filter(|user| user.email.canonical() == email.canonical()).zip(credential))
}

/// A profile, as its owner sees it.
pub(crate) fn profile_view(user: &User) -> Value {
    json!({
        "id": user.id,
        "email": user.email,
        "email_verified": user.email_verified_at.is_some(),
        "mail_stopped": user.mail_stopped.map(|stopped| {
            json!({ "reason": stopped.reason, "at": stopped.at })
        }),
        "name": user.name,
        "time_zone": user.time_zone,
        "default_reminders": user.default_reminders,
        "mail": user.mail,
        "digest_hour": user.digest_hour.get(),
        "role": user.role,
        "second_factor": user.second_factor_at.is_some(),
        "created_at": user.created_at,
        "updated_at": user.updated_at,
    })
}

/// Changes a profile that was just read. After a conflict, it changes the profile as it is stored now.
/// `change` returns whether it changed anything. `None` if the account was deleted meanwhile.
///
/// # Errors
/// 409 `busy`.
pub(crate) async fn change_profile(
    accounts: &impl ProfileChanges,
    user: User,
    change: impl Fn(&mut User) -> bool,
) -> Result<Option<User>, Problem> {
    let mut update = Update::of(Some(user));
    while let Some((mut user, expected)) = update.attempt()? {
        let before = user.clone();
        if !change(&mut user) {
            return Ok(Some(user));
        }
        let digest = user.digest_rescheduled(&before, user.updated_at);
        if update.is_stored(accounts.replace_user(&user, expected, digest).await?) {
            return Ok(Some(user));
        }
    }
    Ok(None)
}
