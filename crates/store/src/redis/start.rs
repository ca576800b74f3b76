//! What is looked at before a server is trusted with logs, and what an operator should know of it. Owns the conditions;
//! changes nothing but the mark that the keys are ours.

use std::collections::HashMap;

use redis::{RedisError, RedisResult, aio::MultiplexedConnection};

use super::{RedisOptions, keys::Keys};
use crate::StoreError;

/// The layout of the keys, kept in `meta`.
pub(super) const FORMAT: u32 = 3;

/// How many shards there are, kept in `meta`: the order over all logs needs one.
const SHARDS: u32 = 1;

/// Scripts and commands need this.
const MAJOR_MIN: u32 = 7;

/// What a server was found to be.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) version: String,
    pub(super) durability: &'static str,
    pub(super) warnings: Vec<String>,
    /// Why it would lose logs. One that was opened and changed since is not closed over it.
    pub(super) refusals: Vec<String>,
}

/// Why a server cannot be used.
#[derive(Debug)]
pub(super) enum Unusable {
    /// It did not answer, or answered with an error. Another try may find it well.
    Failed(RedisError),
    /// It is not to be trusted with logs, however often it is asked.
    Refused(StoreError),
}

impl From<RedisError> for Unusable {
    fn from(error: RedisError) -> Self {
        Self::Failed(error)
    }
}

/// Looks at the server.
pub(super) async fn look(connection: &mut MultiplexedConnection, options: &RedisOptions) -> RedisResult<Found> {
    let info: String = redis::cmd("INFO").query_async(connection).await?;
    let config: RedisResult<HashMap<String, String>> =
        redis::cmd("CONFIG").arg("GET").arg(&["appendfsync", "min-replicas-to-write"]).query_async(connection).await;
    Ok(judge(&info, config.ok().as_ref(), options))
}

/// Refuses a server that would lose logs, or whose keys are of another version, and marks the keys as ours.
pub(super) async fn check(
    connection: &mut MultiplexedConnection,
    options: &RedisOptions,
    keys: &Keys,
) -> Result<(), Unusable> {
    let location = &options.location;
    if let Some(why) = look(connection, options).await?.refusals.first() {
        return Err(Unusable::Refused(StoreError::Unavailable(format!("{location}: {why}"))));
    }
    let mut ask = redis::cmd("HMGET");
    ask.arg(keys.meta()).arg(&["format", "shards"]);
    let mut marks: (Option<u32>, Option<u32>) = ask.query_async(connection).await?;
    if marks == (None, None) {
        // Another process may be doing the same.
        let mut mark = redis::pipe();
        mark.hset_nx(keys.meta(), "format", FORMAT).hset_nx(keys.meta(), "shards", SHARDS);
        mark.exec_async(connection).await?;
        marks = ask.query_async(connection).await?;
    }
    match (marks.0.unwrap_or(0), marks.1.unwrap_or(0)) {
        (FORMAT, SHARDS) => Ok(()),
        (FORMAT, shards) => {
            let why = format!("{location} is split into {shards} shards, this program knows {SHARDS}");
            Err(Unusable::Refused(StoreError::Unreadable(why)))
        }
        (format, _) => {
            let why = format!("{location} has format {format}, this program knows {FORMAT}");
            Err(Unusable::Refused(StoreError::Unreadable(why)))
        }
    }
}

/// What INFO and CONFIG mean; `None` when CONFIG is not allowed.
fn judge(info: &str, config: Option<&HashMap<String, String>>, options: &RedisOptions) -> Found {
    let info: HashMap<&str, &str> = info.lines().filter_map(|line| line.trim_end().split_once(':')).collect();
    let said = |name: &str| info.get(name).copied().unwrap_or_default();
    let number = |name: &str| said(name).parse::<u64>().unwrap_or(0);
    let mut refusals = Vec::new();
    let (engine, version) = match (said("valkey_version"), said("redis_version")) {
        ("", version) => ("Redis", version),
        (version, _) => ("Valkey", version),
    };
    let major: u32 = version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0);
    if major < MAJOR_MIN {
        refusals.push(format!("it is {engine} {version:?}, and {MAJOR_MIN}.0 or later is needed"));
    }
    if said("role") != "master" {
        refusals.push(format!("its role is {:?}; name the server that takes writes", said("role")));
    }
    let policy = said("maxmemory_policy");
    if policy != "noeviction" {
        refusals.push(format!(
            "maxmemory-policy is {policy:?}: it would delete logs when its memory is full; set it to noeviction"
        ));
    }
    let mut warnings = Vec::new();
    let durable = said("aof_enabled") == "1";
    if !durable && !options.allow_volatile {
        refusals.push(
            "appendonly is off: it would forget what it acknowledged when it restarts; turn it on, or say \
             allow_volatile=true in the URL"
                .to_owned(),
        );
    }
    let fsync = config.and_then(|config| config.get("appendfsync")).map(String::as_str);
    let durability = match (durable, fsync) {
        (false, _) => {
            warnings.push("appendonly is off: what was acknowledged is lost when the server restarts".to_owned());
            "kept in the memory of the Redis server"
        }
        (true, Some("always")) => "synced to the disk of the Redis server",
        (true, Some("everysec")) => {
            warnings.push(
                "appendfsync is everysec: when the server's machine fails, up to the last two seconds of what was \
                 acknowledged are lost"
                    .to_owned(),
            );
            "synced to the disk of the Redis server within two seconds"
        }
        (true, Some(_)) => {
            warnings.push(
                "appendfsync is no: when the server's machine fails, what the system had not written is lost"
                    .to_owned(),
            );
            "written to the disk of the Redis server when its system likes"
        }
        (true, None) => {
            warnings.push("CONFIG is not allowed: how often the server syncs its disk could not be checked".to_owned());
            "written to the append-only file of the Redis server"
        }
    };
    let replicas = number("connected_slaves");
    let min_replicas = config.and_then(|config| config.get("min-replicas-to-write")).map(String::as_str);
    if replicas > 0 && min_replicas.is_none_or(|min| min == "0") {
        warnings.push(format!(
            "it has {replicas} replicas and min-replicas-to-write is not known to be set: a failover may lose what was \
             acknowledged last"
        ));
    }
    let (used, most) = (number("used_memory"), number("maxmemory"));
    if most > 0 && used.saturating_mul(10) > most.saturating_mul(9) {
        warnings.push(format!("it uses {used} of the {most} bytes it may: soon it takes no more writes"));
    }
    Found { version: format!("{engine} {version}"), durability, warnings, refusals }
}
