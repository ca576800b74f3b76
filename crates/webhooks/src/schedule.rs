//! When to try again. Owns pauses, their spread, and how long a receiver may ask to be left in peace.

use std::time::Duration;

use jiff::fmt::rfc2822;
use mcp_orchestrator_domain::Timestamp;

use crate::DeliveryId;

/// The longest pause a receiver is believed to need.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(24);

/// When the attempt after `attempts` failed ones is due; `None` when there is none.
pub(crate) fn next_due(pauses: &[Duration], attempts: u32, id: &DeliveryId, now: Timestamp) -> Option<Timestamp> {
    let pause = pauses.get(attempts as usize)?;
    Some(now.after(*pause + spread(*pause, attempts, id)))
}

/// Up to a tenth of the pause: the same for the same delivery and attempt, different for others.
fn spread(pause: Duration, attempts: u32, id: &DeliveryId) -> Duration {
    let digits = id.as_str().get(4..8).and_then(|hex| u32::from_str_radix(hex, 16).ok()).unwrap_or_default();
    let share = digits.wrapping_add(attempts.wrapping_mul(9973)) % 1000;
    pause / 10 * share / 1000
}

/// What a `retry-after` asks for: seconds or a date.
pub(crate) fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let asked = text.parse().map(Duration::from_secs).ok().or_else(|| {
        let until = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?.as_millisecond();
        Some(Timestamp::from_millis(u64::try_from(until).ok()?).since(now))
    })?;
    Some(asked.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mcp_orchestrator_domain::Timestamp;

    use super::{next_due, retry_after};
    use crate::DeliveryId;

    #[test]
    fn pauses_are_spread_by_a_tenth_at_most_and_end() {
        let pauses = [Duration::ZERO, Duration::from_secs(5), Duration::from_secs(300)];
        let now = Timestamp::from_millis(1_000_000);
        for n in 0..200_u32 {
            let id = DeliveryId(format!("msg_{n:04x}{:028x}", 0));
            assert_eq!(next_due(&pauses, 0, &id, now), Some(now));
            let pause = next_due(&pauses, 2, &id, now).unwrap().since(now).as_millis();
            assert!((300_000..330_000).contains(&pause), "{pause}");
            assert_eq!(next_due(&pauses, 3, &id, now), None);
        }
    }

    #[test]
    fn receivers_ask_for_peace_in_seconds_or_until_a_date() {
        let now = Timestamp::from_millis(1_790_000_000_000); // 2026-09-21T14:13:20Z
        for (text, secs) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("99999999", Some(86_400)),
            ("Mon, 21 Sep 2026 14:14:20 GMT", Some(60)),
            ("Mon, 21 Sep 2020 14:14:20 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            assert_eq!(retry_after(text, now), secs.map(Duration::from_secs), "{text}");
        }
    }
}
