//! Markdown out of chosen units: quotes with citations, sections, marker. Owns what a report of this writer looks like;
//! every sentence it writes is a quote.

use std::collections::BTreeSet;

use mcp_orchestrator_domain::{NOTHING_FOUND, StepText};

use super::{
    markdown,
    near::Shingles,
    passage::{Form, Unit},
    rank::Ranking,
    words::words,
};

/// The headings of a report's sections.
const ANSWER: &str = "## Answer";
const MORE: &str = "## More from the sources";
const DISAGREE: &str = "## Where the sources disagree";
const NOT_FOUND: &str = "## Not found";

/// How much is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    /// Passages in the first section.
    pub(super) answers: usize,
    /// Sources after it.
    pub(super) sources: usize,
    /// Quotes of each.
    pub(super) quotes: usize,
}

/// The share of the best score that is enough for the first section: more when the best answers without doubt.
const CLEAR: f64 = 0.78;
const UNCLEAR: f64 = 0.6;
/// The same for the sections of further quotes.
const MORE_CLEAR: f64 = 0.6;
const MORE_UNCLEAR: f64 = 0.5;
/// Units of one list, table or code block shown after their lead-in.
const FOLLOWERS_MAX: usize = 8;
/// Sentences of one passage.
const SENTENCES_MAX: usize = 4;
/// Pairs of quotes that disagree.
const PAIRS_MAX: usize = 4;
/// Sub-questions named as not found.
const GAPS_MAX: usize = 12;

/// The report on a question, or [`NOTHING_FOUND`]. `must_answer` keeps partial findings.
pub(super) fn report(
    question: &str,
    ranking: &Ranking<'_>,
    outputs: &[StepText],
    size: Size,
    must_answer: bool,
) -> String {
    if ranking.best.is_empty() || !(ranking.is_answered || must_answer) {
        return NOTHING_FOUND.to_owned();
    }
    let mut used = BTreeSet::new();
    let mut text = format!("{ANSWER}\n\n");
    let passages = passages(ranking, size.answers, if ranking.is_clear { CLEAR } else { UNCLEAR }, &mut used);
    for passage in &passages {
        text.push_str(&paragraph(ranking, passage));
        text.push_str("\n\n");
    }
    more(ranking, size, &mut used, &mut text);
    disagreements(ranking, &mut text);
    gaps(question, outputs, &mut text);
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// What a researcher hands over: quotes in a list, the best first, or [`NOTHING_FOUND`].
pub(super) fn findings(ranking: &Ranking<'_>, passages_max: usize) -> String {
    if ranking.best.is_empty() || !ranking.is_answered {
        return NOTHING_FOUND.to_owned();
    }
    let mut used = BTreeSet::new();
    let mut text = String::new();
    for passage in passages(ranking, passages_max, 0.45, &mut used) {
        for at in passage {
            text.push_str("- ");
            text.push_str(&quoted(ranking, at));
            text.push('\n');
        }
    }
    text
}

/// Up to `most` passages whose best unit scores at least `share` of the top.
fn passages(ranking: &Ranking<'_>, most: usize, share: f64, used: &mut BTreeSet<usize>) -> Vec<Vec<usize>> {
    let bar = ranking.top() * share;
    let mut passages = Vec::new();
    for &at in &ranking.best {
        if passages.len() >= most || ranking.scores[at] < bar {
            break;
        }
        if used.contains(&at) || ranking.is_elsewhere[at] {
            continue;
        }
        let passage: Vec<usize> =
            around(ranking, at, passages.is_empty()).into_iter().filter(|at| used.insert(*at)).collect();
        passages.push(passage);
    }
    passages
}

/// The unit with what it needs to be understood: what it points back to, the list it introduces, its table's header;
/// the `whole` of its paragraph if that is short.
fn around(ranking: &Ranking<'_>, at: usize, whole: bool) -> Vec<usize> {
    let units = &ranking.units;
    let unit = &units[at];
    let mut passage = vec![at];
    match unit.form {
        Form::Row => {
            let header = (0..at).rev().take_while(|other| same_block(&units[*other], unit)).last();
            if let Some(header) = header {
                passage.insert(0, header);
            }
            return passage;
        }
        Form::Item | Form::Code => {
            if let Some(lead_in) = lead_in(units, at) {
                passage.insert(0, lead_in);
            }
        }
        Form::Sentence | Form::Heading if whole && let Some(paragraph) = short_paragraph(units, at) => {
            passage = paragraph;
        }
        Form::Sentence | Form::Heading => {
            for before in (at.saturating_sub(2)..at).rev() {
                let first = &units[before + 1];
                let is_dependent = leans_back(&first.text) || first.bag.sequence.len() < 6;
                if !is_dependent || !same_block(&units[before], unit) {
                    break;
                }
                passage.insert(0, before);
            }
        }
    }
    let mut last = passage.last().copied().unwrap_or(at);
    while let Some(next) = units.get(last + 1) {
        let shares_block = same_block(next, unit) && passage.len() < SENTENCES_MAX;
        let adds = ranking.scores[last + 1] >= 0.5 * ranking.scores[at] || leans_back(&next.text) && last == at;
        if !(shares_block && adds && unit.form != Form::Code) || units[last].text.ends_with(':') {
            break;
        }
        last += 1;
        passage.push(last);
    }
    let introduces = units[last].text.ends_with(':') || unit.form == Form::Code;
    if introduces {
        passage.extend(followers(units, last));
    } else if units[last].explains_next && last + 1 < units.len() {
        passage.push(last + 1);
    }
    passage
}

/// The sentences of the unit's paragraph, if it is a short one.
fn short_paragraph(units: &[Unit], at: usize) -> Option<Vec<usize>> {
    const BYTES_MAX: usize = 600;
    let first = (0..at).rev().take_while(|other| same_block(&units[*other], &units[at])).last().unwrap_or(at);
    let sentences: Vec<usize> =
        (first..units.len()).take_while(|other| same_block(&units[*other], &units[at])).collect();
    let bytes: usize = sentences.iter().map(|at| units[*at].text.len()).sum();
    (sentences.len() <= SENTENCES_MAX && bytes <= BYTES_MAX).then_some(sentences)
}

/// The list items, rows or lines that follow a lead-in.
fn followers(units: &[Unit], at: usize) -> impl Iterator<Item = usize> {
    let span = units[at].span;
    let form = units.get(at + 1).map(|unit| unit.form).filter(|form| !matches!(form, Form::Heading));
    let block = units.get(at + 1).map(|unit| unit.block);
    let is_follower = move |unit: &Unit| {
        let in_block = match form {
            Some(Form::Sentence) | None => false,
            // The items of a loose list stand in blocks of their own.
            Some(Form::Item) => true,
            Some(_) => Some(unit.block) == block,
        };
        unit.span == span && Some(unit.form) == form && in_block
    };
    let count = units[at + 1..].iter().take(FOLLOWERS_MAX).take_while(|unit| is_follower(unit)).count();
    (at + 1)..(at + 1 + count)
}

/// The sentence ending with a colon that introduces the list or code block the unit is in.
fn lead_in(units: &[Unit], at: usize) -> Option<usize> {
    let unit = &units[at];
    let before = (0..at).rev().take(FOLLOWERS_MAX).find(|other| units[*other].form != unit.form)?;
    let lead = &units[before];
    (lead.span == unit.span && lead.form == Form::Sentence && lead.text.ends_with(':')).then_some(before)
}

fn same_block(one: &Unit, other: &Unit) -> bool {
    one.span == other.span && one.block == other.block && one.form == other.form
}

/// Whether a sentence points back to the one before: by its first word, or by a pronoun among the next.
fn leans_back(text: &str) -> bool {
    const OPENERS: &[&str] = &[
        "that",
        "he",
        "she",
        "his",
        "her",
        "however",
        "otherwise",
        "then",
        "both",
        "but",
        "instead",
        "also",
        "so",
        "here",
        "such",
        "therefore",
        "earlier",
        "later",
    ];
    const PRONOUNS: &[&str] = &["it", "its", "they", "their", "them", "this", "these", "those"];
    let first: Vec<String> = words(text).take(4).map(str::to_lowercase).collect();
    first.first().is_some_and(|word| OPENERS.contains(&word.as_str()))
        || first.iter().any(|word| PRONOUNS.contains(&word.as_str()))
}

/// The units of a passage: sentences as a paragraph, anything else as a list.
fn paragraph(ranking: &Ranking<'_>, passage: &[usize]) -> String {
    let mut text = String::new();
    let mut before: Option<Form> = None;
    for &at in passage {
        let form = ranking.units[at].form;
        let is_listed = form != Form::Sentence;
        if is_listed && passage.len() > 1 {
            text.push_str(match before {
                None => "",
                Some(Form::Sentence) => "\n\n",
                Some(_) => "\n",
            });
            text.push_str("- ");
        } else if before.is_some() {
            text.push_str(if before == Some(Form::Sentence) { " " } else { "\n\n" });
        }
        text.push_str(&quoted(ranking, at));
        before = Some(form);
    }
    text
}

/// Quotes of further sources, best source first.
fn more(ranking: &Ranking<'_>, size: Size, used: &mut BTreeSet<usize>, text: &mut String) {
    let bar = ranking.top() * if ranking.is_clear { MORE_CLEAR } else { MORE_UNCLEAR };
    let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
    for &at in ranking.best.iter().take_while(|at| ranking.scores[**at] >= bar) {
        if used.contains(&at) {
            continue;
        }
        let source = &ranking.spans[ranking.units[at].span].source;
        let heading = markdown::heading(&source.title, &source.uri);
        match groups.iter().position(|(known, _)| *known == heading) {
            Some(known) if groups[known].1.len() < size.quotes => groups[known].1.push(at),
            None if groups.len() < size.sources => groups.push((heading, vec![at])),
            Some(_) | None => continue,
        }
        used.insert(at);
    }
    if groups.is_empty() {
        return;
    }
    text.push_str(MORE);
    text.push_str("\n\n");
    for (heading, mut group) in groups {
        group.sort_unstable();
        text.push_str(&format!("### {heading}\n\n"));
        for at in group {
            text.push_str(&format!("- {}\n", quoted(ranking, at)));
        }
        text.push('\n');
    }
}

/// Pairs of quotes from different sources that give other numbers for the same words.
fn disagreements(ranking: &Ranking<'_>, text: &mut String) {
    let bar = ranking.top() * 0.5;
    let close: Vec<(usize, Shingles)> = ranking
        .best
        .iter()
        .take_while(|at| ranking.scores[**at] >= bar)
        .filter(|at| !matches!(ranking.units[**at].form, Form::Row | Form::Code))
        .take(60)
        .map(|at| (*at, Shingles::of(&ranking.units[*at].bag)))
        .collect();
    let uri = |at: usize| &ranking.spans[ranking.units[at].span].source.uri;
    let mut written = 0;
    for (number, (one, shingles)) in close.iter().enumerate() {
        for (other, others) in &close[number + 1..] {
            if written < PAIRS_MAX && uri(*one) != uri(*other) && shingles.contradicts(others) {
                text.push_str(if written == 0 { DISAGREE } else { "" });
                text.push_str(if written == 0 { "\n\n" } else { "" });
                text.push_str(&format!("- {}\n- {}\n\n", quoted(ranking, *one), quoted(ranking, *other)));
                written += 1;
            }
        }
    }
}

/// The sub-questions nothing was found for, as the outputs say.
fn gaps(question: &str, outputs: &[StepText], text: &mut String) {
    let mut gaps: Vec<&str> = Vec::new();
    for output in outputs {
        let own = is_nothing_found(&output.text).then_some(output.task.as_str());
        let inherited = output.text.split_once(NOT_FOUND).map_or("", |(_, rest)| rest);
        let inherited =
            inherited.lines().take_while(|line| !line.starts_with("## ")).filter_map(|line| line.strip_prefix("- "));
        for gap in own.into_iter().chain(inherited) {
            if gaps.len() < GAPS_MAX && gap != question && !gaps.contains(&gap) {
                gaps.push(gap);
            }
        }
    }
    if gaps.is_empty() {
        return;
    }
    text.push_str(NOT_FOUND);
    text.push_str("\n\n");
    for gap in gaps {
        let line: String = gap.split_whitespace().collect::<Vec<_>>().join(" ");
        text.push_str(&format!("- {line}\n"));
    }
}

/// Whether a text is [`NOTHING_FOUND`].
pub(super) fn is_nothing_found(text: &str) -> bool {
    text.trim() == NOTHING_FOUND
}

/// A unit as it is quoted, with its citation.
fn quoted(ranking: &Ranking<'_>, at: usize) -> String {
    let unit = &ranking.units[at];
    let id = &ranking.spans[unit.span].id;
    match unit.form {
        Form::Code => format!("{} [{id}]", markdown::code(&unit.text)),
        Form::Heading | Form::Sentence | Form::Item | Form::Row => format!("{} [{id}]", markdown::prose(&unit.text)),
    }
}
