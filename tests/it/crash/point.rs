//! One crash: an engine that dies at a write, one that goes on, and whether all is as it would have been.

use std::{collections::BTreeSet, sync::atomic::Ordering};

use futures::TryStreamExt as _;
use mcp_orchestrator::{Cursor, ListFilter, domain::Recorded};
use mcp_orchestrator_domain::{Seq, Status, WorkflowId};
use mcp_orchestrator_store::Store;
use tokio::runtime::{Builder, Runtime};

use super::{
    killer::{Killer, Moment},
    life::{Client, Life, live, told, under_way},
    place::Place,
    story::Story,
};

/// How a story goes when nobody dies.
pub(super) struct Undisturbed {
    /// Writes of its log.
    pub(super) writes: usize,
    outcome: Outcome,
}

/// What a story comes to: its status and what each of its steps wrote.
type Outcome = (Status, Vec<(String, Option<String>)>);

/// Runs a story to its end.
pub(super) fn undisturbed(story: &Story, place: &impl Place) -> Undisturbed {
    let client = Client::default();
    runtime().block_on(async {
        let store = place.open().await;
        let life = live(story, store.clone(), &client, Killer::new(None)).await;
        let outcome = checked(story.name, &client, &life, &*store, Vec::new()).await;
        Undisturbed { writes: life.writes, outcome }
    })
}

/// Runs a story, kills its engine at a write, lets another finish it, and holds the outcome against everything promised.
/// Whether the engine died: a place may lie behind the end.
///
/// # Panics
/// When anything is not as it would have been.
pub(super) fn crash(story: &Story, place: &impl Place, at: usize, moment: Moment, wanted: &Undisturbed) -> bool {
    let run = format!("{} killed at write {at}, {moment:?}", story.name);
    let client = Client::default();
    let first_runtime = runtime();
    let first = first_runtime.block_on(async {
        let store = place.open().await;
        live(story, store, &client, Killer::new(Some((at, moment)))).await
    });
    let (died, asked) = (first.died, first.asked);
    // Its tasks end where they stand, as those of a killed process do: nothing is given back.
    drop(first_runtime);
    drop(first.handle);
    place.owner_died();

    runtime().block_on(async {
        let store = place.open().await;
        let (left, open) = left_behind(&*store).await;
        let second = live(story, store.clone(), &client, Killer::new(None)).await;
        let paid_again = keys_of_both(&asked, &second.asked);
        let in_flight: BTreeSet<&String> = open.iter().filter(|key| asked.contains(*key)).collect();
        let status = second.row.as_ref().map(|row| row.summary.status);
        if status == Some(Status::Completed) {
            assert_eq!(paid_again, in_flight, "{run}: what is paid again is what was in flight");
        } else {
            // Some of it nobody needs any more.
            assert!(paid_again.is_subset(&in_flight), "{run}: paid again {paid_again:?}, in flight {in_flight:?}");
        }
        let outcome = checked(&run, &client, &second, &*store, left).await;
        if !story.is_repeatable {
            assert!(client.called.load(Ordering::SeqCst) <= 1, "{run}: the function was called again");
        }
        // What may not be called again and was under way fails its step, and says so.
        let gave_up = !story.is_repeatable && outcome.0 == Status::Failed;
        assert!(gave_up || outcome == wanted.outcome, "{run}: {outcome:?} and not {:?}", wanted.outcome);
    });
    died
}

/// The log a dead engine left, and the keys of its calls that were under way.
async fn left_behind(store: &dyn Store) -> (Vec<Recorded>, Vec<String>) {
    let Some(row) = store.list(&ListFilter::default()).await.unwrap().pop() else { return Default::default() };
    let log = whole_log(store, &row.id).await;
    let open = under_way(&row.id, &log);
    (log, open)
}

/// Holds everything the client was told against the store, and says what the story came to.
async fn checked(run: &str, client: &Client, life: &Life, store: &dyn Store, left: Vec<Recorded>) -> Outcome {
    let row = life.row.as_ref().unwrap_or_else(|| panic!("{run}: nobody finished it"));
    let rows = store.list(&ListFilter::default()).await.unwrap();
    assert_eq!(rows.len(), 1, "{run}: one submission is one workflow");
    let log = whole_log(store, &row.id).await;
    let events: Vec<_> =
        life.handle.events(&row.id, Cursor::START).await.unwrap().try_collect::<Vec<_>>().await.unwrap();
    let mut history = client.history(&row.id, log, events.iter().map(told).collect());
    history.looks.push((row.id.clone(), left));
    history.check().assert_clean(run);
    let damage = store.check().await.unwrap().findings;
    assert!(damage.is_empty(), "{run}: {damage:?}");
    let results = life.handle.results(&row.id).await.unwrap();
    let mut steps: Vec<_> =
        results.steps.iter().map(|step| (step.id.to_string(), step.text.as_deref().map(str::to_owned))).collect();
    steps.sort();
    if row.summary.status == Status::Cancelled {
        // How far the others got is theirs.
        steps.clear();
    }
    (row.summary.status, steps)
}

pub(super) async fn whole_log(store: &dyn Store, id: &WorkflowId) -> Vec<Recorded> {
    store.read(id, Seq::ZERO, 1000).await.unwrap().records
}

fn keys_of_both<'a>(first: &'a [String], second: &[String]) -> BTreeSet<&'a String> {
    first.iter().filter(|key| second.contains(key)).collect()
}

pub(super) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}
