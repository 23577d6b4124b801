//! Upgrades: this version reads what released versions have stored and keeps attributes of later versions, and one
//! deployment can change the tables.
//!
//! `fixtures/<version>` contains items of every kind as that version stored them, and the indexes of its template. They are
//! written once, before the release, and never changed:
//! `FIXTURES=0.2.0 cargo test --package taskbell-aws --test upgrades`.

mod everything;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use serde_json::{Map, Value, json};
use taskbell_aws::dynamodb::keys;
use taskbell_domain::{
    credential::Credential,
    email::EmailAddress,
    invitation::{INVITATION_LIFETIME, Invitation},
    notification::NotificationKind,
    ports::*,
    space::Role,
    text::{PersonName, SpaceName},
    timer::{Timer, TimerTarget},
};
use taskbell_test::{
    fixtures::{notification, now, space, user},
    template::resources,
};
use taskbell_test_aws::Server;

type Item = std::collections::HashMap<String, AttributeValue>;

/// The function of `keys.rs` that gives the key of an item, and the item's table.
fn kind(item: &Item) -> (&'static str, &'static str) {
    let head = |name: &str| {
        let text = item[name].as_s().expect("a text");
        text.split('#').next().expect("a beginning").to_owned()
    };
    let (accounts, tasks) = ("AccountsTable", "TasksTable");
    match (head(keys::PK).as_str(), head(keys::SK).as_str()) {
        ("USER", "PROFILE") => ("profile", accounts),
        ("SESSION", "SESSION") => ("session", accounts),
        ("APITOKENS", "APITOKEN") => ("api_token", accounts),
        ("APITOKENS", "COUNT") => ("api_token_count", accounts),
        ("APITOKENUSE", _) => ("api_token_use", accounts),
        ("DELETIONS", _) => ("account_deletion", accounts),
        ("FACTOR", _) => ("second_factor", accounts),
        ("EMAIL", _) => ("credential", accounts),
        ("ADDRESS", _) => ("suppressed_address", accounts),
        ("LIMIT", _) => ("rate_limit", accounts),
        ("USER", "SPACE") => ("membership_pointer", tasks),
        ("USER", "MEMBERSHIPS") => ("memberships", tasks),
        ("TASK", "COMMENTS") => ("comment_count", tasks),
        ("SPACE", "INVITATIONS") => ("invitation_book", tasks),
        ("SPACE", "INVITED") => ("invited", tasks),
        ("TASK", "TASK") => ("task", tasks),
        ("TASK", "COMMENT") => ("comment", tasks),
        ("SPACE", "SPACE") => ("space", tasks),
        ("SPACE", "MEMBER") => ("member", tasks),
        ("SPACE", "INVITATION") => ("invitation", tasks),
        ("INVITEE", "SPACE") => ("invitation_pointer", tasks),
        ("INVITEE", "REGISTRATION") => ("registration_invitation", tasks),
        ("NOTICE", _) => ("notification", tasks),
        ("DIGEST", _) => ("digest", tasks),
        ("COUNTED", _) => ("contribution", tasks),
        ("COUNTS", _) => ("counter_group", tasks),
        ("IDEMPOTENCY", _) => ("idempotency", tasks),
        other => panic!("no kind of item has the key {other:?}"),
    }
}

/// All items of both tables, in order.
async fn stored(client: &Client) -> Vec<Item> {
    let mut all = Vec::new();
    for table in ["AccountsTable", "TasksTable"] {
        all.extend(client.scan().table_name(table).send().await.expect("items").items.expect("items"));
    }
    all.sort_by_key(|item| to_json(item).to_string());
    all
}

async fn store(client: &Client, item: Item) {
    let (_, table) = kind(&item);
    client.put_item().table_name(table).set_item(Some(item)).send().await.expect("it is stored");
}

/// An item in DynamoDB's own JSON.
fn to_json(item: &Item) -> Value {
    let mut names: Vec<_> = item.iter().collect();
    names.sort_by_key(|(name, _)| *name);
    names.into_iter().map(|(name, value)| (name.clone(), value_to_json(value))).collect()
}

fn value_to_json(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::Bool(yes) => json!({ "BOOL": yes }),
        AttributeValue::L(list) => json!({ "L": list.iter().map(value_to_json).collect::<Vec<_>>() }),
        AttributeValue::M(map) => json!({ "M": to_json(map) }),
        other => panic!("nothing is stored as {other:?}"),
    }
}

fn from_json(item: &Value) -> Item {
    let members = item.as_object().expect("an object").iter();
    members.map(|(name, value)| (name.clone(), value_from_json(value))).collect()
}

fn value_from_json(value: &Value) -> AttributeValue {
    let (of, value) = value.as_object().expect("a value").iter().next().expect("a type");
    let text = || value.as_str().expect("a text").to_owned();
    match of.as_str() {
        "S" => AttributeValue::S(text()),
        "N" => AttributeValue::N(text()),
        "BOOL" => AttributeValue::Bool(value.as_bool().expect("true or false")),
        "L" => {
            AttributeValue::L(value.as_array().expect("a list").iter().map(value_from_json).collect())
        }
        "M" => AttributeValue::M(from_json(value)),
        other => panic!("nothing is stored as {other}"),
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    serde_json::from_str(&text).expect("JSON")
}

/// The folders of all released versions, the latest last.
fn released() -> Vec<PathBuf> {
    let folders = std::fs::read_dir(fixtures()).expect("the fixtures").flatten();
    let mut folders: Vec<_> = folders.map(|entry| entry.path()).collect();
    folders.sort_by_key(|folder| -> Vec<u32> {
        let version = folder.file_name().and_then(|name| name.to_str()).expect("a version");
        version.split('.').map(|part| part.parse().expect("a number")).collect()
    });
    assert!(!folders.is_empty());
    folders
}

/// Whether the items of a released version are in format 1, which had another layout of tasks.
fn is_in_format_1(folder: &Path) -> bool {
    ["0.1.0", "0.2.0"].iter().any(|version| folder.ends_with(version))
}

#[tokio::test]
async fn every_item_has_a_format_and_is_read_back() {
    let server = Server::start().await;
    let store = server.store(server.client());
    everything::store(&store).await;
    let mut by_kind: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for item in stored(&server.client()).await {
        let format = AttributeValue::N(keys::FORMAT_NUMBER.to_string());
        assert_eq!(item.get(keys::FORMAT), Some(&format), "{:?}", item[keys::PK]);
        by_kind.entry(kind(&item).0).or_default().push(to_json(&item));
    }
    if let Ok(version) = std::env::var("FIXTURES") {
        let folder = fixtures().join(version);
        std::fs::create_dir_all(&folder).expect("a folder");
        let files = by_kind.into_iter().map(|(kind, items)| (kind, Value::from(items)));
        for (name, value) in files.chain([("indexes", json!(indexes()))]) {
            let text = serde_json::to_string_pretty(&value).expect("JSON") + "\n";
            std::fs::write(folder.join(format!("{name}.json")), text).expect("it is written");
        }
    }
    everything::check(&store).await;
}

#[tokio::test]
async fn items_of_released_versions_are_read() {
    for folder in released() {
        let server = Server::start().await;
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            if entry.file_name() != "indexes.json" {
                // Tasks in format 1 are converted when they are moved: local/test_move_data.py compares the result with
                // this fixture.
                let path = match entry.file_name() == "task.json" && is_in_format_1(&folder) {
                    true => fixtures().join("0.3.0/task.json"),
                    false => entry.path(),
                };
                for item in read(&path).as_array().expect("items") {
                    store(&server.client(), from_json(item)).await;
                }
            }
        }
        everything::check(&server.store(server.client())).await;
    }
}

#[tokio::test]
async fn stored_names_and_addresses_that_are_no_longer_accepted_are_read() {
    let server = Server::start().await;
    let store = server.store(server.client());
    let mut ada = user(1);
    ada.name = PersonName::parse_trusted("Ada of evil.com\u{202e}").expect("a line");
    ada.email = EmailAddress::parse_trusted("=?utf-8?q?ada?=@example.com").expect("an address");
    let credential = Credential { user: ada.id, password_hash: "a hash".to_owned() };
    store.register(&ada, &credential, None).await.expect("an answer");
    let (mut tower, owner) = space(1, &ada);
    tower.name = SpaceName::parse_trusted("www.evil.com").expect("a line");
    store.create_space(&tower, &owner, None, None).await.expect("an answer");
    let kind = NotificationKind::Invitation { to: ada.email.clone(), space: tower.id };
    let carrier = notification(1, kind);
    let invitation = Invitation {
        space: tower.id,
        email: ada.email.clone(),
        role: Role::Member,
        invited_by: ada.id,
        notification: carrier.id,
        secret_hash: None,
        created_at: now(),
        expires_at: now() + INVITATION_LIFETIME,
    };
    store.invite(&invitation, &carrier, None, None).await.expect("an answer");
    assert_eq!(store.user(ada.id).await.expect("an answer"), Some(ada));
    assert_eq!(store.space(tower.id).await.expect("an answer"), Some(tower.clone()));
    assert_eq!(store.notification(carrier.id).await.expect("an answer"), Some(carrier));
    assert_eq!(store.invitations(tower.id).await.expect("an answer"), [invitation]);
}

#[test]
fn every_kind_of_item_has_a_fixture() {
    let sources = ["keys.rs", "keys/accounts.rs"].map(|file| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dynamodb").join(file);
        std::fs::read_to_string(path).expect("the keys")
    });
    let source = sources.concat();
    let keys: BTreeSet<_> = source
        .split("\npub fn ")
        .skip(1)
        .filter(|function| {
            let signature = function.split('{').next().expect("a signature");
            signature.trim_end().ends_with("-> (String, String)")
        })
        .map(|function| function.split('(').next().expect("a name"))
        // These give the key of another kind, or bounds.
        .filter(|name| !["timer_target", "counter_group_bounds"].contains(name))
        .collect();
    assert!(keys.contains("task") && keys.len() > 10, "{keys:?}");
    let folder = released().pop().expect("a version");
    for name in keys {
        let items = read(&folder.join(format!("{name}.json")));
        let items = items.as_array().expect("items");
        assert!(!items.is_empty(), "{name}");
        assert!(items.iter().all(|item| kind(&from_json(item)).0 == name), "{name}");
    }
}

#[tokio::test]
async fn attributes_of_a_later_version_are_kept_by_every_change() {
    let server = Server::start().await;
    let (client, taskbell) = (server.client(), server.store(server.client()));
    everything::store(&taskbell).await;
    let later = [
        ("later_text", json!({"S": "x"})),
        ("later_number", json!({"N": "12.5"})),
        ("later_map", json!({"M": {"list": {"L": [{"N": "-1"}, {"BOOL": true}, {"S": ""}]}}})),
    ];
    let before = stored(&client).await;
    for mut item in before.clone() {
        item.extend(later.iter().map(|(name, value)| ((*name).to_owned(), value_from_json(value))));
        item.insert(keys::FORMAT.to_owned(), AttributeValue::N("3".to_owned()));
        store(&client, item).await;
    }
    everything::change(&taskbell).await;
    let mut changed = BTreeSet::new();
    for item in stored(&client).await {
        let key = |item: &Item| (item[keys::PK].clone(), item[keys::SK].clone());
        if before.iter().any(|old| key(old) == key(&item)) {
            for (name, value) in &later {
                let kept = item.get(*name).map(value_to_json);
                assert_eq!(kept.as_ref(), Some(value), "{name} of {:?}", key(&item));
            }
            if item[keys::FORMAT] == AttributeValue::N(keys::FORMAT_NUMBER.to_string()) {
                changed.insert(kind(&item).0);
            }
        }
    }
    let whole = ["comment", "contribution", "digest", "notification", "profile", "space", "task"];
    assert!(whole.iter().all(|kind| changed.contains(kind)), "{changed:?}");
}

/// The indexes of each table, as the template declares them.
fn indexes() -> BTreeMap<String, Map<String, Value>> {
    let declared = |table: &Value| -> Map<String, Value> {
        let indexes = table["Properties"]["GlobalSecondaryIndexes"].as_array();
        let named = indexes.into_iter().flatten().map(|index| {
            let what = json!({ "KeySchema": index["KeySchema"], "Projection": index["Projection"] });
            (index["IndexName"].as_str().expect("a name").to_owned(), what)
        });
        named.collect()
    };
    let tables = resources("AWS::DynamoDB::Table").into_iter();
    tables.map(|(id, table)| (id, declared(&table))).collect()
}

/// Why one deployment cannot change the tables from `released` to `now`: DynamoDB creates or deletes one index of a table at
/// a time, and CloudFormation requests all changes at once.
///
/// Source: "UpdateTable", `GlobalSecondaryIndexUpdates`, Amazon DynamoDB API reference.
fn refusals(released: &Value, now: &Value) -> Vec<String> {
    let mut refusals = Vec::new();
    for (table, before) in released.as_object().expect("tables") {
        let none = Map::new();
        let (before, after) =
            (before.as_object().expect("indexes"), now[table].as_object().unwrap_or(&none));
        let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        for name in &names {
            if let (Some(old), Some(new)) = (before.get(*name), after.get(*name))
                && old != new
            {
                refusals.push(format!("{table}: {name} has changed: give the new index a new name"));
            }
        }
        let moved: Vec<_> = names
            .into_iter()
            .filter(|name| before.contains_key(*name) != after.contains_key(*name))
            .map(String::as_str)
            .collect();
        if moved.len() > 1 {
            let moved = moved.join(", ");
            refusals.push(format!("{table}: a release can add or remove one index, not {moved}"));
        }
    }
    refusals
}

#[test]
fn one_deployment_can_change_the_tables() {
    let folder = released().pop().expect("a version");
    let released = read(&folder.join("indexes.json"));
    assert_eq!(refusals(&released, &json!(indexes())), Vec::<String>::new());
}

#[test]
fn adding_or_removing_more_than_one_index_is_refused() {
    let index = |attribute: &str| json!({ "KeySchema": attribute, "Projection": "ALL" });
    let table = |all: &[(&str, &str)]| -> Value {
        let all: Map<_, _> = all.iter().map(|(name, of)| ((*name).to_owned(), index(of))).collect();
        json!({ "T": all, "Other": {} })
    };
    let old = table(&[("a", "x"), ("b", "y")]);
    for (new, refused) in [
        (table(&[("a", "x"), ("b", "y")]), 0),
        (table(&[("a", "x")]), 0),
        (table(&[("a", "x"), ("b", "y"), ("c", "z")]), 0),
        (table(&[("a", "x"), ("c", "z")]), 1),
        (table(&[]), 1),
        (table(&[("a", "x"), ("b", "y"), ("c", "z"), ("d", "z")]), 1),
        (table(&[("a", "x"), ("b", "z")]), 1),
        (json!({ "Other": {} }), 1),
    ] {
        assert_eq!(refusals(&old, &new).len(), refused, "{new}");
    }
}

/// Messages are in the queue while a version is deployed or rolled back.
#[test]
fn queue_messages_of_released_versions_are_read_and_stay_readable_for_them() {
    let target = TimerTarget::Digest(user(1).id);
    let timer = Timer { at: now(), target };
    let message = json!({ "at": "2026-03-01T08:00:00Z", "subject": target.to_string() });
    assert_eq!(serde_json::from_value::<Timer>(message.clone()).expect("a timer"), timer);
    assert_eq!(serde_json::to_value(timer).expect("JSON"), message);
}
