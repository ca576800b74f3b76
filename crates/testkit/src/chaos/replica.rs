//! One server process over all its lives, behind a proxy whose address stays the same. Owns starting and ending it; whoever
//! drops it ends it.

use std::{
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::{sync::oneshot, time::timeout};

use crate::FaultProxy;

/// How long a server may take until it listens.
const STARTING: Duration = Duration::from_secs(60);

/// Where all the servers live.
#[derive(Debug)]
pub(super) struct Home {
    root: Mutex<Option<TempDir>>,
    path: PathBuf,
    program: PathBuf,
    model: String,
    store: String,
}

/// A server process that is started again and again.
#[derive(Debug)]
pub(super) struct Replica {
    number: usize,
    pub(super) home: Arc<Home>,
    pub(super) proxy: FaultProxy,
    child: Mutex<Option<Child>>,
}

impl Home {
    pub(super) fn new(program: PathBuf, model: &str, store: impl FnOnce(&Path) -> String) -> io::Result<Self> {
        let root = tempfile::Builder::new().prefix("chaos-").tempdir()?;
        let path = root.path().to_owned();
        fs::create_dir(path.join("docs"))?;
        let text = "# Recovery\n\nA workflow survives a crash because every event is written to a durable log before it is \
                    shown.\n\nAfter a crash a worker reads the log and goes on with the first unfinished step.\n";
        fs::write(path.join("docs/recovery.md"), text)?;
        let store = store(&path);
        Ok(Self { root: Mutex::new(Some(root)), path, program, model: model.to_owned(), store })
    }

    /// Where what the servers logged is, kept from now on.
    pub(super) fn logs(&self) -> String {
        self.keep();
        self.path.display().to_string()
    }

    /// Writes down what was done, beside what the servers logged.
    pub(super) fn note(&self, what: &str) {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
        if let Ok(mut file) = File::options().create(true).append(true).open(self.path.join("trouble.log")) {
            let _ = writeln!(file, "{}.{:03} {what}", now.as_secs(), now.subsec_millis());
        }
    }

    /// Leaves everything where it is.
    pub(super) fn keep(&self) {
        if let Some(root) = lock(&self.root).take() {
            let _ = root.keep();
        }
    }
}

impl Replica {
    pub(super) fn new(number: usize, home: &Arc<Home>) -> Self {
        // Nobody listens there: until it is started, nobody is reached.
        let proxy = FaultProxy::start(SocketAddr::from(([127, 0, 0, 1], 9)));
        Self { number, home: Arc::clone(home), proxy, child: Mutex::default() }
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.proxy.address()
    }

    /// Starts it unless it runs, and waits until it listens.
    pub(super) async fn start(&self) -> Result<(), String> {
        if lock(&self.child).is_some() {
            return Ok(());
        }
        let mut child = self.command().spawn().map_err(|error| format!("the server does not start: {error}"))?;
        let stderr = child.stderr.take();
        *lock(&self.child) = Some(child);
        let log = self.home.path.join(format!("replica-{}.log", self.number));
        let listening = stderr.map(|stderr| follow(stderr, &log)).ok_or("the server has no error stream")?;
        match timeout(STARTING, listening).await {
            Ok(Ok(address)) => {
                self.proxy.lead_to(address);
                Ok(())
            }
            Ok(Err(_)) | Err(_) => Err(format!("a server does not listen, see {}", self.home.logs())),
        }
    }

    /// `kill -9`, and waits for its end.
    pub(super) fn kill(&self) {
        if let Some(mut child) = lock(&self.child).take() {
            // One that has just ended by itself cannot be killed.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Sends it a signal, if it runs.
    pub(super) fn signal(&self, signal: Signal) {
        if let Some(child) = lock(&self.child).as_ref() {
            let _ = kill_process(Pid::from_child(child), signal);
        }
    }

    /// Asks it to stop and waits until it has.
    pub(super) async fn stop(&self) {
        self.signal(Signal::TERM);
        let child = lock(&self.child).take();
        if let Some(mut child) = child {
            let _ = tokio::task::spawn_blocking(move || child.wait()).await;
        }
    }

    fn command(&self) -> Command {
        let own = self.home.path.join(format!("replica-{}", self.number));
        let mut command = Command::new(&self.home.program);
        command
            .args(["--listen", "127.0.0.1:0", "--corpus", "docs=docs", "--store", &self.home.store])
            .current_dir(&self.home.path)
            .env_clear()
            .env("HOME", own)
            .env("OLLAMA_HOST", "127.0.0.1:9")
            .env("RUST_LOG", "info")
            .env("VLLM_BASE_URL", &self.home.model)
            .env("ORCHESTRATOR_PROVIDER__DEFAULT", "vllm")
            .env("ORCHESTRATOR_SERVER__GRACE", "1s")
            .env("ORCHESTRATOR_SERVER__READS_PER_SECOND", "0")
            .env("ORCHESTRATOR_SERVER__WRITES_PER_SECOND", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Writes what it logs to a file and tells the address it names. Ends with the process.
fn follow(stderr: ChildStderr, log: &Path) -> oneshot::Receiver<SocketAddr> {
    let (told, listening) = oneshot::channel();
    let file = File::options().create(true).append(true).open(log);
    thread::spawn(move || {
        let (mut told, mut file) = (Some(told), file.ok());
        for line in BufReader::new(stderr).lines() {
            let Ok(line) = line else { return };
            if let Some(address) = address(&line)
                && let Some(told) = told.take()
            {
                let _ = told.send(address);
            }
            if let Some(file) = &mut file {
                let _ = writeln!(file, "{line}");
            }
        }
    });
    listening
}

/// The address in the line that says that HTTP is served.
fn address(line: &str) -> Option<SocketAddr> {
    let (_, address) = line.split_once("serving HTTP address=")?;
    let end = address.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ':'))).unwrap_or(address.len());
    address[..end].parse().ok()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
