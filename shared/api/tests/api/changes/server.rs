//! What the users of the simulation do: changes of the store, and the records of them in the stream.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use taskbell_domain::{
    clock::Clock as _,
    comment::Comment,
    feed::{Operation, Place, Subject},
    id::{CommentId, SpaceId, TaskId, UserId},
    membership::MemberChange,
    ports::{
        Comments as _, Moved, SpaceChanges as _, SpaceReads as _, TaskChanges as _, TaskCreation as _,
        TaskMove, TaskMoves as _,
    },
    space::{Member, Role, Space},
    task::Task,
    text::{SpaceName, Title},
    user::User,
};
use taskbell_test::fixtures::{comment, draft, space, task};

use super::simulation::{Stream, partition_of, recorded};
use crate::{simulation::rng::Rng, support::World};

/// How long lists lag at most.
const LAG: SignedDuration = SignedDuration::from_mins(1);

/// What lists show.
#[derive(Clone, Default)]
pub(super) struct State {
    pub(super) tasks: BTreeMap<TaskId, Task>,
    pub(super) comments: BTreeMap<(TaskId, CommentId), Comment>,
    pub(super) members: BTreeMap<(SpaceId, UserId), Member>,
}

/// The users, and everything that exists.
pub(super) struct Server {
    users: Vec<User>,
    state: State,
    spaces: BTreeMap<SpaceId, Space>,
    deleted: Vec<SpaceId>,
    /// In which spaces each task was, the last one last; deleted tasks included.
    homes: BTreeMap<TaskId, Vec<SpaceId>>,
    /// Earlier states, which lists may still show.
    earlier: VecDeque<(Timestamp, State)>,
    first: Task,
    made: u64,
}

impl Server {
    pub(super) const USERS: u64 = 3;

    pub(super) async fn new(world: &World, stream: &mut Stream) -> Self {
        let mut users = Vec::new();
        for number in 1..=Self::USERS {
            users.push(world.register(number).await);
        }
        let first = task(1, &users[0], draft("First"));
        let mut server = Self {
            users,
            state: State::default(),
            spaces: BTreeMap::new(),
            deleted: Vec::new(),
            homes: BTreeMap::new(),
            earlier: VecDeque::new(),
            first: first.clone(),
            made: 1,
        };
        world.store.create(&first, None, None).await.expect("an answer");
        server.insert(world, stream, first, Operation::Created);
        server
    }

    pub(super) fn user(&self, number: u64) -> &User {
        &self.users[usize::try_from(number).expect("an index")]
    }

    pub(super) fn any_task(&self) -> &Task {
        &self.first
    }

    pub(super) fn spaces_of(&self, user: u64) -> Vec<SpaceId> {
        let id = self.user(user).id;
        let shared = self.state.members.keys().filter(|(_, member)| *member == id);
        shared.map(|(space, _)| *space).chain([SpaceId::personal(id)]).collect()
    }

    /// The name of a space in answers. A personal space never changes, so no answer has it.
    pub(super) fn space_name(&self, space: SpaceId) -> Option<String> {
        self.spaces.get(&space).map(|space| space.name.as_str().to_owned())
    }

    pub(super) fn all_spaces(&self) -> Vec<SpaceId> {
        let personal = self.users.iter().map(|user| SpaceId::personal(user.id));
        personal.chain(self.spaces.keys().copied()).chain(self.deleted.iter().copied()).collect()
    }

    pub(super) fn exists(&self, space: SpaceId) -> bool {
        !self.deleted.contains(&space)
    }

    /// The space of a task, by id.
    pub(super) fn home_of(&self, task: &str) -> Option<SpaceId> {
        let (_, homes) = self.homes.iter().find(|(id, _)| id.to_string() == task)?;
        homes.last().copied()
    }

    /// The comments on a task, as its list shows them, which does not lag.
    pub(super) fn comments_on(&self, task: &str) -> impl Iterator<Item = String> {
        let comments = self.state.comments.keys().filter(move |(of, _)| of.to_string() == task);
        comments.map(|(_, id)| id.to_string())
    }

    /// The spaces in which a change may be recorded: for a comment, all in which its task was.
    pub(super) fn spaces_of_change(&self, place: Place) -> Vec<SpaceId> {
        match place {
            Place::Space(space) => vec![space],
            Place::Task(task) => self.homes.get(&task).cloned().unwrap_or_default(),
        }
    }

    pub(super) fn has_task(&self, task: TaskId) -> bool {
        self.state.tasks.contains_key(&task)
    }

    /// What lists show: the state of up to a minute ago.
    pub(super) fn listed(&self) -> &State {
        self.earlier.front().map_or(&self.state, |(_, state)| state)
    }

    pub(super) fn list_without_lag(&mut self) {
        self.earlier.clear();
    }

    /// Time has passed: lists show later states.
    pub(super) fn tick(&mut self, world: &World) {
        let now = world.clock.now();
        self.earlier.push_back((now, self.state.clone()));
        while self.earlier.front().is_some_and(|(at, _)| now.duration_since(*at) > LAG) {
            self.earlier.pop_front();
        }
    }

    fn record(
        &mut self,
        world: &World,
        stream: &mut Stream,
        place: Place,
        subject: Subject,
        operation: Operation,
        version: u64,
    ) {
        self.made += 1;
        let id = format!("record {}", self.made);
        let change = recorded(world, id, place, subject, operation, version);
        stream.push(partition_of(place, subject), change);
    }

    fn insert(&mut self, world: &World, stream: &mut Stream, task: Task, operation: Operation) {
        let (place, subject) = (Place::Space(task.space), Subject::Task(task.id));
        self.record(world, stream, place, subject, operation, task.version);
        self.homes.entry(task.id).or_default().push(task.space);
        self.state.tasks.insert(task.id, task);
    }

    /// A random change by a random user.
    pub(super) async fn change(&mut self, world: &World, stream: &mut Stream, rng: &mut Rng) {
        let user = rng.below(Self::USERS);
        let space = rng.pick(&self.spaces_of(user));
        let tasks: Vec<_> =
            self.state.tasks.values().filter(|task| task.space == space).cloned().collect();
        let number = self.made + 1_000;
        match rng.below(14) {
            0..3 => self.create(world, stream, user, space, number).await,
            3..5 => self.edit(world, stream, rng, &tasks).await,
            5 => self.delete(world, stream, rng, &tasks).await,
            6 | 7 => self.comment(world, stream, rng, user, &tasks).await,
            8 => self.create_space(world, stream, user, number).await,
            9 => self.change_members(world, stream, rng).await,
            10 => self.rename(world, stream, space).await,
            11 | 12 => self.move_to_space(world, stream, rng, user, &tasks).await,
            _ if rng.below(3) == 0 => self.delete_space(world, stream, space).await,
            _ => {}
        }
    }

    async fn create(
        &mut self,
        world: &World,
        stream: &mut Stream,
        user: u64,
        space: SpaceId,
        number: u64,
    ) {
        let mut made = task(number, self.user(user), draft("Made"));
        made.space = space;
        world.store.create(&made, None, None).await.expect("an answer");
        self.insert(world, stream, made, Operation::Created);
    }

    async fn edit(&mut self, world: &World, stream: &mut Stream, rng: &mut Rng, tasks: &[Task]) {
        let Some(old) = tasks.get(usize::try_from(rng.below(4)).expect("small")) else { return };
        let mut new = old.clone();
        new.title = Title::parse(&format!("Edited {}", self.made)).expect("a title");
        (new.version, new.revision) = (old.version + 1, old.revision + 1);
        world.store.replace(&new, old.revision, Default::default()).await.expect("an answer");
        self.insert(world, stream, new, Operation::Updated);
    }

    /// Moves a task to another space of the user. One record says both that it leaves and that it arrives.
    async fn move_to_space(
        &mut self,
        world: &World,
        stream: &mut Stream,
        rng: &mut Rng,
        user: u64,
        tasks: &[Task],
    ) {
        let Some(old) = tasks.get(usize::try_from(rng.below(4)).expect("small")) else { return };
        let mut new = old.clone();
        if !new.move_to(rng.pick(&self.spaces_of(user)), true, world.clock.now()) {
            return;
        }
        let (expected, from) = (old.revision, old.space);
        let step = TaskMove { task: &new, expected, from, members: &[], record: None };
        assert_eq!(world.store.move_task(step).await.expect("an answer"), Moved::Stored);
        let (place, subject) = (Place::Space(from), Subject::Task(old.id));
        self.record(world, stream, place, subject, Operation::Deleted, new.version);
        self.made -= 1; // the same record
        self.insert(world, stream, new, Operation::Created);
    }

    async fn delete(&mut self, world: &World, stream: &mut Stream, rng: &mut Rng, tasks: &[Task]) {
        let Some(old) = tasks.get(usize::try_from(rng.below(4)).expect("small")) else { return };
        if old.id == self.first.id {
            return;
        }
        world.store.delete(old.id, old.revision, true, None).await.expect("an answer");
        self.forget(world, stream, old);
    }

    /// The records of the deletion of a task and its comments.
    fn forget(&mut self, world: &World, stream: &mut Stream, old: &Task) {
        self.state.tasks.remove(&old.id);
        let place = Place::Space(old.space);
        self.record(world, stream, place, Subject::Task(old.id), Operation::Deleted, old.version);
        let of_task = |(task, _): &(TaskId, CommentId)| *task == old.id;
        let comments: Vec<_> = self.state.comments.keys().filter(|key| of_task(key)).copied().collect();
        for (task, id) in comments {
            self.state.comments.remove(&(task, id));
            self.record(
                world,
                stream,
                Place::Task(task),
                Subject::Comment(task, id),
                Operation::Deleted,
                1,
            );
        }
    }

    async fn comment(
        &mut self,
        world: &World,
        stream: &mut Stream,
        rng: &mut Rng,
        user: u64,
        tasks: &[Task],
    ) {
        let Some(of) = tasks.get(usize::try_from(rng.below(4)).expect("small")) else { return };
        let old = self.state.comments.keys().find(|(task, _)| *task == of.id).copied();
        let (id, operation) = match old.filter(|_| rng.below(2) == 0) {
            Some((_, id)) => {
                world.store.delete_comment(of.id, id).await.expect("an answer");
                self.state.comments.remove(&(of.id, id));
                (id, Operation::Deleted)
            }
            None => {
                let made = comment(self.made, of, self.user(user));
                world.store.add_comment(&made, None).await.expect("an answer");
                self.state.comments.insert((of.id, made.id), made.clone());
                (made.id, Operation::Created)
            }
        };
        self.record(world, stream, Place::Task(of.id), Subject::Comment(of.id, id), operation, 1);
    }

    async fn create_space(&mut self, world: &World, stream: &mut Stream, user: u64, number: u64) {
        if self.spaces.len() == 3 {
            return;
        }
        let (made, owner) = space(number, self.user(user));
        world.store.create_space(&made, &owner, None, None).await.expect("an answer");
        let place = Place::Space(made.id);
        self.record(world, stream, place, Subject::Space, Operation::Created, 1);
        self.record(world, stream, place, Subject::Member(owner.user), Operation::Created, 0);
        self.state.members.insert((made.id, owner.user), owner);
        self.spaces.insert(made.id, made);
    }

    async fn change_members(&mut self, world: &World, stream: &mut Stream, rng: &mut Rng) {
        let Some(mut of) =
            self.spaces.values().nth(usize::try_from(rng.below(3)).expect("small")).cloned()
        else {
            return;
        };
        let user = self.user(rng.below(Self::USERS)).clone();
        let found = self.state.members.get(&(of.id, user.id)).copied();
        let (member, operation, change) = match found {
            Some(member) if rng.below(2) == 0 => {
                (member, Operation::Deleted, MemberChange::Leave(member))
            }
            Some(member) => {
                let role = if member.role == Role::Owner { Role::Admin } else { Role::Owner };
                (Member { role, ..member }, Operation::Updated, MemberChange::Role(member, role))
            }
            None => {
                world.join(&mut of, &user, Role::Member).await;
                let member = Member {
                    space: of.id,
                    user: user.id,
                    role: Role::Member,
                    joined_at: of.created_at,
                };
                self.joined(world, stream, of, member, Operation::Created);
                return;
            }
        };
        let read = of.version;
        if of.apply(&change, world.clock.now()).is_err() {
            return; // the last owner
        }
        assert!(world.store.change_member(&of, read, &change).await.expect("an answer"));
        self.joined(world, stream, of, member, operation);
    }

    /// The records of a change of the members of a space.
    fn joined(
        &mut self,
        world: &World,
        stream: &mut Stream,
        of: Space,
        member: Member,
        operation: Operation,
    ) {
        let place = Place::Space(of.id);
        self.record(world, stream, place, Subject::Space, Operation::Updated, of.version);
        self.record(world, stream, place, Subject::Member(member.user), operation, 0);
        match operation {
            Operation::Deleted => drop(self.state.members.remove(&(of.id, member.user))),
            _ => drop(self.state.members.insert((of.id, member.user), member)),
        }
        self.spaces.insert(of.id, of);
    }

    async fn rename(&mut self, world: &World, stream: &mut Stream, space: SpaceId) {
        let Some(mut of) = self.spaces.get(&space).cloned() else { return };
        let read = of.version;
        of.rename(
            SpaceName::parse(&format!("Renamed {}", self.made)).expect("a name"),
            world.clock.now(),
        );
        world.store.replace_space(&of, read).await.expect("an answer");
        self.record(world, stream, Place::Space(space), Subject::Space, Operation::Updated, of.version);
        self.spaces.insert(space, of);
    }

    async fn delete_space(&mut self, world: &World, stream: &mut Stream, space: SpaceId) {
        let Some(mut of) = self.spaces.remove(&space) else { return };
        let members = world.store.members(space).await.expect("an answer");
        let read = of.version;
        of.begin_deletion(world.clock.now());
        world.store.replace_space(&of, read).await.expect("an answer");
        world.store.purge_space(space).await.expect("an answer");
        let place = Place::Space(space);
        self.record(world, stream, place, Subject::Space, Operation::Deleted, of.version);
        let tasks: Vec<_> =
            self.state.tasks.values().filter(|task| task.space == space).cloned().collect();
        for task in tasks {
            self.forget(world, stream, &task);
        }
        for (member, _) in members {
            self.state.members.remove(&(space, member.user));
            self.record(world, stream, place, Subject::Member(member.user), Operation::Deleted, 0);
        }
        self.record(world, stream, place, Subject::Space, Operation::Deleted, of.version);
        self.deleted.push(space);
    }
}
