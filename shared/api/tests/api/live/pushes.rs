//! What is pushed, to whom, and that nothing waits for it.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::json;
use taskbell_api::workers::{
    push_changes::{self, Pushed},
    relay_changes,
};
use taskbell_domain::{
    clock::Clock as _,
    feed::{Change, Operation, Place, RecordedChange, Subject},
    id::SpaceId,
    live::{CONNECTION_LIFETIME, MAX_PUSH_AGE, MAX_PUSHED, Push},
    membership::MemberChange,
    ports::{
        Comments as _, FeedReads as _, LiveConnections as _, ProfileChanges as _, Replaced,
        Sessions as _, SpaceChanges as _, SpaceReads as _, TaskChanges as _, TaskCreation as _,
    },
    space::Role,
    task::Task,
    text::Description,
    user::User,
};
use taskbell_test::{
    Faulty, Meddler, MemoryStore,
    fixtures::{comment, draft, now, space, task, user},
};

use super::about;
use crate::{
    log_lines::LogLines,
    support::{World, collaborator},
};

/// A world with a task of the shared space 1, in which user 1 and the collaborator are connected, and one that is not theirs.
async fn connected() -> (World, User, Task) {
    let (world, ada, mine) = World::seeded().await;
    let ours = Task { space: space(1, &ada).0.id, ..task(50, &ada, draft("Oil the bell")) };
    world.store.create(&ours, None, None).await.expect("an answer");
    world.connect(&ada, &mine, "ada").await;
    world.connect(&collaborator(), &mine, "eve").await;
    let stranger = world.register(5).await;
    world.connect(&stranger, &mine, "stranger").await;
    (world, ada, ours)
}

async fn touch(world: &World, task: &Task) {
    world.relay(Place::Space(task.space), Subject::Task(task.id), Operation::Updated).await;
}

/// Relays changes of a task that were made at a time.
async fn relay(world: &World, task: &Task, numbers: std::ops::Range<u64>, age: SignedDuration) {
    let recorded = numbers.map(|number| {
        let (subject, operation) = (Subject::Task(task.id), Operation::Updated);
        let change = Change { id: format!("record {number}"), subject, operation, version: number };
        let (place, recorded_at) = (Place::Space(task.space), world.clock.now() - age);
        (number.to_string(), Ok(Some(RecordedChange { place, change, recorded_at })))
    });
    let recorded: Vec<_> = recorded.collect();
    let World { store, pushes, clock, .. } = world;
    assert_eq!(relay_changes::handle(store, pushes, clock, recorded).await, None);
}

async fn entries(world: &World, space: SpaceId) -> u64 {
    let heads = world.store.feed_heads(&[space]).await.expect("an answer");
    heads.get(&space).map_or(0, |head| head.sequence)
}

#[tokio::test]
async fn members_get_the_objects_of_a_change_as_the_api_returns_them() {
    let (world, ada, ours) = connected().await;
    touch(&world, &ours).await;
    let place = Place::Space(ours.space);
    let note = comment(7, &ours, &ada);
    world.store.add_comment(&note, None).await.expect("an answer");
    world.relay(Place::Task(ours.id), Subject::Comment(ours.id, note.id), Operation::Created).await;
    world.relay(place, Subject::Member(ada.id), Operation::Updated).await;
    world.relay(place, Subject::Space, Operation::Updated).await;
    let gone = task(51, &ada, draft("Gone")).id;
    world.relay(place, Subject::Task(gone), Operation::Deleted).await;
    assert_eq!(world.push().await, Pushed { sent: 10, ..Pushed::default() });

    let (mine, theirs) = (world.channel.take("ada"), world.channel.take("eve"));
    assert_eq!(world.channel.take("stranger"), Vec::<serde_json::Value>::new());
    let get = async |function: &str, user: &User| {
        world.send(&world.event(function, user, &ours).await).await.body
    };
    assert_eq!(
        mine[0],
        json!({
            "type": "task_updated", "space": ours.space, "sequence": 1, "id": ours.id, "version": 1,
            "data": get("get-task", &ada).await,
        })
    );
    assert_eq!(
        (&mine[1]["type"], &mine[1]["data"]["text"]),
        (&json!("comment_created"), &json!(note.text))
    );
    assert_eq!((&mine[2]["type"], &mine[2]["id"]), (&json!("member_updated"), &json!(ada.id)));
    assert_eq!(mine[2]["data"]["space"], json!(ours.space));
    // Each member sees the own role.
    for (message, user) in [(&mine[3], &ada), (&theirs[3], &collaborator())] {
        assert_eq!(message["type"], "space_updated");
        assert_eq!(message["data"], get("get-space", user).await);
    }
    assert_ne!(mine[3], theirs[3]);
    assert_eq!(
        mine[4],
        json!({ "type": "task_deleted", "space": ours.space, "sequence": 5, "id": gone, "version": 1 })
    );
    assert_eq!(mine[..3], theirs[..3]);
}

#[tokio::test]
async fn changes_of_a_personal_space_reach_its_owner_only() {
    let (world, ada, _) = connected().await;
    let mine = world.create(60, &ada, draft("Mine")).await;
    touch(&world, &mine).await;
    world.push().await;
    assert_eq!(world.events("ada"), about("task_updated", mine.id));
    assert_eq!((world.events("eve"), world.events("stranger")), (vec![], vec![]));
}

#[tokio::test]
async fn who_was_removed_gets_nothing_more_and_is_disconnected() {
    let (world, ada, ours) = connected().await;
    touch(&world, &ours).await;
    // Removed after the change was queued, and before it is pushed.
    let removed = world.send(&world.event("remove-member", &ada, &ours).await).await;
    assert_eq!(removed.status, 204);
    world.push().await;
    assert_eq!((world.events("ada"), world.events("eve")), (about("task_updated", ours.id), vec![]));
    world.relay(Place::Space(ours.space), Subject::Member(collaborator().id), Operation::Deleted).await;
    touch(&world, &ours).await;
    world.push().await;
    assert_eq!(world.channel.take_closed(), ["eve"]);
    assert_eq!(world.events("ada").len(), 2);
    assert_eq!(world.events("eve"), vec![]);
}

#[tokio::test]
async fn members_of_a_deleted_space_are_disconnected_and_get_nothing_of_it() {
    let (world, ada, ours) = connected().await;
    touch(&world, &ours).await;
    let mut doomed = world.store.space(ours.space).await.expect("an answer").expect("a space");
    let read = doomed.version;
    doomed.begin_deletion(world.clock.now());
    let replaced = world.store.replace_space(&doomed, read).await.expect("an answer");
    assert_eq!(replaced, Replaced::Stored);
    world.push().await;
    assert_eq!(world.events("ada"), vec![]);
    let place = Place::Space(ours.space);
    world.relay(place, Subject::Space, Operation::Deleted).await;
    world.relay(place, Subject::Member(ada.id), Operation::Deleted).await;
    world.push().await;
    assert_eq!(world.channel.take_closed(), ["ada"]);
}

#[tokio::test]
async fn of_many_changes_only_the_last_is_pushed_and_old_ones_are_not() {
    let (world, _, ours) = connected().await;
    relay(&world, &ours, 1..1 + MAX_PUSHED as u64, SignedDuration::ZERO).await;
    world.push().await;
    assert_eq!(world.channel.take("ada").len(), MAX_PUSHED);
    let many = 100..101 + MAX_PUSHED as u64;
    relay(&world, &ours, many, SignedDuration::ZERO).await;
    world.push().await;
    let got = world.channel.take("ada");
    let last = entries(&world, ours.space).await;
    assert_eq!((got.len(), &got[0]["sequence"]), (1, &json!(last)));
    // The first deployment reads a day of history.
    relay(&world, &ours, 200..203, MAX_PUSH_AGE + SignedDuration::from_secs(1)).await;
    assert_eq!(world.pushes.take(), []);
    assert_eq!(entries(&world, ours.space).await, last + 3);
    // A push that has waited too long.
    relay(&world, &ours, 300..301, SignedDuration::ZERO).await;
    world.clock.advance(MAX_PUSH_AGE + SignedDuration::from_secs(1));
    assert_eq!(world.push().await, Pushed::default());
}

#[tokio::test]
async fn a_change_that_is_received_again_is_not_pushed_again() {
    let (world, _, ours) = connected().await;
    for pushed in [1, 0] {
        relay(&world, &ours, 1..2, SignedDuration::ZERO).await;
        world.push().await;
        assert_eq!(world.events("ada").len(), pushed);
    }
}

#[tokio::test(start_paused = true)]
async fn the_feed_is_extended_even_if_nothing_can_be_pushed() {
    let (world, _, ours) = connected().await;
    world.pushes.fail(true);
    relay(&world, &ours, 1..4, SignedDuration::ZERO).await;
    assert_eq!(entries(&world, ours.space).await, 3);
    world.pushes.hang();
    let start = tokio::time::Instant::now();
    relay(&world, &ours, 4..6, SignedDuration::ZERO).await;
    assert_eq!(start.elapsed(), Duration::from_millis(500));
    assert_eq!(entries(&world, ours.space).await, 5);
}

#[tokio::test]
async fn a_removal_that_is_received_again_disconnects_once() {
    let (world, _, ours) = connected().await;
    let (subject, operation) = (Subject::Member(collaborator().id), Operation::Deleted);
    let change = Change { id: "record".to_owned(), subject, operation, version: 0 };
    let (place, recorded_at) = (Place::Space(ours.space), world.clock.now());
    let World { store, pushes, clock, .. } = &world;
    for closed in [vec!["eve".to_owned()], vec![]] {
        let recorded = RecordedChange { place, change: change.clone(), recorded_at };
        let changes = [("1".to_owned(), Ok(Some(recorded)))];
        assert_eq!(relay_changes::handle(store, pushes, clock, changes).await, None);
        world.push().await;
        assert_eq!(world.channel.take_closed(), closed);
    }
}

#[tokio::test]
async fn a_connection_whose_session_has_ended_gets_nothing_even_if_it_is_still_stored() {
    let (world, ada, ours) = connected().await;
    // The function that ended the session was interrupted.
    world.store.close_session(ada.id, world.session()).await.expect("an answer");
    let blocked = User { version: 2, disabled_at: Some(world.clock.now()), ..collaborator() };
    let replaced = world.store.replace_user(&blocked, 1, None).await.expect("an answer");
    assert_eq!(replaced, Replaced::Stored);
    touch(&world, &ours).await;
    assert_eq!(world.push().await.sent, 0);
    assert_eq!((world.events("ada"), world.events("eve")), (vec![], vec![]));
    let mut closed = world.channel.take_closed();
    closed.sort();
    assert_eq!(closed, ["ada", "eve"]);
    assert_eq!(world.store.connections(ada.id).await.expect("an answer").open, []);
}

#[tokio::test]
async fn a_member_who_leaves_and_a_space_that_is_deleted_while_a_push_reads_objects_get_nothing() {
    for is_deleted in [false, true] {
        let (world, _, ours) = connected().await;
        touch(&world, &ours).await;
        let meddler = Meddler::default();
        let (store, space, user) = (world.store.clone(), ours.space, collaborator().id);
        meddler.before("task", async move {
            let found = store.space_and_member(space, user).await.expect("an answer");
            let (mut of, member) = found.expect("a member");
            let read = of.version;
            if is_deleted {
                of.begin_deletion(now());
                store.replace_space(&of, read).await.expect("an answer");
            } else {
                let change = MemberChange::Leave(member);
                of.apply(&change, now()).expect("not the last owner");
                assert!(store.change_member(&of, read, &change).await.expect("an answer"));
            }
        });
        let store = Faulty { store: world.store.clone(), faults: meddler };
        let World { pushes, channel, clock, .. } = &world;
        push_changes::handle(&store, channel, clock, pushes.take()).await;
        assert!(store.faults.is_done());
        let expected = if is_deleted { vec![] } else { about("task_updated", ours.id) };
        assert_eq!((world.events("ada"), world.events("eve")), (expected, vec![]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_answer_or_fails_delays_no_other() {
    let (world, ada, ours) = connected().await;
    world.connect_elsewhere(&ada, "stuck").await;
    world.connect_elsewhere(&ada, "failing").await;
    world.channel.block("stuck");
    world.channel.refuse("failing");
    let (lines, _recording) = LogLines::record();
    relay(&world, &ours, 1..4, SignedDuration::from_secs(4)).await;
    let of_feed = [("ChangesRelayed", 3), ("FeedLag", 4)].map(|(name, sum)| (name.to_owned(), sum));
    assert_eq!(lines.metrics(), of_feed.into());
    let start = tokio::time::Instant::now();
    assert_eq!(world.push().await, Pushed { sent: 6, dropped: 6, gone: 0 });
    let of_push = [("PushesSent", 6), ("PushesDropped", 6)].map(|(name, sum)| (name.to_owned(), sum));
    assert_eq!(lines.metrics(), of_push.into());
    assert_eq!(start.elapsed(), Duration::from_secs(1), "the limit per connection");
    assert_eq!((world.events("ada").len(), world.events("eve").len()), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn a_push_ends_within_five_seconds_however_many_clients_do_not_answer() {
    let (world, _, ours) = connected().await;
    let mut shared = world.store.space(ours.space).await.expect("an answer").expect("a space");
    for number in 100..140 {
        let member = world.register(number).await;
        world.join(&mut shared, &member, Role::Viewer).await;
        for place in 0..10 {
            let name = format!("{number} {place}");
            world.connect_elsewhere(&member, &name).await;
            world.channel.block(&name);
        }
    }
    touch(&world, &ours).await;
    let start = tokio::time::Instant::now();
    let pushed = world.push().await;
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    // What was given up counts, too: otherwise slow clients would raise no alarm.
    assert_eq!((pushed.sent + pushed.dropped, pushed.gone), (402, 0), "{pushed:?}");
    assert!(pushed.dropped >= 400, "{pushed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_connections_get_one_message_a_second_of_a_hundred_changes() {
    let (world, ada, mine) = World::seeded().await;
    let ours = Task { space: space(1, &ada).0.id, ..task(50, &ada, draft("Oil the bell")) };
    world.store.create(&ours, None, None).await.expect("an answer");
    let mut shared = world.store.space(ours.space).await.expect("an answer").expect("a space");
    let mut names = Vec::new();
    for number in 100..198 {
        let member = world.register(number).await;
        world.join(&mut shared, &member, Role::Viewer).await;
        for place in 0..10 {
            names.push(format!("{number} {place}"));
            world.connect_elsewhere(&member, names.last().expect("a name")).await;
        }
    }
    for place in 0..20 {
        names.push(format!("more {place}"));
        let user = if place < 10 { &ada } else { &collaborator() };
        world.connect_elsewhere(user, names.last().expect("a name")).await;
    }
    assert_eq!((names.len(), mine.space == ours.space), (1_000, false));
    world.channel.delay(Duration::from_millis(20));
    for second in 0..5 {
        relay(&world, &ours, second * 100..(second + 1) * 100, SignedDuration::ZERO).await;
        let start = tokio::time::Instant::now();
        assert_eq!(world.push().await, Pushed { sent: 1_000, ..Pushed::default() });
        assert!(start.elapsed() <= Duration::from_millis(500), "{:?}", start.elapsed());
        for name in &names {
            let got = world.channel.take(name);
            assert_eq!((got.len(), &got[0]["sequence"]), (1, &json!((second + 1) * 100)));
        }
    }
}

#[tokio::test]
async fn a_connection_that_has_ended_is_forgotten_at_the_first_push() {
    let (world, ada, ours) = connected().await;
    world.connect_elsewhere(&ada, "dead").await;
    // As long as its opening may not have been answered, it is not known to have ended.
    world.channel.connecting("dead");
    touch(&world, &ours).await;
    assert_eq!(world.push().await, Pushed { sent: 2, dropped: 0, gone: 1 });
    world.channel.connected("dead");
    touch(&world, &ours).await;
    assert_eq!(world.push().await, Pushed { sent: 3, ..Pushed::default() });
    world.clock.advance(SignedDuration::from_secs(15));
    world.channel.end("dead");
    touch(&world, &ours).await;
    assert_eq!(world.push().await, Pushed { sent: 2, dropped: 0, gone: 1 });
    let left = world.store.connections(ada.id).await.expect("an answer").open;
    assert_eq!(left.iter().map(|open| open.id.as_str()).collect::<Vec<_>>(), ["ada"]);
    assert_eq!(world.store.connected_user("dead").await.expect("an answer"), None);
    touch(&world, &ours).await;
    assert_eq!(world.push().await, Pushed { sent: 2, ..Pushed::default() });
    world.clock.advance(CONNECTION_LIFETIME);
    touch(&world, &ours).await;
    assert_eq!(world.push().await, Pushed::default(), "they have expired");
}

#[tokio::test]
async fn a_large_object_is_left_out() {
    let (world, _, ours) = connected().await;
    let mut large = ours.clone();
    large.description = Description::parse(&"a".repeat(10_000)).expect("a text");
    (large.version, large.revision) = (2, 2);
    world.store.replace(&large, 1, Default::default()).await.expect("an answer");
    touch(&world, &ours).await;
    world.push().await;
    assert!(world.channel.take("ada")[0]["data"].is_object());
    // Four bytes each.
    large.description = Description::parse(&"\u{1f514}".repeat(10_000)).expect("a text");
    (large.version, large.revision) = (3, 3);
    world.store.replace(&large, 2, Default::default()).await.expect("an answer");
    touch(&world, &ours).await;
    world.push().await;
    let message = &world.channel.take("ada")[0];
    assert_eq!((&message["id"], &message["data"]), (&json!(ours.id), &json!(null)));
}

#[tokio::test]
async fn a_push_of_an_unknown_space_or_user_does_nothing() {
    let world = World::on(MemoryStore::default());
    let left = Push::Left { users: vec![user(1).id], recorded_at: world.clock.now() };
    let pushes = vec![left, Push::Close { connections: vec!["none".to_owned()] }];
    let World { store, channel, clock, .. } = &world;
    let pushed = push_changes::handle(store, channel, clock, pushes).await;
    assert_eq!(pushed, Pushed::default());
    assert_eq!(channel.take_closed(), ["none"]);
}
