//! What calls of models have come to in this process, by provider and model. Owns the sums and their bound; what a call cost is
//! the log's.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use mcp_orchestrator_domain::{Cost, Event, ModelName, Money, ProviderName, Record, Retry, Target, Usage, Workflow};
use mcp_orchestrator_providers::Provider;

/// What calls of one model have come to since the process began. Counted is what the runs of this process have written: the
/// sums of several processes on one store are right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelSpending {
    /// Its provider; `other` for all beyond a hundred models.
    pub provider: String,
    /// The model: the one asked for, or the provider's default one; empty when that has no name.
    pub model: String,
    /// What services said it cost.
    pub reported: Money,
    /// What it cost by a table of prices.
    pub estimated: Money,
    /// Calls whose cost nobody knows.
    pub unknown_cost_calls: u64,
    /// Tokens.
    pub usage: Usage,
    /// Calls by how they ended: `answered` with an empty reason; `failed` with the class of the failure; `abandoned` with
    /// the reason.
    pub calls: BTreeMap<(&'static str, &'static str), u64>,
    /// Time calls waited for permission to run, and time the engine waited to make them again where a service asked it to.
    pub parked: Duration,
}

/// The sums of one process.
#[derive(Debug, Default)]
pub(crate) struct Spending {
    by_model: Mutex<HashMap<(String, String), ModelSpending>>,
}

/// Models that are counted apart. Requests name models, so their number is nobody's choice.
const MODELS_MAX: usize = 100;

impl Spending {
    /// Counts what records that are durable say of calls of models.
    pub(crate) fn count<'a>(
        &self,
        workflow: &Workflow,
        records: impl IntoIterator<Item = &'a Record>,
        provider: impl Fn(&ProviderName) -> Option<&'a dyn Provider>,
    ) {
        for record in records {
            let Some(mut end) = End::of(record) else { continue };
            let Some(call) = workflow.call(end.call) else { continue };
            let Target::Model { provider: name, model } = &call.target else { continue };
            if end.cost == Cost::Unknown && call.reserved.cost == Some(Money::ZERO) {
                end.cost = Cost::FREE;
            }
            let model = model.as_ref().map(ModelName::to_string);
            let model = model.or_else(|| provider(name)?.capabilities(None).default_model).unwrap_or_default();
            self.add((name.to_string(), model), end);
        }
    }

    fn add(&self, mut name: (String, String), end: End) {
        let mut by_model = self.by_model.lock().unwrap_or_else(PoisonError::into_inner);
        if by_model.len() >= MODELS_MAX && !by_model.contains_key(&name) {
            name = ("other".to_owned(), "other".to_owned());
        }
        let sum = by_model.entry(name).or_default();
        match end.cost {
            Cost::Reported(money) => sum.reported = sum.reported.plus(money),
            Cost::Estimated(money) => sum.estimated = sum.estimated.plus(money),
            _ => sum.unknown_cost_calls += 1,
        }
        sum.usage = sum.usage.plus(end.usage);
        sum.parked = sum.parked.saturating_add(end.parked);
        *sum.calls.entry(end.outcome).or_default() += 1;
    }

    /// The sums, by provider and model.
    pub(crate) fn so_far(&self) -> Vec<ModelSpending> {
        let by_model = self.by_model.lock().unwrap_or_else(PoisonError::into_inner);
        let named = by_model.iter().map(|((provider, model), sum)| ModelSpending {
            provider: provider.clone(),
            model: model.clone(),
            ..sum.clone()
        });
        let mut sums: Vec<ModelSpending> = named.collect();
        drop(by_model);
        sums.sort_by(|a, b| (&a.provider, &a.model).cmp(&(&b.provider, &b.model)));
        sums
    }
}

/// What a record says of the end of a call.
#[derive(Clone, Copy)]
struct End {
    call: mcp_orchestrator_domain::CallNo,
    outcome: (&'static str, &'static str),
    cost: Cost,
    usage: Usage,
    parked: Duration,
}

impl End {
    fn of(record: &Record) -> Option<Self> {
        match &record.event {
            Event::CallCompleted(completed) => Some(Self {
                call: completed.call,
                outcome: ("answered", ""),
                cost: completed.cost,
                usage: completed.usage,
                parked: Duration::from_millis(completed.parked_ms),
            }),
            Event::CallFailed(failed) => Some(Self {
                call: failed.call,
                outcome: ("failed", failed.failure.class.as_str()),
                cost: failed.cost,
                usage: failed.usage,
                parked: match failed.retry_at {
                    Some(at) if failed.failure.class.retry() == Retry::Park => at.since(record.at),
                    _ => Duration::ZERO,
                },
            }),
            Event::CallAbandoned(abandoned) => Some(Self {
                call: abandoned.call,
                outcome: ("abandoned", abandoned.reason.as_str()),
                cost: abandoned.cost,
                usage: abandoned.usage,
                parked: Duration::ZERO,
            }),
            Event::Submitted(_)
            | Event::Forked(_)
            | Event::Started(_)
            | Event::StepPlanned(_)
            | Event::CallStarted(_)
            | Event::StepCompleted(_)
            | Event::StepFailed(_)
            | Event::InputRequested(_)
            | Event::InputGiven(_)
            | Event::TimerFired(_)
            | Event::Poisoned(_)
            | Event::Revived(_)
            | Event::CancelRequested(_)
            | Event::ReportChecked(_)
            | Event::DocumentsWritten(_)
            | Event::Completed(_)
            | Event::Failed(_)
            | Event::Cancelled(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use mcp_orchestrator_domain::CallNo;

    use super::*;

    fn end(cost: Cost) -> End {
        let usage = Usage { input: 3, output: 1, ..Usage::default() };
        End { call: CallNo::new(0), outcome: ("answered", ""), cost, usage, parked: Duration::from_secs(2) }
    }

    #[test]
    fn a_bounded_number_of_models_is_counted_apart_and_none_is_lost() {
        let spending = Spending::default();
        for number in 0..MODELS_MAX + 20 {
            spending.add(("lab".to_owned(), format!("m{number}")), end(Cost::Unknown));
            spending.add(("lab".to_owned(), "m0".to_owned()), end(Cost::Estimated(Money::from_pico_usd(5))));
        }
        let sums = spending.so_far();
        assert_eq!(sums.len(), MODELS_MAX + 1);
        let calls: u64 = sums.iter().flat_map(|sum| sum.calls.values()).sum();
        assert_eq!(calls, 2 * (MODELS_MAX as u64 + 20));
        let other = sums.iter().find(|sum| sum.provider == "other").unwrap();
        assert_eq!((other.unknown_cost_calls, other.usage.total(), other.parked), (20, 80, Duration::from_secs(40)));
        let first = sums.iter().find(|sum| sum.model == "m0").unwrap();
        assert_eq!(first.estimated, Money::from_pico_usd(5 * (MODELS_MAX as u64 + 20)));
    }
}
