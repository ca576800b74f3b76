//! A document with everything a document can hold, and the evidence behind it.

use std::sync::Arc;

use mcp_orchestrator_documents::{Counts, Document, Gap, Writer, cited_spans, digest_of, evidence_id, parse};
use mcp_orchestrator_domain::{
    Cost, EvidenceId, EvidenceSet, GateMode, ModelName, Money, PatternName, ProviderName, Source, Span, Spent, StepId,
    Timestamp, Usage, WorkflowId, gate,
};

const LOG: &str = "# Recovery\n\nThe engine appends every result to the log before anyone hears of it. The log is\n\
    flushed within 50 ms.\n\n| store | p99 |\n| --- | --- |\n| memory | 1 ms |\n";
const HISTORY: &str =
    "Ada Lovelace published the first program on 1 May 1843. It was 66 pages long.\n```\n# not a heading\n```\n";

/// Evidence of two texts; the ids are those of the quotes in order.
pub(crate) fn evidence() -> (EvidenceSet, Vec<EvidenceId>) {
    let mut set = EvidenceSet::new();
    let mut ids = Vec::new();
    for (text, quote, uri, title) in [
        (
            LOG,
            "The engine appends every result to the log before anyone hears of it.",
            "corpus:docs/log.md",
            "Recovery",
        ),
        (LOG, "The log is\nflushed within 50 ms.", "corpus:docs/log.md", "Recovery"),
        (LOG, "| memory | 1 ms |", "corpus:docs/log.md", "Recovery"),
        (
            HISTORY,
            "It was 66 pages long.\n```\n# not a heading\n```",
            "https://example.com/a_b?c=1&d=2",
            "A *star* title",
        ),
    ] {
        let start = text.find(quote).unwrap() as u64;
        let end = start + quote.len() as u64;
        let snapshot = digest_of(text.as_bytes());
        let id = evidence_id(&snapshot, start, end);
        let source = Arc::new(Source { uri: uri.to_owned(), title: title.to_owned() });
        set.add_snapshot(snapshot, text.into());
        set.add_span(Arc::new(Span { id: id.clone(), snapshot, start, end, quote: quote.into(), source }));
        ids.push(id);
    }
    (set, ids)
}

/// A checked document.
pub(crate) fn document() -> (Document, EvidenceSet) {
    let (evidence, ids) = evidence();
    let markdown = format!(
        "# How does it survive?\n\n## Answer\n\nEvery result is appended to the log first. [{0}] The log is flushed within 50 ms \
         [{1}, {0}]. It takes 7 days. The sources agree on this.\n\n### Details\n\n1. It was 66 pages long [{3}].\n   - \
         *Nested* `a|b` text\n2. 3 reasons\n\n> The engine appends every result to the log before anyone hears of it. [{0}]\n\n\
         | store | p99 | source |\n|---|---|---|\n| memory | 1 ms | [{2}] |\n\n```sh\nresume `x`\n```\n\n## Emptied\n\nIn 1999 it was so.\n",
        ids[0], ids[1], ids[2], ids[3],
    );
    let report = parse(&markdown, "How does it survive?").unwrap();
    let findings = gate::check(&report, &evidence, GateMode::Strict);
    let settled = gate::settle(report, &findings, GateMode::Strict);
    let mut spent = Spent { calls: 9, model_calls: 4, ..Spent::default() };
    let usage = Usage { input: 1200, output: 300, ..Usage::default() };
    spent.settle(Cost::Estimated(Money::from_pico_usd(12_500_000_000)), usage);
    let document = Document {
        schema: Document::SCHEMA,
        id: WorkflowId::new("research_0123456789abcdefghjkmnpqrs").unwrap(),
        title: "How does it survive?".to_owned(),
        task: "How does a workflow survive a crash?\n---\n# forged".to_owned(),
        generated: Timestamp::from_millis(1_795_448_570_123),
        pattern: PatternName::new("beltalowda").unwrap(),
        provider: Some(ProviderName::new("local").unwrap()),
        models: vec![ModelName::new("small-1").unwrap()],
        written_by: Writer::Model,
        gate: GateMode::Strict,
        counts: Counts { proved: settled.proved, marked: settled.marked, dropped: settled.dropped },
        spent,
        costs: None,
        gaps: vec![Gap {
            step: StepId::new("belter_2").unwrap(),
            task: "Look at\n# locks".to_owned(),
            reason: "deadline: 180 s passed".to_owned(),
        }],
        notes: vec!["Not converged after 3 of 3 passes: # heading\nis missing.".to_owned()],
        evidence: cited_spans(&settled.report, &evidence),
        report: settled.report,
    };
    (document, evidence)
}
