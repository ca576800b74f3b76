//! What each sentence of a report cost, from the calls behind it.

use mcp_orchestrator::report::{Costs, Share};
use mcp_orchestrator_domain::{Cost, Money, RequestDraft, Usage};
use mcp_orchestrator_providers::Price;
use mcp_orchestrator_testkit::{Act, Asked, ScriptedProvider};

use super::harness::{Engine, research};

/// Two agents find something, each about its own; the report cites both, and each call costs another sum.
fn provider() -> ScriptedProvider {
    ScriptedProvider::new(|asked| {
        let bill = |cents: u64, act| {
            let usage = Usage { input: 90, output: 10, ..Usage::default() };
            Act::Bill(usage, Cost::Reported(Money::from_pico_usd(cents * 10_000_000_000 + 1)), Box::new(act))
        };
        let search = |query: &str| Act::CallTool("corpus_search", format!(r#"{{"query":"{query}"}}"#));
        match (asked.step(), asked.input.tool_calls_made) {
            ("planner", _) => bill(1, Act::Say("1. How the log survives\n2. How leases expire\n".to_owned())),
            ("belter_0", 0) => bill(2, search("log")),
            ("belter_1", 0) => bill(3, search("lease")),
            _ => bill(5, Act::Say(quoted(asked))),
        }
    })
}

/// Every piece of evidence, quoted and cited.
fn quoted(asked: &Asked) -> String {
    asked.input.spans.iter().map(|span| format!("{} [{}]\n\n", span.quote.trim(), span.id)).collect()
}

async fn costs(draft: RequestDraft, provider: ScriptedProvider) -> (Option<Costs>, mcp_orchestrator::Results) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("log.md"), "The log of a workflow survives a crash.\n").unwrap();
    std::fs::write(folder.path().join("lease.md"), "A lease that nobody renews expires.\n").unwrap();
    let engine = Engine::start_with(provider, |builder| builder.with_corpus("docs", folder.path()));
    let id = engine.submit(draft).await;
    let results = engine.handle.wait(&id).await.unwrap();
    (results.document.as_ref().unwrap().costs.clone(), results)
}

#[tokio::test]
async fn each_sentence_says_what_it_cost_and_all_of_them_come_to_what_was_spent() {
    let (costs, results) = costs(research(2), provider()).await;
    let (costs, document) = (costs.unwrap(), results.document.as_ref().unwrap());
    let spent = document.spent.total_cost().unwrap();
    assert_eq!(costs.total(), Cost::Reported(spent));
    let sentences = costs.sentences.iter().fold(Cost::FREE, |sum, sentence| sum.plus(sentence.cost));
    assert_eq!(sentences.plus(costs.not_attributed), Cost::Reported(spent));
    assert_eq!(costs.sentences.len(), document.report.sentences().count());
    for (sentence, price) in document.report.sentences().zip(&costs.sentences) {
        let of = if sentence.text.contains("lease") { "belter_1" } else { "belter_0" };
        assert_eq!(price.steps.iter().map(|step| step.as_str()).collect::<Vec<_>>(), [of], "{}", sentence.text);
        assert!(price.cost.known().unwrap() > Money::ZERO);
    }
    let shares: Vec<(&str, Share)> = costs.steps.iter().map(|step| (step.step.as_str(), step.share)).collect();
    assert!(shares.contains(&("planner", Share::None)) && shares.contains(&("camina", Share::All)), "{shares:?}");
    let plan = costs.steps.iter().find(|step| step.step.as_str() == "planner").unwrap();
    assert_eq!(costs.not_attributed, plan.cost, "only the plan is no sentence's");
}

#[tokio::test]
async fn a_report_that_nothing_was_paid_for_says_nothing_of_costs() {
    let free = ScriptedProvider::new(|asked| match asked.step() {
        "planner" => Act::Say("1. How the log survives\n2. How leases expire\n".to_owned()),
        _ => Act::Say(mcp_orchestrator_testkit::obliging(asked, 2)),
    });
    assert_eq!(costs(research(2), free.clone().with_price(Price::FREE)).await.0, None);
    let unknown = costs(research(2), free).await.0.unwrap();
    assert!(
        unknown.sentences.iter().all(|sentence| sentence.cost == Cost::Unknown),
        "nobody knows, and zero it is not"
    );
}
