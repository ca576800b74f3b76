//! From a log to a running workflow: at the start, after a crash, and when somebody else has appended.

use std::{
    cmp,
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use mcp_orchestrator_domain::{
    Abandoned, Agent, AgentLimits, AgentNext, BlobRef, Call, CallState, Event, Payload, Poisoned, Principal, Recorded,
    Reply, Seq, Started, StepKind, StepOutput, StepSpec, Target, ToolResult, Workflow, WorkflowId,
};
use mcp_orchestrator_store::{Head, Lineage, Store, StoreError};

use super::{Run, Stop, tail::Tail};
use crate::{
    Error,
    parts::Parts,
    patience::{PAID_FOR, Patience, passes},
};

/// Records read at once.
const PAGE: usize = 500;

/// The log of a workflow, or the beginning of it.
#[derive(Debug, Default)]
struct Log {
    records: Vec<Recorded>,
    /// Their lineages, where they have any.
    lineages: Vec<Lineage>,
}

impl Log {
    /// The record at a position, by its lineage.
    fn lineage(&self, seq: Seq) -> Lineage {
        let place = usize::try_from(seq.value()).ok().and_then(|seq| seq.checked_sub(1));
        place.and_then(|place| self.lineages.get(place)).copied().unwrap_or_default()
    }

    fn end(&self) -> Head {
        let seq = Seq::new(self.records.len() as u64);
        Head { seq, lineage: self.lineage(seq) }
    }
}

/// A workflow as its log says it is, and where the log ended.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) workflow: Workflow,
    pub(crate) head: Head,
}

/// The whole log of a workflow.
pub(crate) async fn read_log(store: &dyn Store, id: &WorkflowId) -> Result<Vec<Recorded>, Error> {
    read_log_to(store, id, Seq::new(u64::MAX)).await
}

/// The log of a workflow up to a position, that one included.
pub(crate) async fn read_log_to(store: &dyn Store, id: &WorkflowId, to: Seq) -> Result<Vec<Recorded>, Error> {
    Ok(pages(store, id, to).await?.records)
}

/// A workflow from its log; `None` when there is no such log.
pub(crate) async fn read_workflow(store: &dyn Store, id: &WorkflowId) -> Result<Option<Read>, Error> {
    let log = pages(store, id, Seq::new(u64::MAX)).await?;
    Ok(fold(id, &log)?.map(|workflow| Read { workflow, head: log.end() }))
}

fn fold(id: &WorkflowId, log: &Log) -> Result<Option<Workflow>, Error> {
    Ok(Workflow::fold(id.clone(), &log.records)?)
}

/// Reads page by page. A store that loses records in between is told from one that has them by their lineages: nobody is to
/// believe a log of which one half is lost and the other has taken its place.
async fn pages(store: &dyn Store, id: &WorkflowId, to: Seq) -> Result<Log, Error> {
    let mut log = Log::default();
    loop {
        let end = log.end();
        let left = usize::try_from(to.value() - end.seq.value()).unwrap_or(PAGE).min(PAGE);
        let page = store.read(id, end.seq, left).await?;
        if page.before.contradicts(end.lineage) || page.head < end.seq {
            return Err(StoreError::Unavailable(format!("the log of {id} was cut while it was read")).into());
        }
        let Some(last) = page.records.last() else { return Ok(log) };
        let complete = last.seq >= page.head.min(to);
        log.records.extend(page.records);
        log.lineages.extend(page.lineages);
        if complete {
            return Ok(log);
        }
    }
}

/// The text of a payload.
pub(crate) async fn load(store: &dyn Store, tenant: &Principal, payload: &Payload) -> Result<Arc<str>, Error> {
    let blob = match payload {
        Payload::Inline(text) => return Ok(Arc::clone(text)),
        Payload::Blob(blob) => blob,
    };
    let bytes = store
        .get_blob(tenant, &blob.sha256)
        .await?
        .ok_or_else(|| StoreError::Unreadable(format!("blob {} is missing", blob.sha256)))?;
    let text =
        std::str::from_utf8(&bytes).map_err(|_| StoreError::Unreadable(format!("blob {} is not text", blob.sha256)))?;
    Ok(Arc::from(text))
}

/// A payload for a text: in place when short, else a blob that is stored before this returns.
pub(crate) async fn keep(parts: &Parts, tenant: &Principal, text: String) -> Result<Payload, StoreError> {
    if text.len() <= Payload::INLINE_MAX {
        return Ok(Payload::Inline(text.into()));
    }
    Ok(Payload::Blob(put_blob(parts, tenant, text.into()).await?))
}

/// Stores a blob. A store that is busy, full or away is asked again for a while: what is to be kept may have been paid for.
pub(crate) async fn put_blob(parts: &Parts, tenant: &Principal, bytes: Bytes) -> Result<BlobRef, StoreError> {
    let mut patience = Patience::new(parts.clock.now(), PAID_FOR);
    loop {
        let error = match parts.store.put_blob(tenant, bytes.clone()).await {
            Err(error) if passes(&error) => error,
            kept => return kept,
        };
        let Some(at) = patience.next(parts.clock.now(), false) else { return Err(error) };
        parts.clock.sleep_until(at).await;
    }
}

impl Run {
    /// Begins, or takes over from a worker that is gone.
    pub(super) async fn begin(&mut self) -> Result<(), Stop> {
        if self.workflow.status().is_terminal() {
            return Err(Stop::Done);
        }
        if let Some(workers) = self.workflow.poisoned() {
            // It was claimed without anybody having it tried again: it waits on.
            self.advance(Event::Poisoned(Poisoned { workers }))?;
            return self.commit().await;
        }
        self.load_texts().await?;
        // Looked at before anything is written: the time nobody worked is not the workflow's.
        let time_left = match self.workflow.deadline() {
            Some(deadline) => deadline.since(self.workflow.worked()),
            None => Duration::from_millis(self.workflow.request().timeouts.workflow_ms),
        };
        let abandoned: Vec<Event> = self.workflow.abandon_open_calls(Abandoned::Crash).collect();
        for event in abandoned {
            self.advance(event)?;
        }
        let now = self.parts.clock.now();
        let resumed = self.workflow.started().is_some();
        self.advance(Event::Started(Started { deadline: now.after(time_left), resumed }))?;
        self.takeover = self.workflow.starts();
        self.plan()?;
        self.commit().await?;
        tracing::info!(resumed, "workflow started");
        self.start_calls();
        Ok(())
    }

    /// Reads the log again after somebody else has appended. Calls in flight go on.
    pub(super) async fn reload(&mut self) -> Result<(), Stop> {
        self.batch.clear();
        self.starts.clear();
        self.aborts.clear();
        self.agents.clear();
        self.rendering = false;
        let log = loop {
            // What came back and was to follow from the log is acted on again once it is read: a store that is away for
            // a moment must not lose it.
            match pages(self.parts.store.as_ref(), &self.lease.id, Seq::new(u64::MAX)).await {
                Err(Error::Store(error)) if passes(&error) && self.wait_out(&error).await => {}
                log => break log.map_err(Stop::Fault)?,
            }
        };
        self.refused = None;
        let known = self.tail.end();
        let is_cut = log.end().seq < known.seq || log.lineage(known.seq).contradicts(known.lineage);
        let workflow = fold(&self.lease.id, &log).map_err(Stop::Fault)?;
        let workflow = workflow.ok_or_else(|| Stop::Fault(Error::NotFound(self.lease.id.clone())))?;
        if is_cut && !workflow.status().is_terminal() {
            // The calls in flight are of a history that is lost.
            return Err(Stop::lost(log.end().seq));
        }
        self.workflow = workflow;
        self.tail = Tail::after(log.end());
        self.shared.written.store(self.workflow.head().value(), Ordering::Release);
        if self.workflow.status().is_terminal() {
            return Err(Stop::Done);
        }
        // The log says earlier than the next renewal that another worker has it: no call of ours matters any more.
        if self.begun && (self.workflow.starts() != self.takeover || self.workflow.poisoned().is_some()) {
            return Err(Stop::Fenced);
        }
        self.replan = true;
        if self.begun { self.load_texts().await } else { Ok(()) }
    }

    /// Takes records somebody else has appended.
    pub(super) async fn catch_up(&mut self) -> Result<(), Stop> {
        let known = self.tail.end();
        let page = loop {
            match self.parts.store.read(&self.lease.id, known.seq, 1).await {
                Err(error) if passes(&error) && self.wait_out(&error).await => {}
                page => break page.map_err(|error| Stop::Fault(error.into()))?,
            }
        };
        self.refused = None;
        match page.head.cmp(&known.seq) {
            cmp::Ordering::Greater => Err(Stop::Stale),
            cmp::Ordering::Equal if page.before.contradicts(known.lineage) => Err(Stop::lost(page.head)),
            cmp::Ordering::Equal => Ok(()),
            cmp::Ordering::Less => self.restore(page.head).await,
        }
    }

    /// The outputs of completed steps and the transcripts of open agents.
    async fn load_texts(&mut self) -> Result<(), Stop> {
        let (store, tenant) = (Arc::clone(&self.parts.store), self.workflow.principal().clone());
        let mut texts = HashMap::new();
        for step in self.workflow.steps() {
            if self.texts.contains_key(step.id()) {
                continue;
            }
            let text = match step.output() {
                Some(StepOutput::Inline(text)) => Arc::clone(text),
                Some(StepOutput::Call(no)) => {
                    let Some(CallState::Completed { output, .. }) = self.workflow.call(*no).map(|call| &call.state)
                    else {
                        continue;
                    };
                    let text = load(store.as_ref(), &tenant, output).await.map_err(Stop::Fault)?;
                    match self.workflow.call(*no).map(|call| &call.target) {
                        Some(Target::Model { .. }) => Arc::from(reply_of(&text)?.message.text.trim()),
                        Some(Target::Tool { .. }) | None => text,
                    }
                }
                Some(StepOutput::Report) | None => continue,
            };
            texts.insert(step.id().clone(), text);
        }
        self.texts.extend(texts);
        let agents: Vec<_> = self
            .workflow
            .open_steps()
            .filter(|step| !step.calls().is_empty())
            .map(|step| (step.id().clone(), Arc::clone(step.spec())))
            .collect();
        for (id, spec) in agents {
            let StepKind::Agent { turns_max, .. } = &spec.kind else { continue };
            let calls: Vec<Call> = self
                .workflow
                .step(id.as_str())
                .into_iter()
                .flat_map(|step| step.calls())
                .filter_map(|no| self.workflow.call(*no).cloned())
                .collect();
            let agent = self.transcript(&spec, AgentLimits::turns(*turns_max), &calls, &tenant).await?;
            self.put_to_work(&spec, agent)?;
        }
        Ok(())
    }

    /// The agent as it was when its last answer was stored.
    ///
    /// Some tool calls are answered without a call and so without a record: they are answered again in the same words
    /// when the log shows that the agent went on after them.
    async fn transcript(
        &self,
        spec: &StepSpec,
        limits: AgentLimits,
        calls: &[Call],
        tenant: &Principal,
    ) -> Result<Agent, Stop> {
        let mut agent = Agent::new(limits);
        for call in calls {
            let CallState::Completed { output, is_error, evidence, .. } = &call.state else { continue };
            let text = load(self.parts.store.as_ref(), tenant, output).await.map_err(Stop::Fault)?;
            let taken = match &call.target {
                Target::Model { .. } => {
                    if let AgentNext::RunTools { turn, positions } = agent.next() {
                        self.answer_unrecorded(spec, &mut agent, calls, turn, &positions);
                    }
                    // It was asked again, so its answer was objected to.
                    if agent.next() == AgentNext::Done
                        && let Some(why) = self.objection(spec, agent.text().unwrap_or_default())
                    {
                        let _ = agent.object_again(why);
                    }
                    agent.reply(reply_of(&text)?)
                }
                Target::Tool { .. } => {
                    let Some(asked) = agent.tool_call(call.position).cloned() else { continue };
                    let content = self.shown(&spec.id, &text, evidence);
                    let result = ToolResult { call_id: asked.id, name: asked.name, content, is_error: *is_error };
                    agent.tool_result(call.position, result)
                }
            };
            // An answer the agent has not asked for belongs to a call made twice; the first answer counts.
            if taken.is_err() {
                tracing::warn!(workflow = %self.lease.id, call = %call.no, "an answer nobody waits for");
            }
        }
        Ok(agent)
    }

    fn answer_unrecorded(&self, spec: &StepSpec, agent: &mut Agent, calls: &[Call], turn: u16, positions: &[u16]) {
        for position in positions {
            let Some(asked) = agent.tool_call(*position).cloned() else { continue };
            let last = calls.iter().rev().find(|call| {
                call.turn == turn && call.position == *position && matches!(call.target, Target::Tool { .. })
            });
            let content = self.refusal(spec, &asked, last).unwrap_or_else(|| "Not answered.".to_owned());
            let result = ToolResult { call_id: asked.id, name: asked.name, content, is_error: true };
            // The position waits: `positions` says so.
            let _ = agent.tool_result(*position, result);
        }
    }
}

fn reply_of(json: &str) -> Result<Reply, Stop> {
    serde_json::from_str(json)
        .map_err(|error| Stop::Fault(StoreError::Unreadable(format!("a reply in the log: {error}")).into()))
}
