//! Moments in what owners of endpoints are shown, as client events show them.

use mcp_orchestrator_domain::Timestamp;
use mcp_orchestrator_streaming::Rfc3339;
use serde::{Serialize as _, Serializer};

pub(crate) fn serialize<S: Serializer>(moment: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    Rfc3339(*moment).serialize(serializer)
}

#[expect(clippy::ref_option, reason = "serde hands out references to fields")]
pub(crate) fn serialize_option<S: Serializer>(moment: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    moment.map(Rfc3339).serialize(serializer)
}
