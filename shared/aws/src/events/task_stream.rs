//! The stream of the tasks table, as Lambda delivers it.
//!
//! Source: "Using AWS Lambda with Amazon DynamoDB", AWS Lambda developer guide.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Deserialize;
use taskbell_domain::{
    feed::{Change, Operation, Place, RecordedChange, Subject},
    id::SpaceId,
    ports::PortError,
    task::Task,
};

use crate::{
    dynamodb::{
        keys::{self, Changed},
        task_of,
    },
    error::corrupt,
};

const OPERATION: &str = "reading a stream record";

/// A batch of records, in order of the changes of each item.
#[derive(Deserialize)]
pub struct TaskStream {
    /// In order of their sequence numbers.
    #[serde(rename = "Records")]
    pub records: Vec<Record>,
}

/// One change of an item.
#[derive(Deserialize)]
pub struct Record {
    #[serde(rename = "eventID")]
    id: String,
    dynamodb: StreamRecordImages,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StreamRecordImages {
    #[serde(default)]
    keys: serde_dynamo::Item,
    /// In seconds since 1970, to the second.
    #[serde(rename = "ApproximateCreationDateTime")]
    recorded_at: f64,
    sequence_number: String,
    old_image: Option<serde_dynamo::Item>,
    new_image: Option<serde_dynamo::Item>,
}

impl Record {
    /// The sequence number, which identifies a failed record in the answer to Lambda.
    pub fn sequence(&self) -> &str {
        &self.dynamodb.sequence_number
    }

    /// The change of an object in a space. None if the record is about another item, or no client sees a difference; two
    /// if a task has moved, which is deleted in one space and created in another.
    ///
    /// # Errors
    /// [`PortError`] if an image of a task is not valid.
    pub fn changes(self) -> Result<Vec<RecordedChange>, PortError> {
        let Self { id, dynamodb: StreamRecordImages { keys, recorded_at, old_image, new_image, .. } } =
            self;
        let key = |name| text_of(&keys, name).unwrap_or_default();
        let Some(changed) = keys::changed(&key(keys::PK), &key(keys::SK)) else {
            return Ok(Vec::new());
        };
        let mut left = None;
        let operation = match (&old_image, &new_image) {
            _ if is_being_deleted(&new_image) => Operation::Deleted,
            (None, _) => Operation::Created,
            (Some(_), Some(_)) => Operation::Updated,
            (Some(_), None) => Operation::Deleted,
        };
        let (place, subject, versions) = match changed {
            Changed::Task(id) => {
                let (old, new) = (map_of(&old_image), map_of(&new_image));
                let space_of = |task: Option<&Attributes>| {
                    let space = task.and_then(|task| text_of(task, "space"));
                    space.and_then(|space| space.parse().ok())
                };
                let space: SpaceId =
                    space_of(new.or(old)).ok_or_else(|| corrupt(OPERATION, "space of a task"))?;
                left = space_of(old).filter(|before| *before != space);
                (Place::Space(space), Subject::Task(id), (version_of(old), version_of(new)))
            }
            Changed::Comment(task, comment) => {
                let versions = (version_of(old_image.as_deref()), version_of(new_image.as_deref()));
                (Place::Task(task), Subject::Comment(task, comment), versions)
            }
            Changed::Space(space) => {
                let versions = (version_of(old_image.as_deref()), version_of(new_image.as_deref()));
                // A personal space has no version: it never changes.
                if versions == (None, None) {
                    return Ok(Vec::new());
                }
                (Place::Space(space), Subject::Space, versions)
            }
            Changed::Member(space, user) => (Place::Space(space), Subject::Member(user), (None, None)),
        };
        let (old, new) = versions;
        if operation == Operation::Updated && new.is_some() && old == new {
            return Ok(Vec::new());
        }
        let recorded_at =
            Timestamp::from_second(recorded_at as i64).map_err(|e| corrupt(OPERATION, e))?;
        let change = Change { id, subject, operation, version: new.or(old).unwrap_or(0) };
        let Some(left) = left else { return Ok(vec![RecordedChange { place, change, recorded_at }]) };
        // Each feed has the record once, so both changes can have its id.
        let leaving = Change { operation: Operation::Deleted, ..change.clone() };
        let arriving = Change { operation: Operation::Created, ..change };
        Ok(vec![
            RecordedChange { place: Place::Space(left), change: leaving, recorded_at },
            RecordedChange { place, change: arriving, recorded_at },
        ])
    }

    /// The task before and after the change.
    ///
    /// # Errors
    /// [`PortError`] if an image is not a valid task.
    pub fn tasks(self) -> Result<(Option<Task>, Option<Task>), PortError> {
        let StreamRecordImages { old_image, new_image, .. } = self.dynamodb;
        Ok((old_image.map(task_of).transpose()?, new_image.map(task_of).transpose()?))
    }
}

type Attributes = HashMap<String, serde_dynamo::AttributeValue>;

fn text_of(item: &Attributes, name: &str) -> Option<String> {
    match item.get(name) {
        Some(serde_dynamo::AttributeValue::S(text)) => Some(text.clone()),
        _ => None,
    }
}

fn version_of(item: Option<&Attributes>) -> Option<u64> {
    match item?.get(keys::VERSION) {
        Some(serde_dynamo::AttributeValue::N(number)) => number.parse().ok(),
        _ => None,
    }
}

/// What a client sees of the task in an image.
fn map_of(image: &Option<serde_dynamo::Item>) -> Option<&Attributes> {
    match image.as_ref()?.get(keys::TASK_MAP) {
        Some(serde_dynamo::AttributeValue::M(task)) => Some(task),
        _ => None,
    }
}

/// Whether the space in an image is being deleted. It is hidden from all members, so for clients it is deleted.
fn is_being_deleted(image: &Option<serde_dynamo::Item>) -> bool {
    let deleting = image.as_ref().and_then(|space| space.get("deleting"));
    matches!(deleting, Some(serde_dynamo::AttributeValue::Bool(true)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use taskbell_domain::id::TaskId;

    use super::*;

    const ID: &str = "01JQ0000000000000000000001";

    /// The change in a record about an item with these images, if they exist.
    fn change_of(key: (&str, &str), old: Value, new: Value) -> Option<RecordedChange> {
        let changes = changes_of(key, old, new);
        assert!(changes.len() < 2, "{changes:?}");
        changes.into_iter().next()
    }

    /// The changes in such a record.
    fn changes_of(key: (&str, &str), old: Value, new: Value) -> Vec<RecordedChange> {
        let mut change = json!({
            "ApproximateCreationDateTime": 1_772_352_000,
            "Keys": { "pk": { "S": key.0 }, "sk": { "S": key.1 } },
            "SequenceNumber": "100000000000000000001",
        });
        for (name, image) in [("OldImage", old), ("NewImage", new)] {
            if !image.is_null() {
                change[name] = image;
            }
        }
        let record = json!({ "eventID": "7de3041dd709b024af6f29e4fa13d34c", "dynamodb": change });
        let record: Record = serde_json::from_value(record).expect("a record");
        record.changes().expect("a valid image")
    }

    fn version(number: u64) -> Value {
        json!({ "version": { "N": number.to_string() } })
    }

    /// The image of a task.
    fn seen(version: u64) -> Value {
        let space = format!("spc_{ID}");
        let task = json!({ "space": { "S": space }, "version": { "N": version.to_string() }, "status": { "S": "of later" } });
        json!({ "task": { "M": task } })
    }

    #[test]
    fn a_record_says_what_changed_and_where() {
        let (task, space) = (format!("TASK#{ID}"), format!("SPACE#{ID}"));
        let (comment, member) = (format!("COMMENT#{ID}"), format!("MEMBER#{ID}"));
        let of_task = Place::Task(TaskId::from_body(ID).unwrap());
        let of_space = Place::Space(SpaceId::from_body(ID).unwrap());
        let hidden = json!({ "version": { "N": "6" }, "deleting": { "BOOL": true } });
        let cases = [
            (
                (&task, comment.as_str()),
                Value::Null,
                version(1),
                of_task,
                "tsk_ID/cmt_ID",
                Operation::Created,
                1,
            ),
            (
                (&task, &comment),
                version(1),
                version(2),
                of_task,
                "tsk_ID/cmt_ID",
                Operation::Updated,
                2,
            ),
            (
                (&task, &comment),
                version(2),
                Value::Null,
                of_task,
                "tsk_ID/cmt_ID",
                Operation::Deleted,
                2,
            ),
            ((&space, "SPACE"), version(4), version(5), of_space, "space", Operation::Updated, 5),
            ((&space, "SPACE"), version(5), hidden, of_space, "space", Operation::Deleted, 6),
            ((&space, "SPACE"), version(6), Value::Null, of_space, "space", Operation::Deleted, 6),
            ((&task, "TASK"), Value::Null, seen(1), of_space, "tsk_ID", Operation::Created, 1),
            ((&task, "TASK"), seen(1), seen(2), of_space, "tsk_ID", Operation::Updated, 2),
            ((&task, "TASK"), seen(2), Value::Null, of_space, "tsk_ID", Operation::Deleted, 2),
            ((&space, &member), Value::Null, json!({}), of_space, "usr_ID", Operation::Created, 0),
            ((&space, &member), json!({}), json!({}), of_space, "usr_ID", Operation::Updated, 0),
        ];
        for ((pk, sk), old, new, place, subject, operation, version) in cases {
            let found = change_of((pk, sk), old, new).expect("a change");
            let subject = subject.replace("ID", ID).parse().expect("a subject");
            let id = "7de3041dd709b024af6f29e4fa13d34c".to_owned();
            assert_eq!(
                (found.place, found.change),
                (place, Change { id, subject, operation, version })
            );
            assert_eq!(found.recorded_at.to_string(), "2026-03-01T08:00:00Z");
        }
    }

    #[test]
    fn a_task_that_moves_is_deleted_in_one_space_and_created_in_another() {
        let other = "01JQ0000000000000000000002";
        let mut before = seen(3);
        before["task"]["M"]["space"]["S"] = json!(format!("spc_{other}"));
        let changes = changes_of((&format!("TASK#{ID}"), "TASK"), before, seen(4));
        let space = |body| Place::Space(SpaceId::from_body(body).unwrap());
        let found: Vec<_> = changes
            .iter()
            .map(|found| (found.place, found.change.operation, found.change.version))
            .collect();
        let expected = [(space(other), Operation::Deleted, 4), (space(ID), Operation::Created, 4)];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_no_client_sees_is_no_change() {
        let (task, space) = (format!("TASK#{ID}"), format!("SPACE#{ID}"));
        let feed = format!("FEED#{ID}");
        let comment = format!("COMMENT#{ID}");
        let same = [
            ((task.as_str(), comment.as_str()), version(1), version(1)),
            ((&task, "TASK"), seen(2), seen(2)), // a delivery
            ((&space, "SPACE"), Value::Null, json!({ "owner": { "S": ID } })), // a personal space
            ((&space, "INVITATIONS"), version(1), version(2)),
            ((&task, "COMMENTS"), version(1), version(2)),
            ((&feed, "HEAD"), version(1), version(2)),
            (("USER#x", &space), Value::Null, json!({})),
        ];
        for (key, old, new) in same {
            assert_eq!(change_of(key, old, new), None, "{key:?}");
        }
    }
}
