//! What programs may do with an API token: every endpoint with every scope, and tokens that are confined to a space.

use std::collections::BTreeMap;

use taskbell_api::endpoint::{Access, ENDPOINTS, Programs};
use taskbell_domain::{
    api_token::{ApiScope, ApiToken},
    id::SpaceId,
    ports::ApiTokenChanges,
    user::User,
};
use taskbell_test::fixtures::{api_token, api_token_secret, space};

use super::{SECRETS, Scene, scene::Caller, status, table};
use crate::support::{Event, World};

/// The decision for each endpoint that needs a token: the scope, or that programs are refused. It is stated here again,
/// because an endpoint that gives programs too much harms every user who has given a token away.
const DECISIONS: &str = "
accept-invitation       spaces:write
batch-tasks             tasks:write
become-operator         -
change-email            -
change-password         -
complete-task           tasks:write
confirm-email           -
create-api-token        -
create-comment          tasks:write
create-notification     -
create-space            spaces:write
create-task             tasks:write
delete-api-token        -
delete-comment          tasks:write
delete-space            spaces:write
delete-task             tasks:write
end-other-sessions      -
end-session             -
get-notification        -
get-profile             profile:read
get-space               spaces:read
get-stats               tasks:read
get-task                tasks:read
get-user                -
invite-member           spaces:write
list-api-tokens         -
list-categories         tasks:read
list-changes            tasks:read
list-comments           tasks:read
list-invitations        spaces:read
list-members            spaces:read
list-sessions           -
list-spaces             spaces:read
list-tags               tasks:read
list-task-occurrences   tasks:read
list-task-reminders     tasks:read
list-tasks              tasks:read
list-users              -
log-out                 -
open-live               -
remove-member           spaces:write
reopen-task             tasks:write
revoke-invitation       spaces:write
send-verification       -
skip-task               tasks:write
snooze-task             tasks:write
update-comment          tasks:write
update-member           spaces:write
update-profile          -
update-space            spaces:write
update-task             tasks:write
update-user             -
";

/// A token that user 1 has besides that of the fixtures, and the header that has it.
async fn add_token(world: &World, token: ApiToken, owner: &User) -> String {
    let version = world.store.api_tokens(owner.id).await.expect("an answer").version;
    assert!(world.store.add_api_token(&token, version, &[]).await.expect("an answer"));
    format!("Bearer {}", api_token_secret(9, owner).to_text())
}

#[tokio::test]
async fn every_endpoint_accepts_the_one_scope_that_was_decided_for_it() {
    let decided = DECISIONS.lines().filter_map(|line| line.split_once(' '));
    let mut decided: BTreeMap<_, _> = decided.map(|(name, what)| (name, what.trim())).collect();
    let protected = ENDPOINTS.iter().filter(|endpoint| endpoint.access != Access::Public);
    for endpoint in protected {
        let name = endpoint.name;
        let decision = decided.remove(name).unwrap_or_else(|| panic!("decide the scope of {name}"));
        for scope in ApiScope::ALL {
            let (world, ada, task) = World::seeded().await;
            let token = ApiToken { scopes: vec![*scope], ..api_token(9, &ada) };
            let bearer = add_token(&world, token, &ada).await;
            let event = world.event(name, &ada, &task).await.header("authorization", &bearer);
            let before = world.store.contents();
            let answer = world.send(&event).await;
            let found = (answer.status, answer.code());
            if decision == scope.as_str() {
                let is_accepted = answer.status < 300 || answer.code() == "not_recurring";
                assert!(is_accepted, "{name} with {scope:?}: {}", answer.body);
                continue;
            }
            let expected = match decision {
                "-" => (403, "session_required"),
                needed => {
                    let challenge = &answer.headers["www-authenticate"];
                    assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
                    assert!(challenge.contains(&format!("scope=\"{needed}\"")), "{challenge}");
                    (403, "insufficient_scope")
                }
            };
            assert_eq!(found, expected, "{name} with {scope:?}: {}", answer.body);
            assert_eq!(world.store.contents(), before, "{name} with {scope:?}");
        }
        if decision == "-" {
            assert_eq!(endpoint.access.programs(), Programs::Refused, "{name}");
        }
    }
    assert!(decided.is_empty(), "there are no such endpoints: {decided:?}");
}

/// The request with a token of the owner for everything in one space.
async fn confined(scene: &Scene, event: Event, space: SpaceId) -> Event {
    let owner = scene.user();
    let token = ApiToken { space: Some(space), ..api_token(9, owner) };
    let bearer = add_token(&scene.world, token, owner).await;
    event.header("authorization", &bearer)
}

#[tokio::test]
async fn a_token_that_is_confined_to_a_space_reaches_nothing_else() {
    let mut wrong = Vec::new();
    let mut tried = [0, 0];
    let rows = table().into_iter().filter(|row| {
        let endpoint = ENDPOINTS.iter().find(|endpoint| endpoint.name == row.function);
        endpoint.is_some_and(|endpoint| matches!(endpoint.access.programs(), Programs::WithScope(_)))
    });
    for row in rows {
        for (place, is_shared) in [("personal", false), ("shared", true)] {
            let scene = Scene::new(&row.function, Caller::Owner).await;
            let owner = scene.user().clone();
            let only = if is_shared { space(1, &owner).0.id } else { SpaceId::personal(owner.id) };
            let event = confined(&scene, scene.event(&row).await, only).await;
            let before = scene.world.store.contents();
            let answer = scene.world.send(&event).await;
            let changed = scene.world.store.contents() != before;
            let text = answer.body.to_string();
            let case = row.case.as_str();
            let within = match case.split(':').next_back().unwrap_or(case) {
                _ if row.path == "/v1/spaces" && row.method == "POST" => false,
                _ if row.path == "/v1/invitations/accept" => false,
                "personal" => !is_shared,
                "shared" | "own" | "others" | "to-removed" => is_shared,
                _ => row.expected_status(0) < 300 && row.path.contains("{space_id}") && is_shared,
            };
            let mut report = |what: &str| {
                let (method, path) = (&row.method, &row.path);
                wrong.push(format!("{method} {path} ({case}), only {place}: {what}: {text}"));
            };
            if within {
                tried[0] += 1;
                if status(&answer) != row.expected_status(0) {
                    report(&format!("{} instead of {}", status(&answer), row.expected_status(0)));
                }
                continue;
            }
            tried[1] += 1;
            if changed {
                report("something has changed");
            }
            let secrets: &[&str] = if is_shared { &["Mine", "Comment 5"] } else { &SECRETS };
            if secrets.iter().any(|secret| text.contains(secret)) {
                report("it discloses something");
            }
            let names_a_space = ["shared", "personal", "private", "own", "others", "to-removed"];
            let named = names_a_space.iter().any(|name| case.split(':').any(|part| part == *name));
            if named && status(&answer) < 400 {
                report("it was accepted");
            }
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    assert!(tried[0] > 40 && tried[1] > 100, "{tried:?}");
}
