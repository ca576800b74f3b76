//! What programs read: JSON lines on stdout, nothing else there, and a closed pipe that ends quietly.

use std::io::{BufRead as _, BufReader};

use crate::setup::Home;

const QUESTION: &str = "How does a workflow survive a crash?";

#[test]
fn events_are_json_lines_of_one_shape() {
    let home = Home::with_docs();
    let ran = home
        .run(&["research", QUESTION, "--corpus", "docs", "--agents", "2", "--format", "md,json", "--json"])
        .ended(0);
    assert_eq!(ran.err, "");
    let lines = ran.json_lines();
    let (result, events) = lines.split_last().unwrap();
    let fields = ["agent_id", "data", "event_type", "id", "progress", "task_id", "timestamp"];
    for event in events {
        let names: Vec<&String> = event.as_object().unwrap().keys().collect();
        assert_eq!(names, fields, "{event}");
        assert_eq!(event["task_id"], result["task_id"]);
        for number in ["completed_agents", "total_agents", "percent", "cost_usd", "tokens"] {
            assert!(event["progress"][number].is_number(), "{number} in {event}");
        }
    }
    let types: Vec<&str> = events.iter().map(|event| event["event_type"].as_str().unwrap()).collect();
    assert_eq!(types[0], "workflow_start");
    assert_eq!(types[types.len() - 2..], ["workflow_complete", "stream_closed"]);
    assert_eq!(types.iter().filter(|kind| **kind == "agent_complete").count(), 2);
    assert_eq!(result["event_type"], "result");
    assert_eq!(result["data"]["status"], "completed");
    assert_eq!(result["data"]["outcome"], "answered");
    let files: Vec<&str> = result["data"]["files"].as_array().unwrap().iter().map(|f| f.as_str().unwrap()).collect();
    assert_eq!(files.len(), 2);
    assert!(files.iter().all(|file| home.path(file).exists()), "{files:?}");
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let home = Home::with_docs();
    let mut child = home.start(&mut home.command(&["research", QUESTION, "--corpus", "docs", "--json"]));
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.contains("workflow_start"), "{first}");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn no_text_from_a_document_steers_the_terminal() {
    let home = Home::with_docs();
    home.write(
        "docs/hostile.md",
        "# Hostile\n\nA workflow survives a crash \u{1b}[2J\u{1b}]0;owned\u{7}because its log is \u{202e}durable.\n",
    );
    let ran =
        home.run(&["research", QUESTION, "--corpus", "docs", "--title", "a\u{1b}[31mb", "--color", "always"]).ended(0);
    assert!(!ran.out.contains('\u{1b}') && !ran.out.contains('\u{202e}') && !ran.out.contains('\u{7}'));
    assert!(!ran.err.contains("\u{1b}[31mb") && !ran.err.contains("\u{1b}[2J"), "{}", ran.err);
    assert!(ran.err.contains("\u{1b}["), "colour was asked for");
    let plain = home.run_with(&[("NO_COLOR", "1")], &["list"]).ended(0);
    assert!(!plain.out.contains('\u{1b}'));
}

#[test]
fn the_doctor_says_what_is_there_and_what_is_not() {
    let home = Home::with_docs();
    let findings = home.run(&["doctor", "--corpus", "docs", "--json"]).ended(0).json_lines();
    let verdict = |check: &str| findings.iter().find(|f| f["check"] == check).map(|f| f["verdict"].clone());
    for check in ["settings", "data folder", "cache folder", "report folder", "store", "keys", "corpus", "provider"] {
        assert_eq!(verdict(check).unwrap(), "ok", "{check}: {findings:?}");
    }
    home.run(&["research", QUESTION, "--corpus", "docs", "--quiet"]).ended(0);
    let text = home.run(&["doctor"]).ended(0).out;
    assert!(text.contains("1 workflows") && text.contains("warning  corpora"), "{text}");
    let ran = home.run(&["doctor", "--corpus", "absent"]).ended(1);
    assert!(ran.out.contains("absent"), "{}", ran.out);
    let ran = home.run(&["doctor", "--store", "tape://host"]).ended(1);
    assert!(ran.out.contains("unknown scheme"), "{}", ran.out);
}

#[test]
fn a_command_line_that_cannot_be_read_is_told_as_json() {
    let home = Home::with_docs();
    let ran = home.run(&["research", "--json", "--agents", "many", QUESTION]).ended(2);
    let error: serde_json::Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!(error["error"]["code"], "usage");
    assert_eq!(error["error"]["exit_code"], 2);
    assert!(error["error"]["message"].as_str().unwrap().contains("--agents"), "{error}");
    assert!(home.run(&["--json", "--help"]).ended(0).out.contains("research"));
}

#[test]
fn an_event_shows_the_id_after_which_to_go_on() {
    let home = Home::with_docs();
    let ran = home.run(&["research", QUESTION, "--corpus", "docs", "--agents", "2", "--json"]).ended(0);
    let id = ran.json_lines()[0]["task_id"].as_str().unwrap().to_owned();
    let all = home.run(&["events", &id]).ended(0).out;
    let lines: Vec<&str> = all.lines().collect();
    let third = lines[2].split_whitespace().next().unwrap();
    let rest = home.run(&["events", &id, "--after", third]).ended(0).out;
    assert_eq!(rest.lines().collect::<Vec<_>>(), lines[3..]);
}

#[test]
fn looking_makes_no_store() {
    let home = Home::with_docs();
    home.run(&["list"]).ended(0);
    let typo = format!("sqlite:{}", home.path("typo.db").display());
    let ran = home.run(&["list", "--store", &typo]).ended(78);
    assert!(ran.err.contains("there is no store") && ran.err.contains("typo.db"), "{}", ran.err);
    assert!(!home.path("typo.db").exists());
}
