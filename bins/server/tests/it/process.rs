//! A server process in a home of its own. Owns starting it, reading its log and ending it.

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use tempfile::TempDir;

/// How long anything here may take before the test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An operator's machine.
pub(crate) struct Home {
    root: TempDir,
    /// Variables of every process started here.
    pub(crate) variables: Vec<(&'static str, String)>,
}

/// A running server. Killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    log: Arc<Mutex<String>>,
}

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self { root: tempfile::tempdir().unwrap(), variables: Vec::new() };
        std::fs::create_dir(home.path("docs")).unwrap();
        let text = "# Recovery\n\nA workflow survives a crash because every event is written to a durable log before it is \
                    shown.\n\nAfter a crash a worker reads the log and goes on with the first unfinished step.\n";
        std::fs::write(home.path("docs/recovery.md"), text).unwrap();
        home
    }

    /// Whose workflows are answered by a model behind the Chat wire.
    pub(crate) fn with_model(base_url: String) -> Self {
        let mut home = Self::new();
        home.variables.push(("VLLM_BASE_URL", base_url));
        home.variables.push(("ORCHESTRATOR_PROVIDER__DEFAULT", "vllm".to_owned()));
        home
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.root.path().join(inside)
    }

    /// The binary with arguments, without a variable of the test's own environment and without a network.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mcp-orchestrator-server"));
        command
            .args(arguments)
            .current_dir(self.root.path())
            .env_clear()
            .env("HOME", self.root.path())
            .env("OLLAMA_HOST", "127.0.0.1:9")
            .env("RUST_LOG", "info")
            .envs(self.variables.iter().map(|(name, value)| (*name, value.as_str())))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// A server on a free port, once it listens.
    pub(crate) fn serve(&self, arguments: &[&str]) -> Server {
        let mut all = vec!["--listen", "127.0.0.1:0", "--corpus", "docs=docs"];
        all.extend(arguments);
        let mut child = self.command(&all).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let listening = follow(child.stderr.take().unwrap(), Arc::clone(&log));
        match listening.recv_timeout(PATIENCE) {
            Ok(address) => Server { child, address, log },
            Err(_) => {
                let _ = child.kill();
                panic!("it does not listen: {}", log.lock().unwrap());
            }
        }
    }
}

/// Keeps the log and tells the address it names.
fn follow(stderr: ChildStderr, log: Arc<Mutex<String>>) -> mpsc::Receiver<String> {
    let (told, listening) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stderr).lines() {
            let Ok(line) = line else { return };
            // The one of HTTP: from then on requests are answered.
            if let Some((_, address)) = line.split_once("serving HTTP address=") {
                let address: String =
                    address.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ':')).collect();
                let _ = told.send(address);
            }
            let mut log = log.lock().unwrap();
            log.push_str(&line);
            log.push('\n');
        }
    });
    listening
}

impl Server {
    /// Everything it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, signal).unwrap();
    }

    /// Waits for its end.
    pub(crate) fn ended(mut self) -> ExitStatus {
        let until = std::time::Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(std::time::Instant::now() < until, "it does not end: {}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
