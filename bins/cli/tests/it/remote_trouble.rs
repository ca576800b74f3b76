//! Servers that refuse, are not there, break off or lie: each ends with the right code and a message that says which.

use serde_json::{Value, json};

use crate::{
    canned::{Canned, problem},
    remote_life::interrupt,
    served::{Odd, Served},
    setup::{Home, Ran},
};

const QUESTION: &str = "How does a workflow survive a crash?";

#[test]
fn a_refusal_of_the_server_names_flags_or_fields_and_the_request() {
    let home = Home::with_docs();
    let server = Served::start(&home);
    for (arguments, code, says) in [
        (&["research", "why"][..], 65, "the task has 3 characters, expected 10 to 5000"),
        (&["research", QUESTION, "--agents", "0", "--budget-usd", "-1"], 65, "--agents is 0, expected 1 to 20"),
        (&["research", QUESTION, "--corpus", "notes"], 65, "--corpus"),
        (&["search", QUESTION, "--types", "gossip"], 65, "--types"),
        (&["research", QUESTION, "--provider", "opneai"], 78, "--provider"),
        (&["status", "research_0123456789abcdef"], 65, "no workflow is named research_0123456789abcdef"),
        (&["events", "research_0123456789abcdef"], 65, "no workflow is named research_0123456789abcdef"),
        (&["watch", "research_0123456789abcdef"], 65, "no workflow is named research_0123456789abcdef"),
        (&["cancel", "research_0123456789abcdef"], 65, "no workflow is named research_0123456789abcdef"),
        (&["answer", "research_0123456789abcdef", "yes"], 65, "no workflow is named research_0123456789abcdef"),
        (&["resume", "research_0123456789abcdef"], 65, "no workflow is named research_0123456789abcdef"),
    ] {
        let ran = server.run(&home, arguments).ended(code);
        assert!(ran.err.starts_with("error: ") && ran.err.contains(says), "{arguments:?}: {}", ran.err);
        assert!(ran.err.trim_end().ends_with(')') && ran.err.contains(" (request "), "{arguments:?}: {}", ran.err);
        assert_eq!(ran.out, "");
    }
    let both = server.run(&home, &["research", QUESTION, "--agents", "0", "--budget-usd", "-1", "--json"]).ended(65);
    let error: Value = serde_json::from_str(&both.err).unwrap();
    assert_eq!((&error["error"]["code"], &error["error"]["exit_code"]), (&json!("invalid_request"), &json!(65)));
    assert!(error["error"]["message"].as_str().unwrap().contains("--budget-usd is -1"), "{error}");
    assert!(error["error"]["request_id"].is_string(), "{error}");
    home.write("flow.toml", "pattern = 'custom'\ntask = 'How does a workflow survive a crash?'\n[[steps]]\nid = 'a'\ntask = 'x'\nneeds = ['b']\n");
    let ran = server.run(&home, &["run", "flow.toml"]).ended(65);
    assert!(ran.err.starts_with("error: flow.toml: steps: step \"a\" needs \"b\""), "{}", ran.err);
    assert_eq!(server.run(&home, &["list", "--json"]).ended(0).out, "", "no workflow was made");
}

#[test]
fn what_makes_no_sense_with_a_server_is_refused_clearly() {
    let home = Home::with_docs();
    let server = Served::start(&home);
    let ran = server.run(&home, &["list", "--store", "memory:"]).ended(2);
    assert!(ran.err.contains("--store") && ran.err.contains("--server"), "{}", ran.err);
    let ran = server.run(&home, &["research", QUESTION, "--corpus", "./docs"]).ended(65);
    assert!(ran.err.contains("--corpus ./docs") && ran.err.contains("server's operator"), "{}", ran.err);
    server.run(&home, &["research", QUESTION, "--detach", "--out", "there"]).ended(2);
    let ran = home.run(&["research", QUESTION, "--detach"]).ended(2);
    assert!(ran.err.contains("--detach needs a server"), "{}", ran.err);
    // What is about this machine alone asks no server.
    home.run_with(&[("ORCHESTRATOR_SERVER", "http://127.0.0.1:9")], &["config", "show"]).ended(0);
    home.run_with(&[("ORCHESTRATOR_SERVER", "http://127.0.0.1:9")], &["doctor", "--store", "memory:"]).ended(0);
    assert_eq!(home.run_with(&[("ORCHESTRATOR_SERVER", "")], &["list"]).ended(0).code, Some(0));
}

#[test]
fn a_server_that_is_not_there_or_is_another_one_is_told_apart() {
    let home = Home::with_docs();
    for words in [&["list"][..], &["status", "research_0123456789abcdef"], &["research", QUESTION], &["patterns"]] {
        let words: Vec<&str> = ["--server", "http://127.0.0.1:9"].iter().chain(words).copied().collect();
        let ran = home.run(&words).ended(69);
        assert!(ran.err.contains("the server http://127.0.0.1:9 cannot be reached"), "{}", ran.err);
    }
    let ran = home.run(&["list", "--server", "http://me:s3cret@127.0.0.1:9"]).ended(65);
    assert!(ran.err.contains("password") && !ran.err.contains("s3cret"), "{}", ran.err);
    let other = Canned::start(|_| {
        "HTTP/1.1 404 Not Found\r\ncontent-type: text/html\r\ncontent-length: 4\r\n\r\nnope".to_owned()
    });
    let ran = home.run(&["list", "--server", &other.url()]).ended(69);
    assert!(
        ran.err.contains("does not answer as an mcp-orchestrator-server") && ran.err.contains("404"),
        "{}",
        ran.err
    );
    let error = home.run(&["list", "--json", "--server", &other.url()]).ended(69).err;
    assert_eq!(serde_json::from_str::<Value>(&error).unwrap()["error"]["code"], "unreachable");
}

#[test]
fn a_server_that_is_busy_says_when_to_come_again() {
    let home = Home::with_docs();
    let server = Served::start_odd(&home, Odd { writes: Some(1), ..Odd::default() });
    let detached = ["research", QUESTION, "--detach"];
    let busy = (0..20).map(|_| server.run(&home, &detached)).find(|ran| ran.code != Some(0)).unwrap().ended(75);
    assert!(busy.err.contains("try again in ") && busy.err.contains(" (request "), "{}", busy.err);
    let stopping = Canned::start(|_| problem(503, "draining", "retry-after: 7\r\n"));
    let ran = home.run(&["list", "--server", &stopping.url()]).ended(75);
    assert!(ran.err.contains("try again in 7 s"), "{}", ran.err);
}

#[test]
fn a_broken_stream_goes_on_after_the_last_event_seen() {
    let home = Home::with_docs();
    let canned = Canned::start(|request| match request.split(' ').nth(1).unwrap_or_default() {
        path if path.ends_with("/events") && request.to_ascii_lowercase().contains("last-event-id: 0-2-0") => {
            stream(&[
                ("0-3-0", "workflow_complete", r#"{"outcome":"answered"}"#),
                ("0-4-0", "stream_closed", r#"{"status":"completed"}"#),
            ])
        }
        // Cut in the middle of an event that was not seen whole.
        path if path.ends_with("/events") => {
            stream(&[("0-1-0", "workflow_start", "{}"), ("0-2-0", "agent_start", r#"{"description":"x"}"#)])
                + "id: 0-3-0\ndata: {\"eve"
        }
        _ => json_answer(&workflow("completed")),
    });
    let ran = home.run(&["watch", "research_0123456789abcdef", "--json", "--server", &canned.url()]).ended(0);
    let ids: Vec<String> = ran.json_lines().iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, ["0-1-0", "0-2-0", "0-3-0", "0-4-0"]);
}

#[cfg(unix)]
#[test]
fn a_second_ctrl_c_ends_at_once_even_if_the_server_does_not_answer() {
    let home = Home::with_docs();
    let canned = Canned::start(|request| match request.split(' ').nth(1).unwrap_or_default() {
        path if path.ends_with("/events") => {
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n".to_owned() + ": waiting\n\n"
        }
        // Never answered, and never closed.
        path if path.ends_with("/cancel") => String::new(),
        _ => json_answer(&workflow("running")),
    });
    let mut command = home.command(&["research", QUESTION, "--server", &canned.url()]);
    let child = command.spawn().unwrap();
    canned.saw("/events");
    interrupt(child.id());
    canned.saw("/cancel");
    interrupt(child.id());
    let ran = Ran::from(child.wait_with_output().unwrap()).ended(130);
    assert!(ran.err.contains("press Ctrl-C again to stop at once"), "{}", ran.err);
}

#[test]
fn a_server_cannot_write_outside_the_folder_nor_pass_a_wrong_text_off_as_evidence() {
    let home = Home::with_docs();
    let results = |name: &str| {
        json!({
            "task_id": "research_0123456789abcdef", "title": "t", "status": "completed", "pattern": "beltalowda",
            "execution_time": 1.0, "total_cost": 0.0, "final_synthesis": "# T", "outcome": "answered",
            "written_by": "extractive", "citations": null, "sources": [], "gaps": [], "decisions": [],
            "agent_results": [], "failure": null,
            "generated_documents": [{ "format": "json", "filename": name, "size_bytes": 2, "url": "/" }],
            "evidence": [{ "sha256": "../../outside", "size_bytes": 1, "url": "/" }],
        })
    };
    for (name, says) in [("../outside.json", "no safe name"), ("fine.json", "and not its own")] {
        let answer = json_answer(&results(name));
        let canned = Canned::start(move |request| match request.split(' ').nth(1).unwrap_or_default() {
            path if path.ends_with("/results") => answer.clone(),
            path if path.contains("/documents/") => json_answer(&json!({})),
            _ => json_answer(&workflow("completed")),
        });
        let ran = home
            .run(&["results", "research_0123456789abcdef", "--out", "reports", "--server", &canned.url()])
            .ended(69);
        assert!(ran.err.contains(says), "{}", ran.err);
        assert!(home.names("reports").is_empty() && !home.path("outside").exists());
    }
}

fn stream(events: &[(&str, &str, &str)]) -> String {
    let mut text = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n".to_owned();
    for (id, kind, data) in events {
        let event = format!(
            r#"{{"id":"{id}","event_type":"{kind}","task_id":"t","timestamp":"2026-11-23T15:48:50.123Z","data":{data},"agent_id":null,"progress":null}}"#
        );
        text.push_str(&format!("id: {id}\nevent: {kind}\ndata: {event}\n\n"));
    }
    text
}

fn json_answer(value: &Value) -> String {
    let body = value.to_string();
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn workflow(status: &str) -> Value {
    json!({
        "task_id": "research_0123456789abcdef", "status": status, "pattern": "beltalowda", "orchestrator_type": "beltalowda",
        "title": "t", "task": "t", "priority": 5, "created_at": "2026-11-23T15:48:50.123Z", "started_at": null,
        "completed_at": null, "provider": null, "corpora": [], "error": null, "failure": null, "result": null,
        "progress": {
            "stage": "agents", "completed_agents": 0, "failed_agents": 0, "total_agents": 1, "percent": 1, "cost_usd": 0.0,
            "tokens": 0,
        },
        "stream_url": "/", "created": true, "config": {},
    })
}
