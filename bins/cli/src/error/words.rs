//! Messages of the library with what a person at a terminal can do about them. Owns that advice.

use mcp_orchestrator::Error as EngineError;
use mcp_orchestrator_app::OpenStoreError;
use mcp_orchestrator_store::StoreError;

/// The engine's message, with what a person at a terminal can do about it.
pub(super) fn of_engine(error: &EngineError) -> String {
    match error {
        EngineError::UnknownPrice { provider, model } => {
            let model = model.as_deref().unwrap_or("MODEL");
            format!(
                "{error}: declare it as [price.\"{provider}/{model}\"] in the settings, or use --budget-tokens or --max-calls"
            )
        }
        _ => error.to_string(),
    }
}

/// The message of a store that does not open, with what brings an older one up.
pub(super) fn of_open(error: &OpenStoreError) -> String {
    match error {
        OpenStoreError::Open { source: StoreError::Outdated { .. }, .. } => format!(
            "{error}: copy it with mcp-orchestrator db backup, then bring it up with mcp-orchestrator list or by \
             starting a server on it"
        ),
        _ => error.to_string(),
    }
}
