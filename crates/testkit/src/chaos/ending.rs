//! What is there in the end: every log and every stream, from whichever server answers, put beside what clients were told.

use std::{collections::BTreeMap, time::Duration};

use mcp_orchestrator_domain::{Event, Recorded, Status, WorkflowId};
use serde_json::json;
use tokio::time::sleep;

use super::{
    visitor::{Notes, log},
    wire::{Followed, Wire},
};
use crate::{
    ModelRequest,
    history::{Answered, History, ModelAsked, Submitted, Told},
};

/// How often a server is asked for what must be there.
const ATTEMPTS_MAX: usize = 50;
/// Looks at what has not ended yet.
const SETTLING_MAX: usize = 120;
/// Workflows in one page of the list.
const PAGE: &str = "500";

/// Waits until everything has ended. A workflow whose end was lost with the tail of a store may wait for an answer again, and
/// whoever gave it has gone: it is given another.
pub(super) async fn settle(wire: &Wire) -> Result<(), String> {
    let mut open = all(wire).await?;
    for _ in 0..SETTLING_MAX {
        let mut still = Vec::new();
        for id in open {
            let Some((_, view)) = wire.get(0, format!("/v1/workflows/{id}")).await else {
                still.push(id);
                continue;
            };
            for question in view["questions"].as_array().into_iter().flatten() {
                let answer = json!({ "step": question["step"], "answer": "once more" });
                // One that is not taken is given again.
                let _ = wire.post(0, &format!("/v1/workflows/{id}/answer"), &answer, &[]).await;
            }
            let status = view["status"].as_str().and_then(|status| status.parse::<Status>().ok());
            if status.is_none_or(|status| !status.is_terminal()) {
                still.push(id);
            }
        }
        open = still;
        if open.is_empty() {
            return Ok(());
        }
        sleep(Duration::from_millis(500)).await;
    }
    Err(format!("{open:?} do not end"))
}

/// The history, and how workflows ended.
pub(super) async fn history(
    wire: &Wire,
    notes: Vec<Notes>,
    asked: &[ModelRequest],
) -> Result<(History, BTreeMap<String, usize>), String> {
    let mut history = History::default();
    for id in all(wire).await? {
        let (last, first) = (wire.servers() - 1, 0);
        let log = patiently(|| log(wire, first, &id)).await.ok_or_else(|| format!("{id}: nobody tells its log"))?;
        let told =
            patiently(|| stream(wire, last, &id)).await.ok_or_else(|| format!("{id}: nobody tells its stream"))?;
        if let Some(other) = patiently(|| self::log(wire, last, &id)).await {
            history.looks.push((id.clone(), other));
        }
        history.logs.insert(id.clone(), log);
        history.told.insert(id, told);
    }
    let mut by_key = BTreeMap::new();
    for notes in notes {
        let id = notes.ids[0].clone();
        by_key.insert(notes.key.clone(), id.clone());
        history.submitted.extend(notes.ids.into_iter().map(|id| Submitted { key: notes.key.clone(), id }));
        history.cancelled.extend(notes.cancelled.then(|| id.clone()));
        let answered = notes.answered.into_iter().map(|(step, answer)| Answered { id: id.clone(), step, answer });
        history.answered.extend(answered);
        history.looks.extend(notes.looks.into_iter().map(|records| (id.clone(), records)));
        history.statuses.push((id.clone(), notes.statuses));
        history.readers.push(notes.reader);
        if notes.unknown > 0 {
            history.unknown.push(id);
        }
    }
    let asked = asked.iter().filter_map(|request| by_key.get(request.request_id.as_deref()?));
    history.asked = asked.map(|id| ModelAsked { id: id.clone(), key: None }).collect();
    let mut ends = BTreeMap::new();
    for log in history.logs.values() {
        *ends.entry(end(log)).or_default() += 1;
    }
    Ok((history, ends))
}

/// Every workflow there is.
async fn all(wire: &Wire) -> Result<Vec<WorkflowId>, String> {
    let mut ids = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut query = vec![("limit", PAGE.to_owned())];
        query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
        let page = patiently(|| async {
            let (status, page) = wire.get_with(0, "/v1/workflows".to_owned(), &query).await?;
            (status == 200).then_some(page)
        });
        let page = page.await.ok_or("nobody lists the workflows")?;
        let found = page["workflows"].as_array().into_iter().flatten();
        ids.extend(found.filter_map(|view| view["task_id"].as_str()?.parse::<WorkflowId>().ok()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return Ok(ids),
        }
    }
}

/// A whole stream.
async fn stream(wire: &Wire, server: usize, id: &WorkflowId) -> Option<Vec<Told>> {
    let Followed::Stream(mut stream) = wire.events(server, id.as_str(), None).await else { return None };
    let mut all = Vec::new();
    while let Some(told) = stream.next().await {
        let closed = told.name == "stream_closed";
        all.push(told);
        if closed {
            return Some(all);
        }
    }
    None
}

async fn patiently<T, F: Future<Output = Option<T>>>(ask: impl Fn() -> F) -> Option<T> {
    for _ in 0..ATTEMPTS_MAX {
        if let Some(answer) = ask().await {
            return Some(answer);
        }
        sleep(Duration::from_millis(200)).await;
    }
    None
}

/// How a workflow ended, in words.
fn end(log: &[Recorded]) -> String {
    match log.last().map(|last| &last.record.event) {
        Some(Event::Failed(failed)) => {
            let reason: String = failed.failure.message.chars().take(60).collect();
            format!("failed: {reason}")
        }
        Some(event) => event.kind().to_owned(),
        None => "nothing".to_owned(),
    }
}
