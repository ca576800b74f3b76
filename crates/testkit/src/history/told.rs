//! What clients were told, held against the logs. Owns the rules about submissions, commands, statuses, streams and calls.

use std::collections::{BTreeMap, HashMap, HashSet};

use mcp_orchestrator_domain::{Recorded, Status, WorkflowId};

use super::{History, Reader, SeenStatus, Told, Verdict, Violation, log::LogFacts};

type Facts<'a> = BTreeMap<&'a WorkflowId, LogFacts>;

impl History {
    pub(super) fn check_submissions(&self, verdict: &mut Verdict) {
        let mut by_key: HashMap<&str, &WorkflowId> = HashMap::new();
        let mut told_of = HashSet::new();
        for submitted in &self.submitted {
            told_of.insert(&submitted.id);
            let first = by_key.entry(&submitted.key).or_insert(&submitted.id);
            if **first != submitted.id {
                let (first, second) = ((*first).clone(), submitted.id.clone());
                verdict.found(Violation::Duplicated { key: submitted.key.clone(), first, second });
            }
            if !self.logs.contains_key(&submitted.id) {
                verdict.found(Violation::Lost { id: submitted.id.clone(), key: submitted.key.clone() });
            }
        }
        for id in &self.unknown {
            verdict.found(Violation::Lost { id: id.clone(), key: "asked for by its id".to_owned() });
        }
        for id in self.logs.keys().filter(|id| !told_of.contains(id)) {
            verdict.found(Violation::Unasked(id.clone()));
        }
    }

    pub(super) fn check_commands(&self, facts: &Facts<'_>, verdict: &mut Verdict) {
        for id in &self.cancelled {
            let status = facts.get(id).and_then(|log| log.statuses.last()).copied().unwrap_or_default();
            if status != Status::Cancelled {
                verdict.found(Violation::CancelLost { id: id.clone(), status });
            }
        }
        for answered in &self.answered {
            let given = facts.get(&answered.id).map_or(&[][..], |log| &log.answers);
            let times = given.iter().filter(|(step, text)| *step == answered.step && *text == answered.answer).count();
            if times != 1 {
                let (id, answer) = (answered.id.clone(), answered.answer.clone());
                verdict.found(Violation::AnswerLost { id, answer, times });
            }
        }
    }

    pub(super) fn check_looks(&self, verdict: &mut Verdict) {
        for (id, records) in &self.looks {
            let log = self.logs.get(id).map_or(&[][..], Vec::as_slice);
            for (recorded, next) in records.iter().zip(records.iter().skip(1)) {
                if next.seq != recorded.seq.plus(1) {
                    let (expected, found) = (recorded.seq.plus(1), next.seq);
                    verdict.found(Violation::Gap { id: id.clone(), expected, found });
                }
            }
            if let Some(changed) = records.iter().find(|recorded| at(log, recorded) != Some(*recorded)) {
                verdict.found(Violation::Rewritten { id: id.clone(), seq: changed.seq });
            }
        }
    }

    pub(super) fn check_statuses(&self, facts: &Facts<'_>, verdict: &mut Verdict) {
        for (id, seen) in &self.statuses {
            let statuses = facts.get(id).map_or(&[][..], |log| &log.statuses);
            let mut before = SeenStatus { status: Status::Queued, head: None };
            for seen in seen {
                let had = seen.head.map(|head| usize::try_from(head.value()).unwrap_or(usize::MAX));
                let was_so = had.is_none_or(|head| statuses.get(head.wrapping_sub(1)) == Some(&seen.status));
                let went_back = seen.head.is_some() && seen.head < before.head;
                if !was_so || went_back || !leads_to(before.status, seen.status) {
                    let (before, head) = (before.status, seen.head);
                    verdict.found(Violation::StatusWrong { id: id.clone(), status: seen.status, before, head });
                }
                before = *seen;
            }
        }
    }

    pub(super) fn check_readers(&self, verdict: &mut Verdict) {
        for reader in &self.readers {
            if self.tail_was_lost && !self.logs.contains_key(&reader.id) {
                // It was told that there is no such workflow.
                continue;
            }
            verdict.events += reader.saw.len();
            let whole = self.told.get(&reader.id).map_or(&[][..], Vec::as_slice);
            let saw = match reader.saw.iter().rposition(|told| told.name == "stream_reset") {
                Some(_) if !self.tail_was_lost => {
                    verdict.found(Violation::ReaderReset(reader.id.clone()));
                    continue;
                }
                Some(last) => &reader.saw[last + 1..],
                None => &reader.saw[..],
            };
            let Some(violation) = compare(reader, saw, whole) else { continue };
            if self.tail_was_lost && reader.ended && saw.last() != whole.last() {
                // The end it saw is gone, and nobody tells a stream that has ended.
                verdict.gone_with_the_tail += 1;
            } else {
                verdict.found(violation);
            }
        }
    }

    pub(super) fn check_calls(&self, facts: &Facts<'_>, verdict: &mut Verdict) {
        let mut asked: BTreeMap<(&WorkflowId, Option<&str>), usize> = BTreeMap::new();
        for ask in &self.asked {
            *asked.entry((&ask.id, ask.key.as_deref())).or_default() += 1;
        }
        for ((id, key), asked) in asked {
            let intents = facts.get(id).map(|log| &log.intents);
            let intents = match key {
                Some(key) => intents.and_then(|all| all.get(key)).copied().unwrap_or_default(),
                None => intents.map_or(0, |all| all.values().sum()),
            };
            if asked > intents {
                let what = key.unwrap_or("its calls").to_owned();
                verdict.found(Violation::Unlogged { id: id.clone(), what, asked, intents });
            }
        }
    }
}

/// The record of a log at the place of another.
fn at<'a>(log: &'a [Recorded], other: &Recorded) -> Option<&'a Recorded> {
    log.get(usize::try_from(other.seq.value()).unwrap_or_default().checked_sub(1)?)
}

/// Whether a client may see this status some time after that one.
const fn leads_to(before: Status, after: Status) -> bool {
    match before {
        Status::Queued => true,
        Status::Running | Status::Waiting => !matches!(after, Status::Queued),
        Status::Completed => matches!(after, Status::Completed),
        Status::Failed => matches!(after, Status::Failed),
        Status::Cancelled => matches!(after, Status::Cancelled),
    }
}

/// The first thing a reader should not have seen.
fn compare(reader: &Reader, saw: &[Told], whole: &[Told]) -> Option<Violation> {
    let id = || reader.id.clone();
    let name = |told: &Told| format!("{} {}", told.id, told.name);
    let nothing = || "nothing".to_owned();
    let wrong = saw.iter().zip(whole.iter().map(Some).chain(std::iter::repeat(None))).enumerate();
    for (position, (told, expected)) in wrong {
        if expected == Some(told) {
            continue;
        }
        return Some(if saw[..position].contains(told) {
            Violation::ReaderTwice { id: id(), saw: name(told) }
        } else if whole.contains(told) {
            Violation::ReaderGap { id: id(), saw: name(told), expected: expected.map_or_else(nothing, name) }
        } else {
            Violation::ReaderRewritten { id: id(), saw: name(told) }
        });
    }
    let missing = whole.get(saw.len()).filter(|_| reader.ended)?;
    Some(Violation::ReaderGap { id: id(), saw: "the end".to_owned(), expected: name(missing) })
}
