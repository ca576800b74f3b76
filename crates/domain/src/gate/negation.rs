//! Whether two sentences deny the same things. Owns the scope of a negation; errs towards agreement.

use std::{collections::HashSet, ops::Range};

use super::{
    text::{Plain, fold, stem, tokens},
    words::{is_function_word, is_hedge, is_negation, softens_negation},
};

/// A sentence as far as denial goes.
#[derive(Clone, Debug, Default)]
pub(super) struct Polarity {
    /// The words that carry meaning.
    words: Vec<Word>,
    /// Words such as "only" and "before" that turn a statement in their own way.
    hedges: Vec<String>,
}

#[derive(Clone, Debug)]
struct Word {
    stem: String,
    sense: Sense,
    /// A hedge stands near it in the same clause.
    hedged: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sense {
    Affirmed,
    /// The first word after a negation.
    Denied,
    /// Further words a negation may reach.
    Shadowed,
}

/// How many words after the denied one a negation may still reach.
const SHADOW: usize = 3;

/// How many words from a hedge the words it may turn are.
const HEDGE_REACH: usize = 3;

/// A quote's sentence speaks of the same thing when it has this share of the words, in percent.
const OVERLAP_MIN: usize = 50;
const OVERLAP_SLACK: usize = 15;

/// A quote's sentence is a part of ours when this share of its words is ours, in percent.
const PART_MIN: usize = 80;

impl Polarity {
    /// Of one sentence of a text. What stands in code denies nothing.
    pub(super) fn of(plain: &Plain, sentence: Range<usize>) -> Self {
        let start = sentence.start;
        let text = &plain.text[sentence];
        let mut polarity = Self::default();
        let mut reach: Option<usize> = None;
        let mut clause_start = 0;
        let mut hedge_at: Option<usize> = None;
        let all = tokens(text);
        for (at, token) in all.iter().enumerate() {
            let gap = &text[at.checked_sub(1).map_or(0, |before| all[before].end())..token.start];
            if gap.contains([',', ';', ':', '—', '(', ')', '.']) {
                reach = None;
                hedge_at = None;
                clause_start = polarity.words.len();
            }
            let folded = fold(token.text);
            let softened = all.get(at + 1).is_some_and(|next| softens_negation(&fold(next.text)));
            // `no-std` and `not-well-formed` are names of things.
            let is_compound = gap.ends_with('-') || text[token.end()..].starts_with('-');
            if is_negation(&folded) && !is_compound && !plain.is_code(start + token.start) {
                if !softened {
                    reach = Some(0);
                }
                continue;
            }
            if folded == "but" {
                reach = None;
            }
            if is_hedge(&folded) {
                polarity.hedges.push(stem(&folded).to_owned());
                let at = polarity.words.len();
                hedge_at = Some(at);
                let from = at.saturating_sub(HEDGE_REACH).max(clause_start);
                polarity.words[from..].iter_mut().for_each(|word| word.hedged = true);
            }
            if is_function_word(&folded) || !folded.starts_with(char::is_alphanumeric) {
                continue;
            }
            let sense = match reach {
                Some(0) => Sense::Denied,
                Some(1..=SHADOW) => Sense::Shadowed,
                _ => Sense::Affirmed,
            };
            reach = reach.map(|reach| reach + 1);
            let hedged = hedge_at.is_some_and(|at| polarity.words.len() < at + HEDGE_REACH);
            polarity.words.push(Word { stem: stem(&folded).to_owned(), sense, hedged });
        }
        polarity.hedges.sort_unstable();
        polarity
    }

    /// Whether every sentence of the quotes that speaks of the same thing says the opposite.
    pub(super) fn contradicts<'a>(&self, quotes: impl Iterator<Item = &'a Self>) -> bool {
        let ours: HashSet<&str> = self.words.iter().map(|word| word.stem.as_str()).collect();
        if ours.is_empty() {
            return false;
        }
        let ranked: Vec<(usize, &Self)> = quotes.map(|quote| (quote.overlap(&ours), quote)).collect();
        let best = ranked.iter().map(|(overlap, _)| *overlap).max().unwrap_or(0);
        // What a quote's sentence says that ours has as a part is said in its sense: it contradicts nothing.
        let parts: Vec<&Self> = ranked.iter().map(|(_, quote)| *quote).filter(|quote| quote.is_part(&ours)).collect();
        let mut similar =
            ranked.iter().filter(|(overlap, _)| *overlap >= OVERLAP_MIN && *overlap + OVERLAP_SLACK >= best).peekable();
        similar.peek().is_some() && similar.all(|(_, quote)| self.opposes(quote, &parts))
    }

    /// Whether nearly all of this sentence's words are among `words`.
    fn is_part(&self, words: &HashSet<&str>) -> bool {
        let shared = self.words.iter().filter(|word| words.contains(word.stem.as_str())).count();
        !self.words.is_empty() && shared * 100 >= self.words.len() * PART_MIN
    }

    /// The share of `words` this sentence has, in percent.
    fn overlap(&self, words: &HashSet<&str>) -> usize {
        let shared: HashSet<&str> =
            self.words.iter().map(|word| word.stem.as_str()).filter(|word| words.contains(word)).collect();
        shared.len() * 100 / words.len()
    }

    fn opposes(&self, other: &Self, parts: &[&Self]) -> bool {
        let says = |stem: &str, denied: bool| {
            let said = |word: &Word| word.stem == stem && (word.sense == Sense::Denied) == denied;
            parts.iter().any(|part| part.words.iter().any(said))
        };
        self.denies_what_affirms(other).any(|stem| !says(stem, true))
            || other.denies_what_affirms(self).any(|stem| !says(stem, false))
    }

    /// The words this sentence denies and the other affirms. A word that either has in both senses decides nothing.
    fn denies_what_affirms<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a str> {
        let same_hedges = self.hedges == other.hedges;
        let denied = self.words.iter().filter(move |word| word.sense == Sense::Denied && (same_hedges || !word.hedged));
        let also_affirmed =
            |stem: &str| self.words.iter().any(|word| word.stem == stem && word.sense == Sense::Affirmed);
        denied.map(|word| word.stem.as_str()).filter(move |stem| !also_affirmed(stem)).filter(move |stem| {
            let mut said = other.words.iter().filter(|word| word.stem == *stem).peekable();
            said.peek().is_some() && said.all(|word| word.sense == Sense::Affirmed && (same_hedges || !word.hedged))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::text::plain, Polarity};

    fn polarity(text: &str) -> Polarity {
        let plain = plain(text);
        let all = 0..plain.text.len();
        Polarity::of(&plain, all)
    }

    #[test]
    fn denial_is_compared_word_by_word() {
        for (sentence, quote, contradicts) in [
            ("The cache is not safe.", "The cache is safe.", true),
            ("The cache is safe.", "The cache is not safe.", true),
            ("The cache isn't safe.", "The cache is safe.", true),
            ("The cache is safe.", "The cache is never safe.", true),
            ("Calls are repeated.", "No calls are repeated.", true),
            ("It works without a network.", "It works with a network.", true),
            ("It cannot resume a workflow.", "It resumes a workflow.", true),
            ("The cache is not safe.", "The cache is not safe.", false),
            ("The cache is unsafe.", "The cache is not safe.", false),
            ("The log is durable.", "The log is durable and does not need a network.", false),
            ("Events are shown only after the store has them.", "No event is shown before the store has it.", false),
            ("It is fast and safe.", "It is not only fast but also safe.", false),
            ("The log is not written before the call.", "The log is written before the call.", true),
            ("It does lose data and never blocks.", "It does not lose data and never blocks.", true),
            ("A parser returned an error.", "`not!` succeeds if a parser returned an error.", false),
            ("The std feature is gone.", "The std feature is gone since it is no-std.", false),
            ("Nothing in common here.", "The cache is safe.", false),
            ("Any model answers.", "Any model answers, or a writer without a model.", false),
        ] {
            let quotes = [polarity(quote)];
            let found = polarity(sentence).contradicts(quotes.iter());
            assert_eq!(found, contradicts, "{sentence:?} against {quote:?}");
        }
    }

    #[test]
    fn a_sentence_made_of_two_denies_what_its_parts_deny() {
        let quotes =
            [polarity("Images are scaled to the widths of the site."), polarity("kiln never scales an image up.")];
        let both = polarity("Images are scaled to the widths of the site, and kiln never scales an image up.");
        assert!(!both.contradicts(quotes.iter()));
        let turned = polarity("Images are not scaled to the widths of the site.");
        assert!(turned.contradicts(quotes.iter()));
    }
}
