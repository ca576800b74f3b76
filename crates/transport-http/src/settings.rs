//! The numbers and names an operator sets. Owns their defaults; reads no file and no environment.

use std::time::Duration;

/// Limits and names of the HTTP server. The defaults suit a server on loopback.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "callers fill it with struct update syntax")]
pub struct Settings {
    /// What one connection and all of them may take.
    pub connections: ConnectionLimits,
    /// Host names requests may be addressed to, beside loopback names and the address a connection came in on. `*` is all.
    pub hosts: Vec<String>,
    /// Origins whose pages may call, beside those of loopback names; for example `https://research.example.com`.
    pub origins: Vec<String>,
    /// The most bytes of a request's body: 2 MiB.
    pub body_bytes_max: usize,
    /// How long a request's body may take to arrive: 30 s.
    pub body_deadline: Duration,
    /// How long an answer may take, streams and `/mcp` aside: 60 s.
    pub request_deadline: Duration,
    /// What one client may ask for with GET and HEAD: 100 a second, 2,000 at once. `None` is no limit.
    pub reads: Option<Rate>,
    /// What one client may ask for with every other method: 20 a second, 200 at once. `None` is no limit.
    pub writes: Option<Rate>,
    /// How long a stream says nothing before it sends a comment: 15 s.
    pub keep_alive: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connections: ConnectionLimits::default(),
            hosts: Vec::new(),
            origins: Vec::new(),
            body_bytes_max: 2 * 1024 * 1024,
            body_deadline: Duration::from_secs(30),
            request_deadline: Duration::from_secs(60),
            reads: Some(Rate { per_second: 100, burst: 2_000 }),
            writes: Some(Rate { per_second: 20, burst: 200 }),
            keep_alive: Duration::from_secs(15),
        }
    }
}

/// How often one client may ask. Zero of either is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a plain choice")]
pub struct Rate {
    /// Requests a second, in the long run.
    pub per_second: u32,
    /// Requests at once, after a pause.
    pub burst: u32,
}

/// What connections may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "callers fill it with struct update syntax")]
pub struct ConnectionLimits {
    /// Open connections. Further ones wait to be accepted: 16,384.
    pub total: usize,
    /// Open connections from one IPv4 address or one IPv6 /64. Further ones are closed at once: 4,096.
    pub per_address: usize,
    /// How long the head of a request may take to arrive, the wait for the next request of a connection included: 20 s.
    pub head_deadline: Duration,
    /// How long a client may read nothing of what is sent to it before its connection is closed: 30 s.
    pub write_deadline: Duration,
    /// Header fields of a request; more is 431, and more than 100 (or four times a larger number) ends the connection: 64.
    pub headers: usize,
    /// Bytes of a request's header fields; more is 431, and four times as much ends the connection: 16 KiB.
    pub header_bytes: usize,
    /// Requests at once on one HTTP/2 connection: 128.
    pub streams: u32,
    /// How long requests may go on after the server was asked to stop: 10 s.
    pub drain: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            total: 16_384,
            per_address: 4_096,
            head_deadline: Duration::from_secs(20),
            write_deadline: Duration::from_secs(30),
            headers: 64,
            header_bytes: 16 * 1024,
            streams: 128,
            drain: Duration::from_secs(10),
        }
    }
}
