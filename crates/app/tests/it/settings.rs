//! Layers: a later one wins, every value knows its origin, and nothing unknown or broken passes.

use std::time::Duration;

use mcp_orchestrator_app::{Settings, SettingsError, ShownSetting};
use mcp_orchestrator_domain::Money;
use mcp_orchestrator_providers::{ModelPrice, TokenRate};

use crate::{settings, sources, write};

fn shown<'a>(settings: &'a Settings, key: &str) -> &'a ShownSetting {
    settings.shown().iter().find(|setting| setting.key == key).unwrap()
}

#[test]
fn a_later_layer_wins_and_is_named() {
    let root = tempfile::tempdir().unwrap();
    let defaults = settings(root.path(), "", &[]).unwrap();
    assert_eq!(shown(&defaults, "store.url").origin, "default");
    assert!(defaults.store_url.starts_with("sqlite:") && defaults.store_url.ends_with("orchestrator.db"));

    let file = "[store]\nurl = \"sqlite:/file.db\"\n[timeouts]\nagent = \"2m\"\n";
    let from_file = settings(root.path(), file, &[]).unwrap();
    assert_eq!(&*from_file.store_url, "sqlite:/file.db");
    assert!(shown(&from_file, "store.url").origin.ends_with("config.toml"));
    assert_eq!(from_file.agent_timeout, Some(Duration::from_secs(120)));

    let variables = [("ORCHESTRATOR_STORE__URL", "sqlite:/env.db")];
    let from_env = settings(root.path(), file, &variables).unwrap();
    assert_eq!(&*from_env.store_url, "sqlite:/env.db");
    assert_eq!(shown(&from_env, "store.url").origin, "env ORCHESTRATOR_STORE__URL");

    let mut all = sources(root.path(), &variables);
    all.flags.push(("store.url", "--store", "memory:".to_owned()));
    let from_flag = Settings::load(&all).unwrap();
    assert_eq!(&*from_flag.store_url, "memory:");
    assert_eq!(shown(&from_flag, "store.url").origin, "flag --store");
}

#[test]
fn a_named_file_replaces_the_persons_own_and_must_be_there() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "[limits]\nagents_max = 3\n");
    std::fs::write(root.path().join("other.toml"), "[limits]\nconcurrency_max = 4\n").unwrap();
    let mut named = sources(root.path(), &[]);
    named.file = Some(root.path().join("other.toml"));
    let limits = Settings::load(&named).unwrap().limits;
    assert_eq!((limits.agents_max, limits.concurrency_max), (20, 4));
    named.file = Some(root.path().join("absent.toml"));
    assert!(matches!(Settings::load(&named), Err(SettingsError::Unreadable { .. })));
}

#[test]
fn paths_start_at_their_file_or_at_home() {
    let root = tempfile::tempdir().unwrap();
    let file = "[corpora]\nnear = \"docs\"\nseveral = [\"~/a\", \"/b\"]\n[report]\nout = \"out\"\n";
    let settings = settings(root.path(), file, &[]).unwrap();
    let folders: Vec<_> = settings.corpora.values().cloned().collect();
    assert_eq!(folders[0], [root.path().join("config/docs")]);
    assert_eq!(folders[1], [root.path().join("a"), "/b".into()]);
    assert_eq!(settings.report_out, root.path().join("config/out"));
}

#[test]
fn what_is_unknown_or_broken_is_named_with_its_source() {
    let root = tempfile::tempdir().unwrap();
    let cases = [
        ("[store]\nurl = 5\n", "setting `store.url`", "an integer, expected a text"),
        ("[limits]\nagents_max = 0\n", "setting `limits.agents_max`", "expected a number from 1 to 10000"),
        ("[gate]\nmode = \"lax\"\n", "setting `gate.mode`", "strict, mark, off"),
        ("[timeouts]\nagent = \"soon\"\n", "setting `timeouts.agent`", "no duration"),
        ("[report]\nformats = [1]\n", "setting `report.formats`", "expected texts"),
        ("[corpora]\n\"Not A Name\" = \"x\"\n", "setting `corpora.Not A Name`", "corpus"),
        ("[gate]\nmod = \"mark\"\n", "unknown key `gate.mod`", "did you mean `gate.mode`?"),
        ("[price.\"lab/m-1.5\"]\ninput = 1.5\n", "setting `price.\"lab/m-1.5\"`", "has no `output`"),
        ("[price.\"lab/m\"]\ninput = -1\noutput = 1\n", "setting `price.lab/m.input`", "US dollars from 0"),
        ("[price.\"lab/m\"]\ninput = \"1\"\noutput = 1\n", "setting `price.lab/m.input`", "expected a number"),
        ("[price.\"lab/m\"]\nfee = 1\n", "unknown key `price.lab/m.fee`", ""),
        ("[price.m]\ninput = 1\noutput = 1\n", "setting `price.\"m\"`", "expected \"PROVIDER/MODEL\""),
        ("[price.\"Lab/m\"]\ninput = 1\noutput = 1\n", "setting `price.\"Lab/m\"`", "provider"),
        ("[provider.lab]\nimages = \"some\"\n", "setting `provider.lab.images`", "yes, no"),
        ("colour = true\n", "unknown key `colour`", "config.toml"),
        ("[provider.openai]\nkey = \"sk-secret\"\n", "unknown key `provider.openai.key`", "provider.openai"),
        ("[store\n", "config.toml line 1", ""),
    ];
    for (file, subject, detail) in cases {
        let message = settings(root.path(), file, &[]).unwrap_err().to_string();
        assert!(message.contains(subject) && message.contains(detail), "{file}: {message}");
        assert!(message.contains("config.toml"), "{message}");
        assert!(!message.contains("secret"), "{message}");
    }
}

#[test]
fn a_price_is_of_a_provider_and_a_model_and_says_who_says_so() {
    let root = tempfile::tempdir().unwrap();
    let file = "[price.\"lab/org/m-1.5\"]\ninput = 2\noutput = 4.5\ncached = 0.2\nsource = \"contract 7\"\ndate = \"2026-11-01\"\n\
                [price.\"lab/*\"]\ninput = 0\noutput = 0\n";
    let settings = settings(root.path(), file, &[]).unwrap();
    let prices = &settings.providers["lab"].prices;
    let usd = |amount| Money::from_usd(amount).unwrap();
    let rate = TokenRate { input: usd(2.0), output: usd(4.5), cached: Some(usd(0.2)), cache_write: None };
    let (source, date) = ("contract 7".to_owned(), Some("2026-11-01".to_owned()));
    assert_eq!(prices["org/m-1.5"], ModelPrice { rate, long: None, source, date });
    assert!(prices["*"].source.contains("config.toml"), "{}", prices["*"].source);
    assert_eq!(shown(&settings, "price.lab/org/m-1.5.output").value.as_deref(), Some("4.5"));
}

#[test]
fn keys_are_read_from_files_and_never_shown() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join("config")).unwrap();
    std::fs::write(root.path().join("config/groq.key"), " gsk-from-file\n").unwrap();
    let file = "[provider.groq]\napi_key_file = \"groq.key\"\n[provider.openai]\napi_key = \"sk-direct\"\n";
    let loaded = settings(root.path(), file, &[]).unwrap();
    assert!(loaded.providers["groq"].api_key_file.is_some());
    let everything = format!("{loaded:?} {:?}", loaded.shown());
    assert!(!everything.contains("gsk-from-file") && !everything.contains("sk-direct"), "{everything}");
    assert_eq!(shown(&loaded, "provider.openai.api_key").value.as_deref(), Some("(set, not shown)"));
    let missing = settings(root.path(), "[provider.groq]\napi_key_file = \"absent\"\n", &[]).unwrap_err();
    assert!(missing.to_string().contains("absent"), "{missing}");
}

#[test]
fn variables_of_others_are_left_alone() {
    let root = tempfile::tempdir().unwrap();
    settings(root.path(), "", &[("ORCHESTRATOR_HOME", "/x"), ("OTHER__KEY", "y")]).unwrap();
    let error = settings(root.path(), "", &[("ORCHESTRATOR_STORE__UR", "x")]).unwrap_err().to_string();
    assert!(error.contains("env ORCHESTRATOR_STORE__UR") && error.contains("`store.url`"), "{error}");
}
