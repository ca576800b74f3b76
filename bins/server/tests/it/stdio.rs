//! MCP over pipes, as an editor starts it: nothing but messages on stdout, an orderly end when the editor is gone.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, ChildStdin, ChildStdout, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::process::Home;

struct Editor {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Editor {
    fn start(home: &Home) -> Self {
        let mut child = home.command(&["--stdio"]).stdin(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, input, output }
    }

    fn send(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    fn ask(&mut self, id: u64, method: &str, params: &Value) -> Value {
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string());
        let answer = self.answer();
        assert_eq!(answer["id"], id, "{answer}");
        answer["result"].clone()
    }

    fn initialize(&mut self) {
        let client = json!({ "name": "test", "version": "1" });
        let params = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client });
        assert_eq!(self.ask(0, "initialize", &params)["protocolVersion"], "2025-06-18");
        self.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    }
}

#[test]
fn an_editor_researches_its_working_folder() {
    let home = Home::new();
    let mut editor = Editor::start(&home);
    let began = Instant::now();
    editor.initialize();
    println!("answered after {} ms", began.elapsed().as_millis());
    let arguments = json!({ "query": "How does a workflow survive a crash?", "num_agents": 1, "wait_seconds": 60 });
    let result = editor.ask(1, "tools/call", &json!({ "name": "orchestrate_search", "arguments": arguments }));
    assert!(result.to_string().contains("durable log"), "{result}");

    // What is no message ends nothing.
    for line in ["[]", "5", "{", "\u{fffd}\u{0}", r#"{"jsonrpc":"2.0","method":"notifications/nonsense"}"#] {
        editor.send(line);
    }
    editor.send(&json!({ "jsonrpc": "2.0", "id": 9, "method": "ping" }).to_string());
    while editor.answer()["id"] != 9 {}

    drop(editor.input.take());
    let gone = Instant::now();
    let mut rest = String::new();
    editor.output.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
    assert_eq!(editor.child.wait().unwrap().code(), Some(0));
    println!("ended {} ms after its client", gone.elapsed().as_millis());
    let mut log = String::new();
    editor.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn two_editors_share_one_store() {
    let home = Home::new();
    let (mut first, mut second) = (Editor::start(&home), Editor::start(&home));
    first.initialize();
    second.initialize();
    let arguments = json!({ "query": "How does a workflow survive a crash?", "num_agents": 1, "wait_seconds": 0 });
    let started = first.ask(1, "tools/call", &json!({ "name": "orchestrate_search", "arguments": arguments }));
    let id = started["structuredContent"]["task_id"].as_str().unwrap();
    let arguments = json!({ "task_id": id, "wait_seconds": 60 });
    let waited = second.ask(1, "tools/call", &json!({ "name": "wait_for_orchestration", "arguments": arguments }));
    assert_eq!(waited["structuredContent"]["status"], "completed", "{waited}");
    for mut editor in [first, second] {
        drop(editor.input.take());
        let until = Instant::now() + Duration::from_secs(30);
        while editor.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < until);
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
