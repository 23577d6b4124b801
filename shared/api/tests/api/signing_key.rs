//! The custom resource: keys are made once for a version, one takes the place of another without a gap, and
//! CloudFormation always gets an answer.

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

/// What CloudFormation is answered when it asks for a version of the keys at this moment.
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
    KeyRing::parse(&parameter.read().await.expect("an answer").expect("keys")).expect("keys")
}

#[tokio::test]
async fn keys_are_made_once_for_a_version() {
    let parameter = Parameter(Some(Mutex::default()));
    let made = ask("Create", &parameter).await;
    assert_eq!((&made["Status"], &made["RequestId"]), (&json!("SUCCESS"), &json!("example-request")));
    assert_eq!(made["NoEcho"], true);
    let text = |name: &str| made["Data"][name].as_str().expect("a text").to_owned();
    assert!(Verifier::new("taskbell", &text("PublicKeys")).is_ok());
    assert!(LinkKeys::parse(&text("LinkKeys")).is_ok());
    assert!(CursorKey::parse(&text("CursorKey")).is_ok());
    assert_eq!(stored(&parameter).await.public_keys().to_string(), text("PublicKeys"));
    let private = parameter.read().await.expect("an answer").expect("keys");
    let private: Value = serde_json::from_str(&private).expect("JSON");
    assert!(!made.to_string().contains(private[0]["key"].as_str().expect("a key")));
    for again in ["Create", "Update"] {
        let answer = ask(again, &parameter).await;
        assert_eq!(answer["Data"], made["Data"], "{again}");
        assert_eq!(answer["PhysicalResourceId"], made["PhysicalResourceId"], "{again}");
    }
}

#[tokio::test]
async fn a_new_version_has_all_that_sign_and_verify_change_to_another_key_without_a_gap() {
    let parameter = Parameter(Some(Mutex::default()));
    let before = ask("Create", &parameter).await;
    let old = stored(&parameter).await;
    let after = ask_at("Update", "2", &parameter, now()).await;
    let new = stored(&parameter).await;
    let name = "taskbell/test";
    let verifier = |answer: &Value| {
        Verifier::new(name, answer["Data"]["PublicKeys"].as_str().expect("keys")).expect("a verifier")
    };
    // While the stack is being updated, some functions have the keys of before and some those of after.
    for (signer, verifier) in
        [(&old, verifier(&after)), (&new, verifier(&before)), (&new, verifier(&after))]
    {
        let issuer = Issuer::new(name.to_owned(), signer);
        let token = issuer.issue(identity(), &SeededRandom::new(1)).expect("a token");
        assert_eq!(verifier.verify(&token, now()), Some(identity()));
    }
    assert_ne!(after["Data"]["CursorKey"], before["Data"]["CursorKey"]);
    // A rollback asks for the version before.
    let back = ask_at("Update", "1", &parameter, now()).await;
    assert_eq!(back["Data"], before["Data"]);
}

#[tokio::test]
async fn keys_that_were_deleted_or_broken_are_made_again_by_a_new_version() {
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
async fn a_failure_is_answered_too() {
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

/// Never answers.
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
async fn a_service_that_hangs_is_answered_for_before_the_function_ends() {
    for request_type in ["Create", "Delete"] {
        let began = tokio::time::Instant::now();
        let answer = ask(request_type, &Hanging).await;
        assert_eq!((&answer["Status"], began.elapsed().as_secs()), (&json!("FAILED"), 22));
        assert_eq!(answer["Reason"], "SSM did not answer in time");
    }
}

/// Denies so many calls, as SSM does while the function's role is not known everywhere yet.
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
async fn a_role_that_is_not_known_everywhere_yet_is_waited_for() {
    for denied in [1, 4, 8] {
        let parameter = Propagating(AtomicU32::new(denied), Parameter(Some(Mutex::default())));
        let answer = ask("Create", &parameter).await;
        assert_eq!(answer["Status"], "SUCCESS", "{denied}");
        assert_eq!(answer["Data"]["PublicKeys"], stored(&parameter.1).await.public_keys().to_string());
    }
}
