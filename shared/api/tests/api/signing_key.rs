//! The custom resource: a key is made once, never replaced, and CloudFormation always gets an answer.

use std::sync::Mutex;

use serde_json::{Value, json};
use taskbell_api::{
    http::CursorKey,
    tokens::{SigningKey, Verifier},
    workers::create_signing_key::{Request, handle},
};
use taskbell_domain::ports::{PortError, SigningKeyStore};
use taskbell_test::template::project;

/// A parameter in memory; `None` refuses every call.
struct Parameter(Option<Mutex<Option<String>>>);

impl Parameter {
    fn cell(&self) -> Result<&Mutex<Option<String>>, PortError> {
        let refused =
            || PortError { operation: "SSM", transient: false, source: "AccessDenied".into() };
        self.0.as_ref().ok_or_else(refused)
    }
}

impl SigningKeyStore for Parameter {
    async fn read(&self) -> Result<String, PortError> {
        Ok(self.cell()?.lock().expect("not poisoned").clone().expect("a key"))
    }

    async fn create(&self, key: &str) -> Result<bool, PortError> {
        let mut stored = self.cell()?.lock().expect("not poisoned");
        let absent = stored.is_none();
        stored.get_or_insert_with(|| key.to_owned());
        Ok(absent)
    }

    async fn delete(&self) -> Result<(), PortError> {
        self.cell()?.lock().expect("not poisoned").take();
        Ok(())
    }
}

async fn ask(request_type: &str, parameter: &Parameter) -> Value {
    let text =
        std::fs::read_to_string(project().join("events/create-signing-key.json")).expect("an event");
    let mut event: Value = serde_json::from_str(&text).expect("JSON");
    event["RequestType"] = json!(request_type);
    if request_type == "Create" {
        event.as_object_mut().expect("an object").remove("PhysicalResourceId");
    }
    let request: Request = serde_json::from_value(event).expect("a request of CloudFormation");
    serde_json::to_value(handle(&request, parameter).await).expect("JSON")
}

#[tokio::test]
async fn a_key_is_made_once_and_never_replaced() {
    let parameter = Parameter(Some(Mutex::default()));
    let made = ask("Create", &parameter).await;
    assert_eq!((&made["Status"], &made["RequestId"]), (&json!("SUCCESS"), &json!("example-request")));
    let public = made["Data"]["PublicKey"].as_str().expect("a public key");
    assert!(Verifier::new("taskbell", public).is_ok());
    let stored = SigningKey::parse(&parameter.read().await.expect("stored")).expect("a key");
    assert_eq!(stored.public_key(), public);
    let cursors = made["Data"]["CursorKey"].as_str().expect("a key for cursors");
    assert!(CursorKey::parse(cursors).is_ok());
    for again in ["Create", "Update"] {
        let answer = ask(again, &parameter).await;
        assert_eq!(answer["Data"]["CursorKey"], cursors, "{again}");
        assert_eq!(answer["Data"]["PublicKey"], public, "{again}");
        assert_eq!(answer["PhysicalResourceId"], made["PhysicalResourceId"], "{again}");
    }
}

#[tokio::test]
async fn another_key_pair_brings_another_key_for_cursors() {
    let [one, other] = [(), ()].map(|()| SigningKey::generate().expect("a key"));
    assert_ne!(one.cursor_key(), other.cursor_key());
    let same = SigningKey::parse(&one.to_text()).expect("a key");
    assert_eq!(same.cursor_key(), one.cursor_key());
    assert_ne!(one.cursor_key(), one.public_key());
    assert!(!one.to_text().contains(&one.cursor_key()), "it tells nothing of the private half");
}

#[tokio::test]
async fn deleting_the_stack_deletes_the_key() {
    let parameter = Parameter(Some(Mutex::default()));
    ask("Create", &parameter).await;
    assert_eq!(ask("Delete", &parameter).await["Status"], "SUCCESS");
    assert!(parameter.cell().expect("a cell").lock().expect("not poisoned").is_none());
}

#[tokio::test]
async fn a_failure_is_answered_too() {
    for request_type in ["Create", "Update", "Delete"] {
        let answer = ask(request_type, &Parameter(None)).await;
        assert_eq!(answer["Status"], "FAILED", "{request_type}");
        assert!(answer["Reason"].as_str().is_some_and(|reason| reason.contains("AccessDenied")));
        assert!(answer["PhysicalResourceId"].is_string());
    }
}
