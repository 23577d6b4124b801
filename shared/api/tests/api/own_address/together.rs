//! Changes of addresses at the same time as something else: an address belongs to one account.

use taskbell_domain::{
    credential::Credential,
    one_time_code::Purpose,
    ports::{Registered, Registrations},
    task::Task,
    user::User,
};
use taskbell_test::{
    Faulty, Meddler, MemoryStore,
    contract::Store,
    fixtures::{due_draft, user},
};
use taskbell_test_aws::Server;

use super::{address, with};
use crate::support::World;

const WANTED: &str = "wanted@example.com";

/// Both confirm that they have the same address, at the same time.
async fn contend<S: Store>(world: &World<S>) {
    let (ada, task) = world.seed().await;
    let eve = world.register(2).await;
    let first = world.mailed_code(70, &ada, Purpose::EmailChange, Some(WANTED)).await;
    let second = world.mailed_code(71, &eve, Purpose::EmailChange, Some("Wanted@Example.com")).await;
    let (one, other) =
        futures_util::join!(world.confirm(&first, &ada, &task), world.confirm(&second, &eve, &task));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{} {}", one.body, other.body);
    let (winner, loser) = if one.status == 200 { (&ada, &eve) } else { (&eve, &ada) };
    assert_eq!(world.profile(winner).await.email.canonical(), WANTED);
    assert_eq!(world.profile(loser).await.email, loser.email);
    let owner = world.store.credential(&address(WANTED)).await.expect("an answer").expect("one");
    assert_eq!(owner.user, winner.id);
    assert_eq!(world.log_in_at(loser.email.as_str(), loser, &task).await.status, 200);
}

#[tokio::test]
async fn of_two_users_who_confirm_the_same_address_one_gets_it() {
    contend(&World::on(MemoryStore::default())).await;
    let server = Server::start().await;
    contend(&World::on(server.store(server.client()))).await;
}

/// A confirmation and a registration of the same address at the same time.
async fn confirm_and_register<S: Store>(world: &World<S>) {
    let (ada, task) = world.seed().await;
    let code = world.mailed_code(70, &ada, Purpose::EmailChange, Some(WANTED)).await;
    let stranger = user(20);
    let (confirmed, registered) = futures_util::join!(
        world.confirm(&code, &ada, &task),
        world.register_at(WANTED, &stranger, &task)
    );
    let statuses = (confirmed.status, registered.status);
    assert!([(200, 202), (409, 202)].contains(&statuses), "{statuses:?}");
    let owner = world.store.credential(&address(WANTED)).await.expect("an answer").expect("one");
    assert_eq!(owner.user == ada.id, confirmed.status == 200);
    assert_eq!(world.profile(&ada).await.email.as_str() == WANTED, confirmed.status == 200);
}

#[tokio::test]
async fn of_a_confirmation_and_a_registration_of_an_address_one_succeeds() {
    confirm_and_register(&World::on(MemoryStore::default())).await;
    let server = Server::start().await;
    confirm_and_register(&World::on(server.store(server.client()))).await;
}

/// A world in which something else can happen before a call.
async fn meddled() -> (World<Faulty<MemoryStore, Meddler>>, MemoryStore, User, Task) {
    let memory = MemoryStore::default();
    let world = World::on(Faulty { store: memory.clone(), faults: Meddler::default() });
    let (ada, task) = world.seed().await;
    (world, memory, ada, task)
}

#[tokio::test]
async fn an_address_that_is_registered_just_before_the_change_is_taken() {
    let (world, memory, ada, task) = meddled().await;
    let code = world.mailed_code(70, &ada, Purpose::EmailChange, Some(WANTED)).await;
    let stranger = with(WANTED, &user(20));
    let credential = Credential { user: stranger.id, password_hash: "a hash".to_owned() };
    world.store.faults.before("change_email", async move {
        let registered = memory.register(&stranger, &credential, None).await;
        assert_eq!(registered.expect("an answer"), Registered::Done);
    });
    assert_eq!(world.confirm(&code, &ada, &task).await.code(), "email_taken");
    assert!(world.store.faults.is_done());
    assert_eq!(world.profile(&ada).await.email, ada.email);
}

#[tokio::test]
async fn a_change_of_the_profile_just_before_the_change_is_kept() {
    let (world, memory, ada, task) = meddled().await;
    let code = world.mailed_code(70, &ada, Purpose::EmailChange, Some(WANTED)).await;
    let id = ada.id;
    world.store.faults.before("change_email", async move {
        let mut data = memory.data();
        let stored = data.users.get_mut(&id).expect("ada");
        stored.version += 1;
        stored.name = taskbell_domain::text::PersonName::parse("Else").expect("a name");
    });
    assert_eq!(world.confirm(&code, &ada, &task).await.status, 200);
    let stored = world.profile(&ada).await;
    assert_eq!((stored.name.as_str(), stored.email.as_str()), ("Else", WANTED));
}

#[tokio::test]
async fn a_log_in_during_the_change_opens_no_session_under_the_previous_address() {
    let (world, memory, ada, task) = meddled().await;
    let copy = World::on(memory.clone());
    let of = ada.clone();
    world.store.faults.before("open_session", async move {
        copy.undo_code(&of).await;
    });
    let raced = world.log_in_at(ada.email.as_str(), &ada, &task).await;
    assert!(world.store.faults.is_done());
    assert_eq!((raced.status, raced.code()), (401, "invalid_credentials"));
    assert!(!memory.contents().contains("Session {"));
}

#[tokio::test]
async fn an_undo_at_the_same_time_as_another_change_ends_at_the_restored_address() {
    let (world, memory, ada, task) = meddled().await;
    let undo = world.undo_code(&ada).await;
    let copy = World::on(memory.clone());
    let (of, id) = (with("ada.new@example.com", &ada), ada.id);
    let about = taskbell_test::fixtures::task(9, &ada, due_draft("t", "2026-03-02T09:00:00Z", &[]));
    // The thief's code was requested after the first change.
    world.clock.advance(jiff::SignedDuration::from_secs(1));
    let now = world.clock_now();
    world.store.faults.before("restore_email", async move {
        copy.clock.set(now);
        let code = copy.mailed_code(77, &of, Purpose::EmailChange, Some("c@example.com")).await;
        let answer = copy.confirm(&code, &of, &about).await;
        // The same stack has other keys in this copy, so its own tokens are used.
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(copy.store.data().users[&id].email.as_str(), "c@example.com");
    });
    assert_eq!(world.undo(&undo, &ada, &task).await.status, 204);
    assert!(world.store.faults.is_done());
    assert_eq!(world.profile(&ada).await.email, ada.email);
    for gone in ["ada.new@example.com", "c@example.com"] {
        assert_ne!(world.log_in_at(gone, &ada, &task).await.status, 200, "{gone}");
    }
}
