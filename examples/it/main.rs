//! Every example runs as its header says, says what it should, and is short and listed.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop right there")]

use std::{fs, path::PathBuf, process::Command};

/// Lines of an example at most.
const LINES_MAX: usize = 79;

/// Each example in reading order, and what it prints among other things.
const EXAMPLES: &[(&str, &[&str])] = &[
    ("embed", &["100 %  workflow_complete", "[ev_"]),
    ("watch_events", &["0 %  workflow_start", "(away; back at ", "100 %  stream_closed"]),
    ("two_workflows", &[" is queued", " is completed: ", "2 workflows in the store"]),
    ("budget", &[": failed, ", "the workflow failed: budget: ", ": completed, ", " sentences"]),
    ("fork", &[" steps had ended", "\"Once more\": completed, ", " taken over"]),
    (
        "custom_tool",
        &["The fog signal failed because a relay in the lantern room was wet.", "texts are kept as evidence"],
    ),
    ("custom_provider", &["content_filter: gulls are not asked", "Unverified, 0.00"]),
    ("custom_strategy", &["crash"]),
    ("structured_output", &["fire on pier 4: {\"severity\":5} -> Wake the night watch!", "Leave it until Monday."]),
    ("store_decorator", &["step_planned", "report_checked", "completed"]),
    (
        "declarative",
        &[
            "refused: invalid request: steps: ",
            "crsh",
            "count_words was called with ",
            "write: Write the report",
            "completed, ",
        ],
    ),
    ("human_approval", &["approve asks: Is this enough", "branch yes was taken", "sentences, completed"]),
    ("axum_app", &["submitted research_", "\"sentences\": ["]),
];

#[test]
fn every_example_runs_offline_and_says_what_it_should() {
    let mut faults = Vec::new();
    // What an example leaves behind for its next run must not be met by this one.
    let temporary = tempfile::tempdir().unwrap();
    for (name, says) in EXAMPLES {
        // `cargo test` has built the examples of this package; the gate builds them one check earlier.
        let program = programs().join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
        let output = Command::new(&program)
            .current_dir(root())
            .env("TMPDIR", temporary.path())
            .output()
            .unwrap_or_else(|error| panic!("{}: {error}; `cargo build --examples` builds it", program.display()));
        let (printed, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if !output.status.success() {
            faults.push(format!("{name}: {}\n{told}", output.status));
        }
        let missing = says.iter().filter(|text| !printed.contains(**text));
        faults.extend(missing.map(|text| format!("{name} does not print {text:?} but\n{printed}")));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_example_is_short_says_how_to_run_it_and_is_listed_in_reading_order() {
    let list = fs::read_to_string(root().join("examples/README.md")).unwrap();
    let mut place = 0;
    for (name, _) in EXAMPLES {
        let source = fs::read_to_string(root().join(format!("examples/{name}.rs"))).unwrap();
        let lines = source.lines().count();
        assert!(lines <= LINES_MAX, "{name} has {lines} lines");
        let command = format!("`cargo run --example {name}");
        assert!(source.starts_with("//! ") && source.contains(&command), "{name}");
        let found = list.find(&command).unwrap_or_else(|| panic!("{name} is not listed"));
        assert!(found > place, "{name} is listed before what is to be read first");
        place = found;
    }
    let files = fs::read_dir(root().join("examples")).unwrap();
    let sources = files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|ext| ext == "rs"));
    assert_eq!(sources.count(), EXAMPLES.len(), "an example is not in the table of this test");
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Where cargo puts examples: beside the folder of this test.
fn programs() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.ancestors().nth(2).unwrap().join("examples")
}
