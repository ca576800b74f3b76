//! What tokens of known models cost. Owns the table, a dated copy, and the prices its user declares, which win over it; an
//! unknown model has no price, never a price of zero.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, LazyLock},
};

use mcp_orchestrator_domain::Money;
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{LongPrompts, ModelPrice, TokenRate};

/// The table: see its own first lines for where it is from and of when it is.
const TABLE: &str = include_str!("prices.json");

/// The name that stands for every model of a provider.
const ANY: &str = "*";

type Rows = HashMap<String, ModelPrice>;

/// The prices of one provider: those its user declares, then those of the table.
#[derive(Clone, Default)]
pub(super) struct Prices {
    own: Arc<BTreeMap<String, ModelPrice>>,
    table: Option<&'static Rows>,
}

impl Prices {
    /// Prices somebody declares, by model, over those of a service of the table. `*` is any model.
    pub(super) fn new(own: BTreeMap<String, ModelPrice>, vendor: Option<&str>) -> Self {
        Self { own: Arc::new(own), table: vendor.and_then(table_of) }
    }

    /// The price of a model.
    pub(super) fn of(&self, model: &str) -> Option<&ModelPrice> {
        self.declared(model).or_else(|| find(model, |name| self.table?.get(name)))
    }

    /// The price somebody declares for a model.
    pub(super) fn declared(&self, model: &str) -> Option<&ModelPrice> {
        // Most declare none.
        if self.own.is_empty() {
            return None;
        }
        find(model, |name| self.own.get(name)).or_else(|| self.own.get(ANY))
    }

    /// Every model that has a price, each once.
    pub(super) fn models(&self) -> impl Iterator<Item = &str> {
        let own = self.own.keys().map(String::as_str).filter(|name| *name != ANY);
        let table = self.table.into_iter().flat_map(|rows| rows.keys()).map(String::as_str);
        own.chain(table.filter(|name| !self.own.contains_key(*name)))
    }
}

/// What is kept under a model's name, or under its name without the date at its end.
pub(super) fn find<T>(model: &str, kept: impl Fn(&str) -> Option<T>) -> Option<T> {
    let name = model.strip_prefix("models/").unwrap_or(model);
    kept(name).or_else(|| kept(undated(name)?))
}

fn table_of(vendor: &str) -> Option<&'static Rows> {
    static ALL: LazyLock<HashMap<String, Rows>> = LazyLock::new(|| {
        // A test reads it; a table that cannot be read is one without prices.
        let Ok(table) = serde_json::from_str::<Table>(TABLE) else { return HashMap::new() };
        let (source, date) = (table.source, table.date);
        let price = |row: Row| ModelPrice {
            rate: row.rate.into(),
            long: row.long.map(|long| LongPrompts { above_tokens: long.above, rate: long.rate.into() }),
            source: source.clone(),
            date: Some(date.clone()),
        };
        let rows = |rows: HashMap<String, Row>| rows.into_iter().map(|(name, row)| (name, price(row))).collect();
        table.vendors.into_iter().map(|(vendor, of_vendor)| (vendor, rows(of_vendor))).collect()
    });
    ALL.get(vendor)
}

#[derive(Deserialize)]
struct Table {
    source: String,
    date: String,
    vendors: HashMap<String, HashMap<String, Row>>,
}

#[derive(Deserialize)]
struct Row {
    #[serde(flatten)]
    rate: Rate,
    long: Option<Long>,
}

#[derive(Deserialize)]
struct Long {
    above: u64,
    #[serde(flatten)]
    rate: Rate,
}

/// In US dollars for a million tokens.
#[derive(Deserialize)]
struct Rate {
    input: Usd,
    output: Usd,
    cached: Option<Usd>,
    cache_write: Option<Usd>,
}

struct Usd(Money);

impl<'de> Deserialize<'de> for Usd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let usd = f64::deserialize(deserializer)?;
        Money::from_usd(usd).map(Self).ok_or_else(|| D::Error::custom("it is no price"))
    }
}

impl From<Rate> for TokenRate {
    fn from(rate: Rate) -> Self {
        Self {
            input: rate.input.0,
            output: rate.output.0,
            cached: rate.cached.map(|usd| usd.0),
            cache_write: rate.cache_write.map(|usd| usd.0),
        }
    }
}

/// `gpt-5.4` of `gpt-5.4-2026-03-05` and of `gpt-5.4-20260305`.
fn undated(name: &str) -> Option<&str> {
    const FORMS: [&str; 2] = ["-0000-00-00", "-00000000"];
    FORMS.iter().find_map(|form| {
        let (head, tail) = name.split_at_checked(name.len().checked_sub(form.len())?)?;
        let is_date = tail.bytes().zip(form.bytes()).all(|(byte, as_in)| match as_in {
            b'0' => byte.is_ascii_digit(),
            other => byte == other,
        });
        is_date.then_some(head)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use mcp_orchestrator_domain::{Money, Tier, Usage};

    use super::{Prices, table_of, undated};
    use crate::{
        ModelPrice, TokenRate,
        http::{catalogue, vendor},
    };

    fn usd(amount: f64) -> Money {
        Money::from_usd(amount).unwrap()
    }

    fn table(vendor: &str) -> Prices {
        Prices::new(BTreeMap::new(), Some(vendor))
    }

    fn declared(input: f64) -> ModelPrice {
        let rate = TokenRate { input: usd(input), output: usd(1.0), ..TokenRate::default() };
        ModelPrice { rate, long: None, source: "a contract".to_owned(), date: None }
    }

    #[test]
    fn every_price_can_be_reckoned_with() {
        let usage = Usage { input: 1_000_000, cached: 300_000, cache_write: 200_000, output: 1_000_000, reasoning: 0 };
        let mut models = 0;
        for vendor in catalogue() {
            let prices = table(vendor.name);
            for model in prices.models() {
                let price = prices.of(model).unwrap();
                let (most, cost) = (price.at_most(), price.cost(usage));
                assert!(Money::ZERO < cost && cost <= most.of(usage.input, usage.output), "{model}");
                assert!(!price.source.is_empty() && price.date.is_some());
                models += 1;
            }
        }
        assert!(models > 300, "{models}");
    }

    #[test]
    fn the_default_models_have_their_price_where_tokens_are_all_that_is_paid_for() {
        for name in ["xai", "openai", "anthropic", "gemini", "mistral", "cohere", "groq", "deepseek", "together"] {
            for tier in Tier::ALL {
                let model = vendor(name).unwrap().tier_model(tier).unwrap();
                assert!(table(name).of(model).is_some(), "{name} {model}");
            }
        }
        // These also take a fee for the request, or ask others whose prices differ.
        for name in ["perplexity", "openrouter", "huggingface", "ollama"] {
            assert!(table_of(name).is_none(), "{name}");
        }
    }

    #[test]
    fn caches_and_long_prompts_have_their_own_prices() {
        let anthropic = table("anthropic");
        let usage = Usage { input: 1_000_000, cached: 500_000, cache_write: 100_000, output: 100_000, reasoning: 0 };
        let cost = anthropic.of("claude-sonnet-5").unwrap().cost(usage);
        assert_eq!(cost, usd(0.4 * 2.0 + 0.5 * 0.2 + 0.1 * 2.5 + 0.1 * 10.0));
        let xai = table("xai");
        let price = xai.of("grok-4.5").unwrap();
        let of = |input| price.cost(Usage { input, ..Usage::default() });
        assert_eq!(of(200_000), usd(0.4));
        assert_eq!(of(300_000), usd(1.2));
        assert_eq!(price.at_most().input_per_million, usd(4.0));
    }

    #[test]
    fn a_dated_name_is_the_models_and_an_unknown_one_has_no_price() {
        let openai = table("openai");
        assert!(openai.of("gpt-5.4").is_some());
        assert_eq!(openai.of("gpt-5.4-2031-01-01"), openai.of("gpt-5.4"));
        assert_eq!(openai.of("gpt-999"), None);
        assert_eq!(undated("claude-opus-4-1"), None);
        assert_eq!(undated("claude-opus-4-1-20250805"), Some("claude-opus-4-1"));
    }

    #[test]
    fn a_declared_price_wins_over_the_table_and_adds_models() {
        let of =
            |names: &[(&str, f64)]| names.iter().map(|(name, input)| ((*name).to_owned(), declared(*input))).collect();
        let prices = Prices::new(of(&[("gpt-5.4", 7.0), ("mine", 8.0)]), Some("openai"));
        let input = |prices: &Prices, model| prices.of(model).map(|price| price.rate.input);
        assert_eq!(input(&prices, "gpt-5.4"), Some(usd(7.0)));
        assert_eq!(input(&prices, "gpt-5.4-2031-01-01"), Some(usd(7.0)));
        assert_eq!(input(&prices, "mine"), Some(usd(8.0)));
        assert_ne!(input(&prices, "gpt-5.4-mini"), Some(usd(7.0)));
        assert_eq!(prices.models().filter(|name| *name == "gpt-5.4").count(), 1);
        let all = Prices::new(of(&[("*", 9.0), ("mine", 8.0)]), None);
        assert_eq!((input(&all, "mine"), input(&all, "other")), (Some(usd(8.0)), Some(usd(9.0))));
        assert_eq!(all.models().collect::<Vec<_>>(), ["mine"]);
    }
}
