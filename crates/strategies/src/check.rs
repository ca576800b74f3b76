//! The end of every workflow: check the citations, repair once, check again, report. Owns that sequence and its step
//! names; which text is checked is the strategy's.

use mcp_orchestrator_domain::{
    Failure, FailureClass, GateMode, Request, Role, Stage, Step, StepId, StepKind, StepSpec, StepState, Workflow,
};

use crate::{
    Finish, Next,
    steps::{Bounds, agent, id},
};

const FIRST: &str = "citation_monitor";
const EDITOR: &str = "editor";
const SECOND: &str = "citation_monitor_2";

/// How long a check may take, in milliseconds. It calls nothing: only a very long report gets near it.
const CHECK_MS: u64 = 60_000;
const EDITOR_TOKENS_MAX: u32 = 4_000;

/// Checks what the steps `reads` wrote and ends the workflow with the report that remains.
///
/// To be asked again after every step, like [`crate::Strategy::next`]: it plans `citation_monitor`; where sentences
/// failed and may be repaired, `editor` and `citation_monitor_2`; then it finishes. Once the first check is planned,
/// `reads` is not looked at again.
///
/// The strategy renders the editor's prompt like any other; [`crate::Prompt::editor`] is one. One text is repaired once in
/// [`GateMode::Strict`]. Several texts, which become sections in this order, have no
/// writer who could repair them; sentences that fail are dropped.
#[must_use]
pub fn finish_with_check(workflow: &Workflow, reads: Vec<StepId>) -> Next {
    let Some(first) = workflow.step(FIRST) else {
        let repair = workflow.request().gate == GateMode::Strict && reads.len() == 1;
        return Next::run(vec![check(FIRST, reads, workflow.request(), repair)]);
    };
    if !needs_repair(first) {
        return end(first);
    }
    let Some(editor) = workflow.step(EDITOR) else {
        return Next::run(vec![edit(workflow, first)]);
    };
    if editor.is_open() {
        return Next::wait();
    }
    let Some(second) = workflow.step(SECOND) else {
        let reads = if editor.is_completed() { vec![editor.id().clone()] } else { first.spec().reads.clone() };
        return Next::run(vec![check(SECOND, reads, workflow.request(), false)]);
    };
    end(second)
}

fn needs_repair(check: &Step) -> bool {
    let may = matches!(check.spec().kind, StepKind::Check { repair: true, .. });
    may && check.is_completed() && check.check().is_some_and(|summary| !summary.repairs.is_empty())
}

/// What the last check means for the workflow.
fn end(check: &Step) -> Next {
    match check.state() {
        StepState::Open => Next::wait(),
        StepState::Completed(_) if check.check().is_some() => Next::finish(Finish::Report(check.id().clone())),
        StepState::Failed(failure) => Next::fail(failure.clone()),
        _ => Next::fail(Failure::new(FailureClass::Internal, format!("{} completed without a report", check.id()))),
    }
}

fn check(name: &str, reads: Vec<StepId>, request: &Request, repair: bool) -> StepSpec {
    StepSpec {
        id: id(name),
        kind: StepKind::Check { mode: request.gate, repair },
        role: Role::Monitor,
        stage: Stage::Checking,
        task: "Check every citation".to_owned(),
        reads,
        time_limit_ms: CHECK_MS,
        inline: false,
    }
}

/// The editor reads the report first, then what its writer read: only the evidence cited there, which may prove what
/// the report says without proof.
fn edit(workflow: &Workflow, checked: &Step) -> StepSpec {
    let time_limit_ms = workflow.request().timeouts.executive_ms;
    let bounds = Bounds { turns_max: 1, output_tokens_max: EDITOR_TOKENS_MAX, time_limit_ms };
    let step = agent(id(EDITOR), Role::Editor, Stage::Checking, "Repair sentences that failed the check", bounds);
    let mut reads = checked.spec().reads.clone();
    let written_from = reads.first().and_then(|writer| workflow.step(writer.as_str())).map(|writer| writer.spec());
    reads.extend(written_from.iter().flat_map(|writer| writer.reads.iter().cloned()));
    StepSpec { reads, ..step }
}
