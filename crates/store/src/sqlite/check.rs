//! Whether a file is sound: what SQLite says of it, each log, queue and leases, blobs. Owns the questions; reads in
//! bounded steps, each of one moment, and writes nothing.

use std::sync::Arc;

use mcp_orchestrator_domain::{Digest, Status};
use rusqlite::{Connection, Row};
use sha2::{Digest as _, Sha256};

use super::{failure::Failure, keep, numbers::uint, read::Readers};
use crate::{Checked, FINDINGS_MAX, StoreError, codec::Lines, references::named_blobs};

/// Workflows looked at in one step.
const WORKFLOWS_AT_ONCE: i64 = 64;

/// Blobs looked at in one step; one is in memory at a time.
const BLOBS_AT_ONCE: i64 = 64;

/// Looks at everything.
pub(super) async fn check(readers: &Arc<Readers>) -> Result<Checked, StoreError> {
    let mut checked = readers
        .query(|connection| {
            let mut checked = Checked::default();
            let done = file(connection, &mut checked).map(|()| None);
            or_finding(done, &mut checked)?;
            Ok(checked)
        })
        .await?;
    let mut after = Some(0);
    while let Some(wid) = after.filter(|_| !checked.is_full()) {
        let mut so_far = std::mem::take(&mut checked);
        (checked, after) = readers
            .query(move |connection| {
                let next = workflows(connection, wid, &mut so_far);
                let next = or_finding(next, &mut so_far)?;
                Ok((so_far, next))
            })
            .await?;
    }
    let mut after = Some(0);
    while let Some(rowid) = after.filter(|_| !checked.is_full()) {
        let mut so_far = std::mem::take(&mut checked);
        (checked, after) = readers
            .query(move |connection| {
                let next = blobs(connection, rowid, &mut so_far);
                let next = or_finding(next, &mut so_far)?;
                Ok((so_far, next))
            })
            .await?;
    }
    Ok(checked)
}

/// Everything that is one question: the file itself, what belongs to nothing, the sums.
fn file(connection: &Connection, checked: &mut Checked) -> Result<(), Failure> {
    let mut select = connection.prepare(&format!("PRAGMA integrity_check({FINDINGS_MAX})"))?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let said: String = row.get(0)?;
        if said != "ok" {
            checked.find(format!("the file is damaged: {said}"));
        }
    }
    drop(rows);
    let look = connection.unchecked_transaction()?;
    for (table, of) in [("state", "workflow"), ("entry", "workflow"), ("workflow", "state")] {
        let lost = format!("SELECT count(*) FROM {table} WHERE wid NOT IN (SELECT wid FROM {of})");
        let count: i64 = look.query_row(&lost, [], |row| row.get(0))?;
        if count > 0 {
            checked.find(format!("{count} rows of table {table} belong to no row of table {of}"));
        }
    }
    let sums = "SELECT count(*), ifnull(sum(bytes), 0) FROM state WHERE finished IS NOT NULL";
    let found = look.query_row(sums, [], |row| Ok((uint(row.get(0)?), uint(row.get(1)?))))?;
    let counted = keep::finished(&look)?;
    if found != counted {
        let (workflows, bytes) = found;
        let (counted, counted_bytes) = counted;
        checked.find(format!(
            "{workflows} workflows of {bytes} bytes have ended, {counted} of {counted_bytes} bytes are counted"
        ));
    }
    Ok(())
}

/// What is damaged so that it cannot be read is found, and ends the look at it: nothing after it can be trusted.
fn or_finding(next: Result<Option<i64>, Failure>, checked: &mut Checked) -> Result<Option<i64>, Failure> {
    next.or_else(|failure| match failure.damage() {
        Some(said) => {
            checked.find(format!("the file is damaged: {said}"));
            Ok(None)
        }
        None => Err(failure),
    })
}

/// A workflow and what is said of it.
struct Kept {
    wid: i64,
    id: String,
    principal: String,
    head: u64,
    status: String,
    queued: bool,
    owned: bool,
    in_time: bool,
    finished: bool,
    bytes: u64,
}

impl Kept {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            wid: row.get(0)?,
            id: row.get(1)?,
            principal: row.get(2)?,
            head: uint(row.get(3)?),
            status: row.get(4)?,
            queued: row.get(5)?,
            owned: row.get(6)?,
            in_time: row.get(7)?,
            finished: row.get(8)?,
            bytes: uint(row.get(9)?),
        })
    }

    /// Exactly one place, and a status that goes with it.
    fn check(&self, checked: &mut Checked) {
        let id = &self.id;
        if [self.queued, self.owned, self.finished].into_iter().filter(|is| *is).count() > 1 {
            checked.find(format!("workflow {id} is in more than one of queue, lease and end"));
        }
        if self.owned != self.in_time {
            checked.find(format!("workflow {id} has a lease without an owner or without an end"));
        }
        match self.status.parse::<Status>() {
            Ok(status) if status.is_terminal() == self.finished => {}
            Ok(status) => {
                let ended = if self.finished { "taken for ended" } else { "not taken for ended" };
                checked.find(format!("workflow {id} is {status} and {ended}"));
            }
            Err(error) => checked.find(format!("workflow {id}: {error}")),
        }
    }
}

/// The workflows after one, each with its whole log. The last of them, if there may be more.
fn workflows(connection: &Connection, after: i64, checked: &mut Checked) -> Result<Option<i64>, Failure> {
    let look = connection.unchecked_transaction()?;
    let kept = look
        .prepare_cached(
            "SELECT wid, id, principal, head, status, ready_at IS NOT NULL, owner IS NOT NULL, lease_until IS NOT NULL,
               finished IS NOT NULL, bytes
             FROM workflow JOIN state USING (wid) WHERE wid > ?1 ORDER BY wid LIMIT ?2",
        )?
        .query_map((after, WORKFLOWS_AT_ONCE), Kept::from_row)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    for workflow in &kept {
        if checked.is_full() {
            return Ok(None);
        }
        checked.workflows += 1;
        workflow.check(checked);
        log(&look, workflow, checked)?;
    }
    Ok(kept.last().filter(|_| kept.len() as i64 == WORKFLOWS_AT_ONCE).map(|last| last.wid))
}

/// A log from 1 to its head, without a gap, in the order of the feed, readable, and with every blob it names.
fn log(connection: &Connection, workflow: &Kept, checked: &mut Checked) -> Result<(), Failure> {
    let id = &workflow.id;
    let (mut last, mut position, mut bytes) = (0, 0, 0);
    let mut select =
        connection.prepare_cached("SELECT seq, count, position, data FROM entry WHERE wid = ?1 ORDER BY seq")?;
    let mut exists = connection.prepare_cached("SELECT 1 FROM blob WHERE tenant = ?1 AND sha256 = ?2")?;
    let mut rows = select.query([workflow.wid])?;
    while let Some(row) = rows.next()? {
        let (seq, count, at) = (uint(row.get(0)?), uint(row.get(1)?), uint(row.get(2)?));
        let text = row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?;
        bytes += text.len() as u64;
        if seq.checked_sub(count) != Some(last) || count == 0 {
            checked.find(format!("workflow {id} has {count} records up to {seq} after record {last}"));
        }
        if at <= position {
            checked.find(format!("workflow {id} has record {seq} at position {at} of all, after position {position}"));
        }
        (last, position) = (seq, at);
        let mut lines = Lines::of(text);
        for number in seq.saturating_sub(count) + 1..=seq {
            match lines.read(|| format!("record {number} of {id}")) {
                Ok((record, _)) => {
                    checked.records += 1;
                    for sha256 in named_blobs([&*record]) {
                        if !exists.exists((&workflow.principal, sha256.as_bytes()))? {
                            checked.find(format!("record {number} of {id} names blob {sha256}, which is not there"));
                        }
                    }
                }
                Err(error) => {
                    checked.find(error.to_string());
                    break;
                }
            }
        }
        if checked.is_full() {
            return Ok(());
        }
    }
    if last != workflow.head {
        checked.find(format!("workflow {id} is said to be at {}, its log ends at {last}", workflow.head));
    }
    if bytes != workflow.bytes {
        checked.find(format!("the log of workflow {id} has {bytes} bytes, {} are counted", workflow.bytes));
    }
    Ok(())
}

/// The blobs after one. The last of them, if there may be more.
fn blobs(connection: &Connection, after: i64, checked: &mut Checked) -> Result<Option<i64>, Failure> {
    let mut select = connection
        .prepare_cached("SELECT rowid, tenant, sha256, data FROM blob WHERE rowid > ?1 ORDER BY rowid LIMIT ?2")?;
    let mut rows = select.query((after, BLOBS_AT_ONCE))?;
    let (mut last, mut count) = (after, 0);
    while let Some(row) = rows.next()?
        && !checked.is_full()
    {
        (last, count) = (row.get(0)?, count + 1);
        checked.blobs += 1;
        let blob =
            |column| -> Result<&[u8], Failure> { Ok(row.get_ref(column)?.as_blob().map_err(rusqlite::Error::from)?) };
        let found = Digest::new(Sha256::digest(blob(3)?).into());
        if found.as_bytes() != blob(2)? {
            let tenant: String = row.get(1)?;
            checked.find(format!("a blob of {tenant} in row {last} is not what it was: its hash is {found}"));
        }
    }
    Ok(Some(last).filter(|_| count == BLOBS_AT_ONCE))
}
