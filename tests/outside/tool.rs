//! A tool that panics, hangs, fails or says too much: its agent is told so and goes on; a step that is the tool fails by
//! the tool's name.

use mcp_orchestrator::{
    Status,
    domain::{FailureClass, StepKind, StepSpec, ToolName},
    strategy::Next,
    tool::{Snapshot, ToolAnswer, ToolError},
};

use crate::parts::{Harbour, Solo, agent, ask, engine, soon};

const FIFTY_MB: usize = 50 << 20;

/// What the tool does at a port of this name.
fn trouble(port: &str) -> Result<ToolAnswer, ToolError> {
    match port {
        "panics" => panic!("run aground"),
        "fails" => Err(ToolError::failed("the almanac is lost")),
        "shouts" => Err(ToolError::failed("x".repeat(FIFTY_MB))),
        "floods" => Ok(ToolAnswer { content: "x".repeat(FIFTY_MB), ..ToolAnswer::default() }),
        "lies" => {
            let page = Snapshot::of("High water is at noon.");
            let other = Snapshot { text: "High water is at six.".into(), ..page.clone() };
            let source = mcp_orchestrator::domain::Source { uri: "almanac:x".into(), title: String::new() };
            let spans = page.quote(0..4, &std::sync::Arc::new(source)).into_iter().collect();
            Ok(ToolAnswer { spans, snapshots: vec![other], ..ToolAnswer::default() })
        }
        _ => Ok(ToolAnswer { content: "Calm.".to_owned(), ..ToolAnswer::default() }),
    }
}

/// A strategy whose only step is a call of the tool with this port, and which reports how that went.
fn calling(port: &'static str) -> Solo {
    Solo::planning(port, move |workflow| match workflow.step("call") {
        None => {
            let arguments = format!("{{\"port\": \"{port}\"}}");
            let kind = StepKind::Tool { name: ToolName::new("trouble").unwrap(), arguments };
            Some(Next::run(vec![StepSpec { kind, ..agent("call", workflow) }]))
        }
        Some(step) if step.is_open() => Some(Next::wait()),
        Some(step) => step.failure().map(|failure| Next::fail(failure.clone())),
    })
}

#[tokio::test]
async fn a_step_that_is_a_broken_tool_fails_by_its_name_and_a_sibling_completes() {
    let cases = [
        ("panics", "trouble: the tool panicked"),
        ("hangs", "trouble: no answer within 200 ms"),
        ("fails", "trouble: the almanac is lost"),
        ("shouts", "trouble: xxx"),
        ("lies", "the tool trouble does not have the hash it claims"),
    ];
    let handle = engine(|builder| {
        let builder = builder.with_tool(Harbour::twisted("trouble", trouble));
        cases.iter().fold(builder, |builder, (port, _)| builder.with_strategy(calling(port)))
    });
    let sibling = handle.submit(ask("solo")).await.unwrap();
    for (port, says) in cases {
        let id = handle.submit(ask(port)).await.unwrap();
        let row = soon(handle.settled(&id)).await.unwrap();
        let failure = row.summary.failure.unwrap_or_else(|| panic!("{port}: {}", row.summary.status));
        assert_eq!(failure.class, FailureClass::Tool, "{port}: {failure}");
        assert!(failure.message.contains(says), "{port}: {failure}");
    }
    assert_eq!(soon(handle.settled(&sibling)).await.unwrap().summary.status, Status::Completed);
}

#[tokio::test]
async fn an_agent_is_told_of_a_broken_tool_and_answers_all_the_same() {
    for port in ["panics", "hangs", "fails", "shouts", "floods", "lies", "calm"] {
        let handle = engine(|builder| {
            let provider = crate::parts::Teller::twisted("careful", move |request| {
                use crate::parts::{call, reply};
                let told = request.messages.iter().filter_map(|message| match message {
                    mcp_orchestrator::domain::Message::Tool(result) => Some(result.content.len()),
                    _ => None,
                });
                let told: Vec<usize> = told.collect();
                Some(Ok(match told.first() {
                    None => reply("", vec![call("1", "trouble", &format!("{{\"port\": \"{port}\"}}"))]),
                    Some(bytes) => reply(&format!("The tool said {} KiB.", bytes / 1024), Vec::new()),
                }))
            });
            let name = mcp_orchestrator::Provider::name(&provider).clone();
            let builder = builder.with_provider(provider).with_default_provider(name);
            builder.with_tool(Harbour::twisted("trouble", trouble))
        });
        let id = handle.submit(ask("solo")).await.unwrap();
        let results = soon(handle.wait(&id)).await.unwrap();
        assert_eq!(results.row.summary.status, Status::Completed, "{port}");
        let said = results.steps.iter().find(|step| step.id.as_str() == "writer").unwrap().text.clone().unwrap();
        let kib: usize = said.split(' ').nth(3).unwrap().parse().unwrap();
        let expected = if port == "floods" || port == "shouts" { 1..20 } else { 0..1 };
        assert!(expected.contains(&kib), "{port}: {said}");
    }
}
