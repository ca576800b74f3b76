//! A provider of your own: whatever answers a conversation. This one is a rule; yours may be a model in your process.
//!
//! `cargo run --example custom_provider`
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::time::Duration;

use mcp_orchestrator::{
    MemoryStore, Orchestrator, Provider, RequestDraft, async_trait,
    domain::{Cost, FailureClass, ModelName, Money, ProviderName, Role, Usage},
    provider::{Capabilities, ChatAnswer, ChatRequest, DeltaSink, Price, ProviderError},
};

/// Answers by the part a step plays. A wire would send `request.messages` to a service instead.
struct Oracle {
    name: ProviderName,
    price: Price,
}

#[async_trait]
impl Provider for Oracle {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self, _model: Option<&ModelName>) -> Capabilities {
        Capabilities { price: Some(self.price), is_model: true, ..Capabilities::default() }
    }

    async fn chat(&self, request: ChatRequest<'_>, sink: &mut dyn DeltaSink) -> Result<ChatAnswer, ProviderError> {
        let input = request.input;
        let text = match &input.role {
            Role::Planner => "1. Listen to the wind\n2. Look at the barometer\n3. Ask the gulls".to_owned(),
            // An error has a class. The engine waits, tries again or gives the agent up as the class demands.
            Role::Researcher if input.task.contains("gulls") => {
                return Err(ProviderError::new(FailureClass::ContentFilter, "gulls are not asked"));
            }
            Role::Researcher => format!("{}: it will rain.", input.task),
            _ => input.outputs.iter().map(|output| format!("{}\n\n", output.text)).collect(),
        };
        // Whoever watches reads along while the answer is being written.
        sink.text(&text);
        let usage = Usage { input: 200, output: 50, ..Usage::default() };
        let cost = Cost::Reported(self.price.of(usage.input, usage.output));
        Ok(ChatAnswer { usage, cost, ..ChatAnswer::text(text) })
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let price = Price {
        input_per_million: Money::from_pico_usd(1_000_000_000_000),
        output_per_million: Money::from_pico_usd(4_000_000_000_000),
    };
    let oracle = Oracle { name: ProviderName::new("oracle")?, price };
    let handle = Orchestrator::builder(MemoryStore::new()).with_provider(oracle).build()?.start();

    let draft = RequestDraft { num_agents: Some(3), ..RequestDraft::research("What will the weather be?") };
    let id = handle.submit(RequestDraft { budget_usd: Some(0.05), ..draft }).await?;
    let results = handle.wait(&id).await?;
    for step in &results.steps {
        let outcome = step.failure.as_ref().map_or_else(|| "done".to_owned(), ToString::to_string);
        println!("{:<18} {outcome}", step.id.as_str());
    }
    // Nobody proved anything, so every sentence is marked, and the agent that failed is named.
    let cost = results.row.summary.progress.cost().map_or(0.0, Money::usd);
    println!("{:?}, {cost:.4} US dollars", results.report()?.outcome);
    handle.shutdown(Duration::from_secs(30)).await?;
    Ok(())
}
