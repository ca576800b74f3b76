//! Where a service of the catalogue is asked instead of at its own address: a server of others and a path there. Owns how the
//! provider for it is made: as the product makes it, but for address and patience.

use std::time::Duration;

use anyhow::Context as _;
use mcp_orchestrator_providers::http::{self, HttpTimeouts, Vendor, Wire};
use mcp_orchestrator_testkit::provider_suite::KEY;
use serde_json::{Value, json};

use super::{
    grid::{Feature, Row},
    questions::Subject,
};

/// How long a server on a busy machine may take for anything.
pub(super) const LONG: Duration = Duration::from_secs(20);

/// A service and where it is asked.
pub(super) struct Place {
    pub(super) vendor: &'static str,
    pub(super) wire: Wire,
    /// Who answers, and whose words it speaks if they are not the vendor's.
    pub(super) server: &'static str,
    pub(super) path: &'static str,
    /// Another model than the service's own.
    pub(super) model: Option<&'static str>,
    /// What the server does not have, and why.
    pub(super) missing: &'static [(Feature, &'static str)],
}

impl Place {
    pub(super) const fn new(vendor: &'static str, wire: Wire, server: &'static str, path: &'static str) -> Self {
        Self { vendor, wire, server, path, model: None, missing: &[] }
    }

    pub(super) fn row(&self) -> Row {
        Row { vendor: self.vendor, wire: self.wire.as_str(), server: self.server }
    }

    /// What its requests have that no other's have, if no two places share path and model.
    pub(super) fn matching(&self) -> Value {
        let model = self.model.or_else(|| http::vendor(self.vendor)?.default_model);
        let asked = match self.wire {
            Wire::Responses => "responses",
            Wire::Messages => "messages",
            Wire::Gemini => "models/*",
            _ => "chat/completions",
        };
        json!({ "path": format!("/{}/{asked}", self.path), "model": model, "stream": true })
    }

    /// The service there, with a key if it takes one, which waits so long between two pieces of an answer.
    pub(super) fn subject(&self, server: &str, idle: Duration) -> anyhow::Result<Subject> {
        let vendor = self.vendor()?;
        self.subject_with(server, idle, (!vendor.is_local()).then_some(KEY))
    }

    /// The same with this key, or without any.
    pub(super) fn subject_with(&self, server: &str, idle: Duration, key: Option<&str>) -> anyhow::Result<Subject> {
        let vendor = self.vendor()?;
        let timeouts = HttpTimeouts { head: LONG, idle, probe: LONG };
        let builder = vendor.provider(key.map(Into::into)).with_wire(self.wire);
        let builder = builder.with_base_url(format!("{server}/{}", self.path)).with_timeouts(timeouts);
        let builder = match self.model {
            Some(model) => builder.with_default_model(model),
            None => builder,
        };
        Ok(Subject { cost: vendor.dialect.cost, provider: builder.build()?, missing: self.missing })
    }

    fn vendor(&self) -> anyhow::Result<&'static Vendor> {
        http::vendor(self.vendor).with_context(|| format!("no vendor is named {}", self.vendor))
    }
}
