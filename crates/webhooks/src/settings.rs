//! Bounds, times and the schedule of deliveries. Owns the defaults.

use std::{sync::Arc, time::Duration};

use crate::{Clock, SystemClock};

/// How deliveries are made. Start from [`WebhookSettings::default`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WebhookSettings {
    /// The pause before each attempt: the first belongs to the first attempt, and when the last attempt has failed the
    /// delivery is a dead letter. Default: 0, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h. Up to a tenth is
    /// added to each, so that receivers that come back are not met by everything at once.
    pub schedule: Vec<Duration>,
    /// How long one attempt may take until the head of the answer. Default 15 s.
    pub attempt_timeout: Duration,
    /// Attempts at a time, over all endpoints. One endpoint never has more than one. Default 64.
    pub concurrent_max: usize,
    /// Attempts at a time for the endpoints of one principal. Default 32.
    pub principal_concurrent_max: usize,
    /// Endpoints of one principal that hear of all its workflows. Default 100.
    pub endpoints_max: usize,
    /// Endpoints that hear of one workflow. Default 10.
    pub workflow_endpoints_max: usize,
    /// Deliveries that wait for one endpoint; what comes on top is a dead letter at once. Default 1000.
    pub pending_max: usize,
    /// Deliveries that are over and kept for one endpoint: as many that were taken, and as many dead letters. Default 200.
    pub kept_max: usize,
    /// How long a delivery is kept after its last change. Default 7 days; it must be longer than the longest pause.
    pub kept_for: Duration,
    /// Dead letters in a row that disable an endpoint. Default 5.
    pub dead_letters_max: u32,
    /// How long the former secret signs too after a rotation. Default 24 h.
    pub rotation_overlap: Duration,
    /// How long a process may be silent until another one delivers in its place. Default 15 s.
    pub lease: Duration,
    /// How often the store is read when nothing hints at news. Default 2 s.
    pub poll: Duration,
    /// The clock. Default: the machine's.
    pub clock: Arc<dyn Clock>,
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

impl Default for WebhookSettings {
    fn default() -> Self {
        let pauses = [0, 5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];
        Self {
            schedule: pauses.map(Duration::from_secs).to_vec(),
            attempt_timeout: Duration::from_secs(15),
            concurrent_max: 64,
            principal_concurrent_max: 32,
            endpoints_max: 100,
            workflow_endpoints_max: 10,
            pending_max: 1000,
            kept_max: 200,
            kept_for: Duration::from_secs(7 * 24 * HOUR),
            dead_letters_max: 5,
            rotation_overlap: Duration::from_secs(24 * HOUR),
            lease: Duration::from_secs(15),
            poll: Duration::from_secs(2),
            clock: Arc::new(SystemClock::new()),
        }
    }
}
