//! The yardstick: the same calls by reqwest alone, as who knows one service writes them by hand. Requests are typed and borrow
//! the conversation, answers are typed and borrow what was read, and nothing is looked at that is not needed: no errors in a
//! success, no limits, no clock.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context as _;
use bytes::{Buf as _, BytesMut};
use mcp_orchestrator_domain::Message;
use mcp_orchestrator_testkit::provider_suite::Voice;
use reqwest::{
    Client, Url,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
    redirect::Policy,
};
use serde::Serialize;

use crate::{
    calls::Asks,
    raw_wires,
    service::{base, place},
};

/// The key both send.
pub(crate) const KEY: &str = "sk-bench-0123456789abcdefghij";

/// A client and what it asks.
pub(crate) struct Raw {
    client: Client,
    url: Url,
    headers: HeaderMap,
    voice: Voice,
    is_streamed: bool,
    turns: Vec<Turn>,
}

/// A message, ready to be written.
#[derive(Debug, Serialize)]
pub(crate) struct Turn {
    pub(crate) role: &'static str,
    pub(crate) content: String,
}

/// What both make of an answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) text: String,
    pub(crate) input: u64,
    pub(crate) output: u64,
}

impl Raw {
    /// One for this wire, with the settings the product's client has.
    pub(crate) fn new(
        address: SocketAddr,
        form: &str,
        pieces: usize,
        voice: Voice,
        turns: Vec<Turn>,
    ) -> anyhow::Result<Self> {
        let client = Client::builder()
            .user_agent("bench/1")
            .redirect(Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .pool_max_idle_per_host(32)
            .pool_idle_timeout(Duration::from_mins(1))
            .tcp_keepalive(Duration::from_secs(30))
            .no_proxy()
            .tls_certs_only([])
            .build()?;
        let (name, before) = voice.key_header();
        let mut key = HeaderValue::from_str(&format!("{before}{KEY}"))?;
        key.set_sensitive(true);
        let accept = HeaderValue::from_static("text/event-stream, application/json");
        let name: HeaderName = name.parse()?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, accept);
        headers.insert(if name == AUTHORIZATION { AUTHORIZATION } else { name }, key);
        let url = format!("http://{address}{}{}", base(form, pieces, voice), place(voice)).parse()?;
        Ok(Self { client, url, headers, voice, is_streamed: form == "stream", turns })
    }

    /// How long a request's body is.
    pub(crate) fn request_bytes(&self) -> anyhow::Result<usize> {
        Ok(raw_wires::body(self.voice, &self.turns, self.is_streamed)?.len())
    }
}

impl Asks for Raw {
    async fn ask(&self) -> anyhow::Result<Answer> {
        let body = raw_wires::body(self.voice, &self.turns, self.is_streamed)?;
        let request = self.client.post(self.url.clone()).headers(self.headers.clone()).body(body);
        let mut response = request.send().await?.error_for_status()?;
        if !self.is_streamed {
            return raw_wires::whole(&response.bytes().await?);
        }
        let mut answer = Answer::default();
        let mut read = BytesMut::new();
        let mut is_over = false;
        while let Some(piece) = response.chunk().await? {
            read.extend_from_slice(&piece);
            while let Some(end) = read.windows(2).position(|end| end == b"\n\n") {
                let data =
                    read[..end].rsplit(|byte| *byte == b'\n').next().and_then(|line| line.strip_prefix(b"data: "));
                is_over |= raw_wires::event(self.voice, data.context("no data")?, &mut answer)?;
                read.advance(end + 2);
            }
        }
        anyhow::ensure!(is_over, "the answer is cut off");
        Ok(answer)
    }
}

impl Turn {
    /// A conversation.
    pub(crate) fn all(messages: &[Message]) -> Vec<Self> {
        messages.iter().map(Self::of).collect()
    }

    fn of(message: &Message) -> Self {
        let (role, content) = match message {
            Message::System(text) => ("system", text),
            Message::User(text) | Message::UserWithImages { text, .. } => ("user", text),
            Message::Assistant(said) => ("assistant", &said.text),
            Message::Tool(result) => ("tool", &result.content),
        };
        Self { role, content: content.clone() }
    }
}
