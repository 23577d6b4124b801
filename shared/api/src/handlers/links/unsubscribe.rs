//! Unsubscribes from one kind of mail with a link, without a log-in.
//!
//! Mail programs send the POST directly (RFC 8058). GET shows a page with a button and changes nothing, because mail
//! scanners follow links.

use askama::Template;
use http::StatusCode;
use taskbell_domain::{
    invitation::InvitationToken,
    ports::{ProfileChanges, SpaceReads, SuppressedAddresses},
    rate_limit::LINKS,
    user::{MailKind, User, UserPatch},
};

use super::run_action::not_found_page;
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, RequestLimit, Tag},
    http::{Call, Problem, Reply},
    links::{Link, LinkAction, LinkKeys},
    mail::kind_name,
    profiles::change_profile,
};

#[derive(Template)]
#[template(path = "unsubscribe.html")]
struct Page {
    /// The name of the kind of mail.
    mails: &'static str,
    /// Whether the recipient has no account.
    without_account: bool,
    done: bool,
}

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "unsubscribe",
    tag: Tag::Links,
    access: Access::Public,
    rate_limit: RequestLimit::Fixed(LINKS),
    path: "/v1/unsubscribe/{token}",
    operations: &[
        Operation {
            method: "GET",
            summary: "Show an unsubscribe link",
            description: "Shows a page with a button that turns off one kind of email. It changes nothing, because mail scanners follow links.",
            parameters: &[],
            request: None,
            responses: &[(200, Body::Html), (404, Body::Html)],
            errors: &[],
        },
        Operation {
            method: "POST",
            summary: "Unsubscribe",
            description: "Turns off one kind of email, without logging in. Mail programs call it for one-click unsubscribe (RFC 8058).",
            parameters: &[],
            request: None,
            responses: &[(200, Body::Html), (404, Body::Html)],
            errors: &["busy"],
        },
    ],
};

/// Turns off one kind of mail, or shows a confirmation page. The link in an invitation to an address without an account
/// stops further invitations to the address.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl ProfileChanges + SpaceReads + SuppressedAddresses),
    link_keys: &LinkKeys,
) -> Result<Reply, Problem> {
    not_found_page(follow(call, store, link_keys).await)
}

async fn follow(
    call: &Call<'_>,
    store: &(impl ProfileChanges + SpaceReads + SuppressedAddresses),
    link_keys: &LinkKeys,
) -> Result<Reply, Problem> {
    let token = call.path("token");
    if let Some(address_hash) = link_keys.opted_out(token) {
        return decline(call, store, &address_hash).await;
    }
    // Earlier mails have the invitation's token in the link.
    if let Some(token) = InvitationToken::parse(token) {
        let invitation = store.invitation(token.space, &token.address_hash).await?;
        let known = invitation.is_some_and(|invitation| invitation.accepts(&token));
        known.then_some(()).ok_or_else(Problem::not_found)?;
        return decline(call, store, &token.address_hash).await;
    }
    let link = Link::parse(token).ok_or_else(Problem::not_found)?;
    let LinkAction::Unsubscribe(kind) = link.link_action else { return Err(Problem::not_found()) };
    let user = store.user(link.user).await?.filter(|user| link_keys.have_signed(&link, user));
    turn_off(call, store, user.ok_or_else(Problem::not_found)?, kind).await
}

/// Turns off a kind of mail on POST. On GET, shows a confirmation page.
///
/// # Errors
/// 404, 409 `busy`.
async fn turn_off(
    call: &Call<'_>,
    accounts: &impl ProfileChanges,
    user: User,
    kind: MailKind,
) -> Result<Reply, Problem> {
    if call.method() != "POST" {
        return page(kind, false, !user.mail.wants(kind));
    }
    call.admit().await?;
    let off = UserPatch { mail: vec![(kind, false)], ..UserPatch::default() };
    change_profile(accounts, user, |user| user.apply(off.clone(), call.now()))
        .await?
        .ok_or_else(Problem::not_found)?;
    page(kind, false, true)
}

async fn decline(
    call: &Call<'_>,
    store: &impl SuppressedAddresses,
    address_hash: &str,
) -> Result<Reply, Problem> {
    let confirmed = call.method() == "POST";
    if confirmed {
        call.admit().await?;
        store.suppress_address(address_hash, call.now()).await?;
    }
    page(MailKind::Invitations, true, confirmed)
}

fn page(kind: MailKind, without_account: bool, done: bool) -> Result<Reply, Problem> {
    let page = Page { mails: kind_name(kind), without_account, done }.render();
    page.map(|html| Reply::html(StatusCode::OK, html)).map_err(|_| Problem::internal())
}
