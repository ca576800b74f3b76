//! From the arguments somebody sent to a request that can be submitted. Owns the fields beside the request's own and what
//! is said about a field that does not fit; the rules of the request itself are the domain's.

use std::{fmt, time::Duration};

use mcp_orchestrator::{RequestDraft, domain::Image};
use serde_json::{Map, Value};

use crate::{
    ApiError, FieldProblem,
    error::pointer,
    images::images,
    schema::{self, StartKind},
};

/// The longest a call waits for a workflow to end, in seconds: below the limits of every known client.
pub const WAIT_SECONDS_MAX: u64 = 240;

/// A submission, with what belongs to the call and not to the request.
#[derive(Clone, Default, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "transports build it")]
pub struct StartCall {
    /// The request.
    pub draft: RequestDraft,
    /// Makes the submission repeatable.
    pub idempotency_key: Option<String>,
    /// Where the workflow's events are delivered to.
    pub webhook_url: Option<String>,
    /// Images that planning and the agents are shown.
    pub images: Vec<Image>,
    /// How long the caller wants to wait for the end; `None`: as long as the transport sees fit.
    pub wait: Option<Duration>,
}

/// Without the webhook's address, which may hold a token.
impl fmt::Debug for StartCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartCall").field("draft", &self.draft).field("wait", &self.wait).finish_non_exhaustive()
    }
}

impl StartCall {
    /// Reads the arguments of one of the starting tools, or the body of a submission.
    ///
    /// # Errors
    /// [`ApiError`] with one entry for each field that is unknown or has the wrong type.
    pub fn parse(kind: StartKind, mut arguments: Map<String, Value>) -> Result<Self, ApiError> {
        // An explicit null is no value: the default holds.
        arguments.retain(|_, value| !value.is_null());
        let mut wrong = Vec::new();
        let call = Self {
            draft: RequestDraft::default(),
            idempotency_key: text(&mut arguments, "idempotency_key", &mut wrong),
            webhook_url: text(&mut arguments, "webhook_url", &mut wrong),
            images: images(&mut arguments, &mut wrong),
            wait: wait(&mut arguments, &mut wrong),
        };
        if let Some(pattern) = kind.pattern() {
            match arguments.remove("pattern") {
                Some(named) if !kind.is_named(&named) => {
                    wrong.push(problem("pattern", format!("is {named}, and this tool runs {pattern}")));
                }
                _ => {}
            }
            arguments.insert("pattern".to_owned(), Value::String(pattern.to_owned()));
        }
        wrong.extend(misfits(kind, &mut arguments));
        if !wrong.is_empty() {
            return Err(ApiError::fields(wrong));
        }
        match serde_json::from_value(Value::Object(arguments)) {
            Ok(draft) => Ok(Self { draft, ..call }),
            Err(error) => Err(ApiError::new(crate::Code::InvalidRequest, error.to_string())),
        }
    }
}

/// Takes away every field that cannot be one of a request, each read on its own so that all are named at once.
pub(crate) fn misfits(kind: StartKind, arguments: &mut Map<String, Value>) -> Vec<FieldProblem> {
    let mut wrong = Vec::new();
    arguments.retain(|name, value| {
        if !schema::is_field(name) {
            wrong.push(unknown(kind, name));
            return false;
        }
        let alone = Value::Object(Map::from_iter([(name.clone(), value.take())]));
        match serde_path_to_error::deserialize::<_, RequestDraft>(&alone) {
            Ok(_) => {
                let Value::Object(mut alone) = alone else { return false };
                *value = alone.remove(name).unwrap_or_default();
                true
            }
            Err(error) => {
                let at = error.path().to_string();
                let inside = at.strip_prefix(name.as_str()).unwrap_or("");
                let place = format!("{}{}", pointer(name), pointer_of(inside));
                wrong.push(FieldProblem { pointer: place, detail: plain(&error.into_inner().to_string()) });
                false
            }
        }
    });
    wrong
}

fn unknown(kind: StartKind, name: &str) -> FieldProblem {
    let shown: String = name.chars().take(80).collect();
    let nearest = schema::nearest(kind, name).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
    problem(&shown, format!("there is no such field{nearest}"))
}

/// A path as `steps[0].id` after the name of its field, as a JSON pointer.
fn pointer_of(path: &str) -> String {
    let path = path.replace('[', ".").replace(']', "");
    path.split('.').filter(|part| !part.is_empty() && *part != "?").map(pointer).collect()
}

/// What a parser says, without the place in a text nobody sees, and in words of JSON.
fn plain(message: &str) -> String {
    let said = message.split(" at line ").next().unwrap_or(message);
    WORDS.iter().fold(said.to_owned(), |said, (rust, words)| said.replace(rust, words))
}

/// Words of the language this is written in, and what clients call the same.
const WORDS: &[(&str, &str)] = &[
    ("invalid type: ", "is "),
    ("invalid value: ", "is "),
    ("expected u64", "expected a whole number"),
    ("expected f64", "expected a number"),
    ("expected a sequence", "expected a list"),
    ("expected a map", "expected an object"),
    ("expected struct StepDraft", "expected a step"),
    ("provided string was not `true` or `false`", "expected true or false"),
];

pub(crate) fn text(arguments: &mut Map<String, Value>, name: &str, wrong: &mut Vec<FieldProblem>) -> Option<String> {
    match arguments.remove(name)? {
        Value::String(text) => Some(text),
        other => {
            wrong.push(problem(name, format!("is {}, expected text", kind_of(&other))));
            None
        }
    }
}

fn wait(arguments: &mut Map<String, Value>, wrong: &mut Vec<FieldProblem>) -> Option<Duration> {
    let value = arguments.remove("wait_seconds")?;
    match value.as_u64() {
        Some(seconds) if seconds <= WAIT_SECONDS_MAX => Some(Duration::from_secs(seconds)),
        _ => {
            wrong
                .push(problem("wait_seconds", format!("is {value}, expected a whole number, 0 to {WAIT_SECONDS_MAX}")));
            None
        }
    }
}

pub(crate) fn problem(name: &str, detail: String) -> FieldProblem {
    FieldProblem { pointer: pointer(name), detail }
}

pub(crate) const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
