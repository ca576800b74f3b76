//! How often one address may be refused. Owns a place in time for each address that was; who guesses credentials is turned
//! away before anybody looks at them, and nobody who is taken for somebody counts here.

use std::{
    collections::HashMap,
    net::Ipv4Addr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{extract::Request, response::Response};

use super::{ClientNet, Peer, rate};
use crate::{Metrics, Rate, routes::health};

/// Addresses that are counted on their own; further ones are counted as one.
const ADDRESSES_MAX: usize = 16_384;

/// The limit of refusals: as often as a client may write.
#[derive(Debug)]
pub(super) struct Refusals {
    /// Between two refusals, in the long run.
    apart: Duration,
    /// How far ahead of that an address may be.
    ahead: Duration,
    /// When an address would be where it began, at most [`ADDRESSES_MAX`] and one.
    even: Mutex<HashMap<Option<ClientNet>, Instant>>,
    metrics: Metrics,
}

impl Refusals {
    pub(super) fn new(rate: Rate, metrics: Metrics) -> Self {
        let apart = Duration::from_secs(1) / rate.per_second.max(1);
        Self { apart, ahead: apart.saturating_mul(rate.burst.max(1)), even: Mutex::default(), metrics }
    }

    /// How long an address has to wait, if it was refused too often.
    fn wait(&self, net: ClientNet, now: Instant) -> Option<Duration> {
        let even = self.even.lock().unwrap_or_else(PoisonError::into_inner);
        let key = if even.len() > ADDRESSES_MAX && !even.contains_key(&Some(net)) { None } else { Some(net) };
        let next = even.get(&key)?.checked_duration_since(now)? + self.apart;
        next.checked_sub(self.ahead).filter(|wait| !wait.is_zero())
    }

    /// What an address is told that was refused too often.
    pub(super) fn refusal(&self, Sender(net): Sender) -> Option<Response> {
        let wait = self.wait(net, Instant::now())?;
        self.metrics.rate_limited("refusals");
        Some(rate::too_often(wait))
    }

    /// Counts a refusal.
    pub(super) fn count(&self, Sender(net): Sender) {
        let now = Instant::now();
        let mut even = self.even.lock().unwrap_or_else(PoisonError::into_inner);
        if even.len() >= ADDRESSES_MAX && !even.contains_key(&Some(net)) {
            even.retain(|_, at| *at > now);
        }
        let is_own = even.len() < ADDRESSES_MAX || even.contains_key(&Some(net));
        let at = even.entry(is_own.then_some(net)).or_insert(now);
        *at = (*at).max(now) + self.apart;
    }
}

/// Where a request comes from, for counting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sender(ClientNet);

impl Sender {
    /// `None` for what asks nobody who they are.
    pub(super) fn of(request: &Request) -> Option<Self> {
        if health::is_open(request.uri().path()) {
            return None;
        }
        // Embedded in another server, which knows the connection and we do not.
        let unknown = ClientNet::V4(Ipv4Addr::UNSPECIFIED);
        Some(Self(request.extensions().get::<Peer>().map_or(unknown, |peer| ClientNet::of(peer.peer.ip()))))
    }
}
