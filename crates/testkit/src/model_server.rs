//! A model behind the Chat wire, in this process: answers after a moment and remembers every request it got.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::{Value, json};

/// How long it thinks unless told otherwise: long enough that a kill lands while something is under way.
const THINKS: Duration = Duration::from_millis(15);

/// A running server; stopped when dropped.
#[derive(Debug)]
pub struct ModelServer {
    address: String,
    seen: Seen,
    stop: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

/// One request it got.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ModelRequest {
    /// The body.
    pub body: String,
    /// The header `X-Request-ID`.
    pub request_id: Option<String>,
}

/// What it does with one request.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "tests build it")]
pub struct Behaviour {
    /// How long it thinks.
    pub thinks: Duration,
    /// The status of its answer: 200, or one of a failure.
    pub status: u16,
}

type Seen = Arc<Mutex<Vec<ModelRequest>>>;
type Behave = dyn Fn(usize) -> Behaviour + Send + Sync;

impl ModelServer {
    /// Starts one that thinks for 15 ms.
    #[must_use]
    pub fn start() -> Self {
        Self::thinking(THINKS)
    }

    /// Starts one that thinks for so long before each answer.
    ///
    /// # Panics
    /// When no port of this machine is free.
    #[must_use]
    pub fn thinking(thinks: Duration) -> Self {
        Self::behaving(move |_| Behaviour { thinks, status: 200 })
    }

    /// Starts one that does with each chat request, by its number from 0, as it is told.
    ///
    /// # Panics
    /// When no port of this machine is free.
    #[must_use]
    pub fn behaving(behave: impl Fn(usize) -> Behaviour + Send + Sync + 'static) -> Self {
        let behave: Arc<Behave> = Arc::new(behave);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let seen = Seen::default();
        let stop = Arc::new(AtomicBool::new(false));
        let (shared, stopped) = (Arc::clone(&seen), Arc::clone(&stop));
        let accepting = thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::Acquire) {
                    return;
                }
                let (seen, behave) = (Arc::clone(&shared), Arc::clone(&behave));
                // A connection ends with its client, so these threads end with the processes under test.
                thread::spawn(move || stream.ok().and_then(|stream| serve(&stream, &seen, &*behave)));
            }
        });
        Self { address, seen, stop, accepting: Some(accepting) }
    }

    /// The base URL of its Chat wire.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The bodies of all chat requests so far, in order. A reply's request id is the position of its request here.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.seen().into_iter().map(|request| request.body).collect()
    }

    /// All chat requests so far, in order.
    #[must_use]
    pub fn seen(&self) -> Vec<ModelRequest> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        let _ = TcpStream::connect(&self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

/// Answers the requests of one connection until its client is gone.
fn serve(stream: &TcpStream, seen: &Mutex<Vec<ModelRequest>>, behave: &Behave) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first).ok()? == 0 {
            return None;
        }
        let (mut length, mut request_id) = (0, None);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            match line.trim().to_lowercase().split_once(':') {
                Some(("content-length", value)) => length = value.trim().parse().ok()?,
                Some(("x-request-id", value)) => request_id = Some(value.trim().to_owned()),
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let (number, told, answer) = if first.starts_with("POST /v1/chat/completions") {
            let body = String::from_utf8(body).ok()?;
            let answer = answer(&serde_json::from_str(&body).ok()?);
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.push(ModelRequest { body, request_id });
            let number = seen.len() - 1;
            (number, behave(number), answer)
        } else {
            // Only chats are told what to do: a list of models that fails would fail every one of them.
            let told = Behaviour { thinks: Duration::ZERO, status: 200 };
            (0, told, json!({"object": "list", "data": [{"id": "tiny", "object": "model"}]}))
        };
        let Behaviour { thinks, status } = told;
        thread::sleep(thinks);
        let answer = if status == 200 { answer } else { json!({ "error": { "message": "as it was told" } }) };
        let text = answer.to_string();
        write!(
            &*stream,
            "HTTP/1.1 {status} As told\r\nretry-after: 1\r\ncontent-type: application/json\r\nx-request-id: {number}\r\ncontent-length: {}\r\n\r\n{text}",
            text.len()
        )
        .ok()?;
    }
}

/// A planner lists, a researcher searches and then cites, a writer cites.
fn answer(request: &Value) -> Value {
    let said = request["messages"].to_string();
    let has_tools = request["tools"].as_array().is_some_and(|tools| !tools.is_empty());
    let asked_a_tool = said.contains("\"role\":\"tool\"");
    let message = if has_tools && !asked_a_tool {
        let arguments = json!({"query": "workflow crash log"}).to_string();
        let function = json!({"name": "corpus_search", "arguments": arguments});
        json!({"role": "assistant", "content": null, "tool_calls": [{"id": "call_1", "type": "function", "function": function}]})
    } else if let Some(id) = first_evidence(&said) {
        let text = "A workflow survives a crash because every event is written to a durable log before it is shown.";
        json!({"role": "assistant", "content": format!("{text} [{id}]")})
    } else {
        json!({"role": "assistant", "content": "1. What is written to the durable log\n2. What happens after a crash\n3. What is never repeated"})
    };
    let finish = if message["tool_calls"].is_null() { "stop" } else { "tool_calls" };
    json!({
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "tiny",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 50, "completion_tokens": 10, "total_tokens": 60}
    })
}

/// The first id that heads a quote: a prompt also shows the pattern of an id, but in the middle of a line.
fn first_evidence(said: &str) -> Option<&str> {
    said.match_indices("[ev_").find_map(|(at, _)| {
        let (id, rest) = said[at + 1..].split_once(']')?;
        (id[3..].bytes().all(|b| b.is_ascii_hexdigit()) && rest.starts_with("\\n")).then_some(id)
    })
}
