//! Tasks as CSV.

use taskbell_domain::{
    csv::{COLUMNS, csv_header, to_csv},
    text::{Category, Description, Tag, Title},
};
use taskbell_test::fixtures::{draft, due_draft, task, user};

#[test]
fn the_columns_are_stable() {
    assert_eq!(
        csv_header(),
        "id,space,title,description,status,priority,category,tags,due,due_at,time_zone,recurrence,reminders,checklist,\
         assigned_to,created_by,created_at,updated_at,completed_at\r\n"
    );
}

#[test]
fn a_task_is_a_row_with_quoted_and_protected_cells() {
    let mut wanted = due_draft("t", "2026-03-02T09:00:00[Europe/Berlin]", &["PT30M", "P1D"]);
    wanted.title = Title::parse("=HYPERLINK(\"https://example.com\",\"x\")").expect("a title");
    wanted.description = Description::parse("one\ntwo").expect("a description");
    wanted.category = Some(Category::parse("+home").expect("a category"));
    wanted.tags = vec![Tag::parse("a,b").expect("a tag"), Tag::parse("c").expect("a tag")];
    let one = task(1, &user(1), wanted);
    let file = to_csv(&[one.clone(), task(2, &user(1), draft("plain"))]);
    let mut reader = csv::ReaderBuilder::new().from_reader(file.as_bytes());
    let rows: Vec<_> = reader.records().map(|row| row.expect("a row")).collect();
    assert_eq!(rows.len(), 2);
    let cell = |row: usize, name: &str| {
        let index = COLUMNS.iter().position(|column| *column == name).expect("a column");
        rows[row].get(index).expect("a cell").to_owned()
    };
    assert_eq!(cell(0, "id"), one.id.to_string());
    assert_eq!(cell(0, "title"), "'=HYPERLINK(\"https://example.com\",\"x\")");
    assert_eq!(cell(0, "description"), "one\ntwo");
    assert_eq!(cell(0, "category"), "'+home");
    assert_eq!(cell(0, "tags"), "a\\,b,c");
    assert_eq!(cell(0, "due"), "2026-03-02T09:00:00[Europe/Berlin]");
    assert_eq!(cell(0, "due_at"), "2026-03-02T08:00:00Z");
    assert_eq!(cell(0, "reminders"), "PT30M P1D");
    assert_eq!(cell(1, "title"), "plain");
    assert_eq!((cell(1, "due"), cell(1, "completed_at")), (String::new(), String::new()));
    assert_eq!(cell(1, "created_by"), user(1).id.to_string());
}
