//! Files that are damaged, too large, or of another format.

use proptest::prelude::*;

use super::{super::*, FILES, codes, titles};
use crate::{recurrence::Rule, text, zone::Zone};

#[test]
fn a_file_of_another_format_is_refused_as_a_whole() {
    for (format, _) in FILES {
        for text in ["", "\u{feff}", "hello", "{}", "[1", "a,b\n1,2\n", r#"{"items": 1, "lists": 2}"#] {
            let (tasks, problems) = read(format, text);
            assert_eq!(
                (tasks.len(), codes(&problems)),
                (0, vec![(0, "file", "invalid_file")]),
                "{format:?} {text:?}"
            );
        }
    }
}

#[test]
fn at_most_a_thousand_records_are_read() {
    let record =
        |count: usize, one: &dyn Fn(usize) -> String| (0..count).map(one).collect::<Vec<_>>().join(",");
    let many = MAX_TASKS + 5;
    let json = record(many, &|n| format!(r#"{{"id": "{n}", "title": "T", "content": "T"}}"#));
    let rows: String = (0..many).map(|n| format!("task,T{n},,4,1\n")).collect();
    let ticks: String = (0..many).map(|n| format!("L,T{n},0\n")).collect();
    for (format, file) in [
        (ImportFormat::TodoistCsv, format!("TYPE,CONTENT,DESCRIPTION,PRIORITY,INDENT\n{rows}")),
        (ImportFormat::TodoistJson, format!("[{json}]")),
        (
            ImportFormat::MicrosoftTodo,
            format!(r#"{{"value": [{{"displayName": "L", "tasks": [{json}]}}]}}"#),
        ),
        (ImportFormat::GoogleTasks, format!(r#"{{"items": [{{"title": "L", "items": [{json}]}}]}}"#)),
        (ImportFormat::TicktickCsv, format!("List Name,Title,Status\n{ticks}")),
    ] {
        let (tasks, problems) = read(format, &file);
        assert_eq!(tasks.len(), MAX_TASKS, "{format:?}");
        assert_eq!(
            (problems.len(), problems[0].field, problems[0].code),
            (1, "file", "too_many"),
            "{format:?}"
        );
    }
}

#[test]
fn texts_that_are_too_long_are_shortened_and_reported() {
    let long = "x".repeat(20_000);
    let file = format!(
        "TYPE,CONTENT,DESCRIPTION,PRIORITY,INDENT\ntask,{long},{long},4,1\nnote,{long},,,\ntask,{long},,4,2\n"
    );
    let (tasks, problems) = read(ImportFormat::TodoistCsv, &file);
    let one = &tasks[0];
    assert_eq!(one.title.chars().count(), 500);
    assert_eq!(one.description.as_ref().unwrap().chars().count(), 16_000);
    assert_eq!((one.comments.len(), one.checklist[0].0.chars().count()), (5, 200));
    let found: Vec<_> = problems.iter().map(|problem| (problem.field, problem.code)).collect();
    for expected in [("title", "too_long"), ("description", "too_long"), ("checklist", "too_long")] {
        assert!(found.contains(&expected), "{expected:?} {found:?}");
    }
}

#[test]
fn a_checklist_that_is_full_continues_in_the_description() {
    let children: String = (0..150).map(|n| format!("task,Item {n},,4,2\n")).collect();
    let file = format!("TYPE,CONTENT,DESCRIPTION,PRIORITY,INDENT\ntask,Parent,,4,1\n{children}");
    let (tasks, problems) = read(ImportFormat::TodoistCsv, &file);
    assert_eq!((tasks.len(), tasks[0].checklist.len(), problems.len()), (1, 100, 1));
    assert!(tasks[0].description.as_ref().unwrap().ends_with("- [ ] Item 149"));
}

#[test]
fn problems_are_limited() {
    let rows = "unknown,A\n".repeat(200_000);
    let (_, problems) = read(ImportFormat::TodoistCsv, &format!("TYPE,CONTENT\n{rows}"));
    assert_eq!(problems.len(), MAX_PROBLEMS);
    let labels = "1,".repeat(50_000);
    let file = format!(r#"[{{"id": "1", "content": "A", "labels": [{labels}1]}}]"#);
    let (tasks, problems) = read(ImportFormat::TodoistJson, &file);
    assert_eq!((tasks.len(), problems.len()), (1, 50));
}

#[test]
fn deep_nesting_and_many_empty_elements_are_refused_or_read() {
    let (open, close) = ("[".repeat(500_000), "]".repeat(500_000));
    let lists = format!(r#"{{"items": [{}{{}}]}}"#, "{},".repeat(500_000));
    for (format, _) in FILES {
        for file in [
            format!("{open}{close}"),
            open.clone(),
            format!(r#"{{"items": [{open}{close}]}}"#),
            lists.clone(),
        ] {
            let (tasks, problems) = read(format, &file);
            assert!(tasks.is_empty() && problems.len() <= MAX_PROBLEMS, "{format:?}");
        }
        let _ =
            read(format, &format!("Title,List Name,Status,Type,Content\n{}", ",".repeat(1_000_000)));
    }
}

#[test]
fn tasks_that_are_their_own_ancestors_are_kept() {
    let file = r#"[{"id": "1", "content": "A", "parent_id": "2"}, {"id": "2", "content": "B", "parent_id": "1"},
        {"id": "3", "content": "C", "parent_id": "3"}, {"id": "4", "content": "D", "parent_id": "1"}]"#;
    let (tasks, problems) = read(ImportFormat::TodoistJson, file);
    assert_eq!(titles(&tasks), ["A", "B", "C", "D"]);
    assert!(problems.iter().all(|problem| problem.code == "unknown_parent"), "{problems:?}");
}

#[test]
fn equal_ids_are_numbered() {
    let file =
        r#"[{"id": "1", "content": "A"}, {"id": "1", "content": "B"}, {"id": "1#2", "content": "C"}]"#;
    let (tasks, _) = read(ImportFormat::TodoistJson, file);
    let ids: Vec<_> = tasks.iter().map(|task| task.source_id.as_str()).collect();
    assert_eq!(ids, ["1", "1#2", "1#2#2"]);
}

/// What every result must satisfy, whatever the file was.
fn check((tasks, problems): &Imported) -> Result<(), TestCaseError> {
    prop_assert!(tasks.len() <= MAX_TASKS && problems.len() <= MAX_PROBLEMS);
    for task in tasks {
        prop_assert!(text::Title::parse(&task.title).is_ok_and(|title| title.as_str() == task.title));
        let description = task.description.as_deref().unwrap_or_default();
        prop_assert!(text::Description::parse(description).is_ok());
        let category = task.category.as_ref();
        prop_assert!(category.is_none_or(|name| text::Category::parse(name).is_ok()));
        prop_assert!(
            task.tags.len() <= text::MAX_TAGS
                && task.tags.iter().all(|tag| text::Tag::parse(tag).is_ok())
        );
        let items = &task.checklist;
        prop_assert!(
            items.len() <= 100 && items.iter().all(|(title, _)| text::ItemTitle::parse(title).is_ok())
        );
        prop_assert!(task.comments.iter().all(|comment| text::CommentText::parse(comment).is_ok()));
        let rule = task.recurrence.as_ref().map(|rule| Rule::parse(rule).unwrap());
        prop_assert!(rule.is_none() || task.due.is_some());
        for zone in ["Pacific/Kiritimati", "Pacific/Honolulu"] {
            let (now, zone) = (Timestamp::UNIX_EPOCH, Zone::parse(zone).unwrap());
            let _ = task.due.as_ref().map(|due| due.resolve(rule.as_ref(), now, &zone));
            let _: Vec<_> =
                task.reminders.iter().map(|reminder| reminder.resolve(now, &zone)).collect();
        }
    }
    Ok(())
}

#[test]
fn the_fixtures_fit_the_limits() {
    for (format, text) in FILES {
        check(&read(format, text)).unwrap();
    }
}

proptest! {
    #[test]
    fn no_text_panics_in_any_format(text in any::<String>()) {
        for (format, _) in FILES {
            check(&read(format, &text))?;
        }
    }

    /// Damaged files reach further than arbitrary text.
    #[test]
    fn no_damaged_file_panics(
        file in 0..FILES.len(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0..12_usize, "[\\PC\u{0}\r\n\"',]{0,8}"), 1..12),
    ) {
        let (format, text) = FILES[file];
        let mut characters: Vec<char> = text.chars().collect();
        for (at, removed, inserted) in edits {
            let start = at.index(characters.len());
            let end = (start + removed).min(characters.len());
            characters.splice(start..end, inserted.chars());
        }
        check(&read(format, &characters.into_iter().collect::<String>()))?;
    }

    /// Cells of rows with valid columns.
    #[test]
    fn no_cell_panics(cells in proptest::collection::vec("[ -~]{0,30}|-?P[0-9DTHMS]{0,12}|[0-9:TZ+-]{8,26}|every [a-z0-9 ,]{0,20}", 14)) {
        let row = |kind: &str, names: &str| {
            let quoted: Vec<_> = cells.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
            format!("{names}\n{kind}{}\n", quoted.join(","))
        };
        let todoist = row("task,", "TYPE,CONTENT,DESCRIPTION,PRIORITY,INDENT,RESPONSIBLE,DATE,TIMEZONE,DURATION,DURATION_UNIT,DEADLINE");
        check(&read(ImportFormat::TodoistCsv, &todoist))?;
        let ticktick = row("", "Title,List Name,Kind,Tags,Content,Start Date,Due Date,Reminder,Repeat,Priority,Status,Created Time,Timezone,parentId");
        check(&read(ImportFormat::TicktickCsv, &ticktick))?;
    }
}
