//! Who is asked: the request's provider, and the next one when it cannot answer. Follows from the log and from who is
//! registered here; changes nothing.

use std::time::Duration;

use mcp_orchestrator_domain::{
    Call, CallState, FailureClass, ModelName, ProviderName, Role, StepId, Target, Timestamp,
};
use mcp_orchestrator_providers::{Provider, layers::another_may_answer};

use super::Run;

/// While another provider is left, nobody waits for one for longer than this.
const WAIT_MAX: Duration = Duration::from_secs(30);

impl Run {
    /// Whom a model call of a turn asks next. A provider that failed a call of this workflow for good is passed over while
    /// another one is left. `None`: the workflow names nobody.
    pub(super) fn provider_to_ask(&self, step: &StepId, turn: u16) -> Option<ProviderName> {
        let first = self.workflow.request().provider.as_ref()?;
        let mut anybody = self.order(first).filter(|name| !self.has_failed_turn(step, turn, name));
        let sound = self.order(first).find(|name| !self.has_failed(name));
        sound.or_else(|| anybody.next()).or(Some(first)).cloned()
    }

    /// Whom to ask beside a call that takes long: somebody else if there is anybody, or the same provider once more.
    pub(super) fn provider_beside(&self, call: &Call) -> Option<ProviderName> {
        let Target::Model { provider: asked, .. } = &call.target else { return None };
        let first = self.workflow.request().provider.as_ref()?;
        let mut others = self.order(first).filter(|name| *name != asked && !self.has_failed(name));
        Some(others.next().unwrap_or(asked).clone())
    }

    /// Whether somebody is left to ask in a turn whose last call failed for good.
    pub(super) fn another_is_left(&self, step: &StepId, turn: u16, class: FailureClass) -> bool {
        let Some(first) = self.workflow.request().provider.as_ref() else { return false };
        another_may_answer(class) && self.order(first).any(|name| !self.has_failed_turn(step, turn, name))
    }

    /// When to ask the same provider again; `None` when another one is to be asked instead of waiting so long.
    pub(super) fn worth_waiting(&self, call: &Call, at: Timestamp) -> bool {
        let Target::Model { provider, .. } = &call.target else { return true };
        let Some(first) = self.workflow.request().provider.as_ref() else { return true };
        let is_other = |name: &&ProviderName| *name != provider && !self.has_failed(name);
        at.since(self.parts.clock.now()) <= WAIT_MAX || !self.order(first).any(|name| is_other(&name))
    }

    /// The model of a role at a provider: the request's, else the provider's own for such a role. The names a request gives are
    /// those of its own provider's models.
    pub(super) fn model_at(&self, name: &ProviderName, provider: &dyn Provider, role: &Role) -> Option<ModelName> {
        let is_own = self.workflow.request().provider.as_ref() == Some(name);
        let asked = is_own.then(|| self.model(role)).flatten();
        asked.or_else(|| provider.tier_model(role.tier()))
    }

    fn order<'a>(&'a self, first: &'a ProviderName) -> impl Iterator<Item = &'a ProviderName> {
        let others = self.parts.fallbacks.iter().filter(move |name| *name != first);
        std::iter::once(first).chain(others)
    }

    fn has_failed_turn(&self, step: &StepId, turn: u16, name: &ProviderName) -> bool {
        let Some(step) = self.workflow.step(step.as_str()) else { return false };
        let mut calls = step.calls().iter().filter_map(|no| self.workflow.call(*no));
        calls.any(|call| call.turn == turn && is_out(call, name))
    }

    fn has_failed(&self, name: &ProviderName) -> bool {
        // Without an order there is nothing to choose, and nobody need look at all calls.
        !self.parts.fallbacks.is_empty() && self.workflow.calls().iter().any(|call| is_out(call, name))
    }
}

/// Whether the call failed for good in a way another provider need not.
fn is_out(call: &Call, name: &ProviderName) -> bool {
    let asked = matches!(&call.target, Target::Model { provider, .. } if provider == name);
    let CallState::Failed { failure, retry_at: None, .. } = &call.state else { return false };
    asked && !call.inherited && another_may_answer(failure.class)
}
