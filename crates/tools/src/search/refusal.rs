//! How services say that they are asked too much: in a status, in headers, in words. Owns reading it; what follows is
//! `pace`'s matter.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mcp_orchestrator_egress::Response;

/// The longest pause that is believed: a day's quota is over after a day.
pub(super) const PAUSE_MAX: Duration = Duration::from_hours(24);

/// Later than 2001 as seconds since 1970, and longer than thirty years as a pause.
const MOMENT_MIN: u64 = 1_000_000_000;

/// For how long the head of an answer asks to be left alone: `retry-after` as seconds or as a date, else when what is
/// left is nothing, until there is more.
pub(super) fn pause_of(answer: &Response) -> Option<Duration> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    if let Some(text) = answer.header("retry-after") {
        return retry_after(text, now);
    }
    let is_used_up = ["x-ratelimit-remaining", "ratelimit-remaining", "x-rate-limit-remaining"]
        .into_iter()
        .find_map(|name| answer.header(name))
        .is_some_and(|left| left.split([',', ';']).next().is_some_and(|first| first.trim() == "0"));
    if !is_used_up {
        return None;
    }
    let reset =
        ["x-ratelimit-reset", "ratelimit-reset", "x-rate-limit-reset"].into_iter().find_map(|name| answer.header(name));
    reset.and_then(|text| seconds_or_moment(text, now))
}

/// Whether the words of a refusal speak of too many requests; and for how long, if they say it.
pub(super) fn throttled(body: &[u8]) -> Option<Option<Duration>> {
    const WORDS: [&str; 5] =
        ["throttle_violation", "ratelimited", "rate limit", "limit requests to", "too many requests"];
    let text = String::from_utf8_lossy(body).to_lowercase();
    WORDS.iter().any(|words| text.contains(words)).then(|| {
        let after = text.split("available in ").nth(1)?;
        let (seconds, _) = after.split_once(" seconds")?;
        seconds.trim().parse().ok().map(Duration::from_secs).map(|pause| pause.min(PAUSE_MAX))
    })
}

fn retry_after(text: &str, now: u64) -> Option<Duration> {
    let text = text.trim();
    if let Some(pause) = seconds_or_moment(text, now) {
        return Some(pause);
    }
    let moment = jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_second();
    Some(until(u64::try_from(moment).ok()?, now))
}

fn seconds_or_moment(text: &str, now: u64) -> Option<Duration> {
    let whole = text.split([',', ';', '.']).next()?.trim();
    let number: u64 = whole.parse().ok()?;
    Some(if number >= MOMENT_MIN { until(number, now) } else { Duration::from_secs(number).min(PAUSE_MAX) })
}

fn until(moment: u64, now: u64) -> Duration {
    Duration::from_secs(moment.saturating_sub(now)).min(PAUSE_MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{PAUSE_MAX, retry_after, throttled};

    #[test]
    fn a_pause_is_seconds_or_a_moment_or_a_date() {
        let now = 1_700_000_000;
        assert_eq!(retry_after("7", now), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("1700000060", now), Some(Duration::from_secs(60)));
        assert_eq!(retry_after("Tue, 14 Nov 2023 22:14:20 GMT", now), Some(Duration::from_secs(60)));
        assert_eq!(retry_after("Tue, 14 Nov 2000 22:14:20 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("99999999", now), Some(PAUSE_MAX));
        assert_eq!(retry_after("soon", now), None);
    }

    #[test]
    fn words_of_a_refusal_are_understood() {
        let body = br#"{"error_name":"throttle_violation","error_message":"too many requests, more requests available in 412 seconds"}"#;
        assert_eq!(throttled(body), Some(Some(Duration::from_secs(412))));
        assert_eq!(throttled(b"You have exceeded a secondary rate limit"), Some(None));
        assert_eq!(throttled(b"bad request"), None);
    }
}
