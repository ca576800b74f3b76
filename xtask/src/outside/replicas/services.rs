//! The services of the compose file as processes of this machine. Owns starting, asking for health, and ending them; whoever
//! drops it ends them all. Knows what the images run, nothing of what is asked of them.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

use super::{
    super::process,
    compose::{Compose, Service},
    places::Places,
};

/// How long a service may take until it is healthy.
const STARTING: Duration = Duration::from_secs(60);
/// How long one question for its health may take.
const ASKING: Duration = Duration::from_secs(10);
/// The pause between two of them.
const PAUSE: Duration = Duration::from_millis(50);

/// The server's program inside its image.
const SERVER: &str = "mcp-orchestrator-server";
const REDIS_CLI: &str = "redis-cli";

/// All of them; ended with this value.
pub(super) struct Services {
    all: Vec<Process>,
    places: Places,
    server: PathBuf,
    deploy: PathBuf,
    scratch: PathBuf,
}

struct Process {
    name: String,
    service: Service,
    child: Option<Child>,
    /// It was asked to stop and has not been waited for.
    stops: bool,
}

impl Services {
    /// What the file in the folder `deploy` describes, nothing of it started. `variables` are what compose finds in its
    /// environment; `settings` are set for the servers beside what the file says.
    pub(super) fn read(
        deploy: &Path,
        server: PathBuf,
        scratch: PathBuf,
        variables: &BTreeMap<&str, String>,
        settings: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let file = deploy.join("compose.yaml");
        let compose = Compose::read(&process::read(&file)?, variables).with_context(|| file.display().to_string())?;
        let mut all = Vec::new();
        for (name, mut service) in compose.in_order()? {
            if service.image == SERVER {
                service
                    .environment
                    .extend(settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
            }
            fs::create_dir_all(scratch.join(&name))?;
            all.push(Process { name, service, child: None, stops: false });
        }
        let places = Places::find(all.iter().map(|process| process.name.as_str()))?;
        Ok(Self { all, places, server, deploy: deploy.to_owned(), scratch })
    }

    /// Where one listens.
    pub(super) const fn places(&self) -> &Places {
        &self.places
    }

    /// Starts what does not run, each when those it depends on are healthy; their names in that order.
    pub(super) fn start(&mut self) -> anyhow::Result<Vec<String>> {
        let mut started = Vec::new();
        for at in 0..self.all.len() {
            if self.all[at].stops {
                let name = self.all[at].name.clone();
                self.ended(&name)?;
            }
            if self.all[at].child.is_none() {
                let child = self.command(&self.all[at])?.spawn();
                let name = self.all[at].name.clone();
                self.all[at].child = Some(child.with_context(|| format!("{name} does not start"))?);
                self.until_healthy(at)?;
                started.push(name);
            }
        }
        Ok(started)
    }

    /// `kill -9`.
    pub(super) fn kill(&mut self, name: &str) -> anyhow::Result<()> {
        if let Some(mut child) = self.process(name)?.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Asks one to stop, with SIGTERM.
    pub(super) fn terminate(&mut self, name: &str) -> anyhow::Result<()> {
        let process = self.process(name)?;
        terminate(process.child.as_ref().with_context(|| format!("{name} does not run"))?)?;
        process.stops = true;
        Ok(())
    }

    /// Waits until one that was asked to stop has ended, for as long as the file allows; its exit code and how long it took.
    pub(super) fn ended(&mut self, name: &str) -> anyhow::Result<(Option<i32>, Duration)> {
        let began = Instant::now();
        let process = self.process(name)?;
        let patience = process.service.stops_within()?;
        process.stops = false;
        let mut child = process.child.take().with_context(|| format!("{name} does not run"))?;
        Ok((process::ended(&mut child, patience)?, began.elapsed()))
    }

    fn process(&mut self, name: &str) -> anyhow::Result<&mut Process> {
        let found = self.all.iter_mut().find(|process| process.name == name);
        found.with_context(|| format!("deploy/compose.yaml has no service {name:?}"))
    }

    /// What the image would run, with places instead of names.
    fn command(&self, process: &Process) -> anyhow::Result<Command> {
        let Process { name, service, .. } = process;
        let home = self.scratch.join(name);
        let mut words = service.command.clone();
        for word in &mut words {
            *word = self.places.put_into(word, name)?;
            for (from, to) in service.mounts() {
                *word = word.replace(to, &self.deploy.join(from).display().to_string());
            }
        }
        let mut command = match service.image.split(':').next().unwrap_or_default() {
            SERVER => Command::new(&self.server),
            "redis" => {
                let program = if words.is_empty() { "redis-server".to_owned() } else { words.remove(0) };
                let mut command = Command::new(program);
                let address = self.places.of(name)?;
                command.args(["--bind", &address.ip().to_string(), "--port", &address.port().to_string()]);
                command
            }
            "nginx" => {
                let mut command = Command::new("nginx");
                command.args(["-e", "stderr", "-g", "daemon off;", "-c"]).arg(self.nginx(name, service)?);
                command
            }
            other => bail!("{name} is of the image {other:?}: it is not known what that runs"),
        };
        command
            .args(words)
            .current_dir(&home)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &home)
            .envs(&service.environment)
            .stdin(Stdio::null());
        let log = File::options().create(true).append(true).open(self.log(name))?;
        command.stdout(log.try_clone()?).stderr(log);
        Ok(command)
    }

    /// Writes the proxy's own configuration with places instead of names.
    fn nginx(&self, name: &str, service: &Service) -> anyhow::Result<PathBuf> {
        let (from, _) =
            service.mounts().find(|(_, to)| to.ends_with("nginx.conf")).context("the proxy has no nginx.conf")?;
        let text = self.places.put_into(&process::read(&self.deploy.join(from))?, name)?;
        let home = self.scratch.join(name);
        let text = unresolved(&text)
            .replace("listen 8080;", &format!("listen {};", self.places.of(name)?))
            .replace("/tmp/nginx", &home.join("nginx").display().to_string());
        let file = home.join("nginx.conf");
        fs::write(&file, text)?;
        Ok(file)
    }

    /// Asks by the service's own command until it says yes. One without a command is healthy when it runs.
    fn until_healthy(&mut self, at: usize) -> anyhow::Result<()> {
        let name = self.all[at].name.clone();
        let Some(check) = &self.all[at].service.healthcheck else { return Ok(()) };
        let words = check.command()?.to_vec();
        let began = Instant::now();
        loop {
            if let Some(status) = self.all[at].child.as_mut().map(Child::try_wait).transpose()?.flatten() {
                self.all[at].child = None;
                bail!("{name} ended with {status}:\n{}", process::read(&self.log(&name))?);
            }
            let asked =
                process::run(self.question(&name, &words)?, ASKING, &self.scratch.join(format!("{name}.health")))?;
            if asked.code == Some(0) {
                return Ok(());
            }
            if began.elapsed() > STARTING {
                bail!("{name} is not healthy after {} s: {}{}", STARTING.as_secs(), asked.output, asked.errors);
            }
            thread::sleep(PAUSE);
        }
    }

    fn question(&self, name: &str, words: &[String]) -> anyhow::Result<Command> {
        let program = &words[0];
        let mut command = Command::new(if program == SERVER { self.server.as_path() } else { Path::new(program) });
        if program == REDIS_CLI {
            // In its container it has the port everybody expects.
            command.args(["-e", "-p", &self.places.of(name)?.port().to_string()]);
        }
        for word in &words[1..] {
            command.arg(self.places.put_into(word, name)?);
        }
        Ok(command)
    }

    fn log(&self, name: &str) -> PathBuf {
        self.scratch.join(format!("{name}.log"))
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        // Last started, first ended. A proxy that is killed would leave its workers behind, so it is asked.
        for process in self.all.iter_mut().rev() {
            let Some(child) = &mut process.child else { continue };
            let is_asked = process.service.image.starts_with("nginx") && terminate(child).is_ok();
            let _ = process::ended(child, if is_asked { ASKING } else { Duration::ZERO });
        }
    }
}

/// A proxy's configuration without what finds names: places have none, and an nginx before 1.27.3 knows no `resolve`.
fn unresolved(text: &str) -> String {
    let kept = text.lines().filter(|line| !line.trim_start().starts_with("resolver "));
    kept.map(|line| line.replace(" resolve;", ";") + "\n").collect()
}

fn terminate(child: &Child) -> anyhow::Result<()> {
    let status = Command::new("kill").arg(child.id().to_string()).status().context("kill does not start")?;
    if !status.success() {
        bail!("process {} takes no signal", child.id());
    }
    Ok(())
}
