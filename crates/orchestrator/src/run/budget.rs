//! Whether a call may be made: budgets are reserved before it and settled after. Pure.

use mcp_orchestrator_domain::{Failure, FailureClass, Message, Reserved, ToolSpec, Workflow};
use mcp_orchestrator_providers::{Capabilities, estimated_prompt_tokens};

/// Whether a call fits into what is left.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fit {
    /// It fits: this is set aside for it.
    Yes(Reserved),
    /// Not beside the calls that are open now; perhaps when one of them has used less than was set aside.
    Later,
    /// Never.
    No(Failure),
}

/// The worst case of a model call.
pub(crate) fn worst_case(
    capabilities: &Capabilities,
    messages: &[Message],
    tools: &[ToolSpec],
    output_tokens_max: u32,
) -> Reserved {
    if !capabilities.is_model {
        return Reserved { tokens: 0, cost: capabilities.price.map(|price| price.of(0, 0)) };
    }
    let input = estimated_prompt_tokens(messages, tools);
    let output = u64::from(output_tokens_max);
    Reserved { tokens: input + output, cost: capabilities.price.map(|price| price.of(input, output)) }
}

/// Whether a model call with this worst case fits.
pub(crate) fn fit(workflow: &Workflow, worst: Reserved, provider: &str) -> Fit {
    let budget = workflow.request().budget;
    let spent = workflow.spent();
    let (reserved_tokens, reserved_cost) = workflow.reserved();
    let (held_tokens, held_cost) = workflow.held();
    if let Some(no) = calls_left(workflow) {
        return Fit::No(no);
    }
    let mut later = false;
    if let Some(max) = budget.tokens_max {
        let used = spent.usage.total().saturating_add(held_tokens);
        if used.saturating_add(worst.tokens) > max {
            let need = worst.tokens;
            return refuse(format!("the call may take {need} tokens, but {used} of {max} are used"));
        }
        later |= used.saturating_add(reserved_tokens).saturating_add(worst.tokens) > max;
    }
    if let Some(max) = budget.cost_max {
        let Some(cost) = worst.cost else {
            return refuse(format!("the price of {provider} is not known, so a money budget cannot be held"));
        };
        if workflow.unbounded_calls() > 0 && cost.pico_usd() > 0 {
            return refuse("an earlier call's cost is not known, so a money budget cannot be held".to_owned());
        }
        let taken = spent.cost.plus(held_cost);
        if taken.plus(cost) > max {
            return refuse(format!("the call may cost {cost}, but {taken} of {max} are taken"));
        }
        later |= taken.plus(reserved_cost).plus(cost) > max;
    }
    if later { Fit::Later } else { Fit::Yes(worst) }
}

/// Why no further call of any kind may be made, if so.
pub(crate) fn calls_left(workflow: &Workflow) -> Option<Failure> {
    let max = workflow.request().budget.calls_max?;
    let used = workflow.spent().calls;
    (used >= max).then(|| Failure::new(FailureClass::Budget, format!("all {max} calls are used")))
}

fn refuse(message: String) -> Fit {
    Fit::No(Failure::new(FailureClass::Budget, message))
}
