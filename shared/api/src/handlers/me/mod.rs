//! The caller's own profile.

pub mod get;
pub mod operator;
pub mod unsubscribe;
pub mod update;

use serde_json::{Value, json};
use taskbell_domain::user::User;

/// A profile, as its owner sees it.
pub(super) fn profile_view(user: &User) -> Value {
    json!({
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "time_zone": user.time_zone,
        "default_reminders": user.default_reminders,
        "mail": user.mail,
        "role": user.role,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
    })
}
