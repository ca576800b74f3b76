//! The fold: one event after the other. Owns every rule about what may follow what.

mod calls;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::{CallState, CheckSummary, ForkedFrom, IllegalTransition, Rule, Status, Step, StepState, Workflow};
use crate::{
    Cost, Event, Money, Progress, Record, Recorded, ReportChecked, Seq, Spent, Stage, StepCompleted, StepFailed,
    StepId, StepOutput, StepSpec, StepUsage, Submitted, Timestamp, WorkflowId,
};

impl Workflow {
    /// A workflow from the first record of its log.
    ///
    /// # Errors
    /// [`IllegalTransition`] when that is not a submission at position 1.
    pub fn open(id: WorkflowId, first: &Recorded) -> Result<Self, IllegalTransition> {
        let event = &first.record.event;
        if let (Event::Submitted(submitted), true) = (event, first.seq == Seq::new(1)) {
            return Ok(Self::submitted(id, submitted, first.record.at));
        }
        Err(IllegalTransition { id, status: Status::Queued, event: event.kind(), rule: Rule::Submission })
    }

    /// A workflow that is being submitted, and its first record.
    #[must_use]
    pub fn submit(id: WorkflowId, submitted: Submitted, at: Timestamp) -> (Self, Recorded) {
        let workflow = Self::submitted(id, &submitted, at);
        let record = Record { at, progress: workflow.progress, event: Event::Submitted(Box::new(submitted)) };
        (workflow, Recorded { seq: Seq::new(1), record: Arc::new(record) })
    }

    /// A workflow from its whole log.
    ///
    /// # Errors
    /// [`IllegalTransition`] at the first record that may not follow.
    pub fn fold<'a>(
        id: WorkflowId,
        log: impl IntoIterator<Item = &'a Recorded>,
    ) -> Result<Option<Self>, IllegalTransition> {
        let mut log = log.into_iter();
        let Some(first) = log.next() else { return Ok(None) };
        let mut workflow = Self::open(id, first)?;
        for recorded in log {
            workflow.apply(recorded)?;
        }
        Ok(Some(workflow))
    }

    /// Takes one more record of the log.
    ///
    /// # Errors
    /// [`IllegalTransition`]; the workflow is then unchanged.
    pub fn apply(&mut self, recorded: &Recorded) -> Result<(), IllegalTransition> {
        if recorded.seq != self.head.plus(1) {
            let rule = Rule::Dense { head: self.head, found: recorded.seq };
            return Err(self.illegal(&recorded.record.event, rule));
        }
        self.take(&recorded.record.event, recorded.record.at)
    }

    /// Takes an event that is not recorded yet and makes the record to append.
    ///
    /// # Errors
    /// [`IllegalTransition`]; the workflow is then unchanged.
    pub fn advance(&mut self, event: Event, at: Timestamp) -> Result<Recorded, IllegalTransition> {
        self.take(&event, at)?;
        Ok(Recorded { seq: self.head, record: Arc::new(Record { at, progress: self.progress, event }) })
    }

    fn submitted(id: WorkflowId, submitted: &Submitted, at: Timestamp) -> Self {
        let progress = Progress { total_agents: submitted.request.agents.into(), ..Progress::default() };
        Self {
            id,
            principal: submitted.principal.clone(),
            request: Arc::new(submitted.request.clone()),
            seed: submitted.seed,
            strategy_version: submitted.strategy_version,
            request_id: submitted.request_id.clone(),
            status: Status::Queued,
            head: Seq::new(1),
            created: at,
            updated: at,
            worked: at,
            started: None,
            deadline: None,
            forked_from: None,
            inheriting: false,
            steps: Vec::new(),
            index: HashMap::new(),
            open_steps: BTreeSet::new(),
            open_by_stage: [0; 8],
            ended_steps: 0,
            planned_agents: 0,
            calls: Vec::new(),
            open_calls: BTreeSet::new(),
            busy_steps: 0,
            reserved_tokens: 0,
            reserved_cost: Money::ZERO,
            held_tokens: 0,
            held_cost: Money::ZERO,
            unbounded_calls: 0,
            starts: 0,
            poisoned: None,
            progress,
            evidence: HashMap::new(),
            timer_fired: None,
            documents: Vec::new(),
            result: None,
            failure: None,
        }
    }

    fn take(&mut self, event: &Event, at: Timestamp) -> Result<(), IllegalTransition> {
        self.take_event(event, at).map_err(|rule| self.illegal(event, rule))?;
        self.head = self.head.plus(1);
        self.updated = self.updated.max(at);
        if event.is_work() {
            self.worked = self.worked.max(at);
        }
        self.progress.elapsed_ms = self.started.map_or(0, |started| crate::millis(self.updated.since(started)));
        if let (true, Some(forked_from)) = (self.inheriting, &mut self.forked_from) {
            forked_from.spent = self.progress.spent;
        }
        self.refresh_progress();
        Ok(())
    }

    fn illegal(&self, event: &Event, rule: Rule) -> IllegalTransition {
        IllegalTransition { id: self.id.clone(), status: self.status, event: event.kind(), rule }
    }

    /// Checks every rule of the event first and changes the state after, so that a refusal changes nothing.
    fn take_event(&mut self, event: &Event, at: Timestamp) -> Result<(), Rule> {
        if self.status.is_terminal() {
            return Err(Rule::Status);
        }
        match event {
            Event::Submitted(_) => Err(Rule::Submission),
            Event::Forked(forked) => {
                if self.head != Seq::new(1) {
                    return Err(Rule::Status);
                }
                self.forked_from = Some(ForkedFrom { id: forked.from.clone(), at: forked.at, spent: Spent::default() });
                self.inheriting = true;
                Ok(())
            }
            Event::Started(started) => {
                if started.resumed != (self.started.is_some()) {
                    return Err(Rule::Status);
                }
                if self.poisoned.is_some() {
                    return Err(Rule::Status);
                }
                self.inheriting = false;
                self.starts = self.starts.saturating_add(1);
                self.started.get_or_insert(at);
                self.deadline = Some(started.deadline);
                self.status = Status::Running;
                Ok(())
            }
            Event::StepPlanned(spec) => self.plan_step(spec, at),
            Event::CallStarted(started) => self.start_call(started, at),
            Event::CallCompleted(completed) => self.complete_call(completed),
            Event::CallFailed(failed) => self.fail_call(failed),
            Event::CallAbandoned(abandoned) => self.abandon_call(abandoned),
            Event::StepCompleted(completed) => self.complete_step(completed, at),
            Event::StepFailed(failed) => self.fail_step(failed, at),
            Event::InputRequested(requested) => {
                // Several people may be asked while everything waits.
                let waits = self.status == Status::Waiting;
                let position = if waits { self.still_open(&requested.step)? } else { self.open_step(&requested.step)? };
                self.steps[position].asked = true;
                if self.status == Status::Running && self.open_calls.is_empty() {
                    self.status = Status::Waiting;
                }
                Ok(())
            }
            Event::InputGiven(given) => {
                let position =
                    self.index.get(&given.step).copied().ok_or_else(|| Rule::Unplanned(given.step.clone()))?;
                if !self.steps[position].waits_for_answer() {
                    return Err(Rule::Ended(given.step.clone()));
                }
                self.steps[position].answer = Some(given.answer.clone());
                if self.status == Status::Waiting && self.poisoned.is_none() {
                    // The time a person takes is not the workflow's.
                    let waited = at.since(self.worked);
                    self.deadline = self.deadline.map(|deadline| deadline.after(waited));
                    self.worked = self.worked.max(at);
                    self.status = Status::Running;
                }
                Ok(())
            }
            Event::TimerFired(fired) => {
                self.working()?;
                self.timer_fired = Some(self.timer_fired.map_or(fired.due, |last| last.max(fired.due)));
                Ok(())
            }
            Event::Poisoned(poisoned) => {
                // Calls of the worker that died may be open: whoever held it back has not read the log.
                self.poisoned = Some(poisoned.workers);
                self.status = Status::Waiting;
                Ok(())
            }
            Event::Revived(_) => {
                self.poisoned.take().ok_or(Rule::Status)?;
                self.status = if self.started.is_some() { Status::Running } else { Status::Queued };
                Ok(())
            }
            Event::CancelRequested(_) => Ok(()),
            Event::ReportChecked(checked) => self.check_report(checked),
            Event::DocumentsWritten(written) => {
                self.working()?;
                self.documents.clone_from(&written.documents);
                self.progress.documents = u32::try_from(written.documents.len()).unwrap_or(u32::MAX);
                self.progress.stage = Stage::Documents;
                Ok(())
            }
            Event::Completed(completed) => {
                if !self.status.may_become(Status::Completed) {
                    return Err(Rule::Status);
                }
                self.no_open_calls()?;
                if self.step(completed.report.as_str()).is_none_or(|step| step.check.is_none()) {
                    return Err(Rule::NoReport(completed.report.clone()));
                }
                self.result = Some(completed.clone());
                self.status = Status::Completed;
                Ok(())
            }
            Event::Failed(failed) => {
                self.no_open_calls()?;
                self.failure = Some(failed.failure.clone());
                self.status = Status::Failed;
                Ok(())
            }
            Event::Cancelled(_) => {
                self.no_open_calls()?;
                self.status = Status::Cancelled;
                Ok(())
            }
        }
    }

    /// Steps and calls happen while it runs, or are taken over from another workflow before it runs.
    fn working(&self) -> Result<(), Rule> {
        if self.status == Status::Running || self.inheriting { Ok(()) } else { Err(Rule::Status) }
    }

    fn no_open_calls(&self) -> Result<(), Rule> {
        if self.open_calls.is_empty() { Ok(()) } else { Err(Rule::OpenCalls(self.open_calls.len())) }
    }

    fn open_step(&self, id: &StepId) -> Result<usize, Rule> {
        self.working()?;
        self.still_open(id)
    }

    fn still_open(&self, id: &StepId) -> Result<usize, Rule> {
        let position = self.index.get(id).copied().ok_or_else(|| Rule::Unplanned(id.clone()))?;
        if self.steps[position].is_open() { Ok(position) } else { Err(Rule::Ended(id.clone())) }
    }

    fn plan_step(&mut self, spec: &Arc<StepSpec>, at: Timestamp) -> Result<(), Rule> {
        self.working()?;
        if self.index.contains_key(&spec.id) {
            return Err(Rule::Planned(spec.id.clone()));
        }
        if let Some(unread) = spec.reads.iter().find(|id| !self.step(id.as_str()).is_some_and(Step::is_completed)) {
            return Err(Rule::Unread(unread.clone()));
        }
        let position = self.steps.len();
        self.index.insert(spec.id.clone(), position);
        self.open_steps.insert(position);
        self.open_by_stage[spec.stage as usize] += 1;
        if spec.stage == Stage::Checking && self.request.definition.is_some() {
            // Branches that were not taken and passes that were not needed are known by now.
            self.progress.total_agents = self.planned_agents;
        }
        if spec.stage == Stage::Agents {
            self.planned_agents += 1;
            // Agents are planned one record after the other: until the first of them runs, the number asked for stands.
            self.progress.total_agents = self.progress.total_agents.max(self.planned_agents);
        }
        self.steps.push(Step {
            spec: Arc::clone(spec),
            state: StepState::Open,
            planned: at,
            ended: None,
            order: None,
            calls: Vec::new(),
            open_calls: 0,
            evidence: Vec::new(),
            used: StepUsage { cost: Cost::FREE, ..StepUsage::default() },
            asked: false,
            answer: None,
            check: None,
            is_cut: false,
        });
        Ok(())
    }

    fn complete_step(&mut self, completed: &StepCompleted, at: Timestamp) -> Result<(), Rule> {
        let position = self.open_step(&completed.step)?;
        self.no_open_calls_of(position)?;
        match &completed.output {
            StepOutput::Call(no) => {
                let answered = self
                    .call(*no)
                    .is_some_and(|call| call.step == position && matches!(call.state, CallState::Completed { .. }));
                if !answered {
                    return Err(Rule::NoOutput(*no));
                }
            }
            StepOutput::Report if self.steps[position].check.is_none() => {
                return Err(Rule::NoReport(completed.step.clone()));
            }
            StepOutput::Report | StepOutput::Inline(_) => {}
        }
        self.end_step(position, StepState::Completed(completed.output.clone()), at);
        self.steps[position].is_cut = completed.is_cut;
        if self.steps[position].stage() == Stage::Agents {
            self.progress.completed_agents += 1;
        }
        Ok(())
    }

    fn fail_step(&mut self, failed: &StepFailed, at: Timestamp) -> Result<(), Rule> {
        let position = self.open_step(&failed.step)?;
        self.no_open_calls_of(position)?;
        self.end_step(position, StepState::Failed(failed.failure.clone()), at);
        if self.steps[position].stage() == Stage::Agents {
            self.progress.failed_agents += 1;
        }
        Ok(())
    }

    fn end_step(&mut self, position: usize, state: StepState, at: Timestamp) {
        self.open_steps.remove(&position);
        let step = &mut self.steps[position];
        self.open_by_stage[step.spec.stage as usize] -= 1;
        step.state = state;
        step.ended = Some(at);
        step.order = Some(self.ended_steps);
        self.ended_steps += 1;
    }

    fn check_report(&mut self, checked: &ReportChecked) -> Result<(), Rule> {
        let position = self.open_step(&checked.step)?;
        self.steps[position].check = Some(CheckSummary {
            report: checked.report.clone(),
            outcome: checked.outcome,
            proved: checked.proved,
            marked: checked.marked,
            dropped: checked.dropped,
            repairs: checked.repairs.clone(),
        });
        Ok(())
    }

    /// The stage is the earliest that still has open steps, and neither it nor the percentage ever goes back.
    fn refresh_progress(&mut self) {
        let stages = [Stage::Planning, Stage::Agents, Stage::Synthesis, Stage::Checking];
        let progress = &mut self.progress;
        if self.status.is_terminal() {
            progress.stage = Stage::Done;
        } else if let Some(stage) = stages.into_iter().find(|stage| self.open_by_stage[*stage as usize] > 0) {
            progress.stage = progress.stage.max(stage);
        } else if self.status == Status::Running {
            progress.stage = progress.stage.max(Stage::Planning);
        }
        let agents_ended = u64::from(progress.completed_agents) + u64::from(progress.failed_agents);
        let percent = match progress.stage {
            Stage::Queued => 0,
            Stage::Planning => 5,
            Stage::Agents => 10 + 60 * agents_ended / u64::from(progress.total_agents).max(1),
            Stage::Synthesis => 75,
            Stage::Checking => 90,
            Stage::Documents => 95,
            Stage::Done if self.status == Status::Completed => 100,
            Stage::Done => progress.percent.into(),
        };
        progress.percent = progress.percent.max(u8::try_from(percent.min(100)).unwrap_or(100));
    }
}
