//! MCP over a pair of pipes: one JSON-RPC message a line. Owns reading, writing and the end of the connection; knows no
//! method but those that open it.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rmcp::{
    RoleServer,
    model::{
        ClientJsonRpcMessage, ClientNotification, ClientRequest, GetMeta as _, JsonRpcMessage, ProtocolVersion,
        RequestId, ServerJsonRpcMessage,
    },
    service::{ServerInitializeError, serve_server},
    transport::Transport,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader},
    sync::mpsc,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{handler::Handler, wire};

/// Messages read and not yet taken up.
const INBOX: usize = 64;
/// Messages to write that wait for the client to read.
const OUTBOX: usize = 256;
/// Requests of one connection that run at the same time. Further ones are refused.
const IN_FLIGHT_MAX: usize = 256;
/// How long the last answers may take to be written once the connection has ended.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Why a connection over pipes could not be served. That the client went away is none.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StdioError {
    /// The client's: it opened the connection in a way no protocol version knows.
    #[error("the client did not open the connection: {0}")]
    Opening(String),
    /// Ours: the task that serves the connection broke.
    #[error("internal error: {0}")]
    Internal(String),
}

/// Serves one connection until the input ends or `closing` is cancelled, and has ended everything it started when it
/// returns. Nothing but messages is written to `output`.
pub(crate) async fn serve<R, W>(
    handler: Handler,
    input: R,
    output: W,
    closing: CancellationToken,
    line_max: usize,
) -> Result<(), StdioError>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let (inbox_in, inbox) = mpsc::channel(INBOX);
    let (outbox, outbox_out) = mpsc::channel(OUTBOX);
    let flight = Arc::new(Flight::default());
    // Dropped with this future, and with it the tasks.
    let mut tasks = JoinSet::new();
    let reader = Reader {
        inbox: inbox_in,
        outbox: outbox.clone(),
        flight: Arc::clone(&flight),
        versions: rmcp::ServerHandler::supported_protocol_versions(&handler).into_owned(),
        opened: false,
    };
    tasks.spawn(reader.run(BufReader::new(input), closing.clone(), line_max));
    let mut writer = JoinSet::new();
    writer.spawn(write(output, outbox_out, closing));

    let served = match Box::pin(serve_server(handler, Lines { inbox, outbox, flight })).await {
        Ok(running) => match running.waiting().await {
            Ok(_) => Ok(()),
            Err(error) => Err(StdioError::Internal(error.to_string())),
        },
        Err(ServerInitializeError::ConnectionClosed(_) | ServerInitializeError::Cancelled) => Ok(()),
        Err(error) => Err(StdioError::Opening(error.to_string())),
    };
    tasks.shutdown().await;
    if tokio::time::timeout(LAST_WORDS, writer.join_next()).await.is_err() {
        tracing::debug!("the client read no longer");
    }
    writer.shutdown().await;
    served
}

/// The ids of the requests that run. Shared by reading, which adds, and writing, which removes.
#[derive(Debug, Default)]
struct Flight(Mutex<HashSet<RequestId>>);

impl Flight {
    fn enter(&self, id: &RequestId) -> Result<(), &'static str> {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if ids.len() >= IN_FLIGHT_MAX {
            return Err("too many requests run on this connection");
        }
        if !ids.insert(id.clone()) {
            return Err("a request with this id runs already");
        }
        Ok(())
    }

    fn leave(&self, id: &RequestId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

struct Reader {
    inbox: mpsc::Sender<ClientJsonRpcMessage>,
    outbox: mpsc::Sender<ServerJsonRpcMessage>,
    flight: Arc<Flight>,
    versions: Vec<ProtocolVersion>,
    opened: bool,
}

impl Reader {
    /// Reads until the input ends, then lets every wait of the connection end.
    async fn run<R: AsyncRead + Unpin>(mut self, mut input: BufReader<R>, closing: CancellationToken, line_max: usize) {
        let mut line = Vec::new();
        loop {
            let read = tokio::select! {
                () = closing.cancelled() => break,
                read = next_line(&mut input, &mut line, line_max) => read,
            };
            let message = match read {
                Read::End => break,
                Read::TooLong => Err(Some(wire::too_long())),
                Read::Line if line.iter().all(u8::is_ascii_whitespace) => continue,
                Read::Line => wire::parse(&line),
            };
            let delivered = match message {
                Ok(message) => self.deliver(message).await,
                Err(Some(refusal)) => self.outbox.send(JsonRpcMessage::Error(refusal.into_message())).await.is_ok(),
                Err(None) => true,
            };
            if !delivered {
                break;
            }
        }
        closing.cancel();
    }

    /// Hands a message on. False: nobody takes messages any more.
    async fn deliver(&mut self, message: ClientJsonRpcMessage) -> bool {
        match &message {
            JsonRpcMessage::Request(request) => {
                if let Err(refused) = self.flight.enter(&request.id) {
                    let refusal = wire::refuse(request.id.clone(), refused);
                    return self.outbox.send(JsonRpcMessage::Error(refusal.into_message())).await.is_ok();
                }
                self.opened = self.opened || self.opens(&request.request);
            }
            // Until a request has opened the connection rmcp takes anything else for a reason to end it.
            _ if !self.opened => return true,
            JsonRpcMessage::Notification(said) => {
                if let ClientNotification::CancelledNotification(cancelled) = &said.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    self.flight.leave(id);
                }
            }
            JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_) => {}
        }
        self.inbox.send(message).await.is_ok()
    }

    /// Whether rmcp regards the connection as open after this request.
    fn opens(&self, request: &ClientRequest) -> bool {
        match request {
            ClientRequest::InitializeRequest(_) => true,
            ClientRequest::PingRequest(_) | ClientRequest::DiscoverRequest(_) => false,
            other => {
                let meta = other.get_meta();
                meta.missing_required_keys(&ProtocolVersion::V_2026_07_28).is_empty()
                    && meta.protocol_version().is_some_and(|version| self.versions.contains(&version))
            }
        }
    }
}

enum Read {
    Line,
    TooLong,
    End,
}

/// Reads the next line into `line`, without its end. A line longer than `max` is skipped whole.
async fn next_line<R: AsyncRead + Unpin>(input: &mut BufReader<R>, line: &mut Vec<u8>, max: usize) -> Read {
    line.clear();
    let mut too_long = false;
    loop {
        let Ok(available) = input.fill_buf().await else {
            return Read::End;
        };
        if available.is_empty() {
            // What has no line end is no message.
            return Read::End;
        }
        let end = available.iter().position(|byte| *byte == b'\n');
        let taken = end.unwrap_or(available.len());
        too_long = too_long || line.len() + taken > max;
        if too_long {
            line.clear();
        } else {
            line.extend_from_slice(&available[..taken]);
        }
        let consumed = end.map_or(taken, |end| end + 1);
        input.consume(consumed);
        if end.is_some() {
            return if too_long { Read::TooLong } else { Read::Line };
        }
    }
}

async fn write<W: AsyncWrite + Unpin>(
    mut output: W,
    mut outbox: mpsc::Receiver<ServerJsonRpcMessage>,
    closing: CancellationToken,
) {
    while let Some(message) = outbox.recv().await {
        let mut line = match serde_json::to_vec(&message) {
            Ok(line) => line,
            Err(error) => {
                tracing::error!(%error, "a message cannot be written");
                continue;
            }
        };
        line.push(b'\n');
        let written = async {
            output.write_all(&line).await?;
            if outbox.is_empty() { output.flush().await } else { Ok(()) }
        };
        if written.await.is_err() {
            // Nobody reads: the connection is over, whatever its input says.
            closing.cancel();
            return;
        }
    }
}

/// What rmcp sees of the connection.
struct Lines {
    inbox: mpsc::Receiver<ClientJsonRpcMessage>,
    outbox: mpsc::Sender<ServerJsonRpcMessage>,
    flight: Arc<Flight>,
}

#[derive(Debug, thiserror::Error)]
#[error("the connection has ended")]
struct Ended;

impl Transport<RoleServer> for Lines {
    type Error = Ended;

    fn send(&mut self, message: ServerJsonRpcMessage) -> impl Future<Output = Result<(), Ended>> + Send + 'static {
        match &message {
            JsonRpcMessage::Response(response) => self.flight.leave(&response.id),
            JsonRpcMessage::Error(error) => error.id.iter().for_each(|id| self.flight.leave(id)),
            JsonRpcMessage::Request(_) | JsonRpcMessage::Notification(_) => {}
        }
        let outbox = self.outbox.clone();
        async move { outbox.send(message).await.map_err(|_| Ended) }
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        self.inbox.recv().await
    }

    async fn close(&mut self) -> Result<(), Ended> {
        self.inbox.close();
        Ok(())
    }
}
