//! Runs the handler of one function for one request on the in-memory store, without a network. `bench/guard.py` runs it
//! under valgrind, which counts the instructions of [`measured`].

/// The tests hold every answer against the OpenAPI document; what is measured does not.
mod described {
    pub(crate) fn check(_: &str, _: &str, _: &taskbell_api::http::HttpResponse) {}
}

#[path = "../../shared/api/tests/api/support.rs"]
#[allow(dead_code, reason = "tests use more of it")]
mod support;

use taskbell_domain::{task::TaskDraft, user::User};
use taskbell_test::fixtures::{due_draft, task};
use tokio::runtime::{Builder, Runtime};

use support::{Answer, Event, World};

/// The number of tasks of the user: more than a page.
const TASKS: u64 = 100;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let Some(function) = arguments.next() else {
        eprintln!("name a function, such as get-task; make guard runs all guarded functions");
        std::process::exit(2);
    };
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    let world = runtime.block_on(prepared());
    let first = runtime.block_on(event(&world, &function, 1));
    // Work that a process does only once is not measured.
    runtime.block_on(world.0.send(&first));
    // With the same token: verifying its signature would be half of all instructions.
    let token = first.json["headers"]["authorization"].as_str().expect("a token");
    let second = runtime.block_on(event(&world, &function, 2)).header("authorization", token);
    let answer = measured(&runtime, &world.0, &second);
    assert!(answer.status < 300, "{function}: {} {}", answer.status, answer.body);
}

async fn prepared() -> (World, User) {
    let (world, user, _) = World::seeded().await;
    for number in 1..=TASKS {
        let task = world.create(1_000 + number, &user, draft()).await;
        world.update_statistics(None, Some(&task)).await;
    }
    (world, user)
}

fn draft() -> TaskDraft {
    due_draft("Look after the tower clock", "2199-03-02", &["PT30M"])
}

/// The event of the function for a task.
async fn event((world, user): &(World, User), function: &str, number: u64) -> Event {
    let task = task(1_000 + number, user, draft());
    world.event(function, user, &task).await.without_header("idempotency-key")
}

/// The function that valgrind measures.
#[inline(never)]
fn measured(runtime: &Runtime, world: &World, event: &Event) -> Answer {
    runtime.block_on(world.send(event))
}
