//! Reads of items at the same time are joined into one call.

use std::{
    future::Future,
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Waker},
};

use futures_util::future::{join_all, try_join_all};
use serde_json::{Value, json};
use taskbell_aws::dynamodb::DynamoDb;
use taskbell_domain::{
    ports::{Profiles, Quotas, Registrations, TaskCreation, TaskReads},
    task::Task,
};
use taskbell_test::fixtures::{draft, task, user};
use taskbell_test_aws::{
    Server,
    intercept::{Interception, intercepted},
};

/// The reads of a store: the operation, and the number of keys.
type Calls = Arc<Mutex<Vec<(String, usize)>>>;

fn keys(body: &Value) -> usize {
    let tables = body["RequestItems"].as_object().into_iter().flatten();
    tables.map(|(_, table)| table["Keys"].as_array().map_or(0, Vec::len)).sum::<usize>().max(1)
}

fn recorded(server: &Server) -> (DynamoDb, Calls) {
    let calls = Calls::default();
    let log = calls.clone();
    let client = intercepted(&server.client(), move |operation, body| {
        log.lock().expect("not poisoned").push((operation.to_owned(), keys(body)));
        Interception::Send
    });
    (server.store(client), calls)
}

fn taken(calls: &Calls) -> Vec<(String, usize)> {
    std::mem::take(&mut calls.lock().expect("not poisoned"))
}

async fn stored(store: &DynamoDb, count: u64) -> Vec<Task> {
    let ada = user(1);
    let tasks: Vec<_> = (1..=count).map(|number| task(number, &ada, draft("t"))).collect();
    try_join_all(tasks.iter().map(|task| store.create(task, None, None))).await.expect("an answer");
    tasks
}

#[tokio::test]
async fn what_is_read_at_the_same_time_from_both_tables_is_one_call_and_each_item_is_read_once() {
    let server = Server::start().await;
    let (store, calls) = recorded(&server);
    let ada = user(1);
    let credential =
        taskbell_domain::credential::Credential { user: ada.id, password_hash: "h".to_owned() };
    store.register(&ada, &credential, None).await.expect("an answer");
    let tasks = stored(&store, 2).await;
    taken(&calls);
    let (first, second, again, profile, counters, missing) = tokio::join!(
        store.task(tasks[0].id),
        store.task(tasks[1].id),
        store.task(tasks[0].id),
        store.user(ada.id),
        store.counters(tasks[0].space),
        store.user(user(2).id),
    );
    assert_eq!(taken(&calls), [("BatchGetItem".to_owned(), 5)]);
    assert_eq!(first.expect("an answer").as_ref(), Some(&tasks[0]));
    assert_eq!(second.expect("an answer").as_ref(), Some(&tasks[1]));
    assert_eq!(again.expect("an answer").as_ref(), Some(&tasks[0]));
    assert_eq!(profile.expect("an answer"), Some(ada));
    assert!(counters.expect("an answer").is_empty());
    assert_eq!(missing.expect("an answer"), None);
    store.task(tasks[0].id).await.expect("an answer");
    assert_eq!(taken(&calls), [("GetItem".to_owned(), 1)], "alone");
}

#[tokio::test]
async fn a_call_reads_at_most_100_items() {
    let server = Server::start().await;
    let (store, calls) = recorded(&server);
    let tasks = stored(&store, 130).await;
    taken(&calls);
    let found = join_all(tasks.iter().map(|task| store.task(task.id))).await;
    let mut sizes: Vec<_> = taken(&calls).into_iter().map(|(_, keys)| keys).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [30, 100]);
    for (task, found) in tasks.iter().zip(found) {
        assert_eq!(found.expect("an answer").as_ref(), Some(task));
    }
}

#[tokio::test]
async fn a_reader_that_gives_up_does_not_end_the_read_of_the_others() {
    let server = Server::start().await;
    let (store, calls) = recorded(&server);
    let tasks = stored(&store, 2).await;
    taken(&calls);
    {
        let mut given_up = pin!(store.task(tasks[0].id));
        let mut context = Context::from_waker(Waker::noop());
        assert!(given_up.as_mut().poll(&mut context).is_pending());
    }
    let found = store.task(tasks[1].id).await.expect("an answer");
    assert_eq!(found.as_ref(), Some(&tasks[1]));
    let begun = async {
        let _ = tokio::time::timeout(std::time::Duration::ZERO, store.task(tasks[0].id)).await;
    };
    let ((), found) = tokio::join!(begun, store.task(tasks[1].id));
    assert_eq!(found.expect("an answer").as_ref(), Some(&tasks[1]));
}

#[tokio::test]
async fn a_failure_reaches_every_reader_and_the_next_read_is_a_new_one() {
    let server = Server::start().await;
    let tasks = stored(&server.store(server.client()), 2).await;
    let failures = Arc::new(Mutex::new(1));
    let client = intercepted(&server.client(), move |operation, _| {
        let mut left = failures.lock().expect("not poisoned");
        if operation != "BatchGetItem" || *left == 0 {
            return Interception::Send;
        }
        *left -= 1;
        Interception::Respond(400, json!({ "__type": "x#AccessDeniedException", "message": "no" }))
    });
    let store = server.store(client);
    let both = async || tokio::join!(store.task(tasks[0].id), store.task(tasks[1].id));
    let (first, second) = both().await;
    for failed in [first, second] {
        let error = failed.expect_err("it failed");
        assert_eq!((error.operation, error.transient), ("reading a task", false), "{error}");
        assert!(error.to_string().contains("AccessDenied"), "{error}");
    }
    let (first, second) = both().await;
    assert_eq!(first.expect("an answer").as_ref(), Some(&tasks[0]));
    assert_eq!(second.expect("an answer").as_ref(), Some(&tasks[1]));
}
