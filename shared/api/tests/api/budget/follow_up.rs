//! The records of the table's stream after a request.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use taskbell_api::workers::update_statistics::TaskVersions;
use taskbell_aws::dynamodb::{
    DynamoDb,
    keys::{self, Changed},
};
use taskbell_domain::{
    feed::{Change, Operation, Place, RecordedChange, Subject},
    id::TaskId,
    ports::PortError,
    task::Task,
};
use taskbell_test::fixtures::now;
use taskbell_test_aws::Server;

use crate::support::World;

/// A record with its name.
type Named<T> = (String, Result<T, PortError>);

/// What is in spaces.
pub(super) struct Stored {
    tasks: BTreeMap<TaskId, Task>,
    /// All items except personal spaces, which clients do not see change, by key.
    items: BTreeMap<(String, String), HashMap<String, AttributeValue>>,
}

impl Stored {
    pub(super) async fn read(server: &Server, world: &World<DynamoDb>) -> Self {
        let stored = server.client().scan().table_name("TasksTable").send().await.expect("items");
        let (mut tasks, mut items) = (BTreeMap::new(), BTreeMap::new());
        for item in stored.items() {
            let text = |name: &str| item[name].as_s().expect("a string").clone();
            let key = (text("pk"), text("sk"));
            if let Some(Changed::Task(id)) = keys::changed(&key.0, &key.1) {
                tasks.insert(id, world.stored(id).await);
            }
            if key.1 != "SPACE" || item.contains_key("version") {
                items.insert(key, item.clone());
            }
        }
        Self { tasks, items }
    }

    /// The tasks that have changed.
    pub(super) fn tasks_since(&self, before: &Self) -> Vec<Named<TaskVersions>> {
        let ids =
            before.tasks.keys().chain(self.tasks.keys().filter(|id| !before.tasks.contains_key(id)));
        let versions = ids.map(|id| (before.tasks.get(id).cloned(), self.tasks.get(id).cloned()));
        let changed = versions.filter(|(old, new)| old != new).enumerate();
        changed.map(|(number, versions)| (number.to_string(), Ok(versions))).collect()
    }

    /// The changes of objects in spaces.
    pub(super) fn records_since(&self, before: &Self) -> Vec<Named<Option<RecordedChange>>> {
        let keys =
            before.items.keys().chain(self.items.keys().filter(|key| !before.items.contains_key(key)));
        let changed = keys.filter(|key| before.items.get(key) != self.items.get(key));
        let changed = changed.filter_map(|key| Some((keys::changed(&key.0, &key.1)?, key))).enumerate();
        let records = changed.flat_map(|(number, (changed, key))| match changed {
            Changed::Task(id) => {
                // A task that has moved is a change in both spaces.
                let versions = before.tasks.get(&id).into_iter().chain(self.tasks.get(&id));
                let spaces: BTreeSet<_> = versions.map(|task| task.space).collect();
                let of = |space| record(number, Place::Space(space), Subject::Task(id));
                spaces.into_iter().map(of).collect()
            }
            Changed::Comment(task, id) => {
                vec![record(number, Place::Task(task), Subject::Comment(task, id))]
            }
            Changed::Space(space) => {
                let mut record = record(number, Place::Space(space), Subject::Space);
                if let (Ok(Some(recorded)), None) = (&mut record.1, self.items.get(key)) {
                    recorded.change.operation = Operation::Deleted;
                }
                vec![record]
            }
            Changed::Member(space, user) => {
                vec![record(number, Place::Space(space), Subject::Member(user))]
            }
        });
        records.collect()
    }
}

/// A record of a change, with an id as long as those of the stream.
pub(super) fn record(number: usize, place: Place, subject: Subject) -> Named<Option<RecordedChange>> {
    let id = format!("{number:032x}");
    let change = Change { id, subject, operation: Operation::Updated, version: 1 };
    (number.to_string(), Ok(Some(RecordedChange { place, change, recorded_at: now() })))
}
