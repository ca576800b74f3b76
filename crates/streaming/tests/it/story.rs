//! Logs that really can happen: each is made by the domain's own workflow, event after event.

use std::sync::Arc;

use mcp_orchestrator_domain::{
    Abandoned, AgentType, BlobRef, CallAbandoned, CallCompleted, CallFailed, CallNo, CallStarted, CancelRequested,
    Cancelled, Completed, ConditionDraft, Cost, Decision, Digest, DocumentFormat, DocumentRef, DocumentsWritten, Event,
    Failed, Failure, FailureClass, GateMode, InputGiven, InputRequested, Limits, ModelName, Money, Outcome, Payload,
    Poisoned, Principal, ProviderName, Recorded, ReportChecked, Request, RequestDraft, Reserved, Revived, Role, Stage,
    Started, StepCompleted, StepDraft, StepFailed, StepId, StepKind, StepOutput, StepSpec, StepUsage, Submitted,
    SuccessDraft, Target, Timestamp, ToolName, Usage, Workflow, WorkflowId, fork,
};

const START_MS: u64 = 1_800_000_000_000;

pub(crate) fn id() -> WorkflowId {
    WorkflowId::new("research_000000000001").unwrap()
}

/// A workflow that goes on from where a failed one had planned.
pub(crate) fn forked() -> Vec<Recorded> {
    let log = eventful(failed());
    let end = log.iter().position(|recorded| matches!(recorded.record.event, Event::StepFailed(_))).unwrap();
    let source = Workflow::fold(id(), &log[..=end]).unwrap().unwrap();
    let Event::Submitted(submitted) = &log[0].record.event else { panic!("a log begins with a submission") };
    let next = WorkflowId::new("research_000000000002").unwrap();
    let now = Timestamp::from_millis(START_MS + 1_000_000);
    fork(&source, &log[..=end], next, Submitted::clone(submitted), now).unwrap().1
}

/// A workflow in which everything happens that clients hear of, then `end`.
pub(crate) fn eventful(end: Event) -> Vec<Recorded> {
    let mut story = Story::begin();
    story.plan("planner", Role::Planner, Stage::Planning, "Break the task into parts", &[]);
    story.call(0, "planner", Target::Model { provider: provider(), model: Some(ModelName::new("small-1").unwrap()) });
    story.answer(0, "planner", Cost::Estimated(Money::from_pico_usd(1_500_000_000)));
    story.complete(
        "planner",
        StepOutput::Inline(Arc::from("Here is the plan:\n1. What is stored\n2) Who restarts it\n")),
    );

    story.plan("belter_0", Role::Researcher, Stage::Agents, "What is stored", &[]);
    story.plan("belter_1", Role::Searcher(AgentType::Technical), Stage::Agents, "Who restarts it", &[]);
    story.call(1, "belter_0", Target::Tool { name: tool(), call_id: "call-a".to_owned() });
    story.call(2, "belter_1", Target::Model { provider: provider(), model: None });
    story.answer(1, "belter_0", Cost::FREE);
    story.happen(Event::CallFailed(CallFailed {
        call: CallNo::new(2),
        step: step("belter_1"),
        failure: Failure::new(FailureClass::RateLimited, "too many requests"),
        cost: Cost::Unknown,
        usage: Usage::default(),
        retry_at: Some(Timestamp::from_millis(START_MS + 60_000)),
        run_ms: 20,
    }));
    story.call(3, "belter_1", Target::Model { provider: provider(), model: None });
    story.happen(Event::CallAbandoned(CallAbandoned::new(CallNo::new(3), step("belter_1"), Abandoned::Crash)));
    story.complete("belter_0", StepOutput::Call(CallNo::new(1)));
    story.fail("belter_1", FailureClass::Auth, "the key was refused");

    story.plan("question", Role::Custom("clarify".to_owned()), Stage::Agents, "Ask for the edition", &[]);
    story.happen(Event::InputRequested(InputRequested {
        step: step("question"),
        question: "Which edition?".to_owned(),
    }));
    story.happen(Event::InputGiven(InputGiven { step: step("question"), answer: "The second.".to_owned() }));
    story.complete("question", StepOutput::Inline(Arc::from("The second.")));

    story.plan("drummer_0", Role::Synthesizer, Stage::Synthesis, "Merge the results", &["belter_0", "question"]);
    story.complete("drummer_0", StepOutput::Inline(Arc::from("Merged.")));
    story.plan("camina", Role::Executive, Stage::Synthesis, "Write the report", &["drummer_0"]);
    story.call(4, "camina", Target::Model { provider: provider(), model: None });
    story.answer(4, "camina", Cost::Reported(Money::from_pico_usd(2_000_000_000)));
    story.complete("camina", StepOutput::Call(CallNo::new(4)));
    story.plan("check_0", Role::Monitor, Stage::Checking, "Check the citations", &["camina"]);
    story.check("check_0");
    story.complete("check_0", StepOutput::Report);
    story.plan("editor", Role::Editor, Stage::Checking, "Repair what failed", &["check_0"]);
    story.complete("editor", StepOutput::Inline(Arc::from("Repaired.")));
    story.happen(Event::DocumentsWritten(DocumentsWritten {
        documents: vec![DocumentRef {
            name: "crash.md".to_owned(),
            format: DocumentFormat::Markdown,
            blob: BlobRef { sha256: Digest::new([7; 32]), bytes: 1234 },
        }],
    }));
    story.happen(Event::CancelRequested(CancelRequested { reason: "too late to matter".to_owned() }));
    story.happen(end);
    story.log
}

pub(crate) fn completed() -> Event {
    Event::Completed(Completed { report: step("check_0"), outcome: Outcome::Answered })
}

pub(crate) fn failed() -> Event {
    Event::Failed(Failed { failure: Failure::new(FailureClass::Deadline, "the workflow's time is up") })
}

pub(crate) fn cancelled() -> Event {
    Event::Cancelled(Cancelled {})
}

/// A log of `length` records, at least 3; the last is terminal. The second is not told to clients, nor need the last but one be.
pub(crate) fn long(length: usize) -> Vec<Recorded> {
    let mut story = Story::begin();
    if length > 3 {
        story.plan("belter_0", Role::Researcher, Stage::Agents, "What is stored", &[]);
    }
    for call in 0.. {
        if story.log.len() + 2 >= length {
            break;
        }
        story.call(call, "belter_0", Target::Tool { name: tool(), call_id: "call-a".to_owned() });
        story.answer(call, "belter_0", Cost::FREE);
    }
    if story.log.len() + 1 < length {
        story.happen(Event::TimerFired(mcp_orchestrator_domain::TimerFired { due: Timestamp::from_millis(START_MS) }));
    }
    story.happen(cancelled());
    story.log
}

/// A workflow of two passes, and one that chose a branch: their first records and their decisions.
pub(crate) fn decisive() -> Vec<Recorded> {
    let draft = RequestDraft::iterative("How does a workflow survive a crash?", SuccessDraft::contains("draft", "log"))
        .with_step(StepDraft::agent("draft", "Write"));
    let mut passes = Story::of(draft.parse(&Limits::default()).unwrap());
    for (number, done) in [(1, false), (2, true)] {
        let reason = "the output of draft was read".to_owned();
        passes.decide(&format!("pass-{number}"), Decision::Pass { number, of: 3, done, reason });
    }
    let draft = RequestDraft::conditional("How does a workflow survive a crash?", ConditionDraft::value("short"))
        .with_branch("short", [StepDraft::agent("write", "Write")]);
    let mut branch = Story::of(draft.parse(&Limits::default()).unwrap());
    let reason = "the request says so".to_owned();
    branch.decide("branch", Decision::Branch { selected: "short".to_owned(), reason });
    passes.log.into_iter().chain(branch.log).collect()
}

/// A workflow that worker after worker died of, and that was tried again.
pub(crate) fn held_back() -> Vec<Recorded> {
    let mut story = Story::begin();
    story.happen(Event::Poisoned(Poisoned { workers: 5 }));
    story.happen(Event::Revived(Revived {}));
    story.log
}

struct Story {
    workflow: Workflow,
    log: Vec<Recorded>,
    now_ms: u64,
}

impl Story {
    fn begin() -> Self {
        Self::of(request())
    }

    fn of(request: Request) -> Self {
        let submitted =
            Submitted { request, principal: Principal::local(), seed: 7, strategy_version: 1, request_id: None };
        let (workflow, first) = Workflow::submit(id(), submitted, Timestamp::from_millis(START_MS));
        let mut story = Self { workflow, log: vec![first], now_ms: START_MS };
        let deadline = Timestamp::from_millis(START_MS + 600_000);
        story.happen(Event::Started(Started { deadline, resumed: false }));
        story
    }

    /// A decision is done as soon as it is planned.
    fn decide(&mut self, id: &str, decision: Decision) {
        let text = StepOutput::Inline(Arc::from(decision.to_string()));
        self.happen(Event::StepPlanned(Arc::new(StepSpec {
            id: step(id),
            task: decision.subject(),
            kind: StepKind::Decision(decision),
            role: Role::Decision,
            stage: Stage::Planning,
            reads: Vec::new(),
            time_limit_ms: 0,
            inline: true,
        })));
        self.complete(id, text);
    }

    fn happen(&mut self, event: Event) {
        self.now_ms += 250;
        let recorded = self.workflow.advance(event, Timestamp::from_millis(self.now_ms)).unwrap();
        self.log.push(recorded);
    }

    fn plan(&mut self, id: &str, role: Role, stage: Stage, task: &str, reads: &[&str]) {
        let kind = match role {
            Role::Monitor => StepKind::Check { mode: GateMode::Strict, repair: true },
            Role::Custom(_) => StepKind::Ask { question: "Which edition?".to_owned() },
            _ => StepKind::Agent { tools: vec![tool()], turns_max: 4, output_tokens_max: 1000 },
        };
        self.happen(Event::StepPlanned(Arc::new(StepSpec {
            id: step(id),
            kind,
            role,
            stage,
            task: task.to_owned(),
            reads: reads.iter().map(|id| step(id)).collect(),
            time_limit_ms: 180_000,
            inline: true,
        })));
    }

    fn call(&mut self, call: u32, of: &str, target: Target) {
        self.happen(Event::CallStarted(CallStarted {
            call: CallNo::new(call),
            step: step(of),
            turn: 0,
            position: 0,
            attempt: 1,
            target,
            idempotency_key: format!("{}/{of}/0", id()),
            reserved: Reserved { tokens: 100, cost: None },
            hedges: None,
        }));
    }

    fn answer(&mut self, call: u32, of: &str, cost: Cost) {
        self.happen(Event::CallCompleted(Box::new(CallCompleted {
            call: CallNo::new(call),
            step: step(of),
            output: Payload::Inline(Arc::from("{}")),
            is_error: false,
            usage: Usage { input: 90, output: 10, ..Usage::default() },
            cost,
            evidence: Vec::new(),
            parked_ms: 1500,
            run_ms: 40,
        })));
    }

    fn used(&self, id: &str) -> (StepUsage, Arc<StepSpec>) {
        let step = self.workflow.step(id).unwrap();
        (*step.used(), Arc::clone(step.spec()))
    }

    fn complete(&mut self, id: &str, output: StepOutput) {
        let (used, spec) = self.used(id);
        self.happen(Event::StepCompleted(StepCompleted {
            step: step(id),
            facts: spec.facts(used),
            output,
            is_cut: false,
        }));
    }

    fn fail(&mut self, id: &str, class: FailureClass, message: &str) {
        let (used, spec) = self.used(id);
        let failure = Failure::new(class, message);
        self.happen(Event::StepFailed(StepFailed { step: step(id), facts: spec.facts(used), failure }));
    }

    fn check(&mut self, id: &str) {
        self.happen(Event::ReportChecked(Box::new(ReportChecked {
            step: step(id),
            report: Payload::Inline(Arc::from("{}")),
            outcome: Outcome::Answered,
            proved: 5,
            marked: 2,
            dropped: 1,
            repairs: Vec::new(),
        })));
    }
}

fn request() -> Request {
    let draft = RequestDraft {
        pattern: Some("research".into()),
        task: Some("How does a workflow survive a crash?".into()),
        title: Some("Crash".into()),
        ..RequestDraft::default()
    };
    draft.parse(&Limits::default()).unwrap()
}

fn step(id: &str) -> StepId {
    StepId::new(id).unwrap()
}

fn provider() -> ProviderName {
    ProviderName::new("example").unwrap()
}

fn tool() -> ToolName {
    ToolName::new("corpus_search").unwrap()
}
