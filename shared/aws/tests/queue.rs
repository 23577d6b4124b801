//! Timers are enqueued in batches of ten, each with its delay. Only those that SQS has accepted are reported.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use taskbell_aws::{SqsPushQueue, SqsTimerQueue, parse_push};
use taskbell_domain::{
    feed::{Change, FeedEntry, Operation, Subject},
    id::SpaceId,
    live::Push,
    ports::{PushQueue, TimerQueue},
    timer::{Timer, TimerTarget},
};
use taskbell_test::fixtures::{draft, now, task, user};

use taskbell_test_aws::service::{Reply, Service};

/// The timer of a task, this many seconds from now.
fn timer(number: u64, seconds: i64) -> Timer {
    let target = TimerTarget::Task(task(number, &user(1), draft("Ring")).id);
    Timer { at: now() + SignedDuration::from_secs(seconds), target }
}

fn queue(service: &Service) -> SqsTimerQueue {
    SqsTimerQueue::new(service.connection().sqs(), "http://localhost/queue".to_owned())
}

/// SQS accepts the messages with these ids and refuses the others.
fn accepted(ids: &[usize], refused: &[usize]) -> Reply {
    let successful: Vec<_> = ids
        .iter()
        .map(|id| json!({"Id": id.to_string(), "MessageId": "m", "MD5OfMessageBody": "0"}))
        .collect();
    let failed: Vec<_> = refused
        .iter()
        .map(|id| json!({"Id": id.to_string(), "Code": "InternalError", "SenderFault": false}))
        .collect();
    Reply::Answer(200, json!({"Successful": successful, "Failed": failed}).to_string())
}

/// `(DelaySeconds, timer)` of each message of a request.
fn messages(body: &str) -> Vec<(i64, Timer)> {
    let request: Value = serde_json::from_str(body).expect("JSON");
    let entries = request["Entries"].as_array().expect("entries").iter();
    entries
        .map(|entry| {
            let text = entry["MessageBody"].as_str().expect("a body");
            (
                entry["DelaySeconds"].as_i64().expect("a delay"),
                serde_json::from_str(text).expect("a timer"),
            )
        })
        .collect()
}

#[tokio::test]
async fn timers_are_sent_in_batches_of_ten() {
    let all: Vec<_> = (0..10).collect();
    let service =
        Service::start([accepted(&all, &[]), accepted(&all, &[]), accepted(&[0, 1, 2, 3, 4], &[])])
            .await;
    let timers: Vec<_> = (1..=25).map(|number| timer(number, 0)).collect();
    let queued = queue(&service).enqueue(&timers, now()).await.expect("an answer");
    assert_eq!(queued, timers);
    let sizes: Vec<_> = service.bodies().iter().map(|body| messages(body).len()).collect();
    assert_eq!(sizes, [10, 10, 5]);
}

#[tokio::test]
async fn a_message_is_delayed_until_its_timer_by_at_most_15_minutes() {
    let timers = [(-60, 0), (0, 0), (1, 1), (119, 119), (900, 900), (901, 900), (86_400, 900)];
    let service = Service::start([accepted(&[0, 1, 2, 3, 4, 5, 6], &[])]).await;
    let wanted: Vec<_> =
        (1..).zip(timers).map(|(number, (seconds, _))| timer(number, seconds)).collect();
    queue(&service).enqueue(&wanted, now()).await.expect("an answer");
    let expected: Vec<_> = timers.iter().map(|(_, delay)| *delay).zip(wanted).collect();
    assert_eq!(messages(&service.bodies()[0]), expected);
    // The delay is rounded up: a message must not arrive early.
    let service = Service::start([accepted(&[0], &[])]).await;
    let half: Timestamp = now() + SignedDuration::from_millis(500);
    queue(&service).enqueue(&[timer(1, 2)], half).await.expect("an answer");
    assert_eq!(messages(&service.bodies()[0])[0].0, 2);
}

#[tokio::test]
async fn only_messages_that_sqs_accepted_count_as_queued() {
    let service = Service::start([accepted(&[0, 2], &[1])]).await;
    let timers = [timer(1, 0), timer(2, 0), timer(3, 0)];
    let queued = queue(&service).enqueue(&timers, now()).await.expect("an answer");
    assert_eq!(queued, [timers[0], timers[2]]);
    let service = Service::start([accepted(&[], &[0, 1, 2])]).await;
    assert_eq!(queue(&service).enqueue(&timers, now()).await.expect("an answer"), []);
}

#[tokio::test]
async fn no_answer_from_sqs_is_a_transient_error() {
    let unavailable = || Reply::Answer(503, "{}".to_owned());
    let service = Service::start([Reply::Close, unavailable(), unavailable()]).await;
    let error = queue(&service).enqueue(&[timer(1, 0)], now()).await.expect_err("no answer");
    assert!(error.transient, "{error}");
}

/// A push of each kind.
fn pushes() -> Vec<Push> {
    let (ada, about) = (user(1), task(1, &user(1), draft("Ring")));
    let entry = |(sequence, subject)| {
        let (id, operation) = (String::new(), Operation::Updated);
        FeedEntry { sequence, change: Change { id, subject, operation, version: 7 } }
    };
    let subjects = [Subject::Task(about.id), Subject::Member(ada.id), Subject::Space];
    let (space, recorded_at) = (SpaceId::personal(ada.id), now());
    let entries = (41..).zip(subjects).map(entry).collect();
    vec![
        Push::Changes { space, entries, recorded_at },
        Push::Left { users: vec![ada.id], recorded_at },
        Push::Close { connections: vec!["L0SM9cOFvHcCIhw=".to_owned()] },
    ]
}

#[tokio::test]
async fn pushes_are_sent_at_once_and_read_as_they_were_sent() {
    let (first, second) = ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [0, 1]);
    let service = Service::start([accepted(&first, &[]), accepted(&second, &[])]).await;
    let all: Vec<_> = pushes().into_iter().cycle().take(12).collect();
    let queue = SqsPushQueue::new(service.connection().sqs(), "http://localhost/queue".to_owned());
    queue.enqueue_pushes(&all).await.expect("they are queued");
    let mut bodies = service.bodies();
    bodies.sort_by_key(|body| std::cmp::Reverse(body.len()));
    let read = bodies.iter().flat_map(|body| {
        let request: Value = serde_json::from_str(body).expect("JSON");
        request["Entries"].as_array().expect("entries").clone()
    });
    let read = read.map(|entry| {
        let push = parse_push(entry["MessageBody"].as_str().expect("a body")).expect("a push");
        // A space with very many changes delays its own only.
        let (delay, group) = match &push {
            Push::Changes { space, .. } => (0, json!(space.body())),
            Push::Left { .. } => (0, json!(null)),
            Push::Close { .. } => (2, json!(null)),
        };
        assert_eq!((&entry["DelaySeconds"], &entry["MessageGroupId"]), (&json!(delay), &group));
        push
    });
    assert_eq!(read.collect::<Vec<_>>(), all);
}

#[test]
fn a_message_that_is_no_push_is_none() {
    for bad in
        ["", "{}", "null", r#"{"changes": {}}"#, r#"{"close": 1}"#, r#"{"left": {"users": ["x"]}}"#]
    {
        assert_eq!(parse_push(bad), None, "{bad}");
    }
}
