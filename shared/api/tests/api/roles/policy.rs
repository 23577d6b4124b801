//! The permissions that the roles of the template grant.

use std::collections::BTreeSet;

use serde_json::Value;

use super::recorder::Wanted;

/// A permission: an action on a resource, for a table or an index with a pattern of leading keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Grant {
    pub(super) action: String,
    pub(super) place: String,
    pub(super) pattern: Option<String>,
}

/// The name of a resource, such as `TasksTable` or `TasksTable/index/by-due`.
fn place(resource: &Value) -> String {
    let named = resource["Fn::GetAtt"].as_str().or(resource["Fn::Sub"].as_str());
    let named = named.map(|name| name.replace("${", "").replace(".Arn}", "").replace(".Arn", ""));
    named.unwrap_or_else(|| resource.to_string())
}

fn places(statement: &Value) -> Vec<String> {
    match &statement["Resource"] {
        Value::Array(several) => several.iter().map(place).collect(),
        one => vec![place(one)],
    }
}

fn actions(statement: &Value) -> Vec<String> {
    let actions = statement["Action"].as_array().expect("actions").iter();
    actions.map(|action| action.as_str().expect("an action").to_owned()).collect()
}

/// The patterns of leading keys of a statement.
fn patterns(statement: &Value) -> Vec<String> {
    let patterns = &statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
    let patterns = patterns.as_array().into_iter().flatten();
    patterns.map(|pattern| pattern.as_str().expect("a pattern").to_owned()).collect()
}

fn matches(pattern: &str, key: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => key.starts_with(prefix),
        None => key == pattern,
    }
}

/// Whether a statement allows a call with all its keys.
fn allows(statement: &Value, wanted: &Wanted) -> bool {
    let patterns = patterns(statement);
    let known = |key: &String| patterns.iter().any(|pattern| matches(pattern, key));
    actions(statement).iter().any(|action| action == wanted.action)
        && places(statement).contains(&wanted.place)
        && wanted.keys.iter().all(known)
}

/// The calls that no statement allows.
pub(super) fn refused(id: &str, statements: &[Value], calls: &BTreeSet<Wanted>) -> BTreeSet<String> {
    let refused = calls.iter().filter(|call| !statements.iter().any(|one| allows(one, call)));
    let line = |Wanted { place, action, keys }: &Wanted| {
        let short = |key: &String| key.split('#').next().unwrap_or_default().to_owned();
        let keys: BTreeSet<_> = keys.iter().map(short).collect();
        format!("{id} may not {action} on {place} with {keys:?}")
    };
    refused.map(line).collect()
}

/// All permissions of the statements.
pub(super) fn grants(statements: &[Value]) -> BTreeSet<Grant> {
    let mut grants = BTreeSet::new();
    for statement in statements {
        let mut patterns: Vec<_> = patterns(statement).into_iter().map(Some).collect();
        if patterns.is_empty() {
            patterns.push(None);
        }
        for action in actions(statement) {
            for place in places(statement) {
                for pattern in &patterns {
                    let (action, place) = (action.clone(), place.clone());
                    grants.insert(Grant { action, place, pattern: pattern.clone() });
                }
            }
        }
    }
    grants
}

/// The permissions that no call has used.
pub(super) fn unused(grants: BTreeSet<Grant>, calls: &BTreeSet<Wanted>) -> BTreeSet<Grant> {
    let used = |grant: &Grant| {
        calls.iter().any(|call| {
            let pattern = grant.pattern.as_deref().unwrap_or_default();
            call.action == grant.action
                && call.place == grant.place
                && call.keys.iter().any(|key| matches(pattern, key))
        })
    };
    grants.into_iter().filter(|grant| !used(grant)).collect()
}

/// Whether a pattern of leading keys matches one kind of item: a word followed by `#*`, or a whole key.
pub(super) fn names_one_kind(pattern: &str) -> bool {
    let word = pattern.strip_suffix("#*").unwrap_or(pattern);
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase())
}
