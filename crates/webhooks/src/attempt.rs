//! One attempt of one delivery: read, sign, send, write down what came of it. Owns what each answer means.

use std::{sync::Arc, time::Duration};

use mcp_orchestrator_domain::{Seq, Timestamp};
use mcp_orchestrator_egress::{HttpError, Request, Response};
use mcp_orchestrator_store::StoreError;
use mcp_orchestrator_streaming::{ClientEvent, translate};

use crate::{
    DeliveryStatus, EndpointStatus, Form,
    body::render,
    counts::Outcome,
    db::{Changed, Stored},
    keys::{DELIVERIES, EndpointKey, Slot},
    records::{DeliveryRecord, EndpointRecord},
    schedule,
    shared::Shared,
    sign,
};

/// How much of an answer is read, and for how long, so that its connection can be used again. Nothing of it is kept.
const ANSWER_BYTES_MAX: usize = 4096;
const ANSWER_TIME_MAX: Duration = Duration::from_millis(500);

/// What an attempt means for its lane.
pub(crate) enum Attempted {
    /// The delivery is over and kept.
    Over { dead: bool },
    /// The delivery is no more.
    Missing,
    /// It is to be tried again then.
    Again(Timestamp),
    /// It is to be tried again then, and the endpoint wants nothing before `peace`.
    Slower { again: Timestamp, peace: Timestamp },
    /// Nothing was tried: the endpoint wants nothing before this.
    Peace(Timestamp),
    /// Nothing waits for the endpoint any more: it is gone or not active.
    Off,
    /// The store did not answer; nobody knows what was written.
    Unknown,
}

/// Why a delivery was not taken.
struct Refused {
    outcome: Outcome,
    status: Option<u16>,
    error: String,
    retry_after: Option<Duration>,
}

pub(crate) async fn attempt(shared: Arc<Shared>, key: EndpointKey, slot: Slot) -> (EndpointKey, Slot, Attempted) {
    let attempted = try_it(&shared, &key, slot).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "a webhook is delayed by the store");
        Attempted::Unknown
    });
    (key, slot, attempted)
}

async fn try_it(shared: &Shared, key: &EndpointKey, slot: Slot) -> Result<Attempted, StoreError> {
    let Some(endpoint) = shared.endpoint(key).await?.map(|found| found.value).filter(EndpointRecord::is_active) else {
        return Ok(Attempted::Off);
    };
    if let Some(peace) = endpoint.paused_until.filter(|until| shared.now() < *until) {
        return Ok(Attempted::Peace(peace));
    }
    let Some(delivery) = shared.db.find::<DeliveryRecord>(DELIVERIES, &key.delivery(slot)).await? else {
        return Ok(Attempted::Missing);
    };
    if !delivery.value.is_pending() {
        return Ok(Attempted::Over { dead: delivery.value.status == DeliveryStatus::Dead });
    }
    if shared.now() < delivery.value.due {
        return Ok(Attempted::Again(delivery.value.due));
    }
    let Some(event) = event(shared, &delivery.value).await? else {
        return over(shared, key, delivery, DeliveryStatus::Dead, None, Some("its workflow is no longer kept")).await;
    };
    match send(shared, &endpoint, &delivery.value, &event).await {
        Ok(status) => {
            shared.tally.attempted(Outcome::Delivered);
            if endpoint.dead_letters_in_a_row > 0 {
                shared.change_endpoint(key, |record| std::mem::take(&mut record.dead_letters_in_a_row) > 0).await?;
            }
            over(shared, key, delivery, DeliveryStatus::Delivered, Some(status), None).await
        }
        Err(refused) => {
            shared.tally.attempted(refused.outcome);
            failed(shared, key, delivery, refused).await
        }
    }
}

/// The event as it is in the log.
async fn event(shared: &Shared, delivery: &DeliveryRecord) -> Result<Option<ClientEvent>, StoreError> {
    let before = Seq::new(delivery.seq.value().saturating_sub(1));
    let page = shared.db.store.read(&delivery.workflow, before, 1).await?;
    let recorded = page.records.into_iter().find(|recorded| recorded.seq == delivery.seq);
    Ok(recorded.and_then(|recorded| translate(&delivery.workflow, &recorded).into_iter().nth(usize::from(delivery.n))))
}

async fn send(
    shared: &Shared,
    endpoint: &EndpointRecord,
    delivery: &DeliveryRecord,
    event: &ClientEvent,
) -> Result<u16, Refused> {
    let unsendable = |error: String| Refused { outcome: Outcome::Refused, status: None, error, retry_after: None };
    // The guard may have become stricter since the endpoint was made.
    let target = shared.client.admit(&endpoint.url).map_err(|refusal| unsendable(refusal.to_string()))?;
    let body = render(endpoint.form, event).map_err(|_| unsendable("the event is no JSON".to_owned()))?;
    let now = shared.now();
    let mut request = Request::post(&target, body.clone())
        .with_head_timeout(shared.settings.attempt_timeout)
        .with_idle_timeout(ANSWER_TIME_MAX)
        .with_body_max(ANSWER_BYTES_MAX)
        .with_header("content-type", "application/json")
        .with_header("webhook-id", delivery.id.as_str());
    match endpoint.form {
        Form::Standard => {
            let seconds = now.as_millis() / 1000;
            let signature = sign::standard(&endpoint.secrets(now), delivery.id.as_str(), seconds, &body);
            request = request
                .with_header("webhook-timestamp", seconds.to_string())
                .with_secret_header("webhook-signature", signature);
        }
        Form::Original => {
            let signature = endpoint.secret.as_deref().and_then(|secret| sign::original(secret, &body));
            if let Some(signature) = signature {
                request = request.with_secret_header("x-webhook-signature", signature);
            }
        }
    }
    let answer = shared.client.send(request).await.map_err(|error| unanswered(&error))?;
    let status = answer.status();
    let verdict = verdict(&answer, shared.now());
    answer.drain(ANSWER_TIME_MAX).await;
    verdict.map_or(Ok(status), Err)
}

/// Why an answer is no success; `None` for a 2xx.
fn verdict(answer: &Response, now: Timestamp) -> Option<Refused> {
    let status = answer.status();
    let (outcome, error) = match status {
        200..=299 => return None,
        300..=399 => (Outcome::Redirected, format!("it answered {status}; redirects are not followed")),
        400..=499 => (Outcome::Rejected, format!("it answered {status}")),
        _ => (Outcome::Failed, format!("it answered {status}")),
    };
    let slows_down = matches!(status, 429 | 502 | 503 | 504);
    let asked = answer.header("retry-after").filter(|_| slows_down);
    let retry_after = asked.and_then(|text| schedule::retry_after(text, now));
    Some(Refused { outcome, status: Some(status), error, retry_after })
}

fn unanswered(error: &HttpError) -> Refused {
    let outcome = match error {
        HttpError::Refused(_) => Outcome::Refused,
        HttpError::Timeout { .. } => Outcome::TimedOut,
        _ => Outcome::Unreachable,
    };
    let error = match error {
        HttpError::Refused(_) | HttpError::Timeout { .. } => error.to_string(),
        // The owner of an endpoint is not told what this machine's network says of it.
        HttpError::Broken(_) => "the connection broke".to_owned(),
        _ => "no connection".to_owned(),
    };
    Refused { outcome, status: None, error, retry_after: None }
}

/// Plans the next attempt, or makes a dead letter of it.
async fn failed(
    shared: &Shared,
    key: &EndpointKey,
    mut delivery: Stored<DeliveryRecord>,
    refused: Refused,
) -> Result<Attempted, StoreError> {
    let Refused { status, error, retry_after, .. } = refused;
    let now = shared.now();
    let attempts = delivery.value.attempts.saturating_add(1);
    let next = schedule::next_due(&shared.settings.schedule, attempts, &delivery.value.id, now);
    let due = match next {
        Some(due) if status != Some(410) => due,
        _ => return dead(shared, key, delivery, status, &error).await,
    };
    let peace = retry_after.map(|pause| now.after(pause)).filter(|until| *until > now);
    let due = due.max(peace.unwrap_or_default());
    let record = &mut delivery.value;
    (record.attempts, record.due, record.changed) = (attempts, due, now);
    (record.status_code, record.error) = (status, Some(error));
    let kept_for = Some(shared.settings.kept_for);
    let written = shared.db.put(DELIVERIES, &delivery.key, delivery.version, &delivery.value, kept_for).await?;
    if let Some(peace) = peace {
        shared.change_endpoint(key, |endpoint| endpoint.paused_until.replace(peace) != Some(peace)).await?;
    }
    Ok(match (written, peace) {
        // Somebody replays it at this moment: look again.
        (None, _) => Attempted::Again(now),
        (Some(_), None) => Attempted::Again(due),
        (Some(_), Some(peace)) => Attempted::Slower { again: due, peace },
    })
}

async fn dead(
    shared: &Shared,
    key: &EndpointKey,
    delivery: Stored<DeliveryRecord>,
    status: Option<u16>,
    error: &str,
) -> Result<Attempted, StoreError> {
    let attempted = over(shared, key, delivery, DeliveryStatus::Dead, status, Some(error)).await?;
    let max = shared.settings.dead_letters_max;
    let changed = shared
        .change_endpoint(key, |endpoint| {
            endpoint.dead_letters_in_a_row = endpoint.dead_letters_in_a_row.saturating_add(1);
            if status == Some(410) {
                endpoint.status = EndpointStatus::Gone;
            } else if endpoint.dead_letters_in_a_row >= max {
                endpoint.status = EndpointStatus::Failing;
            }
            true
        })
        .await?;
    if let Changed::Done(endpoint) = changed
        && !endpoint.is_active()
    {
        tracing::warn!(endpoint = %key.id, status = ?endpoint.status, "a webhook is disabled");
    }
    Ok(attempted)
}

/// Writes down how a delivery ended.
async fn over(
    shared: &Shared,
    key: &EndpointKey,
    mut delivery: Stored<DeliveryRecord>,
    status: DeliveryStatus,
    code: Option<u16>,
    error: Option<&str>,
) -> Result<Attempted, StoreError> {
    let now = shared.now();
    let record = &mut delivery.value;
    record.attempts = record.attempts.saturating_add(1);
    (record.status, record.status_code, record.changed) = (status, code, now);
    record.error = error.map(str::to_owned);
    let kept_for = Some(shared.settings.kept_for);
    if shared.db.put(DELIVERIES, &delivery.key, delivery.version, &delivery.value, kept_for).await?.is_none() {
        return Ok(Attempted::Again(now));
    }
    match status {
        DeliveryStatus::Delivered => shared.tally.delivered(&key.owner, &delivery.value.workflow),
        _ => shared.tally.dead_letter(&key.owner, &delivery.value.workflow),
    }
    Ok(Attempted::Over { dead: status == DeliveryStatus::Dead })
}
