//! Everything the server can be asked, once. Owns no wire: transports translate to and from it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use mcp_orchestrator::{
    DocumentFile, Error, Handle, ListFilter, ResultFile, ResumeOptions, Status, WorkflowId,
    domain::{PatternName, Recorded, Seq, StepId},
    store::PAGE_MAX,
};
use mcp_orchestrator_webhooks::Webhooks;

use crate::{
    ApiError, Caller, Code, Defaults,
    arguments::ListArguments,
    config::config,
    providers::Found,
    view::{
        PatternView, PatternsView, QuestionView, ResultsView, StartedView, ToolView, ToolsView, WorkflowPage,
        WorkflowView,
    },
};

/// The longest reason kept with a cancellation, in characters.
const REASON_CHARS_MAX: usize = 500;

/// What the server offers. Cheap to clone; all clones are the same.
///
/// Dropping the future of any method ends the wait for its answer and never a workflow.
#[derive(Clone, Debug)]
pub struct Api {
    pub(crate) handle: Handle,
    pub(crate) webhooks: Webhooks,
    pub(crate) missing: Arc<BTreeMap<String, String>>,
    pub(crate) defaults: Arc<Defaults>,
    pub(crate) found: Found,
}

/// A page of a workflow's log.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "clients read it field by field")]
pub struct LogPage {
    /// The workflow.
    pub task_id: String,
    /// Its records in order, as they are stored.
    pub records: Vec<serde_json::Value>,
    /// The position after the last of them: what the next page is asked for with.
    pub next_after: u64,
    /// The last position of the whole log.
    pub head: u64,
}

/// A file to download.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "transports read it field by field")]
pub struct Download {
    /// A safe file name with its extension.
    pub name: String,
    /// Its media type.
    pub media_type: &'static str,
    /// Its bytes.
    pub bytes: bytes::Bytes,
}

impl Api {
    /// What a running orchestrator offers.
    #[must_use]
    pub fn new(handle: Handle, webhooks: Webhooks) -> Self {
        Self { handle, webhooks, missing: Arc::default(), defaults: Arc::default(), found: Found::default() }
    }

    /// Says what holds for requests that do not say.
    #[must_use]
    pub fn with_defaults(mut self, defaults: Defaults) -> Self {
        self.defaults = Arc::new(defaults);
        self
    }

    /// Says why providers that are known and not registered cannot answer: a request that names one is told so.
    #[must_use]
    pub fn with_missing_providers(mut self, missing: BTreeMap<String, String>) -> Self {
        self.missing = Arc::new(missing);
        self
    }

    /// The orchestrator in the name of a caller.
    #[must_use]
    pub fn handle(&self, caller: &Caller) -> Handle {
        self.handle.for_principal(caller.principal.clone())
    }

    /// The webhooks.
    #[must_use]
    pub const fn webhooks(&self) -> &Webhooks {
        &self.webhooks
    }

    /// A workflow in the shape of the answer to its submission, for whoever comes back to it later.
    ///
    /// # Errors
    /// As [`Api::workflow`].
    pub async fn submission(&self, caller: &Caller, id: &str) -> Result<StartedView, ApiError> {
        let (handle, id) = (self.handle(caller), parse_id(id)?);
        let (row, request) = (handle.status(&id).await?, handle.request(&id).await?);
        Ok(StartedView {
            workflow: WorkflowView::of(&row),
            stream_url: format!("/v1/workflows/{}/events", row.id),
            created: false,
            config: config(&request),
            warnings: Vec::new(),
        })
    }

    /// A workflow as it stands, with the questions it waits for answers to.
    ///
    /// # Errors
    /// [`Code::NotFound`], also for another principal's and for what is no id.
    pub async fn workflow(&self, caller: &Caller, id: &str) -> Result<WorkflowView, ApiError> {
        let (handle, id) = (self.handle(caller), parse_id(id)?);
        let row = handle.status(&id).await?;
        let mut view = WorkflowView::of(&row);
        if row.summary.status == Status::Waiting {
            view.questions = questions(&handle, &id).await?;
        }
        Ok(view)
    }

    /// As [`Api::workflow`], with the number of syntheses of one that has completed: the original's status.
    ///
    /// # Errors
    /// As [`Api::workflow`].
    pub async fn status(&self, caller: &Caller, id: &str) -> Result<WorkflowView, ApiError> {
        let mut view = self.workflow(caller, id).await?;
        if let Some(result) = &mut view.result {
            let syntheses = self.handle(caller).syntheses(&parse_id(id)?).await?;
            result.synthesis_count = u32::try_from(syntheses).ok();
        }
        Ok(view)
    }

    /// Waits until a workflow has ended, waits for a person or is held back, at most so long, and answers with how it stands then.
    ///
    /// Dropping the future ends the wait, never the workflow.
    ///
    /// # Errors
    /// As [`Api::workflow`].
    pub async fn wait(&self, caller: &Caller, id: &str, at_most: Duration) -> Result<WorkflowView, ApiError> {
        let (handle, id) = (self.handle(caller), parse_id(id)?);
        let until = tokio::time::Instant::now() + at_most;
        loop {
            let view = self.workflow(caller, id.as_str()).await?;
            let now = tokio::time::Instant::now();
            if view.is_terminal() || view.is_held_back() || !view.questions.is_empty() || now >= until {
                return Ok(view);
            }
            // A workflow that begins to wait for a person tells nobody here; it is looked at now and then.
            let look = (until - now).min(LOOK);
            match tokio::time::timeout(look, handle.settled(&id)).await {
                Ok(Ok(_) | Err(Error::Poisoned { .. })) | Err(_) => {}
                Ok(Err(Error::ShuttingDown)) => return self.workflow(caller, id.as_str()).await,
                Ok(Err(error)) => return Err(error.into()),
            }
        }
    }

    /// Workflows of the caller, newest first.
    ///
    /// # Errors
    /// [`ApiError`] naming the field that cannot be read.
    pub async fn list(&self, caller: &Caller, asked: &ListArguments) -> Result<WorkflowPage, ApiError> {
        let max = match asked.limit {
            None => 50,
            Some(limit @ 1..=500) => usize::try_from(limit).unwrap_or(500),
            Some(limit) => return Err(ApiError::field("limit", format!("is {limit}, expected 1 to 500"))),
        };
        let filter = ListFilter {
            statuses: statuses(asked.status.as_deref())?,
            pattern: asked.pattern.as_deref().map(pattern).transpose()?,
            before: asked.cursor.as_deref().map(cursor).transpose()?,
            max,
            principal: None,
        };
        let rows = self.handle(caller).list(filter).await?;
        let next_cursor = if rows.len() == max { rows.last().map(|row| row.id.to_string()) } else { None };
        Ok(WorkflowPage { workflows: rows.iter().map(WorkflowView::of).collect(), next_cursor })
    }

    /// What came of a workflow so far.
    ///
    /// # Errors
    /// As [`Api::workflow`].
    pub async fn results(&self, caller: &Caller, id: &str) -> Result<ResultsView, ApiError> {
        Ok(ResultsView::of(&self.handle(caller).results(&parse_id(id)?).await?))
    }

    /// What was known of a workflow at a position of its log.
    ///
    /// # Errors
    /// As [`Api::workflow`]; [`ApiError`] naming `at` when the log has no such position.
    pub async fn results_at(&self, caller: &Caller, id: &str, at: u64) -> Result<ResultsView, ApiError> {
        let found = self.handle(caller).results_at(&parse_id(id)?, Seq::new(at)).await?;
        Ok(ResultsView::of(&found).at(&found))
    }

    /// A rendered document by its file name, or a text of the evidence by its SHA-256.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub async fn document(&self, caller: &Caller, id: &str, name: &str) -> Result<Download, ApiError> {
        let (handle, id) = (self.handle(caller), parse_id(id)?);
        match handle.file(&id, name).await? {
            Some(ResultFile::Document(DocumentFile { name, format, bytes, .. })) => {
                let media_type = match format.extension() {
                    "md" => "text/markdown; charset=utf-8",
                    "json" => "application/json",
                    _ => "application/octet-stream",
                };
                Ok(Download { name, media_type, bytes })
            }
            Some(ResultFile::Evidence(file)) => Ok(Download {
                name: file.digest.to_string(),
                media_type: "text/plain; charset=utf-8",
                bytes: bytes::Bytes::copy_from_slice(file.text.as_bytes()),
            }),
            _ => {
                let shown: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
                let detail = format!("{id} has no document {shown:?}");
                Err(ApiError::new(Code::NotFound, detail).with_hint("its results name its documents"))
            }
        }
    }

    /// Records of a workflow's log after a position; 0 is the beginning.
    ///
    /// # Errors
    /// As [`Api::workflow`]; [`ApiError`] naming `limit`.
    pub async fn log(&self, caller: &Caller, id: &str, after: u64, limit: usize) -> Result<LogPage, ApiError> {
        if !(1..=PAGE_MAX).contains(&limit) {
            return Err(ApiError::field("limit", format!("is {limit}, expected 1 to {PAGE_MAX}")));
        }
        let (handle, id) = (self.handle(caller), parse_id(id)?);
        let head = handle.status(&id).await?.head.value();
        let records = handle.records(&id, Seq::new(after), limit).await?;
        let next_after = records.last().map_or(after, |recorded| recorded.seq.value());
        let records: Result<Vec<_>, _> = records.iter().map(numbered).collect();
        let records = records.map_err(|error| ApiError::new(Code::Internal, error.to_string()))?;
        Ok(LogPage { task_id: id.to_string(), records, next_after, head: head.max(next_after) })
    }

    /// Cancels a workflow. When this returns no further call of it starts. Whether this call did it: one that has ended
    /// is left as it is.
    ///
    /// # Errors
    /// As [`Api::workflow`].
    pub async fn cancel(&self, caller: &Caller, id: &str, reason: Option<&str>) -> Result<bool, ApiError> {
        let (handle, id) = (self.handle(caller), parse_id(id)?);
        let reason = reason.unwrap_or("cancelled by the client");
        let chars = reason.chars().count();
        if chars > REASON_CHARS_MAX {
            let detail = format!("has {chars} characters, expected at most {REASON_CHARS_MAX}");
            return Err(ApiError::field("reason", detail));
        }
        match handle.cancel(&id, reason).await {
            Ok(()) => Ok(true),
            Err(Error::Rejected(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Continues a failed or cancelled workflow as a new one, or an unfinished one as itself; answers with its view.
    ///
    /// # Errors
    /// As [`Api::workflow`]; [`Code::Conflict`] when it has completed.
    pub async fn resume(&self, caller: &Caller, id: &str) -> Result<WorkflowView, ApiError> {
        let (handle, id) = (self.handle(caller), parse_id(id)?);
        let options = ResumeOptions { request_id: caller.request_id(), ..ResumeOptions::default() };
        let next = handle.resume(&id, options).await?;
        Ok(WorkflowView::of(&handle.status(&next).await?))
    }

    /// Answers a question of a workflow; without a step, its only one. Returns when the answer is stored.
    ///
    /// # Errors
    /// As [`Api::workflow`]; [`Code::Conflict`] when nothing is asked there; [`ApiError`] naming `step` when it asks
    /// several questions, or `answer`.
    pub async fn answer(
        &self,
        caller: &Caller,
        id: &str,
        step: Option<&str>,
        answer: &str,
    ) -> Result<WorkflowView, ApiError> {
        let (handle, id) = (self.handle(caller), parse_id(id)?);
        let chars = answer.chars().count();
        if !(1..=ANSWER_CHARS_MAX).contains(&chars) {
            let detail = format!("has {chars} characters, expected 1 to {ANSWER_CHARS_MAX}");
            return Err(ApiError::field("answer", detail));
        }
        let step = match step {
            Some(step) => StepId::new(step).map_err(|error| ApiError::field("step", error.to_string()))?,
            None => only_question(&handle, &id).await?,
        };
        handle.answer(&id, step, answer).await?;
        Ok(WorkflowView::of(&handle.status(&id).await?))
    }

    /// The strategies requests may name.
    #[must_use]
    pub fn patterns(&self) -> PatternsView {
        let patterns: Vec<PatternView> = self.handle.patterns().into_iter().map(PatternView::from).collect();
        PatternsView { count: patterns.len(), patterns }
    }

    /// The registered tools of a category and with one of some tags; no tags: any.
    #[must_use]
    pub fn registered_tools(&self, category: Option<&str>, tags: &[String]) -> ToolsView {
        let tools: Vec<ToolView> = self
            .handle
            .tools()
            .iter()
            .map(|tool| ToolView::of(tool.as_ref()))
            .filter(|tool| category.is_none_or(|category| tool.category == category))
            .filter(|tool| tags.is_empty() || tags.iter().any(|tag| tool.tags.contains(tag)))
            .collect();
        ToolsView { count: tools.len(), tools }
    }
}

/// The longest answer, in characters.
const ANSWER_CHARS_MAX: usize = 10_000;

/// The longest time between two looks at whether a workflow waits for a person.
const LOOK: Duration = Duration::from_millis(500);

/// A record with its position.
fn numbered(recorded: &Recorded) -> serde_json::Result<serde_json::Value> {
    let mut record = serde_json::to_value(recorded.record.as_ref())?;
    if let Some(record) = record.as_object_mut() {
        record.insert("seq".to_owned(), recorded.seq.value().into());
    }
    Ok(record)
}

/// What is no id names no workflow.
pub(crate) fn parse_id(id: &str) -> Result<WorkflowId, ApiError> {
    id.parse().map_err(|_| {
        let shown: String = id.chars().filter(|c| !c.is_control()).take(80).collect();
        ApiError::new(Code::NotFound, format!("no workflow is named {shown}"))
    })
}

async fn questions(handle: &Handle, id: &WorkflowId) -> Result<Vec<QuestionView>, ApiError> {
    let asked = handle.questions(id).await?;
    Ok(asked.into_iter().map(|q| QuestionView { step: q.step.to_string(), question: q.question }).collect())
}

async fn only_question(handle: &Handle, id: &WorkflowId) -> Result<StepId, ApiError> {
    let mut asked = handle.questions(id).await?;
    match (asked.pop(), asked.len()) {
        (Some(question), 0) => Ok(question.step),
        (None, _) => Err(ApiError::new(Code::Conflict, format!("{id} waits for no answer"))),
        (Some(_), more) => Err(ApiError::field("step", format!("is missing, and {id} asks {} questions", more + 1))),
    }
}

fn statuses(text: Option<&str>) -> Result<Vec<Status>, ApiError> {
    let Some(text) = text else { return Ok(Vec::new()) };
    text.split(',')
        .map(|word| {
            Status::ALL.iter().copied().find(|status| status.to_string() == word.trim()).ok_or_else(|| {
                let known: Vec<String> = Status::ALL.iter().map(ToString::to_string).collect();
                let shown: String = word.chars().filter(|c| !c.is_control()).take(40).collect();
                ApiError::field("status", format!("is {shown:?}, expected {}", known.join(", ")))
            })
        })
        .collect()
}

fn pattern(name: &str) -> Result<PatternName, ApiError> {
    let name = match name {
        "research" => "beltalowda",
        "search" => "swarm",
        other => other,
    };
    PatternName::new(name).map_err(|error| ApiError::field("pattern", error.to_string()))
}

fn cursor(text: &str) -> Result<WorkflowId, ApiError> {
    text.parse().map_err(|_| ApiError::field("cursor", "is not one this server gave"))
}
