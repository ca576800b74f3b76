//! When two texts say the same, and when they say the same with other numbers. Owns both comparisons.

use std::collections::BTreeSet;

use super::{lexicon, words::Bag};

/// What a text is compared by: pairs of neighbouring words, and its numbers.
#[derive(Clone, Debug)]
pub(super) struct Shingles {
    pairs: BTreeSet<(String, String)>,
    content: BTreeSet<String>,
    numbers: BTreeSet<String>,
    negations: usize,
}

/// How much two near-duplicates share at least.
const NEAR: f64 = 0.72;
/// How many content words two texts share at least that contradict each other by their numbers.
const SAME_MATTER: f64 = 0.7;

impl Shingles {
    /// Takes a text apart.
    pub(super) fn of(bag: &Bag) -> Self {
        let (numbers, content): (BTreeSet<String>, BTreeSet<String>) =
            bag.stems.iter().filter(|stem| !lexicon::is_stop(stem)).cloned().partition(|stem| is_number(stem));
        let negations = bag.sequence.iter().filter(|word| is_negation(word)).count();
        let mut pairs: BTreeSet<_> = bag.sequence.windows(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
        if let [only] = bag.sequence.as_slice() {
            pairs.insert((only.clone(), String::new()));
        }
        Self { pairs, content, numbers, negations }
    }

    /// Whether the other text says the same: the same numbers, the same denials and nearly the same words.
    pub(super) fn is_near(&self, other: &Self) -> bool {
        if self.numbers != other.numbers || self.negations != other.negations {
            return false;
        }
        let (smaller, larger) = if self.pairs.len() <= other.pairs.len() {
            (&self.pairs, &other.pairs)
        } else {
            (&other.pairs, &self.pairs)
        };
        if smaller.is_empty() {
            return larger.is_empty();
        }
        let shared = smaller.intersection(larger).count() as f64;
        let all = (smaller.len() + larger.len()) as f64 - shared;
        shared / all >= NEAR || (smaller.len() >= 4 && shared / smaller.len() as f64 >= 0.9)
    }

    /// Whether the other text says the same of the same with other numbers: both give as many, at least one differs,
    /// and nearly all other words are shared.
    pub(super) fn contradicts(&self, other: &Self) -> bool {
        if self.numbers.is_empty()
            || self.numbers.len() != other.numbers.len()
            || self.numbers == other.numbers
            || self.negations != other.negations
            || self.content.len().min(other.content.len()) < 3
        {
            return false;
        }
        let shared = self.content.intersection(&other.content).count() as f64;
        let all = (self.content.len() + other.content.len()) as f64 - shared;
        shared / all >= SAME_MATTER
    }
}

fn is_number(stem: &str) -> bool {
    stem.bytes().any(|b| b.is_ascii_digit())
}

fn is_negation(word: &str) -> bool {
    matches!(word, "not" | "no" | "never" | "cannot" | "neither" | "nor" | "without" | "t" | "none")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shingles(text: &str) -> Shingles {
        Shingles::of(&Bag::of(text))
    }

    #[test]
    fn rewordings_are_near_and_other_numbers_or_denials_are_not() {
        let one = shingles("The lock gate opens at 06:30 every morning in summer.");
        assert!(one.is_near(&shingles("The lock gate opens at 06:30 every morning in the summer.")));
        assert!(!one.is_near(&shingles("The lock gate opens at 07:30 every morning in summer.")));
        assert!(!one.is_near(&shingles("The lock gate never opens at 06:30 every morning in summer.")));
    }

    #[test]
    fn the_same_words_with_another_number_contradict() {
        let one = shingles("The tug Osprey has a bollard pull of 62 tonnes.");
        assert!(one.contradicts(&shingles("The tug Osprey has a bollard pull of 58 tonnes.")));
        assert!(!one.contradicts(&shingles("The tug Heron has two engines of 58 tonnes.")));
        assert!(!one.contradicts(&shingles("The tug Osprey has a bollard pull of 62 tonnes.")));
    }
}
