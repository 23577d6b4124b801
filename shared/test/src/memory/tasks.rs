//! Tasks, comments, timers, statistics and idempotency records.

use jiff::Timestamp;

use taskbell_domain::{
    comment::{Comment, MAX_COMMENTS},
    id::{CommentId, SpaceId, TaskId, UserId},
    list::{Position, SortBy, TaskFilter, TaskPage, TaskQuery},
    notification::Notification,
    ports::*,
    statistics::{
        Contribution, Counter, CounterGroup, CounterGroups, Counters, GroupCounters, counter_value,
        difference,
    },
    task::{LastWrite, Task},
    timer::{Timer, TimerTarget},
};

use super::{Data, MemoryStore, check_start};

/// How many tasks of its scope a filtered list examines per page. As with DynamoDB, such a page can have fewer tasks than the
/// limit, or none, and still be followed by another page. DynamoDB examines at least 48; the number is smaller, so that tests
/// with fewer tasks get short pages, too, but exceeds the 25 tasks that a digest reads from the first page of a list.
const EXAMINED_PER_PAGE: usize = 32;

impl TaskReads for MemoryStore {
    async fn task(&self, id: TaskId) -> Result<Option<Task>, PortError> {
        Ok(self.data().tasks.get(&id).map(|(task, _)| task.clone()))
    }

    async fn list(&self, query: &TaskQuery) -> Result<TaskPage, PortError> {
        check_start("listing tasks", query.has_valid_position())?;
        let data = self.data();
        let in_scope = data.tasks.values().map(|(task, _)| task).filter(|t| query.scope.holds(t));
        let mut tasks: Vec<_> = in_scope.map(|task| (query.position(task), task)).collect();
        // What an index is read between.
        let bounds = match query.is_bounded_by_due() {
            true => TaskFilter {
                priority: query.filter.priority.filter(|_| query.key() == SortBy::Priority),
                due_before: query.filter.due_before,
                due_after: query.filter.due_after,
                ..TaskFilter::default()
            },
            false => TaskFilter::default(),
        };
        tasks.retain(|(_, task)| bounds.admits(task));
        tasks.sort_by(|a, b| a.0.cmp(&b.0));
        if query.sort.descending {
            tasks.reverse();
        }
        if let Some(after) = &query.after {
            let is_after = |p: &Position| if query.sort.descending { p < after } else { p > after };
            tasks.retain(|(position, _)| is_after(position));
        }
        let examined =
            if query.filter == TaskFilter::default() { usize::MAX } else { EXAMINED_PER_PAGE };
        let limit = usize::from(query.limit);
        let rest = tasks.get(examined..).is_some_and(|rest| !rest.is_empty());
        tasks.truncate(examined);
        let last_examined = tasks.last().map(|(position, _)| position.clone()).filter(|_| rest);
        tasks.retain(|(_, task)| query.filter.admits(task));
        let next = if tasks.len() > limit { Some(tasks[limit - 1].0.clone()) } else { last_examined };
        tasks.truncate(limit);
        Ok(TaskPage { items: tasks.into_iter().map(|(_, task)| task.clone().listed()).collect(), next })
    }
}

impl Comments for MemoryStore {
    async fn add_comment(
        &self,
        comment: &Comment,
        record: Option<&IdempotencyRecord>,
    ) -> Result<Commented, PortError> {
        let mut data = self.data();
        if !data.tasks.contains_key(&comment.task) {
            return Ok(Commented::NoTask);
        }
        if let Some(used) = data.used(record) {
            return Ok(Commented::Created(Created::Replayed(used)));
        }
        let present = data.comments.keys().filter(|(task, _)| *task == comment.task).count();
        if present >= usize::try_from(MAX_COMMENTS).unwrap_or(usize::MAX) {
            return Ok(Commented::Full);
        }
        data.remember(record);
        data.comments.insert((comment.task, comment.id), comment.clone());
        Ok(Commented::Created(Created::Stored))
    }

    async fn comment(&self, task: TaskId, id: CommentId) -> Result<Option<Comment>, PortError> {
        Ok(self.data().comments.get(&(task, id)).cloned())
    }

    async fn comments(
        &self,
        task: TaskId,
        after: Option<CommentId>,
        limit: u8,
    ) -> Result<CommentPage, PortError> {
        let data = self.data();
        let following =
            data.comments.values().filter(|c| c.task == task && after.is_none_or(|id| c.id > id));
        let items: Vec<_> = following.take(limit.into()).cloned().collect();
        let full = items.len() == usize::from(limit);
        Ok(CommentPage { next: items.last().map(|last| last.id).filter(|_| full), items })
    }

    async fn replace_comment(
        &self,
        comment: &Comment,
        expected: u64,
    ) -> Result<Replaced<Comment>, PortError> {
        let mut data = self.data();
        let stored = data.comments.get(&(comment.task, comment.id));
        if stored.is_none_or(|stored| stored.version != expected) {
            return Ok(Replaced::Conflict(stored.cloned().map(Box::new)));
        }
        data.comments.insert((comment.task, comment.id), comment.clone());
        Ok(Replaced::Stored)
    }

    async fn delete_comment(&self, task: TaskId, id: CommentId) -> Result<(), PortError> {
        self.data().comments.remove(&(task, id));
        Ok(())
    }
}

impl StatisticsUpdates for MemoryStore {
    async fn record_contributions(&self, contributions: &[Contribution]) -> Result<(), PortError> {
        let mut data = self.data();
        contributions.iter().for_each(|contribution| data.record(contribution));
        Ok(())
    }
}

impl Data {
    fn record(&mut self, contribution: &Contribution) {
        let data = self;
        let found = data.contributions.get(&contribution.task).cloned();
        if found.as_ref().is_some_and(|(version, ..)| *version >= contribution.version) {
            return;
        }
        let Contribution { task, space, version, counts, .. } = contribution;
        let before = found.map(|(_, space, counts)| (space, counts));
        let (space_before, before) = before.unwrap_or((*space, GroupCounters::new()));
        let none = GroupCounters::new();
        let changes = match space_before == *space {
            true => vec![(*space, difference(&before, counts))],
            false => vec![(space_before, difference(&before, &none)), (*space, counts.clone())],
        };
        for (space, more) in changes {
            let counter_groups = data.counter_groups.entry(space).or_default();
            for (group, counters) in more {
                let added = counter_value(&counters, Counter::All);
                if added <= 0 && !counter_groups.contains_key(&group) {
                    continue;
                }
                let stored = counter_groups.entry(group.clone()).or_default();
                counters.iter().for_each(|(kind, many)| *stored.entry(*kind).or_default() += many);
                stored.retain(|_, many| *many != 0);
                if added < 0 && counter_value(stored, Counter::All) <= 0 {
                    counter_groups.remove(&group);
                }
            }
        }
        if counts.is_empty() {
            data.contributions.remove(task);
        } else {
            data.contributions.insert(*task, (*version, *space, counts.clone()));
        }
    }
}

impl StatisticsReads for MemoryStore {
    async fn counter_groups(
        &self,
        space: SpaceId,
        of: CounterGroups,
        after: Option<CounterGroup>,
        limit: Option<u8>,
    ) -> Result<CounterGroupPage, PortError> {
        check_start("reading statistics", after.as_ref().is_none_or(|group| of.contains(group)))?;
        let data = self.data();
        let all = data.counter_groups.get(&space).into_iter().flatten();
        let mut items: Vec<_> = all
            .filter(|(group, counters)| of.contains(group) && counter_value(counters, Counter::All) > 0)
            .filter(|(group, _)| after.as_ref().is_none_or(|after| *group > after))
            .map(|(group, counters)| (group.clone(), counters.clone()))
            .collect();
        let full = limit.map(usize::from).filter(|limit| items.len() >= *limit);
        items.truncate(full.unwrap_or(usize::MAX));
        let next = full.and_then(|_| items.last()).map(|(group, _)| group.clone());
        Ok(CounterGroupPage { items, next })
    }
}

pub(super) fn in_progress() -> PortError {
    PortError {
        operation: "changing a task",
        transient: true,
        source: "the same request is in progress".into(),
    }
}

impl IdempotencyRecords for MemoryStore {
    async fn records(
        &self,
        user: UserId,
        key_hashes: Vec<String>,
        now: Timestamp,
    ) -> Result<Vec<IdempotencyRecord>, PortError> {
        let data = self.data();
        let found = key_hashes.into_iter().filter_map(|hash| data.records.get(&(user, hash)));
        Ok(found.filter(|record| record.expires_at > now).cloned().collect())
    }
}

impl Quotas for MemoryStore {
    async fn counters(&self, space: SpaceId) -> Result<Counters, PortError> {
        let data = self.data();
        let counters = data
            .counter_groups
            .get(&space)
            .and_then(|counter_groups| counter_groups.get(&CounterGroup::Tasks));
        Ok(counters.cloned().unwrap_or_default())
    }
}

impl TaskCreation for MemoryStore {
    async fn create(
        &self,
        task: &Task,
        record: Option<&IdempotencyRecord>,
        notification: Option<&Notification>,
    ) -> Result<Created, PortError> {
        let mut data = self.data();
        if let Some(used) = data.used(record) {
            return Ok(Created::Replayed(used));
        }
        data.remember(record);
        data.tasks.insert(task.id, (task.clone(), task.timer()));
        data.notifications.extend(
            notification
                .map(|notification| (notification.id, (notification.clone(), notification.timer()))),
        );
        Ok(Created::Stored)
    }
}

impl TaskChanges for MemoryStore {
    async fn replace(
        &self,
        task: &Task,
        expected: u64,
        also: AtomicExtras<'_>,
    ) -> Result<Replaced<Task>, PortError> {
        let mut data = self.data();
        let stored = data.tasks.get(&task.id).map(|(stored, _)| stored);
        if stored.is_none_or(|stored| stored.revision != expected) {
            return Ok(Replaced::Conflict(stored.cloned().map(Box::new)));
        }
        if data.used(also.record).is_some() {
            return Err(in_progress());
        }
        data.remember(also.record);
        for task in std::iter::once(task).chain(also.next) {
            data.tasks.insert(task.id, (task.clone(), task.timer()));
        }
        data.notifications.extend(
            also.notification
                .map(|notification| (notification.id, (notification.clone(), notification.timer()))),
        );
        Ok(Replaced::Stored)
    }

    async fn task_and_comments(&self, id: TaskId) -> Result<(Option<Task>, bool), PortError> {
        let task = self.task(id).await?;
        Ok((task, self.data().comments.keys().any(|(task, _)| *task == id)))
    }

    async fn delete(
        &self,
        id: TaskId,
        expected: u64,
        comments: bool,
        record: Option<&IdempotencyRecord>,
    ) -> Result<Replaced<Task>, PortError> {
        let mut data = self.data();
        let stored = data.tasks.get(&id).map(|(stored, _)| stored);
        if let Some(stored) = stored.filter(|stored| stored.revision != expected) {
            return Ok(Replaced::Conflict(Some(Box::new(stored.clone()))));
        }
        if data.used(record).is_some() {
            return Err(in_progress());
        }
        data.remember(record);
        data.tasks.remove(&id);
        if comments {
            data.comments.retain(|(task, _), _| *task != id);
        }
        Ok(Replaced::Stored)
    }
}

/// The limit of timers per page.
const TIMERS_PER_PAGE: usize = 100;

impl Timers for MemoryStore {
    async fn timers(
        &self,
        shard: u8,
        until: Timestamp,
        after: Option<Timer>,
    ) -> Result<TimerPage, PortError> {
        let shard_of = |target: TimerTarget| target.jitter_seed() % TIMER_SHARDS;
        let holds = |timer: Timer| timer.at <= until && shard_of(timer.target) == shard;
        check_start("finding timers", after.is_none_or(holds))?;
        let data = self.data();
        let mut timers: Vec<Timer> = data
            .tasks
            .values()
            .filter_map(|(_, timer)| *timer)
            .chain(data.notifications.values().filter_map(|(_, timer)| *timer))
            .chain(data.digests.values().filter_map(|(_, timer)| *timer))
            .filter(|timer| holds(*timer))
            .filter(|t| after.is_none_or(|after| *t > after))
            .collect();
        timers.sort();
        let next = (timers.len() > TIMERS_PER_PAGE).then(|| timers[TIMERS_PER_PAGE - 1]);
        timers.truncate(TIMERS_PER_PAGE);
        Ok(TimerPage { timers, next })
    }

    async fn postpone(&self, timer: Timer, to: Timestamp) -> Result<(), PortError> {
        let mut data = self.data();
        let stored = match timer.target {
            TimerTarget::Task(id) => data.tasks.get_mut(&id).map(|(_, stored)| stored),
            TimerTarget::Notification(id) => data.notifications.get_mut(&id).map(|(_, stored)| stored),
            TimerTarget::Digest(id) => data.digests.get_mut(&id).map(|(_, stored)| stored),
        };
        let Some(stored) = stored.filter(|stored| **stored == Some(timer)) else { return Ok(()) };
        *stored = Some(Timer { at: to, ..timer });
        if let TimerTarget::Task(id) = timer.target
            && let Some((task, _)) = data.tasks.get_mut(&id)
        {
            task.last_write = LastWrite::Delivery;
        }
        Ok(())
    }
}
