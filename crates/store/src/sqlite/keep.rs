//! What is kept beside logs in SQLite: blobs, small records, buckets, and their end. Runs on the writer's thread.

use mcp_orchestrator_domain::{Digest, Principal};
use rusqlite::{Connection, OptionalExtension};

use super::{
    failure::Failure,
    numbers::{int, int_len, ms, time, uint},
    writer::Session,
};
use crate::{BucketAnswer, BucketAsk, RecordPut, Retention, StoreError, bucket::Level, rules::blobs_unused_before};

/// Blobs, records or buckets deleted in one transaction: others wait for it.
pub(super) const DELETED_MAX: usize = 256;

pub(super) fn put_blob(
    session: &mut Session<'_>,
    tenant: &Principal,
    sha256: &Digest,
    data: &[u8],
) -> Result<(), Failure> {
    if session.used_lately(tenant, sha256) {
        return Ok(());
    }
    session
        .connection
        .prepare_cached(
            "INSERT INTO blob(tenant, sha256, used, data) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT(tenant, sha256) DO UPDATE SET used = max(used, excluded.used)",
        )?
        .execute((tenant.as_str(), sha256.as_bytes(), ms(session.now), data))?;
    session.note_used(tenant, sha256);
    Ok(())
}

pub(super) fn put_record(session: &Session<'_>, put: &RecordPut) -> Result<Result<u64, StoreError>, Failure> {
    let now = ms(session.now);
    let found = session
        .connection
        .prepare_cached(
            "SELECT version FROM record WHERE space = ?1 AND key = ?2 AND (expires IS NULL OR expires > ?3)",
        )?
        .query_row((&put.space, &put.key, now), |row| row.get(0))
        .optional()?
        .map_or(0, uint);
    if found != put.expected {
        return Ok(Err(StoreError::VersionConflict { found }));
    }
    let Some(value) = &put.value else {
        session
            .connection
            .prepare_cached("DELETE FROM record WHERE space = ?1 AND key = ?2")?
            .execute((&put.space, &put.key))?;
        return Ok(Ok(0));
    };
    let expires = put.ttl.map(|ttl| ms(session.now.after(ttl)));
    session
        .connection
        .prepare_cached(
            "INSERT OR REPLACE INTO record(space, key, version, expires, value) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((&put.space, &put.key, int(found + 1), expires, &value[..]))?;
    Ok(Ok(found + 1))
}

pub(super) fn ask_bucket(session: &Session<'_>, ask: &BucketAsk) -> Result<BucketAnswer, Failure> {
    let before = session
        .connection
        .prepare_cached("SELECT amount, taken, at FROM bucket WHERE key = ?1")?
        .query_row([&ask.key], |row| Ok(Level { amount: row.get(0)?, taken: row.get(1)?, at: time(row.get(2)?) }))
        .optional()?;
    if before.is_none() {
        // For each new bucket some that are full go, so that there are never many more than are in use.
        forget_full_buckets(session, 4)?;
    }
    let (level, answer) = Level::after(before, ask, session.now);
    session
        .connection
        .prepare_cached("INSERT OR REPLACE INTO bucket(key, amount, taken, at, full_at) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute((&ask.key, level.amount, level.taken, ms(level.at), level.full_at(ask).map(ms)))?;
    Ok(answer)
}

/// Deletes up to `max` ended workflows that a retention does not keep, the first of them first. Whose each of them was.
pub(super) fn purge_workflows(
    session: &Session<'_>,
    retention: &Retention,
    max: usize,
) -> Result<Vec<Principal>, Failure> {
    let (mut finished, mut bytes) = finished(session.connection)?;
    let before = (finished, bytes);
    let mut wids = Vec::new();
    let mut whose = Vec::new();
    let mut select = session.connection.prepare_cached(
        "SELECT wid, finished, bytes, principal FROM state CROSS JOIN workflow USING (wid)
         WHERE finished IS NOT NULL ORDER BY finished, wid",
    )?;
    let mut rows = select.query([])?;
    while wids.len() < max
        && let Some(row) = rows.next()?
        && retention.lets_go(time(row.get(1)?), finished, bytes)
    {
        wids.push(row.get::<_, i64>(0)?);
        whose.push(Principal::named(row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?));
        finished = finished.saturating_sub(1);
        bytes = bytes.saturating_sub(uint(row.get(2)?));
    }
    if wids.is_empty() {
        return Ok(whose);
    }
    // The last position may go with them, and must not be used again.
    session
        .connection
        .prepare_cached(
            "UPDATE meta SET value = max(value, ifnull((SELECT max(position) FROM entry), 0)) WHERE name = 'position'",
        )?
        .execute([])?;
    session
        .connection
        .prepare_cached(
            "UPDATE meta SET value = max(value - iif(name = 'finished', ?1, ?2), 0)
             WHERE name IN ('finished', 'finished_bytes')",
        )?
        .execute((int(before.0.saturating_sub(finished)), int(before.1.saturating_sub(bytes))))?;
    for wid in &wids {
        session.connection.prepare_cached("DELETE FROM entry WHERE wid = ?1")?.execute([wid])?;
        session.connection.prepare_cached("DELETE FROM state WHERE wid = ?1")?.execute([wid])?;
        session.connection.prepare_cached("DELETE FROM workflow WHERE wid = ?1")?.execute([wid])?;
    }
    Ok(whose)
}

/// How many workflows have ended, and the bytes of their logs, as counted.
pub(super) fn finished(connection: &Connection) -> rusqlite::Result<(u64, u64)> {
    let count = "SELECT (SELECT value FROM meta WHERE name = 'finished'),
                        (SELECT value FROM meta WHERE name = 'finished_bytes')";
    connection.prepare_cached(count)?.query_row([], |row| Ok((uint(row.get(0)?), uint(row.get(1)?))))
}

/// Deletes some blobs that nobody needs. Zero: there are no more.
pub(super) fn purge_blobs(session: &mut Session<'_>) -> Result<usize, Failure> {
    let mut deleted = 0;
    let mut tenant = None;
    while deleted < DELETED_MAX
        && let Some(next) = tenant_after(session, tenant.as_deref())?
    {
        deleted += purge_blobs_of(session, &next, DELETED_MAX - deleted)?;
        tenant = Some(next);
    }
    Ok(deleted)
}

/// Deletes up to `max` blobs of a tenant that nobody needs.
pub(super) fn purge_blobs_of(session: &Session<'_>, tenant: &str, max: usize) -> Result<usize, Failure> {
    let oldest = session
        .connection
        .prepare_cached("SELECT created FROM workflow WHERE principal = ?1 ORDER BY wid LIMIT 1")?
        .query_row([tenant], |row| row.get(0))
        .optional()?
        .map(time);
    let unused_before = blobs_unused_before(oldest, session.now);
    let deleted = session
        .connection
        .prepare_cached(
            "DELETE FROM blob WHERE rowid IN (SELECT rowid FROM blob WHERE tenant = ?1 AND used < ?2 LIMIT ?3)",
        )?
        .execute((tenant, ms(unused_before), int_len(max)))?;
    Ok(deleted)
}

fn tenant_after(session: &Session<'_>, tenant: Option<&str>) -> rusqlite::Result<Option<String>> {
    match tenant {
        None => session.connection.prepare_cached("SELECT min(tenant) FROM blob")?.query_row([], |row| row.get(0)),
        Some(tenant) => session
            .connection
            .prepare_cached("SELECT min(tenant) FROM blob WHERE tenant > ?1")?
            .query_row([tenant], |row| row.get(0)),
    }
}

/// Deletes some small records that have expired. Zero: there are no more.
pub(super) fn purge_records(session: &Session<'_>) -> Result<usize, Failure> {
    let deleted = session
        .connection
        .prepare_cached("DELETE FROM record WHERE rowid IN (SELECT rowid FROM record WHERE expires <= ?1 LIMIT ?2)")?
        .execute((ms(session.now), int_len(DELETED_MAX)))?;
    Ok(deleted)
}

/// Deletes up to `max` buckets that are full: they are as good as new.
pub(super) fn forget_full_buckets(session: &Session<'_>, max: usize) -> Result<usize, Failure> {
    let deleted = session
        .connection
        .prepare_cached("DELETE FROM bucket WHERE key IN (SELECT key FROM bucket WHERE full_at <= ?1 LIMIT ?2)")?
        .execute((ms(session.now), int_len(max)))?;
    Ok(deleted)
}
