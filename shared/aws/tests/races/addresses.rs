//! Addresses that several accounts want at the same time.

use taskbell_aws::dynamodb::DynamoDb;
use taskbell_domain::{
    credential::Credential,
    email::EmailAddress,
    notification::{Notification, NotificationKind},
    one_time_code::EMAIL_CHANGE_UNDO,
    ports::*,
    user::User,
};
use taskbell_test::fixtures::{notification, now, user};
use taskbell_test_aws::Server;

use super::with_concurrent_write;

#[tokio::test]
async fn an_address_that_another_takes_during_the_transaction_is_not_given_away() {
    let wanted = EmailAddress::parse("wanted@example.com").expect("an address");
    let registration = |number| {
        let user = User { email: wanted.clone(), ..user(number) };
        let credential = Credential { user: user.id, password_hash: "a hash".to_owned() };
        (user, credential)
    };
    // The account with this number changes its address to the same one.
    let change = async |store: &DynamoDb, number: u64| {
        let kind = NotificationKind::Verification { to: user(number).id };
        let code = notification(number, kind);
        store.add_notification(&code, None).await.expect("an answer");
        let mut changed = user(number);
        changed.change_email(wanted.clone(), None, "5e".repeat(16), now());
        let change = EmailChange {
            code: &Notification { version: code.version + 1, ..code },
            user: &changed,
            previous: &user(number).email,
            hash: "a hash",
            locked_hash: "none",
            reserved_until: now() + EMAIL_CHANGE_UNDO,
            undo: None,
        };
        store.change_email(change).await.expect("an answer")
    };
    for other_registers in [true, false] {
        let server = Server::start().await;
        let other = server.store(server.client());
        for number in [1, 2] {
            let credential = Credential { user: user(number).id, password_hash: "a hash".to_owned() };
            other.register(&user(number), &credential, None).await.expect("an answer");
        }
        let taken = other.clone();
        let (user, credential) = registration(3);
        let write = async move {
            let registered = taken.register(&user, &credential, None).await;
            assert_eq!(registered.expect("an answer"), Registered::Done);
        };
        let owner = if other_registers {
            let store = with_concurrent_write(&server, ("TransactWriteItems", 2), write);
            assert_eq!(change(&store, 1).await, EmailChanged::EmailTaken);
            registration(3).0
        } else {
            // First the other account, then a registration, then this account.
            assert_eq!(change(&other, 2).await, EmailChanged::Done);
            let (late, credential) = registration(4);
            let registered = other.register(&late, &credential, None).await;
            assert_eq!(registered.expect("an answer"), Registered::EmailTaken);
            assert_eq!(change(&other, 1).await, EmailChanged::EmailTaken);
            taskbell_test::fixtures::user(2)
        };
        let found = other.credential(&wanted).await.expect("an answer").expect("a credential");
        assert_eq!(found.user, owner.id);
        let loser = other
            .user(taskbell_test::fixtures::user(1).id)
            .await
            .expect("an answer")
            .expect("the account");
        assert_eq!((loser.email, loser.version), (taskbell_test::fixtures::user(1).email, 1));
    }
}
