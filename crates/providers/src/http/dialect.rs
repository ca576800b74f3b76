//! How services that speak the same wire differ, as data. Owns the switches; the code that obeys them is elsewhere.

use std::str::FromStr;

/// How one service deviates from the others on its wire. What a wire has only one way for, it does not look at.
///
/// [`Dialect::LENIENT`] suits an unknown server; change fields of it for a particular one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a table of switches, built as a literal")]
pub struct Dialect {
    /// Whether it takes tools.
    pub tools: bool,
    /// Whether it takes an output schema in a streamed request.
    pub output_schema: OutputSchema,
    /// On the Chat wire: whether it must be asked for token counts with `stream_options` (`true`), or refuses that field (`false`).
    pub stream_options: bool,
    /// On the Chat wire: what it calls the limit of completion tokens.
    pub token_limit: TokenLimit,
    /// Which of its models take a temperature.
    pub temperature: Temperature,
    /// On the Chat and Responses wires: where it takes system messages.
    pub system: SystemMessages,
    /// On the Chat wire: whether reasoning it sends must, or may, be sent back with the message. Others refuse the field.
    pub returns_reasoning: bool,
    /// On the Chat wire: whether calls that go back with the message must say which of it they are, as those in answers do.
    pub numbers_calls: bool,
    /// On the Responses wire: models, by the beginnings of their names, that give their reasoning encrypted so that it can
    /// be sent back. Others may refuse to be asked.
    pub encrypts_reasoning: &'static [&'static str],
    /// Whether it understands the `Idempotency-Key` header.
    pub idempotency_key: bool,
    /// How it says what a request cost.
    pub cost: CostReport,
    /// The header with its id of the request.
    pub request_id_header: &'static str,
    /// What is asked to find out whether the service answers and accepts the key: a path under the base URL that costs nothing.
    pub probe_path: &'static str,
}

impl Dialect {
    /// What nearly every compatible server understands.
    pub const LENIENT: Self = Self {
        tools: true,
        output_schema: OutputSchema::Always,
        stream_options: true,
        token_limit: TokenLimit::MaxTokens,
        temperature: Temperature::Any,
        system: SystemMessages::FirstOnly,
        returns_reasoning: false,
        numbers_calls: false,
        encrypts_reasoning: &[],
        idempotency_key: false,
        cost: CostReport::Never,
        request_id_header: "x-request-id",
        probe_path: "/models",
    };

    /// A server on the operator's own machine: tokens cost nothing, and it chooses the model if nobody does.
    pub const LOCAL: Self = Self { returns_reasoning: true, cost: CostReport::Free, ..Self::LENIENT };

    pub(super) fn takes_temperature(&self, model: &str) -> bool {
        match self.temperature {
            Temperature::Any => true,
            Temperature::Never => false,
            Temperature::ExceptModels(prefixes) => !prefixes.iter().any(|prefix| model.starts_with(prefix)),
        }
    }

    pub(crate) fn encrypts_reasoning(&self, model: &str) -> bool {
        self.encrypts_reasoning.iter().any(|prefix| model.starts_with(prefix))
    }

    pub(super) const fn takes_schema(&self, with_tools: bool) -> bool {
        match self.output_schema {
            OutputSchema::Always => true,
            OutputSchema::WithoutTools => !with_tools,
            OutputSchema::Never => false,
        }
    }
}

/// Whether a service takes an output schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the request's encoder handles each")]
pub enum OutputSchema {
    /// With and without tools.
    Always,
    /// Only in requests without tools; in others it is left out.
    WithoutTools,
    /// Not at all, or not in streamed requests; it is left out.
    Never,
}

/// The name of the limit of completion tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the request's encoder handles each")]
pub enum TokenLimit {
    /// `max_tokens`.
    MaxTokens,
    /// `max_completion_tokens`.
    MaxCompletionTokens,
}

/// Which models take a temperature. To others it is not sent: they would refuse the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the request's encoder handles each")]
pub enum Temperature {
    /// All.
    Any,
    /// All but those whose name starts so.
    ExceptModels(&'static [&'static str]),
    /// None of the current ones.
    Never,
}

/// Where system messages may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the request's encoder handles each")]
pub enum SystemMessages {
    /// Anywhere.
    Anywhere,
    /// One, at the beginning: several are joined there.
    FirstOnly,
}

/// How a service says what a request cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the answer's reader handles each")]
pub enum CostReport {
    /// It does not: unknown.
    Never,
    /// Tokens cost nothing: inference on one's own machine.
    Free,
    /// In US dollars in `usage.cost`, or in `usage.cost.total_cost`.
    UsageCost,
    /// In `usage.cost_in_usd_ticks`, of 100 pico-USD each.
    UsageTicks,
}

/// How hard a model that reasons should think. What each word means is the service's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the three words all services share")]
pub enum Effort {
    /// A little: fast and cheap.
    Low,
    /// What most services do by themselves.
    Medium,
    /// Much: slow and dear.
    High,
}

impl Effort {
    /// Every effort.
    pub const ALL: &'static [Self] = &[Self::Low, Self::Medium, Self::High];

    /// The word, for example `low`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// A word that names no effort.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no effort is named {0:?}; known are low, medium, high")]
#[non_exhaustive]
pub struct UnknownEffort(pub String);

impl FromStr for Effort {
    type Err = UnknownEffort;

    fn from_str(word: &str) -> Result<Self, UnknownEffort> {
        let known = Self::ALL.iter().find(|effort| effort.as_str() == word);
        known.copied().ok_or_else(|| UnknownEffort(word.chars().take(40).collect()))
    }
}
