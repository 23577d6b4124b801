//! The DynamoDB adapter fulfils the store contract, and the template declares the indexes that the code uses.

use taskbell_aws::dynamodb::keys::{INDEXES, PK, SK};
use taskbell_test::{contract_tests, template::resources};
use taskbell_test_aws::Server;

contract_tests!(async {
    let server = Server::start().await;
    (server.store(server.client()), server)
});

/// The contract with batches that are never processed, so that all keys are read and written one by one.
mod unprocessed {
    use taskbell_test_aws::{Server, intercept};

    taskbell_test::contract_tests!(async {
        let server = Server::start().await;
        (server.store(intercept::intercepted(&server.client(), intercept::unprocessed_batches)), server)
    });
}

/// The contract with partitions that exceed one answer.
mod short_pages {
    use taskbell_test_aws::{Server, intercept};

    taskbell_test::contract_tests!(async {
        let server = Server::start().await;
        (
            server.store(intercept::intercepted(&server.client(), intercept::three_items_per_page)),
            server,
        )
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
