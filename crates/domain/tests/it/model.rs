//! A writer that proposes anything at all, legal or not: what the fold must withstand.

use std::sync::Arc;

use mcp_orchestrator_domain::{
    Abandoned, CallAbandoned, CallCompleted, CallFailed, CallNo, CallStarted, CancelRequested, Cancelled, Completed,
    Cost, Event, Failed, Failure, FailureClass, GateMode, Limits, Money, Outcome, Payload, Principal, ProviderName,
    Recorded, ReportChecked, RequestDraft, Reserved, Role, Stage, Started, StepCompleted, StepFailed, StepId, StepKind,
    StepOutput, StepSpec, StepUsage, Submitted, Target, TimerFired, Timestamp, Usage, Workflow, WorkflowId,
};
use proptest::prelude::*;

/// What the writer tries next. Numbers are taken modulo what exists.
#[derive(Clone, Debug)]
pub(crate) enum Attempt {
    Start,
    Plan { step: u8, stage: u8, reads: Option<u8> },
    Call { step: u8, skip: bool, cost: u16 },
    Hedge { step: Option<u8>, call: u8 },
    Complete { call: u8, cost: Option<u16>, tokens: u16 },
    Fail { call: u8 },
    Abandon { call: u8 },
    EndStep { step: u8, call: u8, well: bool },
    Check { step: u8 },
    Timer,
    Cancel,
    Finish { step: u8 },
    FailAll,
}

pub(crate) fn attempts() -> impl Strategy<Value = Vec<Attempt>> {
    let attempt = prop_oneof![
        2 => Just(Attempt::Start),
        6 => (0..12_u8, 0..4_u8, proptest::option::weighted(0.3, 0..12_u8))
            .prop_map(|(step, stage, reads)| Attempt::Plan { step, stage, reads }),
        8 => (0..12_u8, proptest::bool::weighted(0.05), any::<u16>())
            .prop_map(|(step, skip, cost)| Attempt::Call { step, skip, cost }),
        4 => (proptest::option::weighted(0.1, 0..12_u8), 0..20_u8).prop_map(|(step, call)| Attempt::Hedge { step, call }),
        6 => (0..20_u8, proptest::option::of(any::<u16>()), any::<u16>())
            .prop_map(|(call, cost, tokens)| Attempt::Complete { call, cost, tokens }),
        2 => (0..20_u8).prop_map(|call| Attempt::Fail { call }),
        2 => (0..20_u8).prop_map(|call| Attempt::Abandon { call }),
        5 => (0..12_u8, 0..20_u8, any::<bool>()).prop_map(|(step, call, well)| Attempt::EndStep { step, call, well }),
        2 => (0..12_u8).prop_map(|step| Attempt::Check { step }),
        1 => Just(Attempt::Timer),
        1 => Just(Attempt::Cancel),
        1 => (0..12_u8).prop_map(|step| Attempt::Finish { step }),
        1 => Just(Attempt::FailAll),
    ];
    proptest::collection::vec(attempt, 0..120)
}

pub(crate) fn id() -> WorkflowId {
    WorkflowId::from_random("research", [7; 16]).unwrap()
}

pub(crate) fn step(number: u8) -> StepId {
    StepId::new(&format!("s{number}")).unwrap()
}

pub(crate) fn submitted() -> Submitted {
    let draft = RequestDraft {
        pattern: Some("research".to_owned()),
        task: Some("How does a workflow survive a crash?".to_owned()),
        ..RequestDraft::default()
    };
    let request = draft.parse(&Limits::default()).unwrap();
    Submitted { request, principal: Principal::local(), seed: 1, strategy_version: 1, request_id: None }
}

pub(crate) fn spec(number: u8, stage: Stage, reads: Vec<StepId>) -> StepSpec {
    StepSpec {
        id: step(number),
        kind: if stage == Stage::Checking {
            StepKind::Check { mode: GateMode::Strict, repair: false }
        } else {
            StepKind::Agent { tools: Vec::new(), turns_max: 3, output_tokens_max: 100 }
        },
        role: Role::Researcher,
        stage,
        task: format!("sub-task {number}"),
        reads,
        time_limit_ms: 1000,
        inline: false,
    }
}

pub(crate) fn started_call(no: u32, step: StepId, cost: Option<Money>) -> Event {
    Event::CallStarted(CallStarted {
        call: CallNo::new(no),
        idempotency_key: format!("w/{step}/{no}"),
        step,
        turn: 0,
        position: 0,
        attempt: 1,
        target: Target::Model { provider: ProviderName::new("scripted").unwrap(), model: None },
        reserved: Reserved { tokens: 10, cost },
        hedges: None,
    })
}

/// A call beside another one.
pub(crate) fn hedge(no: u32, step: StepId, hedged: u32) -> Event {
    match started_call(no, step, None) {
        Event::CallStarted(started) => {
            Event::CallStarted(CallStarted { hedges: Some(CallNo::new(hedged)), attempt: 2, ..started })
        }
        other => other,
    }
}

pub(crate) fn completed_call(no: u32, step: StepId, cost: Cost, tokens: u64) -> Event {
    Event::CallCompleted(Box::new(CallCompleted {
        call: CallNo::new(no),
        step,
        output: Payload::Inline(Arc::from("{}")),
        is_error: false,
        usage: Usage { input: tokens, ..Usage::default() },
        cost,
        evidence: Vec::new(),
        parked_ms: 0,
        run_ms: 1,
    }))
}

/// The event an attempt leads to.
pub(crate) fn event(workflow: &Workflow, attempt: &Attempt) -> Vec<Event> {
    let call_of = |call: u8| CallNo::new(u32::from(call) % u32::try_from(workflow.calls().len().max(1)).unwrap());
    let step_of =
        |call: CallNo| workflow.call(call).map_or_else(|| step(0), |call| workflow.steps()[call.step].id().clone());
    let facts = |number: u8| spec(number, Stage::Agents, Vec::new()).facts(StepUsage::default());
    match attempt {
        Attempt::Start => vec![Event::Started(Started {
            deadline: Timestamp::from_millis(99_999),
            resumed: workflow.started().is_some(),
        })],
        Attempt::Plan { step: number, stage, reads } => {
            let stage = [Stage::Planning, Stage::Agents, Stage::Synthesis, Stage::Checking][usize::from(*stage)];
            vec![Event::StepPlanned(Arc::new(spec(*number, stage, reads.iter().map(|r| step(*r)).collect())))]
        }
        Attempt::Call { step: number, skip, cost } => {
            let no = workflow.next_call().value() + u32::from(*skip);
            let cost = (cost % 3 > 0).then(|| Money::from_pico_usd(u64::from(*cost)));
            vec![started_call(no, step(*number), cost)]
        }
        Attempt::Hedge { step: own, call } => {
            let no = call_of(*call);
            let of = own.map_or_else(|| step_of(no), step);
            vec![hedge(workflow.next_call().value(), of, no.value())]
        }
        Attempt::Complete { call, cost, tokens } => {
            let no = call_of(*call);
            let cost = cost.map_or(Cost::Unknown, |cost| Cost::Reported(Money::from_pico_usd(cost.into())));
            vec![completed_call(no.value(), step_of(no), cost, (*tokens).into())]
        }
        Attempt::Fail { call } => {
            let no = call_of(*call);
            vec![Event::CallFailed(CallFailed {
                call: no,
                step: step_of(no),
                failure: Failure::new(FailureClass::Network, "cut"),
                cost: Cost::FREE,
                usage: Usage::default(),
                retry_at: None,
                run_ms: 1,
            })]
        }
        Attempt::Abandon { call } => {
            let no = call_of(*call);
            vec![Event::CallAbandoned(CallAbandoned::new(no, step_of(no), Abandoned::Crash))]
        }
        Attempt::EndStep { step: number, call, well: true } => vec![Event::StepCompleted(StepCompleted {
            step: step(*number),
            facts: facts(*number),
            output: StepOutput::Call(call_of(*call)),
            is_cut: false,
        })],
        Attempt::EndStep { step: number, well: false, .. } => vec![Event::StepFailed(StepFailed {
            step: step(*number),
            facts: facts(*number),
            failure: Failure::new(FailureClass::NoResult, "empty"),
        })],
        Attempt::Check { step: number } => vec![
            Event::ReportChecked(Box::new(ReportChecked {
                step: step(*number),
                report: Payload::Inline(Arc::from("{}")),
                outcome: Outcome::Answered,
                proved: 1,
                marked: 0,
                dropped: 0,
                repairs: Vec::new(),
            })),
            Event::StepCompleted(StepCompleted {
                step: step(*number),
                facts: facts(*number),
                output: StepOutput::Report,
                is_cut: false,
            }),
        ],
        Attempt::Timer => vec![Event::TimerFired(TimerFired { due: Timestamp::from_millis(5) })],
        Attempt::Cancel => {
            let mut events = vec![Event::CancelRequested(CancelRequested { reason: String::new() })];
            events.extend(workflow.abandon_open_calls(Abandoned::Cancel));
            events.push(Event::Cancelled(Cancelled::default()));
            events
        }
        Attempt::Finish { step: number } => {
            vec![Event::Completed(Completed { report: step(*number), outcome: Outcome::Answered })]
        }
        Attempt::FailAll => {
            let mut events: Vec<Event> = workflow.abandon_open_calls(Abandoned::Stopped).collect();
            events.push(Event::Failed(Failed { failure: Failure::new(FailureClass::Internal, "broken") }));
            events
        }
    }
}

/// The log that comes of a series of attempts: what was refused is not in it.
pub(crate) fn log_of(attempts: &[Attempt]) -> (Workflow, Vec<Recorded>) {
    let (mut workflow, first) = Workflow::submit(id(), submitted(), Timestamp::from_millis(1));
    let mut log = vec![first];
    for (position, attempt) in attempts.iter().enumerate() {
        for event in event(&workflow, attempt) {
            let at = Timestamp::from_millis(2 + position as u64);
            if let Ok(recorded) = workflow.advance(event, at) {
                log.push(recorded);
            }
        }
    }
    (workflow, log)
}
