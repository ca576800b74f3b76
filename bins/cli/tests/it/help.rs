//! Help, completions and the manual page list what works, and only that.

use serde_json::json;

use crate::setup::Home;

#[test]
fn help_lists_every_command() {
    insta::assert_snapshot!(Home::new().run(&["--help"]).ended(0).out);
}

#[test]
fn help_of_research_lists_every_flag() {
    insta::assert_snapshot!(Home::new().run(&["research", "--help"]).ended(0).out);
}

#[test]
fn help_of_search_lists_every_flag() {
    insta::assert_snapshot!(Home::new().run(&["search", "--help"]).ended(0).out);
}

#[test]
fn completions_are_made_for_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ran = Home::new().run(&["completions", shell]).ended(0);
        assert!(ran.out.contains("mcp-orchestrator") && ran.out.contains("research"), "{shell}");
    }
}

#[test]
fn the_manual_page_names_every_command() {
    let page = Home::new().run(&["man"]).ended(0).out;
    for command in ["research", "search", "verify", "doctor", "completions"] {
        assert!(page.contains(command), "{command}");
    }
}

#[test]
fn every_setting_is_shown_with_its_origin_and_no_secret() {
    let home = Home::new();
    home.write(
        ".config/mcp-orchestrator/config.toml",
        "[provider]\ndefault = \"groq\"\n[provider.groq]\napi_key = \"gsk-secret\"\n[corpora]\nnotes = [\"~/notes\"]\n",
    );
    let variables = [("ORCHESTRATOR_TIMEOUTS__AGENT", "90s")];
    let ran = home.run_with(&variables, &["config", "show"]).ended(0);
    assert!(!ran.out.contains("gsk-secret"));
    insta::assert_snapshot!(home.anonymous(&ran.out));
}

#[test]
fn providers_are_listed_with_their_keys_state_and_no_key() {
    let home = Home::new();
    let ran = home.run_with(&[("GROK_API_KEY", "xai-secret")], &["providers", "--json"]).ended(0);
    assert!(!ran.out.contains("xai-secret"));
    let providers = &ran.json_lines()[0]["providers"];
    let xai = providers.as_array().unwrap().iter().find(|provider| provider["name"] == "xai").unwrap();
    assert_eq!(xai["key"]["state"], "set");
    assert_eq!(xai["key"]["origin"], "env GROK_API_KEY");
    let openai = providers.as_array().unwrap().iter().find(|provider| provider["name"] == "openai").unwrap();
    assert_eq!(openai["key"]["state"], "not_set");
    assert!(home.run(&["providers"]).ended(0).out.contains("extractive"));
}

#[test]
fn the_models_of_a_provider_are_listed_with_sizes_abilities_and_prices_with_their_source() {
    let home = Home::new();
    home.write(
        ".config/mcp-orchestrator/config.toml",
        "[provider.anthropic]\nsynthesis_model = \"mine\"\n[price.\"anthropic/mine\"]\ninput = 1.5\noutput = 2\nsource = \"a contract\"\n",
    );
    let one = home.run(&["providers", "anthropic", "--json"]).ended(0).json_lines()[0]["providers"][0].clone();
    assert_eq!((&one["worker_model"], &one["synthesis_model"]), (&json!("claude-haiku-5-5"), &json!("mine")));
    let model = |name: &str| one["models"].as_array().unwrap().iter().find(|model| model["name"] == name).unwrap();
    let sonnet = model("claude-sonnet-5");
    assert_eq!((&sonnet["context_tokens"], &sonnet["images"]), (&json!(1_000_000), &json!(true)));
    assert_eq!(sonnet["price"]["input_usd_per_million_tokens"], 2.0);
    assert_eq!(model("mine")["price"]["source"], "a contract");
    let text = home.run(&["providers", "anthropic"]).ended(0).out;
    assert!(text.contains("agents      claude-haiku-5-5") && text.contains("a contract"), "{text}");
    assert!(text.contains("2 / 10") && text.contains("2026-10-21"), "{text}");
    assert!(home.run(&["providers", "antropic"]).ended(78).err.contains("did you mean anthropic?"));
}

#[test]
fn providers_are_asked_whether_they_are_there_only_when_that_is_wanted() {
    let home = Home::new();
    let lab = "[provider.lab]\nbase_url = \"http://127.0.0.1:9/v1\"\n";
    home.write(".config/mcp-orchestrator/config.toml", lab);
    let health = |arguments: &[&str], name: &str| {
        let listed = home.run(arguments).ended(0).json_lines()[0]["providers"].clone();
        listed.as_array().unwrap().iter().find(|provider| provider["name"] == name).unwrap()["health"].clone()
    };
    assert_eq!(health(&["providers", "--json"], "lab"), json!(null));
    assert_eq!(health(&["providers", "--health", "--json"], "lab"), json!({ "status": "down", "class": "network" }));
    assert_eq!(health(&["providers", "--health", "--json"], "extractive")["status"], "up");
    assert_eq!(health(&["providers", "--health", "--json"], "xai"), json!(null), "it has no key");
    let text = home.run(&["providers", "--health"]).ended(0).out;
    assert!(text.contains("down (network): lab at http://127.0.0.1:9/v1"), "{text}");
    let findings = home.run(&["doctor", "--json"]).ended(0).json_lines();
    let found = findings.iter().find(|finding| finding["check"] == "health").unwrap();
    assert!(found["verdict"] == "warning" && found["detail"].as_str().unwrap().starts_with("lab (network)"), "{found}");
}

#[test]
fn patterns_and_tools_are_listed() {
    let home = Home::new();
    let patterns = home.run(&["patterns"]).ended(0).out;
    assert!(patterns.contains("beltalowda") && patterns.contains("swarm"), "{patterns}");
    let tools = home.run(&["tools", "--json"]).ended(0).json_lines();
    let names: Vec<&str> =
        tools[0]["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert!(names.is_sorted() && names.contains(&"corpus_read") && names.contains(&"corpus_search"), "{names:?}");
    assert!(names.contains(&"arxiv_search") && names.contains(&"github_search"), "{names:?}");
}
