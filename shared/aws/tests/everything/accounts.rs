//! API tokens, notifications about accounts, and deletions.

use taskbell_aws::dynamodb::DynamoDb;
use taskbell_domain::{
    account_deletion::AccountDeletion,
    account_event::AccountEvent,
    api_token::ApiToken,
    email::EmailAddress,
    notification::{Notification, NotificationKind},
    one_time_code::Purpose,
    ports::*,
    registration::RegistrationInvitation,
};
use taskbell_test::fixtures::{api_token, notification, now, user};

use super::{ada, eve, notifications, shared};

/// An API token with every attribute, and one with as few as possible.
pub(super) fn api_tokens() -> [ApiToken; 2] {
    let (space, notice) = (Some(shared().0.id), Some(notifications()[0].id));
    [ApiToken { space, expiry_notification: notice, ..api_token(1, &ada()) }, api_token(2, &ada())]
}

/// Notifications of kinds that releases before 0.3.0 do not know.
pub(super) fn account_notifications() -> Vec<Notification> {
    let ApiToken { id, name, scopes, expires_at, .. } = api_token(1, &ada());
    let events = [
        AccountEvent::PasswordChanged,
        AccountEvent::ApiTokenCreated { name: name.clone(), scopes, expires_at },
        AccountEvent::ApiTokenExpires { token: id, name, expires_at },
    ];
    let about = |event| NotificationKind::Account { to: ada().id, event };
    let to_another = NotificationKind::Code {
        to: ada().id,
        purpose: Purpose::EmailChange,
        address: Some(eve().email),
        secret_hash: None,
    };
    let (to, by) = (registration_invitation().email, ada().id);
    let invited = NotificationKind::RegistrationInvitation { to, by };
    let again = about(AccountEvent::RegisteredAgain);
    let kinds = events.map(about).into_iter().chain([to_another, invited, again]);
    (31..).zip(kinds).map(|(number, kind)| notification(number, kind)).collect()
}

/// An invitation to register.
pub(super) fn registration_invitation() -> RegistrationInvitation {
    let email = EmailAddress::parse("next@example.org").expect("an address");
    RegistrationInvitation { email, invited_by: ada().id, created_at: now() }
}

/// The deletion of an account that has not finished.
pub(super) fn deletion() -> AccountDeletion {
    AccountDeletion { user: user(40).id, deleted_at: now() }
}

/// Whether the items were stored by a release that knows API tokens.
pub(super) async fn has_api_tokens(store: &DynamoDb) -> bool {
    store.api_tokens(ada().id).await.expect("an answer").version > 0
}
