//! Every function of the template has its binary, its event, its policy and its test without a token.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use taskbell_test::template::{project, resources, statements};

use crate::support::World;

/// Routes that anybody may call, and why.
const PUBLIC: &[(&str, &str)] = &[
    ("register-user", "makes the account"),
    ("log-in", "proves itself by the password"),
    ("refresh-session", "proves itself by the refresh token"),
    ("unsubscribe", "proves itself by the token in the mail"),
    ("run-action", "proves itself by the token in the mail"),
    ("verify-email", "proves itself by the token in the mail"),
    ("forgot-password", "says nothing, and mails to the account only"),
    ("reset-password", "proves itself by the code in the mail"),
    ("get-openapi", "describes what anybody may know"),
    ("get-health", "says nothing"),
];

/// One test for each function that answers only to a valid access token.
macro_rules! refuses_strangers {
    ($($test:ident = $function:literal,)+) => {
        const REFUSE_STRANGERS: &[&str] = &[$($function),+];
        $(#[tokio::test]
        async fn $test() {
            answers_401_to_strangers($function).await;
        })+
    };
}

refuses_strangers! {
    log_out_without_a_token_returns_401 = "log-out",
    get_profile_without_a_token_returns_401 = "get-profile",
    update_profile_without_a_token_returns_401 = "update-profile",
    create_task_without_a_token_returns_401 = "create-task",
    list_tasks_without_a_token_returns_401 = "list-tasks",
    get_task_without_a_token_returns_401 = "get-task",
    update_task_without_a_token_returns_401 = "update-task",
    delete_task_without_a_token_returns_401 = "delete-task",
    complete_task_without_a_token_returns_401 = "complete-task",
    reopen_task_without_a_token_returns_401 = "reopen-task",
    list_task_reminders_without_a_token_returns_401 = "list-task-reminders",
    skip_task_without_a_token_returns_401 = "skip-task",
    snooze_task_without_a_token_returns_401 = "snooze-task",
    send_verification_without_a_token_returns_401 = "send-verification",
    list_task_occurrences_without_a_token_returns_401 = "list-task-occurrences",
    create_space_without_a_token_returns_401 = "create-space",
    list_spaces_without_a_token_returns_401 = "list-spaces",
    get_space_without_a_token_returns_401 = "get-space",
    update_space_without_a_token_returns_401 = "update-space",
    delete_space_without_a_token_returns_401 = "delete-space",
    list_members_without_a_token_returns_401 = "list-members",
    update_member_without_a_token_returns_401 = "update-member",
    remove_member_without_a_token_returns_401 = "remove-member",
    invite_member_without_a_token_returns_401 = "invite-member",
    accept_invitation_without_a_token_returns_401 = "accept-invitation",
    create_comment_without_a_token_returns_401 = "create-comment",
    list_comments_without_a_token_returns_401 = "list-comments",
    update_comment_without_a_token_returns_401 = "update-comment",
    delete_comment_without_a_token_returns_401 = "delete-comment",
    batch_tasks_without_a_token_returns_401 = "batch-tasks",
    become_operator_without_a_token_returns_401 = "become-operator",
    list_users_without_a_token_returns_401 = "list-users",
    get_user_without_a_token_returns_401 = "get-user",
    update_user_without_a_token_returns_401 = "update-user",
    create_notification_without_a_token_returns_401 = "create-notification",
    get_notification_without_a_token_returns_401 = "get-notification",
    list_tags_without_a_token_returns_401 = "list-tags",
    list_categories_without_a_token_returns_401 = "list-categories",
    get_stats_without_a_token_returns_401 = "get-stats",
    list_invitations_without_a_token_returns_401 = "list-invitations",
    revoke_invitation_without_a_token_returns_401 = "revoke-invitation",
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
fn every_route_is_public_on_purpose_or_refuses_strangers() {
    for (id, function) in resources("AWS::Serverless::Function") {
        let events = function["Properties"]["Events"].as_object().cloned().unwrap_or_default();
        let served = events.values().any(|event| event["Type"] == "HttpApi");
        let name = name_of(&id);
        let public = PUBLIC.iter().any(|(function, _)| *function == name);
        let tested = REFUSE_STRANGERS.contains(&name.as_str());
        assert_eq!(served, public != tested, "{name}: public {public}, tested {tested}");
    }
}

#[test]
fn every_role_names_its_actions_and_resources() {
    for (id, function) in resources("AWS::Serverless::Function") {
        let policies = function["Properties"]["Policies"].as_array().cloned().unwrap_or_default();
        if ["GetHealthFunction", "GetOpenapiFunction"].contains(&id.as_str()) {
            assert!(policies.is_empty(), "it touches nothing");
            continue;
        }
        let limited = policies.contains(&json!({"Ref": "RateLimitPolicy"}));
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
                assert!(!resource.contains('*'), "{id}: {resource}");
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
    let may = ["log-in", "register-user", "forgot-password", "reset-password"];
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
