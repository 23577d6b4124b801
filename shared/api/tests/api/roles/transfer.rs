//! A page of an export within the comments of a task, and an import into a shared space with a reminder that fires soon.

use serde_json::json;
use taskbell_api::http::{Caller, Cursor};
use taskbell_domain::{api_token::ApiToken, task::Task};
use taskbell_test::{
    contract::Store,
    fixtures::{api_token, user},
};

use crate::support::{Event, World};

/// The request of an export or an import other than the one in `events/`.
pub(super) fn other<S: Store>(world: &World<S>, event: Event, mine: &Task, ours: &Task) -> Event {
    if event.function == "export-data" {
        // A cursor depends on the user, not on how they were authenticated.
        let token = ApiToken { user: mine.created_by, ..api_token(1, &user(1)) };
        let cursors = Cursor::new(&world.cursor_key, Caller::from(&token), &"export");
        let cursor = cursors.write(&format!("{} {} -", mine.space.body(), mine.id.body()));
        return event.query(&format!("cursor={cursor}"));
    }
    let mut event = event.query(&format!("space={}", ours.space));
    let body = event.json["body"].as_str().expect("lines");
    event.json["body"] = json!(body.replace("2026-04-02", "2026-03-01T08:31:00Z"));
    event
}
