//! Answers that must fit a JSON Schema. Owns the check; who answers and what happens otherwise is the engine's.

use mcp_orchestrator_domain::{clean_line, json_answer};
use serde_json::Value;

#[cfg(not(feature = "json-schema"))]
use crate::{
    ToolError,
    registry::{Plain, has_type},
};

/// What is told of what is wrong.
const DETAIL_CHARS_MAX: usize = 300;

/// The JSON value an answer is: bare, or in one fenced code block.
///
/// # Errors
/// In words that read after "does not fit: " when it is no JSON or does not fit the schema, naming the JSON pointer.
/// Without the feature `json-schema` only the answer's type and an object's top level are looked at.
pub fn answer_by_schema(schema: &Value, answer: &str) -> Result<Value, String> {
    let value = json_answer(answer).ok_or("it is not JSON")?;
    check(schema, &value).map_err(|wrong| clean_line(&wrong, DETAIL_CHARS_MAX))?;
    Ok(value)
}

/// Whether a value is a JSON Schema. References to other documents are not followed. Without the feature `json-schema`
/// only a schema's top level is looked at.
///
/// # Errors
/// What is wrong with it, in words.
pub fn check_schema(schema: &Value) -> Result<(), String> {
    compile(schema).map(drop).map_err(|wrong| clean_line(&wrong, DETAIL_CHARS_MAX))
}

#[cfg(feature = "json-schema")]
fn compile(schema: &Value) -> Result<jsonschema::Validator, String> {
    jsonschema::validator_for(schema).map_err(|error| format!("it is no JSON Schema: {error}"))
}

#[cfg(feature = "json-schema")]
fn check(schema: &Value, value: &Value) -> Result<(), String> {
    let validator = compile(schema)?;
    let wrong = validator.iter_errors(value).next().map(|error| {
        let at = error.instance_path().as_str();
        let place = if at.is_empty() { String::new() } else { format!("at {at}: ") };
        format!("{place}{}", error.masked_with("the value"))
    });
    wrong.map_or(Ok(()), Err)
}

#[cfg(not(feature = "json-schema"))]
fn compile(schema: &Value) -> Result<Option<Plain>, String> {
    let no_schema = |detail: &str| format!("it is no JSON Schema: {detail}");
    match schema {
        Value::Bool(_) => Ok(None),
        Value::Object(parts) if parts.get("type").and_then(Value::as_str) == Some("object") => {
            Plain::of(schema).map(Some).map_err(|wrong| no_schema(&format!("{} {}", wrong.pointer, wrong.detail)))
        }
        Value::Object(_) => Ok(None),
        _ => Err(no_schema("it is neither an object nor a boolean")),
    }
}

#[cfg(not(feature = "json-schema"))]
fn check(schema: &Value, value: &Value) -> Result<(), String> {
    if let Some(expected) = schema.get("type").filter(|expected| !has_type(value, expected)) {
        return Err(format!("the value is not of type {expected}"));
    }
    match compile(schema)?.map(|plain| plain.check(value)) {
        Some(Err(ToolError::Arguments { argument, detail })) => Err(format!("at {argument}: {detail}")),
        Some(Err(other)) => Err(other.to_string()),
        Some(Ok(())) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{answer_by_schema, check_schema};

    #[test]
    fn an_answer_fits_or_what_is_wrong_is_named() {
        let schema = json!({
            "type": "object",
            "properties": { "score": { "type": "integer", "maximum": 10 } },
            "required": ["score"],
        });
        assert_eq!(answer_by_schema(&schema, "```json\n{\"score\": 3}\n```"), Ok(json!({ "score": 3 })));
        assert_eq!(answer_by_schema(&schema, "It scores 3."), Err("it is not JSON".to_owned()));
        let wrong = answer_by_schema(&schema, r#"{"score":"three"}"#).unwrap_err();
        assert!(wrong.starts_with("at /score: ") && wrong.contains("integer"), "{wrong}");
        assert!(answer_by_schema(&schema, "{}").unwrap_err().contains("score"));
    }

    #[test]
    fn what_is_no_schema_is_refused() {
        assert!(check_schema(&json!({ "type": "object" })).is_ok());
        assert!(check_schema(&json!(7)).unwrap_err().starts_with("it is no JSON Schema"));
        if cfg!(feature = "json-schema") {
            assert!(check_schema(&json!({ "type": "objekt" })).unwrap_err().starts_with("it is no JSON Schema"));
            assert!(check_schema(&json!({ "$ref": "https://example.invalid/schema.json" })).is_err());
        }
    }
}
