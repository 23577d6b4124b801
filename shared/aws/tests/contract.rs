//! DynamoDB keeps the contract of the stores, and the template declares the indexes that the code names.

mod support;
#[path = "support/wire.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod wire;

use support::Server;
use taskbell_aws::dynamodb::keys::{INDEXES, PK, SK};
use taskbell_test::{contract_tests, template::resources};

contract_tests!(async {
    let server = Server::start().await;
    (server.store(server.client()), server)
});

/// The same where no batch is processed at once: what falls back to single calls does as well.
mod unprocessed {
    use super::{support::Server, wire};

    taskbell_test::contract_tests!(async {
        let server = Server::start().await;
        (server.store(wire::wired(&server.client(), wire::unprocessed)), server)
    });
}

/// The same where every partition is longer than an answer.
mod pages_of_three {
    use super::{support::Server, wire};

    taskbell_test::contract_tests!(async {
        let server = Server::start().await;
        (server.store(wire::wired(&server.client(), wire::pages_of_three)), server)
    });
}

#[test]
fn the_template_declares_the_keys_and_indexes_that_the_code_uses() {
    let tables = resources("AWS::DynamoDB::Table");
    let keys = |of: &serde_json::Value| -> Vec<String> {
        let schema = of["KeySchema"].as_array().expect("a key schema").iter();
        schema.map(|key| key["AttributeName"].as_str().expect("a name").to_owned()).collect()
    };
    for table in tables.values() {
        assert_eq!(keys(&table["Properties"]), [PK, SK]);
    }
    let declared = tables["TasksTable"]["Properties"]["GlobalSecondaryIndexes"].as_array();
    let declared: Vec<_> =
        declared.expect("indexes").iter().map(|index| (&index["IndexName"], keys(index))).collect();
    assert_eq!(declared.len(), INDEXES.len());
    for index in INDEXES {
        let found = declared.iter().find(|(name, _)| *name == index.name);
        assert_eq!(
            found.map(|(_, keys)| keys.as_slice()),
            Some([index.partition, index.sort].map(str::to_owned).as_slice()),
            "{}",
            index.name
        );
    }
}
