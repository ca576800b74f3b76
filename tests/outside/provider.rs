//! A provider that breaks its contract fails the step that asked it, by its name; a sibling completes.

use std::time::Duration;

use mcp_orchestrator::{
    RequestDraft, Status,
    domain::{Cost, FailureClass, Money, Usage},
    provider::{ChatAnswer, ChatRequest, ProviderError},
};

use crate::parts::{Teller, ask, call, engine, reply, soon};

type Answer = Result<ChatAnswer, ProviderError>;

/// What the provider does when it is asked with this title.
fn trouble(request: &ChatRequest<'_>) -> Option<Answer> {
    match request.input.task.as_str() {
        "says nothing" => Some(Ok(reply(" \n", Vec::new()))),
        "repeats its ids" => Some(Ok(reply("", vec![call("1", "tides", "{}"), call("1", "tides", "{}")]))),
        "says far too much" => Some(Ok(reply(&"x".repeat(50 << 20), Vec::new()))),
        "panics while it answers" => panic!("out of words"),
        "fails with a novel" => Some(Err(ProviderError::new(FailureClass::Server, "x\n".repeat(10 << 20)))),
        "writes no JSON" if request.input.tool_calls_made == 0 => {
            Some(Ok(reply("", vec![call("1", "tides", "{{{"), call("2", "no such tool", "[]"), call("3", "", "")])))
        }
        "counts without end" => {
            let usage = Usage { input: u64::MAX, output: u64::MAX, ..Usage::default() };
            let cost = Cost::Reported(Money::from_pico_usd(u64::MAX));
            Some(Ok(ChatAnswer { usage, cost, parked: Duration::MAX, ..reply("Countless.", Vec::new()) }))
        }
        _ => None,
    }
}

fn asked(task: &str) -> RequestDraft {
    RequestDraft { task: Some(task.to_owned()), max_retries: Some(0), ..ask("solo") }
}

fn troubled(builder: mcp_orchestrator::Builder) -> mcp_orchestrator::Builder {
    let provider = Teller::twisted("broken", trouble);
    let name = mcp_orchestrator::Provider::name(&provider).clone();
    builder.with_provider(provider).with_default_provider(name)
}

#[tokio::test]
async fn each_way_of_breaking_the_contract_is_named_and_nothing_else_is_touched() {
    let handle = engine(troubled);
    let sibling =
        handle.submit(RequestDraft { provider_name: Some("teller".to_owned()), ..ask("solo") }).await.unwrap();
    for (task, class, says) in [
        ("says nothing", FailureClass::NoResult, "broken: the answer is empty"),
        ("repeats its ids", FailureClass::Internal, "broken asked for two tools under the id \"1\""),
        ("says far too much", FailureClass::Limit, "broken answered with 524"),
        ("panics while it answers", FailureClass::Internal, "the provider broken panicked: out of words"),
        ("fails with a novel", FailureClass::Server, "x x x"),
    ] {
        let id = handle.submit(asked(task)).await.unwrap();
        let row = soon(handle.settled(&id)).await.unwrap();
        assert_eq!(row.summary.status, Status::Failed, "{task}");
        let failure = row.summary.failure.unwrap();
        assert_eq!(failure.class, class, "{task}: {failure}");
        assert!(failure.message.contains(says) && failure.message.len() <= 500, "{task}: {failure}");
    }
    assert_eq!(soon(handle.settled(&sibling)).await.unwrap().summary.status, Status::Completed);
}

#[tokio::test]
async fn what_a_model_gets_wrong_it_is_told_and_what_it_counts_cannot_overflow() {
    let handle = engine(troubled);
    for task in ["writes no JSON", "counts without end"] {
        let id = handle.submit(asked(task)).await.unwrap();
        assert_eq!(soon(handle.settled(&id)).await.unwrap().summary.status, Status::Completed, "{task}");
    }
}

#[tokio::test]
async fn a_provider_that_panics_about_its_abilities_fails_the_step_that_needs_them() {
    let handle = engine(|builder| builder);
    let id = handle.submit(RequestDraft { model: Some("panics".to_owned()), ..ask("solo") }).await.unwrap();
    let failure = soon(handle.settled(&id)).await.unwrap().summary.failure.unwrap();
    assert_eq!(failure.class, FailureClass::Internal);
    assert!(failure.message.contains("the provider teller panicked"), "{failure}");
}
