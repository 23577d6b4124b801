//! What an import makes of the lines of an export: everything but ids, times of changes, and people of where they come from.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use taskbell_domain::{
    id::{CommentId, TaskId},
    task::ImportOrigin,
    user::User,
};

/// Fields that follow from when something was stored. An automatic completion counts from the last change.
const OF_TASKS: [&str; 4] = ["version", "updated_at", "moved_at", "auto_complete_at"];
const OF_COMMENTS: [&str; 2] = ["created_at", "updated_at"];

/// The tasks and comments of a space in lines, by id, without what follows from when they were stored.
pub(super) fn stored(lines: &[Value], space: &Value) -> BTreeMap<String, Value> {
    let of_space = lines.iter().filter(|line| line["space"] == *space && line["id"].is_string());
    of_space.map(|line| (line["id"].as_str().expect("an id").to_owned(), plain(line))).collect()
}

fn plain(line: &Value) -> Value {
    let mut line = line.clone();
    let names = if line["type"] == "task" { &OF_TASKS[..] } else { &OF_COMMENTS[..] };
    let fields = line.as_object_mut().expect("an object");
    fields.retain(|name, _| !names.contains(&name.as_str()));
    for reminder in line["reminders"].as_array_mut().into_iter().flatten() {
        reminder.as_object_mut().expect("an object").remove("id");
    }
    line
}

/// What an importer gets from the tasks and comments of a space.
pub(super) fn imported(
    lines: &[Value],
    space: &Value,
    origin: ImportOrigin,
    importer: &User,
) -> BTreeMap<String, Value> {
    let task = |id: &Value| {
        let id: TaskId = id.as_str().expect("an id").parse().expect("the id of a task");
        json!(origin.task(id))
    };
    let mut all = BTreeMap::new();
    for line in lines.iter().filter(|line| line["space"] == *space && line["id"].is_string()) {
        let mut expected = plain(line);
        expected["space"] = json!(origin.target);
        if line["type"] == "task" {
            expected["id"] = task(&line["id"]);
            expected["created_by"] = json!(importer.id);
            expected["assigned_to"] = Value::Null;
            if !line["next_occurrence"].is_null() {
                expected["next_occurrence"] = task(&line["next_occurrence"]);
            }
        } else {
            let id: CommentId = line["id"].as_str().expect("an id").parse().expect("an id");
            expected["id"] = json!(origin.comment(id));
            expected["task"] = task(&line["task"]);
            expected["author"] = json!(importer.id);
            expected["author_name"] = json!(importer.name);
            let text = |name: &str| line[name].as_str().expect("a text").to_owned();
            // A comment that was imported before names its author already.
            if !text("text").contains("Z:\n") {
                let author = line["author_name"].as_str().map_or_else(|| text("author"), str::to_owned);
                let (at, said) = (text("created_at"), text("text"));
                expected["text"] = json!(format!("{author}, {at}:\n{said}"));
            }
        }
        all.insert(expected["id"].as_str().expect("an id").to_owned(), expected);
    }
    all
}
