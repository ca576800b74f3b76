//! `cargo xtask conformance`: the official suite of MCP against the server with its fixtures. Owns what counts: the checks of
//! the scenarios a requirement set scores; the others are shown.

use std::{collections::BTreeMap, fs, path::Path, process::ExitCode, time::Duration};

use anyhow::{Context as _, bail};
use serde::Deserialize;

use super::{
    install::{self, Node},
    process,
    server::{self, Server},
    tally::Tally,
};

pub(crate) const ABOUT: &str =
    "the official MCP conformance suite against the server; [2025-11-25|2026-07-28]; needs npm";

/// The requirement sets the server claims.
const SETS: [&str; 2] = ["2025-11-25", "2026-07-28"];
const SUITE: &str = "@modelcontextprotocol/conformance";
/// How long one set may take.
const RUNNING: Duration = Duration::from_mins(5);

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    if let Some(unknown) = arguments.iter().find(|set| !SETS.contains(&set.as_str())) {
        bail!("no requirement set is named {unknown:?}; there are {}", SETS.join(", "));
    }
    let node = Node::install()?;
    let program = server::conformance()?;
    let scratch = install::scratch("conformance")?;
    let server = Server::start(&scratch, |address| {
        let mut command = std::process::Command::new(program);
        command.arg(address.to_string()).arg(server::documents());
        command
    })?;
    let mut tally = Tally::default();
    for set in SETS.into_iter().filter(|set| arguments.is_empty() || arguments.iter().any(|asked| asked == set)) {
        let results = scratch.join(set);
        let mut suite = node.command(&format!("{SUITE}/dist/index.js"), &scratch);
        suite.args(["server", "--url", &server.url("/mcp"), "--requirements", set, "--output-dir"]).arg(&results);
        let finished = process::run(suite, RUNNING, &scratch.join(format!("{set}.log")))?;
        if finished.code.is_none() {
            bail!("the suite took longer than {} s for {set}", RUNNING.as_secs());
        }
        let requirements = process::read(&node.file(&format!("{SUITE}/requirements/{set}.yaml")))?;
        count(&mut tally, set, &scored(&requirements), &results)
            .with_context(|| format!("the suite said: {}{}", finished.output, finished.errors))?;
    }
    Ok(tally.print("conformance")?)
}

/// Counts the checks of one set.
fn count(tally: &mut Tally, set: &str, scored: &[String], results: &Path) -> anyhow::Result<()> {
    let ran = checks(results)?;
    for scenario in scored.iter().filter(|scenario| !ran.contains_key(*scenario)) {
        tally.check(&format!("{set}, scored"), scenario, Err("did not run".to_owned()));
    }
    for (scenario, checks) in ran {
        let is_scored = scored.contains(&scenario);
        for check in checks {
            let name = format!("{scenario} {}", check.id);
            let problem = check.error_message.unwrap_or_default();
            let outcome = match check.status.as_str() {
                "SUCCESS" => Ok(()),
                "FAILURE" => Err(problem),
                "WARNING" => {
                    tally.remark(format!("{set}: {name}: {problem}"));
                    continue;
                }
                _ => continue,
            };
            if is_scored {
                tally.check(&format!("{set}, scored"), &name, outcome);
            } else {
                tally.show(&format!("{set}, not scored"), &name, outcome);
            }
        }
    }
    Ok(())
}

/// The checks of each scenario. The suite keeps a folder for each, named `server-SCENARIO-TIME`.
fn checks(results: &Path) -> anyhow::Result<BTreeMap<String, Vec<Check>>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(results).with_context(|| results.display().to_string())? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(scenario) = scenario(&name) else { continue };
        let text = process::read(&entry.path().join("checks.json"))?;
        all.insert(scenario.to_owned(), serde_json::from_str(&text).context(name.clone())?);
    }
    Ok(all)
}

fn scenario(folder: &str) -> Option<&str> {
    // The time is `2026-07-28T12-00-00-000Z`.
    const TIME: usize = "-2026-07-28T12-00-00-000Z".len();
    let name = folder.get(..folder.len().checked_sub(TIME)?)?;
    name.strip_prefix("server-")
}

/// The scenarios a requirement set scores for servers: the list under `server:`.
fn scored(requirements: &str) -> Vec<String> {
    let lines = requirements.lines().skip_while(|line| line.trim_end() != "server:").skip(1);
    let list = lines.take_while(|line| line.is_empty() || line.starts_with([' ', '#', '-']));
    list.filter_map(|line| line.trim().strip_prefix("- ").map(|name| name.trim().to_owned())).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Check {
    id: String,
    status: String,
    error_message: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scored_scenarios_are_those_of_servers() {
        let requirements = "# a set\nserver:\n  - ping\n\n  # later\n  - tools-list\n\nclient:\n  - initialize\n";
        assert_eq!(scored(requirements), ["ping", "tools-list"]);
    }

    #[test]
    fn a_folder_of_results_names_its_scenario() {
        assert_eq!(scenario("server-server-stateless-2026-11-27T08-03-07-123Z"), Some("server-stateless"));
        assert_eq!(scenario("notes"), None);
    }

    #[test]
    fn only_failures_of_scored_scenarios_count() {
        let folder = std::env::temp_dir().join(format!("conformance-{}", std::process::id()));
        for (name, status) in [("ping", "SUCCESS"), ("tasks", "FAILURE")] {
            let scenario = folder.join(format!("server-{name}-2026-11-27T08-03-07-123Z"));
            fs::create_dir_all(&scenario).unwrap();
            fs::write(scenario.join("checks.json"), format!(r#"[{{"id":"{name}","status":"{status}"}}]"#)).unwrap();
        }
        let passes = |scored: &[&str]| {
            let mut tally = Tally::default();
            let scored: Vec<String> = scored.iter().map(|name| (*name).to_owned()).collect();
            count(&mut tally, "set", &scored, &folder).unwrap();
            tally.print("conformance").unwrap() == ExitCode::SUCCESS
        };
        let outcomes = [passes(&["ping"]), passes(&["ping", "tasks"]), passes(&["ping", "tools-list"])];
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(outcomes, [true, false, false]);
    }
}
