//! Answers every request of every connection with the same bytes, then closes or stays. Knows no more of HTTP than where
//! a request's head ends.

use std::sync::{Arc, Mutex};

use mcp_orchestrator_egress::BaseUrl;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::watch,
    task::{JoinHandle, JoinSet},
};

/// The first byte of a TLS connection.
const TLS_HANDSHAKE: u8 = 22;

/// What follows the bytes.
#[derive(Clone, Copy)]
pub(crate) enum Then {
    NextRequest,
    Close,
    Wait,
}

pub(crate) struct Server {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
    accepted: Arc<Mutex<u32>>,
    left: watch::Receiver<u32>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(answer: impl Into<Vec<u8>>, then: Then) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (heads, accepted) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)));
        let (leaving, left) = watch::channel(0);
        let answer: Arc<[u8]> = answer.into().into();
        let (kept, counted) = (Arc::clone(&heads), Arc::clone(&accepted));
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                *counted.lock().unwrap() += 1;
                let (answer, heads, leaving) = (Arc::clone(&answer), Arc::clone(&kept), leaving.clone());
                connections.spawn(async move {
                    let mut buffer = Vec::new();
                    while stream.read_buf(&mut buffer).await.is_ok_and(|read| read > 0) {
                        // A client that speaks TLS is answered at once, unless it is to wait.
                        let encrypted = buffer[0] == TLS_HANDSHAKE && !matches!(then, Then::Wait);
                        if !encrypted && !buffer.windows(4).any(|window| window == b"\r\n\r\n") {
                            continue;
                        }
                        heads.lock().unwrap().push(String::from_utf8_lossy(&buffer).into_owned());
                        buffer.clear();
                        if stream.write_all(&answer).await.is_err() {
                            break;
                        }
                        match then {
                            Then::NextRequest | Then::Wait => {}
                            Then::Close => return,
                        }
                    }
                    leaving.send_modify(|count| *count += 1);
                });
            }
        });
        Self { port, heads, accepted, left, task }
    }

    pub(crate) fn base(&self) -> BaseUrl {
        BaseUrl::parse(&format!("http://127.0.0.1:{}/secret-path", self.port)).unwrap()
    }

    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> u32 {
        *self.accepted.lock().unwrap()
    }

    pub(crate) async fn saw_the_client_leave(&mut self) {
        self.left.wait_for(|count| *count > 0).await.unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}
