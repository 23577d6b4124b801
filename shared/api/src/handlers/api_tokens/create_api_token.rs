//! Creates an API token for a program.

use http::StatusCode;
use taskbell_domain::{
    account_event::AccountEvent,
    api_token::{ApiToken, ApiTokenSecret, MAX_API_TOKENS, REMIND_BEFORE_EXPIRY, check_expiry},
    id::{ApiTokenId, NotificationId},
    notification::{Notification, NotificationKind},
    ports::{ApiTokenChanges, Credentials, Memberships, Profiles, RateLimits, TimerQueue},
    rate_limit::{API_TOKENS_CREATED, RateLimitKey},
    text::ApiTokenName,
    violation::Violation,
};

use super::{token_view, valid};
use crate::{
    access::role,
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    enqueue_if_soon::enqueue_if_soon,
    handlers::own_password,
    http::{Call, Fields, Params, Problem, Reply, enforce_limit, read},
    update::Attempts,
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "create-api-token",
    tag: Tag::ApiTokens,
    access: Access::User(Programs::Refused),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/me/tokens",
    operations: &[Operation {
        method: "POST",
        summary: "Create an API token",
        description: "Creates a token for a program, which sends it as a Bearer token. `token` is in this response only. It is limited to its scopes and, if `space` is given, to that space; it never gives access to the account, its sessions or its tokens. The password is required, and the address of the account is informed by email, also a week before the token expires.",
        parameters: &[],
        request: Some("CreateApiTokenRequest"),
        responses: &[(201, Body::Json("ApiToken"))],
        errors: &["too_many_api_tokens", "busy"],
    }],
};

/// Responds 201 with the token, whose text is stored nowhere.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl ApiTokenChanges + Profiles + Credentials + Memberships + RateLimits),
    queue: &impl TimerQueue,
) -> Result<Reply, Problem> {
    let (now, random) = (call.now(), call.random());
    let caller = call.caller()?;
    Params::of(call).finish()?;
    let mut fields = Fields::of(call)?;
    let name = fields.required("name", read::text(ApiTokenName::parse));
    let scopes = fields.required("scopes", read::api_scopes);
    let space = fields.optional("space", read::text(read::id));
    let expires_at =
        fields.required("expires_at", read::text(|text| check_expiry(read::instant(text)?, now)));
    let password = fields.required("password", read::any_text);
    let required = name.zip(scopes).zip(expires_at).zip(password);
    let (((name, scopes), expires_at), password) = fields.finish(required)?;
    call.admit().await?;
    let user = store.user(caller.user).await?.ok_or_else(Problem::unauthorized)?;
    own_password::verify(call, store, &user, ("password", &password)).await?;
    if let Some(space) = space
        && role(store, caller.user, space).await?.is_none()
    {
        let why = "You are not a member of this space.";
        return Err(Violation::new("not_a_member", why).for_field("space").into());
    }
    enforce_limit(store, API_TOKENS_CREATED, RateLimitKey::user(user.id), 1, now).await?;

    let secret = ApiTokenSecret::generate(user.id, ApiTokenId::generate(call.clock(), random), random);
    let notification = || NotificationId::generate(call.clock(), random);
    let notice = |event| NotificationKind::Account { to: user.id, event };
    let created =
        AccountEvent::ApiTokenCreated { name: name.clone(), scopes: scopes.clone(), expires_at };
    let mut notifications = vec![Notification::new(notification(), notice(created), now)];
    let remind_at = expires_at - REMIND_BEFORE_EXPIRY;
    if remind_at > now {
        let expires =
            AccountEvent::ApiTokenExpires { token: secret.id, name: name.clone(), expires_at };
        let expires = Notification::scheduled(notification(), notice(expires), remind_at, now);
        notifications.push(expires);
    }
    let token = ApiToken {
        id: secret.id,
        user: user.id,
        name,
        scopes,
        space,
        secret_hash: secret.hash(),
        created_at: now,
        expires_at,
        expiry_notification: notifications.get(1).map(|notification| notification.id),
    };
    let mut attempts = Attempts::new();
    loop {
        attempts.begin()?;
        let list = store.api_tokens(user.id).await?;
        let version = list.version;
        if valid(list, &user, now).len() >= MAX_API_TOKENS {
            let detail =
                format!("You have {MAX_API_TOKENS} API tokens, which is the limit: delete one.");
            return Err(Problem::conflict("too_many_api_tokens", detail));
        }
        if store.add_api_token(&token, version, &notifications).await? {
            break;
        }
    }
    enqueue_if_soon(queue, notifications.iter().map(Notification::timer), now).await;
    tracing::info!(token = %token.id, "API token created");
    let mut view = token_view(&token, None);
    view["token"] = secret.to_text().into();
    Reply::json(StatusCode::CREATED, &view)
}
