//! Keys of second factors.

use taskbell_domain::id::UserId;

/// Key of the second factor of a user.
pub fn second_factor(user: UserId) -> (String, String) {
    (format!("FACTOR#{}", user.body()), "TOTP".to_owned())
}
