//! `cargo xtask python-sdk`: the Python SDK of MCP against the server people run. What it does there is a script,
//! `xtask/outside/python_sdk.py`, which prints a line for each check; this owns starting both and reading the lines.

use std::{collections::BTreeMap, process::ExitCode, time::Duration};

use anyhow::bail;
use serde_json::json;

use super::{
    install, process,
    server::{self, CORPUS, Server},
    tally::Tally,
};
use crate::cargo::root;

pub(crate) const ABOUT: &str = "the MCP Python SDK against the server, every era over stdio and HTTP; needs python3";

/// How long all of it may take.
const RUNNING: Duration = Duration::from_mins(5);

pub(crate) fn run(_: &[String]) -> anyhow::Result<ExitCode> {
    let programs = install::python(install::PYTHON_SDK)?;
    let product = server::product()?;
    let scratch = install::scratch("python-sdk")?;
    let beside = install::scratch("python-sdk-stdio")?;
    let server = Server::start(&scratch, |address| {
        let mut command = server::alone(&product, &scratch);
        command.args(["--listen", &address.to_string()]);
        command
    })?;
    let arguments = [vec!["--stdio".to_owned()], server::arguments(&beside)].concat();
    let environment: BTreeMap<&str, String> = server::surroundings(&beside).into_iter().collect();
    let target = json!({
        "url": server.url("/mcp"),
        "command": product,
        "arguments": arguments,
        "environment": environment,
        "corpus": CORPUS,
    });
    let mut python = std::process::Command::new(programs.join("python"));
    python.arg(root().join("xtask/outside/python_sdk.py")).arg(target.to_string()).current_dir(&scratch);
    let finished = process::run(python, RUNNING, &scratch.join("python.log"))?;
    let mut tally = Tally::default();
    for line in finished.output.lines() {
        if let Some((section, name, outcome)) = parse(line) {
            tally.check(section, name, outcome);
        }
    }
    if finished.code != Some(0) {
        tally.print("python-sdk")?;
        bail!("the script did not reach its end:\n{}", finished.errors);
    }
    Ok(tally.print("python-sdk")?)
}

/// `passed␉section␉name` or `failed␉section␉name␉problem`.
fn parse(line: &str) -> Option<(&str, &str, Result<(), String>)> {
    let mut fields = line.splitn(4, '\t');
    let (outcome, section, name) = (fields.next()?, fields.next()?, fields.next()?);
    match outcome {
        "passed" => Some((section, name, Ok(()))),
        "failed" => Some((section, name, Err(fields.next().unwrap_or_default().to_owned()))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_check_or_nothing() {
        assert_eq!(parse("passed\tlegacy\ttools"), Some(("legacy", "tools", Ok(()))));
        assert_eq!(parse("failed\tlegacy\ttools\twhy\tnot"), Some(("legacy", "tools", Err("why\tnot".to_owned()))));
        assert_eq!(parse("a warning of somebody"), None);
    }
}
