//! Codes that change addresses, in the state in which they were mailed.

use taskbell_domain::{
    clock::Clock,
    email::EmailAddress,
    notification::{Notification, NotificationKind},
    one_time_code::{Code, EMAIL_CHANGE_UNDO, Purpose},
    ports::{EmailChange, EmailChanged, TimerQueue},
    user::User,
};
use taskbell_test::{contract::Store, fixtures::notification};

use super::World;

const SECRET: &str = "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e";

fn new_address() -> EmailAddress {
    EmailAddress::parse("ada.new@example.com").expect("an address")
}

/// The notification with this number, which has mailed a code to an address.
fn mailed(number: u64, to: &User, purpose: Purpose, address: EmailAddress) -> (Notification, Code) {
    let kind = NotificationKind::Verification { to: to.id };
    let code = Code { notification: notification(number, kind).id, secret: SECRET.to_owned() };
    let (to, address, secret_hash) = (to.id, Some(address), Some(code.hash()));
    (notification(number, NotificationKind::Code { to, purpose, address, secret_hash }), code)
}

impl<S: Store, Q: TimerQueue> World<S, Q> {
    /// The code that makes `ada.new@example.com` the address of a user.
    pub(crate) async fn email_code(&self, user: &User) -> String {
        let (carrier, code) = mailed(61, user, Purpose::EmailChange, new_address());
        if self.store.notification(carrier.id).await.expect("an answer").is_none() {
            self.store.add_notification(&carrier, None).await.expect("an answer");
        }
        code.to_text()
    }

    /// Changes the address of a user if it is still the first one. Returns the code that undoes it.
    pub(crate) async fn undo_code(&self, user: &User) -> String {
        let (undo, code) = mailed(63, user, Purpose::EmailChangeUndo, user.email.clone());
        let Some(stored) = self.store.user(user.id).await.expect("an answer") else {
            return code.to_text();
        };
        if self.store.notification(undo.id).await.expect("an answer").is_some() {
            return code.to_text();
        }
        let (used, _) = mailed(62, user, Purpose::EmailChange, new_address());
        self.store.add_notification(&used, None).await.expect("an answer");
        let now = self.clock.now();
        let mut changed = stored;
        changed.change_email(new_address(), Some(undo.id), "6e".repeat(16), now);
        let credential = self.store.credential(&user.email).await.expect("an answer");
        let change = EmailChange {
            code: &Notification { version: used.version + 1, ..used },
            user: &changed,
            previous: &user.email,
            hash: &credential.expect("a credential").password_hash,
            locked_hash: taskbell_api::passwords::LOCKED,
            reserved_until: now + EMAIL_CHANGE_UNDO,
            undo: Some(&undo),
        };
        let stored = self.store.change_email(change).await.expect("an answer");
        assert_eq!(stored, EmailChanged::Done);
        code.to_text()
    }
}
