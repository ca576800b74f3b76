//! What a completed step wrote, as far as the log holds it in place. Owns reading an output; judges nothing but "nothing
//! was found".

use mcp_orchestrator_domain::{CallState, NOTHING_FOUND, Payload, Reply, Step, StepOutput, Workflow};

/// The text a completed agent step ended with; `None` when it has not completed, wrote a report, or its text is long
/// enough to be kept outside the log.
pub(crate) fn text(workflow: &Workflow, step: &Step) -> Option<String> {
    match step.output()? {
        StepOutput::Inline(text) => Some(text.to_string()),
        StepOutput::Call(_) => {
            let reply: Reply = serde_json::from_str(stored(workflow, step)?).ok()?;
            Some(reply.message.text)
        }
        StepOutput::Report => None,
    }
}

/// Whether a completed step wrote only that nothing was found.
pub(crate) fn is_nothing_found(workflow: &Workflow, step: &Step) -> bool {
    // Most outputs are long and not that: they are not parsed.
    let may_be = |stored: &str| stored.len() <= STORED_BYTES_MAX && stored.contains(NOTHING_FOUND);
    match step.output() {
        Some(StepOutput::Inline(text)) => says_nothing_found(text),
        Some(StepOutput::Call(_)) => {
            stored(workflow, step).is_some_and(may_be)
                && text(workflow, step).is_some_and(|text| says_nothing_found(&text))
        }
        Some(StepOutput::Report) | None => false,
    }
}

/// Whether a text says that nothing was found and nothing else, whatever marks a model puts around it.
pub(crate) fn says_nothing_found(text: &str) -> bool {
    text.trim_matches(|c: char| c.is_whitespace() || "*_\"'`“”".contains(c)) == NOTHING_FOUND
}

/// A stored reply of those words alone is shorter, a service's ids and opaque state included; if not, the writer
/// sees the words.
const STORED_BYTES_MAX: usize = 8 * 1024;

fn stored<'w>(workflow: &'w Workflow, step: &Step) -> Option<&'w str> {
    let StepOutput::Call(no) = step.output()? else { return None };
    match &workflow.call(*no)?.state {
        CallState::Completed { output: Payload::Inline(stored), .. } => Some(stored),
        _ => None,
    }
}
