//! Traps of the SDK and of the protocol, each with the remedy that a test here fails without.
//!
//! What cannot be remedied is pinned as it is: `notifications_about_tasks_are_not_routable` and
//! `a_header_that_contradicts_the_body_is_refused`.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, StatusCode};
use mcp_orchestrator_transport_mcp::{Extra, McpServer, McpSettings, async_trait};
use rmcp::{
    ErrorData, RoleServer,
    model::{CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Tool, object},
    service::RequestContext,
};
use serde_json::json;

use crate::{
    wire::{Http, LEGACY, Pipes, no_capabilities, opener, request, tasks},
    world::{World, holding, quick, research},
};

/// A client may declare tasks in a version that does not define them, and then cannot read one. Remedy: tasks are made
/// only for requests of version 2026-07-28 (`Client::of`).
#[tokio::test]
async fn a_session_never_gets_a_task_whatever_its_client_declares() {
    let world = World::held();
    let (session, opened) = Http::new(&world.server).open(LEGACY, tasks()).await;
    assert_eq!(opened["capabilities"].get("extensions"), None);
    let answer = session.tool("orchestrate_research", research()).await;
    assert_eq!(answer.result().get("taskId"), None);
    assert_eq!(answer.structured()["next"], "wait_for_orchestration");
    for (method, params) in [
        ("tasks/get", json!({ "taskId": answer.task_id() })),
        ("tasks/cancel", json!({ "taskId": answer.task_id() })),
        ("tasks/update", json!({ "taskId": answer.task_id(), "inputResponses": {} })),
    ] {
        assert_eq!(session.call(method, params).await.code(), -32601, "{method}");
    }
    let mut pipes = Pipes::new(&world.server);
    pipes.initialize(LEGACY, tasks()).await;
    pipes.send(&request(1, "tools/call", json!({ "name": "orchestrate_research", "arguments": research() }))).await;
    assert_eq!(pipes.answer(1).await["result"].get("taskId"), None);
    pipes.close().await;
}

/// The SDK closes a session that was silent for a time, calls in flight or not, and their answers are lost. Remedy: a
/// session is never kept for less than twice the longest call (`McpSettings::with_session_idle`), four hours by default.
#[tokio::test]
async fn a_silent_call_keeps_its_session() {
    struct Silent;

    #[async_trait]
    impl Extra for Silent {
        fn tools(&self) -> Vec<Tool> {
            vec![Tool::new("silent", "Says nothing for long", object(json!({ "type": "object" })))]
        }

        async fn call_tool(
            &self,
            _: CallToolRequestParams,
            _: RequestContext<RoleServer>,
        ) -> Result<CallToolResponse, ErrorData> {
            // The work of this tool is to be silent for longer than the session was to be kept.
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok(CallToolResult::success(vec![ContentBlock::text("at last")]).into())
        }
    }

    let world = World::with(holding(), McpSettings::default().with_session_idle(Duration::from_millis(5)));
    let server = world.server.clone().with_extra(Arc::new(Silent));
    let session = Http::new(&server).open(LEGACY, no_capabilities()).await.0;
    assert_eq!(session.tool("silent", json!({})).await.told(), "at last");
}

/// Streams of small writes cost 40 ms a call where nobody sets `TCP_NODELAY`. Remedy: one JSON body for every call that
/// tells nothing on the way (`with_json_response`).
#[tokio::test]
async fn a_cheap_call_is_one_json_body() {
    let world = World::new();
    let http = Http::new(&world.server);
    for (method, params) in [
        ("server/discover", json!({})),
        ("tools/list", json!({})),
        ("tools/call", json!({ "name": "list_orchestrations", "arguments": {} })),
        ("tools/call", json!({ "name": "orchestrate_research", "arguments": research() })),
        ("resources/list", json!({})),
    ] {
        let answer = http.call(method, params).await;
        assert_eq!(answer.headers["content-type"], "application/json", "{method}");
        assert!(!answer.text.contains("data:"), "{method}");
    }
}

/// The SDK checks no origin unless told to. Remedy: `enforce_origin_validation`, and the hosts a server goes by.
#[tokio::test]
async fn pages_of_strangers_and_names_of_strangers_are_refused() {
    let world = World::new();
    let server = McpServer::new(world.api.clone(), quick().with_allowed_origins(["https://ours.example:443"])).unwrap();
    for (settings, name, value, status) in [
        (&world.server, "origin", "https://theirs.example", StatusCode::FORBIDDEN),
        (&world.server, "origin", "http://localhost:3000", StatusCode::FORBIDDEN),
        (&world.server, "origin", "null", StatusCode::FORBIDDEN),
        (&world.server, "host", "theirs.example", StatusCode::FORBIDDEN),
        (&world.server, "host", "127.0.0.1:5060", StatusCode::OK),
        (&server, "origin", "https://ours.example", StatusCode::OK),
        (&server, "origin", "https://theirs.example", StatusCode::FORBIDDEN),
    ] {
        let http = Http::new(settings);
        let (mut headers, message) = http.message("tools/list", json!({}));
        headers.insert(name, value.parse().unwrap());
        assert_eq!(http.post(headers, &message).await.status, status, "{name}: {value}");
    }
}

/// Task states cannot be sent through a subscription: the SDK's filter has no place for them. Pinned: clients poll, or
/// follow the workflow's resources.
#[tokio::test]
async fn notifications_about_tasks_are_not_routable() {
    let world = World::held();
    let http = Http::new(&world.server).able_to(tasks());
    let id = http.tool("orchestrate_research", research()).await.result()["taskId"].as_str().unwrap().to_owned();
    let mut stream = http.stream("subscriptions/listen", json!({ "notifications": { "taskIds": [id] } })).await;
    let acknowledged = stream.next().await.unwrap();
    assert_eq!(acknowledged["params"]["notifications"], json!({}), "what is not given is not acknowledged");
}

/// The SDK keeps any number of sessions. Remedy: a bound over all, and the longest idle one goes (`Sessions`).
#[tokio::test]
async fn sessions_are_bounded_and_the_longest_idle_one_goes() {
    let world = World::with(holding(), quick().with_sessions_max(2).with_wait(Duration::from_mins(4)));
    let http = Http::new(&world.server);
    let first = http.open(LEGACY, no_capabilities()).await.0;
    let second = http.open(LEGACY, no_capabilities()).await.0;
    assert_eq!(first.call("tools/list", json!({})).await.status, StatusCode::OK);
    let third = http.open(LEGACY, no_capabilities()).await.0;
    assert_eq!(second.call("tools/list", json!({})).await.status, StatusCode::NOT_FOUND, "idle for longest");
    assert_eq!(first.call("tools/list", json!({})).await.status, StatusCode::OK);

    // Sessions with a call in flight do not go; a new one is refused, and what needs no session is served.
    let call = || json!({ "name": "orchestrate_research", "arguments": research(), "_meta": { "progressToken": 1 } });
    let mut busy = [first.stream("tools/call", call()).await, third.stream("tools/call", call()).await];
    for stream in &mut busy {
        assert_eq!(stream.next().await.unwrap()["method"], "notifications/progress");
    }
    let refused = http.post(HeaderMap::new(), &request(0, "initialize", json!({}))).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers["retry-after"], "5");
    assert_eq!(http.call("tools/list", json!({})).await.status, StatusCode::OK);
    drop(busy);
    http.open(LEGACY, no_capabilities()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_opened_at_once_stay_within_the_bound() {
    let world = World::with(holding(), quick().with_sessions_max(3));
    let http = Http::new(&world.server);
    let opening = (0..20).map(|_| {
        let http = http.clone();
        tokio::spawn(async move { http.post(HeaderMap::new(), &opener(LEGACY, no_capabilities())).await })
    });
    let mut alive = 0;
    for opened in futures::future::join_all(opening).await {
        let opened = opened.unwrap();
        if opened.status == StatusCode::SERVICE_UNAVAILABLE {
            continue;
        }
        assert_eq!(opened.status, StatusCode::OK, "{opened:?}");
        let session =
            Http { session: Some(opened.headers["mcp-session-id"].to_str().unwrap().to_owned()), ..http.clone() };
        alive += usize::from(session.call("tools/list", json!({})).await.status == StatusCode::OK);
    }
    assert!((1..=3).contains(&alive), "{alive}");
}

/// The SDK names the server only in two results. Remedy: every result that has metadata is stamped (`Call::stamp`). The
/// acknowledgements of `tasks/update` and `tasks/cancel` have none in the SDK.
#[tokio::test]
async fn every_result_names_its_server() {
    let world = World::held();
    let http = Http::new(&world.server).able_to(tasks());
    let id = http.tool("orchestrate_research", research()).await.result()["taskId"].as_str().unwrap().to_owned();
    let complete =
        json!({ "ref": { "type": "ref/prompt", "name": "research" }, "argument": { "name": "task", "value": "" } });
    for (method, params) in [
        ("server/discover", json!({})),
        ("tools/list", json!({})),
        ("tools/call", json!({ "name": "list_orchestrations", "arguments": {} })),
        ("tools/call", json!({ "name": "get_orchestration_status", "arguments": {} })),
        ("tools/call", json!({ "name": "orchestrate_research", "arguments": research() })),
        ("tasks/get", json!({ "taskId": id })),
        ("resources/list", json!({})),
        ("resources/templates/list", json!({})),
        ("resources/read", json!({ "uri": "orchestrator://swarm/info" })),
        ("prompts/list", json!({})),
        ("prompts/get", json!({ "name": "research", "arguments": { "task": "Why is the sea salt?" } })),
        ("completion/complete", complete),
    ] {
        let answer = http.call(method, params).await;
        let named = &answer.result()["_meta"]["io.modelcontextprotocol/serverInfo"]["name"];
        assert_eq!(named, "mcp-orchestrator", "{method}: {answer:?}");
    }
}

/// Without hints the SDK says that nothing may be kept. Remedy: what never changes lasts and is anybody's, what is final
/// lasts for its reader, and only what still changes is not kept (`cacheable!`).
#[tokio::test]
async fn results_say_how_long_they_may_be_kept_and_by_whom() {
    let world = World::held();
    let http = Http::new(&world.server);
    let id = http.tool("orchestrate_research", research()).await.task_id();
    let status = json!({ "uri": format!("orchestrator://{id}/status") });
    for (method, params, is_kept, scope) in [
        ("tools/list", json!({}), true, "public"),
        ("prompts/list", json!({}), true, "public"),
        ("resources/templates/list", json!({}), true, "public"),
        ("resources/read", json!({ "uri": "orchestrator://swarm/info" }), true, "public"),
        ("resources/list", json!({}), false, "private"),
        ("resources/read", status.clone(), false, "private"),
    ] {
        let answer = http.call(method, params).await;
        assert_eq!(answer.result()["cacheScope"], scope, "{method}");
        assert_eq!(answer.result()["ttlMs"].as_u64().unwrap() > 0, is_kept, "{method}");
    }
    world.release(&id).await;
    let answer = http.call("resources/read", status).await;
    assert!(answer.result()["ttlMs"].as_u64().unwrap() > 0, "an ended workflow never changes");
    assert_eq!(answer.result()["cacheScope"], "private");
}

/// A header that names another version than the body is refused: the protocol wants it, and clients have run into it.
/// Pinned.
#[tokio::test]
async fn a_header_that_contradicts_the_body_is_refused() {
    let world = World::new();
    let http = Http::new(&world.server);
    for (name, value) in [("mcp-protocol-version", LEGACY), ("mcp-method", "tools/call")] {
        let (mut headers, message) = http.message("tools/list", json!({}));
        headers.insert(name, value.parse().unwrap());
        let answer = http.post(headers, &message).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, -32020), "{name}");
    }
}

/// The SDK's own tasks live in memory for five minutes and end their work with them. Remedy: a task is the stored
/// workflow and outlives its handle's time by any length.
#[tokio::test(start_paused = true)]
async fn a_task_lives_as_long_as_its_workflow() {
    let world = World::with(holding(), McpSettings::default().with_task_ttl(Duration::ZERO));
    let http = Http::new(&world.server).able_to(tasks());
    let made = http.tool("orchestrate_research", research()).await;
    assert!(made.result()["ttlMs"].as_u64().unwrap() >= 24 * 3_600_000);
    let id = made.result()["taskId"].as_str().unwrap().to_owned();
    tokio::time::advance(Duration::from_mins(10)).await;
    let got = http.call("tasks/get", json!({ "taskId": id })).await;
    assert_ne!(got.result()["status"], "failed");
    drop(world.server);
    let next = McpServer::new(world.api.clone(), McpSettings::default()).unwrap();
    let got = Http::new(&next).able_to(tasks()).call("tasks/get", json!({ "taskId": id })).await;
    assert_eq!(got.result()["taskId"], id);
}
