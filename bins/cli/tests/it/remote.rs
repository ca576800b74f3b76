//! The same commands against a server: what they print is what they print in process, and what goes wrong on the way ends
//! with the right code.

use std::{
    io::{BufRead as _, BufReader},
    process::Command,
};

use serde_json::{Value, json};

use crate::{
    canned::{Canned, problem},
    ending::{Service, serve_model},
    served::{Odd, Served},
    setup::{Home, Ran, read},
    written::APPROVAL,
};

const QUESTION: &str = "How does a workflow survive a crash?";
const RESEARCH: [&str; 8] = ["research", QUESTION, "--corpus", "docs", "--provider", "extractive", "--agents", "3"];

/// A text without what is another one each time: ids, moments, durations.
fn constant(text: &str) -> String {
    let mut out = Vec::new();
    for line in text.lines() {
        let is_of_the_run = ["id: ", "generated: "];
        if !is_of_the_run.iter().any(|head| line.trim_start().starts_with(head)) {
            out.push(line);
        }
    }
    out.join("\n")
}

/// A value without what is another one each time.
fn constant_json(value: &mut Value) {
    const OWN: [&str; 11] = [
        "task_id",
        "id",
        "timestamp",
        "created_at",
        "started_at",
        "completed_at",
        "execution_time",
        "parked_time",
        "owner",
        "url",
        "percent",
    ];
    match value {
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                if OWN.contains(&name.as_str()) && !value.is_null() {
                    *value = "…".into();
                } else if name == "final_synthesis" {
                    *value = value.as_str().map(constant).into();
                } else {
                    constant_json(value);
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(constant_json),
        _ => {}
    }
}

fn constant_lines(ran: &Ran) -> Vec<Value> {
    let mut lines = ran.json_lines();
    lines.iter_mut().for_each(constant_json);
    lines
}

/// The id of the newest workflow.
fn newest(list: &Ran) -> String {
    list.json_lines()[0]["task_id"].as_str().unwrap().to_owned()
}

#[test]
fn the_same_command_prints_the_same_report_here_and_there() {
    let (here, there) = (Home::with_docs(), Home::with_docs());
    let server = Served::start(&there);
    let (local, remote) = (here.run(&RESEARCH).ended(0), server.run(&there, &RESEARCH).ended(0));
    assert!(local.out.contains("durable log"), "{}", local.out);
    assert_eq!(constant(&remote.out), constant(&local.out));
    assert_eq!(there.names("reports"), here.names("reports"));
    assert!(remote.err.lines().last().unwrap().starts_with("written to reports/"), "{}", remote.err);
    // Progress has the same words, in whatever order agents ended.
    let words = |ran: &Ran| {
        let mut lines: Vec<String> = constant(&ran.err)
            .lines()
            .filter(|line| line.contains(" merges ") || line.contains(" proved") || line.contains("planned "))
            .map(str::to_owned)
            .collect();
        lines.sort();
        lines
    };
    assert_eq!(words(&remote), words(&local));
    assert!(!words(&local).is_empty());
}

#[test]
fn programs_read_the_same_events_and_the_same_result() {
    let (here, there) = (Home::with_docs(), Home::with_docs());
    let server = Served::start(&there);
    let arguments: Vec<&str> = RESEARCH.iter().copied().chain(["--json", "--format", "md,json"]).collect();
    let (local, remote) = (here.run(&arguments).ended(0), server.run(&there, &arguments).ended(0));
    assert_eq!(remote.err, "");
    let told = |ran: &Ran| {
        let mut lines = constant_lines(ran);
        let result = lines.pop().unwrap();
        for line in &mut lines {
            // Which agent was first is another one each time, and so is the progress after each event.
            line["progress"] = Value::Null;
            line["data"]["call"] = Value::Null;
        }
        let mut lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        lines.sort();
        (lines, result)
    };
    let (local_told, remote_told) = (told(&local), told(&remote));
    assert!(local_told.0.len() > 15, "{local_told:?}");
    assert_eq!(remote_told, local_told);
}

#[test]
fn every_reading_command_answers_in_one_shape() {
    let (here, there) = (Home::with_docs(), Home::with_docs());
    let server = Served::start(&there);
    here.run(&RESEARCH).ended(0);
    server.run(&there, &RESEARCH).ended(0);
    let (local_id, remote_id) =
        (newest(&here.run(&["list", "--json"]).ended(0)), newest(&server.run(&there, &["list", "--json"]).ended(0)));
    for arguments in [
        &["list", "--json"][..],
        &["list", "--json", "--status", "completed", "--status", "failed", "--limit", "1"],
        &["status", "ID", "--json"],
        &["results", "ID", "--json"],
        &["patterns", "--json"],
    ] {
        let with = |id| arguments.iter().map(|word| if *word == "ID" { id } else { *word }).collect::<Vec<&str>>();
        let local = here.run(&with(local_id.as_str())).ended(0);
        let remote = server.run(&there, &with(remote_id.as_str())).ended(0);
        assert!(!constant_lines(&local).is_empty(), "{arguments:?}");
        assert_eq!(constant_lines(&remote), constant_lines(&local), "{arguments:?}");
    }
    let page = |ran: Ran| constant(&ran.ended(0).out);
    assert_eq!(page(server.run(&there, &["results", &remote_id])), page(here.run(&["results", &local_id])));

    let events = server.run(&there, &["events", &remote_id]).ended(0);
    let ids: Vec<&str> = events.out.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(events.out.lines().count(), here.run(&["events", &local_id]).ended(0).out.lines().count());
    let rest = server.run(&there, &["events", &remote_id, "--after", ids[2], "--follow"]).ended(0);
    assert_eq!(rest.out.lines().collect::<Vec<_>>(), events.out.lines().skip(3).collect::<Vec<_>>());
    let watched = server.run(&there, &["watch", &remote_id, "--json"]).ended(0).json_lines();
    assert_eq!(watched, server.run(&there, &["events", &remote_id, "--json"]).ended(0).json_lines());

    assert_eq!(server.run(&there, &["tools"]).ended(0).out, here.run(&["tools"]).ended(0).out);
    let keys = |ran: Ran, list: &str| {
        ran.ended(0).json_lines()[0][list][0].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    for list in ["tools", "providers"] {
        let (local, remote) = (here.run(&[list, "--json"]), server.run(&there, &[list, "--json"]));
        assert_eq!(keys(remote, list), keys(local, list));
    }
    let providers = server.run(&there, &["providers"]).ended(0);
    assert!(providers.out.contains("extractive") && providers.out.contains("yes"), "{}", providers.out);
    let status = server.run(&there, &["status", &remote_id]).ended(0).out;
    assert!(status.contains("completed") && !status.contains("run by"), "{status}");
}

#[test]
fn a_report_of_a_server_is_verified_here_offline() {
    let home = Home::with_docs();
    let server = Served::start(&home);
    let id = {
        let words: Vec<&str> =
            RESEARCH.iter().copied().chain(["--format", "md,json", "--out", "first", "--quiet"]).collect();
        server.run(&home, &words).ended(0);
        newest(&server.run(&home, &["list", "--json"]).ended(0))
    };
    server.run(&home, &["results", &id, "--out", "again", "--quiet"]).ended(0);
    drop(server);
    assert_eq!(home.names("first"), home.names("again"));
    for folder in ["first", "again"] {
        let report = home.names(folder).into_iter().find(|name| name.ends_with(".json")).unwrap();
        let path = format!("{folder}/{report}");
        assert!(home.run(&["verify", &path]).ended(0).out.starts_with("verified: "));
        let evidence = format!("{folder}/{}", report.replace(".json", ".evidence"));
        let text = home.names(&evidence).remove(0);
        home.write(&format!("{evidence}/{text}"), "another text");
        home.run(&["verify", &path]).ended(1);
    }
}

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
    for (words, says) in [
        (&["resume"][..], "resuming everything at once is not possible with --server"),
        (&["resume", &id, "--max-calls", "5"], "budgets of a resumed workflow are not possible with --server"),
    ] {
        assert!(server.run(&home, words).ended(65).err.contains(says));
    }
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
fn interrupt(process: u32) {
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
    std::io::Read::read_to_string(&mut stdout, &mut rest).unwrap();
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
    std::io::Read::read_to_string(&mut stdout, &mut rest).unwrap();
    Ran::from(child.wait_with_output().unwrap()).ended(0);
    told.extend(rest.lines().map(str::to_owned));
    let all = server.run(&home, &["events", &id, "--json"]).ended(0);
    let ids = |lines: Vec<Value>| lines.iter().map(|event| event["id"].to_string()).collect::<Vec<_>>();
    let told = told.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(ids(told), ids(all.json_lines()));
}

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
    assert!(read(&home.path("docs/store.md")).contains("SQLite"));
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
