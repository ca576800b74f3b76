//! How many connections one address holds. Owns the count; its size is bounded by the connections there are.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use crate::layers::ClientNet;

/// Counts connections by client network.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    max: usize,
    held: Arc<Mutex<HashMap<ClientNet, usize>>>,
}

/// One counted connection; dropping it gives the place back.
#[derive(Debug)]
pub(super) struct Place {
    net: ClientNet,
    held: Arc<Mutex<HashMap<ClientNet, usize>>>,
}

impl Addresses {
    pub(super) fn new(max: usize) -> Self {
        Self { max, held: Arc::default() }
    }

    /// A place for one more connection, if the address may have one.
    pub(super) fn take(&self, address: IpAddr) -> Option<Place> {
        let net = ClientNet::of(address);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(net).or_default();
        if *count >= self.max {
            return None;
        }
        *count += 1;
        Some(Place { net, held: Arc::clone(&self.held) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.net) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.net);
            }
        }
    }
}
