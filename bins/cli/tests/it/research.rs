//! A question and a folder become a cited report, without a key and without a network.

use crate::setup::{Home, read};

const QUESTION: &str = "How does a workflow survive a crash?";

#[test]
fn a_question_and_a_folder_become_a_cited_report() {
    let home = Home::with_docs();
    let ran = home.run(&["research", QUESTION, "--corpus", "docs"]).ended(0);
    assert!(ran.out.contains("written to a durable log"), "{}", ran.out);
    assert!(ran.out.contains("corpus:docs/recovery.md"), "{}", ran.out);
    assert!(ran.err.contains("provider: extractive (no key is set"), "{}", ran.err);
    let last = ran.err.lines().last().unwrap();
    assert_eq!(last, "written to reports/research-how-does-a-workflow-survive-a-crash.md");
    let written = read(&home.path("reports/research-how-does-a-workflow-survive-a-crash.md"));
    assert!(written.starts_with("---\n"), "{written}");
    assert_eq!(ran.out.trim_end(), written.trim_end(), "a pipe gets what the file holds");
}

#[test]
fn a_search_without_search_services_says_what_its_agents_search() {
    let home = Home::with_docs();
    let ran =
        home.run(&["search", QUESTION, "--corpus", "docs", "--agents", "3", "--types", "news,technical"]).ended(0);
    assert!(ran.err.contains("agents of every type search the corpora"), "{}", ran.err);
    assert!(ran.out.contains("durable log"), "{}", ran.out);
}

#[test]
fn a_corpus_that_says_nothing_gives_nothing_found_and_no_prose() {
    let home = Home::with_docs();
    let ran = home.run(&["research", "Which zebra breeds graze in Patagonian vineyards?", "--corpus", "docs"]).ended(0);
    assert!(ran.out.contains("Nothing found"), "{}", ran.out);
    assert!(ran.err.contains("nothing found"), "{}", ran.err);
    assert!(!ran.out.contains("log"), "{}", ran.out);
}

#[test]
fn another_report_of_the_same_title_gets_a_number() {
    let home = Home::with_docs();
    let asked = [
        "research",
        QUESTION,
        "--corpus",
        "docs",
        "--title",
        "../../The Crash!",
        "--out",
        "out",
        "--format",
        "md,json",
    ];
    home.run(&asked).ended(0);
    home.run(&asked).ended(0);
    let expected = [
        "the-crash-2.evidence",
        "the-crash-2.json",
        "the-crash-2.md",
        "the-crash.evidence",
        "the-crash.json",
        "the-crash.md",
    ];
    assert_eq!(home.names("out"), expected);
    assert_eq!(home.names("").iter().filter(|name| name.contains("crash")).count(), 0);
}

#[test]
fn quiet_leaves_the_report_alone() {
    let home = Home::with_docs();
    let ran = home.run(&["research", QUESTION, "--corpus", "docs", "--quiet"]).ended(0);
    assert_eq!(ran.err, "");
    assert!(ran.out.contains("durable log"));
}

#[test]
fn the_task_comes_from_stdin_or_a_file_too() {
    let home = Home::with_docs();
    home.write("task.txt", QUESTION);
    for ran in [
        home.run_with_input(QUESTION, &["research", "-", "--corpus", "docs", "--quiet"]),
        home.run(&["research", "@task.txt", "--corpus", "docs", "--quiet"]),
    ] {
        assert!(ran.ended(0).out.contains("durable log"));
    }
}

#[test]
fn a_configured_corpus_is_searched_when_none_is_named() {
    let home = Home::with_docs();
    home.write(".config/mcp-orchestrator/config.toml", "[corpora]\nhandbook = \"../../docs\"\n");
    for asked in [&["research", QUESTION][..], &["research", QUESTION, "--corpus", "handbook"]] {
        let ran = home.run(asked).ended(0);
        assert!(ran.out.contains("corpus:handbook/recovery.md"), "{}", ran.out);
    }
}

#[test]
fn a_workflow_is_found_again_afterwards() {
    let home = Home::with_docs();
    let report = home.run(&["research", QUESTION, "--corpus", "docs", "--quiet"]).ended(0).out;
    let row = &home.run(&["list", "--json", "--status", "completed"]).ended(0).json_lines()[0];
    let id = row["task_id"].as_str().unwrap();
    assert_eq!(home.run(&["list", "--status", "failed"]).ended(0).out, "");
    assert!(home.run(&["status", id]).ended(0).out.contains("completed"));
    assert_eq!(home.run(&["results", id]).ended(0).out, report);
    let again = home.run(&["results", id, "--out", "reports"]).ended(0);
    assert!(
        again.err.ends_with("written to reports/research-how-does-a-workflow-survive-a-crash.md\n"),
        "{}",
        again.err
    );
    assert_eq!(home.names("reports").len(), 1, "the same report is not written twice");
    let events = home.run(&["events", id]).ended(0).out;
    let followed = home.run(&["events", id, "--follow"]).ended(0).out;
    assert_eq!(events, followed);
    assert!(events.contains("workflow_complete"), "{events}");
    home.run(&["watch", id]).ended(0);
    let refused = home.run(&["resume", id]).ended(65);
    assert!(refused.err.contains("completed"), "{}", refused.err);
    let refused = home.run(&["cancel", id]).ended(65);
    assert!(refused.err.contains("completed"), "{}", refused.err);
}

#[test]
fn the_same_key_is_the_same_work() {
    let home = Home::with_docs();
    let asked = ["research", QUESTION, "--corpus", "docs", "--quiet", "--idempotency-key", "monday"];
    let first = home.run(&asked).ended(0).out;
    assert_eq!(home.run(&asked).ended(0).out, first);
    assert_eq!(home.run(&["list", "--json"]).ended(0).json_lines().len(), 1);
    let other = ["research", "Where is the log of a workflow kept?", "--corpus", "docs", "--idempotency-key", "monday"];
    let refused = home.run(&other).ended(65);
    assert!(refused.err.contains("idempotency key"), "{}", refused.err);
}

#[test]
fn two_commands_at_once_share_the_default_store() {
    let home = Home::with_docs();
    let asked = ["research", QUESTION, "--corpus", "docs", "--agents", "4"];
    let both = [home.start(&mut home.command(&asked)), home.start(&mut home.command(&asked))];
    for child in both {
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(home.run(&["list", "--json", "--status", "completed"]).ended(0).json_lines().len(), 2);
    assert_eq!(home.names("reports").len(), 2);
}
