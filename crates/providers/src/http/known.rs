//! What a provider knows of its models without asking anybody. Owns which price holds and what lists show.

use std::collections::BTreeSet;

use mcp_orchestrator_domain::{Cost, FailureClass, Message, ModelName, Tier, Usage};

use super::{HttpProvider, catalogue::Ability, dialect::CostReport};
use crate::{ChatRequest, ModelCard, ModelPrice, Price, estimated_prompt_tokens};

impl HttpProvider {
    /// The most that tokens of a model can cost.
    pub(super) fn price_at_most(&self, model: Option<&ModelName>) -> Option<Price> {
        let price = model.and_then(|model| self.prices.of(model.as_str())).map(ModelPrice::at_most);
        price.or_else(|| (self.dialect.cost == CostReport::Free).then_some(Price::FREE))
    }

    /// Whether a model is known to see images.
    pub(super) fn sees(&self, model: Option<&ModelName>) -> bool {
        let known = || model.and_then(|model| self.facts.model(model.as_str()));
        self.images.unwrap_or_else(|| known().is_some_and(|fact| fact.can(Ability::Images)))
    }

    /// Why a request is not sent: it shows images to a model that is not known to see any, or is longer than the server takes.
    pub(super) fn refusal(&self, model: &ModelName, chat: &ChatRequest<'_>) -> Option<(FailureClass, String)> {
        let name = &self.name;
        let shows = |message: &Message| matches!(message, Message::UserWithImages { .. });
        if chat.messages.iter().any(shows) && !self.sees(Some(model)) {
            let why = format!(
                "{model} of {name} is not known to see images: name a model that does, or set \
                 `provider.{name}.images = \"yes\"` if it does"
            );
            return Some((FailureClass::BadRequest, why));
        }
        let tokens = self.context_tokens?;
        let prompt = estimated_prompt_tokens(chat.messages, chat.tools);
        (prompt > tokens).then(|| {
            let why = format!("the prompt has about {prompt} tokens, and `provider.{name}.context_tokens` is {tokens}");
            (FailureClass::ContextLength, why)
        })
    }

    /// How the cost of a request is known. Tokens of one's own machine cost something once somebody says what.
    pub(super) fn cost_report(&self, model: &ModelName) -> CostReport {
        match self.dialect.cost {
            CostReport::Free if self.prices.declared(model.as_str()).is_some() => CostReport::Never,
            report => report,
        }
    }

    /// A cost that the service does not say, by the price of its tokens, if it says those and the price is known.
    pub(super) fn estimated(&self, cost: Cost, model: &ModelName, usage: Usage) -> Cost {
        let is_open = cost == Cost::Unknown && usage.input > 0;
        let price = is_open.then(|| self.prices.of(model.as_str())).flatten();
        price.map_or(cost, |price| Cost::Estimated(price.cost(usage)))
    }

    /// The models it uses by itself and those of the tables, by name.
    pub(super) fn known_models(&self) -> Vec<ModelCard> {
        let mut names: BTreeSet<&str> = BTreeSet::new();
        names.extend(Tier::ALL.into_iter().filter_map(|tier| self.models.of(tier)).map(ModelName::as_str));
        names.extend(self.prices.models());
        names.extend(self.facts.models());
        names.into_iter().map(|name| self.card(name)).collect()
    }

    fn card(&self, name: &str) -> ModelCard {
        let fact = self.facts.model(name);
        let can = |ability| fact.map(|fact| fact.can(ability));
        let within = |wire: bool, model: Option<bool>| if wire { model } else { Some(false) };
        ModelCard {
            name: name.to_owned(),
            context_tokens: self.context_tokens.or_else(|| fact.and_then(|fact| fact.context)),
            answer_tokens_max: fact.and_then(|fact| fact.answer),
            tools: within(self.dialect.tools, can(Ability::Tools)),
            output_schema: within(self.dialect.takes_schema(false), can(Ability::Schema)),
            images: self.images.or_else(|| can(Ability::Images)),
            reasoning: can(Ability::Reasoning),
            price: self.prices.of(name).cloned(),
        }
    }
}
