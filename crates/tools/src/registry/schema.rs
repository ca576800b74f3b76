//! Arguments against the schema of their tool. Owns what is checked with and without the feature `json-schema`.
//!
//! The plain checks are always made and refuse only what the schema refuses; the feature adds the rest of JSON Schema.

use serde_json::{Map, Value};

use super::call::brief;
use crate::ToolError;

/// A schema, ready to check with.
pub(super) struct Schema {
    plain: Plain,
    #[cfg(feature = "json-schema")]
    whole: jsonschema::Validator,
}

/// Where a schema is wrong, as a JSON pointer, and how.
pub(crate) struct Invalid {
    pub(crate) pointer: String,
    pub(crate) detail: String,
}

impl Schema {
    /// Prepares a schema of an object.
    pub(super) fn of(schema: &Value) -> Result<Self, Invalid> {
        Ok(Self {
            plain: Plain::of(schema)?,
            #[cfg(feature = "json-schema")]
            whole: jsonschema::options().build(schema).map_err(|error| Invalid {
                pointer: error.instance_path().as_str().to_owned(),
                detail: brief(&error.to_string()),
            })?,
        })
    }

    /// Refuses arguments that do not fit, with the pointer to the first that is missing or wrong.
    pub(super) fn check(&self, arguments: &Value) -> Result<(), ToolError> {
        self.plain.check(arguments)?;
        #[cfg(feature = "json-schema")]
        if let Some(error) = self.whole.iter_errors(arguments).next() {
            return Err(whole::refused(&error));
        }
        Ok(())
    }
}

/// What is checked without a schema library: that arguments are an object, hold what is required and nothing unknown
/// where the schema allows nothing else, and that each has the type it should have.
pub(crate) struct Plain {
    properties: Map<String, Value>,
    required: Vec<String>,
    is_closed: bool,
}

impl Plain {
    pub(crate) fn of(schema: &Value) -> Result<Self, Invalid> {
        let invalid = |pointer: &str, detail: &str| Invalid { pointer: pointer.to_owned(), detail: detail.to_owned() };
        if schema.get("type").and_then(Value::as_str) != Some("object") {
            return Err(invalid("/type", "arguments are an object"));
        }
        let properties = match schema.get("properties") {
            None => Map::new(),
            Some(Value::Object(properties)) => properties.clone(),
            Some(_) => return Err(invalid("/properties", "is not an object")),
        };
        let required = match schema.get("required") {
            None => Some(Vec::new()),
            Some(required) => required.as_array().and_then(|names| {
                names.iter().map(|name| name.as_str().map(str::to_owned)).collect::<Option<Vec<String>>>()
            }),
        };
        let required = required.ok_or_else(|| invalid("/required", "is not a list of names"))?;
        let is_closed = schema.get("additionalProperties") == Some(&Value::Bool(false))
            && schema.get("patternProperties").is_none();
        Ok(Self { properties, required, is_closed })
    }

    pub(crate) fn check(&self, arguments: &Value) -> Result<(), ToolError> {
        let Value::Object(arguments) = arguments else {
            return Err(wrong("", "the value is not of type \"object\""));
        };
        if let Some(missing) = self.required.iter().find(|name| !arguments.contains_key(*name)) {
            return Err(wrong(&child("", missing), "is required"));
        }
        for (name, value) in arguments {
            match self.properties.get(name) {
                None if self.is_closed => return Err(wrong(&child("", name), "is not an argument of this tool")),
                None => {}
                Some(property) => {
                    if let Some(expected) = property.get("type").filter(|expected| !has_type(value, expected)) {
                        return Err(wrong(&child("", name), &format!("the value is not of type {expected}")));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Whether a value has the type, or one of the types, a schema names. A name that is no type refuses nothing.
pub(crate) fn has_type(value: &Value, expected: &Value) -> bool {
    match expected {
        Value::String(name) => match name.as_str() {
            "null" => value.is_null(),
            "boolean" => value.is_boolean(),
            "string" => value.is_string(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            "number" => value.is_number(),
            // `1.0` is an integer to JSON Schema.
            "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0),
            _ => true,
        },
        Value::Array(names) => names.iter().any(|name| has_type(value, name)),
        _ => true,
    }
}

fn wrong(pointer: &str, detail: &str) -> ToolError {
    ToolError::Arguments { argument: brief(pointer), detail: brief(detail) }
}

fn child(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(feature = "json-schema")]
mod whole {
    //! What the schema library found, in the words of the plain checks.

    use jsonschema::{ValidationError, error::ValidationErrorKind};

    use super::{child, wrong};
    use crate::ToolError;

    /// The first thing wrong, with the pointer to the value that is missing or does not fit.
    pub(super) fn refused(error: &ValidationError<'_>) -> ToolError {
        let at = error.instance_path().as_str();
        match error.kind() {
            ValidationErrorKind::Required { property } => {
                wrong(&child(at, property.as_str().unwrap_or_default()), "is required")
            }
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                wrong(&child(at, unexpected.first().map_or("", String::as_str)), "is not an argument of this tool")
            }
            // The value itself is not repeated: it may be long, and the caller has it.
            _ => wrong(at, &error.masked_with("the value").to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn values() -> Vec<Value> {
        vec![json!(null), json!(true), json!(1), json!(1.0), json!(1.5), json!(-2), json!("x"), json!([]), json!({})]
    }

    #[test]
    fn a_type_takes_its_own_values_and_no_others() {
        for (name, takes) in [("null", 1), ("boolean", 1), ("integer", 3), ("number", 4), ("string", 1), ("array", 1)] {
            let taken = values().iter().filter(|value| has_type(value, &json!(name))).count();
            assert_eq!(taken, takes, "{name}");
        }
        assert!(has_type(&json!(null), &json!(["string", "null"])) && !has_type(&json!(1), &json!(["string", "null"])));
    }

    /// The feature may refuse more, never less: what passes with it passes without it.
    #[cfg(feature = "json-schema")]
    #[test]
    fn what_the_plain_checks_refuse_the_whole_schema_refuses() {
        let mut refused = 0;
        for name in ["null", "boolean", "integer", "number", "string", "array", "object"] {
            for (extra, value) in [json!(false), json!(true), json!({ "type": "string" })].iter().zip(values()) {
                let schema = json!({
                    "type": "object", "properties": { "a": { "type": name }, "b": { "type": ["null", "string"] } },
                    "required": ["a"], "additionalProperties": extra,
                });
                let schema = Schema::of(&schema).unwrap_or_else(|invalid| panic!("{}", invalid.detail));
                for a in values() {
                    for arguments in [json!({ "a": a }), json!({ "a": a, "b": value }), json!({ "c": a }), a.clone()] {
                        let plainly_refused = schema.plain.check(&arguments).is_err();
                        assert!(!plainly_refused || !schema.whole.is_valid(&arguments), "{arguments}");
                        refused += usize::from(plainly_refused);
                    }
                }
            }
        }
        assert!(refused > 100);
    }
}
