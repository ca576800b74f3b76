//! Workflows of a server from their start to their end: detached, asked, cancelled, continued, watched over a restart.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::Command,
};

use serde_json::Value;

use crate::{
    ending::{Service, serve_model},
    remote::{RESEARCH, newest},
    served::{Odd, Served},
    setup::{Home, Ran},
    written::APPROVAL,
};

const QUESTION: &str = "How does a workflow survive a crash?";

#[test]
fn a_detached_workflow_goes_on_and_the_same_key_finds_it() {
    let home = Home::with_docs();
    let server = Served::start(&home);
    let words: Vec<&str> = RESEARCH.iter().copied().chain(["--detach", "--idempotency-key", "monday"]).collect();
    let first = server.run(&home, &words).ended(0);
    let id = first.out.trim().to_owned();
    assert!(id.starts_with("research_") && first.err.contains(&format!("mcp-orchestrator watch {id}")), "{first:?}");
    assert_eq!(home.names("reports"), Vec::<String>::new());
    assert_eq!(server.run(&home, &words).ended(0).out.trim(), id);
    let json: Vec<&str> = words.iter().copied().chain(["--json"]).collect();
    assert_eq!(newest(&server.run(&home, &json).ended(0)), id);
    assert!(server.run(&home, &["watch", &id]).ended(0).err.contains("completed"));
    assert!(server.run(&home, &["results", &id]).ended(0).out.contains("durable log"));
    // Another task under the key is refused, as in process.
    let other = ["research", "How long does a commit take?", "--detach", "--idempotency-key", "monday"];
    let refused = server.run(&home, &other).ended(65);
    assert!(refused.err.contains("the idempotency key was used with another request"), "{}", refused.err);
    let refused = server.run(&home, &["research", QUESTION, "--detach", "--idempotency-key", "a\nb"]).ended(65);
    assert!(refused.err.contains("visible ASCII characters"), "{}", refused.err);
}

#[test]
fn a_question_of_a_server_is_answered_from_here() {
    let home = Home::with_docs();
    let server = Served::start(&home);
    home.write("flow.toml", APPROVAL);
    let run = ["run", "flow.toml", "--corpus", "docs", "--provider", "extractive"];
    let child = server.command(&home, &run).spawn().unwrap();
    let id = crate::written::waiting_at(|| server.run(&home, &["list", "--json", "--status", "waiting"]));
    assert!(server.run(&home, &["status", &id]).ended(0).out.contains("approve: Go on? yes or no"));
    let refused = server.run(&home, &["answer", &id, "elsewhere", "yes"]).ended(65);
    assert!(refused.err.contains("step elsewhere waits for no answer"), "{}", refused.err);
    let answered = server.run(&home, &["answer", &id, "yes"]).ended(0);
    assert!(answered.err.contains("approve is answered") && !answered.err.contains("nobody"), "{}", answered.err);
    let ran = Ran::from(child.wait_with_output().unwrap()).ended(0);
    assert!(ran.err.contains(&format!("answer with: mcp-orchestrator answer {id} approve TEXT")), "{}", ran.err);
    assert!(ran.out.contains("Branch yes was taken"), "{}", ran.out);
    assert!(server.run(&home, &["answer", &id, "no"]).ended(65).err.contains("waits for no answer"));
}

#[test]
fn what_failed_or_was_cancelled_there_goes_on_as_a_new_workflow() {
    let home = Home::with_docs();
    let model = serve_model(Service::Refuses);
    let server = Served::start_odd(&home, Odd { model: Some(model.url.clone()), ..Odd::default() });
    let failed = server.run(&home, &["research", QUESTION, "--agents", "2", "--corpus", "docs"]).ended(1);
    assert!(failed.err.contains("the till is closed") && failed.out.is_empty(), "{}", failed.err);
    let id = newest(&server.run(&home, &["list", "--json"]).ended(0));
    assert_eq!(server.run(&home, &["watch", &id]).ended(1).code, Some(1));
    server.run(&home, &["results", &id]).ended(1);
    let again = server.run(&home, &["resume", &id]).ended(1);
    assert!(again.err.contains(&format!("{id} is failed; it goes on as a new workflow")), "{}", again.err);
    assert_eq!(server.run(&home, &["list", "--json"]).ended(0).json_lines().len(), 2);
    let all = server.run(&home, &["resume"]).ended(65);
    assert!(all.err.contains("resuming everything at once is not possible with --server"), "{}", all.err);
    server.run(&home, &["resume", &id, "--max-calls", "50"]).ended(1);
    let rows = server.run(&home, &["list", "--json"]).ended(0).json_lines();
    assert_eq!(rows.len(), 3, "the one that continues it has failed too, so that one goes on");
    assert_eq!(rows[0]["forked_from"]["task_id"], rows[1]["task_id"]);
    let used_up = server.run(&home, &["resume", &id, "--max-calls", "1"]).ended(65);
    assert!(used_up.err.contains("--max-calls is 1, and what is taken over has made"), "{}", used_up.err);
    server.run(&home, &RESEARCH).ended(0);
    let done = newest(&server.run(&home, &["list", "--json", "--status", "completed"]).ended(0));
    assert!(server.run(&home, &["resume", &done]).ended(65).err.contains("the workflow has completed already"));
    assert!(server.run(&home, &["cancel", &done]).ended(65).err.contains("completed"));
}

#[test]
fn cancel_from_elsewhere_ends_the_one_that_waits() {
    let home = Home::with_docs();
    let model = serve_model(Service::Hangs);
    let server = Served::start_odd(&home, Odd { model: Some(model.url.clone()), ..Odd::default() });
    let child = server.command(&home, &["research", QUESTION, "--corpus", "docs", "--json"]).spawn().unwrap();
    model.asked.recv().unwrap();
    let id = newest(&server.run(&home, &["list", "--json"]).ended(0));
    let early = server.run(&home, &["results", &id]).ended(65);
    assert!(early.err.contains("it has no report yet"), "{}", early.err);
    let cancelled = server.run(&home, &["cancel", &id, "--reason", "changed my mind", "--json"]).ended(0);
    assert_eq!(cancelled.json_lines()[0]["status"], "cancelled");
    let ran = Ran::from(child.wait_with_output().unwrap()).ended(130);
    let error: Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!(error["error"]["code"], "cancelled");
    assert!(server.run(&home, &["events", &id]).ended(0).out.contains("workflow_cancelled"));
}

#[cfg(unix)]
pub(crate) fn interrupt(process: u32) {
    assert!(Command::new("sh").args(["-c", &format!("kill -INT {process}")]).status().unwrap().success());
}

#[cfg(unix)]
#[test]
fn ctrl_c_cancels_at_the_server() {
    let home = Home::with_docs();
    let model = serve_model(Service::Hangs);
    let server = Served::start_odd(&home, Odd { model: Some(model.url.clone()), ..Odd::default() });
    let mut command = server.command(&home, &["research", QUESTION, "--corpus", "docs", "--json"]);
    let mut child = command.spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut String::new()).unwrap();
    model.asked.recv().unwrap();
    interrupt(child.id());
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("workflow_cancelled"), "{rest}");
    Ran::from(child.wait_with_output().unwrap()).ended(130);
    let id = newest(&server.run(&home, &["list", "--json"]).ended(0));
    assert!(server.run(&home, &["status", &id]).ended(0).out.contains("cancelled"));
}

#[test]
fn watching_goes_on_where_it_was_when_the_server_starts_again() {
    let home = Home::with_docs();
    let mut server = Served::start(&home);
    home.write("flow.toml", APPROVAL);
    let run = ["run", "flow.toml", "--corpus", "docs", "--provider", "extractive", "--detach"];
    let id = server.run(&home, &run).ended(0).out.trim().to_owned();
    let mut child = server.command(&home, &["watch", &id, "--json"]).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut told = Vec::new();
    while !told.last().is_some_and(|line: &String| line.contains("input_requested")) {
        let mut line = String::new();
        assert!(stdout.read_line(&mut line).unwrap() > 0, "{told:?}");
        told.push(line);
    }
    server.stop();
    let server = Served::start_odd(&home, Odd { address: Some(server.address), ..Odd::default() });
    server.run(&home, &["answer", &id, "yes"]).ended(0);
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    Ran::from(child.wait_with_output().unwrap()).ended(0);
    told.extend(rest.lines().map(str::to_owned));
    let all = server.run(&home, &["events", &id, "--json"]).ended(0);
    let ids = |lines: Vec<Value>| lines.iter().map(|event| event["id"].to_string()).collect::<Vec<_>>();
    let told = told.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(ids(told), ids(all.json_lines()));
}
