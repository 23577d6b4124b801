//! Timers are enqueued in batches of ten, each with its delay. Only those that SQS has accepted are reported.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use taskbell_aws::SqsTimerQueue;
use taskbell_domain::{
    ports::TimerQueue,
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
