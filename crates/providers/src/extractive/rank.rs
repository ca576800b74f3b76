//! Units ordered by how well they answer a question, and whether any does. Owns every weight; writes nothing.

use std::sync::Arc;

use mcp_orchestrator_domain::Span;

use super::{
    answer,
    near::Shingles,
    passage::{Form, Unit, units},
    question::{Question, Term},
    words::Bag,
};

/// The most spans that are looked at: the best come first.
const SPANS_MAX: usize = 160;

/// How much a term counts that stands in a heading or a title above the unit, and beside it.
const ABOVE: f64 = 0.75;
const BESIDE: f64 = 0.55;

/// The share of a question's weight one passage must cover for the question to count as answered.
const COVERED_MIN: f64 = 0.62;
/// The share of the ordinary nouns and names among it.
const SUBJECT_MIN: f64 = 0.6;
/// How much more must be covered when a name, a number or an identifier is missing.
const NAME_MISSING: f64 = 1.25;

/// The units of some spans, judged by one question.
pub(super) struct Ranking<'a> {
    /// The spans, as they came.
    pub(super) spans: &'a [Arc<Span>],
    /// Every unit, span after span, in reading order.
    pub(super) units: Vec<Unit>,
    /// How well each unit answers, in the order of `units`.
    pub(super) scores: Vec<f64>,
    /// The positions of quotable units, best first; near-duplicates of a better one are left out.
    pub(super) best: Vec<usize>,
    /// Whether it is answered at all.
    pub(super) is_answered: bool,
}

impl<'a> Ranking<'a> {
    /// Judges the units of `spans`.
    pub(super) fn of(question: &Question, spans: &'a [Arc<Span>]) -> Self {
        let spans = &spans[..spans.len().min(SPANS_MAX)];
        let units: Vec<Unit> = spans.iter().enumerate().flat_map(|(number, span)| units(number, span)).collect();
        let titles: Vec<Bag> = spans.iter().map(|span| title_bag(span)).collect();
        let strengths: Vec<Vec<f64>> = units
            .iter()
            .map(|unit| question.terms.iter().map(|term| unit.bag.strength(&term.stem)).collect())
            .collect();
        let weights = weights(question, &units, &titles, &strengths, spans.len());
        let scores: Vec<f64> =
            (0..units.len()).map(|at| score(question, &weights, &units, &titles, &strengths, at)).collect();
        let is_answered = verdict(question, &weights, &units, &titles, &strengths);
        let best = best(&units, &scores);
        Self { spans, units, scores, best, is_answered }
    }

    /// The score of the best unit, or 0.
    pub(super) fn top(&self) -> f64 {
        self.best.first().map_or(0.0, |at| self.scores[*at])
    }
}

fn title_bag(span: &Span) -> Bag {
    let mut bag = Bag::of(&span.source.title);
    let path = span.source.uri.split_once('/').map_or("", |(_, path)| path);
    bag.add(path);
    bag
}

/// What each term weighs: its prior, more when few spans hold it.
fn weights(question: &Question, units: &[Unit], titles: &[Bag], strengths: &[Vec<f64>], spans: usize) -> Vec<f64> {
    let total = spans as f64;
    let rarest = (1.0 + (total - 0.5) / 1.5).ln();
    let weight = |number: usize, term: &Term| {
        let mut holding: Vec<bool> = titles.iter().map(|title| title.strength(&term.stem) > 0.8).collect();
        for (unit, strength) in units.iter().zip(strengths) {
            holding[unit.span] |= strength[number] > 0.8;
        }
        let held = holding.iter().filter(|held| **held).count() as f64;
        let idf = (1.0 + (total - held + 0.5) / (held + 0.5)).ln();
        let rarity = if spans < 3 { 0.5 } else { (idf / rarest).min(1.0) };
        term.prior * (0.55 + 0.9 * rarity)
    };
    question.terms.iter().enumerate().map(|(number, term)| weight(number, term)).collect()
}

fn score(
    question: &Question,
    weights: &[f64],
    units: &[Unit],
    titles: &[Bag],
    strengths: &[Vec<f64>],
    at: usize,
) -> f64 {
    let unit = &units[at];
    let total: f64 = weights.iter().sum();
    if total <= 0.0 {
        return 0.0;
    }
    let mut own = 0.0;
    let mut around = 0.0;
    for (number, (term, weight)) in question.terms.iter().zip(weights).enumerate() {
        let here = strengths[at][number];
        let above = ABOVE * unit.above.strength(&term.stem).max(titles[unit.span].strength(&term.stem));
        let beside = BESIDE * beside(units, strengths, at, number);
        own += weight * here;
        around += weight * here.max(above).max(beside);
    }
    if around <= 0.0 {
        return 0.0;
    }
    let coverage = 0.5 * own / total + 0.5 * around / total;
    let phrases = phrases(question, weights, &unit.bag);
    let fits = answer::fits(question, unit);
    let earlier = 0.06 / (1.0 + unit.span as f64 / 4.0);
    (coverage * (1.0 + 0.35 * fits) + 0.2 * phrases + earlier) * shape(unit, units.get(at + 1))
}

/// The best strength of a term in the unit before and the unit after, in the same span.
fn beside(units: &[Unit], strengths: &[Vec<f64>], at: usize, number: usize) -> f64 {
    let near = |other: usize| {
        units.get(other).filter(|unit| unit.span == units[at].span).map_or(0.0, |unit| {
            let question_before = unit.form == Form::Heading || unit.text.ends_with('?') || unit.text.ends_with(':');
            let factor = if other < at && question_before { 1.3 } else { 1.0 };
            factor * strengths[other][number]
        })
    };
    let before = if at == 0 { 0.0 } else { near(at - 1) };
    let further = if at < 2 { 0.0 } else { 0.6 * near(at - 2) };
    before.max(further).max(0.8 * near(at + 1))
}

/// The share of neighbouring terms of the question that are neighbours in the unit, too.
fn phrases(question: &Question, weights: &[f64], bag: &Bag) -> f64 {
    let mut all = 0.0;
    let mut found = 0.0;
    for (pair, weight) in question.terms.windows(2).zip(weights.windows(2)) {
        let weight = weight[0] + weight[1];
        all += weight;
        let close = bag.sequence.iter().enumerate().any(|(at, stem)| {
            *stem == pair[0].stem && bag.sequence[at + 1..].iter().take(3).any(|next| *next == pair[1].stem)
        });
        if close {
            found += weight;
        }
    }
    if all > 0.0 { found / all } else { 0.0 }
}

/// What the form of a unit makes of its score.
fn shape(unit: &Unit, next: Option<&Unit>) -> f64 {
    let words = unit.bag.sequence.len();
    let length = match words {
        0..=2 => 0.7,
        3..=4 => 0.88,
        5..=45 => 1.0,
        46..=80 => 0.93,
        _ => 0.85,
    };
    let has_next = next.is_some_and(|next| next.span == unit.span);
    let form = match unit.form {
        Form::Heading => 0.0,
        Form::Sentence | Form::Item | Form::Row => 1.0,
        Form::Code => 0.85,
    };
    let role = if unit.text.ends_with('?') {
        0.45
    } else if unit.text.ends_with(':') && !has_next {
        0.7
    } else {
        1.0
    };
    length * form * role
}

/// Whether one passage covers enough of the question.
fn verdict(question: &Question, weights: &[f64], units: &[Unit], titles: &[Bag], strengths: &[Vec<f64>]) -> bool {
    let total: f64 = weights.iter().sum();
    let subject_total: f64 = subject_weight(question, weights, |_| 1.0);
    let mut held: Vec<Vec<f64>> = titles
        .iter()
        .map(|title| question.terms.iter().map(|term| 0.9 * title.strength(&term.stem)).collect())
        .collect();
    for (unit, strength) in units.iter().zip(strengths) {
        for (held, strength) in held[unit.span].iter_mut().zip(strength) {
            *held = held.max(*strength);
        }
    }
    held.iter().any(|held| {
        let covered: f64 = held.iter().zip(weights).map(|(held, weight)| held * weight).sum();
        let subject = subject_weight(question, weights, |number| held[number]);
        let names_held = question.terms.iter().zip(held).all(|(term, held)| !term.is_specific() || *held > 0.6);
        let bar = if names_held { 1.0 } else { NAME_MISSING };
        total > 0.0 && covered >= COVERED_MIN * bar * total && subject >= SUBJECT_MIN * bar * subject_total
    })
}

fn subject_weight(question: &Question, weights: &[f64], held: impl Fn(usize) -> f64) -> f64 {
    let terms = question.terms.iter().zip(weights).enumerate();
    terms.filter(|(_, (term, _))| !term.is_weak()).map(|(number, (_, weight))| weight * held(number)).sum()
}

fn best(units: &[Unit], scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..units.len()).filter(|at| scores[*at] > 0.0).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
    let mut kept: Vec<(usize, Shingles)> = Vec::new();
    for at in order {
        let shingles = Shingles::of(&units[at].bag);
        if kept.len() < 200 && !kept.iter().any(|(_, other)| other.is_near(&shingles)) {
            kept.push((at, shingles));
        }
    }
    kept.into_iter().map(|(at, _)| at).collect()
}
