//! How clients talk to the servers: JSON over HTTP and server-sent events. Owns what counts as no answer.

use std::{net::SocketAddr, time::Duration};

use mcp_orchestrator_egress::{BaseUrl, HttpClient, Request, Response};
use serde_json::Value;
use tokio::time::timeout;

use crate::history::Told;

/// How long a client waits for an answer before it asks another server.
const PATIENCE: Duration = Duration::from_secs(4);
/// How long it waits for more of a stream.
const SILENCE: Duration = Duration::from_secs(4);
/// The largest page of a log, in bytes.
const PAGE_BYTES: usize = 64 << 20;

/// A client of all servers.
pub(super) struct Wire {
    http: HttpClient,
    bases: Vec<BaseUrl>,
}

/// An answer: its status and its JSON.
pub(super) type Answer = (u16, Value);

/// What a server says to who wants to follow a workflow.
pub(super) enum Followed {
    /// Here it is.
    Stream(Box<Stream>),
    /// Its last event was seen.
    Seen,
    /// There is no such workflow.
    Unknown,
    /// Nothing one can rely on.
    Unanswered,
}

/// A stream that is read as it comes.
pub(super) struct Stream {
    response: Response,
    buffer: Vec<u8>,
}

impl Wire {
    pub(super) fn new(addresses: impl Iterator<Item = SocketAddr>) -> Self {
        let base = |address: SocketAddr| format!("http://{address}").parse().expect("an address of this machine");
        Self { http: HttpClient::default(), bases: addresses.map(base).collect() }
    }

    pub(super) const fn servers(&self) -> usize {
        self.bases.len()
    }

    /// Asks one server; `None` when no whole answer came, and then nobody knows what became of the request.
    pub(super) async fn get(&self, server: usize, path: String) -> Option<Answer> {
        self.get_with(server, path, &[]).await
    }

    /// As [`Wire::get`] with parameters.
    pub(super) async fn get_with(
        &self,
        server: usize,
        path: String,
        query: &[(&'static str, String)],
    ) -> Option<Answer> {
        let request = Request::get(self.base(server), path).with_body_max(PAGE_BYTES);
        self.send(query.iter().fold(request, |request, (name, value)| request.with_query(name, value))).await
    }

    pub(super) async fn post(
        &self,
        server: usize,
        path: &str,
        body: &Value,
        headers: &[(&'static str, &str)],
    ) -> Option<Answer> {
        let request = Request::post_json(self.base(server), path, body.to_string());
        let request = headers.iter().fold(request, |request, (name, value)| request.with_header(*name, *value));
        self.send(request).await
    }

    /// Follows a workflow after an event.
    pub(super) async fn events(&self, server: usize, id: &str, after: Option<&str>) -> Followed {
        let mut request = Request::get(self.base(server), format!("/v1/workflows/{id}/events"));
        if let Some(after) = after {
            request = request.with_header("last-event-id", after);
        }
        let Ok(Ok(response)) = timeout(PATIENCE, self.http.send(request)).await else { return Followed::Unanswered };
        match response.status() {
            200 => Followed::Stream(Box::new(Stream { response, buffer: Vec::new() })),
            204 => Followed::Seen,
            404 => Followed::Unknown,
            _ => Followed::Unanswered,
        }
    }

    async fn send(&self, request: Request) -> Option<Answer> {
        let asked = async {
            let response = self.http.send(request).await.ok()?;
            let status = response.status();
            let body = response.body().await.ok()?;
            Some((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
        };
        timeout(PATIENCE, asked).await.ok()?
    }

    fn base(&self, server: usize) -> &BaseUrl {
        &self.bases[server % self.bases.len()]
    }
}

impl Stream {
    /// The next event; `None` when the connection ended or nothing came for a while.
    pub(super) async fn next(&mut self) -> Option<Told> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let frame: Vec<u8> = self.buffer.drain(..end + 2).collect();
                if let Some(told) = told(&String::from_utf8_lossy(&frame)) {
                    return Some(told);
                }
                continue;
            }
            let chunk = timeout(SILENCE, self.response.chunk()).await.ok()?.ok()??;
            self.buffer.extend_from_slice(&chunk);
        }
    }
}

/// An event; `None` for a comment or a `retry`.
fn told(frame: &str) -> Option<Told> {
    let field =
        |name: &str| frame.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned());
    Some(Told { id: field("id:")?, name: field("event:")?, data: field("data:")? })
}
