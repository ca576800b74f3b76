//! Going on from a workflow's history: at its head once it has ended badly, or from any position as another workflow. Owns
//! that nobody pays twice, and that what is taken over is whole; what that is, the domain says.

use mcp_orchestrator_domain::{
    Budget, Digest, FieldError, InvalidRequest, Recorded, Rejected, Request, RequestDraft, RequestId, Seq, Status,
    Submitted, Workflow, WorkflowId, changed_request, fork, fork_at_head, whole_plans,
};
use mcp_orchestrator_store::{Idempotency, WorkflowRow};
use sha2::{Digest as _, Sha256};

use crate::{
    Error, Handle, Submission,
    parts::Parts,
    run::{read_log, read_log_to},
    submit::{accept_change, create, idempotency_of, made, new_id, version},
};

/// Continuations of continuations that are followed.
const CONTINUATIONS_MAX: u32 = 1_000;

/// How a workflow is continued.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "callers fill it with struct update syntax")]
pub struct ResumeOptions {
    /// Budgets that replace the request's where they are set. What was spent before counts against them.
    pub budget: Budget,
    /// The request of a client behind the continuation, as in [`SubmitOptions::request_id`](crate::SubmitOptions).
    pub request_id: Option<RequestId>,
    /// Whether only this orchestrator's own worker may run it while it lives.
    pub reserved: bool,
}

/// Where a workflow is forked and what is asked differently from there on.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "callers fill it with struct update syntax")]
pub struct ForkOptions {
    /// The last position of its log that is taken over, from 1. A position between steps that were planned together counts
    /// as the one before them. `None`: its head, which continues a failed or cancelled workflow once, as
    /// [`Handle::resume`] does.
    pub at: Option<Seq>,
    /// What changes: a field that is not set stays as it was. What the history was made with is refused; see
    /// [`changed_request`](crate::domain::changed_request).
    pub set: RequestDraft,
    /// Makes a fork at a position repeatable, as [`SubmitOptions::idempotency_key`](crate::SubmitOptions) does a
    /// submission. At the head there is one continuation without any.
    pub idempotency_key: Option<String>,
    /// The request of a client behind the fork, as in [`SubmitOptions::request_id`](crate::SubmitOptions).
    pub request_id: Option<RequestId>,
    /// Whether only this orchestrator's own worker may run it while it lives.
    pub reserved: bool,
}

impl Handle {
    /// Continues a workflow: a failed or cancelled one as a new one that takes over everything paid for, whose id is
    /// returned; an unfinished one as itself, once a worker claims it, also when it was held back because worker after
    /// worker died of it.
    ///
    /// A failed or cancelled workflow is continued once. Asked again, this answers with the workflow that continues it
    /// already, as it was asked for first; if that one has failed or was cancelled too, it is the one that is continued.
    ///
    /// Dropping the future leaves open whether it was continued; asking again is safe.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Rejected`] when it has completed, [`Error::Store`].
    pub async fn resume(&self, id: &WorkflowId, options: ResumeOptions) -> Result<WorkflowId, Error> {
        let row = self.status(id).await?;
        let row = match row.summary.status {
            Status::Failed | Status::Cancelled => {
                let ResumeOptions { budget, request_id, reserved } = options;
                let asked = ForkOptions { request_id, reserved, ..ForkOptions::default() };
                let (row, submission) = self.continued(row, &asked, budget).await?;
                if submission.made.is_some() {
                    return Ok(submission.id);
                }
                row
            }
            Status::Completed => return Err(Error::Rejected(Rejected::Ended(Status::Completed))),
            Status::Queued | Status::Running | Status::Waiting => row,
        };
        match row.summary.status {
            Status::Waiting => {
                if row.summary.poisoned.is_some() {
                    self.revive(&row.id).await?;
                }
                self.parts.adopted.add(&row.id)?;
            }
            Status::Queued | Status::Running => {
                self.parts.adopted.add(&row.id)?;
                self.parts.store.repair().await?;
            }
            Status::Completed | Status::Failed | Status::Cancelled => {}
        }
        Ok(row.id)
    }

    /// Starts a new workflow from a position of this one's log. It has the history up to there, and goes on by itself under
    /// what `set` changes; what the history paid for is never paid again, and shows as [`ForkedFrom::spent`] and in the
    /// totals and budgets of the new one. This one is read and nothing else, whether it runs, waits or has ended.
    ///
    /// Without a position it continues a failed or cancelled workflow at its head, once, as [`Handle::resume`] does;
    /// [`Submission::made`] is `None` when that was done before, and then nothing is changed.
    ///
    /// Dropping the future leaves open whether the new workflow was stored. Who must know gives an idempotency key and asks
    /// again.
    ///
    /// [`ForkedFrom::spent`]: crate::domain::ForkedFrom::spent
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] naming `at` when the log has no such position or another version of the strategy
    /// planned what is before it, and every field that breaks a rule or comes too late; [`Error::UnknownProvider`], [`Error::UnknownCorpus`], [`Error::UnknownPrice`];
    /// [`Error::Rejected`] without a position unless it has failed or was cancelled; [`Error::IdempotencyMismatch`],
    /// [`Error::InvalidIdempotencyKey`]; [`Error::Store`]; [`Error::ShuttingDown`]. Nothing was started.
    /// [`Error::Unsure`]: it is not known whether it was.
    pub async fn fork(&self, id: &WorkflowId, options: ForkOptions) -> Result<Submission, Error> {
        if self.is_draining() {
            return Err(Error::ShuttingDown);
        }
        let row = self.status(id).await?;
        match options.at {
            Some(at) => self.forked(&row, at, &options).await,
            None => Ok(self.continued(row, &options, Budget::default()).await?.1),
        }
    }

    async fn forked(&self, row: &WorkflowRow, at: Seq, options: &ForkOptions) -> Result<Submission, Error> {
        let parts = &self.parts;
        // One record more says whether a plan goes on behind it.
        let mut log = log_to(parts, row, at, 1).await?;
        let begins = whole_plans(&log, at);
        log.retain(|recorded| recorded.seq <= begins);
        let source = source(row, &log)?;
        let (planned, here) = (source.strategy_version(), version(parts, &source.request().pattern)?);
        if planned != here && !source.steps().is_empty() {
            let pattern = &source.request().pattern;
            let detail = format!(
                "is {at}: version {planned} of {pattern} planned what is before it, and here is version {here}"
            );
            return Err(InvalidRequest::from(FieldError::new("at", detail)).into());
        }
        let key = options.idempotency_key.as_deref();
        let asked = (row.id.as_str(), at, &options.set);
        let idempotency = key.map(|key| idempotency_of(key, &asked, Some("fork"))).transpose()?;
        let submitted = submitted(parts, &source, &log, options, Budget::default())?;
        let new = new_id(parts, &submitted.request.pattern)?;
        let (workflow, records) = fork(&source, &log, new, submitted, parts.clock.now())?;
        self.store_fork(row, workflow, records, idempotency, options.reserved).await
    }

    /// Continues an ended workflow, or the one that continues it if that has ended badly too. Answers with the row of the last
    /// one of them that was there.
    async fn continued(
        &self,
        mut row: WorkflowRow,
        options: &ForkOptions,
        budget: Budget,
    ) -> Result<(WorkflowRow, Submission), Error> {
        let parts = &self.parts;
        let first = row.id.clone();
        for _ in 0..CONTINUATIONS_MAX {
            if row.id != first && !matches!(row.summary.status, Status::Failed | Status::Cancelled) {
                let submission = Submission { id: row.id.clone(), made: None };
                return Ok((row, submission));
            }
            let log = read_log(parts.store.as_ref(), &row.id).await?;
            let source = source(&row, &log)?;
            let submitted = submitted(parts, &source, &log, options, budget)?;
            let new = new_id(parts, &submitted.request.pattern)?;
            let (workflow, records) = fork_at_head(&source, &log, new, submitted, parts.clock.now())?;
            let once = Some(continuation_of(&row.id));
            let submission = self.store_fork(&row, workflow, records, once, options.reserved).await?;
            if submission.made.is_some() {
                return Ok((row, submission));
            }
            row = self.status(&submission.id).await?;
        }
        Err(Error::Internal(format!("{first} was continued more than {CONTINUATIONS_MAX} times")))
    }

    async fn store_fork(
        &self,
        from: &WorkflowRow,
        workflow: Workflow,
        records: Vec<Recorded>,
        idempotency: Option<Idempotency>,
        reserved: bool,
    ) -> Result<Submission, Error> {
        let (id, made) = (workflow.id().clone(), made(&workflow, self.parts.clock.now()));
        let stored = create(&self.parts, workflow, records, idempotency, reserved).await?;
        if stored != id {
            return Ok(Submission { id: stored, made: None });
        }
        // From here on its own records keep the blobs they name. One that was taken away before could have taken them along.
        match self.parts.store.get(&from.id).await {
            Ok(Some(_)) => {}
            Ok(None) => {
                self.cancel(&id, "the workflow it was forked from was taken away meanwhile").await?;
                return Err(Error::NotFound(from.id.clone()));
            }
            // It is stored and runs: who asked must hear of it.
            Err(error) => tracing::warn!(workflow = %id, %error, "cannot look at the workflow it was forked from"),
        }
        Ok(Submission { id, made: Some(made) })
    }
}

/// The log up to a position and so many records more.
pub(crate) async fn log_to(parts: &Parts, row: &WorkflowRow, at: Seq, more: u64) -> Result<Vec<Recorded>, Error> {
    if at == Seq::ZERO || at > row.head {
        let detail = format!("is {at}, and the log has the positions 1 to {}", row.head);
        return Err(InvalidRequest::from(FieldError::new("at", detail)).into());
    }
    read_log_to(parts.store.as_ref(), &row.id, at.plus(more)).await
}

fn source(row: &WorkflowRow, log: &[Recorded]) -> Result<Workflow, Error> {
    Workflow::fold(row.id.clone(), log)?.ok_or_else(|| Error::NotFound(row.id.clone()))
}

/// The submission of a fork. The seed stays: what was shown to models in its fences must be read with the same ones.
fn submitted(
    parts: &Parts,
    source: &Workflow,
    log: &[Recorded],
    options: &ForkOptions,
    budget: Budget,
) -> Result<Submitted, Error> {
    let before = source.request();
    let mut request = if options.set.is_empty() {
        Request::clone(before)
    } else {
        accept_change(parts, before, changed_request(source, log, options.set.clone(), &parts.limits)?)?
    };
    request.budget = Budget {
        cost_max: budget.cost_max.or(request.budget.cost_max),
        tokens_max: budget.tokens_max.or(request.budget.tokens_max),
        calls_max: budget.calls_max.or(request.budget.calls_max),
    };
    Ok(Submitted {
        strategy_version: version(parts, &request.pattern)?,
        principal: source.principal().clone(),
        seed: source.seed(),
        request_id: options.request_id.clone(),
        request,
    })
}

/// An ended workflow is continued once, whoever asks how often: nobody pays twice. The key is one no caller can choose.
fn continuation_of(id: &WorkflowId) -> Idempotency {
    let key = format!("\u{1}continues {id}");
    let body = Digest::new(Sha256::digest(key.as_bytes()).into());
    Idempotency { key, body }
}
