//! What a search finds, in what order, and how sure it is.

use std::fmt::Write as _;

use proptest::prelude::*;

use crate::folder::{Folder, found, hits};

const RECOVERY: &str = "# Store\n\nThe store keeps the log of every workflow.\n\n## Crash recovery\n\n\
    After a crash the engine folds the log again. A workflow survives because no event is shown before it is stored.\n\n\
    ## Locks\n\nOne writer holds the lock. Others wait up to five seconds.\n";

fn folder() -> Folder {
    Folder::new(&[
        ("store.md", RECOVERY),
        (
            "billing.md",
            "# Billing\n\nInvoices are sent on the first day of a month.\n\n## Taxes\n\nRates differ by country.\n",
        ),
        ("notes/coffee.txt", "The espresso machine needs descaling every ten weeks.\n\nBeans are bought on Mondays.\n"),
    ])
}

#[test]
fn a_question_finds_the_passage_that_answers_it() {
    let corpus = folder().open();
    let hits = hits(&corpus, "How does a workflow survive a crash?");
    let best = &hits[0];
    assert!(best.span.quote.starts_with("After a crash the engine folds the log again."));
    assert_eq!(best.span.source.uri, "corpus:docs/store.md");
    assert_eq!(best.span.source.title, "Store › Crash recovery");
    assert_eq!(best.heading, "Crash recovery");
    assert!(best.coverage > 0.99, "{}", best.coverage);
    assert!(best.missing.is_empty());
    assert!(hits.windows(2).all(|pair| pair[0].score >= pair[1].score));
}

#[test]
fn coverage_tells_a_chance_match_from_an_answer() {
    let corpus = folder().open();
    let hits = hits(&corpus, "Which day does the zorblax reactor explode?");
    assert!(hits.iter().all(|hit| hit.coverage < 0.4), "{hits:?}");
    assert!(hits[0].missing.contains(&"zorblax".to_owned()));
    assert!(found(&corpus, "zorblax reactor").is_empty());
}

#[test]
fn words_match_by_stem_case_accent_and_script() {
    let folder = Folder::new(&[
        ("a.md", "Die Größe des Ordners wird gemessen."),
        ("b.md", "工作流在崩溃后恢复。"),
        ("c.md", "Le café est fermé à midi."),
        ("d.rs", "fn retry_limit(maxRetries: u32) -> bool {\n    maxRetries > 0\n}\n"),
        ("e.md", "Version 0.27.1 was released."),
    ]);
    let corpus = folder.open();
    assert_eq!(found(&corpus, "GRÖSSE"), ["corpus:docs/a.md"]);
    assert_eq!(found(&corpus, "崩溃"), ["corpus:docs/b.md"]);
    assert_eq!(found(&corpus, "cafe ferme"), ["corpus:docs/c.md"]);
    assert_eq!(found(&corpus, "max retries"), ["corpus:docs/d.rs"]);
    assert_eq!(found(&corpus, "what is in 0.27.1"), ["corpus:docs/e.md"]);
    assert_eq!(found(&corpus, "releases"), ["corpus:docs/e.md"]);
}

#[test]
fn headings_titles_and_names_are_found_too() {
    let folder = Folder::new(&[
        ("ops/rollback-guide.md", "# Going back\n\n## Quarantine\n\nPress the red switch.\n"),
        ("other.md", "# Other\n\nThe switch is blue.\n"),
    ]);
    let corpus = folder.open();
    for query in ["quarantine", "rollback", "going back switch"] {
        assert_eq!(found(&corpus, query)[0], "corpus:docs/ops/rollback-guide.md", "{query}");
    }
}

#[test]
fn no_text_is_an_operator() {
    let corpus = folder().open();
    for query in [
        "",
        " ",
        "\"",
        "(((",
        "crash AND OR NOT",
        "body:crash^1e99",
        "+crash -workflow",
        "crash~99 /.*/ [a TO z]",
        "\u{0}\u{202e}crash",
        &"crash ".repeat(100_000),
    ] {
        let hits = hits(&corpus, query);
        assert_eq!(hits.is_empty(), !query.contains("crash"), "{:?}", &query[..query.len().min(40)]);
    }
    assert!(corpus.search("crash", 0).unwrap().is_empty());
    assert_eq!(corpus.search("crash", usize::MAX).unwrap().len(), hits(&corpus, "crash").len());
}

#[test]
fn equal_scores_keep_their_order_and_copies_count_once() {
    let mut files: Vec<(String, String)> =
        (0..30).map(|n| (format!("{n:02}.md"), format!("The beacon number {n} blinks."))).collect();
    files.push(("copy.md".to_owned(), files[0].1.clone()));
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let first = found(&Folder::new(&files).open(), "beacon blinks");
    assert_eq!(first.len(), 30);
    assert!(first.is_sorted());
    assert_eq!(first, found(&Folder::new(&files).open(), "beacon blinks"));
}

#[test]
fn the_same_place_has_the_same_id_in_every_corpus() {
    let (a, b) = (folder().open(), folder().open());
    let ids = |corpus| hits(corpus, "crash").iter().map(|hit| hit.span.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&a), ids(&b));
    let reading = a.read("store.md", 0, usize::MAX).unwrap();
    assert!(reading.spans.iter().any(|span| span.id == ids(&a)[0]));
}

#[test]
fn documents_are_read_in_order_and_on_from_where_a_reading_ended() {
    let mut text = "# Log\n\n".to_owned();
    for n in 0..40 {
        let _ = write!(text, "## Part {n}\n\nEntry {n} says: {}\n\n", "something happened. ".repeat(20));
    }
    let folder = Folder::new(&[("log.md", &text)]);
    let corpus = folder.open();
    let (mut from, mut seen, mut readings) = (0, Vec::new(), 0);
    loop {
        let reading = corpus.read("corpus:docs/log.md", from, 3_000).unwrap();
        seen.extend(reading.spans.iter().map(|span| span.start));
        readings += 1;
        let Some(next) = reading.next else { break };
        assert!(next > from);
        from = next;
    }
    assert_eq!(seen.len(), 40);
    assert!(seen.is_sorted_by(|a, b| a < b));
    assert!(readings > 4);
    assert_eq!(corpus.read("./log.md", u64::MAX, 10).unwrap().spans.len(), 1);
}

#[test]
fn evidence_is_located_again() {
    let corpus = folder().open();
    let hit = &hits(&corpus, "descaling")[0];
    let (uri, start) = corpus.locate(&hit.span.id).unwrap().unwrap();
    assert_eq!((uri, start), (hit.span.source.uri.clone(), hit.span.start));
    let unknown = mcp_orchestrator_domain::EvidenceId::new("ev_000000000000").unwrap();
    assert!(corpus.locate(&unknown).unwrap().is_none());
}

#[test]
fn an_unknown_document_is_named_and_similar_ones_proposed() {
    let error = folder().open().read("elsewhere/store.md", 0, 10).unwrap_err();
    assert_eq!(error.to_string(), "corpus docs has no document \"elsewhere/store.md\"");
    assert!(
        matches!(error, mcp_orchestrator_tools::CorpusError::UnknownDocument { similar, .. } if similar == ["store.md"])
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn every_span_quotes_its_snapshot_byte_for_byte(
        texts in prop::collection::vec(prop_oneof![
            "(# |## |```|---|\n|\r\n|\n\n|Wort |naïve |漢字 |[a-z ]{0,80}|\t|\u{feff}|🦀){0,80}",
            "\\PC{0,400}",
        ], 1..5),
        extension in prop::sample::select(vec!["md", "txt", "rs", "csv", "html"]),
    ) {
        let folder = Folder::new(&[("base.md", "a lighthouse")]);
        for (number, text) in texts.iter().enumerate() {
            folder.write(&format!("{number}.{extension}"), text);
        }
        let corpus = folder.open();
        for word in ["lighthouse", "wort", "naïve", "漢字", "a", "the"] {
            hits(&corpus, word);
        }
        for document in corpus.documents() {
            let reading = corpus.read(&document.source.uri, 0, usize::MAX).unwrap();
            for span in &reading.spans {
                let range = usize::try_from(span.start).unwrap()..usize::try_from(span.end).unwrap();
                prop_assert_eq!(reading.snapshot.text.get(range), Some(&*span.quote));
            }
        }
    }
}
