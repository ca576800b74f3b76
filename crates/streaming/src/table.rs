//! The one table from a record to what clients are told. Owns when an event is given and from what it is filled.
//!
//! It keeps no state: a record and the progress it carries are enough, so a stream can begin anywhere.
//!
//! | record | client events |
//! |---|---|
//! | `submitted` | `workflow_start`; then `iteration_start` when its steps run in passes |
//! | `step_planned` | by stage: `decomposition_start`, `agent_start`, `synthesis_start` (also for an editor), none when checking |
//! | `step_planned` of a decision | a branch: `agent_progress`; a pass: `iteration_complete`, and `iteration_start` when another follows |
//! | `call_started`, `call_completed`, `call_failed`, `call_abandoned` | `agent_progress` |
//! | `step_completed` | by stage: `decomposition_complete`, `agent_complete`, `synthesis_complete`, none when checking |
//! | `step_failed` | `agent_error` |
//! | `input_requested` | `input_requested` |
//! | `input_given`, `report_checked` | `agent_progress` |
//! | `poisoned`, `revived` | `workflow_poisoned`, `workflow_revived` |
//! | `documents_written` | `document_generation_start`, `document_generation_complete` |
//! | `completed`, `failed`, `cancelled` | `workflow_complete`, `workflow_error` or `workflow_cancelled`; then `stream_closed` |
//! | `forked` | `workflow_forked` |
//! | `started`, `timer_fired`, `cancel_requested` | none: what follows from them is told when it happens |

use mcp_orchestrator_domain::{
    Decision, DocumentsWritten, Event, Flow, Progress, Recorded, Role, Seq, Stage, Status, StepCompleted, StepFailed,
    StepId, StepKind, StepOutput, StepSpec, Target, WorkflowId,
};
use mcp_orchestrator_strategies::sub_tasks;

use crate::{
    Activity, AgentFacts, CallTarget, ClientData, ClientEvent, ClientProgress, CloseReason, Cursor, DocumentFacts,
    ForkedAt, Subtask, Used, data,
};

/// What clients are told of one record: none to three events, in order.
///
/// A stream that starts at the [`ClientEvent::id`] of one of them goes on with the next.
#[must_use]
pub fn translate(id: &WorkflowId, recorded: &Recorded) -> Vec<ClientEvent> {
    let record = &recorded.record;
    let told = told(&record.event, &record.progress);
    let last = told.len();
    let before = Seq::new(recorded.seq.value().saturating_sub(1));
    let progress = ClientProgress::from(&record.progress);
    (1_u32..)
        .zip(told)
        .map(|(n, (agent_id, data))| ClientEvent {
            id: if n as usize == last { Cursor::after(recorded.seq) } else { Cursor::within(before, n) },
            task_id: id.clone(),
            timestamp: record.at,
            data,
            agent_id,
            progress,
        })
        .collect()
}

type Told = (Option<StepId>, ClientData);

fn told(event: &Event, progress: &Progress) -> Vec<Told> {
    let about = |step: &StepId, activity: Activity| vec![(Some(step.clone()), ClientData::AgentProgress(activity))];
    match event {
        Event::Submitted(submitted) => {
            let request = &submitted.request;
            let start = ClientData::WorkflowStart {
                task: request.task.clone(),
                title: request.title.clone(),
                pattern: request.pattern.clone(),
                agents: request.agents,
                provider: request.provider.clone(),
            };
            let flow = request.definition.as_ref().map(|definition| &definition.flow);
            let passes = match flow {
                Some(Flow::Iterative { passes_max, .. }) => Some(*passes_max),
                Some(Flow::Sequential { .. } | Flow::Conditional { .. } | Flow::Custom { .. }) | None => None,
            };
            let first = passes.map(|of| ClientData::IterationStart { iteration: 1, max_iterations: of });
            [start].into_iter().chain(first).map(|data| (None, data)).collect()
        }
        Event::Forked(forked) => {
            let forked_from = ForkedAt { task_id: forked.from.clone(), at: forked.at };
            vec![(None, ClientData::WorkflowForked { forked_from, reopened: forked.reopened.clone() })]
        }
        Event::StepPlanned(spec) => match &spec.kind {
            StepKind::Decision(decision) => decided(&spec.id, decision),
            _ => of_step(&spec.id, step_planned(spec, progress)),
        },
        Event::CallStarted(started) => {
            let target = call_target(&started.target);
            let (call, turn, attempt) = (started.call, started.turn, started.attempt);
            about(&started.step, Activity::CallStarted { call, turn, attempt, target, hedges: started.hedges })
        }
        Event::CallCompleted(completed) => about(
            &completed.step,
            Activity::CallCompleted {
                call: completed.call,
                is_error: completed.is_error,
                evidence: completed.evidence.len(),
                parked_time: data::seconds(completed.parked_ms),
                used: Used::by_call(completed.usage, completed.cost, completed.run_ms),
            },
        ),
        Event::CallFailed(failed) => about(
            &failed.step,
            Activity::CallFailed {
                call: failed.call,
                error: failed.failure.message.clone(),
                class: failed.failure.class,
                retry_at: failed.retry_at,
                used: Used::by_call(failed.usage, failed.cost, failed.run_ms),
            },
        ),
        Event::CallAbandoned(abandoned) => {
            about(&abandoned.step, Activity::CallAbandoned { call: abandoned.call, reason: abandoned.reason })
        }
        Event::StepCompleted(completed) => of_step(&completed.step, step_completed(completed, progress)),
        Event::StepFailed(failed) => of_step(&failed.step, Some(step_failed(failed))),
        Event::InputRequested(requested) => {
            of_step(&requested.step, Some(ClientData::InputRequested { question: requested.question.clone() }))
        }
        Event::InputGiven(given) => about(&given.step, Activity::InputGiven {}),
        Event::Poisoned(poisoned) => vec![(
            None,
            ClientData::WorkflowPoisoned { workers: poisoned.workers, message: held_back(poisoned.workers) },
        )],
        Event::Revived(_) => vec![(None, ClientData::WorkflowRevived {})],
        Event::ReportChecked(checked) => about(
            &checked.step,
            Activity::ReportChecked {
                outcome: checked.outcome,
                proved: checked.proved,
                marked: checked.marked,
                dropped: checked.dropped,
                repairs: checked.repairs.len(),
            },
        ),
        Event::DocumentsWritten(written) => documents_written(written),
        Event::Completed(completed) => ended(
            Status::Completed,
            ClientData::WorkflowComplete {
                outcome: completed.outcome,
                document_count: progress.documents,
                execution_time: data::execution_time(progress),
                total_cost: data::total_cost(progress),
            },
        ),
        Event::Failed(failed) => ended(
            Status::Failed,
            ClientData::WorkflowError {
                error: failed.failure.message.clone(),
                class: failed.failure.class,
                execution_time: data::execution_time(progress),
                total_cost: data::total_cost(progress),
            },
        ),
        Event::Cancelled(_) => ended(
            Status::Cancelled,
            ClientData::WorkflowCancelled {
                execution_time: data::execution_time(progress),
                total_cost: data::total_cost(progress),
            },
        ),
        Event::Started(_) | Event::TimerFired(_) | Event::CancelRequested(_) => Vec::new(),
    }
}

/// Why a workflow is held back and what can be done about it, in words: the same wherever it is told.
#[must_use]
pub fn held_back(workers: u32) -> String {
    format!(
        "{workers} workers in a row ended while they ran it, with nothing settled between: nobody runs it until it is \
         resumed or cancelled"
    )
}

fn of_step(step: &StepId, data: Option<ClientData>) -> Vec<Told> {
    data.map(|data| (Some(step.clone()), data)).into_iter().collect()
}

/// A decision is done as soon as it is planned, so that is when it is told.
fn decided(step: &StepId, decision: &Decision) -> Vec<Told> {
    match decision {
        Decision::Branch { selected, reason } => {
            let activity = Activity::BranchSelected { selected_branch: selected.clone(), reason: reason.clone() };
            vec![(Some(step.clone()), ClientData::AgentProgress(activity))]
        }
        Decision::Pass { number, of, done, reason } => {
            let (iteration, max_iterations) = (*number, *of);
            let complete =
                ClientData::IterationComplete { iteration, max_iterations, success: *done, reason: reason.clone() };
            let is_last = *done || number >= of;
            let next = (!is_last)
                .then(|| ClientData::IterationStart { iteration: iteration.saturating_add(1), max_iterations });
            [complete].into_iter().chain(next).map(|data| (None, data)).collect()
        }
        // A decision this version does not know is told by what follows from it.
        _ => Vec::new(),
    }
}

fn ended(status: Status, how: ClientData) -> Vec<Told> {
    vec![(None, how), (None, ClientData::StreamClosed { status: Some(status), reason: CloseReason::Ended })]
}

/// What a step is to clients. An editor rewrites what a synthesis wrote, whatever stage it is planned for.
enum Part {
    Planning,
    Agent,
    Synthesis,
    Silent,
}

fn part(role: &Role, stage: Stage) -> Part {
    match stage {
        // What was decided is told when it is planned.
        _ if *role == Role::Decision => Part::Silent,
        Stage::Planning => Part::Planning,
        Stage::Agents => Part::Agent,
        Stage::Synthesis => Part::Synthesis,
        Stage::Checking if *role == Role::Editor => Part::Synthesis,
        // Checks are told by `report_checked`; no step runs in the other stages.
        _ => Part::Silent,
    }
}

fn step_planned(spec: &StepSpec, progress: &Progress) -> Option<ClientData> {
    match part(&spec.role, spec.stage) {
        Part::Planning => Some(ClientData::DecompositionStart { requested: progress.total_agents }),
        Part::Agent => Some(ClientData::AgentStart {
            agent: AgentFacts::new(&spec.id, &spec.role, spec.stage, &spec.task),
            tools: tools(&spec.kind),
        }),
        Part::Synthesis => Some(ClientData::SynthesisStart {
            level: level(&spec.role).to_owned(),
            input_count: spec.reads.len(),
            inputs: spec.reads.clone(),
        }),
        Part::Silent => None,
    }
}

fn step_completed(completed: &StepCompleted, progress: &Progress) -> Option<ClientData> {
    let facts = &completed.facts;
    let (used, is_cut) = (Used::from(facts.used), completed.is_cut);
    let text = match &completed.output {
        StepOutput::Inline(text) => Some(&**text),
        StepOutput::Call(_) | StepOutput::Report => None,
    };
    match part(&facts.role, facts.stage) {
        Part::Planning => {
            // Until the first agent is planned, the total is the number asked for.
            let tasks = sub_tasks(text.unwrap_or_default(), progress.total_agents as usize);
            Some(ClientData::DecompositionComplete {
                subtask_count: (!tasks.is_empty()).then_some(tasks.len()),
                subtasks: tasks.into_iter().map(|description| Subtask { description }).collect(),
                is_cut,
                used,
            })
        }
        Part::Agent => Some(ClientData::AgentComplete {
            agent: AgentFacts::new(&completed.step, &facts.role, facts.stage, &facts.task),
            is_cut,
            used,
        }),
        Part::Synthesis => Some(ClientData::SynthesisComplete {
            level: level(&facts.role).to_owned(),
            synthesis_length: text.map(|text| text.chars().count()),
            is_cut,
            used,
        }),
        Part::Silent => None,
    }
}

fn step_failed(failed: &StepFailed) -> ClientData {
    let facts = &failed.facts;
    ClientData::AgentError {
        agent: AgentFacts::new(&failed.step, &facts.role, facts.stage, &facts.task),
        error: failed.failure.message.clone(),
        class: failed.failure.class,
        used: Used::from(facts.used),
    }
}

fn documents_written(written: &DocumentsWritten) -> Vec<Told> {
    let documents = &written.documents;
    let facts = documents.iter().map(|document| DocumentFacts {
        name: document.name.clone(),
        format: document.format,
        bytes: document.blob.bytes,
    });
    vec![
        (
            None,
            ClientData::DocumentGenerationStart { formats: documents.iter().map(|document| document.format).collect() },
        ),
        (None, ClientData::DocumentGenerationComplete { document_count: documents.len(), documents: facts.collect() }),
    ]
}

fn call_target(target: &Target) -> CallTarget {
    match target {
        Target::Model { provider, model } => CallTarget::Model { provider: provider.clone(), model: model.clone() },
        Target::Tool { name, .. } => CallTarget::Tool { name: name.clone() },
    }
}

fn tools(kind: &StepKind) -> Vec<mcp_orchestrator_domain::ToolName> {
    match kind {
        StepKind::Agent { tools, .. } => tools.clone(),
        StepKind::Tool { name, .. } => vec![name.clone()],
        _ => Vec::new(),
    }
}

fn level(role: &Role) -> &str {
    match role {
        Role::Synthesizer => "drummer",
        Role::Executive => "camina",
        Role::Editor => "editor",
        Role::Custom(name) => name,
        _ => role.agent_type(),
    }
}
