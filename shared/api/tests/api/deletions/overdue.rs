//! Deletions that take too long.

use taskbell_api::workers::finish_deletions::DeletionError;
use taskbell_domain::account_deletion::{AccountDeletion, OVERDUE_AFTER};

use super::*;

#[tokio::test]
async fn a_run_fails_as_long_as_a_deletion_is_overdue_and_finishes_others() {
    let world = World::on(MemoryStore::default());
    let (ada, eve) = (world.register(1).await, world.register(2).await);
    for (user, deleted_at) in [(&ada, now()), (&eve, now() + SignedDuration::from_mins(10))] {
        let deletion = AccountDeletion { user: user.id, deleted_at };
        assert!(world.store.delete_account(user, &[], deletion).await.expect("an answer"));
    }
    let late = async || {
        // Something new is found by each run.
        let late = task(80, &ada, due_draft("Late", "2026-03-02T09:00:00Z", &["PT1H"]));
        world.store.create(&late, None, None).await.expect("an answer");
    };
    late().await;
    world.clock.advance(OVERDUE_AFTER - SignedDuration::from_secs(1));
    let first = world.finish_deletions().await.expect("it is not overdue yet");
    assert_eq!(first, Finished { finished: 1, left: 1 });
    late().await;
    world.clock.advance(SignedDuration::from_secs(1));
    let error = world.finish_deletions().await.expect_err("it is overdue");
    assert!(matches!(error, DeletionError::Overdue), "{error}");
    let last = world.finish_deletions().await.expect("it has finished");
    assert_eq!(last, Finished { finished: 1, left: 0 });
}
