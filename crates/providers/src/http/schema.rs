//! Which output schemas a service can hold a model to while it writes. Owns the words such services know: a schema with others
//! is refused together with the request, though nobody needs the service's help to check an answer.

use serde_json::{Map, Value};

/// Words of a schema that every service which holds a model to one understands.
const COMMON: &[&str] = &[
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "enum",
    "const",
    "anyOf",
    "$ref",
    "$defs",
    "definitions",
    "description",
    "title",
];

/// Words that OpenAI understands besides.
const BOUNDS: &[&str] = &[
    "pattern",
    "format",
    "multipleOf",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minItems",
    "maxItems",
];

/// Whether OpenAI's strict mode takes it: an object whose objects all require every field and allow no others.
pub(crate) fn is_strict(schema: &Value) -> bool {
    let is_object = schema.get("type").is_some_and(|kind| kind == "object");
    is_object && holds(schema, &|schema| knows(schema, BOUNDS) && is_closed_here(schema) && requires_all(schema))
}

/// Whether Anthropic takes it: its objects allow no other fields, and nothing is bounded.
pub(crate) fn is_closed(schema: &Value) -> bool {
    holds(schema, &|schema| knows(schema, &[]) && is_closed_here(schema))
}

/// Whether something is so for a schema and all those inside it.
fn holds(schema: &Value, is_so: &dyn Fn(&Map<String, Value>) -> bool) -> bool {
    let Value::Object(fields) = schema else { return false };
    let named = ["properties", "$defs", "definitions"].into_iter().filter_map(|word| fields.get(word)?.as_object());
    let listed = fields.get("anyOf").and_then(Value::as_array);
    let single = fields.get("items");
    is_so(fields)
        && named
            .flat_map(Map::values)
            .chain(listed.into_iter().flatten())
            .chain(single)
            .all(|inner| holds(inner, is_so))
}

fn knows(schema: &Map<String, Value>, more: &[&str]) -> bool {
    schema.keys().all(|word| COMMON.contains(&word.as_str()) || more.contains(&word.as_str()))
}

fn is_object(schema: &Map<String, Value>) -> bool {
    let named = schema.get("type").is_some_and(|kind| match kind {
        Value::Array(kinds) => kinds.iter().any(|kind| kind == "object"),
        kind => kind == "object",
    });
    named || schema.contains_key("properties")
}

fn is_closed_here(schema: &Map<String, Value>) -> bool {
    !is_object(schema) || schema.get("additionalProperties") == Some(&Value::Bool(false))
}

fn requires_all(schema: &Map<String, Value>) -> bool {
    let required = schema.get("required").and_then(Value::as_array);
    let is_required = |field: &String| required.is_some_and(|names| names.iter().any(|name| name == field));
    schema.get("properties").and_then(Value::as_object).is_none_or(|fields| fields.keys().all(is_required))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{is_closed, is_strict};

    #[test]
    fn only_what_a_service_can_hold_is_said_to_be_held() {
        let object = |fields: Value, required: Value| json!({"type": "object", "properties": fields, "required": required, "additionalProperties": false});
        let inner = object(json!({"b": {"type": ["string", "null"]}}), json!(["b"]));
        for (schema, strict, closed) in [
            (object(json!({"a": {"type": "boolean"}}), json!(["a"])), true, true),
            (object(json!({"a": {"type": "boolean"}}), json!([])), false, true),
            (object(json!({"a": {"type": "integer", "minimum": 1}}), json!(["a"])), true, false),
            (object(json!({"a": {"type": "array", "items": inner}}), json!(["a"])), true, true),
            (object(json!({"a": {"type": "array", "items": {"type": "object"}}}), json!(["a"])), false, false),
            (object(json!({"a": {"oneOf": [{"type": "string"}]}}), json!(["a"])), false, false),
            (object(json!({"a": {"anyOf": [inner, {"type": "null"}]}}), json!(["a"])), true, true),
            (json!({"type": "object"}), false, false),
            (json!({"type": "array", "items": {"type": "string"}}), false, true),
            (json!(true), false, false),
        ] {
            assert_eq!((is_strict(&schema), is_closed(&schema)), (strict, closed), "{schema}");
        }
    }
}
