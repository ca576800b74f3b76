//! A workflow as a task of the tasks extension. The task's id is the workflow's, and its state is the stored workflow:
//! nothing is kept here, so a task outlives every process.

use mcp_orchestrator_api::{ApiError, Code, view::WorkflowView};
use rmcp::{
    ErrorData,
    model::{
        CancelTaskParams, DetailedTask, GetTaskParams, GetTaskResult, JsonObject, Task, TaskPayload, TaskStatus,
        UpdateTaskParams,
    },
};

use serde_json::Value;

use crate::{
    answers,
    call::Call,
    input::{self, By, Handed},
    waiting::line,
};

/// The shortest and the longest time between two looks a client is asked for.
const POLL_MS: (u64, u64) = (1_000, 5_000);

/// A workflow as a task that is being made.
pub(crate) fn task(call: &Call<'_>, view: &WorkflowView) -> Task {
    let ttl_ms = u64::try_from(call.parts.settings.task_ttl.as_millis()).unwrap_or(u64::MAX);
    let changed = view.completed_at.as_ref().or(view.started_at.as_ref()).unwrap_or(&view.created_at);
    Task::new(view.task_id.clone(), TaskStatus::Working, view.created_at.clone(), changed.clone())
        .with_ttl_ms(ttl_ms)
        .with_poll_interval_ms(poll_ms(view))
        .with_status_message(line(view))
}

/// `tasks/get`: one row while it runs; the results are read only when there are some.
///
/// # Errors
/// Invalid parameters for an id that is unknown to the caller, another principal's included.
pub(crate) async fn get(call: &Call<'_>, get: &GetTaskParams) -> Result<GetTaskResult, ErrorData> {
    let view = call.parts.api.workflow(&call.caller, &get.task_id).await.map_err(|error| unknown(&error))?;
    let mut task = task(call, &view);
    let payload = match view.status.as_str() {
        "cancelled" => TaskPayload::Cancelled,
        // A workflow that failed is a tool that answered with an error; only a broken engine would fail the task.
        _ if view.is_terminal() => TaskPayload::Completed { result: result(call, view).await? },
        _ if view.is_held_back() => {
            task.status_message = view.waiting.as_ref().map(|waiting| format!("held back: {}", waiting.detail));
            TaskPayload::Working
        }
        _ if view.questions.is_empty() => TaskPayload::Working,
        _ if call.client.elicits => TaskPayload::InputRequired { input_requests: input::forms(&view)? },
        _ => {
            let asked: Vec<&str> = view.questions.iter().map(|question| question.question.as_str()).collect();
            let told = format!("waits for answer_orchestration: {}", asked.join(" · "));
            task.status_message = Some(told.chars().take(500).collect());
            TaskPayload::Working
        }
    };
    let mut got = GetTaskResult::new(DetailedTask::new(task, payload));
    got.meta = Some(call.parts.stamp());
    Ok(got)
}

/// `tasks/update`: answers to what the workflow asks.
///
/// # Errors
/// As [`get`]; invalid parameters for an answer that cannot be read.
pub(crate) async fn update(call: &Call<'_>, update: UpdateTaskParams) -> Result<(), ErrorData> {
    input::give(call, &update.task_id, update.input_responses).await.map(drop)
}

/// `tasks/cancel`: ends the workflow. One that has ended is left as it is.
///
/// # Errors
/// As [`get`].
pub(crate) async fn cancel(call: &Call<'_>, cancel: &CancelTaskParams) -> Result<(), ErrorData> {
    let reason = Some("cancelled by its MCP client");
    call.parts.api.cancel(&call.caller, &cancel.task_id, reason).await.map(drop).map_err(|error| unknown(&error))
}

async fn result(call: &Call<'_>, view: WorkflowView) -> Result<JsonObject, ErrorData> {
    let results = call.parts.api.results(&call.caller, &view.task_id).await.map_err(|error| unknown(&error))?;
    let handed = Handed { id: view.task_id.clone(), by: By::Start };
    let result = answers::ended(call, &handed, view, &results).await;
    match serde_json::to_value(result) {
        Ok(Value::Object(result)) => Ok(result),
        Ok(_) => Err(ErrorData::internal_error("a result is no object", None)),
        Err(error) => Err(ErrorData::internal_error(error.to_string(), None)),
    }
}

/// Early and near its end a workflow changes often; in between it is looked at less.
fn poll_ms(view: &WorkflowView) -> u64 {
    let (shortest, longest) = POLL_MS;
    let percent = u64::from(view.progress.percent);
    let from_an_end = percent.min(100 - percent.min(100));
    (shortest + from_an_end * 200).min(longest)
}

fn unknown(error: &ApiError) -> ErrorData {
    match error.code {
        Code::NotFound => ErrorData::invalid_params(format!("no such task: {}", error.detail), None),
        _ => answers::protocol(error),
    }
}
