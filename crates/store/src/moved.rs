//! How far a workflow moved from one record to the next: the numbers of its progress that are others now. Owns the list
//! of those numbers; a new one does not compile until it is here.

use mcp_orchestrator_domain::{Money, Progress, Spent, Stage, Usage};
use serde::{Deserialize, Serialize};

macro_rules! moved {
    ($($name:ident: $type:ty = $($path:ident).+;)+) => {
        /// What changed. Most records change two numbers of the seventeen.
        #[derive(Debug, Default, Serialize, Deserialize)]
        #[serde(default)]
        pub(crate) struct Moved {
            $(#[serde(skip_serializing_if = "Option::is_none")] $name: Option<$type>,)+
        }

        impl Moved {
            /// What changed from one to the other.
            pub(crate) fn between(from: &Progress, to: &Progress) -> Self {
                Self { $($name: (from.$($path).+ != to.$($path).+).then_some(to.$($path).+),)+ }
            }

            /// Changes it so.
            pub(crate) const fn apply(&self, progress: &mut Progress) {
                $(if let Some(value) = self.$name { progress.$($path).+ = value; })+
            }
        }
    };
}

moved! {
    stage: Stage = stage;
    completed_agents: u32 = completed_agents;
    failed_agents: u32 = failed_agents;
    total_agents: u32 = total_agents;
    percent: u8 = percent;
    documents: u32 = documents;
    elapsed_ms: u64 = elapsed_ms;
    cost: Money = spent.cost;
    unknown_cost_calls: u32 = spent.unknown_cost_calls;
    estimated_cost_calls: u32 = spent.estimated_cost_calls;
    input: u64 = spent.usage.input;
    cached: u64 = spent.usage.cached;
    cache_write: u64 = spent.usage.cache_write;
    output: u64 = spent.usage.output;
    reasoning: u64 = spent.usage.reasoning;
    calls: u32 = spent.calls;
    model_calls: u32 = spent.model_calls;
}

/// Names every number there is.
const _: fn(Progress) = |progress| {
    let Progress {
        stage: _,
        completed_agents: _,
        failed_agents: _,
        total_agents: _,
        percent: _,
        documents: _,
        elapsed_ms: _,
        spent,
    } = progress;
    let Spent { cost: _, unknown_cost_calls: _, estimated_cost_calls: _, usage, calls: _, model_calls: _ } = spent;
    let Usage { input: _, cached: _, cache_write: _, output: _, reasoning: _ } = usage;
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moved_leads_from_one_progress_to_the_other() {
        let usage = Usage { input: 5, cached: 1, cache_write: 2, output: 3, reasoning: 4 };
        let cost = Money::from_pico_usd(7);
        let spent = Spent { cost, unknown_cost_calls: 1, estimated_cost_calls: 6, usage, calls: 2, model_calls: 3 };
        let far = Progress {
            stage: Stage::Done,
            completed_agents: 1,
            failed_agents: 2,
            total_agents: 3,
            percent: 4,
            documents: 5,
            elapsed_ms: 6,
            spent,
        };
        for (from, to) in [(Progress::default(), far), (far, Progress::default()), (far, far)] {
            let text = serde_json::to_string(&Moved::between(&from, &to)).unwrap();
            let mut reached = from;
            serde_json::from_str::<Moved>(&text).unwrap().apply(&mut reached);
            assert_eq!(reached, to);
            assert_eq!(text == "{}", from == to, "{text}");
        }
    }
}
