//! Operators: who becomes one, and what they may do.

use jiff::SignedDuration;
use serde_json::json;
use taskbell_domain::{
    delivery::{DeliveryStatus, Reason},
    notification::NotificationKind,
    one_time_code::{Code, Purpose},
    ports::{Notifications, ProfileChanges, Profiles},
    secret::sha256_hex,
    task::Task,
    timer::TimerTarget,
    user::{AccountRole, User},
};
use taskbell_test::{
    MemoryStore, Outbox,
    fixtures::{notification, now, user},
};

use crate::{
    reminders::due_in_90_seconds,
    support::{Event, PASSWORD, World, collaborator, operator},
};

const FUNCTIONS: [&str; 6] =
    ["list-users", "invite-user", "get-user", "update-user", "create-notification", "get-notification"];

impl World {
    /// The event of an operator's function, sent by any user.
    async fn sent_by(&self, function: &str, sender: &User, task: &Task) -> Event {
        let bearer = format!("Bearer {}", self.access_token(sender));
        self.event(function, sender, task).await.header("authorization", &bearer)
    }
}

#[tokio::test]
async fn only_an_operator_manages_accounts() {
    let (world, ada, task) = World::seeded().await;
    for function in FUNCTIONS {
        let event = world.sent_by(function, &ada, &task).await;
        let before = world.store.contents();
        let answer = world.send(&event).await;
        assert_eq!((answer.status, answer.code()), (403, "forbidden"), "{function}");
        assert!(world.store.contents() == before, "{function} changed the store");
    }
    let claim = world.send(&world.sent_by("become-operator", &ada, &task).await).await;
    assert_eq!((claim.status, claim.code()), (403, "forbidden"), "another address");
    let patch = world.event("update-profile", &ada, &task).await.body(&json!({"role": "operator"}));
    assert_eq!(world.send(&patch).await.status, 422, "the role is not a field of the profile");
}

#[tokio::test]
async fn the_code_mailed_to_the_stacks_operator_works_once() {
    let (world, ada, task) = World::seeded().await;
    let boss = operator();
    let demoted = User { role: AccountRole::User, version: 3, ..boss.clone() };
    world.store.replace_user(&demoted, 2, None).await.expect("no store error");
    assert_eq!(world.send(&world.event("list-users", &ada, &task).await).await.status, 403);

    let claim = world.event("become-operator", &ada, &task).await;
    assert_eq!(world.send(&claim).await.status, 202);
    let mails = world.mails().await;
    let [(to, mail)] = mails.as_slice() else { panic!("one mail, not {}", mails.len()) };
    assert_eq!(to, boss.email.as_str());
    let code = mail.lines().find(|line| line.len() == 26 + 1 + 32).expect("a code");
    let with = |code: &str| claim.clone().body(&json!({ "code": code }));

    let mut wrong = code[..58].to_owned();
    wrong.push(if code.ends_with('0') { '1' } else { '0' });
    for bad in ["", "x", &wrong, &code.replace('.', "")] {
        let answer = world.send(&with(bad)).await;
        assert_eq!((answer.status, answer.code()), (404, "invalid_code"), "{bad}");
    }
    let eve = world.register(666).await;
    let stolen = with(code).header("authorization", &format!("Bearer {}", world.access_token(&eve)));
    assert_eq!(world.send(&stolen).await.status, 403, "the code works only for its account");

    let made = world.send(&with(code)).await;
    assert_eq!((made.status, &made.body["role"]), (200, &json!("operator")), "{}", made.body);
    assert_eq!(world.send(&world.event("list-users", &ada, &task).await).await.status, 200);
    let claim = world.event("become-operator", &ada, &task).await;
    let again = world.send(&claim.body(&json!({ "code": code }))).await;
    assert_eq!((again.status, again.code()), (404, "invalid_code"), "it works once");
}

#[tokio::test]
async fn an_operator_code_expires_after_24_hours() {
    let (world, ada, task) = World::seeded().await;
    world.send(&world.event("become-operator", &ada, &task).await).await;
    let mails = world.mails().await;
    let code = mails[0].1.lines().find(|line| line.len() == 59).expect("a code").to_owned();
    world.clock.advance(SignedDuration::from_hours(24));
    let late = world.event("become-operator", &ada, &task).await.body(&json!({ "code": code }));
    assert_eq!(world.send(&late).await.code(), "invalid_code");
}

#[tokio::test]
async fn a_disabled_operator_gets_403_even_if_the_rate_limit_check_passes() {
    let (world, ada, task) = World::seeded().await;
    let stored = world.store.user(operator().id).await.expect("no store error").expect("the operator");
    let read = stored.version;
    let disabled = User { disabled_at: Some(stored.created_at), version: read + 1, ..stored };
    world.store.replace_user(&disabled, read, None).await.expect("no store error");
    for function in FUNCTIONS {
        let before = world.store.contents();
        let answer = world.send(&world.event(function, &ada, &task).await).await;
        assert_eq!((answer.status, answer.code()), (403, "account_disabled"), "{function}");
        assert!(world.store.contents() == before, "{function} changed the store");
    }
}

#[tokio::test]
async fn an_operator_code_works_only_for_its_recipient() {
    for (to, status) in [(user(1), 404), (operator(), 200)] {
        let (world, ada, task) = World::seeded().await;
        let secret = "5e".repeat(16);
        let secret_hash = Some(sha256_hex(secret.as_bytes()));
        let kind = NotificationKind::Code {
            to: to.id,
            purpose: Purpose::Operator,
            address: None,
            secret_hash,
        };
        let carrier = notification(4, kind);
        world.store.add_notification(&carrier, None).await.expect("no store error");
        let code = Code { notification: carrier.id, secret }.to_text();
        let claim = world.event("become-operator", &ada, &task).await;
        let answer = world.send(&claim.body(&json!({ "code": code }))).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        assert!(status == 200 || answer.code() == "invalid_code", "{}", answer.body);
    }
}

#[tokio::test]
async fn accounts_are_listed_and_found_by_email() {
    let (world, ada, task) = World::seeded().await;
    let list = world.event("list-users", &ada, &task).await;
    let emails = |body: &serde_json::Value| -> Vec<String> {
        let items = body["items"].as_array().expect("items").iter();
        items.map(|item| item["email"].as_str().expect("an address").to_owned()).collect()
    };
    let all = ["user1@example.com", "user900@example.com", "user901@example.com"];
    assert_eq!(emails(&world.send(&list.clone().query("")).await.body), all);
    let found = world.send(&list.clone().query("email=USER9")).await;
    assert_eq!(emails(&found.body), all[1..]);
    assert_eq!(found.body["items"][0]["role"], "user");
    let first = world.send(&list.clone().query("limit=2")).await.body;
    let cursor = first["next_cursor"].as_str().expect("more");
    let rest = world.send(&list.clone().query(&format!("limit=2&cursor={cursor}"))).await.body;
    assert_eq!((emails(&rest), &rest["next_cursor"]), (vec![all[2].to_owned()], &json!(null)));
    let absent = world.event("get-user", &ada, &task).await.path("user_id", &user(77).id.to_string());
    assert_eq!(world.send(&absent).await.status, 404);
    let text = format!("{} {}", found.body, first);
    assert!(!text.contains("unsubscribe") && !text.contains("default_reminders"), "{text}");
}

#[tokio::test]
async fn a_disabled_account_is_blocked_at_once_until_it_is_enabled() {
    let (world, ada, task) = World::seeded().await;
    let grace = collaborator();
    let profile = world.event("get-profile", &grace, &task).await;
    let refresh = world.event("refresh-session", &grace, &task).await;
    let login = world.event("log-in", &grace, &task).await;
    assert_eq!(world.send(&profile).await.status, 200);
    let disable = world.event("update-user", &ada, &task).await;
    let answer = world.send(&disable).await;
    assert_eq!((answer.status, answer.body["disabled_at"].is_string()), (200, true));
    for (what, event) in [("an access token", &profile), ("a log-in", &login)] {
        let refused = world.send(event).await;
        assert_eq!((refused.status, refused.code()), (403, "account_disabled"), "{what}");
    }
    let ended = world.send(&refresh).await;
    assert_eq!((ended.status, ended.code()), (401, "invalid_refresh_token"), "the session has ended");
    // A session opened at the same time is useless, too.
    let opened = world.event("refresh-session", &grace, &task).await;
    assert_eq!(world.send(&opened).await.code(), "account_disabled");
    let wrong = json!({"email": grace.email, "password": format!("not {PASSWORD}")});
    assert_eq!(world.send(&login.clone().body(&wrong)).await.code(), "invalid_credentials");
    assert_eq!(world.send(&disable).await.status, 200, "a repetition");

    let enable = disable.clone().body(&json!({"disabled": false}));
    assert_eq!(world.send(&enable).await.body["disabled_at"], json!(null));
    assert_eq!(world.send(&profile).await.status, 401, "the token was issued before");
    let profile = world.event("get-profile", &grace, &task).await;
    assert_eq!(world.send(&profile).await.status, 200);
    assert_eq!(world.send(&login).await.status, 200);
}

#[tokio::test]
async fn an_operator_cannot_disable_their_own_account() {
    let (world, ada, task) = World::seeded().await;
    let own = operator().id.to_string();
    for patch in [json!({"disabled": true}), json!({"role": "user"})] {
        let event = world.event("update-user", &ada, &task).await.path("user_id", &own).body(&patch);
        let answer = world.send(&event).await;
        assert_eq!((answer.status, answer.code()), (409, "own_account"), "{patch}");
    }
    let second = User { role: AccountRole::Operator, version: 2, ..collaborator() };
    world.store.replace_user(&second, 1, None).await.expect("no store error");
    let bearer = format!("Bearer {}", world.access_token(&second));
    let event = world.event("update-user", &ada, &task).await.path("user_id", &own);
    let answer = world.send(&event.header("authorization", &bearer)).await;
    assert_eq!(
        (answer.status, answer.code()),
        (409, "stack_operator"),
        "the operator of the stack cannot be blocked"
    );
    let bad =
        world.event("update-user", &ada, &task).await.body(&json!({"role": "king", "email": "x"}));
    assert_eq!(
        world.send(&bad).await.errors(),
        [("role", "unknown_value"), ("email", "unknown_field")]
    );
}

#[tokio::test]
async fn a_blocked_caller_does_not_become_an_operator_even_if_requests_cannot_be_counted() {
    let (world, ada, task) = World::seeded().await;
    let boss = world.store.user(operator().id).await.expect("no store error").expect("the operator");
    let event = world.event("become-operator", &ada, &task).await;
    let disabled = User { disabled_at: Some(now()), version: boss.version + 1, ..boss.clone() };
    world.store.replace_user(&disabled, boss.version, None).await.expect("no store error");
    // The block is not in the item that the guard reads, as if that item could not be read.
    let answer = world.send(&event).await;
    assert_eq!((answer.status, answer.code()), (403, "account_disabled"));
    assert!(world.queue.take().is_empty(), "no code is sent");
}

#[tokio::test]
async fn a_disabled_account_gets_no_mail() {
    let world = World::on(MemoryStore::default());
    let (ada, task) = due_in_90_seconds(&world).await;
    let stored = world.store.user(ada.id).await.expect("no store error").expect("the user");
    let disabled =
        User { disabled_at: Some(stored.created_at), version: stored.version + 1, ..stored.clone() };
    world.store.replace_user(&disabled, stored.version, None).await.expect("no store error");
    let outbox = Outbox::default();
    world.clock.advance(SignedDuration::from_secs(90));
    world.tick(&outbox).await;
    let (status, reason, _) = world.reminder(&task).await;
    assert_eq!((status, reason), (DeliveryStatus::Skipped, Some(Reason::AccountDisabled)));
    assert!(outbox.sent().is_empty());
}

#[tokio::test]
async fn a_message_from_an_operator_is_mailed_once_and_has_a_delivery_status() {
    let (world, ada, task) = World::seeded().await;
    let sent = world.send(&world.event("create-notification", &ada, &task).await).await;
    assert_eq!((sent.status, &sent.body["status"]), (201, &json!("scheduled")), "{}", sent.body);
    let timers = world.queue.take();
    let outbox = Outbox::default();
    for timer in timers.iter().chain(&timers) {
        world.handle(&outbox, *timer).await.expect("the message is handled");
    }
    let mails = outbox.sent();
    assert_eq!((mails.len(), mails[0].to.clone()), (1, collaborator().email));
    let text = String::from_utf8(mails[0].message.clone()).expect("text");
    assert!(text.contains("Subject: Maintenance on Sunday"), "{text}");
    assert!(text.contains("The bell rests from 02:00 to 03:00."), "{text}");
    let id = sent.body["id"].as_str().expect("an id");
    let get = world.event("get-notification", &ada, &task).await;
    let status = world.send(&get.clone().path("notification_id", id)).await.body;
    assert_eq!((&status["status"], &status["attempts"]), (&json!("sent"), &json!(1)));

    let [TimerTarget::Notification(_)] = timers.iter().map(|t| t.target).collect::<Vec<_>>()[..] else {
        panic!("one notification");
    };
    // Other notifications are not shown here.
    world.send(&world.event("become-operator", &ada, &task).await).await;
    let Some(TimerTarget::Notification(code)) = world.queue.take().first().map(|timer| timer.target)
    else {
        panic!("a notification");
    };
    assert!(world.store.notification(code).await.expect("no store error").is_some());
    assert_eq!(world.send(&get.path("notification_id", &code.to_string())).await.status, 404);
    let event = world.event("create-notification", &ada, &task).await;
    let event = event.body(&json!({"user_id": user(77).id, "subject": "s", "text": "t"}));
    assert_eq!(world.send(&event).await.errors(), [("user_id", "unknown_user")]);
}
