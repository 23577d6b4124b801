//! Accounts.

use crate::fixtures::{notification, now, user};
use taskbell_domain::{
    credential::Credential,
    email::EmailAddress,
    notification::{Notification, NotificationKind},
    one_time_code::Purpose,
    ports::*,
    user::{MailKind, MailSuppression, SuppressionReason, User},
};

use super::{Store, register};

/// A profile and its credential are read back as they were stored.
pub async fn a_registered_account_is_read_back(store: &impl Store) {
    let mut ada = user(1);
    ada.mail.set(MailKind::Assignments, false);
    ada.mail_stopped = Some(MailSuppression { reason: SuppressionReason::Complained, at: now() });
    assert_eq!(register(store, &ada).await, Registered::Done);
    assert_eq!(store.user(ada.id).await.expect("an answer"), Some(ada.clone()));
    let upper = EmailAddress::parse("USER1@EXAMPLE.COM").expect("an address");
    let credential = store.credential(&upper).await.expect("an answer").expect("a credential");
    assert_eq!((credential.user, credential.password_hash.as_str()), (ada.id, "a hash"));
    assert_eq!(store.user(user(2).id).await.expect("an answer"), None);
}

/// The verification mail is created together with the account, or not at all.
pub async fn an_account_is_created_together_with_its_first_mail(store: &impl Store) {
    let credential = |user: &User| Credential { user: user.id, password_hash: "a hash".to_owned() };
    let (ada, twin) = (user(1), User { email: user(1).email, ..user(2) });
    for (number, who, expected) in [(1, &ada, Registered::Done), (2, &twin, Registered::EmailTaken)] {
        let verification = notification(number, NotificationKind::Verification { to: who.id });
        let registered = store.register(who, &credential(who), Some(&verification)).await;
        assert_eq!(registered.expect("an answer"), expected);
        let stored = store.notification(verification.id).await.expect("an answer");
        assert_eq!(stored, (expected == Registered::Done).then_some(verification));
    }
}

/// A code, the change of the account and the new password are stored together, once.
pub async fn a_code_is_redeemed_together_with_its_effect(store: &impl Store) {
    let (ada, eve) = (user(1), user(2));
    register(store, &ada).await;
    let hash = async || {
        let found = store.credential(&ada.email).await.expect("an answer").expect("a credential");
        found.password_hash
    };
    let kind = NotificationKind::Code {
        to: ada.id,
        purpose: Purpose::PasswordReset,
        address: None,
        secret_hash: None,
    };
    let unused = notification(1, kind);
    store.add_notification(&unused, None).await.expect("an answer");
    let code = Notification { version: unused.version + 1, ..unused.clone() };
    let changed = User {
        name: eve.name.clone(),
        tokens_valid_from: Some(now()),
        version: ada.version + 1,
        ..ada.clone()
    };
    let redeem = async |code: &Notification, user: &User, hash: Option<&str>| {
        let credential = hash.map(|hash| Credential { user: user.id, password_hash: hash.to_owned() });
        let redemption = Redemption { code, user, credential: credential.as_ref() };
        store.redeem(redemption).await.expect("an answer")
    };
    let stale = User { version: ada.version + 2, ..changed.clone() };
    assert!(!redeem(&code, &stale, Some("b")).await, "the account has changed");
    let used = Notification { version: code.version + 1, ..code.clone() };
    assert!(!redeem(&used, &changed, Some("b")).await, "the code has been used");
    let moved = User { email: eve.email, ..changed.clone() };
    assert!(!redeem(&code, &moved, Some("b")).await, "the address has no credential");
    assert_eq!(store.user(ada.id).await.expect("an answer"), Some(ada.clone()));
    assert_eq!(store.notification(unused.id).await.expect("an answer"), Some(unused));
    assert_eq!(hash().await, "a hash");
    assert!(redeem(&code, &changed, Some("b")).await);
    assert!(!redeem(&code, &changed, Some("c")).await, "once");
    assert_eq!(store.user(ada.id).await.expect("an answer"), Some(changed.clone()));
    assert_eq!(
        (store.notification(code.id).await.expect("an answer"), hash().await),
        (Some(code), "b".to_owned())
    );
    let state = store.account_state(ada.id).await.expect("an answer");
    assert_eq!(state.and_then(|state| state.tokens_valid_from), Some(now()));
    let further = User { version: changed.version + 1, ..changed };
    assert!(redeem(&used, &further, None).await, "without a password");
    assert_eq!(hash().await, "b");
}

/// An address is suppressed, with or without an account.
pub async fn an_address_without_an_account_can_be_suppressed(store: &impl Store) {
    let (one, other) = (user(1).email.hash(), user(2).email.hash());
    for _ in 0..2 {
        store.suppress_address(&one, now()).await.expect("an answer");
    }
    assert!(store.is_suppressed(&one).await.expect("an answer"));
    assert!(!store.is_suppressed(&other).await.expect("an answer"));
}

/// A second account with the same address in any spelling is refused, and nothing of it is stored.
pub async fn an_email_address_belongs_to_one_account(store: &impl Store) {
    register(store, &user(1)).await;
    let twin = User { email: EmailAddress::parse("User1@Example.com").expect("an address"), ..user(2) };
    assert_eq!(register(store, &twin).await, Registered::EmailTaken);
    assert_eq!(store.user(twin.id).await.expect("an answer"), None);
}

/// A profile is replaced only if the stored one has the expected version.
pub async fn a_profile_is_replaced_only_at_the_expected_version(store: &impl Store) {
    let ada = user(1);
    register(store, &ada).await;
    let newer = User { version: 2, ..ada.clone() };
    assert_eq!(store.replace_user(&newer, 1, None).await.expect("an answer"), Replaced::Stored);
    let refused = store.replace_user(&newer, 1, None).await.expect("an answer");
    assert_eq!(refused, Replaced::Conflict(Some(Box::new(newer))));
    let nobody = user(9);
    assert_eq!(
        store.replace_user(&nobody, 1, None).await.expect("an answer"),
        Replaced::Conflict(None)
    );
}

/// Accounts are found by the prefix of their address, page by page.
pub async fn accounts_are_found_by_the_prefix_of_their_address(store: &impl Store) {
    for number in [1, 10, 11, 2] {
        register(store, &user(number)).await;
    }
    let find = async |prefix: &str, after, limit| {
        let page = store.users(prefix, after, limit).await.expect("an answer");
        (page.items.iter().map(|user| user.email.as_str().to_owned()).collect::<Vec<_>>(), page.next)
    };
    let (all, _) = find("", None, 100).await;
    assert_eq!(all, [10, 11, 1, 2].map(|n| format!("user{n}@example.com")));
    let (first, next) = find("user1", None, 2).await;
    assert_eq!(first, ["user10@example.com", "user11@example.com"]);
    let (rest, _) = find("user1", next, 2).await;
    assert_eq!(rest, ["user1@example.com"]);
    assert_eq!(find("nobody", None, 2).await, (Vec::new(), None));
}
