//! Where a client may connect to. Owns the rules; what is public is `address`'s matter, names become addresses in
//! `resolver`.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use ipnet::IpNet;
use url::{Host, Url};

use crate::{
    Refusal, Resolver, Target,
    address::{embedded, not_public},
};

/// Says where a client may connect to. Cheap to clone.
///
/// Two guards are to be told apart by who named the address. What an *operator* named may be anywhere, so
/// [`Guard::operator`] lets everything pass. What a *caller*, a page or a model named may only be a public address:
/// [`Guard::public`]. It works in two halves, for neither is enough: literal addresses in the URL, in every spelling, are
/// refused before anything is sent; names are resolved under it, one address that is not public blocks the whole name,
/// and connections go to exactly the addresses that were looked at.
#[derive(Clone)]
pub struct Guard(Arc<Rules>);

#[derive(Clone)]
pub(crate) struct Rules {
    strict: bool,
    http: bool,
    nets: Vec<IpNet>,
    hosts: Vec<String>,
    pub(crate) resolver: Option<Arc<dyn Resolver>>,
}

/// A rule an operator wrote that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRule {
    /// It is no network.
    #[error("{0:?} is not a network like 10.0.0.0/8 or fd00::/8")]
    Net(String),
    /// It is no host name.
    #[error("{0:?} is not a host name like hooks.example.com")]
    Host(String),
}

impl Guard {
    /// Lets everything pass: for addresses the operator named.
    #[must_use]
    pub fn operator() -> Self {
        Self(Arc::new(Rules { strict: false, http: true, nets: Vec::new(), hosts: Vec::new(), resolver: None }))
    }

    /// Lets `https` to public addresses pass, on port 443 or one above 1023: for addresses anybody else named.
    #[must_use]
    pub fn public() -> Self {
        Self(Arc::new(Rules { strict: true, http: false, nets: Vec::new(), hosts: Vec::new(), resolver: None }))
    }

    /// Lets the addresses of a network pass too, on any port; a single address is a network as well.
    ///
    /// # Errors
    /// [`InvalidRule::Net`].
    pub fn allow_net(self, net: &str) -> Result<Self, InvalidRule> {
        let text = net.trim();
        let parsed = text.parse().or_else(|_| text.parse().map(|address: IpAddr| IpNet::from(address)));
        let net = parsed.map_err(|_| InvalidRule::Net(short(text)))?;
        Ok(self.changed(|rules| rules.nets.push(net)))
    }

    /// Lets a host pass by its exact name, wherever it is, on any port.
    ///
    /// # Errors
    /// [`InvalidRule::Host`].
    pub fn allow_host(self, name: &str) -> Result<Self, InvalidRule> {
        let Ok(Host::Domain(domain)) = Host::parse(name.trim()) else {
            return Err(InvalidRule::Host(short(name)));
        };
        let plain = plain(&domain);
        if plain.is_empty() {
            return Err(InvalidRule::Host(short(name)));
        }
        Ok(self.changed(|rules| rules.hosts.push(plain)))
    }

    /// Lets `http` pass too, on port 80 or one above 1023.
    #[must_use]
    pub fn allow_http(self) -> Self {
        self.changed(|rules| rules.http = true)
    }

    /// Resolves names by other means than the system's. What comes of it is looked at all the same.
    #[must_use]
    pub fn with_resolver(self, resolver: Arc<dyn Resolver>) -> Self {
        self.changed(|rules| rules.resolver = Some(resolver))
    }

    /// Parses an address a caller named and looks at all that can be seen without asking anybody. A name that passes here
    /// may still be refused when something is sent to it.
    ///
    /// # Errors
    /// [`Refusal`] says what is wrong with it.
    pub fn admit(&self, text: &str) -> Result<Target, Refusal> {
        let target = Target::parse(text)?;
        self.check(target.url())?;
        Ok(target)
    }

    pub(crate) fn check(&self, url: &Url) -> Result<(), Refusal> {
        let rules = &self.0;
        if !rules.strict {
            return Ok(());
        }
        if url.scheme() != "https" && !(rules.http && url.scheme() == "http") {
            return Err(Refusal::Scheme(url.scheme().chars().take(20).collect()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::Credentials);
        }
        let listed = match url.host() {
            None => return Err(Refusal::Syntax("the host is missing")),
            Some(Host::Ipv4(address)) => rules.admits_literal(address.into())?,
            Some(Host::Ipv6(address)) => rules.admits_literal(address.into())?,
            Some(Host::Domain(name)) => rules.admits_name(name)?,
        };
        let usual = if url.scheme() == "https" { 443 } else { 80 };
        match url.port_or_known_default().unwrap_or_default() {
            0 => Err(Refusal::Port(0)),
            port if listed || port == usual || port > 1023 => Ok(()),
            port => Err(Refusal::Port(port)),
        }
    }

    pub(crate) fn is_strict(&self) -> bool {
        self.0.strict
    }

    pub(crate) fn rules(&self) -> &Arc<Rules> {
        &self.0
    }

    fn changed(mut self, change: impl FnOnce(&mut Rules)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }
}

impl Rules {
    /// Whether a name may stand for all these addresses.
    pub(crate) fn admits_resolved(&self, name: &str, addresses: &[IpAddr]) -> bool {
        !self.strict
            || self.hosts.contains(&plain(name))
            || addresses.iter().all(|address| self.lists(*address) || not_public(*address).is_none())
    }

    /// Whether the address is on the operator's list; an error when it is neither there nor public.
    fn admits_literal(&self, address: IpAddr) -> Result<bool, Refusal> {
        match not_public(address) {
            _ if self.lists(address) => Ok(true),
            Some(kind) => Err(Refusal::Address(kind)),
            None => Ok(false),
        }
    }

    fn admits_name(&self, name: &str) -> Result<bool, Refusal> {
        let name = plain(name);
        if self.hosts.contains(&name) {
            return Ok(true);
        }
        let of_this_machine = name == "localhost" || name.ends_with(".localhost");
        let loopback_listed = self.lists(Ipv4Addr::LOCALHOST.into()) || self.lists(Ipv6Addr::LOCALHOST.into());
        match () {
            () if name.is_empty() => Err(Refusal::Syntax("the host is missing")),
            () if of_this_machine && !loopback_listed => Err(Refusal::Address("a loopback address")),
            () => Ok(of_this_machine),
        }
    }

    fn lists(&self, address: IpAddr) -> bool {
        let hidden = match address {
            IpAddr::V6(v6) => embedded(v6).map(IpAddr::V4),
            IpAddr::V4(_) => None,
        };
        self.nets.iter().any(|net| net.contains(&address) || hidden.is_some_and(|v4| net.contains(&v4)))
    }
}

impl Default for Guard {
    /// [`Guard::operator`].
    fn default() -> Self {
        Self::operator()
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("strict", &self.0.strict)
            .field("http", &self.0.http)
            .field("nets", &self.0.nets)
            .field("hosts", &self.0.hosts)
            .finish_non_exhaustive()
    }
}

/// A name as names are compared: without case and without the dot of the root.
fn plain(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}
