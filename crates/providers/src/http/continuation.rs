//! Who wrote a message's continuation. Owns the two words that say it; what else a continuation holds is its wire's.

use serde_json::{Map, Value};

/// The continuation of a message of `vendor` over `wire`; `None` when there is nothing to carry.
pub(crate) fn signed(mut carried: Map<String, Value>, wire: &str, vendor: &str) -> Option<Value> {
    if carried.is_empty() {
        return None;
    }
    carried.insert("wire".to_owned(), wire.into());
    carried.insert("vendor".to_owned(), vendor.into());
    Some(carried.into())
}

/// Whether `vendor` itself wrote it over this wire: others refuse what they did not write.
pub(crate) fn is_own(continuation: &Value, wire: &str, vendor: &str) -> bool {
    let is = |field: &str, word: &str| continuation.get(field).and_then(Value::as_str) == Some(word);
    is("wire", wire) && is("vendor", vendor)
}
