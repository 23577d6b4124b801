//! What the schema of a request says, as changes of a valid body that are acceptable or not.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use taskbell_domain::api_token::ApiScope;

/// A change of one field of a valid body.
pub(crate) struct Probe {
    /// The field, as an error names it.
    pub(crate) field: String,
    /// What is done to it, for messages.
    pub(crate) what: &'static str,
    /// What is there instead; nothing if the field is left out.
    pub(crate) value: Option<Value>,
    /// Whether it is acceptable, and the code of the error if that is always the same.
    pub(crate) verdict: Result<(), &'static str>,
}

/// Refused with whatever code.
pub(crate) const ANY_CODE: &str = "";

/// The steps from a body to a value inside it.
#[derive(Clone, Default)]
pub(crate) struct Place(Vec<Step>);

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
    pub(crate) fn set(&self, body: &Value, value: Option<&Value>) -> Value {
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
pub(crate) struct Probes<'a> {
    document: &'a Value,
    pub(crate) all: Vec<(Place, Probe)>,
    /// The constraints that were met, to see that none is forgotten.
    pub(crate) met: BTreeSet<&'static str>,
}

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
    pub(crate) fn of(document: &'a Value, schema: &Value) -> Self {
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
        Some("password" | "new_password") => repeated("quartz violin 73 tram bells "),
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
        Some("scopes") => json!(ApiScope::ALL[number as usize % ApiScope::ALL.len()]),
        Some("checklist") => json!({ "title": format!("Item {number}") }),
        Some("operations") => json!({ "op": "create", "task": { "title": format!("Task {number}") } }),
        other => panic!("{other:?} has no elements yet"),
    }
}
