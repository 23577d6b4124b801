//! Spaces, members and invitations.

use crate::fixtures::{comment, draft, notification, now, space, task, user};
use taskbell_domain::{
    email::EmailAddress,
    id::SpaceId,
    invitation::{INVITATION_LIFETIME, Invitation},
    membership::MemberChange,
    notification::{Notification, NotificationKind},
    ports::*,
    space::{Member, Role, Space},
    user::User,
};

use super::{Store, create, register};

/// A space is found by its members only, and is replaced only at the expected version.
pub async fn a_space_is_visible_to_its_members_only(store: &impl Store) {
    let (ada, eve) = (user(1), user(2));
    register(store, &ada).await;
    let (mut made, owner) = space(1, &ada);
    store.create_space(&made, &owner, None, None).await.expect("an answer");
    let (second, second_owner) = space(2, &ada);
    store.create_space(&second, &second_owner, None, None).await.expect("an answer");
    assert_eq!(store.role(made.id, ada.id).await.expect("an answer"), Some(Role::Owner));
    assert_eq!(store.role(made.id, eve.id).await.expect("an answer"), None);
    let found = store.space_and_member(made.id, ada.id).await.expect("an answer");
    assert_eq!(found, Some((made.clone(), owner)));
    assert_eq!(store.space(made.id).await.expect("an answer"), Some(made.clone()));
    let mut all = vec![(made.clone(), Role::Owner), (second, Role::Owner)];
    all.sort_by_key(|(space, _)| space.id);
    assert_eq!(store.spaces_of(ada.id).await.expect("an answer"), all);
    assert_eq!(store.spaces_of(eve.id).await.expect("an answer"), []);
    assert_eq!(store.members(made.id).await.expect("an answer"), [(owner, ada.clone())]);

    let old = made.clone();
    made.begin_deletion(now());
    assert_eq!(store.replace_space(&made, 1).await.expect("an answer"), Replaced::Stored);
    let conflict = Replaced::Conflict(Some(Box::new(made.clone())));
    assert_eq!(store.replace_space(&old, 1).await.expect("an answer"), conflict);
    assert_eq!(store.role(made.id, ada.id).await.expect("an answer"), None, "it is being deleted");
    assert_eq!(store.spaces_of(ada.id).await.expect("an answer").len(), 1);
    let found = store.space_and_member(made.id, ada.id).await.expect("an answer");
    assert_eq!(found.map(|(space, _)| space), Some(made));
}

/// A user joins with the secret of the invitation, once. Roles change and members leave only if the stored role is the
/// expected one.
pub async fn members_join_change_roles_and_leave(store: &impl Store) {
    let (ada, eve) = (user(1), user(2));
    register(store, &ada).await;
    register(store, &eve).await;
    let (mut made, owner) = space(1, &ada);
    store.create_space(&made, &owner, None, None).await.expect("an answer");
    let kind = NotificationKind::Invitation { to: eve.email.clone(), space: made.id };
    let (first, second) = (notification(1, kind.clone()), notification(2, kind));
    let id = made.id;
    let invitation = |carrier: &Notification| Invitation {
        space: id,
        email: eve.email.clone(),
        role: Role::Member,
        invited_by: ada.id,
        notification: carrier.id,
        secret_hash: None,
        created_at: now(),
        expires_at: now() + INVITATION_LIFETIME,
    };
    let (replaced, mut invited) = (invitation(&first), invitation(&second));
    store.invite(&replaced, &first, None, None).await.expect("an answer");
    store.invite(&invited, &second, None, None).await.expect("an answer");
    assert!(
        !store.set_invitation_secret(&replaced, "old").await.expect("an answer"),
        "it was replaced"
    );
    assert!(store.set_invitation_secret(&invited, "secret").await.expect("an answer"));
    assert_eq!(store.notification(second.id).await.expect("an answer"), Some(second.clone()));
    invited.secret_hash = Some("secret".to_owned());
    assert_eq!(store.invitations(made.id).await.expect("an answer"), [invited.clone()]);
    let upper = EmailAddress::parse("USER2@example.com").expect("an address");
    let found = store.invitation(made.id, &upper.hash()).await.expect("an answer");
    assert_eq!(found, Some(invited.clone()));

    let member = Member { space: made.id, user: eve.id, role: Role::Member, joined_at: now() };
    let forged = Invitation { secret_hash: Some("forged".to_owned()), ..invited.clone() };
    let mut change = async |change: MemberChange| {
        let (read, mut next) = (made.version, made.clone());
        next.apply(&change, now()).expect("a valid change");
        let done = store.change_member(&next, read, &change).await.expect("an answer");
        let stale = store.change_member(&next, read, &change).await.expect("an answer");
        assert!(!stale, "a change happens once");
        if done {
            made = next;
        }
        done
    };
    assert!(!change(MemberChange::Join(member, forged, None)).await);
    assert!(change(MemberChange::Join(member, invited.clone(), None)).await);
    assert!(!change(MemberChange::Join(member, invited, None)).await, "it works once");
    let viewer = Member { role: Role::Viewer, ..member };
    assert!(!change(MemberChange::Role(viewer, Role::Admin)).await, "the stored role is member");
    assert!(change(MemberChange::Role(member, Role::Viewer)).await);
    assert_eq!(store.role(viewer.space, eve.id).await.expect("an answer"), Some(Role::Viewer));
    let mut everybody = store.members(viewer.space).await.expect("an answer");
    everybody.sort_by_key(|(member, _)| member.role);
    assert_eq!(everybody, [(viewer, eve.clone()), (owner, ada.clone())]);
    let found = store.space_and_members(viewer.space).await.expect("an answer");
    let (found, mut members) = found.expect("a space");
    members.sort_by_key(|member| member.role);
    assert_eq!((found.member_count, members), (2, vec![viewer, owner]));
    assert!(change(MemberChange::Leave(viewer)).await);
    assert_eq!(store.role(viewer.space, eve.id).await.expect("an answer"), None);
    assert_eq!(store.spaces_of(eve.id).await.expect("an answer"), []);

    // A member who has left can join again.
    let kind = NotificationKind::Invitation { to: eve.email.clone(), space: viewer.space };
    let third = notification(3, kind);
    let mut again = Invitation { secret_hash: None, ..invitation(&third) };
    store.invite(&again, &third, None, None).await.expect("an answer");
    assert!(store.set_invitation_secret(&again, "a new secret").await.expect("an answer"));
    again.secret_hash = Some("a new secret".to_owned());
    assert!(change(MemberChange::Join(viewer, again, None)).await);
    assert_eq!(store.spaces_of(eve.id).await.expect("an answer").len(), 1);
    assert_eq!((made.member_count, made.owner_count), (2, 1));
}

/// A purge deletes a space with its tasks, comments, members and invitations.
pub async fn a_purge_deletes_one_space_and_nothing_of_others(store: &impl Store) {
    let ada = user(1);
    register(store, &ada).await;
    let ((doomed, owner), (other, other_owner)) = (space(1, &ada), space(2, &ada));
    store.create_space(&doomed, &owner, None, None).await.expect("an answer");
    store.create_space(&other, &other_owner, None, None).await.expect("an answer");
    let mut full = doomed.clone();
    for number in 30..60 {
        join(store, &mut full, &user(number)).await;
    }
    let mut ids = Vec::new();
    for number in 0..130_u64 {
        let mut made = task(number, &ada, draft("t"));
        made.space = if number == 0 { other.id } else { doomed.id };
        create(store, &made).await;
        if number < 3 {
            assert_eq!(
                store.add_comment(&comment(number, &made, &ada), None).await.expect("an answer"),
                Commented::Created(Created::Stored)
            );
        }
        ids.push(made.id);
    }
    let mut hidden = store.space(doomed.id).await.expect("an answer").expect("a space");
    let read = hidden.version;
    hidden.begin_deletion(now());
    let replaced = store.replace_space(&hidden, read).await.expect("an answer");
    assert_eq!(replaced, Replaced::Stored);
    assert_eq!(store.space_and_members(doomed.id).await.expect("an answer"), None);
    let personal = SpaceId::personal(ada.id);
    assert_eq!(store.space_and_members(personal).await.expect("an answer"), None);
    store.purge_space(doomed.id).await.expect("an answer");
    assert_eq!(store.space_and_member(doomed.id, ada.id).await.expect("an answer"), None);
    assert_eq!(store.members(doomed.id).await.expect("an answer"), []);
    assert_eq!(store.spaces_of(ada.id).await.expect("an answer"), [(other, Role::Owner)]);
    for (number, id) in ids.iter().enumerate() {
        let left = store.task(*id).await.expect("an answer");
        assert_eq!(left.is_some(), number == 0);
    }
    for (number, id) in ids.iter().enumerate().take(3) {
        let comments = store.comments(*id, None, 10).await.expect("a page").items;
        assert_eq!(comments.len(), usize::from(number == 0));
    }
    for number in 30..60 {
        assert_eq!(store.spaces_of(user(number).id).await.expect("an answer"), []);
    }
    assert_eq!(store.invitations(doomed.id).await.expect("an answer"), []);
}

async fn join(store: &impl Store, space: &mut Space, who: &User) {
    register(store, who).await;
    let kind = NotificationKind::Invitation { to: who.email.clone(), space: space.id };
    let carrier = notification(10_000 + u64::from(space.member_count), kind);
    let invitation = Invitation {
        space: space.id,
        email: who.email.clone(),
        role: Role::Member,
        invited_by: who.id,
        notification: carrier.id,
        secret_hash: Some("secret".to_owned()),
        created_at: now(),
        expires_at: now() + INVITATION_LIFETIME,
    };
    store.invite(&invitation, &carrier, None, None).await.expect("an answer");
    let member = Member { space: space.id, user: who.id, role: Role::Member, joined_at: now() };
    let (read, change) = (space.version, MemberChange::Join(member, invitation, None));
    space.apply(&change, now()).expect("there is room");
    assert!(store.change_member(space, read, &change).await.expect("an answer"));
}
