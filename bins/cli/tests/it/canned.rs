//! A server that answers each request with a given text: for what a real one never does.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
};

/// Answers until the test ends. An empty answer is none: the connection stays open and silent.
pub(crate) struct Canned {
    address: SocketAddr,
    seen: Arc<(Mutex<Vec<String>>, Condvar)>,
}

impl Canned {
    pub(crate) fn start(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let (answer, told) = (Arc::new(answer), Arc::clone(&seen));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let (answer, told) = (Arc::clone(&answer), Arc::clone(&told));
                std::thread::spawn(move || serve(stream, answer.as_ref(), &told));
            }
        });
        Self { address, seen }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The first line of each request so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        let heads = self.seen.0.lock().unwrap();
        heads.iter().map(|head| head.lines().next().unwrap_or("").to_owned()).collect()
    }

    /// Waits until something was asked for at an address with this in it.
    pub(crate) fn saw(&self, path: &str) {
        let (heads, changed) = &*self.seen;
        let is_missing =
            |heads: &mut Vec<String>| !heads.iter().any(|head| head.lines().next().unwrap_or("").contains(path));
        drop(changed.wait_while(heads.lock().unwrap(), is_missing).unwrap());
    }
}

fn serve(mut stream: TcpStream, answer: &(dyn Fn(&str) -> String + Send + Sync), told: &(Mutex<Vec<String>>, Condvar)) {
    let mut open = Vec::new();
    while let Some(head) = request(&mut stream) {
        told.0.lock().unwrap().push(head.clone());
        told.1.notify_all();
        let text = answer(&head);
        if stream.write_all(text.as_bytes()).is_err() {
            return;
        }
        if text.contains("connection: close") {
            return;
        }
        open.push(head);
    }
}

/// The head of the next request, its body read.
fn request(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let length =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    Some(head)
}

/// A problem document as an answer, with further headers.
pub(crate) fn problem(status: u16, code: &str, headers: &str) -> String {
    let body = format!(r#"{{"status":{status},"code":"{code}","detail":"it is so","request_id":"r-1"}}"#);
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Status\r\ncontent-type: application/problem+json\r\n{headers}content-length: {length}\r\n\r\n{body}"
    )
}
