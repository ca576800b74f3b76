//! What is submitted in a simulation, and what its models do. Owns no faults of the store.

use std::time::Duration;

use mcp_orchestrator::{Callable, ConditionDraft, RequestDraft, StepDraft, SuccessDraft, ToolError};
use mcp_orchestrator_domain::FailureClass;
use mcp_orchestrator_testkit::{Act, Asked, Luck, ScriptedProvider, obliging};
use serde_json::{Map, json};

const TASK: &str = "How does a workflow survive a crash?";

/// One workflow of any pattern.
pub(super) fn draft(luck: Luck, number: usize) -> RequestDraft {
    let draft = match luck.below(6, ("pattern", number)) {
        0 => RequestDraft { num_agents: Some(4), synthesis_group_size: Some(2), ..RequestDraft::research(TASK) },
        1 => RequestDraft { num_agents: Some(3), ..RequestDraft::search(TASK) },
        2 => RequestDraft::sequential(TASK)
            .with_step(agent("gather"))
            .with_step(StepDraft::tool("count", "count_words").with_argument_from("text", "gather", ""))
            .with_step(agent("write")),
        3 => RequestDraft::conditional(TASK, ConditionDraft::agent("Is it about crashes or about money?"))
            .with_branch("crashes", [agent("explain")])
            .with_branch("money", [agent("count"), agent("tell")]),
        4 => {
            let arguments = Map::from_iter([("text".to_owned(), json!({ "from": "draft" }))]);
            RequestDraft::iterative(TASK, SuccessDraft::predicate("count_words", arguments)).with_step(agent("draft"))
        }
        _ => RequestDraft::custom(TASK)
            .with_step(agent("gather"))
            .with_step(agent("compare"))
            .with_step(StepDraft::ask("approve", "Is this enough?").with_needs(["gather"]))
            .with_step(agent("write").with_needs(["compare", "approve"])),
    };
    // Documents are rendered on a thread of their own, whose time no seed decides.
    RequestDraft { generate_documents: Some(false), ..draft }
}

/// A model that takes its time, limits its callers, and breaks.
pub(super) fn provider(luck: Luck) -> ScriptedProvider {
    ScriptedProvider::new(move |asked| {
        let decision = (&asked.key, asked.before);
        let late = luck.millis(20, 4_000, ("late", decision));
        Act::Late(late, Box::new(answer(luck, asked)))
    })
}

fn answer(luck: Luck, asked: &Asked) -> Act {
    let decision = (&asked.key, asked.before);
    match luck.below(100, ("answer", decision)) {
        0..6 => Act::Fail(FailureClass::RateLimited, Some(luck.millis(500, 5_000, ("pause", decision)))),
        6..10 => Act::Fail(FailureClass::Server, None),
        10..12 => Act::Fail(FailureClass::Network, None),
        12 => Act::Fail(FailureClass::ContentFilter, None),
        13 => Act::Panic,
        _ if asked.step() == "condition" => {
            Act::Say(r#"{"branch":"money","reason":"It asks for a price."}"#.to_owned())
        }
        _ if asked.step() == "draft-1" => Act::Say("Too short.".to_owned()),
        _ => Act::Say(format!("{} And that is so.", obliging(asked, 4))),
    }
}

/// Counts words, and takes a moment for it.
pub(super) fn count_words() -> Callable {
    let count = async |arguments: serde_json::Value| {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let text = arguments["text"].as_str().ok_or_else(|| ToolError::failed("there is no text"))?;
        let words = text.split_whitespace().count();
        Ok(json!({ "words": words, "done": words > 6 }).to_string())
    };
    Callable::new("count_words", "Counts words.", count).unwrap().repeatable()
}

fn agent(id: &str) -> StepDraft {
    StepDraft::agent(id, format!("Do {id}"))
}
