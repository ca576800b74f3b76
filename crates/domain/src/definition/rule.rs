//! Rules that end the passes of an iterative workflow. Owns what they expect and what they say; knows no workflow.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Reference, Unresolved};
use crate::clean_line;

/// What must be found in the output of a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Expectation {
    /// Where to look.
    pub reference: Reference,
    /// What must be there.
    pub is: Is,
}

/// What must be there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Is {
    /// Exactly this value. Numbers are compared by value, text without the white space around it.
    Equals(Value),
    /// A number, or text that is one, not below this.
    AtLeast(f64),
    /// Text with this in it, whatever the case, or a list with this text as an item.
    Contains(String),
}

/// Whether a pass is good enough, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a plain answer")]
pub struct Verdict {
    /// Whether it is.
    pub done: bool,
    /// Why, in a sentence.
    pub reason: String,
}

impl Expectation {
    /// Whether the output of the step is as expected. A value that is not there or has another type is not.
    #[must_use]
    pub fn judge(&self, output: Option<&str>) -> Verdict {
        let from = &self.reference.from;
        let found = match output {
            Some(text) => self.reference.find(text),
            None => Err(Unresolved::NoOutput(from.clone())),
        };
        let found = match found {
            Ok(found) => found,
            Err(unresolved) => return Verdict { done: false, reason: unresolved.to_string() },
        };
        let place = if self.reference.pointer.is_empty() {
            format!("the output of {from}")
        } else {
            format!("{} of {from}", self.reference.pointer)
        };
        let (done, expected) = match &self.is {
            Is::Equals(value) => (is_equal(&found, value), format!("equal to {}", brief(value))),
            Is::AtLeast(least) => (number(&found).is_some_and(|number| number >= *least), format!("at least {least}")),
            Is::Contains(text) => {
                let verb = if contains(&found, text) { "contains" } else { "does not contain" };
                return Verdict {
                    done: verb == "contains",
                    reason: format!("{place} {verb} {:?}", clean_line(text, 80)),
                };
            }
        };
        let verb = if done { "is" } else { "is not" };
        Verdict { done, reason: format!("{place}, {}, {verb} {expected}", brief(&found)) }
    }
}

fn is_equal(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::String(found), Value::String(expected)) => found.trim() == expected.trim(),
        // A person or a model writes numbers and words as text.
        (Value::String(found), Value::Number(_) | Value::Bool(_)) => serde_json::from_str(found.trim())
            .is_ok_and(|found: Value| !found.is_string() && is_equal(&found, expected)),
        (Value::Number(found), Value::Number(expected)) => found.as_f64() == expected.as_f64(),
        _ => found == expected,
    }
}

fn number(found: &Value) -> Option<f64> {
    match found {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn contains(found: &Value, text: &str) -> bool {
    let text = text.to_lowercase();
    match found {
        Value::String(found) => found.to_lowercase().contains(&text),
        Value::Array(items) => items.iter().any(|item| item.as_str().is_some_and(|item| item.to_lowercase() == text)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

fn brief(value: &Value) -> String {
    clean_line(&value.to_string(), 80)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Expectation, Is, Reference};

    #[test]
    fn rules_hold_for_the_value_and_say_why() {
        let cases = [
            ("", Is::Contains("Durable".into()), "It is durable.", true),
            ("", Is::Contains("absent".into()), "It is durable.", false),
            ("/tags", Is::Contains("a".into()), r#"{"tags":["A","b"]}"#, true),
            ("/score", Is::AtLeast(8.0), r#"{"score":8}"#, true),
            ("/score", Is::AtLeast(8.0), r#"{"score":"9.5"}"#, true),
            ("/score", Is::AtLeast(8.0), r#"{"score":7.9}"#, false),
            ("/score", Is::AtLeast(8.0), r#"{"score":null}"#, false),
            ("/score", Is::AtLeast(8.0), "no JSON", false),
            ("/done", Is::Equals(json!(true)), r#"{"done":true}"#, true),
            ("/n", Is::Equals(json!(1)), r#"{"n":1.0}"#, true),
            ("", Is::Equals(json!("yes")), " yes\n", true),
            ("", Is::Equals(json!("yes")), "no", false),
        ];
        for (pointer, is, output, done) in cases {
            let reference = Reference::parse("review", pointer).unwrap();
            let verdict = Expectation { reference, is }.judge(Some(output));
            assert_eq!(verdict.done, done, "{pointer} {output}");
            assert!(verdict.reason.contains("review"), "{}", verdict.reason);
        }
    }

    #[test]
    fn a_verdict_is_a_sentence() {
        let reference = Reference::parse("review", "/score").unwrap();
        let rule = Expectation { reference, is: Is::AtLeast(8.0) };
        assert_eq!(rule.judge(Some(r#"{"score":3}"#)).reason, "/score of review, 3, is not at least 8");
        assert_eq!(rule.judge(None).reason, "step review has no output that can be read here");
    }
}
