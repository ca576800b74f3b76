//! Pipes: one message a line, lines that are none, the end of either side.

use mcp_orchestrator_testkit::{Act, ScriptedProvider};
use rmcp::{
    model::{CallToolRequestParams, ClientConfig, ProtocolVersion},
    service::{ClientLifecycleMode, ClientServiceExt as _},
};
use serde_json::{Value, json};

use crate::{
    wire::{LEGACY, MODERN, Pipes, no_capabilities, request},
    world::{World, quick, research},
};

#[tokio::test]
async fn both_eras_are_served_over_pipes() {
    let world = World::new();
    let mut modern = Pipes::new(&world.server);
    modern.ask(1, "server/discover", json!({})).await;
    assert_eq!(modern.answer(1).await["result"]["supportedVersions"].as_array().unwrap().last().unwrap(), MODERN);
    modern.ask(2, "tools/list", json!({})).await;
    assert_eq!(modern.answer(2).await["result"]["tools"].as_array().unwrap().len(), 12);
    modern.close().await;

    let mut legacy = Pipes::new(&world.server);
    assert_eq!(legacy.initialize(LEGACY, no_capabilities()).await["protocolVersion"], LEGACY);
    legacy.send(&request(1, "tools/list", json!({}))).await;
    assert_eq!(legacy.answer(1).await["result"]["tools"].as_array().unwrap().len(), 12);
    legacy.close().await;
}

#[tokio::test]
async fn a_client_of_the_sdk_is_served_in_either_lifecycle() {
    let lifecycles = [
        ClientLifecycleMode::Initialize,
        ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] },
    ];
    for lifecycle in lifecycles {
        let world = World::new();
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let (input, output) = tokio::io::split(theirs);
        let server = world.server.clone();
        let served = tokio::spawn(async move { server.serve_stdio(input, output, std::future::pending()).await });
        let client = ClientConfig::default().serve_with_lifecycle(ours, lifecycle).await.unwrap();
        assert_eq!(client.list_all_tools().await.unwrap().len(), 12);
        let Value::Object(arguments) = research() else { unreachable!() };
        let call = CallToolRequestParams::new("orchestrate_research").with_arguments(arguments);
        let result = client.call_tool(call).await.unwrap();
        assert_eq!(result.structured_content.unwrap()["status"], "completed");
        client.cancel().await.unwrap();
        served.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn lines_that_are_no_message_are_answered_and_end_nothing() {
    let world = World::with(crate::world::holding(), quick().with_message_max_bytes(4_000));
    let mut pipes = Pipes::new(&world.server);
    for (line, code) in [
        (&b"{\"jsonrpc\":"[..], -32700),
        (b"\xff\xfe\x00", -32700),
        (b"[]", -32600),
        (br#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600),
        (b"\"text\"", -32600),
        (br#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600),
        (&[b'x'; 5_000], -32600),
    ] {
        pipes.line(line).await;
        let answer = pipes.next().await.unwrap();
        assert_eq!(answer["error"]["code"], code, "{answer}");
        assert_eq!(answer.get("id"), None);
    }
    // Nothing is said of an empty line, of an answer to no question, and of notifications before the connection is open.
    pipes.line(b"").await;
    pipes.line(b"  \r").await;
    pipes.line(br#"{"jsonrpc":"2.0","id":9,"result":{}}"#).await;
    pipes.line(br#"{"jsonrpc":"2.0","result":7}"#).await;
    pipes.line(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    pipes.line(br#"{"jsonrpc":"2.0","method":"notifications/unheard/of"}"#).await;
    pipes.initialize(LEGACY, no_capabilities()).await;
    pipes.line(br#"{"jsonrpc":"2.0","method":"notifications/unheard/of","params":{"a":1}}"#).await;
    pipes.line(b"[").await;
    assert_eq!(pipes.next().await.unwrap()["error"]["code"], -32700);
    pipes.send(&request(2, "ping", json!({}))).await;
    assert_eq!(pipes.answer(2).await["result"], json!({}));
    pipes.close().await;
}

#[tokio::test]
async fn a_call_that_waits_holds_up_no_other() {
    let world = World::held();
    let mut pipes = Pipes::new(&world.server);
    let call = json!({ "name": "orchestrate_research", "arguments": with_wait(240) });
    pipes.ask(1, "tools/call", call).await;
    pipes.ask(2, "tools/call", json!({ "name": "list_orchestrator_patterns", "arguments": {} })).await;
    assert!(pipes.answer(2).await["result"]["structuredContent"]["count"].as_u64().unwrap() > 0);
    let id = only(&world).await;
    world.release(&id).await;
    assert_eq!(pipes.answer(1).await["result"]["structuredContent"]["status"], "completed");
    pipes.close().await;
}

#[tokio::test]
async fn the_end_of_the_input_ends_waits_and_the_server_but_no_workflow() {
    let world = World::held();
    let mut pipes = Pipes::new(&world.server);
    pipes.ask(1, "tools/call", json!({ "name": "orchestrate_research", "arguments": with_wait(240) })).await;
    let id = only(&world).await;
    pipes.end_input().await;
    let answer = pipes.answer(1).await;
    assert_eq!(answer["result"]["structuredContent"]["task_id"], id);
    assert_eq!(answer["result"]["structuredContent"]["next"], "wait_for_orchestration");
    assert_eq!(pipes.next().await, None, "the output ends after the last answer");
    pipes.served.await.unwrap().unwrap();
    assert_eq!(world.status(&id).await, "running");
}

#[tokio::test]
async fn what_was_sent_before_the_end_of_the_input_is_answered() {
    let world = World::new();
    let mut pipes = Pipes::new(&world.server);
    pipes.ask(1, "tools/list", json!({})).await;
    pipes.ask(2, "tools/call", json!({ "name": "list_orchestrations", "arguments": {} })).await;
    pipes.end_input().await;
    assert!(pipes.answer(1).await["result"]["tools"].is_array());
    assert!(pipes.answer(2).await["result"]["structuredContent"]["workflows"].is_array());
}

#[tokio::test]
async fn shutting_down_answers_waits_and_returns() {
    let world = World::held();
    let mut pipes = Pipes::new(&world.server);
    pipes.ask(1, "tools/call", json!({ "name": "orchestrate_research", "arguments": with_wait(240) })).await;
    let id = only(&world).await;
    pipes.shut_down();
    assert_eq!(pipes.answer(1).await["result"]["structuredContent"]["task_id"], id);
    pipes.served.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_that_reads_no_longer_ends_the_connection() {
    let world = World::new();
    let (mut ours, input) = tokio::io::duplex(64 * 1024);
    let (output, nobody) = tokio::io::duplex(64);
    drop(nobody);
    let server = world.server.clone();
    let served = tokio::spawn(async move { server.serve_stdio(input, output, std::future::pending()).await });
    tokio::io::AsyncWriteExt::write_all(&mut ours, b"[]\n").await.unwrap();
    served.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_cancelled_call_is_answered_by_nothing_and_its_workflow_goes_on() {
    let world = World::held();
    let mut pipes = Pipes::new(&world.server);
    pipes.ask(1, "tools/call", json!({ "name": "orchestrate_research", "arguments": with_wait(240) })).await;
    let id = only(&world).await;
    pipes.send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } })).await;
    pipes.ask(2, "tools/list", json!({})).await;
    let next = pipes.next().await.unwrap();
    assert_eq!(next["id"], 2);
    world.release(&id).await;
    pipes.end_input().await;
    assert_eq!(pipes.next().await, None);
    assert_eq!(world.status(&id).await, "completed");
}

#[tokio::test]
async fn too_many_requests_at_once_are_refused_and_so_is_an_id_in_use() {
    let world = World::with(ScriptedProvider::new(|_| Act::Hang), quick());
    let mut pipes = Pipes::new(&world.server);
    let id = {
        pipes.ask(1, "tools/call", json!({ "name": "orchestrate_research", "arguments": with_wait(0) })).await;
        pipes.answer(1).await["result"]["structuredContent"]["task_id"].as_str().unwrap().to_owned()
    };
    let wait = || json!({ "name": "wait_for_orchestration", "arguments": { "task_id": id, "wait_seconds": 240 } });
    pipes.ask(2, "tools/call", wait()).await;
    pipes.ask(2, "tools/call", wait()).await;
    assert_eq!(pipes.answer(2).await["error"]["code"], -32600);
    for id in 3..300 {
        pipes.ask(id, "tools/call", wait()).await;
    }
    assert_eq!(pipes.answer(299).await["error"]["code"], -32600);
    pipes.end_input().await;
    assert_eq!(pipes.answer(3).await["result"]["structuredContent"]["task_id"], id);
}

fn with_wait(seconds: u64) -> Value {
    let mut arguments = research();
    arguments["wait_seconds"] = json!(seconds);
    arguments
}

/// The only workflow there is, once it runs.
async fn only(world: &World) -> String {
    loop {
        if let Some(id) = world.ids("local").await.pop()
            && world.status(&id).await == "running"
        {
            return id;
        }
        tokio::task::yield_now().await;
    }
}
