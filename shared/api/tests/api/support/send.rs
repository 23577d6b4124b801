//! Sends events to the handlers of their functions.

use jiff::SignedDuration;
use serde_json::{Value, json};
use taskbell_api::{
    endpoint::{Access, Endpoint, RequestLimit},
    handlers::{
        api_tokens,
        app::get_app::{self, Policy},
        auth, changes, comments, docs, health, invitations, links, me, notifications, openapi,
        second_factor, sessions, spaces, statistics, tasks, transfer, users,
    },
    http::{
        Call, Caller, Callers, HttpEvent, Invocation, NoGuard, Problem, RateLimitGuard, RequestGuard,
        Verdict, respond,
    },
};
use taskbell_domain::{clock::Clock, ports::TimerQueue};
use taskbell_test::contract::Store;

use super::{Answer, Event, World, link_keys, operator};

/// The URL of live updates.
const LIVE_URL: &str = "wss://live.example.com/live";

/// The guard of a function.
struct OptionalGuard<'a, S> {
    guard: Option<RateLimitGuard<'a, S>>,
    checked_before: u32,
}

impl<S: Store> RequestGuard for OptionalGuard<'_, S> {
    async fn identify(&self, call: &Call<'_>) -> Result<Option<Caller>, Problem> {
        match &self.guard {
            Some(guard) => guard.identify(call).await,
            None => Ok(None),
        }
    }

    fn refuses(&self, call: &Call<'_>, caller: Option<Caller>) -> Option<Verdict> {
        self.guard.as_ref().and_then(|guard| guard.refuses(call, caller))
    }

    fn checks_first(&self, caller: Option<Caller>) -> bool {
        self.guard.as_ref().is_none_or(|guard| guard.checks_first(caller))
    }

    async fn check(&self, call: &Call<'_>, caller: Option<Caller>) -> Verdict {
        // Handlers that do not wait for the decision continue without it.
        tokio::task::yield_now().await;
        match &self.guard {
            Some(guard) => {
                let before = if guard.checks_first(caller) { 0 } else { self.checked_before };
                for _ in 0..before {
                    guard.check(call, caller).await;
                }
                guard.check(call, caller).await
            }
            None => NoGuard.check(call, caller).await,
        }
    }
}

impl<S: Store, Q: TimerQueue> World<S, Q> {
    /// Sends an event to the handler of its function, as the function itself does.
    pub(crate) async fn send(&self, event: &Event) -> Answer {
        self.send_text(&event.function, &event.json.to_string()).await
    }

    /// The same with an event as it arrives.
    pub(crate) async fn send_text(&self, function: &str, event: &str) -> Answer {
        self.send_within(SignedDuration::from_secs(15), function, event).await
    }

    /// The same in an invocation that ends after so long a time.
    pub(crate) async fn send_within(
        &self,
        time: SignedDuration,
        function: &str,
        event: &str,
    ) -> Answer {
        let Self { store, queue, pushes, clock, random, issuer, cursor_key, requests, quota, .. } =
            self;
        let operators = self.operator_second_factor;
        // The browser app is no operation of the API.
        let endpoint = Endpoint::named(function);
        assert!(endpoint.is_some() || function == "get-app", "{function} is no function of the API");
        let access = endpoint.map_or(Access::Public, |endpoint| endpoint.access);
        let callers = match access {
            Access::Public => &Callers::Public,
            access @ (Access::User(_) | Access::Operator) => &self.callers(access.programs()),
        };
        let limit = match endpoint.map_or(RequestLimit::None, |endpoint| endpoint.rate_limit) {
            RequestLimit::None => None,
            RequestLimit::Fixed(limit) => Some(limit),
            RequestLimit::Variable("REGISTRATIONS_PER_HOUR", limit) => Some(limit(20)),
            RequestLimit::Variable("LOG_INS_PER_MINUTE", limit) => Some(limit(60)),
            RequestLimit::Variable(_, limit) => Some(limit(*requests)),
        };
        let guard = limit.map(|limit| RateLimitGuard::new(store, callers, limit));
        let guard = OptionalGuard { guard, checked_before: self.checked_before };
        let received: HttpEvent = serde_json::from_str(event).expect("JSON");
        let deadline = clock.now() + time;
        let invocation = Invocation { deadline, clock, random };
        let response = respond(received, invocation, &guard, async |call| match function {
            "register-user" => {
                auth::register_user::handle(call, store, queue, &self.registration_policy()).await
            }
            "verify-email" => auth::verify_email::handle(call, store, &link_keys()).await,
            "forgot-password" => auth::forgot_password::handle(call, store, queue).await,
            "reset-password" => auth::reset_password::handle(call, store, pushes).await,
            "send-verification" => me::send_verification::handle(call, store, queue).await,
            "run-action" => links::run_action::handle(call, store, queue, &link_keys()).await,
            "snooze-task" => tasks::snooze_task::handle(call, store, queue).await,
            "log-in" => auth::log_in::handle(call, store, issuer).await,
            "refresh-session" => auth::refresh_session::handle(call, store, pushes, issuer).await,
            "log-out" => auth::log_out::handle(call, store, pushes).await,
            "change-password" => me::change_password::handle(call, store, (queue, pushes)).await,
            "change-email" => me::change_email::handle(call, store, queue).await,
            "confirm-email" => me::confirm_email::handle(call, store, queue).await,
            "undo-email-change" => auth::undo_email_change::handle(call, store, pushes).await,
            "list-sessions" => sessions::list_sessions::handle(call, store).await,
            "end-session" => sessions::end_session::handle(call, store, pushes).await,
            "end-other-sessions" => sessions::end_other_sessions::handle(call, store, pushes).await,
            "get-profile" => me::get_profile::handle(call, store).await,
            "delete-account" => me::delete_account::handle(call, store, pushes).await,
            "delete-user" => {
                let operator = operator().email;
                users::delete_user::handle(call, store, pushes, Some(&operator), operators).await
            }
            "update-profile" => me::update_profile::handle(call, store).await,
            "unsubscribe" => links::unsubscribe::handle(call, store, &link_keys()).await,
            "start-second-factor" => second_factor::start_second_factor::handle(call, store).await,
            "confirm-second-factor" => {
                second_factor::confirm_second_factor::handle(call, store, queue, pushes).await
            }
            "delete-second-factor" => {
                second_factor::delete_second_factor::handle(call, store, queue).await
            }
            "remove-second-factor" => {
                second_factor::remove_second_factor::handle(call, store, queue).await
            }
            "create-api-token" => api_tokens::create_api_token::handle(call, store, queue).await,
            "list-api-tokens" => api_tokens::list_api_tokens::handle(call, store).await,
            "delete-api-token" => api_tokens::delete_api_token::handle(call, store).await,
            "create-task" => tasks::create_task::handle(call, store, queue, *quota).await,
            "list-tasks" => tasks::list_tasks::handle(call, store, cursor_key).await,
            "get-task" => tasks::get_task::handle(call, store).await,
            "update-task" => tasks::update_task::handle(call, store, queue, *quota).await,
            "delete-task" => tasks::delete_task::handle(call, store).await,
            "complete-task" => tasks::complete_task::handle(call, store, queue).await,
            "reopen-task" => tasks::reopen_task::handle(call, store, queue, *quota).await,
            "list-task-reminders" => tasks::list_task_reminders::handle(call, store).await,
            "move-task" => tasks::move_task::handle(call, store, queue, *quota).await,
            "skip-task" => tasks::skip_task::handle(call, store, queue).await,
            "list-task-occurrences" => tasks::list_task_occurrences::handle(call, store).await,
            "create-space" => spaces::create_space::handle(call, store).await,
            "list-spaces" => spaces::list_spaces::handle(call, store).await,
            "get-space" => spaces::get_space::handle(call, store).await,
            "update-space" => spaces::update_space::handle(call, store).await,
            "delete-space" => spaces::delete_space::handle(call, store).await,
            "list-members" => spaces::list_members::handle(call, store).await,
            "update-member" => spaces::update_member::handle(call, store).await,
            "remove-member" => spaces::remove_member::handle(call, store).await,
            "invite-member" => invitations::invite_member::handle(call, store, queue).await,
            "accept-invitation" => invitations::accept_invitation::handle(call, store).await,
            "create-comment" => comments::create_comment::handle(call, store).await,
            "list-comments" => comments::list_comments::handle(call, store, cursor_key).await,
            "update-comment" => comments::update_comment::handle(call, store).await,
            "delete-comment" => comments::delete_comment::handle(call, store).await,
            "batch-tasks" => tasks::batch_tasks::handle(call, store, queue, *quota).await,
            "list-invitations" => invitations::list_invitations::handle(call, store).await,
            "revoke-invitation" => invitations::revoke_invitation::handle(call, store).await,
            "become-operator" => {
                let operator = operator().email;
                me::become_operator::handle(call, store, queue, Some(&operator)).await
            }
            "list-users" => users::list_users::handle(call, store, cursor_key, operators).await,
            "invite-user" => {
                let policy = self.registration_policy();
                users::invite_user::handle(call, store, queue, &policy, operators).await
            }
            "get-user" => users::get_user::handle(call, store, operators).await,
            "update-user" => {
                let operator = operator().email;
                users::update_user::handle(call, store, pushes, Some(&operator), operators).await
            }
            "create-notification" => {
                notifications::create_notification::handle(call, store, queue, operators).await
            }
            "get-notification" => notifications::get_notification::handle(call, store, operators).await,
            "list-tags" => statistics::list_tags::handle(call, store, cursor_key).await,
            "list-categories" => statistics::list_categories::handle(call, store, cursor_key).await,
            "list-changes" => changes::list_changes::handle(call, store, cursor_key).await,
            "export-data" => transfer::export_data::handle(call, store, cursor_key).await,
            "import-data" => transfer::import_data::handle(call, store, queue, *quota).await,
            "open-live" => changes::open_live::handle(call, store, &link_keys(), LIVE_URL).await,
            "get-stats" => statistics::get_stats::handle(call, store).await,
            "get-app" => get_app::handle(call, &Policy::new(LIVE_URL)).await,
            "get-docs" => docs::get_docs::handle(call).await,
            "get-openapi" => openapi::get_openapi::handle(call).await,
            "get-health" => health::get_health::handle(call).await,
            other => panic!("call the handler of {other} in support/send.rs"),
        })
        .await;
        crate::described::check(function, event, &response);
        let body = match response.body.as_str() {
            "" => Value::Null,
            text => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
        };
        let (headers, cookies) = (response.headers, response.cookies);
        Answer { status: response.status_code.as_u16(), headers, cookies, body }
    }
}
