//! MCP over HTTP as a tower service: what is checked before rmcp sees a request, and what is made of its answers. Knows
//! no tool and no workflow; whose request it is was decided before it came here.

use std::{
    convert::Infallible,
    fmt::Display,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Full, Limited, combinators::BoxBody};
use mcp_orchestrator_domain::Principal;
use rmcp::{
    model::{ErrorData, JsonRpcError, ProtocolVersion},
    transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService},
};
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

use crate::{McpSettings, client, handler::Handler, sessions::Sessions, wire};

const SESSION: &str = "mcp-session-id";
const VERSION: &str = "mcp-protocol-version";
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What sessions say when none can make room.
const BUSY: &str = "every session is busy";
/// The longest refusal in plain words that is passed on.
const REFUSAL_BYTES_MAX: usize = 4 * 1024;

/// The body of an answer.
pub type McpBody = BoxBody<Bytes, Infallible>;

/// MCP over streamable HTTP. Mount it at one path, for example `/mcp`; it looks at no path. Cheap to clone, and all
/// clones share sessions.
///
/// Whose request it is, is what the layers before it have put into the request's extensions: a
/// [`Caller`](mcp_orchestrator_api::Caller), or a [`Principal`]; without either it is [`Principal::local`]. A session
/// belongs to whoever opened it, and is unknown to everybody else.
///
/// Dropping the future of a call, as HTTP servers do when a client goes away, ends its wait and no workflow.
///
/// The listener should set `TCP_NODELAY`: answers in the older protocol versions are streams of small writes, which cost
/// 40 ms each otherwise.
#[derive(Clone)]
pub struct McpHttp {
    shared: Arc<Shared>,
}

/// What all clones share. Servers clone a service for each request and for each layer around it.
struct Shared {
    rmcp: StreamableHttpService<Handler, Sessions>,
    sessions: Arc<Sessions>,
    answering: TaskTracker,
    body_max_bytes: usize,
}

impl std::fmt::Debug for McpHttp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("McpHttp").finish_non_exhaustive()
    }
}

impl McpHttp {
    pub(crate) fn new(
        settings: &McpSettings,
        ended: CancellationToken,
        answering: TaskTracker,
        handler: impl Fn() -> Handler + Send + Sync + 'static,
    ) -> Self {
        let sessions = Arc::new(Sessions::new(settings.sessions_max, settings.session_idle));
        let config = StreamableHttpServerConfig::default().with_json_response(true).with_legacy_session_mode(true);
        let config = if settings.is_checked_before {
            config.disable_allowed_hosts().disable_allowed_origins()
        } else {
            config
                .with_allowed_hosts(settings.allowed_hosts.clone())
                .with_allowed_origins(settings.allowed_origins.clone())
                .enforce_origin_validation()
        };
        let config = config.with_max_request_body_bytes(settings.body_max_bytes).with_cancellation_token(ended);
        let rmcp = StreamableHttpService::new(move || Ok(handler()), Arc::clone(&sessions), config);
        Self { shared: Arc::new(Shared { rmcp, sessions, answering, body_max_bytes: settings.body_max_bytes }) }
    }
}

impl Shared {
    async fn answer<B>(&self, request: Request<B>) -> Response<McpBody>
    where
        B: Body + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Display,
    {
        worded(self.handle(request).await).await
    }

    async fn handle<B>(&self, request: Request<B>) -> Response<McpBody>
    where
        B: Body + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Display,
    {
        let principal = client::principal(request.extensions());
        let session = request.headers().get(SESSION).and_then(|id| id.to_str().ok()).map(str::to_owned);
        match &session {
            Some(id) if !self.sessions.admits(id, &principal) => {
                return plain(StatusCode::NOT_FOUND, "Not Found: Session not found");
            }
            None if request.method() == Method::POST && !is_modern(request.headers()) && self.sessions.is_full() => {
                return busy();
            }
            Some(_) | None => {}
        }
        if request.method() != Method::POST {
            return Box::pin(self.rmcp.handle(request)).await;
        }
        let token = self.answering.token();
        let answer = self.post(request, &principal, session.is_some()).await;
        answer.map(|body| Answer { body, _token: token }.boxed())
    }

    async fn post<B>(&self, request: Request<B>, principal: &Principal, in_session: bool) -> Response<McpBody>
    where
        B: Body + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Display,
    {
        let (parts, body) = request.into_parts();
        let bytes = match Limited::new(body, self.body_max_bytes).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                return json(StatusCode::PAYLOAD_TOO_LARGE, &wire::too_long().into_message());
            }
            Err(error) => {
                tracing::debug!(%error, "a request's body ended early");
                return plain(StatusCode::BAD_REQUEST, "the body ended early");
            }
        };
        let is_json = parts.headers.get(header::CONTENT_TYPE).and_then(|of| of.to_str().ok()).is_some_and(|of| {
            of.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
        });
        let answer = Box::pin(self.rmcp.handle(Request::from_parts(parts, Full::new(bytes.clone())))).await;
        if answer.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE && is_json {
            // rmcp says in words that the body is no message; clients read JSON-RPC.
            let refusal = wire::refusal(&bytes).map_or_else(
                || JsonRpcError::new(None, ErrorData::invalid_request("not a JSON-RPC 2.0 message", None)),
                wire::Refusal::into_message,
            );
            return json(StatusCode::BAD_REQUEST, &refusal);
        }
        if !in_session && answer.status() == StatusCode::INTERNAL_SERVER_ERROR && self.sessions.is_full() {
            // Others were quicker since it was looked at first.
            return busy();
        }
        if !in_session && let Some(id) = answer.headers().get(SESSION).and_then(|id| id.to_str().ok()) {
            self.sessions.bind(id, principal);
        }
        answer
    }
}

impl<B> tower::Service<Request<B>> for McpHttp
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Display,
{
    type Response = Response<McpBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move { Ok(shared.answer(request).await) })
    }
}

/// A refusal in plain words as a JSON-RPC error that says what to do.
async fn worded(answer: Response<McpBody>) -> Response<McpBody> {
    let status = answer.status();
    let is_json =
        answer.headers().get(header::CONTENT_TYPE).is_some_and(|of| of.as_bytes().starts_with(JSON.as_bytes()));
    if !(status.is_client_error() || status.is_server_error()) || is_json {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    let mut status = status;
    let said = match Limited::new(body, REFUSAL_BYTES_MAX).collect().await {
        Ok(said) => String::from_utf8_lossy(&said.to_bytes()).into_owned(),
        Err(_) => String::new(),
    };
    if status == StatusCode::INTERNAL_SERVER_ERROR && said.contains(BUSY) {
        // Others were quicker, and are gone again already.
        status = StatusCode::SERVICE_UNAVAILABLE;
        parts.status = status;
        parts.headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    let said = match status {
        StatusCode::NOT_FOUND => {
            "there is no session of this id: it ended, or the server was started anew; send initialize again".to_owned()
        }
        StatusCode::NOT_ACCEPTABLE => "Accept must name application/json and text/event-stream".to_owned(),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "Content-Type must be application/json".to_owned(),
        StatusCode::BAD_REQUEST => format!(
            "{said}; send initialize first and then its Mcp-Session-Id, or the metadata and headers of version 2026-07-28"
        ),
        _ if said.is_empty() => status.canonical_reason().unwrap_or("refused").to_owned(),
        _ => said,
    };
    let error = JsonRpcError::new(None, ErrorData::invalid_request(said, None));
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, JSON);
    Response::from_parts(parts, Full::new(serde_json::to_vec(&error).unwrap_or_default().into()).boxed())
}

/// Versions of the protocol compare as text.
fn is_modern(headers: &HeaderMap) -> bool {
    let version = headers.get(VERSION).and_then(|version| version.to_str().ok());
    version.is_some_and(|version| version >= ProtocolVersion::V_2026_07_28.as_str())
}

fn plain(status: StatusCode, text: &'static str) -> Response<McpBody> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())).boxed());
    *response.status_mut() = status;
    response
}

fn busy() -> Response<McpBody> {
    let mut response = plain(StatusCode::SERVICE_UNAVAILABLE, "every session is busy; try again later");
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

fn json(status: StatusCode, error: &JsonRpcError) -> Response<McpBody> {
    let mut response = Response::new(Full::new(serde_json::to_vec(error).unwrap_or_default().into()).boxed());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}

/// An answer that counts as open until it has been sent or dropped.
struct Answer {
    body: McpBody,
    _token: TaskTrackerToken,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
