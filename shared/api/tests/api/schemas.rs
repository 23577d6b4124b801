//! The bounds in the schemas of requests are those that the handlers enforce: what is at a bound is accepted, what is
//! beyond it is refused, for every field of every request.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde_json::{Value, json};
use taskbell_api::openapi::document;
use taskbell_domain::{
    delivery::Reason,
    recurrence::RecurrenceFrom,
    space::Role,
    task::{Completion, Priority, Status},
    user::{AccountRole, StopReason},
};

use crate::support::{Answer, World};

/// A change of one field of a valid body.
struct Probe {
    /// The field, as an error names it.
    field: String,
    /// What is done to it, for messages.
    what: &'static str,
    /// What is there instead; nothing if the field is left out.
    value: Option<Value>,
    /// Whether it is acceptable, and the code of the error if that is always the same.
    verdict: Result<(), &'static str>,
}

/// Refused with whatever code.
const ANY_CODE: &str = "";

/// The steps from a body to a value inside it.
#[derive(Clone, Default)]
struct Place(Vec<Step>);

#[derive(Clone)]
enum Step {
    Field(String),
    /// Without any other field.
    OnlyField(String),
    First,
}

impl Place {
    fn then(&self, step: Step) -> Self {
        Self([self.0.as_slice(), &[step]].concat())
    }

    /// As an error names it.
    fn name(&self) -> String {
        let steps = self.0.iter().map(|step| match step {
            Step::Field(name) | Step::OnlyField(name) => format!(".{name}"),
            Step::First => "[0]".to_owned(),
        });
        steps.collect::<String>().trim_start_matches('.').to_owned()
    }

    /// A body with another value here, or without one. What is around it is made if it is not there.
    fn set(&self, body: &Value, value: Option<&Value>) -> Value {
        fn inner(steps: &[Step], body: &Value, value: Option<&Value>) -> Option<Value> {
            let Some((step, rest)) = steps.split_first() else { return value.cloned() };
            match step {
                Step::Field(name) => {
                    let mut fields = body.as_object().cloned().unwrap_or_default();
                    match inner(rest, &body[name], value) {
                        Some(made) => fields.insert(name.clone(), made),
                        None => fields.remove(name),
                    };
                    Some(Value::Object(fields))
                }
                Step::OnlyField(name) => {
                    inner(rest, &body[name], value).map(|made| json!({ name: made }))
                }
                Step::First => Some(Value::Array(inner(rest, &body[0], value).into_iter().collect())),
            }
        }
        inner(&self.0, body, value).unwrap_or_default()
    }
}

/// The probes of one request, and where each is put.
struct Probes<'a> {
    document: &'a Value,
    all: Vec<(Place, Probe)>,
    /// The constraints that were met, to see that none is forgotten.
    met: BTreeSet<&'static str>,
}

/// Operation, field and probe that are not judged, and why.
const SKIPPED: &[(&str, &str, &str, &str)] = &[(
    "snooze-task",
    "until",
    "beyond null",
    "the error names `for`, one of the two that must be there",
)];

/// Every key that a schema of a request has, and which of them say nothing that is enforced.
const ENFORCED: &[&str] = &[
    "type",
    "properties",
    "required",
    "additionalProperties",
    "minLength",
    "maxLength",
    "pattern",
    "enum",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "items",
    "minProperties",
    "maxProperties",
    "oneOf",
    "$ref",
    "discriminator",
];
const DESCRIPTIVE: &[&str] = &["description", "examples", "format"];

impl<'a> Probes<'a> {
    fn of(document: &'a Value, schema: &Value) -> Self {
        let mut probes = Self { document, all: Vec::new(), met: BTreeSet::new() };
        probes.walk(&Place::default(), schema);
        probes
    }

    fn add(
        &mut self,
        place: &Place,
        what: &'static str,
        value: Option<Value>,
        verdict: Result<(), &'static str>,
    ) {
        self.met.insert(what);
        self.all.push((place.clone(), Probe { field: place.name(), what, value, verdict }));
    }

    /// The schema itself, and whether null is allowed in its place.
    fn resolve(&self, schema: &Value) -> (Value, bool) {
        for key in schema.as_object().expect("a schema").keys() {
            let known = ENFORCED.contains(&key.as_str()) || DESCRIPTIVE.contains(&key.as_str());
            assert!(known, "{key} is not tested");
        }
        if let Some(reference) = schema["$ref"].as_str() {
            let pointer = reference.trim_start_matches('#');
            return self.resolve(self.document.pointer(pointer).expect("a schema"));
        }
        let null = json!({ "type": "null" });
        match schema["oneOf"].as_array().map(Vec::as_slice) {
            Some([some, other]) if *other == null => (self.resolve(some).0, true),
            _ => (
                schema.clone(),
                schema["type"].as_array().is_some_and(|all| all.contains(&json!("null"))),
            ),
        }
    }

    /// Probes a value of a schema, which is required or not.
    fn walk(&mut self, place: &Place, schema: &Value) {
        let (schema, _) = self.resolve(schema);
        let kind = match &schema["type"] {
            Value::Array(kinds) => kinds[0].clone(),
            kind => kind.clone(),
        };
        match kind.as_str() {
            Some("string") => self.string(place, &schema),
            Some("integer") => self.integer(place, &schema),
            Some("boolean") => {
                self.add(place, "a boolean of another type", Some(json!("x")), Err("wrong_type"))
            }
            Some("array") => self.array(place, &schema),
            Some("object") => self.object(place, &schema),
            other => panic!("{}: {other:?} is not tested: {schema}", place.name()),
        }
    }

    fn string(&mut self, place: &Place, schema: &Value) {
        self.add(place, "a string of another type", Some(json!(true)), Err("wrong_type"));
        if let Some(max) = schema["maxLength"].as_u64() {
            self.add(place, "maxLength", Some(json!(text(place, schema, max))), Ok(()));
            let beyond = json!(text(place, schema, max + 1));
            self.add(place, "beyond maxLength", Some(beyond), Err(ANY_CODE));
        }
        if let Some(min) = schema["minLength"].as_u64() {
            self.add(place, "minLength", Some(json!(text(place, schema, min))), Ok(()));
            let beyond = json!(text(place, schema, min - 1));
            self.add(place, "beyond minLength", Some(beyond), Err("too_short"));
        }
        if schema["pattern"].is_string() {
            self.add(place, "no match of the pattern", Some(json!("~")), Err(ANY_CODE));
        }
        for word in schema["enum"].as_array().into_iter().flatten() {
            self.add(place, "a word of the enum", Some(word.clone()), Ok(()));
        }
        if schema["enum"].is_array() {
            self.add(place, "no word of the enum", Some(json!("other")), Err("unknown_value"));
        }
    }

    fn integer(&mut self, place: &Place, schema: &Value) {
        self.add(place, "an integer of another type", Some(json!("1")), Err("wrong_type"));
        self.add(place, "a fraction", Some(json!(1.5)), Err("wrong_type"));
        if let Some(min) = schema["minimum"].as_i64() {
            self.add(place, "minimum", Some(json!(min)), Ok(()));
            self.add(place, "beyond minimum", Some(json!(min - 1)), Err(ANY_CODE));
        }
        if let Some(max) = schema["maximum"].as_i64() {
            self.add(place, "maximum", Some(json!(max)), Ok(()));
            self.add(place, "beyond maximum", Some(json!(max + 1)), Err("out_of_range"));
        }
    }

    fn array(&mut self, place: &Place, schema: &Value) {
        self.add(place, "an array of another type", Some(json!({})), Err("wrong_type"));
        let items = |many: u64| Some((0..many).map(|number| element(place, number)).collect());
        if let Some(max) = schema["maxItems"].as_u64() {
            self.add(place, "maxItems", items(max), Ok(()));
            self.add(place, "beyond maxItems", items(max + 1), Err("too_many"));
        }
        if let Some(min) = schema["minItems"].as_u64() {
            self.add(place, "minItems", items(min), Ok(()));
            self.add(place, "beyond minItems", items(min - 1), Err("too_short"));
        }
        // Operations of a batch are probed one by one.
        if place.name() != "operations" {
            self.walk(&place.then(Step::First), &schema["items"]);
        }
    }

    fn object(&mut self, place: &Place, schema: &Value) {
        if !place.0.is_empty() {
            self.add(place, "an object of another type", Some(json!([])), Err("wrong_type"));
        }
        assert_eq!(schema["additionalProperties"], json!(false), "{}", place.name());
        let unknown = place.then(Step::Field("no_such_field".to_owned()));
        self.add(&unknown, "an unknown property", Some(json!(1)), Err("unknown_field"));
        if schema["minProperties"].is_u64() {
            // One of several: which of them the error names is up to the handler.
            self.add(place, "no property", Some(json!({})), Err(ANY_CODE));
        }
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for (name, property) in schema["properties"].as_object().expect("properties") {
            let step = if schema["maxProperties"] == 1 { Step::OnlyField } else { Step::Field };
            let place = place.then(step(name.clone()));
            self.walk(&place, property);
            let null = if self.resolve(property).1 { Ok(()) } else { Err(ANY_CODE) };
            self.add(
                &place,
                if null.is_ok() { "null" } else { "beyond null" },
                Some(Value::Null),
                null,
            );
            if required.contains(&json!(name)) {
                self.add(&place, "left out", None, Err("required"));
            }
        }
    }
}

/// A text of a length that is acceptable but for its length.
fn text(place: &Place, schema: &Value, length: u64) -> String {
    let length = usize::try_from(length).expect("a length");
    let repeated = |text: &str| text.chars().cycle().take(length).collect();
    let name = place.name();
    match name.rsplit('.').next() {
        // Not easy to guess.
        Some("password") => repeated("quartz violin 73 tram bells "),
        // Counted in bytes. One semicolon at the end is ignored.
        Some("recurrence") => {
            let (more, rest) = ((length - 20) / 3, (length - 20) % 3);
            format!("FREQ=WEEKLY;BYDAY={}MO{}", "MO,".repeat(more), ";".repeat(rest))
        }
        // Counted in bytes. The parts have at most 64 and 63.
        _ if schema["format"] == "email" => {
            let start = format!("{}@{}", "a".repeat(64), format!("{}.", "d".repeat(60)).repeat(3));
            let rest = length - start.len();
            start + &"e".repeat(rest)
        }
        // Each of two bytes: lengths are counted in characters.
        _ => repeated("ä"),
    }
}

/// The element of an array, of which all are different.
fn element(place: &Place, number: u64) -> Value {
    match place.name().rsplit('.').next() {
        Some("tags") => json!(format!("tag {number}")),
        Some("reminders" | "default_reminders") => json!({ "before": format!("PT{number}M") }),
        Some("checklist") => json!({ "title": format!("Item {number}") }),
        Some("operations") => json!({ "op": "create", "task": { "title": format!("Task {number}") } }),
        other => panic!("{other:?} has no elements yet"),
    }
}

/// What an answer says about a field: its errors there, by code.
fn errors_at(problem: &Value, field: &str) -> Vec<String> {
    let errors = problem["errors"].as_array().into_iter().flatten();
    // An error of an object as a whole is one of its fields.
    let is_there = |found: &str| found == field || field.is_empty();
    let found = errors.filter(|error| is_there(error["field"].as_str().expect("a field")));
    found.map(|error| error["code"].as_str().expect("a code").to_owned()).collect()
}

fn check(probe: &Probe, status: u64, problem: &Value) -> Result<(), String> {
    let found = errors_at(problem, &probe.field);
    let holds = match probe.verdict {
        Ok(()) => found.is_empty() && ![400, 413, 415, 429, 500, 503].contains(&status),
        Err(ANY_CODE) => status == 422 && !found.is_empty(),
        Err(code) => status == 422 && found.iter().any(|found| found == code),
    };
    let Probe { field, what, verdict, .. } = probe;
    holds.then_some(()).ok_or_else(|| format!("{field}: {what}: {verdict:?}, but {status} {problem}"))
}

#[tokio::test]
async fn requests_are_accepted_at_the_bounds_of_their_schemas_and_refused_beyond_them() {
    let document = document();
    let (mut failures, mut sent, mut met) = (Vec::new(), 0, BTreeSet::new());
    for (_, operations) in document["paths"].as_object().expect("paths") {
        for (_, operation) in operations.as_object().expect("operations") {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            if schema.is_null() {
                continue;
            }
            let id = operation["operationId"].as_str().expect("an id");
            let (world, ada, task) = World::seeded().await;
            let event = world.event(id, &ada, &task).await;
            let body: Value =
                serde_json::from_str(event.json["body"].as_str().expect("a body")).expect("JSON");
            let mut requests = vec![(body.clone(), Probes::of(&document, schema), false)];
            if id == "batch-tasks" {
                let batch = &document["components"]["schemas"]["BatchOperation"];
                for (op, reference) in batch["discriminator"]["mapping"].as_object().expect("a mapping")
                {
                    let all = body["operations"].as_array().expect("operations");
                    let one = all.iter().find(|one| one["op"] == json!(op)).expect("one of each kind");
                    let probes = Probes::of(&document, &json!({ "$ref": reference }));
                    requests.push((one.clone(), probes, true));
                }
            }
            for (body, probes, is_operation) in requests {
                met.extend(probes.met);
                for (place, probe) in &probes.all {
                    // So that no limit on requests is reached.
                    world.clock.advance(SignedDuration::from_hours(1));
                    let changed = place.set(&body, probe.value.as_ref());
                    let changed =
                        if is_operation { json!({ "operations": [changed] }) } else { changed };
                    let event = world.event(id, &ada, &task).await.body(&changed);
                    let answer: Answer = world.send(&event).await;
                    let result = if is_operation { &answer.body["results"][0] } else { &Value::Null };
                    let status = result["status"].as_u64().unwrap_or(answer.status.into());
                    let problem = if is_operation { &result["problem"] } else { &answer.body };
                    sent += 1;
                    let skipped = SKIPPED.iter().any(|(of, field, what, _)| {
                        (*of, *field, *what) == (id, probe.field.as_str(), probe.what)
                    });
                    let failure = check(probe, status, problem).err().filter(|_| !skipped);
                    failures.extend(failure.map(|why| format!("{id}: {why}")));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} of {sent}:\n{}", failures.len(), failures.join("\n"));
    for what in [
        "maxLength",
        "minLength",
        "maximum",
        "minimum",
        "maxItems",
        "minItems",
        "null",
        "no match of the pattern",
    ] {
        assert!(met.contains(what), "{what} is not met");
    }
    assert!(sent > 500, "{sent}");
}

#[test]
fn everything_is_described_and_closed() {
    let document = document();
    let mut missing = Vec::new();
    for (name, schema) in document["components"]["schemas"].as_object().expect("schemas") {
        let is_closed = schema["type"] != "object" || schema["additionalProperties"] == json!(false);
        missing.extend((!is_closed).then(|| format!("{name} is open")));
        missing.extend((!schema["description"].is_string()).then(|| name.clone()));
        for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
            missing.extend((!schema["description"].is_string()).then(|| format!("{name}.{field}")));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

macro_rules! reasons {
    ($($reason:ident),+) => {{
        // A reason that is not in the list does not compile.
        let is_listed = |reason: Reason| match reason { $(Reason::$reason => true),+ };
        [$(Reason::$reason),+].into_iter().filter(|reason| is_listed(*reason)).collect::<Vec<_>>()
    }};
}

#[test]
fn the_values_of_enums_are_those_of_the_domain() {
    let reasons = reasons!(
        PastWhenSet,
        TaskCompleted,
        TooOld,
        MailOff,
        Unverified,
        Bounced,
        Complained,
        Snoozed,
        NoRecipient,
        AccountDisabled,
        Refused,
        Replaced,
        NoAccess,
        NothingDue,
        TooManyMails,
        NotDelivered
    );
    let document = document();
    let words = |name: &str| document["components"]["schemas"][name]["enum"].clone();
    assert_eq!(words("TaskStatus"), json!(Status::ALL));
    assert_eq!(words("TaskPriority"), json!(Priority::ALL));
    assert_eq!(words("SpaceRole"), json!(Role::ALL));
    assert_eq!(words("AccountRole"), json!(AccountRole::ALL));
    assert_eq!(words("RecurrenceFrom"), json!(RecurrenceFrom::ALL));
    assert_eq!(words("CompletedBy"), json!(Completion::ALL));
    assert_eq!(words("SuppressionReason"), json!(StopReason::ALL));
    assert_eq!(words("DeliveryReason"), json!(reasons));
}
