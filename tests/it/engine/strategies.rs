//! A strategy that breaks its contract fails its own workflow with its name, and nothing else.

use mcp_orchestrator_domain::{
    FailureClass, PatternName, RequestDraft, Role, Stage, Status, StepId, StepKind, StepSpec, Workflow,
};
use mcp_orchestrator_strategies::{Inputs, Next, Pattern, Prompt, Strategy};
use mcp_orchestrator_testkit::ScriptedProvider;

use super::harness::{Engine, research};

type Plan = fn(&Workflow) -> Next;

struct Broken {
    name: PatternName,
    plan: Plan,
}

impl Strategy for Broken {
    fn name(&self) -> &PatternName {
        &self.name
    }

    fn version(&self) -> u32 {
        1
    }

    fn describe(&self) -> Pattern {
        Pattern::new(self.name.clone(), 1, "Broken", "Breaks its contract.")
    }

    fn next(&self, workflow: &Workflow) -> Next {
        (self.plan)(workflow)
    }

    fn render(&self, _step: &StepSpec, _inputs: &Inputs<'_>) -> Prompt {
        Prompt::default()
    }
}

fn step(name: &str, reads: &[&str]) -> StepSpec {
    StepSpec {
        id: StepId::new(name).unwrap(),
        kind: StepKind::Agent { tools: Vec::new(), turns_max: 1, output_tokens_max: 10 },
        role: Role::Researcher,
        stage: Stage::Agents,
        task: "anything".to_owned(),
        reads: reads.iter().map(|id| StepId::new(id).unwrap()).collect(),
        time_limit_ms: 1000,
        inline: false,
    }
}

#[tokio::test]
async fn each_way_of_breaking_the_contract_is_named() {
    let cases: [(&str, Plan, &str); 5] = [
        ("idle", |_| Next::wait(), "waits while nothing runs"),
        ("twice", |_| Next::run(vec![step("one", &[]), step("one", &[])]), "planned step one twice"),
        ("early", |_| Next::run(vec![step("two", &["one"])]), "read one"),
        ("panics", |_| panic!("broken"), "panicked"),
        (
            "endless",
            |workflow| Next::run((0..500).map(|n| step(&format!("s{}", workflow.steps().len() + n), &[])).collect()),
            "planned",
        ),
    ];
    let engine = Engine::start_with(ScriptedProvider::obliging(1), |builder| {
        cases.iter().fold(builder, |builder, (name, plan, _)| {
            builder.with_strategy(Broken { name: PatternName::new(name).unwrap(), plan: *plan })
        })
    });
    let healthy = engine.submit(research(2)).await;
    for (name, _, message) in cases {
        let id = engine.submit(RequestDraft { pattern: Some(name.to_owned()), ..research(1) }).await;
        let row = engine.handle.settled(&id).await.unwrap();
        assert_eq!(row.summary.status, Status::Failed, "{name}");
        let failure = row.summary.failure.unwrap();
        assert_eq!(failure.class, FailureClass::Internal);
        assert!(failure.message.contains(message) && failure.message.contains(name), "{name}: {failure}");
    }
    assert_eq!(engine.handle.settled(&healthy).await.unwrap().summary.status, Status::Completed);
}
