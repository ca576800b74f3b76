//! What the head of an answer says is left of a service's limits. Owns the headers' names and how they write a time.

use std::time::Duration;

use jiff::Timestamp;

use crate::{Allowance, RateLimits};

/// The longest time until a reset that is believed: a day.
const RESET_MAX: Duration = Duration::from_hours(24);

/// What is left, and when it is whole again. The first pair that is there and can be read is taken: OpenAI's, which most
/// services have, Anthropic's, then the one of the IETF's draft.
const REQUESTS: [(&str, &str); 3] = [
    ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
    ("ratelimit-remaining", "ratelimit-reset"),
];
const TOKENS: [(&str, &str); 2] = [
    ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    ("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
];

impl RateLimits {
    /// What these headers say.
    pub(crate) fn of<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Self {
        let now = Timestamp::now();
        let of = |pairs: &[(&str, &str)]| {
            pairs.iter().find_map(|(remaining, reset)| {
                let remaining = header(remaining)?.trim().parse().ok()?;
                let reset = time_of(header(reset)?.trim(), now)?.min(RESET_MAX);
                Some(Allowance { remaining, reset })
            })
        };
        Self { requests: of(&REQUESTS), tokens: of(&TOKENS) }
    }

    /// The same, so much later.
    pub(crate) fn after(self, passed: Duration) -> Self {
        let later = |left: Allowance| Allowance { reset: left.reset.saturating_sub(passed), ..left };
        Self { requests: self.requests.map(later), tokens: self.tokens.map(later) }
    }

    /// When what is used up is whole again, if something is.
    pub(crate) fn exhausted_for(self) -> Option<Duration> {
        let used_up = |left: Option<Allowance>| left.filter(|left| left.remaining == 0).map(|left| left.reset);
        used_up(self.requests).max(used_up(self.tokens))
    }
}

/// Seconds, `1m30.5s`, or a moment.
fn time_of(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(Duration::try_from(moment.duration_since(now)).unwrap_or(Duration::ZERO));
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit_end = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |at| digits + at);
        let seconds = match &rest[digits..unit_end] {
            "ms" => number / 1000.0,
            "s" => number,
            "m" => number * 60.0,
            "h" => number * 3_600.0,
            "d" => number * 86_400.0,
            _ => return None,
        };
        total = total.checked_add(Duration::try_from_secs_f64(seconds).ok()?)?;
        rest = &rest[unit_end..];
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_services_write_them() {
        let now: Timestamp = "2026-05-01T10:00:00Z".parse().unwrap();
        for (text, millis) in [
            ("1s", Some(1_000)),
            ("6m0s", Some(360_000)),
            ("120ms", Some(120)),
            ("2m59.56s", Some(179_560)),
            ("1h2m3s", Some(3_723_000)),
            ("7.5", Some(7_500)),
            ("2026-05-01T10:00:09Z", Some(9_000)),
            ("2026-05-01T09:00:00Z", Some(0)),
            ("soon", None),
            ("-1", None),
            ("5", Some(5_000)),
        ] {
            assert_eq!(time_of(text, now).map(|time| time.as_millis()), millis, "{text}");
        }
        assert_eq!(time_of("", now), Some(Duration::ZERO));
    }
}
