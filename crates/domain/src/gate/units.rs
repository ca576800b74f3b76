//! Units of measure and rates beside a number. Owns their spellings and when two are the same; converts nothing.

use super::{
    currency::{DOLLARS, currency_after, is_sign},
    spellings::{speed, unit},
};

/// What stands at a number: a unit, and what it is counted per.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Measure {
    pub(super) unit: Option<&'static str>,
    pub(super) per: Option<&'static str>,
    /// Where it ends in the text; where the number ends when there is none.
    pub(super) end: usize,
}

/// How many words may stand between a number and its "per second".
const RATE_WORDS_MAX: usize = 3;

/// The measure that begins at `from`, where a number's digits end.
pub(super) fn measure_after(text: &str, from: usize) -> Measure {
    let mut measure = Measure { end: from, ..Measure::default() };
    if let Some((name, per, end)) = unit_at(text, from) {
        measure = Measure { unit: Some(name), per, end };
    }
    if measure.per.is_none()
        && let Some((per, end)) = rate_after(text, measure.end)
    {
        measure.per = Some(per);
        measure.end = if measure.unit.is_some() { end } else { measure.end };
    }
    measure
}

/// Whether a quote's unit may be ours. A spelling with several readings agrees with each of them.
pub(super) fn agree(ours: &str, theirs: &str) -> bool {
    ours == theirs || may_mean(ours).contains(&theirs) || may_mean(theirs).contains(&ours)
}

/// What a spelling without one sense may mean.
fn may_mean(unit: &str) -> &'static [&'static str] {
    match unit {
        "m" => &["metre", "min"],
        "pound" => &["lb", "gbp"],
        "ton" => &["tonne"],
        "dollar" => DOLLARS,
        "rupee" => &["inr", "pkr", "lkr", "npr"],
        "franc" => &["chf"],
        "crown" => &["sek", "nok", "dkk", "isk", "czk"],
        "degree" => &["celsius", "fahrenheit"],
        "kb or kbit" => &["kb", "kbit"],
        "mb or mbit" => &["mb", "mbit"],
        "gb or gbit" => &["gb", "gbit"],
        "tb or tbit" => &["tb", "tbit"],
        "milliwatt or megawatt" => &["milliwatt", "megawatt"],
        _ => &[],
    }
}

/// The unit a word of a text names, also the first word of two.
pub(super) fn mentioned(text: &str, at: usize) -> Option<&'static str> {
    // "A" begins a sentence more often than it measures.
    let (unit, _, end) = unit_at(text, at)?;
    (&text[at..end] != "A").then_some(unit)
}

fn unit_at(text: &str, from: usize) -> Option<(&'static str, Option<&'static str>, usize)> {
    let (word, end) = word_at(text, from)?;
    let lower = word.to_lowercase();
    if let Some(currency) = currency_after(word) {
        return Some((currency, None, end));
    }
    if let Some((unit, per)) = speed(word) {
        return Some((unit, Some(per), end));
    }
    let pair = |wanted: &[&str]| word_at(text, end).filter(|(next, _)| wanted.contains(&next.to_lowercase().as_str()));
    let (name, end) = match lower.as_str() {
        "per" => match pair(&["cent"]) {
            Some((_, end)) => ("%", end),
            None => ("permille", pair(&["mille", "mill", "mil", "thousand"])?.1),
        },
        "percentage" => ("pp", pair(&["point", "points"])?.1),
        "basis" => ("bp", pair(&["point", "points"])?.1),
        "nautical" => ("nmi", pair(&["mile", "miles"])?.1),
        "metric" => ("tonne", pair(&["ton", "tons"])?.1),
        "square" | "sq" | "cubic" => {
            let (next, end) = word_at(text, end)?;
            (raised(unit(next)?, lower != "cubic")?, end)
        }
        "degree" | "degrees" | "deg" => match pair(&["celsius", "c", "fahrenheit", "f"]) {
            Some((next, end)) if next.to_lowercase().starts_with('c') => ("celsius", end),
            Some((_, end)) => ("fahrenheit", end),
            None => ("degree", end),
        },
        _ => (unit(word)?, end),
    };
    match rate_at(text, end) {
        Some((per, end)) => Some((name, Some(per), end)),
        None => Some((name, None, end)),
    }
}

/// A word or a sign of measure after at most one space or hyphen, and where it ends.
fn word_at(text: &str, from: usize) -> Option<(&str, usize)> {
    let rest = &text[from..];
    // A quote may be wrapped between a number and its unit.
    let start = match rest.strip_prefix('\n') {
        Some(next) => next.trim_start_matches([' ', '\t']),
        None => rest.strip_prefix([' ', '\u{a0}', '\u{202f}', '\u{2009}', '-', '‑']).unwrap_or(rest),
    };
    let at = from + (rest.len() - start.len());
    let length = match start.chars().next()? {
        '°' => '°'.len_utf8() + usize::from(start['°'.len_utf8()..].starts_with(['C', 'F'])),
        c @ ('%' | '‰') => c.len_utf8(),
        'a' | 'p' | 'A' | 'P' if start[1..].starts_with('.') => meridiem(start)?,
        c if is_sign(c) => c.len_utf8(),
        _ => start.chars().take_while(|c| c.is_alphanumeric()).map(char::len_utf8).sum(),
    };
    (length > 0).then(|| (&start[..length], at + length))
}

/// The length of `a.m.` or `p.m.` at the start of a text.
fn meridiem(text: &str) -> Option<usize> {
    let rest = &text[2..];
    let rest = rest.strip_prefix(' ').unwrap_or(rest).strip_prefix(['m', 'M'])?;
    let rest = rest.strip_prefix('.').unwrap_or(rest);
    (!rest.starts_with(char::is_alphanumeric)).then_some(text.len() - rest.len())
}

/// `/s`, ` per second`, ` a day` directly at `from`.
fn rate_at(text: &str, from: usize) -> Option<(&'static str, usize)> {
    if let Some(rest) = text[from..].strip_prefix('/') {
        let (word, end) = word_at(text, from + 1).filter(|_| rest.starts_with(char::is_alphabetic))?;
        return unit(word).map(|unit| (unit, end));
    }
    let (word, end) = word_at(text, from)?;
    let is_article = matches!(word, "a" | "an");
    if word != "per" && word != "each" && word != "every" && !is_article {
        return None;
    }
    let (word, end) = word_at(text, end)?;
    let unit = unit(word)?;
    let is_time = matches!(unit, "s" | "min" | "h" | "day" | "week" | "month" | "year");
    (is_time || !is_article).then_some((unit, end))
}

/// As [`rate_at`], some words later: "1,200 requests per second".
fn rate_after(text: &str, from: usize) -> Option<(&'static str, usize)> {
    let mut at = from;
    for _ in 0..RATE_WORDS_MAX {
        if let Some(rate) = rate_at(text, at) {
            return Some(rate);
        }
        at = word_at(text, at)?.1;
    }
    None
}

fn raised(unit: &str, square: bool) -> Option<&'static str> {
    Some(match (unit, square) {
        ("metre" | "m", true) => "m2",
        ("metre" | "m", false) => "m3",
        ("km", true) => "km2",
        ("mile", true) => "mile2",
        ("foot", true) => "foot2",
        ("foot", false) => "foot3",
        ("cm", false) => "cm3",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::measure_after;

    #[test]
    fn measures_are_read_in_every_spelling() {
        for (text, unit, per) in [
            ("5ms of", Some("ms"), None),
            ("5 milliseconds", Some("ms"), None),
            ("5 MB/s", Some("mb"), Some("s")),
            ("5 MiB per second", Some("mib"), Some("s")),
            ("5 per cent of", Some("%"), None),
            ("5 percentage points", Some("pp"), None),
            ("5 °C", Some("celsius"), None),
            ("5 degrees Fahrenheit", Some("fahrenheit"), None),
            ("5 nautical miles", Some("nmi"), None),
            ("5 square metres", Some("m2"), None),
            ("5 km/h", Some("km"), Some("h")),
            ("5 mph", Some("mile"), Some("h")),
            ("5 requests per minute", None, Some("min")),
            ("5 hours a day", Some("h"), Some("day")),
            ("5 vessels, per day", None, None),
            ("5-day", Some("day"), None),
            ("5 Mb/s", Some("mbit"), Some("s")),
            ("5 Mbps", Some("mbit"), Some("s")),
            ("5 MBps", Some("mb"), Some("s")),
            ("5 mW", Some("milliwatt"), None),
            ("5 US ships", None, None),
            ("5", None, None),
        ] {
            let measure = measure_after(text, 1);
            assert_eq!((measure.unit, measure.per), (unit, per), "{text}");
        }
    }
}
