//! Whether what lies in Redis is sound: each log, queue and leases, blobs, the sums. Owns the questions; each is about one
//! moment, and others write between them.

use mcp_orchestrator_domain::{Digest, Principal, Seq, Status, WorkflowId};

use super::{
    RedisStore,
    log::{Raw, Stored, number, unreadable, workflow_id},
    state::State,
};
use crate::{Checked, PAGE_MAX, StoreError, codec::Lines, references::named_blobs};

/// Workflows whose ids are fetched at once.
const WORKFLOWS_AT_ONCE: usize = 256;

/// What is read of a workflow, in this order.
const FIELDS: [&str; 4] = ["n", "c", "r", "t"];

/// A workflow and what is said of it.
struct Kept {
    id: WorkflowId,
    number: String,
    head: u64,
    bytes: u64,
    status: String,
    place: String,
    class: String,
    reserved_for: String,
    principal: Principal,
}

/// What all logs should add up to.
#[derive(Default)]
struct Sums {
    queued: u64,
    bytes: u64,
    done: u64,
}

impl RedisStore {
    pub(super) async fn do_check(&self) -> Result<Checked, StoreError> {
        let mut checked = Checked::default();
        let mut sums = Sums::default();
        let before = self.sums().await?;
        let mut from = 0;
        loop {
            let mut ask = redis::cmd("ZRANGE");
            ask.arg(self.keys.of("all")).arg(from).arg(from + WORKFLOWS_AT_ONCE - 1);
            let ids: Vec<String> = self.lines.command(&ask).await?;
            if ids.is_empty() || checked.is_full() {
                break;
            }
            from += ids.len();
            for id in &ids {
                self.check_workflow(workflow_id(id)?, &mut checked, &mut sums).await?;
                if checked.is_full() {
                    return Ok(checked);
                }
            }
        }
        // Sums of what changed meanwhile say nothing.
        if before == self.sums().await? {
            let [position, queued, bytes, done] = &before;
            let found = [("workflows in the queue", queued, sums.queued), ("bytes of logs", bytes, sums.bytes)];
            for (what, counted, found) in found.into_iter().chain([("bytes of ended logs", done, sums.done)]) {
                if number(counted)? != found {
                    checked.find(format!("there are {found} {what}, {counted} are counted (at position {position})"));
                }
            }
        }
        self.check_blobs(&mut checked).await?;
        Ok(checked)
    }

    /// The last position, and the three sums that are kept.
    async fn sums(&self) -> Result<[String; 4], StoreError> {
        let mut ask = redis::cmd("HMGET");
        ask.arg(self.keys.meta()).arg(&["position", "queued", "bytes", "done"]);
        let found: [Option<String>; 4] = self.lines.command(&ask).await?;
        Ok(found.map(|sum| sum.unwrap_or_else(|| "0".to_owned())))
    }

    async fn check_workflow(&self, id: WorkflowId, checked: &mut Checked, sums: &mut Sums) -> Result<(), StoreError> {
        let Some(kept) = self.kept(id).await? else { return Ok(()) };
        checked.workflows += 1;
        sums.bytes += kept.bytes;
        match kept.place.as_str() {
            "r" | "d" => sums.queued += 1,
            "f" => sums.done += kept.bytes,
            _ => {}
        }
        let Kept { id, status, place, .. } = &kept;
        match status.parse::<Status>() {
            Ok(status) if status.is_terminal() == (place == "f") => {}
            Ok(status) => checked.find(format!("workflow {id} is {status} and in place {place:?}")),
            Err(error) => checked.find(format!("workflow {id}: {error}")),
        }
        self.check_place(&kept, checked).await?;
        self.check_log(&kept, checked).await
    }

    async fn kept(&self, id: WorkflowId) -> Result<Option<Kept>, StoreError> {
        let mut ask = redis::pipe();
        ask.atomic().hget(self.keys.of("state"), id.as_str());
        ask.cmd("HMGET").arg(self.keys.workflow(&id)).arg(&FIELDS);
        let (state, fields): (Option<String>, [Option<String>; 4]) = self.lines.pipeline(&ask).await?;
        let [Some(number), class, reserved_for, principal] = fields else { return Ok(None) };
        // One without a state is in no place, which is found.
        let state = State::read_found(&id, state.as_deref())?.unwrap_or_default();
        Ok(Some(Kept {
            id,
            number,
            head: state.head.seq.value(),
            bytes: state.bytes,
            status: state.status,
            place: state.place,
            class: class.unwrap_or_default(),
            reserved_for: reserved_for.unwrap_or_default(),
            principal: Principal::named(&principal.unwrap_or_default()),
        }))
    }

    /// It is in the index of its place and in no other.
    async fn check_place(&self, kept: &Kept, checked: &mut Checked) -> Result<(), StoreError> {
        let Kept { id, number, class, reserved_for, .. } = kept;
        let member = format!("{number}{id}");
        let queue = self.keys.of(&format!("queue:{class}:{reserved_for}"));
        let mut ask = redis::pipe();
        ask.atomic().hget(self.keys.of("state"), id.as_str());
        for (index, member) in [
            (queue, member.as_str()),
            (self.keys.of("delayed"), &member),
            (self.keys.of("leases"), &member),
            (self.keys.of("done"), &member),
            (self.keys.of("open"), id.as_str()),
        ] {
            ask.cmd("ZSCORE").arg(index).arg(member);
        }
        let (state, queued, delayed, leased, done, open): Standing = self.lines.pipeline(&ask).await?;
        let place = State::read_found(id, state.as_deref())?.map(|state| state.place);
        let found = [queued, delayed, leased, done, open].map(|score| score.is_some());
        let agrees = match place.as_deref() {
            Some("r") => found == [true, false, false, false, true],
            Some("d") => found == [false, true, false, false, true],
            // A late one has been put into the queue.
            Some("l") => found == [false, false, true, false, true] || found == [true, false, false, false, true],
            Some("w") => found == [false, false, false, false, true],
            Some("f") => found == [false, false, false, true, false],
            // Deleted meanwhile.
            None => true,
            Some(_) => false,
        };
        // Repair may have freed it of its reservation between the two questions.
        if !agrees && self.kept(id.clone()).await?.is_some_and(|now| now.reserved_for == *reserved_for) {
            let place = place.unwrap_or_default();
            checked.find(format!(
                "workflow {id} is in place {place:?}, and its being in queue, delayed, leases, done, open is {found:?}"
            ));
        }
        Ok(())
    }

    /// A log from 1 to its head, without a gap, in the order of the feed, readable, and with every blob it names.
    async fn check_log(&self, kept: &Kept, checked: &mut Checked) -> Result<(), StoreError> {
        let id = &kept.id;
        let (mut last, mut position, mut bytes) = (0, 0, 0);
        while last < kept.head && !checked.is_full() {
            let mut ask = redis::pipe();
            self.ask_entries(&mut ask, id, Seq::new(last), 64);
            let (raw,): (Vec<Raw>,) = self.lines.pipeline(&ask).await?;
            if raw.is_empty() {
                if self.kept(id.clone()).await?.is_some_and(|now| now.number == kept.number) {
                    checked.find(format!("workflow {id} is said to be at {}, its log ends at {last}", kept.head));
                }
                return Ok(());
            }
            for entry in raw {
                let stored = Stored::read(entry)?;
                if stored.last > kept.head {
                    return Ok(());
                }
                let (end, count) = (stored.last, stored.count);
                if end.checked_sub(count) != Some(last) {
                    checked.find(format!("workflow {id} has {count} records up to {end} after record {last}"));
                }
                if stored.position <= position {
                    checked.find(format!("workflow {id} has record {end} at a position before that of record {last}"));
                }
                (last, position) = (end, stored.position);
                match self.text_of(&stored).await? {
                    Some(text) => {
                        bytes += text.len() as u64;
                        self.check_records(kept, &stored, &text, checked).await?;
                    }
                    None => checked.find(format!("the text of record {end} of {id} is not there")),
                }
            }
        }
        if bytes != kept.bytes && !checked.is_full() {
            checked.find(format!("the log of workflow {id} has {bytes} bytes, {} are counted", kept.bytes));
        }
        Ok(())
    }

    async fn check_records(
        &self,
        kept: &Kept,
        stored: &Stored,
        text: &str,
        checked: &mut Checked,
    ) -> Result<(), StoreError> {
        let id = &kept.id;
        let mut lines = Lines::of(text);
        for seq in stored.last.saturating_sub(stored.count) + 1..=stored.last {
            match lines.read(|| format!("record {seq} of {id}")) {
                Ok((record, _)) => {
                    checked.records += 1;
                    for sha256 in named_blobs([&*record]) {
                        let mut ask = redis::cmd("EXISTS");
                        if !self.lines.command::<bool>(ask.arg(self.keys.blob(&kept.principal, &sha256))).await? {
                            checked.find(format!("record {seq} of {id} names blob {sha256}, which is not there"));
                        }
                    }
                }
                Err(error) => {
                    checked.find(error.to_string());
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn check_blobs(&self, checked: &mut Checked) -> Result<(), StoreError> {
        let mut ask = redis::cmd("ZRANGE");
        let tenants: Vec<String> = self.lines.command(ask.arg(self.keys.of("tenants")).arg(0).arg(-1)).await?;
        for tenant in tenants.iter().map(|name| Principal::named(name)) {
            let mut from = 0;
            loop {
                let mut ask = redis::cmd("ZRANGE");
                ask.arg(self.keys.of(&format!("used:{}", tenant.as_str()))).arg(from).arg(from + PAGE_MAX - 1);
                let digests: Vec<String> = self.lines.command(&ask).await?;
                from += digests.len();
                for text in &digests {
                    if checked.is_full() {
                        return Ok(());
                    }
                    let sha256: Digest = text.parse().map_err(|_| unreadable("a digest", text))?;
                    match self.blob(&tenant, &sha256).await {
                        // Noted, and its bytes never came: nobody was told that it is kept.
                        Ok(None) => {}
                        Ok(Some(_)) => checked.blobs += 1,
                        Err(StoreError::Unreadable(said)) => checked.find(format!("of {}: {said}", tenant.as_str())),
                        Err(error) => return Err(error),
                    }
                }
                if digests.len() < PAGE_MAX {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// A place, and the scores in five indexes.
type Standing = (Option<String>, Option<f64>, Option<f64>, Option<f64>, Option<f64>, Option<f64>);
