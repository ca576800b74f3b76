//! The LiteLLM proxy as a translator in front of llmock: what llmock says as OpenAI comes back in the words of the other wires, as
//! somebody else speaks them. Owns its configuration and which wire is asked where.

use std::{fs, path::Path, process::Command, time::Duration};

use anyhow::Context as _;
use mcp_orchestrator_domain::FailureClass as Class;
use mcp_orchestrator_providers::http::Wire;
use mcp_orchestrator_testkit::provider_suite::KEY;
use serde_json::json;

use super::{
    faults::Fault,
    grid::{Cell, Feature, Grid},
    llmock::Llmock,
    places::{LONG, Place},
    questions::{HELLO, ask_everything},
};
use crate::outside::{install, server::Server};

/// How long it may take until it is ready: it imports half of PyPI.
const STARTING: Duration = Duration::from_mins(2);
/// The model it knows, and what that is at llmock.
const MODEL: &str = "relay";
const BEHIND: &str = "gpt-5.4-mini";
/// What goes wrong behind it, and is told in front of it; without the pause, which it keeps for itself.
const TOLD: [Fault; 3] = [
    Fault::new(Feature::Key, Class::Auth, r#"{"type":"fail","status":401}"#),
    Fault::new(Feature::RateLimit, Class::RateLimited, r#"{"type":"fail","status":429}"#),
    Fault::new(Feature::Broken, Class::Server, r#"{"type":"fail","status":500}"#),
];
const AS_GEMINI: &[(Feature, &str)] = &[
    (Feature::Usage, "litellm counts nothing when it speaks as Gemini"),
    (Feature::Key, "litellm makes a failure of its own of a wrong key when it speaks as Gemini"),
];

const fn at(vendor: &'static str, wire: Wire, path: &'static str) -> Place {
    Place { model: Some(MODEL), ..Place::new(vendor, wire, "litellm", path) }
}

const PLACES: [Place; 4] = [
    at("openai", Wire::Responses, "v1"),
    at("openai", Wire::Chat, "v1"),
    at("anthropic", Wire::Messages, "v1"),
    Place { missing: AS_GEMINI, ..at("gemini", Wire::Gemini, "v1beta") },
];

/// Starts it and asks everything.
pub(super) async fn ask(grid: &mut Grid, llmock: &Llmock) -> anyhow::Result<()> {
    let programs = install::python(install::LITELLM)?;
    let scratch = install::scratch("litellm")?;
    let server = serve(&programs, &scratch, llmock)?;
    for place in &PLACES {
        grid.add(&place.row(), Box::pin(ask_at(place, &server.url(""), llmock)).await?);
    }
    Ok(())
}

async fn ask_at(place: &Place, url: &str, llmock: &Llmock) -> anyhow::Result<Vec<(Feature, Cell)>> {
    let subject = place.subject(url, LONG)?;
    let mut cells = ask_everything(&subject).await;
    let behind = json!({"model": BEHIND, "stream": true});
    for fault in &TOLD {
        llmock.expect(&[fault.behavior(&behind, 0)])?;
        cells.push((fault.feature, fault.bare(&subject.provider, HELLO).await));
    }
    Ok(subject.without_missing(cells))
}

fn serve(programs: &Path, scratch: &Path, llmock: &Llmock) -> anyhow::Result<Server> {
    let file = scratch.join("litellm.json");
    let behind =
        json!({"model": format!("openai/{BEHIND}"), "api_base": format!("{}/v1", llmock.url()), "api_key": KEY});
    let settings = json!({
        "model_list": [{"model_name": MODEL, "litellm_params": behind}],
        "general_settings": {"master_key": KEY},
        // What goes wrong behind it is told, not hidden.
        "router_settings": {"num_retries": 0, "disable_cooldowns": true},
    });
    fs::write(&file, settings.to_string()).with_context(|| file.display().to_string())?;
    Server::start_until(scratch, "/health/liveliness", STARTING, |address| {
        let mut command = Command::new(programs.join("litellm"));
        command.args(["--host", "127.0.0.1", "--port", &address.port().to_string(), "--config"]).arg(file);
        // It knows its models without asking for them, and tells nobody that it runs.
        command.env("LITELLM_LOCAL_MODEL_COST_MAP", "True").env("HOME", scratch).current_dir(scratch);
        command
    })
}
