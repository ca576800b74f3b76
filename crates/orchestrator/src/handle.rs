//! What callers do with a running orchestrator: submit, watch, wait, cancel, resume, read.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use mcp_orchestrator_domain::{
    Command, Event, Principal, Recorded, Rejected, Request, RequestDraft, Seq, Status, Workflow, WorkflowId,
};
use mcp_orchestrator_store::{After, Append, AppendError, Head, Lineage, ListFilter, Summary, WorkflowRow, Writer};
use mcp_orchestrator_streaming::{ClientEvents, Cursor, Watch};
use tokio::sync::{broadcast, oneshot};

use crate::{
    EndedWorkflow, Error, ModelSpending, Question, ResultFile, Results, Submission, SubmitOptions,
    hub::Hub,
    orchestrator::Running,
    parts::Parts,
    results,
    run::{RunCommand, read_workflow, summary, trace},
    submit,
};

/// Rounds of deciding and appending when others append at the same time.
const ROUNDS_MAX: u32 = 64;
/// The longest wait between two looks at a workflow that others run.
const LOOK: Duration = Duration::from_millis(500);
/// The same for one that runs here, whose end is told: a net, should a run end in no way it may.
const LOOK_LOCAL: Duration = Duration::from_secs(5);

/// A running orchestrator. Cheap to clone; all clones are the same.
///
/// Dropping a future of any method ends the wait, never the workflow. When the last handle is dropped without
/// [`Handle::shutdown`], the worker gives its workflows back and ends soon after.
#[derive(Clone, Debug)]
pub struct Handle {
    pub(crate) parts: Arc<Parts>,
    hub: Arc<Hub>,
    running: Arc<Mutex<Option<Running>>>,
    pub(crate) principal: Principal,
}

impl Handle {
    pub(crate) fn new(parts: Arc<Parts>, hub: Arc<Hub>, running: Running) -> Self {
        Self { parts, hub, running: Arc::new(Mutex::new(Some(running))), principal: Principal::local() }
    }

    /// The same orchestrator on behalf of a principal. Workflows of others are then unknown.
    #[must_use]
    pub fn for_principal(&self, principal: Principal) -> Self {
        Self { principal, ..self.clone() }
    }

    /// Submits a request. Returns its workflow's id when it is stored; a worker, here or elsewhere, runs it.
    ///
    /// Dropping the future leaves open whether it was stored. Who must know submits with
    /// [`SubmitOptions::idempotency_key`] and asks again.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every field that breaks a rule; [`Error::UnknownPattern`], [`Error::UnknownProvider`] and
    /// [`Error::UnknownCorpus`] with the names there are; [`Error::UnknownPrice`] when a money budget cannot be held;
    /// [`Error::Store`]; [`Error::ShuttingDown`]. Nothing was started. [`Error::Unsure`]: it is not known whether it was.
    pub async fn submit(&self, draft: RequestDraft) -> Result<WorkflowId, Error> {
        self.submit_with(draft, SubmitOptions::default()).await
    }

    /// Submits a request once: the same idempotency key with the same request answers with the same workflow, in whatever
    /// state that is by then.
    ///
    /// Dropping the future leaves open whether it was stored; asking again with the same key is safe.
    ///
    /// # Errors
    /// As [`Handle::submit`]; [`Error::IdempotencyMismatch`] when the key was used with another request;
    /// [`Error::InvalidIdempotencyKey`].
    pub async fn submit_with(&self, draft: RequestDraft, options: SubmitOptions) -> Result<WorkflowId, Error> {
        Ok(self.submit_once(draft, options).await?.id)
    }

    /// As [`Handle::submit_with`], and says whether this very submission made the workflow.
    ///
    /// # Errors
    /// As [`Handle::submit_with`].
    pub async fn submit_once(&self, draft: RequestDraft, options: SubmitOptions) -> Result<Submission, Error> {
        if self.is_draining() {
            return Err(Error::ShuttingDown);
        }
        submit::submit(&self.parts, &self.principal, draft, options).await
    }

    /// A workflow as lists show it: status, progress, spending, owner. Reads one row; dropping the future changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`] also for another principal's, [`Error::Store`].
    pub async fn status(&self, id: &WorkflowId) -> Result<WorkflowRow, Error> {
        let row = self.parts.store.get(id).await?;
        row.filter(|row| row.principal == self.principal).ok_or_else(|| Error::NotFound(id.clone()))
    }

    /// The request of a workflow with everything filled in: what was asked for, and what was chosen where it left things
    /// open. Dropping the future changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn request(&self, id: &WorkflowId) -> Result<Arc<Request>, Error> {
        self.status(id).await?;
        let first = self.parts.store.read(id, Seq::ZERO, 1).await?.records.pop();
        match first.map(|recorded| recorded.record.event.clone()) {
            Some(Event::Submitted(submitted)) => Ok(Arc::new(submitted.request.clone())),
            _ => Err(Error::Internal(format!("the log of {id} does not begin with a request"))),
        }
    }

    /// Workflows, newest first. The filter's principal is replaced by this handle's. Dropping the future changes nothing.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn list(&self, filter: ListFilter) -> Result<Vec<WorkflowRow>, Error> {
        let filter = ListFilter { principal: Some(self.principal.clone()), ..filter };
        Ok(self.parts.store.list(&filter).await?)
    }

    /// Waits until a workflow has ended, wherever it runs. One that waits for a person has not ended.
    ///
    /// Dropping the future ends the wait, never the workflow.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Store`] or [`Error::Internal`] when it cannot go on in this process;
    /// [`Error::Poisoned`] when nobody runs it until it is resumed; [`Error::ShuttingDown`].
    pub async fn settled(&self, id: &WorkflowId) -> Result<WorkflowRow, Error> {
        let waiter = self.hub.wait_for(id);
        let mut known: Option<WorkflowRow> = None;
        loop {
            let notified = waiter.notify.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            let row = match (known.take(), waiter.last()) {
                (Some(row), Some(last)) => {
                    let (head, summary) = (last.head, last.summary.clone());
                    return Ok(WorkflowRow { head, lineage: Lineage::UNKNOWN, summary, owner: None, ..row });
                }
                (None | Some(_), _) => self.status(id).await?,
            };
            if row.summary.status.is_terminal() {
                return Ok(row);
            }
            if let Some(workers) = row.summary.poisoned {
                return Err(Error::Poisoned { workers });
            }
            if let Some(fault) = self.hub.fault(id) {
                return Err(fault);
            }
            if self.hub.is_stopped() {
                return Err(Error::ShuttingDown);
            }
            let look = if self.hub.run(id).is_some() { LOOK_LOCAL } else { LOOK };
            tokio::select! {
                () = notified => {}
                () = tokio::time::sleep(look) => {}
            }
            known = Some(row);
        }
    }

    /// Waits until a workflow has ended and reads what came of it. That it failed is no error here but one of
    /// [`Results::report`].
    ///
    /// Dropping the future ends the wait, never the workflow.
    ///
    /// # Errors
    /// As [`Handle::settled`] and [`Handle::results`].
    pub async fn wait(&self, id: &WorkflowId) -> Result<Results, Error> {
        self.settled(id).await?;
        self.results(id).await
    }

    /// What came of a workflow so far: the steps that ended, and its report and documents once it has completed. Reads the
    /// log; dropping the future changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn results(&self, id: &WorkflowId) -> Result<Results, Error> {
        let row = self.status(id).await?;
        results::read(&self.parts, row).await
    }

    /// What was known of a workflow at a position of its log: how it stood, the steps that had ended, and the report and the
    /// documents if there were any by then. The row is the one lists would have shown. Reads the log up to there; dropping
    /// the future changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] naming `at` and the last position when the log has no such one;
    /// [`Error::Store`].
    pub async fn results_at(&self, id: &WorkflowId, at: Seq) -> Result<Results, Error> {
        let row = self.status(id).await?;
        results::read_at(&self.parts, row, at).await
    }

    /// One file of a workflow, without reading the others: a rendered document by its file name, or a text of the evidence
    /// by its SHA-256 in hexadecimal digits. `None` when it has no such file.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn file(&self, id: &WorkflowId, name: &str) -> Result<Option<ResultFile>, Error> {
        self.status(id).await?;
        results::file(&self.parts, id, name).await
    }

    /// Syntheses a workflow has written so far. Reads its log and no text.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn syntheses(&self, id: &WorkflowId) -> Result<usize, Error> {
        self.status(id).await?;
        results::syntheses(&self.parts, id).await
    }

    /// What happens, after a place: replayed from the log, then live, each event once and in order. The last is
    /// `stream_closed`: after the workflow has ended, or when streams are closed here. [`Cursor::START`] is the beginning;
    /// the id of the last event seen is where a stream that was left goes on.
    ///
    /// A slow reader is fed from the store and holds up nobody; one that waits costs no read. Dropping the stream ends the
    /// watching and nothing else.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`]; the stream itself gives [`StreamError`](crate::event::StreamError) and ends.
    pub async fn events(&self, id: &WorkflowId, cursor: Cursor) -> Result<ClientEvents, Error> {
        self.status(id).await?;
        Ok(self.parts.bridge.events(id, cursor))
    }

    /// As [`Handle::events`], with the text that is being written beside it, from now on: events that are shared by all
    /// readers and rendered once, and [`StreamItem::Delta`](crate::event::StreamItem), which may be lost.
    ///
    /// # Errors
    /// As [`Handle::events`].
    pub async fn watch(&self, id: &WorkflowId, cursor: Cursor) -> Result<Watch, Error> {
        self.status(id).await?;
        Ok(self.parts.bridge.watch(id, cursor))
    }

    /// Ends all streams of this process, those that begin later too: each gives a last `stream_closed` with the reason
    /// `shutdown`, whose id is where a stream of another process goes on. Waits for nothing, and a second time does
    /// nothing. Workflows go on. A server calls it when it stops to take requests; [`Handle::shutdown`] does in its end.
    pub fn close_streams(&self) {
        self.parts.bridge.close();
    }

    /// Streams that are open in this process, of all principals.
    #[must_use]
    pub fn readers(&self) -> usize {
        self.parts.bridge.readers()
    }

    /// Every workflow that this process ends from now on, of all principals, each once: those that run here, and those that a
    /// command given here ends. Other processes tell of theirs. A receiver that is slow is told how many it missed.
    #[must_use]
    pub fn ends(&self) -> broadcast::Receiver<EndedWorkflow> {
        self.parts.ends.subscribe()
    }

    /// What calls of models have come to in this process since it began, of all principals, by provider and model.
    #[must_use]
    pub fn spending(&self) -> Vec<ModelSpending> {
        self.parts.spending.so_far()
    }

    /// Workflows that run in this process now, of all principals.
    #[must_use]
    pub fn running(&self) -> usize {
        self.hub.running()
    }

    /// Up to `max` records of the log after a position, at most [`PAGE_MAX`](crate::store::PAGE_MAX);
    /// [`Seq::ZERO`](crate::domain::Seq::ZERO) is the beginning. Dropping the future changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn records(&self, id: &WorkflowId, after: Seq, max: usize) -> Result<Vec<Recorded>, Error> {
        self.status(id).await?;
        Ok(self.parts.store.read(id, after, max).await?.records)
    }

    /// Cancels a workflow, wherever it runs. When this returns the cancellation is stored, no further call starts, and
    /// the calls that ran in this process have been aborted; elsewhere they are within 200 ms. `reason` is kept in the log.
    ///
    /// Dropping the future takes nothing back: the workflow may be cancelled all the same.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Rejected`] when it has ended already, [`Error::Store`].
    pub async fn cancel(&self, id: &WorkflowId, reason: &str) -> Result<(), Error> {
        let mut was_open = false;
        for _ in 0..ROUNDS_MAX {
            if self.status(id).await?.summary.status.is_terminal() {
                break;
            }
            was_open = true;
            if let Some(run) = self.hub.run(id) {
                let (reply, answer) = oneshot::channel();
                let command = RunCommand::Cancel { reason: reason.to_owned(), reply };
                if run.commands.send(command).await.is_ok()
                    && let Ok(answer) = answer.await
                {
                    return answer;
                }
                // The run ended meanwhile; the log says how.
            }
            let command = Command::Cancel { reason: reason.to_owned() };
            match self.carry_out(id, &command).await {
                Ok(Some(_)) => return Ok(()),
                Ok(None) => tokio::time::sleep(Duration::from_millis(2)).await,
                // It ended between the two looks.
                Err(Error::Rejected(Rejected::Ended(_))) => break,
                Err(error) => return Err(error),
            }
        }
        let status = self.status(id).await?.summary.status;
        if was_open && status == Status::Cancelled {
            // The run was cancelled and had no time left to say so.
            return Ok(());
        }
        if status.is_terminal() {
            return Err(Error::Rejected(Rejected::Ended(status)));
        }
        Err(Error::Internal("the cancellation met other writers too often".to_owned()))
    }

    /// The questions a workflow waits for answers to.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn questions(&self, id: &WorkflowId) -> Result<Vec<Question>, Error> {
        self.status(id).await?;
        let read = read_workflow(self.parts.store.as_ref(), id).await?;
        Ok(read.map(|read| results::questions(&read.workflow)).unwrap_or_default())
    }

    /// Answers a question a workflow has asked, by the step that asks. Returns when the answer is stored; the workflow then
    /// goes on where a worker claims it.
    ///
    /// Dropping the future takes nothing back: the answer may be stored all the same.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Rejected`] when that step waits for no answer: it has one, or has not asked yet;
    /// [`Error::Store`].
    pub async fn answer(
        &self,
        id: &WorkflowId,
        step: mcp_orchestrator_domain::StepId,
        answer: &str,
    ) -> Result<(), Error> {
        self.status(id).await?;
        let command = Command::Answer { step, answer: answer.to_owned() };
        for _ in 0..ROUNDS_MAX {
            if self.carry_out(id, &command).await?.is_some() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Err(Error::Internal("the answer met other writers too often".to_owned()))
    }

    /// Has a workflow tried again that is held back. One that is not any more goes on already.
    pub(crate) async fn revive(&self, id: &WorkflowId) -> Result<(), Error> {
        for _ in 0..ROUNDS_MAX {
            match self.carry_out(id, &Command::Revive).await {
                Ok(Some(_)) | Err(Error::Rejected(Rejected::NotPoisoned(_))) => return Ok(()),
                Ok(None) => tokio::time::sleep(Duration::from_millis(2)).await,
                Err(error) => return Err(error),
            }
        }
        Err(Error::Internal("the revival met other writers too often".to_owned()))
    }

    /// Claims nothing more and refuses what is submitted; what runs goes on for as long as it takes, and streams with it.
    /// Waits for nothing; [`Handle::running`] says what is left. There is no way back but another orchestrator. A second
    /// time does nothing.
    pub fn drain(&self) {
        if let Some(running) = self.running.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            running.drain();
        }
    }

    /// Whether [`Handle::drain`] or [`Handle::shutdown`] was called.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.as_ref().is_none_or(Running::is_draining)
    }

    /// Ends the worker: it claims nothing more, running workflows get `grace` to end, and the rest is given back so
    /// that another worker, or this program's next start, goes on with them. Waits for all of that, then closes all streams as
    /// [`Handle::close_streams`] does. Later calls of [`Handle::submit`] are refused; a second shutdown does nothing.
    ///
    /// Dropping the future ends the grace at once: workflows are given back, and nobody waits until they are.
    ///
    /// # Errors
    /// [`Error::Internal`] when the worker itself broke.
    pub async fn shutdown(&self, grace: Duration) -> Result<(), Error> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(running) = running else { return Ok(()) };
        // Who waits for a workflow hears of its end during the grace time too; dropped, the grace is over.
        let stopped = Stopping(&self.hub);
        let ended = running.shutdown(grace).await;
        drop(stopped);
        self.hub.outside_ended().await;
        self.close_streams();
        ended
    }

    /// Appends what a command leads to, as somebody who does not own the workflow. `None`: others have appended at the
    /// same time; try again.
    async fn carry_out(&self, id: &WorkflowId, command: &Command) -> Result<Option<Seq>, Error> {
        let read = read_workflow(self.parts.store.as_ref(), id).await?.ok_or_else(|| Error::NotFound(id.clone()))?;
        let (mut workflow, known) = (read.workflow, read.head);
        let events = workflow.decide(command)?;
        let append = self.external(&mut workflow, known, events)?;
        match self.append_outside(workflow, append).await? {
            Ok(head) => Ok(Some(head.seq)),
            // What it decided on is no longer what there is, also when that is lost.
            Err(AppendError::Conflict { .. } | AppendError::Regressed { .. } | AppendError::Terminal) => Ok(None),
            Err(AppendError::Store(error)) => Err(error.into()),
            Err(other) => Err(Error::Internal(other.to_string())),
        }
    }

    /// Appends in a task of its own, so that whoever stops to wait for it keeps nobody from hearing that a workflow ended.
    async fn append_outside(&self, workflow: Workflow, append: Append) -> Result<Result<Head, AppendError>, Error> {
        let (answer, answered) = oneshot::channel();
        let parts = Arc::clone(&self.parts);
        self.hub.outside(async move {
            let appended = parts.store.append(append).await;
            if appended.is_ok() && workflow.status().is_terminal() {
                parts.ends.tell(&workflow);
                trace::ended_outside(&workflow);
            }
            let _ = answer.send(appended);
        });
        answered.await.map_err(|_| Error::Internal("an append of the store did not end".to_owned()))
    }

    fn external(&self, workflow: &mut Workflow, known: Head, events: Vec<Event>) -> Result<Append, Error> {
        let now = self.parts.clock.now();
        let mut records = Vec::with_capacity(events.len());
        for event in events {
            records.push(workflow.advance(event, now)?.record);
        }
        let summary: Summary = summary(workflow);
        let after = match summary.status {
            Status::Completed | Status::Failed | Status::Cancelled => After::Finish,
            // It is held back, whatever was answered meanwhile.
            Status::Waiting => After::Keep,
            Status::Queued | Status::Running => After::Requeue { not_before: None },
        };
        let append_id = u128::from_be_bytes(self.parts.dice.roll()?);
        Ok(Append {
            id: workflow.id().clone(),
            expected: known.seq,
            lineage: known.lineage,
            writer: Writer::External,
            append_id,
            records,
            summary,
            after,
        })
    }
}

/// Says when dropped that nothing runs here any more.
struct Stopping<'a>(&'a Hub);

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}
