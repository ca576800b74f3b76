//! A service that gives ready answers: it reads a request to its end and writes the bytes that belong to its path, at once.
//! Owns its paths: `/stream/PIECES/…` and `/whole/PIECES/…`, then the wire's own.

use std::{collections::HashMap, net::SocketAddr, sync::Arc};

use anyhow::Context as _;
use mcp_orchestrator_testkit::provider_suite::Voice;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::talk::{PIECES, said, streamed, whole};

/// The longest request it takes.
const REQUEST_MAX: usize = 1024 * 1024;

/// Every wire.
pub(crate) const VOICES: [Voice; 4] = [Voice::Chat, Voice::Responses, Voice::Messages, Voice::Gemini];

/// The base path of a wire's answers.
pub(crate) fn base(form: &str, pieces: usize, voice: Voice) -> String {
    format!("/{form}/{pieces}/{}", voice.base_path())
}

/// Where an answer is asked for under its base.
pub(crate) fn place(voice: Voice) -> &'static str {
    voice.request_line().trim_start_matches("POST /v1beta").trim_start_matches("POST /v1").trim_end_matches(" HTTP/1.1")
}

/// Starts it on a free port of loopback.
pub(crate) async fn start() -> anyhow::Result<(SocketAddr, JoinHandle<()>)> {
    let mut answers = HashMap::new();
    for (voice, pieces) in VOICES.into_iter().flat_map(|voice| PIECES.map(|pieces| (voice, pieces))) {
        let said = said(pieces);
        answers.insert(base("stream", pieces, voice) + place(voice), streamed(voice, &said));
        answers.insert(base("whole", pieces, voice) + place(voice), whole(voice, &said));
    }
    let answers = Arc::new(answers);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answers = Arc::clone(&answers);
            tokio::spawn(async move {
                // Whoever asked notices.
                let _ = serve(stream, &answers).await;
            });
        }
    });
    Ok((address, serving))
}

async fn serve(mut stream: TcpStream, answers: &HashMap<String, Vec<u8>>) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let mut read = vec![0; REQUEST_MAX];
    let mut filled = 0;
    let mut needed = None;
    loop {
        if needed.is_none() {
            needed = length(&read[..filled])?;
        }
        match needed {
            Some(needed) if filled >= needed => {}
            _ => {
                // Who goes away between two requests has had enough; who goes away inside one was cut off.
                let Ok(more @ 1..) = stream.read(&mut read[filled..]).await else { return Ok(()) };
                filled += more;
                continue;
            }
        }
        let target = std::str::from_utf8(&read[..filled.min(256)]).unwrap_or_default().split(' ').nth(1);
        let answer = target.and_then(|target| answers.get(target)).with_context(|| format!("asked for {target:?}"))?;
        stream.write_all(answer).await?;
        (filled, needed) = (0, None);
    }
}

/// How long the request is, once its head is there.
fn length(read: &[u8]) -> anyhow::Result<Option<usize>> {
    let Some(head) = read.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(&read[..head])?;
    let fields = text.lines().filter_map(|line| line.split_once(": "));
    let length = fields.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    Ok(Some(head + 4 + length.context("no length")?.1.parse::<usize>()?))
}
