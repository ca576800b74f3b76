//! One question through a research workflow without a model: planner, researchers with `corpus_search`, synthesizers,
//! executive. Owns the order of the steps, nothing of what they write.

use std::sync::Arc;

use anyhow::Context as _;
use mcp_orchestrator_documents::parse;
use mcp_orchestrator_domain::{
    CorpusName, EvidenceSet, Finding, GateMode, NOTHING_FOUND, Outcome as ReportOutcome, Principal, Reply, Role, Span,
    StepId, StepInput, StepText, ToolName, cited, gate,
};
use mcp_orchestrator_providers::{ChatRequest, ExtractiveProvider, NoDeltas, Provider as _};
use mcp_orchestrator_strategies::sub_tasks;
use mcp_orchestrator_tools::{Corpora, Corpus, CorpusOptions, CorpusSearch, Tool as _, ToolInvocation};
use tokio::runtime::Runtime;

use super::questions::QuestionFile;

/// What `research` does unless asked otherwise.
const AGENTS: u16 = 8;
const GROUP_SIZE: usize = 5;
const TURNS_MAX: u16 = 6;

/// A report and what the citation gate made of it.
pub(super) struct Checked {
    /// As it was written.
    pub(super) markdown: String,
    /// What is left of it.
    pub(super) settled: gate::Settled,
    /// What the gate found.
    pub(super) findings: Vec<Finding>,
}

/// A corpus ready for questions.
pub(super) struct Library {
    runtime: Runtime,
    corpus: Arc<Corpus>,
    search: CorpusSearch,
    corpora: [CorpusName; 1],
    writer: ExtractiveProvider,
}

impl Library {
    /// Indexes the corpus of a file in memory.
    pub(super) fn open(file: &QuestionFile) -> anyhow::Result<Self> {
        let name = CorpusName::new(&file.name)?;
        let corpus = Corpus::open(CorpusOptions::new(name.clone(), vec![file.folder.clone()]))
            .with_context(|| format!("failed to index {}", file.folder.display()))?;
        let corpus = Arc::new(corpus);
        Ok(Self {
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build()?,
            search: CorpusSearch::new(Corpora::new([Arc::clone(&corpus)])),
            corpus,
            corpora: [name],
            writer: ExtractiveProvider::new(),
        })
    }

    /// The report on a question, as it leaves the citation gate.
    pub(super) fn answer(&self, question: &str) -> anyhow::Result<Checked> {
        let written = self.runtime.block_on(self.research(question))?;
        let markdown = written.text.text.to_string();
        let mut report = parse(&markdown, question)?;
        if markdown.trim() == NOTHING_FOUND {
            report.outcome = ReportOutcome::NothingFound;
        }
        let mut evidence = EvidenceSet::new();
        for span in &written.spans {
            evidence.add_span(Arc::clone(span));
            if let Some(snapshot) = self.corpus.snapshot(&span.snapshot)? {
                evidence.add_snapshot(snapshot.digest, snapshot.text);
            }
        }
        let findings = gate::check(&report, &evidence, GateMode::Strict);
        Ok(Checked { markdown, settled: gate::settle(report, &findings, GateMode::Strict), findings })
    }

    async fn research(&self, question: &str) -> anyhow::Result<Outcome> {
        let plan = self.chat(&input(Role::Planner, question, "plan")).await?.message.text;
        let mut results = Vec::new();
        for (number, task) in sub_tasks(&plan, AGENTS.into()).iter().enumerate() {
            results.push(self.belter(question, task, number).await?);
        }
        let (found, empty): (Vec<_>, Vec<_>) =
            results.into_iter().partition(|result| &*result.text.text != NOTHING_FOUND);
        let mut reads = Vec::new();
        let mut groups = found.chunks(GROUP_SIZE).peekable();
        let mut is_first = true;
        while let Some(group) = groups.next() {
            let is_whole = group.len() == GROUP_SIZE || groups.peek().is_none() && group.len() >= 2 && !is_first;
            if is_whole {
                reads.push(self.writer_of(Role::Synthesizer, question, "drummer", group).await?);
            } else {
                reads.extend_from_slice(group);
            }
            is_first = false;
        }
        reads.extend(empty);
        self.writer_of(Role::Executive, question, "camina", &reads).await
    }

    async fn belter(&self, question: &str, task: &str, number: usize) -> anyhow::Result<Outcome> {
        let mut input = input(Role::Researcher, question, task);
        input.tools = vec![ToolName::new("corpus_search")?];
        for _ in 0..TURNS_MAX {
            let reply = self.chat(&input).await?;
            if reply.message.tool_calls.is_empty() {
                return outcome(&format!("belter_{number}"), &input, reply);
            }
            for call in &reply.message.tool_calls {
                let arguments = serde_json::from_str(&call.arguments)?;
                let invocation = ToolInvocation {
                    arguments: &arguments,
                    idempotency_key: "answers",
                    principal: &Principal::local(),
                    corpora: &self.corpora,
                };
                let mut spans = self.search.call(invocation).await?.spans;
                input.spans.retain(|known| !spans.iter().any(|span| span.id == known.id));
                spans.append(&mut input.spans);
                input.spans = spans;
                input.tool_calls_made += 1;
            }
        }
        anyhow::bail!("{task:?} was not answered within {TURNS_MAX} turns")
    }

    async fn writer_of(&self, role: Role, question: &str, id: &str, reads: &[Outcome]) -> anyhow::Result<Outcome> {
        let mut input = input(role, question, id);
        for read in reads {
            for evidence in &read.text.evidence {
                let span = read.spans.iter().find(|span| span.id == *evidence);
                if let Some(span) = span.filter(|span| !input.spans.iter().any(|known| known.id == span.id)) {
                    input.spans.push(Arc::clone(span));
                }
            }
        }
        input.outputs = reads.iter().map(|read| read.text.clone()).collect();
        let reply = self.chat(&input).await?;
        outcome(id, &input, reply)
    }

    async fn chat(&self, input: &StepInput) -> anyhow::Result<Reply> {
        let request = ChatRequest {
            model: None,
            messages: &[],
            tools: &[],
            output_schema: None,
            temperature: None,
            output_tokens_max: 4000,
            idempotency_key: "answers",
            input,
        };
        Ok(self.writer.chat(request, &mut NoDeltas).await?.reply)
    }
}

/// What a step wrote and the evidence it had.
#[derive(Clone)]
struct Outcome {
    text: StepText,
    spans: Vec<Arc<Span>>,
}

fn outcome(step: &str, input: &StepInput, reply: Reply) -> anyhow::Result<Outcome> {
    let text = reply.message.text;
    let evidence = cited(&text);
    let text = StepText { step: StepId::new(step)?, task: input.task.clone(), text: text.into(), evidence };
    Ok(Outcome { text, spans: input.spans.clone() })
}

fn input(role: Role, question: &str, task: &str) -> StepInput {
    StepInput {
        role,
        question: question.to_owned(),
        task: task.to_owned(),
        parts: AGENTS,
        tools: Vec::new(),
        spans: Vec::new(),
        outputs: Vec::new(),
        tool_calls_made: 0,
    }
}
