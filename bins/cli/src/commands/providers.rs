//! `providers`: who can answer, here or at a server, with which models, and whether they are there. Asks them only with
//! `--health`.

use std::process::ExitCode;

use mcp_orchestrator::layers::{HEALTH_LIMIT, Health, health_of};
use mcp_orchestrator_api::view::{HealthView, ModelView, ProviderView};
use mcp_orchestrator_app::{KeyState, KnownProvider, ProviderChoiceError, Reason};
use mcp_orchestrator_domain::ProviderName;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    args::ProvidersArgs,
    error::CliError,
    session::Session,
    table::Table,
    terminal::{Line, Style},
};

/// A provider as JSON. What only this machine or only a server knows of it is null elsewhere.
#[derive(Debug, Default, Serialize)]
struct Row {
    name: String,
    title: Option<String>,
    key: Option<Value>,
    base_url: Option<String>,
    wire: Option<&'static str>,
    model: Option<String>,
    worker_model: Option<String>,
    synthesis_model: Option<String>,
    is_default: Option<bool>,
    is_model: Option<bool>,
    tools: Option<bool>,
    input_usd_per_million_tokens: Option<f64>,
    output_usd_per_million_tokens: Option<f64>,
    /// Null when nobody asked, or when it cannot be asked without a key.
    health: Option<HealthView>,
    /// What a person reads of it; a server keeps that to itself.
    #[serde(skip)]
    why: Option<String>,
    /// What people read of who it is.
    #[serde(skip)]
    whereabouts: String,
    #[serde(skip)]
    key_shown: String,
    /// Null in lists.
    models: Option<Vec<ModelView>>,
}

pub(crate) fn providers(session: &Session, args: &ProvidersArgs) -> Result<ExitCode, CliError> {
    let name = args.name.as_deref().map(ProviderName::new).transpose();
    let name = name.map_err(|error| CliError::from(ProviderChoiceError::from(error)))?;
    let server = session.server()?;
    let (rows, how) = match &server {
        Some(server) => {
            let rows = session.block_on(async {
                Ok(match &name {
                    Some(name) => vec![server.provider(name, args.health).await?],
                    None => server.providers(args.health).await?.providers,
                })
            })?;
            let rows: Vec<Row> = rows.into_iter().map(Row::there).collect();
            (rows, format!("these answer at {}", server.base()))
        }
        None => {
            let how = "used when none is named: `provider.default`, else the first with a key, else Ollama if it answers, \
                       else extractive when there are documents";
            (here(session, name.as_ref(), args.health)?, how.to_owned())
        }
    };
    let terminal = session.terminal;
    if terminal.json {
        terminal.out_json(&json!({ "providers": rows }))?;
        return Ok(ExitCode::SUCCESS);
    }
    match &rows[..] {
        [one] if name.is_some() => details(session, one)?,
        _ if server.is_some() => there_table(&rows, args.health).print(terminal)?,
        _ if args.health => {
            let mut table = Table::new(["PROVIDER", "KEY", "HEALTH"]);
            rows.iter().for_each(|row| table.row([row.name.clone(), row.key_shown.clone(), row.health_shown()]));
            table.print(terminal)?;
        }
        _ => {
            let mut table = Table::new(["PROVIDER", "KEY", "MODEL", "ADDRESS (WIRE)"]);
            for row in &rows {
                let model = row.model.clone().unwrap_or_else(|| "-".to_owned());
                table.row([row.name.clone(), row.key_shown.clone(), model, row.whereabouts.clone()]);
            }
            table.print(terminal)?;
        }
    }
    if name.is_none() {
        terminal.note(Line::new().styled(Style::Dim, how));
    }
    Ok(ExitCode::SUCCESS)
}

fn there_table(rows: &[Row], health: bool) -> Table<4> {
    let mut table = Table::new(["PROVIDER", "DEFAULT", "MODEL", if health { "HEALTH" } else { "ANSWERS" }]);
    for row in rows {
        let is_default = if row.is_default == Some(true) { "yes" } else { "" };
        let model = row.model.clone().unwrap_or_else(|| "-".to_owned());
        let last = if health { row.health_shown() } else { row.whereabouts.clone() };
        table.row([row.name.clone(), is_default.to_owned(), model, last]);
    }
    table
}

/// The providers of this machine: all, or the one of that name with its models.
fn here(session: &Session, name: Option<&ProviderName>, health: bool) -> Result<Vec<Row>, CliError> {
    let providers = session.providers();
    // It knows all the names there are when this is none of them.
    let models = name.map(|name| providers.models(name.as_str())).transpose()?;
    let known = providers.known()?;
    let mut rows: Vec<Row> =
        known.iter().filter(|known| name.is_none_or(|name| name.as_str() == known.name)).map(Row::here).collect();
    if let (Some(row), Some(models)) = (rows.first_mut(), models) {
        row.models = Some(models.into_iter().map(ModelView::from).collect());
    }
    if health {
        ask(session, &mut rows)?;
    }
    Ok(rows)
}

/// Asks all that can be used at once whether they are there.
fn ask(session: &Session, rows: &mut [Row]) -> Result<(), CliError> {
    session.block_on(async {
        let providers = session.providers();
        let mut asked = JoinSet::new();
        for (at, row) in rows.iter().enumerate() {
            let Ok(choice) = providers.named(&row.name, Reason::Named) else { continue };
            asked.spawn(async move { (at, health_of(choice.provider.as_ref(), HEALTH_LIMIT).await) });
        }
        while let Some(answer) = asked.join_next().await {
            let Ok((at, health)) = answer else { continue };
            let Some(row) = rows.get_mut(at) else { continue };
            row.health = Some(match health {
                Health::Up(latency) => HealthView::up(latency),
                Health::Down(failure) => {
                    row.why = Some(failure.message.clone());
                    HealthView::down(failure.class)
                }
            });
        }
        Ok(())
    })
}

/// One provider, then its models.
fn details(session: &Session, row: &Row) -> Result<(), CliError> {
    let terminal = session.terminal;
    let tier = |model: &Option<String>| model.clone().or_else(|| row.model.clone()).unwrap_or_else(|| "-".to_owned());
    let mut facts = vec![
        ("key", row.key_shown.clone()),
        ("at", row.whereabouts.clone()),
        ("planning", tier(&None)),
        ("agents", tier(&row.worker_model)),
        ("synthesis", tier(&row.synthesis_model)),
    ];
    if row.health.is_some() {
        facts.push(("health", row.health_shown()));
    }
    terminal.out(Line::new().styled(Style::Bold, &row.name))?;
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        terminal.out(format!("  {name:<10}  {value}"))?;
    }
    let models = row.models.as_deref().unwrap_or_default();
    if models.is_empty() {
        terminal.note(Line::new().styled(Style::Dim, "nothing is known of its models"));
        return Ok(());
    }
    let mut table = Table::new(["MODEL", "CONTEXT", "ANSWER", "CAN", "USD IN / OUT PER MILLION", "PRICE FROM"]);
    let number = |tokens: Option<u64>| tokens.map_or_else(|| "?".to_owned(), |tokens| tokens.to_string());
    for model in models {
        let (price, source) = match &model.price {
            Some(price) => {
                let date = price.date.as_ref().map(|date| format!(", {date}")).unwrap_or_default();
                let rate = price.rate;
                let usd = format!("{} / {}", rate.input_usd_per_million_tokens, rate.output_usd_per_million_tokens);
                (usd, format!("{}{date}", price.source))
            }
            None => ("?".to_owned(), String::new()),
        };
        let (context, answer) = (number(model.context_tokens), number(model.answer_tokens_max));
        table.row([model.name.clone(), context, answer, abilities(model), price, source]);
    }
    table.print(terminal)?;
    Ok(())
}

fn abilities(model: &ModelView) -> String {
    let all = [
        ("tools", model.tools),
        ("schema", model.output_schema),
        ("images", model.images),
        ("reasoning", model.reasoning),
    ];
    if all.iter().all(|(_, can)| can.is_none()) {
        return "?".to_owned();
    }
    let can: Vec<&str> = all.iter().filter(|(_, can)| *can == Some(true)).map(|(name, _)| *name).collect();
    can.join(" ")
}

impl Row {
    fn here(provider: &KnownProvider) -> Self {
        let (state, origin, variables): (_, _, &[&str]) = match &provider.key {
            KeyState::Set(origin) => ("set", Some(origin.to_string()), &[]),
            KeyState::Missing(variables) => ("not_set", None, variables),
            _ => ("not_needed", None, &[]),
        };
        Self {
            name: provider.name.clone(),
            title: Some(provider.title.clone()),
            key: Some(json!({ "state": state, "origin": origin, "variables": variables })),
            key_shown: key(&provider.key),
            base_url: provider.base_url.clone(),
            wire: provider.wire.map(|wire| wire.as_str()),
            whereabouts: match (&provider.base_url, provider.wire) {
                (Some(address), Some(wire)) => format!("{address} ({})", wire.as_str()),
                _ => provider.title.clone(),
            },
            model: provider.model.clone(),
            worker_model: provider.worker_model.clone(),
            synthesis_model: provider.synthesis_model.clone(),
            ..Self::default()
        }
    }

    fn there(provider: ProviderView) -> Self {
        Self {
            name: provider.name,
            model: provider.default_model,
            worker_model: provider.worker_model,
            synthesis_model: provider.synthesis_model,
            whereabouts: if provider.is_model { "a language model" } else { "quotes of the sources" }.to_owned(),
            is_default: Some(provider.is_default),
            is_model: Some(provider.is_model),
            tools: Some(provider.tools),
            input_usd_per_million_tokens: provider.input_usd_per_million_tokens,
            output_usd_per_million_tokens: provider.output_usd_per_million_tokens,
            health: provider.health,
            models: provider.models,
            ..Self::default()
        }
    }

    fn health_shown(&self) -> String {
        match &self.health {
            Some(HealthView::Up { latency_ms }) => format!("up, after {latency_ms} ms"),
            Some(HealthView::Down { class }) => {
                let why = self.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
                format!("down ({class}){why}")
            }
            None => "not asked".to_owned(),
        }
    }
}

fn key(key: &KeyState) -> String {
    match key {
        KeyState::Set(origin) => format!("set ({origin})"),
        KeyState::Missing(variables) => format!("not set ({})", variables.join(", ")),
        _ => "not needed".to_owned(),
    }
}
