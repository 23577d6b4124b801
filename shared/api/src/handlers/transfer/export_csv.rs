//! A page of an export as CSV: the tasks, one in each row.

use http::header;
use taskbell_domain::{
    csv::{csv_header, csv_row},
    id::{SpaceId, TaskId},
    ports::TaskReads,
};

use super::export_page::{After, MAX_PAGE, Page, Shared, tasks_after};
use crate::http::{Problem, Reply};

/// The media type of the first page, and of those after it (RFC 4180 §3). Only the first one has the names of the columns, so
/// that pages can be appended to one file.
const FIRST: &str = "text/csv; charset=utf-8; header=present";
const LATER: &str = "text/csv; charset=utf-8; header=absent";

/// The rows of a page.
pub(super) struct CsvPage<'a, S> {
    store: &'a S,
    limit: u8,
    is_first: bool,
    tasks: usize,
    text: String,
}

impl<'a, S: TaskReads> CsvPage<'a, S> {
    /// A page with at most `limit` tasks.
    pub(super) fn new(store: &'a S, limit: u8, is_first: bool) -> Self {
        let text = if is_first { csv_header() } else { String::new() };
        Self { store, limit, is_first, tasks: 0, text }
    }

    /// The response. `next` is the URL of the next page.
    pub(super) fn finish(self, next: Option<String>) -> Result<Reply, Problem> {
        let media_type = if self.is_first { FIRST } else { LATER };
        let reply = Reply::text(media_type, self.text)
            .with(header::CONTENT_DISPOSITION, "attachment; filename=\"tasks.csv\"")?;
        match next {
            Some(url) => reply.with(header::LINK, &format!("<{url}>; rel=\"next\"")),
            None => Ok(reply),
        }
    }
}

impl<S: TaskReads> Page for CsvPage<'_, S> {
    async fn space(
        &mut self,
        space: SpaceId,
        _: &Shared,
        after: After,
    ) -> Result<Option<After>, Problem> {
        let mut last = match after {
            After::Nothing | After::Space => None,
            After::Task(task) | After::Comments(task, _) => Some(task),
        };
        loop {
            let room = usize::from(self.limit).saturating_sub(self.tasks);
            if room == 0 {
                return Ok(Some(end(last)));
            }
            let (tasks, next) = tasks_after(self.store, space, last, room).await?;
            for task in tasks {
                let row = csv_row(&task);
                if self.tasks > 0 && self.text.len() + row.len() > MAX_PAGE {
                    return Ok(Some(end(last)));
                }
                self.text.push_str(&row);
                self.tasks += 1;
                last = Some(task.id);
            }
            match next {
                Some(next) => last = Some(next),
                None => return Ok(None),
            }
        }
    }
}

/// The end of a page after a task of a space, or before the first one.
fn end(last: Option<TaskId>) -> After {
    last.map_or(After::Space, After::Task)
}
