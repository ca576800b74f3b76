//! The tools of the server by their names. Owns the list and what is said about each; `call` carries them out.

mod call;

use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::{
    StartKind,
    arguments::{
        AnswerArguments, CallArguments, CancelArguments, ListArguments, NoArguments, OneArguments, ResultsArguments,
        ToolsArguments, WaitArguments,
    },
    schema::{self, start_schema},
    view::{PatternsView, ResultsView, StartedView, ToolsView, WorkflowPage, WorkflowView},
};

pub use call::{Called, CancelAnswer, PassageView, ToolCallAnswer};

/// A tool of the server.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ToolSpec {
    /// Its name.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// What it does and when to use it: under 2 KB.
    pub description: &'static str,
    /// What it does to the world.
    pub kind: ToolKind,
    /// The version of its interface: what a client relies on changes only with its first number.
    pub version: &'static str,
    /// JSON Schema of its arguments.
    pub input_schema: Map<String, Value>,
    /// JSON Schema of its answer.
    pub output_schema: Map<String, Value>,
}

/// What a tool does to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "transports handle each")]
pub enum ToolKind {
    /// Starts a workflow.
    Start(StartKind),
    /// Reads.
    Read,
    /// Waits and reads.
    Wait,
    /// Ends something.
    Cancel,
    /// Gives something to a workflow.
    Give,
    /// Calls something registered, whatever that does.
    Call,
}

/// The tools, always in this order.
pub(crate) static TOOLS: LazyLock<Vec<ToolSpec>> = LazyLock::new(|| {
    vec![
        tool::<StartedView>(
            "orchestrate_research",
            "Research a question",
            "Researches a question with several agents at once and writes one report in which every citation is proved. \
             Use it for questions with several sides. Takes from seconds to many minutes. The answer is the report when \
             it is ready in time, and otherwise the task_id: then call wait_for_orchestration, or read \
             get_orchestration_status. It goes on when the call ends, so never start it again for the same question: \
             with the same idempotency_key a repeated call joins the workflow that runs already.",
            ToolKind::Start(StartKind::Research),
            start_schema(StartKind::Research),
        ),
        tool::<StartedView>(
            "orchestrate_search",
            "Search from several sides",
            "Searches for something with agents of several types (text, news, academic, technical and others) and \
             writes one cited summary. Quicker and flatter than orchestrate_research. The answer is the report when it \
             is ready in time, and otherwise the task_id for wait_for_orchestration.",
            ToolKind::Start(StartKind::Search),
            start_schema(StartKind::Search),
        ),
        tool::<StartedView>(
            "orchestrate_custom",
            "Run a workflow with written steps",
            "Runs a workflow whose steps are given: pattern sequential, conditional, iterative or custom, or any \
             pattern list_orchestrator_patterns shows. Steps are agents, tools or questions to a person.",
            ToolKind::Start(StartKind::Any),
            start_schema(StartKind::Any),
        ),
        tool::<WorkflowView>(
            "get_orchestration_status",
            "How a workflow stands",
            "Status, stage, agents, tokens and cost of a workflow, the questions it asks, and what came of it in numbers.",
            ToolKind::Read,
            schema::of::<OneArguments>(),
        ),
        tool::<WorkflowView>(
            "wait_for_orchestration",
            "Wait for a workflow",
            "Waits until a workflow has ended or asks a question, at most wait_seconds, and answers with its status. \
             When it has completed, get_orchestration_results has the report.",
            ToolKind::Wait,
            schema::of::<WaitArguments>(),
        ),
        tool::<ResultsView>(
            "get_orchestration_results",
            "Results of a workflow",
            "The report of a workflow with its sources, what failed on the way, and its documents.",
            ToolKind::Read,
            schema::of::<ResultsArguments>(),
        ),
        tool::<CancelAnswer>(
            "cancel_orchestration",
            "Cancel a workflow",
            "Cancels a workflow for good: no further model or tool is called. What it has paid for is kept.",
            ToolKind::Cancel,
            schema::of::<CancelArguments>(),
        ),
        tool::<WorkflowView>(
            "answer_orchestration",
            "Answer a workflow's question",
            "Answers a question a workflow asks; its status shows the question and the step.",
            ToolKind::Give,
            schema::of::<AnswerArguments>(),
        ),
        tool::<WorkflowPage>(
            "list_orchestrations",
            "List workflows",
            "Your workflows, newest first.",
            ToolKind::Read,
            schema::of::<ListArguments>(),
        ),
        tool::<PatternsView>(
            "list_orchestrator_patterns",
            "List patterns",
            "The patterns workflows follow, what each is good for, and what can be set.",
            ToolKind::Read,
            schema::of::<NoArguments>(),
        ),
        tool::<ToolsView>(
            "list_registered_tools",
            "List registered tools",
            "The tools agents and execute_registered_tool can call.",
            ToolKind::Read,
            schema::of::<ToolsArguments>(),
        ),
        tool::<ToolCallAnswer>(
            "execute_registered_tool",
            "Call a registered tool",
            "Calls one of the registered tools, for example a search in the documents of this server.",
            ToolKind::Call,
            schema::of::<CallArguments>(),
        ),
    ]
});

/// A tool. Two fields that answers may have are not announced, so that the list stays short: whose history a workflow goes on
/// from, which is done elsewhere, and how far it was at a position.
fn tool<Output: schemars::JsonSchema>(
    name: &'static str,
    title: &'static str,
    description: &'static str,
    kind: ToolKind,
    input_schema: Map<String, Value>,
) -> ToolSpec {
    let untold = if name == "get_orchestration_results" { "progress" } else { "forked_from" };
    let output_schema = schema::without(schema::of::<Output>(), untold);
    let output_schema = match kind {
        ToolKind::Start(_) | ToolKind::Wait => schema::with_outcome(output_schema),
        _ => output_schema,
    };
    let output_schema = schema::wordless(output_schema);
    ToolSpec { name, title, description, kind, version: env!("CARGO_PKG_VERSION"), input_schema, output_schema }
}
