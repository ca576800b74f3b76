//! Which model a server has when nobody chose one. Owns the choice and remembers it; does not ask by itself.

use mcp_orchestrator_domain::ModelName;
use serde::Deserialize;
use tokio::sync::OnceCell;

/// The model a server was found to have. Asked for once; a failure is asked again.
#[derive(Debug, Default)]
pub(super) struct FirstModel(OnceCell<ModelName>);

impl FirstModel {
    /// The model, if it is known already.
    pub(super) fn known(&self) -> Option<&ModelName> {
        self.0.get()
    }

    /// The model, found by `find` unless it is known. Requests that come meanwhile wait for the same look-up.
    pub(super) async fn or_find<E>(&self, find: impl Future<Output = Result<ModelName, E>>) -> Result<&ModelName, E> {
        self.0.get_or_try_init(|| find).await
    }
}

/// The first model of a `/models` listing that can chat, so far as its name tells.
pub(super) fn first_chat_model(listing: &[u8]) -> Option<ModelName> {
    const NOT_FOR_CHAT: [&str; 5] = ["embed", "rerank", "whisper", "tts", "moderation"];
    let listing: Listing = serde_json::from_slice(listing).ok()?;
    let named = listing.data.into_iter().filter(|model| {
        let name = model.id.to_ascii_lowercase();
        !NOT_FOR_CHAT.iter().any(|word| name.contains(word))
    });
    named.into_iter().find_map(|model| ModelName::new(&model.id).ok())
}

#[derive(Deserialize)]
struct Listing {
    #[serde(default, alias = "models")]
    data: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(alias = "name")]
    id: String,
}
