//! `run` and `answer`: workflows that are written down, from files to reports.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::setup::{Home, Ran, read};

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Runs an example of the project against the project's own documentation, as its first lines say.
fn example(home: &Home, name: &str) -> Ran {
    let (file, docs) = (project().join("examples").join(name), project().join("docs"));
    home.run(&["run", file.to_str().unwrap(), "--corpus", docs.to_str().unwrap(), "--provider", "extractive"])
}

fn sections(report: &str) -> usize {
    report.lines().filter(|line| line.starts_with("## ")).count()
}

#[test]
fn an_example_of_each_pattern_runs_offline_and_cites() {
    for name in ["sequential", "conditional", "iterative", "custom"] {
        let home = Home::new();
        let ran = example(&home, &format!("{name}.toml")).ended(0);
        assert!(ran.out.contains(&format!("pattern: \"{name}\"")), "{}", ran.out);
        assert!(ran.out.contains("outcome: \"answered\"") && ran.out.contains("## Sources"), "{name}:\n{}", ran.out);
        assert!(sections(&ran.out) >= 2, "{name}:\n{}", ran.out);
    }
}

#[test]
fn the_report_says_which_branch_was_taken_and_whether_passes_converged() {
    let home = Home::new();
    let branch = example(&home, "conditional.toml").ended(0);
    assert!(branch.out.contains("> Branch long was taken: the request says so."), "{}", branch.out);
    assert!(branch.err.contains("branch: long: the request says so"), "{}", branch.err);
    let passes = example(&home, "iterative.toml").ended(0);
    assert!(passes.out.contains("> Converged in pass 1 of 2: the output of write contains"), "{}", passes.out);
    assert!(passes.err.contains("pass 1 of 2: enough: "), "{}", passes.err);
}

#[test]
fn flags_win_over_the_file_and_json_is_read_too() {
    let home = Home::with_docs();
    home.write(
        "flow.json",
        r#"{"pattern":"sequential","task":"How does a workflow survive a crash?","title":"From the file",
            "document_formats":["json"],"steps":[{"id":"find","task":"How does a workflow survive a crash?"}]}"#,
    );
    home.run(&["run", "flow.json", "--corpus", "docs", "--quiet"]).ended(0);
    home.run(&["run", "flow.json", "--corpus", "docs", "--quiet", "--title", "From the flag", "--format", "md"])
        .ended(0);
    assert_eq!(home.names("reports"), ["from-the-file.evidence", "from-the-file.json", "from-the-flag.md"]);
    assert!(read(&home.path("reports/from-the-flag.md")).contains("durable log"));
}

#[test]
fn a_file_names_configured_corpora_and_no_folders() {
    let home = Home::with_docs();
    let file = "pattern = 'sequential'\ntask = 'How does a workflow survive a crash?'\ncorpus = ['handbook']\n\
                [[steps]]\nid = 'find'\ntask = 'How does a workflow survive a crash?'\n";
    home.write("flow.toml", file);
    let refused = home.run(&["run", "flow.toml"]).ended(65);
    assert!(refused.err.contains("flow.toml: corpus: \"handbook\" is no configured corpus"), "{}", refused.err);
    home.write(".config/mcp-orchestrator/config.toml", "[corpora]\nhandbook = \"../../docs\"\n");
    assert!(home.run(&["run", "flow.toml"]).ended(0).out.contains("corpus:handbook/recovery.md"));
}

#[test]
fn a_file_that_cannot_run_is_refused_by_line_or_by_field() {
    let head = "pattern = 'custom'\ntask = 'How does a workflow survive a crash?'\n";
    let cases = [
        (2, "pattern = \n".to_owned(), "flow.toml is not TOML: line 1: "),
        (65, format!("{head}stesp = []\n"), "flow.toml: stesp: unknown field `stesp`"),
        (
            65,
            format!("{head}[[steps]]\nid = 'a'\ntask = 'x'\nneeds = ['b']\n"),
            "flow.toml: steps: step \"a\" needs \"b\"",
        ),
        (
            65,
            format!(
                "{head}[[steps]]\nid = 'a'\ntask = 'x'\nneeds = ['b']\n[[steps]]\nid = 'b'\ntask = 'x'\nneeds = ['a']\n"
            ),
            "flow.toml: steps form a cycle: a needs b needs a",
        ),
        (65, format!("{head}[[steps]]\nid = 'a'\ntool = 'no_such'\n"), "flow.toml: steps name the tool no_such"),
        (
            65,
            format!("{head}[[steps]]\nid = 'a'\ntask = 'x'\nschema = {{ type = 'object' }}\n"),
            "flow.toml: provider_name: step a, which answers by a schema, needs a model",
        ),
    ];
    for (code, file, message) in cases {
        let home = Home::with_docs();
        home.write("flow.toml", &file);
        let ran = home.run(&["run", "flow.toml", "--corpus", "docs", "--quiet"]).ended(code);
        assert!(ran.err.starts_with(&format!("error: {message}")), "{}", ran.err);
        assert_eq!(ran.out, "");
        assert_eq!(home.run(&["list", "--json"]).ended(0).out, "", "no workflow was made");
    }
    let absent = Home::new().run(&["run", "absent.toml"]).ended(65);
    assert!(absent.err.contains("cannot read absent.toml"), "{}", absent.err);
}

pub(crate) const APPROVAL: &str = "pattern = 'conditional'\ntask = 'How does a workflow survive a crash?'\n[condition]\nfrom = 'approve'\n\
    [[steps]]\nid = 'approve'\nquestion = 'Go on? yes or no'\n[[branches.yes]]\nid = 'find'\n\
    task = 'How does a workflow survive a crash?'\n[[branches.no]]\nid = 'cost'\ntask = 'How long does a commit take?'\n";

/// The id of the only workflow, once it waits.
fn waiting(home: &Home) -> String {
    waiting_at(|| home.run(&["list", "--json", "--status", "waiting"]))
}

/// The id of the first workflow in a list that is asked for until there is one.
pub(crate) fn waiting_at(list: impl Fn() -> Ran) -> String {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let rows = list().ended(0).json_lines();
        if let Some(row) = rows.first() {
            return row["task_id"].as_str().unwrap().to_owned();
        }
        assert!(Instant::now() < deadline, "it never waits");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_question_is_answered_from_another_process_and_the_first_goes_on() {
    let home = Home::with_docs();
    home.write("flow.toml", APPROVAL);
    let child = home.start(&mut home.command(&["run", "flow.toml", "--corpus", "docs"]));
    let id = waiting(&home);
    let status = home.run(&["status", &id]).ended(0).out;
    assert!(status.contains("approve: Go on? yes or no"), "{status}");
    let refused = home.run(&["answer", &id, "elsewhere", "yes"]).ended(65);
    assert!(refused.err.contains("step elsewhere waits for no answer"), "{}", refused.err);
    let answered = home.run(&["answer", &id, "yes"]).ended(0);
    assert!(answered.err.contains("approve is answered") && !answered.err.contains("nobody"), "{}", answered.err);
    let ran = Ran::from(child.wait_with_output().unwrap()).ended(0);
    let says = format!("answer with: mcp-orchestrator answer {id} approve TEXT");
    assert!(ran.err.contains("asks: Go on? yes or no") && ran.err.contains(&says), "{}", ran.err);
    assert!(ran.out.contains("durable log") && ran.out.contains("Branch yes was taken"), "{}", ran.out);
    let late = home.run(&["answer", &id, "no"]).ended(65);
    assert!(late.err.contains("waits for no answer"), "{}", late.err);
}

#[test]
fn a_question_survives_the_process_and_resume_goes_on_after_the_answer() {
    let home = Home::with_docs();
    home.write("flow.toml", APPROVAL);
    let mut child = home.start(&mut home.command(&["run", "flow.toml", "--corpus", "docs", "--quiet"]));
    let id = waiting(&home);
    child.kill().unwrap();
    let killed = Ran::from(child.wait_with_output().unwrap());
    let says = format!("Go on? yes or no  answer with: mcp-orchestrator answer {id} approve TEXT\n");
    assert_eq!(killed.err, says, "what a person must do is said even to one who wants no progress");
    let answered = home.run(&["answer", &id, "approve", "no"]).ended(0);
    assert!(answered.err.contains(&format!("go on with: mcp-orchestrator resume {id}")), "{}", answered.err);
    let ran = home.run(&["resume", &id, "--quiet"]).ended(0);
    assert!(ran.out.contains("3 milliseconds"), "{}", ran.out);
}
