//! `cargo xtask replicas`: the deployment of `deploy/compose.yaml` without containers, and a walk through the loss of each of
//! its parts. Owns what the walk runs on and what it counts.

mod client;
mod compose;
mod places;
mod services;
mod walk;
mod whole;

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::bail;
use mcp_orchestrator_testkit::ModelServer;

use super::{install, server};
use crate::{cargo::root, packages};
use services::Services;
use walk::{STEPS, Walk};

pub(crate) const ABOUT: &str = "the services of deploy/compose.yaml as processes, and a walk through the loss of each; needs redis-server and nginx";

/// How long the model thinks: a workflow takes some seconds, so that a kill lands in the middle.
const THINKS: Duration = Duration::from_millis(400);
/// Set for the servers beside what the file says: a drain that is over sooner than what runs.
const SETTINGS: [(&str, &str); 1] = [("ORCHESTRATOR_SERVER__GRACE", "500ms")];

/// Starts everything, walks, and prints a line for each step.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    if let Some(unknown) = arguments.first() {
        bail!("replicas takes no {unknown:?}");
    }
    packages::redis_server()?;
    packages::nginx()?;
    let program = server::product()?;
    let scratch = install::scratch("replicas")?;
    let model = ModelServer::thinking(THINKS);
    let variables =
        BTreeMap::from([("OPENAI_API_KEY", "key-of-nobody".to_owned()), ("OPENAI_BASE_URL", model.base_url())]);
    let deploy = root().join("deploy").canonicalize()?;
    let services = Services::read(&deploy, program, scratch.clone(), &variables, &SETTINGS)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut walk = Walk::new(services, model)?;
    let mut out = io::stdout().lock();
    let mut passed = 0;
    for (title, step) in STEPS {
        let began = Instant::now();
        let outcome = runtime.block_on(step(&mut walk));
        let seconds = began.elapsed().as_secs_f64();
        match outcome {
            Ok(seen) => {
                passed += 1;
                writeln!(out, "ok      {title}: {seen} ({seconds:.1} s)")?;
            }
            Err(error) => writeln!(out, "FAILED  {title}: {error:#} ({seconds:.1} s)")?,
        }
        out.flush()?;
    }
    let total = STEPS.len();
    writeln!(out, "replicas  {passed}/{total} passed")?;
    if passed == total {
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "what the services logged is in {}", scratch.display())?;
    Ok(ExitCode::FAILURE)
}
