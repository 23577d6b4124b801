//! Exports everything that the caller may read, page by page.
//!
//! The order is stable: space by space in the order of their ids; in each space its tasks in the order of their creation. A page
//! can be imported as it is: it has no more bytes, lines and tasks than an import.

use std::collections::BTreeMap;

use taskbell_domain::{
    api_token::ApiScope,
    id::SpaceId,
    ports::{Comments, SpaceReads},
    space::{Role, Space},
    violation::Violation,
};

use super::{
    export_csv::CsvPage,
    export_lines::LinesPage,
    export_page::{After, Page, Position, Shared},
};
use crate::{
    endpoint::{Access, Body, Endpoint, Operation, Programs, RequestLimit, Tag},
    http::{Call, Cursor, CursorKey, Params, Problem, Reply},
};

/// The route, the rate limit and the OpenAPI description.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "export-data",
    tag: Tag::Transfer,
    access: Access::User(Programs::WithScope(ApiScope::TasksRead)),
    rate_limit: RequestLimit::PER_USER,
    path: "/v1/export",
    operations: &[Operation {
        method: "GET",
        summary: "Export data",
        description: "Returns one page of everything that the caller may read, as newline-delimited JSON: the profile (not with an API token), spaces, tasks and comments, each a line with its `type`. The last line has `next_cursor`. With `format=csv`, the page has the tasks only, as CSV; the first page begins with the names of the columns, and `Link` with `rel=\"next\"` is the URL of the next page. `limit` is the number of tasks. A page can be short, or empty, and still have a next one.",
        parameters: &["format", "limit", "cursor"],
        request: None,
        responses: &[(200, Body::Export)],
        errors: &[],
    }],
};

/// How many spaces a page begins at most: each is read by itself.
const MAX_SPACES: usize = 8;

/// How the data is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// Lines of JSON, with everything that Taskbell keeps.
    Lines,
    /// The tasks as CSV.
    Csv,
}

impl Format {
    fn parse(text: &str) -> Result<Self, Violation> {
        match text {
            "ndjson" => Ok(Self::Lines),
            "csv" => Ok(Self::Csv),
            _ => Err(Violation::new("unknown_value", "It must be one of ndjson, csv.")),
        }
    }

    /// What cursors are bound to.
    fn query(self) -> &'static str {
        match self {
            Self::Lines => "export",
            Self::Csv => "export as CSV",
        }
    }
}

/// Responds with a page.
pub async fn handle(
    call: &Call<'_>,
    store: &(impl SpaceReads + Comments),
    key: &CursorKey,
) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let mut params = Params::of(call);
    let format = params.optional("format", Format::parse).unwrap_or(Format::Lines);
    let (limit, cursor) = params.page();
    params.finish()?;
    let cursors = Cursor::new(key, caller, &format.query());
    let begun = cursors.read(cursor.as_deref(), Position::parse)?;
    match format {
        Format::Lines => {
            let (user, shared) =
                futures_util::try_join!(store.user(caller.user), store.spaces_of(caller.user))?;
            let user = user.ok_or_else(Problem::unauthorized)?;
            let rest = Rest::of(call, shared, begun)?;
            let mut page = LinesPage::new(store, &user, caller.api_token().is_some(), limit);
            if begun.is_none() {
                page.begin(call.now())?;
            }
            let next = rest.export(&mut page).await?.map(|next| cursors.write(&next.to_string()));
            page.finish(next)
        }
        Format::Csv => {
            let rest = Rest::of(call, store.spaces_of(caller.user).await?, begun)?;
            let mut page = CsvPage::new(store, limit, begun.is_none());
            let url = rest.export(&mut page).await?.map(|next| {
                let (path, cursor) = (ENDPOINT.path, cursors.write(&next.to_string()));
                format!("{path}?format=csv&limit={limit}&cursor={cursor}")
            });
            page.finish(url)
        }
    }
}

/// What is left to export: the spaces of the caller, and where in the first one the last page has ended.
struct Rest {
    spaces: BTreeMap<SpaceId, Shared>,
    begun: Option<Position>,
}

impl Rest {
    fn of(
        call: &Call<'_>,
        shared: Vec<(Space, Role)>,
        begun: Option<Position>,
    ) -> Result<Self, Problem> {
        let caller = call.caller()?;
        let shared = shared.into_iter().map(|(space, role)| (space.id, Some((space, role))));
        let personal = (SpaceId::personal(caller.user), None);
        let mut spaces: BTreeMap<SpaceId, Shared> =
            shared.chain([personal]).filter(|(space, _)| caller.may_enter(*space)).collect();
        if let Some(begun) = begun {
            // A space that the caller has left meanwhile is not among them any more.
            spaces = spaces.split_off(&begun.space);
        }
        Ok(Self { spaces, begun })
    }

    /// Exports space by space until the page has no more room. Returns where the next one begins.
    async fn export(&self, page: &mut impl Page) -> Result<Option<Position>, Problem> {
        let mut new = 0;
        for (space, shared) in &self.spaces {
            let begun = self.begun.filter(|begun| begun.space == *space);
            let after = begun.map_or(After::Nothing, |begun| begun.after);
            new += usize::from(after == After::Nothing);
            let end = match new > MAX_SPACES {
                true => Some(After::Nothing),
                false => page.space(*space, shared, after).await?,
            };
            if let Some(after) = end {
                return Ok(Some(Position { space: *space, after }));
            }
        }
        Ok(None)
    }
}
