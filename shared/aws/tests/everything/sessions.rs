//! A session with every attribute.

use jiff::SignedDuration;
use taskbell_aws::dynamodb::DynamoDb;
use taskbell_domain::{
    credential::{PreviousToken, Session},
    id::SessionId,
    ports::Sessions,
    session_label::SessionLabel,
};
use taskbell_test::{
    ManualClock, SeededRandom,
    fixtures::{NOW, now},
};

use super::ada;

pub(super) fn session() -> Session {
    let id = SessionId::generate(&ManualClock::at(NOW), &SeededRandom::new(7));
    let expires_at = now() + SignedDuration::from_hours(24);
    let (user, family_hash) = (ada().id, "a hash of a family".to_owned());
    let token_hash = "a hash of a token".to_owned();
    let previous = Some(PreviousToken::exchanged("a hash of the token before", now()));
    let (label, last_used_on) = (SessionLabel::parse("Firefox on Linux"), "2026-03-01".parse().ok());
    Session { id, user, family_hash, token_hash, previous, expires_at, label, last_used_on }
}

/// Reads the session. Releases before 0.3.0 store no label.
pub(super) async fn check(store: &DynamoDb, is_labelled: bool) {
    let mut listed = store.sessions(session().user, 10).await.expect("a list");
    if !is_labelled {
        // Stored by a release that does not know labels.
        assert_eq!((listed[0].label.take(), listed[0].last_used_on.take()), (None, None));
        // Of release 0.1.0 also without the hash of the family.
        listed[0] = Session { token_hash: listed[0].token_hash.clone(), ..session() };
    }
    assert_eq!(listed, [session()]);
}
