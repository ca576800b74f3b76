//! The same commands against a server: what they print is what they print in process.

use serde_json::Value;

use crate::{
    served::Served,
    setup::{Home, Ran},
};

const QUESTION: &str = "How does a workflow survive a crash?";
pub(crate) const RESEARCH: [&str; 8] =
    ["research", QUESTION, "--corpus", "docs", "--provider", "extractive", "--agents", "3"];

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
    const OWN: [&str; 12] = [
        "task_id",
        "id",
        "timestamp",
        "created_at",
        "started_at",
        "completed_at",
        "execution_time",
        "size_bytes",
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
pub(crate) fn newest(list: &Ran) -> String {
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
            // A document says when it was made, in as many digits as that takes.
            for document in line["data"]["documents"].as_array_mut().into_iter().flatten() {
                document["bytes"] = Value::Null;
            }
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
    assert_eq!(server.run(&there, &["list", "--json", "--before", &remote_id]).ended(0).out, "");
    let page = |ran: Ran| constant(&ran.ended(0).out);
    assert_eq!(page(server.run(&there, &["results", &remote_id])), page(here.run(&["results", &local_id])));

    let events = server.run(&there, &["events", &remote_id]).ended(0);
    let ids: Vec<&str> = events.out.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(events.out.lines().count(), here.run(&["events", &local_id]).ended(0).out.lines().count());
    let rest = server.run(&there, &["events", &remote_id, "--after", ids[2], "--follow"]).ended(0);
    assert_eq!(rest.out.lines().collect::<Vec<_>>(), events.out.lines().skip(3).collect::<Vec<_>>());
    let watched = server.run(&there, &["watch", &remote_id, "--json"]).ended(0).json_lines();
    assert_eq!(watched, server.run(&there, &["events", &remote_id, "--json"]).ended(0).json_lines());

    let tools = server.run(&there, &["tools"]).ended(0).out;
    assert!(tools.contains("corpus_search") && !tools.contains("arxiv_search"), "only what the server has: {tools}");
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
