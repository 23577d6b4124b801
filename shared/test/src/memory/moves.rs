//! Moving tasks between spaces.

use taskbell_domain::ports::{Moved, PortError, TaskMove, TaskMoves};

use super::{MemoryStore, tasks::in_progress};

impl TaskMoves for MemoryStore {
    async fn move_task(&self, moved: TaskMove<'_>) -> Result<Moved, PortError> {
        let TaskMove { task, expected, from, members, record } = moved;
        let mut data = self.data();
        let stored = data.tasks.get(&task.id).map(|(stored, _)| stored);
        if stored.is_none_or(|stored| stored.revision != expected) {
            return Ok(Moved::Conflict(stored.cloned().map(Box::new)));
        }
        if data.used(record).is_some() {
            return Err(in_progress());
        }
        let remains = [from, task.space].into_iter().all(|space| match data.spaces.get(&space) {
            Some(space) => !space.deleting,
            None => data.users.contains_key(&space.personal_owner()),
        });
        let mut members = members.iter();
        let are_members = members.all(|(space, user, role)| {
            data.members.get(&(*space, *user)).is_some_and(|member| member.role == *role)
        });
        if !remains || !are_members {
            return Ok(Moved::Outdated);
        }
        data.remember(record);
        data.tasks.insert(task.id, (task.clone(), task.timer()));
        Ok(Moved::Stored)
    }
}
