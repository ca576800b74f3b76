//! Running a program of others to its end, and no longer than it may take. What it prints goes through files, so that a
//! program that prints much waits for nobody.

use std::{
    fs::File,
    io::Read as _,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;

/// How often it is looked whether a program has ended.
const LOOK: Duration = Duration::from_millis(10);
/// The most that is read of what a program has printed.
const PRINTED_MAX: u64 = 64 * 1024 * 1024;

/// What became of a program.
pub(super) struct Finished {
    /// Its exit code; `None` when it was ended because its time was over, or by a signal.
    pub(super) code: Option<i32>,
    /// What it printed.
    pub(super) output: String,
    /// What it printed to the error stream.
    pub(super) errors: String,
}

/// Runs a program. Its output is kept beside `log`, which names its file for errors.
///
/// # Errors
/// When the program does not start or its output cannot be kept.
pub(super) fn run(mut command: Command, deadline: Duration, log: &Path) -> anyhow::Result<Finished> {
    let out = log.with_extension("out");
    let kept = |path: &Path| File::create(path).with_context(|| path.display().to_string());
    command.stdin(Stdio::null()).stdout(kept(&out)?).stderr(kept(log)?);
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command.spawn().with_context(|| format!("{program} does not start"))?;
    let code = ended(&mut child, deadline)?;
    Ok(Finished { code, output: read(&out)?, errors: read(log)? })
}

/// Waits for the end of a program, and ends it when its time is over.
pub(super) fn ended(child: &mut Child, deadline: Duration) -> anyhow::Result<Option<i32>> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.code());
        }
        if began.elapsed() >= deadline {
            // One that has just ended by itself cannot be ended.
            let _ = child.kill();
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(LOOK);
    }
}

/// A file as text, up to a bound.
pub(super) fn read(path: &Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    let file = File::open(path).with_context(|| path.display().to_string())?;
    file.take(PRINTED_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
