//! A receiver of webhooks: takes everything and remembers it.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use serde_json::Value;

/// A running receiver; stopped when dropped.
pub(crate) struct Hook {
    port: u16,
    taken: Arc<Mutex<Vec<Value>>>,
    stop: Arc<AtomicBool>,
}

impl Hook {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (taken, stop) = (Arc::<Mutex<Vec<Value>>>::default(), Arc::new(AtomicBool::new(false)));
        let (shared, stopped) = (Arc::clone(&taken), Arc::clone(&stop));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::Acquire) {
                    return;
                }
                let taken = Arc::clone(&shared);
                // A connection ends with its client, so these threads end with the processes under test.
                thread::spawn(move || stream.ok().and_then(|stream| serve(&stream, &taken)));
            }
        });
        Self { port, taken, stop }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    /// The bodies it was sent so far about a workflow.
    pub(crate) fn about(&self, id: &str) -> Vec<Value> {
        let taken = self.taken.lock().unwrap();
        taken.iter().filter(|body| body["data"]["task_id"] == id).cloned().collect()
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn serve(stream: &TcpStream, taken: &Mutex<Vec<Value>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        taken.lock().unwrap().push(serde_json::from_slice(&body).ok()?);
        write!(&*stream, "HTTP/1.1 204 No Content\r\n\r\n").ok()?;
    }
}
