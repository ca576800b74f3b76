//! Waiting for the turn to deliver, delivering, and the end of it. Owns shutdown.

use std::{pin::pin, sync::Arc};

use crate::{
    leader::{Lost, lead},
    lease::Lease,
    shared::Shared,
};

pub(crate) async fn run(shared: &Arc<Shared>, shutdown: impl Future<Output = ()>) {
    let mut shutdown = pin!(shutdown);
    loop {
        let mut lease = tokio::select! {
            biased;
            () = &mut shutdown => return,
            lease = turn(shared) => lease,
        };
        shared.tally.leads(true);
        let lost = tokio::select! {
            biased;
            () = &mut shutdown => None,
            lost = lead(shared, &mut lease) => Some(lost),
        };
        shared.tally.leads(false);
        let Some(lost) = lost else { return lease.release(shared).await };
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
