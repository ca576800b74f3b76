//! `db`: a store is described, checked, copied, emptied of what is old, and says what is stuck.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use mcp_orchestrator_domain::{BlobRef, Digest, Status, Timestamp, millis};
use mcp_orchestrator_store::{
    After, Append, Needs, NewWorkflow, SqliteOptions, SqliteStore, Store as _, Summary, Which,
};
use mcp_orchestrator_testkit::{
    RedisServer,
    store_suite::{append, claim, claim_which, created, record_naming, records, summary, worker, workflow},
};
use serde_json::json;

use crate::setup::{Home, Ran};

const QUESTION: &str = "How does a workflow survive a crash?";
const DATABASE: &str = ".local/share/mcp-orchestrator/orchestrator.db";

/// A home in which so many workflows have ended.
fn home_with(ended: usize) -> Home {
    let home = Home::with_docs();
    for _ in 0..ended {
        home.run(&["research", QUESTION, "--corpus", "docs", "--agents", "1", "--quiet"]).ended(0);
    }
    home
}

fn ids(ran: &Ran) -> Vec<String> {
    ran.json_lines().iter().map(|row| row["task_id"].as_str().unwrap().to_owned()).collect()
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// A store whose clock is late.
async fn open_ago(path: &Path, ago: Duration) -> SqliteStore {
    let now = move || {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        Timestamp::from_millis(millis(now.saturating_sub(ago)))
    };
    SqliteStore::open_with(path, SqliteOptions::new().with_now(Arc::new(now))).await.unwrap()
}

#[test]
fn a_store_is_described_and_sound() {
    let home = home_with(1);
    let info = &home.run(&["db", "info", "--json"]).ended(0).json_lines()[0];
    assert_eq!((&info["kind"], &info["workflows"], &info["ended"]), (&json!("sqlite"), &json!(1), &json!(1)));
    assert!(info["schema"].as_u64() > Some(2) && info["ended_bytes"].as_u64() > Some(1_000), "{info}");
    let text = home.run(&["db", "info"]).ended(0).out;
    assert!(text.contains("synced to the disk") && text.contains("1, 0 in the queue, 1 ended"), "{text}");

    let ran = home.run(&["db", "check"]).ended(0);
    assert!(ran.out.is_empty() && ran.err.starts_with("looked at 1 workflows, "), "{}{}", ran.out, ran.err);
    let checked = &home.run(&["db", "check", "--json"]).ended(0).json_lines()[0];
    assert_eq!(checked["findings"], json!([]));
    assert!(checked["records"].as_u64() > Some(10) && checked["blobs"].as_u64() > Some(0), "{checked}");
}

#[test]
fn what_is_wrong_with_a_store_is_told_and_ends_with_1() {
    let home = Home::new();
    let path = home.path("store.db");
    let id = block_on(async {
        let store = open_ago(&path, Duration::ZERO).await;
        let id = created(&store, workflow()).await;
        let lost = BlobRef { sha256: Digest::new([7; 32]), bytes: 5 };
        store.append(append(&id, 1, vec![record_naming(lost)])).await.unwrap();
        store.close().await;
        id
    });
    let ran = home.run(&["db", "check", "--store", "sqlite:store.db"]).ended(1);
    assert!(ran.out.contains(&format!("wrong  record 2 of {id} names blob 0707")), "{}", ran.out);
    assert!(ran.err.ends_with("error: the store is not sound: found 1\n"), "{}", ran.err);
    let ran = home.run(&["db", "check", "--store", "sqlite:store.db", "--json"]).ended(1);
    assert_eq!(ran.json_lines()[0]["findings"].as_array().unwrap().len(), 1);
    let error: serde_json::Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!(error["error"]["code"], "unsound");
}

#[test]
fn a_copy_is_a_store_of_its_own() {
    let home = home_with(1);
    let listed = ids(&home.run(&["list", "--json"]).ended(0));
    let made = &home.run(&["db", "backup", "copy.db", "--json"]).ended(0).json_lines()[0];
    assert_eq!(made["bytes"].as_u64(), std::fs::metadata(home.path("copy.db")).ok().map(|copy| copy.len()));
    assert_eq!(ids(&home.run(&["list", "--store", "sqlite:copy.db", "--json"]).ended(0)), listed);
    home.run(&["db", "check", "--store", "sqlite:copy.db"]).ended(0);
    home.run(&["results", &listed[0], "--store", "sqlite:copy.db"]).ended(0);

    let again = home.run(&["db", "backup", "copy.db"]).ended(65);
    assert!(again.err.contains("there is a file copy.db already"), "{}", again.err);
    let memory = home.run(&["db", "backup", "other.db", "--store", "memory:"]).ended(65);
    assert!(memory.err.contains("a store in memory"), "{}", memory.err);
}

#[test]
fn old_workflows_are_listed_and_then_deleted() {
    let home = home_with(3);
    let all = ids(&home.run(&["list", "--json"]).ended(0));
    let would = home.run(&["db", "purge", "--keep", "1", "--dry-run", "--json"]).ended(0);
    assert_eq!(ids(&would), [all[2].clone(), all[1].clone()]);
    let told = home.run(&["db", "purge", "--finished-before", "30d", "--dry-run"]).ended(0);
    assert_eq!((told.out.as_str(), told.err.as_str()), ("", "0 of 3 that have ended would go\n"));
    assert_eq!(ids(&home.run(&["list", "--json"]).ended(0)), all);

    let gone = home.run(&["db", "purge", "--keep", "1"]).ended(0);
    assert!(gone.err.starts_with("2 workflows and "), "{}", gone.err);
    assert_eq!(ids(&home.run(&["list", "--json"]).ended(0)), all[..1]);
    let gone = &home.run(&["db", "purge", "--max-bytes", "1kB", "--json"]).ended(0).json_lines()[0];
    assert_eq!(gone["workflows"], 1);
    assert_eq!(home.run(&["list", "--json"]).ended(0).out, "");
    home.run(&["db", "check"]).ended(0);
}

#[test]
fn what_is_stuck_is_listed_with_the_reason_and_what_to_do() {
    let home = Home::new();
    let path = home.path("store.db");
    let (late, killed, untaken, waiting, held, fresh) = block_on(async {
        let store = open_ago(&path, Duration::from_secs(3600)).await;
        let late = created(&store, workflow()).await;
        assert_eq!(claim(&store, "gone", 1).await.len(), 1);
        let needs = Needs { provider: Some("vllm".parse().unwrap()), ..Needs::default() };
        let untaken = created(&store, NewWorkflow { needs, ..workflow() }).await;
        let waiting = created(&store, workflow()).await;
        store.append(Append { after: After::Wait, ..append(&waiting, 1, records([2])) }).await.unwrap();
        let held = created(&store, workflow()).await;
        let summary = Summary { poisoned: Some(5), ..summary(Status::Waiting) };
        store.append(Append { after: After::Wait, summary, ..append(&held, 1, records([2])) }).await.unwrap();
        store.close().await;
        // Its lease is in time, but the process that has it is gone.
        let store = open_ago(&path, Duration::ZERO).await;
        let killed = created(&store, NewWorkflow { priority: 9, ..workflow() }).await;
        let only = Which::Only(std::slice::from_ref(&killed));
        assert_eq!(claim_which(&store, "killed", only, 1).await.len(), 1);
        store.close().await;
        let store = open_ago(&path, Duration::ZERO).await;
        let fresh = created(&store, workflow()).await;
        store.close().await;
        (late, killed, untaken, waiting, held, fresh)
    });
    let found = home.run(&["db", "stuck", "--store", "sqlite:store.db", "--json"]).ended(0).json_lines();
    let of = |id: &mcp_orchestrator_domain::WorkflowId| found.iter().find(|stuck| stuck["task_id"] == id.as_str());
    let told = |id, field: &str| of(id).unwrap()[field].as_str().unwrap().to_owned();
    assert_eq!((told(&late, "reason").as_str(), of(&late).unwrap()["attempt"].as_u64()), ("late", Some(1)));
    assert!(told(&late, "detail").contains("worker gone") && told(&late, "advice").contains(late.as_str()));
    assert_eq!(told(&killed, "reason"), "late");
    assert_eq!(told(&untaken, "reason"), "untaken");
    assert!(told(&untaken, "detail").contains("since 60 min; it needs provider vllm"), "{found:?}");
    assert_eq!(told(&waiting, "reason"), "operator");
    assert_eq!(told(&held, "reason"), "poison");
    assert!(told(&held, "detail").contains("5 workers in a row died of it"), "{found:?}");
    assert_eq!(of(&fresh), None);

    let text = home.run(&["db", "stuck", "--store", "sqlite:store.db"]).ended(0);
    assert!(text.out.contains("WHAT TO DO") && text.err == "5 of 6 unfinished\n", "{}{}", text.out, text.err);
    let ended = home_with(1).run(&["db", "stuck"]).ended(0);
    assert_eq!((ended.out.as_str(), ended.err.as_str()), ("", "nothing is stuck; 0 unfinished\n"));
}

#[test]
fn what_is_kept_for_a_living_process_that_hangs_is_stuck() {
    let home = Home::new();
    let path = home.path("store.db");
    block_on(async {
        // The store is open here, so its worker's process lives.
        let store = open_ago(&path, Duration::from_secs(3600)).await;
        let id = created(&store, NewWorkflow { reserved_for: Some(worker("cli-7")), ..workflow() }).await;
        let found = home.run(&["db", "stuck", "--store", "sqlite:store.db", "--json"]).ended(0).json_lines();
        assert_eq!((&found[0]["task_id"], &found[0]["reason"]), (&json!(id.as_str()), &json!("reserved")));
        assert!(found[0]["detail"].as_str().unwrap().contains("kept for worker cli-7"), "{found:?}");
        store.close().await;
    });
}

#[test]
fn who_only_looks_at_an_older_store_is_told_what_brings_it_up_and_changes_nothing() {
    let home = Home::new();
    let path = home.path("store.db");
    block_on(async { open_ago(&path, Duration::ZERO).await.close().await });
    // Where the header of a SQLite file keeps the version of its tables.
    let version = |file: &[u8]| u32::from_be_bytes(file[60..64].try_into().unwrap());
    let mut older = std::fs::read(&path).unwrap();
    let this = version(&older);
    older[60..64].copy_from_slice(&(this - 1).to_be_bytes());
    std::fs::write(&path, &older).unwrap();
    for command in [&["info"][..], &["check"], &["stuck"], &["purge", "--keep", "1", "--dry-run"]] {
        let refused = home.run(&[&["db"], command, &["--store", "sqlite:store.db"]].concat()).ended(65);
        assert!(refused.err.contains(&format!("store.db has schema version {}", this - 1)), "{}", refused.err);
        assert!(refused.err.contains("bring it up with mcp-orchestrator list"), "{}", refused.err);
        assert_eq!(version(&std::fs::read(&path).unwrap()), this - 1, "{command:?}");
    }
    let looked = home.run(&["doctor", "--store", "sqlite:store.db"]).ended(0);
    assert!(looked.out.contains(&format!("it has schema version {}", this - 1)), "{}", looked.out);
    assert_eq!(version(&std::fs::read(&path).unwrap()), this - 1, "doctor");
    older[60..64].copy_from_slice(&this.to_be_bytes());
    std::fs::write(&path, &older).unwrap();
    home.run(&["db", "check", "--store", "sqlite:store.db"]).ended(0);
}

#[test]
fn a_redis_store_is_looked_after_too_but_copies_itself() {
    let redis = RedisServer::start();
    let home = Home::with_docs();
    let at = |arguments: &[&str]| home.run(&[arguments, &["--store", &redis.url()]].concat());
    for _ in 0..2 {
        at(&["research", QUESTION, "--corpus", "docs", "--agents", "1", "--quiet"]).ended(0);
    }
    let info = &at(&["db", "info", "--json"]).ended(0).json_lines()[0];
    assert_eq!((&info["kind"], &info["workflows"], &info["ended"]), (&json!("redis"), &json!(2), &json!(2)));
    assert!(info["warnings"].to_string().contains("appendfsync is everysec"), "{info}");
    let text = at(&["db", "info"]).ended(0).out;
    assert!(text.contains("warning    appendfsync is everysec"), "{text}");
    assert_eq!(at(&["db", "check", "--json"]).ended(0).json_lines()[0]["findings"], json!([]));
    let refused = at(&["db", "backup", "copy.db"]).ended(65);
    assert!(refused.err.contains("BGSAVE") && !home.path("copy.db").exists(), "{}", refused.err);
    assert_eq!(at(&["db", "purge", "--keep", "1", "--dry-run", "--json"]).ended(0).json_lines().len(), 1);
    assert_eq!(at(&["db", "purge", "--keep", "1", "--json"]).ended(0).json_lines()[0]["workflows"], 1);
    assert_eq!(ids(&at(&["list", "--json"]).ended(0)).len(), 1);
    let stuck = at(&["db", "stuck"]).ended(0);
    assert_eq!((stuck.out.as_str(), stuck.err.as_str()), ("", "nothing is stuck; 0 unfinished\n"));
}

#[test]
fn what_cannot_work_is_refused_and_makes_no_store() {
    let home = Home::new();
    for arguments in [&["db", "info"][..], &["db", "check"], &["db", "stuck"], &["db", "backup", "copy.db"]] {
        let ran = home.run(arguments).ended(78);
        assert!(ran.err.contains("there is no store"), "{}", ran.err);
    }
    assert!(!home.path(DATABASE).exists() && !home.path("copy.db").exists());
    let ran = home.run(&["db", "info", "--server", "http://127.0.0.1:9"]).ended(2);
    assert!(ran.err.contains("a store is looked after where it is"), "{}", ran.err);
    for arguments in [
        &["db", "purge"][..],
        &["db", "purge", "--dry-run"],
        &["db", "purge", "--max-bytes", "1GB", "--dry-run"],
        &["db", "purge", "--finished-before", "soon"],
        &["db", "purge", "--max-bytes", "much"],
    ] {
        home.run(arguments).ended(2);
    }
}
