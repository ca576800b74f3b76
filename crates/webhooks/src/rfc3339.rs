//! Moments as text: `2026-11-23T15:48:50.123Z`, as client events show them.

use mcp_orchestrator_domain::Timestamp;
use serde::Serializer;

pub(crate) fn serialize<S: Serializer>(moment: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{:.3}", of(*moment)))
}

#[expect(clippy::ref_option, reason = "serde hands out references to fields")]
pub(crate) fn serialize_option<S: Serializer>(moment: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match moment {
        Some(moment) => serialize(moment, serializer),
        None => serializer.serialize_none(),
    }
}

fn of(moment: Timestamp) -> jiff::Timestamp {
    i64::try_from(moment.as_millis())
        .ok()
        .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
        .unwrap_or(jiff::Timestamp::MAX)
}
