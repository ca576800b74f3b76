//! Durations as people write them: `180s`, `10m`, `1h30m`, `30d`, `500ms`. Owns the syntax; knows no limit.

use std::time::Duration;

/// A text that is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no duration, expected for example 180s, 10m or 1h30m")]
#[non_exhaustive]
pub struct NoDuration(
    /// The refused text.
    pub String,
);

/// Reads a duration: numbers with the units `ms`, `s`, `m`, `h` and `d`, largest first or not. A bare number is seconds.
///
/// # Errors
/// [`NoDuration`] with the text.
pub fn parse_duration(text: &str) -> Result<Duration, NoDuration> {
    let refused = || NoDuration(text.chars().filter(|c| !c.is_control()).take(40).collect());
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(refused)?;
        let number: u64 = rest[..digits].parse().map_err(|_| refused())?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let milliseconds = match &rest[..letters] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(refused()),
        };
        rest = &rest[letters..];
        let part = number.checked_mul(milliseconds).map(Duration::from_millis).ok_or_else(refused)?;
        total = total.checked_add(part).ok_or_else(refused)?;
    }
    if total.is_zero() { Err(refused()) } else { Ok(total) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::parse_duration;

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!(parse_duration("180s"), Ok(Duration::from_secs(180)));
        assert_eq!(parse_duration("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(parse_duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("30d"), Ok(Duration::from_secs(30 * 24 * 3600)));
        assert_eq!(parse_duration("90"), Ok(Duration::from_secs(90)));
    }

    #[test]
    fn what_is_no_duration_is_refused_with_its_text() {
        for text in ["", "m", "10", "10x", "-5s", "1.5h", "99999999999999999999s", "18446744073709551615h", "0s"] {
            let parsed = parse_duration(text);
            assert!(parsed.is_err() || text == "10", "{text:?} became {parsed:?}");
        }
        assert!(parse_duration("10x").is_err_and(|error| error.to_string().contains("\"10x\"")));
    }
}
