//! The tables, their version, and how those of older versions become these. Owns what a file looks like; opens none.

/// The version of the tables, kept in `user_version`.
pub(super) const SCHEMA_VERSION: i64 = 4;

/// The oldest version that can be brought up to this one; none before it was released.
pub(super) const SCHEMA_VERSION_MIN: i64 = 2;

/// `entry` has one row for each append: `count` records, of which `position` and `seq` number the last. With a row for
/// each record a workflow of 20 agents made 110 inserts and index entries instead of 7. Its rowid is the order over all
/// workflows: rows are added at its end only, which costs a quarter of clustering them by workflow. Positions are never
/// used twice: `meta` keeps the last one that a deletion may have taken.
///
/// `state` is what appends and leases change of a workflow, `workflow` what stays: the less there is to a row that
/// changes, the fewer pages a commit of many workflows writes. In `state` exactly one of these holds: `ready_at` is set
/// (in the queue), `owner` is set (leased), `finished` is set (ended), or none (waits for an append). Its `bytes` are those
/// of `data` in the workflow's entries.
///
/// `meta` also counts the workflows that have ended, and their bytes: what a retention by number or size is compared with.
///
/// `wid` is the position of a workflow's first record, and so never used twice either.
pub(super) const TABLES: &str = "
CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO meta(name, value) VALUES ('position', 0), ('finished', 0), ('finished_bytes', 0);
CREATE TABLE workflow(
  wid INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  principal TEXT NOT NULL,
  pattern TEXT NOT NULL,
  priority INTEGER NOT NULL,
  needs TEXT NOT NULL,
  reserved_for TEXT,
  created INTEGER NOT NULL,
  idem_key TEXT,
  idem_body BLOB,
  title TEXT NOT NULL,
  task TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX workflow_idempotency ON workflow(principal, idem_key) WHERE idem_key IS NOT NULL;
CREATE INDEX workflow_principal ON workflow(principal);
CREATE TABLE state(
  wid INTEGER PRIMARY KEY,
  head INTEGER NOT NULL,
  status TEXT NOT NULL,
  rank INTEGER NOT NULL,
  ready_at INTEGER,
  owner TEXT,
  lease_until INTEGER,
  epoch INTEGER NOT NULL DEFAULT 0,
  attempt INTEGER NOT NULL DEFAULT 0,
  finished INTEGER,
  summary TEXT NOT NULL,
  bytes INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX state_queue ON state(rank) WHERE ready_at IS NOT NULL;
CREATE INDEX state_lease ON state(owner, lease_until) WHERE owner IS NOT NULL;
CREATE INDEX state_finished ON state(finished) WHERE finished IS NOT NULL;
CREATE TABLE entry(
  position INTEGER PRIMARY KEY,
  wid INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  count INTEGER NOT NULL,
  append_id BLOB,
  data TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX entry_log ON entry(wid, seq);
CREATE TABLE blob(
  tenant TEXT NOT NULL,
  sha256 BLOB NOT NULL,
  used INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY(tenant, sha256)
) STRICT;
CREATE INDEX blob_used ON blob(tenant, used);
CREATE TABLE record(
  space TEXT NOT NULL,
  key TEXT NOT NULL,
  version INTEGER NOT NULL,
  expires INTEGER,
  value BLOB NOT NULL,
  PRIMARY KEY(space, key)
) STRICT;
CREATE INDEX record_expires ON record(expires) WHERE expires IS NOT NULL;
CREATE TABLE bucket(key TEXT PRIMARY KEY, amount REAL NOT NULL, at INTEGER NOT NULL, full_at INTEGER,
  taken REAL NOT NULL DEFAULT 0)
  STRICT, WITHOUT ROWID;
CREATE INDEX bucket_full ON bucket(full_at) WHERE full_at IS NOT NULL;
";

/// What to do to tables of version 2, 3 and so on, one after the other. A step is never changed once it is released.
const STEPS: [&str; 2] = [TO_VERSION_3, TO_VERSION_4];
const _: () = assert!(SCHEMA_VERSION_MIN + STEPS.len() as i64 == SCHEMA_VERSION, "every older version has its step");

/// Counts what logs take.
const TO_VERSION_3: &str = "
ALTER TABLE state ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
UPDATE state SET bytes = (SELECT ifnull(sum(octet_length(data)), 0) FROM entry WHERE entry.wid = state.wid);
INSERT INTO meta(name, value)
  SELECT 'finished', count(*) FROM state WHERE finished IS NOT NULL
  UNION ALL SELECT 'finished_bytes', ifnull(sum(bytes), 0) FROM state WHERE finished IS NOT NULL;
";

/// Counts what was taken from buckets, so that whoever waits has a place.
const TO_VERSION_4: &str = "ALTER TABLE bucket ADD COLUMN taken REAL NOT NULL DEFAULT 0;";

/// The steps that lead from tables of an older version to these.
pub(super) fn steps_from(version: i64) -> impl Iterator<Item = &'static str> {
    let done = usize::try_from(version - SCHEMA_VERSION_MIN).unwrap_or(0);
    STEPS.into_iter().skip(done)
}
