//! Live updates.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
};

use serde_json::{Value, json};
use taskbell_e2e::{LIMIT, Live, User, path_of, wait_for};

use crate::{NONE, spaces::token_in};

/// A space of Ada that Eve has joined.
fn shared(ada: &User, eve: &User) -> Value {
    let space = ada.post("/v1/spaces", &json!({"name": "Bell tower"})).body["id"].clone();
    let there = format!("/v1/spaces/{}/invitations", space.as_str().expect("an id"));
    assert_eq!(ada.post(&there, &json!({"email": eve.email})).status, 201);
    let mail = wait_for("the invitation", || eve.mails().pop());
    assert_eq!(eve.post("/v1/invitations/accept", &json!({"token": token_in(&mail)})).status, 200);
    space
}

fn create_in(user: &User, space: &Value, title: &str) -> Value {
    let path = format!("/v1/tasks?space={}", space.as_str().expect("an id"));
    let made = user.post(&path, &json!({ "title": title }));
    assert_eq!(made.status, 201, "{}", made.body);
    made.body
}

#[test]
fn members_of_a_space_see_each_others_changes_live_until_they_are_removed() {
    let (ada, eve) = (User::new(), User::new());
    let space = shared(&ada, &eve);
    let (mut hers, mut theirs) = (ada.live(), eve.live());
    let task = create_in(&ada, &space, "Oil the bell");
    for live in [&mut hers, &mut theirs] {
        let message = live.wait_for("task_created", &task["id"]);
        assert_eq!((&message["data"], &message["space"]), (&task, &space));
    }
    let comment = eve.post(&format!("{}/comments", path_of(&task)), &json!({"text": "Done."})).body;
    assert_eq!(hers.wait_for("comment_created", &comment["id"])["data"], comment);

    let eve_id = eve.get("/v1/me").body["id"].clone();
    let member = format!(
        "/v1/spaces/{}/members/{}",
        space.as_str().expect("an id"),
        eve_id.as_str().expect("an id")
    );
    assert_eq!(ada.send("DELETE", &member, &[], NONE).status, 204);
    let secret = create_in(&ada, &space, "Without Eve");
    assert_eq!(hers.wait_for("task_created", &secret["id"])["data"], secret);
    let got = theirs.closed();
    assert!(got.iter().all(|message| message["id"] != secret["id"]), "{got:?}");
}

#[test]
fn a_live_connection_ends_with_its_session_and_its_ticket_works_once() {
    let ada = User::new();
    let url = ada.live_url();
    let mut live = Live::open(&url).expect("it is opened");
    assert!(Live::open(&url).is_none(), "the ticket was used");
    assert!(Live::open(url.split_once('?').expect("a ticket").0).is_none(), "there is no ticket");
    live.send(&json!({"action": "heartbeat"}));
    live.wait_for("heartbeat", NONE);
    live.send(&json!({"action": "shout"}));
    assert_eq!(live.wait_for("error", NONE)["code"], "invalid_message");
    let unused = ada.live_url();
    assert_eq!(ada.post("/v1/auth/logout", NONE).status, 204);
    live.closed();
    assert!(Live::open(&unused).is_none(), "the session has ended");
}

/// The client of docs/live.md.
struct Example {
    process: Child,
    states: Receiver<BTreeMap<String, u64>>,
}

impl Example {
    fn start(user: &User) -> Self {
        let project = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        let script = format!("{project}/tests/example/follow.mjs");
        let mut process = Command::new("node")
            .args(["--experimental-websocket", &script, &format!("{project}/docs/live.md")])
            .arg(user.tokens["access_token"].as_str().expect("a token"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Node.js 20 or later");
        let output = BufReader::new(process.stdout.take().expect("its output"));
        let (send, states) = channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let state = serde_json::from_str(&line).expect("versions by id");
                if send.send(state).is_err() {
                    return;
                }
            }
        });
        Self { process, states }
    }

    fn command(&mut self, command: &str) {
        let input = self.process.stdin.as_mut().expect("its input");
        writeln!(input, "{command}").expect("it runs");
    }

    /// Waits until the client has these tasks at these versions, and no others.
    fn wait_for(&self, tasks: &[&Value]) {
        let pair = |task: &&Value| {
            let id = task["id"].as_str().expect("an id").to_owned();
            (id, task["version"].as_u64().expect("a version"))
        };
        let expected: BTreeMap<_, _> = tasks.iter().map(pair).collect();
        let mut last = BTreeMap::new();
        while last != expected {
            last = self
                .states
                .recv_timeout(LIMIT)
                .unwrap_or_else(|_| panic!("{last:?} is not {expected:?}"));
        }
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn the_documented_client_has_the_state_of_the_server_whatever_is_lost() {
    let (ada, eve) = (User::new(), User::new());
    let space = shared(&ada, &eve);
    let old = create_in(&ada, &space, "Before");
    let mut example = Example::start(&eve);
    example.wait_for(&[&old]);
    let live = create_in(&ada, &space, "Live");
    example.wait_for(&[&old, &live]);
    // A message is lost, and the next one shows the gap.
    example.command("lose");
    let lost = create_in(&ada, &space, "Lost");
    let next = create_in(&ada, &space, "Next");
    example.wait_for(&[&old, &live, &lost, &next]);
    // The connection is cut, and everything changes meanwhile.
    example.command("cut");
    let changed = ada.send("PATCH", &path_of(&live), &[], &json!({"title": "Changed"})).body;
    assert_eq!(ada.send("DELETE", &path_of(&lost), &[], NONE).status, 204);
    let own = eve.create(&json!({"title": "Own"}));
    example.wait_for(&[&old, &changed, &next, &own]);
    // Removed: the client forgets the space.
    let eve_id = eve.get("/v1/me").body["id"].as_str().expect("an id").to_owned();
    let member = format!("/v1/spaces/{}/members/{eve_id}", space.as_str().expect("an id"));
    assert_eq!(ada.send("DELETE", &member, &[], NONE).status, 204);
    example.wait_for(&[&own]);
}
