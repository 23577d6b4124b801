//! The numbers in README.md and docs/, as literals. Other tests use the constants and would not notice a changed value.

use jiff::SignedDuration;
use serde_json::{Value, json};
use taskbell_api::{links, passwords, tokens};
use taskbell_domain::{
    checklist::MAX_ITEMS,
    credential::SESSION_LIFETIME,
    delivery::{LATE_AFTER, LEASE, MAX_ATTEMPTS, MAX_LATENESS, Outcome, UNCERTAIN_WAIT},
    due::Due,
    invitation::{INVITATION_LIFETIME, INVITATION_PAUSE, MAX_INVITATIONS},
    list::{DEFAULT_PAGE_LIMIT, PAGE_LIMITS},
    notification::NOTIFICATION_LIFETIME,
    one_time_code::Purpose,
    ports::TIMER_SHARDS,
    rate_limit::{
        ASSIGNMENTS, CODES, INVITATIONS, LINKS, LOG_INS_TO_ACCOUNT, OPERATIONS, REFRESHES,
        RESETS_OF_ACCOUNT, RateLimit,
    },
    recurrence::{AutoComplete, Rule},
    reminder::{LeadTime, MAX_REMINDERS},
    search::SearchTerm,
    space::{MAX_MEMBERS, MAX_SPACES},
    task::Step,
    text::{
        Category, CommentText, Description, ItemTitle, MAX_TAGS, MessageSubject, MessageText,
        PersonName, SpaceName, Tag, Title,
    },
    timer::{DISPATCH_HORIZON, RECHECK_AFTER},
    user::DigestHour,
    violation::Violation,
};
use taskbell_test::{
    SeededRandom,
    fixtures::{due_draft, now, task, user},
    template::template,
};

use crate::support::World;

const SECOND: i64 = 1;
const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

#[test]
fn durations_match_the_documentation() {
    for (what, actual, documented) in [
        ("a claim holds", LEASE, 60 * SECOND),
        ("an uncertain mail waits for SES events", UNCERTAIN_WAIT, 5 * MINUTE),
        ("a reminder may be late", MAX_LATENESS, 24 * HOUR),
        ("a reminder says that it is late", LATE_AFTER, 5 * MINUTE),
        ("the dispatch horizon", DISPATCH_HORIZON, 2 * MINUTE),
        ("a dispatched timer is checked again", RECHECK_AFTER, 10 * MINUTE),
        ("an access token works", tokens::LIFETIME, 15 * MINUTE),
        ("a refresh token works", SESSION_LIFETIME, 30 * DAY),
        ("an invitation works", INVITATION_LIFETIME, 7 * DAY),
        ("an address is not invited again", INVITATION_PAUSE, 10 * MINUTE),
        ("a link in a reminder works", links::TASK_LINK_LIFETIME, 7 * DAY),
        ("a verification link works", links::VERIFICATION_LIFETIME, 48 * HOUR),
        ("a code for a password works", Purpose::PasswordReset.lifetime(), HOUR),
        ("a code for an operator works", Purpose::Operator.lifetime(), 24 * HOUR),
        ("a notification is kept", NOTIFICATION_LIFETIME, 90 * DAY),
    ] {
        assert_eq!(actual, seconds(documented), "{what}");
    }
}

#[test]
fn limits_match_the_documentation() {
    for (limit, max, window) in [
        (RateLimit::requests(600), 600, MINUTE),
        (RateLimit::log_ins(60), 60, MINUTE),
        (RateLimit::registrations(20), 20, HOUR),
        (LOG_INS_TO_ACCOUNT, 10, 10 * MINUTE),
        (REFRESHES, 120, MINUTE),
        (LINKS, 60, MINUTE),
        (INVITATIONS, 50, DAY),
        (ASSIGNMENTS, 500, DAY),
        (OPERATIONS, 1_000, MINUTE),
        (RESETS_OF_ACCOUNT, 10, HOUR),
        (CODES, 5, HOUR),
    ] {
        assert_eq!((limit.max, limit.window), (max, seconds(window)), "{}", limit.name);
        assert!(!limit.after(max, now()).exceeded && limit.after(max + 1, now()).exceeded);
    }
    let parameters = &template()["Parameters"];
    for (name, documented) in [
        ("RequestsPerMinute", 600),
        ("LogInsPerMinute", 60),
        ("RegistrationsPerHour", 20),
        ("TasksPerSpace", 100_000),
        ("RemindersPerSpace", 20_000),
    ] {
        assert_eq!(parameters[name]["Default"], json!(documented), "{name}");
    }
    assert_eq!((MAX_ATTEMPTS, TIMER_SHARDS), (5, 16));
    assert_eq!((MAX_SPACES, MAX_MEMBERS, MAX_INVITATIONS), (50, 100, 50));
    assert_eq!((MAX_REMINDERS, MAX_TAGS, MAX_ITEMS), (20, 50, 100));
    assert_eq!((PAGE_LIMITS, DEFAULT_PAGE_LIMIT), (1..=100, 50));
    assert_eq!(DigestHour::DEFAULT.get(), 7);
}

#[test]
fn text_lengths_match_the_documentation() {
    type Parse = fn(&str) -> Result<(), Violation>;
    let texts: [(&str, usize, Parse); 11] = [
        ("title", 500, |text| Title::parse(text).map(drop)),
        ("description", 16_000, |text| Description::parse(text).map(drop)),
        ("category", 100, |text| Category::parse(text).map(drop)),
        ("tag", 100, |text| Tag::parse(text).map(drop)),
        ("name", 100, |text| PersonName::parse(text).map(drop)),
        ("item of a checklist", 200, |text| ItemTitle::parse(text).map(drop)),
        ("comment", 4_000, |text| CommentText::parse(text).map(drop)),
        ("subject", 200, |text| MessageSubject::parse(text).map(drop)),
        ("message", 10_000, |text| MessageText::parse(text).map(drop)),
        ("name of a space", 100, |text| SpaceName::parse(text).map(drop)),
        ("search", 100, |text| SearchTerm::parse(text).map(drop)),
    ];
    for (what, max, parse) in texts {
        assert!(parse(&"x".repeat(max)).is_ok(), "{what}");
        let refused = parse(&"x".repeat(max + 1)).map_err(|violation| violation.code);
        assert_eq!(refused, Err("too_long"), "{what}");
    }
    let accepted = |length| {
        let words = "correct horse battery staple ".chars().cycle();
        passwords::check_new(&words.take(length).collect::<String>(), &[]).is_ok()
    };
    for (length, valid) in [(11, false), (12, true), (128, true), (129, false)] {
        assert_eq!(accepted(length), valid, "a password of {length} characters");
    }
    let rule = |length: usize| Rule::parse(&format!("{:0<length$}", "FREQ=DAILY;INTERVAL=1"));
    let too_long = |length| rule(length).is_err_and(|refused| refused.message.contains("500"));
    assert_eq!((too_long(500), too_long(501)), (false, true), "a rule");
}

#[test]
fn ranges_of_durations_and_dates_match_the_documentation() {
    for (text, valid) in [("P366D", true), ("PT8784H", true), ("P366DT1S", false), ("PT0S", true)] {
        assert_eq!(LeadTime::parse(text).is_ok(), valid, "a reminder {text} before");
    }
    for (text, valid) in
        [("PT0S", false), ("PT1S", true), ("P1Y", true), ("P366D", true), ("P367D", false)]
    {
        assert_eq!(
            AutoComplete::parse(text).is_ok(),
            valid,
            "a task that completes itself after {text}"
        );
    }
    for (text, valid) in
        [("1969-12-31", false), ("1970-01-01", true), ("2199-12-31", true), ("2200-01-01", false)]
    {
        assert_eq!(Due::parse(text).is_ok(), valid, "due on {text}");
    }
}

#[test]
fn retry_waits_of_refused_and_uncertain_mails_match_the_documentation() {
    let due_task = || task(1, &user(1), due_draft("t", &now().to_string(), &["PT0S"]));
    // Refused: 30 s, doubled after each further refusal, plus up to 31 s of jitter. Uncertain: five minutes, doubled.
    let refused = [(30, 61), (60, 91), (120, 151), (240, 271)];
    let uncertain = [(300, 300), (600, 600), (1_200, 1_200)];
    for (outcome, waits) in [(Outcome::Refused, &refused[..]), (Outcome::Unknown, &uncertain[..])] {
        let (mut one, mut at) = (due_task(), now());
        for (min, max) in waits {
            let Step::Send(claim) = one.begin_delivery(at, &SeededRandom::new(3)) else {
                panic!("it is due")
            };
            one.finish_delivery(claim, &outcome, at);
            let next = one.timer().expect("a timer").at;
            let wait = next.duration_since(at).as_secs();
            assert!((*min..=*max).contains(&wait), "{outcome:?}: {wait}");
            at = next;
        }
    }
}

#[tokio::test]
async fn an_idempotency_key_is_remembered_for_24_hours() {
    for (after, replayed) in [(24 * HOUR - 1, true), (24 * HOUR, false)] {
        let (world, ada, known) = World::seeded().await;
        let event = world.event("create-task", &ada, &known).await;
        assert_eq!(world.send(&event).await.status, 201);
        world.clock.advance(seconds(after));
        let token = format!("Bearer {}", world.access_token(&ada));
        let answer = world.send(&event.header("authorization", &token)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        assert_eq!(answer.headers.contains_key("idempotent-replayed"), replayed, "after {after} s");
    }
}

#[tokio::test]
async fn request_sizes_match_the_documentation() {
    let (world, ada, known) = World::seeded().await;
    let event = world.event("update-task", &ada, &known).await.without_header("if-match");
    let body = |bytes: usize| format!("{{{}}}", " ".repeat(bytes - 2));
    assert_eq!(world.send(&event.clone().raw_body(&body(512 * 1_024))).await.status, 200);
    let refused = world.send(&event.raw_body(&body(512 * 1_024 + 1))).await;
    assert_eq!((refused.status, refused.code()), (413, "body_too_large"));

    let create = world.event("create-task", &ada, &known).await;
    let keyed = |length| create.clone().header("idempotency-key", &"k".repeat(length));
    assert_eq!(world.send(&keyed(255)).await.status, 201);
    assert_eq!(world.send(&keyed(256)).await.status, 422);

    let batch = world.event("batch-tasks", &ada, &known).await.without_header("idempotency-key");
    let operation = json!({ "op": "delete", "id": "tsk_01JQ0000000000000000000000" });
    let of = |many| json!({ "operations": vec![operation.clone(); many] });
    assert_eq!(world.send(&batch.clone().body(&of(100))).await.status, 200);
    assert_eq!(world.send(&batch.body(&of(101))).await.status, 422);

    let snooze = world.event("snooze-task", &ada, &known).await;
    for (time, status) in [("P367D", 422), ("P366D", 200)] {
        let answer = world.send(&snooze.clone().body(&json!({ "for": time }))).await;
        assert_eq!(answer.status, status, "{time}: {}", answer.body);
    }
    let stats = world.event("get-stats", &ada, &known).await;
    for (days, status) in [(0, 422), (1, 200), (92, 200), (93, 422)] {
        let answer = world.send(&stats.clone().query(&format!("days={days}"))).await;
        assert_eq!(answer.status, status, "{days} days");
    }
    let answer = world.send(&stats.query("")).await;
    assert_eq!(answer.body["completed_by_day"].as_array().map_or(0, Vec::len), 30);
}

#[tokio::test]
async fn default_reminders_match_the_documentation() {
    let (world, ada, known) = World::seeded().await;
    let create = world.event("create-task", &ada, &known).await.without_header("idempotency-key");
    let fires = async |body: &Value| {
        let answer = world.send(&create.clone().body(body)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body["reminders"][0]["fire_at"].clone()
    };
    let due = json!({ "title": "t", "due": "2026-04-01T09:00:00Z" });
    assert_eq!(fires(&due).await, "2026-04-01T08:30:00Z", "half an hour before");
    let all_day = json!({ "title": "t", "due": "2026-04-01", "reminders": [{ "before": "PT0S" }] });
    assert_eq!(fires(&all_day).await, "2026-04-01T07:00:00Z", "09:00 in Berlin");
}
