//! Who is asked: the request's provider, and the next one when it cannot answer. Follows from the log and from who is
//! registered here; changes nothing.

use std::time::Duration;

use mcp_orchestrator_domain::{
    Call, CallState, FailureClass, ModelName, ProviderName, Role, Step, StepId, Target, Timestamp,
};
use mcp_orchestrator_providers::{Provider, estimated_prompt_tokens, layers::another_may_answer};

use super::{
    Run,
    backoff::{self, FailedCall},
};
use crate::{caught::caught_now, image};

/// While another provider is left, nobody waits for one for longer than this.
const WAIT_MAX: Duration = Duration::from_secs(30);

impl Run {
    /// Whom a model call of a turn asks next. A provider that failed a call of this workflow for good is passed over while
    /// another one is left. `None`: the workflow names nobody.
    pub(super) fn provider_to_ask(&self, step: &StepId, turn: u16) -> Option<ProviderName> {
        let first = self.workflow.request().provider.as_ref()?;
        let anybody = || self.order(first, step).filter(|name| !self.has_failed_turn(step, turn, name));
        let sound = anybody().find(|name| !self.has_failed(name));
        sound.or_else(|| anybody().next()).or_else(|| self.to_return_to(first, step, turn)).or(Some(first)).cloned()
    }

    /// Whom to ask beside a call that takes long: somebody else if there is anybody, or the same provider once more.
    pub(super) fn provider_beside(&self, call: &Call) -> Option<ProviderName> {
        let Target::Model { provider: asked, .. } = &call.target else { return None };
        let first = self.workflow.request().provider.as_ref()?;
        Some(self.another(first, asked, call).unwrap_or(asked).clone())
    }

    /// Whether somebody is left to ask after a call that failed for good: who has not failed in its turn, or who was left in it
    /// only because he asked for patience.
    pub(super) fn another_is_left(&self, step: &StepId, failed: &Call, class: FailureClass) -> bool {
        let Some(first) = self.workflow.request().provider.as_ref() else { return false };
        let Target::Model { provider, .. } = &failed.target else { return false };
        if self.parts.fallbacks.is_empty() || !is_out_of(class, provider != first) {
            return false;
        }
        self.order(first, step).any(|name| !self.has_failed_turn(step, failed.turn, name))
            || self.to_return_to(first, step, failed.turn).is_some_and(|name| name != provider)
    }

    /// Whether to ask the same provider again at that time; else another one is asked instead of waiting so long.
    pub(super) fn worth_waiting(&self, call: &Call, at: Timestamp) -> bool {
        let Target::Model { provider, .. } = &call.target else { return true };
        let Some(first) = self.workflow.request().provider.as_ref() else { return true };
        at.since(self.parts.clock.now()) <= WAIT_MAX || self.another(first, provider, call).is_none()
    }

    /// The model of a role at a provider: the request's, else the provider's own for such a role. The names a request gives are
    /// those of its own provider's models.
    pub(super) fn model_at(&self, name: &ProviderName, provider: &dyn Provider, role: &Role) -> Option<ModelName> {
        let is_own = self.workflow.request().provider.as_ref() == Some(name);
        let asked = is_own.then(|| self.model(role)).flatten();
        asked.or_else(|| provider.tier_model(role.tier()))
    }

    /// The request's provider, and of the others those that may be able to take a call of the step.
    fn order<'a>(&'a self, first: &'a ProviderName, step: &'a StepId) -> impl Iterator<Item = &'a ProviderName> {
        let others = self.parts.fallbacks.iter().filter(move |name| *name != first && self.can_take(step, name));
        std::iter::once(first).chain(others)
    }

    /// Another provider than the one a call asks, if one is left for its turn that has failed no call of this workflow.
    fn another<'a>(
        &'a self,
        first: &'a ProviderName,
        asked: &ProviderName,
        call: &'a Call,
    ) -> Option<&'a ProviderName> {
        let step = self.workflow.steps()[call.step].id();
        let mut others = self.order(first, step).filter(|name| *name != asked);
        others.find(|name| !self.has_failed(name) && !self.has_failed_turn(step, call.turn, name))
    }

    /// Whether nothing known of a provider speaks against asking it for this step: it sees the images the step shows, has a
    /// price where a budget of money is to hold, and its model takes a prompt of this length.
    fn can_take(&self, step: &StepId, name: &ProviderName) -> bool {
        let Some(provider) = self.parts.providers.get(name) else { return false };
        let Some(spec) = self.workflow.step(step.as_str()).map(Step::spec) else { return true };
        let shows_images = !self.images.is_empty() && image::is_shown(&spec.role);
        let costs_count = self.workflow.request().budget.cost_max.is_some();
        let known = caught_now(|| {
            let model = self.model_at(name, provider.as_ref(), &spec.role);
            let able = provider.capabilities(model.as_ref());
            let model = model.map(|model| model.to_string()).or_else(|| able.default_model.clone());
            let card = provider.models().into_iter().find(|card| model.as_ref() == Some(&card.name));
            (able, card.and_then(|card| card.context_tokens))
        });
        // Who cannot even say what it can do is nobody to turn to.
        let Ok((able, context_tokens)) = known else { return false };
        let is_too_long = |max: u64| {
            let at_work = self.agents.get(step);
            at_work.is_some_and(|at_work| estimated_prompt_tokens(&at_work.messages, &at_work.tools) > max)
        };
        (able.images || !shows_images)
            && (able.price.is_some() || !costs_count)
            && !context_tokens.is_some_and(is_too_long)
    }

    /// The first provider that was left in this turn only because it asked for patience, when nobody else can answer. Each is
    /// returned to once: then it is waited for.
    fn to_return_to<'a>(&'a self, first: &'a ProviderName, step: &'a StepId, turn: u16) -> Option<&'a ProviderName> {
        self.order(first, step).find(|name| {
            let mut left = self.calls_of_turn(step, turn).filter(|call| is_out(call, name, *name != first));
            left.next().is_some_and(|call| self.may_be_tried_again(call)) && left.next().is_none()
        })
    }

    /// Whether a call that failed would have been made again if nobody else had been there.
    fn may_be_tried_again(&self, call: &Call) -> bool {
        let CallState::Failed { failure, .. } = &call.state else { return false };
        let failed = FailedCall {
            class: failure.class,
            retry_after: None,
            failures: self.failures_like(call.no, failure.class.retry()),
            retries_max: self.workflow.request().retries_max,
            seed: self.workflow.seed(),
            call: call.no,
        };
        backoff::retry_at(failed, self.parts.clock.now(), self.workflow.deadline()).is_some()
    }

    fn calls_of_turn(&self, step: &StepId, turn: u16) -> impl Iterator<Item = &Call> {
        let calls = self.workflow.step(step.as_str()).into_iter().flat_map(|step| step.calls());
        calls.filter_map(|no| self.workflow.call(*no)).filter(move |call| call.turn == turn)
    }

    fn has_failed_turn(&self, step: &StepId, turn: u16, name: &ProviderName) -> bool {
        let is_other = self.workflow.request().provider.as_ref() != Some(name);
        self.calls_of_turn(step, turn).any(|call| is_out(call, name, is_other))
    }

    fn has_failed(&self, name: &ProviderName) -> bool {
        // Without an order there is nothing to choose, and nobody need look at all calls. What another one refused for
        // itself it refused in that turn.
        !self.parts.fallbacks.is_empty() && self.workflow.calls().iter().any(|call| is_out(call, name, false))
    }
}

/// Whether the call of this provider failed for good in a way another provider need not.
fn is_out(call: &Call, name: &ProviderName, is_other: bool) -> bool {
    let asked = matches!(&call.target, Target::Model { provider, .. } if provider == name);
    let CallState::Failed { failure, retry_at: None, .. } = &call.state else { return false };
    asked && !call.inherited && is_out_of(failure.class, is_other)
}

/// Whether a failure of this class says nothing of who else is asked. What another provider than the request's does not take
/// may be its own limit.
const fn is_out_of(class: FailureClass, is_other: bool) -> bool {
    another_may_answer(class) || (is_other && matches!(class, FailureClass::BadRequest | FailureClass::ContextLength))
}
