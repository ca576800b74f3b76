//! Moments as text.

use mcp_orchestrator::domain::Timestamp;

/// A moment in UTC with milliseconds, for example `2026-11-23T15:48:50.123Z`. Moments after the year 9999 are shown as
/// its end.
#[must_use]
pub fn moment(at: Timestamp) -> String {
    let at = i64::try_from(at.as_millis()).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    format!("{:.3}", at.unwrap_or(jiff::Timestamp::MAX))
}
