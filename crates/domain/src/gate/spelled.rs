//! Numbers written in words. Owns the words and how they add up; whether a sentence must prove one is decided elsewhere.

use std::ops::Range;

use super::{
    decimal::{decimal, grow},
    text::{Token, fold},
    units::measure_after,
};

/// A number in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spelled {
    /// Where it stands.
    pub(super) range: Range<usize>,
    /// The tokens it takes.
    pub(super) words: usize,
    /// Its canonical decimal.
    pub(super) value: String,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `one` to `twelve`: may count what the sentence itself lists.
    Small,
    /// Anything larger or composed.
    Cardinal,
    /// `third`, `twenty-first`.
    Ordinal,
    /// `two thirds`, `half`: numerator and denominator.
    Share(u32, u32),
    /// `half an hour`, `half a per cent`: a half of the unit after it.
    Part,
}

/// Every number in words of a text, in order.
pub(super) fn spelled(text: &str, words: &[Token<'_>]) -> Vec<Spelled> {
    let folded: Vec<String> = words.iter().map(|word| fold(word.text)).collect();
    let reader = Reader { text, words, folded: &folded };
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        match reader.read(at) {
            Some(number) => {
                at += number.words;
                found.push(number);
            }
            None => at += 1,
        }
    }
    found
}

/// The power of ten a word multiplies by: "thousand", "Mio".
pub(super) fn scale(word: &str) -> Option<usize> {
    match word.to_lowercase().as_str() {
        "hundred" => Some(2),
        "thousand" | "tausend" => Some(3),
        "lakh" => Some(5),
        "million" | "millions" | "millionen" | "mio" => Some(6),
        "crore" => Some(7),
        "billion" | "billions" | "bn" | "milliarden" | "mrd" => Some(9),
        "trillion" | "trillions" => Some(12),
        _ => None,
    }
}

/// The value of `½` and its like, as numerator and denominator.
pub(super) fn vulgar(c: char) -> Option<(u32, u32)> {
    Some(match c {
        '½' => (1, 2),
        '⅓' => (1, 3),
        '⅔' => (2, 3),
        '¼' => (1, 4),
        '¾' => (3, 4),
        '⅕' => (1, 5),
        '⅖' => (2, 5),
        '⅗' => (3, 5),
        '⅘' => (4, 5),
        '⅙' => (1, 6),
        '⅚' => (5, 6),
        '⅛' => (1, 8),
        '⅜' => (3, 8),
        '⅝' => (5, 8),
        '⅞' => (7, 8),
        _ => return None,
    })
}

/// The decimal of a fraction, when it ends.
pub(super) fn fraction(numerator: u32, denominator: u32) -> Option<String> {
    let mut places = 0;
    let mut scaled = u64::from(numerator);
    let denominator = u64::from(denominator);
    while denominator > 0 && places <= 6 {
        if scaled.is_multiple_of(denominator) {
            let digits = format!("{:0>width$}", scaled / denominator, width = places + 1);
            let (whole, rest) = digits.split_at(digits.len() - places);
            return Some(decimal(whole, rest));
        }
        scaled *= 10;
        places += 1;
    }
    None
}

struct Reader<'a> {
    text: &'a str,
    words: &'a [Token<'a>],
    folded: &'a [String],
}

impl Reader<'_> {
    fn read(&self, at: usize) -> Option<Spelled> {
        self.half(at).or_else(|| self.share(at)).or_else(|| self.cardinal(at).map(|number| self.and_a_half(at, number)))
    }

    /// `two and a half`.
    fn and_a_half(&self, at: usize, number: Spelled) -> Spelled {
        let next = at + number.words;
        let follows = ["and", "a", "half"]
            .iter()
            .zip(next..)
            .all(|(word, at)| self.joined(at) && self.folded.get(at).is_some_and(|folded| folded == word));
        if !follows || number.kind == Kind::Ordinal {
            return number;
        }
        self.spelled(at, number.words + 3, format!("{}.5", number.value), Kind::Cardinal)
    }

    /// `half`, `half a million`, `half a dozen`, `half an hour`.
    fn half(&self, at: usize) -> Option<Spelled> {
        if self.folded[at] != "half" {
            return None;
        }
        if self.joined(at + 1) && self.folded[at + 1] == "a" && self.joined(at + 2) {
            let many = scale(&self.folded[at + 2]).map(|places| grow("0.5", places));
            let many = many.or_else(|| (self.folded[at + 2] == "dozen").then(|| "6".to_owned()));
            if let Some(value) = many {
                return Some(self.spelled(at, 3, value, Kind::Cardinal));
            }
        }
        let article = self.joined(at + 1) && matches!(self.folded[at + 1].as_str(), "a" | "an");
        let words = if article { 2 } else { 1 };
        if measure_after(self.text, self.words[at + words - 1].end()).unit.is_some() {
            return Some(self.spelled(at, words, "0.5".to_owned(), Kind::Part));
        }
        Some(self.spelled(at, 1, "0.5".to_owned(), Kind::Share(1, 2)))
    }

    /// `two thirds`, `a quarter`, `one-tenth`. An ordinal after "a" is a share only before "of".
    fn share(&self, at: usize) -> Option<Spelled> {
        let numerator = match self.folded[at].as_str() {
            "a" | "an" => 1,
            word => small(word).filter(|value| (1..=19).contains(value))?,
        };
        if !self.joined(at + 1) {
            return None;
        }
        let part = self.folded[at + 1].as_str();
        let singular = part.strip_suffix('s').unwrap_or(part);
        let denominator = if singular == "quarter" { 4 } else { ordinal(singular).filter(|value| *value > 2)? };
        let before_of = self.folded.get(at + 2).is_some_and(|next| next == "of");
        let is_plural = singular.len() < part.len();
        let fits = if numerator == 1 { !is_plural && before_of } else { is_plural };
        if !fits {
            return None;
        }
        let value = fraction(numerator, denominator).unwrap_or_else(|| format!("{numerator}/{denominator}"));
        Some(self.spelled(at, 2, value, Kind::Share(numerator, denominator)))
    }

    fn cardinal(&self, start: usize) -> Option<Spelled> {
        let mut total: u64 = 0;
        let mut current: u64 = 0;
        let mut last_scale = u64::MAX;
        let mut at = start;
        let mut taken = 0;
        let mut kind = Kind::Small;
        if matches!(self.folded[at].as_str(), "a" | "an") {
            let next = self.folded.get(at + 1).filter(|_| self.joined(at + 1))?;
            if !matches!(next.as_str(), "hundred" | "thousand" | "million" | "billion" | "trillion" | "dozen") {
                return None;
            }
            at += 1;
        }
        while at < self.folded.len() && (at == start || self.joined(at)) {
            let word = self.folded[at].as_str();
            if let Some(value) = small(word) {
                let fits = if value >= 20 {
                    current.is_multiple_of(100)
                } else {
                    current.is_multiple_of(100) || fits_tens(current, value)
                };
                if taken > 0 && !fits || taken > 0 && current == 0 && total == 0 {
                    break;
                }
                current += value_of(value);
            } else if let Some(value) = ordinal(word) {
                // "twenty-first" is one number, "two first steps" are two.
                if taken > 0 && (!current.is_multiple_of(10) || current == 0 || value >= 10) {
                    break;
                }
                current += value_of(value);
                kind = Kind::Ordinal;
                at += 1;
                taken = at - start;
                break;
            } else if word == "dozen" && (taken > 0 || at > start) {
                current = current.max(1) * 12;
                kind = Kind::Cardinal;
            } else if word == "hundred" && current < 100 && (taken > 0 || at > start) {
                current = current.max(1) * 100;
            } else if let Some(places) = scale(word).filter(|places| *places > 2 && (taken > 0 || at > start)) {
                let scale = 10_u64.pow(u32::try_from(places).unwrap_or(0));
                if scale >= last_scale {
                    break;
                }
                total += current.max(1).saturating_mul(scale);
                current = 0;
                last_scale = scale;
            } else if word == "and" && taken > 0 && current.is_multiple_of(100) && (current > 0 || total > 0) {
                let goes_on = self.joined(at + 1) && self.folded.get(at + 1).and_then(|next| small(next)).is_some();
                if !goes_on {
                    break;
                }
            } else {
                break;
            }
            at += 1;
            taken = at - start;
            if taken >= WORDS_MAX {
                break;
            }
        }
        if taken == 0 {
            return None;
        }
        let value = total.saturating_add(current);
        if kind == Kind::Small && (value > 12 || taken > 1) {
            kind = Kind::Cardinal;
        }
        Some(self.spelled(start, taken, value.to_string(), kind))
    }

    /// Whether only a space or a hyphen stands before the word.
    fn joined(&self, at: usize) -> bool {
        let (Some(word), Some(before)) = (self.words.get(at), at.checked_sub(1).map(|before| &self.words[before]))
        else {
            return false;
        };
        let gap = &self.text[before.end()..word.start];
        matches!(gap, " " | "-" | "‑") || gap.len() <= GAP_MAX && gap.starts_with('\n') && gap.trim().is_empty()
    }

    fn spelled(&self, at: usize, words: usize, value: String, kind: Kind) -> Spelled {
        Spelled { range: self.words[at].start..self.words[at + words - 1].end(), words, value, kind }
    }
}

/// The longest number in words that is read as one.
const WORDS_MAX: usize = 16;

/// The longest line break inside a number, in bytes.
const GAP_MAX: usize = 8;

fn fits_tens(current: u64, value: u32) -> bool {
    current.is_multiple_of(10) && (1..10).contains(&value)
}

fn value_of(value: u32) -> u64 {
    u64::from(value)
}

fn small(word: &str) -> Option<u32> {
    Some(match word {
        "zero" => 0,
        "one" | "once" => 1,
        "two" | "twice" => 2,
        "three" | "thrice" => 3,
        "four" => 4,
        "five" => 5,
        "six" => 6,
        "seven" => 7,
        "eight" => 8,
        "nine" => 9,
        "ten" => 10,
        "eleven" => 11,
        "twelve" => 12,
        "thirteen" => 13,
        "fourteen" => 14,
        "fifteen" => 15,
        "sixteen" => 16,
        "seventeen" => 17,
        "eighteen" => 18,
        "nineteen" => 19,
        "twenty" => 20,
        "thirty" => 30,
        "forty" => 40,
        "fifty" => 50,
        "sixty" => 60,
        "seventy" => 70,
        "eighty" => 80,
        "ninety" => 90,
        _ => return None,
    })
}

fn ordinal(word: &str) -> Option<u32> {
    Some(match word {
        "first" => 1,
        "second" => 2,
        "third" => 3,
        "fourth" => 4,
        "fifth" => 5,
        "sixth" => 6,
        "seventh" => 7,
        "eighth" => 8,
        "ninth" => 9,
        "tenth" => 10,
        "eleventh" => 11,
        "twelfth" => 12,
        "twentieth" => 20,
        "thirtieth" => 30,
        "hundredth" => 100,
        _ => return None,
    })
}

/// Whether a folded word is or belongs to a number in words.
pub(super) fn is_number_word(folded: &str) -> bool {
    small(folded).is_some() || ordinal(folded).is_some() || matches!(folded, "half" | "hundred" | "dozen")
}

#[cfg(test)]
mod tests {
    use super::{super::text::tokens, Kind, spelled};

    #[test]
    fn words_add_up() {
        for (text, expected) in [
            ("twelve hundred ships", vec![("1200", Kind::Cardinal)]),
            ("one thousand two hundred and thirty-four", vec![("1234", Kind::Cardinal)]),
            ("two million five hundred thousand", vec![("2500000", Kind::Cardinal)]),
            ("a hundred and five", vec![("105", Kind::Cardinal)]),
            (
                "a dozen, two dozen, half a dozen",
                vec![("12", Kind::Cardinal), ("24", Kind::Cardinal), ("6", Kind::Cardinal)],
            ),
            ("half a million", vec![("500000", Kind::Cardinal)]),
            ("seven and eight", vec![("7", Kind::Small), ("8", Kind::Small)]),
            ("two three", vec![("2", Kind::Small), ("3", Kind::Small)]),
            ("twenty-one, forty", vec![("21", Kind::Cardinal), ("40", Kind::Cardinal)]),
            ("the twenty-first and the third", vec![("21", Kind::Ordinal), ("3", Kind::Ordinal)]),
            ("two thirds of it", vec![("2/3", Kind::Share(2, 3))]),
            ("a quarter of it", vec![("0.25", Kind::Share(1, 4))]),
            ("a third replica", vec![("3", Kind::Ordinal)]),
            ("half of it", vec![("0.5", Kind::Share(1, 2))]),
            ("a thousand of them", vec![("1000", Kind::Cardinal)]),
            ("thousands of them, a page", vec![]),
        ] {
            let found = spelled(text, &tokens(text));
            let found: Vec<_> = found.iter().map(|number| (number.value.as_str(), number.kind)).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
