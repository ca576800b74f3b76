//! Lenient reading of what services send. Owns the rule that a field of an unexpected type is an absent field, because
//! services that speak one wire differ in exactly these; knows no wire.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::fold::Broken;

/// A field read only as far as somebody needs it.
pub(crate) type Raw<'a> = Option<&'a RawValue>;

/// The field as a `T`; `None` when absent, null or something else.
pub(crate) fn parse<'a, T: Deserialize<'a>>(raw: Raw<'a>) -> Option<T> {
    serde_json::from_str(raw?.get()).ok()
}

/// The field as a list; empty when absent, null or something else.
pub(crate) fn list<'a, T: Deserialize<'a>>(raw: Raw<'a>) -> Vec<T> {
    parse(raw).unwrap_or_default()
}

/// The field as a string; `None` when absent, null or something else.
pub(crate) fn string(raw: Raw<'_>) -> Option<Cow<'_, str>> {
    let text = raw?.get();
    match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(plain) if !plain.contains('\\') => Some(Cow::Borrowed(plain)),
        Some(_) => serde_json::from_str(text).ok().map(Cow::Owned),
        None => None,
    }
}

/// A number of tokens; anything else counts as none.
pub(crate) fn count(raw: Raw<'_>) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, and that is meant"
    )]
    let whole = |number: f64| number as u64;
    parse::<u64>(raw).or_else(|| parse::<f64>(raw).map(whole)).unwrap_or(0)
}

/// The arguments of a tool call as JSON text; some servers send an object instead of its text.
pub(crate) fn arguments(raw: Raw<'_>) -> Cow<'_, str> {
    match raw {
        Some(raw) if raw.get().starts_with('{') => Cow::Borrowed(raw.get()),
        raw => string(raw).unwrap_or_default(),
    }
}

/// The error a field holds. Services also send `null`, `""`, `{}` or `false` for none.
pub(crate) fn error_in(raw: Raw<'_>) -> Option<Value> {
    parse::<Value>(raw).filter(|error| match error {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    })
}

/// What is wrong with a text that is not the expected JSON. Says where, never what: the text may hold anything.
pub(crate) fn unreadable(error: &serde_json::Error) -> Broken {
    let what = if error.is_eof() { "it is cut off" } else { "it is not the expected JSON" };
    Broken::Unreadable(format!("{what}, line {} column {}", error.line(), error.column()))
}
