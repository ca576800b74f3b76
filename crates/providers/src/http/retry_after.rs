//! How long a service asks to wait. Owns the order of its many ways to say so, and their bounds.

use std::time::Duration;

use jiff::{Timestamp, fmt::rfc2822};
use serde_json::Value;

/// The longest pause believed, in seconds: a day.
const SECONDS_MAX: f64 = 86_400.0;

/// What the head of an answer says about waiting.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct WaitHeaders<'a> {
    pub(super) retry_after_ms: Option<&'a str>,
    pub(super) retry_after: Option<&'a str>,
    pub(super) date: Option<&'a str>,
}

/// The pause asked for: `retry-after-ms`, then `retry-after` as seconds or as a date, then what the body says.
pub(super) fn retry_after(headers: WaitHeaders<'_>, body: &Value, message: &str) -> Option<Duration> {
    headers
        .retry_after_ms
        .and_then(|text| seconds(text.trim().parse::<f64>().ok()? / 1000.0))
        .or_else(|| headers.retry_after.and_then(|text| seconds_or_date(text.trim(), headers.date)))
        .or_else(|| in_details(body))
        .or_else(|| in_words(message))
}

fn seconds(value: f64) -> Option<Duration> {
    (value.is_finite() && value >= 0.0).then(|| Duration::from_secs_f64(value.min(SECONDS_MAX)))
}

fn seconds_or_date(text: &str, date: Option<&str>) -> Option<Duration> {
    if let Ok(value) = text.parse::<f64>() {
        return seconds(value);
    }
    let until = parse_date(text)?;
    // The service's own clock, when it tells: ours may be off.
    let now = date.and_then(parse_date).unwrap_or_else(Timestamp::now);
    #[expect(clippy::cast_precision_loss, reason = "bounded to a day below")]
    let wait = (until.as_second() - now.as_second()).max(0) as f64;
    seconds(wait)
}

fn parse_date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

/// Google's `error.details[].retryDelay`, for example `"7s"`.
fn in_details(body: &Value) -> Option<Duration> {
    let details = body.get("details")?.as_array()?;
    let delay = details.iter().find_map(|detail| detail.get("retryDelay")?.as_str())?;
    seconds(delay.strip_suffix('s')?.parse().ok()?)
}

/// "Please try again in 1m2.5s": what OpenAI and Groq write. Also "retry in 7.2s", as Google does.
fn in_words(message: &str) -> Option<Duration> {
    let lower = message.to_ascii_lowercase();
    let rest = ["try again in ", "retry in ", "retry after "].iter().find_map(|lead| lower.split_once(lead))?.1;
    let mut total = 0.0;
    let mut number = String::new();
    let mut unit = String::new();
    let mut read = false;
    for c in rest.chars().take(24).chain([' ']) {
        if c.is_ascii_digit() || (c == '.' && unit.is_empty() && !number.is_empty()) {
            if !unit.is_empty() {
                total += in_seconds(&number, &unit)?;
                number.clear();
                unit.clear();
                read = true;
            }
            number.push(c);
        } else if c.is_ascii_alphabetic() && !number.is_empty() {
            unit.push(c);
        } else if c == ' ' && unit.is_empty() && !number.is_empty() {
            // "20 seconds"
        } else {
            break;
        }
    }
    if !unit.is_empty() {
        total += in_seconds(&number, &unit)?;
        read = true;
    }
    if read { seconds(total) } else { None }
}

fn in_seconds(number: &str, unit: &str) -> Option<f64> {
    let value = number.trim_end_matches('.').parse::<f64>().ok()?;
    let factor = match unit {
        "ms" | "milliseconds" => 0.001,
        "s" | "sec" | "second" | "seconds" => 1.0,
        "m" | "min" | "minute" | "minutes" => 60.0,
        "h" | "hour" | "hours" => 3600.0,
        _ => return None,
    };
    Some(value * factor)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::{Duration, Value, WaitHeaders, retry_after};

    fn header(retry_after: &str) -> WaitHeaders<'_> {
        WaitHeaders {
            retry_after: Some(retry_after),
            date: Some("Wed, 21 Oct 2026 07:28:00 GMT"),
            ..WaitHeaders::default()
        }
    }

    #[test]
    fn headers_come_before_the_body_and_milliseconds_before_seconds() {
        let body = json!({"details": [{"@type": "x"}, {"retryDelay": "9s"}]});
        let headers = WaitHeaders { retry_after_ms: Some("1500"), ..header("7") };
        assert_eq!(retry_after(headers, &body, "try again in 3s"), Some(Duration::from_millis(1500)));
        assert_eq!(retry_after(header("7"), &body, "try again in 3s"), Some(Duration::from_secs(7)));
        assert_eq!(retry_after(WaitHeaders::default(), &body, "try again in 3s"), Some(Duration::from_secs(9)));
        assert_eq!(retry_after(WaitHeaders::default(), &Value::Null, "try again in 3s"), Some(Duration::from_secs(3)));
        assert_eq!(retry_after(WaitHeaders::default(), &Value::Null, "no"), None);
    }

    #[test]
    fn dates_count_from_the_services_own_clock() {
        for (text, seconds) in [
            ("Wed, 21 Oct 2026 07:28:30 GMT", Some(30)),
            ("Wed, 21 Oct 2026 07:27:00 GMT", Some(0)),
            ("Wed, 21 Oct 2037 07:28:00 GMT", Some(86_400)),
            ("soon", None),
            ("-5", None),
            ("NaN", None),
            ("1e300", Some(86_400)),
            ("0.5", None),
        ] {
            let expected =
                if text == "0.5" { Some(Duration::from_millis(500)) } else { seconds.map(Duration::from_secs) };
            assert_eq!(retry_after(header(text), &Value::Null, ""), expected, "{text}");
        }
    }

    #[test]
    fn pauses_are_read_from_words() {
        for (words, millis) in [
            ("Rate limit reached. Please try again in 20ms. Visit", Some(20)),
            ("Please try again in 7m12.5s.", Some(432_500)),
            ("Please try again in 1h0m3s", Some(3_603_000)),
            ("Please retry in 34.074824224s.", Some(34_075)),
            ("please retry after 20 seconds", Some(20_000)),
            ("try again in a moment", None),
            ("try again in 5 apples", None),
        ] {
            let found = retry_after(WaitHeaders::default(), &Value::Null, words);
            assert_eq!(found.map(|wait| wait.as_secs_f64().mul_add(1000.0, 0.0).round() as u64), millis, "{words}");
        }
    }

    proptest! {
        #[test]
        fn nothing_said_can_break_it(header_text in ".{0,40}", words in "(try again in )?[0-9.a-z ]{0,30}") {
            if let Some(wait) = retry_after(header(&header_text), &Value::Null, &words) {
                prop_assert!(wait <= Duration::from_secs(86_400));
            }
        }
    }
}
