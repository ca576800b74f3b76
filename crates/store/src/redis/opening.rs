//! Opening a store while its connections break or its server comes up. Owns how often and for how long it is tried again;
//! what is looked at is in `start`.

use std::{error::Error as _, io, time::Duration};

use redis::{AsyncConnectionConfig, ErrorKind, RedisError, ServerErrorKind};
use tokio::time::{Instant, sleep};

use super::{
    RedisOptions, failure,
    keys::Keys,
    line::Dialling,
    start::{self, Unusable},
};
use crate::StoreError;

/// No try begins later than this after the first.
const OPENING: Duration = Duration::from_secs(5);

/// The first and the longest pause between two tries.
const PAUSE: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_millis(800);

/// Connects and looks at the server, again for a while when the connection fails. The moment until which further steps of
/// the opening may try too.
///
/// # Errors
/// As [`super::RedisStore::open_with`]: at once when the server refuses us or is refused, else what the last try said.
pub(super) async fn check(dialling: &Dialling, options: &RedisOptions, keys: &Keys) -> Result<Instant, StoreError> {
    let until = Instant::now() + OPENING;
    let mut pause = PAUSE;
    loop {
        let error = match once(dialling, options, keys).await {
            Ok(()) => return Ok(until),
            Err(Unusable::Refused(refusal)) => return Err(refusal),
            Err(Unusable::Failed(error)) => error,
        };
        if !may_pass(&error) || Instant::now() + pause > until {
            return Err(failure::store_error(&error, &options.location));
        }
        tracing::debug!(error = %failure::said(&error, &options.location), "the store is tried again");
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

async fn once(dialling: &Dialling, options: &RedisOptions, keys: &Keys) -> Result<(), Unusable> {
    let mut connection = dialling.connect(AsyncConnectionConfig::new()).await?;
    start::check(&mut connection, options, keys).await
}

/// Whether the next try may do better: the connection failed, or the server is still reading its file. A certificate that is
/// not trusted will not be the next time.
fn may_pass(error: &RedisError) -> bool {
    let is_distrust = error
        .source()
        .and_then(|source| source.downcast_ref::<io::Error>())
        .is_some_and(|error| error.kind() == io::ErrorKind::InvalidData);
    let is_loading = error.kind() == ErrorKind::Server(ServerErrorKind::BusyLoading);
    is_loading || ((error.is_io_error() || error.is_connection_dropped()) && !is_distrust)
}
