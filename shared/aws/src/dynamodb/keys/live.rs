//! Keys of live connections.

use taskbell_domain::id::UserId;

/// Key of the connections of a user.
pub fn connections(user: UserId) -> (String, String) {
    (format!("LIVE#{}", user.body()), "CONNECTIONS".to_owned())
}

/// Key of the user of a connection.
pub fn connected_user(connection: &str) -> (String, String) {
    (format!("CONNECTION#{connection}"), "USER".to_owned())
}
