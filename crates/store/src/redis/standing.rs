//! Where unfinished work is, in Redis. Owns the question; who gets what is decided in the scripts.

use std::collections::HashSet;

use mcp_orchestrator_domain::{Timestamp, WorkflowId};

use super::{
    RedisStore,
    log::{number, unreadable, workflow_id},
    state::State,
};
use crate::{Place, STANDINGS_MAX, Standing, StoreError, WorkerId};

/// Workflows asked for at once.
const AT_ONCE: usize = 500;

/// What is read of a workflow, in this order.
const FIELDS: [&str; 3] = ["at", "o", "r"];

impl RedisStore {
    pub(super) async fn do_standings(&self, max: usize) -> Result<Vec<Standing>, StoreError> {
        let max = max.min(STANDINGS_MAX);
        let mut standings: Vec<Standing> = Vec::new();
        let (mut from, mut looked_at) = (0, usize::MAX);
        while standings.len() < max && looked_at > 0 {
            let wanted = (max - standings.len()).min(AT_ONCE);
            let mut ask = redis::cmd("ZRANGE");
            ask.arg(self.keys.of("open")).arg(from).arg(from + wanted - 1);
            let ids: Vec<String> = self.lines.command(&ask).await?;
            looked_at = ids.len();
            from += looked_at;
            if ids.is_empty() {
                break;
            }
            let ids = ids.iter().map(|id| workflow_id(id)).collect::<Result<Vec<_>, _>>()?;
            let mut ask = redis::pipe();
            // All of one workflow at one moment.
            ask.atomic().cmd("HMGET").arg(self.keys.of("state"));
            for id in &ids {
                ask.arg(id.as_str());
            }
            for id in &ids {
                ask.cmd("HMGET").arg(self.keys.workflow(id)).arg(&FIELDS);
            }
            let mut found = self.lines.pipeline::<Vec<Vec<Option<String>>>>(&ask).await?.into_iter();
            let states = found.next().unwrap_or_default();
            for ((id, state), fields) in ids.into_iter().zip(states).zip(found) {
                if let Some(state) = State::read_found(&id, state.as_deref())? {
                    standings.extend(standing(id, &state, &fields)?);
                }
            }
        }
        self.note_ended(&mut standings).await?;
        Ok(standings)
    }

    /// What a worker that has ended had is not its any more.
    async fn note_ended(&self, standings: &mut [Standing]) -> Result<(), StoreError> {
        let named: HashSet<WorkerId> =
            standings.iter().filter_map(|standing| reserver(&standing.place).cloned()).collect();
        let named: Vec<WorkerId> = named.into_iter().collect();
        let mut ask = redis::pipe();
        ask.cmd("TIME");
        for worker in &named {
            ask.cmd("ZSCORE").arg(self.keys.of("seen")).arg(&*worker.0);
        }
        let answers: Vec<redis::Value> = self.lines.pipeline(&ask).await?;
        let mut answers = answers.into_iter();
        let parse = |_| unreadable("when a worker was seen", "");
        let time = answers.next().map(redis::from_redis_value::<(u64, u64)>).transpose().map_err(parse)?;
        let now = self.now_ms(time.unwrap_or_default());
        let mut ended = HashSet::new();
        for (worker, seen) in named.into_iter().zip(answers) {
            let seen: Option<f64> = redis::from_redis_value(seen).map_err(parse)?;
            #[expect(clippy::cast_precision_loss, reason = "milliseconds are far below 2^52")]
            if seen.is_none_or(|until| until <= now as f64) {
                ended.insert(worker);
            }
        }
        for standing in standings {
            standing.place.without(&ended, Timestamp::from_millis(now));
        }
        Ok(())
    }
}

/// The worker it is kept for. A lease says by itself when it ends.
const fn reserver(place: &Place) -> Option<&WorkerId> {
    match place {
        Place::Ready { reserved_for, .. } => reserved_for.as_ref(),
        Place::Leased { .. } | Place::Waiting => None,
    }
}

/// `None`: it has ended meanwhile, or is not there any more.
fn standing(id: WorkflowId, state: &State, fields: &[Option<String>]) -> Result<Option<Standing>, StoreError> {
    let [Some(at), Some(owner), Some(reserved)] = fields else { return Ok(None) };
    let moment = Timestamp::from_millis(number(at)?);
    let worker = |name: &str| WorkerId(name.into());
    let place = match state.place.as_str() {
        "r" | "d" => Place::Ready {
            from: moment,
            reserved_for: Some(reserved.as_str()).filter(|name| !name.is_empty()).map(worker),
        },
        "l" => Place::Leased { worker: worker(owner), until: moment },
        "w" => Place::Waiting,
        _ => return Ok(None),
    };
    Ok(Some(Standing {
        id,
        status: state.status.parse().map_err(|_| unreadable("a status", &state.status))?,
        place,
        attempt: state.attempt,
        head: state.head.seq,
    }))
}
