//! A store with workflows, a clock, and webhooks that run and stop.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use mcp_orchestrator_domain::{
    Cancelled, Event, InputRequested, Principal, Progress, Record, Seq, Status, Timestamp, WorkflowId,
};
use mcp_orchestrator_egress::{ClientSettings, Guard, HttpClient};
use mcp_orchestrator_store::{After, Append, Lineage, MemoryStore, Needs, NewWorkflow, Store, Summary, Writer};
use mcp_orchestrator_webhooks::{
    Clock, CreatedEndpoint, Delivery, Endpoint, EndpointId, NewEndpoint, WebhookSettings, Webhooks,
};
use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
    time::timeout,
};

/// What never comes fails a test instead of hanging it. Generous: the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

static NEXT: AtomicU64 = AtomicU64::new(1);

#[derive(Clone)]
pub(crate) struct ManualClock(Arc<watch::Sender<Timestamp>>);

impl ManualClock {
    pub(crate) fn advance(&self, by: Duration) {
        self.0.send_modify(|now| *now = now.after(by));
    }

    /// As an operator or a time server does.
    pub(crate) fn set(&self, now: Timestamp) {
        self.0.send_replace(now);
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    async fn sleep_until(&self, deadline: Timestamp) {
        let _ = self.0.subscribe().wait_for(|now| *now >= deadline).await;
    }
}

pub(crate) struct World {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: ManualClock,
    pub(crate) settings: WebhookSettings,
    pub(crate) client: HttpClient,
}

/// Webhooks that run in a task.
pub(crate) struct Running {
    pub(crate) webhooks: Webhooks,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

pub(crate) fn me() -> Principal {
    Principal::local()
}

pub(crate) fn listed() -> Guard {
    Guard::public().allow_http().allow_net("127.0.0.0/8").unwrap()
}

pub(crate) fn client(guard: Guard) -> HttpClient {
    let mut settings = ClientSettings::default();
    settings.guard = guard;
    HttpClient::new(settings)
}

impl World {
    /// The clock shows the machine's time at first: the verifier of another project compares with that.
    pub(crate) fn new() -> Self {
        Self::build(|clock| Arc::new(MemoryStore::with_now(Arc::new(move || clock.now()))))
    }

    /// The same on another store, which may go by the clock.
    pub(crate) fn on(store: Arc<dyn Store>) -> Self {
        Self::build(|_| store)
    }

    fn build(store: impl FnOnce(ManualClock) -> Arc<dyn Store>) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let clock = ManualClock(Arc::new(watch::Sender::new(Timestamp::default().after(now))));
        let store = store(clock.clone());
        let mut settings = WebhookSettings::default();
        settings.clock = Arc::new(clock.clone());
        Self { store, clock, settings, client: client(listed()) }
    }

    pub(crate) fn webhooks(&self) -> Webhooks {
        Webhooks::new(Arc::clone(&self.store), self.client.clone(), self.settings.clone())
    }

    pub(crate) fn run(&self) -> Running {
        let webhooks = self.webhooks();
        let (stop, stopped) = oneshot::channel();
        let same = webhooks.clone();
        let task = tokio::spawn(async move {
            same.run(async move {
                let _ = stopped.await;
            })
            .await;
        });
        Running { webhooks, stop: Some(stop), task }
    }

    /// A workflow of one event that clients hear of: the question `0`.
    pub(crate) async fn workflow(&self, principal: &Principal) -> WorkflowId {
        let id = WorkflowId::new(&format!("test_{:012}", NEXT.fetch_add(1, Ordering::Relaxed))).unwrap();
        let new = NewWorkflow {
            id: id.clone(),
            principal: principal.clone(),
            pattern: "swarm".parse().unwrap(),
            needs: Needs::default(),
            priority: 5,
            idempotency: None,
            records: vec![self.record(question("0"))],
            summary: summary(Status::Running),
            reserved_for: None,
            queue_max: None,
        };
        self.store.create(new).await.unwrap();
        id
    }

    /// Appends questions, told apart by their text.
    pub(crate) async fn ask(&self, id: &WorkflowId, questions: impl IntoIterator<Item = &str>) {
        for text in questions {
            self.append(id, question(text), Status::Running, After::Keep).await;
        }
    }

    pub(crate) async fn end(&self, id: &WorkflowId) {
        self.append(id, Event::Cancelled(Cancelled {}), Status::Cancelled, After::Finish).await;
    }

    async fn append(&self, id: &WorkflowId, event: Event, status: Status, after: After) {
        let expected = self.store.get(id).await.unwrap().unwrap().head;
        let append = Append {
            id: id.clone(),
            expected,
            lineage: Lineage::UNKNOWN,
            writer: Writer::External,
            append_id: NEXT.fetch_add(1, Ordering::Relaxed).into(),
            records: vec![self.record(event)],
            summary: summary(status),
            after,
        };
        assert_eq!(self.store.append(append).await.unwrap().seq, Seq::new(expected.value() + 1));
    }

    fn record(&self, event: Event) -> Arc<Record> {
        Arc::new(Record { at: self.clock.now(), progress: Progress::default(), event })
    }
}

impl Running {
    pub(crate) async fn endpoint(&self, url: String) -> CreatedEndpoint {
        self.create(NewEndpoint { url, ..NewEndpoint::default() }).await
    }

    pub(crate) async fn create(&self, new: NewEndpoint) -> CreatedEndpoint {
        self.webhooks.create(&me(), new).await.unwrap()
    }

    /// Ends it as an operator does.
    pub(crate) async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        (&mut self.task).await.unwrap();
    }

    /// Ends it as a crash does.
    pub(crate) async fn kill(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }

    /// The deliveries of an endpoint, oldest first, once they are as expected.
    pub(crate) async fn deliveries(&self, id: &EndpointId, expected: impl Fn(&[Delivery]) -> bool) -> Vec<Delivery> {
        until(async || {
            let mut found = self.webhooks.deliveries(&me(), id, None, 100).await.unwrap().deliveries;
            found.reverse();
            Some(found).filter(|found| expected(found))
        })
        .await
    }

    pub(crate) async fn seen(&self, id: &EndpointId, expected: impl Fn(&Endpoint) -> bool) -> Endpoint {
        until(async || Some(self.webhooks.get(&me(), id).await.unwrap()).filter(|endpoint| expected(endpoint))).await
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Asks again and again, letting everything else run between.
pub(crate) async fn until<T>(ask: impl AsyncFn() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, asking).await.unwrap()
}

pub(crate) fn question(text: &str) -> Event {
    Event::InputRequested(InputRequested { step: "asker".parse().unwrap(), question: text.to_owned() })
}

fn summary(status: Status) -> Summary {
    Summary {
        status,
        title: "Crashes".into(),
        task: "How does a workflow survive a crash?".into(),
        progress: Progress::default(),
        started: None,
        finished: None,
        failure: None,
        forked_from: None,
        poisoned: None,
    }
}
