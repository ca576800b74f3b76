//! What is listed: tools with their schemas, prompts.

use std::collections::BTreeMap;

use mcp_orchestrator_api::{PROMPTS, ToolKind, prompt};

use crate::setting::setting;

#[tokio::test]
async fn tools_keep_their_names_and_order() {
    let names: Vec<&str> = setting().api.tools().iter().map(|tool| tool.name).collect();
    assert_eq!(
        names,
        [
            "orchestrate_research",
            "orchestrate_search",
            "orchestrate_custom",
            "get_orchestration_status",
            "wait_for_orchestration",
            "get_orchestration_results",
            "cancel_orchestration",
            "answer_orchestration",
            "list_orchestrations",
            "list_orchestrator_patterns",
            "list_registered_tools",
            "execute_registered_tool",
        ]
    );
}

#[tokio::test]
async fn what_is_said_about_a_tool_fits_every_host() {
    for tool in setting().api.tools() {
        assert!(tool.description.len() < 2048, "{}", tool.name);
        assert_eq!(tool.input_schema["type"], "object", "{}", tool.name);
        assert_eq!(tool.output_schema["type"], "object", "{}", tool.name);
        assert_eq!(tool.input_schema["additionalProperties"], false, "{}", tool.name);
    }
}

#[tokio::test]
async fn starting_tools_show_their_fields_with_bounds() {
    let setting = setting();
    let shown: Vec<(&str, serde_json::Value)> = setting
        .api
        .tools()
        .iter()
        .filter(|tool| matches!(tool.kind, ToolKind::Start(_)) && tool.name != "orchestrate_custom")
        .map(|tool| (tool.name, tool.input_schema.clone().into()))
        .collect();
    insta::assert_json_snapshot!(shown);
}

#[tokio::test]
async fn the_whole_list_leaves_room_for_a_conversation() {
    let bytes: usize = setting()
        .api
        .tools()
        .iter()
        .map(|tool| {
            let schemas =
                [&tool.input_schema, &tool.output_schema].map(|schema| serde_json::to_string(schema).unwrap());
            tool.description.len() + schemas.iter().map(String::len).sum::<usize>()
        })
        .sum();
    println!("{bytes} bytes of descriptions and schemas");
    assert!(bytes < 42_000, "{bytes}");
}

#[test]
fn prompts_name_what_is_missing() {
    assert_eq!(PROMPTS.len(), 2);
    let none = BTreeMap::new();
    assert_eq!(prompt("research", &none).unwrap_err().errors[0].pointer, "/task");
    let task = BTreeMap::from([("task".to_owned(), "Why is the sea salt?".to_owned())]);
    let text = prompt("research", &task).unwrap();
    assert!(text.contains("orchestrate_research") && text.contains("Why is the sea salt?"));
    assert!(prompt("search", &task).is_err());
    assert!(prompt("other", &none).is_err());
}
