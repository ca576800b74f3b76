//! What models can do and how much they take. Owns the table, a dated copy; a model that is not in it is unknown, which is
//! neither yes nor no.

use std::{collections::HashMap, sync::LazyLock};

use serde::Deserialize;

use crate::http::prices::find;

/// The table: see its own first lines for where it is from and of when it is.
const TABLE: &str = include_str!("models.json");

/// What is known of the models of one service.
#[derive(Clone, Copy, Default)]
pub(in crate::http) struct Facts(Option<&'static HashMap<String, Fact>>);

/// What is known of a model.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::http) struct Fact {
    /// Tokens a request may have.
    pub(in crate::http) context: Option<u64>,
    /// Tokens an answer may have.
    pub(in crate::http) answer: Option<u64>,
    can: Vec<Ability>,
}

/// What a model may be able to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::http) enum Ability {
    Tools,
    Schema,
    Images,
    Reasoning,
}

impl Facts {
    /// The models of a service.
    pub(in crate::http) fn of(vendor: &str) -> Self {
        static ALL: LazyLock<HashMap<String, HashMap<String, Fact>>> = LazyLock::new(|| {
            #[derive(Deserialize)]
            struct Table {
                vendors: HashMap<String, HashMap<String, Fact>>,
            }
            // A test reads it; a table that cannot be read knows nothing.
            serde_json::from_str::<Table>(TABLE).map(|table| table.vendors).unwrap_or_default()
        });
        Self(ALL.get(vendor))
    }

    /// A model by its name, or by its name without the date at its end.
    pub(in crate::http) fn model(self, name: &str) -> Option<&'static Fact> {
        find(name, |name| self.0?.get(name))
    }

    /// Every model.
    pub(in crate::http) fn models<'a>(self) -> impl Iterator<Item = &'a str> {
        self.0.into_iter().flat_map(HashMap::keys).map(String::as_str)
    }
}

impl Fact {
    pub(in crate::http) fn can(&self, ability: Ability) -> bool {
        self.can.contains(&ability)
    }
}

#[cfg(test)]
mod tests {
    use mcp_orchestrator_domain::Tier;

    use super::{Ability, Facts};
    use crate::http::{catalogue, vendor};

    #[test]
    fn what_the_default_models_can_do_is_known() {
        for name in ["xai", "openai", "anthropic", "gemini", "mistral", "cohere", "groq", "deepseek", "together"] {
            for tier in Tier::ALL {
                let model = vendor(name).unwrap().tier_model(tier).unwrap();
                let fact = Facts::of(name).model(model).unwrap();
                assert!(fact.context.is_some_and(|tokens| tokens >= 100_000), "{name} {model}");
                assert!(fact.can(Ability::Tools), "{name} {model}");
            }
        }
    }

    #[test]
    fn every_row_is_of_a_known_service_and_has_a_size_or_an_ability() {
        let known: usize = catalogue().iter().map(|vendor| Facts::of(vendor.name).models().count()).sum();
        assert!(known > 340, "{known}");
        assert!(Facts::of("anthropic").model("claude-sonnet-5-20310101").unwrap().can(Ability::Images));
        assert!(Facts::of("anthropic").model("gpt-5.4").is_none() && Facts::of("lab").model("m").is_none());
    }
}
