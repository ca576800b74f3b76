//! Workflows wherever they are: in this process's store, or at a server. Owns that every command asks both the same way and
//! is answered in the same shapes, so that what is said of them is written once.

use futures::StreamExt as _;
use mcp_orchestrator::{Error as EngineError, Handle};
use mcp_orchestrator_api::view::{QuestionView, ResultsView};
use mcp_orchestrator_domain::{Recorded, Rejected, Seq, Status, StepId, WorkflowId};
use mcp_orchestrator_store::ListFilter;
use mcp_orchestrator_streaming::{ClientEvents, Cursor, translate};

use crate::{
    error::CliError,
    found::{Found, Wanted},
    remote::{self, Server},
    row::Row,
    told::Told,
};

/// Records read at once.
const RECORDS_MAX: usize = 500;

/// Where workflows are. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) enum Workflows {
    /// In this process's store.
    Here(Handle),
    /// At a server.
    There(Server),
}

/// Which workflows to list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// None: any.
    pub(crate) statuses: Vec<Status>,
    pub(crate) before: Option<WorkflowId>,
    pub(crate) limit: usize,
}

/// Events of a workflow as they happen. Dropping it ends the watching, never the workflow.
#[derive(Debug)]
pub(crate) enum Events {
    Here(Box<ClientEvents>),
    There(Box<remote::Events>),
}

impl Events {
    /// The next event; `None` once the workflow has ended and everything was told. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Result<Option<Told>, CliError> {
        match self {
            Self::Here(events) => match events.next().await.transpose()? {
                Some(event) => Ok(Some(Told::here(&event)?)),
                None => Ok(None),
            },
            Self::There(events) => Ok(events.next().await?),
        }
    }
}

impl Workflows {
    /// Newest first.
    pub(crate) async fn list(&self, asked: Asked) -> Result<Vec<Row>, CliError> {
        let Asked { statuses, before, limit } = asked;
        match self {
            Self::Here(handle) => {
                let filter = ListFilter { statuses, before, max: limit, ..ListFilter::default() };
                Ok(handle.list(filter).await?.iter().map(Row::here).collect())
            }
            Self::There(server) => {
                let statuses: Vec<String> = statuses.iter().map(ToString::to_string).collect();
                let views = server.list(&statuses, limit, before.as_ref()).await?;
                Ok(views.into_iter().map(Row::there).collect::<Result<_, _>>()?)
            }
        }
    }

    /// How a workflow stands.
    pub(crate) async fn status(&self, id: &WorkflowId) -> Result<Row, CliError> {
        match self {
            Self::Here(handle) => Ok(Row::here(&handle.status(id).await?)),
            Self::There(server) => Ok(Row::there(server.status(id).await?)?),
        }
    }

    /// What a workflow waits for answers to.
    pub(crate) async fn questions(&self, id: &WorkflowId) -> Result<Vec<QuestionView>, CliError> {
        match self {
            Self::Here(handle) => {
                let asked = handle.questions(id).await?;
                Ok(asked.into_iter().map(|q| QuestionView { step: q.step.to_string(), question: q.question }).collect())
            }
            Self::There(server) => Ok(server.status(id).await?.questions),
        }
    }

    /// What happens from after an event on, until the workflow has ended.
    pub(crate) async fn events(&self, id: &WorkflowId, after: Cursor) -> Result<Events, CliError> {
        match self {
            Self::Here(handle) => Ok(Events::Here(Box::new(handle.events(id, after).await?))),
            Self::There(server) => {
                let after = if after == Cursor::START { String::new() } else { after.to_string() };
                let events = remote::Events::follow(server.clone(), id.clone(), after).await?;
                Ok(Events::There(Box::new(events)))
            }
        }
    }

    /// What has happened after an event, a page of the log at a time: the events, and where the next page begins; `None` at
    /// the end of the log.
    pub(crate) async fn happened(
        &self,
        id: &WorkflowId,
        after: Cursor,
        from: Seq,
    ) -> Result<Option<(Vec<Told>, Seq)>, CliError> {
        let records: Vec<Recorded> = match self {
            Self::Here(handle) => handle.records(id, from, RECORDS_MAX).await?,
            Self::There(server) => server.records(id, from).await?,
        };
        let Some(last) = records.last() else { return Ok(None) };
        let events = records.iter().flat_map(|recorded| translate(id, recorded)).filter(|event| event.id > after);
        let told = events.map(|event| Told::here(&event)).collect::<Result<_, _>>()?;
        Ok(Some((told, last.seq)))
    }

    /// Waits until it is known that a workflow which was to run in this process cannot go on. A server's says so itself.
    pub(crate) async fn stuck(&self, id: &WorkflowId) -> CliError {
        if let Self::Here(handle) = self
            && let Err(error) = handle.settled(id).await
        {
            return error.into();
        }
        std::future::pending().await
    }

    /// Waits until a workflow has ended or is held back.
    pub(crate) async fn ended(&self, id: &WorkflowId) -> Result<(), CliError> {
        match self {
            Self::Here(handle) => match handle.settled(id).await {
                Ok(_) | Err(EngineError::Poisoned { .. }) => {}
                Err(error) => return Err(error.into()),
            },
            Self::There(_) => {
                let mut events = self.events(id, Cursor::START).await?;
                while events.next().await?.is_some() {}
            }
        }
        Ok(())
    }

    /// Cancels a workflow. When this returns no further call of it starts.
    pub(crate) async fn cancel(&self, id: &WorkflowId, reason: &str) -> Result<(), CliError> {
        match self {
            Self::Here(handle) => Ok(handle.cancel(id, reason).await?),
            Self::There(server) => {
                let answer = server.cancel(id, reason).await?;
                match answer.cancelled {
                    true => Ok(()),
                    false => Err(EngineError::Rejected(Rejected::Ended(answer.status.parse()?)).into()),
                }
            }
        }
    }

    /// Answers a question. When this returns the answer is stored.
    pub(crate) async fn answer(&self, id: &WorkflowId, step: &StepId, text: &str) -> Result<(), CliError> {
        match self {
            Self::Here(handle) => Ok(handle.answer(id, step.clone(), text).await?),
            Self::There(server) => {
                server.answer(id, step.as_str(), text).await?;
                Ok(())
            }
        }
    }

    /// What was known of a workflow at a position of its log: with the row it had then.
    pub(crate) async fn results_at(&self, id: &WorkflowId, at: Seq) -> Result<Found, CliError> {
        match self {
            Self::Here(handle) => {
                let found = handle.results_at(id, at).await?;
                let then = Found::here(&found);
                Ok(Found { view: then.view.at(&found), ..then })
            }
            Self::There(server) => {
                let mut row = server.status(id).await?;
                let view = server.results(id, Some(at)).await?;
                row.status.clone_from(&view.status);
                row.progress = view.progress.clone().map_or(row.progress, |progress| *progress);
                row.failure.clone_from(&view.failure);
                let row = Row::there(row)?;
                if !row.status.is_terminal() {
                    return Ok(Found { row: row.unfinished(), view, documents: Vec::new(), evidence: Vec::new() });
                }
                files(server, row, view, Wanted::Files).await
            }
        }
    }

    /// What came of a workflow.
    pub(crate) async fn results(&self, id: &WorkflowId, wanted: Wanted) -> Result<Found, CliError> {
        match self {
            Self::Here(handle) => Ok(Found::here(&handle.results(id).await?)),
            Self::There(server) => {
                let row = Row::there(server.status(id).await?)?;
                let view = server.results(id, None).await?;
                files(server, row, view, wanted).await
            }
        }
    }
}

/// What came of a workflow of a server, with the files that are wanted.
async fn files(server: &Server, row: Row, view: ResultsView, wanted: Wanted) -> Result<Found, CliError> {
    let mut documents = Vec::new();
    for document in &view.generated_documents {
        if wanted == Wanted::Files || document.filename.ends_with(".md") {
            documents.push(server.document(&row.id, document).await?);
        }
    }
    let mut found = Found { row, view, documents, evidence: Vec::new() };
    if wanted == Wanted::Files && found.is_verifiable() {
        found.evidence = server.evidence(&found.row.id, &found.view).await?;
    }
    Ok(found)
}
