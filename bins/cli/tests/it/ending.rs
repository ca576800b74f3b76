//! Workflows that do not end well: cancelled from elsewhere or by Ctrl-C, failed, killed, and resumed.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    sync::mpsc,
};

use crate::setup::{Home, Ran};

const QUESTION: &str = "How does a workflow survive a crash?";

/// What a model server does with every request.
#[derive(Clone, Copy)]
pub(crate) enum Service {
    /// Takes it and never answers.
    Hangs,
    /// Refuses it.
    Refuses,
}

/// A model server on this machine.
pub(crate) struct Model {
    pub(crate) url: String,
    /// Each request is told here.
    pub(crate) asked: mpsc::Receiver<()>,
}

/// A model server that is the provider `local` of this home.
fn serve(home: &Home, service: Service) -> mpsc::Receiver<()> {
    let Model { url, asked } = serve_model(service);
    home.write(
        ".config/mcp-orchestrator/config.toml",
        &format!("[provider.local]\nbase_url = \"{url}\"\nmodel = \"test\"\n"),
    );
    asked
}

pub(crate) fn serve_model(service: Service) -> Model {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let (told, asked) = mpsc::channel();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            read_head(&mut stream);
            if matches!(service, Service::Refuses) {
                let body = "{\"error\":{\"message\":\"the till is closed\"}}";
                let length = body.len();
                let head =
                    format!("HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: {length}");
                let _gone = write!(stream, "{head}\r\nconnection: close\r\n\r\n{body}");
            } else {
                open.push(stream);
            }
            if told.send(()).is_err() {
                return;
            }
        }
    });
    Model { url, asked }
}

fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        head.push(byte[0]);
    }
}

/// A workflow that runs and waits for its model: the process and the workflow's id.
fn waiting(home: &Home, more: &[&str]) -> (Child, String) {
    let asked = serve(home, Service::Hangs);
    let arguments = ["research", QUESTION, "--corpus", "docs", "--provider", "local", "--json"];
    let mut child = home.start(home.command(&arguments).args(more));
    let mut first = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut first).unwrap();
    // The pipe stays open until the process has ended.
    std::thread::spawn(move || stdout.read_to_end(&mut Vec::new()));
    let event: serde_json::Value = serde_json::from_str(&first).unwrap();
    asked.recv().unwrap();
    drop(asked);
    (child, event["task_id"].as_str().unwrap().to_owned())
}

fn error_of(child: Child, code: i32) -> serde_json::Value {
    let ran = Ran::from(child.wait_with_output().unwrap()).ended(code);
    serde_json::from_str(&ran.err).unwrap()
}

#[test]
fn cancel_from_a_second_terminal_ends_both() {
    let home = Home::with_docs();
    let (child, id) = waiting(&home, &[]);
    assert!(home.run(&["status", &id]).ended(0).out.contains("running"));
    home.run(&["results", &id]).ended(65);
    let cancelled = home.run(&["cancel", &id, "--reason", "changed my mind", "--json"]).ended(0);
    assert_eq!(cancelled.json_lines()[0]["status"], "cancelled");
    assert_eq!(error_of(child, 130)["error"]["code"], "cancelled");
    home.run(&["watch", &id]).ended(130);
}

#[cfg(unix)]
#[test]
fn ctrl_c_cancels_durably() {
    let home = Home::with_docs();
    let (child, id) = waiting(&home, &[]);
    let interrupt = Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status().unwrap();
    assert!(interrupt.success());
    assert_eq!(error_of(child, 130)["error"]["code"], "cancelled");
    assert!(home.run(&["status", &id]).ended(0).out.contains("cancelled"));
}

#[test]
fn a_workflow_whose_agents_all_fail_ends_with_the_reasons() {
    let home = Home::with_docs();
    let _asked = serve(&home, Service::Refuses);
    let arguments = ["research", QUESTION, "--corpus", "docs", "--provider", "local", "--agents", "2"];
    let ran = home.run(&arguments).ended(1);
    assert_eq!(ran.out, "");
    assert!(ran.err.contains("failed") && ran.err.contains("the till is closed"), "{}", ran.err);
    assert_eq!(home.names("reports"), Vec::<String>::new());
    let row = &home.run(&["list", "--json"]).ended(0).json_lines()[0];
    assert_eq!(row["status"], "failed");
}

#[test]
fn what_a_killed_process_left_goes_on_by_itself_and_a_failed_one_as_a_new_workflow() {
    let home = Home::with_docs();
    let (mut child, id) = waiting(&home, &[]);
    child.kill().unwrap();
    child.wait().unwrap();
    let _asked = serve(&home, Service::Refuses);
    // From another folder: the corpus is found all the same.
    std::fs::create_dir(home.path("elsewhere")).unwrap();
    let resumed = home.command(&["resume"]).current_dir(home.path("elsewhere")).output().unwrap();
    let resumed = Ran::from(resumed).ended(1);
    assert!(resumed.err.contains(&id) && resumed.err.contains("corpus docs"), "{}", resumed.err);
    let again = home.run(&["resume", &id]).ended(1);
    assert!(again.err.contains(&format!("{id} is failed; it goes on as a new workflow")), "{}", again.err);
    let ids: Vec<_> = home.run(&["list", "--json"]).ended(0).json_lines();
    assert_eq!(ids.len(), 2);
    let none = home.run(&["resume"]).ended(0);
    assert!(none.err.contains("nothing is unfinished"), "{}", none.err);
}

#[test]
fn work_under_a_key_goes_on_when_its_first_process_has_died() {
    let home = Home::with_docs();
    let key = ["--idempotency-key", "monday"];
    let (mut child, id) = waiting(&home, &key);
    child.kill().unwrap();
    child.wait().unwrap();
    let _asked = serve(&home, Service::Refuses);
    let arguments = ["research", QUESTION, "--corpus", "docs", "--provider", "local"];
    let again = Ran::from(home.command(&arguments).args(key).output().unwrap()).ended(1);
    assert!(again.err.contains(&format!("workflow {id} failed")), "{}", again.err);
    assert_eq!(home.run(&["list", "--json"]).ended(0).json_lines().len(), 1);
}
