//! Why a workflow has no result. Owns the words; which failure ends a workflow is each strategy's.

use mcp_orchestrator_domain::{Failure, FailureClass, Step};

/// Every agent failed: each reason once, with those it held for.
pub(crate) fn no_result(agents: &[&Step]) -> Failure {
    let mut reasons: Vec<(&Failure, Vec<&str>)> = Vec::new();
    for (agent, failure) in agents.iter().filter_map(|agent| Some((agent.id().as_str(), agent.failure()?))) {
        match reasons.iter_mut().find(|(known, _)| *known == failure) {
            Some((_, agents)) => agents.push(agent),
            None => reasons.push((failure, vec![agent])),
        }
    }
    // A budget that stopped every agent is the caller's to raise, so that is what is told.
    let is_budget = !reasons.is_empty() && reasons.iter().all(|(failure, _)| failure.class == FailureClass::Budget);
    let class = if is_budget { FailureClass::Budget } else { FailureClass::NoResult };
    let reasons: Vec<String> =
        reasons.iter().map(|(failure, agents)| format!("{} ({failure})", agents.join(", "))).collect();
    let count = agents.len();
    let all = if count == 1 { "the only agent failed".to_owned() } else { format!("all {count} agents failed") };
    Failure::new(class, format!("{all}: {}", reasons.join("; ")))
}
