//! Workflows as lists show them, in Redis. Owns which fields are read and how an index is walked.

use mcp_orchestrator_domain::{PatternName, Principal, Timestamp, WorkflowId};
use redis::Pipeline;

use super::{
    RedisStore,
    log::{number, unreadable},
    state::State,
};
use crate::{
    ListFilter, Needs, StoreError, WorkerId, WorkflowRow,
    codec::{Changing, from_json},
};

/// Rows looked at in one go: a filter that few match costs a few more.
const ROWS_AT_ONCE: usize = 256;

/// What is read of a workflow, in this order.
const FIELDS: [&str; 9] = ["t", "pa", "y", "cr", "at", "o", "ne", "ti", "ta"];

/// What is read of one workflow.
struct Found {
    /// `None`: it is not there.
    state: Option<State>,
    fields: Fields,
}

/// The fields of one workflow, or nothing of one there is not.
type Fields = Vec<Option<String>>;

impl RedisStore {
    pub(super) async fn row(&self, id: &WorkflowId) -> Result<Option<WorkflowRow>, StoreError> {
        let (now, mut found) = self.found(std::slice::from_ref(id)).await?;
        found.pop().and_then(|found| row(id, &found, now).transpose()).transpose()
    }

    pub(super) async fn rows(&self, filter: &ListFilter) -> Result<Vec<WorkflowRow>, StoreError> {
        let index = match &filter.principal {
            Some(principal) => self.keys.by_principal(principal),
            None => self.keys.of("all"),
        };
        let mut below = match &filter.before {
            None => "+inf".to_owned(),
            Some(id) => {
                let mut ask = redis::cmd("HGET");
                let number: Option<String> = self.lines.command(ask.arg(self.keys.workflow(id)).arg("n")).await?;
                let Some(text) = number else { return Ok(Vec::new()) };
                format!("({text}")
            }
        };
        let mut rows = Vec::new();
        loop {
            let mut ask = redis::cmd("ZRANGE");
            ask.arg(&index).arg(&below).arg("-inf").arg(&["BYSCORE", "REV", "LIMIT", "0"]).arg(ROWS_AT_ONCE);
            let ids: Vec<String> = self.lines.command(ask.arg("WITHSCORES")).await.map(flat)?;
            let ids: Vec<(WorkflowId, &str)> = ids
                .chunks_exact(2)
                .map(|pair| Ok((super::log::workflow_id(&pair[0])?, pair[1].as_str())))
                .collect::<Result<_, StoreError>>()?;
            let Some((_, last)) = ids.last() else { return Ok(rows) };
            below = format!("({last}");
            let only: Vec<WorkflowId> = ids.iter().map(|(id, _)| id.clone()).collect();
            let (now, found) = self.found(&only).await?;
            for (id, found) in only.iter().zip(found) {
                if !wanted(filter, &found) {
                    continue;
                }
                rows.extend(row(id, &found, now)?);
                if rows.len() >= filter.limit() {
                    return Ok(rows);
                }
            }
        }
    }

    /// Some workflows as they are at one moment, and the store's time.
    async fn found(&self, ids: &[WorkflowId]) -> Result<(Timestamp, Vec<Found>), StoreError> {
        let mut ask = Pipeline::new();
        ask.atomic().cmd("TIME");
        ask.cmd("HMGET").arg(self.keys.of("state"));
        for id in ids {
            ask.arg(id.as_str());
        }
        for id in ids {
            ask.cmd("HMGET").arg(self.keys.workflow(id)).arg(&FIELDS);
        }
        let found: Vec<Fields> = self.lines.pipeline(&ask).await?;
        let mut found = found.into_iter();
        let (time, states) = (found.next().unwrap_or_default(), found.next().unwrap_or_default());
        let seconds = time.first().cloned().flatten().unwrap_or_default();
        let millis = time.get(1).cloned().flatten().unwrap_or_default();
        let redis = Timestamp::from_millis(number(&seconds)? * 1000 + number(&millis)? / 1000);
        let found = ids
            .iter()
            .zip(states)
            .zip(found)
            .map(|((id, state), fields)| Ok(Found { state: State::read_found(id, state.as_deref())?, fields }));
        Ok((self.lines.manual_now().unwrap_or(redis), found.collect::<Result<_, StoreError>>()?))
    }
}

/// Members and scores, one after the other, however the protocol puts them.
fn flat(pairs: Vec<(String, f64)>) -> Vec<String> {
    pairs.into_iter().flat_map(|(member, score)| [member, format!("{score:.0}")]).collect()
}

fn text(fields: &Fields, name: &str) -> Option<String> {
    let place = FIELDS.iter().position(|field| *field == name)?;
    fields.get(place).cloned().flatten()
}

fn wanted(filter: &ListFilter, found: &Found) -> bool {
    let is = |name: &str, wanted: &str| text(&found.fields, name).is_some_and(|found| found == wanted);
    filter.principal.as_ref().is_none_or(|principal| is("t", principal.as_str()))
        && filter.pattern.as_ref().is_none_or(|pattern| is("pa", pattern.as_str()))
        && (filter.statuses.is_empty()
            || filter
                .statuses
                .iter()
                .any(|status| found.state.as_ref().is_some_and(|state| state.status == status.as_str())))
}

/// `None`: there is no such workflow.
fn row(id: &WorkflowId, found: &Found, now: Timestamp) -> Result<Option<WorkflowRow>, StoreError> {
    let Some(state) = &found.state else { return Ok(None) };
    let field = |name: &str| text(&found.fields, name).ok_or_else(|| unreadable("a workflow lacks a field", name));
    let until = Timestamp::from_millis(number(&field("at")?)?);
    let leased = state.place == "l" && until > now;
    let what = |name: &str| format!("{name} of {id}");
    Ok(Some(WorkflowRow {
        id: id.clone(),
        principal: Principal::named(&field("t")?),
        pattern: PatternName::new(&field("pa")?).map_err(|error| StoreError::Unreadable(error.to_string()))?,
        priority: field("y")?.parse().map_err(|_| unreadable("a priority", id.as_str()))?,
        head: state.head.seq,
        lineage: state.head.lineage,
        created: Timestamp::from_millis(number(&field("cr")?)?),
        owner: if leased { Some(WorkerId(field("o")?.into())) } else { None },
        needs: from_json::<Needs>(&field("ne")?, &what("the needs"))?,
        summary: from_json::<Changing>(&state.summary, &what("the summary"))?
            .with(field("ti")?.into(), field("ta")?.into()),
    }))
}
