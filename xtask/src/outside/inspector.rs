//! `cargo xtask inspector`: the command line of the MCP Inspector against the server people run, for every protocol era and
//! both transports. Owns what is asked and what is expected; the Inspector owns how.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context as _;
use serde_json::{Value, json};

use super::{
    install::{self, Node},
    process::{self, Finished},
    server::{self, CORPUS, Server},
    tally::Tally,
};

pub(crate) const ABOUT: &str = "the MCP Inspector against the server, every era over stdio and HTTP; needs npm";

const SCRIPT: &str = "@modelcontextprotocol/inspector/clients/launcher/build/index.js";
const ERAS: [&str; 3] = ["legacy", "auto", "modern"];
/// How long one request may take.
const ASKING: Duration = Duration::from_mins(1);
/// What the documents answer.
const QUESTION: &str = "When does the Millgate lock work?";
const TOOLS: usize = 12;

pub(crate) fn run(_: &[String]) -> anyhow::Result<ExitCode> {
    let node = Node::install()?;
    let program = server::product()?;
    let mut tally = Tally::default();
    for era in ERAS {
        let scratch = install::scratch(&format!("inspector-{era}"))?;
        let stdio = Inspector { node: &node, era, target: Target::Stdio(program.clone()), scratch: scratch.clone() };
        stdio.ask_everything(&mut tally, "stdio")?;

        let scratch = install::scratch(&format!("inspector-{era}-http"))?;
        let server = Server::start(&scratch, |address| {
            let mut command = server::alone(&program, &scratch);
            command.args(["--listen", &address.to_string()]);
            command
        })?;
        let http = Inspector { node: &node, era, target: Target::Http(server.url("/mcp")), scratch: scratch.clone() };
        http.ask_everything(&mut tally, "HTTP")?;
    }
    Ok(tally.print("inspector")?)
}

enum Target {
    /// The program the Inspector starts for each request; what must last lies in the store.
    Stdio(PathBuf),
    Http(String),
}

struct Inspector<'a> {
    node: &'a Node,
    era: &'static str,
    target: Target,
    scratch: PathBuf,
}

type Outcome = Result<(), String>;

impl Inspector<'_> {
    fn ask_everything(&self, tally: &mut Tally, transport: &str) -> anyhow::Result<()> {
        let section = format!("{} over {transport}", self.era);
        let mut check = |name: &str, outcome: Outcome| tally.check(&section, name, outcome);
        let tools = self.ask(&["--method", "tools/list", "--strict"])?;
        check("tools/list --strict", expect(&tools, |result| count(&result["tools"]) == TOOLS));
        let patterns = self.call("list_orchestrator_patterns", &json!({}))?;
        check(
            "tools/call of a cheap tool",
            expect(&patterns, |result| {
                count(&result["structuredContent"]["patterns"]) > 0 && result["isError"] != true
            }),
        );
        let answered =
            self.call("orchestrate_search", &json!({"query": QUESTION, "wait_seconds": 30, "corpus": [CORPUS]}))?;
        check("tools/call that waits", expect(&answered, is_report));
        let refused = self.call("orchestrate_search", &json!({"query": "short"}))?;
        check("tools/call that is refused", refusal(&refused));
        let unknown = self.call("no_such_tool", &json!({}))?;
        check("tools/call of an unknown tool", if unknown.code == Some(0) { told(&unknown) } else { Ok(()) });
        self.check_long_call(&mut check)?;
        let resources = self.ask(&["--method", "resources/list"])?;
        check("resources/list", expect(&resources, |result| count(&result["resources"]) > 0));
        let read = self.ask(&["--method", "resources/read", "--uri", "orchestrator://beltalowda/info"])?;
        check("resources/read", expect(&read, |result| result["contents"][0]["text"].is_string()));
        let templates = self.ask(&["--method", "resources/templates/list"])?;
        check("resources/templates/list", expect(&templates, |result| count(&result["resourceTemplates"]) > 0));
        let prompts = self.ask(&["--method", "prompts/list"])?;
        check("prompts/list", expect(&prompts, |result| count(&result["prompts"]) == 2));
        let question = format!("query={QUESTION}");
        let prompt = self.ask(&["--method", "prompts/get", "--prompt-name", "search", "--prompt-args", &question])?;
        check("prompts/get", expect(&prompt, |result| count(&result["messages"]) > 0));
        Ok(())
    }

    /// A call that does not wait: a task where the era has tasks, which the Inspector follows to its end; elsewhere an id to
    /// wait for with another call.
    fn check_long_call(&self, check: &mut impl FnMut(&str, Outcome)) -> anyhow::Result<()> {
        let search = json!({"query": QUESTION, "wait_seconds": 0, "corpus": [CORPUS]});
        let begun = self.call("orchestrate_search", &search)?;
        if self.era != "legacy" {
            check("a task, followed to its end", expect(&begun, is_report));
            return Ok(());
        }
        let result = result(&begun).unwrap_or_default();
        let id = result["structuredContent"]["task_id"].as_str().unwrap_or_default();
        check("an id instead of a long wait", if id.is_empty() { told(&begun) } else { Ok(()) });
        let ended = self.call("wait_for_orchestration", &json!({"task_id": id, "wait_seconds": 30}))?;
        check("waiting for it", expect(&ended, is_report));
        Ok(())
    }

    fn call(&self, tool: &str, arguments: &Value) -> anyhow::Result<Finished> {
        let arguments = arguments.to_string();
        self.ask(&["--method", "tools/call", "--tool-name", tool, "--tool-args-json", &arguments])
    }

    fn ask(&self, what: &[&str]) -> anyhow::Result<Finished> {
        let mut command = self.node.command(SCRIPT, &self.scratch);
        command.args(["--cli", "--format", "json", "--quiet", "--protocol-era", self.era]).args(what);
        match &self.target {
            Target::Http(url) => command.args(["--server-url", url]),
            Target::Stdio(program) => {
                for (name, value) in server::surroundings(&self.scratch) {
                    command.args(["-e", &format!("{name}={value}")]);
                }
                command.arg("--").arg(program).arg("--stdio").args(server::arguments(&self.scratch))
            }
        };
        process::run(command, ASKING, &self.scratch.join("inspector.log")).context("the Inspector cannot be run")
    }
}

/// What the server answered, if it did.
fn result(finished: &Finished) -> Option<Value> {
    let mut answer: Value = serde_json::from_str(&finished.output).ok()?;
    (finished.code == Some(0)).then(|| answer["result"].take())
}

fn expect(finished: &Finished, is_right: impl FnOnce(&Value) -> bool) -> Outcome {
    if result(finished).is_some_and(|result| is_right(&result)) { Ok(()) } else { told(finished) }
}

/// A tool that says what is wrong with its arguments: an answer, marked as an error.
fn refusal(finished: &Finished) -> Outcome {
    let answer: Value = serde_json::from_str(&finished.output).unwrap_or_default();
    if answer["result"]["isError"] == true { Ok(()) } else { told(finished) }
}

fn is_report(result: &Value) -> bool {
    let text = result["content"][0]["text"].as_str().unwrap_or_default();
    text.starts_with("# ") && text.contains("two hours before") && result["isError"] != true
}

fn count(list: &Value) -> usize {
    list.as_array().map_or(0, Vec::len)
}

/// Everything the Inspector said, on one line, as long as a line may be.
fn told(finished: &Finished) -> Outcome {
    const LINE: usize = 600;
    let said = format!("{} {}", finished.output, finished.errors).split_whitespace().collect::<Vec<_>>().join(" ");
    let said: String = said.chars().take(LINE).collect();
    Err(match finished.code {
        Some(code) => format!("exit {code}: {said}"),
        None => format!("no answer within {} s: {said}", ASKING.as_secs()),
    })
}
