//! Every store port, in memory. It keeps the same contract as DynamoDB does.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard},
};

use jiff::Timestamp;

use taskbell_domain::{
    comment::Comment,
    counts::{Counted, Counts, Number, Numbers, Tallies, Tally, difference, number},
    credential::{Credential, Session},
    email::EmailAddress,
    id::{CommentId, NoticeId, SessionId, SpaceId, TaskId, UserId},
    limit::{self, Limit},
    list::{Position, TaskPage, TaskQuery},
    notice::Notice,
    ports::*,
    space::{Invitation, Member, MemberChange, Role, Space},
    task::Task,
    timer::{Subject, Timer},
    user::User,
};

/// All data, in memory.
#[derive(Default)]
pub struct Memory(Mutex<Data>);

#[derive(Default)]
struct Data {
    users: BTreeMap<UserId, User>,
    credentials: BTreeMap<String, Credential>,
    sessions: BTreeMap<(UserId, SessionId), Session>,
    tasks: BTreeMap<TaskId, (Task, Option<Timer>)>,
    records: BTreeMap<(UserId, String), IdempotencyRecord>,
    spaces: BTreeMap<SpaceId, Space>,
    members: BTreeMap<(SpaceId, UserId), Member>,
    invitations: BTreeMap<(SpaceId, String), Invitation>,
    comments: BTreeMap<(TaskId, CommentId), Comment>,
    notices: BTreeMap<NoticeId, (Notice, Option<Timer>)>,
    counted: BTreeMap<TaskId, (u64, Counts)>,
    tallies: BTreeMap<SpaceId, Counts>,
    shut_out: BTreeSet<(limit::Subject, &'static str)>,
    counts: BTreeMap<(limit::Subject, &'static str), (Timestamp, u32)>,
}

const TIMER_PAGE: usize = 100;

impl Memory {
    /// All that is stored but counts and credentials, as text: to see whether anything has changed.
    pub fn contents(&self) -> String {
        let data = self.data();
        let accounts = (&data.users, data.credentials.len(), &data.sessions);
        let spaces = (&data.spaces, &data.members, &data.invitations);
        format!("{:?}", (accounts, spaces, &data.tasks, &data.records, &data.comments, &data.notices))
    }

    fn data(&self) -> MutexGuard<'_, Data> {
        self.0.lock().expect("not poisoned")
    }
}

impl Profiles for Memory {
    async fn user(&self, id: UserId) -> Result<Option<User>, PortError> {
        Ok(self.data().users.get(&id).cloned())
    }
}

impl ProfileChanges for Memory {
    async fn replace_user(&self, user: &User, expected: u64) -> Result<Replaced<User>, PortError> {
        let mut data = self.data();
        let stored = data.users.get(&user.id);
        if stored.is_none_or(|stored| stored.version != expected) {
            return Ok(Replaced::Conflict(stored.cloned().map(Box::new)));
        }
        data.users.insert(user.id, user.clone());
        Ok(Replaced::Done)
    }
}

impl Accounts for Memory {
    async fn users(
        &self,
        begins: &str,
        after: Option<(String, UserId)>,
        limit: u8,
    ) -> Result<UserPage, PortError> {
        let data = self.data();
        let mut items: Vec<_> = data.users.values().cloned().collect();
        items.sort_by_key(|user| user.email.canonical());
        items.retain(|user| {
            let address = user.email.canonical();
            let behind = after.as_ref().is_none_or(|(last, _)| address > *last);
            address.starts_with(begins) && behind
        });
        let more = items.len() >= usize::from(limit);
        items.truncate(limit.into());
        let next = items.last().filter(|_| more).map(|last| (last.email.canonical(), last.id));
        Ok(UserPage { items, next })
    }

    async fn shut_out(&self, user: UserId, limit: &Limit, out: bool) -> Result<(), PortError> {
        let key = (limit::Subject::user(user), limit.name);
        let mut data = self.data();
        if out {
            data.shut_out.insert(key)
        } else {
            data.shut_out.remove(&key)
        };
        Ok(())
    }

    async fn close_sessions(&self, user: UserId) -> Result<(), PortError> {
        self.data().sessions.retain(|(of, _), _| *of != user);
        Ok(())
    }
}

impl Registrations for Memory {
    async fn register(&self, user: &User, credential: &Credential) -> Result<Registered, PortError> {
        let mut data = self.data();
        let address = user.email.canonical();
        if data.credentials.contains_key(&address) {
            return Ok(Registered::EmailTaken);
        }
        data.users.insert(user.id, user.clone());
        data.credentials.insert(address, credential.clone());
        Ok(Registered::Done)
    }
}

impl Credentials for Memory {
    async fn credential(&self, email: &EmailAddress) -> Result<Option<Credential>, PortError> {
        Ok(self.data().credentials.get(&email.canonical()).cloned())
    }
}

impl Sessions for Memory {
    async fn open_session(&self, session: &Session) -> Result<(), PortError> {
        self.data().sessions.insert((session.user, session.id), session.clone());
        Ok(())
    }

    async fn rotate_session(
        &self,
        next: &Session,
        presented: &str,
        now: Timestamp,
    ) -> Result<Rotated, PortError> {
        let mut data = self.data();
        let Some(stored) = data.sessions.get_mut(&(next.user, next.id)) else {
            return Ok(Rotated::Unknown);
        };
        if stored.expires_at <= now {
            return Ok(Rotated::Unknown);
        }
        if stored.token_hash != presented && stored.token_hash != next.token_hash {
            return Ok(Rotated::Reused);
        }
        *stored = next.clone();
        Ok(Rotated::Done)
    }

    async fn close_session(&self, user: UserId, session: SessionId) -> Result<(), PortError> {
        self.data().sessions.remove(&(user, session));
        Ok(())
    }
}

impl Limits for Memory {
    async fn count(
        &self,
        limit: &Limit,
        subject: &limit::Subject,
        now: Timestamp,
    ) -> Result<Option<u32>, PortError> {
        let mut data = self.data();
        if data.shut_out.contains(&(subject.clone(), limit.name)) {
            return Ok(None);
        }
        let counted = data.counts.entry((subject.clone(), limit.name)).or_default();
        let window = limit.window_of(now);
        *counted = (window, if counted.0 == window { counted.1 + 1 } else { 1 });
        Ok(Some(counted.1))
    }
}

impl Memberships for Memory {
    async fn role(&self, space: SpaceId, user: UserId) -> Result<Option<Role>, PortError> {
        let found = self.space_and_member(space, user).await?;
        Ok(found.filter(|(space, _)| !space.deleting).map(|(_, member)| member.role))
    }

    async fn spaces_of(&self, user: UserId) -> Result<Vec<(Space, Role)>, PortError> {
        let data = self.data();
        let mine = data.members.values().filter(|member| member.user == user);
        let spaces = mine.filter_map(|m| data.spaces.get(&m.space).map(|s| (s.clone(), m.role)));
        Ok(spaces.filter(|(space, _)| !space.deleting).collect())
    }
}

impl SpaceReads for Memory {
    async fn space_and_member(
        &self,
        space: SpaceId,
        user: UserId,
    ) -> Result<Option<(Space, Member)>, PortError> {
        let data = self.data();
        let member = data.members.get(&(space, user)).copied();
        Ok(data.spaces.get(&space).cloned().zip(member))
    }

    async fn space(&self, id: SpaceId) -> Result<Option<Space>, PortError> {
        Ok(self.data().spaces.get(&id).cloned())
    }

    async fn members(&self, space: SpaceId) -> Result<Vec<(Member, User)>, PortError> {
        let data = self.data();
        let members = data.members.values().filter(|member| member.space == space);
        Ok(members.filter_map(|m| data.users.get(&m.user).map(|user| (*m, user.clone()))).collect())
    }

    async fn invitations(&self, space: SpaceId) -> Result<Vec<Invitation>, PortError> {
        let data = self.data();
        Ok(data.invitations.values().filter(|found| found.space == space).cloned().collect())
    }

    async fn invitation(
        &self,
        space: SpaceId,
        address_hash: &str,
    ) -> Result<Option<Invitation>, PortError> {
        Ok(self.data().invitations.get(&(space, address_hash.to_owned())).cloned())
    }
}

impl SpaceChanges for Memory {
    async fn create_space(
        &self,
        space: &Space,
        owner: &Member,
        record: Option<&IdempotencyRecord>,
    ) -> Result<Created, PortError> {
        let mut data = self.data();
        if let Some(used) = data.record(record) {
            return Ok(Created::KeyUsed(used));
        }
        data.spaces.insert(space.id, space.clone());
        data.members.insert((space.id, owner.user), *owner);
        Ok(Created::Done)
    }

    async fn replace_space(&self, space: &Space, expected: u64) -> Result<Replaced<Space>, PortError> {
        let mut data = self.data();
        let stored = data.spaces.get(&space.id);
        if stored.is_none_or(|stored| stored.version != expected) {
            return Ok(Replaced::Conflict(stored.cloned().map(Box::new)));
        }
        data.spaces.insert(space.id, space.clone());
        Ok(Replaced::Done)
    }

    async fn change_member(
        &self,
        space: &Space,
        expected: u64,
        change: &MemberChange,
    ) -> Result<bool, PortError> {
        let mut data = self.data();
        if data.spaces.get(&space.id).is_none_or(|stored| stored.version != expected) {
            return Ok(false);
        }
        let role_of = |data: &Data, m: &Member| data.members.get(&(m.space, m.user)).map(|m| m.role);
        match change {
            MemberChange::Join(member, invitation) => {
                let address = (space.id, invitation.email.hash());
                let armed = data.invitations.get(&address).map(|stored| &stored.secret_hash);
                if armed != Some(&invitation.secret_hash) || role_of(&data, member).is_some() {
                    return Ok(false);
                }
                data.invitations.remove(&address);
                data.members.insert((space.id, member.user), *member);
            }
            MemberChange::Role(member, _) | MemberChange::Leave(member)
                if role_of(&data, member) != Some(member.role) =>
            {
                return Ok(false);
            }
            MemberChange::Role(member, role) => {
                data.members.insert((space.id, member.user), Member { role: *role, ..*member });
            }
            MemberChange::Leave(member) => {
                data.members.remove(&(space.id, member.user));
            }
        }
        data.spaces.insert(space.id, space.clone());
        Ok(true)
    }

    async fn invite(
        &self,
        invitation: &Invitation,
        notice: &Notice,
        record: Option<&IdempotencyRecord>,
    ) -> Result<Created, PortError> {
        let mut data = self.data();
        if let Some(used) = data.record(record) {
            return Ok(Created::KeyUsed(used));
        }
        let address = (invitation.space, invitation.email.hash());
        data.invitations.insert(address, invitation.clone());
        data.notices.insert(notice.id, (notice.clone(), notice.timer()));
        Ok(Created::Done)
    }

    async fn revoke(&self, space: SpaceId, address_hash: &str) -> Result<(), PortError> {
        self.data().invitations.remove(&(space, address_hash.to_owned()));
        Ok(())
    }

    async fn purge_space(&self, space: SpaceId, most: usize) -> Result<bool, PortError> {
        let mut data = self.data();
        let theirs = data.tasks.values().filter(|(task, _)| task.space == space);
        let theirs: Vec<_> = theirs.map(|(task, _)| task.id).collect();
        let gone: Vec<_> = theirs.iter().take(most).collect();
        gone.iter().for_each(|id| drop(data.tasks.remove(id)));
        data.comments.retain(|(task, _), _| !gone.contains(&task));
        if gone.len() < theirs.len() {
            return Ok(false);
        }
        data.members.retain(|(of, _), _| *of != space);
        data.invitations.retain(|(of, _), _| *of != space);
        data.spaces.remove(&space);
        Ok(true)
    }
}

impl Notices for Memory {
    async fn notice(&self, id: NoticeId) -> Result<Option<Notice>, PortError> {
        Ok(self.data().notices.get(&id).map(|(notice, _)| notice.clone()))
    }

    async fn add_notice(
        &self,
        notice: &Notice,
        record: Option<&IdempotencyRecord>,
    ) -> Result<Created, PortError> {
        let mut data = self.data();
        if let Some(used) = data.record(record) {
            return Ok(Created::KeyUsed(used));
        }
        data.notices.insert(notice.id, (notice.clone(), notice.timer()));
        Ok(Created::Done)
    }

    async fn replace_notice(
        &self,
        notice: &Notice,
        expected: u64,
    ) -> Result<Replaced<Notice>, PortError> {
        let mut data = self.data();
        let stored = data.notices.get(&notice.id).map(|(stored, _)| stored);
        if stored.is_none_or(|stored| stored.version != expected) {
            return Ok(Replaced::Conflict(stored.cloned().map(Box::new)));
        }
        data.notices.insert(notice.id, (notice.clone(), notice.timer()));
        Ok(Replaced::Done)
    }

    async fn arm_invitation(
        &self,
        invitation: &Invitation,
        secret_hash: &str,
    ) -> Result<bool, PortError> {
        let address = (invitation.space, invitation.email.hash());
        let mut data = self.data();
        let stored = data.invitations.get_mut(&address);
        let Some(stored) = stored.filter(|stored| stored.notice == invitation.notice) else {
            return Ok(false);
        };
        stored.secret_hash = Some(secret_hash.to_owned());
        Ok(true)
    }
}

impl TaskReads for Memory {
    async fn task(&self, id: TaskId) -> Result<Option<Task>, PortError> {
        Ok(self.data().tasks.get(&id).map(|(task, _)| task.clone()))
    }

    async fn list(&self, query: &TaskQuery) -> Result<TaskPage, PortError> {
        let data = self.data();
        let mut found: Vec<_> = data
            .tasks
            .values()
            .map(|(task, _)| (Position::of(task, query.sort.by), task))
            .filter(|(_, task)| query.scope.holds(task) && query.filter.admits(task))
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        if query.sort.descending {
            found.reverse();
        }
        if let Some(after) = &query.after {
            found.retain(
                |(place, _)| {
                    if query.sort.descending { place < after } else { place > after }
                },
            );
        }
        let limit = usize::from(query.limit);
        let next = (found.len() > limit).then(|| found[limit - 1].0.clone());
        found.truncate(limit);
        Ok(TaskPage { items: found.into_iter().map(|(_, task)| task.clone()).collect(), next })
    }
}

impl Comments for Memory {
    async fn add_comment(
        &self,
        comment: &Comment,
        record: Option<&IdempotencyRecord>,
    ) -> Result<Option<Created>, PortError> {
        let mut data = self.data();
        if !data.tasks.contains_key(&comment.task) {
            return Ok(None);
        }
        if let Some(used) = data.record(record) {
            return Ok(Some(Created::KeyUsed(used)));
        }
        data.comments.insert((comment.task, comment.id), comment.clone());
        Ok(Some(Created::Done))
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
        let behind =
            data.comments.values().filter(|c| c.task == task && after.is_none_or(|id| c.id > id));
        let items: Vec<_> = behind.take(limit.into()).cloned().collect();
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
        Ok(Replaced::Done)
    }

    async fn delete_comment(&self, task: TaskId, id: CommentId) -> Result<(), PortError> {
        self.data().comments.remove(&(task, id));
        Ok(())
    }
}

impl Counting for Memory {
    async fn count_task(&self, counted: &Counted) -> Result<(), PortError> {
        let mut data = self.data();
        let found = data.counted.get(&counted.task).cloned();
        if found.as_ref().is_some_and(|(version, _)| *version >= counted.version) {
            return Ok(());
        }
        let before = found.map(|(_, counts)| counts).unwrap_or_default();
        let tallies = data.tallies.entry(counted.space).or_default();
        for (tally, numbers) in difference(&before, &counted.counts) {
            let stored = tallies.entry(tally).or_default();
            numbers.iter().for_each(|(kind, many)| *stored.entry(*kind).or_default() += many);
            stored.retain(|_, many| *many != 0);
        }
        if counted.counts.is_empty() {
            data.counted.remove(&counted.task);
        } else {
            data.counted.insert(counted.task, (counted.version, counted.counts.clone()));
        }
        Ok(())
    }
}

impl CountReads for Memory {
    async fn tallies(
        &self,
        space: SpaceId,
        of: Tallies,
        after: Option<Tally>,
        limit: Option<u8>,
    ) -> Result<TallyPage, PortError> {
        let data = self.data();
        let all = data.tallies.get(&space).into_iter().flatten();
        let mut items: Vec<_> = all
            .filter(|(tally, numbers)| of.hold(tally) && number(numbers, Number::All) > 0)
            .filter(|(tally, _)| after.as_ref().is_none_or(|after| *tally > after))
            .map(|(tally, numbers)| (tally.clone(), numbers.clone()))
            .collect();
        let full = limit.map(usize::from).filter(|limit| items.len() >= *limit);
        items.truncate(full.unwrap_or(usize::MAX));
        let next = full.and_then(|_| items.last()).map(|(tally, _)| tally.clone());
        Ok(TallyPage { items, next })
    }
}

impl Data {
    /// Keeps a record, or gives the one that is there.
    fn record(&mut self, record: Option<&IdempotencyRecord>) -> Option<IdempotencyRecord> {
        let record = record?;
        let key = (record.user, record.key_hash.clone());
        let used = self.records.get(&key).filter(|used| used.expires_at > record.created_at);
        if used.is_none() {
            self.records.insert(key, record.clone());
            return None;
        }
        used.cloned()
    }
}

fn elsewhere() -> PortError {
    PortError { operation: "changing a task", transient: true, source: "the key is in use".into() }
}

impl IdempotencyRecords for Memory {
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

impl Quotas for Memory {
    async fn numbers(&self, space: SpaceId) -> Result<Numbers, PortError> {
        let page = self.tallies(space, Tallies::Tasks, None, None).await?;
        Ok(page.items.into_iter().next().map(|(_, numbers)| numbers).unwrap_or_default())
    }
}

impl TaskCreation for Memory {
    async fn user_and_numbers(
        &self,
        user: UserId,
        space: SpaceId,
    ) -> Result<(Option<User>, Numbers), PortError> {
        Ok((self.user(user).await?, self.numbers(space).await?))
    }

    async fn create(
        &self,
        task: &Task,
        record: Option<&IdempotencyRecord>,
        notice: Option<&Notice>,
    ) -> Result<Created, PortError> {
        let mut data = self.data();
        if let Some(used) = data.record(record) {
            return Ok(Created::KeyUsed(used));
        }
        data.tasks.insert(task.id, (task.clone(), task.timer()));
        data.notices.extend(notice.map(|notice| (notice.id, (notice.clone(), notice.timer()))));
        Ok(Created::Done)
    }
}

impl TaskChanges for Memory {
    async fn task_user_and_numbers(
        &self,
        task: TaskId,
        user: UserId,
    ) -> Result<(Option<Task>, Option<User>, Numbers), PortError> {
        let numbers = self.numbers(SpaceId::personal(user)).await?;
        Ok((self.task(task).await?, self.user(user).await?, numbers))
    }

    async fn replace(
        &self,
        task: &Task,
        expected: u64,
        also: Alongside<'_>,
    ) -> Result<Replaced<Task>, PortError> {
        let mut data = self.data();
        let stored = data.tasks.get(&task.id).map(|(stored, _)| stored);
        if stored.is_none_or(|stored| stored.version != expected) {
            return Ok(Replaced::Conflict(stored.cloned().map(Box::new)));
        }
        if data.record(also.record).is_some() {
            return Err(elsewhere());
        }
        for task in std::iter::once(task).chain(also.next) {
            data.tasks.insert(task.id, (task.clone(), task.timer()));
        }
        data.notices.extend(also.notice.map(|notice| (notice.id, (notice.clone(), notice.timer()))));
        Ok(Replaced::Done)
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
        if let Some(stored) = stored.filter(|stored| stored.version != expected) {
            return Ok(Replaced::Conflict(Some(Box::new(stored.clone()))));
        }
        if data.record(record).is_some() {
            return Err(elsewhere());
        }
        data.tasks.remove(&id);
        if comments {
            data.comments.retain(|(task, _), _| *task != id);
        }
        Ok(Replaced::Done)
    }
}

impl Timers for Memory {
    async fn timers(
        &self,
        shard: u8,
        until: Timestamp,
        after: Option<Timer>,
    ) -> Result<TimerPage, PortError> {
        let data = self.data();
        let mut timers: Vec<Timer> = data
            .tasks
            .values()
            .filter_map(|(_, timer)| *timer)
            .chain(data.notices.values().filter_map(|(_, timer)| *timer))
            .filter(|t| t.subject.spread() % TIMER_SHARDS == shard && t.at <= until)
            .filter(|t| after.is_none_or(|after| *t > after))
            .collect();
        timers.sort();
        let next = (timers.len() > TIMER_PAGE).then(|| timers[TIMER_PAGE - 1]);
        timers.truncate(TIMER_PAGE);
        Ok(TimerPage { timers, next })
    }

    async fn postpone(&self, timer: Timer, to: Timestamp) -> Result<(), PortError> {
        let mut data = self.data();
        let stored = match timer.subject {
            Subject::Task(id) => data.tasks.get_mut(&id).map(|(_, stored)| stored),
            Subject::Notice(id) => data.notices.get_mut(&id).map(|(_, stored)| stored),
        };
        if let Some(stored) = stored.filter(|stored| **stored == Some(timer)) {
            *stored = Some(Timer { at: to, ..timer });
        }
        Ok(())
    }
}
