//! Whole files.

mod limits;

use super::*;
use crate::{recurrence::Rule, zone::Zone};

const TODOIST_CSV: &str = include_str!("../../../tests/fixtures/import/todoist.csv");
const TODOIST_JSON: &str = include_str!("../../../tests/fixtures/import/todoist.json");
const MICROSOFT_TODO: &str = include_str!("../../../tests/fixtures/import/microsoft_todo.json");
const GOOGLE_TASKS: &str = include_str!("../../../tests/fixtures/import/google_tasks.json");
const TICKTICK_CSV: &str = include_str!("../../../tests/fixtures/import/ticktick.csv");

const FILES: [(ImportFormat, &str); 5] = [
    (ImportFormat::TodoistCsv, TODOIST_CSV),
    (ImportFormat::TodoistJson, TODOIST_JSON),
    (ImportFormat::MicrosoftTodo, MICROSOFT_TODO),
    (ImportFormat::GoogleTasks, GOOGLE_TASKS),
    (ImportFormat::TicktickCsv, TICKTICK_CSV),
];

fn titles(tasks: &[ImportedTask]) -> Vec<&str> {
    tasks.iter().map(|task| task.title.as_str()).collect()
}

fn task<'a>(tasks: &'a [ImportedTask], title: &str) -> &'a ImportedTask {
    tasks.iter().find(|task| task.title == title).unwrap()
}

fn codes(problems: &[ImportProblem]) -> Vec<(usize, &str, &str)> {
    problems.iter().map(|problem| (problem.line, problem.field, problem.code)).collect()
}

fn due(task: &ImportedTask) -> String {
    task.due.as_ref().map_or(String::new(), ToString::to_string)
}

fn items(task: &ImportedTask) -> Vec<(&str, bool)> {
    task.checklist.iter().map(|(title, done)| (title.as_str(), *done)).collect()
}

#[test]
fn a_todoist_csv_file_keeps_sections_labels_comments_and_recurrences() {
    let (tasks, problems) = read(ImportFormat::TodoistCsv, TODOIST_CSV);
    let first = task(&tasks, "Order oak boards");
    assert_eq!((first.line, first.priority, first.category.as_deref()), (3, Priority::Urgent, None));
    assert_eq!(first.tags, ["workshop", "errands"]);
    assert_eq!(due(first), "2026-10-05");
    assert_eq!(items(first), [("Measure the shelf", false), ("Twice", false)]);
    assert_eq!(first.comments, ["Twice: Supplier closes at noon"]);
    let description = "Two metres, planed\nAsk for \"A\" grade\n\nTwice: due 2026-10-06";
    assert_eq!(first.description.as_deref(), Some(description));
    let chisels = task(&tasks, "Sharpen the chisels");
    assert_eq!(chisels.category.as_deref(), Some("Routine"));
    assert_eq!(chisels.recurrence.as_deref(), Some("FREQ=WEEKLY;BYDAY=MO,FR"));
    assert_eq!(chisels.recurrence_from, RecurrenceFrom::Completion);
    assert_eq!(due(chisels), "at 07:30:00");
    let bench = task(&tasks, "Oil the bench");
    assert_eq!((due(bench).as_str(), &bench.recurrence), ("2026-12-24", &None));
    let kept = "Repeats: every full moon\n\nAssigned to: Ben (1002)\n\nDuration: 45 minute";
    assert_eq!(bench.description.as_deref(), Some(kept));
    assert_eq!(task(&tasks, "Call Ada").description.as_deref(), Some("Due: tomorrow at noon"));
    let labelled = task(&tasks, "@waiting");
    assert_eq!(
        (labelled.tags[0].as_str(), due(labelled).as_str()),
        ("waiting", "2026-11-30T18:00:00[America/New_York]")
    );
    assert_eq!(
        codes(&problems),
        [
            (6, "checklist", "not_supported"),
            (12, "recurrence", "invalid_recurrence"),
            (12, "assigned_to", "not_supported"),
            (12, "duration", "not_supported"),
            (13, "priority", "unknown_value"),
            (13, "due", "unknown_time_zone"),
            (13, "due", "invalid_time"),
        ]
    );
}

#[test]
fn a_todoist_json_file_keeps_projects_labels_reminders_and_comments() {
    let (tasks, problems) = read(ImportFormat::TodoistJson, TODOIST_JSON);
    assert_eq!(titles(&tasks), ["Plant garlic", "Water", "Bericht", "Done"]);
    let garlic = task(&tasks, "Plant garlic");
    assert_eq!((garlic.source_id.as_str(), garlic.priority), ("i1", Priority::Urgent));
    assert_eq!(garlic.category.as_deref(), Some("Garden / Beds"));
    assert_eq!(garlic.tags, ["outside", "autumn"]);
    assert_eq!(items(garlic), [("Buy cloves", true)]);
    assert_eq!(garlic.created_at.unwrap().to_string(), "2026-10-01T06:00:00Z");
    assert_eq!(garlic.comments.len(), 3, "{:?}", garlic.comments);
    let floating = ImportedDue::Wall(jiff::civil::date(2026, 12, 4).at(17, 0, 0, 0), None);
    assert_eq!(garlic.reminders, [ImportedReminder::At(floating)]);
    let water = task(&tasks, "Water");
    assert_eq!(
        (due(water).as_str(), water.category.as_deref()),
        ("2026-11-28T09:00:00[Europe/Berlin]", None)
    );
    assert_eq!(water.recurrence.as_deref(), Some("FREQ=DAILY;INTERVAL=3"));
    assert_eq!(water.recurrence_from, RecurrenceFrom::Completion);
    assert_eq!((water.tags.len(), water.reminders.len()), (1, 1));
    let kept = "Repeats: jeden Montag um 10\n\nDeadline: 2026-12-24";
    assert_eq!(task(&tasks, "Bericht").description.as_deref(), Some(kept));
    let done = task(&tasks, "Done");
    assert_eq!((done.status, done.completed_at.is_some()), (Status::Completed, true));
    assert_eq!(
        codes(&problems),
        [
            (1, "duration", "not_supported"),
            (1, "reminders", "not_supported"),
            (2, "comments", "not_supported"),
            (4, "recurrence", "invalid_recurrence"),
            (4, "deadline", "not_supported"),
            (6, "file", "invalid_record"),
            (7, "priority", "unknown_value"),
        ]
    );
}

#[test]
fn the_list_of_tasks_of_todoists_rest_api_is_read_too() {
    let file = r#"[{"id": "1", "content": "A", "priority": 1, "due": {"date": "2026-12-01"}}]"#;
    let (tasks, problems) = read(ImportFormat::TodoistJson, file);
    assert_eq!(
        (titles(&tasks), due(&tasks[0]), problems),
        (vec!["A"], "2026-12-01".to_owned(), Vec::new())
    );
}

#[test]
fn a_microsoft_to_do_file_keeps_days_reminders_and_patterns() {
    let (tasks, problems) = read(ImportFormat::MicrosoftTodo, MICROSOFT_TODO);
    let passport = task(&tasks, "Renew passport");
    assert_eq!((passport.priority, passport.category.as_deref()), (Priority::High, None));
    assert_eq!((due(passport).as_str(), passport.tags[0].as_str()), ("2026-12-12", "red category"));
    assert_eq!(items(passport), [("Photos", true), ("Fee", false)]);
    assert_eq!(passport.description.as_deref(), Some("Bring photos\n\nLink: https://example.com/form"));
    let at = ImportedDue::Instant("2026-12-11T07:30:00Z".parse().unwrap());
    assert_eq!(passport.reminders, [ImportedReminder::At(at)]);
    assert_eq!(task(&tasks, "Send parcel").completed_at.unwrap().to_string(), "2026-10-12T00:00:00Z");
    let meter = task(&tasks, "Water meter");
    assert_eq!((due(meter).as_str(), meter.category.as_deref()), ("2026-12-01", Some("Home")));
    assert_eq!(meter.recurrence.as_deref(), Some("FREQ=MONTHLY;BYMONTHDAY=1;INTERVAL=3"));
    assert_eq!(meter.description.as_deref(), Some("Read & report\n\nStatus: waitingOnOthers"));
    let berlin = Zone::parse("Europe/Berlin").ok();
    let nine = ImportedDue::Wall(jiff::civil::date(2026, 12, 1).at(9, 0, 0, 0), berlin);
    assert_eq!(meter.reminders, [ImportedReminder::At(nine)]);
    let bins = task(&tasks, "Bins");
    assert_eq!(bins.due, Some(ImportedDue::DayOf("2026-12-02T06:00:00Z".parse().unwrap())));
    assert_eq!(
        codes(&problems),
        [
            (1, "attachments", "not_supported"),
            (3, "status", "not_supported"),
            (4, "priority", "unknown_value"),
            (4, "reminders", "unknown_time_zone"),
            (4, "recurrence", "invalid_recurrence"),
        ]
    );
}

#[test]
fn a_google_tasks_file_keeps_lists_days_and_subtasks_of_any_depth() {
    let (tasks, problems) = read(ImportFormat::GoogleTasks, GOOGLE_TASKS);
    assert_eq!(titles(&tasks), ["Plan the trip", "Bread"]);
    let trip = &tasks[0];
    assert_eq!((due(trip).as_str(), trip.category.as_deref()), ("2026-12-20", Some("My Tasks")));
    assert_eq!(items(trip), [("Book the ferry", false), ("Choose the route", true)]);
    let bread = &tasks[1];
    assert_eq!((bread.line, bread.status), (6, Status::Completed));
    assert_eq!(bread.description.as_deref(), Some("Due: not a day"));
    assert_eq!(
        codes(&problems),
        [(3, "checklist", "not_supported"), (4, "title", "too_short"), (6, "due", "invalid_time")]
    );
}

#[test]
fn a_ticktick_file_keeps_multi_line_texts_checklists_and_time_zones() {
    let (tasks, problems) = read(ImportFormat::TicktickCsv, TICKTICK_CSV);
    assert_eq!(titles(&tasks), ["Paint the hull", "Weekly review", "Pack", "Lost child", "Idea"]);
    let hull = &tasks[0];
    assert_eq!(
        (hull.line, hull.priority, hull.category.as_deref()),
        (8, Priority::High, Some("Rowing"))
    );
    assert_eq!(due(hull), "2026-12-02", "midnight in Berlin is 23:00 in UTC");
    assert_eq!(hull.tags, ["boat", "spring"]);
    assert_eq!(items(hull), [("Buy paint", true), ("Ask Ivo for the shade", false)]);
    let description = "First line, with a comma\nsecond \"line\"\n\nBuy paint: Blue";
    assert_eq!(hull.description.as_deref(), Some(description));
    assert_eq!(hull.reminders.len(), 2);
    let review = &tasks[1];
    assert_eq!((review.line, due(review).as_str()), (13, "2026-11-27T17:30:00[Europe/Berlin]"));
    assert_eq!(review.recurrence.as_deref(), Some("FREQ=WEEKLY;INTERVAL=1;BYDAY=FR"));
    let pack = &tasks[2];
    assert_eq!(items(pack), [("Rope", false), ("Torch", true)]);
    assert_eq!((pack.description.as_deref(), pack.status), (Some("Leave at six"), Status::Completed));
    assert_eq!(
        codes(&problems),
        [
            (13, "start", "not_supported"),
            (17, "status", "not_supported"),
            (17, "priority", "unknown_value"),
            (17, "recurrence", "invalid_recurrence"),
            (17, "parent", "unknown_parent"),
            (17, "reminders", "needs_due"),
            (18, "kind", "not_supported"),
        ]
    );
}

#[test]
fn lines_are_counted_across_all_line_ends_and_multi_line_cells() {
    let rows = ["TYPE,CONTENT", "task,A", "", "\"task\",\"B\nb\"", "task,C", "task,D"];
    for end in ["\n", "\r\n", "\r"] {
        let (tasks, _) = read(ImportFormat::TodoistCsv, &rows.join(end));
        let lines: Vec<_> = tasks.iter().map(|task| task.line).collect();
        assert_eq!(lines, [2, 4, 6, 7], "{end:?}");
    }
}

#[test]
fn the_id_of_a_ticktick_task_does_not_depend_on_its_position() {
    let (before, _) = read(ImportFormat::TicktickCsv, TICKTICK_CSV);
    let start = TICKTICK_CSV.find("\"\",\"Inbox\",\"Idea\"").unwrap();
    let header = TICKTICK_CSV.find("\"Club\"").unwrap();
    let moved = format!("{}{}", &TICKTICK_CSV[..header], &TICKTICK_CSV[start..]);
    let (after, _) = read(ImportFormat::TicktickCsv, &moved);
    assert_eq!(after[0].source_id, task(&before, "Idea").source_id);
}

#[test]
fn a_first_occurrence_is_resolved_from_the_import_on() {
    let berlin = Zone::parse("Europe/Berlin").unwrap();
    // A Friday, 13:00 in Berlin.
    let now = "2026-11-27T12:00:00Z".parse().unwrap();
    let time = |hour| jiff::civil::Time::new(hour, 0, 0, 0).ok();
    for (rule, time, expected) in [
        ("FREQ=DAILY", None, "2026-11-27"),
        ("FREQ=DAILY", time(9), "2026-11-28T09:00:00[Europe/Berlin]"),
        ("FREQ=DAILY", time(18), "2026-11-27T18:00:00[Europe/Berlin]"),
        ("FREQ=WEEKLY;INTERVAL=2", None, "2026-11-27"),
        ("FREQ=WEEKLY;BYDAY=MO,FR", None, "2026-11-27"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", time(9), "2026-11-30T09:00:00[Europe/Berlin]"),
        ("FREQ=WEEKLY;BYDAY=FR", time(9), "2026-12-04T09:00:00[Europe/Berlin]"),
        ("FREQ=MONTHLY;BYMONTHDAY=15;COUNT=3", None, "2026-12-15"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", None, "2028-02-29"),
        ("FREQ=HOURLY;INTERVAL=4", None, "2026-11-27T14:00:00[Europe/Berlin]"),
    ] {
        let due = ImportedDue::FirstOccurrence(time, None);
        let resolved = due.resolve(Rule::parse(rule).ok().as_ref(), now, &berlin);
        assert_eq!(resolved.unwrap().to_string(), expected, "{rule}");
    }
    let over = Rule::parse("FREQ=DAILY;UNTIL=20200101").unwrap();
    assert_eq!(ImportedDue::FirstOccurrence(None, None).resolve(Some(&over), now, &berlin), None);
    assert_eq!(ImportedDue::FirstOccurrence(None, None).resolve(None, now, &berlin), None);
}

#[test]
fn the_day_of_an_instant_is_that_of_the_users_time_zone() {
    let now = Timestamp::UNIX_EPOCH;
    let due = ImportedDue::DayOf("2026-12-02T06:00:00Z".parse().unwrap());
    for (zone, expected) in [
        ("America/Chicago", "2026-12-02"),
        ("Pacific/Auckland", "2026-12-02"),
        ("Pacific/Honolulu", "2026-12-01"),
    ] {
        let resolved = due.resolve(None, now, &Zone::parse(zone).unwrap());
        assert_eq!(resolved.unwrap().to_string(), expected, "{zone}");
    }
    assert_eq!(ImportedReminder::At(due).resolve(now, &Zone::utc()), None, "a reminder needs a time");
}
