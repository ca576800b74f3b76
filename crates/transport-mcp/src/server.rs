//! One MCP server: what is made once and shared by every connection, and how it ends.

use std::{io, sync::Arc, time::Duration};

use mcp_orchestrator_api::Api;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{Extra, McpHttp, McpSettings, StdioError, handler::Handler, parts::Parts, stdio};

/// How long answers may take to be sent once the server closes.
const CLOSING: Duration = Duration::from_secs(2);

/// The MCP server. Cheap to clone; all clones are the same server.
///
/// Nothing of a workflow is kept here: a client that comes back to another process on the same store finds its workflows
/// and tasks there.
#[derive(Clone)]
pub struct McpServer {
    parts: Arc<Parts>,
    closing: CancellationToken,
    ended: CancellationToken,
    answering: TaskTracker,
}

impl std::fmt::Debug for McpServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("McpServer").field("settings", &self.parts.settings).finish_non_exhaustive()
    }
}

impl McpServer {
    /// A server of what an orchestrator offers.
    ///
    /// # Errors
    /// The system's, when it has no randomness for the key of request states.
    pub fn new(api: Api, settings: McpSettings) -> io::Result<Self> {
        let key = match settings.state_key {
            Some(key) => key,
            None => {
                let mut key = [0; 32];
                getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
                key
            }
        };
        let answering = TaskTracker::new();
        Ok(Self {
            parts: Arc::new(Parts::new(api, settings, key)),
            closing: CancellationToken::new(),
            ended: CancellationToken::new(),
            answering,
        })
    }

    /// The same server with an embedder's own tools, resources and prompts after the orchestrator's. Services made before
    /// do not have them.
    #[must_use]
    pub fn with_extra(self, extra: Arc<dyn Extra>) -> Self {
        let mut parts = Arc::unwrap_or_clone(self.parts);
        parts.add(extra);
        Self { parts: Arc::new(parts), ..self }
    }

    /// The service for HTTP. Call it once and clone what it gives: sessions belong to it.
    #[must_use]
    pub fn http_service(&self) -> McpHttp {
        let (parts, closing) = (Arc::clone(&self.parts), self.closing.clone());
        McpHttp::new(&self.parts.settings, self.ended.clone(), self.answering.clone(), move || {
            Handler::new(Arc::clone(&parts), closing.clone())
        })
    }

    /// Serves one client over a pair of pipes, as [`Principal::local`](mcp_orchestrator_domain::Principal::local), until
    /// its input ends, nobody reads its output, `shutdown` is ready or the server is closed. Only JSON-RPC messages are
    /// written to `output`, one a line. A line that is no message is answered with an error and ends nothing.
    ///
    /// At the end waits are answered with how the workflow stands, other calls have a second, and everything this method
    /// has started has ended when it returns. Workflows go on. Dropping the future ends the connection at once.
    ///
    /// # Errors
    /// [`StdioError`].
    pub async fn serve_stdio<R, W>(
        &self,
        input: R,
        output: W,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), StdioError>
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        let closing = self.closing.child_token();
        let handler = Handler::new(Arc::clone(&self.parts), closing.clone());
        let line_max = self.parts.settings.line_max_bytes;
        let mut serving = Box::pin(stdio::serve(handler, input, output, closing.clone(), line_max));
        tokio::select! {
            served = &mut serving => return served,
            () = shutdown => closing.cancel(),
        }
        serving.await
    }

    /// Ends every connection: waits are answered with how their workflows stand, streams get their last message, sessions
    /// are closed. Returns when the answers are sent, at the latest after two seconds. Workflows go on.
    pub async fn close(&self) {
        self.closing.cancel();
        self.answering.close();
        let _ = tokio::time::timeout(CLOSING, self.answering.wait()).await;
        self.ended.cancel();
    }
}
