//! The tools that start or await a workflow, by what the client can take: a task, a bounded wait with progress, or an id to
//! come back with. Owns that choice; a workflow is never started twice by it and never ended by it.

use std::time::Duration;

use mcp_orchestrator_api::{ApiError, Code, StartCall, StartKind, view::WorkflowView};
use rmcp::{
    ErrorData,
    model::{CallToolRequestParams, CallToolResponse, CreateTaskResult, JsonObject},
};
use tokio::time::Instant;

use crate::{
    WAIT_MAX, answers,
    broken::Unanswered,
    call::Call,
    input::{self, Asked, By, Handed},
    tasks,
    waiting::{Heartbeat, Waited, wait},
};

/// Calls one of the tools that start a workflow.
pub(crate) async fn start(
    call: &Call<'_>,
    kind: StartKind,
    request: CallToolRequestParams,
) -> Result<CallToolResponse, ErrorData> {
    let asked = Asked::of(call, &request);
    let arguments = request.arguments.unwrap_or_default();
    if let Some(state) = &request.request_state {
        // The client called before and has been asked something: the workflow runs already.
        let handed = asked.open(state)?;
        let most = how_long(call, arguments.get("wait_seconds").and_then(serde_json::Value::as_u64));
        return go_on(call, &asked, handed, request.input_responses.unwrap_or_default(), most).await;
    }
    let parsed = match StartCall::parse(kind, arguments) {
        Ok(parsed) => parsed,
        Err(error) => return Ok(answers::refused(call, &error).into()),
    };
    let most = parsed.wait.unwrap_or(call.parts.settings.wait);
    let begun = match broken_before(call, &asked, &parsed).await {
        Ok(Some(view)) => Ok((view, By::Rejoin)),
        Ok(None) => call.parts.api.start(&call.caller, kind, parsed).await.map(|started| {
            let by = if started.created { By::Start } else { By::Rejoin };
            (started.workflow, by)
        }),
        Err(error) => Err(error),
    };
    let (view, by) = match begun {
        Ok(begun) => begun,
        Err(error) => return Ok(answers::refused(call, &error).into()),
    };
    let unanswered = call.parts.broken.begun(asked.same(), &view.task_id);
    if call.client.tasks {
        // The workflow is stored: the handle holds in this process, in the next and in every replica.
        let task = CreateTaskResult::new(tasks::task(call, &view)).with_meta(call.parts.stamp());
        return answered(call, unanswered, std::future::ready(Ok(CallToolResponse::Task(task)))).await;
    }
    answered(call, unanswered, await_end(call, &asked, Handed { id: view.task_id, by }, most)).await
}

/// The workflow that the same call has started before without hearing of it. One that came to nothing is started anew, and a
/// key says by itself which workflow is meant.
async fn broken_before(
    call: &Call<'_>,
    asked: &Asked<'_>,
    parsed: &StartCall,
) -> Result<Option<WorkflowView>, ApiError> {
    if parsed.idempotency_key.is_some() {
        return Ok(None);
    }
    let Some(id) = call.parts.broken.known(asked.same()) else { return Ok(None) };
    // It is forgotten when it is known how it stands, and not when the store does not answer.
    let view = match call.parts.api.workflow(&call.caller, &id).await {
        Ok(view) => Some(view),
        Err(error) if error.code == Code::NotFound => None,
        Err(error) => return Err(error),
    };
    let is_taken = call.parts.broken.forget(asked.same(), &id);
    Ok(view.filter(|view| is_taken && !matches!(view.status.as_str(), "failed" | "cancelled")))
}

/// Answers a call that has started a workflow. When its client is gone by then, or this is dropped, the same call again
/// joins that workflow.
async fn answered(
    call: &Call<'_>,
    unanswered: Unanswered,
    answer: impl Future<Output = Result<CallToolResponse, ErrorData>>,
) -> Result<CallToolResponse, ErrorData> {
    let answer = answer.await;
    if !call.context.ct.is_cancelled() {
        unanswered.answered();
    }
    answer
}

/// Calls the tool that waits.
pub(crate) async fn await_one(call: &Call<'_>, request: CallToolRequestParams) -> Result<CallToolResponse, ErrorData> {
    let asked = Asked::of(call, &request);
    let (id, most) = match wait_arguments(call, request.arguments.unwrap_or_default()) {
        Ok(parsed) => parsed,
        Err(error) => return Ok(answers::refused(call, &error).into()),
    };
    match &request.request_state {
        Some(state) => {
            let handed = asked.open(state)?;
            go_on(call, &asked, handed, request.input_responses.unwrap_or_default(), most).await
        }
        None => await_end(call, &asked, Handed { id, by: By::Wait }, most).await,
    }
}

async fn go_on(
    call: &Call<'_>,
    asked: &Asked<'_>,
    handed: Handed,
    responses: rmcp::model::InputResponses,
    most: Duration,
) -> Result<CallToolResponse, ErrorData> {
    if input::give(call, &handed.id, responses).await?.is_put_off {
        // The person does not want to be asked now: the question stays, and so does the workflow.
        return match call.parts.api.workflow(&call.caller, &handed.id).await {
            Ok(view) => Ok(answers::running(call, &handed, view).await.into()),
            Err(error) => Ok(answers::refused(call, &error).into()),
        };
    }
    await_end(call, asked, handed, most).await
}

async fn await_end(
    call: &Call<'_>,
    asked: &Asked<'_>,
    handed: Handed,
    most: Duration,
) -> Result<CallToolResponse, ErrorData> {
    let until = Instant::now() + most;
    let mut heartbeat = Heartbeat::of(call);
    loop {
        let view = match wait(call, &mut heartbeat, &handed.id, until).await {
            Err(error) => return Ok(answers::refused(call, &error).into()),
            Ok(Waited::Ended(view)) => return Ok(ended(call, &handed, view).await.into()),
            Ok(Waited::Running(view)) => return Ok(answers::running(call, &handed, view).await.into()),
            Ok(Waited::Asks(view)) => view,
        };
        if call.client.elicits && call.client.modern {
            return Ok(CallToolResponse::InputRequired(asked.ask(&handed, &view)?));
        }
        if !(call.client.elicits && input::ask_now(call, &view, until).await?) {
            return Ok(answers::running(call, &handed, view).await.into());
        }
    }
}

async fn ended(call: &Call<'_>, handed: &Handed, view: WorkflowView) -> rmcp::model::CallToolResult {
    match call.parts.api.results(&call.caller, &view.task_id).await {
        Ok(results) => answers::ended(call, handed, view, &results).await,
        Err(error) => answers::refused(call, &error),
    }
}

fn wait_arguments(call: &Call<'_>, mut arguments: JsonObject) -> Result<(String, Duration), ApiError> {
    arguments.retain(|_, value| !value.is_null());
    let seconds = match arguments.remove("wait_seconds") {
        None => None,
        Some(value) => match value.as_u64() {
            Some(seconds) if seconds <= WAIT_MAX.as_secs() => Some(seconds),
            _ => {
                let detail = format!("is {value}, expected a whole number, 0 to {}", WAIT_MAX.as_secs());
                return Err(ApiError::field("wait_seconds", detail));
            }
        },
    };
    let id = match arguments.remove("task_id") {
        Some(serde_json::Value::String(id)) => id,
        Some(other) => return Err(ApiError::field("task_id", format!("is {other}, expected text"))),
        None => return Err(ApiError::field("task_id", "is missing")),
    };
    if let Some(unknown) = arguments.keys().next() {
        return Err(ApiError::field(unknown, "there is no such field"));
    }
    Ok((id, how_long(call, seconds)))
}

fn how_long(call: &Call<'_>, seconds: Option<u64>) -> Duration {
    seconds.map_or(call.parts.settings.wait, Duration::from_secs).min(WAIT_MAX)
}
