//! Digits as canonical decimals. Owns separators, powers of ten and rounding; knows no words.

/// Which sign a text puts before its decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// `1,234.5`.
    Dot,
    /// `1.234,5`.
    Comma,
}

impl Style {
    /// The style of a text by its numbers: the English one, unless more of them can only be read the other way.
    pub(super) fn of(text: &str) -> Self {
        let is_sign = |c: char| matches!(c, '.' | ',');
        let (mut dot, mut comma) = (0, 0);
        for run in text.split(|c: char| !c.is_ascii_digit() && !is_sign(c)) {
            let run = run.trim_matches(is_sign);
            let Some(last) = run.rfind(is_sign) else { continue };
            let (before, after) = (&run[..last], &run[last + 1..]);
            let is_dot = run[last..].starts_with('.');
            let other = if is_dot { ',' } else { '.' };
            // Two unlike signs, the last of them alone, or one sign before what is no group of three.
            let decides = if before.contains(is_sign) {
                before.contains(other) && !before.contains(if is_dot { '.' } else { ',' })
            } else {
                after.len() != 3 || before.starts_with('0')
            };
            match (decides, is_dot) {
                (true, true) => dot += 1,
                (true, false) => comma += 1,
                (false, _) => {}
            }
        }
        if comma > dot { Self::Comma } else { Self::Dot }
    }
}

/// What the digits stand for: `1.234` is 1.234 where the dot is the decimal sign and 1234 where the comma is. Clock times
/// and versions stay as they are; only what may be a version too has two readings.
pub(super) fn readings(digits: &str, style: Style) -> Vec<String> {
    let digits: String = digits.chars().filter(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | ':')).collect();
    if digits.contains(':') {
        return vec![digits];
    }
    let dots = digits.matches('.').count();
    let commas = digits.matches(',').count();
    let groups: Vec<&str> = digits.split(['.', ',']).collect();
    let in_threes = groups[1..].iter().all(|group| group.len() == 3);
    let in_lakhs = groups.len() > 2
        && groups[1..groups.len() - 1].iter().all(|group| group.len() == 2)
        && groups[groups.len() - 1].len() == 3;
    let grouped = groups.len() > 1 && (in_threes || in_lakhs) && (1..=3).contains(&groups[0].len()) && groups[0] != "0";
    match (dots, commas) {
        (0, 0) => vec![decimal(&digits, "")],
        (1, 0) | (0, 1) => {
            let groups_here = grouped && (dots == 1) == (style == Style::Comma);
            vec![if groups_here { decimal(&groups.concat(), "") } else { decimal(groups[0], groups[1]) }]
        }
        (_, 0) => {
            let mut values = vec![digits.clone()];
            if grouped {
                values.push(decimal(&groups.concat(), ""));
            }
            values
        }
        (0, _) if grouped => vec![decimal(&groups.concat(), "")],
        (0, _) => vec![digits],
        _ => {
            let (whole, fraction) = groups.split_at(groups.len() - 1);
            vec![decimal(&whole.concat(), fraction[0])]
        }
    }
}

/// A decimal without leading and trailing zeros.
pub(super) fn decimal(whole: &str, fraction: &str) -> String {
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

/// The value times ten to the power of `places`.
pub(super) fn grow(value: &str, places: usize) -> String {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let padded = format!("{fraction:0<places$}");
    let (moved, rest) = padded.split_at(places);
    decimal(&format!("{whole}{moved}"), rest)
}

/// The value divided by ten to the power of `places`.
pub(super) fn shrink(value: &str, places: usize) -> String {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let padded = format!("{whole:0>width$}", width = places + 1);
    let (rest, moved) = padded.split_at(padded.len() - places);
    decimal(rest, &format!("{moved}{fraction}"))
}

/// The value as a number to compare sizes with; `None` of a clock time or a version.
pub(super) fn size(value: &str) -> Option<f64> {
    let plain = value.bytes().all(|b| b.is_ascii_digit() || b == b'.') && value.matches('.').count() <= 1;
    if plain { value.parse().ok() } else { None }
}

/// The worth of one step of the last digit that is not zero: 100 for 1200, 0.1 for 2.5.
pub(super) fn step(value: &str) -> f64 {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let zeros = whole.len() - whole.trim_end_matches('0').len();
    let power = if fraction.is_empty() {
        i32::try_from(zeros.min(whole.len().saturating_sub(1))).unwrap_or(0)
    } else {
        -i32::try_from(fraction.len()).unwrap_or(0)
    };
    10_f64.powi(power)
}

#[cfg(test)]
mod tests {
    use super::{Style, grow, readings, shrink, step};

    #[test]
    fn the_style_of_a_text_is_that_of_its_clear_numbers() {
        for (text, expected) in [
            ("1.234 and 2,345", Style::Dot),
            ("1.234 and 1.234,5", Style::Comma),
            ("1.234 and 2,5", Style::Comma),
            ("1,234 and 2.5, then 7", Style::Dot),
            ("1.2.3, 4 and 5, 6", Style::Dot),
        ] {
            assert_eq!(Style::of(text), expected, "{text}");
        }
    }

    #[test]
    fn decimals_move_by_powers_of_ten() {
        assert_eq!((grow("1.25", 1).as_str(), grow("1.2", 6).as_str()), ("12.5", "1200000"));
        assert_eq!(
            (shrink("12", 2).as_str(), shrink("5", 3).as_str(), shrink("120", 1).as_str()),
            ("0.12", "0.005", "12")
        );
        assert_eq!((step("1200"), step("1234"), step("0"), step("2.5")), (100.0, 1.0, 1.0, 0.1));
        assert_eq!(readings("12,34,567", Style::Dot), ["1234567"]);
    }
}
