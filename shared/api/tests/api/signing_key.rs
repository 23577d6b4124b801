//! The custom resource: keys are created once per version, rotated without interruption, and CloudFormation always gets a
//! response.

use std::sync::{
    Mutex,
    atomic::{AtomicU32, Ordering},
};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use taskbell_api::{
    http::CursorKey,
    keys::KeyRing,
    links::LinkKeys,
    tokens::{Identity, Issuer, Verifier},
    workers::create_signing_key::{Request, handle},
};
use taskbell_domain::{
    id::SessionId,
    ports::{PortError, SigningKeyStore},
};
use taskbell_test::{
    ManualClock, SeededRandom,
    fixtures::{NOW, now, user},
    template::project,
};

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
    async fn read(&self) -> Result<Option<String>, PortError> {
        Ok(self.cell()?.lock().expect("not poisoned").clone())
    }

    async fn write(&self, keys: &str) -> Result<(), PortError> {
        *self.cell()?.lock().expect("not poisoned") = Some(keys.to_owned());
        Ok(())
    }

    async fn delete(&self) -> Result<(), PortError> {
        self.cell()?.lock().expect("not poisoned").take();
        Ok(())
    }
}

/// The response to a request of CloudFormation for a version of the keys at this time.
async fn ask_at(
    request_type: &str,
    version: &str,
    parameter: &impl SigningKeyStore,
    at: Timestamp,
) -> Value {
    let text =
        std::fs::read_to_string(project().join("events/create-signing-key.json")).expect("an event");
    let mut event: Value = serde_json::from_str(&text).expect("JSON");
    event["RequestType"] = json!(request_type);
    event["ResourceProperties"]["Version"] = json!(version);
    if request_type == "Create" {
        event.as_object_mut().expect("an object").remove("PhysicalResourceId");
    }
    let request: Request = serde_json::from_value(event).expect("a request of CloudFormation");
    let clock = ManualClock::at(NOW);
    clock.set(at);
    serde_json::to_value(handle(&request, parameter, &clock, at + SignedDuration::from_secs(30)).await)
        .expect("JSON")
}

async fn ask(request_type: &str, parameter: &impl SigningKeyStore) -> Value {
    ask_at(request_type, "1", parameter, now()).await
}

fn identity() -> Identity {
    let session = SessionId::generate(&ManualClock::at(NOW), &SeededRandom::new(5));
    Identity { user: user(1).id, session, issued_at: now() }
}

/// The keys in the parameter.
async fn stored(parameter: &Parameter) -> KeyRing {
    KeyRing::parse(&parameter.read().await.expect("no store error").expect("keys")).expect("keys")
}

#[tokio::test]
async fn keys_are_created_once_per_version() {
    let parameter = Parameter(Some(Mutex::default()));
    let made = ask("Create", &parameter).await;
    assert_eq!((&made["Status"], &made["RequestId"]), (&json!("SUCCESS"), &json!("example-request")));
    assert_eq!(made["NoEcho"], true);
    let text = |name: &str| made["Data"][name].as_str().expect("a text").to_owned();
    assert!(Verifier::new("taskbell", &text("PublicKeys")).is_ok());
    assert!(LinkKeys::parse(&text("LinkKeys")).is_ok());
    assert!(CursorKey::parse(&text("CursorKey")).is_ok());
    assert_eq!(stored(&parameter).await.public_keys().to_string(), text("PublicKeys"));
    let private = parameter.read().await.expect("no store error").expect("keys");
    let private: Value = serde_json::from_str(&private).expect("JSON");
    assert!(!made.to_string().contains(private[0]["key"].as_str().expect("a key")));
    for again in ["Create", "Update"] {
        let answer = ask(again, &parameter).await;
        assert_eq!(answer["Data"], made["Data"], "{again}");
        assert_eq!(answer["PhysicalResourceId"], made["PhysicalResourceId"], "{again}");
    }
}

#[tokio::test]
async fn a_new_version_rotates_all_keys_without_interruption() {
    let parameter = Parameter(Some(Mutex::default()));
    let before = ask("Create", &parameter).await;
    let old = stored(&parameter).await;
    let after = ask_at("Update", "2", &parameter, now()).await;
    let new = stored(&parameter).await;
    let name = "taskbell/test";
    let verifier = |answer: &Value| {
        Verifier::new(name, answer["Data"]["PublicKeys"].as_str().expect("keys")).expect("a verifier")
    };
    // During the update of a stack, some functions have the old keys and some the new ones.
    for (signer, verifier) in
        [(&old, verifier(&after)), (&new, verifier(&before)), (&new, verifier(&after))]
    {
        let issuer = Issuer::new(name.to_owned(), signer);
        let token = issuer.issue(identity(), &SeededRandom::new(1)).expect("a token");
        assert_eq!(verifier.verify(&token, now()), Some(identity()));
    }
    assert_ne!(after["Data"]["CursorKey"], before["Data"]["CursorKey"]);
    // A rollback requests the previous version.
    let back = ask_at("Update", "1", &parameter, now()).await;
    assert_eq!(back["Data"], before["Data"]);
}

#[tokio::test]
async fn a_new_version_recreates_deleted_or_invalid_keys() {
    for broken in [None, Some("no keys".to_owned())] {
        let parameter = Parameter(Some(Mutex::new(broken)));
        let answer = ask_at("Update", "2", &parameter, now()).await;
        assert_eq!(answer["Status"], "SUCCESS");
        assert_eq!(answer["Data"]["PublicKeys"], stored(&parameter).await.public_keys().to_string());
    }
}

#[tokio::test]
async fn deleting_the_stack_deletes_the_keys() {
    let parameter = Parameter(Some(Mutex::default()));
    ask("Create", &parameter).await;
    assert_eq!(ask("Delete", &parameter).await["Status"], "SUCCESS");
    assert!(parameter.cell().expect("a cell").lock().expect("not poisoned").is_none());
}

#[tokio::test(start_paused = true)]
async fn cloudformation_gets_a_response_on_failure() {
    for request_type in ["Create", "Update", "Delete"] {
        let began = tokio::time::Instant::now();
        let answer = ask(request_type, &Parameter(None)).await;
        assert_eq!(answer["Status"], "FAILED", "{request_type}");
        assert!(answer["Reason"].as_str().is_some_and(|reason| reason.contains("AccessDenied")));
        assert!(answer["PhysicalResourceId"].is_string());
        // The function has 30 seconds.
        assert_eq!(began.elapsed().as_secs(), 22);
    }
}

/// Never responds.
struct Hanging;

impl SigningKeyStore for Hanging {
    async fn read(&self) -> Result<Option<String>, PortError> {
        std::future::pending().await
    }

    async fn write(&self, _: &str) -> Result<(), PortError> {
        std::future::pending().await
    }

    async fn delete(&self) -> Result<(), PortError> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn cloudformation_gets_a_response_before_the_timeout_if_ssm_hangs() {
    for request_type in ["Create", "Delete"] {
        let began = tokio::time::Instant::now();
        let answer = ask(request_type, &Hanging).await;
        assert_eq!((&answer["Status"], began.elapsed().as_secs()), (&json!("FAILED"), 22));
        assert_eq!(answer["Reason"], "SSM did not respond in time");
    }
}

/// Denies this many calls, as SSM does until the role of the function has propagated.
struct Propagating(AtomicU32, Parameter);

impl Propagating {
    fn deny(&self) -> Result<(), PortError> {
        match self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
            Ok(_) => Parameter(None).cell().map(drop),
            Err(_) => Ok(()),
        }
    }
}

impl SigningKeyStore for Propagating {
    async fn read(&self) -> Result<Option<String>, PortError> {
        self.deny()?;
        self.1.read().await
    }

    async fn write(&self, keys: &str) -> Result<(), PortError> {
        self.deny()?;
        self.1.write(keys).await
    }

    async fn delete(&self) -> Result<(), PortError> {
        self.deny()?;
        self.1.delete().await
    }
}

#[tokio::test(start_paused = true)]
async fn access_denied_is_retried_until_the_role_has_propagated() {
    for denied in [1, 4, 8] {
        let parameter = Propagating(AtomicU32::new(denied), Parameter(Some(Mutex::default())));
        let answer = ask("Create", &parameter).await;
        assert_eq!(answer["Status"], "SUCCESS", "{denied}");
        assert_eq!(answer["Data"]["PublicKeys"], stored(&parameter.1).await.public_keys().to_string());
    }
}
