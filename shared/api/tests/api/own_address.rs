//! Changes of the address by its owner, by strangers, and by a person who took over the account.

mod takeover;
mod together;

use jiff::SignedDuration;
use serde_json::{Value, json};
use taskbell_domain::{
    email::EmailAddress,
    id::UserId,
    notification::{Notification, NotificationKind},
    one_time_code::{Code, Purpose},
    ports::Sessions,
    rate_limit::{CODES, EMAIL_CHANGES},
    task::Task,
    user::{AccountRole, User},
};
use taskbell_test::{
    contract::Store,
    fixtures::{notification, now, user},
};

use crate::support::{Answer, Event, PASSWORD, World, operator};

const SECRET: &str = "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e";

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect("an address")
}

/// A user with another address.
fn with(email: &str, user: &User) -> User {
    User { email: address(email), ..user.clone() }
}

impl<S: Store> World<S> {
    async fn log_in_at(&self, email: &str, user: &User, task: &Task) -> Answer {
        let event = self.event("log-in", user, task).await;
        self.send(&event.body(&json!({ "email": email, "password": PASSWORD }))).await
    }

    async fn register_at(&self, email: &str, user: &User, task: &Task) -> Answer {
        let body = json!({ "email": email, "name": "New", "password": "six quiet bells at dawn" });
        self.send(&self.event("register-user", user, task).await.body(&body)).await
    }

    /// The account that has an address, or has reserved it.
    async fn owner_of(&self, email: &str) -> Option<UserId> {
        let found = self.store.credential(&address(email)).await.expect("an answer");
        found.map(|found| found.user)
    }

    async fn confirm(&self, code: &str, user: &User, task: &Task) -> Answer {
        // That of its own function would come with a code.
        let event = self.event("change-email", user, task).await;
        let event = Event { function: "confirm-email".to_owned(), ..event };
        self.send(&event.body(&json!({ "code": code }))).await
    }

    async fn undo(&self, code: &str, user: &User, task: &Task) -> Answer {
        let event = self.event("forgot-password", user, task).await;
        let event = Event { function: "undo-email-change".to_owned(), ..event };
        self.send(&event.body(&json!({ "code": code }))).await
    }

    /// A code with this number that was mailed now.
    async fn mailed_code(
        &self,
        number: u64,
        to: &User,
        purpose: Purpose,
        email: Option<&str>,
    ) -> String {
        let id = notification(number, NotificationKind::Verification { to: to.id }).id;
        let code = Code { notification: id, secret: SECRET.to_owned() };
        let (secret_hash, address) = (Some(code.hash()), email.map(address));
        let kind = NotificationKind::Code { to: to.id, purpose, address, secret_hash };
        let carrier = Notification::new(id, kind, self.clock_now());
        self.store.add_notification(&carrier, None).await.expect("an answer");
        code.to_text()
    }

    fn clock_now(&self) -> jiff::Timestamp {
        taskbell_domain::clock::Clock::now(&self.clock)
    }

    async fn profile(&self, user: &User) -> User {
        self.store.user(user.id).await.expect("an answer").expect("the user")
    }
}

impl World {
    /// Requests a change, and returns the code that was mailed to the new address.
    async fn requested(&self, email: &str, user: &User, task: &Task) -> String {
        let event = self.event("change-email", user, task).await;
        let body = json!({ "email": email, "password": PASSWORD });
        let answer = self.send(&event.body(&body)).await;
        assert_eq!(answer.status, 202, "{}", answer.body);
        let mut mails = self.mails().await;
        let (to, text) = mails.pop().expect("a mail");
        assert_eq!((to.as_str(), mails.len()), (email, 0));
        code_in(&text)
    }

    /// Changes the address of a user. Returns the user with it, and the code that was mailed to the previous address.
    async fn moved(&self, email: &str, user: &User, task: &Task) -> (User, String) {
        let code = self.requested(email, user, task).await;
        let answer = self.confirm(&code, user, task).await;
        assert_eq!((answer.status, &answer.body["email"]), (200, &json!(email)), "{}", answer.body);
        let mails = self.mails().await;
        let [(to, text)] = mails.as_slice() else { panic!("one mail, not {}", mails.len()) };
        assert_eq!(to, user.email.as_str());
        (with(email, user), code_in(text))
    }
}

fn code_in(text: &str) -> String {
    text.lines().find(|line| line.len() == 26 + 1 + 32).expect("a code").to_owned()
}

#[tokio::test]
async fn a_new_address_is_that_of_the_account_once_it_is_confirmed() {
    let (world, ada, task) = World::seeded().await;
    let code = world.requested("new@example.com", &ada, &task).await;
    assert_eq!(world.profile(&ada).await.email, ada.email, "not before");
    let before = world.open_session(&ada, world.other_session()).await;
    let confirmed = world.confirm(&code, &ada, &task).await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.body);
    let view = (&confirmed.body["email"], &confirmed.body["email_verified"]);
    assert_eq!(view, (&json!("new@example.com"), &json!(true)));
    assert_eq!(world.log_in_at("NEW@example.com", &ada, &task).await.status, 200);
    assert_eq!(world.log_in_at(ada.email.as_str(), &ada, &task).await.status, 401);
    let refresh = world.event("refresh-session", &ada, &task).await;
    let refreshed = world.send(&refresh.body(&json!({ "refresh_token": before }))).await;
    assert_eq!(refreshed.status, 200, "sessions stay");
    assert_eq!(world.confirm(&code, &ada, &task).await.code(), "invalid_code", "once");
}

#[tokio::test]
async fn whether_an_address_has_an_account_is_not_revealed() {
    let (world, ada, task) = World::seeded().await;
    let eve = world.register(2).await;
    let mut answers = Vec::new();
    for email in ["free@example.com", eve.email.as_str(), "USER2@example.com"] {
        let event = world.event("change-email", &ada, &task).await;
        let answer = world.send(&event.body(&json!({ "email": email, "password": PASSWORD }))).await;
        answers.push((answer.status, answer.body));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]) && answers[0].0 == 202, "{answers:?}");
    // Only who reads the mail of the address finds out.
    let code = code_in(&world.mails().await[1].1);
    let before = world.profile(&ada).await;
    let taken = world.confirm(&code, &ada, &task).await;
    assert_eq!((taken.status, taken.code()), (409, "email_taken"));
    assert_eq!(world.profile(&ada).await, before);
    assert_eq!(world.log_in_at(eve.email.as_str(), &eve, &task).await.status, 200);
}

#[tokio::test]
async fn only_a_valid_code_of_the_same_user_changes_the_address() {
    let (world, ada, task) = World::seeded().await;
    let eve = world.register(2).await;
    let theirs = world.mailed_code(70, &eve, Purpose::EmailChange, Some("e@example.com")).await;
    let reset = world.mailed_code(71, &ada, Purpose::PasswordReset, None).await;
    let nowhere = world.mailed_code(72, &ada, Purpose::EmailChange, None).await;
    let undo = world.mailed_code(73, &ada, Purpose::EmailChangeUndo, Some("u@example.com")).await;
    let own = world.mailed_code(74, &ada, Purpose::EmailChange, Some("new@example.com")).await;
    let forged = own.replace("5e5e", "6e6e");
    for bad in [&theirs, &reset, &nowhere, &undo, &forged, "", ".", &"x".repeat(100_000)] {
        let answer = world.confirm(bad, &ada, &task).await;
        assert_eq!((answer.status, answer.code()), (404, "invalid_code"), "{bad:.60}");
    }
    assert_eq!(world.profile(&ada).await, ada);
    world.clock.advance(Purpose::EmailChange.lifetime() - SignedDuration::from_secs(1));
    assert_eq!(world.confirm(&own, &ada, &task).await.status, 200);
    let late = world.mailed_code(75, &ada, Purpose::EmailChange, Some("late@example.com")).await;
    world.clock.advance(Purpose::EmailChange.lifetime());
    assert_eq!(world.confirm(&late, &ada, &task).await.code(), "invalid_code");
}

#[tokio::test]
async fn a_request_needs_the_password_an_open_session_and_an_address_and_is_limited() {
    let (world, ada, task) = World::seeded().await;
    let change = async |body: Value| {
        let event = world.event("change-email", &ada, &task).await;
        world.send(&event.body(&body)).await
    };
    for (body, field, code) in [
        (json!({ "email": "n@example.com", "password": "x" }), "password", "wrong_password"),
        (json!({ "email": "n@localhost", "password": PASSWORD }), "email", "invalid_email"),
        (
            json!({ "email": "n@example.com\r\nBcc: e@example.com", "password": PASSWORD }),
            "email",
            "invalid_email",
        ),
        (
            json!({ "email": format!("{}@example.com", "n".repeat(300)), "password": PASSWORD }),
            "email",
            "invalid_email",
        ),
    ] {
        let answer = change(body).await;
        assert_eq!((answer.status, answer.errors()), (422, vec![(field, code)]));
    }
    let valid = json!({ "email": "n@example.com", "password": PASSWORD });
    for _ in 0..CODES.max {
        assert_eq!(change(valid.clone()).await.status, 202);
    }
    assert_eq!(change(valid.clone()).await.status, 429);
    world.clock.advance(SignedDuration::from_hours(1));
    for function in ["change-email", "confirm-email"] {
        let event = world.event(function, &ada, &task).await;
        world.store.close_session(ada.id, world.session()).await.expect("an answer");
        assert_eq!(world.send(&event).await.status, 401, "{function}: its session has ended");
    }
}

#[tokio::test]
async fn the_spelling_of_an_address_can_be_changed() {
    let (world, ada, task) = World::seeded().await;
    let (spelled, undo) = world.moved("User1@example.com", &ada, &task).await;
    assert_eq!(world.log_in_at("user1@example.com", &ada, &task).await.status, 200);
    world.clock.advance(SignedDuration::from_secs(1));
    let same = world.requested("User1@example.com", &spelled, &task).await;
    assert_eq!(world.confirm(&same, &spelled, &task).await.status, 200, "not a change at all");
    assert!(world.mails().await.is_empty(), "and nothing to undo");
    assert_eq!(world.undo(&undo, &ada, &task).await.status, 204);
    assert_eq!(world.profile(&ada).await.email.as_str(), "user1@example.com");
    assert_eq!(world.log_in_at("user1@example.com", &ada, &task).await.status, 401, "it is locked");
}

#[tokio::test]
async fn nobody_else_registers_the_previous_address_for_72_hours() {
    let (world, ada, task) = World::seeded().await;
    world.moved("new@example.com", &ada, &task).await;
    let stranger = user(20);
    for seconds in [0, 72 * 3600 - 1] {
        world.clock.advance(SignedDuration::from_secs(seconds));
        let taken = world.register_at("USER1@example.com", &stranger, &task).await;
        assert_eq!(
            (taken.status, world.owner_of("user1@example.com").await),
            (202, Some(ada.id)),
            "{seconds}"
        );
        assert!(world.mails().await.is_empty());
    }
    world.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(world.register_at("user1@example.com", &stranger, &task).await.status, 202);
    assert!(world.owner_of("user1@example.com").await.is_some_and(|owner| owner != ada.id));
    let [(to, mail)] = &world.mails().await[..] else { panic!("one mail") };
    assert!(to == "user1@example.com" && mail.contains("/v1/actions/"), "{mail}");
    assert_eq!(world.log_in_at("new@example.com", &ada, &task).await.status, 200);
}

#[tokio::test]
async fn an_address_that_was_not_verified_gets_no_code_to_undo_its_change() {
    let (world, ada, task) = World::seeded().await;
    world.store.data().users.get_mut(&ada.id).expect("ada").email_verified_at = None;
    let code = world.requested("new@example.com", &ada, &task).await;
    assert_eq!(world.confirm(&code, &ada, &task).await.status, 200);
    assert!(world.mails().await.is_empty());
    assert!(world.profile(&ada).await.email_verified_at.is_some());
    // Nothing can be undone, so it is not reserved either.
    world.register_at("user1@example.com", &user(20), &task).await;
    assert!(world.owner_of("user1@example.com").await.is_some_and(|owner| owner != ada.id));
}

#[tokio::test]
async fn previous_addresses_are_free_at_once_when_the_account_is_deleted() {
    for by_operator in [false, true] {
        let (world, ada, task) = World::seeded().await;
        world.moved("new@example.com", &ada, &task).await;
        let (function, caller) =
            if by_operator { ("delete-user", operator()) } else { ("delete-account", ada.clone()) };
        let event = world.event(function, &caller, &task).await.path("user_id", &ada.id.to_string());
        let answer = world.send(&event).await;
        assert_eq!(answer.status, 204, "{}", answer.body);
        for (email, number) in [("user1@example.com", 20), ("new@example.com", 21)] {
            world.register_at(email, &user(number), &task).await;
            assert!(world.owner_of(email).await.is_some_and(|owner| owner != ada.id), "{email}");
        }
    }
}

#[tokio::test]
async fn the_address_is_changed_at_most_five_times_a_day() {
    let (world, ada, task) = World::seeded().await;
    for number in 0..=u64::from(EMAIL_CHANGES.max) {
        let email = format!("n{number}@example.com");
        let code = world.mailed_code(80 + number, &ada, Purpose::EmailChange, Some(&email)).await;
        let answer = world.confirm(&code, &ada, &task).await;
        let expected = if number < u64::from(EMAIL_CHANGES.max) { 200 } else { 429 };
        assert_eq!(answer.status, expected, "{}", answer.body);
        world.clock.advance(SignedDuration::from_secs(1));
    }
}

#[tokio::test]
async fn the_operator_address_gives_a_user_no_rights_and_no_protection() {
    let (world, ada, task) = World::seeded().await;
    // The operator of the stack has another address now, and stays an operator.
    let boss = operator();
    let code = world.mailed_code(70, &boss, Purpose::EmailChange, Some("boss@example.org")).await;
    let moved = world.confirm(&code, &boss, &task).await;
    assert_eq!((moved.status, &moved.body["role"]), (200, &json!("operator")), "{}", moved.body);
    world.clock.advance(SignedDuration::from_hours(72));
    let code = world.mailed_code(71, &ada, Purpose::EmailChange, Some(boss.email.as_str())).await;
    let moved = world.confirm(&code, &ada, &task).await;
    assert_eq!((moved.status, &moved.body["role"]), (200, &json!("user")), "{}", moved.body);
    let list = world.event("list-users", &boss, &task).await;
    let bearer = format!("Bearer {}", world.access_token(&ada));
    assert_eq!(world.send(&list.header("authorization", &bearer)).await.status, 403);
    let block = world.event("update-user", &boss, &task).await;
    let block = block.path("user_id", &ada.id.to_string()).body(&json!({ "disabled": true }));
    assert_eq!(world.send(&block).await.status, 200, "the address protects nobody");
    assert_eq!(world.profile(&ada).await.role, AccountRole::User);
    assert!(now() < world.clock_now());
}

#[tokio::test]
async fn an_operator_code_that_was_mailed_to_another_address_makes_no_operator() {
    let (world, ada, task) = World::seeded().await;
    // The account had the operator address of the stack, which was not verified, and requested a code there. Its mail went
    // to the address that it changed to.
    let code = world.mailed_code(70, &ada, Purpose::Operator, None).await;
    let change = world.mailed_code(71, &ada, Purpose::EmailChange, Some("b@example.com")).await;
    assert_eq!(world.confirm(&change, &ada, &task).await.status, 200);
    world.store.data().users.get_mut(&ada.id).expect("ada").email = operator().email;
    let claim = world.event("become-operator", &ada, &task).await;
    let bearer = format!("Bearer {}", world.access_token(&ada));
    let claim = claim.header("authorization", &bearer).body(&json!({ "code": code }));
    let refused = world.send(&claim).await;
    assert_eq!((refused.status, refused.code()), (404, "invalid_code"));
}
