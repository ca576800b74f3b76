//! An agent answers in JSON that fits a schema, and the strategy decides by it. `cargo run --example structured_output`
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use mcp_orchestrator::{
    MemoryStore, Orchestrator, Provider, RequestDraft, Strategy, async_trait,
    domain::{ModelName, PatternName, ProviderName, Role, StepId, StepSpec, Workflow},
    provider::{Capabilities, ChatAnswer, ChatRequest, DeltaSink, ProviderError},
    strategy::{Inputs, Next, Pattern, Prompt, finish_with_check},
};
use serde_json::{Value, json};

struct Triage(PatternName);

impl Strategy for Triage {
    fn name(&self) -> &PatternName {
        &self.0
    }
    fn version(&self) -> u32 {
        1
    }
    fn describe(&self) -> Pattern {
        Pattern::new(self.0.clone(), 1, "Triage", "One agent judges, another writes to whom it concerns.")
    }
    fn next(&self, workflow: &Workflow) -> Next {
        let Some(judge) = workflow.step("judge") else { return run("judge", "Judge it.") };
        // An `inline` output is in the log itself, so a strategy may read it. A judge that failed has none.
        let Some(verdict) = judge.inline_text() else {
            return judge.failure().cloned().map_or_else(Next::wait, Next::fail);
        };
        let verdict: Value = serde_json::from_str(verdict).unwrap_or_default();
        match workflow.step("writer") {
            None if verdict["severity"].as_u64() >= Some(3) => run("writer", "Wake the night watch!"),
            None => run("writer", "Leave it until Monday."),
            Some(writer) if writer.is_open() => Next::wait(),
            Some(writer) => finish_with_check(workflow, vec![writer.id().clone()]),
        }
    }
    fn render(&self, step: &StepSpec, inputs: &Inputs<'_>) -> Prompt {
        let schema = json!({ "type": "object", "properties": { "severity": { "type": "integer" } } });
        let output_schema = (step.id.as_str() == "judge").then_some(schema);
        Prompt { system: step.task.clone(), user: inputs.question().to_string(), output_schema, ..Prompt::default() }
    }
}

fn run(id: &str, task: &str) -> Next {
    let id = StepId::new(id).expect("the names above are valid");
    Next::run(vec![StepSpec { inline: true, ..StepSpec::agent(id, Role::Executive, task) }])
}

/// Stands in for a model that holds to a schema.
struct Clerk(ProviderName);

#[async_trait]
impl Provider for Clerk {
    fn name(&self) -> &ProviderName {
        &self.0
    }
    fn capabilities(&self, _model: Option<&ModelName>) -> Capabilities {
        Capabilities { output_schema: true, is_model: true, ..Capabilities::default() }
    }
    async fn chat(&self, request: ChatRequest<'_>, _sink: &mut dyn DeltaSink) -> Result<ChatAnswer, ProviderError> {
        let severity = if request.input.question.contains("fire") { 5 } else { 1 };
        let judged = request.output_schema.map(|_| json!({ "severity": severity }).to_string());
        Ok(ChatAnswer::text(judged.unwrap_or_else(|| request.input.task.clone())))
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let builder = Orchestrator::builder(MemoryStore::new()).with_provider(Clerk(ProviderName::new("clerk")?));
    let handle = builder.with_strategy(Triage(PatternName::new("triage")?)).build()?.start();
    for report in ["There is a fire on pier 4", "The canteen is out of soup"] {
        let results = handle.wait(&handle.submit(RequestDraft::new("triage", report)).await?).await?;
        let said: Vec<_> = results.steps.iter().filter_map(|step| step.text.as_deref()).collect();
        println!("{report}: {}", said.join(" -> "));
    }
    Ok(())
}
