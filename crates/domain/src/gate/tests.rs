//! The gate driven from outside: sentences against evidence, reports against findings.

use std::sync::Arc;

use proptest::prelude::*;

use super::{check, settle};
use crate::{
    Block, Digest, EvidenceId, EvidenceSet, Finding, GateMode, Item, Mark, Outcome, Problem, Report, Sentence, Source,
    Span,
};

/// Evidence with one snapshot per quote, ids `ev_000000`, `ev_000001` and so on.
fn evidence(quotes: &[&str]) -> (EvidenceSet, Vec<EvidenceId>) {
    let mut set = EvidenceSet::new();
    let mut ids = Vec::new();
    for (number, quote) in (0_u8..).zip(quotes) {
        let snapshot = format!("Before. {quote} After.");
        let id = EvidenceId::new(&format!("ev_{number:06x}")).unwrap();
        let digest = Digest::new([number; 32]);
        set.add_snapshot(digest, snapshot.into());
        set.add_span(Arc::new(Span {
            id: id.clone(),
            snapshot: digest,
            start: 8,
            end: 8 + quote.len() as u64,
            quote: (*quote).into(),
            source: Arc::new(Source { uri: "corpus:docs/recovery.md".into(), title: "Recovery Guide".into() }),
        }));
        ids.push(id);
    }
    (set, ids)
}

fn report(sentences: Vec<Sentence>) -> Report {
    Report { title: "T".into(), outcome: Outcome::Answered, blocks: vec![Block::Paragraph(sentences)] }
}

fn sentence(text: &str, evidence: &[EvidenceId]) -> Sentence {
    Sentence { text: text.into(), evidence: evidence.to_vec(), mark: Mark::Unchecked }
}

fn problems(text: &str, quotes: &[&str]) -> Vec<Problem> {
    let (set, ids) = evidence(quotes);
    let findings = check(&report(vec![sentence(text, &ids)]), &set, GateMode::Strict);
    findings.into_iter().map(|finding| finding.problem).collect()
}

#[track_caller]
fn passes(text: &str, quotes: &[&str]) {
    assert_eq!(problems(text, quotes), [], "{text:?} against {quotes:?}");
}

#[track_caller]
fn fails(text: &str, quotes: &[&str], expected: &Problem) {
    let found = problems(text, quotes);
    assert!(found.contains(expected), "{text:?} against {quotes:?}: expected {expected:?}, found {found:?}");
}

const LOG: &str =
    "The engine appends every result to the log before anyone hears of it, and the log is flushed within 50 ms.";
const HISTORY: &str = "Ada Lovelace published the first program on 1 May 1843, in a note of 66 pages.";

#[test]
fn verbatim_sentences_pass_in_any_dress() {
    for (text, quote) in [
        (LOG, LOG),
        (HISTORY, HISTORY),
        ("The cache is not safe.", "The cache is not safe."),
        ("Use `resume` **now**.", "Use `resume` **now**."),
        ("Use resume now.", "Use `resume` **now**."),
        ("See the guide for more.", "See [the guide](https://example.com/guide) for more."),
        ("See https://example.com/guide for 3 more [1].", "See https://example.com/guide for 3 more [1]."),
        ("Calls in flight are repeated.", "Intro here. Calls in flight are repeated. Nothing else is."),
        ("wrapped over two lines", "- wrapped over\n  two lines\n- another"),
        ("He said “every call is stored”.", "He said \"every call is stored\"."),
        ("漢字の文章です。", "漢字の文章です。次の文章。"),
        ("5 ms", "| Redis | 5 ms | 7 ms |"),
        (r"A \* B is 5 \_ 6", "A * B is 5 _ 6"),
    ] {
        passes(text, &[quote]);
    }
}

#[test]
fn honest_rewordings_pass() {
    for (text, quotes) in [
        ("Every result is appended to the log before anybody hears of it.", &[LOG][..]),
        ("The log is flushed within 50 milliseconds.", &[LOG]),
        ("Results are appended by the engine first.", &[LOG]),
        ("In 1843, Lovelace published her first program.", &[HISTORY]),
        ("The first program was published in May 1843 by Ada Lovelace.", &[HISTORY]),
        ("The note has 66 pages, and the log is flushed within 50ms.", &[LOG, HISTORY]),
        ("The Recovery Guide says results are appended to the log.", &[LOG]),
        ("According to `recovery.md`, every result is appended to the log.", &[LOG]),
        ("WAL keeps readers going.", &["A write-ahead log keeps readers going."]),
        ("The Write-Ahead Log keeps readers going.", &["WAL keeps readers going."]),
        ("The REST API answers with problems.", &["Over REST, problems are answered."]),
        ("Three replicas share the file.", &["3 replicas share one file."]),
        ("It stores events in the `CallStarted` record.", &["Each call stores a call_started record of its events."]),
        ("The log is durable.", &["The log is durable and does not need a network."]),
        ("German engines use the log.", &["Engines from Germany use the log."]),
        ("Result: Everything is appended to the log.", &[LOG]),
    ] {
        passes(text, quotes);
    }
}

#[test]
fn altered_sentences_fail_with_the_altered_thing() {
    fails("The log is flushed within 60 ms.", &[LOG], &Problem::Number("60".into()));
    fails("The log is flushed within 50 s.", &[LOG], &Problem::Number("within 50 s".into()));
    fails("The log is flushed within 50%.", &[LOG], &Problem::Number("within 50%".into()));
    fails("Ada Lovelace published it on 2 May 1843.", &[HISTORY], &Problem::Date("2 May 1843".into()));
    fails("Ada Lovelace published it in June 1843.", &[HISTORY], &Problem::Date("June 1843".into()));
    fails("The first program was published by Charles Babbage.", &[HISTORY], &Problem::Name("Charles Babbage".into()));
    fails("The engine appends results to Redis.", &[LOG], &Problem::Name("Redis".into()));
    fails("Every result is appended by `fsync_all`.", &[LOG], &Problem::Name("fsync_all".into()));
    fails(
        "The guide says \"results are lost at once\" of the log.",
        &[LOG],
        &Problem::Quotation("results are lost at once".into()),
    );
    fails("The log is not flushed within 50 ms.", &[LOG], &Problem::Negation);
    fails("The cache is safe.", &["It is known that the cache is not safe."], &Problem::Negation);
    fails("The cache is safe.", &["It is not the case today that the cache is never safe."], &Problem::Negation);
    fails("The cache is not safe at all.", &["Read on: the cache is\nsafe at all."], &Problem::Negation);
    fails("Bananas ripen faster beside apples and pears.", &[LOG], &Problem::Unrelated);
    fails("It uses sha512 for digests.", &["It uses sha256 for digests."], &Problem::Name("sha512".into()));
    fails("It uses version 1.2.4 now.", &["It uses version 1.2.3 now."], &Problem::Number("1.2.4".into()));
}

const HARBOUR: &str = "Traffic rose from 1,200 ships in 2019 to 2,400 in 2023, says Marlow (doi:10.1000/182). The gate opens before noon.";

#[test]
fn what_is_compared_otherwise_fails_too() {
    for (text, expected) in [
        ("Traffic fell from 1,200 ships in 2019 to 2,400 in 2023.", Problem::Negation),
        ("The gate opens after noon.", Problem::Negation),
        ("Traffic tripled from 2019 to 2023.", Problem::Number("tripled".into())),
        ("Traffic rose last year to 2,400.", Problem::Date("last year".into())),
        ("Traffic rose to more than 2,400 ships.", Problem::Number("more than 2,400".into())),
        ("Traffic rose from ５,２００ ships.", Problem::Number("5,200".into())),
        ("Traffic rose, says Marlow (doi:10.1000/18).", Problem::ForeignReference("doi:10.1000/18".into())),
        ("Traffic rose from twelve thousand ships.", Problem::Number("twelve thousand".into())),
    ] {
        fails(text, &[HARBOUR], &expected);
    }
    for text in [
        "Traffic doubled between 2019 and 2023.",
        "From twelve hundred ships it rose to 2.4 thousand.",
        "Traffic rose to more than 2,300 ships.",
        "Traffic rose to about 2,400 ships, says Marlow (https://doi.org/10.1000/182).",
    ] {
        passes(text, &[HARBOUR]);
    }
}

#[test]
fn a_block_quotation_is_word_for_word() {
    let (set, ids) = evidence(&[LOG]);
    let reworded = "Every result is appended to the log before anybody hears of it.";
    let report = |text: &str| Report {
        blocks: vec![Block::Quote(vec![sentence(text, &ids)])],
        outcome: Outcome::Answered,
        ..Report::default()
    };
    let problems = |text| check(&report(text), &set, GateMode::Strict);
    assert_eq!(problems("the log is flushed within 50 ms"), []);
    assert_eq!(problems(reworded)[0].problem, Problem::Quotation(reworded.into()));
}

#[test]
fn a_name_that_begins_a_sentence_is_known_by_its_use_elsewhere() {
    let (set, ids) = evidence(&[HISTORY, "In the same year Babbage built an engine.", "The engine of Babbage ran."]);
    let found = |text: &str| {
        let sentences =
            vec![sentence(text, &ids[..1]), sentence("In the same year Babbage built an engine.", &ids[1..2])];
        check(&report(sentences), &set, GateMode::Strict)
    };
    assert_eq!(found("Babbage published the first program.")[0].problem, Problem::Name("Babbage".into()));
    assert_eq!(found("Programs were first published in 1843."), []);
}

#[test]
fn foreign_references_fail_with_and_without_a_citation() {
    for (reference, text) in [
        ("[1]", "Every result is appended to the log [1]."),
        ("https://example.com/x", "Every result is appended to the log (https://example.com/x)."),
        ("10.1000/182", "Every result is appended to the log 10.1000/182."),
        ("[^1]", "Every result is appended to the log[^1]."),
        ("[Smith 2020]", "Every result is appended to the log [Smith 2020]."),
    ] {
        let expected = Problem::ForeignReference(reference.into());
        fails(text, &[LOG], &expected);
        fails(text, &[], &expected);
    }
}

#[test]
fn uncited_claims_fail_and_plain_prose_does_not() {
    fails("It takes 50 ms.", &[], &Problem::UncitedNumber("50".into()));
    fails("It was on 1 May 1843.", &[], &Problem::UncitedDate("1 May 1843".into()));
    fails("They say \"every call is stored\".", &[], &Problem::UncitedQuotation("every call is stored".into()));
    for text in [
        "The sources agree on this.",
        "It uses SHA-256 and `x86_64`.",
        "Three reasons speak for it.",
        "1. First of all",
        "What happened in 2024?",
        "The so-called \"safe mode\" helps.",
    ] {
        passes(text, &[]);
    }
}

#[test]
fn citations_that_prove_nothing_fail() {
    let (mut set, ids) = evidence(&["A quote.", "Änderung."]);
    let unknown = EvidenceId::new("ev_abcdef").unwrap();
    let span = |id: &str, snapshot: u8, start, end, quote: &str| {
        Arc::new(Span {
            id: EvidenceId::new(id).unwrap(),
            snapshot: Digest::new([snapshot; 32]),
            start,
            end,
            quote: quote.into(),
            source: Arc::new(Source { uri: String::new(), title: String::new() }),
        })
    };
    set.add_span(span("ev_aaaaaa", 9, 0, 1, "B"));
    set.add_span(span("ev_bbbbbb", 0, 0, 6, "After!"));
    set.add_span(span("ev_cccccc", 1, 9, 12, "nde"));
    set.add_span(span("ev_dddddd", 0, 9, 3, "x"));
    set.add_span(span("ev_eeeeee", 0, 0, u64::MAX, "x"));
    let id = |id: &str| EvidenceId::new(id).unwrap();
    for (cited, expected) in [
        (unknown.clone(), Problem::UnknownEvidence(unknown)),
        (id("ev_aaaaaa"), Problem::MissingSnapshot(id("ev_aaaaaa"), Digest::new([9; 32]))),
        (id("ev_bbbbbb"), Problem::QuoteNotInSnapshot(id("ev_bbbbbb"))),
        (id("ev_cccccc"), Problem::QuoteNotInSnapshot(id("ev_cccccc"))),
        (id("ev_dddddd"), Problem::QuoteNotInSnapshot(id("ev_dddddd"))),
        (id("ev_eeeeee"), Problem::QuoteNotInSnapshot(id("ev_eeeeee"))),
    ] {
        let both = [ids[0].clone(), cited];
        let findings = check(&report(vec![sentence("A quote.", &both)]), &set, GateMode::Strict);
        assert_eq!(findings, [Finding { sentence: 0, text: "A quote.".into(), problem: expected }]);
    }
}

fn draft(ids: &[EvidenceId]) -> Report {
    let heading = |level: u8, text: &str| Block::Heading { level, text: text.into() };
    Report {
        title: "T".into(),
        outcome: Outcome::Answered,
        blocks: vec![
            heading(1, "Good"),
            Block::Paragraph(vec![
                sentence(LOG, ids),
                sentence("The log is flushed within 60 ms.", ids),
                sentence("The sources agree.", &[]),
            ]),
            heading(1, "Emptied"),
            heading(2, "Also emptied"),
            Block::List {
                ordered: true,
                items: vec![Item { depth: 0, sentences: vec![sentence("It took 7 days.", &[])] }],
            },
            heading(1, "Table"),
            Block::Table {
                head: vec![vec![sentence("Case", &[])], vec![sentence("p99 in 2024", &[])]],
                rows: vec![
                    vec![vec![sentence("Flush", &[])], vec![sentence("50 ms", ids)]],
                    vec![vec![sentence("Other", &[])], vec![sentence("51 ms", ids)]],
                ],
            },
        ],
    }
}

#[test]
fn strict_drops_what_fails_and_the_sections_it_emptied() {
    let (set, ids) = evidence(&[LOG]);
    let report = draft(&ids);
    let findings = check(&report, &set, GateMode::Strict);
    assert_eq!(findings.iter().map(|finding| finding.sentence).collect::<Vec<_>>(), [1, 3, 9], "{findings:?}");
    let settled = settle(report, &findings, GateMode::Strict);
    assert_eq!((settled.proved, settled.marked, settled.dropped), (2, 2, 4), "{settled:#?}");
    let texts: Vec<(&str, Mark)> = settled.report.sentences().map(|s| (s.text.as_str(), s.mark)).collect();
    assert_eq!(texts[..2], [(LOG, Mark::Proved), ("The sources agree.", Mark::Unverified)]);
    let headings: Vec<&str> = settled
        .report
        .blocks
        .iter()
        .filter_map(|block| if let Block::Heading { text, .. } = block { Some(text.as_str()) } else { None })
        .collect();
    assert_eq!(headings, ["Good", "Table"]);
    let Some(Block::Table { rows, .. }) = settled.report.blocks.last() else { panic!("no table") };
    assert_eq!(rows.len(), 1, "a row without its only value is gone");
}

#[test]
fn mark_keeps_everything_and_off_touches_nothing() {
    let (set, ids) = evidence(&[LOG]);
    let report = draft(&ids);
    let settled = settle(report.clone(), &check(&report, &set, GateMode::Mark), GateMode::Mark);
    assert_eq!((settled.proved, settled.marked, settled.dropped), (2, 6, 0));
    assert_eq!(settled.report.blocks.len(), report.blocks.len());
    assert_eq!(check(&report, &set, GateMode::Off), []);
    assert_eq!(settle(report.clone(), &[], GateMode::Off).report, report);
}

#[test]
fn nothing_found_carries_no_prose() {
    let (set, ids) = evidence(&[LOG]);
    let report = Report { outcome: Outcome::NothingFound, ..draft(&ids) };
    for mode in [GateMode::Strict, GateMode::Mark, GateMode::Off] {
        let findings = check(&report, &set, mode);
        assert_eq!(findings, []);
        assert!(settle(report.clone(), &findings, mode).report.blocks.is_empty());
    }
}

#[test]
fn without_sources_everything_is_marked_and_false_references_still_fail() {
    let fake = EvidenceId::new("ev_abcdef").unwrap();
    let report = Report {
        outcome: Outcome::Unverified,
        ..report(vec![
            sentence("It took 7 days in May 2024, \"as was said then\".", &[]),
            sentence("It took 8 days [2].", &[]),
            sentence("It took 9 days.", &[fake]),
        ])
    };
    let findings = check(&report, &EvidenceSet::new(), GateMode::Strict);
    assert_eq!(findings.iter().map(|finding| finding.sentence).collect::<Vec<_>>(), [1, 2]);
    let settled = settle(report, &findings, GateMode::Strict);
    assert_eq!((settled.proved, settled.marked, settled.dropped), (0, 1, 2));
}

const SUBJECTS: &[&str] = &["engine", "worker", "cache", "log file", "scheduler"];
const VERBS: &[(&str, &str)] = &[("keeps", "keep"), ("stores", "store"), ("returns", "return"), ("writes", "write")];
const OBJECTS: &[&str] = &["records", "replies", "pages", "tokens"];

proptest! {
    #[test]
    fn any_verbatim_sentence_passes(text in "[A-Z][a-z]{1,8}( [A-Za-z0-9,%$`*_-]{1,9}){1,12}[.!?]") {
        prop_assert_eq!(problems(&text, &[&text]), []);
        let longer = format!("Something else stands here. {text} And more follows.");
        prop_assert_eq!(problems(&text, &[&longer]), []);
    }

    #[test]
    fn one_changed_digit_always_fails(
        subject in 0..SUBJECTS.len(), verb in 0..VERBS.len(), object in 0..OBJECTS.len(),
        number in 10_u32..1_000_000, at in 0_usize..6, step in 1_u8..9, shape in 0..5,
    ) {
        let digits = number.to_string();
        let at = at % digits.len();
        let mut other = digits.clone().into_bytes();
        other[at] = b'0' + (other[at] - b'0' + step) % 10;
        prop_assume!(other[0] != b'0');
        let other = String::from_utf8(other).unwrap();
        let (subject, verb, object) = (SUBJECTS[subject], VERBS[verb].0, OBJECTS[object]);
        let written = |digits: &str| match shape {
            0 => format!("The {subject} {verb} {digits} {object} within its limit."),
            1 => format!("The {subject} {verb} {object} within {digits}ms of its limit."),
            2 => format!("The {subject} {verb} {object} of 1.{digits}.0 within its limit."),
            3 => format!("The {subject} {verb} {object} as sha{digits} within its limit."),
            _ => format!("The {subject} {verb} ${digits}.5 of {object} within its limit."),
        };
        prop_assert!(!problems(&written(&other), &[&written(&digits)]).is_empty());
    }

    #[test]
    fn a_negated_sentence_always_fails(
        subject in 0..SUBJECTS.len(), verb in 0..VERBS.len(), object in 0..OBJECTS.len(), shape in 0..4, flip: bool,
    ) {
        let (subject, (verb, base), object) = (SUBJECTS[subject], VERBS[verb], OBJECTS[object]);
        let affirmed = format!("The {subject} {verb} its {object}.");
        let denied = match shape {
            0 => format!("The {subject} does not {base} its {object}."),
            1 => format!("The {subject} never {verb} its {object}."),
            2 => format!("The {subject} doesn't {base} its {object}."),
            _ => format!("The {subject} cannot {base} its {object}."),
        };
        let (text, quote) = if flip { (affirmed, denied) } else { (denied, affirmed) };
        prop_assert!(problems(&text, &[&quote]).contains(&Problem::Negation), "{} / {}", text, quote);
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), quote in any::<String>(), marks in r#"[\[\](){}`*_"“”«»0-9a-zA-Z .,:\\/-]{0,80}"#) {
        let _ = problems(&text, &[&quote]);
        let _ = problems(&marks, &[&quote, &text]);
        let _ = problems(&marks, &[]);
        let mixed = format!("{marks}{text}{marks}");
        let _ = problems(&mixed, &[&mixed]);
    }
}
