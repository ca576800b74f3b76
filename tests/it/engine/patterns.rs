//! Workflows whose steps are written down, through the real engine: choices, passes, graphs and what they leave behind.

use mcp_orchestrator::{
    Callable, ConditionDraft, Error, ExtractiveProvider, RequestDraft, StepDraft, SuccessDraft, ToolError,
};
use mcp_orchestrator_domain::{FailureClass, Status};
use mcp_orchestrator_streaming::{Activity, ClientData};
use mcp_orchestrator_testkit::{Act, ScriptedProvider, obliging};
use serde_json::{Map, json};

use super::harness::Engine;

const TASK: &str = "How does a workflow survive a crash?";

fn agent(id: &str) -> StepDraft {
    StepDraft::agent(id, format!("Do {id}"))
}

fn count_words() -> Callable {
    let count = async |arguments: serde_json::Value| {
        let text = arguments["text"].as_str().ok_or_else(|| ToolError::failed("there is no text"))?;
        let words = text.split_whitespace().count();
        Ok(json!({ "words": words, "done": words > 6 }).to_string())
    };
    Callable::new("count_words", "Counts words.", count).unwrap()
}

/// What a step was shown of earlier steps, by their names.
fn read(provider: &ScriptedProvider, step: &str) -> Vec<String> {
    let asked = provider.asked();
    let asked = asked.iter().find(|asked| asked.step() == step).unwrap();
    asked.input.outputs.iter().map(|output| output.step.to_string()).collect()
}

#[tokio::test]
async fn steps_run_one_after_the_other_and_a_function_of_ours_is_one_of_them() {
    let engine = Engine::start_with(ScriptedProvider::obliging(1), |builder| builder.with_tool(count_words()));
    let draft = RequestDraft::sequential(TASK)
        .with_step(agent("gather"))
        .with_step(StepDraft::tool("count", "count_words").with_argument_from("text", "gather", ""))
        .with_step(agent("write"));
    let id = engine.submit(draft).await;
    let results = engine.handle.wait(&id).await.unwrap();
    assert_eq!(results.row.summary.status, Status::Completed);
    assert_eq!(engine.provider.running_peak(), 1);
    assert_eq!(read(&engine.provider, "write"), ["gather", "count"]);
    let counted = results.steps.iter().find(|step| step.id.as_str() == "count").unwrap();
    assert_eq!(counted.text.as_deref(), Some(r#"{"done":false,"words":6}"#));
    let said: Vec<_> = results.report().unwrap().sentences().map(|sentence| sentence.text.clone()).collect();
    assert_eq!(said, ["The finding of write is clear."]);
    assert_eq!(results.row.summary.progress.total_agents, 3);
}

#[tokio::test]
async fn a_function_that_fails_or_panics_fails_its_step_and_the_workflow_says_which() {
    for (text, message) in [
        ("fails", "step count failed: count_words: no text today"),
        ("panics", "step count failed: count_words: the tool panicked"),
    ] {
        let broken = async |arguments: serde_json::Value| {
            assert_ne!(arguments["text"], "panics", "as asked");
            Err::<String, _>(ToolError::failed("no text today"))
        };
        let tool = Callable::new("count_words", "Breaks.", broken).unwrap();
        let engine = Engine::start_with(ScriptedProvider::obliging(1), |builder| builder.with_tool(tool));
        let draft = RequestDraft::sequential(TASK)
            .with_step(StepDraft::tool("count", "count_words").with_argument("text", text))
            .with_step(agent("write"));
        let id = engine.submit(draft).await;
        let failure = engine.handle.settled(&id).await.unwrap().summary.failure.unwrap();
        assert_eq!(failure.class, FailureClass::Tool);
        assert!(failure.message.starts_with(message), "{failure}");
    }
}

#[tokio::test]
async fn the_branch_that_was_taken_is_in_results_events_and_report() {
    let engine = Engine::start(ScriptedProvider::new(|asked| match asked.step() {
        "condition" => Act::Say(r#"{"branch":"money","reason":"It asks for a price."}"#.to_owned()),
        _ => Act::Say(obliging(asked, 1)),
    }));
    let draft = RequestDraft::conditional(TASK, ConditionDraft::agent("Is it about crashes or about money?"))
        .with_step(agent("read"))
        .with_branch("crashes", [agent("explain")])
        .with_branch("money", [agent("count"), agent("tell")]);
    let id = engine.submit(draft).await;
    let results = engine.handle.wait(&id).await.unwrap();
    assert_eq!(results.selected_branch(), Some("money"));
    assert_eq!(results.document.unwrap().notes, ["Branch money was taken: It asks for a price."]);
    let document = String::from_utf8(results.documents[0].bytes.to_vec()).unwrap();
    assert!(document.contains("> Branch money was taken: It asks for a price."), "{document}");
    let selected = engine.events(&id).await.into_iter().find_map(|event| match event.data {
        ClientData::AgentProgress(Activity::BranchSelected { selected_branch, .. }) => Some(selected_branch),
        _ => None,
    });
    assert_eq!(selected.as_deref(), Some("money"));
    assert!(engine.provider.asked().iter().all(|asked| asked.step() != "explain"));
    assert_eq!(read(&engine.provider, "tell"), ["read", "count"]);
}

#[tokio::test]
async fn passes_end_when_a_function_is_content_and_each_is_told() {
    let engine = Engine::start_with(
        ScriptedProvider::new(|asked| match asked.step() {
            "draft-1" => Act::Say("Too short.".to_owned()),
            _ => Act::Say("This draft has quite a few more words.".to_owned()),
        }),
        |builder| builder.with_tool(count_words()),
    );
    let arguments = Map::from_iter([("text".to_owned(), json!({ "from": "draft" }))]);
    let draft =
        RequestDraft::iterative(TASK, SuccessDraft::predicate("count_words", arguments)).with_step(agent("draft"));
    let id = engine.submit(draft).await;
    let results = engine.handle.wait(&id).await.unwrap();
    assert_eq!(results.converged(), Some(true));
    assert_eq!(results.document.unwrap().notes, ["Converged in pass 2 of 3: the test passed."]);
    assert_eq!(read(&engine.provider, "draft-2"), ["draft-1", "pass-1"]);
    let names = engine.event_names(&id).await;
    let iterations: Vec<_> = names.into_iter().filter(|name| name.starts_with("iteration")).collect();
    assert_eq!(iterations, ["iteration_start", "iteration_complete", "iteration_start", "iteration_complete"]);
}

#[tokio::test]
async fn what_did_not_converge_is_said_or_fails() {
    let rule = || SuccessDraft::contains("draft", "never said");
    let draft =
        || RequestDraft { max_iterations: Some(2), ..RequestDraft::iterative(TASK, rule()).with_step(agent("draft")) };
    let engine = Engine::start(ScriptedProvider::obliging(1));
    let id = engine.submit(draft()).await;
    let results = engine.handle.wait(&id).await.unwrap();
    assert_eq!((results.row.summary.status, results.converged()), (Status::Completed, Some(false)));
    let said = "Not converged after 2 of 2 passes: the output of draft does not contain \"never said\".";
    assert_eq!(results.document.unwrap().notes, [said]);
    let id = engine.submit(RequestDraft { on_exhausted: Some("fail".into()), ..draft() }).await;
    let failure = engine.handle.settled(&id).await.unwrap().summary.failure.unwrap();
    assert_eq!(failure.class, FailureClass::Limit);
    assert!(failure.message.starts_with("not converged after 2 passes"), "{failure}");
}

#[tokio::test]
async fn what_a_failure_leaves_out_of_a_graph_is_named_in_the_report() {
    let engine = Engine::start(ScriptedProvider::new(|asked| match asked.step() {
        "bad" => Act::Fail(FailureClass::BadRequest, None),
        _ => Act::Say(obliging(asked, 1)),
    }));
    let draft = RequestDraft::custom(TASK)
        .with_step(agent("bad"))
        .with_step(agent("after").with_needs(["bad"]))
        .with_step(agent("good"))
        .with_step(agent("end").with_needs(["good"]));
    let id = engine.submit(draft).await;
    let results = engine.handle.wait(&id).await.unwrap();
    assert_eq!(results.row.summary.status, Status::Completed);
    let gaps: Vec<_> =
        results.document.unwrap().gaps.iter().map(|gap| (gap.step.to_string(), gap.reason.clone())).collect();
    let expected = [("bad", "bad_request: as the script says"), ("after", "no_result: it needs bad, which failed")];
    assert_eq!(gaps, expected.map(|(step, reason)| (step.to_owned(), reason.to_owned())));
}

#[tokio::test]
async fn steps_of_a_graph_wait_for_nothing_but_what_they_need() {
    let engine = Engine::start(ScriptedProvider::new(|asked| match asked.step() {
        "slow" => Act::Hold("Late.".to_owned()),
        _ => Act::Say(obliging(asked, 1)),
    }));
    let draft = RequestDraft::custom(TASK)
        .with_step(agent("slow"))
        .with_step(agent("fast"))
        .with_step(agent("next").with_needs(["fast"]))
        .with_step(agent("end").with_needs(["slow", "next"]));
    let id = engine.submit(draft).await;
    let was_asked = |step: &'static str| move |p: &ScriptedProvider| p.asked().iter().any(|asked| asked.step() == step);
    engine.until("next is asked while slow works", was_asked("next")).await;
    engine.until("only slow works", |provider| provider.running() == 1).await;
    engine.provider.release();
    assert_eq!(engine.handle.settled(&id).await.unwrap().summary.status, Status::Completed);
    assert_eq!(read(&engine.provider, "end"), ["slow", "next"]);
}

#[tokio::test]
async fn what_cannot_run_here_is_refused_before_it_starts() {
    let engine =
        Engine::start_with(ScriptedProvider::obliging(1), |builder| builder.with_provider(ExtractiveProvider::new()));
    let refused = async |draft: RequestDraft| match engine.handle.submit(draft).await.unwrap_err() {
        Error::Invalid(invalid) => invalid.to_string(),
        other => panic!("{other}"),
    };
    let unknown = RequestDraft::sequential(TASK).with_step(StepDraft::tool("call", "no_such_tool"));
    assert_eq!(refused(unknown).await, "steps: name the tool no_such_tool, and there are none");
    let schema = agent("a").with_schema(json!({ "type": "objekt" }));
    let message = refused(RequestDraft::sequential(TASK).with_step(schema)).await;
    assert!(message.starts_with("steps: step a: schema: it is no JSON Schema"), "{message}");
    let judged = RequestDraft {
        provider_name: Some("extractive".into()),
        ..RequestDraft::iterative(TASK, SuccessDraft::judge("Good?")).with_step(agent("draft"))
    };
    let message = "provider_name: the judge of `success` needs a model, and extractive writes without one";
    assert_eq!(refused(judged).await, message);
}
