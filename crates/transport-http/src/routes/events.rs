//! Event streams of one workflow and of several.

use std::{collections::BTreeSet, time::Duration};

use axum::{
    extract::{Query, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, StatusCode};
use mcp_orchestrator_api::{ApiError, Caller};
use mcp_orchestrator_domain::WorkflowId;
use mcp_orchestrator_streaming::Cursor;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Operation, Table};
use crate::{
    extract::{Asked, Named, Who},
    http::Shared,
    problem::Problem,
    sse::{Place, Readers, SseStream, Style, answer, source},
};

const TAG: &str = "events";
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Workflows in one stream.
const WORKFLOWS_MAX: usize = 50;
const STREAM: &str = "text/event-stream";
const RESUME: &str = "The id of the last event seen: the stream goes on after it.";

pub(super) fn add(table: &mut Table) {
    table.add(
        Operation::get("/v1/workflows/{id}/events", TAG, "Follow a workflow")
            .query::<StreamQuery>()
            .header("Last-Event-ID", RESUME)
            .gives(STREAM, "Every event after a place, first those that happened; the last is `stream_closed`")
            .gives_nothing(StatusCode::NO_CONTENT, "The workflow has ended and its last event was seen")
            .fails([StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND])
            .unhurried(),
        one,
    );
    table.add(
        Operation::get("/v1/events", TAG, "Follow up to 50 workflows in one stream")
            .query::<ManyQuery>()
            .header("Last-Event-ID", RESUME)
            .gives(STREAM, "As the stream of one workflow; each event names its workflow in `task_id`")
            .gives_nothing(StatusCode::NO_CONTENT, "All of them have ended and their last events were seen")
            .fails([StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND, StatusCode::UNPROCESSABLE_ENTITY])
            .unhurried(),
        many,
    );
}

/// How a workflow is followed.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct StreamQuery {
    /// As the header `Last-Event-ID`, for clients that cannot set one. The header is newer when both are there.
    after: Option<String>,
    /// Whether pieces of text are shown as they are written: events `delta` without an id. Default false.
    deltas: Option<bool>,
}

/// Which workflows are followed, and how.
#[derive(Debug, Deserialize, JsonSchema)]
#[expect(dead_code, reason = "it describes a query whose names repeat, which is read pair by pair")]
struct ManyQuery {
    /// A workflow; repeat it for each, up to 50.
    workflow: Vec<String>,
    /// As the header `Last-Event-ID`, for clients that cannot set one.
    #[serde(default)]
    after: Option<String>,
    /// Whether pieces of text are shown as they are written. Default false.
    #[serde(default)]
    deltas: Option<bool>,
}

async fn one(
    State(shared): State<Shared>,
    Who(caller): Who,
    Named(id): Named<String>,
    Asked(asked): Asked<StreamQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let after = last_seen(&headers, asked.after.as_deref())?;
    let keep_alive = shared.settings().keep_alive;
    follow(&shared, &caller, &id, after, asked.deltas.unwrap_or_default(), Style::Named, keep_alive).await
}

/// The stream of one workflow.
pub(super) async fn follow(
    shared: &Shared,
    caller: &Caller,
    id: &str,
    after: Option<&str>,
    deltas: bool,
    style: Style,
    keep_alive: Duration,
) -> Result<Response, Problem> {
    let (workflow, end) = known(shared, caller, id).await?;
    let cursor = match after {
        Some(after) => cursor(after)?,
        None => Cursor::START,
    };
    if end.is_some_and(|end| cursor.is_at(end)) {
        // It tells browsers not to connect again.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let source = source(&shared.api().handle(caller), &workflow, cursor, deltas).await?;
    let readers = Readers::one(workflow.clone(), cursor, source);
    let watching = shared.watched().enter(&caller.principal, [workflow]);
    let counted = (shared.metrics().sse_reader(), watching);
    Ok(answer(SseStream::new(readers, style, keep_alive, shared.drain(), counted)))
}

async fn many(
    State(shared): State<Shared>,
    Who(caller): Who,
    Query(pairs): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (mut ids, mut after, mut deltas) = (BTreeSet::new(), None, false);
    for (name, value) in pairs {
        match name.as_str() {
            "workflow" => {
                ids.insert(value);
            }
            "after" => after = Some(value),
            "deltas" => deltas = flag(&value)?,
            _ => return Err(wrong(&name, "there is no such field")),
        }
    }
    if ids.is_empty() || ids.len() > WORKFLOWS_MAX {
        return Err(wrong("workflow", &format!("there are {}, expected 1 to {WORKFLOWS_MAX}", ids.len())));
    }
    let place = match last_seen(&headers, after.as_deref())? {
        Some(after) => Place::parse(after)?,
        None => Place::default(),
    };
    let (mut places, mut are_over) = (Vec::with_capacity(ids.len()), true);
    for id in &ids {
        let (workflow, end) = known(&shared, &caller, id).await?;
        let cursor = place.of(&workflow);
        are_over &= end.is_some_and(|end| cursor.is_at(end));
        places.push((workflow, cursor));
    }
    if are_over {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let handle = shared.api().handle(&caller);
    let mut sources = Vec::with_capacity(places.len());
    for (workflow, cursor) in places {
        let source = source(&handle, &workflow, cursor, deltas).await?;
        sources.push((workflow, cursor, source));
    }
    let watching = shared.watched().enter(&caller.principal, sources.iter().map(|(workflow, ..)| workflow.clone()));
    let counted = (shared.metrics().sse_reader(), watching);
    let readers = Readers::many(sources);
    Ok(answer(SseStream::new(readers, Style::Named, shared.settings().keep_alive, shared.drain(), counted)))
}

/// The id of a workflow that the caller has, and the place after its last event if it has ended. Reads one row.
async fn known(shared: &Shared, caller: &Caller, id: &str) -> Result<(WorkflowId, Option<Cursor>), Problem> {
    // What is no id names no workflow, and neither does another principal's.
    let id: WorkflowId = id.parse().map_err(|_| {
        let shown: String = id.chars().filter(|c| !c.is_control()).take(80).collect();
        Problem::not_found(format!("no workflow is named {shown}"))
    })?;
    let row = shared.api().handle(caller).status(&id).await.map_err(ApiError::from)?;
    Ok((id, row.summary.status.is_terminal().then(|| Cursor::end_of(&row))))
}

/// Where a client says it stands. A browser sets the header when it connects again, and its address stays as it was.
pub(super) fn last_seen<'a>(headers: &'a HeaderMap, after: Option<&'a str>) -> Result<Option<&'a str>, Problem> {
    match headers.get(LAST_EVENT_ID) {
        Some(id) => match id.to_str() {
            Ok("") => Ok(after),
            Ok(id) => Ok(Some(id)),
            Err(_) => Err(no_cursor("Last-Event-ID")),
        },
        None => Ok(after.filter(|after| !after.is_empty())),
    }
}

fn cursor(text: &str) -> Result<Cursor, Problem> {
    text.parse().map_err(|_| no_cursor(&text.chars().filter(|c| !c.is_control()).take(80).collect::<String>()))
}

fn no_cursor(shown: &str) -> Problem {
    Problem::bad_request(format!("{shown:?} is no id of an event of this stream"))
        .with_code("invalid_cursor")
        .with_hint("hand back the id of the last event as it was given, or none")
}

fn flag(text: &str) -> Result<bool, Problem> {
    text.parse().map_err(|_| wrong("deltas", "expected true or false"))
}

fn wrong(field: &str, detail: &str) -> Problem {
    let field: String = field.chars().filter(|c| !c.is_control()).take(80).collect();
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{field}: {detail}")).with_field(field, detail)
}
