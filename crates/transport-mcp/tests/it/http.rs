//! HTTP: versions, headers, bodies that are no messages, sessions and whose they are.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{
    wire::{Http, LEGACY, MODERN, no_capabilities, request},
    world::{World, quick, research},
};

#[tokio::test]
async fn discover_names_versions_capabilities_and_how_long_it_holds() {
    let world = World::new();
    let answer = Http::new(&world.server).call("server/discover", json!({})).await;
    let found = answer.result();
    assert_eq!(found["supportedVersions"].as_array().unwrap().last().unwrap(), MODERN);
    assert!(found["capabilities"]["extensions"]["io.modelcontextprotocol/tasks"].is_object());
    assert!(found["capabilities"]["resources"]["subscribe"].as_bool().unwrap());
    assert!(found["ttlMs"].as_u64().unwrap() > 0);
    assert_eq!(found["cacheScope"], "public");
    assert_eq!(found["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "mcp-orchestrator");
    assert!(found["instructions"].as_str().unwrap().len() < 2048);
}

#[tokio::test]
async fn every_older_version_is_served_in_a_session_and_without_tasks() {
    let world = World::new();
    for version in ["2025-11-25", "2025-06-18", "2025-03-26"] {
        let (session, opened) = Http::new(&world.server).open(version, no_capabilities()).await;
        assert_eq!(opened["protocolVersion"], version);
        assert_eq!(opened["capabilities"].get("extensions"), None);
        let listed = session.call("tools/list", json!({})).await;
        assert_eq!(listed.result()["tools"].as_array().unwrap().len(), 12);
        assert_eq!(listed.result().get("ttlMs"), None, "older versions know no caching");
    }
}

#[tokio::test]
async fn an_unknown_version_is_refused_with_those_there_are() {
    let world = World::new();
    let (mut headers, mut message) = Http::new(&world.server).message("tools/list", json!({}));
    headers.insert("mcp-protocol-version", "2031-01-01".parse().unwrap());
    message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2031-01-01");
    let answer = Http::new(&world.server).post(headers, &message).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, -32022));
    assert!(answer.error()["data"]["supported"].as_array().unwrap().contains(&json!(MODERN)));
}

#[tokio::test]
async fn bodies_that_are_no_message_are_answered_in_json_rpc() {
    let world = World::new();
    let http = Http::new(&world.server);
    for (body, code, id) in [
        (&b"{\"jsonrpc\":"[..], -32700, None),
        (b"\xff\xfe", -32700, None),
        (b"[]", -32600, None),
        (br#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600, None),
        (b"7", -32600, None),
        (br#"{"id":5,"method":"tools/list"}"#, -32600, Some(5)),
    ] {
        let answer = http.post_bytes(HeaderMap::new(), body.to_vec()).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, code), "{answer:?}");
        assert_eq!(answer.messages[0].get("id").and_then(serde_json::Value::as_u64), id);
    }
}

#[tokio::test]
async fn an_unknown_method_is_404_and_unreadable_parameters_are_named() {
    let world = World::new();
    let http = Http::new(&world.server);
    let unknown = http.call("tools/dance", json!({})).await;
    assert_eq!((unknown.status, unknown.code()), (StatusCode::NOT_FOUND, -32601));
    let unreadable = http.call("tools/call", json!({ "name": "get_orchestration_status", "arguments": 7 })).await;
    assert_eq!(unreadable.code(), -32602);
    let missing = http.post(HeaderMap::new(), &request(1, "tools/list", json!({}))).await;
    assert_ne!(missing.status, StatusCode::OK, "neither a session nor metadata");
}

#[tokio::test]
async fn a_method_that_only_older_versions_have_is_404_whatever_its_parameters() {
    let world = World::new();
    let http = Http::new(&world.server);
    for (method, parameters) in [
        ("initialize", json!({})),
        ("ping", json!({})),
        ("logging/setLevel", json!({})),
        ("logging/setLevel", json!({ "level": "info" })),
        ("resources/subscribe", json!({})),
        ("resources/subscribe", json!({ "uri": "orchestrator://beltalowda/info" })),
        ("resources/unsubscribe", json!({})),
    ] {
        let gone = http.call(method, parameters).await;
        assert_eq!((gone.status, gone.code()), (StatusCode::NOT_FOUND, -32601), "{method}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let world = World::with(crate::world::holding(), quick().with_message_max_bytes(2_000));
    let answer = Http::new(&world.server).tool("list_orchestrations", json!({ "cursor": "x".repeat(4_000) })).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::PAYLOAD_TOO_LARGE, -32600));
}

#[tokio::test]
async fn a_session_is_unknown_to_everybody_but_its_owner() {
    let world = World::new();
    let (anna, _) = Http::new(&world.server).named("anna").open(LEGACY, no_capabilities()).await;
    assert_eq!(anna.call("tools/list", json!({})).await.status, StatusCode::OK);
    let thief = anna.named("boris").call("tools/list", json!({})).await;
    assert_eq!(thief.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn workflows_belong_to_the_principal_of_the_request() {
    let world = World::held();
    let http = Http::new(&world.server);
    let id = http.named("anna").tool("orchestrate_research", research()).await.task_id();
    assert_eq!(world.ids("anna").await, [id.as_str()]);
    let known = http.named("anna").tool("get_orchestration_status", json!({ "task_id": id })).await;
    assert_eq!(known.structured()["task_id"], id);
    let unknown = http.named("boris").tool("get_orchestration_status", json!({ "task_id": id })).await;
    assert_eq!(unknown.result()["isError"], true);
    assert_eq!(unknown.refusal()["code"], "not_found");
}

#[tokio::test]
async fn closing_answers_waits_and_ends_sessions() {
    let world = World::with(crate::world::holding(), quick().with_wait(Duration::from_mins(4)));
    let http = Http::new(&world.server);
    let waiting = tokio::spawn({
        let http = http.clone();
        async move { http.tool("orchestrate_research", research()).await }
    });
    while world.ids("local").await.is_empty() {
        tokio::task::yield_now().await;
    }
    world.server.close().await;
    let answer = waiting.await.unwrap();
    assert_eq!(answer.structured()["next"], "wait_for_orchestration");
    assert_eq!(world.status(&answer.task_id()).await, "running");
}

#[tokio::test]
async fn it_is_mounted_at_a_path_of_a_real_server() {
    let world = World::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = axum::Router::new().nest_service("/mcp", world.server.http_service());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = axum::serve(listener, routes).with_graceful_shutdown(async move { drop(stopped.await) });
    let serving = tokio::spawn(async move { serving.await });

    let (_, message) = Http::new(&world.server).message("tools/list", json!({}));
    let body = message.to_string();
    let request = format!(
        "POST /mcp HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\nmcp-protocol-version: {MODERN}\r\nmcp-method: tools/list\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains("\"orchestrate_research\""));

    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
}
