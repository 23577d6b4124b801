//! The caller's own profile.

pub mod get;
pub mod unsubscribe;
pub mod update;

use serde_json::{Value, json};
use taskbell_domain::user::User;

/// How often a change is tried again when others change the same thing at the same time.
const TRIES: usize = 5;

/// A profile, as its owner sees it.
pub(super) fn profile_view(user: &User) -> Value {
    json!({
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "time_zone": user.time_zone,
        "default_reminders": user.default_reminders,
        "mail": user.mail,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
    })
}
