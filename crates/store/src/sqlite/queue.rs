//! Leases in SQLite: claiming, renewing, giving back, mending. Owns who may have what; runs on the writer's thread.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use mcp_orchestrator_domain::{Timestamp, WorkflowId};
use rusqlite::{OptionalExtension, Row};

use super::{
    failure::Failure,
    numbers::{int, ms, seq, uint},
    read::workflow_id,
    writer::Session,
};
use crate::{Abilities, Epoch, Lease, LeaseRef, Needs, Renewal, StoreError, WorkerId, codec::from_json, rules::rank};

/// Queued workflows one claim looks at.
const LOOKED_AT_MAX: usize = 100_000;

/// A claim that outlives its caller.
pub(super) struct Wanted {
    pub(super) worker: WorkerId,
    pub(super) which: WantedWhich,
    pub(super) max: usize,
    pub(super) ttl: Duration,
    pub(super) cluster_max: Option<usize>,
}

/// See [`crate::Which`].
pub(super) enum WantedWhich {
    Able(Abilities),
    Only(Vec<WorkflowId>),
    Own,
}

/// A row that may be leased.
struct Candidate {
    wid: i64,
    id: String,
    head: i64,
    epoch: i64,
    attempt: u32,
    needs: String,
    reserved_for: Option<String>,
    ready_at: Option<i64>,
    owner: Option<String>,
    lease_until: i64,
}

/// In this order, so that the queue is read in the order of its index.
const STATES: &str = "state CROSS JOIN workflow USING (wid)";

const CANDIDATE: &str = "wid, id, head, epoch, attempt, needs, reserved_for, ready_at, owner, lease_until";

impl Candidate {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            wid: row.get(0)?,
            id: row.get(1)?,
            head: row.get(2)?,
            epoch: row.get(3)?,
            attempt: row.get(4)?,
            needs: row.get(5)?,
            reserved_for: row.get(6)?,
            ready_at: row.get(7)?,
            owner: row.get(8)?,
            lease_until: row.get::<_, Option<i64>>(9)?.unwrap_or(0),
        })
    }
}

/// What one claim learns and need not ask again.
struct Look<'a> {
    wanted: &'a Wanted,
    /// How many to lease at most, those of others considered.
    max: usize,
    now: Timestamp,
    ended: HashMap<String, bool>,
    alive: HashMap<String, bool>,
    able: HashMap<String, bool>,
}

pub(super) fn claim(session: &mut Session<'_>, wanted: &Wanted) -> Result<Vec<Lease>, Failure> {
    if !session.workers.hold(&wanted.worker, session.now.after(wanted.ttl))? {
        return Err(StoreError::Locked(format!("worker {} runs in another process", wanted.worker.0)).into());
    }
    let mut look = Look {
        wanted,
        max: wanted.max,
        now: session.now,
        ended: HashMap::new(),
        alive: HashMap::new(),
        able: HashMap::new(),
    };
    if let Some(most) = wanted.cluster_max {
        look.max = wanted.max.min(most.saturating_sub(look.live(session)?));
    }
    let chosen = match &wanted.which {
        WantedWhich::Only(ids) => look.among(session, ids)?,
        WantedWhich::Able(_) | WantedWhich::Own => {
            let mut chosen = look.late(session)?;
            look.queued(session, &mut chosen)?;
            chosen
        }
    };
    chosen.into_iter().map(|candidate| lease(session, wanted, &candidate)).collect()
}

impl Look<'_> {
    /// Leases in time of workers that live.
    fn live(&mut self, session: &Session<'_>) -> Result<usize, Failure> {
        let mut select = session.connection.prepare_cached(
            "SELECT owner, count(*) FROM state WHERE owner IS NOT NULL AND lease_until > ?1 GROUP BY owner",
        )?;
        let mut rows = select.query([ms(self.now)])?;
        let mut live: i64 = 0;
        while let Some(row) = rows.next()? {
            let (owner, leases): (String, i64) = (row.get(0)?, row.get(1)?);
            if !self.has_ended(session, &owner) {
                live += leases;
            }
        }
        Ok(usize::try_from(live).unwrap_or(usize::MAX))
    }

    /// Those asked for that are ready.
    fn among(&mut self, session: &Session<'_>, ids: &[WorkflowId]) -> Result<Vec<Candidate>, Failure> {
        let mut chosen: Vec<Candidate> = Vec::new();
        let mut select = session
            .connection
            .prepare_cached(&format!("SELECT {CANDIDATE} FROM workflow JOIN state USING (wid) WHERE id = ?1"))?;
        for id in ids {
            if chosen.len() >= self.max {
                break;
            }
            let Some(candidate) = select.query_row([id.as_str()], Candidate::from_row).optional()? else { continue };
            let again = chosen.iter().any(|other| other.wid == candidate.wid);
            if !again && self.is_ready(session, &candidate) && self.may_have(session, &candidate)? {
                chosen.push(candidate);
            }
        }
        Ok(chosen)
    }

    /// Those whose owner is dead or late. Leases of this worker that are in time are skipped by the index.
    fn late(&mut self, session: &Session<'_>) -> Result<Vec<Candidate>, Failure> {
        let mut chosen = Vec::new();
        let mut select = session.connection.prepare_cached(&format!(
            "SELECT {CANDIDATE} FROM {STATES} WHERE owner < ?1
             UNION ALL SELECT {CANDIDATE} FROM {STATES} WHERE owner > ?1
             UNION ALL SELECT {CANDIDATE} FROM {STATES} WHERE owner = ?1 AND lease_until <= ?2"
        ))?;
        let mut rows = select.query((&*self.wanted.worker.0, ms(self.now)))?;
        while chosen.len() < self.max
            && let Some(row) = rows.next()?
        {
            let candidate = Candidate::from_row(row)?;
            if self.is_ready(session, &candidate) && self.may_have(session, &candidate)? {
                chosen.push(candidate);
            }
        }
        Ok(chosen)
    }

    /// The best of the queue.
    fn queued(&mut self, session: &Session<'_>, chosen: &mut Vec<Candidate>) -> Result<(), Failure> {
        let mut select = session.connection.prepare_cached(&format!(
            "SELECT {CANDIDATE} FROM {STATES} WHERE ready_at IS NOT NULL ORDER BY rank, wid"
        ))?;
        let mut rows = select.query([])?;
        let mut looked_at = 0;
        while chosen.len() < self.max
            && looked_at < LOOKED_AT_MAX
            && let Some(row) = rows.next()?
        {
            looked_at += 1;
            let candidate = Candidate::from_row(row)?;
            if self.is_ready(session, &candidate) && self.may_have(session, &candidate)? {
                chosen.push(candidate);
            }
        }
        Ok(())
    }

    fn is_ready(&mut self, session: &Session<'_>, candidate: &Candidate) -> bool {
        let now = ms(self.now);
        match &candidate.owner {
            None => candidate.ready_at.is_some_and(|at| at <= now),
            Some(owner) => candidate.lease_until <= now || self.has_ended(session, owner),
        }
    }

    fn may_have(&mut self, session: &Session<'_>, candidate: &Candidate) -> Result<bool, Failure> {
        let mine = candidate.reserved_for.as_deref() == Some(&*self.wanted.worker.0);
        if matches!(self.wanted.which, WantedWhich::Own) {
            return Ok(mine);
        }
        if let Some(worker) = candidate.reserved_for.as_ref().filter(|_| !mine)
            && self.is_alive(session, worker)?
        {
            return Ok(false);
        }
        match &self.wanted.which {
            WantedWhich::Able(abilities) => self.can_run(abilities, &candidate.needs),
            WantedWhich::Only(_) | WantedWhich::Own => Ok(true),
        }
    }

    fn can_run(&mut self, abilities: &Abilities, needs: &str) -> Result<bool, Failure> {
        if let Some(able) = self.able.get(needs) {
            return Ok(*able);
        }
        let able = abilities.meet(&from_json::<Needs>(needs, "what a workflow needs")?);
        self.able.insert(needs.to_owned(), able);
        Ok(able)
    }

    fn has_ended(&mut self, session: &Session<'_>, owner: &str) -> bool {
        if let Some(ended) = self.ended.get(owner) {
            return *ended;
        }
        let ended = session.workers.has_ended(&WorkerId(owner.into()));
        self.ended.insert(owner.to_owned(), ended);
        ended
    }

    fn is_alive(&mut self, session: &Session<'_>, worker: &str) -> Result<bool, Failure> {
        if let Some(alive) = self.alive.get(worker) {
            return Ok(*alive);
        }
        let alive = is_alive(session, worker)?;
        self.alive.insert(worker.to_owned(), alive);
        Ok(alive)
    }
}

/// Whether a worker may still want what is reserved for it: one of another process until that process ends, one of
/// this process while it claims or holds a lease.
fn is_alive(session: &Session<'_>, worker: &str) -> rusqlite::Result<bool> {
    let id = WorkerId(worker.into());
    if !session.workers.is_ours(&id) {
        return Ok(!session.workers.has_ended(&id));
    }
    Ok(session.workers.seen(&id, session.now)
        || session
            .connection
            .prepare_cached("SELECT 1 FROM state WHERE owner = ?1 AND lease_until > ?2")?
            .exists((worker, ms(session.now)))?)
}

/// Which of some workers want nothing any more: neither what they hold nor what is reserved for them.
pub(super) fn ended(session: &Session<'_>, workers: &HashSet<WorkerId>) -> Result<HashSet<WorkerId>, Failure> {
    let mut ended = HashSet::new();
    for worker in workers {
        if !is_alive(session, &worker.0)? {
            ended.insert(worker.clone());
        }
    }
    Ok(ended)
}

fn lease(session: &mut Session<'_>, wanted: &Wanted, candidate: &Candidate) -> Result<Lease, Failure> {
    session.note_moved();
    let epoch = (uint(candidate.epoch) + 1).max(session.now.as_millis());
    let attempt = candidate.attempt.saturating_add(1);
    session
        .connection
        .prepare_cached(
            "UPDATE state SET owner = ?2, lease_until = ?3, epoch = ?4, attempt = ?5, ready_at = NULL WHERE wid = ?1",
        )?
        .execute((candidate.wid, &*wanted.worker.0, ms(session.now.after(wanted.ttl)), int(epoch), attempt))?;
    let lease = LeaseRef { id: workflow_id(&candidate.id)?, epoch: Epoch(epoch) };
    Ok(Lease { lease, head: seq(candidate.head), attempt })
}

pub(super) fn renew(session: &Session<'_>, leases: &[LeaseRef], ttl: Duration) -> Result<Vec<Renewal>, Failure> {
    let until = ms(session.now.after(ttl));
    let mut update = session.connection.prepare_cached(
        "UPDATE state SET lease_until = ?3
         WHERE wid = (SELECT wid FROM workflow WHERE id = ?1) AND epoch = ?2 AND owner IS NOT NULL",
    )?;
    let renewed = leases.iter().map(|lease| {
        let rows = update.execute((lease.id.as_str(), int(lease.epoch.0), until))?;
        Ok(if rows == 1 { Renewal::Renewed } else { Renewal::Lost })
    });
    renewed.collect()
}

pub(super) fn release(
    session: &mut Session<'_>,
    lease: &LeaseRef,
    not_before: Option<Timestamp>,
) -> Result<(), Failure> {
    let key = (lease.id.as_str(), int(lease.epoch.0));
    let held = session
        .connection
        .prepare_cached(
            "SELECT wid, priority FROM workflow JOIN state USING (wid)
             WHERE id = ?1 AND epoch = ?2 AND owner IS NOT NULL",
        )?
        .query_row(key, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, u8>(1)?)))
        .optional()?;
    if let Some((wid, priority)) = held {
        session
            .connection
            .prepare_cached("UPDATE state SET attempt = max(attempt - 1, 0) WHERE wid = ?1")?
            .execute([wid])?;
        enqueue(session, wid, priority, not_before.unwrap_or(session.now))?;
    }
    Ok(())
}

pub(super) fn repair(session: &mut Session<'_>) -> Result<usize, Failure> {
    struct Unfinished {
        wid: i64,
        priority: u8,
        ready: bool,
        owner: Option<String>,
        lease_until: Option<i64>,
        reserved_for: Option<String>,
    }
    let unfinished = session
        .connection
        .prepare_cached(
            "SELECT wid, priority, ready_at IS NOT NULL, owner, lease_until, reserved_for
             FROM workflow JOIN state USING (wid)
             WHERE finished IS NULL AND (ready_at IS NULL OR reserved_for IS NOT NULL)",
        )?
        .query_map([], |row| {
            Ok(Unfinished {
                wid: row.get(0)?,
                priority: row.get(1)?,
                ready: row.get(2)?,
                owner: row.get(3)?,
                lease_until: row.get(4)?,
                reserved_for: row.get(5)?,
            })
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let mut mended = 0;
    for workflow in unfinished {
        let forsaken = match &workflow.reserved_for {
            Some(worker) => !is_alive(session, worker)?,
            None => false,
        };
        let broken = match &workflow.owner {
            Some(owner) => {
                workflow.lease_until.is_none_or(|until| until <= ms(session.now))
                    || session.workers.has_ended(&WorkerId(owner.as_str().into()))
            }
            None => !workflow.ready || forsaken,
        };
        if !broken {
            continue;
        }
        if forsaken {
            session
                .connection
                .prepare_cached("UPDATE workflow SET reserved_for = NULL WHERE wid = ?1")?
                .execute([workflow.wid])?;
        }
        enqueue(session, workflow.wid, workflow.priority, session.now)?;
        mended += 1;
    }
    Ok(mended)
}

fn enqueue(session: &mut Session<'_>, wid: i64, priority: u8, at: Timestamp) -> rusqlite::Result<()> {
    let at = at.max(session.now);
    session
        .connection
        .prepare_cached("UPDATE state SET owner = NULL, lease_until = NULL, ready_at = ?2, rank = ?3 WHERE wid = ?1")?
        .execute((wid, ms(at), rank(at, priority)))?;
    session.note_moved();
    session.wake();
    Ok(())
}
