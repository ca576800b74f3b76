//! Servers that tests and tasks start themselves: installed from the system's packages when they are not there.

use std::{io, process::Command};

use anyhow::{Context as _, bail};

/// A program of a package, and the flag with which it says its version.
struct Package {
    program: &'static str,
    package: &'static str,
    version: &'static str,
}

const REDIS: Package = Package { program: "redis-server", package: "redis-server", version: "--version" };
const NGINX: Package = Package { program: "nginx", package: "nginx-light", version: "-v" };

/// Finds `redis-server` or installs it.
pub(crate) fn redis_server() -> anyhow::Result<()> {
    REDIS.check()
}

/// Finds `nginx` or installs it.
pub(crate) fn nginx() -> anyhow::Result<()> {
    NGINX.check()
}

impl Package {
    fn check(&self) -> anyhow::Result<()> {
        let Self { program, package, .. } = self;
        if self.is_there() {
            return Ok(());
        }
        for arguments in [&["update"][..], &["install", "--yes", "--no-install-recommends", package]] {
            // Whoever needs it starts one of its own: one for the whole machine is not to be started.
            let mut apt = Command::new("apt-get");
            apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
            let status = apt.status().with_context(|| format!("{program} is needed and apt-get does not start"))?;
            if !status.success() {
                bail!("apt-get {} ended with {status}; {program} is needed on PATH", arguments.join(" "));
            }
        }
        if !self.is_there() {
            bail!("{program} was installed and does not start");
        }
        Ok(())
    }

    fn is_there(&self) -> bool {
        let found: io::Result<_> = Command::new(self.program).arg(self.version).output();
        found.is_ok_and(|output| output.status.success())
    }
}
