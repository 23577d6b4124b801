//! The function that serves the browser app.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use taskbell_api::{
    handlers::app::get_app::{self, Policy},
    http::{HttpEvent, HttpResponse, Invocation, NoGuard, respond},
};
use taskbell_test::{
    ManualClock, SeededRandom,
    fixtures::{NOW, now},
    template::project,
};
use taskbell_web::{FILES, HASH, file};

use crate::described::decompressed;

/// The response to a request for a path below `/app/`, or for the page.
async fn get(file: Option<&str>, headers: &[(&str, &str)]) -> HttpResponse {
    let event = std::fs::read_to_string(project().join("events/get-app.json")).expect("an event file");
    let mut event: Value = serde_json::from_str(&event).expect("JSON");
    for (name, value) in headers {
        event["headers"][*name] = json!(value);
    }
    if let Some(file) = file {
        event["pathParameters"] = json!({ "file": file });
    }
    let event: HttpEvent = serde_json::from_str(&event.to_string()).expect("JSON");
    let (clock, random) = (&ManualClock::at(NOW), &SeededRandom::new(1));
    let invocation = Invocation { deadline: now(), clock, random };
    let policy = Policy::new("wss://live.example.com/live");
    respond(event, invocation, &NoGuard, async |call| get_app::handle(call, &policy).await).await
}

const GZIP: (&str, &str) = ("accept-encoding", "gzip");
const BROTLI: (&str, &str) = ("accept-encoding", "gzip, deflate, br");

#[tokio::test]
async fn the_page_names_files_of_its_own_release() {
    let page = get(None, &[]).await;
    assert_eq!((page.status_code.as_u16(), page.is_base64_encoded), (200, false));
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    assert_eq!(page.headers["cache-control"], "no-cache");
    let quoted = page.body.split('"').filter_map(|text| text.strip_prefix("app/"));
    let named: Vec<_> = quoted.collect();
    assert!(named.len() >= 3, "{named:?}");
    for name in named {
        let file = get(Some(name), &[]).await;
        assert_eq!(file.status_code.as_u16(), 200, "{name}");
        let is_hashed = name.starts_with(HASH);
        let is_kept = file.headers["cache-control"] == "public, max-age=31536000, immutable";
        assert_eq!(is_hashed, is_kept, "{name}: only what has a URL of its own may be kept for long");
    }
    assert!(!page.body.contains("{{"));
}

#[tokio::test]
async fn a_page_runs_only_scripts_of_this_host_and_connects_only_to_it() {
    let policy = get(None, &[]).await.headers["content-security-policy"].clone();
    let rules: Vec<_> = policy.split("; ").collect();
    for rule in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self' wss://live.example.com",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ] {
        assert!(rules.contains(&rule), "{rule} is not in {policy}");
    }
    for loose in ["unsafe", "*", "http:", "https:", "blob:"] {
        assert!(!policy.contains(loose), "{loose} in {policy}");
    }
    for file in FILES {
        let name = file.name;
        let content = std::fs::read(project().join("shared/web/app").join(name)).expect(name);
        let Ok(text) = String::from_utf8(content) else {
            assert!(name.ends_with(".png"), "{name}");
            continue;
        };
        // The names of XML vocabularies are no addresses.
        let text = text.replace("http://www.w3.org/", "");
        assert!(!text.contains("http://") && !text.contains("https://"), "{name} names another host");
        assert!(!text.contains(".innerHTML") && !text.contains("eval("), "{name}");
    }
}

#[tokio::test]
async fn a_file_is_compressed_if_the_client_accepts_it_and_not_sent_again() {
    let name = format!("{HASH}/main.js");
    let (plain, compressed) = (get(Some(&name), &[]).await, get(Some(&name), &[GZIP]).await);
    assert_eq!((plain.is_base64_encoded, compressed.is_base64_encoded), (false, true));
    assert_eq!(compressed.headers["content-encoding"], "gzip");
    assert_eq!(decompressed(&compressed.body), plain.body);
    let smaller = get(Some(&name), &[BROTLI]).await;
    assert_eq!((smaller.is_base64_encoded, &smaller.headers["content-encoding"][..]), (true, "br"));
    let mut text = Vec::new();
    let bytes = STANDARD.decode(&smaller.body).expect("base64");
    brotli::BrotliDecompress(&mut bytes.as_slice(), &mut text).expect("Brotli");
    assert_eq!(String::from_utf8(text).expect("UTF-8"), plain.body);
    assert!(smaller.body.len() < compressed.body.len());
    assert_eq!(plain.headers["content-type"], "text/javascript; charset=utf-8");
    let tag = &plain.headers["etag"];
    for other in [&compressed, &smaller] {
        assert_eq!((tag, &other.headers["vary"][..]), (&other.headers["etag"], "Accept-Encoding"));
    }
    for known in [tag, "*", &format!("\"x\", {tag}")] {
        let unchanged = get(Some(&name), &[GZIP, ("if-none-match", known)]).await;
        assert_eq!((unchanged.status_code.as_u16(), unchanged.body), (304, String::new()), "{known}");
        assert_eq!(unchanged.headers["etag"], *tag);
    }
    let changed = get(Some(&name), &[GZIP, ("if-none-match", "\"x\"")]).await;
    assert_eq!(changed.status_code.as_u16(), 200);
}

#[tokio::test]
async fn a_picture_is_sent_as_it_is() {
    let picture = get(Some(&format!("{HASH}/icon-180.png")), &[]).await;
    assert_eq!((picture.is_base64_encoded, &picture.headers["content-type"][..]), (true, "image/png"));
    assert!(!picture.headers.contains_key("content-encoding"));
    let path = project().join("shared/web/app/icon-180.png");
    assert_eq!(STANDARD.decode(&picture.body).expect("base64"), std::fs::read(path).expect("the file"));
}

#[tokio::test]
async fn only_files_of_the_app_are_found() {
    for name in [
        "main.js",
        "index.html",
        &format!("{HASH}/index.html"),
        &format!("{HASH}/sw.js"),
        "0000000000000000/main.js",
        &format!("{HASH}/"),
        &format!("{HASH}/../{HASH}/main.js"),
        &format!("{HASH}/missing.js"),
        "../main.js",
        "/",
        "sw.js/",
        "%2e%2e",
    ] {
        assert_eq!(get(Some(name), &[]).await.status_code.as_u16(), 404, "{name}");
    }
}

#[tokio::test]
async fn the_service_worker_may_control_the_page_above_its_folder() {
    let worker = get(Some("sw.js"), &[]).await;
    assert_eq!(worker.headers["service-worker-allowed"], "../");
    assert_eq!(worker.headers["cache-control"], "no-cache", "a new release must be found");
    assert!(worker.body.contains(HASH), "it changes with each release");
    let hashed = get(Some(&format!("{HASH}/main.js")), &[]).await;
    assert!(!hashed.headers.contains_key("service-worker-allowed"));
}

/// The modules that a module loads at once, and theirs. Those of `import()` are loaded later.
fn load(name: &str, loaded: &mut BTreeSet<String>) {
    if !loaded.insert(name.to_owned()) {
        return;
    }
    let source = std::fs::read_to_string(project().join("shared/web/app").join(name)).expect(name);
    for (_, rest) in
        source.match_indices(" from \"./").map(|(at, mark)| source.split_at(at + mark.len()))
    {
        load(rest.split('"').next().expect("the end of the name"), loaded);
    }
}

#[test]
fn the_first_view_is_smaller_than_60_kilobytes() {
    let mut loaded =
        BTreeSet::from(["index.html", "app.css", "tasks.css", "icon.svg"].map(str::to_owned));
    load("main.js", &mut loaded);
    assert!(loaded.len() > 20 && !loaded.contains("task-editor.js"), "{loaded:?}");
    let bytes: usize = loaded.iter().map(|name| file(name).expect("a file").brotli.len()).sum();
    assert!(bytes < 60_000, "{bytes} bytes");
}

#[test]
fn the_whole_app_is_smaller_than_110_kilobytes() {
    // The service worker loads all of it in the background.
    let bytes: usize = FILES.iter().map(|file| file.brotli.len()).sum();
    assert!(bytes < 110_000, "{bytes} bytes");
}
