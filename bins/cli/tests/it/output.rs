//! Where the report goes when stdout does not take it, and how a workflow goes on when its budget was too small.

use std::io::{BufRead as _, BufReader};

use crate::setup::{Home, Ran};

const QUESTION: &str = "How does a workflow survive a crash?";

#[test]
fn events_whose_reader_goes_away_leave_the_report_all_the_same() {
    let home = Home::with_docs();
    let mut child =
        home.start(&mut home.command(&["research", QUESTION, "--corpus", "docs", "--out", "out", "--json"]));
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.contains("workflow_start"), "{first}");
    Ran::from(child.wait_with_output().unwrap()).ended(0);
    assert_eq!(home.names("out").len(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_stdout_is_told_and_the_report_is_in_its_file() {
    let home = Home::with_docs();
    for json in [&["--json"][..], &[]] {
        let arguments = [&["research", QUESTION, "--corpus", "docs", "--out", "out"], json].concat();
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let ran = Ran::from(home.command(&arguments).stdout(full).output().unwrap()).ended(1);
        assert!(ran.err.contains("cannot write the output"), "{}", ran.err);
    }
    assert_eq!(home.names("out").len(), 2);
}

#[test]
fn a_workflow_whose_budget_was_too_small_goes_on_with_a_larger_one() {
    let home = Home::with_docs();
    let ran = home.run(&["research", QUESTION, "--corpus", "docs", "--max-calls", "3"]).ended(75);
    let id = ran.err.split_whitespace().find(|word| word.starts_with("research_")).unwrap().to_owned();
    home.run(&["resume", &id]).ended(75);
    home.run(&["resume", &id, "--max-calls", "200"]).ended(0);
    let refused = home.run(&["resume", "--max-calls", "200"]).ended(2);
    assert!(refused.err.contains("<ID>") || refused.err.contains("[ID]"), "{}", refused.err);
}
