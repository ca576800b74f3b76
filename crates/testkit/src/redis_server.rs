//! A real redis-server for one test: started on a free port of this machine, ended with the test. Owns the process and
//! its folder; knows nothing of what is kept in it.

use std::{
    fmt,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// Ports tried before giving up: another process may take one between the look and the start.
const TRIES: usize = 10;

/// How long a command of a test may take.
const ANSWER: Duration = Duration::from_secs(20);

/// A server that keeps an append-only file in a folder of its own.
pub struct RedisServer {
    folder: TempDir,
    port: u16,
    options: Vec<String>,
    password: Option<String>,
    process: Child,
}

impl RedisServer {
    /// A server that syncs every second.
    ///
    /// # Panics
    /// When redis-server is not installed or does not start: a test without it would prove nothing.
    #[must_use]
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// A server with further options, as on its command line: `["--appendfsync", "always"]`.
    ///
    /// # Panics
    /// As [`RedisServer::start`].
    #[must_use]
    pub fn with(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder for a server");
        let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        let password = options.windows(2).find(|pair| pair[0] == "--requirepass").map(|pair| pair[1].clone());
        for _ in 0..TRIES {
            let port = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port();
            if let Ok(process) = launch(&folder, port, &options) {
                return Self { folder, port, options, password, process };
            }
        }
        panic!("redis-server did not start on any of {TRIES} ports");
    }

    /// Where it is; with its password, if it has one.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if encrypts(&self.options) { "rediss" } else { "redis" };
        let login = self.password.as_ref().map_or_else(String::new, |password| format!(":{password}@"));
        format!("{scheme}://{login}127.0.0.1:{}/0", self.port)
    }

    /// Goes down for good, and another takes its place on its port: one with what `other` had written.
    ///
    /// # Panics
    /// When it does not start.
    pub fn replace_by(&mut self, other: &mut Self) {
        drop((self.process.kill(), self.process.wait()));
        // A replica writes its file anew when it has caught up. Until that is done it would come back with nothing.
        let since = Instant::now();
        let settled = ["aof_rewrite_in_progress:0", "aof_rewrite_scheduled:0"];
        while !settled.iter().all(|said| other.command(&["INFO", "persistence"]).contains(said)) {
            assert!(since.elapsed() < ANSWER, "the other server never finished its file");
        }
        other.kill();
        self.process = launch(&other.folder, self.port, &self.options).expect("the other starts here");
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Kills it as a failing machine would, without a word to anybody.
    ///
    /// # Panics
    /// When the system does not let us.
    pub fn kill(&mut self) {
        self.process.kill().expect("a server of ours is killed");
        self.process.wait().expect("a server of ours ends");
    }

    /// Starts it again on the same port with what it had written.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        drop((self.process.kill(), self.process.wait()));
        self.process = launch(&self.folder, self.port, &self.options).expect("the server starts again");
    }

    /// Stops it in its tracks: its connections stay, and nothing answers.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub fn go_on(&self) {
        self.signal("-CONT");
    }

    /// Sends one command and returns the answer, as text: `["CONFIG", "SET", "appendfsync", "no"]`.
    ///
    /// # Panics
    /// When it does not answer, or answers with an error.
    #[expect(clippy::must_use_candidate, reason = "most are sent for what they do")]
    pub fn command(&self, words: &[&str]) -> String {
        self.commands(&[words]).pop().unwrap_or_default()
    }

    /// Sends commands one after the other over one connection, and returns their answers.
    ///
    /// # Panics
    /// As [`RedisServer::command`].
    #[expect(clippy::must_use_candidate, reason = "most are sent for what they do")]
    pub fn commands(&self, commands: &[&[&str]]) -> Vec<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the server is there");
        stream.set_read_timeout(Some(ANSWER)).expect("a timeout is set");
        let mut answers = BufReader::new(stream.try_clone().expect("a second handle"));
        let login = self.password.as_ref().map(|password| ["AUTH", password.as_str()]);
        let login = login.as_ref().map(|words| &words[..]);
        let mut said = Vec::new();
        for words in login.into_iter().chain(commands.iter().copied()) {
            stream.write_all(&encode(words)).expect("it listens");
            said.push(answer(&mut answers).unwrap_or_else(|error| panic!("{}: {error}", words[0])));
        }
        said
    }

    fn signal(&self, signal: &str) {
        let done = Command::new("kill").args([signal, &self.process.id().to_string()]).status();
        assert!(done.is_ok_and(|status| status.success()), "the server takes {signal}");
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        drop((self.process.kill(), self.process.wait()));
    }
}

impl fmt::Debug for RedisServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisServer").field("port", &self.port).finish_non_exhaustive()
    }
}

/// Starts it and waits until it takes connections. An error: it ended before.
fn launch(folder: &TempDir, port: u16, options: &[String]) -> io::Result<Child> {
    let port = port.to_string();
    let (plain, encrypted) = if encrypts(options) { ("0", port.as_str()) } else { (port.as_str(), "0") };
    let mut process = Command::new("redis-server")
        .args(["--port", plain, "--tls-port", encrypted, "--bind", "127.0.0.1", "--dir"])
        .arg(folder.path())
        .args(["--appendonly", "yes", "--save", "", "--logfile", "", "--daemonize", "no"])
        .args(options)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("redis-server is needed for this test and does not start ({error}): apt-get install redis-server")
        });
    let mut log = BufReader::new(process.stdout.take().expect("its output is ours"));
    let mut line = String::new();
    loop {
        line.clear();
        if log.read_line(&mut line).unwrap_or(0) == 0 {
            drop((process.kill(), process.wait()));
            return Err(io::Error::other("it ended before it was ready"));
        }
        if line.contains("eady to accept connections") {
            break;
        }
    }
    // Nobody reads the rest, and a full pipe would stop the server. The thread ends with the process.
    thread::spawn(move || io::copy(&mut log, &mut io::sink()));
    Ok(process)
}

/// Whether it is told which certificate to show.
fn encrypts(options: &[String]) -> bool {
    options.iter().any(|option| option == "--tls-cert-file")
}

fn encode(words: &[&str]) -> Vec<u8> {
    let mut text = format!("*{}\r\n", words.len());
    for word in words {
        text.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    text.into_bytes()
}

/// One answer; the parts of a list are put on lines of their own.
fn answer(from: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    let (kind, rest) = line.trim_end().split_at_checked(1).ok_or_else(|| io::Error::other("it said nothing"))?;
    let length = || rest.parse::<i64>().map_err(io::Error::other);
    match kind {
        "-" => Err(io::Error::other(rest.to_owned())),
        "$" => {
            let Ok(bytes) = usize::try_from(length()?) else { return Ok(String::new()) };
            let mut text = vec![0; bytes + 2];
            from.read_exact(&mut text)?;
            text.truncate(bytes);
            String::from_utf8(text).map_err(io::Error::other)
        }
        "*" => {
            let parts: io::Result<Vec<String>> = (0..length()?).map(|_| answer(from)).collect();
            Ok(parts?.join("\n"))
        }
        _ => Ok(rest.to_owned()),
    }
}
