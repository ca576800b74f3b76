//! Units ordered by how well they answer a question, and whether any does. Owns every weight; writes nothing.

use std::sync::Arc;

use mcp_orchestrator_domain::Span;

use super::{
    answer, lexicon,
    near::Shingles,
    passage::{Form, Unit, units},
    question::{Question, Wants},
    words::Bag,
};

/// The most spans that are looked at: the best come first.
const SPANS_MAX: usize = 160;
/// The most units kept as distinct.
const BEST_MAX: usize = 200;

/// How much a term counts that stands in a heading or a title above the unit, in a table's header, and beside the unit.
const ABOVE: f64 = 0.75;
const HEADER: f64 = 0.9;
const BESIDE: f64 = 0.55;
/// What a term counts anywhere in the same passage.
const WITHIN: f64 = 0.5;
/// How much the shape of an answer adds, at most; more where it can be told apart well.
const FITS: f64 = 0.35;
const FITS_NUMBER: f64 = 0.5;
/// What is left of a score when a number or a time is asked for and none is given.
const NO_NUMBER: f64 = 0.75;
/// What a heading that asks the question itself adds to what stands below it.
const HEADING_FIT: f64 = 0.35;
/// What is left of the score of a list of changes, an archived paper or a test when the question is not about changes.
const PAST: f64 = 0.8;

/// The share of what a question needs that one passage must hold for the question to count as answered.
const COVERED_MIN: f64 = 0.6;

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
    /// Whether the question is answered at all.
    pub(super) is_answered: bool,
    /// Whether the best unit speaks of all that is asked and has the shape of an answer.
    pub(super) is_clear: bool,
    /// For each unit, whether it is about another number or name than the best.
    pub(super) is_elsewhere: Vec<bool>,
}

impl<'a> Ranking<'a> {
    /// Judges the units of `spans`.
    pub(super) fn of(question: &Question, spans: &'a [Arc<Span>]) -> Self {
        let spans = &spans[..spans.len().min(SPANS_MAX)];
        let units: Vec<Unit> = spans.iter().enumerate().flat_map(|(number, span)| units(number, span)).collect();
        let scene = Scene::of(question, spans, &units);
        let scores: Vec<f64> = (0..units.len()).map(|at| scene.score(at)).collect();
        let is_answered = scene.is_answered();
        let best = best(&units, &scores);
        let is_clear = best.first().is_some_and(|at| scene.is_clear(*at));
        let is_elsewhere = match best.first() {
            Some(first) => (0..units.len()).map(|at| scene.is_elsewhere(at, *first)).collect(),
            None => Vec::new(),
        };
        Self { spans, units, scores, best, is_answered, is_clear, is_elsewhere }
    }

    /// The score of the best unit, or 0.
    pub(super) fn top(&self) -> f64 {
        self.best.first().map_or(0.0, |at| self.scores[*at])
    }
}

/// What scores are made of.
struct Scene<'a> {
    question: &'a Question,
    units: &'a [Unit],
    places: Vec<Place>,
    /// For each unit, how well it holds each term.
    strengths: Vec<Vec<f64>>,
    /// For each span, how well its title holds each term.
    titles: Vec<Vec<f64>>,
    /// For each span, how well it holds each term anywhere, its title included.
    held: Vec<Vec<f64>>,
    /// How rare each term is among the spans, 0 to 1.
    rarity: Vec<f64>,
    /// What each term weighs.
    weights: Vec<f64>,
}

/// Where a span is from, as far as it matters for its score.
struct Place {
    /// How well its heading asks the question, 0 to 1.
    heading_fit: f64,
    /// Whether it is a list of changes, archived or a test.
    is_past: bool,
    /// The position of its first unit.
    first: usize,
}

impl<'a> Scene<'a> {
    fn of(question: &'a Question, spans: &[Arc<Span>], units: &'a [Unit]) -> Self {
        let holds = |bag: &Bag| -> Vec<f64> { question.terms.iter().map(|term| term.strength(bag)).collect() };
        let titles: Vec<Vec<f64>> = spans.iter().map(|span| holds(&title(span))).collect();
        let strengths: Vec<Vec<f64>> = units.iter().map(|unit| holds(&unit.bag)).collect();
        let mut held: Vec<Vec<f64>> =
            titles.iter().map(|title| title.iter().map(|strength| 0.9 * strength).collect()).collect();
        for (unit, strengths) in units.iter().zip(&strengths) {
            for (held, strength) in held[unit.span].iter_mut().zip(strengths) {
                *held = held.max(*strength);
            }
        }
        let rarity = rarity(question.terms.len(), units, &strengths, &titles);
        let weights: Vec<f64> =
            question.terms.iter().zip(&rarity).map(|(term, rarity)| term.prior * (0.55 + 0.9 * rarity)).collect();
        let places = spans.iter().enumerate().map(|(number, span)| Place {
            heading_fit: heading_fit(question, &weights, span),
            is_past: is_past(span),
            first: units.iter().position(|unit| unit.span == number).unwrap_or(0),
        });
        let places = places.collect();
        Self { question, units, places, strengths, titles, held, rarity, weights }
    }

    fn score(&self, at: usize) -> f64 {
        let unit = &self.units[at];
        let (own, around) = self.coverage(at);
        if around <= 0.0 {
            return 0.0;
        }
        let place = &self.places[unit.span];
        let fits = answer::fits(self.question, unit);
        let fits_weight = if matches!(self.question.wants, Wants::Quantity | Wants::When) { FITS_NUMBER } else { FITS };
        let below_heading = HEADING_FIT * place.heading_fit.powi(2) / (1.0 + 0.15 * (at - place.first) as f64);
        let earlier = 0.06 / (1.0 + unit.span as f64 / 4.0);
        let coverage = 0.5 * (own + around);
        let score = coverage * (1.0 + fits_weight * fits) + 0.2 * self.phrases(&unit.bag) + below_heading + earlier;
        let lacks_number = fits_weight > FITS && fits < 0.3;
        let score = if lacks_number { score * NO_NUMBER } else { score };
        let past = if place.is_past && !self.question.is_about_changes { PAST } else { 1.0 };
        score * past * unit.standing * shape(unit, self.units.get(at + 1))
    }

    /// The shares of the question's weight that the unit holds itself, and with what stands around it.
    fn coverage(&self, at: usize) -> (f64, f64) {
        let unit = &self.units[at];
        let total: f64 = self.weights.iter().sum();
        let (mut own, mut around) = (0.0, 0.0);
        for (number, (term, weight)) in self.question.terms.iter().zip(&self.weights).enumerate() {
            let above = term.strength(&unit.above);
            let labelled = if unit.form == Form::Row { HEADER * above } else { 0.0 };
            let here = self.strengths[at][number].max(labelled);
            let title = ABOVE * above.max(self.titles[unit.span][number]);
            let within = WITHIN * self.held[unit.span][number];
            own += weight * here;
            around += weight * here.max(title).max(self.beside(at, number)).max(within);
        }
        if total > 0.0 { (own / total, around / total) } else { (0.0, 0.0) }
    }

    fn is_clear(&self, at: usize) -> bool {
        const OWN_MIN: f64 = 0.6;
        const AROUND_MIN: f64 = 0.85;
        const FITS_MIN: f64 = 0.7;
        const OWN_ALONE_MIN: f64 = 0.85;
        let (own, around) = self.coverage(at);
        let fits = answer::fits(self.question, &self.units[at]) >= FITS_MIN;
        let says_it_all = self.question.wants == Wants::Statement && self.question.subject().count() > 1;
        says_it_all && own >= OWN_ALONE_MIN || own >= OWN_MIN && around >= AROUND_MIN && fits
    }

    /// Whether the unit is about something else than the best: it lacks a number or a name of a program text that the
    /// question gives and the best holds.
    fn is_elsewhere(&self, at: usize, best: usize) -> bool {
        let held = |at: usize, number: usize| {
            let unit = &self.units[at];
            let above = self.question.terms[number].strength(&unit.above);
            self.strengths[at][number].max(above).max(self.titles[unit.span][number]).max(self.beside(at, number))
        };
        let terms = self.question.terms.iter().enumerate();
        terms.filter(|(_, term)| term.names_one()).any(|(number, _)| held(best, number) > 0.6 && held(at, number) < 0.3)
    }

    /// What a term counts that stands in the units before or after, in the same span.
    fn beside(&self, at: usize, number: usize) -> f64 {
        let near = |other: usize| {
            self.units.get(other).filter(|unit| unit.span == self.units[at].span).map_or(0.0, |unit| {
                let leads_in = unit.form == Form::Heading || unit.text.ends_with('?') || unit.text.ends_with(':');
                let factor = if other < at && leads_in { 1.3 } else { 1.0 };
                factor * self.strengths[other][number]
            })
        };
        let before = at.checked_sub(1).map_or(0.0, near);
        let further = at.checked_sub(2).map_or(0.0, near);
        BESIDE * before.max(0.6 * further).max(0.8 * near(at + 1))
    }

    /// The share of neighbouring terms of the question that are neighbours in the unit, too.
    fn phrases(&self, bag: &Bag) -> f64 {
        let mut all = 0.0;
        let mut found = 0.0;
        for (pair, weight) in self.question.terms.windows(2).zip(self.weights.windows(2)) {
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

    /// Whether one passage holds enough of what the question needs. A word no passage holds weighs most.
    fn is_answered(&self) -> bool {
        let needs: Vec<f64> = self
            .question
            .terms
            .iter()
            .zip(&self.rarity)
            .map(|(term, rarity)| term.needed * (0.7 + 0.6 * rarity))
            .collect();
        let total: f64 = needs.iter().sum();
        self.held.iter().any(|held| {
            let covered: f64 = held.iter().zip(&needs).map(|(held, need)| held * need).sum();
            total > 0.0 && covered >= COVERED_MIN * total
        })
    }
}

/// How rare each term is among the spans: 1 when one span or none holds it.
fn rarity(terms: usize, units: &[Unit], strengths: &[Vec<f64>], titles: &[Vec<f64>]) -> Vec<f64> {
    let total = titles.len() as f64;
    let rarest = (1.0 + (total - 0.5) / 1.5).ln();
    let of = |number: usize| {
        let mut holding: Vec<bool> = titles.iter().map(|title| title[number] > 0.8).collect();
        for (unit, strength) in units.iter().zip(strengths) {
            holding[unit.span] |= strength[number] > 0.8;
        }
        let held = holding.iter().filter(|held| **held).count() as f64;
        let idf = (1.0 + (total - held + 0.5) / (held + 0.5)).ln();
        if titles.len() < 3 { 0.5 } else { (idf / rarest).min(1.0) }
    };
    (0..terms).map(of).collect()
}

/// The words of a span's title and path.
fn title(span: &Span) -> Bag {
    let mut bag = Bag::of(&span.source.title);
    bag.add(path(span));
    bag
}

/// The path inside the corpus, or of the address.
fn path(span: &Span) -> &str {
    span.source.uri.split_once('/').map_or("", |(_, path)| path)
}

/// How well the last heading of a title asks the question: the harmonic mean of how much of the question it holds and
/// how much of it the question holds.
fn heading_fit(question: &Question, weights: &[f64], span: &Span) -> f64 {
    let heading = Bag::of(span.source.title.rsplit(" › ").next().unwrap_or_default());
    let total: f64 = weights.iter().sum();
    let held: f64 = question.terms.iter().zip(weights).map(|(term, weight)| weight * term.strength(&heading)).sum();
    let words: Vec<&String> = heading.stems.iter().filter(|stem| !lexicon::is_stop(stem)).collect();
    if words.is_empty() || total <= 0.0 {
        return 0.0;
    }
    let asked = words.iter().filter(|word| {
        let word = Bag::of(word);
        question.terms.iter().any(|term| term.strength(&word) > 0.6)
    });
    let (recall, precision) = (held / total, asked.count() as f64 / words.len() as f64);
    if recall + precision > 0.0 { 2.0 * recall * precision / (recall + precision) } else { 0.0 }
}

fn is_past(span: &Span) -> bool {
    const PARTS: &[&str] = &[
        "changelog",
        "changes",
        "news",
        "releases",
        "archive",
        "archived",
        "old",
        "deprecated",
        "obsolete",
        "test",
        "tests",
    ];
    let path = path(span).to_ascii_lowercase();
    path.split(['/', '.']).any(|part| PARTS.contains(&part))
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
        Form::Code => 0.8,
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

fn best(units: &[Unit], scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..units.len()).filter(|at| scores[*at] > 0.0).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
    let mut kept: Vec<(usize, Shingles)> = Vec::new();
    for at in order {
        if kept.len() >= BEST_MAX {
            break;
        }
        let shingles = Shingles::of(&units[at].bag);
        if !kept.iter().any(|(_, other)| other.is_near(&shingles)) {
            kept.push((at, shingles));
        }
    }
    kept.into_iter().map(|(at, _)| at).collect()
}
