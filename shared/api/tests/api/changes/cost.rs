//! What it costs to append to feeds and to follow them.

use taskbell_domain::{
    feed::{Operation, Place, START_OVERLAP, Subject},
    id::SpaceId,
    ports::{Comments as _, SpaceChanges as _},
};
use taskbell_test::fixtures::{comment, space};
use taskbell_test_aws::Server;

use super::{changes, cursor_of, nothing, shown};
use crate::{meter::Meter, support::World};

#[tokio::test]
async fn nothing_changed_is_one_step_and_a_change_two_more() {
    let server = Server::start().await;
    let meter = Meter::default();
    let world = World::on(server.store(meter.on(&server.client())));
    let (ada, mine) = world.seed().await;
    let mut spaces = Vec::new();
    for number in 10..58 {
        let (made, owner) = space(number, &ada);
        world.store.create_space(&made, &owner, None, None).await.expect("an answer");
        world.relay(Place::Space(made.id), Subject::Space, Operation::Created).await;
        spaces.push(made.id);
    }
    world.clock.advance(START_OVERLAP);
    let event = world.event("list-changes", &ada, &mine).await;
    let ask = async |cursor: &str| {
        meter.read();
        let answer = world.send(&event.clone().query(&format!("cursor={cursor}"))).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        (answer.body, meter.read())
    };
    let cursor = cursor_of(&changes(&world, &ada, &mine, None, "").await);
    let (unchanged, cost) = ask(&cursor).await;
    assert_eq!(shown(unchanged), nothing());
    assert_eq!((cost.calls, cost.steps, cost.writes), (2, 1, 0.0));
    assert!(cost.reads < 70.0, "{}", cost.reads);

    world.relay(Place::Space(mine.space), Subject::Task(mine.id), Operation::Updated).await;
    let (found, cost) = ask(&cursor).await;
    assert_eq!(found["tasks"].as_array().map(Vec::len), Some(1));
    assert_eq!((cost.calls, cost.steps), (4, 3));

    for space in &spaces {
        world.relay(Place::Space(*space), Subject::Space, Operation::Updated).await;
    }
    let (mut cursor, mut seen) = (cursor, 0);
    for _ in 0..10 {
        let (found, cost) = ask(&cursor).await;
        assert!(cost.steps <= 3);
        (cursor, seen) = (cursor_of(&found), seen + found["spaces"].as_array().map_or(0, Vec::len));
        if found["has_more"] == false {
            break;
        }
    }
    assert_eq!(seen, spaces.len(), "each space once");
    assert!(cursor.len() < 4_000, "it fits into a URL: {}", cursor.len());
}

#[tokio::test]
async fn an_append_costs_few_units_and_the_feed_of_a_personal_space_is_its_owners() {
    let server = Server::start().await;
    let meter = Meter::default();
    let world = World::on(server.store(meter.on(&server.client())));
    let (ada, mine) = world.seed().await;
    assert_eq!(mine.space, SpaceId::personal(ada.id));
    for limit in [4.0, 4.0] {
        meter.read();
        world.relay(Place::Space(mine.space), Subject::Task(mine.id), Operation::Updated).await;
        let cost = meter.read();
        assert_eq!((cost.writes, cost.steps), (limit, 2));
        assert!(cost.reads <= 1.0, "{}", cost.reads);
    }
    assert!(
        world.store.comment(mine.id, comment(1, &mine, &ada).id).await.expect("an answer").is_some()
    );
}
