//! One workflow of every strategy, and what models say in it. Owns no expectations: an undisturbed run makes those.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use mcp_orchestrator::{
    Callable, ConditionDraft, Hedge, RequestDraft, StepDraft, SuccessDraft, ToolError,
    domain::{FailureClass, Role},
};
use mcp_orchestrator_testkit::{Act, Asked, obliging};
use serde_json::{Map, json};

const TASK: &str = "How does a workflow survive a crash?";

/// A workflow and who answers in it.
#[derive(Clone)]
pub(super) struct Story {
    pub(super) name: &'static str,
    pub(super) draft: RequestDraft,
    pub(super) script: fn(&Asked) -> Act,
    /// The step during whose call a client cancels it.
    pub(super) cancelled_during: Option<&'static str>,
    /// Whether its function may be called again when nobody knows what became of a call.
    pub(super) is_repeatable: bool,
    /// When a second call is made beside one that takes long.
    pub(super) hedge: Option<Hedge>,
}

impl Story {
    fn new(name: &'static str, draft: RequestDraft, script: fn(&Asked) -> Act) -> Self {
        Self { name, draft, script, cancelled_during: None, is_repeatable: true, hedge: None }
    }
}

/// Counts words, and in `called` how often it was called: the function of ours in these stories.
pub(super) fn count_words(story: &Story, called: &Arc<AtomicUsize>) -> Callable {
    let called = Arc::clone(called);
    let count = move |arguments: serde_json::Value| {
        called.fetch_add(1, Ordering::SeqCst);
        counted(arguments)
    };
    let tool = Callable::new("count_words", "Counts words.", count).unwrap();
    if story.is_repeatable { tool.repeatable() } else { tool }
}

async fn counted(arguments: serde_json::Value) -> Result<String, ToolError> {
    let text = arguments["text"].as_str().ok_or_else(|| ToolError::failed("there is no text"))?;
    let words = text.split_whitespace().count();
    Ok(json!({ "words": words, "done": words > 6 }).to_string())
}

pub(super) fn beltalowda() -> Story {
    let draft = RequestDraft { num_agents: Some(4), synthesis_group_size: Some(2), ..RequestDraft::research(TASK) };
    Story::new("beltalowda", draft, |asked| Act::Say(obliging(asked, 4)))
}

/// One of its agents fails: the others are not disturbed, whoever dies when.
pub(super) fn swarm() -> Story {
    let draft = RequestDraft { num_agents: Some(3), ..RequestDraft::search(TASK) };
    Story::new("swarm", draft, |asked| match asked.input.role {
        Role::Researcher if asked.step().ends_with('1') => Act::Fail(FailureClass::Auth, None),
        _ => Act::Say(obliging(asked, 3)),
    })
}

pub(super) fn sequential() -> Story {
    let draft = RequestDraft::sequential(TASK)
        .with_step(agent("gather"))
        .with_step(StepDraft::tool("count", "count_words").with_argument_from("text", "gather", ""))
        .with_step(agent("write"));
    Story::new("sequential", draft, |asked| Act::Say(obliging(asked, 1)))
}

/// The same with a function whose owner does not say that it may be called again.
pub(super) fn a_function_called_once() -> Story {
    Story { name: "once", is_repeatable: false, ..sequential() }
}

pub(super) fn conditional() -> Story {
    let draft = RequestDraft::conditional(TASK, ConditionDraft::agent("Is it about crashes or about money?"))
        .with_step(agent("read"))
        .with_branch("crashes", [agent("explain")])
        .with_branch("money", [agent("count"), agent("tell")]);
    Story::new("conditional", draft, |asked| match asked.step() {
        "condition" => Act::Say(r#"{"branch":"money","reason":"It asks for a price."}"#.to_owned()),
        _ => Act::Say(obliging(asked, 1)),
    })
}

pub(super) fn iterative() -> Story {
    let arguments = Map::from_iter([("text".to_owned(), json!({ "from": "draft" }))]);
    let success = SuccessDraft::predicate("count_words", arguments);
    Story::new("iterative", RequestDraft::iterative(TASK, success).with_step(agent("draft")), |asked| {
        match asked.step() {
            "draft-1" => Act::Say("Too short.".to_owned()),
            _ => Act::Say("This draft has quite a few more words.".to_owned()),
        }
    })
}

pub(super) fn custom_with_a_question() -> Story {
    let draft = RequestDraft::custom(TASK)
        .with_step(agent("gather"))
        .with_step(agent("compare"))
        .with_step(StepDraft::ask("approve", "Is this enough?").with_needs(["gather"]))
        .with_step(agent("write").with_needs(["compare", "approve"]));
    Story::new("custom", draft, |asked| Act::Say(obliging(asked, 1)))
}

/// One of its agents hears nothing until somebody is asked beside whom it asked first.
pub(super) fn hedged() -> Story {
    let draft = RequestDraft { num_agents: Some(2), ..RequestDraft::research(TASK) };
    let script = |asked: &Asked| match asked.step() {
        "belter_1" if !asked.key.ends_with("/hedge") => Act::Hang,
        _ => Act::Say(obliging(asked, 2)),
    };
    Story { hedge: Some(Hedge::After(Duration::from_millis(50))), ..Story::new("hedged", draft, script) }
}

pub(super) fn cancelled_meanwhile() -> Story {
    let draft = RequestDraft { num_agents: Some(3), ..RequestDraft::research(TASK) };
    let script = |asked: &Asked| match asked.step() {
        "belter_1" => Act::Hang,
        _ => Act::Say(obliging(asked, 3)),
    };
    Story { cancelled_during: Some("belter_1"), ..Story::new("cancelled", draft, script) }
}

fn agent(id: &str) -> StepDraft {
    StepDraft::agent(id, format!("Do {id}"))
}
