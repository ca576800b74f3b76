//! Any sequence of operations has the outcome that a few vectors predict, on every adapter.

use std::time::Duration;

use mcp_orchestrator_domain::{Seq, Status, Timestamp, WorkflowId};
use mcp_orchestrator_store::{After, Append, AppendError, Epoch, LeaseRef, MemoryStore, Renewal, Store, Which, Writer};
use mcp_orchestrator_testkit::store_suite::{
    Dial, TTL, append, appended, claim_which, created, numbers, records, summary, workflow,
};
use proptest::prelude::*;

/// One thing that somebody does to one of the workflows.
#[derive(Clone, Debug)]
enum Op {
    Append { on: usize, at: i64, count: u64, writer: Who, after: After, repeat: bool },
    Claim { on: usize },
    Renew { on: usize, stale: bool },
    Release { on: usize, stale: bool },
    Turn { seconds: u64 },
    Repair,
}

/// Who appends.
#[derive(Clone, Copy, Debug)]
enum Who {
    Outside,
    Owner,
    FormerOwner,
}

/// What the model knows of one workflow.
#[derive(Default)]
struct Expected {
    numbers: Vec<u64>,
    epochs: Vec<Epoch>,
    /// The end of the lease, while there is one.
    leased_until: Option<Timestamp>,
    /// Since when it is claimable, while it is in the queue.
    ready_at: Option<Timestamp>,
    ended: bool,
    attempt: u32,
    last: Option<(Append, Seq)>,
}

const WORKFLOWS: usize = 3;

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let on = 0..WORKFLOWS;
    let after = prop_oneof![
        6 => Just(After::Keep),
        1 => Just(After::Requeue { not_before: None }),
        1 => Just(After::Requeue { not_before: Some(Timestamp::from_millis(1_790_000_030_000)) }),
        1 => Just(After::Wait),
        1 => Just(After::Finish),
    ];
    let who = prop_oneof![2 => Just(Who::Outside), 4 => Just(Who::Owner), 1 => Just(Who::FormerOwner)];
    let at = prop_oneof![8 => Just(0_i64), 1 => Just(-1), 1 => Just(1)];
    let append = (on.clone(), at, 1..4_u64, who, after, prop::bool::weighted(0.15))
        .prop_map(|(on, at, count, writer, after, repeat)| Op::Append { on, at, count, writer, after, repeat });
    let op = prop_oneof![
        8 => append,
        5 => on.clone().prop_map(|on| Op::Claim { on }),
        1 => (on.clone(), any::<bool>()).prop_map(|(on, stale)| Op::Renew { on, stale }),
        1 => (on, any::<bool>()).prop_map(|(on, stale)| Op::Release { on, stale }),
        2 => (1..20_u64).prop_map(|seconds| Op::Turn { seconds }),
        1 => Just(Op::Repair),
    ];
    prop::collection::vec(op, 1..40)
}

async fn agrees(store: &dyn Store, dial: &Dial, ops: &[Op]) {
    let mut ids: Vec<WorkflowId> = Vec::new();
    let mut model: Vec<Expected> = Vec::new();
    for _ in 0..WORKFLOWS {
        ids.push(created(store, workflow()).await);
        model.push(Expected { numbers: vec![1], ready_at: Some(dial.now()), ..Expected::default() });
    }
    for op in ops {
        match op {
            Op::Append { on, at, count, writer, after, repeat } => {
                do_append(store, dial, &ids[*on], &mut model[*on], (*at, *count, *writer, *after, *repeat)).await;
            }
            Op::Claim { on } => {
                let leases = claim_which(store, "w", Which::Only(&ids[*on..=*on]), 1).await;
                let expected = &mut model[*on];
                let now = dial.now();
                let claimable = expected.ready_at.or(expected.leased_until).is_some_and(|at| at <= now);
                assert_eq!(leases.len(), usize::from(claimable), "after {op:?}");
                if let Some(lease) = leases.first() {
                    expected.attempt += 1;
                    assert_eq!(lease.attempt, expected.attempt);
                    assert_eq!(lease.head.value(), expected.numbers.len() as u64);
                    assert!(expected.epochs.last().is_none_or(|last| *last < lease.lease.epoch));
                    expected.epochs.push(lease.lease.epoch);
                    expected.leased_until = Some(now.after(TTL));
                    expected.ready_at = None;
                }
            }
            Op::Renew { on, stale } => {
                let expected = &mut model[*on];
                let Some(epoch) = expected.epoch(*stale) else { continue };
                let lease = LeaseRef { id: ids[*on].clone(), epoch };
                let holds = expected.holds(epoch);
                let answer = if holds { Renewal::Renewed } else { Renewal::Lost };
                assert_eq!(store.renew(&[lease], TTL).await, Ok(vec![answer]));
                if holds {
                    expected.leased_until = Some(dial.now().after(TTL));
                }
            }
            Op::Release { on, stale } => {
                let expected = &mut model[*on];
                let Some(epoch) = expected.epoch(*stale) else { continue };
                store.release(&LeaseRef { id: ids[*on].clone(), epoch }, None).await.unwrap();
                if expected.holds(epoch) {
                    expected.attempt = expected.attempt.saturating_sub(1);
                    expected.leased_until = None;
                    expected.ready_at = Some(dial.now());
                }
            }
            Op::Turn { seconds } => dial.turn(Duration::from_secs(*seconds)),
            Op::Repair => {
                let now = dial.now();
                let mut mended = 0;
                for expected in &mut model {
                    let late = expected.leased_until.is_some_and(|until| until <= now);
                    let waits = expected.leased_until.is_none() && expected.ready_at.is_none();
                    if !expected.ended && (late || waits) {
                        expected.leased_until = None;
                        expected.ready_at = Some(now);
                        mended += 1;
                    }
                }
                assert_eq!(store.repair().await, Ok(mended));
            }
        }
        for (id, expected) in ids.iter().zip(&model) {
            assert_eq!(numbers(store, id).await, expected.numbers, "after {op:?}");
        }
    }
    assert_eq!(store.check().await.unwrap().findings, Vec::<String>::new());
}

impl Expected {
    fn epoch(&self, stale: bool) -> Option<Epoch> {
        self.epochs.iter().rev().nth(usize::from(stale)).copied()
    }

    fn holds(&self, epoch: Epoch) -> bool {
        self.leased_until.is_some() && self.epochs.last() == Some(&epoch)
    }
}

async fn do_append(
    store: &dyn Store,
    dial: &Dial,
    id: &WorkflowId,
    expected: &mut Expected,
    (at, count, who, after, repeat): (i64, u64, Who, After, bool),
) {
    if repeat && let Some((last, head)) = expected.last.clone() {
        assert_eq!(appended(store, last).await, Ok(head), "a repeated append answers as it first did");
        return;
    }
    let head = expected.numbers.len() as u64;
    let writer = match who {
        Who::Outside => Writer::External,
        Who::Owner => Writer::Owner(expected.epoch(false).unwrap_or(Epoch(1))),
        Who::FormerOwner => Writer::Owner(expected.epoch(true).unwrap_or(Epoch(1))),
    };
    let position = head.saturating_add_signed(at);
    let new: Vec<u64> = (0..count).map(|offset| position * 100 + offset).collect();
    let summary = summary(if after == After::Finish { Status::Completed } else { Status::Running });
    let attempt = Append { writer, after, summary, ..append(id, position, records(new.clone())) };
    let answer = appended(store, attempt.clone()).await;
    let fenced = matches!(writer, Writer::Owner(epoch) if !expected.holds(epoch));
    let predicted = match () {
        () if expected.ended => Err(AppendError::Terminal),
        () if fenced => Err(AppendError::Fenced),
        () if at < 0 => Err(AppendError::Conflict { head: Seq::new(head) }),
        () if at > 0 => Err(AppendError::Regressed { head: Seq::new(head) }),
        () => Ok(Seq::new(head + count)),
    };
    assert_eq!(answer, predicted);
    let Ok(head) = answer else { return };
    expected.numbers.extend(new);
    expected.last = Some((attempt, head));
    expected.attempt = 0;
    let theirs = writer == Writer::External && expected.leased_until.is_some();
    match after {
        After::Keep => {}
        After::Requeue { .. } | After::Wait if theirs => {}
        After::Requeue { not_before } => {
            expected.leased_until = None;
            expected.ready_at = Some(not_before.map_or_else(|| dial.now(), |at| at.max(dial.now())));
        }
        After::Wait => {
            expected.leased_until = None;
            expected.ready_at = None;
        }
        After::Finish => {
            expected.leased_until = None;
            expected.ready_at = None;
            expected.ended = true;
        }
    }
}

fn block_on(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn memory_agrees_with_the_model(ops in ops()) {
        let dial = Dial::new();
        block_on(async { agrees(&MemoryStore::with_now(dial.clock()), &dial, &ops).await });
    }
}

#[cfg(feature = "sqlite")]
proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn sqlite_agrees_with_the_model(ops in ops()) {
        use mcp_orchestrator_store::{SqliteOptions, SqliteStore};
        let folder = tempfile::tempdir().unwrap();
        let dial = Dial::new();
        block_on(async {
            let options = SqliteOptions::new().with_now(dial.clock());
            let store = SqliteStore::open_with(folder.path().join("store.db"), options).await.unwrap();
            agrees(&store, &dial, &ops).await;
        });
    }
}

#[cfg(feature = "redis")]
#[test]
fn redis_agrees_with_the_model() {
    use mcp_orchestrator_store::{RedisOptions, RedisStore};
    use proptest::test_runner::{FileFailurePersistence, TestRunner};
    let server = mcp_orchestrator_testkit::RedisServer::start();
    let persistence = FileFailurePersistence::SourceParallel("proptest-regressions");
    let config = ProptestConfig {
        cases: 40,
        failure_persistence: Some(Box::new(persistence)),
        source_file: Some(file!()),
        ..ProptestConfig::default()
    };
    let case = std::cell::Cell::new(0);
    let agreed = TestRunner::new(config).run(&ops(), |ops| {
        case.set(case.get() + 1);
        let dial = Dial::new();
        block_on(async {
            let url = format!("{}?prefix=case{}", server.url(), case.get());
            let options = RedisOptions::from_url(&url).unwrap().with_now(dial.clock());
            let store = RedisStore::open_with(options).await.unwrap();
            agrees(&store, &dial, &ops).await;
            // The model ends workflows under any status.
            let findings = store.check().await.unwrap().findings;
            let findings: Vec<_> = findings.iter().filter(|said| !said.contains("is running and in place")).collect();
            assert!(findings.is_empty(), "{findings:?}");
        });
        Ok(())
    });
    agreed.unwrap();
}
