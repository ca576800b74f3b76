//! Whatever becomes of the steps, in whatever order: a workflow ends, and loses no result.

use std::collections::BTreeSet;

use mcp_orchestrator_domain::{FailureClass, NOTHING_FOUND, RequestDraft, Role, Stage, StepKind, StepOutput};
use mcp_orchestrator_strategies::{Beltalowda, Finish, Swarm};
use proptest::prelude::*;

use crate::play::{Play, draft, list, request};

/// Ends the open steps in a random order and way until the workflow ends.
fn play_out(mut play: Play, agents: u16, choices: &[(u16, u8)]) -> Play {
    let mut choices = choices.iter().cycle();
    for _ in 0..200 {
        if play.finish.is_some() {
            return play;
        }
        let (which, how) = *choices.next().unwrap();
        let open = play.open();
        let step = open[usize::from(which) % open.len()].to_owned();
        let spec = play.spec(&step).clone();
        match (&spec.kind, spec.role, how) {
            (StepKind::Check { repair: true, .. }, _, 0..5) => play.check(&step, &["A failing sentence."]),
            (StepKind::Check { .. }, ..) => play.check(&step, &[]),
            (_, Role::Planner, 0) => play.fail(&step, FailureClass::Decode),
            (_, Role::Planner, _) => play.complete(&step, &list(agents.into())),
            (_, _, 0..3) => play.fail(&step, FailureClass::Server),
            (_, _, 3) if spec.stage == Stage::Agents => play.complete(&step, NOTHING_FOUND),
            _ => play.complete(&step, &format!("What {step} found about {} in full.", spec.task)),
        }
    }
    panic!("it does not end");
}

/// Every result that somebody found is in the report: read by its check, directly or through steps that completed.
fn nothing_is_lost(play: &Play) -> Result<(), TestCaseError> {
    let agents: Vec<_> = play.workflow.steps().iter().filter(|step| step.stage() == Stage::Agents).collect();
    let Some(Finish::Report(report)) = &play.finish else {
        prop_assert!(agents.iter().all(|step| step.failure().is_some()));
        return Ok(());
    };
    let mut read: BTreeSet<&str> = BTreeSet::new();
    let mut open = vec![report.as_str()];
    while let Some(step) = open.pop() {
        prop_assert!(play.workflow.step(step).unwrap().is_completed());
        if read.insert(step) {
            open.extend(play.reads(step));
        }
    }
    for agent in agents.iter().filter(|step| step.is_completed()) {
        let Some(StepOutput::Call(no)) = agent.output() else { panic!("no output") };
        let found = !format!("{:?}", play.workflow.call(*no).unwrap().state).contains(NOTHING_FOUND);
        prop_assert!(!found || read.contains(agent.id().as_str()), "{} is lost", agent.id());
    }
    Ok(())
}

proptest! {
    #[test]
    fn beltalowda_ends_and_loses_nothing(
        agents in 1_u16..=20,
        group in 2_u64..=8,
        drummer: bool,
        camina: bool,
        choices in proptest::collection::vec((any::<u16>(), 0_u8..20), 1..60),
    ) {
        let draft = RequestDraft {
            synthesis_group_size: Some(group),
            enable_drummer: Some(drummer),
            enable_camina: Some(camina),
            ..draft("beltalowda", agents.into())
        };
        let play = play_out(Play::new(Beltalowda::new(), request(draft)), agents, &choices);
        nothing_is_lost(&play)?;
        for step in play.workflow.steps().iter().filter(|step| *step.role() == Role::Synthesizer) {
            prop_assert!((2..=group as usize).contains(&step.spec().reads.len()));
        }
    }

    #[test]
    fn swarm_ends_and_loses_nothing(
        agents in 1_u16..=20,
        choices in proptest::collection::vec((any::<u16>(), 0_u8..20), 1..60),
    ) {
        let play = play_out(Play::new(Swarm::new(), request(draft("swarm", agents.into()))), agents, &choices);
        nothing_is_lost(&play)?;
    }
}
