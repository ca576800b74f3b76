//! Where a sentence can be changed: its numbers, dates and names. Owns a finder of its own, deliberately simple: what it
//! is not sure of it leaves alone.

use std::ops::Range;

/// A whole number in digits with what follows it.
#[derive(Clone, Debug)]
pub(super) struct Digits {
    /// The digits with their separators.
    pub(super) range: Range<usize>,
    pub(super) value: u64,
    /// The word or sign after it, and where that ends.
    pub(super) unit: String,
    pub(super) unit_range: Range<usize>,
}

/// Whole numbers that stand alone: not in code, in versions, dates, ranges or names.
pub(super) fn digits(sentence: &str) -> Vec<Digits> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(offset) = sentence[at..].find(|c: char| c.is_ascii_digit()) {
        let start = at + offset;
        let rest = &sentence[start..];
        let length = rest.find(|c: char| !(c.is_ascii_digit() || c == ',')).unwrap_or(rest.len());
        let token = rest[..length].trim_end_matches(',');
        let end = start + token.len();
        at = start + length.max(1);
        let before = sentence[..start].chars().next_back();
        let after = sentence[end..].chars().next();
        let alone = before.is_none_or(|c| c == ' ' || c == '(')
            && after.is_none_or(|c| matches!(c, ' ' | '.' | ',' | ')' | '%' | ';'));
        let goes_on = matches!(after, Some('.' | ',')) && sentence[end + 1..].starts_with(|c: char| c.is_ascii_digit());
        let in_code = sentence[..start].matches('`').count() % 2 == 1;
        let named =
            sentence[..start].trim_end().rsplit(' ').next().is_some_and(|word| word.starts_with(char::is_uppercase));
        let Ok(value) = token.replace(',', "").parse::<u64>() else { continue };
        let grouped = !token.contains(',') || token.split(',').skip(1).all(|group| group.len() == 3);
        if !alone || goes_on || in_code || named || !grouped || token.len() > 1 && token.starts_with('0') {
            continue;
        }
        let gap = usize::from(sentence[end..].starts_with(' '));
        let word = sentence[end + gap..]
            .find(|c: char| !(c.is_alphabetic() || c == '%' || c == '/'))
            .map_or(sentence.len(), |n| end + gap + n);
        found.push(Digits {
            range: start..end,
            value,
            unit: sentence[end + gap..word].to_owned(),
            unit_range: end + gap..word,
        });
    }
    found
}

/// A year that stands in a sentence: a date nobody doubts.
pub(super) const fn is_year(number: &Digits) -> bool {
    number.value >= 1500 && number.value < 2100 && number.range.end - number.range.start == 4
}

pub(super) const MONTHS: &[&str] = &[
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A day with its month and perhaps its year.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Day {
    pub(super) range: Range<usize>,
    pub(super) day: u64,
    /// From 1.
    pub(super) month: usize,
    pub(super) year: Option<u64>,
}

impl Day {
    /// In one of the ways people write it.
    pub(super) fn written(&self, way: usize) -> String {
        let name = MONTHS[self.month - 1];
        let day = self.day;
        let ordinal = match (day % 10, day % 100) {
            (1, n) if n != 11 => "st",
            (2, n) if n != 12 => "nd",
            (3, n) if n != 13 => "rd",
            _ => "th",
        };
        match (self.year, way % 4) {
            (Some(year), 0) => format!("{day} {name} {year}"),
            (Some(year), 1) => format!("{name} {day}, {year}"),
            (Some(year), 2) => format!("{year}-{:02}-{day:02}", self.month),
            (Some(year), _) => format!("{name} {day}{ordinal}, {year}"),
            (None, 0 | 2) => format!("{day} {name}"),
            (None, _) => format!("{name} {day}"),
        }
    }
}

/// Days written as `3 March 2024`, `3 March` or `2024-03-03`.
pub(super) fn days(sentence: &str) -> Vec<Day> {
    let mut found = Vec::new();
    for (index, name) in MONTHS.iter().enumerate() {
        for (at, _) in sentence.match_indices(name) {
            let before = sentence[..at].trim_end();
            let word = before.rsplit(' ').next().unwrap_or_default();
            let start = before.len() - word.len();
            let Ok(day) = word.parse::<u64>() else { continue };
            let mut end = at + name.len();
            let after = sentence[end..]
                .strip_prefix(' ')
                .and_then(|rest| rest.get(..4))
                .and_then(|year| year.parse::<u64>().ok());
            if after.is_some() {
                end += 5;
            }
            if (1..=28).contains(&day) && !sentence[end..].starts_with(char::is_alphanumeric) {
                found.push(Day { range: start..end, day, month: index + 1, year: after });
            }
        }
    }
    for (at, _) in sentence.match_indices('-') {
        let Some(start) = at.checked_sub(4).filter(|start| sentence.is_char_boundary(*start)) else { continue };
        let Some(text) = sentence.get(start..start + 10) else { continue };
        let fields: Vec<&str> = text.split('-').collect();
        if let [year, month, day] = fields[..]
            && (year.len(), month.len(), day.len()) == (4, 2, 2)
            && let (Ok(year), Ok(month), Ok(day)) = (year.parse(), month.parse::<usize>(), day.parse())
            && (1..=12).contains(&month)
            && (1..=28).contains(&day)
            && !sentence[..start].ends_with(|c: char| !c.is_whitespace() && c != '(')
            && !sentence[start + 10..].starts_with(|c: char| c.is_alphanumeric() || c == '-')
        {
            found.push(Day { range: start..start + 10, day, month, year: Some(year) });
        }
    }
    found
}

/// Names inside a sentence: words with a capital after a word in lower case.
pub(super) fn names(sentence: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut before_is_lower = false;
    for word in sentence.split(' ') {
        let bare = word.trim_end_matches(|c: char| !c.is_alphanumeric());
        let is_name = before_is_lower
            && bare.chars().count() >= 4
            && bare.chars().all(char::is_alphabetic)
            && bare.starts_with(char::is_uppercase)
            && bare[1..].chars().all(char::is_lowercase)
            && !MONTHS.contains(&bare)
            && sentence[..at].matches('`').count().is_multiple_of(2);
        if is_name {
            found.push(at..at + bare.len());
        }
        before_is_lower = word.chars().all(char::is_lowercase) && !word.is_empty();
        at += word.len() + 1;
    }
    found
}

/// The words of a text in lower case, without marks.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// A number in English words, below a million.
pub(super) fn in_words(value: u64) -> String {
    const SMALL: &[&str] = &[
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: &[&str] = &["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    let small = |value: u64| SMALL[usize::try_from(value).unwrap_or(0)].to_owned();
    let tens = |value: u64| TENS[usize::try_from(value).unwrap_or(0)].to_owned();
    match value {
        0..20 => small(value),
        20..100 if value.is_multiple_of(10) => tens(value / 10),
        20..100 => format!("{}-{}", tens(value / 10), small(value % 10)),
        100..1_000 if value.is_multiple_of(100) => format!("{} hundred", small(value / 100)),
        100..1_000 => format!("{} hundred and {}", small(value / 100), in_words(value % 100)),
        // "twelve hundred"
        1_100..2_000 if value.is_multiple_of(100) => format!("{} hundred", small(value / 100)),
        _ if value.is_multiple_of(1_000) => format!("{} thousand", in_words(value / 1_000)),
        _ => format!("{} thousand {}", in_words(value / 1_000), in_words(value % 1_000)),
    }
}

/// The digits in groups of three.
pub(super) fn grouped(value: u64, separator: char) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (at, c) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(c);
    }
    text
}

/// Whether a text states this number in some way this finder knows: then it may not serve as a wrong one.
pub(super) fn states(text: &str, value: u64) -> bool {
    let bare: String = text.replace([',', '\'', '\u{202f}', '\u{a0}'], "");
    let digits = value.to_string();
    bare.match_indices(&digits).any(|(at, _)| {
        !bare[..at].ends_with(|c: char| c.is_ascii_digit())
            && !bare[at + digits.len()..].starts_with(|c: char| c.is_ascii_digit())
    }) || value < 1_000_000
        && format!(" {} ", words(text).join(" ")).contains(&format!(" {} ", words(&in_words(value)).join(" ")))
}
