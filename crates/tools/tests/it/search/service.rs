//! A service of the test on 127.0.0.1: answers each request by its number, and keeps what it was asked.

use std::sync::{Arc, Mutex};

use mcp_orchestrator_egress::BaseUrl;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// An answer: its status, further header lines, its body.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: String,
    pub(super) body: Vec<u8>,
    /// What of the body is sent before the service falls silent.
    pub(super) sent: Option<usize>,
}

pub(super) fn ok(body: impl Into<Vec<u8>>) -> Answer {
    status(200, "", body)
}

pub(super) fn status(status: u16, headers: &str, body: impl Into<Vec<u8>>) -> Answer {
    Answer { status, headers: headers.to_owned(), body: body.into(), sent: None }
}

pub(super) struct Service {
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Service {
    /// Gives these answers in turn, the last one for ever.
    pub(super) async fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (told, answers) = (Arc::clone(&seen), Arc::new(answers));
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, Arc::clone(&answers), Arc::clone(&told)));
            }
        });
        Self { port, seen, task }
    }

    pub(super) fn base(&self) -> BaseUrl {
        BaseUrl::parse(&format!("http://127.0.0.1:{}", self.port)).unwrap()
    }

    /// Head and body of each request so far.
    pub(super) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, answers: Arc<Vec<Answer>>, seen: Arc<Mutex<Vec<String>>>) {
    let mut buffer = Vec::new();
    loop {
        let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else {
            if stream.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                return;
            }
            continue;
        };
        let head = String::from_utf8_lossy(&buffer[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok());
        let whole = end + 4 + length.unwrap_or(0);
        if buffer.len() < whole {
            if stream.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                return;
            }
            continue;
        }
        let request = String::from_utf8_lossy(&buffer[..whole]).into_owned();
        buffer.drain(..whole);
        let number = {
            let mut seen = seen.lock().unwrap();
            seen.push(request);
            seen.len()
        };
        let answer = &answers[(number - 1).min(answers.len() - 1)];
        let head =
            format!("HTTP/1.1 {} S\r\n{}content-length: {}\r\n\r\n", answer.status, answer.headers, answer.body.len());
        let sent = answer.sent.unwrap_or(answer.body.len());
        if stream.write_all(head.as_bytes()).await.is_err() || stream.write_all(&answer.body[..sent]).await.is_err() {
            return;
        }
        if answer.sent.is_some() {
            // Silent until the client leaves.
            let _ = stream.read_buf(&mut buffer).await;
            return;
        }
    }
}
