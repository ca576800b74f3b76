//! Waiting for the turn to deliver, delivering, and the end of it. Owns shutdown.

use std::{pin::pin, sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::timeout};

use crate::{
    leader::{Lost, lead},
    lease::Lease,
    shared::Shared,
};

/// How long open attempts may take to end at shutdown; what is cut off is sent once more.
const GRACE: Duration = Duration::from_secs(1);

pub(crate) async fn run(shared: &Arc<Shared>, shutdown: impl Future<Output = ()>) {
    let mut shutdown = pin!(shutdown);
    loop {
        let mut lease = tokio::select! {
            biased;
            () = &mut shutdown => return,
            lease = turn(shared) => lease,
        };
        // Dropping it cuts off what runs.
        let mut attempts = JoinSet::new();
        shared.tally.leads(true);
        let lost = tokio::select! {
            biased;
            () = &mut shutdown => None,
            lost = lead(shared, &mut lease, &mut attempts) => Some(lost),
        };
        let Some(lost) = lost else {
            let rest = async { while attempts.join_next().await.is_some() {} };
            // Time being up only means that some are repeated.
            drop(timeout(GRACE, rest).await);
            shared.tally.leads(false);
            return lease.release(shared).await;
        };
        shared.tally.leads(false);
        match lost {
            Lost::Lease => tracing::debug!("another process delivers webhooks"),
            Lost::Store(error) => {
                tracing::warn!(%error, "webhooks wait for the store");
                lease.release(shared).await;
                tokio::select! {
                    biased;
                    () = &mut shutdown => return,
                    () = pause(shared) => {}
                }
            }
        }
    }
}

/// Waits until this process is the one to deliver.
async fn turn(shared: &Shared) -> Lease {
    loop {
        match Lease::take(shared).await {
            Ok(Some(lease)) => return lease,
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "webhooks wait for the store"),
        }
        pause(shared).await;
    }
}

async fn pause(shared: &Shared) {
    shared.settings.clock.sleep_until(shared.now().after(shared.settings.poll)).await;
}
