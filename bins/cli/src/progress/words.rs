//! Events in words. Owns what is worth a line and how it reads; does not write it anywhere.

use std::fmt::Write as _;

use mcp_orchestrator_api::view::ProgressView;
use mcp_orchestrator_domain::clean_line;

use crate::{
    terminal::{Line, Style},
    told::{Activity, Data, Target, Told, Used},
};

/// The line of an event, if it is worth one.
pub(crate) fn of_event(event: &Told) -> Option<Line> {
    let line = of_agent(event).or_else(|| of_workflow(&event.data))?;
    Some(match &event.agent {
        Some(agent) => Line::new().plain(format!("  {agent}: ")).and(line),
        None => line,
    })
}

/// What is said beside an agent's name, if the event is worth it.
pub(crate) fn of_agent(event: &Told) -> Option<Line> {
    Some(match &event.data {
        Data::AgentStart { description } => Line::from(brief(description)),
        Data::AgentComplete(used) => Line::new().styled(Style::Green, "done").plain(used_up(used)),
        Data::SynthesisStart { level, input_count } => {
            Line::from(format!("{level} merges {}", plural(*input_count, "result")))
        }
        Data::SynthesisComplete(used) => Line::new().styled(Style::Green, "done").plain(used_up(used)),
        Data::AgentError { error, used } => {
            Line::new().styled(Style::Red, "failed").plain(used_up(used)).plain(format!(": {}", clean_line(error, 300)))
        }
        Data::Activity(Activity::CallFailed { error, retry_at }) => {
            let then = if retry_at.is_some() { "; it is tried again" } else { "" };
            Line::new().styled(Style::Yellow, format!("{}{then}", clean_line(error, 300)))
        }
        Data::Activity(Activity::ReportChecked { proved, marked, dropped, repairs }) => {
            let mut text = format!("{} proved, {marked} marked as unverified, {dropped} dropped", sentences(*proved));
            if *repairs > 0 {
                let _ = write!(text, ", {} to be repaired", plural(*repairs, "problem"));
            }
            Line::from(text)
        }
        Data::DecompositionComplete { subtask_count: Some(count) } => {
            Line::from(format!("planned {}", plural(*count, "sub-task")))
        }
        Data::Activity(Activity::BranchSelected { selected_branch, reason }) => Line::new()
            .styled(Style::Bold, clean_line(selected_branch, 100))
            .plain(format!(": {}", clean_line(reason, 300))),
        Data::InputRequested { question } => Line::new().styled(Style::Yellow, format!("asks: {}", brief(question))),
        _ => return None,
    })
}

/// What an agent does at this moment: only where there is room for it to be replaced a moment later.
pub(crate) fn of_moment(event: &Told) -> Option<String> {
    match &event.data {
        Data::Activity(Activity::CallStarted { target, turn, attempt }) => {
            let again = if *attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
            Some(match target {
                Target::Tool { name } => format!("calls {name}{again}"),
                Target::Model {} => format!("turn {}{again}", turn + 1),
                Target::Other => return None,
            })
        }
        _ => None,
    }
}

fn of_workflow(data: &Data) -> Option<Line> {
    Some(match data {
        Data::WorkflowForked { from, at } => {
            Line::from(format!("goes on from {} at position {at}", clean_line(from, 100)))
        }
        Data::IterationComplete { iteration, max_iterations, success, reason } => {
            let (style, how) = if *success { (Style::Green, "enough") } else { (Style::Yellow, "not enough") };
            Line::new()
                .plain(format!("pass {iteration} of {max_iterations}: "))
                .styled(style, how)
                .plain(format!(": {}", clean_line(reason, 300)))
        }
        Data::WorkflowPoisoned { message } => {
            Line::new().styled(Style::Red, "held back").plain(format!(": {}", clean_line(message, 300)))
        }
        Data::WorkflowRevived => Line::new().styled(Style::Yellow, "tried again"),
        Data::WorkflowComplete { outcome } => {
            let how = match outcome.as_str() {
                "nothing_found" => "nothing found: the sources say nothing about it",
                "unverified" => "answered without sources: every sentence is marked as unverified",
                _ => return None,
            };
            Line::new().styled(Style::Yellow, how)
        }
        _ => return None,
    })
}

/// Agents, cost and tokens in one phrase: `  3/8 agents, 1 failed  $0.0120  5,310 tokens`.
pub(crate) fn spent(progress: &ProgressView) -> String {
    let mut text = format!("  {}/{} agents", progress.completed_agents, progress.total_agents);
    if progress.failed_agents > 0 {
        let _ = write!(text, ", {} failed", progress.failed_agents);
    }
    match progress.cost_usd {
        Some(usd) => {
            let about = if progress.cost_is_estimate { "about " } else { "" };
            let _ = write!(text, "  {about}${usd:.4}");
        }
        None => text.push_str("  cost unknown"),
    }
    let _ = write!(text, "  {} tokens", grouped(progress.tokens));
    text
}

/// A number with its thousands apart.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A piece of foreign text as part of a line.
pub(crate) fn brief(text: &str) -> String {
    let line = clean_line(text, 101);
    if line.chars().count() > 100 { format!("{}…", clean_line(&line, 99)) } else { line }
}

fn used_up(used: &Used) -> String {
    let mut text = format!("  {:.1} s", used.execution_time);
    if used.tokens > 0 {
        let _ = write!(text, "  {} tokens", grouped(used.tokens));
    }
    if let Some(usd) = used.cost.filter(|usd| *usd > 0.0) {
        let about = if used.cost_is_estimate { "about " } else { "" };
        let _ = write!(text, "  {about}${usd:.4}");
    }
    text
}

fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn sentences(count: u32) -> String {
    plural(count as usize, "sentence")
}

#[cfg(test)]
mod tests {
    use super::{brief, grouped};

    #[test]
    fn thousands_are_apart() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(100_000), "100,000");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }

    #[test]
    fn foreign_text_is_one_short_line() {
        assert_eq!(brief("a\n\u{1b}[2Jb"), "a [2Jb");
        assert_eq!(brief(&"x".repeat(500)).chars().count(), 100);
    }
}
