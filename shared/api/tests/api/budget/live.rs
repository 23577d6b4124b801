//! The cost of live updates.

use taskbell_api::workers::disconnect_live;
use taskbell_domain::{
    feed::{Operation, Place, Subject},
    ports::TaskCreation as _,
    task::Task,
};
use taskbell_test::fixtures::{draft, space, task};
use taskbell_test_aws::Server;

use super::row;
use crate::{
    meter::Meter,
    support::{World, collaborator},
};

/// Adds the rows of the functions of live updates: a shared space with two members.
pub(super) async fn rows(rows: &mut String) {
    let server = Server::start().await;
    let meter = Meter::default();
    let world = World::on(server.store(meter.on(&server.client())));
    let (ada, mine) = world.seed().await;
    let ours = Task { space: space(1, &ada).0.id, ..task(50, &ada, draft("Ring")) };
    world.store.create(&ours, None, None).await.expect("no store error");
    let change = async || {
        let (place, subject) = (Place::Space(ours.space), Subject::Task(ours.id));
        world.relay(place, subject, Operation::Updated).await;
    };
    change().await;
    meter.read();
    assert_eq!(world.push().await.sent, 0);
    row(rows, "push-changes, to nobody", meter.read());
    let ticket = world.ticket(&ada, &mine).await;
    meter.read();
    assert_eq!(world.redeem("ada", &ticket).await, 200);
    row(rows, "connect-live", meter.read());
    world.connect(&collaborator(), &mine, "eve").await;
    change().await;
    meter.read();
    assert_eq!(world.push().await.sent, 2);
    row(rows, "push-changes, to two", meter.read());
    world.receive("ada", r#"{"action": "heartbeat"}"#).await;
    row(rows, "receive-live, a heartbeat", meter.read());
    disconnect_live::handle(&world.store, "ada").await.expect("no store error");
    row(rows, "disconnect-live", meter.read());
    let log_out = world.event("log-out", &collaborator(), &mine).await;
    meter.read();
    assert_eq!(world.send(&log_out).await.status, 204);
    row(rows, "log-out, while connected", meter.read());
}
