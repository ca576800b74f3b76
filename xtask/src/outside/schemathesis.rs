//! `cargo xtask schemathesis`: requests made from the server's own description, valid and invalid, against the server people
//! run. Owns what is left out and why, and one workflow to ask about; what is asked is decided by the fuzzer.

use std::{
    fs,
    io::{self, Write as _},
    process::{Command, ExitCode},
    time::Duration,
};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::{
    install, process,
    server::{self, CORPUS, Server},
};

pub(crate) const ABOUT: &str =
    "requests fuzzed from /openapi.json against the server; [--max-examples N]; needs python3";

/// Streams do not end, and the fuzzer waits for the end of an answer.
const STREAMS: [&str; 3] = ["/v1/events", "/v1/workflows/{id}/events", "/stream/{task_id}"];
/// How many cases there are for each operation when nobody says.
const EXAMPLES: &str = "50";
/// A request that keeps to its schema may still be refused: 422 for rules between values, 400 in the words of the original's
/// routes, 405 for the tools that route does not list.
const SETTINGS: &str = "\
[checks.positive_data_acceptance]
expected-statuses = [\"2xx\", \"3xx\", 401, 403, 404, 409, 422, 429, \"5xx\"]

[[operations]]
include-name = \"GET /tools/{name}\"
checks.positive_data_acceptance.expected-statuses = [\"2xx\", 405]
";
/// How long all of it may take.
const RUNNING: Duration = Duration::from_mins(15);

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let examples = match arguments {
        [] => EXAMPLES,
        [flag, examples] if flag == "--max-examples" && examples.parse::<u32>().is_ok() => examples,
        other => bail!("unknown arguments {}", other.join(" ")),
    };
    let programs = install::python(install::SCHEMATHESIS)?;
    let product = server::product()?;
    let scratch = install::scratch("schemathesis")?;
    let server = Server::start(&scratch, |address| {
        let mut command = server::alone(&product, &scratch);
        command.args(["--listen", &address.to_string()]);
        // The endpoint that is registered is this machine, where nobody listens.
        command.env("ORCHESTRATOR_EGRESS__ALLOW", "127.0.0.1/32").env("ORCHESTRATOR_EGRESS__HTTP", "allow");
        command
    })?;
    let settings = scratch.join("schemathesis.toml");
    fs::write(&settings, format!("{SETTINGS}{}", known(&server)?))?;
    let mut fuzzer = Command::new(programs.join("schemathesis"));
    fuzzer.arg("--config-file").arg(&settings).args(["run", &server.url("/openapi.json")]);
    fuzzer.args(["--checks", "all", "--mode", "all", "--max-examples", examples]);
    // The same cases every time.
    fuzzer.arg("--generation-deterministic");
    fuzzer.args(["--no-color", "--request-timeout", "30", "--workers", "1"]);
    for path in STREAMS {
        fuzzer.args(["--exclude-path", path]);
    }
    fuzzer.current_dir(&scratch);
    let finished = process::run(fuzzer, RUNNING, &scratch.join("fuzzer.log"))?;
    let mut out = io::stdout().lock();
    write!(out, "{}{}", finished.output, finished.errors)?;
    match finished.code {
        Some(0) => Ok(ExitCode::SUCCESS),
        Some(_) => Ok(ExitCode::FAILURE),
        None => bail!("the fuzzer took longer than {} s", RUNNING.as_secs()),
    }
}

/// Settings that let the fuzzer reach what lies behind an id: a workflow that has ended, with its document, and an endpoint.
fn known(server: &Server) -> anyhow::Result<String> {
    let text = |method: &str, path: &str, body: &Value, pointer: &str| {
        let answer = server.ask(method, path, &body.to_string())?;
        let value: Value = serde_json::from_str(&answer).with_context(|| answer.clone())?;
        let text = value.pointer(pointer).and_then(Value::as_str);
        Ok::<_, anyhow::Error>(text.with_context(|| format!("{path} has no {pointer}: {answer}"))?.to_owned())
    };
    let search = json!({ "query": "When does the Millgate lock work?", "corpus": [CORPUS], "wait_seconds": 30 });
    let workflow = text("POST", "/v1/tools/orchestrate_search", &search, "/task_id")?;
    let document = text("GET", &format!("/v1/workflows/{workflow}/documents"), &json!({}), "/documents/0/filename")?;
    let endpoint = json!({ "url": "http://127.0.0.1:9/hook", "events": ["workflow_complete"] });
    let endpoint = text("POST", "/v1/webhooks", &endpoint, "/id")?;
    let settings = [
        ("^/v1/workflows/[{]id[}]/documents/", format!(r#""path.id" = "{workflow}", "path.name" = "{document}""#)),
        ("^/v1/workflows/[{]id[}](/[a-z]+)?$", format!(r#""path.id" = "{workflow}""#)),
        ("^/docs/", r#""path.file" = "start.js""#.to_owned()),
        ("^/v1/webhooks/[{]id[}]/[a-z]+$", format!(r#""path.id" = "{endpoint}""#)),
    ];
    let settings = settings.map(|(paths, parameters)| {
        format!("\n[[operations]]\ninclude-path-regex = '{paths}'\nparameters = {{ {parameters} }}\n")
    });
    Ok(settings.concat())
}
