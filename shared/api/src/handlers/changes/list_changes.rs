//! Returns what has changed since a client last asked.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{future::try_join_all, try_join};
use http::StatusCode;
use serde::Serialize;
use serde_json::value::RawValue;
use taskbell_domain::{
    api_token::ApiScope,
    id::{SpaceId, UserId},
    policy::known_role,
    ports::{Comments, FeedReads, SpaceReads},
};

use super::{
    objects::{Found, find, raw},
    positions::{HIDDEN, Positions, Taken, changed},
};
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    handlers::spaces,
    http::{Call, Cursor, CursorKey, MAX_PAGE, Params, Problem, Reply},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "list-changes",
    tag: Tag::Changes,
    access: Access::User(Programs::WithScope(ApiScope::TasksRead)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/changes",
    operations: &[Operation {
        method: "GET",
        summary: "List changes",
        description: "Returns the objects that changed since `cursor` was issued, as they are now, in all spaces of the caller. Without a cursor, returns only a cursor: take it first, then list everything, then ask for changes with it. Changes of the minutes before may be repeated. When `has_more` is true, ask again at once.",
        parameters: &["limit", "cursor"],
        request: None,
        responses: &[(200, Body::Json("Changes"))],
        errors: &["cursor_expired"],
    }],
};

/// How many feeds are read at the same time; others are read by the next request.
const MAX_FEEDS: usize = 8;

/// How many items of feeds are read together. Each has up to a hundred changes, about 12 KB.
const MAX_ITEMS: usize = 96;

/// The body of the response.
#[derive(Serialize, Default)]
struct Changes {
    tasks: Vec<Box<RawValue>>,
    comments: Vec<Box<RawValue>>,
    members: Vec<Box<RawValue>>,
    spaces: Vec<Box<RawValue>>,
    removed: Vec<Box<RawValue>>,
    joined: Vec<SpaceId>,
    left: Vec<SpaceId>,
    sequences: BTreeMap<SpaceId, u64>,
    next_cursor: String,
    has_more: bool,
}

/// The size of the JSON of an object, given that of its space.
fn size(found: &Found, space: &RawValue) -> usize {
    let json = match found {
        Found::Task(json) | Found::Comment(json) | Found::Member(json) | Found::Removed(json) => json,
        Found::Space => space,
    };
    json.get().len() + 1
}

impl Changes {
    fn add(&mut self, found: Found, space: &RawValue) {
        match found {
            Found::Task(task) => self.tasks.push(task),
            Found::Comment(comment) => self.comments.push(comment),
            Found::Member(member) => self.members.push(member),
            Found::Space => self.spaces.push(space.to_owned()),
            Found::Removed(removed) => self.removed.push(removed),
        }
    }
}

/// Responds with changed objects, removals, and spaces that the caller has joined or left.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl FeedReads + SpaceReads + Comments),
    key: &CursorKey,
) -> Result<Reply, Problem> {
    let (caller, now) = (call.caller()?, call.now());
    let mut params = Params::of(call);
    let (limit, cursor) = params.page();
    params.finish()?;
    let cursors = Cursor::new(key, caller, &"changes");
    let before = cursors.read(cursor.as_deref(), Positions::parse)?;
    let is_first = before.is_none();
    let mut positions = before.unwrap_or_default();

    let followed: Vec<_> = positions.0.keys().copied().collect();
    let (shared, mut heads) = try_join!(store.space_ids(caller.user), store.feed_heads(&followed))?;
    let personal = SpaceId::personal(caller.user);
    let current = shared.into_iter().chain([personal]).filter(|space| caller.may_enter(*space));
    let current: BTreeSet<_> = current.collect();
    let mut changes = Changes::default();
    changes.left.extend(
        positions.0.extract_if(.., |space, _| !current.contains(space)).map(|(space, _)| space),
    );
    let joined: Vec<_> = current.into_iter().filter(|space| !positions.0.contains_key(space)).collect();
    if !joined.is_empty() {
        let starts = store.feed_heads(&joined).await?;
        let start = |space| starts.get(space).map_or(0, |head| head.start(now));
        positions.0.extend(joined.iter().map(|space| (*space, start(space))));
        heads.extend(starts);
    }
    if is_first {
        return reply(changes, &cursors, &positions);
    }

    let behind = changed(&positions, &heads);
    let behind: Vec<_> =
        behind.into_iter().filter(|(space, _)| !joined.contains(space)).take(MAX_FEEDS).collect();
    let feeds = behind.len().max(1);
    let items = limit.min(u8::try_from(MAX_ITEMS / feeds).unwrap_or(u8::MAX));
    let read = behind.iter().map(async |(space, after)| {
        store.feed_entries(*space, *after, items, now).await.map(|entries| (*space, entries))
    });
    let (mut taken, limit) = (Taken::default(), usize::from(limit));
    for (space, entries) in try_join_all(read).await? {
        // Each feed has its share, so that none waits for a busy one.
        let end = limit.min(taken.objects.len() + (limit / feeds).max(1));
        taken.take(space, &entries.ok_or_else(cursor_expired)?, end);
    }
    let lost = positions.without_feed(&heads);
    let of_objects = taken.objects.iter().map(|(space, _)| *space);
    let asked: BTreeSet<_> =
        of_objects.chain(joined.iter().copied()).chain(lost.iter().copied()).collect();
    let (visible, found) = try_join!(
        try_join_all(asked.iter().map(|space| visible(store, caller.user, *space))),
        try_join_all(taken.objects.iter().map(|(space, subject)| find(store, *space, *subject))),
    )?;
    let views: BTreeMap<_, _> = visible.into_iter().flatten().collect();
    if lost.iter().any(|space| views.contains_key(space)) {
        return Err(cursor_expired());
    }
    let (mut bytes, mut objects) = (0, 0);
    for ((space, _), found) in taken.objects.iter().zip(found) {
        if let Some(view) = views.get(space) {
            bytes += size(&found, view);
            if bytes > MAX_PAGE && objects > 0 {
                break;
            }
            changes.add(found, view);
        }
        objects += 1;
    }
    taken.advance(objects, &mut positions);
    for space in asked.iter().filter(|space| !views.contains_key(space)) {
        positions.0.insert(*space, HIDDEN);
        changes.left.extend((!joined.contains(space)).then_some(*space));
    }
    changes.joined = joined.into_iter().filter(|space| views.contains_key(space)).collect();
    changes.spaces.extend(changes.joined.iter().filter_map(|space| views.get(space)).cloned());
    changes.has_more =
        changed(&positions, &heads).iter().any(|(space, _)| !changes.joined.contains(space));
    reply(changes, &cursors, &positions)
}

fn reply(mut changes: Changes, cursors: &Cursor<'_>, positions: &Positions) -> Result<Reply, Problem> {
    let visible = positions.0.iter().filter(|(_, sequence)| **sequence != HIDDEN);
    changes.sequences = visible.map(|(space, sequence)| (*space, *sequence)).collect();
    changes.next_cursor = cursors.write(&positions.to_string());
    Reply::json(StatusCode::OK, &changes)
}

fn cursor_expired() -> Problem {
    let why = "The cursor is older than the changes that are kept: start again without one.";
    Problem::new(StatusCode::GONE, "cursor_expired", why)
}

/// A space as its member sees it. `None` if the user is no member, or the space is being deleted.
async fn visible(
    store: &impl SpaceReads,
    user: UserId,
    space: SpaceId,
) -> Result<Option<(SpaceId, Box<RawValue>)>, Problem> {
    let view = match known_role(user, space) {
        Some(_) => Some(spaces::personal_view(user)),
        None => {
            let found = store.space_and_member(space, user).await?;
            let found = found.filter(|(space, _)| !space.deleting);
            found.map(|(space, member)| spaces::space_view(&space, member.role))
        }
    };
    view.map(|view| Ok((space, raw(&view)?))).transpose()
}
