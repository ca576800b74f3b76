//! The word that the server is about to stop, heard by everything that would go on for long.

use tokio::sync::watch;

/// Says once, to all its clones, that the server drains: streams end, `/readyz` says no, connections close after their
/// answer.
#[derive(Clone, Debug)]
pub struct Drain {
    begun: watch::Sender<bool>,
}

impl Default for Drain {
    fn default() -> Self {
        Self { begun: watch::Sender::new(false) }
    }
}

impl Drain {
    /// Begins. A second call does nothing.
    pub fn begin(&self) {
        self.begun.send_replace(true);
    }

    /// Whether it has begun.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        *self.begun.borrow()
    }

    /// Returns once it has begun, at once if it has. The future may be dropped at any time.
    pub fn wait(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut begun = self.begun.subscribe();
        async move {
            // An error says that every clone is gone, and then nothing is left to serve.
            let _gone = begun.wait_for(|begun| *begun).await;
        }
    }
}
