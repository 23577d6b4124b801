//! Creates an account and its personal space.

use std::collections::BTreeSet;

use futures_util::{future::try_join_all, try_join};
use http::StatusCode;
use serde_json::json;
use taskbell_domain::{
    account_event::AccountEvent,
    credential::Credential,
    email::EmailAddress,
    id::{NotificationId, UserId},
    notification::{Notification, NotificationKind},
    ports::{Notifications, Profiles, Registered, Registrations, TimerQueue},
    rate_limit::RateLimit,
    registration::{Admission, RegistrationPolicy},
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
    profiles::account_with,
};

/// How many invitations of an address are looked at. One by a user who is not blocked is enough.
const MAX_INVITATIONS: usize = 10;

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
        description: "Creates an account and its personal space, and mails a link that verifies the email address. The user can log in after that. If the address already has an account, the response is the same, and the mail explains what to do instead; an address that was given up less than 72 hours ago gets no mail. The parameter `Registration` of the stack decides which addresses may register.",
        parameters: &[],
        request: Some("RegisterUserRequest"),
        responses: &[(202, Body::Json("Accepted"))],
        errors: &["registration_refused"],
    }],
};

/// Registers the user and mails a verification link. Whether the address has an account changes neither the response nor
/// the work that takes long. It does not depend on it either whether the address may register.
pub async fn handle(
    call: &Call<'_>,
    accounts: &(impl Registrations + Profiles + Notifications),
    queue: &impl TimerQueue,
    policy: &RegistrationPolicy,
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
    let admission = policy.admission(&email);
    let hash = email.hash();
    let is_admitted = async {
        Ok(match admission {
            Admission::Allowed => true,
            Admission::IfInvited => {
                let inviters = accounts.inviters(&hash, now, MAX_INVITATIONS).await?;
                let inviters = BTreeSet::from_iter(inviters).into_iter().map(|by| accounts.user(by));
                let inviters = try_join_all(inviters).await?;
                inviters.iter().flatten().any(|by| by.disabled_at.is_none())
            }
            Admission::Refused => false,
        })
    };
    let (is_admitted, existing) = try_join!(is_admitted, account_with(call, accounts, &email))?;
    if !is_admitted {
        return Err(refused());
    }
    call.admit().await?;
    let known_hash = existing.as_ref().map(|(_, credential)| credential.password_hash.as_str());
    let is_same_password = passwords::verify(&password, known_hash);
    let password_hash = passwords::new_hash(&password, random)?;
    let user = new_user(call, email, name, zone.unwrap_or_else(Zone::utc));
    let credential = Credential { user: user.id, password_hash };
    let new = |kind| Notification::new(NotificationId::generate(call.clock(), random), kind, now);
    let verification = new(NotificationKind::Verification { to: user.id });
    let notification = match accounts.register(&user, &credential, Some(&verification)).await? {
        Registered::Done => {
            tracing::info!(AccountsRegistered = 1, "account registered");
            verification
        }
        Registered::EmailTaken => {
            let repeated = new(match existing {
                // The same person again, who may not have the first mail.
                Some((known, _)) if is_same_password && known.email_verified_at.is_none() => {
                    NotificationKind::Verification { to: known.id }
                }
                // Nobody is mailed if the address has no account: it is reserved for its previous owner, or a concurrent
                // request has registered it.
                existing => NotificationKind::Account {
                    to: existing.map_or(user.id, |(known, _)| known.id),
                    event: AccountEvent::RegisteredAgain,
                },
            });
            accounts.add_notification(&repeated, None).await?;
            repeated
        }
    };
    enqueue_if_soon(queue, [notification.timer()], now).await;
    accepted()
}

fn new_user(call: &Call<'_>, email: EmailAddress, name: PersonName, time_zone: Zone) -> User {
    let (now, random) = (call.now(), call.random());
    User {
        id: UserId::generate(call.clock(), random),
        email,
        name,
        digest_hour: DigestHour::DEFAULT,
        time_zone,
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
    }
}

fn accepted() -> Result<Reply, Problem> {
    let detail = "An email with the next step will be sent to this address.";
    Reply::json(StatusCode::ACCEPTED, &json!({ "detail": detail }))
}

fn refused() -> Problem {
    let detail =
        "This address may not register here: ask the operator of this installation for an invitation.";
    Problem::new(StatusCode::FORBIDDEN, "registration_refused", detail)
}
