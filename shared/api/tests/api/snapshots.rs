//! The whole response of each function to its event file.

use serde_json::json;
use taskbell_api::endpoint::{Body, ENDPOINTS};

use crate::support::World;

#[tokio::test]
async fn every_function_answers_its_event_as_recorded() {
    // The document has a test of its own.
    let is_document = |(_, body): &(u16, Body)| *body == Body::Document;
    for endpoint in ENDPOINTS {
        if endpoint.operations.iter().any(|operation| operation.responses.iter().any(is_document)) {
            continue;
        }
        let (world, ada, task) = World::seeded().await;
        let answer = world.send(&world.event(endpoint.name, &ada, &task).await).await;
        let mut body = answer.body;
        for secret in ["access_token", "refresh_token", "next_cursor"] {
            if let Some(value) = body.get_mut(secret).filter(|value| value.is_string()) {
                *value = json!("(different in each run)");
            }
        }
        let whole = json!({ "status": answer.status, "headers": answer.headers, "body": body });
        let text = serde_json::to_string_pretty(&whole).expect("JSON");
        insta::assert_snapshot!(endpoint.name.replace('-', "_"), text);
    }
}
