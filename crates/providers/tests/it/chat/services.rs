//! What is known of a service before and beside a chat: its settings, its check, its models.

use mcp_orchestrator_domain::{Cost, FailureClass as Class, Money, Tier};
use mcp_orchestrator_providers::{
    ModelPrice, Price, Provider as _, TokenRate,
    http::{self, Dialect, HttpProvider, InvalidHttpProvider},
};

use super::{
    KEY, ask, model, provider, run,
    server::{Act, Server, json, stream},
};

const OK: &str = r#"{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}]}"#;

fn usd(amount: f64) -> Money {
    Money::from_usd(amount).unwrap()
}

#[test]
fn check_asks_for_the_models_and_pays_nothing() {
    run(async {
        for (status, expected) in [
            (200, None),
            (404, None),
            (405, None),
            (401, Some(Class::Auth)),
            (429, Some(Class::RateLimited)),
            (500, Some(Class::Server)),
        ] {
            let server = Server::saying(json(status, r#"{"data":[]}"#)).await;
            let outcome = provider(&server).build().unwrap().check().await;
            assert_eq!(outcome.err().map(|error| error.class()), expected, "{status}");
            let request = &server.requests()[0];
            assert_eq!(request.line, "GET /v1/models HTTP/1.1");
            assert_eq!(request.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
        }
    });
}

#[test]
fn check_asks_each_service_where_it_would_notice_a_wrong_key() {
    run(async {
        let server = Server::saying(json(200, "{}")).await;
        let known = http::vendor("openrouter").unwrap().provider(Some(KEY.into())).with_base_url(server.base_url());
        known.build().unwrap().check().await.unwrap();
        assert_eq!(server.requests()[0].line, "GET /v1/key HTTP/1.1");
    });
}

#[test]
fn a_local_server_chooses_its_first_model_that_can_chat_once() {
    run(async {
        let listing = r#"{"object":"list","data":[{"id":"nomic-embed-text:latest"},{"id":"qwen3:8b","object":"model"},{"id":"llama3"}]}"#;
        let server = Server::start(vec![vec![Act::Send(json(200, listing))], vec![Act::Send(json(200, OK))]]).await;
        let ollama = http::vendor("ollama").unwrap().provider(None).with_base_url(server.base_url()).build().unwrap();
        assert_eq!(ollama.capabilities(None).default_model, None);
        let (first, second) = futures::join!(ask(&ollama), ask(&ollama));
        first.unwrap();
        second.unwrap();
        assert_eq!(ollama.capabilities(None).default_model.as_deref(), Some("qwen3:8b"));
        let requests = server.requests();
        assert_eq!(requests.iter().filter(|request| request.line.starts_with("GET /v1/models")).count(), 1);
        assert_eq!(requests[1].json()["model"], "qwen3:8b");
        assert_eq!(requests.len(), 3);
    });
}

#[test]
fn a_local_server_without_models_says_so_and_is_asked_again() {
    run(async {
        let server = Server::start(vec![
            vec![Act::Send(json(200, r#"{"data":[]}"#))],
            vec![Act::Send(json(200, r#"{"data":[{"id":"qwen3"}]}"#))],
            vec![Act::Send(json(200, OK))],
        ])
        .await;
        let ollama = http::vendor("ollama").unwrap().provider(None).with_base_url(server.base_url()).build().unwrap();
        let error = ask(&ollama).await.unwrap_err();
        assert_eq!(error.class(), Class::NotFound);
        assert!(error.to_string().contains("no model to chat with"), "{error}");
        ask(&ollama).await.unwrap();
    });
}

#[test]
fn capabilities_follow_the_dialect() {
    let of = |name: &str| {
        let vendor = http::vendor(name).unwrap();
        vendor.provider(None).build().unwrap().capabilities(Some(&model("any")))
    };
    assert_eq!(of("ollama").price, Some(Price::FREE));
    assert_eq!(of("openai").price, None, "a model nobody knows");
    assert_eq!(of("openai").default_model.as_deref(), Some("gpt-5.4-mini"));
    assert!(of("openai").tools && of("openai").output_schema && of("openai").is_model);
    assert!(!of("perplexity").tools);
    assert!(!of("groq").output_schema);
}

#[test]
fn each_part_of_the_work_has_a_model_and_a_named_one_is_for_all() {
    let tiers = |builder: http::HttpProviderBuilder| {
        let provider = builder.build().unwrap();
        Tier::ALL.map(|tier| provider.tier_model(tier).map(|model| model.to_string()))
    };
    let some = |name: &str| Some(name.to_owned());
    let gemini = || http::vendor("gemini").unwrap().provider(None);
    assert_eq!(tiers(gemini()), [None, some("gemini-flash-lite-latest"), some("gemini-pro-latest")]);
    assert_eq!(tiers(gemini().with_default_model("g")), [None, None, None]);
    let two = gemini().with_default_model("g").with_tier_model(Tier::Worker, "w");
    assert_eq!(tiers(two), [None, some("w"), None]);
    assert_eq!(tiers(http::vendor("ollama").unwrap().provider(None)), [None, None, None]);
}

#[test]
fn what_is_known_of_models_is_listed_with_its_price_and_its_source() {
    let openai = http::vendor("openai").unwrap().provider(None).build().unwrap();
    let models = openai.models();
    let mini = models.iter().find(|model| model.name == "gpt-5.4-mini").unwrap();
    assert_eq!((mini.context_tokens, mini.answer_tokens_max), (Some(272_000), Some(128_000)));
    assert_eq!(
        (mini.tools, mini.output_schema, mini.images, mini.reasoning),
        (Some(true), Some(true), Some(true), Some(true))
    );
    let price = mini.price.as_ref().unwrap();
    assert_eq!((price.rate.input, price.date.as_deref()), (usd(0.75), Some("2026-10-21")));
    assert!(price.source.contains("LiteLLM"));
    assert!(models.is_sorted_by(|one, other| one.name < other.name));
    let groq = http::vendor("groq").unwrap().provider(None).build().unwrap().models();
    assert!(groq.iter().all(|model| model.output_schema == Some(false)), "its wire takes none in streams");
    let lab = HttpProvider::builder("lab", "http://127.0.0.1:9").with_default_model("mine").with_images(true).build();
    let [mine] = &lab.unwrap().models()[..] else { panic!("another number of models") };
    assert_eq!((mine.name.as_str(), mine.images, mine.context_tokens, &mine.price), ("mine", Some(true), None, &None));
}

#[test]
fn a_declared_price_holds_at_every_address_and_is_what_an_answer_costs() {
    run(async {
        let rate = TokenRate { input: usd(2.0), output: usd(4.0), ..TokenRate::default() };
        let price = ModelPrice { rate, long: None, source: "a contract".to_owned(), date: None };
        let at = |vendor: &str, base: &str| {
            http::vendor(vendor)
                .unwrap()
                .provider(None)
                .with_base_url(base)
                .with_default_model("m")
                .with_price("m", price.clone())
        };
        let proxied = at("openai", "https://proxy.example.com/v1").build().unwrap();
        assert_eq!(proxied.capabilities(None).price.unwrap().of(1_000_000, 1_000_000), usd(6.0));
        assert_eq!(proxied.capabilities(Some(&model("other"))).price, None);
        let counted = r#"{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1000,"completion_tokens":1000}}"#;
        let server = Server::saying(json(200, counted)).await;
        let local = at("vllm", &server.base_url()).build().unwrap();
        assert_eq!(local.capabilities(Some(&model("other"))).price, Some(Price::FREE));
        assert_eq!(ask(&local).await.unwrap().cost, Cost::Estimated(usd(0.006)));
    });
}

#[test]
fn a_prompt_that_is_longer_than_the_server_takes_is_refused_before_it_is_sent() {
    run(async {
        let server = Server::saying(json(200, OK)).await;
        let with = |tokens| provider(&server).with_context_tokens(tokens).build().unwrap();
        let error = ask(&with(8)).await.unwrap_err();
        assert_eq!((error.class(), error.cost), (Class::ContextLength, Cost::FREE));
        assert!(error.to_string().contains("`provider.lab.context_tokens` is 8"), "{error}");
        assert!(server.requests().is_empty());
        ask(&with(4096)).await.unwrap();
    });
}

#[test]
fn settings_that_cannot_work_are_refused_before_anything_is_sent() {
    let base = "https://api.example.com/v1";
    let built = |name: &str, base: &str, key: &str| HttpProvider::builder(name, base).with_key(key.into()).build();
    assert!(matches!(built("Lab", base, KEY), Err(InvalidHttpProvider::Name(_))));
    assert!(matches!(built("lab", "api.example.com", KEY), Err(InvalidHttpProvider::BaseUrl { .. })));
    for key in ["", "  ", "two words", "line\nbreak", "schlüssel"] {
        assert!(matches!(built("lab", base, key), Err(InvalidHttpProvider::Key { .. })), "{key:?}");
    }
    let password = format!("https://user:{KEY}@example.com");
    let error = built("lab", &password, KEY).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(KEY));
    let empty_model = HttpProvider::builder("lab", base).with_default_model("").build();
    assert!(matches!(empty_model, Err(InvalidHttpProvider::Name(_))));
}

#[test]
fn nothing_shows_the_key() {
    let builder = HttpProvider::builder("lab", format!("https://u:{KEY}@example.com")).with_key(KEY.into());
    assert!(!format!("{builder:?}").contains(KEY));
    let provider = builder.with_base_url("https://example.com/v1").with_dialect(Dialect::LOCAL).build().unwrap();
    assert!(!format!("{provider:?}").contains(KEY));
    assert_eq!(provider.base_url(), "https://example.com/v1");
}

#[test]
fn a_model_the_service_does_not_have_is_not_found() {
    run(async {
        let server = Server::saying(stream(&[r#"{"error":{"message":"model 'x' not found","code":404}}"#])).await;
        assert_eq!(ask(&provider(&server).build().unwrap()).await.unwrap_err().class(), Class::NotFound);
    });
}

#[test]
fn the_price_of_a_model_is_known_where_its_service_is_asked_itself() {
    let price = |builder: http::HttpProviderBuilder| builder.build().unwrap().capabilities(None).price;
    let openai = || http::vendor("openai").unwrap().provider(None);
    assert!(price(openai()).is_some_and(|price| price.of(1_000_000, 0) > Price::FREE.of(1_000_000, 0)));
    assert!(price(openai().with_base_url("https://eu.api.openai.com/v1")).is_some());
    assert_eq!(price(openai().with_base_url("https://proxy.example.com/v1")), None);
    assert_eq!(price(http::vendor("perplexity").unwrap().provider(None)), None, "it also takes a fee");
}
