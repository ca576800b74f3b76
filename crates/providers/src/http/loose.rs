//! Lenient reading of what services send. Owns the rule that a field of an unexpected type is an absent field, because
//! services that speak one wire differ in exactly these; knows no wire.
//!
//! What each piece of an answer holds is an [`Object`] or a [`List`], read together with what is around it. What is of use now
//! and then is [`Raw`], and read when it is.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::{Value, value::RawValue};

use super::fold::Broken;

/// A field read only as far as somebody needs it.
pub(crate) type Raw<'a> = Option<&'a RawValue>;

/// An object with the fields of `T`; `None` when absent, null or something else.
#[derive(Debug)]
pub(crate) struct Object<T>(pub(crate) Option<T>);

/// The objects of a list; what is no object is left out. Empty when absent, null or something else.
#[derive(Debug)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

impl<T> Default for Object<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Lenient::<Self>(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Lenient::<Self>(PhantomData))
    }
}

/// Takes what it is about and passes over everything else.
struct Lenient<T>(PhantomData<T>);

/// Passes over a value that is no map and no list.
macro_rules! nothing_else {
    () => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("anything")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
    };
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Lenient<Object<T>> {
    type Value = Object<T>;

    nothing_else!();

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|fields| Object(Some(fields)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Object(None))
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Lenient<List<T>> {
    type Value = List<T>;

    nothing_else!();

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Object(item)) = seq.next_element()? {
            list.extend(item);
        }
        Ok(List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(List(Vec::new()))
    }
}

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
    raw.and_then(|raw| raw.get().parse().ok()).or_else(|| parse::<f64>(raw).map(whole)).unwrap_or(0)
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
