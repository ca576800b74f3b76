//! What cannot work is refused with one message that names it and the right exit code, and nothing is started.

use crate::setup::Home;

const QUESTION: &str = "How does a workflow survive a crash?";

/// Runs a command that must be refused; returns its one message.
#[track_caller]
fn refused(home: &Home, arguments: &[&str], code: i32) -> String {
    let ran = home.run(arguments).ended(code);
    assert_eq!(ran.out, "", "nothing goes to stdout");
    let message = ran.err.strip_suffix('\n').unwrap_or(&ran.err);
    assert_eq!(message.lines().filter(|line| line.starts_with("error:")).count(), 1, "{message}");
    assert!(!message.contains("panicked") && !message.contains("backtrace"), "{message}");
    assert_eq!(home.run(&["list", "--json"]).ended(0).out, "", "no workflow was made");
    home.anonymous(message)
}

#[track_caller]
fn refused_with(arguments: &[&str], code: i32, needles: &[&str]) {
    let home = Home::with_docs();
    let message = refused(&home, arguments, code);
    for needle in needles {
        assert!(message.contains(needle), "{needle:?} is not in: {message}");
    }
}

#[test]
fn a_task_of_three_characters() {
    refused_with(&["research", "why", "--corpus", "docs"], 65, &["the task has 3 characters, expected 10 to 5000"]);
}

#[test]
fn a_task_file_that_is_not_there() {
    refused_with(&["research", "@absent.txt", "--corpus", "docs"], 65, &["absent.txt"]);
}

#[test]
fn an_empty_stdin() {
    refused_with(&["research", "-", "--corpus", "docs"], 65, &["the task has 0 characters"]);
}

#[test]
fn too_few_or_too_many_agents() {
    for count in ["0", "10000"] {
        let says = format!("--agents is {count}, expected 1 to 20");
        refused_with(&["research", QUESTION, "--corpus", "docs", "--agents", count], 65, &[&says]);
    }
}

#[test]
fn a_number_that_is_none_cannot_be_read() {
    for arguments in [
        &["research", QUESTION, "--agents", "many"][..],
        &["research", QUESTION, "--timeout", "soon"],
        &["research", QUESTION, "--context", "no-equals"],
        &["research"],
        &["resaerch", QUESTION],
        &["research", QUESTION, "--detach"],
    ] {
        let ran = Home::new().run(arguments).ended(2);
        assert!(ran.err.starts_with("error:"), "{}", ran.err);
    }
}

#[test]
fn an_unknown_agent_type() {
    let asked = &["search", QUESTION, "--corpus", "docs", "--types", "news,gossip"];
    refused_with(asked, 65, &["--types", "gossip", "academic"]);
}

#[test]
fn an_unknown_depth() {
    refused_with(&["search", QUESTION, "--corpus", "docs", "--depth", "abyss"], 65, &["--depth", "abyss", "deep"]);
}

#[test]
fn formats_of_other_versions() {
    for format in ["html", "docx", "pdf"] {
        let asked = &["research", QUESTION, "--corpus", "docs", "--format", format];
        refused_with(asked, 65, &["--format", format, "not written by this version"]);
    }
}

#[test]
fn a_budget_below_zero() {
    refused_with(&["research", QUESTION, "--corpus", "docs", "--budget-usd", "-1"], 65, &["--budget-usd is -1"]);
}

#[test]
fn a_corpus_that_is_not_there() {
    refused_with(&["research", QUESTION, "--corpus", "absent"], 65, &["corpus absent cannot be read"]);
}

#[test]
fn an_empty_corpus() {
    let home = Home::with_docs();
    std::fs::create_dir(home.path("empty")).unwrap();
    let message = refused(&home, &["research", QUESTION, "--corpus", "empty"], 65);
    assert!(message.contains("empty") && message.contains("no document"), "{message}");
}

#[test]
fn an_out_folder_that_cannot_be_made() {
    let home = Home::with_docs();
    home.write("file", "");
    let message = refused(&home, &["research", QUESTION, "--corpus", "docs", "--out", "file/reports"], 65);
    assert!(message.contains("cannot write to file/reports"), "{message}");
}

#[test]
fn an_unknown_provider() {
    let asked = &["research", QUESTION, "--corpus", "docs", "--provider", "opneai"];
    refused_with(asked, 78, &["\"opneai\"", "did you mean openai?", "extractive"]);
}

#[test]
fn a_missing_key() {
    let asked = &["research", QUESTION, "--corpus", "docs", "--provider", "openai"];
    refused_with(asked, 78, &["openai has no key", "OPENAI_API_KEY"]);
}

#[test]
fn nobody_to_answer() {
    refused_with(&["research", QUESTION], 78, &["--provider", "XAI_API_KEY", "Ollama", "--corpus"]);
}

#[test]
fn the_extractive_writer_without_documents() {
    refused_with(&["research", QUESTION, "--provider", "extractive"], 65, &["--corpus"]);
}

#[test]
fn an_unknown_setting_names_its_file_and_what_was_meant() {
    let home = Home::with_docs();
    home.write(".config/mcp-orchestrator/config.toml", "[store]\nulr = \"memory:\"\n");
    let ran = home.run(&["research", QUESTION, "--corpus", "docs"]).ended(78);
    insta::assert_snapshot!(home.anonymous(&ran.err), @"error: unknown key `store.ulr` in [HOME]/.config/mcp-orchestrator/config.toml; did you mean `store.url`?");
}

#[test]
fn a_bad_value_names_its_source() {
    let home = Home::new();
    let variables = [("ORCHESTRATOR_LIMITS__AGENTS_MAX", "lots")];
    let ran = home.run_with(&variables, &["config", "show"]).ended(78);
    insta::assert_snapshot!(ran.err, @r#"error: setting `limits.agents_max` (from env ORCHESTRATOR_LIMITS__AGENTS_MAX) is "lots", expected a number from 1 to 10000"#);
}

#[test]
fn a_settings_file_that_is_no_toml_names_the_line() {
    let home = Home::new();
    home.write("broken.toml", "[store]\nurl = \n");
    let ran = home.run(&["config", "show", "--config", "broken.toml"]).ended(78);
    assert!(ran.err.contains("broken.toml line 2"), "{}", ran.err);
    let ran = home.run(&["config", "show", "--config", "absent.toml"]).ended(78);
    assert!(ran.err.contains("cannot read absent.toml"), "{}", ran.err);
}

#[test]
fn a_store_of_another_version() {
    let ran = Home::new().run(&["list", "--store", "postgres://me:secret@host/0"]).ended(78);
    assert!(ran.err.contains("postgres://") && ran.err.contains("sqlite:PATH"), "{}", ran.err);
    assert!(!ran.err.contains("secret"), "{}", ran.err);
}

#[test]
fn workflows_that_are_not_there() {
    let home = Home::new();
    for command in ["status", "watch", "results", "events", "cancel", "resume"] {
        let ran = home.run(&[command, "research_0123456789abcdef"]).ended(65);
        assert!(ran.err.contains("research_0123456789abcdef"), "{command}: {}", ran.err);
        let ran = home.run(&[command, "../../etc/passwd"]).ended(65);
        assert!(ran.err.contains("workflow id"), "{command}: {}", ran.err);
    }
}

#[test]
fn errors_for_programs_are_json_on_stderr() {
    let ran = Home::with_docs().run(&["research", "why", "--corpus", "docs", "--json"]).ended(65);
    assert_eq!(ran.out, "");
    let error: serde_json::Value = serde_json::from_str(&ran.err).unwrap();
    insta::assert_json_snapshot!(error, @r#"
    {
      "error": {
        "code": "invalid_request",
        "exit_code": 65,
        "message": "the task has 3 characters, expected 10 to 5000"
      }
    }
    "#);
}
