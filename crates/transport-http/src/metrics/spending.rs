//! What calls of models came to, as counters. Owns their names and labels; the sums and the bound of models are the engine's.

use std::sync::atomic::{AtomicU64, Ordering};

use mcp_orchestrator::{ModelSpending, domain::Money};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

type Dollars = Counter<f64, AtomicU64>;

#[derive(Clone, Debug, Default)]
pub(super) struct Spent {
    calls: Family<Calls, Counter>,
    tokens: Family<Tokens, Counter>,
    cost: Family<Cost, Dollars>,
    unknown: Family<Model, Counter>,
    parked: Family<Model, Dollars>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Model {
    provider: String,
    model: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Calls {
    provider: String,
    model: String,
    outcome: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Tokens {
    provider: String,
    model: String,
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Cost {
    provider: String,
    model: String,
    basis: &'static str,
}

impl Spent {
    pub(super) fn register(&self, r: &mut Registry) {
        r.register(
            "orchestrator_model_calls",
            "Calls of models that have ended, by how: answered, failed with a class, abandoned for a reason",
            self.calls.clone(),
        );
        r.register(
            "orchestrator_model_tokens",
            "Tokens of models; cached and cache_write are parts of input, reasoning is a part of output",
            self.tokens.clone(),
        );
        r.register(
            "orchestrator_model_cost_usd",
            "US dollars, as services said or estimated by the table of prices",
            self.cost.clone(),
        );
        r.register(
            "orchestrator_model_unknown_cost_calls",
            "Calls of models whose cost is unknown: it is in no sum of dollars",
            self.unknown.clone(),
        );
        r.register(
            "orchestrator_model_parked_seconds",
            "Seconds calls of models waited because a service takes no more now",
            self.parked.clone(),
        );
    }

    /// Takes over the sums as they are now.
    pub(super) fn set(&self, spending: &[ModelSpending]) {
        for sum in spending {
            let model = || Model { provider: sum.provider.clone(), model: sum.model.clone() };
            for ((outcome, reason), count) in &sum.calls {
                let Model { provider, model } = model();
                self.calls
                    .get_or_create(&Calls { provider, model, outcome, reason })
                    .inner()
                    .store(*count, Ordering::Relaxed);
            }
            let usage = sum.usage;
            for (kind, count) in [
                ("input", usage.input),
                ("cached", usage.cached),
                ("cache_write", usage.cache_write),
                ("output", usage.output),
                ("reasoning", usage.reasoning),
            ] {
                let Model { provider, model } = model();
                self.tokens.get_or_create(&Tokens { provider, model, kind }).inner().store(count, Ordering::Relaxed);
            }
            for (basis, money) in [("reported", sum.reported), ("estimated", sum.estimated)] {
                let Model { provider, model } = model();
                store(&self.cost.get_or_create(&Cost { provider, model, basis }), Money::usd(money));
            }
            self.unknown.get_or_create(&model()).inner().store(sum.unknown_cost_calls, Ordering::Relaxed);
            store(&self.parked.get_or_create(&model()), sum.parked.as_secs_f64());
        }
    }
}

fn store(counter: &Dollars, value: f64) {
    counter.inner().store(value.to_bits(), Ordering::Relaxed);
}
