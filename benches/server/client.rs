//! A client as plain as can be, so that it costs little beside the server: requests of ready bytes on a connection that
//! stays open, and event streams read line by line.

use std::net::SocketAddr;

use anyhow::Context as _;
use bytes::{Buf as _, Bytes, BytesMut};
use mcp_orchestrator::WorkflowId;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// What is read at once.
const READ: usize = 16 * 1024;

/// A connection that stays open.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
    read: BytesMut,
}

/// An answer with its whole body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: BytesMut::with_capacity(READ) })
    }

    /// Sends a request and reads its answer, which says how long it is.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> anyhow::Result<Answer> {
        self.stream.write_all(request).await?;
        let head = self.head().await?;
        let status = head.get(9..12).and_then(|status| status.parse().ok()).context("no status")?;
        if header(&head, "transfer-encoding").is_some() {
            return Ok(Answer { status, body: self.chunks().await?, head });
        }
        let length: usize = header(&head, "content-length").unwrap_or("0").parse()?;
        while self.read.len() < length {
            self.more().await?;
        }
        Ok(Answer { status, head, body: self.read.split_to(length).freeze() })
    }

    async fn head(&mut self) -> anyhow::Result<String> {
        loop {
            if let Some(end) = find(&self.read, b"\r\n\r\n") {
                let head = String::from_utf8(self.read.split_to(end).to_vec())?;
                self.read.advance(4);
                return Ok(head);
            }
            self.more().await?;
        }
    }

    async fn chunks(&mut self) -> anyhow::Result<Bytes> {
        let mut body = BytesMut::new();
        loop {
            let size = usize::from_str_radix(&self.line().await?, 16)?;
            while self.read.len() < size + 2 {
                self.more().await?;
            }
            body.extend_from_slice(&self.read.split_to(size));
            self.read.advance(2);
            if size == 0 {
                return Ok(body.freeze());
            }
        }
    }

    async fn line(&mut self) -> anyhow::Result<String> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line = self.read.split_to(end + 1);
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            self.more().await?;
        }
    }

    async fn more(&mut self) -> anyhow::Result<()> {
        self.read.reserve(READ);
        anyhow::ensure!(self.stream.read_buf(&mut self.read).await? > 0, "the server closed a connection");
        Ok(())
    }
}

/// Reads the events of a workflow.
#[derive(Debug)]
pub(crate) struct Reader(Client);

/// An event: its id and its name.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) name: String,
}

impl Reader {
    /// Opens a stream from the beginning.
    pub(crate) async fn open(address: SocketAddr, id: &WorkflowId) -> anyhow::Result<Self> {
        let mut client = Client::connect(address).await?;
        client.stream.write_all(events(address, id).as_bytes()).await?;
        let head = client.head().await?;
        anyhow::ensure!(head.starts_with("HTTP/1.1 200 "), "no stream: {head}");
        Ok(Self(client))
    }

    /// The next event. The sizes of chunks stand between the lines and are none of them.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Event> {
        let (mut id, mut name) = (None, None);
        loop {
            let line = self.0.line().await?;
            match line.split_once(": ") {
                Some(("id", value)) => id = Some(value.to_owned()),
                Some(("event", value)) => name = Some(value.to_owned()),
                Some(("data", _)) => {
                    if let (Some(id), Some(name)) = (id.take(), name.take()) {
                        return Ok(Event { id, name });
                    }
                }
                _ => {}
            }
        }
    }
}

/// An open stream of which nothing is read after its first event.
#[derive(Debug)]
pub(crate) struct IdleReader {
    _stream: TcpStream,
}

impl IdleReader {
    /// Opens a stream; it is caught up when this returns.
    pub(crate) async fn open(address: SocketAddr, id: &WorkflowId) -> anyhow::Result<Self> {
        let mut reader = Reader::open(address, id).await?;
        reader.next().await?;
        Ok(Self { _stream: reader.0.stream })
    }
}

/// A request with a JSON body, ready to be sent.
pub(crate) fn post(address: SocketAddr, path: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A request without a body, ready to be sent.
pub(crate) fn get(address: SocketAddr, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").into_bytes()
}

fn events(address: SocketAddr, id: &WorkflowId) -> String {
    format!("GET /v1/workflows/{id}/events HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n\r\n")
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    fields.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn find(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    bytes.windows(mark.len()).position(|some| some == mark)
}
