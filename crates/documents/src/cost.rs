//! What each sentence of a report cost. Owns how the costs of steps are shared among sentences, to the last pico-USD; knows no
//! price and no workflow.

use std::collections::HashSet;

use mcp_orchestrator_domain::{Cost, EvidenceId, Money, Report, StepId};
use serde::{Deserialize, Serialize};

/// What a report cost, sentence by sentence.
///
/// A step that found evidence is shared by the sentences that cite it, in equal parts. Who wrote is shared by all sentences.
/// Everything else, planning and what nobody cites, is not attributed. The sentences and what is not attributed add up to
/// the steps exactly: a part that does not divide evenly is a pico-USD more for the first sentences. What nobody knows
/// makes unknown what it is a part of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "writers read it whole")]
pub struct Costs {
    /// The steps that made calls.
    pub steps: Vec<StepCost>,
    /// The sentences, in reading order.
    pub sentences: Vec<SentenceCost>,
    /// What is no sentence's.
    #[serde(with = "amount")]
    pub not_attributed: Cost,
}

/// What a step cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it")]
pub struct StepCost {
    /// The step.
    pub step: StepId,
    /// Whose it is.
    pub share: Share,
    /// What all its calls cost.
    #[serde(with = "amount")]
    pub cost: Cost,
    /// What it found that the report cites.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<EvidenceId>,
}

/// Which sentences share a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "a closed choice")]
pub enum Share {
    /// Those that cite what it found.
    Cited,
    /// All: it wrote.
    All,
    /// None.
    None,
}

/// What a sentence cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "writers read it whole")]
pub struct SentenceCost {
    /// The steps whose findings it cites.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepId>,
    /// What it cost: its parts of these steps and of the writing.
    #[serde(with = "amount")]
    pub cost: Cost,
}

impl Costs {
    /// Shares the costs of steps among the sentences of a report.
    #[must_use]
    pub fn of(report: &Report, steps: Vec<StepCost>) -> Self {
        let cited: Vec<HashSet<&EvidenceId>> =
            report.sentences().map(|sentence| sentence.evidence.iter().collect()).collect();
        let mut sentences = vec![SentenceCost { steps: Vec::new(), cost: Cost::FREE }; cited.len()];
        let mut not_attributed = Cost::FREE;
        for step in &steps {
            let cites = |ids: &HashSet<&EvidenceId>| step.evidence.iter().any(|id| ids.contains(id));
            let whose: Vec<usize> = match step.share {
                Share::Cited => (0..cited.len()).filter(|at| cites(&cited[*at])).collect(),
                Share::All => (0..cited.len()).collect(),
                Share::None => Vec::new(),
            };
            if whose.is_empty() {
                not_attributed = not_attributed.plus(step.cost);
            }
            for (place, at) in whose.iter().enumerate() {
                let sentence = &mut sentences[*at];
                sentence.cost = sentence.cost.plus(part(step.cost, whose.len() as u64, place as u64));
                if step.share == Share::Cited {
                    sentence.steps.push(step.step.clone());
                }
            }
        }
        Self { steps, sentences, not_attributed }
    }

    /// What all steps cost.
    #[must_use]
    pub fn total(&self) -> Cost {
        self.steps.iter().fold(Cost::FREE, |sum, step| sum.plus(step.cost))
    }
}

/// The part of one of so many that share a cost equally.
fn part(cost: Cost, of: u64, place: u64) -> Cost {
    let part = |money: Money| {
        let pico_usd = money.pico_usd();
        Money::from_pico_usd(pico_usd / of + u64::from(place < pico_usd % of))
    };
    match cost {
        Cost::Estimated(money) => Cost::Estimated(part(money)),
        Cost::Reported(money) => Cost::Reported(part(money)),
        _ => Cost::Unknown,
    }
}

/// A cost as files show it: null when unknown, else dollars for people and pico-USD for sums.
mod amount {
    use mcp_orchestrator_domain::{Cost, Money};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Amount {
        usd: f64,
        pico_usd: Money,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_estimate: bool,
    }

    pub(super) fn serialize<S: Serializer>(cost: &Cost, serializer: S) -> Result<S::Ok, S::Error> {
        let is_estimate = cost.is_estimate();
        let amount = cost.known().map(|money| Amount { usd: money.usd(), pico_usd: money, is_estimate });
        amount.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cost, D::Error> {
        Ok(match Option::<Amount>::deserialize(deserializer)? {
            None => Cost::Unknown,
            Some(Amount { pico_usd, is_estimate: true, .. }) => Cost::Estimated(pico_usd),
            Some(Amount { pico_usd, .. }) => Cost::Reported(pico_usd),
        })
    }
}
