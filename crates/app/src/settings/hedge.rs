//! `provider.hedge_after`: a duration, or `p95`. Owns that syntax; what it means is the engine's.

use mcp_orchestrator::Hedge;

use super::{
    SettingsError,
    layer::{Layer, Value},
};
use crate::span::parse_duration;

const KEY: &str = "provider.hedge_after";

/// When somebody is asked beside a model that takes long.
pub(super) fn hedge(merged: &Layer) -> Result<Option<Hedge>, SettingsError> {
    let Some((Value::Text(text), origin)) = merged.get(KEY) else { return Ok(None) };
    if text == "p95" {
        return Ok(Some(Hedge::P95));
    }
    let after = parse_duration(text).map_err(|error| SettingsError::BadValue {
        key: KEY.to_owned(),
        origin: origin.clone(),
        detail: format!("{error}, or p95"),
    })?;
    Ok(Some(Hedge::After(after)))
}
