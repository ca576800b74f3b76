//! Units of measure and rates beside a number. Owns their spellings and when two are the same; converts nothing.

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

/// The currency directly before a number: `$5`, `€ 5`, `USD 5`.
pub(super) fn currency_before(text: &str, start: usize) -> Option<&'static str> {
    let before = text[..start].trim_end_matches([' ', '\u{a0}', '\u{202f}']);
    match before.chars().next_back()? {
        '$' => Some("usd"),
        '€' => Some("eur"),
        '£' => Some("gbp"),
        '¥' => Some("jpy"),
        _ => {
            let word = before.rsplit(|c: char| !c.is_alphanumeric()).next()?;
            matches!(word, "USD" | "EUR" | "GBP" | "JPY" | "CHF" | "SEK" | "NOK" | "DKK").then(|| unit(word)).flatten()
        }
    }
}

/// Whether two units may be the same. An abbreviation with two readings agrees with both.
pub(super) fn agree(ours: &str, theirs: &str) -> bool {
    let either = |a: &str, b: &str| (ours == a && theirs == b) || (ours == b && theirs == a);
    ours == theirs
        || either("m", "metre")
        || either("m", "min")
        || either("pound", "lb")
        || either("pound", "gbp")
        || either("ton", "tonne")
        || either("degree", "celsius")
        || either("degree", "fahrenheit")
}

/// The unit a word of a text names, also the first word of two.
pub(super) fn mentioned(text: &str, at: usize) -> Option<&'static str> {
    unit_at(text, at).map(|(unit, _, _)| unit)
}

fn unit_at(text: &str, from: usize) -> Option<(&'static str, Option<&'static str>, usize)> {
    let (word, end) = word_at(text, from)?;
    let lower = word.to_lowercase();
    if let Some((unit, per)) = speed(&lower) {
        return Some((unit, Some(per), end));
    }
    let pair = |wanted: &[&str]| word_at(text, end).filter(|(next, _)| wanted.contains(&next.to_lowercase().as_str()));
    let (name, end) = match lower.as_str() {
        "per" => ("%", pair(&["cent"])?.1),
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
        c @ ('%' | '‰' | '$' | '€' | '£' | '¥') => c.len_utf8(),
        _ => start.chars().take_while(|c| c.is_alphanumeric()).map(char::len_utf8).sum(),
    };
    (length > 0).then(|| (&start[..length], at + length))
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

fn speed(lower: &str) -> Option<(&'static str, &'static str)> {
    Some(match lower {
        "mph" => ("mile", "h"),
        "kmh" | "kph" => ("km", "h"),
        "kbps" => ("kbit", "s"),
        "mbps" => ("mbit", "s"),
        "gbps" => ("gbit", "s"),
        _ => return None,
    })
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

/// One name for the spellings of a unit, so that `50ms` and `50 milliseconds` are the same. Unlisted words are no unit.
/// `kB` is a thousand bytes, `KiB` 1024: they are two units.
pub(super) fn unit(word: &str) -> Option<&'static str> {
    Some(match word.to_lowercase().as_str() {
        "%" | "percent" | "pct" | "prozent" => "%",
        "‰" | "permille" => "permille",
        "ns" | "nanosecond" | "nanoseconds" => "ns",
        "us" | "µs" | "μs" | "microsecond" | "microseconds" => "us",
        "ms" | "msec" | "millisecond" | "milliseconds" => "ms",
        "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "min" | "mins" | "minute" | "minutes" => "min",
        "h" | "hr" | "hrs" | "hour" | "hours" => "h",
        "day" | "days" => "day",
        "week" | "weeks" => "week",
        "month" | "months" => "month",
        "year" | "years" => "year",
        "decade" | "decades" => "decade",
        "century" | "centuries" => "century",
        "am" => "am",
        "pm" => "pm",
        "bit" | "bits" => "bit",
        "byte" | "bytes" => "byte",
        "kb" | "kilobyte" | "kilobytes" => "kb",
        "mb" | "megabyte" | "megabytes" => "mb",
        "gb" | "gigabyte" | "gigabytes" => "gb",
        "tb" | "terabyte" | "terabytes" => "tb",
        "kib" | "kibibyte" | "kibibytes" => "kib",
        "mib" | "mebibyte" | "mebibytes" => "mib",
        "gib" | "gibibyte" | "gibibytes" => "gib",
        "tib" | "tebibyte" | "tebibytes" => "tib",
        "kbit" | "kilobit" | "kilobits" => "kbit",
        "mbit" | "megabit" | "megabits" => "mbit",
        "gbit" | "gigabit" | "gigabits" => "gbit",
        "nm" | "nanometre" | "nanometres" | "nanometer" | "nanometers" => "nm",
        "µm" | "μm" | "micrometre" | "micrometres" | "micrometer" | "micrometers" | "micron" | "microns" => "um",
        "mm" | "millimetre" | "millimetres" | "millimeter" | "millimeters" => "mm",
        "cm" | "centimetre" | "centimetres" | "centimeter" | "centimeters" => "cm",
        "m" => "m",
        "metre" | "metres" | "meter" | "meters" => "metre",
        "km" | "kilometre" | "kilometres" | "kilometer" | "kilometers" => "km",
        "inch" | "inches" => "inch",
        "ft" | "foot" | "feet" => "foot",
        "yd" | "yard" | "yards" => "yard",
        "mi" | "mile" | "miles" => "mile",
        "nmi" => "nmi",
        "fathom" | "fathoms" => "fathom",
        "knot" | "knots" | "kn" | "kts" => "knot",
        "m²" | "m2" | "sqm" => "m2",
        "m³" | "m3" => "m3",
        "km²" | "km2" => "km2",
        "hectare" | "hectares" | "ha" => "hectare",
        "acre" | "acres" => "acre",
        "mg" | "milligram" | "milligrams" => "mg",
        "g" | "gram" | "grams" | "gramme" | "grammes" => "g",
        "kg" | "kilo" | "kilos" | "kilogram" | "kilograms" => "kg",
        "t" | "tonne" | "tonnes" => "tonne",
        "ton" | "tons" => "ton",
        "lb" | "lbs" => "lb",
        "pound" | "pounds" => "pound",
        "oz" | "ounce" | "ounces" => "ounce",
        "ml" | "millilitre" | "millilitres" | "milliliter" | "milliliters" => "ml",
        "l" | "litre" | "litres" | "liter" | "liters" => "litre",
        "gallon" | "gallons" => "gallon",
        "pint" | "pints" => "pint",
        "barrel" | "barrels" => "barrel",
        "°c" | "celsius" => "celsius",
        "°f" | "fahrenheit" => "fahrenheit",
        "°" => "degree",
        "kelvin" | "kelvins" => "kelvin",
        "v" | "volt" | "volts" => "volt",
        "kv" | "kilovolt" | "kilovolts" => "kilovolt",
        "a" | "an" => return None,
        "amp" | "amps" | "ampere" | "amperes" => "ampere",
        "w" | "watt" | "watts" => "watt",
        "kw" | "kilowatt" | "kilowatts" => "kilowatt",
        "mw" | "megawatt" | "megawatts" => "megawatt",
        "gw" | "gigawatt" | "gigawatts" => "gigawatt",
        "kwh" => "kwh",
        "mwh" => "mwh",
        "hz" | "hertz" => "hz",
        "khz" | "kilohertz" => "khz",
        "mhz" | "megahertz" => "mhz",
        "ghz" | "gigahertz" => "ghz",
        "bar" => "bar",
        "kpa" => "kpa",
        "hpa" => "hpa",
        "psi" => "psi",
        "db" | "decibel" | "decibels" => "db",
        "rpm" => "rpm",
        "px" | "pixel" | "pixels" => "pixel",
        "kcal" | "kilocalorie" | "kilocalories" => "kcal",
        "joule" | "joules" => "joule",
        "kj" | "kilojoule" | "kilojoules" => "kilojoule",
        "$" | "usd" | "dollar" | "dollars" => "usd",
        "€" | "eur" | "euro" | "euros" => "eur",
        "£" | "gbp" => "gbp",
        "¥" | "jpy" | "yen" => "jpy",
        "chf" | "franc" | "francs" => "franc",
        "sek" | "nok" | "dkk" | "crown" | "crowns" | "krona" | "kronor" | "krone" | "kroner" => "crown",
        "cent" | "cents" => "cent",
        "times" | "×" | "x" | "fold" => "times",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{currency_before, measure_after};

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
            ("5", None, None),
        ] {
            let measure = measure_after(text, 1);
            assert_eq!((measure.unit, measure.per), (unit, per), "{text}");
        }
        assert_eq!(currency_before("costs US$ 5", 10), Some("usd"));
        assert_eq!(currency_before("costs EUR 5", 10), Some("eur"));
        assert_eq!(currency_before("costs all 5", 10), None);
    }
}
