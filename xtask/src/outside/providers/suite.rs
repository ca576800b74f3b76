//! The suite of all wires, as the tests have it: run, and counted for each wire.

use std::{collections::BTreeMap, process::Stdio};

use anyhow::{Context as _, ensure};
use mcp_orchestrator_providers::http::Wire;

use super::say;
use crate::cargo::cargo;

/// The tests of the suite, by the wire that is their module.
const TESTS: &[&str] =
    &["test", "--locked", "--package", "mcp-orchestrator-providers", "--all-features", "--test", "it", "suite::"];

/// Properties that passed, and all of them, on each wire.
type Counts = BTreeMap<String, (usize, usize)>;

/// Runs it and says what passed; whether all did. A wire without a single property is an error.
pub(super) fn run() -> anyhow::Result<bool> {
    let output = cargo(TESTS).stderr(Stdio::inherit()).output().context("cargo does not start")?;
    let counts = counted(&String::from_utf8_lossy(&output.stdout));
    let without = Wire::ALL.iter().find(|wire| !counts.contains_key(wire.as_str()));
    ensure!(without.is_none(), "the suite did not run over {without:?}");
    for (wire, (passed, all)) in &counts {
        say(&format!("suite over {wire}: {passed} of {all}"))?;
    }
    Ok(counts.values().all(|(passed, all)| passed == all))
}

/// Counts lines such as `test suite::chat::a_wrong_key_is_told ... ok`.
fn counted(output: &str) -> Counts {
    let mut counts = Counts::new();
    for line in output.lines() {
        let Some((name, outcome)) = line.strip_prefix("test suite::").and_then(|line| line.split_once(" ... ")) else {
            continue;
        };
        let Some((wire, _)) = name.split_once("::") else { continue };
        let (passed, all) = counts.entry(wire.to_owned()).or_default();
        *passed += usize::from(outcome == "ok");
        *all += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn properties_are_counted_by_wire() {
        let output = "running 3 tests\ntest suite::chat::a ... ok\ntest suite::chat::b ... FAILED\n\
                      test suite::gemini::a ... ok\ntest other::c ... ok\n";
        let expected = [("chat".to_owned(), (1, 2)), ("gemini".to_owned(), (1, 1))];
        assert_eq!(counted(output), expected.into());
    }
}
