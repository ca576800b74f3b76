//! `fork` and `results --at`: a position is found in the log, the workflow is forked there, here and at a server.

use serde_json::{Value, json};

use crate::{
    remote::{RESEARCH, newest},
    served::Served,
    setup::{Home, Ran},
};

/// Every way to run a command: in process, and against a server.
fn everywhere(check: impl Fn(&Home, &dyn Fn(&[&str]) -> Ran)) {
    let here = Home::with_docs();
    check(&here, &|words| here.run(words));
    let there = Home::with_docs();
    let server = Served::start(&there);
    check(&there, &|words| server.run(&there, words));
}

/// The id of the event before the report was begun, as `events` prints it, and its position.
fn before_the_report(run: &dyn Fn(&[&str]) -> Ran, id: &str) -> (String, u64) {
    let events = run(&["events", id]).ended(0).out;
    let lines: Vec<&str> = events.lines().collect();
    let began = lines.iter().position(|line| line.contains("camina")).unwrap();
    let event = lines[began - 1].split_whitespace().next().unwrap().to_owned();
    let position = event.split('-').nth(1).unwrap().parse().unwrap();
    (event, position)
}

#[test]
fn a_workflow_is_forked_after_an_event_and_pays_for_nothing_before_it() {
    everywhere(|home, run| {
        run(&RESEARCH).ended(0);
        let id = newest(&run(&["list", "--json"]).ended(0));
        let (event, at) = before_the_report(run, &id);
        let words = ["fork", &id, "--at", &event, "--set", "title=Once more", "--set", "document_formats=md,json"];
        let forked = run(&[&words[..], &["--out", "again"]].concat()).ended(0);
        assert!(forked.out.contains("durable log"), "{}", forked.out);
        assert!(forked.err.contains(&format!("{id} is forked at position {at}")), "{}", forked.err);
        assert_eq!(home.names("again").len(), 3, "{:?}", home.names("again"));

        let rows = run(&["list", "--json"]).ended(0).json_lines();
        assert_eq!((&rows[0]["title"], &rows[0]["forked_from"]["task_id"]), (&json!("Once more"), &json!(id)));
        assert_eq!(rows[0]["forked_from"]["at"], json!(at));
        assert_eq!(rows[1].get("forked_from"), None);
        let fork = rows[0]["task_id"].as_str().unwrap();
        let status = run(&["status", fork]).ended(0).out;
        assert!(status.contains(&format!("from {id} at position {at}; ")), "{status}");
        let told = run(&["events", fork, "--json"]).ended(0).json_lines();
        assert_eq!(told[1]["event_type"], "workflow_forked");
        let forked_at = told[1]["timestamp"].as_str().unwrap();
        let is_new = |event: &&Value| event["timestamp"].as_str().unwrap() >= forked_at;
        let planned = told.iter().filter(is_new).filter(|event| event["event_type"] == "decomposition_start");
        assert_eq!(planned.count(), 0);
        let words = run(&["events", fork]).ended(0).out;
        assert!(words.contains(&format!("goes on from {id} at position {at}")), "{words}");
    });
}

#[test]
fn results_at_a_position_are_what_was_known_then() {
    everywhere(|_, run| {
        run(&RESEARCH).ended(0);
        let id = newest(&run(&["list", "--json"]).ended(0));
        let (event, at) = before_the_report(run, &id);
        let then = run(&["results", &id, "--at", &event]).ended(0);
        assert!(then.err.contains(&format!("{id} at position {at}: running: ")), "{}", then.err);
        assert!(then.out.contains("## belter_0: ") && !then.out.contains("## camina"), "{}", then.out);
        let line = run(&["results", &id, "--at", &at.to_string(), "--json"]).ended(0).json_lines().remove(0);
        assert_eq!((&line["workflow"]["status"], &line["results"]["at"]), (&json!("running"), &json!(at)));
        assert_eq!(
            (&line["workflow"]["completed_at"], &line["results"]["final_synthesis"]),
            (&json!(null), &json!(null))
        );
        let first = run(&["results", &id, "--at", "1", "--json"]).ended(0).json_lines().remove(0);
        assert_eq!((&first["workflow"]["status"], &first["results"]["agent_results"]), (&json!("queued"), &json!([])));
        let head = run(&["events", &id, "--json"]).ended(0).json_lines().pop().unwrap()["id"].clone();
        let last = run(&["results", &id, "--at", head.as_str().unwrap()]).ended(0).out;
        assert_eq!(last, run(&["results", &id]).ended(0).out);
    });
}

#[test]
fn what_a_fork_cannot_do_is_said_in_the_words_of_its_flags() {
    everywhere(|_, run| {
        run(&RESEARCH).ended(0);
        let id = newest(&run(&["list", "--json"]).ended(0));
        for (words, code, says) in [
            (&["--at", "9000"][..], 65, "--at is 9000, and the log has the positions 1 to "),
            (&["--at", "0"], 65, "--at is 0, and"),
            (&["--at", "x"], 2, "expected a number, or the id of an event"),
            (
                &["--at", "9", "--set", "num_agents=5"],
                65,
                "--set num_agents was used for what is planned at position 3",
            ),
            (&["--at", "9", "--set", "priority=11"], 65, "--set priority is 11, expected 0 to 9"),
            (&["--at", "9", "--set", "modle=x"], 65, "--set modle: there is no such field; did you mean model?"),
            (&["--at", "9", "--set", "model"], 2, "expected KEY=VALUE"),
            (&["--set", "model=x"], 65, "only a failed or cancelled one is continued as a new one"),
            (&["--idempotency-key", "k"], 2, "--at"),
        ] {
            let refused = run(&[&["fork", &id], words].concat()).ended(code);
            assert!(refused.err.contains(says), "{words:?}: {}", refused.err);
        }
        let unknown = run(&["fork", &id, "--at", "9", "--set", "provider_name=nobody"]);
        assert_eq!(unknown.code, Some(78), "{}", unknown.err);
        assert_eq!(run(&["list", "--json"]).ended(0).json_lines().len(), 1);
    });
    let home = Home::with_docs();
    let detached = home.run(&["fork", "research_0123456789abcdef", "--at", "3", "--detach"]).ended(2);
    assert!(detached.err.contains("--detach needs a server"), "{}", detached.err);
}

#[test]
fn the_same_key_forks_once() {
    everywhere(|_, run| {
        run(&RESEARCH).ended(0);
        let id = newest(&run(&["list", "--json"]).ended(0));
        let words = ["fork", &id, "--at", "3", "--idempotency-key", "once"];
        let first = run(&words).ended(0);
        let again = run(&words).ended(0);
        assert!(again.err.contains("was forked at position 3 under this key before"), "{}", again.err);
        assert_eq!(again.out, first.out);
        assert_eq!(run(&["list", "--json"]).ended(0).json_lines().len(), 2);
        let other = run(&["fork", &id, "--at", "4", "--idempotency-key", "once"]).ended(65);
        assert!(other.err.contains("used with another request"), "{}", other.err);
    });
}

#[test]
fn a_detached_fork_goes_on_at_the_server() {
    let home = Home::with_docs();
    let server = Served::start(&home);
    server.run(&home, &RESEARCH).ended(0);
    let id = newest(&server.run(&home, &["list", "--json"]).ended(0));
    let forked = server.run(&home, &["fork", &id, "--at", "3", "--detach"]).ended(0);
    let fork = forked.out.trim();
    assert!(fork.starts_with("research_") && fork != id, "{forked:?}");
    assert!(server.run(&home, &["watch", fork]).ended(0).err.contains("completed"));
}
