//! Numbers in text. Owns where they begin and end and what belongs to them; when one supports another is in `support`.

use std::ops::Range;

use super::{
    around::{counted, likeness, near},
    bounds::{Stated, stated},
    currency::currency_before,
    decimal::{Style, decimal, grow, readings, shrink},
    fractions::{in_words, part_of, share, slashed, vulgar_at},
    scan::{glued_scale, is_group, is_versioned, list_marker, parts, run_end, word_end},
    spelled::{Kind, scale, spelled, vulgar},
    spellings::unit,
    text::{Token, fold, tokens},
    units::{Measure, measure_after},
};

/// A number as written, with what it may mean.
#[derive(Clone, Debug)]
pub(super) struct Number {
    /// As written, with its unit when glued.
    pub(super) text: String,
    /// As written, with the words that belong to it: `more than 50 ms`.
    pub(super) shown: String,
    /// Where the number stands, without its unit.
    pub(super) range: Range<usize>,
    /// The values it may stand for, as canonical decimals.
    pub(super) values: Vec<String>,
    /// What part of a whole it may be, as a canonical decimal or `1/3`: 12 %, 0.12 and "a third" are such.
    pub(super) shares: Vec<String>,
    pub(super) measure: Measure,
    /// Stems of what it counts: at most two words directly after it.
    pub(super) counts: Vec<String>,
    /// The stem of the word directly after it that may be a unit nobody listed.
    pub(super) likeness: Option<String>,
    /// Stems of the words around it and its unit.
    pub(super) near: Vec<String>,
    pub(super) stated: Stated,
    pub(super) negative: bool,
    /// It is part of a name: the 256 of SHA-256.
    pub(super) attached: bool,
    pub(super) origin: Origin,
}

/// What a number was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Digits,
    Words(Kind),
    /// The year, or the day, of a date.
    Date,
}

impl Number {
    /// A year or a day.
    pub(super) fn plain(value: u32) -> Self {
        let mut number = Self::of(value.to_string(), 0..0, vec![value.to_string()]);
        number.origin = Origin::Date;
        number
    }

    pub(super) fn of(text: String, range: Range<usize>, values: Vec<String>) -> Self {
        Self {
            shown: text.clone(),
            text,
            range,
            values,
            shares: Vec::new(),
            measure: Measure::default(),
            counts: Vec::new(),
            likeness: None,
            near: Vec::new(),
            stated: Stated::default(),
            negative: false,
            attached: false,
            origin: Origin::Digits,
        }
    }

    /// Reads what stands around the number. `tail_end` is where its digits and what is glued to them end.
    pub(super) fn surround(&mut self, text: &str, from: usize) {
        self.measure = measure_after(text, from);
        if self.measure.unit.is_none()
            && let Some(currency) = currency_before(text, self.range.start)
        {
            self.measure.unit = Some(currency);
        }
        if self.measure.unit.is_none() {
            self.counts = counted(text, self.measure.end);
            self.likeness = likeness(text, self.measure.end);
        }
        self.near = near(text, &self.range, self.measure.end);
        let (stated, shown) = stated(text, &self.range, self.measure.end);
        self.stated = stated;
        self.shown = text[shown..self.measure.end.max(self.range.end)].trim().to_owned();
        if self.measure.unit == Some("%") {
            self.shares = self.values.iter().map(|value| shrink(value, 2)).collect();
        } else if self.measure.unit.is_some() {
            // Three quarters of an inch are no part of a whole.
            self.shares.clear();
        } else if self.shares.is_empty() {
            self.shares = self.values.iter().filter(|value| value.starts_with("0.")).cloned().collect();
        }
    }
}

/// Every number of a sentence that may have to be proved: in digits, and in words.
pub(super) fn claims(text: &str, taken: &[Range<usize>]) -> Vec<Number> {
    let mut found = numbers(text, taken);
    let words = tokens(text);
    for word in spelled(text, &words) {
        let is_taken = taken.iter().any(|range| range.contains(&word.range.start));
        // "one" is a pronoun.
        let is_claim = match word.kind {
            Kind::Small => word.value != "1" && word.value != "0",
            Kind::Cardinal => true,
            Kind::Ordinal => true,
            Kind::Part => false,
            Kind::Share(..) => ["of", "the"].iter().any(|next| text[word.range.end..].trim_start().starts_with(next)),
        };
        if is_claim && !is_taken {
            let mut number = in_words(text, &word);
            // "At nine" counts nothing that the sentence could list.
            if word.kind == Kind::Small && number.counts.is_empty() && follows_preposition(text, &words, &word.range) {
                number.origin = Origin::Words(Kind::Cardinal);
            }
            found.push(number);
        }
    }
    found.sort_by_key(|number| number.range.start);
    spread(text, &mut found, false);
    found
}

/// Words after which a bare number is a moment, a bound or a measure.
const BEFORE_MOMENTS: [&str; 9] = ["at", "by", "until", "till", "since", "before", "after", "from", "than"];

fn follows_preposition(text: &str, words: &[Token<'_>], number: &Range<usize>) -> bool {
    let before = words.iter().take_while(|word| word.start < number.start).last();
    before.is_some_and(|word| {
        text[word.end()..number.start].trim().is_empty() && BEFORE_MOMENTS.contains(&fold(word.text).as_str())
    })
}

/// Whether a number of a sentence without any citation is a claim: not a part of a name, nor "three reasons".
pub(super) fn must_be_cited(number: &Number) -> bool {
    let is_count = matches!(number.origin, Origin::Words(Kind::Small)) && number.measure.unit.is_none()
        || number.origin == Origin::Words(Kind::Ordinal);
    !number.attached && !is_count
}

/// Every number written with digits outside `taken`. Digits that follow a letter belong to a name, not to a number.
pub(super) fn numbers(text: &str, taken: &[Range<usize>]) -> Vec<Number> {
    let bytes = text.as_bytes();
    let style = Style::of(text);
    let mut found = Vec::new();
    let mut i = list_marker(text);
    let mut taken = taken.iter().peekable();
    while i < bytes.len() {
        while taken.next_if(|range| range.end <= i).is_some() {}
        if let Some(range) = taken.peek()
            && range.contains(&i)
        {
            i = range.end;
            continue;
        }
        if !bytes[i].is_ascii_digit() {
            i += vulgar_at(text, i, &mut found);
            continue;
        }
        let end = run_end(bytes, i);
        let before = text[..i].chars().next_back();
        let tail_end = word_end(text, end);
        // A letter before means a name such as sha256 or v2; `T` after a date and `v` before a version do not.
        let named = before.is_some_and(|c| c.is_alphanumeric() || c == '_') && !is_versioned(text, i);
        if !named {
            push(text, i..end, tail_end, style, &mut found);
        }
        i = tail_end.max(i + 1);
    }
    slashed(text, &mut found);
    spread(text, &mut found, false);
    found
}

/// Numbers of a quote: those in digits, joined groups ("1 234"), those in words, and parts of a whole.
pub(super) fn evidence_numbers(text: &str, taken: &[Range<usize>]) -> Vec<Number> {
    let mut found = numbers(text, taken);
    let words = tokens(text);
    for (at, first) in words.iter().enumerate() {
        let mut digits = String::from(first.text);
        let mut last = at;
        while is_group(&words[at], 1..=3)
            && let Some(next) = words.get(last + 1)
            && is_group(next, 3..=3)
            && text[words[last].end()..next.start] == *" "
        {
            digits.push_str(next.text);
            last += 1;
        }
        if last > at {
            let mut joined = Number::of(digits.clone(), first.start..words[last].end(), vec![decimal(&digits, "")]);
            joined.surround(text, words[last].end());
            found.push(joined);
        }
    }
    found.extend(spelled(text, &words).iter().map(|word| in_words(text, word)));
    found.sort_by_key(|number| number.range.start);
    spread(text, &mut found, true);
    let parts: Vec<Number> = found.windows(2).filter_map(|pair| part_of(text, &pair[0], &pair[1])).collect();
    found.extend(parts);
    found
}

/// In a range, what follows the second number holds for the first: "10 to 20 ms". In a quote, which may say more than is
/// asked of it, so it does in a list: "4, 5 and 6 metres".
fn spread(text: &str, found: &mut [Number], in_lists: bool) {
    for at in (1..found.len()).rev() {
        let (before, after) = found.split_at_mut(at);
        let (Some(left), Some(right)) = (before.last_mut(), after.first()) else { continue };
        let gap = text.get(left.range.end..right.range.start).unwrap_or_default().trim();
        let is_range = matches!(gap, "-" | "–" | "—" | "to" | "bis" | "through" | "/")
            || in_lists && matches!(gap, "," | "and" | "or" | ", and" | ", or" | "und" | "oder")
            || matches!(gap, "and" | "und") && follows_between(&text[..left.range.start]);
        if is_range && left.measure.unit.is_none() && left.counts.is_empty() && left.shares.is_empty() {
            left.measure.unit = right.measure.unit;
            left.measure.per = right.measure.per;
            left.counts.clone_from(&right.counts);
            if right.measure.unit == Some("%") {
                left.shares = left.values.iter().map(|value| shrink(value, 2)).collect();
            }
        }
    }
}

fn follows_between(before: &str) -> bool {
    before
        .trim_end()
        .rsplit(char::is_whitespace)
        .next()
        .is_some_and(|word| matches!(word, "between" | "Between" | "zwischen"))
}

fn push(text: &str, run: Range<usize>, tail_end: usize, style: Style, found: &mut Vec<Number>) {
    let tail = &text[run.end..tail_end];
    let before = &text[..run.start];
    let last = before.chars().next_back();
    let before_last = before.chars().rev().nth(1);
    let attached = matches!(last, Some('-' | '‑' | '/' | '+' | '.')) && before_last.is_some_and(char::is_alphabetic);
    // An en dash after a number and a space belongs to a range.
    let is_range = last == Some('–') && before.trim_end_matches(['–', ' ']).ends_with(|c: char| c.is_ascii_digit());
    let is_minus = matches!(last, Some('-' | '−' | '–')) && !is_range;
    let negative = is_minus && before_last.is_none_or(|c| c.is_whitespace() || c == '(')
        || before.trim_end().rsplit(char::is_whitespace).next().is_some_and(|word| word.eq_ignore_ascii_case("minus"));
    let digits = &text[run.clone()];
    let vulgar = tail.chars().next().and_then(vulgar).filter(|_| tail.chars().count() == 1);
    if let Some((numerator, denominator)) = vulgar {
        // `2½`
        let whole = digits.parse::<u32>().ok().and_then(|whole| whole.checked_mul(denominator)?.checked_add(numerator));
        let values = whole.map(|whole| share(whole, denominator)).into_iter().collect();
        let mut number = Number::of(text[run.start..tail_end].to_owned(), run.start..tail_end, values);
        number.surround(text, tail_end);
        found.push(number);
        return;
    }
    let is_glued_unit = unit(tail).is_some();
    if !is_glued_unit && tail.bytes().any(|b| b.is_ascii_digit()) || digits.starts_with('0') && tail.starts_with('x') {
        // `3d7a`, `0x1f`: only the same letters and digits are the same. `1e6` is a million too.
        let whole = &text[run.start..tail_end];
        let mut values = vec![fold(whole)];
        let power = tail.strip_prefix(['e', 'E']).and_then(|power| power.parse::<usize>().ok()).filter(|p| *p <= 30);
        values.extend(
            power.into_iter().flat_map(|power| readings(digits, style).into_iter().map(move |v| grow(&v, power))),
        );
        let mut number = Number::of(whole.to_owned(), run.start..tail_end, values);
        (number.negative, number.attached) = (negative, attached);
        found.push(number);
        return;
    }
    let is_decade = tail == "s" && digits.len() == 4;
    // The 1990s are no year.
    let decade = is_decade && digits.starts_with(['1', '2']) && digits.ends_with('0');
    let rest = text[tail_end..].trim_start_matches([' ', '\n', '\u{a0}', '\u{202f}', '-']);
    let next = &rest[..word_end(rest, 0)];
    let glued = glued_scale(tail, currency_before(text, run.start).is_some());
    let places = glued.or_else(|| scale(next).filter(|_| tail.is_empty()));
    let scale_end = if glued.is_none() && places.is_some() { text.len() - rest.len() + next.len() } else { tail_end };
    for part in parts(digits) {
        let mut number = Number::of(format!("{part}{tail}"), run.start..run.end, readings(part, style));
        (number.negative, number.attached) = (negative, attached);
        // A glued ordinal or scale ends before its unit; a glued unit is the unit.
        let from = if is_glued_unit && !is_decade && glued.is_none() { run.end } else { scale_end };
        number.surround(text, from);
        number.shown = if number.shown.len() < number.text.len() { number.text.clone() } else { number.shown };
        if decade {
            number.values = vec![number.text.clone()];
        }
        if let Some(places) = places {
            number.values = number.values.iter().map(|value| grow(value, places)).collect();
        }
        found.push(number);
    }
}
