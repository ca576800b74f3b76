//! What a call answers: the texts a model reads, the structure a program reads, links to the rest. Owns their words; what
//! happened was decided before.

use mcp_orchestrator_api::{
    ApiError, Called, Code, status_line, summary,
    view::{ResultsView, StartedView, WorkflowView},
};
use rmcp::{
    ErrorData,
    model::{CallToolResult, ContentBlock, ErrorCode, Resource},
};
use serde_json::{Map, Value, json};

use crate::{
    call::Call,
    input::{By, Handed},
};

/// Where the metadata of a refusal says for programs what its text says for models.
const ERROR: &str = "mcp-orchestrator/error";

/// A call that was refused, or that failed: a result a model reads and mends, naming every field.
pub(crate) fn refused(call: &Call<'_>, error: &ApiError) -> CallToolResult {
    let mut text = error.detail.clone();
    if let Some(hint) = &error.hint {
        text.push_str(". ");
        text.push_str(hint);
    }
    if let Some(after) = error.retry_after {
        text.push_str(&format!(". Try again in {} seconds", after.as_secs().max(1)));
    }
    let mut told = json!({ "code": error.code, "detail": error.detail, "errors": error.errors });
    if let Some(after) = error.retry_after {
        told["retry_after_seconds"] = json!(after.as_secs().max(1));
    }
    let mut result = CallToolResult::error(vec![ContentBlock::text(text)]);
    // Not as structured content: clients hold that to the tool's output schema, errors included, and would show their
    // own complaint in place of this one.
    result.meta.get_or_insert_default().0.insert(ERROR.to_owned(), told);
    stamped(call, result)
}

/// The same as an error of the protocol, for the methods that have no other.
pub(crate) fn protocol(error: &ApiError) -> ErrorData {
    let code = match error.code {
        Code::InvalidRequest | Code::NotFound | Code::Conflict | Code::IdempotencyMismatch => ErrorCode::INVALID_PARAMS,
        _ => ErrorCode::INTERNAL_ERROR,
    };
    ErrorData::new(code, error.detail.clone(), Some(json!({ "code": error.code, "errors": error.errors })))
}

/// A workflow that has ended.
pub(crate) async fn ended(
    call: &Call<'_>,
    handed: &Handed,
    view: WorkflowView,
    results: &ResultsView,
) -> CallToolResult {
    let is_completed = view.status == "completed";
    let report = summary(results);
    let mut content = vec![ContentBlock::text(report.clone())];
    let id = view.task_id.clone();
    content.push(if is_completed {
        link(&id, "report", "The whole report, in pages", "text/markdown")
    } else {
        link(&id, "results", "What there is of its results", "application/json")
    });
    let mut result = if is_completed { CallToolResult::success(content) } else { CallToolResult::error(content) };
    result.structured_content = shape(call, handed, view, "report", report).await;
    stamped(call, result)
}

/// A workflow that goes on: a whole answer, with what to do next.
pub(crate) async fn running(call: &Call<'_>, handed: &Handed, view: WorkflowView) -> CallToolResult {
    let id = view.task_id.clone();
    let line = status_line(&view);
    let (next, text) = if view.is_held_back() {
        let next = "get_orchestration_status";
        let how = "It is held back until its operator has it tried again; do not start it again. cancel_orchestration ends it.";
        (next, format!("{line}\ntask_id: {id}\n{how}"))
    } else if view.questions.is_empty() {
        let next = "wait_for_orchestration";
        let how = format!("It goes on by itself. Next: call {next} with this task_id; do not start it again.");
        (next, format!("{line}\ntask_id: {id}\n{how}"))
    } else {
        let next = "answer_orchestration";
        let asked = view.questions.iter().map(|question| format!("\n- {} (step {})", question.question, question.step));
        let asked: String = asked.collect();
        (
            next,
            format!("{line}\ntask_id: {id}\nIt waits for an answer to:{asked}\nNext: call {next} with this task_id."),
        )
    };
    let content = vec![ContentBlock::text(text), link(&id, "status", "How it stands", "application/json")];
    let mut result = CallToolResult::success(content);
    result.structured_content = shape(call, handed, view, "next", next).await;
    stamped(call, result)
}

/// The answer of a tool that neither starts nor waits.
pub(crate) fn plain(call: &Call<'_>, tool: &str, called: Called) -> CallToolResult {
    let called = Value::Object(called);
    let results: Option<ResultsView> = match tool {
        "get_orchestration_results" => serde_json::from_value(called.clone()).ok(),
        _ => None,
    };
    let content = match results {
        Some(results) => {
            let mut content = vec![ContentBlock::text(summary(&results))];
            if results.final_synthesis.is_some() {
                content.push(link(&results.task_id, "report", "The whole report, in pages", "text/markdown"));
            }
            content
        }
        None => vec![ContentBlock::text(called.to_string())],
    };
    let mut result = CallToolResult::success(content);
    result.structured_content = Some(called);
    stamped(call, result)
}

/// The workflow in the shape the tool's output schema promises, with one field more: the report, since some hosts show
/// their model the structure alone, or the name of the tool to call next.
async fn shape(
    call: &Call<'_>,
    handed: &Handed,
    view: WorkflowView,
    name: &str,
    value: impl Into<Value>,
) -> Option<Value> {
    let shaped = match handed.by {
        By::Wait => serde_json::to_value(view),
        By::Start | By::Rejoin => {
            let submitted = call.parts.api.submission(&call.caller, &handed.id).await.ok()?;
            let created = handed.by == By::Start;
            // Every setting again would be half of what the model reads.
            serde_json::to_value(StartedView { workflow: view, created, config: Map::new(), ..submitted })
        }
    };
    let mut shaped = shaped.ok()?;
    shaped.as_object_mut()?.insert(name.to_owned(), value.into());
    Some(shaped)
}

fn stamped(call: &Call<'_>, mut result: CallToolResult) -> CallToolResult {
    call.stamp(&mut result.meta);
    result
}

fn link(id: &str, what: &str, description: &str, mime_type: &str) -> ContentBlock {
    let link = Resource::new(format!("orchestrator://{id}/{what}"), format!("{id}/{what}"));
    ContentBlock::resource_link(link.with_description(description).with_mime_type(mime_type))
}
