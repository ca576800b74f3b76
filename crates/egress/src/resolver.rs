//! From names to addresses, under a guard. Owns the second half of the guard: what a name stands for at this moment.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve};

use crate::{Guard, Refusal, guard::Rules};

/// The addresses of a name, soon.
pub type Resolving = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Finds the addresses of names. Dropping the future gives up.
pub trait Resolver: Send + Sync {
    /// All addresses of `name`; it is asked again for every new connection.
    fn resolve(&self, name: &str) -> Resolving;
}

/// Resolves, and refuses what the guard does.
pub(crate) struct Guarded(Arc<Rules>);

impl Guarded {
    pub(crate) fn new(guard: &Guard) -> Self {
        Self(Arc::clone(guard.rules()))
    }
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> reqwest::dns::Resolving {
        let rules = Arc::clone(&self.0);
        Box::pin(async move {
            let addresses = match &rules.resolver {
                Some(resolver) => resolver.resolve(name.as_str()).await?,
                None => tokio::net::lookup_host((name.as_str(), 0)).await?.map(|address| address.ip()).collect(),
            };
            if addresses.is_empty() {
                return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address").into());
            }
            // One bad address blocks the name: the good ones may be there to get past the check.
            if !rules.admits_resolved(name.as_str(), &addresses) {
                return Err(Refusal::Name.into());
            }
            // The port 0 stands for the one the URL names.
            let sockets = addresses.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(sockets) as Addrs)
        })
    }
}
