//! How a number is stated: exactly, about, or as a bound. Owns the words and what follows from what; reads no number.

use std::ops::Range;

use super::currency::is_sign;

/// What a sentence says of a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stated {
    pub(super) bound: Bound,
    pub(super) about: About,
}

/// On which side of the number the truth lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Bound {
    #[default]
    Exact,
    /// `more than`.
    Above,
    /// `at least`.
    AtLeast,
    /// `less than`.
    Below,
    /// `at most`, `within`.
    AtMost,
    /// `over 50` may be a bound or "averaged over 50 runs"; `under` likewise. `50+` may mean 50 too.
    Over,
    Under,
}

/// Whether the number claims to be rounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum About {
    #[default]
    Exact,
    /// `about`.
    Near,
    /// `nearly`.
    Short,
    /// `just over`.
    Past,
}

impl Bound {
    const fn is_up(self) -> bool {
        matches!(self, Self::Above | Self::AtLeast | Self::Over)
    }

    const fn is_down(self) -> bool {
        matches!(self, Self::Below | Self::AtMost | Self::Under)
    }

    /// Whether a quote with the bound `theirs` at the same number says this. `continuous` is true of measures, where
    /// "less than" and "at most" are the same but for a point.
    pub(super) const fn follows_from(self, theirs: Self, continuous: bool) -> bool {
        match self {
            Self::Exact => true,
            Self::AtLeast | Self::Over => !theirs.is_down(),
            Self::AtMost | Self::Under => !theirs.is_up(),
            Self::Above => matches!(theirs, Self::Above | Self::Over) || continuous && matches!(theirs, Self::AtLeast),
            Self::Below => matches!(theirs, Self::Below | Self::Under) || continuous && matches!(theirs, Self::AtMost),
        }
    }
}

impl Stated {
    /// Whether the number lies below what is meant: then it may be cut off, not only rounded.
    pub(super) const fn is_up(self) -> bool {
        self.bound.is_up() || matches!(self.about, About::Past)
    }

    /// Whether it lies above what is meant.
    pub(super) const fn is_down(self) -> bool {
        self.bound.is_down() || matches!(self.about, About::Short)
    }
}

enum Says {
    Bound(Bound),
    About(About),
    Both(Bound, About),
}

/// Longer phrases first: "no more than" is not "more than".
const BEFORE: &[(&str, Says)] = &[
    ("no more than", Says::Bound(Bound::AtMost)),
    ("not more than", Says::Bound(Bound::AtMost)),
    ("no longer than", Says::Bound(Bound::AtMost)),
    ("no later than", Says::Bound(Bound::AtMost)),
    ("no greater than", Says::Bound(Bound::AtMost)),
    ("no higher than", Says::Bound(Bound::AtMost)),
    ("not exceed", Says::Bound(Bound::AtMost)),
    ("not exceeding", Says::Bound(Bound::AtMost)),
    ("cannot exceed", Says::Bound(Bound::AtMost)),
    ("never exceeds", Says::Bound(Bound::AtMost)),
    ("no less than", Says::Bound(Bound::AtLeast)),
    ("not less than", Says::Bound(Bound::AtLeast)),
    ("no fewer than", Says::Bound(Bound::AtLeast)),
    ("not fewer than", Says::Bound(Bound::AtLeast)),
    ("slightly more than", Says::Both(Bound::Above, About::Past)),
    ("little more than", Says::Both(Bound::Above, About::Past)),
    ("just over", Says::Both(Bound::Above, About::Past)),
    ("slightly over", Says::Both(Bound::Above, About::Past)),
    ("slightly less than", Says::Both(Bound::Below, About::Short)),
    ("little less than", Says::Both(Bound::Below, About::Short)),
    ("just under", Says::Both(Bound::Below, About::Short)),
    ("more than", Says::Bound(Bound::Above)),
    ("greater than", Says::Bound(Bound::Above)),
    ("larger than", Says::Bound(Bound::Above)),
    ("longer than", Says::Bound(Bound::Above)),
    ("higher than", Says::Bound(Bound::Above)),
    ("older than", Says::Bound(Bound::Above)),
    ("in excess of", Says::Bound(Bound::Above)),
    ("above", Says::Bound(Bound::Above)),
    ("beyond", Says::Bound(Bound::Above)),
    ("exceeds", Says::Bound(Bound::Above)),
    ("exceeded", Says::Bound(Bound::Above)),
    ("exceeding", Says::Bound(Bound::Above)),
    ("exceed", Says::Bound(Bound::Above)),
    ("less than", Says::Bound(Bound::Below)),
    ("fewer than", Says::Bound(Bound::Below)),
    ("smaller than", Says::Bound(Bound::Below)),
    ("shorter than", Says::Bound(Bound::Below)),
    ("lower than", Says::Bound(Bound::Below)),
    ("younger than", Says::Bound(Bound::Below)),
    ("below", Says::Bound(Bound::Below)),
    ("at least", Says::Bound(Bound::AtLeast)),
    ("minimum of", Says::Bound(Bound::AtLeast)),
    ("minimum", Says::Bound(Bound::AtLeast)),
    ("upwards of", Says::Bound(Bound::AtLeast)),
    ("at most", Says::Bound(Bound::AtMost)),
    ("up to", Says::Bound(Bound::AtMost)),
    ("maximum of", Says::Bound(Bound::AtMost)),
    ("maximum", Says::Bound(Bound::AtMost)),
    ("limited to", Says::Bound(Bound::AtMost)),
    ("limit of", Says::Bound(Bound::AtMost)),
    ("capped at", Says::Bound(Bound::AtMost)),
    ("within", Says::Bound(Bound::AtMost)),
    ("over", Says::Bound(Bound::Over)),
    ("under", Says::Bound(Bound::Under)),
    (">=", Says::Bound(Bound::AtLeast)),
    ("≥", Says::Bound(Bound::AtLeast)),
    ("<=", Says::Bound(Bound::AtMost)),
    ("≤", Says::Bound(Bound::AtMost)),
    (">", Says::Bound(Bound::Above)),
    ("<", Says::Bound(Bound::Below)),
    ("about", Says::About(About::Near)),
    ("around", Says::About(About::Near)),
    ("roughly", Says::About(About::Near)),
    ("approximately", Says::About(About::Near)),
    ("approx.", Says::About(About::Near)),
    ("approx", Says::About(About::Near)),
    ("circa", Says::About(About::Near)),
    ("ca.", Says::About(About::Near)),
    ("some", Says::About(About::Near)),
    ("close to", Says::About(About::Near)),
    ("~", Says::About(About::Near)),
    ("≈", Says::About(About::Near)),
    ("nearly", Says::About(About::Short)),
    ("almost", Says::About(About::Short)),
];

const AFTER: &[(&str, Says)] = &[
    ("or more", Says::Bound(Bound::AtLeast)),
    ("or above", Says::Bound(Bound::AtLeast)),
    ("and above", Says::Bound(Bound::AtLeast)),
    ("or longer", Says::Bound(Bound::AtLeast)),
    ("at least", Says::Bound(Bound::AtLeast)),
    ("+", Says::Bound(Bound::Over)),
    ("or less", Says::Bound(Bound::AtMost)),
    ("or fewer", Says::Bound(Bound::AtMost)),
    ("or below", Says::Bound(Bound::AtMost)),
    ("at most", Says::Bound(Bound::AtMost)),
    ("at the most", Says::Bound(Bound::AtMost)),
    ("or so", Says::About(About::Near)),
];

/// How far before a number its phrase is looked for, in bytes, and how many phrases are read.
const WINDOW: usize = 48;
const PHRASES_MAX: usize = 3;
/// How many words after a number may stand before "or more".
const WORDS_AFTER_MAX: usize = 2;

/// What the text says of the number at `range`; `measure_end` is where its unit ends. The second value is where the
/// first phrase begins, for showing it.
pub(super) fn stated(text: &str, range: &Range<usize>, measure_end: usize) -> (Stated, usize) {
    let mut stated = Stated::default();
    let mut from = range.start.saturating_sub(WINDOW);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let window = &text[from..range.start];
    // Only ASCII is made lower so that places stay what they are.
    let lower = window.to_ascii_lowercase().replace('\n', " ");
    let mut rest = lower.trim_end_matches(|c: char| c.is_whitespace() || is_sign(c));
    for _ in 0..PHRASES_MAX {
        let found = BEFORE.iter().find(|(phrase, _)| ends_with_phrase(rest, phrase));
        let Some((phrase, says)) = found else { break };
        stated.take(says);
        rest = rest[..rest.len() - phrase.len()].trim_end();
    }
    let start = if stated == Stated::default() { range.start } else { from + rest.len() };
    stated.read_after(&text[measure_end..]);
    let shown = start + (text[start..].len() - text[start..].trim_start().len());
    (stated, shown)
}

impl Stated {
    fn take(&mut self, says: &Says) {
        let (bound, about) = match says {
            Says::Bound(bound) => (*bound, About::Exact),
            Says::About(about) => (Bound::Exact, *about),
            Says::Both(bound, about) => (*bound, *about),
        };
        if self.bound == Bound::Exact {
            self.bound = bound;
        }
        if self.about == About::Exact {
            self.about = about;
        }
    }

    fn read_after(&mut self, after: &str) {
        let mut rest = after;
        for _ in 0..=WORDS_AFTER_MAX {
            let trimmed = rest.strip_prefix(' ').unwrap_or(rest);
            let found = AFTER.iter().find(|(phrase, _)| {
                trimmed.strip_prefix(phrase).is_some_and(|after| !after.starts_with(char::is_alphanumeric))
            });
            if let Some((_, says)) = found {
                self.take(says);
                return;
            }
            let word = trimmed.find(|c: char| !c.is_alphanumeric()).unwrap_or(trimmed.len());
            if word == 0 {
                return;
            }
            rest = &trimmed[word..];
        }
    }
}

fn ends_with_phrase(text: &str, phrase: &str) -> bool {
    text.strip_suffix(phrase).is_some_and(|before| {
        !phrase.starts_with(char::is_alphabetic) || !before.ends_with(|c: char| c.is_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::{About, Bound, stated};

    #[test]
    fn bounds_are_read_before_and_after_a_number() {
        for (text, bound, about) in [
            ("more than 5 ships", Bound::Above, About::Exact),
            ("no more than 5 ships", Bound::AtMost, About::Exact),
            ("at least about 5 ships", Bound::AtLeast, About::Near),
            ("costs more than $5", Bound::Above, About::Exact),
            ("5 ships or more", Bound::AtLeast, About::Exact),
            ("5+ ships", Bound::Over, About::Exact),
            ("5 or fewer", Bound::AtMost, About::Exact),
            ("nearly 5", Bound::Exact, About::Short),
            ("just over 5", Bound::Above, About::Past),
            (">=5", Bound::AtLeast, About::Exact),
            ("Handsome 5", Bound::Exact, About::Exact),
            ("exactly 5 ships", Bound::Exact, About::Exact),
        ] {
            let at = text.find('5').unwrap();
            let (found, _) = stated(text, &(at..at + 1), at + 1);
            assert_eq!((found.bound, found.about), (bound, about), "{text}");
        }
    }

    #[test]
    fn a_bound_may_be_weakened_and_not_turned() {
        use Bound::{Above, AtLeast, AtMost, Below, Exact, Over, Under};
        for (ours, theirs, continuous, follows) in [
            (AtLeast, Above, false, true),
            (AtLeast, Exact, false, true),
            (Above, AtLeast, false, false),
            (Above, AtLeast, true, true),
            (Above, Exact, true, false),
            (AtMost, AtLeast, true, false),
            (Below, Above, true, false),
            (Exact, AtMost, true, true),
            (Over, Under, true, false),
            (Under, Over, true, false),
            (Over, AtMost, true, false),
            (Over, Exact, false, true),
        ] {
            assert_eq!(ours.follows_from(theirs, continuous), follows, "{ours:?} from {theirs:?}");
        }
    }
}
