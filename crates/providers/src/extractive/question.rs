//! What a question asks: its terms with their weight and the kind of answer it wants. Owns the reading of questions;
//! knows no spans.

use super::{
    lexicon,
    words::{Bag, compound_parts, is_identifier, stem, word_ranges},
};

/// The most terms of one question that are looked at.
const TERMS_MAX: usize = 48;

/// A question, read.
#[derive(Clone, Debug)]
pub(super) struct Question {
    /// Its terms in reading order, each stem once.
    pub(super) terms: Vec<Term>,
    /// What would answer it.
    pub(super) wants: Wants,
    /// Whether it asks what was before, what is new or what changed.
    pub(super) is_about_changes: bool,
}

/// A word of the question that a good answer shares.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Term {
    /// As it is written in the question.
    pub(super) word: String,
    /// As it is compared.
    pub(super) stem: String,
    /// The parts of a compound name as they are compared; empty for an ordinary word.
    pub(super) parts: Vec<String>,
    /// How specific it is: 0.25 says little, 1 is an ordinary noun, 1.6 a number or a name of a program text.
    pub(super) prior: f64,
    /// How much it matters that a passage holds it for the passage to speak of the question at all.
    pub(super) needed: f64,
}

impl Term {
    /// Whether the term is a number or a name of a program text.
    pub(super) fn names_one(&self) -> bool {
        self.prior > 1.5
    }

    /// How well the term is in a bag, 0 to 1.
    pub(super) fn strength(&self, bag: &Bag) -> f64 {
        let whole = bag.strength(&self.stem);
        if self.parts.is_empty() || whole >= 1.0 {
            return whole;
        }
        let parts = self.parts.iter().map(|part| bag.strength(part)).fold(1.0, f64::min);
        whole.max(0.85 * parts)
    }

    /// Whether the term says little.
    pub(super) fn is_weak(&self) -> bool {
        self.prior < 0.5
    }
}

/// The kind of answer a question wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wants {
    /// A person or a body.
    Who,
    /// A time.
    When,
    /// A place.
    Where,
    /// A number.
    Quantity,
    /// A reason.
    Reason,
    /// What something is.
    Definition,
    /// What follows from something.
    Outcome,
    /// Steps.
    Method,
    /// Anything.
    Statement,
}

impl Question {
    /// Reads a question.
    pub(super) fn read(text: &str) -> Self {
        let ranges: Vec<(usize, usize)> = word_ranges(text).collect();
        let mut terms: Vec<Term> = Vec::new();
        let mut before_end = 0;
        for (at, (start, end)) in ranges.iter().copied().enumerate() {
            let starts_sentence = at == 0 || text[before_end..start].contains(['.', '?', '!', ':', '\n']);
            before_end = end;
            let word = &text[start..end];
            let neighbour = |at: Option<usize>| {
                at.and_then(|at| ranges.get(at))
                    .map(|(start, end)| text[*start..*end].to_lowercase())
                    .unwrap_or_default()
            };
            let place = Place { starts_sentence, before: neighbour(at.checked_sub(1)), after: neighbour(Some(at + 1)) };
            if let Some(term) = read_term(word, &place)
                && terms.len() < TERMS_MAX
                && !terms.iter().any(|known| known.stem == term.stem)
            {
                terms.push(term);
            }
        }
        terms.extend(permission(text));
        if terms.iter().all(Term::is_weak) {
            // Nothing but weak words: then they are the subject.
            for term in &mut terms {
                (term.prior, term.needed) = (1.0, 1.0);
            }
        }
        let wants = read_wants(text, &terms);
        let is_about_changes =
            ranges.iter().any(|(start, end)| CHANGE.contains(&text[*start..*end].to_lowercase().as_str()));
        Self { terms, wants, is_about_changes }
    }

    /// The terms that carry the subject, in reading order: all that are not weak, or all if there are none.
    pub(super) fn subject(&self) -> impl Iterator<Item = &Term> {
        self.terms.iter().filter(|term| !term.is_weak())
    }
}

/// "May" asks what is allowed, and "must" what is required: worth something in an answer, never needed.
fn permission(text: &str) -> Option<Term> {
    let modal = super::words::words(text).find_map(|word| match word {
        "may" => Some("allowed"),
        "must" => Some("required"),
        _ => None,
    })?;
    Some(Term { word: modal.to_owned(), stem: stem(modal), parts: Vec::new(), prior: 0.45, needed: 0.0 })
}

/// Where a word stands in its question.
struct Place {
    starts_sentence: bool,
    /// The word before, lower case.
    before: String,
    /// The word after, lower case.
    after: String,
}

fn read_term(word: &str, place: &Place) -> Option<Term> {
    let lower = word.to_lowercase();
    let is_name_shaped = word.chars().next().is_some_and(char::is_uppercase) && !place.starts_sentence;
    let is_acronym = word.chars().count() > 1 && word.chars().all(|c| c.is_uppercase() || c.is_numeric());
    let is_mid_acronym = is_acronym && !place.starts_sentence;
    if lexicon::is_stop(&lower) && !is_mid_acronym {
        return None;
    }
    let has_digit = word.bytes().any(|b| b.is_ascii_digit());
    if word.chars().count() == 1 && word.is_ascii() && !has_digit && !is_name_shaped {
        return None;
    }
    let stem = stem(word);
    let is_measure = has_digit && lexicon::is_unit(&place.after);
    let is_degree = place.before == "how" && lexicon::is_weak(&stem);
    let asks_kind = matches!(place.before.as_str(), "which" | "what");
    let (prior, needed) = if is_measure {
        // A passage about vessels of 60 metres answers for one of 90.
        (0.6, 0.2)
    } else if has_digit || is_identifier(word) {
        (1.6, 1.6)
    } else if is_degree && !matches!(lower.as_str(), "many" | "much") {
        (0.6, 0.2)
    } else if lexicon::is_weak(&stem) {
        (0.25, 0.2)
    } else if asks_kind {
        (0.9, 0.4)
    } else if is_acronym || is_name_shaped {
        (1.4, 1.4)
    } else {
        (1.0, 1.0)
    };
    let parts = compound_parts(word);
    let parts = if parts.len() > 1 { parts.into_iter().map(super::words::stem).collect() } else { Vec::new() };
    Some(Term { word: word.to_owned(), stem, parts, prior, needed })
}

/// Words of questions about what was and what is new.
const CHANGE: &[&str] = &[
    "added",
    "became",
    "breaking",
    "change",
    "changed",
    "changelog",
    "changes",
    "deprecated",
    "did",
    "earlier",
    "formerly",
    "happened",
    "introduced",
    "new",
    "old",
    "previously",
    "release",
    "released",
    "removed",
    "renamed",
    "replaced",
    "since",
    "upgrade",
    "used",
    "version",
    "was",
    "were",
];

/// Nouns whose value is a number.
const QUANTITY_NOUNS: &[&str] = &[
    "age",
    "amount",
    "area",
    "capacity",
    "charge",
    "clearance",
    "cost",
    "count",
    "deadline",
    "default",
    "depth",
    "distance",
    "draft",
    "draught",
    "duration",
    "fee",
    "fine",
    "frequency",
    "height",
    "length",
    "limit",
    "load",
    "maximum",
    "minimum",
    "number",
    "percentage",
    "penalty",
    "period",
    "port",
    "price",
    "quota",
    "range",
    "rate",
    "ratio",
    "share",
    "size",
    "speed",
    "tariff",
    "temperature",
    "threshold",
    "timeout",
    "toll",
    "total",
    "version",
    "volume",
    "wage",
    "weight",
    "width",
];

/// Adjectives and adverbs after "how" that ask for a number.
const HOW_QUANTITY: &[&str] = &[
    "big",
    "close",
    "deep",
    "far",
    "fast",
    "frequently",
    "heavy",
    "high",
    "hot",
    "large",
    "late",
    "long",
    "many",
    "much",
    "near",
    "often",
    "old",
    "quickly",
    "soon",
    "tall",
    "wide",
    "early",
    "strong",
];

fn read_wants(text: &str, terms: &[Term]) -> Wants {
    let lower = text.to_lowercase();
    let words: Vec<&str> = super::words::words(&lower).collect();
    for (at, word) in words.iter().enumerate() {
        let next = words.get(at + 1).copied().unwrap_or_default();
        match *word {
            "who" | "whom" | "whose" => return Wants::Who,
            "when" if at == 0 || next != "the" => return Wants::When,
            "where" => return Wants::Where,
            "why" => return Wants::Reason,
            "how" if HOW_QUANTITY.contains(&next) => return Wants::Quantity,
            "how" => return Wants::Method,
            "what" | "which" if matches!(next, "year" | "date" | "day" | "month" | "hours" | "time" | "times") => {
                return Wants::When;
            }
            "what" if matches!(next, "happens" | "happened" | "follows" | "results") => return Wants::Outcome,
            "what" | "which" if QUANTITY_NOUNS.contains(&next) => return Wants::Quantity,
            "what" | "define" | "explain" | "describe" => return what_is(&words[at + 1..], terms),
            _ => {}
        }
    }
    Wants::Statement
}

fn what_is(rest: &[&str], terms: &[Term]) -> Wants {
    let is_copula = rest.first().is_some_and(|word| matches!(*word, "is" | "are" | "was" | "were" | "s"));
    if is_copula && rest.iter().take(6).any(|word| QUANTITY_NOUNS.contains(word)) {
        return Wants::Quantity;
    }
    let asks_meaning = rest.iter().any(|word| matches!(*word, "mean" | "means" | "do" | "purpose"));
    if (is_copula && terms.len() <= 4) || asks_meaning { Wants::Definition } else { Wants::Statement }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_weigh_more_than_nouns_and_nouns_more_than_weak_words() {
        let question = Question::read("What does the Calder Board need at berth 14?");
        let priors: Vec<_> = question.terms.iter().map(|term| (term.word.as_str(), term.prior)).collect();
        assert_eq!(priors, [("Calder", 1.4), ("Board", 1.4), ("need", 0.25), ("berth", 1.0), ("14", 1.6)]);
    }

    #[test]
    fn the_kind_of_answer_is_read_off_the_question() {
        for (text, wants) in [
            ("Who signs the logbook?", Wants::Who),
            ("When does the lock open?", Wants::When),
            ("How deep is the basin?", Wants::Quantity),
            ("How is a buoy painted?", Wants::Method),
            ("What is the speed limit?", Wants::Quantity),
            ("What is a dolphin pile?", Wants::Definition),
            ("Why is the siren tested?", Wants::Reason),
            ("Name the pilots", Wants::Statement),
        ] {
            assert_eq!(Question::read(text).wants, wants, "{text}");
        }
    }

    #[test]
    fn a_question_of_weak_words_keeps_them_as_its_subject() {
        let question = Question::read("What is the purpose?");
        assert_eq!(question.subject().count(), 1);
    }
}
