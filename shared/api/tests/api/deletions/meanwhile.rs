//! Requests that run while the account is deleted.

use super::*;

#[tokio::test]
async fn a_change_of_a_profile_that_was_deleted_meanwhile_is_refused_like_its_token() {
    let store = MemoryStore::default();
    let prepared = World::on(store.clone());
    let (ada, mine) = prepared.seed().await;
    let event = prepared.event("update-profile", &ada, &mine).await;
    let mut world = World::on(Faulty { store: store.clone(), faults: Meddler::default() });
    world.take_keys_of(&prepared);
    let deleted = ada.clone();
    world.store.faults.before("replace_user", async move {
        let deletion =
            taskbell_domain::account_deletion::AccountDeletion { user: deleted.id, deleted_at: now() };
        assert!(store.delete_account(&deleted, &[], deletion).await.expect("an answer"));
    });
    let answer = world.send(&event).await;
    assert!(world.store.faults.is_done());
    assert_eq!((answer.status, answer.code()), (401, "unauthorized"));
}
