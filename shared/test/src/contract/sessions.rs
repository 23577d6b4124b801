//! Sessions.

use crate::{
    ManualClock, SeededRandom,
    fixtures::{NOW, now, user},
};
use jiff::SignedDuration;
use taskbell_domain::{
    credential::{
        CheckedPassword, EXCHANGE_REPEATABLE, PreviousToken, RefreshToken, SESSION_LIFETIME, Session,
    },
    id::SessionId,
    ports::*,
    session_label::SessionLabel,
    user::User,
};

use super::{Store, register};

/// A session opens only if the stored password hash is the verified one, which a new hash can replace.
pub async fn a_session_opens_only_with_the_password_that_was_verified(store: &impl Store) {
    let ada = user(1);
    register(store, &ada).await;
    let random = SeededRandom::new(7);
    let open = async |hash: &str, rehashed: Option<&str>| {
        let id = SessionId::generate(&ManualClock::at(NOW), &random);
        let session = Session::of(&RefreshToken::generate(ada.id, id, &random), now());
        let checked = CheckedPassword { email: &ada.email, hash, rehashed, factor: None };
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

/// A refresh token can be exchanged again for some minutes, until its successor is used: the last exchange counts. A successor that
/// it replaced, and a token whose time is over, are detected as reused. An expired session accepts no token.
pub async fn a_refresh_token_works_until_its_successor_is_used(store: &impl Store) {
    let random = SeededRandom::new(7);
    let ada = user(1);
    register(store, &ada).await;
    let id = SessionId::generate(&ManualClock::at(NOW), &random);
    let first = RefreshToken::generate(ada.id, id, &random);
    let (lost, second) = (first.next(&random), first.next(&random));
    let third = second.next(&random);
    let forged = RefreshToken::generate(ada.id, id, &random);
    open(store, &ada, &Session::of(&first, now())).await;
    let rotate = async |to: &RefreshToken, presented: &RefreshToken, at| {
        let next = Session::of(to, now());
        store.rotate_session(&next, &presented.hash(), at).await.expect("an answer")
    };
    assert_eq!(rotate(&forged.next(&random), &forged, now()).await, Rotated::Unknown);
    assert_eq!(rotate(&lost, &first, now()).await, Rotated::Done);
    assert_eq!(rotate(&second, &first, now()).await, Rotated::Done, "the response was lost");
    assert_eq!(rotate(&second, &first, now()).await, Rotated::Done, "the same exchange, sent again");
    assert_eq!(rotate(&lost.next(&random), &lost, now()).await, Rotated::Reused, "it was replaced");
    assert_eq!(rotate(&forged.next(&random), &forged, now()).await, Rotated::Unknown);
    for (late, result) in [(-1, Rotated::Done), (0, Rotated::Reused), (3_600, Rotated::Reused)] {
        let at = now() + EXCHANGE_REPEATABLE + SignedDuration::from_secs(late);
        assert_eq!(rotate(&second, &first, at).await, result, "{late} s after it could be repeated");
    }
    for late in [0, 1, 86_400] {
        let at = now() + SESSION_LIFETIME + SignedDuration::from_secs(late);
        for presented in [&first, &second] {
            assert_eq!(
                rotate(&third, presented, at).await,
                Rotated::Unknown,
                "{late} s after it expired"
            );
        }
    }
    assert_eq!(rotate(&third, &second, now()).await, Rotated::Done);
    assert_eq!(rotate(&second, &first, now()).await, Rotated::Reused, "its successor is used");
    assert_eq!(rotate(&third, &second, now()).await, Rotated::Done, "a detection changes nothing");
    store.close_session(ada.id, id).await.expect("an answer");
    store.close_session(ada.id, id).await.expect("closing twice is no error");
    assert_eq!(rotate(&first, &third, now()).await, Rotated::Unknown);
}

/// The sessions of a user are listed, the latest first, as they were stored or refreshed. All but one are closed; those of
/// others stay.
pub async fn sessions_are_listed_and_all_but_one_are_closed(store: &impl Store) {
    let (ada, eve, random) = (user(1), user(2), SeededRandom::new(7));
    let token = |user: &User, second| {
        let clock = ManualClock::at(NOW);
        clock.advance(SignedDuration::from_secs(second));
        RefreshToken::generate(user.id, SessionId::generate(&clock, &random), &random)
    };
    let tokens: Vec<_> = (0..30).map(|second| token(&ada, second)).collect();
    let mut sessions: Vec<_> = tokens.iter().rev().map(|token| Session::of(token, now())).collect();
    sessions[0].label = SessionLabel::parse("Firefox on Linux");
    sessions[1].last_used_on = None;
    let theirs = Session::of(&token(&eve, 0), now());
    for (who, sessions) in [(&ada, sessions.as_slice()), (&eve, std::slice::from_ref(&theirs))] {
        register(store, who).await;
        for session in sessions {
            open(store, who, session).await;
        }
    }
    let list = async |of: &User, limit| store.sessions(of.id, limit).await.expect("a list");
    assert_eq!(list(&ada, 100).await, sessions);
    assert_eq!(list(&ada, 2).await, sessions[..2]);
    let later = now() + SignedDuration::from_hours(24);
    let next = Session::of(&tokens[29].next(&random), later);
    let rotated = store.rotate_session(&next, &tokens[29].hash(), now()).await.expect("an answer");
    assert_eq!(rotated, Rotated::Done);
    let previous = Some(PreviousToken::exchanged(&tokens[29].hash(), now()));
    sessions[0] = Session { label: sessions[0].label.clone(), previous, ..next };
    assert_eq!(list(&ada, 1).await, sessions[..1], "the label stays, the day changes");
    for _ in 0..2 {
        store.close_other_sessions(ada.id, sessions[1].id).await.expect("an answer");
        assert_eq!(list(&ada, 100).await, sessions[1..2]);
    }
    assert_eq!(list(&eve, 100).await, [theirs]);
    store.close_other_sessions(eve.id, sessions[1].id).await.expect("an answer");
    assert_eq!(list(&eve, 100).await, []);
    assert_eq!(list(&ada, 100).await.len(), 1);
}

/// Opens a session of an account that [`register`] has created.
pub(super) async fn open(store: &impl Store, user: &User, session: &Session) {
    let checked = CheckedPassword { email: &user.email, hash: "a hash", rehashed: None, factor: None };
    assert!(store.open_session(session, checked).await.expect("an answer"));
}
