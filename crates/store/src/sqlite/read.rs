//! Reading in SQLite: a few read-only connections beside the writer's. Owns the queries; never writes.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use mcp_orchestrator_domain::{Digest, InvalidName, PatternName, Principal, Seq, Timestamp, WorkflowId};
use rusqlite::{
    Connection, OptionalExtension, Row, params_from_iter,
    types::{Value, ValueRef},
};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

use super::{
    failure::Failure,
    keep::finished,
    numbers::{int, int_len, ms, seq, time, uint},
    schema::open_reader,
};
use crate::{
    FeedEntry, FeedPosition, Head, Lineage, ListFilter, PAGE_MAX, Page, Place, SmallRecord, Standing, StoreError,
    WorkerId, WorkflowRow,
    codec::{Changing, from_json},
    entry::{Entry, PAGE_BYTES_MAX},
};

/// Connections that read at once; further readers wait.
const READERS_MAX: u32 = 4;

/// Opens connections when they are needed and keeps them.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    busy_timeout: Duration,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: &Path, busy_timeout: Duration) -> Self {
        Self {
            path: path.to_owned(),
            busy_timeout,
            permits: Arc::new(Semaphore::new(READERS_MAX as usize)),
            idle: Mutex::default(),
        }
    }

    /// Runs a query on a thread that may block. Dropping the future lets it end unheard.
    pub(super) async fn query<T, F>(self: &Arc<Self>, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        let closed = || StoreError::Unavailable("it is closed".to_owned());
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| closed())?;
        let readers = Arc::clone(self);
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let idle = readers.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let run = || {
                let connection = match idle {
                    Some(connection) => connection,
                    None => open_reader(&readers.path, readers.busy_timeout)?,
                };
                let answer = query(&connection)?;
                readers.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
                Ok(answer)
            };
            run().map_err(|failure: Failure| failure.into_store_error(&readers.path))
        });
        task.await.map_err(|error| StoreError::Unavailable(format!("a query did not end: {error}")))?
    }

    /// Takes no more queries, waits for those that run, and closes the connections.
    pub(super) async fn close(&self) {
        if let Ok(all) = self.permits.acquire_many(READERS_MAX).await {
            self.permits.close();
            drop(all);
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// An id we once wrote.
pub(super) fn workflow_id(text: &str) -> Result<WorkflowId, StoreError> {
    WorkflowId::new(text).map_err(|error| StoreError::Unreadable(error.to_string()))
}

pub(super) fn heads(connection: &Connection, ids: &[WorkflowId]) -> Result<Vec<Head>, Failure> {
    let mut select = connection.prepare_cached("SELECT head FROM workflow JOIN state USING (wid) WHERE id = ?1")?;
    let head = |id: &WorkflowId| select.query_row([id.as_str()], |row| row.get(0)).optional();
    ids.iter().map(head).map(|head| Ok(Head::of(head?.map_or(Seq::ZERO, seq)))).collect()
}

pub(super) fn page(connection: &Connection, id: &WorkflowId, after: Seq, max: usize) -> Result<Page, Failure> {
    // One statement, so that head and records are of one moment. A log read to its end gives one row without a record.
    let mut select = connection.prepare_cached(
        "SELECT head, entry.seq, count, data FROM workflow JOIN state USING (wid)
         LEFT JOIN entry ON entry.wid = workflow.wid AND entry.seq > ?2
         WHERE id = ?1 ORDER BY entry.seq LIMIT ?3",
    )?;
    let max = max.min(PAGE_MAX);
    let mut rows = select.query((id.as_str(), int(after.value()), int_len(max.max(1))))?;
    let mut page = Page::default();
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        page.head = seq(row.get(0)?);
        if row.get_ref(1)? == ValueRef::Null {
            break;
        }
        let mut entry = entry(row, 1, id)?;
        while page.records.len() < max
            && bytes < PAGE_BYTES_MAX
            && let Some((recorded, size)) = entry.next_after(after)?
        {
            bytes += size;
            page.records.push(recorded);
        }
        if page.records.len() >= max || bytes >= PAGE_BYTES_MAX {
            break;
        }
    }
    Ok(page)
}

pub(super) fn feed(connection: &Connection, after: FeedPosition, max: usize) -> Result<Vec<FeedEntry>, Failure> {
    let mut entries = Vec::new();
    let mut bytes = 0;
    let max = max.min(PAGE_MAX);
    let mut select = connection.prepare_cached(
        "SELECT position, entry.seq, count, data, workflow.id FROM entry JOIN workflow USING (wid)
         WHERE position > ?1 ORDER BY position LIMIT ?2",
    )?;
    let mut rows = select.query((int(after.0), int_len(max)))?;
    while bytes < PAGE_BYTES_MAX
        && entries.len() < max
        && let Some(row) = rows.next()?
    {
        let id = workflow_id(row.get_ref(4)?.as_str().map_err(rusqlite::Error::from)?)?;
        let last = uint(row.get(0)?);
        let mut entry = entry(row, 1, &id)?;
        // Positions and numbers of one append grow together.
        let ahead = last.saturating_sub(entry.last());
        let after = Seq::new(after.0.saturating_sub(ahead));
        while entries.len() < max
            && bytes < PAGE_BYTES_MAX
            && let Some((recorded, size)) = entry.next_after(after)?
        {
            bytes += size;
            let position = FeedPosition(ahead + recorded.seq.value());
            entries.push(FeedEntry { position, id: id.clone(), recorded });
        }
    }
    Ok(entries)
}

/// The records of one append, from three columns: the number of its last record, how many there are, their text.
fn entry<'a>(row: &'a Row<'_>, column: usize, id: &'a WorkflowId) -> Result<Entry<'a>, Failure> {
    let (last, count) = (uint(row.get(column)?), uint(row.get(column + 1)?));
    Ok(Entry::new(id, last, count, row.get_ref(column + 2)?.as_str().map_err(rusqlite::Error::from)?))
}

const ROW: &str =
    "SELECT id, principal, pattern, priority, head, created, owner, lease_until, needs, summary, title, task
   FROM workflow CROSS JOIN state USING (wid)";

pub(super) fn row(connection: &Connection, id: &WorkflowId, now: Timestamp) -> Result<Option<WorkflowRow>, Failure> {
    let mut select = connection.prepare_cached(&format!("{ROW} WHERE id = ?1"))?;
    let mut rows = select.query([id.as_str()])?;
    rows.next()?.map(|row| workflow_row(row, now)).transpose()
}

pub(super) fn list(connection: &Connection, filter: &ListFilter, now: Timestamp) -> Result<Vec<WorkflowRow>, Failure> {
    let mut sql = format!("{ROW} WHERE 1");
    let mut values: Vec<Value> = Vec::new();
    if let Some(principal) = &filter.principal {
        sql.push_str(" AND principal = ?");
        values.push(principal.as_str().to_owned().into());
    }
    if let Some(pattern) = &filter.pattern {
        sql.push_str(" AND pattern = ?");
        values.push(pattern.as_str().to_owned().into());
    }
    if !filter.statuses.is_empty() {
        let marks = vec!["?"; filter.statuses.len()].join(", ");
        sql.push_str(&format!(" AND status IN ({marks})"));
        values.extend(filter.statuses.iter().map(|status| Value::from(status.as_str().to_owned())));
    }
    if let Some(before) = &filter.before {
        sql.push_str(" AND wid < (SELECT wid FROM workflow WHERE id = ?)");
        values.push(before.as_str().to_owned().into());
    }
    sql.push_str(" ORDER BY wid DESC LIMIT ?");
    values.push(int_len(filter.limit()).into());
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query(params_from_iter(values))?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        list.push(workflow_row(row, now)?);
    }
    Ok(list)
}

fn workflow_row(row: &Row<'_>, now: Timestamp) -> Result<WorkflowRow, Failure> {
    let text =
        |column: usize| -> Result<&str, Failure> { Ok(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?) };
    let owner: Option<String> = row.get(6)?;
    let in_time = row.get::<_, Option<i64>>(7)?.is_some_and(|until| until > ms(now));
    Ok(WorkflowRow {
        id: workflow_id(text(0)?)?,
        principal: Principal::named(text(1)?),
        pattern: PatternName::new(text(2)?).map_err(|error| StoreError::Unreadable(error.to_string()))?,
        priority: row.get(3)?,
        head: seq(row.get(4)?),
        lineage: Lineage::UNKNOWN,
        created: time(row.get(5)?),
        owner: owner.filter(|_| in_time).map(|owner| WorkerId(owner.into())),
        needs: from_json(text(8)?, "what a workflow needs")?,
        summary: from_json::<Changing>(text(9)?, "the summary of a workflow")?.with(text(10)?.into(), text(11)?.into()),
    })
}

pub(super) fn blob(connection: &Connection, tenant: &Principal, sha256: &Digest) -> Result<Option<Bytes>, Failure> {
    let data: Option<Vec<u8>> = connection
        .prepare_cached("SELECT data FROM blob WHERE tenant = ?1 AND sha256 = ?2")?
        .query_row((tenant.as_str(), sha256.as_bytes()), |row| row.get(0))
        .optional()?;
    if let Some(data) = &data
        && Digest::new(Sha256::digest(data).into()) != *sha256
    {
        return Err(Failure::Store(StoreError::Unreadable(format!("blob {sha256} is not what it was"))));
    }
    Ok(data.map(Bytes::from))
}

pub(super) fn record(
    connection: &Connection,
    space: &str,
    key: &str,
    now: Timestamp,
) -> Result<Option<SmallRecord>, Failure> {
    let found = connection
        .prepare_cached(
            "SELECT version, value FROM record
             WHERE space = ?1 AND key = ?2 AND (expires IS NULL OR expires > ?3)",
        )?
        .query_row((space, key, ms(now)), |row| small_record(row, 0))
        .optional()?;
    Ok(found)
}

pub(super) fn records(
    connection: &Connection,
    space: &str,
    after: Option<&str>,
    max: usize,
    now: Timestamp,
) -> Result<Vec<(String, SmallRecord)>, Failure> {
    let mut select = connection.prepare_cached(
        "SELECT key, version, value FROM record
         WHERE space = ?1 AND key >= ?2 AND (expires IS NULL OR expires > ?3) ORDER BY key LIMIT ?4",
    )?;
    // The least key that is greater.
    let from = after.map_or_else(String::new, |after| format!("{after}\0"));
    let rows = select.query_map((space, from, ms(now), int_len(max.min(PAGE_MAX))), |row| {
        Ok((row.get(0)?, small_record(row, 1)?))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn small_record(row: &Row<'_>, column: usize) -> rusqlite::Result<SmallRecord> {
    let value: Vec<u8> = row.get(column + 1)?;
    Ok(SmallRecord { version: uint(row.get(column)?), value: value.into() })
}

/// Unfinished workflows, those created first before others; whether their workers live is not looked at.
pub(super) fn standings(connection: &Connection, max: usize) -> Result<Vec<Standing>, Failure> {
    let mut select = connection.prepare_cached(
        "SELECT id, status, ready_at, reserved_for, owner, lease_until, attempt, head
         FROM state CROSS JOIN workflow USING (wid) WHERE finished IS NULL ORDER BY wid LIMIT ?1",
    )?;
    let mut rows = select.query([int_len(max)])?;
    let mut standings = Vec::new();
    while let Some(row) = rows.next()? {
        let worker = |column| -> rusqlite::Result<Option<WorkerId>> {
            Ok(row.get::<_, Option<String>>(column)?.map(|name| WorkerId(name.into())))
        };
        let text =
            |column| -> Result<&str, Failure> { Ok(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?) };
        let place = match (worker(4)?, row.get::<_, Option<i64>>(2)?) {
            (Some(worker), _) => Place::Leased { worker, until: time(row.get::<_, Option<i64>>(5)?.unwrap_or(0)) },
            (None, Some(from)) => Place::Ready { from: time(from), reserved_for: worker(3)? },
            (None, None) => Place::Waiting,
        };
        standings.push(Standing {
            id: workflow_id(text(0)?)?,
            status: text(1)?.parse().map_err(|error: InvalidName| StoreError::Unreadable(error.to_string()))?,
            place,
            attempt: row.get(6)?,
            head: seq(row.get(7)?),
        });
    }
    Ok(standings)
}

/// How much there is.
pub(super) struct Size {
    pub(super) workflows: u64,
    pub(super) queued: u64,
    pub(super) finished: u64,
    pub(super) finished_bytes: u64,
    /// Of the file.
    pub(super) bytes: u64,
}

/// How many workflows there are, and how large the file is.
pub(super) fn size(connection: &Connection) -> Result<Size, Failure> {
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (finished, finished_bytes) = finished(connection)?;
    Ok(Size {
        workflows: uint(count("SELECT count(*) FROM workflow")?),
        queued: uint(count("SELECT count(*) FROM state WHERE ready_at IS NOT NULL")?),
        finished,
        finished_bytes,
        bytes: uint(number("page_count")?.saturating_mul(number("page_size")?)),
    })
}
