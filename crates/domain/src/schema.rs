//! JSON Schema of what can be written down. Owns what a derive cannot say: the names fields also go by, and the file's
//! heading.

use serde_json::{Value, json};

use crate::RequestDraft;

/// Names that fields of a request also go by.
const ALSO: &[(&str, &[&str])] = &[
    ("task", &["query"]),
    ("provider_name", &["provider"]),
    ("model", &["primary_model"]),
    ("agent_model", &["worker_model"]),
    ("corpus", &["corpora"]),
    ("synthesis_group_size", &["drummer_grouping_size"]),
    ("allowed_agent_types", &["agent_types"]),
    ("search_depth", &["depth"]),
];

/// The JSON Schema (draft 2020-12) of a workflow as it is written down: what `mcp-orchestrator run` reads as TOML or JSON,
/// and what is submitted as a request. It describes shapes; rules over several fields are [`RequestDraft::parse`]'s.
#[must_use]
pub fn workflow_schema() -> Value {
    let mut schema = schemars::schema_for!(RequestDraft).to_value();
    schema["title"] = json!("A workflow of mcp-orchestrator");
    schema["required"] = json!(["pattern"]);
    if let Some(properties) = schema["properties"].as_object_mut() {
        for (name, also) in ALSO {
            let Some(mut property) = properties.get(*name).cloned() else { continue };
            property["description"] = json!(format!("The same as `{name}`."));
            properties.extend(also.iter().map(|also| ((*also).to_owned(), property.clone())));
        }
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::{ALSO, workflow_schema};
    use crate::RequestDraft;

    #[test]
    fn every_other_name_of_a_field_is_one() {
        let schema = workflow_schema();
        for (name, also) in ALSO {
            assert!(schema["properties"][name].is_object(), "{name}");
            for also in *also {
                let value = match schema["properties"][also]["type"].as_str() {
                    Some("array") => serde_json::json!(["x"]),
                    _ if *name == "synthesis_group_size" => serde_json::json!(3),
                    _ if *name == "allowed_agent_types" => serde_json::json!(["x"]),
                    _ => serde_json::json!("x"),
                };
                let by_other_name = serde_json::json!({ *also: value });
                let by_name = serde_json::json!({ *name: value });
                let read = |json| serde_json::from_value::<RequestDraft>(json).unwrap();
                assert_eq!(read(by_other_name), read(by_name), "{also}");
            }
        }
    }
}
