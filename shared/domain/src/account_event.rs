//! Changes of an account that its owner is informed of by mail, because someone else may have made them.

use jiff::Timestamp;

use crate::{api_token::ApiScope, id::ApiTokenId, text::ApiTokenName};

/// A change of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountEvent {
    /// Someone has tried to register with the address of the account.
    RegisteredAgain,
    /// The password was changed.
    PasswordChanged,
    /// A second factor was confirmed: log-ins need its codes.
    SecondFactorAdded,
    /// The second factor was removed.
    SecondFactorRemoved,
    /// Someone with the password has asked to remove the second factor without its codes.
    SecondFactorRemovalRequested {
        /// When the mailed code begins to work.
        at: Timestamp,
    },
    /// An API token was created.
    ApiTokenCreated {
        /// Its name.
        name: ApiTokenName,
        /// What it may be used for.
        scopes: Vec<ApiScope>,
        /// When it expires.
        expires_at: Timestamp,
    },
    /// An API token expires soon.
    ApiTokenExpires {
        /// Its id.
        token: ApiTokenId,
        /// Its name.
        name: ApiTokenName,
        /// When it expires.
        expires_at: Timestamp,
    },
}
