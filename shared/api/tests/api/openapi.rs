//! The OpenAPI document matches the functions. [`crate::described`] validates every response of every test.

use std::collections::BTreeSet;

use serde_json::Value;
use taskbell_api::{
    endpoint::{ENDPOINTS, RequestLimit},
    http::codes::{ERROR_CODES, FIELD_ERROR_CODES},
    openapi::{DOCUMENT, document},
};
use taskbell_test::template::{project, resources};

use crate::functions::name_of;

#[test]
fn the_served_document_is_current() {
    let served: Value = serde_json::from_str(DOCUMENT).expect("JSON");
    assert!(served == document(), "it is not current: make openapi");
}

#[test]
fn the_template_routes_exactly_the_operations_of_the_endpoints() {
    let mut routes = BTreeSet::new();
    for (id, function) in resources("AWS::Serverless::Function") {
        let events = function["Properties"]["Events"].as_object().cloned().unwrap_or_default();
        for event in events.values().filter(|event| event["Type"] == "HttpApi") {
            let of = |name: &str| event["Properties"][name].as_str().expect("a text").to_owned();
            routes.insert((name_of(&id), of("Method"), of("Path")));
        }
    }
    let mut described = BTreeSet::new();
    for endpoint in ENDPOINTS {
        for operation in endpoint.operations {
            let route =
                |method: &str| (endpoint.name.to_owned(), method.to_owned(), endpoint.path.to_owned());
            described.insert(route(operation.method));
            if operation.method == "GET" {
                described.insert(route("HEAD"));
            }
        }
    }
    assert_eq!(routes, described);
}

#[test]
fn every_binary_holds_its_callers_to_what_its_endpoint_says() {
    for endpoint in ENDPOINTS {
        let file = project().join(format!("functions/src/bin/{}.rs", endpoint.name));
        let source = std::fs::read_to_string(file).expect("a binary");
        let handler = endpoint.name.replace('-', "_");
        let unlimited = matches!(endpoint.rate_limit, RequestLimit::None);
        let guarded = source.contains(&format!("env.callers({handler}::ENDPOINT)"));
        assert_eq!(guarded, !unlimited, "{}", endpoint.name);
        assert_eq!(source.contains("NoGuard"), unlimited, "{}", endpoint.name);
        assert!(source.contains(&format!("{handler}::handle(")), "{}", endpoint.name);
    }
}

#[test]
fn every_code_of_a_problem_is_one_of_an_operation_and_every_operation_names_known_codes() {
    let known: BTreeSet<_> = ERROR_CODES.iter().map(|known| known.code).collect();
    assert_eq!(known.len(), ERROR_CODES.len(), "each once");
    let document = document().to_string();
    for code in &known {
        assert!(document.contains(&format!("\"{code}\"")), "no operation answers {code}");
    }
    for endpoint in ENDPOINTS {
        for code in endpoint.operations.iter().flat_map(|operation| operation.errors) {
            assert!(known.contains(code), "{}: {code}", endpoint.name);
        }
    }
    let fields: BTreeSet<_> = FIELD_ERROR_CODES.iter().map(|(code, _)| code).collect();
    assert_eq!(fields.len(), FIELD_ERROR_CODES.len(), "each once");
}
