//! JSON out of what somebody said. Owns which wrappings are taken off; judges no content.

use serde_json::Value;

/// The JSON value a text is, bare or in one fenced code block; `None` when it is anything else.
#[must_use]
pub fn json_answer(text: &str) -> Option<Value> {
    let text = text.trim();
    serde_json::from_str(text).ok().or_else(|| serde_json::from_str(unfenced(text)?).ok())
}

/// The inside of a text that is one fenced block.
fn unfenced(text: &str) -> Option<&str> {
    let inside = text.strip_prefix("```")?.strip_suffix("```")?;
    let (language, body) = inside.split_once('\n')?;
    language.chars().all(char::is_alphanumeric).then_some(body)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::json_answer;

    #[test]
    fn a_fence_around_json_is_taken_off_and_prose_is_no_json() {
        assert_eq!(json_answer(" {\"a\": 1}\n"), Some(json!({ "a": 1 })));
        assert_eq!(json_answer("```json\n[1, 2]\n```"), Some(json!([1, 2])));
        assert_eq!(json_answer("```\ntrue\n```"), Some(json!(true)));
        assert_eq!(json_answer("Here it is: {\"a\": 1}"), None);
        assert_eq!(json_answer(""), None);
    }
}
