//! A process this one has started and ends again. Owns its pid: it is asked for its cost, its memory is read, and it is
//! ended by closing its input, or killed when this process gives up on it.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    process::{Child as Process, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::Context as _;

use crate::{
    measure::Cost,
    role::{ROLE, Role},
};

/// A process in a role. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Child {
    process: Process,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    first: String,
}

impl Child {
    /// Starts it and waits for its first word.
    pub(crate) fn start(role: &Role) -> anyhow::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .env(ROLE, serde_json::to_string(role)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Log lines are made and thrown away; a panic's words are not.
            .stderr(if role.logs() { Stdio::null() } else { Stdio::inherit() })
            .spawn()?;
        let input = process.stdin.take();
        let output = process.stdout.take().context("the child has no output")?;
        let mut child = Self { process, input, output: BufReader::new(output), first: String::new() };
        child.first = child.line()?;
        Ok(child)
    }

    /// Where it serves.
    pub(crate) fn address(&self) -> anyhow::Result<SocketAddr> {
        self.first.parse().with_context(|| format!("the child said {:?}", self.first))
    }

    /// CPU time of the whole process, kernel's share included, and wall time since it was ready.
    pub(crate) fn cost(&mut self) -> anyhow::Result<Cost> {
        let input = self.input.as_mut().context("the child was ended")?;
        writeln!(input)?;
        let said = self.line()?;
        let (cpu_us, wall_us) = said.split_once(' ').with_context(|| format!("the child said {said:?}"))?;
        Ok(Cost { cpu_us: cpu_us.parse()?, wall_us: wall_us.parse()? })
    }

    /// Memory it holds, in kB.
    pub(crate) fn rss_kb(&self) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }

    /// Ends it and waits for its end.
    pub(crate) fn end(mut self) -> anyhow::Result<()> {
        drop(self.input.take());
        let status = self.process.wait()?;
        anyhow::ensure!(status.success(), "a child ended with {status}");
        Ok(())
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        anyhow::ensure!(self.output.read_line(&mut line)? > 0, "a child ended early");
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Of one that has ended nothing is left to kill.
        let _ended = self.process.kill();
        let _status = self.process.wait();
    }
}
