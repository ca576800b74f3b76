//! `verify`: every citation of a JSON report again, from its files alone. Needs no settings, store or network.

use std::{path::Path, process::ExitCode};

use mcp_orchestrator_documents::verify::{VerifiedCost, VerifyError, VerifyProblem, verify as check};
use mcp_orchestrator_domain::Money;
use serde_json::{Value, json};

use crate::{
    error::CliError,
    terminal::{Line, Style, Terminal},
};

/// A file that is no report.
#[derive(Debug, thiserror::Error)]
#[error("{source}{}", because(source))]
pub(crate) struct BadReport {
    #[from]
    source: VerifyError,
}

fn because(error: &VerifyError) -> String {
    std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default()
}

pub(crate) fn verify(report: &Path, terminal: Terminal) -> Result<ExitCode, CliError> {
    let found = check(report).map_err(BadReport::from)?;
    if terminal.json {
        terminal.out_json(&json!({
            "report": report,
            "holds": found.holds(),
            "sentences": found.sentences,
            "citations": found.citations,
            "snapshots": found.snapshots,
            "cost_usd": found.cost.and_then(|cost| cost.total.known()).map(Money::usd),
            "not_attributed_usd": found.cost.and_then(|cost| cost.not_attributed.known()).map(Money::usd),
            "problems": found.problems.iter().map(shape).collect::<Vec<_>>(),
        }))?;
    } else {
        for problem in &found.problems {
            terminal.out(Line::new().styled(Style::Red, mark(problem)).plain(" ").plain(problem))?;
        }
    }
    if !found.holds() {
        return Err(CliError::Unproved { problems: found.problems.len() });
    }
    if !terminal.json {
        let text = format!(
            "{} citations in {} sentences hold against {} source texts",
            found.citations, found.sentences, found.snapshots
        );
        terminal.out(Line::new().styled(Style::Green, "verified").plain(": ").plain(text))?;
        if let Some(cost) = found.cost {
            terminal.out(Line::new().styled(Style::Green, "costs").plain(": ").plain(costs(cost)))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What the sentences cost and what is left, in words.
fn costs(cost: VerifiedCost) -> String {
    let (Some(sentences), Some(rest), Some(total)) =
        (cost.sentences.known(), cost.not_attributed.known(), cost.total.known())
    else {
        return "not every call's is known, so there is no sum; the sentences whose are known are priced right"
            .to_owned();
    };
    let about = if cost.total.is_estimate() { "about " } else { "" };
    let (sentences, rest, total) = (sentences.usd(), rest.usd(), total.usd());
    format!(
        "the sentences come to {about}${sentences:.6}, ${rest:.6} are not attributed, together ${total:.6} as spent"
    )
}

/// A problem for programs: its kind, the sentence it is about, counted from 1 as in the message, and the message.
fn shape(problem: &VerifyProblem) -> Value {
    let sentence = problem.sentence();
    json!({
        "kind": problem.kind(),
        "sentence": sentence.map(|(at, _)| at + 1),
        "text": sentence.map(|(_, text)| text),
        "message": problem.to_string(),
    })
}

/// The kind of a problem in a word.
const fn mark(problem: &VerifyProblem) -> &'static str {
    match problem {
        VerifyProblem::MissingEvidence(_) => "missing",
        VerifyProblem::Mispriced { .. } | VerifyProblem::CostsDoNotAddUp { .. } | VerifyProblem::WrongRemainder => {
            "mispriced"
        }
        VerifyProblem::Sentence(_) | VerifyProblem::ProvedWithoutCitation { .. } => "unproved",
        _ => "altered",
    }
}
