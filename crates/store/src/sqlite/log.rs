//! Creating and appending in SQLite. Owns the checks of an append and its few statements; runs on the writer's thread.

use std::cmp::Ordering;

use mcp_orchestrator_domain::{Digest, Principal, Seq, WorkflowId};
use rusqlite::{OptionalExtension, Row};

use super::{
    failure::Failure,
    numbers::{Text, int, int_len, ms, seq, time},
    writer::Session,
};
use crate::{
    After, AppendError, Change, Created, NewWorkflow, StoreError, Writer,
    codec::{Encoded, Shown},
    rules::rank,
};

/// How long the creator of a reserved workflow counts as alive before its first claim.
const CREATOR_SEEN: std::time::Duration = std::time::Duration::from_secs(15);

/// A creation, encoded.
pub(super) struct Creation {
    pub(super) new: NewWorkflow,
    pub(super) records: Encoded,
    pub(super) needs: Vec<u8>,
    pub(super) summary: Shown,
    pub(super) blobs: Vec<Digest>,
}

/// An append, encoded.
pub(super) struct Addition {
    pub(super) id: WorkflowId,
    pub(super) expected: Seq,
    pub(super) writer: Writer,
    pub(super) append_id: u128,
    pub(super) after: After,
    /// Whether attempts are counted anew.
    pub(super) is_progress: bool,
    pub(super) records: Encoded,
    pub(super) summary: Shown,
    pub(super) blobs: Vec<Digest>,
}

/// What an append must know of its workflow.
struct Found {
    wid: i64,
    head: Seq,
    epoch: u64,
    leased: bool,
    finished: bool,
    created: i64,
    priority: u8,
    named_so: bool,
}

impl Found {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            wid: row.get(0)?,
            head: seq(row.get(1)?),
            epoch: super::numbers::uint(row.get(2)?),
            leased: row.get(3)?,
            finished: row.get(4)?,
            created: row.get(5)?,
            priority: row.get(6)?,
            named_so: row.get(7)?,
        })
    }
}

pub(super) fn create(session: &mut Session<'_>, creation: &Creation) -> Result<Result<Created, StoreError>, Failure> {
    let new = &creation.new;
    if let Some(given) = &new.idempotency {
        let found = session
            .connection
            .prepare_cached("SELECT id, idem_body FROM workflow WHERE principal = ?1 AND idem_key = ?2")?
            .query_row((new.principal.as_str(), &given.key), |row| {
                Ok((row.get::<_, String>(0)?, row.get_ref(1)?.as_blob()? == given.body.as_bytes()))
            })
            .optional()?;
        match found {
            Some((id, true)) => return Ok(Ok(Created::Existing(super::read::workflow_id(&id)?))),
            Some((_, false)) => return Ok(Err(StoreError::IdempotencyMismatch)),
            None => {}
        }
    }
    let taken = session.connection.prepare_cached("SELECT 1 FROM workflow WHERE id = ?1")?.exists([new.id.as_str()])?;
    if taken {
        return Ok(Err(StoreError::Exists));
    }
    if let Some(queue_max) = new.queue_max {
        let queued = session.queued(queue_max)?;
        if queued >= queue_max {
            return Ok(Err(StoreError::QueueFull { queued, queue_max }));
        }
    }
    if let Some(worker) = &new.reserved_for {
        session.workers.hold(worker, session.now.after(CREATOR_SEEN))?;
    }
    let head = seq(int(creation.records.count()));
    let wid = insert_records(session, None, Seq::ZERO, &creation.records)?;
    session
        .connection
        .prepare_cached(
            "INSERT INTO workflow(wid, id, principal, pattern, priority, needs, reserved_for, created, idem_key,
               idem_body, title, task)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute((
            wid,
            new.id.as_str(),
            new.principal.as_str(),
            new.pattern.as_str(),
            new.priority,
            Text(&creation.needs),
            new.reserved_for.as_ref().map(|worker| &*worker.0),
            ms(session.now),
            new.idempotency.as_ref().map(|given| &given.key),
            new.idempotency.as_ref().map(|given| given.body.as_bytes()),
            &creation.summary.title,
            &creation.summary.task,
        ))?;
    session
        .connection
        .prepare_cached(
            "INSERT INTO state(wid, head, status, rank, ready_at, summary, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute((
            wid,
            int(head.value()),
            creation.summary.status,
            rank(session.now, new.priority),
            ms(session.now),
            Text(&creation.summary.text),
            int_len(creation.records.bytes()),
        ))?;
    session.note_queued();
    session.mark_used(&new.principal, &creation.blobs, session.now)?;
    session.tell(|| Change::Appended(new.id.clone(), head));
    session.wake();
    Ok(Ok(Created::New(head)))
}

pub(super) fn append(session: &mut Session<'_>, add: &Addition) -> Result<Result<Seq, AppendError>, Failure> {
    let head = add.expected.plus(add.records.count());
    if let Some(wid) = update_in_one(session, add, head)? {
        insert_records(session, Some((wid, add.append_id)), add.expected, &add.records)?;
        session.tell(|| Change::Appended(add.id.clone(), head));
        return Ok(Ok(head));
    }
    let found = session
        .connection
        .prepare_cached(
            "SELECT wid, head, epoch, owner IS NOT NULL, finished IS NOT NULL, created, priority,
               title = ?2 AND task = ?3
             FROM workflow JOIN state USING (wid) WHERE id = ?1",
        )?
        .query_row((add.id.as_str(), &add.summary.title, &add.summary.task), Found::from_row)
        .optional()?;
    let Some(found) = found else { return Ok(Err(AppendError::Unknown)) };
    session.remember(&add.id, found.wid);
    if found.head > add.expected && is_repeated(session, found.wid, add)? {
        return Ok(Ok(head));
    }
    if let Err(error) = check_writer(&found, add) {
        return Ok(Err(error));
    }
    update_workflow(session, &found, add, head)?;
    insert_records(session, Some((found.wid, add.append_id)), add.expected, &add.records)?;
    if !add.blobs.is_empty() {
        let tenant: String = session
            .connection
            .prepare_cached("SELECT principal FROM workflow WHERE wid = ?1")?
            .query_row([found.wid], |row| row.get(0))?;
        session.mark_used(&Principal::named(&tenant), &add.blobs, time(found.created))?;
    }
    session.tell(|| Change::Appended(add.id.clone(), head));
    Ok(Ok(head))
}

/// The common case in one statement: the owner appends where it should and keeps its lease. `None` is any other case,
/// with nothing changed.
fn update_in_one(session: &Session<'_>, add: &Addition, head: Seq) -> rusqlite::Result<Option<i64>> {
    let (Writer::Owner(epoch), After::Keep, true) = (add.writer, add.after, add.blobs.is_empty()) else {
        return Ok(None);
    };
    let Some(wid) = session.remembered(&add.id) else { return Ok(None) };
    let rows = session
        .connection
        .prepare_cached(
            "UPDATE state SET head = ?2, status = ?3, summary = ?4, attempt = iif(?10, 0, attempt),
               bytes = bytes + ?11
             WHERE wid = ?1 AND head = ?5 AND epoch = ?6 AND owner IS NOT NULL
               AND EXISTS (SELECT 1 FROM workflow WHERE wid = ?1 AND id = ?9 AND title = ?7 AND task = ?8)",
        )?
        .execute((
            wid,
            int(head.value()),
            add.summary.status,
            Text(&add.summary.text),
            int(add.expected.value()),
            int(epoch.0),
            &add.summary.title,
            &add.summary.task,
            add.id.as_str(),
            add.is_progress,
            int_len(add.records.bytes()),
        ))?;
    Ok((rows == 1).then_some(wid))
}

/// Whether what follows `expected` is this very append.
fn is_repeated(session: &Session<'_>, wid: i64, add: &Addition) -> rusqlite::Result<bool> {
    session
        .connection
        .prepare_cached("SELECT 1 FROM entry WHERE wid = ?1 AND seq = ?2 AND count = ?3 AND append_id = ?4")?
        .exists((
            wid,
            int(add.expected.plus(add.records.count()).value()),
            int(add.records.count()),
            add.append_id.to_be_bytes(),
        ))
}

/// Whether this writer may append there now. An end explains more than a lost lease, a lost lease more than a wrong
/// position.
fn check_writer(found: &Found, add: &Addition) -> Result<(), AppendError> {
    if found.finished {
        return Err(AppendError::Terminal);
    }
    if let Writer::Owner(epoch) = add.writer
        && !(found.leased && found.epoch == epoch.0)
    {
        return Err(AppendError::Fenced);
    }
    match found.head.cmp(&add.expected) {
        Ordering::Less => Err(AppendError::Regressed { head: found.head }),
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(AppendError::Conflict { head: found.head }),
    }
}

fn update_workflow(session: &mut Session<'_>, found: &Found, add: &Addition, head: Seq) -> rusqlite::Result<()> {
    let theirs = found.leased && add.writer == Writer::External;
    let keep = match add.after {
        After::Keep => true,
        After::Requeue { .. } | After::Wait => theirs,
        After::Finish => false,
    };
    let given_back = i64::from(add.writer != Writer::External && add.after != After::Keep);
    let shown = &add.summary;
    if !found.named_so {
        session.connection.prepare_cached("UPDATE workflow SET title = ?2, task = ?3 WHERE wid = ?1")?.execute((
            found.wid,
            &shown.title,
            &shown.task,
        ))?;
    }
    let (head, status, summary) = (int(head.value()), shown.status, Text(&shown.text));
    let bytes = int_len(add.records.bytes());
    if keep {
        session
            .connection
            .prepare_cached(
                "UPDATE state SET head = ?2, status = ?3, summary = ?4, attempt = iif(?5, 0, max(attempt - ?6, 0)),
                   bytes = bytes + ?7 WHERE wid = ?1",
            )?
            .execute((found.wid, head, status, summary, add.is_progress, given_back, bytes))?;
        return Ok(());
    }
    session.note_moved();
    let (mut ready_at, mut finished) = (None, None);
    match add.after {
        After::Requeue { not_before } => {
            ready_at = Some(not_before.unwrap_or(session.now).max(session.now));
            session.wake();
        }
        After::Finish => finished = Some(shown.finished.unwrap_or(session.now)),
        After::Keep | After::Wait => {}
    }
    session
        .connection
        .prepare_cached(
            "UPDATE state SET head = ?2, status = ?3, summary = ?4, attempt = iif(?8, 0, max(attempt - ?9, 0)),
               owner = NULL, lease_until = NULL, ready_at = ?5, rank = ?6, finished = ?7,
               bytes = bytes + ?10 WHERE wid = ?1",
        )?
        .execute((
            found.wid,
            head,
            status,
            summary,
            ready_at.map(ms),
            rank(ready_at.unwrap_or(session.now), found.priority),
            finished.map(ms),
            add.is_progress,
            given_back,
            bytes,
        ))?;
    if finished.is_some() {
        session
            .connection
            .prepare_cached(
                "UPDATE meta SET value = value + iif(name = 'finished', 1, (SELECT bytes FROM state WHERE wid = ?1))
                 WHERE name IN ('finished', 'finished_bytes')",
            )?
            .execute([found.wid])?;
    }
    Ok(())
}

/// Adds records after `expected` to the log of a workflow, under the name of their append; or to that of a new one.
/// Returns the workflow's row.
fn insert_records(
    session: &mut Session<'_>,
    to: Option<(i64, u128)>,
    expected: Seq,
    records: &Encoded,
) -> rusqlite::Result<i64> {
    let count = int(records.count());
    let before = session.positions(count)?;
    let wid = to.map_or(before + 1, |(wid, _)| wid);
    session
        .connection
        .prepare_cached(
            "INSERT INTO entry(position, wid, seq, count, append_id, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((
            before + count,
            wid,
            int(expected.value()) + count,
            count,
            to.map(|(_, append_id)| append_id.to_be_bytes()),
            Text(records.text()),
        ))?;
    Ok(wid)
}
