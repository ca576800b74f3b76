//! One report with one sentence in question, through the parser and the gate. Owns building the report and reading the
//! verdict; knows neither faults nor rewordings.

use std::sync::Arc;

use anyhow::Context as _;
use mcp_orchestrator_documents::{digest_of, evidence_id, parse};
use mcp_orchestrator_domain::{EvidenceId, EvidenceSet, GateMode, Mark, Source, Span, gate};

use super::{
    corpus::{Corpus, Place, one_line},
    plant::Cites,
};

/// What the gate made of a report.
pub(super) struct Verdict {
    /// Whether every part of the sentence in question was proved.
    pub(super) proved: bool,
    /// Sentences beside it, taken word for word from their sources, and how many of them were not proved.
    pub(super) beside: usize,
    pub(super) beside_lost: usize,
    /// Why, in words.
    pub(super) problems: Vec<String>,
}

/// A citation's evidence: the paragraph.
fn cite(corpus: &Corpus, place: &Place, evidence: &mut EvidenceSet) -> EvidenceId {
    let document = &corpus.documents[place.document];
    let digest = digest_of(document.text.as_bytes());
    let (start, end) = (place.paragraph.start as u64, place.paragraph.end as u64);
    let id = evidence_id(&digest, start, end);
    evidence.add_snapshot(digest, document.text.as_str().into());
    evidence.add_span(Arc::new(Span {
        id: id.clone(),
        snapshot: digest,
        start,
        end,
        quote: corpus.paragraph(place).into(),
        source: Arc::new(Source {
            uri: format!("corpus:{}/{}", corpus.name, document.name),
            title: document.title.clone(),
        }),
    }));
    id
}

/// Sends a report through the gate in its strictest mode: the sentence in question between two others.
pub(super) fn judge(
    corpus: &Corpus,
    text: &str,
    places: &[&Place],
    cites: &Cites,
    beside: &[&Place],
) -> anyhow::Result<Verdict> {
    let mut evidence = EvidenceSet::new();
    let mut ids: Vec<String> = Vec::new();
    match cites {
        Cites::Itself => ids.extend(places.iter().map(|place| cite(corpus, place, &mut evidence).to_string())),
        Cites::Other(other) => ids.push(cite(corpus, other, &mut evidence).to_string()),
        Cites::Dead => ids.push("ev_0123456789ab".to_owned()),
    }
    let cited = |text: &str, ids: &[String]| {
        let body = text.trim_end_matches('.');
        format!("{body} [{}].", ids.join(", "))
    };
    let others: Vec<String> =
        beside.iter().map(|place| cited(&place.sentence, &[cite(corpus, place, &mut evidence).to_string()])).collect();
    let [first, second] = others.as_slice() else { anyhow::bail!("two sentences stand beside the one in question") };
    let markdown = format!("# Report\n\n{first}\n\n{}\n\n{second}\n", cited(text, &ids));
    let report = parse(&markdown, "Report").context("failed to parse a report")?;
    let findings = gate::check(&report, &evidence, GateMode::Strict);
    let problems = findings.iter().map(|finding| format!("{}: {:?}", finding.problem, finding.text)).collect();
    let settled = gate::settle(report, &findings, GateMode::Mark);
    let blocks: Vec<Vec<Mark>> = settled
        .report
        .blocks
        .iter()
        .filter_map(|block| match block {
            mcp_orchestrator_domain::Block::Paragraph(sentences) => Some(sentences.iter().map(|s| s.mark).collect()),
            _ => None,
        })
        .collect();
    let proved = |marks: &[Mark]| !marks.is_empty() && marks.iter().all(|mark| *mark == Mark::Proved);
    let [before, middle, after] = blocks.as_slice() else {
        anyhow::bail!("a report has {} paragraphs: {}", blocks.len(), one_line(&markdown))
    };
    let beside_lost = [before, after].into_iter().filter(|marks| !proved(marks)).count();
    Ok(Verdict { proved: proved(middle), beside: 2, beside_lost, problems })
}
