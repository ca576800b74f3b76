//! `cargo xtask schemathesis`: requests made from the server's own description, valid and invalid, against the server people
//! run. Owns what is left out and why; what is asked is decided by the fuzzer.

use std::{process::ExitCode, time::Duration};

use anyhow::bail;

use super::{
    install, process,
    server::{self, Server},
};

pub(crate) const ABOUT: &str =
    "requests fuzzed from /openapi.json against the server; [--max-examples N]; needs python3";

/// Streams do not end, and the fuzzer waits for the end of an answer.
const STREAMS: [&str; 3] = ["/v1/events", "/v1/workflows/{id}/events", "/stream/{task_id}"];
/// The same cases every time.
const SEED: &str = "20261127";
/// How many cases there are for each operation when nobody says.
const EXAMPLES: &str = "50";
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
        command
    })?;
    let mut fuzzer = std::process::Command::new(programs.join("schemathesis"));
    fuzzer.arg("run").arg(server.url("/openapi.json"));
    fuzzer.args(["--checks", "all", "--mode", "all", "--max-examples", examples, "--seed", SEED]);
    fuzzer.args(["--no-color", "--request-timeout", "30", "--workers", "1"]);
    for path in STREAMS {
        fuzzer.args(["--exclude-path", path]);
    }
    fuzzer.current_dir(&scratch);
    let finished = process::run(fuzzer, RUNNING, &scratch.join("schemathesis.log"))?;
    let mut out = std::io::stdout().lock();
    std::io::Write::write_all(&mut out, finished.output.as_bytes())?;
    std::io::Write::write_all(&mut out, finished.errors.as_bytes())?;
    match finished.code {
        Some(0) => Ok(ExitCode::SUCCESS),
        Some(_) => Ok(ExitCode::FAILURE),
        None => bail!("the fuzzer took longer than {} s", RUNNING.as_secs()),
    }
}
