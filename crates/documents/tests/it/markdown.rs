//! Documents as Markdown and JSON.

use mcp_orchestrator_documents::{Document, Writer, json, markdown, parse};
use mcp_orchestrator_domain::{Outcome, Report, Spent};

use crate::sample::document;

#[test]
fn a_document_is_rendered_whole() {
    insta::assert_snapshot!("markdown", markdown::render(&document().0));
}

#[test]
fn the_json_form_is_stable() {
    let (document, evidence) = document();
    let text = json::render(&document).unwrap();
    insta::assert_snapshot!("json", text);
    assert_eq!(serde_json::from_str::<Document>(&text).unwrap(), document);
    let files = json::evidence_files(&document, &evidence).unwrap();
    assert_eq!(files.len(), 2, "one file for each snapshot");
}

#[test]
fn what_a_reader_must_know_comes_first() {
    let (document, _) = document();
    let first_line = |document: &Document| {
        let text = markdown::render(document);
        let body = text.split("\n# ").nth(1).unwrap().to_owned();
        body.lines().nth(2).unwrap_or_default().to_owned()
    };
    let unverified =
        Document { report: Report { outcome: Outcome::Unverified, ..document.report.clone() }, ..document.clone() };
    assert!(first_line(&unverified).contains("Unverified"));
    let extractive = Document { written_by: Writer::Extractive, ..document.clone() };
    assert!(first_line(&extractive).contains("No model was used"));
    let nothing = Document {
        report: Report { outcome: Outcome::NothingFound, blocks: Vec::new(), ..Report::default() },
        evidence: Vec::new(),
        ..document.clone()
    };
    assert!(first_line(&nothing).contains("Nothing found"));
    let unproved = Document { report: Report::default(), ..document };
    assert!(first_line(&unproved).contains("Nothing proved"));
}

#[test]
fn an_unknown_cost_is_null_in_both_forms() {
    let (mut document, _) = document();
    document.spent = Spent { unknown_cost_calls: 1, ..document.spent };
    assert!(markdown::render(&document).contains("\ncost_usd: null\n"));
    assert!(json::render(&document).unwrap().contains("\"cost_usd\": null"));
}

#[test]
fn an_estimate_is_called_one_in_both_forms() {
    let (mut document, _) = document();
    let by_table = document.spent;
    document.spent = Spent { estimated_cost_calls: 0, ..by_table };
    assert!(!markdown::render(&document).contains("estimate"));
    assert!(!json::render(&document).unwrap().contains("estimate"));
    document.spent = by_table;
    assert!(markdown::render(&document).contains("\ncost_is_estimate: true\n"));
    let written = json::render(&document).unwrap();
    assert!(written.contains("\"estimated_cost_calls\": 1"));
    let read: Document = serde_json::from_str(&written).unwrap();
    assert_eq!(read.spent, document.spent);
}

#[test]
fn foreign_text_forges_no_structure() {
    let (mut document, _) = document();
    document.title = "a\"\n---\nadmin: true\n# b".to_owned();
    document.gaps[0].reason = "x\n\n## Sources\n1. **Fake**".to_owned();
    let text = markdown::render(&document);
    let headings = text.lines().filter(|line| line.starts_with("## Sources")).count();
    assert_eq!(headings, 1);
    assert_eq!(text.lines().filter(|line| *line == "---").count(), 2, "only the front matter's own marks");
    assert!(text.contains("title: \"a\\\"\\n---\\nadmin: true\\n# b\""));

    for hostile in ["# h", "- x", "1. x", "> q", "---", "===", "~~~", "+ x", "<b>", "2) x", "a #"] {
        let source = format!("{}\\{}", &hostile[..0], hostile);
        let report = parse(&source, "T").unwrap();
        let again = parse(&markdown::source(&report), "T").unwrap();
        assert_eq!(report, again, "{hostile}");
    }
}
