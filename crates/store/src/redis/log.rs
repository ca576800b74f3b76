//! Logs in Redis: creating, appending, reading, the order over all of them. Owns what the scripts are given and how
//! entries are read back; the checks are the scripts'.

use std::cmp::Ordering;

use mcp_orchestrator_domain::{Seq, WorkflowId};
use redis::Pipeline;

use super::{
    RedisStore, keys,
    lines::ms,
    scripts::{APPEND, CREATE},
};
use crate::{
    After, Append, AppendError, Change, Created, FeedEntry, FeedPosition, Head, Lineage, NewWorkflow, PAGE_MAX, Page,
    StoreError, Writer,
    codec::{Encoded, Shown, json_text},
    entry::{Entry, PAGE_BYTES_MAX},
    references::named_blobs,
    rules::is_progress,
};

/// Entries asked for at once: with large texts kept aside, eight megabytes at most.
const ENTRIES_AT_ONCE: usize = 256;

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
        let feed = self.keys.of("feed");
        let names = [Some(&meta), Some(&workflow), Some(&log), Some(&feed), idempotency.as_ref()];
        let names: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
        let mut call = self
            .lines
            .call(&CREATE, &names)
            .arg(self.listener.origin())
            .arg(new.id.as_str())
            .arg(records.count())
            .arg(records.text())
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
            .arg(new.queue_max.map_or_else(String::new, |most| most.to_string()));
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
        let records = Encoded::new(&append.records).map_err(|error| match error {
            StoreError::TooLarge { bytes, bytes_max } => AppendError::TooLarge { bytes, bytes_max },
            other => AppendError::Store(other),
        })?;
        let blobs = named_blobs(append.records.iter().map(AsRef::as_ref));
        let shown = Shown::new(append.summary)?;
        let id = &append.id;
        let (meta, workflow, log) = (self.keys.meta(), self.keys.workflow(id), self.keys.log(id));
        let feed = self.keys.of("feed");
        let (after, not_before) = match append.after {
            After::Keep => ("k", None),
            After::Requeue { not_before } => ("q", not_before),
            After::Wait => ("w", None),
            After::Finish => ("f", None),
        };
        let epoch = match append.writer {
            Writer::Owner(epoch) => epoch.0.to_string(),
            Writer::External => String::new(),
        };
        let mut call = self
            .lines
            .call(&APPEND, &[&meta, &workflow, &log, &feed])
            .arg(self.listener.origin())
            .arg(id.as_str())
            .arg(records.count())
            .arg(records.text())
            .arg(shown.status)
            .arg(&shown.text[..])
            .arg(&*shown.title)
            .arg(&*shown.task)
            .arg(append.expected.value())
            .arg(epoch)
            .arg(format!("{:032x}", append.append_id))
            .arg(after)
            .arg(not_before.map_or_else(String::new, ms))
            .arg(shown.finished.map_or_else(String::new, ms))
            .arg(if is_progress(&append.records) { "1" } else { "0" })
            .arg(if append.lineage == Lineage::UNKNOWN { String::new() } else { append.lineage.0.to_string() });
        for digest in blobs {
            call = call.arg(digest.to_string());
        }
        let answer: Vec<String> = self.lines.run(call).await?;
        let told = |place: usize| answer.get(place).map(String::as_str).unwrap_or_default();
        let head = || number(told(1)).map(Seq::new);
        match told(0) {
            // Of the one done before, the first try may have ended unheard.
            "ok" | "again" => {
                let head = Head { seq: head()?, lineage: Lineage(number(told(2))?) };
                self.tell_appended(id, head.seq);
                if told(3) == "W" {
                    self.hints.wake();
                }
                Ok(head)
            }
            "unknown" => Err(AppendError::Unknown),
            "terminal" => Err(AppendError::Terminal),
            "fenced" => Err(AppendError::Fenced),
            "regressed" => Err(AppendError::Regressed { head: head()? }),
            "conflict" => Err(AppendError::Conflict { head: head()? }),
            other => Err(unreadable("the answer to an append", other).into()),
        }
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
            ask.hget(self.keys.workflow(id), "h");
            let (raw, head): (Vec<Raw>, Option<u64>) = self.lines.pipeline(&ask).await?;
            let Some(head) = head else { return Ok(Page::default()) };
            page.head = Seq::new(head);
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
            let mut ask = redis::pipe();
            for id in some {
                ask.cmd("HMGET").arg(self.keys.workflow(id)).arg(&["h", "l"]);
            }
            let found: Vec<(Option<u64>, Option<u64>)> = self.lines.pipeline(&ask).await?;
            heads.extend(found.into_iter().map(|(head, lineage)| Head {
                seq: head.map_or(Seq::ZERO, Seq::new),
                lineage: Lineage(lineage.unwrap_or_default()),
            }));
        }
        Ok(heads)
    }

    pub(super) async fn feed_page(&self, after: FeedPosition, max: usize) -> Result<Vec<FeedEntry>, StoreError> {
        let max = max.min(PAGE_MAX);
        let (mut entries, mut bytes, mut from) = (Vec::new(), 0, after.0);
        while entries.len() < max && bytes < PAGE_BYTES_MAX {
            let Some(next) = from.checked_add(1) else { break };
            let wanted = (max - entries.len()).min(ENTRIES_AT_ONCE);
            let mut ask = redis::cmd("XRANGE");
            ask.arg(self.keys.of("feed")).arg(format!("{next}-0")).arg("+").arg("COUNT").arg(wanted);
            let slots: Vec<Raw> = self.lines.command(&ask).await?;
            if slots.is_empty() {
                break;
            }
            let slots: Vec<Slot> = slots.into_iter().map(Slot::read).collect::<Result<_, _>>()?;
            let mut ask = redis::pipe();
            for slot in &slots {
                let exact = format!("{}-{}", slot.seq, slot.position);
                ask.cmd("XRANGE").arg(self.keys.log(&slot.id)).arg(&exact).arg(&exact);
            }
            let found: Vec<Vec<Raw>> = self.lines.pipeline(&ask).await?;
            for (slot, mut raw) in slots.into_iter().zip(found) {
                from = slot.position;
                // A workflow that was deleted leaves its slots behind for a while.
                let Some(stored) = raw.pop().map(Stored::read).transpose()? else { continue };
                let Some(text) = self.text_of(&stored).await? else { continue };
                let mut entry = Entry::new(&slot.id, stored.last, stored.count, &text);
                // Positions and numbers of one append grow together.
                let ahead = slot.position.saturating_sub(stored.last);
                let after = Seq::new(after.0.saturating_sub(ahead));
                while entries.len() < max
                    && bytes < PAGE_BYTES_MAX
                    && let Some((recorded, size)) = entry.next_after(after)?
                {
                    bytes += size;
                    let position = FeedPosition(ahead + recorded.seq.value());
                    entries.push(FeedEntry { position, id: slot.id.clone(), recorded });
                }
                if entries.len() >= max || bytes >= PAGE_BYTES_MAX {
                    break;
                }
            }
        }
        Ok(entries)
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
        let mut stored = Self { last, position, count: 0, text: None };
        for pair in fields.chunks_exact(2) {
            let text = || String::from_utf8(pair[1].clone()).map_err(|_| unreadable("an entry", &id));
            match &*pair[0] {
                b"n" => stored.count = number(&text()?)?,
                b"d" => stored.text = Some(text()?),
                _ => {}
            }
        }
        match stored.count.cmp(&0) {
            Ordering::Greater => Ok(stored),
            Ordering::Equal | Ordering::Less => Err(unreadable("an entry", &id)),
        }
    }
}

/// An entry of the feed.
struct Slot {
    position: u64,
    id: WorkflowId,
    seq: u64,
}

impl Slot {
    fn read((entry, fields): Raw) -> Result<Self, StoreError> {
        let (position, _) = split(&entry)?;
        let text =
            |place: usize| fields.get(place).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
        Ok(Self { position, id: workflow_id(text(1))?, seq: number(text(3))? })
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
