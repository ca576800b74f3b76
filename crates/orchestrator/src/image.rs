//! The images of a request: bounded, kept in the store, loaded again for a run. Owns which parts of the work are shown them.

use bytes::Bytes;
use mcp_orchestrator_domain::{
    BlobRef, Digest, FieldError, Image, ImageRef, InvalidRequest, Principal, ProviderName, Request, Role, Tier,
};
use mcp_orchestrator_store::{Store, StoreError};
use sha2::{Digest as _, Sha256};

use crate::{Error, parts::Parts, run::put_blob};

/// Whether a step of this role is shown the images. Whoever merges and writes reads what the agents saw.
pub(crate) const fn is_shown(role: &Role) -> bool {
    matches!(role.tier(), Tier::Primary | Tier::Worker)
}

/// The images as the log names them.
pub(crate) fn references(images: &[Image]) -> Result<Vec<ImageRef>, InvalidRequest> {
    let total: usize = images.iter().map(|image| image.bytes().len()).sum();
    if images.len() > Image::COUNT_MAX {
        let detail = format!("are {}, and {} at most are taken", images.len(), Image::COUNT_MAX);
        return Err(FieldError::new("images", detail).into());
    }
    if total > Image::TOTAL_BYTES_MAX {
        let detail = format!("have {total} bytes together, more than {}", Image::TOTAL_BYTES_MAX);
        return Err(FieldError::new("images", detail).into());
    }
    Ok(images.iter().map(reference).collect())
}

fn reference(image: &Image) -> ImageRef {
    let bytes = image.bytes();
    let blob = BlobRef { sha256: Digest::new(Sha256::digest(bytes).into()), bytes: bytes.len() as u64 };
    let (width, height) = image.size();
    ImageRef { blob, kind: image.kind(), width, height }
}

/// Whether the models that are shown the images see them.
pub(crate) fn seen(parts: &Parts, request: &Request, provider: &ProviderName) -> Result<(), InvalidRequest> {
    if request.images.is_empty() {
        return Ok(());
    }
    let Some(asked) = parts.providers.get(provider) else { return Ok(()) };
    for tier in [Tier::Primary, Tier::Worker] {
        let model = request.models.of(tier).cloned().or_else(|| asked.tier_model(tier));
        let can = asked.capabilities(model.as_ref());
        if !can.images {
            let model = model.map(|model| model.to_string()).or(can.default_model);
            let who = model.map_or_else(|| provider.to_string(), |model| format!("{model} of {provider}"));
            let detail = format!(
                "are shown to {who}, which is not known to see images: name a model that does, or set \
                 `provider.{provider}.images = \"yes\"` if it does"
            );
            return Err(FieldError::new("images", detail).into());
        }
    }
    Ok(())
}

/// Keeps the images in the store.
pub(crate) async fn keep(parts: &Parts, tenant: &Principal, images: &[Image]) -> Result<(), StoreError> {
    for image in images {
        put_blob(parts, tenant, Bytes::copy_from_slice(image.bytes())).await?;
    }
    Ok(())
}

/// The images again, from the store.
pub(crate) async fn load(store: &dyn Store, tenant: &Principal, images: &[ImageRef]) -> Result<Vec<Image>, Error> {
    let mut loaded = Vec::with_capacity(images.len());
    for image in images {
        let sha256 = image.blob.sha256;
        let missing = || StoreError::Unreadable(format!("the image {sha256} is missing"));
        let bytes = store.get_blob(tenant, &sha256).await?.ok_or_else(missing)?;
        let read = Image::parse(&*bytes);
        loaded.push(read.map_err(|error| StoreError::Unreadable(format!("the image {sha256} {error}")))?);
    }
    Ok(loaded)
}
