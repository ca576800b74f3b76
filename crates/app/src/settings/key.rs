//! Every setting there is: its name, the kind of its value, what it does. A setting that nothing reads is not here.

use strsim::damerau_levenshtein;

/// The kind of a setting's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One line of text.
    Text,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// A whole number in this range.
    Whole(u64, u64),
    /// A duration such as `180s`.
    Duration,
    /// US dollars, with or without a fraction.
    Usd,
    /// A number of bytes such as `2GB`.
    Size,
    /// Several texts; in the environment separated by commas.
    Texts,
    /// A path.
    Path,
    /// Several paths; in the environment separated as in `PATH`.
    Paths,
    /// Never shown.
    Secret,
}

/// A setting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    /// Its name; `*` stands for a name that the person chooses, `**` for one that may hold dots.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
}

pub(crate) const KEYS: &[Key] = &[
    Key { name: "store.url", kind: Kind::Text },
    Key { name: "store.retention", kind: Kind::Duration },
    Key { name: "store.ended_max", kind: Kind::Whole(1, 1_000_000_000) },
    Key { name: "store.ended_bytes_max", kind: Kind::Size },
    Key { name: "provider.default", kind: Kind::Text },
    Key { name: "provider.fallback", kind: Kind::Texts },
    Key { name: "provider.hedge_after", kind: Kind::Text },
    Key { name: "provider.*.api_key", kind: Kind::Secret },
    Key { name: "provider.*.api_key_file", kind: Kind::Path },
    Key { name: "provider.*.base_url", kind: Kind::Text },
    Key { name: "provider.*.model", kind: Kind::Text },
    Key { name: "provider.*.worker_model", kind: Kind::Text },
    Key { name: "provider.*.synthesis_model", kind: Kind::Text },
    Key { name: "provider.*.images", kind: Kind::OneOf(&["yes", "no"]) },
    Key { name: "provider.*.context_tokens", kind: Kind::Whole(256, 1_000_000_000) },
    Key { name: "provider.*.wire", kind: Kind::OneOf(&["chat", "responses", "messages", "gemini"]) },
    Key { name: "provider.*.effort", kind: Kind::OneOf(&["low", "medium", "high"]) },
    Key { name: "provider.*.requests_per_minute", kind: Kind::Whole(1, 10_000_000) },
    Key { name: "provider.*.tokens_per_minute", kind: Kind::Whole(1, 1_000_000_000_000) },
    Key { name: "provider.*.concurrency_max", kind: Kind::Whole(1, 100_000) },
    Key { name: "provider.*.breaker_failures", kind: Kind::Whole(0, 1_000) },
    Key { name: "provider.*.breaker_pause", kind: Kind::Duration },
    Key { name: "price.**.input", kind: Kind::Usd },
    Key { name: "price.**.output", kind: Kind::Usd },
    Key { name: "price.**.cached", kind: Kind::Usd },
    Key { name: "price.**.cache_write", kind: Kind::Usd },
    Key { name: "price.**.source", kind: Kind::Text },
    Key { name: "price.**.date", kind: Kind::Text },
    Key { name: "corpora.*", kind: Kind::Paths },
    Key { name: "sources.enabled", kind: Kind::Texts },
    Key { name: "sources.contact", kind: Kind::Text },
    Key { name: "sources.types.*", kind: Kind::Texts },
    Key { name: "sources.*.api_key", kind: Kind::Secret },
    Key { name: "sources.*.api_key_file", kind: Kind::Path },
    Key { name: "sources.*.base_url", kind: Kind::Text },
    Key { name: "sources.*.requests_per_minute", kind: Kind::Whole(1, 100_000) },
    Key { name: "report.out", kind: Kind::Path },
    Key { name: "report.formats", kind: Kind::Texts },
    Key { name: "gate.mode", kind: Kind::OneOf(&["strict", "mark", "off"]) },
    Key { name: "timeouts.agent", kind: Kind::Duration },
    Key { name: "timeouts.workflow", kind: Kind::Duration },
    Key { name: "server.listen", kind: Kind::Text },
    Key { name: "server.running_max", kind: Kind::Whole(1, 10_000) },
    Key { name: "server.cluster_running_max", kind: Kind::Whole(1, 1_000_000) },
    Key { name: "server.queue_max", kind: Kind::Whole(0, 10_000_000) },
    Key { name: "server.poison_after", kind: Kind::Whole(0, 1_000) },
    Key { name: "server.grace", kind: Kind::Duration },
    Key { name: "server.hosts", kind: Kind::Texts },
    Key { name: "server.origins", kind: Kind::Texts },
    Key { name: "server.connections_max", kind: Kind::Whole(1, 1_000_000) },
    Key { name: "server.connections_per_address_max", kind: Kind::Whole(1, 1_000_000) },
    Key { name: "server.reads_per_second", kind: Kind::Whole(0, 1_000_000) },
    Key { name: "server.writes_per_second", kind: Kind::Whole(0, 1_000_000) },
    Key { name: "server.log", kind: Kind::OneOf(&["text", "json"]) },
    Key { name: "egress.allow", kind: Kind::Texts },
    Key { name: "egress.http", kind: Kind::OneOf(&["refuse", "allow"]) },
    Key { name: "limits.agents_max", kind: Kind::Whole(1, 10_000) },
    Key { name: "limits.concurrency_max", kind: Kind::Whole(1, 10_000) },
    Key { name: "limits.workflow_seconds_max", kind: Kind::Whole(1, 31_536_000) },
];

impl Key {
    /// The setting a full name such as `provider.openai.model` belongs to.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| matches(key.name, name))
    }

    /// Whether a table of this name may hold settings.
    pub(crate) fn is_section(name: &str) -> bool {
        // A model's name may hold dots, so every table below `price` is a model's.
        if name.starts_with("price.") {
            return true;
        }
        let depth = name.split('.').count();
        KEYS.iter().any(|key| {
            let parts: Vec<&str> = key.name.split('.').collect();
            parts.len() > depth && matches(&parts[..depth].join("."), name)
        })
    }

    /// Whether the person chooses a part of its name.
    pub(crate) fn is_open(&self) -> bool {
        self.name.contains('*')
    }
}

/// The known name nearest to an unknown one, if one is near enough to be meant.
pub(crate) fn nearest(name: &str) -> Option<String> {
    let parts: Vec<&str> = name.split('.').collect();
    KEYS.iter()
        .map(|key| {
            let filled = key.name.split('.').enumerate().map(|(at, part)| match (part, parts.get(at)) {
                ("*" | "**", Some(own)) => (*own).to_owned(),
                ("*", None) => "NAME".to_owned(),
                ("**", None) => "NAME/MODEL".to_owned(),
                _ => part.to_owned(),
            });
            filled.collect::<Vec<_>>().join(".")
        })
        .map(|known| (damerau_levenshtein(name, &known), known))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, known)| *distance <= (known.len() / 3).max(2))
        .map(|(_, known)| known)
}

fn matches(pattern: &str, name: &str) -> bool {
    if let Some((before, after)) = pattern.split_once("**") {
        let chosen = name.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
        return chosen.is_some_and(|chosen| !chosen.is_empty());
    }
    let (mut pattern, mut name) = (pattern.split('.'), name.split('.'));
    loop {
        match (pattern.next(), name.next()) {
            (None, None) => return true,
            (Some("*"), Some(part)) if !part.is_empty() => {}
            (Some(known), Some(part)) if known == part => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use mcp_orchestrator_providers::http::{Effort, Wire};

    use super::{Key, Kind, nearest};

    #[test]
    fn every_wire_and_every_effort_has_its_word() {
        let words = |name: &str| match Key::find(name).unwrap().kind {
            Kind::OneOf(words) => words.to_vec(),
            _ => panic!("{name} takes any word"),
        };
        assert_eq!(words("provider.lab.wire"), Wire::ALL.iter().map(|wire| wire.as_str()).collect::<Vec<_>>());
        assert!(words("provider.lab.effort").iter().all(|word| word.parse::<Effort>().is_ok()));
    }

    #[test]
    fn names_with_a_chosen_part_are_known() {
        assert!(Key::find("provider.openai.model").is_some());
        assert!(Key::find("corpora.docs").is_some());
        assert!(Key::find("price.openai/gpt-5.4.input").is_some());
        assert!(Key::find("price.openai/gpt-5.4").is_none() && Key::find("price.input").is_none());
        assert!(Key::find("provider.openai").is_none());
        assert!(Key::is_section("provider.openai"));
        assert!(!Key::is_section("store.url"));
    }

    #[test]
    fn a_slip_of_the_pen_finds_what_was_meant() {
        assert_eq!(nearest("store.ulr").as_deref(), Some("store.url"));
        assert_eq!(nearest("provider.openai.modell").as_deref(), Some("provider.openai.model"));
        assert_eq!(nearest("completely.different.thing"), None);
    }
}
