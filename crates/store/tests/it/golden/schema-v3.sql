-- A file of version 3, as text. Never changed.
PRAGMA application_id = 1835233391;
PRAGMA user_version = 3;
CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
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
CREATE TABLE bucket(key TEXT PRIMARY KEY, amount REAL NOT NULL, at INTEGER NOT NULL, full_at INTEGER)
  STRICT, WITHOUT ROWID;
CREATE INDEX bucket_full ON bucket(full_at) WHERE full_at IS NOT NULL;
INSERT INTO meta(name, value) VALUES ('finished', 2);
INSERT INTO meta(name, value) VALUES ('finished_bytes', 708);
INSERT INTO meta(name, value) VALUES ('position', 2);
INSERT INTO workflow(wid, id, principal, pattern, priority, needs, reserved_for, created, idem_key, idem_body, title, task) VALUES (3, 'research_000000000001', 'local', 'beltalowda', 5, '{"provider":null,"pattern":null,"tools":[],"corpora":[]}', NULL, 1790000001000, 'once', x'0101010101010101010101010101010101010101010101010101010101010101', 'A title', 'A task of some words');
INSERT INTO workflow(wid, id, principal, pattern, priority, needs, reserved_for, created, idem_key, idem_body, title, task) VALUES (9, 'search_000000000002', 'local', 'beltalowda', 5, '{"provider":null,"pattern":null,"tools":[],"corpora":[]}', NULL, 1790000002000, NULL, NULL, 'A title', 'A task of some words');
INSERT INTO workflow(wid, id, principal, pattern, priority, needs, reserved_for, created, idem_key, idem_body, title, task) VALUES (11, 'research_000000000003', 'local', 'beltalowda', 5, '{"provider":null,"pattern":null,"tools":[],"corpora":[]}', NULL, 1790000002000, NULL, NULL, 'A title', 'A task of some words');
INSERT INTO workflow(wid, id, principal, pattern, priority, needs, reserved_for, created, idem_key, idem_body, title, task) VALUES (14, 'research_000000000004', 'local', 'beltalowda', 5, '{"provider":null,"pattern":null,"tools":[],"corpora":[]}', NULL, 1790000002000, NULL, NULL, 'A title', 'A task of some words');
INSERT INTO workflow(wid, id, principal, pattern, priority, needs, reserved_for, created, idem_key, idem_body, title, task) VALUES (16, 'research_000000000005', 'local', 'beltalowda', 7, '{"provider":null,"pattern":null,"tools":[],"corpora":[]}', 'cli-1', 1790000002000, NULL, NULL, 'A title', 'A task of some words');
INSERT INTO state(wid, head, status, rank, ready_at, owner, lease_until, epoch, attempt, finished, summary, bytes) VALUES (3, 6, 'completed', 1789999701000, NULL, NULL, NULL, 1790000001000, 0, 1790000001000, '{"status":"completed","progress":{"stage":"queued"},"finished":1790000001000}', 550);
INSERT INTO state(wid, head, status, rank, ready_at, owner, lease_until, epoch, attempt, finished, summary, bytes) VALUES (9, 2, 'completed', 1789999702000, NULL, NULL, NULL, 0, 0, 1790000002000, '{"status":"completed","progress":{"stage":"queued"},"finished":1790000002000}', 158);
INSERT INTO state(wid, head, status, rank, ready_at, owner, lease_until, epoch, attempt, finished, summary, bytes) VALUES (11, 3, 'running', 1789999702000, NULL, 'w', 1790000017000, 1790000002000, 0, NULL, '{"status":"running","progress":{"stage":"queued"}}', 199);
INSERT INTO state(wid, head, status, rank, ready_at, owner, lease_until, epoch, attempt, finished, summary, bytes) VALUES (14, 2, 'running', 1789999702000, NULL, NULL, NULL, 0, 0, NULL, '{"status":"running","progress":{"stage":"queued"}}', 156);
INSERT INTO state(wid, head, status, rank, ready_at, owner, lease_until, epoch, attempt, finished, summary, bytes) VALUES (16, 1, 'queued', 1789999582000, 1790000002000, NULL, NULL, 0, 0, NULL, '{"status":"queued","progress":{"stage":"queued"}}', 78);
INSERT INTO entry(position, wid, seq, count, append_id, data) VALUES (3, 3, 1, 1, NULL, '{"v":1,"at":1,"progress":{"stage":"queued"},"event":{"timer_fired":{"due":1}}}');
INSERT INTO entry(position, wid, seq, count, append_id, data) VALUES (6, 3, 4, 3, x'00000000000000000000000000000004', '{"v":1,"at":2,"progress":{"stage":"queued"},"event":{"timer_fired":{"due":2}}}
{"at":3,"event":{"timer_fired":{"due":3}}}
{"at":4,"event":{"timer_fired":{"due":4}}}');
INSERT INTO entry(position, wid, seq, count, append_id, data) VALUES (7, 3, 5, 1, x'00000000000000000000000000000005', '{"v":1,"at":1,"progress":{"stage":"queued"},"event":{"call_completed":{"call":0,"step":"belter_0","output":{"blob":{"sha256":"ee8250fb76e094b34b471f13a73dbbe51d1ae142e9df59d7c0d31ec20f0a0a8e","bytes":8}},"cost":{"reported":0}}}}');
INSERT INTO entry(position, wid, seq, count, append_id, data) VALUES (8, 3, 6, 1, x'00000000000000000000000000000006', '{"v":1,"at":99,"progress":{"stage":"queued"},"event":{"timer_fired":{"due":99}}}');
INSERT INTO entry(position, wid, seq, count, append_id, data) VALUES (9, 9, 1, 1, NULL, '{"v":1,"at":1,"progress":{"stage":"queued"},"event":{"timer_fired":{"due":1}}}');
INSERT INTO entry(position, wid, seq, count, append_id, data) VALUES (10, 9, 2, 1, x'00000000000000000000000000000008', '{"v":1,"at":99,"progress":{"stage":"queued"},"event":{"timer_fired":{"due":99}}}');
INSERT INTO entry(position, wid, seq, count, append_id, data) VALUES (11, 11, 1, 1, NULL, '{"v":1,"at":1,"progress":{"stage":"queued"},"event":{"timer_fired":{"due":1}}}');
INSERT INTO entry(position, wid, seq, count, append_id, data) VALUES (13, 11, 3, 2, x'0000000000000000000000000000000a', '{"v":1,"at":2,"progress":{"stage":"queued"},"event":{"timer_fired":{"due":2}}}
{"at":3,"event":{"timer_fired":{"due":3}}}');
INSERT INTO entry(position, wid, seq, count, append_id, data) VALUES (14, 14, 1, 1, NULL, '{"v":1,"at":1,"progress":{"stage":"queued"},"event":{"timer_fired":{"due":1}}}');
INSERT INTO entry(position, wid, seq, count, append_id, data) VALUES (15, 14, 2, 1, x'0000000000000000000000000000000c', '{"v":1,"at":2,"progress":{"stage":"queued"},"event":{"timer_fired":{"due":2}}}');
INSERT INTO entry(position, wid, seq, count, append_id, data) VALUES (16, 16, 1, 1, NULL, '{"v":1,"at":1,"progress":{"stage":"queued"},"event":{"timer_fired":{"due":1}}}');
INSERT INTO blob(tenant, sha256, used, data) VALUES ('local', x'ee8250fb76e094b34b471f13a73dbbe51d1ae142e9df59d7c0d31ec20f0a0a8e', 1790000001000, x'65766964656e6365');
INSERT INTO record(space, key, version, expires, value) VALUES ('webhooks', 'k', 1, NULL, x'76616c7565');
INSERT INTO bucket(key, amount, at, full_at) VALUES ('writes', 7.0, 1790000002000, 1790000008001);
