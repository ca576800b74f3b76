//! The seam for an embedder's own MCP items: tools, resources, prompts and whatever else a method of the protocol needs,
//! served by the same handler and the same transports as the orchestrator's.

use async_trait::async_trait;
use rmcp::{
    ErrorData, RoleServer,
    model::{
        CallToolRequestParams, CallToolResponse, CancelTaskParams, CompleteRequestParams, CompleteResult,
        CustomRequest, CustomResult, GetPromptRequestParams, GetPromptResponse, GetTaskParams, GetTaskResult, Prompt,
        ReadResourceRequestParams, ReadResourceResponse, Resource, ResourceTemplate, ServerCapabilities, Tool,
        UpdateTaskParams,
    },
    service::{RequestContext, SubscriptionSink},
};

/// What an answer of an [`Extra`] is: `None` when the item is not one of its own.
pub type Own<T> = Option<Result<T, ErrorData>>;

/// MCP items of an embedder beside the orchestrator's, given to [`McpServer::with_extra`](crate::McpServer::with_extra).
///
/// Every method has a default that offers nothing, so an implementation names only what it has. A request comes here
/// when the orchestrator has no such item: its own names cannot be replaced. With several extras the first that answers
/// has answered. The [`RequestContext`] is rmcp's own, with everything it can do: progress, elicitation, sampling,
/// cancellation and, over HTTP, the request's head.
///
/// What is listed must be the same for every connection. A call's future is dropped when its client cancels it, at the
/// longest call's end, or when the server closes; what must survive that is spawned elsewhere.
///
/// ```
/// use mcp_orchestrator_transport_mcp::{Extra, Own, rmcp};
/// use rmcp::{
///     ErrorData, RoleServer,
///     model::{CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Tool, object},
///     service::RequestContext,
/// };
///
/// struct Clock;
///
/// #[mcp_orchestrator_transport_mcp::async_trait]
/// impl Extra for Clock {
///     fn tools(&self) -> Vec<Tool> {
///         vec![Tool::new("ship_time", "The time aboard", object(serde_json::json!({"type": "object"})))]
///     }
///
///     async fn call_tool(
///         &self,
///         call: CallToolRequestParams,
///         _context: RequestContext<RoleServer>,
///     ) -> Result<CallToolResponse, ErrorData> {
///         assert_eq!(call.name, "ship_time");
///         Ok(CallToolResult::success(vec![ContentBlock::text("four bells")]).into())
///     }
/// }
/// ```
#[async_trait]
pub trait Extra: Send + Sync {
    /// Adds to what the server says it can do. Called once, when the extra is added.
    fn capabilities(&self, _capabilities: &mut ServerCapabilities) {}

    /// Its tools, in the order of listing. Called once, when the extra is added.
    fn tools(&self) -> Vec<Tool> {
        Vec::new()
    }

    /// Calls one of [`Extra::tools`]: a result, a question, or a task of its own.
    async fn call_tool(
        &self,
        call: CallToolRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        Err(ErrorData::invalid_params(format!("unknown tool: {}", call.name), None))
    }

    /// The state of a task that [`Extra::call_tool`] made.
    async fn task(&self, _get: &GetTaskParams, _context: &RequestContext<RoleServer>) -> Own<GetTaskResult> {
        None
    }

    /// Answers to what such a task has asked.
    async fn update_task(&self, _update: &UpdateTaskParams, _context: &RequestContext<RoleServer>) -> Own<()> {
        None
    }

    /// Cancels such a task.
    async fn cancel_task(&self, _cancel: &CancelTaskParams, _context: &RequestContext<RoleServer>) -> Own<()> {
        None
    }

    /// Its resources, in the order of listing. Called for every listing.
    fn resources(&self) -> Vec<Resource> {
        Vec::new()
    }

    /// Its resource templates, in the order of listing.
    fn resource_templates(&self) -> Vec<ResourceTemplate> {
        Vec::new()
    }

    /// Reads a resource.
    async fn read_resource(
        &self,
        _read: &ReadResourceRequestParams,
        _context: &RequestContext<RoleServer>,
    ) -> Own<ReadResourceResponse> {
        None
    }

    /// Whether a resource can be subscribed to. Its changes are then sent by [`Extra::listen`], or through the peer of the
    /// subscribing request in the older protocol versions.
    fn subscribes(&self, _uri: &str) -> bool {
        false
    }

    /// Its prompts, in the order of listing.
    fn prompts(&self) -> Vec<Prompt> {
        Vec::new()
    }

    /// Renders one of [`Extra::prompts`].
    async fn prompt(
        &self,
        _get: &GetPromptRequestParams,
        _context: &RequestContext<RoleServer>,
    ) -> Own<GetPromptResponse> {
        None
    }

    /// Completes an argument of its prompts or templates.
    async fn complete(
        &self,
        _complete: &CompleteRequestParams,
        _context: &RequestContext<RoleServer>,
    ) -> Own<CompleteResult> {
        None
    }

    /// Takes the level of log messages a client of an older protocol version wants, for example `warning`.
    async fn set_level(&self, _level: &str, _context: &RequestContext<RoleServer>) -> Own<()> {
        None
    }

    /// Answers a method rmcp does not know.
    async fn request(&self, _request: &CustomRequest, _context: &RequestContext<RoleServer>) -> Own<CustomResult> {
        None
    }

    /// Sends notifications to one subscription for as long as it lives; the future is dropped with it.
    async fn listen(&self, _sink: SubscriptionSink) {
        std::future::pending().await
    }
}
