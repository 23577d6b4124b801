//! The OpenAPI document matches the functions. [`crate::described`] validates every response of every test.

use std::{collections::BTreeSet, io::Read};

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::read::GzDecoder;
use serde_json::Value;
use taskbell_api::{
    endpoint::{ENDPOINTS, Endpoint, RequestLimit},
    handlers::app::get_app::PATHS,
    http::codes::{ERROR_CODES, FIELD_ERROR_CODES},
    openapi::{DOCUMENT, document},
};
use taskbell_test::template::{project, resources};

use crate::{functions::name_of, support::World};

#[test]
fn the_served_document_is_current() {
    let served: Value = serde_json::from_str(DOCUMENT).expect("JSON");
    assert!(served == document(), "it is not current: make openapi");
}

#[test]
fn browsers_may_read_every_header_that_a_response_is_described_with() {
    let (_, api) = resources("AWS::Serverless::HttpApi").into_iter().next().expect("an API");
    let exposed = &api["Properties"]["CorsConfiguration"]["ExposeHeaders"];
    let exposed: BTreeSet<_> =
        exposed.as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    let document = document();
    let described = document["components"]["headers"].as_object().expect("headers").keys();
    for name in described.map(|name| name.to_lowercase()) {
        // Browsers may read Cache-Control always; the others are about requests that no browser sends.
        let is_other = ["cache-control", "accept", "accept-patch", "accept-encoding"];
        let is_exposed = exposed.contains(name.as_str());
        assert!(is_exposed || is_other.contains(&name.as_str()), "expose {name} in template.yaml");
    }
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
    let app = |method: &str, path: &str| ("get-app".to_owned(), method.to_owned(), path.to_owned());
    let app = PATHS.iter().flat_map(|path| [app("GET", path), app("HEAD", path)]);
    let mut described: BTreeSet<_> = app.collect();
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
    let missing: Vec<_> = described.difference(&routes).collect();
    assert!(missing.is_empty(), "add them to template.yaml: {missing:?}");
    let unknown: Vec<_> = routes.difference(&described).collect();
    assert!(unknown.is_empty(), "add them to endpoint.rs: {unknown:?}");
}

#[test]
fn every_endpoint_that_a_handler_defines_is_listed() {
    let folders = std::fs::read_dir(project().join("shared/api/src/handlers")).expect("the handlers");
    let folders = folders.flatten().filter_map(|folder| std::fs::read_dir(folder.path()).ok());
    let mut defined = 0;
    for file in folders.flatten().flatten().map(|file| file.path()) {
        let source = std::fs::read_to_string(&file).expect("a file");
        if source.contains("pub const ENDPOINT: Endpoint") {
            let name = file.file_stem().expect("a name").to_string_lossy().replace('_', "-");
            assert!(Endpoint::named(&name).is_some(), "add {name} to endpoint.rs");
            defined += 1;
        }
    }
    assert_eq!(defined, ENDPOINTS.len());
}

#[test]
fn every_binary_holds_its_callers_to_what_its_endpoint_says() {
    for endpoint in ENDPOINTS {
        let file = project().join(format!("functions/src/bin/{}.rs", endpoint.name));
        let source = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file:?}: {error}"));
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

#[tokio::test]
async fn the_document_is_compressed_on_request_and_not_sent_again_to_a_client_that_has_it() {
    let (world, ada, task) = World::seeded().await;
    let event = world.event("get-openapi", &ada, &task).await;
    let plain = world.send(&event).await;
    assert_eq!(plain.body, document());
    assert_eq!(plain.headers["cache-control"], "public, max-age=300");
    for (accepted, compressed) in [
        ("gzip", true),
        ("br;q=1.0, gzip;q=0.5", true),
        ("*", true),
        ("", false),
        ("identity", false),
        ("gzip;q=0", false),
        ("br, gzip; q=0.0", false),
    ] {
        let answer = world.send(&event.clone().header("accept-encoding", accepted)).await;
        let encoding = answer.headers.get("content-encoding").map(String::as_str);
        assert_eq!((encoding, answer.status), (compressed.then_some("gzip"), 200), "{accepted}");
        assert_eq!(
            (&answer.headers["vary"], &answer.headers["etag"]),
            (&"Accept-Encoding".to_owned(), &plain.headers["etag"])
        );
        if compressed {
            let bytes = STANDARD.decode(answer.body.as_str().expect("base64")).expect("base64");
            let mut text = String::new();
            GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).expect("gzip");
            assert_eq!(text, DOCUMENT);
            let mut head = event.clone().header("accept-encoding", accepted);
            head.json["requestContext"]["http"]["method"] = "HEAD".into();
            let head = world.send(&head).await;
            assert_eq!(head.headers["content-length"], bytes.len().to_string());
            assert!(bytes.len() * 5 < DOCUMENT.len(), "{} of {}", bytes.len(), DOCUMENT.len());
        }
    }
    let etag = &plain.headers["etag"];
    for (tags, status) in [(etag.as_str(), 304), (&etag[2..], 304), ("\"x\", *", 304), ("\"x\"", 200)] {
        let answer = world.send(&event.clone().header("if-none-match", tags)).await;
        assert_eq!(answer.status, status, "{tags}");
        assert_eq!(&answer.headers["etag"], etag);
    }
}
