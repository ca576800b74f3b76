//! Budgets are reserved before each call and hold.

use mcp_orchestrator::Error;
use mcp_orchestrator_domain::{FailureClass, Money, RequestDraft, Status};
use mcp_orchestrator_providers::Price;
use mcp_orchestrator_testkit::{Act, ScriptedProvider, obliging};
use proptest::prelude::*;

use super::harness::{Engine, research};

#[tokio::test]
async fn no_more_calls_are_made_than_allowed() {
    let engine = Engine::start(ScriptedProvider::obliging(8));
    let id = engine.submit(RequestDraft { max_calls: Some(5), ..research(8) }).await;
    let row = engine.handle.settled(&id).await.unwrap();
    assert_eq!(engine.provider.asked().len(), 5);
    assert_eq!(row.summary.progress.spent.calls, 5);
    // The report is made of what was paid for, and names the agents that could not be.
    assert_eq!(row.summary.status, Status::Completed);
    let results = engine.handle.results(&id).await.unwrap();
    let failed: Vec<_> = results.steps.iter().filter_map(|step| step.failure.as_ref()).collect();
    assert!(failed.len() >= 4 && failed.iter().all(|failure| failure.class == FailureClass::Budget));
    assert_eq!(results.document.unwrap().gaps.len(), 4);
}

#[tokio::test]
async fn a_call_whose_worst_case_does_not_fit_is_not_made() {
    let engine = Engine::start(ScriptedProvider::obliging(8));
    let id = engine.submit(RequestDraft { budget_tokens: Some(10), ..research(8) }).await;
    let row = engine.handle.settled(&id).await.unwrap();
    assert_eq!(row.summary.status, Status::Failed);
    assert!(engine.provider.asked().is_empty());
}

#[tokio::test]
async fn a_money_budget_needs_a_known_price() {
    let engine = Engine::start(ScriptedProvider::obliging(2));
    let refused = engine.handle.submit(RequestDraft { budget_usd: Some(1.0), ..research(2) }).await;
    assert!(matches!(refused, Err(Error::UnknownPrice { provider, .. }) if provider == "scripted"));
    assert!(engine.handle.list(Default::default()).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_unknown_cost_is_null_and_never_zero() {
    let engine = Engine::start(ScriptedProvider::obliging(2));
    let id = engine.submit(research(2)).await;
    let row = engine.handle.settled(&id).await.unwrap();
    assert_eq!(row.summary.progress.cost(), None);
}

#[tokio::test]
async fn the_last_call_allowed_is_made_and_the_other_tool_of_the_turn_is_not() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.md"), "The log of a workflow survives a crash.\n").unwrap();
    let engine = Engine::start_with(
        ScriptedProvider::new(|asked| match asked.input.tool_calls_made {
            0 if asked.step() == "belter_0" => Act::CallTools(vec![
                ("corpus_search", r#"{"query":"log"}"#.to_owned()),
                ("corpus_search", r#"{"query":"crash"}"#.to_owned()),
            ]),
            _ => Act::Say(obliging(asked, 1)),
        }),
        |builder| builder.with_corpus("docs", folder.path()),
    );
    let id = engine.submit(RequestDraft { max_calls: Some(2), ..research(1) }).await;
    let row = engine.handle.settled(&id).await.unwrap();
    assert_eq!(row.summary.status, Status::Failed);
    assert_eq!(row.summary.progress.spent.calls, 2);
    assert!(row.summary.failure.unwrap().message.contains("calls are used"));
}

#[tokio::test]
async fn a_money_budget_outlives_a_call_that_was_cut_off_and_keeps_its_worst_case_taken() {
    let store: std::sync::Arc<dyn mcp_orchestrator_store::Store> =
        std::sync::Arc::new(mcp_orchestrator_store::MemoryStore::new());
    let price =
        Price { input_per_million: Money::from_usd(1.0).unwrap(), output_per_million: Money::from_usd(1.0).unwrap() };
    let holding = ScriptedProvider::new(|asked| match asked.step() {
        "belter_0" => Act::Hang,
        _ => Act::Say(obliging(asked, 2)),
    });
    let one = Engine::start_on(store.clone(), holding.with_price(price), |builder| builder);
    let id = one.submit(RequestDraft { budget_usd: Some(1.0), ..research(2) }).await;
    one.until("only one hangs", |p| p.asked().len() == 3 && p.running() == 1).await;
    one.handle.shutdown(std::time::Duration::ZERO).await.unwrap();
    let two = Engine::start_on(store, ScriptedProvider::obliging(2).with_price(price), |builder| builder);
    let row = two.handle.settled(&id).await.unwrap();
    assert_eq!(row.summary.status, Status::Completed);
    assert_eq!(row.summary.progress.cost(), None, "what the call cut off cost is not known");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_the_budget_neither_tokens_nor_money_exceed_it(tokens in 1_000..60_000_u64, cents in 1..200_u64, agents in 1..12_u64) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let price = Price {
                input_per_million: Money::from_usd(3.0).unwrap(),
                output_per_million: Money::from_usd(15.0).unwrap(),
            };
            let engine = Engine::start(ScriptedProvider::obliging(agents as usize).with_price(price));
            #[expect(clippy::cast_precision_loss, reason = "a few cents")]
            let budget_usd = cents as f64 / 100.0;
            let id = engine.submit(RequestDraft { budget_tokens: Some(tokens), budget_usd: Some(budget_usd), ..research(agents) }).await;
            let row = engine.handle.settled(&id).await.unwrap();
            let spent = row.summary.progress.spent;
            assert!(spent.usage.total() <= tokens);
            assert!(spent.cost <= Money::from_usd(budget_usd).unwrap());
            // Every call is accounted for: planning and synthesis as well as agents.
            let calls = engine.provider.asked().len() as u64;
            assert_eq!(spent.usage.total(), calls * 120);
            assert_eq!(spent.cost, Money::from_pico_usd(calls * price.of(100, 20).pico_usd()));
        });
    }
}
