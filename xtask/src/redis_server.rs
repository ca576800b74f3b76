//! The server that the store's tests start: installed from the system's packages when it is not there.

use std::{io, process::Command};

use anyhow::{Context as _, bail};

const PROGRAM: &str = "redis-server";

/// Finds it or installs it.
pub(crate) fn check() -> anyhow::Result<()> {
    if is_there() {
        return Ok(());
    }
    for arguments in [&["update"][..], &["install", "--yes", "--no-install-recommends", PROGRAM]] {
        // The tests start servers of their own: one for the whole machine is not to be started.
        let mut apt = Command::new("apt-get");
        apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
        let status = apt.status().with_context(|| format!("{PROGRAM} is needed and apt-get does not start"))?;
        if !status.success() {
            bail!("apt-get {} ended with {status}; the tests need {PROGRAM} on PATH", arguments.join(" "));
        }
    }
    if !is_there() {
        bail!("{PROGRAM} was installed and does not start");
    }
    Ok(())
}

fn is_there() -> bool {
    let found: io::Result<_> = Command::new(PROGRAM).arg("--version").output();
    found.is_ok_and(|output| output.status.success())
}
