//! Accounts, sessions, and what limits them.

use crate::{
    ManualClock, SeededRandom,
    fixtures::{NOW, instant, notification, now, user},
};
use jiff::SignedDuration;
use taskbell_domain::{
    credential::{CheckedPassword, Credential, RefreshToken, SESSION_LIFETIME, Session},
    email::EmailAddress,
    id::SessionId,
    notification::{Notification, NotificationKind},
    one_time_code::Purpose,
    ports::*,
    rate_limit::{self, RateLimit},
    user::{MailKind, MailSuppression, StopReason, User},
};

use super::{Store, register};

/// A registered profile and its credential come back as they were stored.
pub async fn a_registered_account_is_read_back_whole(store: &impl Store) {
    let mut ada = user(1);
    ada.mail.set(MailKind::Assignments, false);
    ada.mail_stopped = Some(MailSuppression { reason: StopReason::Complained, at: now() });
    assert_eq!(register(store, &ada).await, Registered::Done);
    assert_eq!(store.user(ada.id).await.expect("an answer"), Some(ada.clone()));
    let upper = EmailAddress::parse("USER1@EXAMPLE.COM").expect("an address");
    let credential = store.credential(&upper).await.expect("an answer").expect("a credential");
    assert_eq!((credential.user, credential.password_hash.as_str()), (ada.id, "a hash"));
    assert_eq!(store.user(user(2).id).await.expect("an answer"), None);
}

/// The mail that asks whether the address is right is made with the account, or not at all.
pub async fn an_account_is_made_together_with_its_first_mail(store: &impl Store) {
    let credential = |user: &User| Credential { user: user.id, password_hash: "a hash".to_owned() };
    let (ada, twin) = (user(1), User { email: user(1).email, ..user(2) });
    for (number, who, made) in [(1, &ada, Registered::Done), (2, &twin, Registered::EmailTaken)] {
        let asks = notification(number, NotificationKind::Verification { to: who.id });
        let registered = store.register(who, &credential(who), Some(&asks)).await;
        assert_eq!(registered.expect("an answer"), made);
        let stored = store.notification(asks.id).await.expect("an answer");
        assert_eq!(stored, (made == Registered::Done).then_some(asks));
    }
}

/// A code, the account that it changes, and the password that it sets are stored together, once.
pub async fn a_code_is_used_up_together_with_what_it_does(store: &impl Store) {
    let (ada, eve) = (user(1), user(2));
    register(store, &ada).await;
    let hash = async || {
        let found = store.credential(&ada.email).await.expect("an answer").expect("a credential");
        found.password_hash
    };
    let content =
        NotificationKind::Code { to: ada.id, purpose: Purpose::PasswordReset, secret_hash: None };
    let unused = notification(1, content);
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
        let limit = &RateLimit::requests(1);
        let redemption = Redemption { code, user, credential: credential.as_ref(), limit };
        store.redeem(redemption).await.expect("an answer")
    };
    let stale = User { version: ada.version + 2, ..changed.clone() };
    assert!(!redeem(&code, &stale, Some("b")).await, "the account has changed");
    let used = Notification { version: code.version + 1, ..code.clone() };
    assert!(!redeem(&used, &changed, Some("b")).await, "the code has been used");
    let moved = User { email: eve.email, ..changed.clone() };
    assert!(!redeem(&code, &moved, Some("b")).await, "the address is another one");
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
    let subject = rate_limit::RateLimitKey::user(ada.id);
    let usage = store.record(&RateLimit::requests(1), &subject, 1, now()).await.expect("an answer");
    assert_eq!(usage.and_then(|usage| usage.tokens_valid_from), Some(now()), "at once");
    let further = User { version: changed.version + 1, ..changed };
    assert!(redeem(&used, &further, None).await, "without a password");
    assert_eq!(hash().await, "b");
}

/// A session opens with the password that the account has, and that is replaced by another hash of it.
pub async fn a_session_opens_if_the_password_is_still_the_one_that_was_checked(store: &impl Store) {
    let ada = user(1);
    register(store, &ada).await;
    let random = SeededRandom::new(7);
    let open = async |hash: &str, rehashed: Option<&str>| {
        let id = SessionId::generate(&ManualClock::at(NOW), &random);
        let session = Session::of(&RefreshToken::generate(ada.id, id, &random), now());
        let checked = CheckedPassword { email: &ada.email, hash, rehashed };
        let opened = store.open_session(&session, checked).await.expect("an answer");
        let has = async |at| store.has_session(ada.id, id, at).await.expect("an answer");
        assert_eq!((has(now()).await, has(session.expires_at).await), (opened, false));
        opened
    };
    assert!(!open("another hash", None).await);
    assert!(!open("another hash", Some("a third")).await);
    assert!(open("a hash", None).await);
    assert!(open("a hash", Some("a newer hash")).await);
    assert!(!open("a hash", None).await);
    assert!(open("a newer hash", None).await);
}

/// No more mail goes to an address, whoever has it.
pub async fn an_address_without_an_account_can_refuse_mail(store: &impl Store) {
    let (one, other) = (user(1).email.hash(), user(2).email.hash());
    for _ in 0..2 {
        store.suppress_address(&one, now()).await.expect("an answer");
    }
    assert!(store.is_suppressed(&one).await.expect("an answer"));
    assert!(!store.is_suppressed(&other).await.expect("an answer"));
}

/// A second account with the same address, in any spelling, is refused and leaves no trace.
pub async fn an_address_belongs_to_one_account(store: &impl Store) {
    register(store, &user(1)).await;
    let twin = User { email: EmailAddress::parse("User1@Example.com").expect("an address"), ..user(2) };
    assert_eq!(register(store, &twin).await, Registered::EmailTaken);
    assert_eq!(store.user(twin.id).await.expect("an answer"), None);
}

/// A profile is replaced only at the version that was read.
pub async fn a_profile_changes_only_at_the_version_that_was_read(store: &impl Store) {
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

/// What somebody does is counted by subject, by limit and by window.
pub async fn what_somebody_does_is_counted_in_each_window(store: &impl Store) {
    let (limit, other) = (RateLimit::requests(2), RateLimit::registrations(2));
    let (ada, bob) =
        (rate_limit::RateLimitKey::user(user(1).id), rate_limit::RateLimitKey::user(user(2).id));
    let count = async |limit, subject, at| {
        store
            .record(limit, subject, 1, instant(at))
            .await
            .expect("an answer")
            .expect("not blocked")
            .count
    };
    assert_eq!(count(&limit, &ada, "2026-03-01T08:00:00Z").await, 1);
    assert_eq!(count(&limit, &ada, "2026-03-01T08:00:30Z").await, 2);
    assert_eq!(count(&limit, &ada, "2026-03-01T08:00:59Z").await, 3);
    assert_eq!(count(&limit, &bob, "2026-03-01T08:00:59Z").await, 1, "each has their own");
    assert_eq!(count(&other, &ada, "2026-03-01T08:00:59Z").await, 1, "each limit has its own");
    assert_eq!(count(&limit, &ada, "2026-03-01T08:01:00Z").await, 1, "a new window");
    assert_eq!(count(&limit, &ada, "2026-03-01T08:01:00Z").await, 2);
    let late = store.record(&limit, &ada, 5, instant("2026-03-01T08:01:30Z")).await;
    assert_eq!(late.expect("an answer").map(|usage| usage.count), Some(7), "several at once");
}

/// A request whose clock is behind counts in its own window, or not at all: the later window goes on.
pub async fn a_clock_that_is_behind_begins_no_window_anew(store: &impl Store) {
    let (limit, ada) = (RateLimit::requests(9), rate_limit::RateLimitKey::user(user(1).id));
    let count = async |at| {
        let counted = store.record(&limit, &ada, 1, instant(at)).await;
        counted.expect("an answer").expect("not blocked").count
    };
    assert_eq!(count("2026-03-01T08:01:00Z").await, 1);
    assert_eq!(count("2026-03-01T08:01:01Z").await, 2);
    assert_eq!(count("2026-03-01T08:00:59Z").await, 2, "that of the later window");
    assert_eq!(count("2026-03-01T08:01:02Z").await, 3);
}

/// Accounts are found by the beginning of their address, page by page.
pub async fn accounts_are_found_by_the_beginning_of_their_address(store: &impl Store) {
    for number in [1, 10, 11, 2] {
        register(store, &user(number)).await;
    }
    let find = async |begins: &str, after, limit| {
        let page = store.users(begins, after, limit).await.expect("an answer");
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

/// What was not done after all counts no more, in its window.
pub async fn what_is_taken_back_does_not_count(store: &impl Store) {
    let (limit, ada) = (RateLimit::requests(9), rate_limit::RateLimitKey::user(user(1).id));
    let count = async |more, at| {
        let usage = store.record(&limit, &ada, more, instant(at)).await.expect("an answer");
        usage.expect("not blocked").count
    };
    let take_back = async |at| store.take_back(&limit, &ada, instant(at)).await.expect("an answer");
    take_back("2026-03-01T08:00:00Z").await;
    assert_eq!(count(2, "2026-03-01T08:00:00Z").await, 2);
    take_back("2026-03-01T08:00:59Z").await;
    assert_eq!(count(0, "2026-03-01T08:00:59Z").await, 1);
    for _ in 0..2 {
        take_back("2026-03-01T08:00:59Z").await;
    }
    assert_eq!(count(0, "2026-03-01T08:00:59Z").await, 0, "never less than nothing");
    assert_eq!(count(3, "2026-03-01T08:01:00Z").await, 3);
    take_back("2026-03-01T08:00:59Z").await;
    assert_eq!(count(0, "2026-03-01T08:01:00Z").await, 3, "another window");
}

/// Whoever is blocked is not counted, until they are unblocked; and their sessions can be ended all at once.
pub async fn a_user_is_blocked_and_unblocked(store: &impl Store) {
    let (ada, bob, limit) = (user(1), user(2), RateLimit::requests(9));
    for user in [&ada, &bob] {
        register(store, user).await;
    }
    let count = async |user: &User| {
        store
            .record(&limit, &rate_limit::RateLimitKey::user(user.id), 1, now())
            .await
            .expect("an answer")
    };
    assert_eq!(count(&ada).await.map(|usage| usage.count), Some(1));
    for user in [&ada, &bob] {
        let blocked = User { disabled_at: Some(now()), ..user.clone() };
        for _ in 0..2 {
            store.store_access(&blocked, &limit).await.expect("an answer");
        }
        assert_eq!(count(user).await, None);
    }
    store.store_access(&ada, &limit).await.expect("an answer");
    assert!(count(&ada).await.is_some());
    assert_eq!(count(&bob).await, None);

    let revoked = User { tokens_valid_from: Some(now()), ..ada.clone() };
    store.store_access(&revoked, &limit).await.expect("an answer");
    let tomorrow = now() + SignedDuration::from_hours(24);
    for at in [now(), tomorrow] {
        let subject = rate_limit::RateLimitKey::user(ada.id);
        let usage =
            store.record(&limit, &subject, 1, at).await.expect("an answer").expect("not blocked");
        assert_eq!(usage.tokens_valid_from, Some(now()), "also in another window");
    }

    let later = User { disabled_at: Some(now()), version: ada.version + 1, ..revoked.clone() };
    for user in [&later, &revoked] {
        store.store_access(user, &limit).await.expect("an answer");
    }
    assert_eq!(count(&ada).await, None, "what an earlier version of the profile says comes too late");

    let random = SeededRandom::new(7);
    let mut tokens = Vec::new();
    for owner in [&ada, &ada, &bob] {
        let session = SessionId::generate(&ManualClock::at(NOW), &random);
        let token = RefreshToken::generate(owner.id, session, &random);
        let session = Session::of(&token, now());
        open(store, owner, &session).await;
        tokens.push((token, session));
    }
    store.close_sessions(ada.id).await.expect("an answer");
    let mut ends = Vec::new();
    for (token, session) in &tokens {
        ends.push(store.rotate_session(session, &token.hash(), now()).await.expect("an answer"));
    }
    assert_eq!(ends, [Rotated::Unknown, Rotated::Unknown, Rotated::Done]);
}

/// A refresh token works once; presented again it is known as used; after the end nothing works.
pub async fn a_refresh_token_works_once(store: &impl Store) {
    let random = SeededRandom::new(7);
    let ada = user(1);
    register(store, &ada).await;
    let id = SessionId::generate(&ManualClock::at(NOW), &random);
    let first = RefreshToken::generate(ada.id, id, &random);
    let (second, third) = (first.next(&random), first.next(&random));
    let forged = RefreshToken::generate(ada.id, id, &random);
    open(store, &ada, &Session::of(&first, now())).await;
    let rotate = async |to: &RefreshToken, presented: &RefreshToken, at| {
        let next = Session::of(to, now());
        store.rotate_session(&next, &presented.hash(), at).await.expect("an answer")
    };
    assert_eq!(rotate(&forged.next(&random), &forged, now()).await, Rotated::Unknown);
    assert_eq!(rotate(&second, &first, now()).await, Rotated::Done);
    assert_eq!(rotate(&second, &first, now()).await, Rotated::Done, "the same exchange, sent again");
    assert_eq!(rotate(&third, &first, now()).await, Rotated::Reused);
    assert_eq!(rotate(&forged.next(&random), &forged, now()).await, Rotated::Unknown);
    for late in [0, 1, 86_400] {
        let at = now() + SESSION_LIFETIME + SignedDuration::from_secs(late);
        assert_eq!(rotate(&third, &second, at).await, Rotated::Unknown, "{late} s after its end");
    }
    assert_eq!(rotate(&third, &second, now()).await, Rotated::Done);
    store.close_session(ada.id, id).await.expect("an answer");
    store.close_session(ada.id, id).await.expect("closing twice is no error");
    assert_eq!(rotate(&first, &third, now()).await, Rotated::Unknown);
}

/// Opens a session of an account that [`register`] has made.
async fn open(store: &impl Store, user: &User, session: &Session) {
    let checked = CheckedPassword { email: &user.email, hash: "a hash", rehashed: None };
    assert!(store.open_session(session, checked).await.expect("an answer"));
}
