//! Importing tasks.

use taskbell_domain::{
    ports::{Imported, PortError, TaskImports},
    task::Task,
};

use super::MemoryStore;

impl TaskImports for MemoryStore {
    async fn import_task(&self, task: &Task) -> Result<Imported, PortError> {
        let mut data = self.data();
        if data.tasks.contains_key(&task.id) {
            return Ok(Imported::Exists);
        }
        data.tasks.insert(task.id, (task.clone(), task.timer()));
        Ok(Imported::Created)
    }
}
