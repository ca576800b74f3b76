//! Making, changing and removing endpoints. Owns what a valid endpoint is and how many there may be.

use mcp_orchestrator_domain::{Principal, Seq, WorkflowId};
use mcp_orchestrator_store::WorkflowRow;
use mcp_orchestrator_streaming::ClientEventType;

use crate::{
    CreatedEndpoint, Endpoint, EndpointId, EndpointPage, EndpointStatus, Form, NewEndpoint, WebhookError,
    WebhookSecret,
    db::Changed,
    keys::{ENDPOINTS, EndpointKey, Owner, new_id},
    records::{EndpointRecord, FormerSecret, is_told},
    shared::Shared,
};

const DESCRIPTION_CHARS_MAX: usize = 200;
const ORIGINAL_SECRET_CHARS_MAX: usize = 256;
/// The most endpoints a list shows at once.
const PAGE: usize = 100;
/// How often a registration is tried against others of the same workflow.
const REGISTRATIONS_MAX: usize = 16;

pub(crate) async fn create(
    shared: &Shared,
    principal: &Principal,
    new: NewEndpoint,
) -> Result<CreatedEndpoint, WebhookError> {
    let owner = Owner::of(principal);
    let url = admitted(shared, "url", &new.url)?;
    let events = known_events(new.events)?;
    let description = described(new.description)?;
    let secret = match &new.secret {
        Some(text) => WebhookSecret::parse(text)?,
        None => WebhookSecret::random()?,
    };
    let row = match &new.workflow {
        Some(workflow) => Some(owned(shared, principal, workflow).await?),
        None => None,
    };
    let (prefix, max) = match &new.workflow {
        Some(workflow) => (owner.workflow_prefix(workflow), shared.settings.workflow_endpoints_max),
        None => (owner.general_prefix(), shared.settings.endpoints_max),
    };
    let too_many = WebhookError::TooMany { max };
    if count(shared, &prefix, max + 1).await? >= max {
        return Err(too_many);
    }
    let key = EndpointKey { owner, id: new_id(false, new.workflow.as_ref())? };
    let record = EndpointRecord {
        id: key.id.clone(),
        url,
        events,
        workflow: new.workflow,
        description,
        form: Form::Standard,
        status: EndpointStatus::Active,
        secret: Some(secret.expose().to_owned()),
        former: None,
        created: shared.now(),
        // Set when the log has been taken; until then what the feed gives is under the same keys, so nothing is missed.
        after: Seq::ZERO,
        backfill: row.is_some(),
        ended: row.as_ref().is_some_and(has_ended),
        dead_letters_in_a_row: 0,
        paused_until: None,
    };
    let ttl = record.ttl(shared.settings.kept_for);
    let put = shared.db.put(ENDPOINTS, &key.record(), 0, &record, ttl).await?.ok_or(WebhookError::Busy)?;
    // Others may have been made since the count: whoever sees too many takes its own away.
    if count(shared, &prefix, max + 1).await? > max {
        shared.db.delete(ENDPOINTS, &key.record(), put).await?;
        return Err(too_many);
    }
    shared.wake(&key).await?;
    Ok(CreatedEndpoint { endpoint: record.view(shared.now()), secret })
}

pub(crate) async fn list(
    shared: &Shared,
    principal: &Principal,
    after: Option<&EndpointId>,
    max: usize,
) -> Result<EndpointPage, WebhookError> {
    let owner = Owner::of(principal);
    let max = max.clamp(1, PAGE);
    let after = after.map(|id| EndpointKey { owner: owner.clone(), id: id.clone() }.record());
    let mut found = shared.db.scan::<EndpointRecord>(ENDPOINTS, &owner.prefix(), after.as_deref(), max + 1).await?;
    let more = found.len() > max;
    found.truncate(max);
    let now = shared.now();
    let endpoints: Vec<Endpoint> = found.iter().map(|stored| stored.value.view(now)).collect();
    let next = endpoints.last().filter(|_| more).map(|endpoint| endpoint.id.clone());
    Ok(EndpointPage { endpoints, next })
}

pub(crate) async fn get(shared: &Shared, principal: &Principal, id: &EndpointId) -> Result<Endpoint, WebhookError> {
    let found = shared.endpoint(&key(principal, id)).await?.ok_or_else(|| unknown(id))?;
    Ok(found.value.view(shared.now()))
}

pub(crate) async fn delete(shared: &Shared, principal: &Principal, id: &EndpointId) -> Result<(), WebhookError> {
    let key = key(principal, id);
    for _ in 0..REGISTRATIONS_MAX {
        let found = shared.endpoint(&key).await?.ok_or_else(|| unknown(id))?;
        if shared.db.delete(ENDPOINTS, &found.key, found.version).await? {
            shared.wake(&key).await?;
            return Ok(());
        }
    }
    Err(WebhookError::Busy)
}

pub(crate) async fn rotate(
    shared: &Shared,
    principal: &Principal,
    id: &EndpointId,
) -> Result<WebhookSecret, WebhookError> {
    let secret = WebhookSecret::random()?;
    let until = shared.now().after(shared.settings.rotation_overlap);
    let mut rotatable = true;
    let changed = shared
        .change_endpoint(&key(principal, id), |record| {
            rotatable = record.form == Form::Standard;
            if rotatable {
                let former = record.secret.replace(secret.expose().to_owned());
                record.former = former.map(|secret| FormerSecret { secret, until });
            }
            rotatable
        })
        .await?;
    done(changed, id)?;
    if rotatable { Ok(secret) } else { Err(WebhookError::NotRotatable) }
}

pub(crate) async fn enable(shared: &Shared, principal: &Principal, id: &EndpointId) -> Result<Endpoint, WebhookError> {
    let key = key(principal, id);
    let changed = shared
        .change_endpoint(&key, |record| {
            record.status = EndpointStatus::Active;
            record.dead_letters_in_a_row = 0;
            record.paused_until = None;
            true
        })
        .await?;
    let record = done(changed, id)?;
    shared.wake(&key).await?;
    Ok(record.view(shared.now()))
}

/// From when on an endpoint hears of its workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    /// From its first event.
    Beginning,
    /// From what happens next.
    Now,
}

pub(crate) async fn register_original(
    shared: &Shared,
    principal: &Principal,
    workflow: &WorkflowId,
    url: &str,
    secret: Option<&str>,
    since: Since,
) -> Result<Endpoint, WebhookError> {
    let owner = Owner::of(principal);
    let url = admitted(shared, "webhook_url", url)?;
    if secret.is_some_and(|secret| !(1..=ORIGINAL_SECRET_CHARS_MAX).contains(&secret.chars().count())) {
        return Err(invalid("secret", format!("it must have 1 to {ORIGINAL_SECRET_CHARS_MAX} characters")));
    }
    let key = EndpointKey { owner, id: new_id(true, Some(workflow))? };
    for _ in 0..REGISTRATIONS_MAX {
        let row = owned(shared, principal, workflow).await?;
        let record = EndpointRecord {
            id: key.id.clone(),
            url: url.clone(),
            events: Vec::new(),
            workflow: Some(workflow.clone()),
            description: None,
            form: Form::Original,
            status: EndpointStatus::Active,
            secret: secret.map(str::to_owned),
            former: None,
            created: shared.now(),
            after: if since == Since::Now { row.head } else { Seq::ZERO },
            backfill: since == Since::Beginning,
            ended: has_ended(&row),
            dead_letters_in_a_row: 0,
            paused_until: None,
        };
        let former = shared.db.get::<EndpointRecord>(ENDPOINTS, &key.record()).await?;
        if let Some(former) = former.as_ref().filter(|former| since == Since::Beginning && former.value.url == url) {
            return Ok(former.value.view(shared.now()));
        }
        let version = former.as_ref().map_or(0, |former| former.version);
        let ttl = record.ttl(shared.settings.kept_for);
        if shared.db.put(ENDPOINTS, &key.record(), version, &record, ttl).await?.is_some() {
            if let Some(former) = former {
                shared.wake(&EndpointKey { owner: key.owner.clone(), id: former.value.id }).await?;
            }
            if since == Since::Beginning {
                shared.wake(&key).await?;
            }
            return Ok(record.view(shared.now()));
        }
    }
    Err(WebhookError::Busy)
}

pub(crate) async fn unregister_original(
    shared: &Shared,
    principal: &Principal,
    workflow: &WorkflowId,
) -> Result<bool, WebhookError> {
    let any = EndpointKey { owner: Owner::of(principal), id: new_id(true, Some(workflow))? };
    for _ in 0..REGISTRATIONS_MAX {
        let Some(found) = shared.db.get::<EndpointRecord>(ENDPOINTS, &any.record()).await? else { return Ok(false) };
        if shared.db.delete(ENDPOINTS, &found.key, found.version).await? {
            shared.wake(&EndpointKey { owner: any.owner, id: found.value.id }).await?;
            return Ok(true);
        }
    }
    Err(WebhookError::Busy)
}

/// How many endpoints there are whose keys begin with `prefix`, counted up to `max`.
pub(crate) async fn count(shared: &Shared, prefix: &str, max: usize) -> Result<usize, WebhookError> {
    Ok(shared.db.scan::<EndpointRecord>(ENDPOINTS, prefix, None, max).await?.len())
}

pub(crate) fn key(principal: &Principal, id: &EndpointId) -> EndpointKey {
    EndpointKey { owner: Owner::of(principal), id: id.clone() }
}

pub(crate) fn unknown(id: &EndpointId) -> WebhookError {
    WebhookError::UnknownEndpoint(id.to_string())
}

fn done(changed: Changed<EndpointRecord>, id: &EndpointId) -> Result<EndpointRecord, WebhookError> {
    match changed {
        Changed::Done(record) => Ok(record),
        Changed::Missing => Err(unknown(id)),
        Changed::Busy => Err(WebhookError::Busy),
    }
}

/// The row of a workflow of this principal; another one's is unknown.
async fn owned(shared: &Shared, principal: &Principal, id: &WorkflowId) -> Result<WorkflowRow, WebhookError> {
    let row = shared.db.store.get(id).await?.filter(|row| row.principal == *principal);
    row.ok_or_else(|| WebhookError::UnknownWorkflow(id.clone()))
}

const fn has_ended(row: &WorkflowRow) -> bool {
    row.summary.status.is_terminal()
}

/// The URL as it is kept, if the guard lets it pass.
pub(crate) fn admitted(shared: &Shared, field: &'static str, url: &str) -> Result<String, WebhookError> {
    let target = shared.client.admit(url).map_err(|refusal| invalid(field, refusal.to_string()))?;
    Ok(target.as_str().to_owned())
}

/// The events asked for, once each.
fn known_events(asked: Vec<String>) -> Result<Vec<String>, WebhookError> {
    let mut known: Vec<String> = Vec::new();
    for name in asked {
        let told = ClientEventType::ALL.iter().filter(|event| is_told(**event));
        if !told.clone().any(|event| event.as_str() == name) {
            let wrong: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
            let names: Vec<&str> = told.map(|event| event.as_str()).collect();
            return Err(invalid("events", format!("{wrong:?} is none of {}", names.join(", "))));
        }
        if !known.contains(&name) {
            known.push(name);
        }
    }
    Ok(known)
}

fn described(text: Option<String>) -> Result<Option<String>, WebhookError> {
    let text = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    match text.as_deref().map_or(0, |text| text.chars().count()) {
        0..=DESCRIPTION_CHARS_MAX => Ok(text),
        chars => {
            Err(invalid("description", format!("it has {chars} characters; expected at most {DESCRIPTION_CHARS_MAX}")))
        }
    }
}

const fn invalid(field: &'static str, reason: String) -> WebhookError {
    WebhookError::Invalid { field, reason }
}
