//! Registering by name: what is twice or unknown is said where it is asked for.

use mcp_orchestrator::{Error, MemoryStore, Orchestrator, RequestDraft, domain::ProviderName};

use crate::parts::{Harbour, Solo, Teller, ask, engine};

fn duplicate(builder: mcp_orchestrator::Builder) -> (&'static str, String) {
    match builder.build() {
        Err(Error::DuplicateName { kind, name }) => (kind, name),
        other => panic!("{other:?}"),
    }
}

#[test]
fn two_parts_of_one_name_are_refused_by_kind_and_name() {
    let builder = || Orchestrator::builder(MemoryStore::new()).with_provider(Teller::new("teller"));
    let name = |name: &str| name.to_owned();
    assert_eq!(duplicate(builder().with_provider(Teller::new("teller"))), ("providers", name("teller")));
    let twice = builder().with_strategy(Solo::new("solo")).with_strategy(Solo::new("solo"));
    assert_eq!(duplicate(twice), ("strategies", name("solo")));
    assert_eq!(duplicate(builder().with_strategy(Solo::new("swarm"))), ("strategies", name("swarm")));
    let twice = builder().with_tool(Harbour::new("tides")).with_tool(Harbour::new("tides"));
    assert_eq!(duplicate(twice), ("tools", name("tides")));
    assert!(builder().without_strategies().with_strategy(Solo::new("swarm")).build().is_ok());
}

#[test]
fn a_builder_without_a_provider_or_with_an_unknown_default_says_so() {
    let none = Orchestrator::builder(MemoryStore::new()).build();
    assert!(matches!(none, Err(Error::NoProvider)));
    let builder = Orchestrator::builder(MemoryStore::new()).with_provider(Teller::new("teller"));
    let unknown = builder.with_default_provider(ProviderName::new("nobody").unwrap()).build().unwrap_err();
    assert_eq!(unknown.to_string(), "no provider is named \"nobody\"; there are teller");
}

#[tokio::test]
async fn a_request_for_something_unknown_lists_what_there_is() {
    let handle = engine(|builder| builder);
    let error = handle.submit(ask("waltz")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no pattern is named \"waltz\"; there are beltalowda, conditional, custom, iterative, sequential, solo, swarm"
    );
    let error = handle.submit(RequestDraft { provider_name: Some("nobody".to_owned()), ..ask("solo") }).await;
    assert_eq!(error.unwrap_err().to_string(), "no provider is named \"nobody\"; there are teller");
    assert!(handle.list(Default::default()).await.unwrap().is_empty());
}
