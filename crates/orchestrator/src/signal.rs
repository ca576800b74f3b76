//! A signal that fires once, for all who listen. Owns nothing else; who fires and what follows is its users' affair.

use tokio::sync::watch;

/// The listening side; all clones hear the same.
#[derive(Clone, Debug)]
pub(crate) struct Signal(watch::Receiver<()>);

/// The firing side: dropping it fires the signal.
#[derive(Debug)]
pub(crate) struct Trigger {
    _dropped_fires: watch::Sender<()>,
}

impl Signal {
    /// A signal that has not fired, and what fires it.
    pub(crate) fn new() -> (Trigger, Self) {
        let (sender, receiver) = watch::channel(());
        (Trigger { _dropped_fires: sender }, Self(receiver))
    }

    /// Whether it has fired.
    pub(crate) fn has_fired(&self) -> bool {
        self.0.has_changed().is_err()
    }

    /// Waits until it fires; at once if it has. Dropping the future ends the wait only.
    pub(crate) async fn fired(&self) {
        let mut receiver = self.0.clone();
        while receiver.changed().await.is_ok() {}
    }
}
