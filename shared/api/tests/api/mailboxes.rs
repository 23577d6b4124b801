//! Email addresses: verification, password resets, and SES events about mails to them.

use jiff::SignedDuration;
use serde_json::json;
use taskbell_api::{links::LinkAction, workers::record_mail_events};
use taskbell_aws::MailEvent;
use taskbell_domain::{
    clock::Clock,
    delivery::{DeliveryEvent, DeliveryStatus, Feedback, Reason, UNCERTAIN_WAIT},
    id::ReminderId,
    ports::{Directory, MailError, MailTags, Profiles},
    task::Task,
    timer::TimerTarget,
    user::{SuppressionReason, User},
};
use taskbell_test::{MemoryStore, Outbox, contract::Store, fixtures::instant};

use crate::{
    reminders::{DUE, due_in_90_seconds},
    support::{PASSWORD, World, operator},
};

impl World {
    pub(crate) async fn me(&self, user: &User) -> User {
        self.store.user(user.id).await.expect("no store error").expect("the user")
    }
}

impl<S: Store> World<S> {
    /// Records an SES event about the mail of a task's first reminder.
    pub(crate) async fn record_mail_event(
        &self,
        user: &User,
        task: &Task,
        feedback: Option<Feedback>,
        stops: Option<SuppressionReason>,
    ) {
        let reminder: ReminderId = task.reminders[0].id;
        let about = MailTags {
            target: TimerTarget::Task(task.id),
            reminder: Some(reminder),
            user: Some(user.id),
        };
        let (message_id, accepted_at) = ("message-1".to_owned(), self.clock.now());
        let event = DeliveryEvent { message_id, accepted_at, feedback };
        record_mail_events::handle(&self.store, &about, &event, stops, &self.clock)
            .await
            .expect("the event is recorded");
    }
}

/// The code or token on a separate line of a mail.
fn code_or_token(mail: &str) -> String {
    let mail = mail.replace("=\r\n", "").replace("=3D", "=");
    let mut lines = mail.lines().map(str::trim);
    let line =
        lines.find(|line| line.len() > 50 && line.contains('.') && !line.contains([' ', ':', '<']));
    line.unwrap_or_else(|| panic!("no code or token in {mail}")).to_owned()
}

#[tokio::test]
async fn an_unverified_user_gets_only_the_verification_mail() {
    let (world, ada, task) = World::seeded().await;
    let body = json!({"email": "new@example.com", "password": PASSWORD, "name": "New"});
    let made = world.send(&world.event("register-user", &ada, &task).await.body(&body)).await;
    assert_eq!(made.status, 202, "{}", made.body);
    let mails = world.mails().await;
    let [(to, text)] = &mails[..] else { panic!("one mail: {mails:?}") };
    assert_eq!(to, "new@example.com");
    assert!(text.contains("/v1/actions/") && !text.contains("List-Unsubscribe"), "{text}");

    let new = world.store.users("new@", None, 1).await.expect("no store error").items.remove(0);
    assert_eq!(new.email_verified_at, None);
    let due = taskbell_test::fixtures::due_draft("Ring", DUE, &["PT0S"]);
    let theirs = world.create(7, &new, due).await;
    world.clock.set(instant(DUE));
    let outbox = Outbox::default();
    world.handle(&outbox, theirs.timer().expect("a timer")).await.expect("the message is handled");
    let unverified = (DeliveryStatus::Skipped, Some(Reason::Unverified), 0);
    assert_eq!(world.reminder(&theirs).await, unverified);
    assert_eq!(outbox.sent().len(), 0);

    let token = json!({"token": code_or_token(text)});
    let event = world.event("verify-email", &ada, &task).await.body(&token);
    for _ in 0..2 {
        assert_eq!(world.send(&event).await.status, 204);
    }
    assert!(world.me(&new).await.email_verified_at.is_some());
}

#[tokio::test]
async fn a_forged_expired_or_foreign_verification_token_is_refused() {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("verify-email", &ada, &task).await;
    let good = world.link(&ada, LinkAction::VerifyEmail);
    let other = world.link(&ada, LinkAction::Complete(task.id));
    let (signed, _) = good.rsplit_once('.').expect("a signature");
    let (_, signature) = other.rsplit_once('.').expect("a signature");
    let forged = format!("{signed}.{signature}");
    let cut = &good[..good.len() - 2];
    for token in ["", "x", cut, &forged, &other, &good.replace("verify", "complete")] {
        let answer = world.send(&event.clone().body(&json!({"token": token}))).await;
        assert_eq!((answer.status, answer.code()), (404, "invalid_token"), "{token}");
    }
    world.clock.advance(SignedDuration::from_hours(1));
    let expired = world.send(&event.body(&json!({"token": good}))).await;
    assert_eq!((expired.status, expired.code()), (404, "invalid_token"));
}

#[tokio::test]
async fn forgot_password_responds_the_same_with_and_without_an_account() {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("forgot-password", &ada, &task).await;
    let known = world.send(&event).await;
    let ask = |email: &str| event.clone().body(&json!({ "email": email }));
    let unknown = world.send(&ask("nobody@example.com")).await;
    assert_eq!((known.status, &known.body), (202, &unknown.body));
    assert_eq!((unknown.status, known.headers.len()), (202, unknown.headers.len()));
    let mails = world.mails().await;
    assert_eq!(mails.len(), 1, "only an account gets a mail");
    assert_eq!(mails[0].0, ada.email.as_str());
    for _ in 0..4 {
        assert_eq!(world.send(&event).await.status, 202);
    }
    assert_eq!(world.send(&event).await.status, 429, "mails to one address are limited");
    assert_eq!(
        world.send(&ask("nobody@example.com")).await.status,
        202,
        "other addresses are not affected"
    );
}

#[tokio::test]
async fn reset_mails_to_one_account_are_limited_across_ip_addresses() {
    let (world, ada, task) = World::seeded().await;
    let mut event = world.event("forgot-password", &ada, &task).await;
    for address in 1..=12 {
        event.json["requestContext"]["http"]["sourceIp"] = json!(format!("192.0.2.{address}"));
        assert_eq!(world.send(&event).await.status, 202, "the response does not reveal it");
    }
    assert_eq!(world.mails().await.len(), 10);
}

#[tokio::test]
async fn a_reset_code_works_once_and_ends_all_sessions() {
    let (world, ada, task) = World::seeded().await;
    let refresh = world.event("refresh-session", &ada, &task).await;
    let forgot = world.event("forgot-password", &ada, &task).await;
    world.send(&forgot).await;
    let older = code_or_token(&world.mails().await[0].1);
    world.send(&forgot).await;
    let code = code_or_token(&world.mails().await[0].1);
    let new = "six quiet bells at dawn";
    let reset = world.event("reset-password", &ada, &task).await;
    let set =
        |code: &str, password: &str| reset.clone().body(&json!({"code": code, "password": password}));
    let weak = world.send(&set(&code, "password1234")).await;
    assert_eq!(weak.errors(), [("password", "too_common")], "the code stays valid");
    let last = if code.ends_with('0') { '1' } else { '0' };
    let wrong = format!("{}{last}", &code[..code.len() - 1]);
    for bad in [wrong.as_str(), "", "x", "."] {
        let answer = world.send(&set(bad, new)).await;
        assert_eq!((answer.status, answer.code()), (404, "invalid_code"), "{bad}");
    }
    assert_eq!(world.send(&set(&code, new)).await.status, 204);
    let again = world.send(&set(&code, "seven quiet bells at dawn")).await;
    assert_eq!((again.status, again.code()), (404, "invalid_code"), "it works once");
    let other = world.send(&set(&older, "seven quiet bells at dawn")).await;
    assert_eq!((other.status, other.code()), (404, "invalid_code"), "older codes are invalid, too");
    assert_eq!(world.send(&refresh).await.status, 401, "sessions have ended");
    let log_in = world.event("log-in", &ada, &task).await;
    let log_in =
        |password: &str| log_in.clone().body(&json!({"email": ada.email, "password": password}));
    assert_eq!(world.send(&log_in(PASSWORD)).await.status, 401);
    assert_eq!(world.send(&log_in(new)).await.status, 200);
}

#[tokio::test]
async fn a_reset_code_expires_and_works_for_nothing_else() {
    let (world, ada, task) = World::seeded().await;
    let boss = operator();
    world.send(&world.event("forgot-password", &boss, &task).await).await;
    let code = code_or_token(&world.mails().await[0].1);
    let claim = world.event("become-operator", &boss, &task).await;
    let claimed = world.send(&claim.clone().body(&json!({ "code": code }))).await;
    assert_eq!((claimed.status, claimed.code()), (404, "invalid_code"));
    assert_eq!(world.send(&claim.body(&json!({}))).await.status, 202);
    let other = code_or_token(&world.mails().await[0].1);
    let reset = world.event("reset-password", &ada, &task).await;
    let set =
        |code: &str| reset.clone().body(&json!({"code": code, "password": "six quiet bells at dawn"}));
    let refused = world.send(&set(&other)).await;
    assert_eq!((refused.status, refused.code()), (404, "invalid_code"));
    world.clock.advance(SignedDuration::from_hours(1));
    let late = world.send(&set(&code)).await;
    assert_eq!((late.status, late.code()), (404, "invalid_code"));
}

#[tokio::test]
async fn an_ses_send_event_resolves_an_uncertain_delivery() {
    let world = World::on(MemoryStore::default());
    let (ada, task) = due_in_90_seconds(&world).await;
    let outbox = Outbox::default();
    outbox.fail_next(MailError::Unknown("timeout".to_owned()));
    world.clock.set(instant(DUE));
    world.handle(&outbox, task.timer().expect("a timer")).await.expect("the message is handled");
    assert_eq!(world.reminder(&task).await, (DeliveryStatus::Uncertain, None, 1));
    for _ in 0..2 {
        world.record_mail_event(&ada, &task, None, None).await;
    }
    assert_eq!(world.reminder(&task).await, (DeliveryStatus::Sent, None, 1));
    let revision = world.stored(task.id).await.revision;
    world.clock.advance(UNCERTAIN_WAIT * 2);
    world.handle(&outbox, task.timer().expect("a timer")).await.expect("the message is handled");
    assert_eq!((outbox.sent().len(), world.stored(task.id).await.revision), (1, revision));
}

#[tokio::test]
async fn the_most_serious_event_of_a_mail_is_kept_in_any_order() {
    use Feedback::{Bounced, Complained, Delivered};
    let orders = [
        [Delivered, Bounced, Complained],
        [Complained, Delivered, Bounced],
        [Bounced, Complained, Delivered],
    ];
    for order in orders {
        let world = World::on(MemoryStore::default());
        let (ada, task) = due_in_90_seconds(&world).await;
        // An event before the first attempt is ignored.
        world.record_mail_event(&ada, &task, Some(Delivered), None).await;
        assert_eq!(world.reminder(&task).await, (DeliveryStatus::Scheduled, None, 0));
        let outbox = Outbox::default();
        outbox.fail_next(MailError::Unknown("timeout".to_owned()));
        world.clock.set(instant(DUE));
        world.handle(&outbox, task.timer().expect("a timer")).await.expect("the message is handled");
        for feedback in order {
            world.record_mail_event(&ada, &task, Some(feedback), None).await;
            world.record_mail_event(&ada, &task, Some(feedback), None).await;
            world.record_mail_event(&ada, &task, None, None).await;
        }
        let delivery = world.stored(task.id).await.reminders[0].delivery.clone();
        assert_eq!((delivery.status, delivery.feedback), (DeliveryStatus::Sent, Some(Complained)));
    }
}

#[tokio::test]
async fn mail_stops_after_a_bounce_or_complaint_until_the_address_is_verified_again() {
    for (stops, reason) in [
        (SuppressionReason::Bounced, Reason::Bounced),
        (SuppressionReason::Complained, Reason::Complained),
    ] {
        let world = World::on(MemoryStore::default());
        let (ada, task) = due_in_90_seconds(&world).await;
        let early = world.clock.now();
        world.clock.advance(SignedDuration::from_secs(10));
        world.record_mail_event(&ada, &task, Some(Feedback::Bounced), Some(stops)).await;
        let profile = world.as_user("get-profile", &ada, &task).await.body;
        assert_eq!(profile["mail_stopped"]["reason"], stops.as_str());

        let next = world.create(5, &ada, taskbell_test::fixtures::due_draft("t", DUE, &["PT0S"])).await;
        world.clock.set(instant(DUE));
        let outbox = Outbox::default();
        world.handle(&outbox, next.timer().expect("a timer")).await.expect("the message is handled");
        assert_eq!(world.reminder(&next).await, (DeliveryStatus::Skipped, Some(reason), 0));
        assert_eq!(outbox.sent().len(), 0);

        // A new verification allows mail again.
        assert_eq!(world.as_user("send-verification", &ada, &task).await.status, 202);
        let token = code_or_token(&world.mails().await[0].1);
        let verify = world.event("verify-email", &ada, &task).await.body(&json!({ "token": token }));
        assert_eq!(world.send(&verify).await.status, 204);
        assert_eq!(world.me(&ada).await.reachable(), Ok(()));

        // Events about mails older than the verification are ignored.
        let about = MailTags { target: TimerTarget::Task(task.id), reminder: None, user: Some(ada.id) };
        let event = DeliveryEvent { message_id: "m".to_owned(), accepted_at: early, feedback: None };
        record_mail_events::handle(&world.store, &about, &event, Some(stops), &world.clock)
            .await
            .expect("the event is recorded");
        assert_eq!(world.me(&ada).await.reachable(), Ok(()));
    }
}

#[tokio::test]
async fn an_address_without_an_account_that_complained_gets_no_more_mail() {
    let (world, ada, task) = World::seeded().await;
    let invite = world.event("invite-member", &ada, &task).await;
    let invite = |email: &str| {
        invite
            .clone()
            .without_header("idempotency-key")
            .body(&json!({"email": email, "role": "member"}))
    };
    assert_eq!(world.send(&invite("stranger@example.com")).await.status, 201);
    let outbox = Outbox::default();
    for timer in world.queue.take() {
        world.handle(&outbox, timer).await.expect("the message is handled");
    }
    let [mail] = &outbox.sent()[..] else { panic!("one mail") };
    assert_eq!(mail.tags.user, None);
    let accepted_at = world.clock.now();
    let event =
        DeliveryEvent { message_id: "m".to_owned(), accepted_at, feedback: Some(Feedback::Complained) };
    let stops = Some(SuppressionReason::Complained);
    record_mail_events::handle(&world.store, &mail.tags, &event, stops, &world.clock)
        .await
        .expect("the event is recorded");
    world.clock.advance(SignedDuration::from_mins(11));
    assert_eq!(world.send(&invite("Stranger@Example.com")).await.status, 201);
    assert_eq!(world.mails().await, [], "no mail is sent, and the inviter does not learn it");
}

#[tokio::test]
async fn an_invited_address_can_unsubscribe_from_invitations() {
    let (world, ada, task) = World::seeded().await;
    let invite = world.event("invite-member", &ada, &task).await.without_header("idempotency-key");
    let invite = invite.body(&json!({"email": "stranger@example.com", "role": "member"}));
    assert_eq!(world.send(&invite).await.status, 201);
    let mail = world.mails().await.remove(0).1;
    let link =
        mail.split("/v1/unsubscribe/").nth(1).expect("a link").split('>').next().expect("its end");
    let token = link.replace("\r\n", "").replace([' ', '\t'], "");
    let post = world.event("unsubscribe", &ada, &task).await.path("token", &token);
    let mut get = post.clone();
    get.json["requestContext"]["http"]["method"] = json!("GET");
    let before = world.store.contents();
    assert_eq!(world.send(&get).await.status, 200);
    assert!(world.store.contents() == before, "GET changes nothing");
    assert_eq!(world.send(&post).await.status, 200);
    world.clock.advance(SignedDuration::from_mins(11));
    assert_eq!(world.send(&invite).await.status, 201);
    assert_eq!(world.mails().await, []);
    let last = if token.ends_with('0') { '1' } else { '0' };
    let forged = format!("{}{last}", &token[..token.len() - 1]);
    assert_eq!(world.send(&post.path("token", &forged)).await.status, 404);
}

#[tokio::test]
async fn the_ses_event_file_and_its_variants_are_parsed() {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("record-mail-events", &ada, &task).await.json;
    let read: MailEvent = serde_json::from_value(event.clone()).expect("an event");
    let (about, event_data) = read.tags().zip(read.delivery_event()).expect("an event about a mail");
    assert_eq!(about.target, TimerTarget::Task(task.id));
    assert_eq!(about.reminder, Some(task.reminders[0].id));
    assert_eq!(about.user, Some(ada.id));
    assert_eq!(event_data.feedback, Some(Feedback::Delivered));
    assert_eq!(read.suppression_reason(), None);
    for (kind, bounce, complaint, stops) in [
        ("Send", json!(null), json!(null), None),
        ("Bounce", json!({"bounceType": "Permanent"}), json!(null), Some(SuppressionReason::Bounced)),
        (
            "Complaint",
            json!(null),
            json!({"complaintFeedbackType": "abuse"}),
            Some(SuppressionReason::Complained),
        ),
        ("Complaint", json!(null), json!({}), Some(SuppressionReason::Complained)),
    ] {
        let mut event = event.clone();
        event["detail"]["eventType"] = json!(kind);
        (event["detail"]["bounce"], event["detail"]["complaint"]) = (bounce, complaint);
        let read: MailEvent = serde_json::from_value(event).expect("an event");
        assert_eq!(
            (read.suppression_reason(), read.delivery_event().is_some()),
            (stops, true),
            "{kind}"
        );
    }
    for (kind, name, what) in [
        ("Bounce", "bounce", json!({"bounceType": "Transient"})),
        ("Complaint", "complaint", json!({"complaintFeedbackType": "not-spam"})),
        ("Open", "open", json!({})),
    ] {
        let mut event = event.clone();
        event["detail"]["eventType"] = json!(kind);
        event["detail"][name] = what;
        let read: MailEvent = serde_json::from_value(event).expect("an event");
        assert!(
            read.suppression_reason().is_none() && read.delivery_event().is_none(),
            "{kind} is ignored"
        );
    }
    for hostile in ["", "x", "tsk_", "ntc_01JQ00000000000000000000", "../../x"] {
        let mut event = event.clone();
        event["detail"]["mail"]["tags"]["taskbell-subject"] = json!([hostile]);
        let read: MailEvent = serde_json::from_value(event).expect("an event");
        assert_eq!(read.tags(), None, "{hostile}");
    }
}
