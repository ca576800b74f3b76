//! A server on the loopback that says exactly what a test wants, byte by byte. Owns HTTP framing; knows no wire.
#![expect(clippy::missing_panics_doc, reason = "a server of tests fails by panicking, as a test does")]

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// What the server does with one request, in order.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "tests build it")]
pub enum Act {
    /// Sends bytes as they are.
    Send(Vec<u8>),
    /// Says nothing until the client goes away.
    Hang,
    /// Closes the connection.
    Close,
}

/// One request as it came.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Received {
    /// Method, target and version.
    pub line: String,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Received {
    /// The first header of that name, which is in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Plays one script per request; the last one again and again. Ends with its drop.
#[derive(Debug)]
pub struct Server {
    port: u16,
    seen: Arc<Seen>,
    closed: watch::Receiver<u32>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Seen {
    requests: Mutex<Vec<Received>>,
    connections: Mutex<u32>,
    closed: watch::Sender<u32>,
}

impl Server {
    /// Starts one on a free port of the loopback.
    pub async fn start(scripts: Vec<Vec<Act>>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, closed) = watch::channel(0);
        let seen = Arc::new(Seen { requests: Mutex::default(), connections: Mutex::default(), closed: sender });
        let scripts = Arc::new(scripts);
        let shared = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                *shared.connections.lock().unwrap() += 1;
                connections.spawn(serve(stream, Arc::clone(&scripts), Arc::clone(&shared)));
            }
        });
        Self { port, seen, closed, task }
    }

    /// A server that answers everything with these bytes.
    pub async fn saying(answer: Vec<u8>) -> Self {
        Self::start(vec![vec![Act::Send(answer)]]).await
    }

    /// Its address with the path `/v1`.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.address("v1")
    }

    /// Its address with this path.
    #[must_use]
    pub fn address(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    /// Every request so far, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<Received> {
        self.seen.requests.lock().unwrap().clone()
    }

    /// How many connections were opened.
    #[must_use]
    pub fn connections(&self) -> u32 {
        *self.seen.connections.lock().unwrap()
    }

    /// Waits until a request has come.
    pub async fn asked(&self) {
        while self.requests().is_empty() {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until a client has gone away during [`Act::Hang`].
    pub async fn saw_a_client_leave(&mut self) {
        self.closed.wait_for(|count| *count > 0).await.unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An answer with a length.
#[must_use]
pub fn answer(status: u16, headers: &[&str], body: &str) -> Vec<u8> {
    let headers = headers.iter().map(|header| format!("{header}\r\n")).collect::<String>();
    format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// A complete JSON answer.
#[must_use]
pub fn json(status: u16, body: &str) -> Vec<u8> {
    answer(status, &["content-type: application/json", "x-request-id: req_1"], body)
}

/// The head of a stream of unknown length.
#[must_use]
pub fn stream_head() -> Vec<u8> {
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-request-id: req_1\r\ntransfer-encoding: chunked\r\n\r\n"
        .to_vec()
}

/// A piece of such a stream.
#[must_use]
pub fn piece(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// The end of such a stream.
pub const STREAM_END: &[u8] = b"0\r\n\r\n";

/// A whole stream of data events, each in a piece of its own.
#[must_use]
pub fn stream(events: &[&str]) -> Vec<u8> {
    let mut bytes = stream_head();
    for event in events {
        bytes.extend(piece(format!("data: {event}\n\n").as_bytes()));
    }
    bytes.extend(STREAM_END);
    bytes
}

async fn serve(mut stream: TcpStream, scripts: Arc<Vec<Vec<Act>>>, seen: Arc<Seen>) {
    let mut buffer = Vec::new();
    while let Some(request) = receive(&mut stream, &mut buffer).await {
        let number = {
            let mut requests = seen.requests.lock().unwrap();
            requests.push(request);
            requests.len() - 1
        };
        for act in &scripts[number.min(scripts.len() - 1)] {
            match act {
                Act::Send(bytes) => {
                    if stream.write_all(bytes).await.is_err() {
                        return;
                    }
                }
                Act::Hang => {
                    let left = matches!(stream.read(&mut [0; 1]).await, Ok(0) | Err(_));
                    assert!(left, "the client sent more instead of leaving");
                    seen.closed.send_modify(|count| *count += 1);
                    return;
                }
                Act::Close => return,
            }
        }
    }
}

async fn receive(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Received> {
    let head_end = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(buffer[..head_end].to_vec()).ok()?;
    let mut lines = head.lines();
    let line = lines.next()?.to_owned();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect::<Vec<_>>();
    let length =
        headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, value)| value.parse().unwrap());
    while buffer.len() < head_end + length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8(buffer[head_end..head_end + length].to_vec()).ok()?;
    buffer.drain(..head_end + length);
    Some(Received { line, headers, body })
}
