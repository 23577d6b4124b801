//! The bodies of requests and responses. Tests hold the requests against what the handlers accept and refuse, and the
//! responses against what they send.

macro_rules! words {
    ($(#[$doc:meta])* $name:ident: $($(#[$meta:meta])* $variant:ident),+ $(,)?) => {
        $(#[$doc])*
        #[derive(serde::Serialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        #[allow(missing_docs, reason = "the description of the enum explains its values")]
        pub enum $name { $($(#[$meta])* $variant),+ }
    };
}

pub mod accounts;
pub mod api_tokens;
pub mod batch;
pub mod changes;
pub mod operators;
pub mod problem;
pub mod second_factor;
pub mod sessions;
pub mod spaces;
pub mod tasks;
pub mod transfer;
pub mod values;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::{PartialSchema, ToSchema};

/// The schemas of those types, by name, with the schemas that they refer to.
macro_rules! schemas {
    ($($module:ident: $($name:ident),+;)+) => {{
        let mut all = Vec::new();
        $($(
            $module::$name::schemas(&mut all);
            all.push(($module::$name::name().into_owned(), $module::$name::schema()));
        )+)+
        all
    }};
}

/// The schemas of the document, by name.
pub(super) fn all() -> Map<String, Value> {
    let all = schemas!(
        accounts: RegisterUserRequest, LogInRequest, RefreshSessionRequest, Session, Profile, UpdateProfileRequest,
            VerifyEmailRequest, DeleteAccountRequest, ForgotPasswordRequest, ResetPasswordRequest, BecomeOperatorRequest,
            ChangePasswordRequest, ChangedPassword, ChangeEmailRequest, ConfirmEmailRequest, UndoEmailChangeRequest;
        sessions: OpenSession;
        second_factor: StartSecondFactorRequest, StartedSecondFactor, ConfirmSecondFactorRequest, RecoveryCodes,
            DeleteSecondFactorRequest, RemoveSecondFactorRequest;
        api_tokens: CreateApiTokenRequest, ApiToken;
        tasks: CreateTaskRequest, UpdateTaskRequest, Task, SnoozeTaskRequest, MoveTaskRequest, DeliveryLogEntry, Occurrence;
        spaces: Space, CreateSpaceRequest, UpdateSpaceRequest, Member, UpdateMemberRequest, Invitation,
            InviteMemberRequest, AcceptInvitationRequest, Comment, CreateCommentRequest, UpdateCommentRequest;
        changes: Changes, Live;
        batch: BatchRequest, BatchResponse;
        transfer: ImportResult;
        operators: Account, UpdateAccountRequest, InviteUserRequest, Notification, CreateNotificationRequest, NameCount, Statistics;
        problem: Problem, Accepted, Health;
    );
    // Schemas of plain values always serialize.
    let all: BTreeMap<_, _> = all
        .into_iter()
        .map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or_default()))
        .collect();
    let is_value = |schema: &Value| {
        schema["type"] == "string" && schema["enum"].as_array().is_none_or(|words| words.len() == 1)
    };
    let values = all.iter().filter(|(_, schema)| is_value(schema));
    let values: BTreeMap<_, _> =
        values.map(|(name, schema)| (reference(name), schema.clone())).collect();
    let listed = all.into_iter().filter(|(_, schema)| !is_value(schema));
    listed.map(|(name, mut schema)| (simplify(&mut schema, &values), (name, schema)).1).collect()
}

fn reference(name: &str) -> String {
    format!("#/components/schemas/{name}")
}

/// Inlines schemas of strings and single values, moves the description of a nullable property to the property, and
/// joins the lines of descriptions.
fn simplify(schema: &mut Value, values: &BTreeMap<String, Value>) {
    match schema {
        Value::Array(all) => all.iter_mut().for_each(|schema| simplify(schema, values)),
        Value::Object(fields) => {
            fields.values_mut().for_each(|schema| simplify(schema, values));
            if let Some(Value::String(text)) = fields.get_mut("description") {
                *text = text.replace('\n', " ");
            }
            if let Some(value) =
                fields.get("$ref").and_then(Value::as_str).and_then(|name| values.get(name))
            {
                let mut value = value.clone();
                simplify(&mut value, values);
                fields.remove("$ref");
                for (name, field) in value.as_object().into_iter().flatten() {
                    fields.entry(name).or_insert_with(|| field.clone());
                }
            }
            hoist(fields);
            if fields.contains_key("discriminator") {
                let choices =
                    fields.get_mut("oneOf").and_then(Value::as_array_mut).into_iter().flatten();
                // Each has the description of the schema that it refers to.
                for choice in choices.filter_map(Value::as_object_mut) {
                    choice.remove("description");
                }
            }
        }
        _ => {}
    }
}

/// Describes a choice between null and something else as a whole, and writes one between null and a string as a type.
fn hoist(fields: &mut Map<String, Value>) {
    let absent = json!({ "type": "null" });
    let Some([one, other]) = fields.get("oneOf").and_then(Value::as_array).map(Vec::as_slice) else {
        return;
    };
    let mut some = match (*one == absent, *other == absent) {
        (true, false) => other.clone(),
        (false, true) => one.clone(),
        _ => return,
    };
    let Some(object) = some.as_object_mut() else { return };
    if object.get("type").is_some_and(Value::is_string) && !object.contains_key("enum") {
        object["type"] = json!([object["type"], "null"]);
        fields.remove("oneOf");
        fields.append(object);
    } else if let Some(description) = object.remove("description") {
        fields.insert("description".to_owned(), description);
        fields.insert("oneOf".to_owned(), json!([some, absent]));
    }
}
