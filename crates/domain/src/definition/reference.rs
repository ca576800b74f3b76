//! Values out of the outputs of earlier steps. Owns how a reference is written and what it finds; knows no workflow.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{StepId, clean_line, json_answer};

/// A place in the output of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Reference {
    /// The step.
    pub from: StepId,
    /// A JSON pointer (RFC 6901); empty: the whole text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pointer: String,
}

/// Why a reference finds nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unresolved {
    /// The step's output is not at hand.
    #[error("step {0} has no output that can be read here")]
    NoOutput(StepId),
    /// The output is no JSON.
    #[error("the output of step {0} is not JSON")]
    NotJson(StepId),
    /// The output holds nothing there.
    #[error("the output of step {from} holds nothing at {pointer}")]
    Nothing {
        /// The step.
        from: StepId,
        /// The pointer.
        pointer: String,
    },
}

impl Reference {
    /// The value in a text: the text itself, trimmed, without a pointer; else what its JSON holds there.
    ///
    /// # Errors
    /// [`Unresolved`] when the text is no JSON or holds nothing there.
    pub fn find(&self, text: &str) -> Result<Value, Unresolved> {
        if self.pointer.is_empty() {
            return Ok(Value::String(text.trim().to_owned()));
        }
        let json = json_answer(text).ok_or_else(|| Unresolved::NotJson(self.from.clone()))?;
        let found = json.pointer(&self.pointer).cloned();
        found.ok_or_else(|| Unresolved::Nothing { from: self.from.clone(), pointer: self.pointer.clone() })
    }

    /// The reference an object stands for; `None` when it is a literal. `Err` names what is wrong with it.
    pub(super) fn read(object: &Map<String, Value>) -> Option<Result<Self, String>> {
        let Some(Value::String(from)) = object.get("from") else { return None };
        let pointer = match (object.len(), object.get("pointer")) {
            (1, None) => "",
            (2, Some(Value::String(pointer))) => pointer,
            _ => return None,
        };
        Some(Self::parse(from, pointer))
    }

    pub(super) fn parse(from: &str, pointer: &str) -> Result<Self, String> {
        let from = StepId::new(from).map_err(|error| error.to_string())?;
        if !(pointer.is_empty() || pointer.starts_with('/')) || pointer.len() > POINTER_BYTES_MAX {
            let shown = clean_line(pointer, 80);
            return Err(format!("pointer {shown:?} is no JSON pointer: it is empty or begins with /"));
        }
        Ok(Self { from, pointer: pointer.to_owned() })
    }
}

const POINTER_BYTES_MAX: usize = 500;

/// Arguments with every reference replaced by what it finds. `text` gives the output of a step.
///
/// # Errors
/// [`Unresolved`] for the first reference that finds nothing.
pub fn resolve(
    arguments: &Map<String, Value>,
    text: &dyn Fn(&StepId) -> Option<String>,
) -> Result<Map<String, Value>, Unresolved> {
    arguments.iter().map(|(name, value)| Ok((name.clone(), resolved(value, text)?))).collect()
}

fn resolved(value: &Value, text: &dyn Fn(&StepId) -> Option<String>) -> Result<Value, Unresolved> {
    match value {
        Value::Object(object) => match Reference::read(object) {
            Some(Ok(reference)) => {
                let output = text(&reference.from).ok_or_else(|| Unresolved::NoOutput(reference.from.clone()))?;
                reference.find(&output)
            }
            Some(Err(_)) | None => Ok(Value::Object(resolve(object, text)?)),
        },
        Value::Array(items) => {
            items.iter().map(|item| resolved(item, text)).collect::<Result<_, _>>().map(Value::Array)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(value.clone()),
    }
}

/// Every reference in arguments that hold every rule.
pub(super) fn each(arguments: &Map<String, Value>, see: &mut dyn FnMut(&Reference)) {
    each_read(arguments, &mut |read| {
        if let Ok(reference) = read {
            see(&reference);
        }
    });
}

/// Every reference in arguments, or what is wrong with it.
pub(super) fn each_read(arguments: &Map<String, Value>, see: &mut dyn FnMut(Result<Reference, String>)) {
    for value in arguments.values() {
        each_in(value, see);
    }
}

fn each_in(value: &Value, see: &mut dyn FnMut(Result<Reference, String>)) {
    match value {
        Value::Object(object) => match Reference::read(object) {
            Some(read) => see(read),
            None => each_read(object, see),
        },
        Value::Array(items) => items.iter().for_each(|item| each_in(item, see)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Reference, resolve};

    fn object(value: &Value) -> serde_json::Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn references_take_values_out_of_outputs_and_everything_else_is_literal() {
        let arguments = json!({
            "text": { "from": "draft" },
            "score": { "from": "review", "pointer": "/scores/1" },
            "list": [1, { "from": "review", "pointer": "/scores" }],
            "mail": { "from": "draft", "to": "review" },
        });
        let text = |id: &crate::StepId| match id.as_str() {
            "draft" => Some(" A draft.\n".to_owned()),
            "review" => Some("```json\n{\"scores\": [3, 8]}\n```".to_owned()),
            _ => None,
        };
        let found = resolve(&object(&arguments), &text).unwrap();
        let expected = json!({
            "text": "A draft.",
            "score": 8,
            "list": [1, [3, 8]],
            "mail": { "from": "draft", "to": "review" },
        });
        assert_eq!(Value::Object(found), expected);
    }

    #[test]
    fn what_is_not_there_is_named() {
        let find =
            |pointer: &str, text: &str| Reference::parse("a", pointer).unwrap().find(text).unwrap_err().to_string();
        assert_eq!(find("/b", "{}"), "the output of step a holds nothing at /b");
        assert_eq!(find("/b", "prose"), "the output of step a is not JSON");
        let missing = resolve(&object(&json!({ "x": { "from": "gone" } })), &|_| None).unwrap_err();
        assert_eq!(missing.to_string(), "step gone has no output that can be read here");
    }
}
