//! Every function of the template has a binary, an event, a policy and a test without a token.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use taskbell_api::endpoint::{Access, ENDPOINTS, Endpoint, RequestLimit};
use taskbell_test::template::{project, resources, statements};

use crate::support::World;

#[tokio::test]
async fn every_endpoint_for_users_answers_401_without_a_valid_access_token() {
    let protected = ENDPOINTS.iter().filter(|endpoint| endpoint.access != Access::Public);
    let mut checked = 0;
    for endpoint in protected {
        answers_401_to_strangers(endpoint.name).await;
        checked += 1;
    }
    assert!(checked > 35, "{checked}");
}

async fn answers_401_to_strangers(function: &str) {
    let (world, ada, task) = World::seeded().await;
    let event = world.event(function, &ada, &task).await;
    let token = world.access_token(&ada);
    for bad in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer x.y.z",
        &format!("Basic {token}"),
        &format!("Bearer {token}x"),
    ] {
        let answer = world.send(&event.clone().header("authorization", bad)).await;
        assert_eq!((answer.status, answer.code()), (401, "unauthorized"), "{bad}");
        assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"taskbell\"");
    }
    let answer = world.send(&event.clone().without_header("authorization")).await;
    assert_eq!((answer.status, answer.code()), (401, "unauthorized"));
    world.clock.advance(taskbell_api::tokens::LIFETIME);
    assert_eq!(world.send(&event).await.status, 401, "an expired token");
    assert_eq!(world.stored(task.id).await, task, "nothing has happened");
}

/// `create-task` of `CreateTaskFunction`.
pub(crate) fn name_of(logical_id: &str) -> String {
    let words = logical_id.strip_suffix("Function").expect("a function's id ends with Function");
    let mut name = String::new();
    for letter in words.chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

fn files(folder: &str, extension: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(project().join(folder)).expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
    names.filter_map(|name| name.strip_suffix(extension).map(str::to_owned)).collect()
}

#[test]
fn every_function_has_one_name_everywhere() {
    let functions = resources("AWS::Serverless::Function");
    let names: BTreeSet<_> = functions.keys().map(|id| name_of(id)).collect();
    assert_eq!(files("functions/src/bin", ".rs"), names, "binaries");
    assert_eq!(files("events", ".json"), names, "event files");
    for (id, function) in &functions {
        let code = format!("target/lambda/{}/", name_of(id));
        assert_eq!(function["Properties"]["CodeUri"], Value::String(code), "{id}");
    }
}

#[test]
fn every_role_names_its_actions_and_resources() {
    for (id, function) in resources("AWS::Serverless::Function") {
        let policies = function["Properties"]["Policies"].as_array().cloned().unwrap_or_default();
        let endpoint = Endpoint::named(&name_of(&id));
        let is_app = name_of(&id) == "get-app";
        if is_app || endpoint.is_some_and(|endpoint| matches!(endpoint.rate_limit, RequestLimit::None))
        {
            assert!(policies.is_empty(), "it touches nothing");
            continue;
        }
        let limited = ["RateLimitPolicy", "UserRequestPolicy", "ProgramRequestPolicy"];
        let limited = limited.iter().any(|name| policies.contains(&json!({ "Ref": name })));
        let served = function["Properties"]["Events"].to_string().contains("HttpApi");
        assert!(limited || !served, "{id}: every function of the API counts requests");
        for statement in statements(&function) {
            assert_eq!(statement["Effect"], "Allow");
            for action in statement["Action"].as_array().expect("actions") {
                let action = action.as_str().expect("an action");
                assert!(!action.contains('*') && action != "dynamodb:Scan", "{id}: {action}");
            }
            let resource = statement["Resource"].to_string();
            let mails = statement["Action"] == json!(["ses:SendRawEmail"]);
            if mails {
                let sender = &statement["Condition"]["StringEqualsIgnoreCase"]["ses:FromAddress"];
                assert_eq!(sender, &json!({"Ref": "SenderAddress"}), "{id}");
            } else {
                // Connections have no names that are known before.
                let named = resource.replace("/live/POST/@connections/*", "");
                let named = named.replace("/live/DELETE/@connections/*", "");
                assert!(!named.contains('*'), "{id}: {resource}");
            }
            let table = resource.contains("TasksTable") || resource.contains("AccountsTable");
            let table = table && !resource.contains("StreamArn");
            let keys = &statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
            assert!(!table || keys.is_array(), "{id} may touch every item of a table");
        }
    }
}

#[test]
fn the_rate_limit_policy_allows_only_updates_of_rate_limit_items() {
    let policies = resources("AWS::IAM::ManagedPolicy");
    let document = &policies["RateLimitPolicy"]["Properties"]["PolicyDocument"];
    let statements = document["Statement"].as_array().expect("statements");
    assert_eq!(statements.len(), 1);
    assert_eq!(statements[0]["Action"], json!(["dynamodb:UpdateItem"]));
    let keys = &statements[0]["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
    assert_eq!(keys, &json!(["LIMIT#*"]));
}

#[test]
fn shared_policies_are_used_by_several_functions_and_fit_into_the_quota_of_a_role() {
    // The default quota of managed policies per role ("IAM and AWS STS quotas"), and the policy that SAM attaches for logs.
    const QUOTA: usize = 10;
    const ATTACHED_BY_SAM: usize = 1;
    let mut uses = BTreeMap::<String, usize>::new();
    for (id, function) in resources("AWS::Serverless::Function") {
        let policies = function["Properties"]["Policies"].as_array().cloned().unwrap_or_default();
        let shared: Vec<_> = policies.iter().filter_map(|policy| policy["Ref"].as_str()).collect();
        assert!(shared.len() + ATTACHED_BY_SAM <= QUOTA, "{id}: {shared:?}");
        for policy in shared {
            *uses.entry(policy.to_owned()).or_default() += 1;
        }
    }
    for policy in resources("AWS::IAM::ManagedPolicy").keys() {
        let used = uses.get(policy).copied().unwrap_or_default();
        assert!(used >= 3, "{policy} is used by {used} functions");
    }
}

#[test]
fn only_what_is_about_passwords_may_touch_their_hashes() {
    let may = [
        "log-in",
        "register-user",
        "invite-user",
        "forgot-password",
        "reset-password",
        "create-api-token",
        "delete-account",
        "delete-user",
        "start-second-factor",
        "delete-second-factor",
        "remove-second-factor",
        "change-password",
        "change-email",
        "confirm-email",
        "undo-email-change",
    ];
    for (id, function) in resources("AWS::Serverless::Function") {
        let reaches = statements(&function).iter().any(|one| one.to_string().contains("EMAIL#"));
        assert_eq!(reaches, may.contains(&name_of(&id).as_str()), "{id}");
    }
}

#[test]
fn only_those_who_issue_tokens_may_read_the_private_key() {
    for (id, function) in resources("AWS::Serverless::Function") {
        let reads =
            statements(&function).iter().any(|one| one.to_string().contains("ssm:GetParameter"));
        let may = ["LogInFunction", "RefreshSessionFunction", "CreateSigningKeyFunction"];
        assert_eq!(reads, may.contains(&id.as_str()), "{id}");
    }
}
