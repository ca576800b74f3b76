//! Where the services are on this machine: each has a port of its own on loopback, and what the files call `replica-a:5060` is
//! that. Owns the rewriting of names; starts nothing.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::Context as _;

/// The names under which a service means itself.
const ITSELF: [&str; 2] = ["0.0.0.0", "127.0.0.1"];

/// The services by name, with their addresses.
#[derive(Debug)]
pub(super) struct Places(Vec<(String, SocketAddr)>);

impl Places {
    /// Takes a free port for each.
    pub(super) fn find<'a>(names: impl Iterator<Item = &'a str>) -> anyhow::Result<Self> {
        // All are held until the last is found, so that no two are the same.
        let held: std::io::Result<Vec<_>> =
            names.map(|name| Ok((name.to_owned(), TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?))).collect();
        let places = held?.into_iter().map(|(name, listener)| Ok((name, listener.local_addr()?)));
        Ok(Self(places.collect::<std::io::Result<_>>()?))
    }

    /// Where one is.
    pub(super) fn of(&self, name: &str) -> anyhow::Result<SocketAddr> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, address)| *address).with_context(|| format!("deploy/compose.yaml has no service {name:?}"))
    }

    /// A text of one service in which every `NAME:PORT` is where that is.
    pub(super) fn put_into(&self, text: &str, own: &str) -> anyhow::Result<String> {
        let own = self.of(own)?;
        let others = self.0.iter().map(|(name, address)| (name.as_str(), *address));
        let all = ITSELF.iter().map(|name| (*name, own)).chain(others);
        Ok(all.fold(text.to_owned(), |text, (name, address)| replaced(&text, name, address)))
    }
}

/// Replaces the name with any port behind it; a name that is the end of a longer one stays.
fn replaced(text: &str, name: &str, address: SocketAddr) -> String {
    let mut done = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(name) {
        let (before, from) = rest.split_at(at);
        let after = &from[name.len()..];
        let port = after.strip_prefix(':').map_or("", |digits| {
            let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
            &digits[..end]
        });
        let is_part = before.chars().next_back().is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'));
        // What is put in names this machine, and must not be found again.
        let is_done = port == address.port().to_string();
        done.push_str(before);
        if port.is_empty() || is_part || is_done {
            done.push_str(name);
            rest = after;
        } else {
            done.push_str(&address.to_string());
            rest = &after[1 + port.len()..];
        }
    }
    done.push_str(rest);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_ports_become_places_and_nothing_else_does() {
        let place = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let places = Places(vec![("redis".to_owned(), place(7001)), ("replica-a".to_owned(), place(7002))]);
        let put = |text: &str| places.put_into(text, "replica-a").unwrap();
        assert_eq!(put("redis://redis:6379/"), "redis://127.0.0.1:7001/");
        assert_eq!(put("0.0.0.0:5060"), "127.0.0.1:7002");
        assert_eq!(put("127.0.0.1:5060"), "127.0.0.1:7002");
        assert_eq!(put("server replica-a:5060 max_fails=1;"), "server 127.0.0.1:7002 max_fails=1;");
        for same in ["localhost,127.0.0.1,replicas", "docs=/corpus", "my-redis:6379", "redis-server"] {
            assert_eq!(put(same), same);
        }
    }
}
