//! Who may register, and that nobody learns who has an account.

use jiff::SignedDuration;
use serde_json::{Value, json};
use taskbell_domain::{
    clock::Clock,
    email::EmailAddress,
    invitation::{INVITATION_LIFETIME, INVITATION_PAUSE},
    notification::NotificationKind,
    one_time_code::Purpose,
    ports::{Directory, Notifications, ProfileChanges, SpaceChanges, SuppressedAddresses},
    rate_limit::{INVITATIONS, REGISTRATIONS_OF_ADDRESS},
    registration::Registration,
    task::Task,
    user::User,
};
use taskbell_test::{
    fixtures::{instant, notification, space, user},
    template::template,
};

use crate::support::{Answer, PASSWORD, World, operator};

mod strangers;

/// A password that satisfies the rules, and is not that of the users of a world.
const OTHER: &str = "six quiet bells at dawn";

impl World {
    async fn register_as(&self, email: &str, password: &str, any: (&User, &Task)) -> Answer {
        let body = json!({ "email": email, "password": password, "name": "Grace" });
        let event = self.event("register-user", any.0, any.1).await.body(&body);
        without_limit(self.send(&event).await)
    }

    async fn log_in_as(&self, email: &str, password: &str, any: (&User, &Task)) -> Answer {
        let body = json!({ "email": email, "password": password });
        without_limit(self.send(&self.event("log-in", any.0, any.1).await.body(&body)).await)
    }

    async fn invite_user(&self, email: &str, any: (&User, &Task)) -> Answer {
        let event = self.event("invite-user", any.0, any.1).await;
        self.send(&event.body(&json!({ "email": email }))).await
    }

    /// The account with this address.
    async fn account_of(&self, email: &str) -> Option<User> {
        self.store.users(email, None, 1).await.expect("an answer").items.into_iter().next()
    }

    /// Leaves nothing of the limits of the hour.
    async fn next_hour(&self) {
        self.clock.advance(SignedDuration::from_hours(1));
    }
}

/// The answer without the header that counts attempts.
fn without_limit(mut answer: Answer) -> Answer {
    answer.headers.remove("ratelimit").expect("each attempt is counted");
    answer
}

/// The token of the link in a verification mail.
fn token_in(mail: &str) -> String {
    let mail = mail.replace("=\r\n", "").replace("=3D", "=");
    let word = mail.split_whitespace().find(|word| word.contains(".verify.") && !word.contains('/'));
    word.unwrap_or_else(|| panic!("no token in {mail}")).to_owned()
}

/// The code in a mail for a password reset.
fn code_in(mail: &str) -> String {
    let mail = mail.replace("=\r\n", "");
    let word = mail.split_whitespace().find(|word| word.len() == 59 && word.contains('.'));
    word.unwrap_or_else(|| panic!("no code in {mail}")).to_owned()
}

fn parts(answer: &Answer) -> (u16, String, String) {
    (answer.status, format!("{:?}", answer.headers), answer.body.to_string())
}

#[tokio::test]
async fn a_known_address_gets_the_response_of_a_new_one_and_keeps_its_account() {
    let (world, ada, task) = World::seeded().await;
    let any = (&ada, &task);
    let new = world.register_as("new.user@example.com", OTHER, any).await;
    assert_eq!((new.status, new.body.get("id")), (202, None));
    let [(to, text)] = &world.mails().await[..] else { panic!("one mail") };
    assert_eq!(to, "new.user@example.com");
    assert!(text.contains("/v1/actions/"), "{text}");

    let unverified = world.account_of("new.user@").await.expect("an account");
    for email in ["new.user@example.com", "NEW.USER@Example.COM", "user1@example.com"] {
        let known = world.register_as(email, "another set of twelve", any).await;
        assert_eq!(parts(&known), parts(&new), "{email}");
        let [(to, text)] = &world.mails().await[..] else { panic!("one mail for {email}") };
        assert!(to.eq_ignore_ascii_case(email), "{to}");
        assert!(text.contains("You already have a Taskbell account"), "{text}");
        assert!(!text.contains("/v1/"), "the mail of a stranger's request has no link: {text}");
        assert!(!text.contains("Grace"), "nothing that someone has typed: {text}");
    }
    // Links from before do not work any more.
    let after = world.account_of("new.user@").await.expect("an account");
    let (link_secret, version) = (after.link_secret.clone(), after.version);
    assert_eq!(after, User { link_secret, version, ..unverified });
    assert_eq!(world.me(&ada).await, ada);
    assert_eq!(world.log_in_as("user1@example.com", PASSWORD, any).await.status, 200);
}

#[tokio::test]
async fn a_log_in_before_the_address_is_verified_fails_as_with_a_wrong_password() {
    let (world, ada, task) = World::seeded().await;
    let any = (&ada, &task);
    world.register_as("new@example.com", OTHER, any).await;
    let wrong = world.log_in_as("user1@example.com", OTHER, any).await;
    assert_eq!((wrong.status, wrong.code()), (401, "invalid_credentials"));
    let early = world.log_in_as("new@example.com", OTHER, any).await;
    assert_eq!(parts(&early), parts(&wrong));
    let new = world.account_of("new@").await.expect("an account");
    let verified = User { email_verified_at: Some(instant("2026-03-01T08:00:00Z")), version: 2, ..new };
    world.store.replace_user(&verified, 1, None).await.expect("an answer");
    assert_eq!(world.log_in_as("new@example.com", OTHER, any).await.status, 200);
}

#[tokio::test]
async fn of_two_registrations_at_the_same_time_one_creates_an_account_and_one_link_is_mailed() {
    let (world, ada, task) = World::seeded().await;
    let any = (&ada, &task);
    let (one, two) = futures_util::join!(
        world.register_as("new@example.com", OTHER, any),
        world.register_as("NEW@example.com", "a set of my own bells", any)
    );
    assert_eq!((one.status, two.status), (202, 202));
    let found = world.store.users("new@", None, 5).await.expect("an answer").items;
    assert_eq!(found.len(), 1);
    let mails = world.mails().await;
    assert_eq!(mails.iter().filter(|(_, mail)| mail.contains("/v1/actions/")).count(), 1);
}

#[tokio::test]
async fn the_parameter_decides_who_may_register_and_the_operator_always_may() {
    let (mut world, ada, task) = World::seeded().await;
    let any = (&ada, &task);
    let boss = operator();
    let invite = async |world: &World, email: &str| {
        let event = world.event("invite-member", &ada, &task).await;
        let body = json!({ "email": email, "role": "viewer" });
        assert_eq!(world.send(&event.body(&body)).await.status, 201);
    };
    for number in [10, 11] {
        invite(&world, &format!("guest{number}@example.com")).await;
    }
    let revoked = EmailAddress::parse("guest11@example.com").expect("an address").hash();
    world.store.revoke(space(1, &ada).0.id, &revoked).await.expect("an answer");
    let cases = [
        (Registration::Open, "guest1@example.com", 202),
        (Registration::Closed, "guest2@example.com", 403),
        (Registration::Closed, "GUEST10@example.com", 403),
        (Registration::Invited, "guest3@example.com", 403),
        (Registration::Invited, "GUEST10@example.com", 202),
        (Registration::Invited, "guest11@example.com", 403),
        (Registration::Invited, "user900@example.com", 403),
        (Registration::Closed, "user900@example.com", 403),
    ];
    let mut refusals = Vec::new();
    for (registration, email, expected) in cases {
        world.registration = registration;
        let before = world.store.contents();
        let answer = world.register_as(email, OTHER, any).await;
        assert_eq!(answer.status, expected, "{registration:?} {email}: {}", answer.body);
        if expected == 403 {
            assert!(world.store.contents() == before, "{email} has changed something");
            refusals.push(parts(&answer));
        }
    }
    refusals.dedup();
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    // An inviter who was blocked admits nobody.
    world.registration = Registration::Invited;
    let blocked = User { disabled_at: Some(world.clock.now()), version: 2, ..ada.clone() };
    world.store.replace_user(&blocked, 1, None).await.expect("an answer");
    assert_eq!(world.register_as("guest10@example.com", OTHER, any).await.status, 403);
    let unblocked = User { version: 3, ..ada.clone() };
    world.store.replace_user(&unblocked, 2, None).await.expect("an answer");
    assert_eq!(world.register_as("guest10@example.com", OTHER, any).await.status, 202);

    world.clock.advance(INVITATION_LIFETIME);
    let expired = world.register_as("guest10@example.com", OTHER, any).await;
    assert_eq!((expired.status, expired.code()), (403, "registration_refused"));
    for registration in [Registration::Invited, Registration::Closed] {
        world.registration = registration;
        world.next_hour().await;
        let answer = world.register_as(boss.email.as_str(), OTHER, any).await;
        assert_eq!(answer.status, 202, "{registration:?}");
    }
}

#[tokio::test]
async fn an_operator_invites_an_address_that_may_then_register() {
    let (mut world, ada, task) = World::seeded().await;
    let any = (&ada, &task);
    world.registration = Registration::Invited;
    let email = "guest@example.com";
    let invited = world.invite_user(email, any).await;
    assert_eq!(invited.status, 202, "{}", invited.body);
    let [(to, text)] = &world.mails().await[..] else { panic!("one mail") };
    assert_eq!(to, email);
    assert!(text.contains("Subject: User 901 invited you to Taskbell"), "{text}");
    assert!(text.contains("List-Unsubscribe-Post"), "{text}");

    let again = world.invite_user("Guest@EXAMPLE.com", any).await;
    assert_eq!((again.status, again.code()), (409, "invited_recently"));
    world.clock.advance(INVITATION_PAUSE);
    assert_eq!(world.invite_user(email, any).await.status, 202);
    // The person registers before the second mail is written, which is not sent then.
    assert_eq!(world.register_as(email, OTHER, any).await.status, 202);
    let new = world.account_of("guest@").await.expect("an account");
    let now = instant("2026-03-01T08:00:00Z");
    let verified = User { email_verified_at: Some(now), version: 2, ..new };
    world.store.replace_user(&verified, 1, None).await.expect("an answer");
    let subjects = world.mails().await;
    assert_eq!(subjects.len(), 1, "only the verification: {subjects:?}");
    let taken = world.invite_user(email, any).await;
    assert_eq!((taken.status, taken.code()), (409, "email_taken"));

    // An operator who is blocked before the mail is written sends none.
    assert_eq!(world.invite_user("last@example.com", any).await.status, 202);
    let boss = world.me(&operator()).await;
    let blocked = User { disabled_at: Some(now), version: boss.version + 1, ..boss.clone() };
    world.store.replace_user(&blocked, boss.version, None).await.expect("an answer");
    assert!(world.mails().await.is_empty());
}

#[tokio::test]
async fn a_user_whom_an_operator_has_deleted_cannot_register_with_the_same_invitation() {
    let (mut world, ada, task) = World::seeded().await;
    let any = (&ada, &task);
    world.registration = Registration::Invited;
    assert_eq!(world.invite_user("guest@example.com", any).await.status, 202);
    assert_eq!(world.register_as("guest@example.com", OTHER, any).await.status, 202);
    let guest = world.account_of("guest@").await.expect("an account");
    // An address that it had before was invited, too.
    assert_eq!(world.invite_user("first@example.com", any).await.status, 202);
    let kind = NotificationKind::Code {
        to: guest.id,
        purpose: Purpose::EmailChangeUndo,
        address: EmailAddress::parse("first@example.com").ok(),
        secret_hash: None,
    };
    let undo = notification(40, kind);
    world.store.add_notification(&undo, None).await.expect("an answer");
    world.store.data().users.get_mut(&guest.id).expect("a user").email_undos = vec![undo.id];
    let delete = world.event("delete-user", &ada, &task).await;
    let delete = delete.path("user_id", &guest.id.to_string());
    assert_eq!(world.send(&delete).await.status, 204);
    for email in ["guest@example.com", "first@example.com"] {
        assert_eq!(world.register_as(email, OTHER, any).await.status, 403, "{email}");
    }
}

#[tokio::test]
async fn invitations_to_register_are_refused_limited_and_respect_who_wants_none() {
    let (mut world, ada, task) = World::seeded().await;
    let any = (&ada, &task);
    for bad in ["", "nobody", "a@b"] {
        let refused = world.invite_user(bad, any).await;
        assert_eq!((refused.status, refused.errors()[0].0), (422, "email"), "{bad}");
    }
    world.registration = Registration::Closed;
    let closed = world.invite_user("guest@example.com", any).await;
    assert_eq!((closed.status, closed.code()), (409, "registration_closed"));
    assert_eq!(world.invite_user(user(1).email.as_str(), any).await.code(), "registration_closed");
    world.registration = Registration::Invited;

    let hash = EmailAddress::parse("guest@example.com").expect("an address").hash();
    world.store.suppress_address(&hash, instant("2026-03-01T08:00:00Z")).await.expect("an answer");
    assert_eq!(world.invite_user("guest@example.com", any).await.status, 202);
    assert!(world.mails().await.is_empty(), "the address wants no invitations");
    for number in 1..INVITATIONS.max {
        let answer = world.invite_user(&format!("guest{number}@example.com"), any).await;
        assert_eq!(answer.status, 202, "{number}");
    }
    assert_eq!(world.invite_user("last@example.com", any).await.status, 429);
}

#[tokio::test]
async fn a_mailbox_gets_few_mails_about_repeated_registrations() {
    let (world, ada, task) = World::seeded().await;
    let mut sent = 0;
    for number in 0..REGISTRATIONS_OF_ADDRESS.max + 3 {
        if number % 4 == 3 {
            world.next_hour().await;
        }
        let answer = world.register_as("user1@example.com", OTHER, (&ada, &task)).await;
        assert_eq!(answer.status, 202);
        sent += world.mails().await.len();
    }
    assert_eq!(sent, REGISTRATIONS_OF_ADDRESS.max as usize);
}

/// Evaluates the condition functions of a rule of the template.
fn holds(condition: &Value, parameters: &Value) -> bool {
    let value = |operand: &Value| match operand["Ref"].as_str() {
        Some(name) => parameters[name].clone(),
        None => operand.clone(),
    };
    if let Some([operand]) = condition["Fn::Not"].as_array().map(Vec::as_slice) {
        return !holds(operand, parameters);
    }
    match condition["Fn::Equals"].as_array().map(Vec::as_slice) {
        Some([left, right]) => value(left) == value(right),
        _ => panic!("evaluate {condition} in registrations.rs"),
    }
}

#[test]
fn the_template_refuses_a_stack_in_which_nobody_could_register() {
    let template = template();
    assert_eq!(template["Parameters"]["Registration"]["Default"], "invited");
    let rule = &template["Rules"]["RegistrationNeedsAnOperator"];
    for (registration, operator, accepted) in [
        ("invited", "", false),
        ("closed", "", false),
        ("open", "", true),
        ("invited", "boss@example.com", true),
        ("closed", "boss@example.com", true),
        ("open", "boss@example.com", true),
    ] {
        let parameters = json!({ "Registration": registration, "OperatorAddress": operator });
        let asserted = rule["Assertions"].as_array().expect("assertions");
        let is_accepted = !holds(&rule["RuleCondition"], &parameters)
            || asserted.iter().all(|one| holds(&one["Assert"], &parameters));
        assert_eq!(is_accepted, accepted, "{registration} {operator}");
    }
}
