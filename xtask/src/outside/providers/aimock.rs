//! aimock: another mock of services, written by others than llmock's, with real refusals of wrong keys and with OpenRouter's cost.
//! Owns what it is to say, as fixtures, and which service is asked where.

use std::{fs, path::Path, time::Duration};

use anyhow::Context as _;
use futures::future::join_all;
use mcp_orchestrator_domain::FailureClass as Class;
use mcp_orchestrator_providers::{Provider as _, http::Wire};
use mcp_orchestrator_testkit::provider_suite::KEY;
use serde_json::{Value, json};

use super::{
    faults::Fault,
    grid::{Cell, Feature, Grid},
    places::{LONG, Place},
    questions::{HELLO, LIST, SEARCH, TOOL, ask_everything},
};
use crate::outside::{
    install::{self, Node},
    server::Server,
};

const SCRIPT: &str = "@copilotkit/aimock/dist/cli.js";
/// How long it may take until it is ready.
const STARTING: Duration = Duration::from_secs(30);
const WRONG_KEY: &str = "sk-test-of-somebody-else";

/// Its faults, by the question that has them.
const FAULTS: [Fault; 6] = [
    Fault::new(Feature::RateLimit, Class::RateLimited, "Break by a limit").with_pause(),
    Fault::new(Feature::Broken, Class::Server, "Break inside"),
    Fault::new(Feature::Overload, Class::Overloaded, "Break by overload"),
    Fault::new(Feature::Dropped, Class::Network, "Break the connection"),
    Fault::new(Feature::Dropped, Class::Network, "Break the stream"),
    Fault::new(Feature::Garbled, Class::Decode, "Break the words"),
];

const fn at(vendor: &'static str, wire: Wire, path: &'static str) -> Place {
    Place::new(vendor, wire, "aimock", path)
}

const PLACES: [Place; 6] = [
    at("openai", Wire::Responses, "v1"),
    at("openai", Wire::Chat, "v1"),
    at("anthropic", Wire::Messages, "v1"),
    at("gemini", Wire::Gemini, "v1beta"),
    at("openrouter", Wire::Chat, "api/v1"),
    Place { model: Some("llama"), ..at("ollama", Wire::Chat, "v1") },
];

/// Starts it, asks everything and meets its faults.
pub(super) async fn ask(grid: &mut Grid) -> anyhow::Result<()> {
    let node = Node::install()?;
    let scratch = install::scratch("aimock")?;
    let server = serve(&node, &scratch)?;
    let asked = join_all(PLACES.iter().map(|place| ask_at(place, server.url("")))).await;
    for (place, cells) in PLACES.iter().zip(asked) {
        grid.add(&place.row(), cells?);
    }
    Ok(())
}

async fn ask_at(place: &Place, url: String) -> anyhow::Result<Vec<(Feature, Cell)>> {
    let subject = place.subject_with(&url, LONG, Some(KEY))?;
    let mut cells = Box::pin(ask_everything(&subject)).await;
    for fault in &FAULTS {
        cells.push((fault.feature, fault.bare(&subject.provider, fault.told).await));
    }
    let stranger = place.subject_with(&url, LONG, Some(WRONG_KEY))?.provider;
    let refused = Fault::new(Feature::Key, Class::Auth, HELLO);
    cells.push((Feature::Key, refused.bare(&stranger, refused.told).await));
    let probed = match stranger.check().await {
        Err(error) if error.class() == Class::Auth => Ok("ok".to_owned()),
        other => Err(format!("a probe with a wrong key: {other:?}")),
    };
    cells.push((Feature::Key, probed.into()));
    Ok(cells)
}

/// What it says to which question. The first that matches counts.
fn fixtures() -> Value {
    let usage = json!({"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18, "cost": 0.0021});
    let breaks = |told: &str, chaos: Value| json!({"match": {"userMessage": told}, "response": {"content": "Never."}, "chaos": chaos});
    let [limit, inside, overload, connection, stream, words] = FAULTS.map(|fault| fault.told);
    let text = "This breaks off somewhere.";
    let error = json!({"error": {"message": "Overloaded", "type": "overloaded_error"}, "status": 529});
    let call = json!({"toolCalls": [{"name": TOOL, "arguments": {"query": "lock"}}], "usage": usage});
    json!({"fixtures": [
        breaks(limit, json!({"rateLimitRate": 1})),
        breaks(inside, json!({"dropRate": 1})),
        {"match": {"userMessage": overload}, "response": error},
        breaks(connection, json!({"disconnectRate": 1})),
        {"match": {"userMessage": stream}, "response": {"content": text}, "latency": 20, "truncateAfterChunks": 3},
        breaks(words, json!({"malformedRate": 1})),
        {"match": {"hasToolResult": true}, "response": {"content": "Two hours before high water.", "usage": usage}},
        {"match": {"userMessage": HELLO}, "response": {"content": "Hello from one who speaks as many.", "usage": usage}},
        {"match": {"userMessage": SEARCH}, "response": call},
        {"match": {"userMessage": LIST}, "response": {"content": {"parts": ["a"]}, "usage": usage}},
    ]})
}

fn serve(node: &Node, scratch: &Path) -> anyhow::Result<Server> {
    let file = scratch.join("fixtures.json");
    fs::write(&file, fixtures().to_string()).with_context(|| file.display().to_string())?;
    Server::start_until(scratch, "/health", STARTING, |address| {
        let mut command = node.command(SCRIPT, scratch);
        command.args(["--port", &address.port().to_string(), "--chunk-size", "4", "--strict", "--fixtures"]).arg(file);
        command.env("AIMOCK_API_KEYS", KEY);
        command
    })
}
