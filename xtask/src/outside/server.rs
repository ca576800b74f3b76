//! The servers under test: building them, starting them on a free port, and ending them. Knows how each is asked for its
//! address, its documents and its store; nothing of the suites.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

use super::{install, process};
use crate::cargo::{root, run as run_cargo};

/// How long a server may take until it is ready.
const STARTING: Duration = Duration::from_secs(30);
/// How long it may take to end.
const ENDING: Duration = Duration::from_secs(10);
/// The pause between two questions whether it is ready.
const PAUSE: Duration = Duration::from_millis(50);
/// How long the answer to one of them may take.
const ANSWERING: Duration = Duration::from_secs(5);
/// The most that is read of an answer.
const ANSWER_MAX: u64 = 1024 * 1024;

/// What the servers answer from.
pub(super) const CORPUS: &str = "harbour";

/// A server that is ready; it ends with this value.
pub(super) struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts the program `serve` makes for an address, and waits until `/readyz` says yes.
    pub(super) fn start(scratch: &Path, serve: impl FnOnce(SocketAddr) -> Command) -> anyhow::Result<Self> {
        Self::start_until(scratch, "/readyz", STARTING, serve)
    }

    /// The same for a server of others, which is asked at `ready` and may take so long.
    pub(super) fn start_until(
        scratch: &Path,
        ready: &str,
        patience: Duration,
        serve: impl FnOnce(SocketAddr) -> Command,
    ) -> anyhow::Result<Self> {
        // Closed at once: nobody else takes it in the moment until the server has it.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let log = scratch.join("server.log");
        let mut command = serve(address);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(File::create(&log)?);
        let child = command.spawn().with_context(|| format!("{:?} does not start", command.get_program()))?;
        let mut server = Self { child, address };
        let began = Instant::now();
        while !server.is_ready(ready) {
            if let Some(status) = server.child.try_wait()? {
                bail!("the server ended with {status}:\n{}", process::read(&log)?);
            }
            if began.elapsed() > patience {
                bail!("the server is not ready after {} s:\n{}", patience.as_secs(), process::read(&log)?);
            }
            thread::sleep(PAUSE);
        }
        Ok(server)
    }

    /// The address of one of its pages.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sends a request with a JSON body, or without any; the body of the answer.
    pub(super) fn ask(&self, method: &str, path: &str, json: &str) -> anyhow::Result<String> {
        let mut stream = TcpStream::connect_timeout(&self.address, ANSWERING)?;
        stream.set_read_timeout(Some(STARTING))?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{json}",
            self.address,
            json.len()
        )?;
        let mut answer = Vec::new();
        stream.take(ANSWER_MAX).read_to_end(&mut answer)?;
        let answer = String::from_utf8_lossy(&answer);
        let (_, body) = answer.split_once("\r\n\r\n").context("no HTTP answer")?;
        Ok(body.to_owned())
    }

    fn is_ready(&self, path: &str) -> bool {
        let asked = || -> std::io::Result<bool> {
            let mut stream = TcpStream::connect_timeout(&self.address, ANSWERING)?;
            stream.set_read_timeout(Some(ANSWERING))?;
            write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address)?;
            let mut head = [0; 12];
            stream.read_exact(&mut head)?;
            Ok(head.starts_with(b"HTTP/1.1 200"))
        };
        asked().unwrap_or(false)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A server that watches its input ends by itself.
        drop(self.child.stdin.take());
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            let asked = Command::new("kill").arg(self.child.id().to_string()).status();
            let patience = if asked.is_ok_and(|status| status.success()) { ENDING } else { Duration::ZERO };
            let _ = process::ended(&mut self.child, patience);
        }
    }
}

/// Builds the server with the fixtures of the conformance suite.
pub(super) fn conformance() -> anyhow::Result<PathBuf> {
    built("mcp-orchestrator-conformance", "conformance-server")
}

/// Builds the server people run.
pub(super) fn product() -> anyhow::Result<PathBuf> {
    built("mcp-orchestrator-server", "mcp-orchestrator-server")
}

/// The folder of the documents.
pub(super) fn documents() -> PathBuf {
    root().join("tests/corpora").join(CORPUS)
}

/// The server people run, with a store of its own and no key of anybody: nothing of the environment but where programs are.
pub(super) fn alone(program: &Path, scratch: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(surroundings(scratch)).args(arguments(scratch)).current_dir(scratch);
    command
}

/// The arguments such a server gets.
pub(super) fn arguments(scratch: &Path) -> Vec<String> {
    let store = format!("sqlite:{}", scratch.join("orchestrator.db").display());
    let corpus = format!("{CORPUS}={}", documents().display());
    ["--store", &store, "--corpus", &corpus].map(str::to_owned).into()
}

/// The environment such a server gets.
pub(super) fn surroundings(scratch: &Path) -> Vec<(&'static str, String)> {
    let home = scratch.display().to_string();
    vec![
        ("PATH", std::env::var("PATH").unwrap_or_default()),
        ("HOME", home.clone()),
        ("XDG_CONFIG_HOME", home.clone()),
        ("XDG_CACHE_HOME", home),
        ("ORCHESTRATOR_SERVER__READS_PER_SECOND", "0".to_owned()),
        ("ORCHESTRATOR_SERVER__WRITES_PER_SECOND", "0".to_owned()),
    ]
}

fn built(package: &str, program: &str) -> anyhow::Result<PathBuf> {
    run_cargo(&["build", "--quiet", "--locked", "--package", package, "--bin", program])?;
    let folder = install::folder()?;
    Ok(folder.with_file_name("debug").join(program))
}
