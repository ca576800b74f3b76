//! An engine and its client, from a start to the end of the workflow or of the engine. Owns what a client does: it submits
//! until it is told of the workflow, follows it, answers its questions, cancels it, and writes down what it was told.

use std::sync::{Arc, Mutex, MutexGuard, atomic::AtomicUsize};

use futures::StreamExt as _;
use mcp_orchestrator::{
    Cursor, Error, Handle, Orchestrator, SubmitOptions,
    domain::{Event, Recorded, Rejected, Seq, StepId},
};
use mcp_orchestrator_domain::{CallState, Status, Workflow, WorkflowId};
use mcp_orchestrator_store::{Store, WorkflowRow};
use mcp_orchestrator_testkit::{
    ScriptedProvider, TappedStore,
    history::{Answered, History, ModelAsked, Reader, SeenStatus, Submitted, Told},
};

use super::{
    killer::Killer,
    story::{Story, count_words},
};

const KEY: &str = "the key of this submission";
const ANSWER: &str = "Yes.";

/// What the client of a story was told, whichever engines it talked to.
#[derive(Clone, Default)]
pub(super) struct Client {
    notes: Arc<Mutex<Notes>>,
    /// How often the function of the story was called.
    pub(super) called: Arc<AtomicUsize>,
}

#[derive(Default)]
struct Notes {
    id: Option<WorkflowId>,
    answered: Vec<StepId>,
    cancelled: bool,
    statuses: Vec<SeenStatus>,
    saw: Vec<Told>,
    place: Option<Cursor>,
    ended: bool,
    keys: Vec<String>,
}

impl Client {
    /// One that was told of a workflow already.
    pub(super) fn of(id: WorkflowId) -> Self {
        let client = Self::default();
        client.notes().id = Some(id);
        client
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap()
    }

    /// The workflow, once it was acknowledged.
    pub(super) fn id(&self) -> Option<WorkflowId> {
        self.notes().id.clone()
    }

    /// Everything it was told, beside what is in the store in the end.
    pub(super) fn history(&self, id: &WorkflowId, log: Vec<Recorded>, told: Vec<Told>) -> History {
        let notes = self.notes();
        let answered = |step: &StepId| Answered { id: id.clone(), step: step.clone(), answer: ANSWER.to_owned() };
        let asked = |key: &String| ModelAsked { id: id.clone(), key: Some(key.clone()) };
        History {
            submitted: notes.id.iter().map(|id| Submitted { key: KEY.to_owned(), id: id.clone() }).collect(),
            cancelled: notes.cancelled.then(|| id.clone()).into_iter().collect(),
            answered: notes.answered.iter().map(answered).collect(),
            statuses: vec![(id.clone(), notes.statuses.clone())],
            readers: vec![Reader { id: id.clone(), saw: notes.saw.clone(), ended: notes.ended }],
            asked: notes.keys.iter().map(asked).collect(),
            logs: [(id.clone(), log)].into(),
            told: [(id.clone(), told)].into(),
            ..History::default()
        }
    }
}

/// How an engine's time went.
pub(super) struct Life {
    /// The workflow as it ended; `None` when the engine died before.
    pub(super) row: Option<WorkflowRow>,
    /// The keys of the calls its models were asked, in order.
    pub(super) asked: Vec<String>,
    /// Writes its store did.
    pub(super) writes: usize,
    /// The positions at which they ended, the creation aside.
    pub(super) ends: Vec<u64>,
    pub(super) died: bool,
    pub(super) handle: Handle,
}

/// Runs an engine over a store until the story has ended or the engine has died.
pub(super) async fn live(story: &Story, store: Arc<dyn Store>, client: &Client, killer: Killer) -> Life {
    let store = TappedStore::new(store, killer);
    let provider = ScriptedProvider::new(story.script);
    let builder = Orchestrator::builder_shared(Arc::<TappedStore<Killer>>::clone(&store));
    let builder = builder.with_provider(provider.clone()).with_tool(count_words(story, &client.called));
    let builder = match story.hedge {
        Some(hedge) => builder.with_hedge(hedge),
        None => builder,
    };
    let handle = builder.build().unwrap().start();
    let row = tokio::select! {
        biased;
        () = store.tap.death() => None,
        row = accompany(story, &handle, &store.tap, client) => Some(row),
    };
    let asked: Vec<String> = provider.asked().into_iter().map(|asked| asked.key).collect();
    client.notes().keys.extend(asked.iter().cloned());
    let died = store.tap.is_dead();
    Life { row: row.filter(|_| !died), asked, writes: store.tap.writes(), ends: store.tap.ends(), died, handle }
}

async fn accompany(story: &Story, handle: &Handle, killer: &Killer, client: &Client) -> WorkflowRow {
    let known = client.id();
    let id = match known {
        Some(id) => id,
        None => {
            let options = SubmitOptions { idempotency_key: Some(KEY.to_owned()), ..SubmitOptions::default() };
            handle.submit_with(story.draft.clone(), options).await.unwrap()
        }
    };
    client.notes().id = Some(id.clone());
    let reading = tokio::spawn(read(handle.clone(), id.clone(), client.clone()));
    let settled = async {
        let row = handle.settled(&id).await.unwrap();
        reading.await.unwrap();
        row
    };
    tokio::pin!(settled);
    loop {
        command(story, handle, &id, client).await;
        tokio::select! {
            row = &mut settled => return row,
            () = killer.wrote.notified() => {}
        }
    }
}

/// Looks how the workflow stands and does what a client would.
async fn command(story: &Story, handle: &Handle, id: &WorkflowId, client: &Client) {
    let row = handle.status(id).await.unwrap();
    client.notes().statuses.push(SeenStatus { status: row.summary.status, head: Some(row.head) });
    if row.summary.status.is_terminal() {
        return;
    }
    if let Some(step) = story.cancelled_during
        && is_called(handle, id, step).await
    {
        match handle.cancel(id, "enough").await {
            Ok(()) | Err(Error::Rejected(Rejected::Ended(Status::Cancelled))) => client.notes().cancelled = true,
            Err(error) => panic!("{error}"),
        }
    }
    for question in handle.questions(id).await.unwrap() {
        match handle.answer(id, question.step.clone(), ANSWER).await {
            Ok(()) => client.notes().answered.push(question.step),
            Err(Error::Rejected(Rejected::NoQuestion(_))) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Whether a call of this step is under way.
async fn is_called(handle: &Handle, id: &WorkflowId, step: &str) -> bool {
    let log = handle.records(id, Seq::ZERO, 1000).await.unwrap();
    let workflow = Workflow::fold(id.clone(), &log).unwrap().unwrap();
    workflow.open_calls().any(|call| workflow.steps()[call.step].id().as_str() == step)
}

/// Follows the workflow from where it was left, to the end of the stream or of the engine.
async fn read(handle: Handle, id: WorkflowId, client: Client) {
    let place = client.notes().place.unwrap_or(Cursor::START);
    let mut events = handle.events(&id, place).await.unwrap();
    while let Some(event) = events.next().await {
        let event = event.unwrap();
        let mut notes = client.notes();
        notes.place = Some(event.id);
        notes.ended = event.event_type().as_str() == "stream_closed";
        notes.saw.push(told(&event));
    }
}

/// An event as the checker compares it.
pub(super) fn told(event: &mcp_orchestrator::ClientEvent) -> Told {
    let data = serde_json::to_string(event).unwrap();
    Told { id: event.id.to_string(), name: event.event_type().as_str().to_owned(), data }
}

/// The keys of the calls that a log has intents and no ends for.
pub(super) fn under_way(id: &WorkflowId, log: &[Recorded]) -> Vec<String> {
    let Some(workflow) = Workflow::fold(id.clone(), log).unwrap() else { return Vec::new() };
    let open = |no| workflow.call(no).is_some_and(|call| matches!(call.state, CallState::Open));
    log.iter()
        .filter_map(|recorded| match &recorded.record.event {
            Event::CallStarted(started) if open(started.call) => Some(started.idempotency_key.clone()),
            _ => None,
        })
        .collect()
}
