//! One log by itself: what its records must not say, whoever reads them. Owns these rules and what the others need of a log.

use std::collections::{BTreeMap, HashMap, HashSet};

use mcp_orchestrator_domain::{Abandoned, CallNo, Event, Recorded, Seq, Status, StepId, Target, Workflow, WorkflowId};

use super::{Verdict, Violation};

/// What the rules about clients need of a log.
#[derive(Debug, Default)]
pub(super) struct LogFacts {
    /// The status after each record.
    pub(super) statuses: Vec<Status>,
    /// Intents of calls to models, by their keys.
    pub(super) intents: BTreeMap<String, usize>,
    /// Answers of people, as often as they are there.
    pub(super) answers: Vec<(StepId, String)>,
    /// Calls made again after a death or a stop.
    pub(super) paid_again: usize,
    /// Calls that were under way at a death or a stop.
    pub(super) given_up: usize,
}

/// What became of a call so far.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Open,
    Answered,
    Failed,
    GivenUp,
}

#[derive(Default)]
struct Walk {
    /// Every call by its number: its key and its fate.
    calls: HashMap<CallNo, (String, Fate)>,
    /// The last call under each key.
    by_key: HashMap<String, CallNo>,
    ended: HashSet<StepId>,
    has_ended: bool,
}

impl LogFacts {
    pub(super) fn of(id: &WorkflowId, log: &[Recorded], verdict: &mut Verdict) -> Self {
        let mut facts = Self::default();
        let mut walk = Walk::default();
        for (recorded, expected) in log.iter().zip(1..) {
            if recorded.seq.value() != expected {
                verdict.found(Violation::Gap { id: id.clone(), expected: Seq::new(expected), found: recorded.seq });
            }
            walk.take(id, recorded, &mut facts, verdict);
        }
        facts.fold(id, log, verdict);
        let status = facts.statuses.last().copied().unwrap_or_default();
        if !status.is_terminal() {
            verdict.found(Violation::Unfinished { id: id.clone(), status });
        }
        facts
    }

    /// The status after each record, by the product's own fold: it knows every rule of a log.
    fn fold(&mut self, id: &WorkflowId, log: &[Recorded], verdict: &mut Verdict) {
        let Some((first, rest)) = log.split_first() else { return };
        let mut workflow = match Workflow::open(id.clone(), first) {
            Ok(workflow) => workflow,
            Err(illegal) => return verdict.found(illegal.into()),
        };
        self.statuses.push(workflow.status());
        for recorded in rest {
            if let Err(illegal) = workflow.apply(recorded) {
                return verdict.found(illegal.into());
            }
            self.statuses.push(workflow.status());
        }
    }
}

impl Walk {
    fn take(&mut self, id: &WorkflowId, recorded: &Recorded, facts: &mut LogFacts, verdict: &mut Verdict) {
        let seq = recorded.seq;
        if self.has_ended {
            verdict.found(Violation::AfterEnd { id: id.clone(), seq });
        }
        let rerun = |what: String| Violation::Rerun { id: id.clone(), what, seq };
        match &recorded.record.event {
            Event::CallStarted(started) => {
                let key = started.idempotency_key.clone();
                if self.ended.contains(&started.step) {
                    verdict.found(rerun(format!("step {}", started.step)));
                }
                let before = self.by_key.get(&key).and_then(|before| self.calls.get(before)).map(|(_, fate)| *fate);
                match before {
                    Some(Fate::Open | Fate::Answered) => verdict.found(rerun(format!("call {key}"))),
                    Some(Fate::GivenUp) => facts.paid_again += 1,
                    Some(Fate::Failed) | None => {}
                }
                if matches!(started.target, Target::Model { .. }) {
                    *facts.intents.entry(key.clone()).or_default() += 1;
                }
                self.by_key.insert(key.clone(), started.call);
                self.calls.insert(started.call, (key, Fate::Open));
            }
            Event::CallCompleted(completed) => self.end_call(id, completed.call, Fate::Answered, seq, verdict),
            Event::CallFailed(failed) => self.end_call(id, failed.call, Fate::Failed, seq, verdict),
            Event::CallAbandoned(abandoned) => {
                if matches!(abandoned.reason, Abandoned::Crash | Abandoned::Shutdown) {
                    facts.given_up += 1;
                }
                self.end_call(id, abandoned.call, Fate::GivenUp, seq, verdict);
            }
            Event::StepPlanned(spec) => {
                if self.ended.contains(&spec.id) {
                    verdict.found(rerun(format!("step {}", spec.id)));
                }
            }
            Event::StepCompleted(completed) => self.end_step(id, &completed.step, seq, verdict),
            Event::StepFailed(failed) => self.end_step(id, &failed.step, seq, verdict),
            Event::Forked(forked) => self.ended.retain(|step| !forked.reopened.contains(step)),
            Event::InputGiven(given) => facts.answers.push((given.step.clone(), given.answer.clone())),
            Event::Completed(_) | Event::Failed(_) | Event::Cancelled(_) => self.has_ended = true,
            Event::Submitted(_)
            | Event::Started(_)
            | Event::InputRequested(_)
            | Event::TimerFired(_)
            | Event::Poisoned(_)
            | Event::Revived(_)
            | Event::CancelRequested(_)
            | Event::ReportChecked(_)
            | Event::DocumentsWritten(_) => {}
        }
    }

    fn end_call(&mut self, id: &WorkflowId, call: CallNo, fate: Fate, seq: Seq, verdict: &mut Verdict) {
        let Some((_, before)) = self.calls.get_mut(&call) else { return };
        if *before != Fate::Open {
            verdict.found(Violation::EndedTwice { id: id.clone(), what: format!("call {call}"), seq });
        }
        *before = fate;
    }

    fn end_step(&mut self, id: &WorkflowId, step: &StepId, seq: Seq, verdict: &mut Verdict) {
        if !self.ended.insert(step.clone()) {
            verdict.found(Violation::EndedTwice { id: id.clone(), what: format!("step {step}"), seq });
        }
    }
}
