//! Tasks from an export, of this stack or another one.

use jiff::{Timestamp, civil};

use super::{Completion, Status, Task, TaskDraft};
use crate::{
    checklist::ChecklistItem,
    clock::Random,
    due::Due,
    id::{CommentId, SpaceId, TaskId, UserId},
    recurrence::Series,
    user::User,
    violation::{FieldError, Violation},
    zone::Zone,
};

/// The years in which the time of a source id is taken for the time of its creation.
const PLAUSIBLE: (i16, i16) = (2000, 2199);

/// Who imports into which space. What is imported gets the same ids each time, so a repeated import creates nothing twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportOrigin {
    /// The user who imports.
    pub importer: UserId,
    /// The space that is imported into.
    pub target: SpaceId,
}

impl ImportOrigin {
    /// The id of the task that is imported from this one.
    pub fn task(&self, source: TaskId) -> TaskId {
        TaskId::derived(
            plausible(source.time()),
            &self.parts("task", &source.body()).each_ref().map(String::as_str),
        )
    }

    /// The id of the comment that is imported from this one.
    pub fn comment(&self, source: CommentId) -> CommentId {
        let parts = self.parts("comment", &source.body());
        CommentId::derived(plausible(source.time()), &parts.each_ref().map(String::as_str))
    }

    fn parts(&self, kind: &str, source: &str) -> [String; 4] {
        [kind.to_owned(), self.importer.body(), self.target.body(), source.to_owned()]
    }
}

/// The time in a derived id. It depends on the source id only, so the id does, too.
fn plausible(at: Timestamp) -> Timestamp {
    let year = at.to_zoned(jiff::tz::TimeZone::UTC).year();
    if (PLAUSIBLE.0..=PLAUSIBLE.1).contains(&year) {
        return at;
    }
    let first = civil::date(PLAUSIBLE.0, 1, 1).to_zoned(jiff::tz::TimeZone::UTC);
    first.map(|first| first.timestamp()).unwrap_or_default()
}

/// The position of an imported task in its series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OccurrenceImport {
    /// The time of the occurrence in the rule. `None` means the due time.
    pub time: Option<Due>,
    /// The number of the occurrence, starting at 1.
    pub number: u32,
}

/// A task to be imported, with what a new task cannot have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskImport {
    /// What every task has. The assignee and the checklist are ignored.
    pub draft: TaskDraft,
    /// The time zone in which its days begin and end.
    pub time_zone: Zone,
    /// Its place in the series, if it recurs.
    pub occurrence: OccurrenceImport,
    /// The next occurrence, if this one has created it.
    pub next_occurrence: Option<TaskId>,
    /// Its checklist.
    pub checklist: Vec<ChecklistItem>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was completed, and by what, if it is completed.
    pub completed: Option<(Timestamp, Completion)>,
}

impl Task {
    /// An imported task. Reminders whose time has passed are skipped, as in a new task. A series continues from the position that
    /// it had, also if that was its last occurrence.
    ///
    /// # Errors
    /// A [`FieldError`] of [`Self::create`]; in `occurrence` `out_of_range`; in `recurrence` `needs_time`.
    pub fn import(
        id: TaskId,
        space: SpaceId,
        import: TaskImport,
        importer: &User,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<Self, FieldError> {
        let TaskImport { mut draft, time_zone, occurrence, .. } = import;
        let (status, rule, from) =
            (draft.status, draft.recurrence.take(), draft.recurrence_from.take());
        let reminders = draft.reminders.replace(Vec::new()).unwrap_or_default();
        (draft.assigned_to, draft.checklist) = (None, Vec::new());
        if status == Status::Completed {
            draft.status = Status::Pending;
        }
        let importer = User { time_zone, ..importer.clone() };
        let mut task = Self::create(id, space, draft, &importer, now, random)?;
        match rule {
            Some(rule) => {
                let time = occurrence.time.or_else(|| task.due.clone());
                let needs_due = || Violation::new("needs_due", "A recurring task needs a due time.");
                let time = time.filter(|_| task.due.is_some());
                let occurrence_time = time.ok_or_else(|| needs_due().for_field("recurrence"))?;
                if matches!(occurrence_time, Due::Date(_)) && rule.names_times() {
                    let why = "The rule has times of day: the occurrence needs a time too.";
                    return Err(Violation::new("needs_time", why).for_field("recurrence"));
                }
                let number = occurrence.number;
                if number == 0 {
                    let why = format!("It must be a whole number from 1 to {}.", u32::MAX);
                    return Err(Violation::new("out_of_range", why).for_field("occurrence"));
                }
                let from = from.unwrap_or(crate::recurrence::RecurrenceFrom::Due);
                task.recurrence = Some(Series { rule, from, occurrence_time, number });
                task.check_auto_complete_rate()?;
            }
            None => task.set_recurrence(None, from, true)?,
        }
        task.set_reminders(reminders, false, now, random)?;
        task.keep_snoozed();
        task.checklist = import.checklist;
        task.next_occurrence = import.next_occurrence;
        task.created_at = import.created_at.min(now);
        if status == Status::Completed {
            let (at, by) = import.completed.unwrap_or((now, Completion::Person));
            task.set_status(Status::Completed, at.min(now));
            task.completed_by = Some(by);
        }
        Ok(task)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(body: &str) -> TaskId {
        TaskId::from_body(body).unwrap()
    }

    fn origin(user: &str, space: &str) -> ImportOrigin {
        ImportOrigin {
            importer: UserId::from_body(user).unwrap(),
            target: SpaceId::from_body(space).unwrap(),
        }
    }

    const ONE: &str = "01JQ0000000000000000000001";
    const TWO: &str = "01JQ0000000000000000000002";

    #[test]
    fn a_derived_id_depends_on_the_importer_the_space_and_the_source() {
        let ids = [
            origin(ONE, ONE).task(id(ONE)),
            origin(ONE, ONE).task(id(TWO)),
            origin(ONE, TWO).task(id(ONE)),
            origin(TWO, ONE).task(id(ONE)),
        ];
        let distinct: std::collections::BTreeSet<_> = ids.into_iter().collect();
        assert_eq!(distinct.len(), ids.len());
        assert_eq!(ids[0], origin(ONE, ONE).task(id(ONE)));
        assert!(
            ids.iter().all(|derived| derived.time() == id(ONE).time()),
            "they sort as their sources"
        );
        assert_ne!(origin(ONE, ONE).comment(CommentId::from_body(ONE).unwrap()).body(), ids[0].body());
    }

    #[test]
    fn an_implausible_time_of_a_source_id_is_not_kept() {
        for body in ["00000000000000000000000001", "7ZZZZZZZZZ0000000000000001"] {
            let derived = origin(ONE, ONE).task(id(body));
            assert_eq!(derived.time().to_string(), "2000-01-01T00:00:00Z", "{body}");
        }
    }
}
