//! Users in log lines.

use taskbell_domain::{id::UserId, secret::sha256_hex};

/// A hash of the id of a user: lines about a user can be found and counted, but an id in a log, which others may read, is
/// no key to data. In a shell: `printf %s "$USER_ID" | sha256sum | cut -c 1-16`.
pub(crate) fn log_id(user: UserId) -> String {
    let mut hash = sha256_hex(user.to_string().as_bytes());
    hash.truncate(16);
    hash
}
