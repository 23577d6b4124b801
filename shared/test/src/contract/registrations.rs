//! Invitations that allow an address to register.

use crate::fixtures::{notification, now, space, user};
use jiff::SignedDuration;
use taskbell_domain::{
    invitation::{INVITATION_LIFETIME, Invitation},
    membership::MemberChange,
    notification::{Notification, NotificationKind},
    registration::RegistrationInvitation,
    space::{Member, Role, Space},
    user::User,
};

use super::{Store, register};

/// An address is invited from its first invitation until its last one was accepted, was revoked, has expired, or went with
/// its space.
pub async fn an_address_is_invited_until_its_invitations_have_ended(store: &impl Store) {
    let (ada, eve) = (user(1), user(2));
    register(store, &ada).await;
    register(store, &eve).await;
    let (hash, other) = (eve.email.hash(), ada.email.hash());
    let last = now() + INVITATION_LIFETIME - SignedDuration::from_secs(1);
    let is_invited = async |at| {
        let inviters = store.inviters(&hash, at, 10).await.expect("an answer");
        assert!(inviters.iter().all(|by| *by == ada.id), "{inviters:?}");
        !inviters.is_empty()
    };
    assert!(!is_invited(now()).await);

    let mut spaces = Vec::new();
    for number in 1..=3 {
        let (made, owner) = space(number, &ada);
        store.create_space(&made, &owner, None, None).await.expect("an answer");
        let kind = NotificationKind::Invitation { to: eve.email.clone(), space: made.id };
        let carrier = notification(number, kind);
        let invitation = into(&made, &eve, &ada, &carrier);
        store.invite(&invitation, &carrier, None, None).await.expect("an answer");
        spaces.push((made, invitation));
    }
    assert!(is_invited(now()).await && is_invited(last).await);
    assert!(!is_invited(now() + INVITATION_LIFETIME).await, "they have expired");
    assert!(store.inviters(&other, now(), 10).await.expect("an answer").is_empty());

    let (mut joined, invitation) = spaces.remove(0);
    let member = Member { space: joined.id, user: eve.id, role: Role::Member, joined_at: now() };
    let (read, change) = (joined.version, MemberChange::Join(member, invitation, None));
    joined.apply(&change, now()).expect("there is room");
    assert!(store.change_member(&joined, read, &change).await.expect("an answer"));
    assert!(is_invited(now()).await, "two are open");
    store.revoke(spaces[0].0.id, &hash).await.expect("an answer");
    assert!(is_invited(now()).await, "one is open");
    store.purge_space(spaces[1].0.id).await.expect("an answer");
    assert!(!is_invited(now()).await, "none is open");

    assert_eq!(store.registration_invitation(&hash).await.expect("an answer"), None);
    let kind = NotificationKind::RegistrationInvitation { to: eve.email.clone(), by: ada.id };
    for (number, created_at) in [(4, now() - INVITATION_LIFETIME), (5, now())] {
        let (email, invited_by) = (eve.email.clone(), ada.id);
        let invitation = RegistrationInvitation { email, invited_by, created_at };
        let carrier = notification(number, kind.clone());
        store.invite_to_register(&invitation, &carrier).await.expect("an answer");
        assert_eq!(is_invited(now()).await, created_at == now());
        let stored = store.registration_invitation(&hash).await.expect("an answer");
        assert_eq!(stored, Some(invitation));
        let stored = store.notification(carrier.id).await.expect("an answer");
        assert_eq!(stored, Some(carrier));
    }
    assert!(is_invited(last).await);
    for _ in 0..2 {
        store.revoke_registration(&hash).await.expect("an answer");
        assert!(!is_invited(now()).await);
    }
}

/// However many spaces an address is invited to: an operator's invitation is among the first that are read.
pub async fn the_inviters_of_an_address_begin_with_an_operator(store: &impl Store) {
    let (ada, eve, operator) = (user(1), user(2), user(3));
    for account in [&ada, &eve, &operator] {
        register(store, account).await;
    }
    let hash = eve.email.hash();
    for number in 1..=4 {
        let (made, owner) = space(number, &ada);
        store.create_space(&made, &owner, None, None).await.expect("an answer");
        let kind = NotificationKind::Invitation { to: eve.email.clone(), space: made.id };
        let carrier = notification(number, kind);
        store
            .invite(&into(&made, &eve, &ada, &carrier), &carrier, None, None)
            .await
            .expect("an answer");
    }
    let (email, invited_by, created_at) = (eve.email.clone(), operator.id, now());
    let carrier =
        notification(5, NotificationKind::RegistrationInvitation { to: email.clone(), by: invited_by });
    let invitation = RegistrationInvitation { email, invited_by, created_at };
    store.invite_to_register(&invitation, &carrier).await.expect("an answer");
    assert_eq!(store.inviters(&hash, now(), 1).await.expect("an answer"), [operator.id]);
    let inviters = store.inviters(&hash, now(), 3).await.expect("an answer");
    assert_eq!(inviters, [operator.id, ada.id, ada.id]);
}

fn into(space: &Space, user: &User, by: &User, carrier: &Notification) -> Invitation {
    Invitation {
        space: space.id,
        email: user.email.clone(),
        role: Role::Member,
        invited_by: by.id,
        notification: carrier.id,
        secret_hash: Some("secret".to_owned()),
        created_at: now(),
        expires_at: now() + INVITATION_LIFETIME,
    }
}
