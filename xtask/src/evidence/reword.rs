//! Honest sentences: what a place says, said otherwise. Owns the ways; each keeps the meaning whatever the sentence is
//! about, and gives nothing where it cannot.

use super::{
    corpus::{Corpus, Place},
    dice::Dice,
    slots::{days, digits, grouped, in_words, is_year},
};

/// A way to say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Verbatim,
    NumberInWords,
    NumberGrouped,
    NumberScaled,
    UnitSpelled,
    Rounded,
    DateNotation,
    Introduced,
    ClausesTurned,
    Shortened,
    OtherWords,
    Contracted,
    Quoted,
    Typeset,
    Joined,
}

pub(super) const WAYS: &[(Way, &str)] = &[
    (Way::Verbatim, "word for word"),
    (Way::NumberInWords, "number in words"),
    (Way::NumberGrouped, "number with separators"),
    (Way::NumberScaled, "number as thousands"),
    (Way::UnitSpelled, "unit spelled otherwise"),
    (Way::Rounded, "rounded, and said so"),
    (Way::DateNotation, "date in other notation"),
    (Way::Introduced, "introduced by its source"),
    (Way::ClausesTurned, "clauses exchanged"),
    (Way::Shortened, "shortened"),
    (Way::OtherWords, "other words"),
    (Way::Contracted, "contracted"),
    (Way::Quoted, "part of it quoted"),
    (Way::Typeset, "other marks and spaces"),
    (Way::Joined, "two sentences in one"),
];

/// The sentence said in this way, and the second place it then rests on.
pub(super) fn reword(way: Way, corpus: &Corpus, place: &Place, dice: &mut Dice) -> Option<(String, Option<Place>)> {
    let sentence = place.sentence.as_str();
    let text = match way {
        Way::Verbatim => Some(sentence.to_owned()),
        Way::NumberInWords => replaced_number(sentence, dice, |number, unit| {
            (number < 100_000 && !unit.starts_with('%')).then(|| in_words(number))
        }),
        Way::NumberGrouped => replaced_number(sentence, dice, |number, _| {
            (number >= 1_000)
                .then(|| if number.is_multiple_of(7) { grouped(number, '\u{202f}') } else { grouped(number, ',') })
        }),
        Way::NumberScaled => replaced_number(sentence, dice, |number, _| {
            let tenths = number / 100;
            let is_even = number >= 1_000 && number.is_multiple_of(100) && number < 1_000_000;
            is_even.then(|| {
                if tenths.is_multiple_of(10) {
                    format!("{} thousand", tenths / 10)
                } else {
                    format!("{}.{} thousand", tenths / 10, tenths % 10)
                }
            })
        }),
        Way::UnitSpelled => spelled_unit(sentence, dice),
        Way::Rounded => rounded(sentence, dice),
        Way::DateNotation => {
            let found = days(sentence);
            let day = dice.pick(&found)?;
            let written = day.written(dice.below(4));
            (written != sentence[day.range.clone()]).then(|| with(sentence, day.range.clone(), &written))
        }
        Way::Introduced => introduced(corpus, place, dice),
        Way::ClausesTurned => turned(sentence),
        Way::Shortened => shortened(sentence),
        Way::OtherWords => other_words(sentence, dice),
        Way::Contracted => replaced_word(sentence, CONTRACTIONS, dice),
        Way::Quoted => quoted(sentence, dice),
        Way::Typeset => typeset(sentence, dice),
        Way::Joined => {
            let other = dice.pick(&corpus.places)?;
            let first = sentence.trim_end_matches('.');
            return (other.sentence != place.sentence)
                .then(|| (format!("{first}; {}", other.sentence), Some(other.clone())));
        }
    }?;
    (way == Way::Verbatim || text != sentence).then_some((text, None))
}

pub(super) fn with(sentence: &str, range: std::ops::Range<usize>, text: &str) -> String {
    let mut changed = sentence.to_owned();
    changed.replace_range(range, text);
    let first = changed.chars().next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let rest = changed.chars().next().map_or("", |c| &changed[c.len_utf8()..]).to_owned();
    first + &rest
}

fn replaced_number(sentence: &str, dice: &mut Dice, write: impl Fn(u64, &str) -> Option<String>) -> Option<String> {
    let mut found: Vec<_> = digits(sentence).into_iter().filter(|number| !is_year(number)).collect();
    dice.shuffle(&mut found);
    found.into_iter().find_map(|number| {
        let written = write(number.value, &number.unit)?;
        (written != sentence[number.range.clone()]).then(|| with(sentence, number.range, &written))
    })
}

/// Spellings of the same unit.
pub(super) const UNITS: &[&[&str]] = &[
    &["ms", "milliseconds"],
    &["s", "seconds"],
    &["minutes", "min"],
    &["hours", "h"],
    &["days"],
    &["weeks"],
    &["months"],
    &["years"],
    &["bytes"],
    &["kB", "KB", "kilobytes"],
    &["KiB", "kibibytes"],
    &["MB", "megabytes"],
    &["MiB", "mebibytes"],
    &["GB", "gigabytes"],
    &["GiB", "gibibytes"],
    &["m", "metres", "meters"],
    &["km", "kilometres", "kilometers"],
    &["miles"],
    &["feet"],
    &["mm", "millimetres"],
    &["cm", "centimetres"],
    &["kg", "kilograms"],
    &["tonnes"],
    &["litres", "liters"],
    &["%", "percent", "per cent"],
    &["knots"],
    &["euros"],
    &["dollars"],
    &["crowns"],
];

pub(super) fn unit_of(word: &str) -> Option<&'static [&'static str]> {
    UNITS.iter().find(|spellings| spellings.contains(&word)).copied()
}

fn spelled_unit(sentence: &str, dice: &mut Dice) -> Option<String> {
    let found: Vec<_> =
        digits(sentence).into_iter().filter(|n| unit_of(&n.unit).is_some_and(|s| s.len() > 1)).collect();
    let number = dice.pick(&found)?;
    let spellings: Vec<&str> = unit_of(&number.unit)?.iter().copied().filter(|word| *word != number.unit).collect();
    let written = dice.pick(&spellings)?;
    let gap = if number.range.end == number.unit_range.start && *written != "%" { " " } else { "" };
    Some(with(sentence, number.unit_range.clone(), &format!("{gap}{written}")))
}

/// Rounds to two digits, which is at most five percent away, and says so.
fn rounded(sentence: &str, dice: &mut Dice) -> Option<String> {
    let found: Vec<_> = digits(sentence).into_iter().filter(is_measured).collect();
    let number = dice.pick(&found)?;
    let step = 10_u64.pow(number.value.ilog10().saturating_sub(1));
    let near = (number.value + step / 2) / step * step;
    let has_word = sentence[..number.range.start].trim_end().ends_with(|c: char| c.is_alphabetic())
        && HEDGES.iter().any(|word| sentence[..number.range.start].trim_end().to_lowercase().ends_with(word));
    if near == number.value || has_word {
        return None;
    }
    let word = dice.pick(&["about", "roughly", "approximately", "around"])?;
    Some(with(sentence, number.range.clone(), &format!("{word} {}", grouped(near, ','))))
}

/// Whether something is measured or counted: a number alone may be a code, which nobody rounds.
fn is_measured(number: &super::slots::Digits) -> bool {
    number.value > 100 && !is_year(number) && !number.unit.is_empty()
}

/// Words before a number after which another would be too many.
pub(super) const HEDGES: &[&str] = &[
    "about", "than", "least", "most", "within", "to", "nearly", "almost", "over", "under", "around", "of", "and",
    "above", "below", "beyond", "exceeds", "roughly", "only", "another", "other", "next", "first", "last", "per",
];

fn introduced(corpus: &Corpus, place: &Place, dice: &mut Dice) -> Option<String> {
    let title = &corpus.documents[place.document].title;
    let plain = title.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | ',')) && title.len() < 80;
    let start = dice.pick(&["According to", "As described in", "In"])?;
    plain.then(|| format!("{start} {title}: {}", place.sentence))
}

/// `If X, Y.` and `When X, Y.` as `Y if X.`; `X, and Y.` as `Y, and X.`
fn turned(sentence: &str) -> Option<String> {
    let body = sentence.trim_end_matches('.');
    let one_comma = body.matches(", ").count() == 1;
    for word in ["If", "When", "Before", "After", "Without", "With"] {
        if one_comma && let Some((first, second)) = body.strip_prefix(word).and_then(|rest| rest.split_once(", ")) {
            return Some(format!("{} {}{first}.", upper(second), word.to_lowercase()));
        }
    }
    let (first, second) = body.split_once(", and ")?;
    // Only where both halves are whole statements can they change places.
    let is_statement = |part: &str| {
        part.split(' ')
            .any(|word| matches!(word, "is" | "are" | "was" | "were" | "has" | "have" | "may" | "must" | "can"))
    };
    let is_free =
        second.split(' ').next().is_some_and(|word| matches!(word, "the" | "a" | "an" | "each" | "every" | "all"));
    (one_comma && is_statement(first) && is_statement(second) && is_free)
        .then(|| format!("{}, and {}.", upper(second), lower(first)))
}

fn upper(text: &str) -> String {
    with(text, 0..0, "")
}

fn lower(text: &str) -> String {
    let keeps =
        text.split(' ').next().is_none_or(|word| !matches!(word, "The" | "A" | "An" | "Each" | "Every" | "All" | "It"));
    if keeps { text.to_owned() } else { text[..1].to_lowercase() + &text[1..] }
}

/// Leaves out what stands in brackets, or what follows a semicolon or ", which".
fn shortened(sentence: &str) -> Option<String> {
    if let Some((before, rest)) = sentence.split_once(" (")
        && let Some((_, after)) = rest.split_once(')')
    {
        return Some(format!("{before}{after}"));
    }
    let cut =
        sentence.find("; ").or_else(|| sentence.find(", which ").filter(|at| !sentence[at + 2..].contains(", ")))?;
    (cut >= 25).then(|| format!("{}.", &sentence[..cut]))
}

/// Words that mean the same wherever they stand.
const SYNONYMS: &[(&str, &str)] = &[
    ("must", "has to"),
    ("every", "each"),
    ("also", "likewise"),
    ("large", "big"),
    ("nobody", "no one"),
    ("needs", "requires"),
    ("begins", "starts"),
    ("shows", "displays"),
    ("because", "since"),
    ("however", "but"),
    ("therefore", "hence"),
    ("such as", "like"),
    ("for example", "for instance"),
    ("takes", "requires"),
    ("may", "is allowed to"),
    ("same", "identical"),
    ("several", "multiple"),
    ("until", "till"),
    ("whole", "entire"),
    ("near", "close to"),
    ("built", "constructed"),
    ("made", "produced"),
];

const CONTRACTIONS: &[(&str, &str)] = &[
    ("does not", "doesn't"),
    ("do not", "don't"),
    ("is not", "isn't"),
    ("are not", "aren't"),
    ("cannot", "can't"),
    ("was not", "wasn't"),
    ("it is", "it's"),
    ("will not", "won't"),
    ("must not", "mustn't"),
    ("has not", "hasn't"),
];

fn other_words(sentence: &str, dice: &mut Dice) -> Option<String> {
    let once = replaced_word(sentence, SYNONYMS, dice)?;
    Some(replaced_word(&once, SYNONYMS, dice).filter(|_| dice.flip()).unwrap_or(once))
}

fn replaced_word(sentence: &str, pairs: &[(&str, &str)], dice: &mut Dice) -> Option<String> {
    let found: Vec<(usize, &(&str, &str))> = pairs
        .iter()
        .filter_map(|pair| Some((sentence.find(&format!(" {} ", pair.0))?, pair)))
        .filter(|(at, _)| sentence[..*at].matches('`').count().is_multiple_of(2))
        .collect();
    let (at, (from, to)) = dice.pick(&found)?;
    Some(with(sentence, at + 1..at + 1 + from.len(), to))
}

fn quoted(sentence: &str, dice: &mut Dice) -> Option<String> {
    let words: Vec<&str> = sentence.trim_end_matches('.').split(' ').collect();
    if words.len() < 9 || sentence.contains('`') {
        return None;
    }
    let length = 4 + dice.below(3);
    let start = 1 + dice.below(words.len() - length - 1);
    let (open, close) = if dice.flip() { ('“', '”') } else { ('"', '"') };
    let part = words[start..start + length].join(" ");
    Some(
        format!("{} {open}{part}{close} {}.", words[..start].join(" "), words[start + length..].join(" "))
            .replace(" .", "."),
    )
}

fn typeset(sentence: &str, dice: &mut Dice) -> Option<String> {
    let found = digits(sentence);
    if let Some(number) = dice.pick(&found) {
        let bold = format!("**{}**", &sentence[number.range.clone()]);
        let narrow = sentence[number.range.end..]
            .starts_with(' ')
            .then(|| format!("{}\u{a0}{}", &sentence[..number.range.end], &sentence[number.range.end + 1..]));
        return if dice.flip() { narrow } else { Some(with(sentence, number.range.clone(), &bold)) };
    }
    sentence.contains('\'').then(|| sentence.replace('\'', "’"))
}
