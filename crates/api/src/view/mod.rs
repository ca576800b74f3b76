//! What clients are shown: plain shapes with a JSON Schema each. Owns no reading and no rule.

mod catalogue;
mod provider;
mod results;
mod workflow;

pub use catalogue::{AgentTypeView, ParameterView, PatternView, PatternsView, StageView, ToolView, ToolsView};
pub use provider::{HealthView, LongView, ModelView, PriceView, ProviderView, ProvidersView, RateView};
pub use results::{
    AgentView, CostsView, CountsView, DecisionView, DocumentView, EvidenceView, GapView, ResultsView, SentenceCostView,
    SourceView,
};
pub use workflow::{
    FailureView, ForkedFromView, OutcomeView, ProgressView, QuestionView, StartedView, WaitingView, WorkflowPage,
    WorkflowView,
};
