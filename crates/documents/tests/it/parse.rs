//! Markdown to reports: what becomes of text, citations and bombs.

use std::fmt::Write as _;

use mcp_orchestrator_documents::{BLOCKS_MAX, BYTES_MAX, ParseError, markdown, parse};
use mcp_orchestrator_domain::{Block, Report};
use proptest::prelude::*;

/// A report in short: a line per block, its sentences between bars with their citations in braces.
fn outline(report: &Report) -> String {
    let sentences = |sentences: &[mcp_orchestrator_domain::Sentence]| {
        let each = sentences.iter().map(|sentence| {
            let ids: Vec<&str> = sentence.evidence.iter().map(AsRef::as_ref).collect();
            if ids.is_empty() { sentence.text.clone() } else { format!("{} {{{}}}", sentence.text, ids.join(" ")) }
        });
        each.collect::<Vec<_>>().join(" | ")
    };
    let mut out = String::new();
    for block in &report.blocks {
        let _ = match block {
            Block::Heading { level, text } => writeln!(out, "h{level} {text}"),
            Block::Paragraph(text) => writeln!(out, "p {}", sentences(text)),
            Block::Quote(text) => writeln!(out, "q {}", sentences(text)),
            Block::List { ordered, items } => items.iter().try_for_each(|item| {
                writeln!(out, "{}{} {}", if *ordered { "ol" } else { "ul" }, item.depth, sentences(&item.sentences))
            }),
            Block::Code { language, text } => writeln!(out, "code {language} {text:?}"),
            Block::Table { head, rows } => [head].into_iter().chain(rows).try_for_each(|row| {
                let cells: Vec<String> = row.iter().map(|cell| sentences(cell)).collect();
                writeln!(out, "row {}", cells.join(" || "))
            }),
            Block::Rule => writeln!(out, "rule"),
        };
    }
    out
}

#[track_caller]
fn check(markdown: &str, expected: &str) {
    assert_eq!(outline(&parse(markdown, "Title").unwrap()).trim_end(), expected.trim_end(), "{markdown}");
}

#[test]
fn citations_belong_to_the_sentence_they_follow() {
    check("One [ev_aaaaaa]. Two. [ev_bbbbbb] Three.", "p One. {ev_aaaaaa} | Two. {ev_bbbbbb} | Three.");
    check("One [ev_aaaaaa, ev_bbbbbb][ev_cccccc].", "p One. {ev_aaaaaa ev_bbbbbb ev_cccccc}");
    check("One [ev_aaaaaa] and more [ev_aaaaaa] of it.", "p One and more of it. {ev_aaaaaa}");
    check("One.[ev_aaaaaa] Two.[ev_bbbbbb]Three.", "p One. {ev_aaaaaa} | Two. {ev_bbbbbb} | Three.");
    check("[ev_aaaaaa] One. Two.", "p One. {ev_aaaaaa} | Two.");
    check("So it is etc. [ev_aaaaaa] Next.", "p So it is etc. {ev_aaaaaa} | Next.");
    check("One.\n\n[ev_aaaaaa]\n\nTwo.", "p One. {ev_aaaaaa}\np Two.");
    check("One `[ev_aaaaaa]`. Two [^ev_bbbbbb].", "p One. {ev_aaaaaa} | Two. {ev_bbbbbb}");
    check("One [ev_aaaaaa](https://example.com).", "p One. {ev_aaaaaa}");
    check("One **two [ev_aaaaaa].** Three.", "p One **two.** {ev_aaaaaa} | Three.");
    check("- One. [ev_aaaaaa]\n- [ev_bbbbbb] Two.", "ul0 One. {ev_aaaaaa}\nul0 Two. {ev_bbbbbb}");
    check("|a|b|\n|-|-|\n|x|[ev_aaaaaa]|", "row a || b\nrow x {ev_aaaaaa} || ");
    check("No [ev_xyz] id, `a[ev_aaaaaa]` code.", "p No \\[ev_xyz\\] id, `a[ev_aaaaaa]` code.");
    check("One [ev_aaaaaa, Smith 2020].", "p One \\[Smith 2020\\]. {ev_aaaaaa}");
}

#[test]
fn blocks_keep_their_kind_order_and_level() {
    check("# Title\n\n## A\n\n### B\n\ntext", "h1 A\nh2 B\np text");
    check("# Other\n\n## A", "h1 Other\nh2 A");
    check("1. a\n   - b\n\n     c\n2. d", "ol0 a\nul1 b".replace("ul1 b", "ol1 b | c\nol0 d").as_str());
    check("> One.\n> Two.\n>\n> - three", "q One. | Two.\nul0 three");
    check("- a\n\n  ```rust\n  x\n  ```\n- b", "ul0 a\ncode rust \"x\"\nul0 b");
    check("a\n\n---\n\nb", "p a\nrule\np b");
    check("| a\\|b | c |\n|---|---|\n| 1. | `x` |", "row a|b || c\nrow 1. || `x`");
}

#[test]
fn nothing_markdown_would_hide_is_lost() {
    check(
        "<script>alert(1)</script>\n\nA <b>bold</b> claim.",
        "p \\<script>alert(1)\\</script>\np A \\<b>bold\\</b> claim.",
    );
    check(
        "See [1].\n\n[1]: https://example.com \"T\"",
        "p See [1](https://example.com).\np \\[1\\]: https://example.com \"T\"",
    );
    check("> [a]: /hidden\n\nEnd.", "p \\[a\\]: /hidden\np End.");
    check(
        "A [safe](https://e.org/a_(b)) and [bad](javascript:x) ![pic](x.png).",
        "p A [safe](https://e.org/a_%28b%29) and bad pic.",
    );
    check("Note[^1].\n\n[^1]: Text here.", "p Note\\[^1\\].\np \\[^1\\]: Text here.");
    check("Bell\u{7} and \u{202e}turn &amp; &lt;b>.", "p Bell and turn & \\<b>.");
}

#[test]
fn bombs_are_refused_or_read_without_harm() {
    assert_eq!(parse(&">".repeat(60_000), "T").unwrap_err(), ParseError::TooDeep);
    assert_eq!(parse(&"1. ".repeat(60_000), "T").unwrap_err(), ParseError::TooDeep);
    assert_eq!(parse(&"x".repeat(BYTES_MAX + 1), "T").unwrap_err(), ParseError::TooLong { bytes: BYTES_MAX + 1 });
    assert_eq!(parse(&"a\n\n".repeat(BLOCKS_MAX + 1), "T").unwrap_err(), ParseError::TooManyBlocks);
    assert_eq!(parse(&"- a\n".repeat(BLOCKS_MAX + 1), "T").unwrap_err(), ParseError::TooManyBlocks);
    for bomb in
        ["*".repeat(50_000), "[".repeat(100_000), "`a".repeat(50_000), "[ev_".repeat(50_000), "<".repeat(50_000)]
    {
        let report = parse(&bomb, "T").unwrap();
        let kept: usize = report.sentences().map(|sentence| sentence.text.len()).sum();
        assert!(kept >= bomb.len() || matches!(report.blocks[..], [Block::Rule]), "{} kept of {}", kept, bomb.len());
    }
    let emphasis = format!("{}a{}", "**".repeat(20_000), "**".repeat(20_000));
    assert!(matches!(parse(&emphasis, "T"), Ok(_) | Err(ParseError::TooDeep)));
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

fn all_text(report: &Report) -> String {
    let mut out = String::new();
    for block in &report.blocks {
        match block {
            Block::Heading { text, .. } => out.push_str(text),
            Block::Code { language, text } => {
                out.push_str(language);
                out.push_str(text);
            }
            Block::Paragraph(_) | Block::Quote(_) | Block::List { .. } | Block::Table { .. } | Block::Rule => {
                let only = Report { blocks: vec![block.clone()], ..Report::default() };
                only.sentences().for_each(|sentence| out.push_str(&sentence.text));
            }
        }
    }
    letters(&out)
}

// A line does not begin with a space: that would continue an item, and an item is written as one paragraph.
const LINE: &str = "(#{1,3} |- |> |1\\. |  - |)([A-Za-z]{1,6}|[0-9.]{1,4}|`[a-z|]{1,4}`|\\*\\*[a-z]{1,4}\\*\\*|\\[ev_[0-9a-f]{6}\\]|[.!?,\"*_<&#~+=-]{1,2}|e\\.g\\.)([A-Za-z]{1,6}|[0-9.]{1,4}|`[a-z|]{1,4}`|\\*\\*[a-z]{1,4}\\*\\*|\\[ev_[0-9a-f]{6}\\]|[.!?,\"*_<&#~+=-]{1,2}|e\\.g\\.| ){0,13}\n{1,2}";

proptest! {
    #[test]
    fn what_is_written_back_reads_the_same(lines in prop::collection::vec(LINE, 1..12)) {
        let first = parse(&lines.concat(), "Some other title").unwrap();
        let source = markdown::source(&first);
        let second = parse(&source, "Some other title").unwrap();
        let sentences = |report: &Report| -> Vec<(String, Vec<String>)> {
            report.sentences().map(|s| (s.text.clone(), s.evidence.iter().map(ToString::to_string).collect())).collect()
        };
        prop_assert_eq!(sentences(&first), sentences(&second), "{}", source);
        prop_assert_eq!(all_text(&first), all_text(&second));
    }

    #[test]
    fn plain_text_is_never_lost(lines in prop::collection::vec("[A-Za-z][A-Za-z0-9 .,!?:;'\"-]{0,60}\n{1,2}", 0..6)) {
        let text = lines.concat();
        let report = parse(&text, "").unwrap();
        prop_assert_eq!(all_text(&report), letters(&text));
    }

    #[test]
    fn no_markdown_makes_it_panic(text in any::<String>(), marks in "[\\[\\]()`*_<>#|&!:\\\\\n \t.0-9a-z-]{0,160}") {
        for markdown in [&text, &marks, &format!("{marks}{text}")] {
            if let Ok(report) = parse(markdown, "T") {
                let _ = markdown::source(&report);
            }
        }
    }
}
