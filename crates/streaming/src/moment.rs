//! Moments as text, alike on every wire.

use std::fmt;

use mcp_orchestrator_domain::Timestamp;
use serde::{Serialize, Serializer};

/// A moment as RFC 3339 writes it, in UTC with milliseconds: `2026-11-23T15:48:50.123Z`, printed and as JSON. Moments after
/// the year 9999 are shown as its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a way to show a moment")]
pub struct Rfc3339(pub Timestamp);

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = i64::try_from(self.0.as_millis())
            .ok()
            .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
            .unwrap_or(jiff::Timestamp::MAX);
        write!(f, "{moment:.3}")
    }
}

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
