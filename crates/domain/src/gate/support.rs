//! When the numbers of quotes support the number of a sentence. Owns the rules of rounding, units and counting, which
//! `docs/evidence.md` states; finds no number.

use super::{
    bounds::{About, Stated},
    decimal::{size, step},
    facts::Facts,
    numbers::{Number, Origin},
    spelled::Kind,
    units::agree,
};

/// A number said to be rounded may be this far from the true one.
const ROUNDED_MAX: f64 = 0.05;
/// A number said to lie above or below the true one may be this far from it.
const BOUND_MAX: f64 = 0.1;
/// How far a percentage may be from a share that has no end, such as a third, beside half its last digit.
const SHARE_MAX: f64 = 0.05;
/// Two shares nearer than this are the same.
const SHARE_SAME: f64 = 1e-9;

/// Everything a sentence's quotes say in numbers.
pub(super) struct Stock<'a> {
    facts: &'a [&'a Facts],
    /// Whether the sentence itself says that something fell, so that 5 may stand for -5.
    falls: bool,
}

impl<'a> Stock<'a> {
    pub(super) const fn new(facts: &'a [&'a Facts], falls: bool) -> Self {
        Self { facts, falls }
    }

    fn numbers(&self) -> impl Iterator<Item = &'a Number> {
        self.facts.iter().flat_map(|facts| &facts.numbers)
    }

    /// Whether some quote speaks of this unit, and gives it to no number, as the head of a table does.
    fn names(&self, unit: &str) -> bool {
        let is_given = |number: &Number| [number.measure.unit, number.measure.per].contains(&Some(unit));
        self.facts.iter().any(|facts| facts.units.iter().any(|theirs| agree(unit, theirs)))
            && !self.numbers().any(is_given)
    }

    /// What is wrong with the number, as written; `None` when the quotes support it or it need not be proved.
    pub(super) fn objection(&self, ours: &Number) -> Option<String> {
        if self.facts.iter().any(|facts| facts.has_literal_number(ours)) {
            return None;
        }
        if ours.origin == Origin::Words(Kind::Ordinal) {
            return self.is_displaced(ours).then(|| ours.text.clone());
        }
        let small = ours.origin == Origin::Words(Kind::Small);
        let named = Named {
            unit: ours.measure.unit.is_some_and(|unit| self.names(unit)),
            per: ours.measure.per.is_some_and(|per| self.names(per)),
        };
        let supporting: Vec<&Number> = self.numbers().filter(|theirs| self.supports(ours, theirs, named)).collect();
        let counts_else = || {
            self.numbers()
                .any(|theirs| theirs.measure.unit.is_none() && ours.counts.iter().any(|c| theirs.counts.contains(c)))
        };
        if supporting.is_empty() {
            // A small number in words may count what the sentence itself lists.
            let is_free = small && ours.measure.unit.is_none() && !counts_else();
            let is_known = || self.numbers().any(|theirs| shares_value(ours, theirs));
            return (!is_free).then(|| if is_known() { ours.shown.clone() } else { ours.text.clone() });
        }
        let counts_same = |theirs: &&Number| {
            theirs.measure.unit.is_none() && theirs.counts.is_empty()
                || ours.counts.iter().any(|count| theirs.counts.contains(count))
        };
        let is_miscounted = !ours.counts.is_empty()
            && !ours.attached
            && ours.measure.unit.is_none()
            && !supporting.iter().any(counts_same)
            && counts_else();
        is_miscounted.then(|| format!("{} {}", ours.text, ours.counts[0]))
    }

    /// Whether the quotes give what follows this ordinal another place, and no number is the same. Else the ordinal may
    /// count what the sentence itself lists.
    fn is_displaced(&self, ours: &Number) -> bool {
        let same_kind = |theirs: &Number| {
            theirs.origin == Origin::Words(Kind::Ordinal)
                && ours.counts.first().is_some_and(|count| theirs.counts.first() == Some(count))
        };
        self.numbers().any(same_kind) && !self.numbers().any(|theirs| shares_value(ours, theirs))
    }

    fn supports(&self, ours: &Number, theirs: &Number, named: Named) -> bool {
        if theirs.origin == Origin::Date {
            // A year may stand before any noun, a day before none, and neither measures anything.
            let is_day = theirs.values.iter().all(|value| value.len() < 4);
            if ours.measure.unit.is_some() || is_day && !ours.counts.is_empty() {
                return false;
            }
        }
        if ours.negative && !theirs.negative || theirs.negative && !ours.negative && !self.falls {
            return false;
        }
        if same_share(ours, theirs) {
            return bound_holds(ours, theirs);
        }
        if ours.stated != Stated::default() && is_rounded(&ours.shares, ours.stated, &theirs.shares, theirs.stated) {
            return true;
        }
        let rounded = || is_rounded(&ours.values, ours.stated, &theirs.values, theirs.stated);
        unit_holds(ours, theirs, named) && (shares_value(ours, theirs) && bound_holds(ours, theirs) || rounded())
    }
}

/// Which parts of a number's measure some quote names without giving them to a number, as the head of a table does.
#[derive(Clone, Copy)]
struct Named {
    unit: bool,
    per: bool,
}

/// A unit must stand at the number. Where the number stands bare, the quote must at least name it.
fn unit_holds(ours: &Number, theirs: &Number, named: Named) -> bool {
    let bare = theirs.measure.unit.is_none() && theirs.counts.is_empty();
    let unit = match (ours.measure.unit, theirs.measure.unit) {
        (Some(ours), Some(theirs)) => agree(ours, theirs),
        (Some(_), None) => bare && named.unit,
        // A word that may be a unit nobody listed stands at the quote's number too.
        (None, Some(_)) => ours.likeness.as_ref().is_none_or(|word| theirs.near.contains(word)),
        (None, None) => true,
    };
    unit && match (ours.measure.per, theirs.measure.per) {
        (Some(ours), Some(theirs)) => agree(ours, theirs),
        (Some(_), None) => named.per,
        (None, _) => true,
    }
}

fn bound_holds(ours: &Number, theirs: &Number) -> bool {
    ours.stated.bound.follows_from(theirs.stated.bound, ours.measure.unit.is_some())
}

impl Number {
    /// Whether one of these numbers has this value, whatever its unit.
    pub(super) fn has_value_in(&self, numbers: &[Self]) -> bool {
        numbers.iter().any(|other| shares_value(self, other))
    }
}

fn shares_value(ours: &Number, theirs: &Number) -> bool {
    ours.values.iter().any(|value| theirs.values.contains(value))
}

/// Whether both are the same part of a whole, one as a percentage or a fraction, the other in its way.
fn same_share(ours: &Number, theirs: &Number) -> bool {
    ours.shares.iter().any(|ours| theirs.shares.iter().any(|theirs| ours == theirs || is_near(ours, theirs)))
}

/// Whether one of two shares has no end and the other is it, rounded to the digits shown.
fn is_near(a: &str, b: &str) -> bool {
    let slack = match (a.contains('/'), b.contains('/')) {
        (true, true) => SHARE_SAME,
        (true, false) => half_digit(b),
        (false, true) => half_digit(a),
        (false, false) => return false,
    };
    part(a).zip(part(b)).is_some_and(|(a, b)| (a - b).abs() <= slack.min(SHARE_MAX * a.max(b)))
}

/// Half the worth of the last digit of a share, of which a percentage shows two at least.
fn half_digit(share: &str) -> f64 {
    let places = share.split_once('.').map_or(0, |(_, fraction)| fraction.len()).max(2);
    0.5 * 10_f64.powi(-i32::try_from(places).unwrap_or(0))
}

fn part(share: &str) -> Option<f64> {
    match share.split_once('/') {
        Some((numerator, denominator)) => Some(numerator.parse::<f64>().ok()? / denominator.parse::<f64>().ok()?),
        None => size(share),
    }
}

/// Whether the sentence says that its number is rounded, and it is, to the digits it shows.
fn is_rounded(ours: &[String], stated: Stated, theirs: &[String], other: Stated) -> bool {
    let near = stated.about != About::Exact;
    if !near && !stated.is_up() && !stated.is_down() {
        return false;
    }
    if stated.is_up() && other.is_down() || stated.is_down() && other.is_up() {
        return false;
    }
    ours.iter().any(|value| {
        let Some(ours) = part(value) else { return false };
        // A third is as rough as a tenth.
        let step = if value.contains('/') { 0.1 } else { step(value) };
        theirs.iter().filter_map(|value| part(value)).any(|theirs| {
            let far = |max: f64| (theirs - ours).abs() <= max * theirs.abs();
            if stated.is_up() {
                theirs > ours && theirs < ours + step && far(BOUND_MAX)
            } else if stated.is_down() {
                theirs < ours && theirs > ours - step && far(BOUND_MAX)
            } else {
                (theirs - ours).abs() <= step / 2.0 && far(ROUNDED_MAX)
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{
        super::{facts::Facts, numbers::claims},
        Stock,
    };
    use crate::{Digest, EvidenceId, Source, Span};

    fn supported(sentence: &str, quote: &str) -> bool {
        let span = Span {
            id: EvidenceId::new("ev_000000").unwrap(),
            snapshot: Digest::new([0; 32]),
            start: 0,
            end: quote.len() as u64,
            quote: quote.into(),
            source: Arc::new(Source { uri: String::new(), title: String::new() }),
        };
        let facts = Facts::of(&span);
        let facts = [&facts];
        claims(sentence, &[]).iter().all(|number| Stock::new(&facts, false).objection(number).is_none())
    }

    #[test]
    fn the_same_number_in_other_dress_is_supported_and_others_are_not() {
        for (sentence, quote, expected) in [
            ("1,234 items", "1234 items", true),
            ("1\u{202f}234 items", "1,234 items", true),
            ("1234 items", "1 234 items", true),
            ("1234567 items", "1 234 567 items", true),
            ("12,345.60", "12345.6", true),
            ("12.345,60", "12345.6", true),
            ("1'000'000", "1 million", true),
            ("12,34,567", "1234567", true),
            ("1.2k ships", "1,200 ships", true),
            ("twelve hundred ships", "1,200 ships", true),
            ("1,200 ships", "twelve hundred ships", true),
            ("one thousand two hundred ships", "1.2k ships", true),
            ("5M users", "5 million users", true),
            ("1.5 billion", "1,500,000,000", true),
            ("$1.2m", "$1.2 million", true),
            ("1e6", "1,000,000", true),
            ("1e6", "1e7", false),
            ("2.5 hours", "2½ hours", true),
            ("two dozen ships", "24 ships", true),
            ("1.2", "12", false),
            ("0x1f", "0x1e", false),
            ("1990s", "1990s", true),
            ("7 and 8", "7", false),
            ("3 replicas", "three replicas", true),
            ("2nd", "second", true),
            ("the 21st", "the twenty-first", true),
            ("4 replicas", "three replicas", false),
            ("four replicas", "three replicas", false),
            ("four reasons", "three replicas", true),
            ("forty ships", "fifty ships", false),
            ("12:30", "12:30", true),
            ("12:30", "12:31", false),
            ("1.2.3", "v1.2.3", true),
            ("v1.2.3", "1.2.4", false),
            ("10-20 ms", "10–20 ms", true),
            ("10 to 20 ms", "between 10 and 20 ms", true),
            ("10–30 ms", "10–20 ms", false),
            ("10 s", "10 to 20 ms", false),
            ("-5", "5", false),
            ("5", "-5", false),
            ("minus 5", "-5", true),
        ] {
            assert_eq!(supported(sentence, quote), expected, "{sentence:?} against {quote:?}");
        }
    }

    #[test]
    fn a_unit_is_part_of_the_claim_and_is_never_converted() {
        for (sentence, quote, expected) in [
            ("50ms", "50 milliseconds", true),
            ("50ms", "50 s", false),
            ("50 ms", "| p99 (ms) | 50 |", true),
            ("7 tonnes", "240 tonnes, as section 7 says", false),
            ("4 metres", "4, 5 and 6 metres", true),
            ("1912 tonnes", "240 tonnes since 3 May 1912", false),
            ("50 ms", "50", false),
            ("50 ms", "50 ships", false),
            ("5 km", "5 miles", false),
            ("5 kB", "5 KiB", false),
            ("5 kB", "5 KB", true),
            ("1000 m", "1 km", false),
            ("3.1 miles", "5 km (3.1 miles)", true),
            ("5 MB/s", "5 MB per second", true),
            ("5 MB per minute", "5 MB/s", false),
            ("900 requests per minute", "900 requests per second", false),
            ("5 °C", "5 degrees Celsius", true),
            ("5 °C", "5 °F", false),
            ("$5", "5 dollars", true),
            ("€5", "$5", false),
            ("the 50 limit", "a limit of 50 ms", true),
            ("a limit of 50", "a limit of 50 ms", true),
            ("3 pm", "3 am", false),
            ("8 knots", "4 knots for 8 vessels", false),
            ("six lines", "four lines for six boats", false),
            ("six lines", "four lines, for larger ones six", true),
            ("3 days", "from May 3 on, for 4 days", false),
            ("about 60 pumps", "51 pumps and 62 % of them", false),
        ] {
            assert_eq!(supported(sentence, quote), expected, "{sentence:?} against {quote:?}");
        }
    }

    #[test]
    fn a_part_of_a_whole_is_the_same_in_percent_decimals_and_fractions() {
        for (sentence, quote, expected) in [
            ("12 %", "12 percent", true),
            ("12 %", "12 per cent", true),
            ("12 %", "0.12", true),
            ("0.12", "12%", true),
            ("10 %", "a tenth of all", true),
            ("a tenth of all", "10 %", true),
            ("a tenth of all", "20 %", false),
            ("two thirds of all", "66.7 %", true),
            ("a third of all", "33 %", true),
            ("a third of all", "35 %", false),
            ("half of all", "50 %", true),
            ("3/4", "three quarters of them", true),
            ("75 %", "3 of 4", true),
            ("75 %", "3 of 5", false),
            ("12 percentage points", "12 %", false),
            ("5 %", "5 ms", false),
        ] {
            assert_eq!(supported(sentence, quote), expected, "{sentence:?} against {quote:?}");
        }
    }

    #[test]
    fn rounding_needs_a_word_and_keeps_to_its_digits() {
        for (sentence, quote, expected) in [
            ("about 1,200 ships", "1,234 ships", true),
            ("about 1,300 ships", "1,234 ships", false),
            ("1,200 ships", "1,234 ships", false),
            ("about 1,000 ships", "1,234 ships", false),
            ("roughly 1.2 million", "1,234,567", true),
            ("about 12 %", "12.4 %", true),
            ("12 %", "12.4 %", false),
            ("nearly 50 ms", "48 ms", true),
            ("nearly 50 ms", "52 ms", false),
            ("just over 50 ms", "52 ms", true),
            ("more than 1,200 ships", "1,234 ships", true),
            ("more than 1,200 ships", "1,150 ships", false),
            ("less than 1,300 ships", "1,234 ships", true),
            ("within 404100 ms", "within 404000 ms", false),
        ] {
            assert_eq!(supported(sentence, quote), expected, "{sentence:?} against {quote:?}");
        }
    }

    #[test]
    fn a_bound_may_not_be_added_or_turned() {
        for (sentence, quote, expected) in [
            ("at most 50 ms", "within 50 ms", true),
            ("more than 50 ms", "within 50 ms", false),
            ("more than 50 ships", "50 ships", false),
            ("at least 50 ships", "50 ships or more", true),
            ("at least 50 ships", "at most 50 ships", false),
            ("fewer than 50 ships", "at most 50 ships", false),
            ("in less than 50 ms", "within 50 ms", true),
            ("50 ms", "within 50 ms", true),
            ("averaged over 50 runs", "averaged across 50 runs", true),
        ] {
            assert_eq!(supported(sentence, quote), expected, "{sentence:?} against {quote:?}");
        }
    }
}
