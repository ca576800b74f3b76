//! JSON Schemas of what is sent: the fields of a submission with their bounds, and the arguments of every tool.

use std::sync::LazyLock;

use mcp_orchestrator_domain::{Image, workflow_schema};
use schemars::JsonSchema;
use serde_json::{Map, Value, json};
use strsim::damerau_levenshtein;

use crate::start::WAIT_SECONDS_MAX;

/// Which submission the fields are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the starting tools are a closed set")]
pub enum StartKind {
    /// Beltalowda.
    Research,
    /// Swarm.
    Search,
    /// Any pattern, named by the request.
    Any,
}

/// The whole schema of a request, every other name of a field included.
static WHOLE: LazyLock<Value> = LazyLock::new(workflow_schema);

/// Fields that only patterns with written steps have.
const WRITTEN: &[&str] =
    &["steps", "report", "condition", "branches", "default_branch", "max_iterations", "success", "on_exhausted"];
const BELTALOWDA: &[&str] = &["synthesis_group_size", "enable_drummer", "enable_camina"];
const SWARM: &[&str] = &["allowed_agent_types", "search_depth"];

/// Other names of fields: accepted, and left out of schemas so that each field is shown once.
const OTHER_NAMES: &[&str] =
    &["query", "provider", "primary_model", "worker_model", "corpora", "drummer_grouping_size", "agent_types", "depth"];

impl StartKind {
    /// The pattern it stands for; `None` when the request names one.
    #[must_use]
    pub const fn pattern(self) -> Option<&'static str> {
        match self {
            Self::Research => Some("beltalowda"),
            Self::Search => Some("swarm"),
            Self::Any => None,
        }
    }

    /// Whether a value names its pattern.
    pub(crate) fn is_named(self, value: &Value) -> bool {
        match self {
            Self::Research => matches!(value.as_str(), Some("beltalowda" | "research")),
            Self::Search => matches!(value.as_str(), Some("swarm" | "search")),
            Self::Any => true,
        }
    }

    /// The name its task goes by.
    const fn task(self) -> &'static str {
        match self {
            Self::Search => "query",
            Self::Research | Self::Any => "task",
        }
    }

    fn shows(self, field: &str) -> bool {
        match self {
            Self::Any => !OTHER_NAMES.contains(&field),
            Self::Research => field != "pattern" && !SWARM.contains(&field) && self.is_plain(field),
            Self::Search => field != "pattern" && !BELTALOWDA.contains(&field) && self.is_plain(field),
        }
    }

    fn is_plain(self, field: &str) -> bool {
        !WRITTEN.contains(&field) && (!OTHER_NAMES.contains(&field) || field == self.task()) && {
            field != "task" || self.task() == "task"
        }
    }
}

/// Whether a request has such a field, by any of its names.
pub(crate) fn is_field(name: &str) -> bool {
    WHOLE["properties"].get(name).is_some()
}

/// The field nearest to an unknown name, if one is near enough to be meant.
pub(crate) fn nearest(kind: StartKind, name: &str) -> Option<String> {
    let properties = WHOLE["properties"].as_object()?;
    let own = ["idempotency_key", "webhook_url", "wait_seconds", "images"].map(str::to_owned);
    let known = properties.keys().filter(|field| kind.shows(field)).cloned().chain(own);
    known
        .map(|field| (damerau_levenshtein(name, &field), field))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, field)| *distance <= (field.len() / 3).max(2))
        .map(|(_, field)| field)
}

/// The JSON Schema (draft 2020-12) of a submission. The rules over several fields are not in it.
#[must_use]
pub fn start_schema(kind: StartKind) -> Map<String, Value> {
    let mut whole = WHOLE.clone();
    without_sizes(&mut whole);
    let mut schema = whole.as_object().cloned().unwrap_or_default();
    let mut properties = Map::new();
    for (name, property) in whole["properties"].as_object().into_iter().flatten() {
        if kind.shows(name) {
            properties.insert(name.clone(), bounded(name, property.clone()));
        }
    }
    if let Some(Value::Object(task)) = properties.get_mut(kind.task()) {
        task.insert("description".to_owned(), json!("What is to be found out, 10 to 5,000 characters."));
    }
    properties.insert(
        "webhook_url".to_owned(),
        json!({
            "type": ["string", "null"], "format": "uri", "maxLength": 2000,
            "description": "Where the workflow's events are delivered to, as Standard Webhooks.",
        }),
    );
    properties.insert(
        "idempotency_key".to_owned(),
        json!({
            "type": ["string", "null"], "minLength": 1, "maxLength": 200, "pattern": "^[ -~]+$",
            "description": "Makes the call repeatable: the same key with the same request is the same workflow.",
        }),
    );
    properties.insert(
        "wait_seconds".to_owned(),
        json!({
            "type": ["integer", "null"], "minimum": 0, "maximum": WAIT_SECONDS_MAX,
            "description": "How long the call waits for the end before it answers with the id; 0: not at all.",
        }),
    );
    let required = match kind {
        StartKind::Any => vec!["pattern"],
        _ => vec![kind.task()],
    };
    schema.insert("properties".to_owned(), Value::Object(properties));
    schema.insert("required".to_owned(), json!(required));
    schema.remove("title");
    schema.remove("$schema");
    schema.remove("description");
    if kind.pattern().is_some() {
        schema.remove("$defs");
    }
    schema
}

/// The same of a program's submission of any pattern: with images. A model that calls a tool writes none in Base64, so the
/// schemas of tools do not have them.
#[must_use]
pub fn submission_schema() -> Map<String, Value> {
    let mut schema = start_schema(StartKind::Any);
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.insert(
            "images".to_owned(),
            json!({
                "type": ["array", "null"], "items": { "type": "string" }, "maxItems": Image::COUNT_MAX,
                "description": "Images that planning and the agents are shown: PNG, JPEG, WebP or GIF, each in Base64. Their models \
                                must be known to see.",
            }),
        );
    }
    schema
}

/// The JSON Schema of a shape, alone and whole.
pub(crate) fn of<T: JsonSchema>() -> Map<String, Value> {
    let settings =
        schemars::generate::SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    without_sizes(&mut schema);
    let schema = schema.as_object_mut().map(std::mem::take).unwrap_or_default();
    schema.into_iter().filter(|(name, _)| !matches!(name.as_str(), "$schema" | "title")).collect()
}

/// An answer that may hold the report when the workflow has ended, or else what to call next: some hosts show their model
/// the structure alone.
pub(crate) fn with_outcome(mut schema: Map<String, Value>) -> Map<String, Value> {
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.insert("report".to_owned(), json!({
            "type": "string", "description": "The report, when it is ready: under 24,000 characters, and where the rest is.",
        }));
        properties.insert(
            "next".to_owned(),
            json!({
                "type": "string", "description": "The tool to call next with this task_id, when it is not.",
            }),
        );
    }
    schema
}

/// A schema without its words: what an answer holds is said by its names, and hosts give lists of tools to models.
pub(crate) fn wordless(schema: Map<String, Value>) -> Map<String, Value> {
    fn strip(value: Value) -> Value {
        match value {
            Value::Object(object) => Value::Object(wordless(object)),
            Value::Array(array) => array.into_iter().map(strip).collect(),
            other => other,
        }
    }
    // A property may be called so; its value is then a schema and no text.
    let kept = schema.into_iter().filter(|(name, value)| !(name == "description" && value.is_string()));
    kept.map(|(name, value)| (name, strip(value))).collect()
}

/// A schema without a property, wherever it is: an answer may still have it.
pub(crate) fn without(schema: Map<String, Value>, property: &str) -> Map<String, Value> {
    let strip = |value: Value| match value {
        Value::Object(object) => Value::Object(without(object, property)),
        other => other,
    };
    let kept = schema.into_iter().filter(|(name, _)| name != property);
    kept.map(|(name, value)| (name, strip(value))).collect()
}

/// Takes away the sizes of numbers in memory, which are no formats of JSON Schema.
fn without_sizes(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            let is_size = |format: &Value| {
                format.as_str().is_some_and(|format| {
                    ["uint", "int", "float", "double"].iter().any(|size| format.starts_with(size))
                })
            };
            if object.get("format").is_some_and(is_size) {
                object.remove("format");
            }
            object.values_mut().for_each(without_sizes);
        }
        Value::Array(array) => array.iter_mut().for_each(without_sizes),
        _ => {}
    }
}

/// Adds the limits of a field that a derive does not know.
fn bounded(name: &str, mut property: Value) -> Value {
    let bounds = match name {
        "task" | "query" => json!({ "minLength": 10, "maxLength": 5000 }),
        "title" => json!({ "maxLength": 200 }),
        "num_agents" => json!({ "minimum": 1, "maximum": 10_000 }),
        "provider_name" => json!({ "pattern": "^[a-z][a-z0-9_-]*$" }),
        "priority" => json!({ "minimum": 0, "maximum": 9, "default": 5 }),
        "synthesis_group_size" => json!({ "minimum": 2, "maximum": 20, "default": 5 }),
        "search_depth" => json!({ "enum": ["quick", "standard", "deep", null], "default": "standard" }),
        "citation_gate" => json!({ "enum": ["strict", "mark", "off", null], "default": "strict" }),
        "enable_drummer" | "enable_camina" | "generate_documents" => json!({ "default": true }),
        "document_formats" => {
            json!({ "items": { "type": "string", "enum": ["markdown", "md", "json"] }, "default": ["markdown"] })
        }
        "allowed_agent_types" => json!({ "items": { "type": "string", "enum": [
            "text", "image", "video", "news", "academic", "social", "product", "technical", "general",
        ] } }),
        _ => return property,
    };
    if let (Some(property), Value::Object(bounds)) = (property.as_object_mut(), bounds) {
        property.extend(bounds);
    }
    property
}
