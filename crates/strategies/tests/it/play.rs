//! A workflow played by hand: a strategy plans, the test says what becomes of each step. Owns the fold; no engine.

use std::{collections::BTreeSet, sync::Arc};

use mcp_orchestrator_domain::{
    AssistantMessage, BlobRef, CallCompleted, CallNo, CallStarted, CallState, Cost, Digest, Event, EvidenceId, Failure,
    FailureClass, Finding, InputGiven, InputRequested, Limits, Outcome, Payload, Principal, Problem, Recorded, Reply,
    ReportChecked, Request, RequestDraft, Reserved, Role, Source, Span, Started, StepCompleted, StepFacts, StepFailed,
    StepId, StepKind, StepOutput, StepSpec, StepText, StepUsage, Submitted, Target, Timestamp, ToolName, Workflow,
    WorkflowId, cited,
};
use mcp_orchestrator_strategies::{Fence, Finish, Inputs, Next, Prompt, Strategy, findings, missing};

/// A workflow under way.
pub(crate) struct Play {
    strategy: Box<dyn Strategy>,
    pub(crate) workflow: Workflow,
    pub(crate) log: Vec<Recorded>,
    pub(crate) finish: Option<Finish>,
    now: u64,
    pub(crate) has_sources: bool,
}

/// A draft of a request for a pattern.
pub(crate) fn draft(pattern: &str, agents: u64) -> RequestDraft {
    RequestDraft {
        pattern: Some(pattern.to_owned()),
        task: Some("How does a workflow survive a crash?".to_owned()),
        num_agents: Some(agents),
        ..RequestDraft::default()
    }
}

/// A parsed request with the corpus tools the facade would fill in.
pub(crate) fn request(draft: RequestDraft) -> Request {
    let mut request = draft.parse(&Limits::default()).unwrap();
    request.tools = tools(&["corpus_search", "corpus_read"]);
    request
}

pub(crate) fn tools(names: &[&str]) -> Vec<ToolName> {
    names.iter().map(|name| ToolName::new(name).unwrap()).collect()
}

/// A numbered list of so many sub-tasks.
pub(crate) fn list(count: usize) -> String {
    (1..=count).map(|number| format!("{number}. Subject {number} in detail\n")).collect()
}

pub(crate) const SEED: u64 = 7;

impl Play {
    /// Submitted, started, and the strategy asked once.
    pub(crate) fn new(strategy: impl Strategy, request: Request) -> Self {
        let submitted = Submitted {
            request,
            principal: Principal::local(),
            seed: SEED,
            strategy_version: strategy.version(),
            request_id: None,
        };
        let id = WorkflowId::from_random("test", [7; 16]).unwrap();
        let (workflow, first) = Workflow::submit(id, submitted, Timestamp::from_millis(0));
        Self::going_on(strategy, workflow, vec![first])
    }

    /// A workflow whose log has been taken over, started, and the strategy asked once.
    pub(crate) fn going_on(strategy: impl Strategy, workflow: Workflow, log: Vec<Recorded>) -> Self {
        let strategy = Box::new(strategy);
        let mut play = Self { strategy, workflow, log, finish: None, now: 0, has_sources: true };
        play.write(Event::Started(Started { deadline: Timestamp::from_millis(1_000_000), resumed: false }));
        play.ask();
        play
    }

    /// As [`Play::new`], with a plan of as many sub-tasks as there are agents.
    pub(crate) fn planned(strategy: impl Strategy, request: Request) -> Self {
        let agents = usize::from(request.agents);
        let mut play = Self::new(strategy, request);
        if agents > 1 {
            play.complete("planner", &list(agents));
        }
        play
    }

    pub(crate) fn write(&mut self, event: Event) {
        self.now += 1;
        self.record(event);
    }

    fn record(&mut self, event: Event) {
        self.log.push(self.workflow.advance(event, Timestamp::from_millis(self.now)).unwrap());
    }

    /// Asks the strategy, plans what it wants, and asks again: nothing more may come.
    fn ask(&mut self) {
        let next = self.strategy.next(&self.workflow);
        assert_eq!(next, self.strategy.next(&self.workflow), "the same workflow, another answer");
        assert_eq!(next.stop, []);
        self.now += 1;
        for step in &next.run {
            self.record(Event::StepPlanned(Arc::new(step.clone())));
        }
        if next.finish.is_some() {
            assert!(next.run.is_empty());
            self.finish = next.finish;
            return;
        }
        assert_eq!(self.strategy.next(&self.workflow), Next::wait(), "planned twice");
        if let Some((step, decision)) = self.decision() {
            self.end(&step, StepOutput::Inline(decision.into()));
            return self.ask();
        }
        assert!(self.workflow.open_steps().next().is_some(), "nothing runs and nothing is finished");
    }

    /// An open decision: it is done as soon as it is planned.
    fn decision(&self) -> Option<(String, String)> {
        self.workflow.open_steps().find_map(|step| match &step.spec().kind {
            StepKind::Decision(decision) => Some((step.id().to_string(), decision.to_string())),
            _ => None,
        })
    }

    fn end(&mut self, step: &str, output: StepOutput) {
        let facts = facts(self.spec(step));
        self.write(Event::StepCompleted(StepCompleted { step: step.parse().unwrap(), output, facts, is_cut: false }));
    }

    /// The tool of a step answers.
    pub(crate) fn answer(&mut self, step: &str, text: &str) {
        let StepKind::Tool { name, .. } = self.spec(step).kind.clone() else { panic!("{step} calls no tool") };
        let target = Target::Tool { name, call_id: String::new() };
        let output = self.call(&step.parse().unwrap(), target, text, Payload::Inline(text.into()));
        self.end(step, output);
        self.ask();
    }

    /// The arguments a tool step calls its tool with.
    pub(crate) fn arguments(&self, step: &str) -> serde_json::Value {
        match &self.spec(step).kind {
            StepKind::Tool { arguments, .. } => serde_json::from_str(arguments).unwrap(),
            other => panic!("{step} is {other:?}"),
        }
    }

    /// A person answers the question of a step.
    pub(crate) fn reply(&mut self, step: &str, answer: &str) {
        let StepKind::Ask { question } = self.spec(step).kind.clone() else { panic!("{step} asks nobody") };
        let id: StepId = step.parse().unwrap();
        self.write(Event::InputRequested(InputRequested { step: id.clone(), question }));
        self.write(Event::InputGiven(InputGiven { step: id, answer: answer.to_owned() }));
        self.end(step, StepOutput::Inline(answer.into()));
        self.ask();
    }

    /// The step ends with this text.
    pub(crate) fn complete(&mut self, step: &str, text: &str) {
        let spec = Arc::clone(self.workflow.step(step).unwrap_or_else(|| panic!("{step} is not planned")).spec());
        assert!(matches!(spec.kind, StepKind::Agent { .. }));
        let output = if spec.inline { StepOutput::Inline(text.into()) } else { self.said(&spec.id, text) };
        self.write(Event::StepCompleted(StepCompleted {
            step: spec.id.clone(),
            output,
            facts: facts(&spec),
            is_cut: false,
        }));
        self.ask();
    }

    /// The step ends with a text that is kept outside the log.
    pub(crate) fn complete_outside(&mut self, step: &str) {
        let spec = Arc::clone(self.workflow.step(step).unwrap().spec());
        let outside = Payload::Blob(BlobRef { sha256: Digest::new([2; 32]), bytes: 99_999 });
        let output = self.call(&spec.id, model(), "", outside);
        self.write(Event::StepCompleted(StepCompleted {
            step: spec.id.clone(),
            output,
            facts: facts(&spec),
            is_cut: false,
        }));
        self.ask();
    }

    fn said(&mut self, step: &StepId, text: &str) -> StepOutput {
        let message = AssistantMessage { text: text.to_owned(), ..AssistantMessage::default() };
        let reply = Reply { message, ..Reply::default() };
        self.call(step, model(), text, Payload::Inline(serde_json::to_string(&reply).unwrap().into()))
    }

    fn call(&mut self, step: &StepId, target: Target, text: &str, output: Payload) -> StepOutput {
        let call = self.workflow.next_call();
        self.write(Event::CallStarted(CallStarted {
            call,
            step: step.clone(),
            turn: 0,
            position: 0,
            attempt: 1,
            target,
            idempotency_key: format!("{step}/{}", call.value()),
            reserved: Reserved::default(),
            hedges: None,
        }));
        self.write(Event::CallCompleted(Box::new(CallCompleted {
            call,
            step: step.clone(),
            output,
            is_error: false,
            usage: mcp_orchestrator_domain::Usage::default(),
            cost: Cost::FREE,
            evidence: cited(text).iter().map(span).collect(),
            parked_ms: 0,
            run_ms: 1,
        })));
        StepOutput::Call(call)
    }

    /// The step fails.
    pub(crate) fn fail(&mut self, step: &str, class: FailureClass) {
        let failure = Failure::new(class, "as scripted");
        self.write(Event::StepFailed(StepFailed {
            step: step.parse().unwrap(),
            failure,
            facts: facts(self.spec(step)),
        }));
        self.ask();
    }

    /// The check ends; these sentences failed.
    pub(crate) fn check(&mut self, step: &str, failing: &[&str]) {
        let findings = failing.iter().enumerate().map(|(sentence, text)| Finding {
            sentence,
            text: (*text).to_owned(),
            problem: Problem::UncitedNumber("30".to_owned()),
        });
        self.write(Event::ReportChecked(Box::new(ReportChecked {
            step: step.parse().unwrap(),
            report: Payload::Inline("{}".into()),
            outcome: Outcome::Answered,
            proved: 1,
            marked: 0,
            dropped: 0,
            repairs: findings.collect(),
        })));
        let completed = StepCompleted {
            step: step.parse().unwrap(),
            output: StepOutput::Report,
            facts: facts(self.spec(step)),
            is_cut: false,
        };
        self.write(Event::StepCompleted(completed));
        self.ask();
    }

    /// Names of the open steps in the order of planning.
    pub(crate) fn open(&self) -> Vec<&str> {
        self.workflow.open_steps().map(|step| step.id().as_str()).collect()
    }

    /// Names of the steps a step reads.
    pub(crate) fn reads(&self, step: &str) -> Vec<&str> {
        self.spec(step).reads.iter().map(StepId::as_str).collect()
    }

    pub(crate) fn spec(&self, step: &str) -> &StepSpec {
        self.workflow.step(step).unwrap_or_else(|| panic!("{step} is not planned")).spec()
    }

    /// How many steps of a role were planned.
    pub(crate) fn count(&self, is: impl Fn(&Role) -> bool) -> usize {
        self.workflow.steps().iter().filter(|step| is(step.role())).count()
    }

    /// The report's check step.
    pub(crate) fn report(&self) -> &str {
        match &self.finish {
            Some(Finish::Report(step)) => step.as_str(),
            other => panic!("no report but {other:?}"),
        }
    }

    pub(crate) fn failure(&self) -> &Failure {
        match &self.finish {
            Some(Finish::Fail(failure)) => failure,
            other => panic!("no failure but {other:?}"),
        }
    }

    /// The prompt of a planned step, its inputs loaded as an engine loads them.
    pub(crate) fn prompt(&self, step: &str) -> Prompt {
        let spec = self.spec(step);
        let outputs: Vec<StepText> = spec.reads.iter().map(|read| self.output(read.as_str())).collect();
        let mut ids: Vec<&EvidenceId> = outputs.iter().flat_map(|output| &output.evidence).collect();
        let mut seen = BTreeSet::new();
        ids.retain(|id| seen.insert(*id));
        let spans = ids.into_iter().map(span).collect();
        let tools = match &spec.kind {
            StepKind::Agent { tools, .. } => tools.as_slice(),
            _ => &[],
        };
        let inputs = Inputs {
            request: self.workflow.request(),
            fence: Fence::new(self.workflow.seed(), &spec.id),
            outputs,
            spans,
            missing: missing(&self.workflow),
            findings: findings(&self.workflow, spec),
            has_sources: self.has_sources,
            tools,
        };
        self.strategy.render(spec, &inputs)
    }

    fn said_in(&self, no: CallNo) -> Arc<str> {
        let call = self.workflow.call(no).unwrap();
        let CallState::Completed { output: Payload::Inline(output), .. } = &call.state else {
            panic!("{no} is not answered")
        };
        match call.target {
            Target::Tool { .. } => Arc::clone(output),
            Target::Model { .. } => serde_json::from_str::<Reply>(output).unwrap().message.text.into(),
        }
    }

    fn output(&self, step: &str) -> StepText {
        let step = self.workflow.step(step).unwrap();
        let text: Arc<str> = match step.output() {
            Some(StepOutput::Inline(text)) => Arc::clone(text),
            Some(StepOutput::Call(no)) => self.said_in(*no),
            other => panic!("{} wrote no text but {other:?}", step.id()),
        };
        let task = step.spec().task.clone();
        StepText { step: step.id().clone(), task, evidence: cited(&text), text }
    }
}

fn model() -> Target {
    Target::Model { provider: "scripted".parse().unwrap(), model: None }
}

fn facts(spec: &StepSpec) -> StepFacts {
    spec.facts(StepUsage::default())
}

/// The passage behind an id.
pub(crate) fn span(id: &EvidenceId) -> Arc<Span> {
    let quote = format!("What the passage {id} says, word for word.");
    Arc::new(Span {
        id: id.clone(),
        snapshot: Digest::new([1; 32]),
        start: 0,
        end: quote.len() as u64,
        quote: quote.into(),
        source: Arc::new(Source { uri: "corpus:docs/crash.md".to_owned(), title: "Crashes".to_owned() }),
    })
}
