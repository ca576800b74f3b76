//! A client as plain as can be: writes bytes, reads bytes, so that a test sees what is on the wire.

use std::{net::SocketAddr, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Longer than anything here takes: only a test that hangs meets it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The problem document of an error, after the checks that hold for every one.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], "about:blank");
        for field in ["title", "detail", "instance", "code", "request_id"] {
            assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {problem}");
        }
        assert_eq!(self.header("x-request-id"), problem["request_id"].as_str());
        problem
    }
}

/// Sends a request and reads the whole answer.
pub(crate) async fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        head.push_str(&format!("Host: {address}\r\n"));
    }
    if !body.is_empty() || method == "POST" {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let mut sent = head.into_bytes();
    sent.extend_from_slice(body);
    raw(address, &sent).await
}

/// Writes bytes and reads the whole answer.
pub(crate) async fn raw(address: SocketAddr, sent: &[u8]) -> Answer {
    let got = tokio::time::timeout(PATIENCE, exchange(address, sent)).await.expect("an answer in time");
    parse(&got)
}

/// Writes bytes and reads until the server closes.
pub(crate) async fn exchange(address: SocketAddr, sent: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let (mut read, mut write) = stream.split();
    let mut got = Vec::new();
    // A server that refuses closes before everything is written; what it said before counts.
    let (_written, _read) = tokio::join!(write.write_all(sent), read.read_to_end(&mut got));
    got
}

pub(crate) fn parse(got: &[u8]) -> Answer {
    let end = got.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("no head: {:?}", String::from_utf8_lossy(got)));
    let head = String::from_utf8(got[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let body = &got[end + 4..];
    Answer { status, headers, body: if chunked { dechunked(body) } else { body.to_vec() } }
}

fn dechunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        if size == 0 || rest.len() < end + 2 + size {
            break;
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 4 + size..];
    }
    body
}

/// An open event stream.
pub(crate) struct Events {
    stream: TcpStream,
    got: Vec<u8>,
    pub(crate) head: String,
}

/// One event as it came.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Event {
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) data: Value,
}

impl Events {
    /// Opens a stream and reads the head of its answer.
    pub(crate) async fn open(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut events = Self { stream, got: Vec::new(), head: String::new() };
        events.head = events.until(b"\r\n\r\n").await.expect("a head");
        assert!(events.head.starts_with("HTTP/1.1 200 "), "{}", events.head);
        events
    }

    /// Everything until the stream ends, comments and the retry line aside.
    pub(crate) async fn rest(mut self) -> Vec<Event> {
        let mut all = Vec::new();
        while let Some(event) = self.next().await {
            all.push(event);
        }
        all
    }

    /// The next event.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            let block = self.block().await?;
            let mut event = Event::default();
            let mut has_data = false;
            for line in block.lines() {
                match line.split_once(": ") {
                    Some(("id", id)) => event.id = Some(id.to_owned()),
                    Some(("event", name)) => event.name = Some(name.to_owned()),
                    Some(("data", json)) => {
                        event.data = serde_json::from_str(json).unwrap();
                        has_data = true;
                    }
                    _ => {}
                }
            }
            if has_data {
                return Some(event);
            }
        }
    }

    /// The next lines up to an empty one: an event, a comment, the retry line.
    pub(crate) async fn block(&mut self) -> Option<String> {
        // Each frame is one chunk: its size, its bytes, a line end.
        let size = self.until(b"\r\n").await?;
        let size = usize::from_str_radix(&size, 16).unwrap();
        let mut chunk = Vec::new();
        while self.got.len() < size + 2 {
            self.more().await?;
        }
        chunk.extend(self.got.drain(..size + 2).take(size));
        if size == 0 { None } else { Some(String::from_utf8(chunk).unwrap()) }
    }

    async fn until(&mut self, mark: &[u8]) -> Option<String> {
        loop {
            if let Some(at) = self.got.windows(mark.len()).position(|some| some == mark) {
                let text = String::from_utf8(self.got.drain(..at).collect()).unwrap();
                self.got.drain(..mark.len());
                return Some(text);
            }
            self.more().await?;
        }
    }

    async fn more(&mut self) -> Option<()> {
        let mut buffer = [0; 4096];
        let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut buffer)).await.expect("something in time");
        let read = read.ok().filter(|read| *read > 0)?;
        self.got.extend_from_slice(&buffer[..read]);
        Some(())
    }
}
