//! Who answers when nobody is named, and what is said when nobody can.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
};

use mcp_orchestrator_app::{KeyState, Origin, ProviderChoiceError, Providers, Reason};
use mcp_orchestrator_domain::Tier;

use crate::{environment, settings};

/// Chooses under a settings file and variables; no local server answers unless a variable says where.
async fn choose(
    file: &str,
    variables: &[(&str, &str)],
    named: Option<&str>,
    has_documents: bool,
) -> Result<(String, Reason), ProviderChoiceError> {
    let root = tempfile::tempdir().unwrap();
    let mut environment = environment(variables);
    environment.entry("OLLAMA_HOST".to_owned()).or_insert_with(|| "127.0.0.1:9".to_owned());
    let settings = settings(root.path(), file, &[]).unwrap();
    let choice = Providers::new(&settings, &environment).choose(named, has_documents).await?;
    assert_eq!(choice.provider.name(), &choice.name);
    Ok((choice.name.to_string(), choice.reason))
}

#[tokio::test]
async fn the_named_one_wins_then_the_configured_one_then_the_first_key() {
    let keys = [("OPENAI_API_KEY", "sk-1"), ("XAI_API_KEY", "xai-1"), ("GROQ_API_KEY", "gsk-1")];
    let file = "[provider]\ndefault = \"groq\"\n";
    assert_eq!(choose(file, &keys, Some("openai"), true).await.unwrap(), ("openai".to_owned(), Reason::Named));
    let (name, reason) = choose(file, &keys, None, true).await.unwrap();
    assert!(name == "groq" && matches!(reason, Reason::Configured(Origin::File(_))), "{reason}");
    let first = choose("", &keys, None, true).await.unwrap();
    assert_eq!(first, ("xai".to_owned(), Reason::FirstKey(Origin::Env("XAI_API_KEY".to_owned()))));
    let (name, _) = choose("", &[("HF_TOKEN", "hf-1"), ("TOGETHER_API_KEY", "t-1")], None, true).await.unwrap();
    assert_eq!(name, "huggingface");
}

#[tokio::test]
async fn an_empty_key_is_no_key() {
    let (name, reason) = choose("", &[("OPENAI_API_KEY", " ")], None, true).await.unwrap();
    assert_eq!((name.as_str(), reason), ("extractive", Reason::OnlyDocuments));
}

#[tokio::test]
async fn ollama_is_chosen_if_it_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
            head.push(byte[0]);
        }
        let body = r#"{"object":"list","data":[{"id":"small","object":"model"}]}"#;
        let length = body.len();
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
            .unwrap();
    });
    let chosen = choose("", &[("OLLAMA_HOST", &host)], None, true).await.unwrap();
    assert_eq!(chosen, ("ollama".to_owned(), Reason::Answers));
    server.join().unwrap();
}

#[tokio::test]
async fn without_any_of_it_documents_are_quoted_and_else_every_way_is_named() {
    assert_eq!(choose("", &[], None, true).await.unwrap().0, "extractive");
    let error = choose("", &[], None, false).await.unwrap_err();
    assert!(matches!(error, ProviderChoiceError::NobodyAnswers { .. }));
    let message = error.to_string();
    for way in ["--provider", "`provider.default`", "XAI_API_KEY", "OPENAI_API_KEY", "Ollama", "--corpus"] {
        assert!(message.contains(way), "{way}: {message}");
    }
}

#[tokio::test]
async fn a_wrong_name_a_missing_key_and_a_broken_address_are_named() {
    let error = choose("", &[], Some("antropic"), true).await.unwrap_err().to_string();
    assert!(error.contains("did you mean anthropic?"), "{error}");
    let error = choose("", &[], Some("Not A Name"), true).await.unwrap_err();
    assert!(matches!(error, ProviderChoiceError::Name(_)));
    let error = choose("", &[], Some("xai"), true).await.unwrap_err().to_string();
    assert!(error.contains("XAI_API_KEY or GROK_API_KEY"), "{error}");
    let variables = [("OPENAI_API_KEY", "sk-secret"), ("OPENAI_BASE_URL", "nowhere")];
    let error = choose("", &variables, Some("openai"), true).await.unwrap_err().to_string();
    assert!(error.contains("openai cannot be set up") && !error.contains("sk-secret"), "{error}");
}

#[tokio::test]
async fn a_server_only_the_settings_know_is_a_provider() {
    let file = "[provider.lab]\nbase_url = \"http://127.0.0.1:9/v1\"\nmodel = \"m\"\n";
    assert_eq!(choose(file, &[], Some("lab"), false).await.unwrap().0, "lab");
    let error = choose(file, &[], Some("labb"), false).await.unwrap_err().to_string();
    assert!(error.contains("did you mean lab?"), "{error}");
}

#[test]
fn each_part_of_the_work_has_its_model_and_the_settings_win() {
    let models = |file: &str, name: &str| {
        let root = tempfile::tempdir().unwrap();
        let settings = settings(root.path(), file, &[]).unwrap();
        let environment = environment(&[("ANTHROPIC_API_KEY", "k")]);
        let providers = Providers::new(&settings, &environment);
        let chosen = providers.named(name, Reason::Named).unwrap().provider;
        let known = providers.known().unwrap().into_iter().find(|provider| provider.name == name).unwrap();
        let used = Tier::ALL.map(|tier| chosen.tier_model(tier).map(|model| model.to_string()));
        let listed = [None, known.worker_model, known.synthesis_model];
        assert_eq!(used, listed, "what is listed is what is used");
        (known.model.unwrap_or_default(), used[1].clone(), used[2].clone())
    };
    let some = |name: &str| Some(name.to_owned());
    let own = "[provider.anthropic]\nmodel = \"m\"\nsynthesis_model = \"s\"\n";
    assert_eq!(models("", "anthropic"), ("claude-sonnet-5".to_owned(), some("claude-haiku-5-5"), None));
    assert_eq!(models(own, "anthropic"), ("m".to_owned(), None, some("s")));
    let one = "[provider.anthropic]\nworker_model = \"claude-sonnet-5\"\n";
    assert_eq!(models(one, "anthropic"), ("claude-sonnet-5".to_owned(), None, None));
    let lab = "[provider.lab]\nbase_url = \"http://127.0.0.1:9\"\nmodel = \"m\"\nworker_model = \"w\"\n";
    assert_eq!(models(lab, "lab"), ("m".to_owned(), some("w"), None));
}

#[test]
fn a_declared_price_makes_a_money_budget_possible_and_is_listed_with_its_source() {
    let root = tempfile::tempdir().unwrap();
    let file = "[price.\"perplexity/sonar-pro\"]\ninput = 3\noutput = 15\nsource = \"their page\"\n";
    let settings = settings(root.path(), file, &[]).unwrap();
    let environment = environment(&[("PERPLEXITY_API_KEY", "k")]);
    let providers = Providers::new(&settings, &environment);
    let chosen = providers.named("perplexity", Reason::Named).unwrap().provider;
    assert!(chosen.capabilities(None).price.is_some());
    assert!(chosen.capabilities(chosen.tier_model(Tier::Worker).as_ref()).price.is_none(), "of another model");
    let models = providers.models("perplexity").unwrap();
    let sonar = models.iter().find(|model| model.name == "sonar-pro").unwrap();
    assert_eq!(sonar.price.as_ref().unwrap().source, "their page");
    assert!(providers.models("openai").unwrap().len() > 50, "whether or not it has a key");
    assert!(providers.models("extractive").unwrap().is_empty() && providers.models("nobody").is_err());
}

#[test]
fn a_key_given_for_this_process_wins_over_one_in_a_file() {
    let root = tempfile::tempdir().unwrap();
    let file = "[provider.groq]\napi_key = \"from-file\"\n[provider.openai]\napi_key = \"from-file\"\n";
    let settings = settings(root.path(), file, &[]).unwrap();
    let environment = environment(&[("GROQ_API_KEY", "from-env")]);
    let known = Providers::new(&settings, &environment).known().unwrap();
    let key = |name: &str| known.iter().find(|provider| provider.name == name).unwrap().key.clone();
    assert_eq!(key("groq"), KeyState::Set(Origin::Env("GROQ_API_KEY".to_owned())));
    assert!(matches!(key("openai"), KeyState::Set(Origin::File(_))));
    assert_eq!(key("extractive"), KeyState::NotNeeded);
    assert!(!format!("{known:?} {settings:?}").contains("from-"));
}

#[tokio::test]
async fn a_service_is_asked_over_its_own_wire_and_its_likes_over_the_one_they_have() {
    let wire = |file: &str, variables: &[(&str, &str)], name: &str| {
        let root = tempfile::tempdir().unwrap();
        let settings = settings(root.path(), file, &[]).unwrap();
        let environment = environment(variables);
        let known = Providers::new(&settings, &environment).known().unwrap();
        known.iter().find(|provider| provider.name == name).unwrap().wire.map(|wire| wire.as_str())
    };
    assert_eq!(wire("", &[], "xai"), Some("responses"));
    assert_eq!(wire("", &[], "openai"), Some("responses"));
    assert_eq!(wire("", &[("OPENAI_BASE_URL", "http://127.0.0.1:4000/v1")], "openai"), Some("chat"));
    let file = "[provider.openai]\nwire = \"responses\"\n";
    assert_eq!(wire(file, &[("OPENAI_BASE_URL", "http://127.0.0.1:4000/v1")], "openai"), Some("responses"));
    assert_eq!(wire("", &[], "anthropic"), Some("messages"));
    assert_eq!(wire("", &[("ANTHROPIC_BASE_URL", "http://127.0.0.1:4000")], "anthropic"), Some("messages"));
    assert_eq!(wire("", &[], "gemini"), Some("gemini"));
    assert_eq!(wire("", &[], "ollama"), Some("chat"));
    assert_eq!(wire("", &[], "extractive"), None);
    let file = "[provider.lab]\nbase_url = \"http://127.0.0.1:9\"\nwire = \"messages\"\n";
    assert_eq!(wire(file, &[], "lab"), Some("messages"));
}
