//! rmcp alone: its service on a plain axum router, with one tool whose answer was made beforehand. What our server answers,
//! byte for byte, without everything it does for it. The same router serves our own MCP service too.

use std::{borrow::Cow, convert::Infallible, net::SocketAddr, sync::Arc};

use axum::{Router, extract::Request, response::IntoResponse, serve::ListenerExt as _};
use mcp_orchestrator_transport_mcp::rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, JsonObject, MetaObject, ServerCapabilities,
        ServerConfig, Tool,
    },
    service::RequestContext,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use tower::Service;

use crate::calls::TOOL;

/// Serves it until the task is aborted; `given` is the `result` of our server's answer.
pub(crate) async fn start(given: &str) -> anyhow::Result<(SocketAddr, JoinHandle<()>)> {
    let given: Value = serde_json::from_str(given)?;
    let handler = Arc::new(Bare {
        answer: given["structuredContent"].clone(),
        meta: serde_json::from_value(given["_meta"].clone())?,
        tool: Tool::new(TOOL, "The tools agents can call.", schema()),
    });
    serve(StreamableHttpService::new(
        move || Ok(Shared(Arc::clone(&handler))),
        Arc::new(LocalSessionManager::default()),
        StreamableHttpServerConfig::default().with_json_response(true),
    ))
    .await
}

/// Serves an MCP service at `/mcp` with what axum has for it, until the task is aborted.
pub(crate) async fn serve<S>(service: S) -> anyhow::Result<(SocketAddr, JoinHandle<()>)>
where
    S: Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Response: IntoResponse,
    S::Future: Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let listener = listener.tap_io(|stream| {
        // Only latency is lost when the system refuses.
        let _refused = stream.set_nodelay(true);
    });
    let routes = Router::new().route_service("/mcp", service);
    let serving = tokio::spawn(async move {
        // It ends with the process.
        let _ended = axum::serve(listener, routes).await;
    });
    Ok((address, serving))
}

struct Bare {
    answer: Value,
    meta: MetaObject,
    tool: Tool,
}

/// A handler for each request, as rmcp wants them.
#[derive(Clone)]
struct Shared(Arc<Bare>);

impl ServerHandler for Shared {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        (name == self.0.tool.name).then(|| self.0.tool.clone())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if request.name != Cow::Borrowed(TOOL) {
            return Err(ErrorData::invalid_params("unknown tool", None));
        }
        let result = CallToolResult::structured(self.0.answer.clone());
        Ok(result.with_meta(Some(self.0.meta.clone())).into())
    }
}

/// The schema of a tool with two optional arguments.
fn schema() -> JsonObject {
    let schema = json!({
        "type": "object",
        "properties": { "category": { "type": "string" }, "tags": { "type": "array", "items": { "type": "string" } } },
    });
    schema.as_object().cloned().unwrap_or_default()
}
