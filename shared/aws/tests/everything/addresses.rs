//! An account whose address was changed: its profile, its credential, and the reservation of the previous address.

use taskbell_aws::dynamodb::DynamoDb;
use taskbell_domain::{
    credential::Credential,
    email::EmailAddress,
    notification::{Notification, NotificationKind},
    one_time_code::{EMAIL_CHANGE_UNDO, Purpose},
    ports::*,
    user::User,
};
use taskbell_test::fixtures::{notification, now, user};

/// A user whose address was changed.
fn carol() -> User {
    let mut carol = user(33);
    let email = EmailAddress::parse("carol@example.com").expect("an address");
    carol.change_email(email, Some(address_change().1.id), "5e".repeat(16), now());
    carol
}

/// The notifications with the code of that change, and with the one that undoes it.
fn address_change() -> (Notification, Notification) {
    let code = |number, purpose| {
        let (to, address, secret_hash) = (user(33).id, Some(user(33).email), None);
        notification(number, NotificationKind::Code { to, purpose, address, secret_hash })
    };
    (code(41, Purpose::EmailChange), code(42, Purpose::EmailChangeUndo))
}

/// Stores the account, and changes its address.
pub(super) async fn store(store: &DynamoDb) {
    let (change, undo) = address_change();
    store.add_notification(&change, None).await.expect("an answer");
    let carol = carol();
    let first = User { email: user(33).email, version: 1, ..user(33) };
    let credential = Credential { user: first.id, password_hash: "a hash".to_owned() };
    let registered = store.register(&first, &credential, None).await.expect("an answer");
    assert_eq!(registered, Registered::Done);
    let change = EmailChange {
        code: &Notification { version: change.version + 1, ..change },
        user: &carol,
        previous: &first.email,
        hash: "a hash",
        locked_hash: "a hash of nothing",
        reserved_until: now() + EMAIL_CHANGE_UNDO,
        undo: Some(&undo),
    };
    assert_eq!(store.change_email(change).await.expect("an answer"), EmailChanged::Done);
}

/// Reads the account and both addresses.
pub(super) async fn check(store: &DynamoDb) {
    let carol = carol();
    assert_eq!(store.user(carol.id).await.expect("an answer").as_ref(), Some(&carol));
    for (email, hash) in [(&carol.email, "a hash"), (&user(33).email, "a hash of nothing")] {
        let found = store.credential(email).await.expect("an answer").expect("it is there");
        assert_eq!((found.user, found.password_hash.as_str()), (carol.id, hash));
    }
}
