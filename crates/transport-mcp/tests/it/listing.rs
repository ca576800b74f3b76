//! What is listed: the same for every connection, small enough for hosts, with what they need to know of it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    wire::{Http, LEGACY, elicitation, no_capabilities, tasks},
    world::{World, obliging, quick},
};

const TOOLS: [&str; 12] = [
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
];

#[tokio::test]
async fn tools_are_listed_in_one_order_whoever_asks() {
    let world = World::new();
    let http = Http::new(&world.server);
    let first = http.call("tools/list", json!({})).await.result()["tools"].clone();
    let names: Vec<&str> = first.as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, TOOLS);
    for other in [
        http.able_to(tasks()),
        http.named("anna"),
        http.able_to(elicitation()),
        http.open(LEGACY, no_capabilities()).await.0,
    ] {
        assert_eq!(other.call("tools/list", json!({})).await.result()["tools"], first);
    }
}

#[tokio::test]
async fn every_tool_has_schemas_annotations_a_title_and_a_short_description() {
    let world = World::new();
    let listed = Http::new(&world.server).call("tools/list", json!({})).await;
    for tool in listed.result()["tools"].as_array().unwrap() {
        let name = tool["name"].as_str().unwrap();
        assert!(tool["description"].as_str().unwrap().len() < 2048, "{name}");
        assert!(!tool["title"].as_str().unwrap().is_empty(), "{name}");
        assert_eq!(tool["inputSchema"]["type"], "object", "{name}");
        assert_eq!(tool["outputSchema"]["type"], "object", "{name}");
        for hint in ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"] {
            assert!(tool["annotations"][hint].is_boolean(), "{name} {hint}");
        }
        assert!(tool["_meta"]["mcp-orchestrator/version"].is_string(), "{name}");
    }
    let results = &listed.result()["tools"][5];
    assert!(results["_meta"]["anthropic/maxResultSizeChars"].as_u64().unwrap() <= 500_000);
}

#[tokio::test]
async fn answers_have_what_the_output_schemas_demand() {
    let world = World::with(obliging(), quick().with_wait(Duration::from_mins(1)));
    let http = Http::new(&world.server);
    let tools = http.call("tools/list", json!({})).await.result()["tools"].clone();
    let id = http.tool("orchestrate_research", crate::world::research()).await.task_id();
    for (name, arguments) in [
        ("orchestrate_research", crate::world::research()),
        ("get_orchestration_status", json!({ "task_id": id })),
        ("wait_for_orchestration", json!({ "task_id": id })),
        ("get_orchestration_results", json!({ "task_id": id })),
        ("cancel_orchestration", json!({ "task_id": id })),
        ("list_orchestrations", json!({})),
        ("list_orchestrator_patterns", json!({})),
        ("list_registered_tools", json!({})),
    ] {
        let tool = tools.as_array().unwrap().iter().find(|tool| tool["name"] == name).unwrap();
        let answer = http.tool(name, arguments).await;
        assert_eq!(answer.result()["isError"], false, "{name}: {answer:?}");
        for field in tool["outputSchema"]["required"].as_array().unwrap() {
            assert!(answer.structured().get(field.as_str().unwrap()).is_some(), "{name} {field}");
        }
        assert!(!answer.is_stream(), "{name}");
    }
}

#[tokio::test]
async fn prompts_are_listed_and_filled_in() {
    let world = World::new();
    let http = Http::new(&world.server);
    let listed = http.call("prompts/list", json!({})).await;
    let names: Vec<&Value> =
        listed.result()["prompts"].as_array().unwrap().iter().map(|prompt| &prompt["name"]).collect();
    assert_eq!(names, ["research", "search"]);
    let got =
        http.call("prompts/get", json!({ "name": "research", "arguments": { "task": "Why is the sea salt?" } })).await;
    let text = got.result()["messages"][0]["content"]["text"].as_str().unwrap();
    assert!(text.contains("Why is the sea salt?") && text.contains("orchestrate_research"), "{text}");
    for params in [json!({ "name": "research", "arguments": {} }), json!({ "name": "dance" })] {
        assert_eq!(http.call("prompts/get", params).await.code(), -32602);
    }
}

#[tokio::test]
async fn ids_and_patterns_are_completed() {
    let world = World::new();
    let http = Http::new(&world.server);
    let id = http.tool("orchestrate_research", crate::world::research()).await.task_id();
    let complete = async |http: &Http, argument: Value| {
        let params = json!({ "ref": { "type": "ref/resource", "uri": "orchestrator://{task_id}/report" }, "argument": argument });
        http.call("completion/complete", params).await.result()["completion"]["values"].clone()
    };
    assert_eq!(complete(&http, json!({ "name": "task_id", "value": "research_" })).await, json!([id]));
    assert_eq!(complete(&http.named("anna"), json!({ "name": "task_id", "value": "" })).await, json!([]));
    assert_eq!(complete(&http, json!({ "name": "pattern", "value": "swa" })).await, json!(["swarm"]));
}
