//! An embedder's own items beside the orchestrator's.

use std::sync::Arc;

use mcp_orchestrator_transport_mcp::{Extra, Own, async_trait};
use rmcp::{
    ErrorData, RoleServer,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, CreateTaskResult, DetailedTask,
        GetPromptRequestParams, GetPromptResponse, GetPromptResult, GetTaskParams, GetTaskResult, InputRequiredResult,
        ProgressNotificationParam, Prompt, PromptMessage, ReadResourceRequestParams, ReadResourceResponse,
        ReadResourceResult, Resource, ResourceContents, Role, ServerCapabilities, Task, TaskPayload, TaskStatus, Tool,
        ToolsCapability, object,
    },
    service::{RequestContext, SubscriptionSink},
};
use serde_json::{Value, json};

use crate::{
    wire::{Http, LEGACY, no_capabilities, tasks},
    world::World,
};

struct Ship;

#[async_trait]
impl Extra for Ship {
    fn capabilities(&self, capabilities: &mut ServerCapabilities) {
        let mut tools = ToolsCapability::default();
        tools.list_changed = Some(true);
        capabilities.tools = Some(tools);
        capabilities.logging = Some(object(json!({})));
    }

    fn tools(&self) -> Vec<Tool> {
        let schema = || object(json!({ "type": "object" }));
        ["ship_time", "ship_course", "ship_voyage", "orchestrate_research"]
            .map(|name| Tool::new(name, name, schema()))
            .into()
    }

    async fn call_tool(
        &self,
        call: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        match call.name.as_ref() {
            "ship_time" => {
                if let Some(token) = context.meta.get_progress_token() {
                    context.peer.notify_progress(ProgressNotificationParam::new(token, 1.0)).await.unwrap();
                }
                Ok(CallToolResult::success(vec![ContentBlock::text("four bells")]).into())
            }
            "ship_course" => Ok(InputRequiredResult::from_request_state("where to").into()),
            _ => {
                let at = "2026-01-01T00:00:00Z";
                Ok(CreateTaskResult::new(Task::new("voyage-1", TaskStatus::Working, at, at)).into())
            }
        }
    }

    async fn task(&self, get: &GetTaskParams, _: &RequestContext<RoleServer>) -> Own<GetTaskResult> {
        let at = "2026-01-01T00:00:00Z";
        let task = Task::new("voyage-1", TaskStatus::Working, at, at);
        (get.task_id == "voyage-1").then(|| Ok(GetTaskResult::new(DetailedTask::new(task, TaskPayload::Working))))
    }

    fn resources(&self) -> Vec<Resource> {
        vec![Resource::new("ship://log", "log")]
    }

    async fn read_resource(
        &self,
        read: &ReadResourceRequestParams,
        _: &RequestContext<RoleServer>,
    ) -> Own<ReadResourceResponse> {
        let contents = || vec![ResourceContents::text("calm", "ship://log")];
        (read.uri == "ship://log").then(|| Ok(ReadResourceResult::new(contents()).into()))
    }

    fn subscribes(&self, uri: &str) -> bool {
        uri == "ship://log"
    }

    fn prompts(&self) -> Vec<Prompt> {
        vec![Prompt::new("hail", Some("Hails a ship"), None)]
    }

    async fn prompt(&self, get: &GetPromptRequestParams, _: &RequestContext<RoleServer>) -> Own<GetPromptResponse> {
        let messages = || vec![PromptMessage::new_text(Role::User, "ahoy")];
        (get.name == "hail").then(|| Ok(GetPromptResult::new(messages()).into()))
    }

    async fn set_level(&self, level: &str, _: &RequestContext<RoleServer>) -> Own<()> {
        Some(if level == "debug" { Ok(()) } else { Err(ErrorData::invalid_params(level.to_owned(), None)) })
    }

    async fn listen(&self, sink: SubscriptionSink) {
        let _ = sink.notify_resource_updated("ship://log").await;
        let _ = sink.notify_tool_list_changed().await;
    }
}

fn world() -> (World, Http) {
    let world = World::new();
    let server = world.server.clone().with_extra(Arc::new(Ship));
    let http = Http::new(&server);
    (world, http)
}

#[tokio::test]
async fn tools_are_listed_after_the_own_ones_and_return_whatever_the_protocol_has() {
    let (_world, http) = world();
    let listed = http.call("tools/list", json!({})).await;
    let names: Vec<&str> =
        listed.result()["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names[12..], ["ship_time", "ship_course", "ship_voyage"], "a name that is taken stays whose it is");
    let call = json!({ "name": "ship_time", "arguments": {}, "_meta": { "progressToken": 4 } });
    let answer = http.call("tools/call", call).await;
    assert_eq!(answer.told(), "four bells");
    assert_eq!(answer.notified("notifications/progress").len(), 1);
    assert!(answer.result()["_meta"]["io.modelcontextprotocol/serverInfo"].is_object());
    assert_eq!(http.tool("ship_course", json!({})).await.result()["requestState"], "where to");
    let http = http.able_to(tasks());
    assert_eq!(http.tool("ship_voyage", json!({})).await.result()["taskId"], "voyage-1");
    assert_eq!(http.call("tasks/get", json!({ "taskId": "voyage-1" })).await.result()["status"], "working");
    assert_eq!(http.call("tasks/get", json!({ "taskId": "voyage-2" })).await.code(), -32602);
}

#[tokio::test]
async fn resources_and_prompts_stand_beside_the_own_ones() {
    let (_world, http) = world();
    assert!(http.call("resources/list", json!({})).await.text.contains("ship://log"));
    let read = http.call("resources/read", json!({ "uri": "ship://log" })).await;
    assert_eq!(read.result()["contents"][0]["text"], "calm");
    let listed = http.call("prompts/list", json!({})).await;
    let names: Vec<&Value> =
        listed.result()["prompts"].as_array().unwrap().iter().map(|prompt| &prompt["name"]).collect();
    assert_eq!(names, ["research", "search", "hail"]);
    let got = http.call("prompts/get", json!({ "name": "hail" })).await;
    assert_eq!(got.result()["messages"][0]["content"]["text"], "ahoy");
}

#[tokio::test]
async fn capabilities_levels_and_notifications_are_its_own() {
    let (world, http) = world();
    let found = http.call("server/discover", json!({})).await;
    assert_eq!(found.result()["capabilities"]["tools"]["listChanged"], true);
    assert!(found.result()["capabilities"]["logging"].is_object());
    let (session, _) = http.open(LEGACY, no_capabilities()).await;
    assert_eq!(session.call("logging/setLevel", json!({ "level": "debug" })).await.result(), &json!({}));
    assert_eq!(session.call("logging/setLevel", json!({ "level": "error" })).await.code(), -32602);
    let wanted = json!({ "notifications": { "resourceSubscriptions": ["ship://log"], "toolsListChanged": true } });
    let mut stream = http.stream("subscriptions/listen", wanted).await;
    let told: Vec<Value> = [stream.next().await, stream.next().await, stream.next().await].map(Option::unwrap).into();
    assert_eq!(told[1]["method"], "notifications/resources/updated");
    assert_eq!(told[2]["method"], "notifications/tools/list_changed");
    drop(world);
}
