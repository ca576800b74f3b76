//! Dates in text. Owns the formats and when one date supports another; knows no calendar arithmetic, so a quarter is
//! not its months.

use std::ops::Range;

use super::{
    numbers::Number,
    text::{Token, tokens},
    words::month,
};

/// A date as written. Ambiguous ones (`03/04/2024`) have two readings.
#[derive(Clone, Debug)]
pub(super) struct Date {
    /// Where it stands.
    pub(super) range: Range<usize>,
    readings: Vec<Reading>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reading {
    year: Option<u16>,
    /// 0 where a quarter is meant.
    month: u8,
    day: Option<u8>,
    quarter: Option<u8>,
}

impl Date {
    /// Whether a quote with these dates and numbers supports this one: every part stated here is stated there. A year
    /// may stand apart ("In 2024 … on 1 May").
    pub(super) fn is_in(&self, dates: &[Self], numbers: &[Number]) -> bool {
        let supports = |ours: &Reading, theirs: &Reading| {
            let year_agrees = match (ours.year, theirs.year) {
                (None, _) => true,
                (Some(year), None) => Number::plain(year.into()).has_value_in(numbers),
                (Some(ours), Some(theirs)) => ours == theirs,
            };
            ours.month == theirs.month
                && ours.quarter == theirs.quarter
                && (ours.day.is_none() || ours.day == theirs.day)
                && year_agrees
        };
        self.readings
            .iter()
            .any(|ours| dates.iter().flat_map(|date| &date.readings).any(|theirs| supports(ours, theirs)))
    }

    /// The year and the day a date states, for sentences that repeat only one of them.
    pub(super) fn numbers(&self) -> impl Iterator<Item = Number> {
        self.readings.iter().flat_map(|reading| {
            [reading.year.map(u32::from), reading.day.map(u32::from)].into_iter().flatten().map(Number::plain)
        })
    }
}

/// Periods that "last", "this" and "next" make relative to a day nobody states.
const PERIODS: &[&str] =
    &["week", "month", "quarter", "year", "decade", "century", "spring", "summer", "autumn", "fall", "winter"];

/// Dates that are relative to the day of writing: "yesterday", "last year", "two days ago". They prove nothing unless a
/// quote has the same words.
pub(super) fn relative_dates(text: &str) -> Vec<Range<usize>> {
    let words = tokens(text);
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let lower = word.text.to_lowercase();
        let next = words.get(at + 1).map(|next| next.text.to_lowercase());
        let range = match lower.as_str() {
            "yesterday" | "tomorrow" => Some(word.start..word.end()),
            "last" | "this" | "next"
                if next.as_deref().is_some_and(|next| PERIODS.contains(&next))
                    && words.get(at + 2).is_none_or(|after| after.text != "of") =>
            {
                Some(word.start..words[at + 1].end())
            }
            "ago" if at >= 2 => Some(words[at - 2].start..word.end()),
            _ => None,
        };
        found.extend(range);
    }
    found
}

/// Every date of a text in order: `2024-05-01`, `2024/05`, `1.5.2024`, `5/1/2024`, `1 May 2024`, `May 1st, 2024`, `May
/// 2024`, `1. Mai`, `Q3 2024`, `third quarter of 2024`.
pub(super) fn dates(text: &str) -> Vec<Date> {
    let mut found = numeric(text);
    let words = tokens(text);
    for (at, word) in words.iter().enumerate() {
        if let Some(month) = month(word.text)
            && let Some(date) = spelled(text, &words, at, month)
        {
            found.push(date);
        }
        found.extend(quarter(text, &words, at));
    }
    found.sort_by_key(|date| date.range.start);
    found
}

fn numeric(text: &str) -> Vec<Date> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut i = 0;
    while i < bytes.len() {
        let starts = bytes[i].is_ascii_digit()
            && !text[..i]
                .chars()
                .next_back()
                .is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '/'));
        let date = if starts { numeric_at(bytes, i) } else { None };
        match date {
            Some(date) => {
                i = date.range.end;
                found.push(date);
            }
            None => {
                i += 1;
                while starts && i < bytes.len() && bytes[i].is_ascii_digit() {
                    i += 1;
                }
            }
        }
    }
    found
}

fn numeric_at(bytes: &[u8], start: usize) -> Option<Date> {
    let mut fields: [(u16, usize); 3] = [(0, 0); 3];
    let mut count = 0;
    let mut at = start;
    let mut sign = None;
    while count < 3 {
        let digits = bytes[at..].iter().take(5).take_while(|b| b.is_ascii_digit()).count();
        if !(1..=4).contains(&digits) {
            break;
        }
        let value = bytes[at..at + digits].iter().fold(0, |value, b| value * 10 + u16::from(b - b'0'));
        fields[count] = (value, digits);
        count += 1;
        at += digits;
        match bytes.get(at) {
            Some(b @ (b'-' | b'/' | b'.')) if count < 3 && sign.is_none_or(|sign| sign == *b) => {
                if !bytes.get(at + 1).is_some_and(u8::is_ascii_digit) {
                    break;
                }
                sign = Some(*b);
                at += 1;
            }
            _ => break,
        }
    }
    if bytes.get(at).is_some_and(|b| b.is_ascii_digit()) {
        return None;
    }
    let readings: Vec<Reading> = match (count, fields) {
        (3, [(year, 4), (month, 1..=2), (day, 1..=2)]) if sign != Some(b'.') => {
            reading(Some(year), month, Some(day)).into_iter().collect()
        }
        (2, [(year, 4), (month, 2), _]) if sign == Some(b'-') || sign == Some(b'/') => {
            reading(Some(year), month, None).into_iter().collect()
        }
        (3, [(a, 1..=2), (b, 1..=2), (year, 4)]) => {
            let day_first = reading(Some(year), b, Some(a));
            let month_first = reading(Some(year), a, Some(b)).filter(|_| sign == Some(b'/'));
            day_first.into_iter().chain(month_first).collect()
        }
        _ => Vec::new(),
    };
    (!readings.is_empty()).then_some(Date { range: start..at, readings })
}

fn reading(year: Option<u16>, month: u16, day: Option<u16>) -> Option<Reading> {
    let in_calendar = (1..=12).contains(&month)
        && day.is_none_or(|day| (1..=31).contains(&day))
        && year.is_none_or(|year| (1000..3000).contains(&year));
    let narrow = |value: u16| u8::try_from(value).unwrap_or(0);
    in_calendar.then(|| Reading { year, month: narrow(month), day: day.map(narrow), quarter: None })
}

/// The quarter of a year that is named at `at`: `Q3`, `third quarter`, each with its year beside it or without.
fn quarter(text: &str, words: &[Token<'_>], at: usize) -> Option<Date> {
    let word = words[at].text;
    let (quarter, mut last) = match word.strip_prefix(['Q', 'q']) {
        Some(digit) if matches!(digit, "1" | "2" | "3" | "4") => (digit.parse().ok()?, at),
        _ => {
            let next = words.get(at + 1).filter(|next| next.text.eq_ignore_ascii_case("quarter"))?;
            let gap = &text[words[at].end()..next.start];
            let number = match word.to_lowercase().as_str() {
                "first" | "1st" => 1,
                "second" | "2nd" => 2,
                "third" | "3rd" => 3,
                "fourth" | "4th" => 4,
                _ => return None,
            };
            (gap == " ").then_some((number, at + 1))?
        }
    };
    let mut first = at;
    let mut found = None;
    let mut after = last + 1;
    if words.get(after).is_some_and(|word| matches!(word.text, "of" | "in")) {
        after += 1;
    }
    let touches = |left: usize, right: usize| text[words[left].end()..words[right].start].chars().count() <= 2;
    if let Some(value) = words.get(after).filter(|_| touches(after - 1, after)).and_then(|word| year(word.text)) {
        (found, last) = (Some(value), after);
    } else if let Some(before) = at.checked_sub(1).filter(|before| touches(*before, at))
        && let Some(value) = year(words[before].text)
    {
        (found, first) = (Some(value), before);
    }
    let reading = Reading { year: found, month: 0, day: None, quarter: Some(quarter) };
    Some(Date { range: words[first].start..words[last].end(), readings: vec![reading] })
}

/// The date around the month's name at `at`.
fn spelled(text: &str, words: &[Token<'_>], at: usize, month: u8) -> Option<Date> {
    let touches = |left: &Token<'_>, right: &Token<'_>| {
        matches!(text[left.end()..right.start].trim(), "" | "," | "." | "-") && right.start - left.end() <= 3
    };
    let mut first = at;
    let mut last = at;
    let mut day_found = None;
    let mut before = at.checked_sub(1);
    if let Some(of) = before
        && words[of].text == "of"
    {
        before = of.checked_sub(1);
    }
    if let Some(left) = before
        && touches(&words[left], &words[left + 1])
        && let Some(value) = day(words[left].text)
    {
        day_found = Some(value);
        first = left;
    }
    if day_found.is_none()
        && let Some(right) = words.get(at + 1)
        && touches(&words[at], right)
        && let Some(value) = day(right.text)
    {
        day_found = Some(value);
        last = at + 1;
    }
    let year = words.get(last + 1).filter(|right| touches(&words[last], right)).and_then(|right| year(right.text));
    if year.is_some() {
        last += 1;
    }
    if day_found.is_none() && year.is_none() {
        return None;
    }
    let range = words[first].start..words[last].end();
    Some(Date { range, readings: vec![Reading { year, month, day: day_found, quarter: None }] })
}

fn day(word: &str) -> Option<u8> {
    let digits = word
        .strip_suffix("st")
        .or_else(|| word.strip_suffix("nd"))
        .or_else(|| word.strip_suffix("rd"))
        .or_else(|| word.strip_suffix("th"))
        .unwrap_or(word);
    let is_day = (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if is_day { digits.parse().ok().filter(|day| (1..=31).contains(day)) } else { None }
}

fn year(word: &str) -> Option<u16> {
    let is_year = word.len() == 4 && word.bytes().all(|b| b.is_ascii_digit());
    if is_year { word.parse().ok().filter(|year| (1000..3000).contains(year)) } else { None }
}

#[cfg(test)]
mod tests {
    use super::{super::numbers::evidence_numbers, dates, relative_dates};

    #[test]
    fn the_same_day_agrees_in_every_format() {
        for (sentence, evidence, agrees) in [
            ("2024-05-01", "1 May 2024", true),
            ("2024-05-01", "May 1st, 2024", true),
            ("1st of May 2024", "2024/05/01", true),
            ("1.5.2024", "2024-05-01", true),
            ("5/1/2024", "2024-05-01", true),
            ("1/5/2024", "2024-05-01", true),
            ("May 2024", "2024-05-01", true),
            ("2024-05", "1 May 2024", true),
            ("1. Mai 2024", "May 1, 2024", true),
            ("May 1", "2024-05-01", true),
            ("1 May 2024", "In 2024, on 1 May", true),
            ("1 May 2024", "May 2024", false),
            ("2 May 2024", "1 May 2024", false),
            ("1 June 2024", "1 May 2024", false),
            ("1 May 2023", "1 May 2024", false),
            ("2024-05-01", "no date", false),
            ("Q3 2024", "the third quarter of 2024", true),
            ("the third quarter of 2024", "2024-Q3", true),
            ("Q3 2024", "Q2 2024", false),
            ("Q3 2024", "Q3 2023", false),
            ("Q3 2024", "August 2024", false),
            ("March 3rd", "3 March 2024", true),
        ] {
            let theirs = dates(evidence);
            let taken: Vec<_> = theirs.iter().map(|date| date.range.clone()).collect();
            let numbers = evidence_numbers(evidence, &taken);
            let ours = dates(sentence);
            assert_eq!(ours.len(), 1, "{sentence:?} is one date");
            assert_eq!(ours[0].is_in(&theirs, &numbers), agrees, "{sentence:?} against {evidence:?}");
        }
    }

    #[test]
    fn relative_dates_are_found_and_other_words_are_not() {
        for (text, expected) in [
            ("It closed last year, two days ago.", vec!["last year", "two days ago"]),
            ("Yesterday it closed.", vec!["Yesterday"]),
            ("This yearly list is the last one; next to it", vec![]),
        ] {
            let found: Vec<&str> = relative_dates(text).into_iter().map(|range| &text[range]).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn versions_words_and_impossible_days_are_no_dates() {
        for text in ["1.2.3", "you may go", "2024-45-01", "May be", "10-20", "192.168.1.20"] {
            assert!(dates(text).is_empty(), "{text:?}");
        }
    }
}
