//! HTTP conventions that all endpoints share.

mod body;
mod call;
pub mod codes;
mod compression;
mod cursor;
mod errors;
mod etag;
mod event;
mod guard;
mod json;
mod media_type;
mod page;
mod params;
mod problem;
pub mod read;
mod reply;
mod size;
mod tally;

pub use body::Fields;
pub use call::{Call, Invocation};
pub(crate) use compression::accepts_gzip;
pub use cursor::{Cursor, CursorKey, InvalidCursorKey};
pub use errors::Errors;
pub(crate) use errors::MAX_ERRORS;
pub use etag::Preconditions;
pub use event::{HttpEvent, HttpResponse};
pub use guard::{Callers, NoGuard, RateLimitGuard, RequestGuard, Verdict};
pub(crate) use guard::{check_state, disabled, enforce_limit};
pub(crate) use json::parse_line;
pub use page::{MAX_PAGE, page, whole_list};
pub use params::Params;
pub use problem::Problem;
pub use reply::{Reply, respond};
pub(crate) use size::in_json;
