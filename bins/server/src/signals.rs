//! Signals: the first one asks for an orderly end, the second one ends at once.

use std::{io, process};

use tokio_util::sync::CancellationToken;

/// Fires the token at the first SIGTERM or SIGINT and ends the process at the second.
///
/// # Errors
/// When the system lets no signal be heard.
pub(crate) fn listen(stop: CancellationToken) -> io::Result<()> {
    let mut signals = Signals::new()?;
    tokio::spawn(async move {
        signals.next().await;
        tracing::info!("asked to stop; a second signal ends at once");
        stop.cancel();
        signals.next().await;
        end_at_once();
    });
    Ok(())
}

#[expect(clippy::exit, reason = "the operator has asked twice; what runs is in the store")]
fn end_at_once() {
    process::exit(130);
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
