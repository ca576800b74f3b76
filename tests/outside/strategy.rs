//! A strategy that breaks its contract fails its own workflow, by its name; a sibling completes in the same engine.

use std::sync::Arc;

use mcp_orchestrator::{
    RequestDraft, Status,
    domain::{FailureClass, StepId, StepKind, StepSpec, Timestamp, ToolName, Workflow},
    strategy::{Finish, Next},
};

use crate::parts::{Solo, agent, ask, engine, soon};

fn steps(workflow: &Workflow, names: impl Iterator<Item = String>) -> Option<Next> {
    Some(Next::run(names.map(|name| agent(&name, workflow)).collect()))
}

fn one(workflow: &Workflow, change: impl FnOnce(StepSpec) -> StepSpec) -> Option<Next> {
    Some(Next::run(vec![change(agent("one", workflow))]))
}

fn broken() -> Vec<(Solo, &'static str)> {
    let long_ago = Timestamp::from_millis(1);
    vec![
        (
            Solo::planning("twice", |w| steps(w, ["one", "one"].map(str::to_owned).into_iter())),
            "planned step one twice",
        ),
        (Solo::planning("again", |w| one(w, |step| step)), "planned step one twice"),
        (Solo::planning("idle", |_| Some(Next::wait())), "waits while nothing runs"),
        (Solo::planning("panics", |_| panic!("at the wheel")), "the strategy panics panicked: at the wheel"),
        (
            Solo::planning("endless", |w| steps(w, (0..500).map(|n| format!("s{}", w.steps().len() + n)))),
            "planned more than 2000 steps",
        ),
        (
            Solo::planning("early", |w| one(w, |step| StepSpec { reads: vec![StepId::new("never").unwrap()], ..step })),
            "lets one read never, which has not completed",
        ),
        (
            Solo::planning("armed", |w| {
                let tools = vec![ToolName::new("cannon").unwrap()];
                let kind = StepKind::Agent { tools, turns_max: 1, output_tokens_max: 10 };
                one(w, |step| StepSpec { kind, ..step })
            }),
            "gives one the tool cannon, which is not registered",
        ),
        (
            Solo::planning("restless", move |_| Some(Next { wake: Some(long_ago), ..Next::default() })),
            "asks to be woken when it was woken already",
        ),
        (
            Solo::planning("hasty", |_| Some(Next::finish(Finish::Report(StepId::new("never").unwrap())))),
            "finished with never, which has checked no report",
        ),
        (
            Solo::rendering("mute", || panic!("no words")),
            "the strategy mute panicked while it wrote the prompt: no words",
        ),
    ]
}

#[tokio::test]
async fn each_way_of_breaking_the_contract_is_named_and_nothing_else_is_touched() {
    let broken = broken();
    let handle = engine(|builder| {
        broken.iter().fold(builder, |builder, (strategy, _)| builder.with_shared_strategy(Arc::new(strategy.clone())))
    });
    let before = handle.submit(ask("solo")).await.unwrap();
    for (strategy, says) in &broken {
        let name = mcp_orchestrator::Strategy::name(strategy).as_str();
        let id = handle.submit(ask(name)).await.unwrap();
        let row = soon(handle.settled(&id)).await.unwrap();
        assert_eq!(row.summary.status, Status::Failed, "{name}");
        let failure = row.summary.failure.unwrap();
        assert_eq!(failure.class, FailureClass::Internal, "{failure}");
        assert!(failure.message.contains(says) && failure.message.contains(name), "{name}: {failure}");
    }
    let after = handle.submit(ask("solo")).await.unwrap();
    for sibling in [before, after] {
        assert_eq!(soon(handle.settled(&sibling)).await.unwrap().summary.status, Status::Completed);
    }
}

#[tokio::test]
async fn a_strategy_that_sleeps_too_long_ends_at_the_workflows_deadline() {
    let far = Timestamp::from_millis(u64::MAX / 2);
    let handle = engine(|builder| {
        builder.with_strategy(Solo::planning("sleepy", move |_| Some(Next { wake: Some(far), ..Next::default() })))
    });
    let draft = RequestDraft { timeout_seconds: Some(1.0), workflow_timeout_seconds: Some(1.0), ..ask("sleepy") };
    let id = handle.submit(draft).await.unwrap();
    let failure = soon(handle.settled(&id)).await.unwrap().summary.failure.unwrap();
    assert_eq!((failure.class, failure.message.as_str()), (FailureClass::Deadline, "not finished within 1 s"));
}
