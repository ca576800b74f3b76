//! The word that the server is about to stop, heard by everything that would go on for long.

use tokio::sync::watch;

/// Says, to all its clones, how far the end of the server is: first that it drains, then that it closes.
///
/// Draining, it answers as before, streams included, and `/readyz` says no, so that nobody sends it work. Closing, streams
/// say their last word, waits end, and connections close after their answer.
#[derive(Clone, Debug)]
pub struct Drain {
    stage: watch::Sender<Stage>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Serving,
    Draining,
    Closing,
}

impl Default for Drain {
    fn default() -> Self {
        Self { stage: watch::Sender::new(Stage::Serving) }
    }
}

impl Drain {
    /// Begins to drain. A second call does nothing.
    pub fn begin(&self) {
        self.reach(Stage::Draining);
    }

    /// Whether it drains or closes.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        *self.stage.borrow() >= Stage::Draining
    }

    /// Closes. A second call does nothing. [`HttpServer::serve`](crate::HttpServer::serve) does it at its shutdown.
    pub fn close(&self) {
        self.reach(Stage::Closing);
    }

    /// Returns once it closes, at once if it does. The future may be dropped at any time.
    pub fn closed(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut stage = self.stage.subscribe();
        async move {
            // An error says that every clone is gone, and then nothing is left to serve.
            let _gone = stage.wait_for(|stage| *stage == Stage::Closing).await;
        }
    }

    fn reach(&self, next: Stage) {
        self.stage.send_if_modified(|stage| {
            let goes_on = *stage < next;
            *stage = next.max(*stage);
            goes_on
        });
    }
}
