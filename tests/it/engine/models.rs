//! Which model each part of the work is asked of.

use mcp_orchestrator_domain::{RequestDraft, Role, Tier};
use mcp_orchestrator_testkit::ScriptedProvider;

use super::harness::{Engine, research};

/// The models of planning, of the agents and of synthesis, as the provider was asked for them.
async fn asked(provider: ScriptedProvider, draft: RequestDraft) -> [Option<String>; 3] {
    let engine = Engine::start(provider);
    let id = engine.submit(draft).await;
    engine.handle.settled(&id).await.unwrap();
    let asked = engine.provider.asked();
    Tier::ALL.map(|tier| {
        let mut models = asked.iter().filter(|asked| asked.input.role.tier() == tier).map(|asked| asked.model.clone());
        let first = models.next().unwrap();
        assert!(models.all(|model| model == first), "{tier:?}");
        first.map(|model| model.to_string())
    })
}

fn provider() -> ScriptedProvider {
    ScriptedProvider::obliging(6).with_tier_model(Tier::Worker, "small").with_tier_model(Tier::Synthesis, "large")
}

fn some(name: &str) -> Option<String> {
    Some(name.to_owned())
}

#[tokio::test]
async fn a_request_that_names_none_gets_the_providers_for_each_part_of_the_work() {
    assert_eq!(asked(provider(), research(6)).await, [None, some("small"), some("large")]);
    assert_eq!(asked(ScriptedProvider::obliging(6), research(6)).await, [None, None, None]);
}

#[tokio::test]
async fn a_named_model_is_for_every_part_and_one_of_a_part_is_for_that() {
    let all = RequestDraft { model: Some("named".into()), ..research(6) };
    assert_eq!(asked(provider(), all).await, [some("named"), some("named"), some("named")]);
    let part = RequestDraft { agent_model: Some("own".into()), ..research(6) };
    assert_eq!(asked(provider(), part).await, [None, some("own"), some("large")]);
}

#[test]
fn decisions_and_plans_are_of_the_first_tier() {
    assert_eq!((Role::Decision.tier(), Role::Custom("critic".into()).tier()), (Tier::Primary, Tier::Worker));
}
