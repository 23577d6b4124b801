//! Changes of passwords and addresses.

use jiff::SignedDuration;
use taskbell_domain::{
    account_deletion::AccountDeletion,
    credential::{Credential, RefreshToken, Session},
    email::EmailAddress,
    id::SessionId,
    notification::{Notification, NotificationKind},
    one_time_code::{EMAIL_CHANGE_UNDO, Purpose},
    ports::*,
    user::User,
};

use super::{Store, register};
use crate::{
    ManualClock, SeededRandom,
    fixtures::{NOW, notification, now, user},
};

const LOCKED: &str = "locked";

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect("an address")
}

/// A code that was stored and not used.
async fn code(store: &impl Store, number: u64, to: &User) -> Notification {
    let (purpose, address, secret_hash) = (Purpose::EmailChange, None, Some("h".repeat(64)));
    let kind = NotificationKind::Code { to: to.id, purpose, address, secret_hash };
    let code = notification(number, kind);
    store.add_notification(&code, None).await.expect("an answer");
    Notification { version: code.version + 1, ..code }
}

async fn hash(store: &impl Store, email: &EmailAddress) -> Option<(String, User)> {
    let found = store.credential(email).await.expect("an answer")?;
    let owner = store.user(found.user).await.expect("an answer").expect("the owner");
    Some((found.password_hash, owner))
}

/// Changes the address of an account whose password has this hash.
async fn move_to(
    store: &impl Store,
    user: &User,
    (previous, to): (&EmailAddress, &str),
    (code, hash): (&Notification, &str),
    undo: Option<&Notification>,
) -> (EmailChanged, User) {
    let mut changed = user.clone();
    changed.change_email(address(to), undo.map(|undo| undo.id), "5e".repeat(16), now());
    let change = EmailChange {
        code,
        user: &changed,
        previous,
        hash,
        locked_hash: LOCKED,
        reserved_until: now() + EMAIL_CHANGE_UNDO,
        undo,
    };
    (store.change_email(change).await.expect("an answer"), changed)
}

/// The password, the account, the new session and the mail are stored together, if the account and the password are those
/// that were read.
pub async fn a_password_is_changed_together_with_its_session(store: &impl Store) {
    let ada = user(1);
    register(store, &ada).await;
    let id = SessionId::generate(&ManualClock::at(NOW), &SeededRandom::new(7));
    let session = Session::of(&RefreshToken::generate(ada.id, id, &SeededRandom::new(8)), now());
    let mail = notification(1, NotificationKind::Verification { to: ada.id });
    let change = async |user: &User, verified_hash: &str, hash: &str| {
        let (session, notification) = (&session, &mail);
        let change = PasswordChange { user, verified_hash, hash, session, notification };
        store.change_password(change).await.expect("an answer")
    };
    let mut changed = ada.clone();
    changed.change_password(now());
    let stale = User { version: changed.version + 1, ..changed.clone() };
    assert!(!change(&stale, "a hash", "b").await, "the account has changed");
    assert!(!change(&changed, "another hash", "b").await, "the password has changed");
    let stored = store.user(ada.id).await.expect("an answer");
    assert_eq!(
        (stored, hash(store, &ada.email).await),
        (Some(ada.clone()), Some(("a hash".to_owned(), ada.clone())))
    );
    assert!(!store.has_session(ada.id, id, now()).await.expect("an answer"));
    assert!(change(&changed, "a hash", "b").await);
    assert_eq!(hash(store, &ada.email).await, Some(("b".to_owned(), changed)));
    assert!(store.has_session(ada.id, id, now()).await.expect("an answer"));
    assert_eq!(store.notification(mail.id).await.expect("an answer"), Some(mail.clone()));
    assert!(!change(&stale, "a hash", "c").await, "once");
}

/// The password moves to the new address, and nobody can register the previous one until the reservation expires.
pub async fn an_address_is_moved_and_the_previous_one_reserved(store: &impl Store) {
    let ada = user(1);
    register(store, &ada).await;
    let used = code(store, 1, &ada).await;
    let undo = notification(2, NotificationKind::Verification { to: ada.id });
    let (to, own) = ("New@example.com", (&used, "a hash"));
    let stale = User { version: 7, ..ada.clone() };
    let (refused, _) = move_to(store, &stale, (&ada.email, to), own, None).await;
    assert_eq!(refused, EmailChanged::Conflict, "the account has changed");
    let (refused, _) = move_to(store, &ada, (&ada.email, to), (&used, "another"), None).await;
    assert_eq!(refused, EmailChanged::Conflict, "the password has changed");
    let unread = Notification { version: 7, ..used.clone() };
    let (refused, _) = move_to(store, &ada, (&ada.email, to), (&unread, "a hash"), None).await;
    assert_eq!(refused, EmailChanged::Conflict, "the code was used");
    assert_eq!(hash(store, &address(to)).await, None);

    let (done, moved) = move_to(store, &ada, (&ada.email, to), own, Some(&undo)).await;
    assert_eq!(done, EmailChanged::Done);
    assert_eq!(
        hash(store, &address("new@example.com")).await,
        Some(("a hash".to_owned(), moved.clone()))
    );
    assert_eq!(hash(store, &ada.email).await, Some((LOCKED.to_owned(), moved.clone())));
    assert_eq!(store.notification(undo.id).await.expect("an answer"), Some(undo));
    let found = store.users("new@", None, 5).await.expect("a page").items;
    assert_eq!(found, std::slice::from_ref(&moved), "the directory has the new address");
    for (second, expected) in [(-1, Registered::EmailTaken), (0, Registered::Done)] {
        let at = now() + EMAIL_CHANGE_UNDO + SignedDuration::from_secs(second);
        let next = User { email: ada.email.clone(), created_at: at, ..user(2) };
        assert_eq!(register(store, &next).await, expected, "{second} s after the reservation");
    }
    let (owner, _) = (hash(store, &ada.email).await.expect("a credential").1, ());
    assert_eq!(owner.id, user(2).id);
    // Another spelling of the same address.
    let again = code(store, 3, &moved).await;
    let (done, spelled) =
        move_to(store, &moved, (&moved.email, "NEW@example.com"), (&again, "a hash"), None).await;
    assert_eq!(done, EmailChanged::Done);
    assert_eq!(hash(store, &moved.email).await, Some(("a hash".to_owned(), spelled)));
}

/// An address that another account has, or has reserved, is refused; one that is reserved for the same account, or whose
/// reservation has expired, is not.
pub async fn an_address_is_moved_only_to_a_free_one(store: &impl Store) {
    let (ada, eve) = (user(1), user(2));
    for who in [&ada, &eve] {
        register(store, who).await;
    }
    let first = code(store, 1, &ada).await;
    let own = (&first, "a hash");
    let (taken, _) = move_to(store, &ada, (&ada.email, "USER2@example.com"), own, None).await;
    assert_eq!(taken, EmailChanged::EmailTaken);
    let (done, moved) = move_to(store, &ada, (&ada.email, "b@example.com"), own, None).await;
    assert_eq!(done, EmailChanged::Done);
    let theirs = code(store, 2, &eve).await;
    let reserved = (&eve.email, "user1@example.com");
    let (taken, _) = move_to(store, &eve, reserved, (&theirs, "a hash"), None).await;
    assert_eq!(taken, EmailChanged::EmailTaken, "it is reserved");
    let second = code(store, 3, &moved).await;
    let back = (&moved.email, "user1@example.com");
    let (done, back) = move_to(store, &moved, back, (&second, "a hash"), None).await;
    assert_eq!(done, EmailChanged::Done, "it is reserved for the same account");
    let late = User { created_at: now() + SignedDuration::from_hours(9_000), ..user(3) };
    let late = User { email: ada.email.clone(), ..late };
    assert_eq!(register(store, &late).await, Registered::EmailTaken, "no longer a reservation");
    assert_eq!(hash(store, &back.email).await, Some(("a hash".to_owned(), back)));
    // "b@example.com" is reserved until then.
    let mut at_last = eve.clone();
    at_last.change_email(address("b@example.com"), None, "5e".repeat(16), now() + EMAIL_CHANGE_UNDO);
    let change = EmailChange {
        code: &theirs,
        user: &at_last,
        previous: &eve.email,
        hash: "a hash",
        locked_hash: LOCKED,
        reserved_until: now() + EMAIL_CHANGE_UNDO + EMAIL_CHANGE_UNDO,
        undo: None,
    };
    assert_eq!(store.change_email(change).await.expect("an answer"), EmailChanged::Done);
}

/// A previous address is restored with a locked password, if it is still that of the account; the replaced one is free.
pub async fn an_address_is_restored_once(store: &impl Store) {
    let (ada, eve) = (user(1), user(2));
    register(store, &ada).await;
    let (first, undo) = (code(store, 1, &ada).await, code(store, 2, &ada).await);
    let own = (&first, "a hash");
    let to = (&ada.email, "thief@example.com");
    let (_, moved) = move_to(store, &ada, to, own, None).await;
    let restore = async |user: &User, code: &Notification| {
        let restoration = EmailRestoration { code, user, replaced: &moved.email, locked_hash: "none" };
        store.restore_email(restoration).await.expect("an answer")
    };
    let (email, version) = (ada.email.clone(), moved.version + 1);
    let restored = User { email, version, ..moved.clone() };
    let elsewhere = User { email: eve.email.clone(), ..restored.clone() };
    assert!(!restore(&elsewhere, &undo).await, "the address is not reserved");
    assert!(!restore(&User { version: 9, ..restored.clone() }, &undo).await, "it has changed");
    assert_eq!(store.user(ada.id).await.expect("an answer"), Some(moved.clone()));
    assert!(restore(&restored, &undo).await);
    assert_eq!(hash(store, &ada.email).await, Some(("none".to_owned(), restored.clone())));
    assert_eq!(hash(store, &moved.email).await, None);
    assert!(!restore(&User { version: version + 1, ..restored }, &undo).await, "once");
    let late = User { email: ada.email.clone(), created_at: now() + EMAIL_CHANGE_UNDO, ..eve };
    let credential = Credential { user: late.id, password_hash: "a hash".to_owned() };
    let registered = store.register(&late, &credential, None).await.expect("an answer");
    assert_eq!(registered, Registered::EmailTaken, "no longer a reservation");
    let free = User { email: address("thief@example.com"), ..user(3) };
    assert_eq!(register(store, &free).await, Registered::Done);
}

/// With an account, its reservations of previous addresses are deleted, but no address that belongs to someone else by now.
pub async fn reserved_addresses_are_free_once_the_account_is_deleted(store: &impl Store) {
    let ada = user(1);
    register(store, &ada).await;
    let (first, second) = (address("Second@example.com"), address("third@example.com"));
    let used = code(store, 1, &ada).await;
    let (done, ada_second) =
        move_to(store, &ada, (&ada.email, first.as_str()), (&used, "a hash"), None).await;
    assert_eq!(done, EmailChanged::Done);
    let used = code(store, 2, &ada).await;
    let (done, ada_third) =
        move_to(store, &ada_second, (&first, second.as_str()), (&used, "a hash"), None).await;
    assert_eq!(done, EmailChanged::Done);
    // The first reservation has expired, and its address was registered again.
    let later = now() + EMAIL_CHANGE_UNDO;
    let next = User { email: ada.email.clone(), created_at: later, ..user(2) };
    assert_eq!(register(store, &next).await, Registered::Done);
    let reserved = User { email: first.clone(), ..user(3) };
    assert_eq!(register(store, &reserved).await, Registered::EmailTaken);

    let deletion = AccountDeletion { user: ada.id, deleted_at: now() };
    let previous = [ada.email.clone(), first.clone(), second, address("unknown@example.com")];
    assert!(store.delete_account(&ada_third, &previous, deletion).await.expect("an answer"));
    assert_eq!(register(store, &reserved).await, Registered::Done);
    let (_, owner) = hash(store, &ada.email).await.expect("the credential of another account");
    assert_eq!(owner.id, next.id);
}
