//! Every number the settings give a provider's layers, and what it does.

use std::{sync::Arc, time::Duration};

use mcp_orchestrator::{Clock as _, Hedge, SystemClock};
use mcp_orchestrator_app::{Choice, Providers, Reason, layered};
use mcp_orchestrator_domain::{FailureClass, Message, Role, StepInput};
use mcp_orchestrator_providers::{ChatRequest, NoDeltas, Provider, ProviderError};
use mcp_orchestrator_store::{MemoryStore, Store};
use mcp_orchestrator_testkit::{
    Act, ScriptedProvider,
    provider_suite::server::{Server, json},
};
use tokio::{task::JoinSet, time::Instant};

use crate::{environment, settings};

const WELL: &str = r#"{"choices":[{"message":{"role":"assistant","content":"fine"},"finish_reason":"stop"}]}"#;

async fn ask(provider: &dyn Provider) -> Result<(), ProviderError> {
    let input = StepInput {
        role: Role::Researcher,
        question: String::new(),
        task: String::new(),
        parts: 1,
        tools: Vec::new(),
        spans: Vec::new(),
        outputs: Vec::new(),
        tool_calls_made: 0,
    };
    let request = ChatRequest {
        model: None,
        messages: &[Message::User("?".to_owned())],
        tools: &[],
        former_tools: &[],
        output_schema: None,
        temperature: None,
        output_tokens_max: 100,
        idempotency_key: "a/b/1",
        request_id: None,
        input: &input,
    };
    provider.chat(request, &mut NoDeltas).await.map(drop)
}

/// The service as the engine asks it under these lines of `[provider.lab]`.
fn lab(lines: &str, service: &ScriptedProvider) -> Arc<dyn Provider> {
    let root = tempfile::tempdir().unwrap();
    let settings = settings(root.path(), &format!("[provider.lab]\n{lines}\n"), &[]).unwrap();
    let clock = SystemClock::new();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::with_now(Arc::new(move || clock.now())));
    layered(Arc::new(service.clone()), &settings.providers["lab"], &store)
}

fn fine() -> ScriptedProvider {
    ScriptedProvider::new(|_| Act::Late(Duration::from_secs(1), Box::new(Act::Say("fine".to_owned()))))
}

/// How long so many requests take together. Who is told to come again does.
async fn took(provider: &Arc<dyn Provider>, requests: usize) -> u64 {
    let (began, mut tasks) = (Instant::now(), JoinSet::new());
    for _ in 0..requests {
        let provider = Arc::clone(provider);
        tasks.spawn(async move {
            loop {
                let asked = Instant::now();
                let Err(error) = ask(&*provider).await else { break };
                assert!(asked.elapsed() <= Duration::from_secs(30), "{:?}", asked.elapsed());
                tokio::time::sleep(error.retry_after.unwrap()).await;
            }
        });
    }
    tasks.join_all().await;
    began.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_half_a_minute_is_waited_out_and_a_longer_one_is_told() {
    for (asked, waits) in [(29, true), (31, false)] {
        let service = ScriptedProvider::new(move |seen| match seen.before {
            0 => Act::Fail(FailureClass::RateLimited, Some(Duration::from_secs(asked))),
            _ => Act::Say("fine".to_owned()),
        });
        let provider = lab("model = \"m\"", &service);
        ask(&*provider).await.unwrap_err();
        let began = Instant::now();
        assert_eq!(ask(&*provider).await.is_ok(), waits, "{asked} s");
        assert_eq!(began.elapsed() >= Duration::from_secs(29), waits, "{asked} s");
    }
}

#[tokio::test(start_paused = true)]
async fn requests_per_minute_are_kept_to() {
    // The first at once, the next ones every twelve seconds; a second to answer.
    assert_eq!(took(&lab("requests_per_minute = 5", &fine()), 6).await, 61);
}

#[tokio::test(start_paused = true)]
async fn tokens_per_minute_are_kept_to() {
    // 120 tokens each, of which a tenth of 600 may be used at once: each one is paid back before the next.
    let took = took(&lab("tokens_per_minute = 600", &fine()), 6).await;
    assert!((50..=75).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn concurrency_is_bounded() {
    let service = fine();
    assert_eq!(took(&lab("concurrency_max = 3", &service), 30).await, 10);
    assert_eq!(service.running_peak(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_breaker_opens_after_so_many_failures_for_so_long_and_none_is_no_breaker() {
    for (lines, failures, pause) in
        [("", 5, Duration::from_secs(60)), ("breaker_failures = 2\nbreaker_pause = \"7s\"", 2, Duration::from_secs(7))]
    {
        let service = ScriptedProvider::new(|_| Act::Fail(FailureClass::Server, None));
        let provider = lab(&format!("model = \"m\"\n{lines}"), &service);
        for _ in 0..20 {
            ask(&*provider).await.unwrap_err();
        }
        assert_eq!(service.asked().len(), failures, "{lines}");
        tokio::time::advance(pause).await;
        ask(&*provider).await.unwrap_err();
        assert_eq!(service.asked().len(), failures + 1, "{lines}");
    }
    let service = ScriptedProvider::new(|_| Act::Fail(FailureClass::Server, None));
    let provider = lab("breaker_failures = 0", &service);
    for _ in 0..20 {
        ask(&*provider).await.unwrap_err();
    }
    assert_eq!(service.asked().len(), 20);
}

#[test]
fn fallbacks_are_found_in_their_order_and_without_a_key_are_an_error() {
    let root = tempfile::tempdir().unwrap();
    let settings = settings(root.path(), "[provider]\nfallback = [\"ollama\", \"groq\", \"openai\"]\n", &[]).unwrap();
    let variables = environment(&[("GROQ_API_KEY", "gsk-1"), ("OPENAI_API_KEY", "sk-1")]);
    let providers = Providers::new(&settings, &variables);
    let chosen = providers.named("groq", Reason::Named).unwrap();
    let names = |choices: Vec<Choice>| choices.iter().map(|choice| choice.name.to_string()).collect::<Vec<_>>();
    assert_eq!(names(providers.fallbacks(std::slice::from_ref(&chosen)).unwrap()), ["ollama", "openai"]);

    let variables = environment(&[("GROQ_API_KEY", "gsk-1")]);
    let providers = Providers::new(&settings, &variables);
    let error = providers.fallbacks(&[chosen]).unwrap_err();
    let quoting = providers.named("extractive", Reason::Named).unwrap();
    assert_eq!(names(providers.fallbacks(&[quoting]).unwrap()), Vec::<String>::new(), "nobody else is needed");
    assert!(error.to_string().contains("provider openai has no key"), "{error}");
}

#[test]
fn a_second_call_beside_a_slow_one_is_asked_for_by_a_duration_or_by_what_is_usual() {
    let root = tempfile::tempdir().unwrap();
    let hedge = |value: &str| settings(root.path(), &format!("[provider]\nhedge_after = {value}\n"), &[]);
    assert_eq!(settings(root.path(), "", &[]).unwrap().provider_hedge, None);
    assert_eq!(hedge("\"20s\"").unwrap().provider_hedge, Some(Hedge::After(Duration::from_secs(20))));
    assert_eq!(hedge("\"p95\"").unwrap().provider_hedge, Some(Hedge::P95));
    let error = hedge("\"p99\"").unwrap_err().to_string();
    assert!(error.contains("provider.hedge_after") && error.contains("\"p99\"") && error.contains("or p95"), "{error}");
}

#[tokio::test]
async fn a_file_of_keys_gives_them_in_turn() {
    let (root, server) = (tempfile::tempdir().unwrap(), Server::saying(json(200, WELL)).await);
    let keys = root.path().join("keys");
    std::fs::write(&keys, "# of the lab\nk-1\nk-2\n").unwrap();
    let lines = format!("base_url = \"{}\"\nmodel = \"m\"\napi_key_file = \"{}\"", server.base_url(), keys.display());
    let settings = settings(root.path(), &format!("[provider.lab]\n{lines}\n"), &[]).unwrap();
    let variables = environment(&[]);
    let lab = Providers::new(&settings, &variables).named("lab", Reason::Named).unwrap().provider;
    for _ in 0..3 {
        ask(&*lab).await.unwrap();
    }
    let requests = server.requests();
    let sent: Vec<&str> = requests.iter().filter_map(|request| request.header("authorization")).collect();
    assert_eq!(sent, ["Bearer k-1", "Bearer k-2", "Bearer k-1"]);
}
