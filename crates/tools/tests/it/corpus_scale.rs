//! Many files: that they are all found, and how long it takes.

use std::{fmt::Write as _, time::Instant};

use crate::folder::{Folder, found, hits};

const WORDS: [&str; 24] = [
    "anchor", "basin", "cable", "delta", "engine", "fjord", "galley", "harbour", "island", "jetty", "keel", "lagoon",
    "mast", "north", "ocean", "pilot", "quay", "rudder", "sail", "tide", "uplift", "vessel", "wharf", "yard",
];

/// Files that look like documentation and differ from each other, the same every time.
fn many(count: usize) -> Folder {
    let folder = Folder::new(&[]);
    let mut seed = 42_u64;
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    for n in 0..count {
        let mut text = format!("# Document {n}\n\nThe token of this document is token{n}x.\n");
        for section in 0..3 {
            let _ = write!(text, "\n## Section {section}\n\n");
            for _ in 0..60 {
                text.push_str(WORDS[random(WORDS.len())]);
                text.push_str(if random(9) == 0 { ". " } else { " " });
            }
            text.push('\n');
        }
        folder.write(&format!("{}/{n}.md", n % 100), text);
    }
    folder
}

#[test]
fn three_hundred_files_are_indexed_and_each_is_found() {
    let folder = many(300);
    let corpus = folder.open();
    assert_eq!(corpus.summary().documents, 300);
    for n in (0..300).step_by(17) {
        let best = &hits(&corpus, &format!("what is token{n}x"))[0];
        assert_eq!(best.span.source.uri, format!("corpus:docs/{}/{n}.md", n % 100));
        assert!(best.coverage > 0.99);
    }
    assert_eq!(found(&corpus, "harbour pilot tide").len().min(20), 20);
    assert_eq!(folder.open().summary().changed, 0);
}

/// `cargo test --release -p mcp-orchestrator-tools --features corpus -- --ignored --nocapture ten_thousand`
#[test]
#[ignore = "measures; needs a release build to mean anything"]
fn ten_thousand_files_are_indexed_in_seconds() {
    let folder = many(10_000);
    let timed = |what: &str| {
        let begun = Instant::now();
        let corpus = folder.open();
        println!("{what}: {:?}, {:?}", begun.elapsed(), corpus.summary());
        corpus
    };
    let corpus = timed("first open");
    assert_eq!(corpus.summary().documents, 10_000);
    timed("second open");
    timed("third open");
    folder.write("0/0.md", "# Changed\n\nA single change.");
    timed("open after one change");
    let begun = Instant::now();
    for n in 0..100 {
        assert!(!corpus.search(&format!("where does the vessel of token{n}x meet the tide"), 8).unwrap().is_empty());
    }
    println!("a search: {:?}", begun.elapsed() / 100);
    let small = many(50);
    small.open();
    let begun = Instant::now();
    small.open();
    println!("unchanged folder of 50 files: {:?}", begun.elapsed());
}
