//! Workflows: start, list, read, steer.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use mcp_orchestrator_api::{
    ApiError, Caller, CancelAnswer, Code, ForkCall, LogPage, StartCall, StartKind,
    arguments::{ListArguments, NoArguments},
    fork_schema, submission_schema,
    view::{DocumentView, EvidenceView, ResultsView, StartedView, WorkflowPage, WorkflowView},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Operation, Table};
use crate::{
    answer::{Json, download},
    extract::{Asked, Named, Object, Who, shaped},
    http::Shared,
    problem::Problem,
};

const TAG: &str = "workflows";
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Records of a log in one page when nobody says.
const LOG_PAGE: usize = 100;

pub(super) fn add(table: &mut Table) {
    table.add(
        Operation::post("/v1/workflows", TAG, "Start a workflow")
            .header(
                "Idempotency-Key",
                "The same key with the same body is the same workflow. 1 to 200 visible characters.",
            )
            .takes_schema("StartWorkflow", Value::Object(submission_schema()))
            .answers::<StartedView>(StatusCode::ACCEPTED, "Stored; `Location` is where it is read")
            .answers::<StartedView>(StatusCode::OK, "Ended within `wait_seconds`, or found by its key")
            .fails([StatusCode::BAD_REQUEST, StatusCode::UNPROCESSABLE_ENTITY, StatusCode::TOO_MANY_REQUESTS])
            .unhurried(),
        start,
    );
    table.add(
        Operation::get("/v1/workflows", TAG, "List workflows, newest first")
            .query::<ListArguments>()
            .answers::<WorkflowPage>(StatusCode::OK, "A page")
            .fails([StatusCode::UNPROCESSABLE_ENTITY]),
        list,
    );
    table.add(
        Operation::get("/v1/workflows/{id}", TAG, "How a workflow stands")
            .answers::<WorkflowView>(StatusCode::OK, "The workflow")
            .fails([StatusCode::NOT_FOUND]),
        status,
    );
    table.add(
        Operation::get("/v1/workflows/{id}/results", TAG, "What came of a workflow so far, or was known at a position")
            .query::<ResultsQuery>()
            .answers::<ResultsView>(StatusCode::OK, "Report, sources, agents, documents")
            .fails([StatusCode::NOT_FOUND, StatusCode::UNPROCESSABLE_ENTITY]),
        results,
    );
    table.add(
        Operation::get("/v1/workflows/{id}/documents", TAG, "The files of a workflow")
            .answers::<FilesView>(StatusCode::OK, "Documents, and the texts their citations point into")
            .fails([StatusCode::NOT_FOUND]),
        documents,
    );
    table.add(
        Operation::get("/v1/workflows/{id}/documents/{name}", TAG, "Download a document, or a text by its SHA-256")
            .header("If-None-Match", "The `ETag` of the file that is there already.")
            .gives("*/*", "The file, in its own media type")
            .gives_nothing(StatusCode::NOT_MODIFIED, "It has not changed")
            .fails([StatusCode::NOT_FOUND]),
        document,
    );
    table.add(
        Operation::get("/v1/workflows/{id}/log", TAG, "Records of a workflow's log")
            .query::<LogQuery>()
            .answers::<LogPage>(StatusCode::OK, "A page")
            .fails([StatusCode::NOT_FOUND, StatusCode::UNPROCESSABLE_ENTITY]),
        log,
    );
    table.add(
        Operation::post("/v1/workflows/{id}/cancel", TAG, "Cancel a workflow for good")
            .takes::<CancelBody>()
            .answers::<CancelAnswer>(StatusCode::OK, "It is cancelled, by this call or before")
            .fails([StatusCode::NOT_FOUND, StatusCode::CONFLICT]),
        cancel,
    );
    table.add(
        Operation::post("/v1/workflows/{id}/fork", TAG, "Go on from a position of a workflow's log as a new workflow")
            .header(
                "Idempotency-Key",
                "The same key with the same body is the same fork. At the head there is one continuation without any.",
            )
            .takes_schema("ForkWorkflow", Value::Object(fork_schema()))
            .answers::<StartedView>(StatusCode::ACCEPTED, "Stored; `Location` is where it is read")
            .answers::<StartedView>(StatusCode::OK, "Forked or continued before, and ended by now")
            .fails([
                StatusCode::BAD_REQUEST,
                StatusCode::NOT_FOUND,
                StatusCode::CONFLICT,
                StatusCode::UNPROCESSABLE_ENTITY,
            ]),
        fork,
    );
    table.add(
        Operation::post("/v1/workflows/{id}/resume", TAG, "Have a workflow tried again that is held back")
            .answers::<WorkflowView>(StatusCode::OK, "It goes on as itself; one that goes on already is left at that")
            .fails([StatusCode::NOT_FOUND, StatusCode::CONFLICT]),
        resume,
    );
    table.add(
        Operation::post("/v1/workflows/{id}/answer", TAG, "Answer a question of a workflow")
            .takes::<AnswerBody>()
            .answers::<WorkflowView>(StatusCode::OK, "The answer is stored")
            .fails([StatusCode::NOT_FOUND, StatusCode::CONFLICT, StatusCode::UNPROCESSABLE_ENTITY]),
        answer,
    );
}

/// The files of a workflow.
#[derive(Debug, Serialize, JsonSchema)]
struct FilesView {
    /// The workflow.
    task_id: String,
    /// Its documents.
    documents: Vec<DocumentView>,
    /// The texts its citations point into.
    evidence: Vec<EvidenceView>,
}

/// When.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct ResultsQuery {
    /// A position of its log: what was known then. Default: now.
    #[schemars(range(min = 1))]
    at: Option<u64>,
}

/// Which records of a log.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct LogQuery {
    /// Those after this position; default 0, the beginning.
    after: Option<u64>,
    /// How many at most, 1 to 1000; default 100.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<usize>,
}

/// A cancellation.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct CancelBody {
    /// Why; kept in the log. At most 500 characters.
    reason: Option<String>,
}

/// An answer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AnswerBody {
    /// The step that asks. May be left out when there is one question.
    #[serde(default)]
    step: Option<String>,
    /// The answer, at most 10,000 characters.
    answer: String,
}

async fn start(
    State(shared): State<Shared>,
    Who(caller): Who,
    headers: HeaderMap,
    Object(arguments): Object,
) -> Result<Response, Problem> {
    let started = started(&shared, &caller, StartKind::Any, &headers, arguments).await?;
    Ok(started.into_response())
}

/// A workflow that was started, or found by its key.
pub(super) struct Started(pub(super) StartedView);

impl IntoResponse for Started {
    fn into_response(self) -> Response {
        let Self(view) = self;
        let is_done = view.workflow.is_terminal();
        let status = if is_done { StatusCode::OK } else { StatusCode::ACCEPTED };
        let location = HeaderValue::try_from(format!("/v1/workflows/{}", view.workflow.task_id));
        let is_new = view.created;
        let mut response = (status, Json(view)).into_response();
        if let Ok(location) = location {
            response.headers_mut().insert(header::LOCATION, location);
        }
        if !is_new {
            response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

/// Starts a workflow and waits for its end as long as it is asked to.
pub(super) async fn started(
    shared: &Shared,
    caller: &Caller,
    kind: StartKind,
    headers: &HeaderMap,
    mut arguments: Map<String, Value>,
) -> Result<Started, Problem> {
    add_key(headers, &mut arguments)?;
    let call = StartCall::parse(kind, arguments)?;
    let wait = call.wait.filter(|wait| !wait.is_zero());
    let mut view = shared.api().start(caller, kind, call).await?;
    if let Some(wait) = wait {
        let id = view.workflow.task_id.clone();
        let closed = async {
            shared.drain().closed().await;
            tokio::time::sleep(super::tools::CLOSING).await;
        };
        tokio::select! {
            biased;
            // That it runs is known: an error of the wait must not hide its id.
            stands = shared.api().wait(caller, &id, wait) => if let Ok(stands) = stands { view.workflow = stands },
            () = closed => {}
        }
    }
    Ok(Started(view))
}

/// The key of the header as an argument. One in the body must be the same.
fn add_key(headers: &HeaderMap, arguments: &mut Map<String, Value>) -> Result<(), Problem> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else { return Ok(()) };
    let refused = |detail: &str| Problem::from(ApiError::field("idempotency_key", detail));
    let key = key.to_str().map_err(|_| refused("the header has other than visible ASCII characters"))?;
    // The draft of its standard writes the key as a quoted string.
    let key = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key);
    match arguments.insert("idempotency_key".to_owned(), Value::String(key.to_owned())) {
        Some(Value::String(other)) if other != key => Err(refused("the header and the body have different keys")),
        _ => Ok(()),
    }
}

async fn list(
    State(shared): State<Shared>,
    Who(caller): Who,
    Asked(asked): Asked<ListArguments>,
) -> Result<Json<WorkflowPage>, Problem> {
    Ok(Json(shared.api().list(&caller, &asked).await?))
}

async fn status(
    State(shared): State<Shared>,
    Who(caller): Who,
    Named(id): Named<String>,
) -> Result<Json<WorkflowView>, Problem> {
    Ok(Json(shared.api().status(&caller, &id).await?))
}

async fn results(
    State(shared): State<Shared>,
    Who(caller): Who,
    Named(id): Named<String>,
    Asked(asked): Asked<ResultsQuery>,
) -> Result<Json<ResultsView>, Problem> {
    Ok(Json(match asked.at {
        Some(at) => shared.api().results_at(&caller, &id, at).await?,
        None => shared.api().results(&caller, &id).await?,
    }))
}

async fn documents(
    State(shared): State<Shared>,
    Who(caller): Who,
    Named(id): Named<String>,
) -> Result<Json<FilesView>, Problem> {
    let results = shared.api().results(&caller, &id).await?;
    Ok(Json(FilesView { task_id: results.task_id, documents: results.generated_documents, evidence: results.evidence }))
}

async fn document(
    State(shared): State<Shared>,
    Who(caller): Who,
    Named((id, name)): Named<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Ok(download(shared.api().document(&caller, &id, &name).await?, &headers))
}

async fn log(
    State(shared): State<Shared>,
    Who(caller): Who,
    Named(id): Named<String>,
    Asked(asked): Asked<LogQuery>,
) -> Result<Json<LogPage>, Problem> {
    let (after, limit) = (asked.after.unwrap_or_default(), asked.limit.unwrap_or(LOG_PAGE));
    Ok(Json(shared.api().log(&caller, &id, after, limit).await?))
}

async fn cancel(
    State(shared): State<Shared>,
    Who(caller): Who,
    Named(id): Named<String>,
    Object(body): Object,
) -> Result<Json<CancelAnswer>, Problem> {
    let CancelBody { reason } = shaped(body)?;
    let cancelled = shared.api().cancel(&caller, &id, reason.as_deref()).await?;
    let status = shared.api().workflow(&caller, &id).await?.status;
    if !cancelled && status != "cancelled" {
        return Err(ApiError::new(Code::Conflict, format!("the workflow has ended already: it is {status}")).into());
    }
    Ok(Json(CancelAnswer { task_id: id, cancelled, status }))
}

async fn fork(
    State(shared): State<Shared>,
    Who(caller): Who,
    Named(id): Named<String>,
    headers: HeaderMap,
    Object(mut arguments): Object,
) -> Result<Started, Problem> {
    add_key(&headers, &mut arguments)?;
    Ok(Started(shared.api().fork(&caller, &id, ForkCall::parse(arguments)?).await?))
}

async fn resume(
    State(shared): State<Shared>,
    Who(caller): Who,
    Named(id): Named<String>,
    Object(body): Object,
) -> Result<Json<WorkflowView>, Problem> {
    let NoArguments {} = shaped(body)?;
    let view = shared.api().workflow(&caller, &id).await?;
    if view.is_terminal() {
        let detail = format!("the workflow has ended: it is {}", view.status);
        let error = ApiError::new(Code::Conflict, detail);
        return Err(error.with_hint("a failed or cancelled one is continued by …/fork").into());
    }
    if !view.is_held_back() {
        return Ok(Json(view));
    }
    Ok(Json(shared.api().resume(&caller, &id).await?))
}

async fn answer(
    State(shared): State<Shared>,
    Who(caller): Who,
    Named(id): Named<String>,
    Object(body): Object,
) -> Result<Json<WorkflowView>, Problem> {
    let AnswerBody { step, answer } = shaped(body)?;
    Ok(Json(shared.api().answer(&caller, &id, step.as_deref(), &answer).await?))
}
