//! Logs in Redis: creating, appending, reading, the order over all of them. Owns what the scripts are given and how
//! entries are read back; the checks are the scripts'.

use mcp_orchestrator_domain::{Seq, WorkflowId};
use redis::Pipeline;

use super::{
    RedisStore,
    appends::Ready,
    keys,
    scripts::CREATE,
    state::{State, mark},
};
use crate::{
    Append, AppendError, Change, Created, FeedEntry, FeedPosition, Head, Lineage, NewWorkflow, PAGE_MAX, Page,
    StoreError,
    codec::{Encoded, Shown, json_text},
    entry::{Entry, PAGE_BYTES_MAX},
    references::named_blobs,
};

/// Entries asked for at once: with large texts kept aside, eight megabytes at most.
const ENTRIES_AT_ONCE: usize = 256;

/// Entries of the feed asked for at once, each of up to as many appends as went together.
const FEED_AT_ONCE: usize = 32;

/// An entry of a stream as it comes: its id, names and values.
pub(super) type Raw = (String, Vec<Vec<u8>>);

/// An entry of a log, its text still aside if it is large.
pub(super) struct Stored {
    pub(super) last: u64,
    pub(super) position: u64,
    pub(super) count: u64,
    text: Option<String>,
}

impl RedisStore {
    pub(super) async fn do_create(&self, new: NewWorkflow) -> Result<Created, StoreError> {
        let records = Encoded::new(&new.records)?;
        let needs = json_text(&new.needs)?;
        let blobs = named_blobs(new.records.iter().map(AsRef::as_ref));
        let shown = Shown::new(new.summary)?;
        let idempotency = new.idempotency.as_ref().map(|given| self.keys.idempotency(&new.principal, &given.key));
        let (meta, workflow, log) = (self.keys.meta(), self.keys.workflow(&new.id), self.keys.log(&new.id));
        let names = [Some(&meta), Some(&workflow), Some(&log), idempotency.as_ref()];
        let names: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
        let mut call = self
            .lines
            .call(&CREATE, &names)
            .arg(self.listener.origin())
            .arg(new.id.as_str())
            .arg(records.count())
            .arg(entry(&records, 0))
            .arg(shown.status)
            .arg(&shown.text[..])
            .arg(&*shown.title)
            .arg(&*shown.task)
            .arg(new.principal.as_str())
            .arg(new.pattern.as_str())
            .arg(new.priority)
            .arg(keys::class(&needs))
            .arg(&needs[..])
            .arg(new.reserved_for.as_ref().map_or("", |worker| &*worker.0))
            .arg(new.idempotency.as_ref().map_or_else(String::new, |given| given.body.to_string()))
            .arg(new.queue_max.map_or_else(String::new, |most| most.to_string()))
            .arg(mark(&shown.title, &shown.task));
        for digest in blobs {
            call = call.arg(digest.to_string());
        }
        let answer: Vec<String> = self.lines.run(call).await?;
        let told = |place: usize| answer.get(place).map(String::as_str).unwrap_or_default();
        match told(0) {
            "new" => {
                let head = Seq::new(number(told(1))?);
                self.tell_appended(&new.id, head);
                self.hints.wake();
                Ok(Created::New(head))
            }
            "existing" => Ok(Created::Existing(workflow_id(told(1))?)),
            "mismatch" => Err(StoreError::IdempotencyMismatch),
            "exists" => Err(StoreError::Exists),
            "queue" => {
                Err(StoreError::QueueFull { queued: number(told(1))?, queue_max: new.queue_max.unwrap_or_default() })
            }
            other => Err(unreadable("the answer to a creation", other)),
        }
    }

    pub(super) async fn do_append(&self, append: Append) -> Result<Head, AppendError> {
        self.appends.append(Ready::new(&self.keys, append)?).await
    }

    pub(super) async fn page(&self, id: &WorkflowId, after: Seq, max: usize) -> Result<Page, StoreError> {
        let max = max.min(PAGE_MAX);
        let mut page = Page::default();
        // The entry of the record after which is read comes first, and with it that record's lineage.
        let mut from = Seq::new(after.value().saturating_sub(1));
        let mut bytes = 0;
        loop {
            let mut ask = redis::pipe();
            self.ask_entries(&mut ask, id, from, (max - page.records.len() + 1).clamp(1, ENTRIES_AT_ONCE));
            // After the entries, so that it is never before the last of them.
            ask.hget(self.keys.of("state"), id.as_str());
            let (raw, state): (Vec<Raw>, Option<String>) = self.lines.pipeline(&ask).await?;
            let Some(state) = State::read_found(id, state.as_deref())? else { return Ok(Page::default()) };
            page.head = state.head.seq;
            let more = raw.len() >= ENTRIES_AT_ONCE;
            for entry in raw {
                let stored = Stored::read(entry)?;
                from = Seq::new(stored.last);
                if stored.has(after) {
                    page.before = stored.lineage(after);
                }
                if from <= after {
                    continue;
                }
                let Some(text) = self.text_of(&stored).await? else { return self.without_text(id, &stored).await };
                let mut entry = Entry::new(id, stored.last, stored.count, &text);
                while page.records.len() < max
                    && bytes < PAGE_BYTES_MAX
                    && let Some((recorded, size)) = entry.next_after(after)?
                {
                    if recorded.seq.value() != after.value() + page.records.len() as u64 + 1 {
                        let why =
                            format!("record {} follows {}", recorded.seq, after.value() + page.records.len() as u64);
                        return Err(StoreError::Unreadable(format!("the log of {id} has a gap: {why}")));
                    }
                    bytes += size;
                    page.lineages.push(stored.lineage(recorded.seq));
                    page.records.push(recorded);
                }
                if page.records.len() >= max || bytes >= PAGE_BYTES_MAX {
                    return Ok(page);
                }
            }
            if !more {
                return Ok(page);
            }
        }
    }

    pub(super) async fn heads_of(&self, ids: &[WorkflowId]) -> Result<Vec<Head>, StoreError> {
        let mut heads = Vec::with_capacity(ids.len());
        for some in ids.chunks(PAGE_MAX) {
            let mut ask = redis::cmd("HMGET");
            ask.arg(self.keys.of("state"));
            for id in some {
                ask.arg(id.as_str());
            }
            let found: Vec<Option<String>> = self.lines.command(&ask).await?;
            for (id, text) in some.iter().zip(found) {
                let nowhere = Head { seq: Seq::ZERO, lineage: Lineage(0) };
                heads.push(State::read_found(id, text.as_deref())?.map_or(nowhere, |state| state.head));
            }
        }
        Ok(heads)
    }

    pub(super) async fn feed_page(&self, after: FeedPosition, max: usize) -> Result<Vec<FeedEntry>, StoreError> {
        let max = max.min(PAGE_MAX);
        let (mut entries, mut bytes, mut from) = (Vec::new(), 0, after.0);
        loop {
            let slots = self.slots(from, max - entries.len()).await?;
            let Some(last) = slots.last() else { return Ok(entries) };
            from = last.position;
            for slots in slots.chunks(ENTRIES_AT_ONCE) {
                let mut ask = redis::pipe();
                for slot in slots {
                    let exact = format!("{}-{}", slot.seq, slot.position);
                    ask.cmd("XRANGE").arg(self.keys.log(&slot.id)).arg(&exact).arg(&exact);
                }
                let found: Vec<Vec<Raw>> = self.lines.pipeline(&ask).await?;
                for (slot, mut raw) in slots.iter().zip(found) {
                    // A workflow that was deleted leaves its slots behind for a while.
                    let Some(stored) = raw.pop().map(Stored::read).transpose()? else { continue };
                    let Some(text) = self.text_of(&stored).await? else { continue };
                    let mut entry = Entry::new(&slot.id, stored.last, stored.count, &text);
                    // Positions and numbers of one append grow together.
                    let ahead = slot.position.saturating_sub(stored.last);
                    let after = Seq::new(after.0.saturating_sub(ahead));
                    while let Some((recorded, size)) = entry.next_after(after)? {
                        bytes += size;
                        let position = FeedPosition(ahead + recorded.seq.value());
                        entries.push(FeedEntry { position, id: slot.id.clone(), recorded });
                        if entries.len() >= max || bytes >= PAGE_BYTES_MAX {
                            return Ok(entries);
                        }
                    }
                }
            }
        }
    }

    /// Where the next appends after a position are, of all logs.
    async fn slots(&self, after: u64, wanted: usize) -> Result<Vec<Slot>, StoreError> {
        let Some(next) = after.checked_add(1).filter(|_| wanted > 0) else { return Ok(Vec::new()) };
        let mut ask = redis::cmd("XRANGE");
        ask.arg(self.keys.of("feed")).arg(format!("{next}-0")).arg("+").arg("COUNT").arg(wanted.min(FEED_AT_ONCE));
        let entries: Vec<(String, Vec<(String, String)>)> = self.lines.command(&ask).await?;
        let slots = entries.iter().flat_map(|(_, slots)| slots).map(Slot::read);
        slots.filter(|slot| slot.as_ref().map_or(true, |slot| slot.position > after)).take(wanted).collect()
    }

    fn tell_appended(&self, id: &WorkflowId, head: Seq) {
        if self.hints.watched() {
            self.hints.tell(Change::Appended(id.clone(), head));
        }
    }

    /// Entries that end after a number.
    pub(super) fn ask_entries(&self, ask: &mut Pipeline, id: &WorkflowId, after: Seq, count: usize) {
        let from = after.value().saturating_add(1);
        ask.cmd("XRANGE").arg(self.keys.log(id)).arg(format!("{from}-0")).arg("+").arg("COUNT").arg(count);
    }

    /// A log whose text is gone is one that was deleted meanwhile, or broken.
    async fn without_text(&self, id: &WorkflowId, stored: &Stored) -> Result<Page, StoreError> {
        let exact = format!("{}-{}", stored.last, stored.position);
        let mut ask = redis::cmd("XRANGE");
        ask.arg(self.keys.log(id)).arg(&exact).arg(&exact);
        let still: Vec<Raw> = self.lines.command(&ask).await?;
        if still.is_empty() { Ok(Page::default()) } else { Err(unreadable("the text of an entry is missing", &exact)) }
    }

    /// `None`: its workflow is being deleted.
    pub(super) async fn text_of<'a>(
        &self,
        stored: &'a Stored,
    ) -> Result<Option<std::borrow::Cow<'a, str>>, StoreError> {
        if let Some(text) = &stored.text {
            return Ok(Some(text.as_str().into()));
        }
        let text: Option<String> = self.lines.command(&redis::Cmd::get(self.keys.large(stored.position))).await?;
        Ok(text.map(Into::into))
    }
}

impl Stored {
    fn has(&self, seq: Seq) -> bool {
        seq > Seq::ZERO && seq.value() <= self.last && self.last - seq.value() < self.count
    }

    /// The position of a record in the order over all logs: it is given once, also over a failover.
    fn lineage(&self, seq: Seq) -> Lineage {
        Lineage(self.position.saturating_sub(self.last.saturating_sub(seq.value())))
    }

    pub(super) fn read((id, fields): Raw) -> Result<Self, StoreError> {
        let (last, position) = split(&id)?;
        let broken = || unreadable("an entry", &id);
        let [_, entry] = <[Vec<u8>; 2]>::try_from(fields).map_err(|_| broken())?;
        let mut header = String::from_utf8(entry).map_err(|_| broken())?;
        let text = header.find('\n').map(|end| {
            let text = header.split_off(end + 1);
            header.pop();
            text
        });
        let count = number(header.split(' ').next().unwrap_or_default())?;
        if count == 0 {
            return Err(broken());
        }
        Ok(Self { last, position, count, text })
    }
}

/// What the log keeps of an append: how many records, which append, and their text.
pub(super) fn entry(records: &Encoded, append_id: u128) -> Vec<u8> {
    let mut entry = format!("{} {append_id:032x}\n", records.count()).into_bytes();
    entry.extend_from_slice(records.text());
    entry
}

/// An append's place in the feed.
struct Slot {
    position: u64,
    id: WorkflowId,
    seq: u64,
}

impl Slot {
    fn read((position, place): &(String, String)) -> Result<Self, StoreError> {
        let (seq, id) = place.split_once(' ').ok_or_else(|| unreadable("a place in the feed", place))?;
        Ok(Self { position: number(position)?, id: workflow_id(id)?, seq: number(seq)? })
    }
}

/// An id we once wrote.
pub(super) fn workflow_id(text: &str) -> Result<WorkflowId, StoreError> {
    WorkflowId::new(text).map_err(|error| StoreError::Unreadable(error.to_string()))
}

/// A number we once wrote.
pub(super) fn number(text: &str) -> Result<u64, StoreError> {
    text.parse().map_err(|_| unreadable("a number", text))
}

pub(super) fn unreadable(what: &str, found: &str) -> StoreError {
    StoreError::Unreadable(format!("{what}: {found:?}"))
}

fn split(id: &str) -> Result<(u64, u64), StoreError> {
    let (ms, seq) = id.split_once('-').ok_or_else(|| unreadable("the id of an entry", id))?;
    Ok((number(ms)?, number(seq)?))
}
