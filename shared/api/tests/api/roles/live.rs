//! What the functions of live connections do, and what ends connections.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use taskbell_api::workers::disconnect_live;
use taskbell_domain::{
    feed::{Operation, Place, Subject},
    live::MAX_CONNECTIONS,
    ports::{Comments as _, PushQueue as _, Sessions as _, TaskCreation as _},
    task::Task,
};
use taskbell_test::fixtures::{comment, draft, space, task};

use super::{Stage, recorder::Wanted};

/// The permissions that the functions of live connections need.
pub(super) async fn workers(failing: bool) -> Vec<(&'static str, BTreeSet<Wanted>)> {
    let stage = Stage::new().await;
    let world = &stage.world;
    let (ada, mine) = world.seed().await;
    let ours = Task { space: space(1, &ada).0.id, ..task(50, &ada, draft("Ring")) };
    world.store.create(&ours, None, None).await.expect("no store error");
    world.store.add_comment(&comment(1, &ours, &ada), None).await.expect("no store error");
    // The calls of what comes between both.
    let begin = || {
        stage.calls();
        if failing {
            stage.failures.begin();
        }
    };
    let end = || {
        stage.failures.end();
        stage.calls()
    };
    let mut connecting = BTreeSet::new();
    for number in 0..=MAX_CONNECTIONS {
        let ticket = world.ticket(&ada, &mine).await;
        begin();
        world.redeem(&format!("connection {number}"), &ticket).await;
        connecting.extend(end());
    }
    // A session that has ended.
    let ticket = world.ticket(&ada, &mine).await;
    world.store.close_session(ada.id, world.session()).await.expect("no store error");
    begin();
    world.redeem("late", &ticket).await;
    connecting.extend(end());

    let mut receiving = BTreeSet::new();
    for message in ["heartbeat", "renew"] {
        world.connect(&ada, &mine, "first").await;
        world.connect(&ada, &mine, "second").await;
        let ticket = world.ticket(&ada, &mine).await;
        let message = format!(r#"{{"action": "{message}", "ticket": "{ticket}"}}"#);
        for connection in ["first", "unknown", "first"] {
            begin();
            world.receive(connection, &message).await;
            receiving.extend(end());
        }
        world.store.close_session(ada.id, world.session()).await.expect("no store error");
        begin();
        world.receive("second", &message).await;
        receiving.extend(end());
    }

    world.connect(&ada, &mine, "last").await;
    world.connect(&ada, &mine, "gone").await;
    world.channel.end("gone");
    world.clock.advance(SignedDuration::from_mins(1));
    let place = Place::Space(ours.space);
    for (place, subject) in [
        (place, Subject::Task(ours.id)),
        (Place::Task(ours.id), Subject::Comment(ours.id, comment(1, &ours, &ada).id)),
        (place, Subject::Member(ada.id)),
        (place, Subject::Space),
        (Place::Space(mine.space), Subject::Task(mine.id)),
    ] {
        world.relay(place, subject, Operation::Updated).await;
    }
    let pushes = world.pushes.take();
    begin();
    world.pushes.enqueue_pushes(&pushes).await.expect("they are queued");
    world.push().await;
    let pushing = end();

    let mut disconnecting = BTreeSet::new();
    for connection in ["last", "unknown"] {
        begin();
        disconnect_live::handle(&world.store, connection).await.expect("no store error");
        disconnecting.extend(end());
    }
    vec![
        ("connect-live", connecting),
        ("receive-live", receiving),
        ("push-changes", pushing),
        ("disconnect-live", disconnecting),
    ]
}
