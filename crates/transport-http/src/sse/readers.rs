//! What a stream reads: one workflow or several, each from its own place on. Owns whose turn it is.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_core::Stream;
use mcp_orchestrator_domain::WorkflowId;
use mcp_orchestrator_streaming::{Cursor, StreamError};

use super::place::{Place, short};

/// What a workflow says: an event with its place, or a piece of text that has none.
#[derive(Debug)]
pub(crate) enum Told {
    Event { id: Cursor, name: &'static str, json: Bytes },
    Delta(Bytes),
}

/// A workflow's stream.
pub(crate) type Source = Pin<Box<dyn Stream<Item = Result<Told, StreamError>> + Send>>;

/// The workflows a stream reads.
pub(crate) struct Readers {
    readers: Vec<Reader>,
    /// Whether ids tell places in several workflows, also when there is only one.
    are_many: bool,
    turn: usize,
}

struct Reader {
    workflow: WorkflowId,
    short: String,
    cursor: Cursor,
    /// `None` once nothing follows.
    source: Option<Source>,
}

impl Readers {
    /// One workflow.
    pub(crate) fn one(workflow: WorkflowId, cursor: Cursor, source: Source) -> Self {
        Self { readers: vec![Reader::new(workflow, cursor, source)], are_many: false, turn: 0 }
    }

    /// Several workflows, read in turn.
    pub(crate) fn many(sources: impl IntoIterator<Item = (WorkflowId, Cursor, Source)>) -> Self {
        let readers = sources.into_iter().map(|(workflow, cursor, source)| Reader::new(workflow, cursor, source));
        Self { readers: readers.collect(), are_many: true, turn: 0 }
    }

    /// What is told next, and of which workflow; `None` when every workflow has had its last word.
    pub(super) fn poll_told(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<(WorkflowId, Result<Told, StreamError>)>> {
        let count = self.readers.len();
        let mut are_over = true;
        for step in 0..count {
            let at = (self.turn + step) % count;
            let Some(reader) = self.readers.get_mut(at) else { continue };
            let Some(source) = reader.source.as_mut() else { continue };
            are_over = false;
            match source.as_mut().poll_next(context) {
                Poll::Pending => {}
                Poll::Ready(None) => {
                    reader.source = None;
                    return self.poll_told(context);
                }
                Poll::Ready(Some(told)) => {
                    match &told {
                        Ok(Told::Event { id, .. }) => reader.cursor = *id,
                        Ok(Told::Delta(_)) => {}
                        Err(_) => reader.source = None,
                    }
                    let workflow = reader.workflow.clone();
                    self.turn = at + 1;
                    return Poll::Ready(Some((workflow, told)));
                }
            }
        }
        if are_over { Poll::Ready(None) } else { Poll::Pending }
    }

    /// The place after what was told last: the id a client hands back.
    pub(super) fn place(&self) -> String {
        match self.readers.as_slice() {
            [one] if !self.are_many => one.cursor.to_string(),
            many => Place::text(many.iter().map(|reader| (reader.short.as_str(), reader.cursor))),
        }
    }

    /// Ends every workflow's stream; those that still had something to say.
    pub(super) fn close(&mut self) -> Vec<(WorkflowId, Cursor)> {
        let open = self.readers.iter_mut().filter_map(|reader| reader.source.take().map(|_| &*reader));
        open.map(|reader| (reader.workflow.clone(), reader.cursor)).collect()
    }
}

impl Reader {
    fn new(workflow: WorkflowId, cursor: Cursor, source: Source) -> Self {
        Self { short: short(&workflow), workflow, cursor, source: Some(source) }
    }
}
