//! The methods of MCP, each in a few lines: whose work it is and under which bounds. One handler serves one connection, or
//! one request of the stateless protocol version.

use std::sync::Arc;

use mcp_orchestrator_api::ToolKind;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CancelTaskMethod, CancelTaskParams, CompleteRequestParams,
        CompleteResult, ConstString, CustomRequest, CustomResult, DiscoverResult, ErrorCode, GetPromptRequestParams,
        GetPromptResponse, GetTaskMethod, GetTaskParams, GetTaskResult, InitializeRequestParams, InitializeResult,
        ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
        ReadResourceRequestParams, ReadResourceResponse, ServerConfig, SetLevelRequestMethod, SubscribeRequestParams,
        SubscriptionFilter, TASKS_EXTENSION_ID, Tool, UnsubscribeRequestParams, UpdateTaskMethod, UpdateTaskParams,
    },
    service::{RequestContext, SubscriptionContext},
};
use tokio_util::sync::CancellationToken;

use crate::{
    answers,
    call::Call,
    follow::{self, Followed},
    lanes,
    parts::{EVERYBODY, LASTING_MS, Parts, cacheable},
    resources, tasks,
};

type Context = RequestContext<RoleServer>;

/// The handler of one connection.
#[derive(Clone)]
pub(crate) struct Handler {
    parts: Arc<Parts>,
    followed: Arc<Followed>,
    closing: CancellationToken,
}

impl Handler {
    pub(crate) fn new(parts: Arc<Parts>, closing: CancellationToken) -> Self {
        Self { parts, followed: Arc::default(), closing }
    }

    fn call<'a>(&'a self, context: &'a Context) -> Call<'a> {
        Call::new(&self.parts, context, &self.closing)
    }
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        self.parts.info()
    }

    /// The handshake of the older versions, in which the tasks extension is not defined and so not offered.
    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: Context,
    ) -> Result<InitializeResult, ErrorData> {
        let mut answer = self.negotiate_initialize(&request)?;
        context.peer.set_peer_info(request);
        if let Some(extensions) = &mut answer.capabilities.extensions {
            extensions.remove(TASKS_EXTENSION_ID);
        }
        answer.capabilities.extensions.take_if(|extensions| extensions.is_empty());
        Ok(answer)
    }

    async fn discover(&self, _: Context) -> Result<DiscoverResult, ErrorData> {
        let versions = self.supported_protocol_versions().into_owned();
        let answer = DiscoverResult::from_server_info(versions, self.parts.info());
        Ok(answer.with_ttl_ms(LASTING_MS).with_cache_scope(EVERYBODY))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListToolsResult, ErrorData> {
        let all = ListToolsResult::with_all_items(self.parts.tools.clone());
        Ok(cacheable!(self.call(&context), all, LASTING_MS, EVERYBODY))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.parts.tools.iter().find(|tool| tool.name == name).cloned()
    }

    async fn call_tool(&self, request: CallToolRequestParams, context: Context) -> Result<CallToolResponse, ErrorData> {
        let call = self.call(&context);
        // Boxed one by one: what a call does not do should not make its future large.
        let work = async {
            let Some(tool) = self.parts.own_tool(&request.name) else {
                return match self.parts.extra_of(&request.name) {
                    Some(extra) => {
                        let called = Box::pin(extra.call_tool(request, context.clone()));
                        called.await.map(|answer| stamped(&call, answer))
                    }
                    None => Err(ErrorData::invalid_params(format!("unknown tool: {}", request.name), None)),
                };
            };
            match tool.kind {
                ToolKind::Start(kind) => Box::pin(lanes::start(&call, kind, request)).await,
                ToolKind::Wait => Box::pin(lanes::await_one(&call, request)).await,
                ToolKind::Read | ToolKind::Cancel | ToolKind::Give | ToolKind::Call => {
                    let arguments = request.arguments.unwrap_or_default();
                    let called = Box::pin(self.parts.api.call_tool(&call.caller, tool.name, arguments)).await;
                    Ok(match called {
                        Ok(called) => answers::plain(&call, tool.name, called),
                        Err(error) => answers::refused(&call, &error),
                    }
                    .into())
                }
            }
        };
        call.bounded(work).await
    }

    async fn get_task(&self, request: GetTaskParams, context: Context) -> Result<GetTaskResult, ErrorData> {
        let call = self.call(&context);
        defined::<GetTaskMethod>(&call)?;
        for extra in &self.parts.extras {
            if let Some(answer) = extra.task(&request, &context).await {
                return answer.map(|mut got| {
                    call.stamp(&mut got.meta);
                    got
                });
            }
        }
        call.bounded(tasks::get(&call, &request)).await
    }

    async fn update_task(&self, request: UpdateTaskParams, context: Context) -> Result<(), ErrorData> {
        let call = self.call(&context);
        defined::<UpdateTaskMethod>(&call)?;
        for extra in &self.parts.extras {
            if let Some(answer) = extra.update_task(&request, &context).await {
                return answer;
            }
        }
        call.bounded(tasks::update(&call, request)).await
    }

    async fn cancel_task(&self, request: CancelTaskParams, context: Context) -> Result<(), ErrorData> {
        let call = self.call(&context);
        defined::<CancelTaskMethod>(&call)?;
        for extra in &self.parts.extras {
            if let Some(answer) = extra.cancel_task(&request, &context).await {
                return answer;
            }
        }
        call.bounded(tasks::cancel(&call, &request)).await
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListResourcesResult, ErrorData> {
        let call = self.call(&context);
        call.bounded(resources::list(&call)).await
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let all = ListResourceTemplatesResult::with_all_items(self.parts.resource_templates());
        Ok(cacheable!(self.call(&context), all, LASTING_MS, EVERYBODY))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: Context,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let call = self.call(&context);
        call.bounded(resources::read(&call, &request)).await
    }

    fn accepted_subscription_filter(&self, wanted: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(follow::accepted(&self.parts, wanted))
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        follow::listen(&self.parts, &context, &self.closing).await
    }

    async fn subscribe(&self, request: SubscribeRequestParams, context: Context) -> Result<(), ErrorData> {
        self.followed.subscribe(&self.call(&context), &request.uri).await
    }

    async fn unsubscribe(&self, request: UnsubscribeRequestParams, _: Context) -> Result<(), ErrorData> {
        self.followed.unsubscribe(&request.uri);
        Ok(())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListPromptsResult, ErrorData> {
        let all = ListPromptsResult::with_all_items(self.parts.prompts.clone());
        Ok(cacheable!(self.call(&context), all, LASTING_MS, EVERYBODY))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: Context,
    ) -> Result<GetPromptResponse, ErrorData> {
        let call = self.call(&context);
        call.bounded(resources::prompt(&call, &request)).await
    }

    async fn complete(&self, request: CompleteRequestParams, context: Context) -> Result<CompleteResult, ErrorData> {
        let call = self.call(&context);
        call.bounded(resources::complete(&call, &request)).await
    }

    #[expect(deprecated, reason = "older protocol versions have it, and an embedder may serve it")]
    async fn set_level(&self, request: rmcp::model::SetLevelRequestParams, context: Context) -> Result<(), ErrorData> {
        if self.call(&context).client.modern {
            return Err(ErrorData::method_not_found::<SetLevelRequestMethod>());
        }
        let level = serde_json::to_value(request.level).unwrap_or_default();
        for extra in &self.parts.extras {
            if let Some(answer) = extra.set_level(level.as_str().unwrap_or("info"), &context).await {
                return answer;
            }
        }
        Err(ErrorData::method_not_found::<SetLevelRequestMethod>())
    }

    /// A method rmcp does not know, or one it knows with parameters that are none.
    async fn on_custom_request(&self, request: CustomRequest, context: Context) -> Result<CustomResult, ErrorData> {
        for extra in &self.parts.extras {
            if let Some(answer) = extra.request(&request, &context).await {
                return answer;
            }
        }
        let is_gone = self.call(&context).client.modern && OLDER.contains(&request.method.as_str());
        if METHODS.contains(&request.method.as_str()) && !is_gone {
            let problem = format!("the parameters of {} cannot be read", request.method);
            return Err(ErrorData::invalid_params(problem, None));
        }
        Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, request.method, None))
    }
}

/// The methods whose parameters can be wrong.
const METHODS: &[&str] = &[
    "initialize",
    "server/discover",
    "tools/list",
    "tools/call",
    "tasks/get",
    "tasks/update",
    "tasks/cancel",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "resources/subscribe",
    "resources/unsubscribe",
    "subscriptions/listen",
    "prompts/list",
    "prompts/get",
    "completion/complete",
    "logging/setLevel",
];

/// Those of them that version 2026-07-28 has no more.
const OLDER: &[&str] = &["initialize", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"];

/// Refuses the methods of the tasks extension in the versions that do not define it.
fn defined<M: ConstString>(call: &Call<'_>) -> Result<(), ErrorData> {
    if call.client.modern { Ok(()) } else { Err(ErrorData::method_not_found::<M>()) }
}

fn stamped(call: &Call<'_>, mut answer: CallToolResponse) -> CallToolResponse {
    match &mut answer {
        CallToolResponse::Complete(result) => call.stamp(&mut result.meta),
        CallToolResponse::InputRequired(result) => call.stamp(&mut result.meta),
        CallToolResponse::Task(result) => call.stamp(&mut result.meta),
        _ => {}
    }
    answer
}
