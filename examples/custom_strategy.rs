//! A strategy of your own: two agents look at both sides of a question, a third writes the report.
//!
//! `cargo run --example custom_strategy`
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::time::Duration;

use mcp_orchestrator::{
    ExtractiveProvider, MemoryStore, Orchestrator, RequestDraft, Strategy,
    domain::{PatternName, Role, Stage, StepId, StepSpec, Workflow},
    strategy::{Inputs, Next, Pattern, Prompt, finish_with_check},
};

/// It keeps no state: what it may know is in the workflow, so a crash cannot change its mind.
struct Debate(PatternName);

const SIDES: [(&str, &str); 2] = [("promise", "What is promised:"), ("limit", "What is not promised, and the limits:")];

impl Strategy for Debate {
    fn name(&self) -> &PatternName {
        &self.0
    }

    fn version(&self) -> u32 {
        1
    }

    fn describe(&self) -> Pattern {
        Pattern::new(self.0.clone(), 1, "Debate", "Two agents look at both sides, a third writes.")
    }

    fn next(&self, workflow: &Workflow) -> Next {
        let request = workflow.request();
        let Some(writer) = workflow.step("writer") else {
            if workflow.steps().is_empty() {
                let side =
                    |(id, task)| StepSpec::agent(step_id(id), Role::Researcher, format!("{task} {}", request.task));
                return Next::run(SIDES.map(|of| side(of).with_tools(request.tools.clone())).into());
            }
            let done = workflow.steps().iter().filter(|step| step.is_completed());
            let reads = done.map(|step| step.id().clone()).collect();
            let writer = StepSpec::agent(step_id("writer"), Role::Executive, &request.task);
            if workflow.open_steps().next().is_some() {
                return Next::wait();
            }
            return Next::run(vec![StepSpec { reads, stage: Stage::Synthesis, ..writer }]);
        };
        match writer.failure() {
            _ if writer.is_open() => Next::wait(),
            Some(failure) => Next::fail(failure.clone()),
            None => finish_with_check(workflow, vec![writer.id().clone()]),
        }
    }

    fn render(&self, _step: &StepSpec, inputs: &Inputs<'_>) -> Prompt {
        let user = format!("{}\n\n{}", inputs.question(), inputs.material());
        Prompt { system: inputs.rules().to_string(), user, ..Prompt::default() }
    }
}

fn step_id(name: &str) -> StepId {
    StepId::new(name).expect("the names above are valid")
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let handle = Orchestrator::builder(MemoryStore::new())
        .with_provider(ExtractiveProvider::new())
        .with_strategy(Debate(PatternName::new("debate")?))
        .with_corpus("docs", concat!(env!("CARGO_MANIFEST_DIR"), "/../docs"))
        .build()?
        .start();
    let id = handle.submit(RequestDraft::new("debate", "What survives a crash?")).await?;
    for sentence in handle.wait(&id).await?.report()?.sentences() {
        println!("{}", sentence.text);
    }
    handle.shutdown(Duration::from_secs(30)).await?;
    Ok(())
}
