//! Runs the action of a link in a mail, without a log-in. GET shows a page with a button and changes nothing, because
//! mail scanners follow links; POST runs the action.

use askama::Template;
use http::StatusCode;
use taskbell_domain::{
    ports::{ProfileChanges, RateLimits, TaskChanges, TimerQueue},
    rate_limit::LINKS,
    reminder::LeadTime,
    task::Status,
    user::User,
};

use crate::{
    endpoint::{Access, Body, Endpoint, Operation, RequestLimit, Tag},
    handlers::{
        auth::verify_email::verify,
        tasks::link_actions::{self, task_of_link},
    },
    http::{Call, Problem, Reply},
    links::{Link, LinkAction, LinkKeys},
    mail::in_words,
};

/// An HTML page with a heading, a text and an optional button.
#[derive(Template)]
#[template(path = "action.html")]
struct Page {
    heading: String,
    text: String,
    button: Option<&'static str>,
}

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "run-action",
    tag: Tag::Links,
    access: Access::Public,
    rate_limit: RequestLimit::Fixed(LINKS),
    path: "/v1/actions/{token}",
    operations: &[
        Operation {
            method: "GET",
            summary: "Show a link from an email",
            description: "Shows a page with a button that completes or snoozes a task or verifies an email address. It changes nothing, because mail scanners follow links.",
            parameters: &[],
            request: None,
            responses: &[(200, Body::Html), (404, Body::Html), (410, Body::Html)],
            errors: &[],
        },
        Operation {
            method: "POST",
            summary: "Use a link from an email",
            description: "Runs the action of the link without a log-in, and returns a page with the result.",
            parameters: &[],
            request: None,
            responses: &[(200, Body::Html), (404, Body::Html), (410, Body::Html)],
            errors: &["busy"],
        },
    ],
};

/// Shows the action on GET, and runs it on POST.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl TaskChanges + ProfileChanges + RateLimits),
    queue: &impl TimerQueue,
    link_keys: &LinkKeys,
) -> Result<Reply, Problem> {
    not_found_page(follow(call, store, queue, link_keys).await)
}

/// Converts a 404 to an HTML page.
pub(crate) fn not_found_page(result: Result<Reply, Problem>) -> Result<Reply, Problem> {
    match result {
        Err(problem) if problem.status == StatusCode::NOT_FOUND => {
            let heading = "This link is not valid.".to_owned();
            let text = "It may be incomplete, or its task may have been deleted.".to_owned();
            page(StatusCode::NOT_FOUND, Page { heading, text, button: None })
        }
        other => other,
    }
}

async fn follow(
    call: &Call<'_>,
    store: &(impl TaskChanges + ProfileChanges + RateLimits),
    queue: &impl TimerQueue,
    link_keys: &LinkKeys,
) -> Result<Reply, Problem> {
    let now = call.now();
    let link = Link::parse(call.path("token")).ok_or_else(Problem::not_found)?;
    let user = store.user(link.user).await?.filter(|user| link_keys.have_signed(&link, user));
    let user = user.filter(|user| user.disabled_at.is_none()).ok_or_else(Problem::not_found)?;
    if link.is_expired(now) {
        let heading = "This link has expired.".to_owned();
        let text = match link.link_action {
            LinkAction::VerifyEmail => {
                "Request a code with \"forgot password\": setting a new password confirms the address."
            }
            _ => "Log in to Taskbell to make this change.",
        };
        let text = text.to_owned();
        return page(StatusCode::GONE, Page { heading, text, button: None });
    }
    let confirmed = call.method() == "POST";
    let (task, snooze) = match link.link_action {
        LinkAction::Complete(task) => (task, None),
        LinkAction::Snooze(task, lead_time) => (task, Some(lead_time)),
        LinkAction::VerifyEmail => return show(verification(call, store, user, confirmed).await?),
        // Unsubscribe links have their own endpoint, which mail programs call.
        LinkAction::Unsubscribe(_) => return Err(Problem::not_found()),
    };
    let task = task_of_link(store, task, user.id).await?;
    let title = task.title.as_str().to_owned();
    let completed = task.status == Status::Completed;
    show(match (snooze, confirmed) {
        (_, _) if completed => done(title),
        (None, false) => Page {
            heading: title,
            text: "Complete this task? Its reminders will stop.".to_owned(),
            button: Some("Complete task"),
        },
        (None, true) => {
            link_actions::run(call, store, queue, (task, user.id), None).await?;
            done(title)
        }
        (Some(lead_time), false) => Page {
            heading: title,
            text: format!(
                "Snooze this task for {}? You will be reminded then.",
                duration_text(lead_time)
            ),
            button: Some("Snooze task"),
        },
        (Some(lead_time), true) => {
            let task =
                match link_actions::run(call, store, queue, (task, user.id), Some(lead_time)).await {
                    Err(problem) if problem.code == "already_completed" => return show(done(title)),
                    result => result?,
                };
            let fires_at =
                task.reminders.last().map(|reminder| reminder.delivery.fire_at).unwrap_or(now);
            let time = in_words(fires_at, &user).map_err(|_| Problem::internal())?;
            Page {
                heading: title,
                text: format!("This task is snoozed. You will be reminded on {time}."),
                button: None,
            }
        }
    })
}

/// The page of a completed task.
fn done(title: String) -> Page {
    Page { heading: title, text: "This task is completed.".to_owned(), button: None }
}

fn duration_text(lead_time: LeadTime) -> String {
    match lead_time.to_string().as_str() {
        "PT1H" => "1 hour".to_owned(),
        "P1D" => "1 day".to_owned(),
        other => other.to_owned(),
    }
}

async fn verification(
    call: &Call<'_>,
    store: &impl ProfileChanges,
    user: User,
    confirmed: bool,
) -> Result<Page, Problem> {
    let address = user.email.as_str().to_owned();
    let verified = user.email_verified_at.is_some() && user.mail_stopped.is_none();
    if !confirmed && !verified {
        return Ok(Page {
            heading: "Confirm your email address".to_owned(),
            text: format!(
                "A Taskbell account was registered with {address}. Confirm only if you registered it yourself: its password \
                 works from then on."
            ),
            button: Some("Confirm email address"),
        });
    }
    if !verified {
        call.admit().await?;
        verify(call, store, user).await?;
    }
    let text = format!("Taskbell now sends your emails to {address}.");
    Ok(Page { heading: "Email address confirmed".to_owned(), text, button: None })
}

fn show(of: Page) -> Result<Reply, Problem> {
    page(StatusCode::OK, of)
}

fn page(status: StatusCode, page: Page) -> Result<Reply, Problem> {
    page.render().map(|html| Reply::html(status, html)).map_err(|_| Problem::internal())
}
