//! Judged searches: does `corpus_search` give the passages that answer among its first ten, and how early. Owns the two
//! measures and their bars; the questions are data in `tests/answers` and `tests/retrieval`.

use std::io::Write;

use anyhow::Context as _;
use mcp_orchestrator::{ExtractiveProvider, Handle, MemoryStore, Orchestrator};
use serde_json::json;

use crate::answers::questions::{Expected, Judged, QuestionFile, load};

/// Passages looked at.
const DEPTH: usize = 10;

/// What must be reached over all questions that have an answer.
const RECALL_MIN: f64 = 0.9;
const NDCG_MIN: f64 = 0.7;

/// Runs every judged question with an answer as a search. Whether the bars are reached.
pub(super) fn run(out: &mut impl Write) -> anyhow::Result<bool> {
    let mut total = Tally::default();
    writeln!(out, "\n{:<10} {:>9} {:>10} {:>8}", "corpus", "questions", "recall@10", "nDCG@10")?;
    let mut files = load("tests/answers")?;
    files.extend(load("tests/retrieval")?);
    for file in &files {
        let tally = search(file).with_context(|| format!("failed to search {}", file.name))?;
        tally.print(out, &file.name)?;
        total.add(tally);
    }
    total.print(out, "all")?;
    let passed = total.recall() >= RECALL_MIN && total.ndcg() >= NDCG_MIN;
    writeln!(out, "{}: recall@10 ≥ {RECALL_MIN}, nDCG@10 ≥ {NDCG_MIN}", if passed { "reached" } else { "missed" })?;
    Ok(passed)
}

fn search(file: &QuestionFile) -> anyhow::Result<Tally> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let orchestrator = Orchestrator::builder(MemoryStore::new())
        .with_provider(ExtractiveProvider::new())
        .with_corpus(&file.name, &file.folder)
        .build()?;
    runtime.block_on(async {
        let handle = orchestrator.start();
        let mut tally = Tally::default();
        for judged in &file.questions {
            if let Expected::Answer(groups) = &judged.expected {
                let quotes = quotes(&handle, judged).await?;
                tally.count(groups, &quotes);
            }
        }
        Ok(tally)
    })
}

async fn quotes(handle: &Handle, judged: &Judged) -> anyhow::Result<Vec<String>> {
    let answer = handle
        .call_tool("corpus_search", json!({ "query": judged.ask, "limit": DEPTH }))
        .await
        .with_context(|| format!("failed to search for {:?}", judged.ask))?;
    Ok(answer.spans.iter().map(|span| bare(&span.quote)).collect())
}

/// Sums over questions.
#[derive(Clone, Copy, Default)]
struct Tally {
    questions: usize,
    recall: f64,
    ndcg: f64,
}

impl Tally {
    /// A question needs one passage for each group of texts. A passage gains what it is the first to hold.
    fn count(&mut self, groups: &[Vec<String>], quotes: &[String]) {
        let mut open: Vec<&Vec<String>> = groups.iter().collect();
        let mut gain = 0.0;
        for (rank, quote) in quotes.iter().enumerate() {
            let before = open.len();
            open.retain(|group| !group.iter().any(|text| quote.contains(&bare(text))));
            gain += (before - open.len()) as f64 * discount(rank);
        }
        let ideal: f64 = (0..groups.len()).map(discount).sum();
        self.questions += 1;
        self.recall += (groups.len() - open.len()) as f64 / groups.len() as f64;
        // One passage may hold several groups, which is better than the ideal of one each.
        self.ndcg += (gain / ideal).min(1.0);
    }

    fn add(&mut self, other: Self) {
        self.questions += other.questions;
        self.recall += other.recall;
        self.ndcg += other.ndcg;
    }

    fn recall(self) -> f64 {
        self.recall / self.questions.max(1) as f64
    }

    fn ndcg(self) -> f64 {
        self.ndcg / self.questions.max(1) as f64
    }

    fn print(self, out: &mut impl Write, name: &str) -> anyhow::Result<()> {
        writeln!(out, "{name:<10} {:>9} {:>10.3} {:>8.3}", self.questions, self.recall(), self.ndcg())?;
        Ok(())
    }
}

fn discount(rank: usize) -> f64 {
    1.0 / (rank as f64 + 2.0).log2()
}

/// Lower case, without the marks of inline Markdown, with single spaces.
fn bare(text: &str) -> String {
    let text: String = text.chars().filter(|c| !"`*\\_".contains(*c)).collect();
    text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}
