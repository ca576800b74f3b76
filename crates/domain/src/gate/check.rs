//! The gate's verdict on each sentence. Owns which checks apply when; the checks themselves are in their own files.

use std::collections::{BTreeSet, HashMap};

use super::{
    dates::{dates, relative_dates},
    facts::Facts,
    foreign::foreign_references,
    names::{first_word, is_name_in, names},
    negation::Polarity,
    numbers::{claims, must_be_cited},
    quotation::{quotations, verbatim_parts},
    spelled::is_number_word,
    support::Stock,
    text::{Plain, fold, is_spaceless, plain, skeleton, stem, tokens},
    turns::{is_turned, speaks_of_less, unproved_factors},
    words::{is_function_word, is_negation},
};
use crate::{Block, Digest, Evidence, EvidenceId, Finding, GateMode, Outcome, Problem, Report, Sentence};

/// Problems listed of one sentence at most.
const PROBLEMS_MAX: usize = 12;

/// Checks every sentence of a report against its evidence. Headings, code and the labels of a table are not sentences;
/// labels are checked all the same when they cite.
///
/// Returns what is wrong, in the order of the sentences; nothing when the mode is [`GateMode::Off`] or the report says
/// that nothing was found. In a report without sources ([`Outcome::Unverified`]) nothing has to be cited, but a false
/// citation or a foreign reference is found all the same.
#[must_use]
pub fn check(report: &Report, evidence: &dyn Evidence, mode: GateMode) -> Vec<Finding> {
    if mode == GateMode::Off || report.outcome == Outcome::NothingFound {
        return Vec::new();
    }
    let mut bench = Bench { evidence, facts: HashMap::new(), cited: report.cited(), names: HashMap::new() };
    let places = places(report);
    let mut findings = Vec::new();
    for (at, sentence) in report.sentences().enumerate() {
        let place = places.get(at).copied().unwrap_or(Place::Prose);
        let may_claim = report.outcome == Outcome::Unverified || place == Place::Label;
        let mut problems = bench.problems(sentence, may_claim, place == Place::Quote);
        problems.truncate(PROBLEMS_MAX);
        findings.extend(problems.into_iter().map(|problem| Finding {
            sentence: at,
            text: sentence.text.clone(),
            problem,
        }));
    }
    findings
}

/// Where a sentence stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Prose,
    /// In a table's header row.
    Label,
    /// In a block quotation.
    Quote,
}

/// For each sentence, where it stands.
fn places(report: &Report) -> Vec<Place> {
    let mut places = Vec::new();
    for block in &report.blocks {
        match block {
            Block::Table { head, rows } => {
                places.extend(head.iter().flatten().map(|_| Place::Label));
                places.extend(rows.iter().flatten().flatten().map(|_| Place::Prose));
            }
            Block::Paragraph(sentences) => places.extend(sentences.iter().map(|_| Place::Prose)),
            Block::Quote(sentences) => places.extend(sentences.iter().map(|_| Place::Quote)),
            Block::List { items, .. } => {
                places.extend(items.iter().flat_map(|item| &item.sentences).map(|_| Place::Prose));
            }
            Block::Heading { .. } | Block::Code { .. } | Block::Rule => {}
        }
    }
    places
}

/// The evidence with what was learned of it so far, each span analysed once.
struct Bench<'a> {
    evidence: &'a dyn Evidence,
    facts: HashMap<EvidenceId, Result<Facts, Problem>>,
    /// Everything the report cites, and which words its snapshots use as names.
    cited: Vec<EvidenceId>,
    names: HashMap<String, bool>,
}

impl Bench<'_> {
    fn problems(&mut self, sentence: &Sentence, may_claim: bool, is_quote: bool) -> Vec<Problem> {
        let mut problems = Vec::new();
        for id in &sentence.evidence {
            if !self.facts.contains_key(id) {
                let facts = admit(id, self.evidence);
                self.facts.insert(id.clone(), facts);
            }
            if let Some(Err(problem)) = self.facts.get(id) {
                problems.push(problem.clone());
            }
        }
        let facts: Vec<&Facts> = sentence.evidence.iter().filter_map(|id| self.facts.get(id)?.as_ref().ok()).collect();
        let text = plain(&sentence.text);
        if sentence.evidence.is_empty() {
            uncited(&text, may_claim, &mut problems);
        } else if !facts.is_empty() {
            let verbatim = [skeleton(&sentence.text), skeleton(&text.text)];
            if !facts.iter().any(|facts| facts.is_verbatim(&verbatim)) {
                if is_quote && !is_quoted(&text.text, &facts) {
                    problems.push(Problem::Quotation(text.text.clone()));
                }
                cited(&text, &facts, &mut problems);
                let first = first_word(&text, &tokens(&text.text), &[]);
                let unknown = first.filter(|word| !facts.iter().any(|facts| facts.has_word(&fold(word))));
                if let Some(word) = unknown.map(str::to_owned)
                    && self.is_name(&word)
                {
                    problems.push(Problem::Name(word));
                }
            }
        } else {
            problems.extend(foreign_references(&text).into_iter().map(Problem::ForeignReference));
        }
        problems
    }

    /// Whether a snapshot behind the report uses the word as a name.
    fn is_name(&mut self, word: &str) -> bool {
        if let Some(known) = self.names.get(word) {
            return *known;
        }
        let snapshots: BTreeSet<Digest> =
            self.cited.iter().filter_map(|id| Some(self.evidence.span(id)?.snapshot)).collect();
        let known =
            snapshots.iter().filter_map(|digest| self.evidence.snapshot(digest)).any(|text| is_name_in(word, text));
        self.names.insert(word.to_owned(), known);
        known
    }
}

/// Whether an id names a span whose quote is what its snapshot says there.
fn admit(id: &EvidenceId, evidence: &dyn Evidence) -> Result<Facts, Problem> {
    let span = evidence.span(id).ok_or_else(|| Problem::UnknownEvidence(id.clone()))?;
    let snapshot =
        evidence.snapshot(&span.snapshot).ok_or_else(|| Problem::MissingSnapshot(id.clone(), span.snapshot))?;
    let range = usize::try_from(span.start).ok().zip(usize::try_from(span.end).ok());
    let there = range.and_then(|(start, end)| snapshot.get(start..end));
    if there == Some(&*span.quote) { Ok(Facts::of(span)) } else { Err(Problem::QuoteNotInSnapshot(id.clone())) }
}

fn uncited(text: &Plain, may_claim: bool, problems: &mut Vec<Problem>) {
    problems.extend(foreign_references(text).into_iter().map(Problem::ForeignReference));
    // A question claims nothing.
    if may_claim || text.text.trim_end().ends_with('?') {
        return;
    }
    let dates = dates(&text.text);
    let taken: Vec<_> = dates.iter().map(|date| date.range.clone()).collect();
    problems.extend(taken.iter().map(|range| Problem::UncitedDate(text.text[range.clone()].to_owned())));
    let numbers = claims(&text.text, &taken).into_iter().filter(must_be_cited);
    problems.extend(numbers.map(|number| Problem::UncitedNumber(number.text)));
    problems.extend(quotations(text).into_iter().map(|range| Problem::UncitedQuotation(text.text[range].to_owned())));
}

fn cited(text: &Plain, facts: &[&Facts], problems: &mut Vec<Problem>) {
    let foreign =
        foreign_references(text).into_iter().filter(|reference| !facts.iter().any(|f| f.has_reference(reference)));
    problems.extend(foreign.map(Problem::ForeignReference));

    let quotations = quotations(text);
    for range in &quotations {
        let quotation = &text.text[range.clone()];
        if !is_quoted(quotation, facts) {
            problems.push(Problem::Quotation(quotation.to_owned()));
        }
    }

    let dates = dates(&text.text);
    for date in &dates {
        if !facts.iter().any(|facts| date.is_in(&facts.dates, &facts.numbers)) {
            problems.push(Problem::Date(text.text[date.range.clone()].to_owned()));
        }
    }
    let relative = relative_dates(&text.text).into_iter().map(|range| text.text[range].to_owned());
    let unproved = relative.filter(|words| !facts.iter().any(|facts| facts.has_words(&skeleton(words))));
    problems.extend(unproved.map(Problem::Date));
    let taken: Vec<_> = dates.iter().map(|date| date.range.clone()).collect();
    let stock = Stock::new(facts, speaks_of_less(text));
    let objections = claims(&text.text, &taken).into_iter().filter_map(|number| stock.objection(&number));
    problems.extend(objections.map(Problem::Number));
    problems.extend(unproved_factors(text, facts).into_iter().map(Problem::Number));

    let tokens = tokens(&text.text);
    let taken: Vec<_> = taken.into_iter().chain(quotations).collect();
    for name in names(text, &tokens, &taken) {
        let known = |part: &String| facts.iter().any(|facts| facts.has_word(part));
        let initials: String = name.parts.iter().filter_map(|part| part.chars().next()).collect();
        let abbreviated = name.parts.len() > 1 && facts.iter().any(|facts| facts.has_word(&initials));
        let abbreviates = name.parts.len() == 1
            && (2..=6).contains(&name.text.len())
            && name.text.chars().all(char::is_uppercase)
            && facts.iter().any(|facts| facts.has_initials(&name.parts[0]));
        if !(name.parts.iter().all(known) || abbreviated || abbreviates) {
            problems.push(Problem::Name(name.text));
        }
    }

    let denies = Polarity::of(text, 0..text.text.len()).contradicts(facts.iter().flat_map(|facts| &facts.sentences));
    if denies || is_turned(text, facts) {
        problems.push(Problem::Negation);
    }
    if is_unrelated(text, facts) {
        problems.push(Problem::Unrelated);
    }
}

/// Whether the quotes have this word for word, apart from what an ellipsis leaves out.
fn is_quoted(quotation: &str, facts: &[&Facts]) -> bool {
    verbatim_parts(quotation).iter().all(|part| facts.iter().any(|facts| facts.has_sequence(part)))
}

/// Whether too few of the sentence's words occur in its quotes: none of two or three, under 30 % of four or more.
fn is_unrelated(text: &Plain, facts: &[&Facts]) -> bool {
    let mut words: Vec<String> = Vec::new();
    for token in tokens(&text.text) {
        let folded = fold(token.text);
        let is_content = token.text.chars().any(char::is_alphabetic)
            && (folded.len() > 1)
            && !is_function_word(&folded)
            && !is_negation(&folded)
            && !is_number_word(&folded);
        if is_content {
            words.push(folded);
        }
    }
    words.sort_unstable();
    words.dedup();
    let found = words
        .iter()
        .filter(|word| facts.iter().any(|facts| facts.has_word(word) || facts.has_stem(stem(word))))
        .count();
    let other_script = |word: &String| word.chars().any(|c| is_spaceless(c) || !c.is_ascii());
    let foreign = words.iter().filter(|word| other_script(word)).count();
    match words.len() {
        0 | 1 => false,
        2 | 3 => found == 0,
        // A sentence in a script its quotes do not use is a translation: words cannot be compared.
        all if found == 0 && foreign * 2 > all => false,
        all => found * 10 < all * 3,
    }
}
