//! Parts of a whole: `3 of 4`, `3/4`, `½`, "two thirds". Owns how they are read; a fraction of a unit, such as half an
//! hour, is none.

use super::{
    bounds::stated,
    numbers::{Number, Origin},
    spelled::{Kind, Spelled, fraction, vulgar},
    units::measure_after,
};

/// "3 of 4", "one in ten", "3 out of 4" as a part of a whole.
pub(super) fn part_of(text: &str, part: &Number, whole: &Number) -> Option<Number> {
    let gap = text.get(part.range.end..whole.range.start)?.trim();
    let (numerator, denominator) = (part.values.first()?.parse().ok()?, whole.values.first()?.parse().ok()?);
    if !matches!(gap, "of" | "out of" | "in" | "in every" | "of every") || numerator >= denominator {
        return None;
    }
    let mut number = Number::of(text[part.range.start..whole.range.end].to_owned(), part.range.clone(), Vec::new());
    number.shares = vec![share(numerator, denominator)];
    Some(number)
}

pub(super) fn share(numerator: u32, denominator: u32) -> String {
    fraction(numerator, denominator).unwrap_or_else(|| format!("{numerator}/{denominator}"))
}

pub(super) fn in_words(text: &str, word: &Spelled) -> Number {
    let written = &text[word.range.clone()];
    let mut number = Number::of(written.to_owned(), word.range.clone(), vec![word.value.clone()]);
    number.origin = Origin::Words(word.kind);
    if let Kind::Share(numerator, denominator) = word.kind {
        if !is_of_unit(text, word.range.end) {
            number.shares = vec![share(numerator, denominator)];
        }
        let (stated, shown) = stated(text, &word.range, word.range.end);
        number.stated = stated;
        number.shown = text[shown..word.range.end].to_owned();
        return number;
    }
    number.surround(text, word.range.end);
    number
}

/// "of an hour", "of a mile": then the part is a measure.
fn is_of_unit(text: &str, from: usize) -> bool {
    let article = [" of a ", " of an "].iter().find(|article| text[from..].starts_with(**article));
    article.is_some_and(|article| measure_after(text, from + article.len() - 1).unit.is_some())
}

/// `½`, also after digits: `2½` is 2.5. Returns the bytes to go on by.
pub(super) fn vulgar_at(text: &str, at: usize, found: &mut Vec<Number>) -> usize {
    let c = text[at..].chars().next().unwrap_or(' ');
    let Some((numerator, denominator)) = vulgar(c) else { return c.len_utf8() };
    let end = at + c.len_utf8();
    let value = share(numerator, denominator);
    let mut number = Number::of(c.to_string(), at..end, vec![value.clone()]);
    number.shares = vec![value];
    number.surround(text, end);
    found.push(number);
    c.len_utf8()
}

/// The whole number that a fraction beginning at `start` completes.
fn whole_before(text: &str, before: &Number, start: usize) -> Option<u32> {
    let gap = text.get(before.range.end..start)?;
    if !matches!(gap, " " | "\u{a0}" | "-") || before.origin != Origin::Digits {
        return None;
    }
    text[before.range.clone()].parse().ok()
}

/// `3/4` is a part of a whole, unless it is a path or a rate.
pub(super) fn slashed(text: &str, found: &mut Vec<Number>) {
    let mut at = 0;
    while at + 1 < found.len() {
        let (part, whole) = (&found[at], &found[at + 1]);
        let is_slash = text.get(part.range.end..whole.range.start) == Some("/");
        let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '/');
        let alone = edge(text[..part.range.start].chars().next_back()) && edge(text[whole.range.end..].chars().next());
        let numbers = part
            .values
            .first()
            .and_then(|v| v.parse::<u32>().ok())
            .zip(whole.values.first().and_then(|v| v.parse().ok()));
        if let Some((numerator, denominator)) = numbers.filter(|(a, b)| is_slash && alone && a < b && *b <= 1000) {
            let range = part.range.start..whole.range.end;
            let mut number =
                Number::of(text[range.clone()].to_owned(), range.clone(), vec![share(numerator, denominator)]);
            number.shares = number.values.clone();
            let whole = at.checked_sub(1).and_then(|before| whole_before(text, &found[before], range.start));
            if let Some(total) = whole.and_then(|whole| whole.checked_mul(denominator)?.checked_add(numerator)) {
                // `2 1/2`
                let before = &found[at - 1];
                number.range.start = before.range.start;
                number.negative = before.negative;
                number.text = text[number.range.clone()].to_owned();
                number.values = vec![share(total, denominator)];
                number.shares.clear();
                at -= 1;
                number.surround(text, range.end);
                found.splice(at..at + 3, [number]);
            } else {
                number.surround(text, range.end);
                found.splice(at..at + 2, [number]);
            }
        }
        at += 1;
    }
}
