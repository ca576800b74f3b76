//! Leases in Redis: claiming, renewing, giving back, mending. Owns which classes of workflows a worker can run; who gets
//! what is decided in the scripts.
//!
//! Workflows that need the same of a worker are one class and wait in one queue. A claim names the classes its worker can
//! run, so that nothing it cannot run is ever looked at, and nothing waits behind that.
//!
//! A claim whose answer is lost may have been done. The next ones of the same worker name it, and are given what it gave: so
//! nothing is left lying until its lease runs out, and no attempt is counted that nobody made.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use mcp_orchestrator_domain::{Seq, Timestamp, millis};

use super::{
    RedisStore,
    lines::{Call, ms},
    log::{number, unreadable, workflow_id},
    scripts::{CLAIM, RELEASE, RENEW, REPAIR},
};
use crate::{Abilities, Claim, Epoch, Lease, LeaseRef, Needs, Renewal, StoreError, Which, WorkerId, codec::from_json};

/// Classes one claim names; of more, others each time.
const CLASSES_MAX: usize = 1024;

/// Leases one claim gives.
const LEASES_MAX: usize = 256;

/// Leases or workflows one script looks at.
const AT_ONCE: usize = 256;

/// Claims without an answer that are remembered: of more, the last ones.
const UNHEARD_MAX: usize = 16;

/// Claims whose answers were lost. What was sent may be done long after its caller gave up, so each is forgotten when its
/// leases would have run out after the store has answered a later one that named it.
#[derive(Debug, Default)]
pub(super) struct Unheard(Mutex<Asked>);

#[derive(Debug, Default)]
struct Asked {
    /// How many claims there were.
    count: u64,
    lost: VecDeque<Lost>,
}

#[derive(Debug)]
struct Lost {
    worker: WorkerId,
    claim: String,
    until: Option<Instant>,
}

impl Unheard {
    fn asked(&self) -> std::sync::MutexGuard<'_, Asked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A name for the next claim, and those of the lost ones of its worker.
    fn next(&self, origin: &str, worker: &WorkerId) -> (String, String) {
        let (mut asked, now) = (self.asked(), Instant::now());
        asked.count += 1;
        asked.lost.retain(|lost| lost.until.is_none_or(|until| now < until));
        let of_worker = asked.lost.iter().filter(|lost| lost.worker == *worker);
        let lost: Vec<&str> = of_worker.map(|lost| lost.claim.as_str()).collect();
        (format!("{origin}-{}", asked.count), lost.join(" "))
    }

    /// The store has answered a claim of a worker that named those that were lost.
    fn heard(&self, worker: &WorkerId, until: Instant) {
        for lost in self.asked().lost.iter_mut().filter(|lost| lost.worker == *worker) {
            lost.until.get_or_insert(until);
        }
    }

    fn lost(&self, worker: &WorkerId, claim: String) {
        let mut asked = self.asked();
        if asked.lost.len() >= UNHEARD_MAX {
            asked.lost.pop_front();
        }
        asked.lost.push_back(Lost { worker: worker.clone(), claim, until: None });
    }
}

/// A claim that has no answer yet: when it is dropped so, it is one whose answer was lost.
struct Asking<'a> {
    unheard: &'a Unheard,
    worker: &'a WorkerId,
    name: Option<String>,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if let Some(name) = self.name.take() {
            self.unheard.lost(self.worker, name);
        }
    }
}

/// The classes there are, as this process last heard.
#[derive(Debug, Default)]
pub(super) struct Classes(Mutex<Known>);

#[derive(Clone, Debug, Default)]
struct Known {
    version: String,
    needs: HashMap<String, Needs>,
    /// Where a claim that cannot name all begins.
    turn: usize,
}

impl Classes {
    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The version, and the classes these abilities meet.
    fn able(&self, abilities: &Abilities) -> (String, Vec<String>) {
        let mut known = self.known();
        let able = known.needs.iter().filter(|(_, needs)| abilities.meet(needs)).map(|(class, _)| class.clone());
        let mut able: Vec<String> = able.collect();
        if able.len() > CLASSES_MAX {
            able.sort_unstable();
            let length = able.len();
            able.rotate_left(known.turn % length);
            able.truncate(CLASSES_MAX);
            known.turn = (known.turn + CLASSES_MAX) % length;
        }
        (known.version.clone(), able)
    }
}

impl RedisStore {
    pub(super) async fn do_claim(&self, claim: &Claim<'_>) -> Result<Vec<Lease>, StoreError> {
        match claim.which {
            Which::Own => self.claim_once(claim, "own", "", &[]).await.map(|(_, leases)| leases),
            Which::Only(ids) => {
                let ids: Vec<String> = ids.iter().map(|id| id.as_str().to_owned()).collect();
                self.claim_once(claim, "only", "", &ids).await.map(|(_, leases)| leases)
            }
            Which::Able(abilities) => {
                let (version, able) = self.classes.able(abilities);
                let version = if version.is_empty() { "0".to_owned() } else { version };
                let (found, leases) = self.claim_once(claim, "able", &version, &able).await?;
                if found == version {
                    return Ok(leases);
                }
                // Nothing was claimed: there are classes that this process has not heard of.
                self.learn_classes().await?;
                let (_, able) = self.classes.able(abilities);
                self.claim_once(claim, "able", "", &able).await.map(|(_, leases)| leases)
            }
        }
    }

    async fn claim_once(
        &self,
        claim: &Claim<'_>,
        mode: &str,
        version: &str,
        among: &[String],
    ) -> Result<(String, Vec<Lease>), StoreError> {
        let meta = self.keys.meta();
        let (name, lost) = self.unheard.next(self.listener.origin(), claim.worker);
        let mut call = self
            .lines
            .call(&CLAIM, &[&meta])
            .arg(&*claim.worker.0)
            .arg(millis(claim.ttl))
            .arg(claim.max.min(LEASES_MAX))
            .arg(mode)
            .arg(version)
            .arg(claim.cluster_max.map_or_else(String::new, |most| most.to_string()))
            .arg(&name)
            .arg(lost);
        for class in among {
            call = call.arg(class);
        }
        // Also when nobody waits for the answer any more.
        let mut asking = Asking { unheard: &self.unheard, worker: claim.worker, name: Some(name) };
        let answer: Vec<String> = self.lines.run(call).await?;
        asking.name = None;
        self.unheard.heard(claim.worker, Instant::now() + claim.ttl);
        let Some((version, leases)) = answer.split_first() else {
            return Err(unreadable("the answer to a claim", ""));
        };
        let leases = leases.chunks_exact(4).map(|part| {
            let lease = LeaseRef { id: workflow_id(&part[0])?, epoch: Epoch(number(&part[1])?) };
            let attempt = u32::try_from(number(&part[3])?).unwrap_or(u32::MAX);
            Ok(Lease { lease, head: Seq::new(number(&part[2])?), attempt })
        });
        Ok((version.clone(), leases.collect::<Result<_, StoreError>>()?))
    }

    async fn learn_classes(&self) -> Result<(), StoreError> {
        let mut ask = redis::pipe();
        // The version first: what changes in between makes the next claim look again.
        ask.hget(self.keys.meta(), "classes").hgetall(self.keys.of("classes"));
        let (version, found): (Option<String>, HashMap<String, String>) = self.lines.pipeline(&ask).await?;
        let needs = found
            .into_iter()
            .map(|(class, needs)| from_json(&needs, "what a workflow needs").map(|needs| (class, needs)))
            .collect::<Result<_, _>>()?;
        let mut known = self.classes.known();
        *known = Known { version: version.unwrap_or_default(), needs, turn: known.turn };
        Ok(())
    }

    pub(super) async fn do_renew(&self, leases: &[LeaseRef], ttl: Duration) -> Result<Vec<Renewal>, StoreError> {
        let meta = self.keys.meta();
        let mut renewals = Vec::with_capacity(leases.len());
        for some in leases.chunks(AT_ONCE) {
            let mut call: Call = self.lines.call(&RENEW, &[&meta]).arg(millis(ttl));
            for lease in some {
                call = call.arg(lease.id.as_str()).arg(lease.epoch.0);
            }
            let answer: Vec<String> = self.lines.run(call).await?;
            renewals.extend(answer.iter().map(|held| if held == "1" { Renewal::Renewed } else { Renewal::Lost }));
        }
        Ok(renewals)
    }

    pub(super) async fn do_release(&self, lease: &LeaseRef, not_before: Option<Timestamp>) -> Result<(), StoreError> {
        let call = self
            .lines
            .call(&RELEASE, &[&self.keys.meta()])
            .arg(self.listener.origin())
            .arg(lease.id.as_str())
            .arg(lease.epoch.0)
            .arg(not_before.map_or_else(String::new, ms));
        let answer: Vec<String> = self.lines.run(call).await?;
        if answer.first().is_some_and(|held| held == "1") {
            self.hints.wake();
        }
        Ok(())
    }

    pub(super) async fn do_repair(&self) -> Result<usize, StoreError> {
        let (mut after, mut mended) = ("0".to_owned(), 0);
        loop {
            let origin = self.listener.origin();
            let call = self.lines.call(&REPAIR, &[&self.keys.meta()]).arg(origin).arg(&after).arg(AT_ONCE);
            let answer: Vec<String> = self.lines.run(call).await?;
            mended += answer.first().map_or(Ok(0), |count| number(count))?;
            match answer.get(1) {
                Some(last) => after.clone_from(last),
                None => break,
            }
        }
        if mended > 0 {
            self.hints.wake();
        }
        Ok(usize::try_from(mended).unwrap_or(usize::MAX))
    }
}
