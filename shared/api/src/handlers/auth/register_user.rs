//! Creates an account and its personal space.

use http::StatusCode;
use taskbell_domain::{
    credential::Credential,
    email::EmailAddress,
    id::{NotificationId, UserId},
    notification::{Notification, NotificationKind},
    ports::{Registered, Registrations, TimerQueue},
    rate_limit::RateLimit,
    reminder::ReminderSpec,
    secret::link_token,
    text::PersonName,
    unknown::Unknown,
    user::{AccountRole, DigestHour, MailSettings, User},
    zone::Zone,
};

use crate::{
    endpoint::{Access, Body, Endpoint, Operation, RequestLimit, Tag},
    enqueue_if_soon::enqueue_if_soon,
    http::{Call, Fields, Problem, Reply, read},
    passwords,
    profiles::profile_view,
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "register-user",
    tag: Tag::Authentication,
    access: Access::Public,
    rate_limit: RequestLimit::Variable("REGISTRATIONS_PER_HOUR", RateLimit::registrations),
    path: "/v1/auth/register",
    operations: &[Operation {
        method: "POST",
        summary: "Register a user",
        description: "Creates an account and its personal space, and mails a link that verifies the email address. The user can log in at once; reminders are sent after the address is verified.",
        parameters: &[],
        request: Some("RegisterUserRequest"),
        responses: &[(201, Body::Json("Profile"))],
        errors: &["email_taken"],
    }],
};

/// Registers the user and mails a verification link. Responds 201 with the profile.
pub async fn handle(
    call: &Call<'_>,
    accounts: &impl Registrations,
    queue: &impl TimerQueue,
) -> Result<Reply, Problem> {
    let mut fields = Fields::of(call)?;
    let email = fields.required("email", read::text(EmailAddress::parse));
    let name = fields.required("name", read::text(PersonName::parse));
    let zone = fields.optional("time_zone", read::text(Zone::parse));
    let mut context: Vec<&str> = email.iter().map(EmailAddress::as_str).collect();
    context.extend(name.iter().map(PersonName::as_str));
    let password = fields.required(
        "password",
        read::text(|text| passwords::check_new(text, &context).map(|()| text.to_owned())),
    );
    let complete = email.zip(name).zip(password);
    let ((email, name), password) = fields.finish(complete)?;

    let (now, random) = (call.now(), call.random());
    let user = User {
        id: UserId::generate(call.clock(), random),
        email,
        name,
        digest_hour: DigestHour::DEFAULT,
        time_zone: zone.unwrap_or_else(Zone::utc),
        default_reminders: vec![ReminderSpec::half_an_hour_before()],
        mail: MailSettings::default(),
        role: AccountRole::User,
        disabled_at: None,
        email_verified_at: None,
        mail_stopped: None,
        link_secret: link_token(random),
        password_set_at: None,
        email_set_at: None,
        email_undos: Vec::new(),
        tokens_valid_from: None,
        api_tokens_valid_from: None,
        second_factor_at: None,
        second_factor_session: None,
        version: 1,
        created_at: now,
        updated_at: now,
        unknown: Unknown::default(),
    };
    call.admit().await?;
    let password_hash = passwords::new_hash(&password, random)?;
    let credential = Credential { user: user.id, password_hash };
    let kind = NotificationKind::Verification { to: user.id };
    let notification = Notification::new(NotificationId::generate(call.clock(), random), kind, now);
    match accounts.register(&user, &credential, Some(&notification)).await? {
        Registered::Done => {
            enqueue_if_soon(queue, [notification.timer()], now).await;
            tracing::info!(AccountsRegistered = 1, "account registered");
            Reply::json(StatusCode::CREATED, &profile_view(&user))
        }
        Registered::EmailTaken => Err(Problem::conflict(
            "email_taken",
            "An account with this email address already exists: log in.",
        )),
    }
}
