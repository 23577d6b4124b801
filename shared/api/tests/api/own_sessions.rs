//! The list of sessions, and how their owner ends them.

use jiff::SignedDuration;
use serde_json::{Value, json};
use taskbell_domain::{
    clock::Clock,
    credential::SESSION_LIFETIME,
    id::SessionId,
    ports::{ProfileChanges, Profiles, Sessions},
    task::Task,
    user::User,
};
use taskbell_test::contract::Store;

use crate::support::{Answer, PASSWORD, World};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

impl<S: Store> World<S> {
    /// Logs in with a client that sends this `User-Agent` header. Returns the id of the session and the answer.
    async fn log_in_with(&self, agent: &str, user: &User, task: &Task) -> (String, Answer) {
        let event = self.event("log-in", user, task).await.header("user-agent", agent);
        let answer =
            self.send(&event.body(&json!({ "email": user.email, "password": PASSWORD }))).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let token = answer.body["refresh_token"].as_str().expect("a token");
        (format!("ses_{}", token.split('.').nth(1).expect("a session")), answer)
    }

    /// Sends the event of a function with the access token of a log-in.
    async fn as_client(&self, function: &str, client: &Answer, user: &User, task: &Task) -> Answer {
        self.as_client_on(function, "", client, user, task).await
    }

    async fn as_client_on(
        &self,
        function: &str,
        session: &str,
        client: &Answer,
        user: &User,
        task: &Task,
    ) -> Answer {
        let bearer = format!("Bearer {}", client.body["access_token"].as_str().expect("a token"));
        let event = self.event(function, user, task).await.header("authorization", &bearer);
        let event = if session.is_empty() { event } else { event.path("session_id", session) };
        self.send(&event).await
    }

    async fn refresh_with(&self, client: &Answer, user: &User, task: &Task) -> Answer {
        let event = self.event("refresh-session", user, task).await;
        self.send(&event.body(&json!({ "refresh_token": client.body["refresh_token"] }))).await
    }
}

fn ids(list: &Answer) -> Vec<&Value> {
    list.body["items"].as_array().expect("items").iter().map(|item| &item["id"]).collect()
}

#[tokio::test]
async fn sessions_are_listed_with_what_opened_them_and_when_they_were_last_used() {
    let (world, ada, task) = World::seeded().await;
    let eve = world.register(2).await;
    world.log_in_with(FIREFOX, &eve, &task).await;
    let (first, firefox) = world.log_in_with(FIREFOX, &ada, &task).await;
    world.clock.advance(SignedDuration::from_hours(25));
    let (second, curl) = world.log_in_with("curl/8.5.0 <script>", &ada, &task).await;
    world.store.close_session(ada.id, world.session()).await.expect("an answer");
    world.store.close_session(ada.id, world.other_session()).await.expect("an answer");

    let is_ours = |item: &&Value| item["id"] == json!(first) || item["id"] == json!(second);
    let list = async |client: &Answer| {
        let answer = world.as_client("list-sessions", client, &ada, &task).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body["items"]
            .as_array()
            .expect("items")
            .iter()
            .filter(is_ours)
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(
        list(&curl).await,
        [
            json!({"id": second, "label": "curl/8.5.0", "created_at": "2026-03-02T09:00:00Z",
                "last_used_on": "2026-03-02", "current": true}),
            json!({"id": first, "label": "Firefox on Linux", "created_at": "2026-03-01T08:00:00Z",
                "last_used_on": "2026-03-01", "current": false}),
        ]
    );
    world.refresh_with(&firefox, &ada, &task).await;
    assert_eq!(list(&curl).await[1]["last_used_on"], "2026-03-02", "a refresh is a use");
    assert_eq!(list(&curl).await[1]["label"], "Firefox on Linux");
}

#[tokio::test]
async fn a_hostile_user_agent_is_not_stored() {
    let (world, ada, task) = World::seeded().await;
    for agent in ["<img src=x>", "\u{202e}evil", "a\r\nb", &"x y".repeat(50_000), ""] {
        let (id, client) = world.log_in_with(agent, &ada, &task).await;
        let list = world.as_client("list-sessions", &client, &ada, &task).await;
        let own =
            list.body["items"].as_array().expect("items").iter().find(|item| item["id"] == json!(id));
        let label = own.expect("the session")["label"].clone();
        assert!(label.is_null() || label == "x", "{label}");
        world.clock.advance(SignedDuration::from_mins(10));
    }
}

#[tokio::test]
async fn sessions_that_have_expired_or_are_older_than_the_password_are_not_listed() {
    let (world, ada, task) = World::seeded().await;
    let (old, _) = world.log_in_with("old/1", &ada, &task).await;
    world.clock.advance(SESSION_LIFETIME - SignedDuration::from_secs(1));
    let (new, client) = world.log_in_with("new/1", &ada, &task).await;
    let listed = world.as_client("list-sessions", &client, &ada, &task).await;
    assert!(ids(&listed).contains(&&json!(old)));
    world.clock.advance(SignedDuration::from_secs(1));
    let listed = world.as_client("list-sessions", &client, &ada, &task).await;
    assert!(
        !ids(&listed).contains(&&json!(old)) && ids(&listed).contains(&&json!(new)),
        "{}",
        listed.body
    );
    // A reset that was interrupted before it closed them.
    world.clock.advance(SignedDuration::from_mins(1));
    let stored = world.store.user(ada.id).await.expect("an answer").expect("ada");
    let (password_set_at, version) = (Some(world.clock.now()), stored.version + 1);
    let changed = User { password_set_at, version, ..stored.clone() };
    world.store.replace_user(&changed, stored.version, None).await.expect("an answer");
    let listed = world.as_client("list-sessions", &client, &ada, &task).await;
    assert!(!ids(&listed).contains(&&json!(new)), "{}", listed.body);
}

#[tokio::test]
async fn an_ended_session_cannot_be_refreshed_and_its_connections_are_closed() {
    let (world, ada, task) = World::seeded().await;
    let (first, thief) = world.log_in_with("thief/1", &ada, &task).await;
    let (_, owner) = world.log_in_with("owner/1", &ada, &task).await;
    let parsed: SessionId = first.parse().expect("an id");
    world.connect_in(&ada, world.other_session(), "other").await;
    let ended = world.as_client_on("end-session", &first, &owner, &ada, &task).await;
    assert_eq!(ended.status, 204, "{}", ended.body);
    assert!(!world.store.has_session(ada.id, parsed, world.clock.now()).await.expect("an answer"));
    let refused = world.refresh_with(&thief, &ada, &task).await;
    assert_eq!((refused.status, refused.code()), (401, "invalid_refresh_token"));
    let again = world.as_client_on("end-session", &first, &owner, &ada, &task).await;
    assert_eq!((again.status, again.code()), (404, "not_found"));
    world.push().await;
    assert_eq!(world.channel.take_closed(), [""; 0], "connections of other sessions stay");
    let other = world.other_session().to_string();
    assert_eq!(world.as_client_on("end-session", &other, &owner, &ada, &task).await.status, 204);
    world.push().await;
    assert_eq!(world.channel.take_closed(), ["other"]);
    assert_eq!(world.refresh_with(&owner, &ada, &task).await.status, 200);
}

#[tokio::test]
async fn all_other_sessions_are_ended_together() {
    let (world, ada, task) = World::seeded().await;
    let (_, one) = world.log_in_with("one/1", &ada, &task).await;
    let (_, two) = world.log_in_with("two/1", &ada, &task).await;
    let (own, owner) = world.log_in_with("owner/1", &ada, &task).await;
    world.connect_in(&ada, world.other_session(), "other").await;
    assert_eq!(world.as_client("end-other-sessions", &owner, &ada, &task).await.status, 204);
    world.push().await;
    assert_eq!(world.channel.take_closed(), ["other"]);
    let left = world.store.sessions(ada.id, 100).await.expect("a list");
    assert_eq!(left.iter().map(|session| session.id.to_string()).collect::<Vec<_>>(), [own]);
    for ended in [&one, &two] {
        assert_eq!(world.refresh_with(ended, &ada, &task).await.status, 401);
    }
    assert_eq!(world.refresh_with(&owner, &ada, &task).await.status, 200);
}

#[tokio::test]
async fn sessions_of_others_are_not_ended() {
    let (world, ada, task) = World::seeded().await;
    let eve = world.register(2).await;
    let (theirs, owner) = world.log_in_with("owner/1", &ada, &task).await;
    let (_, client) = world.log_in_with("eve/1", &eve, &task).await;
    for session in [theirs.as_str(), "ses_x", "usr_01JQ0000000000000000000000", &"9".repeat(10_000)] {
        let answer = world.as_client_on("end-session", session, &client, &eve, &task).await;
        assert_eq!((answer.status, answer.code()), (404, "not_found"), "{session}");
    }
    assert_eq!(world.as_client("end-other-sessions", &client, &eve, &task).await.status, 204);
    let listed = world.as_client("list-sessions", &client, &eve, &task).await;
    assert!(!ids(&listed).contains(&&json!(theirs)));
    assert_eq!(world.refresh_with(&owner, &ada, &task).await.status, 200);
}

#[tokio::test]
async fn a_session_that_has_ended_ends_no_others() {
    let (world, ada, task) = World::seeded().await;
    let (first, thief) = world.log_in_with("thief/1", &ada, &task).await;
    let (second, owner) = world.log_in_with("owner/1", &ada, &task).await;
    assert_eq!(world.as_client_on("end-session", &first, &owner, &ada, &task).await.status, 204);
    // The access token of the thief is valid for some more minutes.
    assert_eq!(world.as_client("get-profile", &thief, &ada, &task).await.status, 200);
    assert_eq!(world.as_client("end-other-sessions", &thief, &ada, &task).await.status, 401);
    assert_eq!(world.as_client_on("end-session", &second, &thief, &ada, &task).await.status, 401);
    assert_eq!(world.refresh_with(&owner, &ada, &task).await.status, 200);
}
