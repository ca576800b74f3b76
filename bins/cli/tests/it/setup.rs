//! A home for one test: its folders, a corpus, and the binary run inside it.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use tempfile::TempDir;

/// A person's machine.
pub(crate) struct Home {
    root: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap() }
    }

    /// With a corpus in `docs` that answers how a workflow survives a crash.
    pub(crate) fn with_docs() -> Self {
        let home = Self::new();
        home.write(
            "docs/recovery.md",
            "# Recovery\n\nA workflow survives a crash because every event is written to a durable log before it is shown.\n\n\
             After a crash a worker reads the log and goes on with the first unfinished step.\n\n\
             Finished calls are never repeated, so nothing is paid for twice.\n",
        );
        home.write(
            "docs/store.md",
            "# The store\n\nThe log of a workflow is kept in a SQLite file that several processes share.\n\n\
             A commit takes 3 milliseconds on a laptop and is durable when it returns.\n",
        );
        home.write(
            "docs/budget.md",
            "# Budgets\n\nA call whose worst case does not fit into the budget is not sent.\n",
        );
        home
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.root.path().join(inside)
    }

    pub(crate) fn write(&self, inside: &str, text: &str) {
        let path = self.path(inside);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The binary with arguments, in this home, with no variable of the test's own environment and a network that
    /// cannot be reached.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(Path::new(env!("CARGO_BIN_EXE_mcp-orchestrator")), arguments)
    }

    /// The same with a binary that lies elsewhere.
    pub(crate) fn command_of(&self, binary: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary);
        command
            .args(arguments)
            .current_dir(self.root.path())
            .env_clear()
            .env("HOME", self.root.path())
            .env("XDG_CONFIG_HOME", self.path(".config"))
            .env("XDG_DATA_HOME", self.path(".local/share"))
            .env("XDG_CACHE_HOME", self.path(".cache"))
            .env("OLLAMA_HOST", "127.0.0.1:9")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).output().unwrap())
    }

    pub(crate) fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).envs(variables.iter().copied()).output().unwrap())
    }

    pub(crate) fn run_with_input(&self, input: &str, arguments: &[&str]) -> Ran {
        let mut child = self.start(self.command(arguments).stdin(Stdio::piped()));
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Ran::from(child.wait_with_output().unwrap())
    }

    pub(crate) fn start(&self, command: &mut Command) -> Child {
        command.spawn().unwrap()
    }

    /// The names in a folder, in order; empty when it is not there.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.path(folder)) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Text with this home's path replaced.
    pub(crate) fn anonymous(&self, text: &str) -> String {
        let real = self.root.path().canonicalize().unwrap();
        text.replace(&real.display().to_string(), "[HOME]").replace(&self.root.path().display().to_string(), "[HOME]")
    }
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// The run, if it ended with this code.
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// Every line of stdout as JSON.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<serde_json::Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

pub(crate) fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}
