//! Importing tasks.

use taskbell_domain::{
    ports::{Imported, PortError, Replaced, TaskImports},
    task::Task,
};

use super::{
    DynamoDb,
    items::{TaskItem, build_item},
    keys,
    write::Condition,
};

impl TaskImports for DynamoDb {
    async fn import_task(&self, task: &Task) -> Result<Imported, PortError> {
        const OPERATION: &str = "importing a task";
        let stored = build_item(OPERATION, keys::task(task.id), &TaskItem::from(task))?;
        let condition = Condition::NotExists;
        let replaced =
            self.replace_item::<TaskItem, Task>(OPERATION, &self.tasks, stored, condition).await?;
        Ok(match replaced {
            Replaced::Stored => Imported::Created,
            // The own write, which the SDK has sent again after it lost the response: the ids of reminders are random, and
            // without reminders it makes no difference who has stored it.
            Replaced::Conflict(Some(present)) if *present == *task => Imported::Created,
            Replaced::Conflict(_) => Imported::Exists,
        })
    }
}
