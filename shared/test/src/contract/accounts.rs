//! Accounts, sessions, and what limits them.

use crate::{
    ManualClock, SeededRandom,
    fixtures::{NOW, instant, notice, now, user},
};
use jiff::SignedDuration;
use taskbell_domain::{
    credential::{Credential, RefreshToken, SESSION_LIFETIME, Session},
    email::EmailAddress,
    id::{SessionId, UserId},
    limit::{self, Limit},
    notice::{Content, Notice, Purpose},
    ports::*,
    user::{MailKind, StopReason, Stopped, User},
};

use super::{Store, register};

/// A registered profile and its credential come back as they were stored.
pub async fn a_registered_account_is_read_back_whole(store: &impl Store) {
    let mut ada = user(1);
    ada.mail.set(MailKind::Assignments, false);
    ada.mail_stopped = Some(Stopped { reason: StopReason::Complained, at: now() });
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
        let asks = notice(number, Content::Verification { to: who.id });
        let registered = store.register(who, &credential(who), Some(&asks)).await;
        assert_eq!(registered.expect("an answer"), made);
        let stored = store.notice(asks.id).await.expect("an answer");
        assert_eq!(stored, (made == Registered::Done).then_some(asks));
    }
}

/// A password is set for the account that has the address, and for no other.
pub async fn a_password_is_replaced_by_the_codes_made_since_the_last_time(store: &impl Store) {
    let (ada, eve) = (user(1), user(2));
    register(store, &ada).await;
    let code = |number, seconds| {
        let content = Content::Code { to: ada.id, purpose: Purpose::PasswordReset, secret_hash: None };
        Notice { created_at: now() + SignedDuration::from_secs(seconds), ..notice(number, content) }
    };
    let replace = async |user: UserId, email: &EmailAddress, code: &Notice, at: i64| {
        let other = Credential { user, password_hash: format!("another hash of {user}") };
        let at = now() + SignedDuration::from_secs(at);
        store.replace_credential(email, &other, code, at).await.expect("an answer")
    };
    let (first, second, third) = (code(1, 0), code(2, 0), code(3, 11));
    assert!(!replace(eve.id, &ada.email, &first, 10).await);
    assert!(!replace(eve.id, &eve.email, &first, 10).await);
    for _ in 0..2 {
        assert!(replace(ada.id, &ada.email, &first, 10).await, "again, should the answer be lost");
    }
    assert!(!replace(ada.id, &ada.email, &second, 12).await, "it was made before");
    assert!(replace(ada.id, &ada.email, &third, 12).await, "it was made after");
    let stored = store.credential(&ada.email).await.expect("an answer").expect("a credential");
    assert_eq!(stored.password_hash, format!("another hash of {}", ada.id));
    assert!(store.credential(&eve.email).await.expect("an answer").is_none());
}

/// No more mail goes to an address, whoever has it.
pub async fn an_address_without_an_account_can_refuse_mail(store: &impl Store) {
    let (one, other) = (user(1).email.hash(), user(2).email.hash());
    for _ in 0..2 {
        store.stop_address(&one, now()).await.expect("an answer");
    }
    assert!(store.is_stopped(&one).await.expect("an answer"));
    assert!(!store.is_stopped(&other).await.expect("an answer"));
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
    assert_eq!(store.replace_user(&newer, 1, None).await.expect("an answer"), Replaced::Done);
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
    let (limit, other) = (Limit::requests(2), Limit::registrations(2));
    let (ada, bob) = (limit::Subject::user(user(1).id), limit::Subject::user(user(2).id));
    let count = async |limit, subject, at| {
        store.count(limit, subject, 1, instant(at)).await.expect("an answer").expect("not shut out")
    };
    assert_eq!(count(&limit, &ada, "2026-03-01T08:00:00Z").await, 1);
    assert_eq!(count(&limit, &ada, "2026-03-01T08:00:30Z").await, 2);
    assert_eq!(count(&limit, &ada, "2026-03-01T08:00:59Z").await, 3);
    assert_eq!(count(&limit, &bob, "2026-03-01T08:00:59Z").await, 1, "each has their own");
    assert_eq!(count(&other, &ada, "2026-03-01T08:00:59Z").await, 1, "each limit has its own");
    assert_eq!(count(&limit, &ada, "2026-03-01T08:01:00Z").await, 1, "a new window");
    assert_eq!(count(&limit, &ada, "2026-03-01T08:01:00Z").await, 2);
    let late = store.count(&limit, &ada, 5, instant("2026-03-01T08:01:30Z")).await;
    assert_eq!(late.expect("an answer"), Some(7), "several at once");
}

/// A request whose clock is behind counts in its own window, or not at all: the later window goes on.
pub async fn a_clock_that_is_behind_begins_no_window_anew(store: &impl Store) {
    let (limit, ada) = (Limit::requests(9), limit::Subject::user(user(1).id));
    let count = async |at| {
        let counted = store.count(&limit, &ada, 1, instant(at)).await;
        counted.expect("an answer").expect("not shut out")
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

/// Whoever is shut out is not counted, until they are let in again; and their sessions can be ended all at once.
pub async fn a_user_is_shut_out_and_let_in_again(store: &impl Store) {
    let (ada, bob, limit) = (user(1), user(2), Limit::requests(9));
    let count = async |user: &User| {
        store.count(&limit, &limit::Subject::user(user.id), 1, now()).await.expect("an answer")
    };
    assert_eq!(count(&ada).await, Some(1));
    for user in [&ada, &bob] {
        store.shut_out(user.id, &limit, true).await.expect("an answer");
        store.shut_out(user.id, &limit, true).await.expect("an answer");
        assert_eq!(count(user).await, None);
    }
    store.shut_out(ada.id, &limit, false).await.expect("an answer");
    assert!(count(&ada).await.is_some());
    assert_eq!(count(&bob).await, None);

    let random = SeededRandom::new(7);
    let mut tokens = Vec::new();
    for owner in [&ada, &ada, &bob] {
        let session = SessionId::generate(&ManualClock::at(NOW), &random);
        let token = RefreshToken::generate(owner.id, session, &random);
        let (user, token_hash) = (owner.id, token.hash());
        let session = Session { id: session, user, token_hash, expires_at: now() + SESSION_LIFETIME };
        store.open_session(&session).await.expect("an answer");
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
    let id = SessionId::generate(&ManualClock::at(NOW), &random);
    let hash = || RefreshToken::generate(ada.id, id, &random).hash();
    let session = |token_hash: &str| Session {
        id,
        user: ada.id,
        token_hash: token_hash.to_owned(),
        expires_at: now() + SESSION_LIFETIME,
    };
    let (first, second, third) = (hash(), hash(), hash());
    store.open_session(&session(&first)).await.expect("an answer");
    let rotate = async |to: &str, presented: &str, at| {
        store.rotate_session(&session(to), presented, at).await.expect("an answer")
    };
    assert_eq!(rotate(&second, &first, now()).await, Rotated::Done);
    assert_eq!(rotate(&second, &first, now()).await, Rotated::Done, "the same exchange, sent again");
    assert_eq!(rotate(&third, &first, now()).await, Rotated::Reused);
    for late in [0, 1, 86_400] {
        let at = now() + SESSION_LIFETIME + SignedDuration::from_secs(late);
        assert_eq!(rotate(&third, &second, at).await, Rotated::Unknown, "{late} s after its end");
    }
    assert_eq!(rotate(&third, &second, now()).await, Rotated::Done);
    store.close_session(ada.id, id).await.expect("an answer");
    store.close_session(ada.id, id).await.expect("closing twice is no error");
    assert_eq!(rotate(&first, &third, now()).await, Rotated::Unknown);
}
