//! The api from outside: what is started, refused, shown.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop right there")]

mod catalogue;
mod parsing;
mod serving;
mod setting;

/// The fields of an object.
fn object(value: serde_json::Value) -> serde_json::Map<String, serde_json::Value> {
    match value {
        serde_json::Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}
