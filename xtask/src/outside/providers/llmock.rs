//! llmock: the words of ten services, faults on demand, and a verdict on whoever asks. Owns which service is asked where, and
//! the gate: a verdict without a finding over retries that really happened.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context as _, ensure};
use futures::future::join_all;
use mcp_orchestrator_providers::{Provider as _, http::Wire};
use serde_json::{Value, json};

use super::{
    engine::{Researched, research},
    faults::{Asked, FAULTS, half_arguments, meets_half_arguments, patient},
    grid::{Cell, Feature, Grid},
    places::{LONG, Place},
    questions::{HELLO, ask_everything, left, too_long},
    say,
};
use crate::outside::{install, server::Server};

/// How long it may take until it is ready.
const STARTING: Duration = Duration::from_mins(1);
/// How long an answer may be silent where it is meant to be silent.
const SHORT: Duration = Duration::from_secs(1);
/// What fits into its models: more than anybody but one question asks here.
const WINDOW_TOKENS: usize = 20_000;
/// Events of a text before it breaks: enough that some of it was read.
const INTO_TEXT: u32 = 3;

const SCHEMA: &[(Feature, &str)] = &[(Feature::Schema, "llmock reads an older field for Anthropic's schemas")];
const COUNTS: &[(Feature, &str)] =
    &[(Feature::Usage, "llmock counts only when it is asked to; the service counts unasked and refuses to be asked")];

const fn at(vendor: &'static str, wire: Wire, path: &'static str) -> Place {
    Place::new(vendor, wire, "llmock", path)
}

/// A service whose own words nobody here speaks, at the words it says it is compatible with.
const fn as_openai(vendor: &'static str, wire: Wire) -> Place {
    Place { server: "llmock as openai", ..at(vendor, wire, "v1") }
}

const fn local(vendor: &'static str) -> Place {
    Place { model: Some(vendor), ..as_openai(vendor, Wire::Chat) }
}

const PLACES: [Place; 18] = [
    at("openai", Wire::Responses, "v1"),
    at("openai", Wire::Chat, "v1"),
    Place { missing: SCHEMA, ..at("anthropic", Wire::Messages, "anthropic/v1") },
    at("gemini", Wire::Gemini, "gemini/v1beta"),
    at("xai", Wire::Chat, "xai/v1"),
    as_openai("xai", Wire::Responses),
    Place { missing: COUNTS, ..at("mistral", Wire::Chat, "mistral/v1") },
    at("groq", Wire::Chat, "groq/openai/v1"),
    Place { missing: COUNTS, ..at("perplexity", Wire::Chat, "perplexity/v1") },
    Place { missing: COUNTS, ..at("together", Wire::Chat, "together/v1") },
    // llmock has Cohere's native interface; this product asks the compatible one.
    Place { missing: COUNTS, ..as_openai("cohere", Wire::Chat) },
    as_openai("deepseek", Wire::Chat),
    as_openai("huggingface", Wire::Chat),
    as_openai("openrouter", Wire::Chat),
    local("ollama"),
    local("lmstudio"),
    local("llamacpp"),
    local("vllm"),
];

/// A running one.
pub(super) struct Llmock {
    server: Server,
}

impl Llmock {
    /// Installs and starts it.
    pub(super) fn start() -> anyhow::Result<Self> {
        let programs = install::python(install::LLMOCK)?;
        let scratch = install::scratch("llmock")?;
        Ok(Self { server: serve(&programs, &scratch)? })
    }

    /// Its address.
    pub(super) fn url(&self) -> String {
        self.server.url("")
    }

    /// Asks everything, with retries and through the engine, and prints what it thinks of us. The gate: no finding of any severity,
    /// over every fault that was due.
    pub(super) async fn grade(&self, grid: &mut Grid) -> anyhow::Result<bool> {
        let faults = self.ask(grid).await? + self.research(grid).await?;
        self.verdict(faults)
    }

    /// Asks everything of every service, meets every fault bare, and again with retries. Only the latter is left for the verdict.
    async fn ask(&self, grid: &mut Grid) -> anyhow::Result<usize> {
        let bare = join_all(PLACES.iter().map(|place| self.bare(place))).await;
        self.control("POST", "reset", &json!({}))?;
        let retried = join_all(PLACES.iter().map(|place| self.retried(place))).await;
        for (place, cells) in PLACES.iter().chain(&PLACES).zip(bare.into_iter().chain(retried)) {
            grid.add(&place.row(), cells?);
        }
        Ok(PLACES.len() * FAULTS.len())
    }

    async fn bare(&self, place: &Place) -> anyhow::Result<Vec<(Feature, Cell)>> {
        let subject = place.subject(&self.url(), LONG)?;
        let mut cells = Box::pin(ask_everything(&subject)).await;
        cells.push((Feature::Left, left(&subject.provider).await));
        cells.push((Feature::TooLong, too_long(&subject.provider, WINDOW_TOKENS).await));
        for fault in &FAULTS {
            let idle = if fault.feature == Feature::Stalled { SHORT } else { LONG };
            let provider = place.subject(&self.url(), idle)?.provider;
            self.expect(&[fault.behavior(&place.matching(), INTO_TEXT)])?;
            cells.push((fault.feature, fault.bare(&provider, HELLO).await));
        }
        if subject.provider.capabilities(None).tools {
            self.expect(&[half_arguments(&place.matching())])?;
            let always_json = place.wire == Wire::Gemini;
            cells.push((Feature::Arguments, meets_half_arguments(&subject.provider, always_json).await));
        }
        Ok(cells)
    }

    async fn retried(&self, place: &Place) -> anyhow::Result<Vec<(Feature, Cell)>> {
        let mut cells = Vec::new();
        for fault in &FAULTS {
            let idle = if fault.feature == Feature::Stalled { SHORT } else { LONG };
            let provider = place.subject(&self.url(), idle)?.provider;
            // On the Gemini wire one event holds a whole call, and nothing is left to break.
            let can_break = place.wire != Wire::Gemini && provider.capabilities(None).tools;
            let asked = if can_break { Asked::Call } else { Asked::Text };
            self.expect(&[fault.behavior(&place.matching(), asked.after())])?;
            cells.push((fault.feature, fault.with_retries(&patient(provider), asked).await));
        }
        Ok(cells)
    }

    /// Lets the engine research over every wire, with every fault that passes and calls nobody can read in its way; how many faults
    /// there were at least.
    async fn research(&self, grid: &mut Grid) -> anyhow::Result<usize> {
        let places: Vec<&Place> = PLACES.iter().filter(|place| is_researched(place)).collect();
        let researched = join_all(places.iter().map(|place| self.research_at(place))).await;
        let unmet = self.control("GET", "scenario", &json!({}))?["pending"].take();
        let mut met = 0;
        for (place, researched) in places.iter().zip(researched) {
            let (faults, outcome) = researched?;
            met += faults;
            let cell = match outcome {
                Ok(came) if came.failed >= faults && came.tools > 0 && unmet == json!([]) => {
                    let Researched { calls, failed, tools } = came;
                    let over = place.wire.as_str();
                    say(&format!("engine over {over}: {calls} calls, {tools} of tools; {failed} failed"))?;
                    Cell::Passed("ok".to_owned())
                }
                Ok(came) => Cell::Failed(format!("{came:?} with {faults} faults; nobody met {unmet}")),
                Err(error) => Cell::Failed(format!("{error:#}")),
            };
            grid.add(&place.row(), vec![(Feature::Engine, cell)]);
        }
        Ok(met)
    }

    /// Researches at one place: how many faults it was to meet, and what came of it.
    async fn research_at(&self, place: &Place) -> anyhow::Result<(usize, anyhow::Result<Researched>)> {
        // Whichever model: agents may have another one than who writes for them.
        let mut matching = place.matching();
        matching["model"] = Value::Null;
        let mut breaking = matching.clone();
        // Streams break for the agents, of whom several are under way; on the Gemini wire, where one event holds a whole call, for
        // the others.
        breaking["tools"] = json!(place.wire != Wire::Gemini);
        let faults = FAULTS.iter().filter(|fault| fault.passes());
        let faults: Vec<Value> =
            faults.map(|fault| fault.behavior(if fault.is_of_stream() { &breaking } else { &matching }, 1)).collect();
        self.expect(&faults)?;
        self.expect(&[half_arguments(&matching)])?;
        Ok((faults.len(), Box::pin(research(place.subject(&self.url(), SHORT)?.provider)).await))
    }

    /// Tells it what befalls the next requests.
    pub(super) fn expect(&self, behaviors: &[Value]) -> anyhow::Result<()> {
        self.control("POST", "scenario", &json!({ "behaviors": behaviors })).map(drop)
    }

    fn verdict(&self, faults_min: usize) -> anyhow::Result<bool> {
        let verdict = self.control("GET", "verdict", &json!({}))?;
        let count = |field: &str| verdict[field].as_u64().unwrap_or_default();
        let findings = verdict["findings"].as_array().context("a verdict has findings")?;
        let faults = count("faults_injected");
        let (calls, attempts, found) = (count("calls"), count("attempts"), findings.len());
        say(&format!(
            "llmock's verdict: {calls} calls, {attempts} attempts, {faults} faults of {faults_min}, {found} findings"
        ))?;
        for finding in findings {
            let text = |field: &str| finding[field].as_str().unwrap_or_default();
            say(&format!("failed: {} {}: {}", text("code"), text("path"), text("title")))?;
        }
        Ok(findings.is_empty() && usize::try_from(faults).is_ok_and(|faults| faults >= faults_min))
    }

    fn control(&self, method: &str, what: &str, body: &Value) -> anyhow::Result<Value> {
        let answer = self.server.ask(method, &format!("/_llmock/{what}"), &body.to_string())?;
        let answer: Value = serde_json::from_str(&answer).with_context(|| format!("llmock said: {answer}"))?;
        ensure!(answer.get("detail").is_none(), "llmock refuses {what}: {answer}");
        Ok(answer)
    }
}

/// Whether the engine tries it: the services each wire was made for.
fn is_researched(place: &Place) -> bool {
    matches!(place.vendor, "openai" | "anthropic" | "gemini")
}

fn serve(programs: &Path, scratch: &Path) -> anyhow::Result<Server> {
    Server::start_until(scratch, "/health", STARTING, |address| {
        let mut command = Command::new(programs.join("llmock"));
        command.args(["serve", "--host", "127.0.0.1", "--port", &address.port().to_string(), "--log-level", "warning"]);
        // As slow as somebody who writes: whoever leaves in the middle of an answer is seen to leave.
        command.args(["--stream-chunk-delay-ms", "30"]);
        command.args(["--context-window", &WINDOW_TOKENS.to_string()]);
        // Limits that nobody reaches here, so that it says what is left of them.
        command.args(["--rpm", "100000", "--tpm", "100000000"]);
        command.current_dir(scratch).env("HOME", scratch);
        command
    })
}
