//! The words between a process and the one that started it, on the child's side: one line first, such as its address, then
//! its cost each time it is asked. It ends when its input does.

use std::io::{BufRead as _, Write as _};

use anyhow::Context as _;

use crate::measure::Watch;

/// Says one line, then the cost so far at each line that comes in.
pub(crate) async fn answer(first: &str) -> anyhow::Result<()> {
    let first = first.to_owned();
    let answering = tokio::task::spawn_blocking(move || {
        let watch = Watch::start();
        let mut out = std::io::stdout();
        writeln!(out, "{first}")?;
        for _asked in std::io::stdin().lock().lines() {
            let cost = watch.stop();
            writeln!(out, "{} {}", cost.cpu_us, cost.wall_us)?;
            out.flush()?;
        }
        anyhow::Ok(())
    });
    answering.await.context("the thread that answers broke")?
}
