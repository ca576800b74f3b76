//! The handle. Owns what owners of endpoints can do.

use std::{fmt, sync::Arc};

use mcp_orchestrator_domain::{Principal, WorkflowId};
use mcp_orchestrator_egress::HttpClient;
use mcp_orchestrator_store::Store;

use tokio::sync::Notify;

use crate::{
    Counts, CreatedEndpoint, Delivery, DeliveryId, DeliveryPage, Endpoint, EndpointId, EndpointPage, NewEndpoint,
    Stats, WebhookError, WebhookSecret, WebhookSettings,
    counts::Tally,
    db::Db,
    keys::Owner,
    log,
    manage::{self, Since},
    run,
    shared::Shared,
};

/// The most endpoints [`Stats::registered`] counts.
const REGISTERED_MAX: usize = 10_000;

/// Webhooks over a store. Cheap to clone; every clone is the same.
///
/// All of it lives in the store, so any process may create and list; the one that holds the lease delivers, if it runs
/// [`Webhooks::run`].
#[derive(Clone)]
pub struct Webhooks {
    shared: Arc<Shared>,
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhooks").field("settings", &self.shared.settings).finish_non_exhaustive()
    }
}

impl Webhooks {
    /// Webhooks over this store. Opens and starts nothing. `client` should have the strict guard, as the addresses come
    /// from callers.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, client: HttpClient, settings: WebhookSettings) -> Self {
        let (db, tally, nudge) = (Db { store }, Tally::default(), Notify::new());
        Self { shared: Arc::new(Shared { db, client, settings, tally, nudge }) }
    }

    /// Delivers until `shutdown` completes. Of all processes that share the store one delivers at a time; the others
    /// wait for their turn.
    ///
    /// At shutdown no attempt begins, and those that are open have a second to end. What is cut off then, or when the future
    /// is dropped, is repeated by whoever delivers next, under the same id.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) {
        run::run(&self.shared, shutdown).await;
    }

    /// Looks at a URL as [`Webhooks::create`] would, without creating anything: for a caller that has something else to do
    /// first, such as submitting the workflow. `field` is what the caller calls it.
    ///
    /// # Errors
    /// [`WebhookError::Invalid`] that names `field`.
    pub fn check_url(&self, field: &'static str, url: &str) -> Result<(), WebhookError> {
        manage::admitted(&self.shared, field, url).map(drop)
    }

    /// Creates an endpoint.
    ///
    /// # Errors
    /// [`WebhookError::Invalid`], [`WebhookError::UnknownWorkflow`], [`WebhookError::TooMany`], [`WebhookError::Store`].
    pub async fn create(&self, p: &Principal, new: NewEndpoint) -> Result<CreatedEndpoint, WebhookError> {
        manage::create(&self.shared, p, new).await
    }

    /// Endpoints of a principal, `max` at most (never more than 100), after one of them.
    ///
    /// # Errors
    /// [`WebhookError::Store`].
    pub async fn list(
        &self,
        p: &Principal,
        after: Option<&EndpointId>,
        max: usize,
    ) -> Result<EndpointPage, WebhookError> {
        manage::list(&self.shared, p, after, max).await
    }

    /// One endpoint.
    ///
    /// # Errors
    /// [`WebhookError::UnknownEndpoint`], [`WebhookError::Store`].
    pub async fn get(&self, p: &Principal, id: &EndpointId) -> Result<Endpoint, WebhookError> {
        manage::get(&self.shared, p, id).await
    }

    /// Deletes an endpoint; nothing more is sent to it, an attempt that runs excepted.
    ///
    /// # Errors
    /// [`WebhookError::UnknownEndpoint`], [`WebhookError::Store`].
    pub async fn delete(&self, p: &Principal, id: &EndpointId) -> Result<(), WebhookError> {
        manage::delete(&self.shared, p, id).await
    }

    /// Gives an endpoint a new secret, shown this once. The former one signs too for
    /// [`WebhookSettings::rotation_overlap`].
    ///
    /// # Errors
    /// [`WebhookError::UnknownEndpoint`], [`WebhookError::NotRotatable`], [`WebhookError::Store`].
    pub async fn rotate(&self, p: &Principal, id: &EndpointId) -> Result<WebhookSecret, WebhookError> {
        manage::rotate(&self.shared, p, id).await
    }

    /// Makes an endpoint active again; what waited for it is delivered.
    ///
    /// # Errors
    /// [`WebhookError::UnknownEndpoint`], [`WebhookError::Store`].
    pub async fn enable(&self, p: &Principal, id: &EndpointId) -> Result<Endpoint, WebhookError> {
        manage::enable(&self.shared, p, id).await
    }

    /// Deliveries of an endpoint, newest first, `max` at most (never more than 100), those older than `after`.
    ///
    /// # Errors
    /// [`WebhookError::UnknownEndpoint`], [`WebhookError::UnknownDelivery`], [`WebhookError::Store`].
    pub async fn deliveries(
        &self,
        p: &Principal,
        endpoint: &EndpointId,
        after: Option<&DeliveryId>,
        max: usize,
    ) -> Result<DeliveryPage, WebhookError> {
        log::deliveries(&self.shared, p, endpoint, after, max).await
    }

    /// Sends a delivery again under its id, whatever became of it, with all attempts before it.
    ///
    /// # Errors
    /// [`WebhookError::UnknownEndpoint`], [`WebhookError::UnknownDelivery`], [`WebhookError::Store`].
    pub async fn replay(
        &self,
        p: &Principal,
        endpoint: &EndpointId,
        delivery: &DeliveryId,
    ) -> Result<Delivery, WebhookError> {
        log::replay(&self.shared, p, endpoint, delivery).await
    }

    /// Registers a workflow's endpoint in the original's form, in place of its former one. It hears of what happens from
    /// now on. With a secret, 1 to 256 characters, each delivery is signed.
    ///
    /// # Errors
    /// [`WebhookError::Invalid`], [`WebhookError::UnknownWorkflow`], [`WebhookError::Store`].
    pub async fn register_original(
        &self,
        p: &Principal,
        workflow: &WorkflowId,
        url: &str,
        secret: Option<&str>,
    ) -> Result<Endpoint, WebhookError> {
        manage::register_original(&self.shared, p, workflow, url, secret, Since::Now).await
    }

    /// Registers the endpoint a submission named, in the original's form and without a secret: it hears of everything
    /// from the workflow's first event on. The same address a second time changes nothing.
    ///
    /// # Errors
    /// As [`Webhooks::register_original`].
    pub async fn register_submission(
        &self,
        p: &Principal,
        workflow: &WorkflowId,
        url: &str,
    ) -> Result<Endpoint, WebhookError> {
        manage::register_original(&self.shared, p, workflow, url, None, Since::Beginning).await
    }

    /// Removes what [`Webhooks::register_original`] made; whether there was something.
    ///
    /// # Errors
    /// [`WebhookError::Store`].
    pub async fn unregister_original(&self, p: &Principal, workflow: &WorkflowId) -> Result<bool, WebhookError> {
        manage::unregister_original(&self.shared, p, workflow).await
    }

    /// What this process did since it began, over all principals: for metrics.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.tally.counts()
    }

    /// What this process told a principal's endpoints since it began.
    ///
    /// # Errors
    /// [`WebhookError::Store`].
    pub async fn stats(&self, p: &Principal) -> Result<Stats, WebhookError> {
        let owner = Owner::of(p);
        let registered = manage::count(&self.shared, &owner.prefix(), REGISTERED_MAX).await?;
        Ok(self.shared.tally.stats(&owner, registered))
    }
}
