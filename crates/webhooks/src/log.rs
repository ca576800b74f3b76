//! Deliveries as their owners look at them: pages and replay. Owns no sending.

use mcp_orchestrator_domain::Principal;

use crate::{
    Delivery, DeliveryId, DeliveryPage, DeliveryStatus, EndpointId, WebhookError,
    db::{Changed, Stored},
    keys::{DELIVERIES, EndpointKey},
    manage::{key, unknown},
    records::DeliveryRecord,
    shared::Shared,
};

/// The most deliveries a page shows.
const PAGE: usize = 100;

pub(crate) async fn deliveries(
    shared: &Shared,
    principal: &Principal,
    endpoint: &EndpointId,
    after: Option<&DeliveryId>,
    max: usize,
) -> Result<DeliveryPage, WebhookError> {
    let all = all(shared, &known(shared, principal, endpoint).await?).await?;
    let end = match after {
        None => all.len(),
        Some(after) => position(&all, after)?,
    };
    let start = end.saturating_sub(max.clamp(1, PAGE));
    let shown = all.get(start..end).unwrap_or_default();
    let deliveries: Vec<Delivery> = shown.iter().rev().map(|stored| stored.value.view(endpoint)).collect();
    let next = deliveries.last().filter(|_| start > 0).map(|delivery| delivery.id.clone());
    Ok(DeliveryPage { deliveries, next })
}

pub(crate) async fn replay(
    shared: &Shared,
    principal: &Principal,
    endpoint: &EndpointId,
    id: &DeliveryId,
) -> Result<Delivery, WebhookError> {
    let endpoint_key = known(shared, principal, endpoint).await?;
    let all = all(shared, &endpoint_key).await?;
    let stored = all.get(position(&all, id)?).ok_or_else(|| unknown_delivery(id))?;
    let (now, kept_for) = (shared.now(), shared.settings.kept_for);
    let again = |record: &mut DeliveryRecord| {
        record.status = DeliveryStatus::Pending;
        record.attempts = 0;
        record.due = now;
        record.changed = now;
        true
    };
    match shared.db.change(DELIVERIES, &stored.key, again, |_| Some(kept_for)).await? {
        Changed::Done(record) => {
            shared.wake(&endpoint_key).await?;
            Ok(record.view(endpoint))
        }
        Changed::Missing => Err(unknown_delivery(id)),
        Changed::Busy => Err(WebhookError::Busy),
    }
}

async fn known(shared: &Shared, principal: &Principal, id: &EndpointId) -> Result<EndpointKey, WebhookError> {
    let key = key(principal, id);
    shared.endpoint(&key).await?.ok_or_else(|| unknown(id))?;
    Ok(key)
}

/// Everything kept of an endpoint, oldest first.
async fn all(shared: &Shared, endpoint: &EndpointKey) -> Result<Vec<Stored<DeliveryRecord>>, WebhookError> {
    Ok(shared.db.scan(DELIVERIES, &endpoint.deliveries_prefix(), None, kept_at_most(shared)).await?)
}

/// Pending ones, those that are over, and as many again that were made while others were being forgotten.
const fn kept_at_most(shared: &Shared) -> usize {
    2 * (shared.settings.pending_max + shared.settings.kept_max)
}

fn position(all: &[Stored<DeliveryRecord>], id: &DeliveryId) -> Result<usize, WebhookError> {
    all.iter().position(|stored| stored.value.id == *id).ok_or_else(|| unknown_delivery(id))
}

fn unknown_delivery(id: &DeliveryId) -> WebhookError {
    WebhookError::UnknownDelivery(id.to_string())
}
