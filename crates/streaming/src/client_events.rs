//! The two streams a bridge gives. Owns their types only; what they give is the reader's.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::Stream;

use crate::{ClientEvent, SentEvent, StreamError, StreamItem, reader::Reader};

/// The events of a workflow: the stream [`Bridge::events`](crate::Bridge::events) makes. An error is its last item.
#[must_use = "streams do nothing unless polled"]
pub struct ClientEvents {
    reader: Reader,
}

/// The events of a workflow and the text that is being written: the stream [`Bridge::watch`](crate::Bridge::watch) makes.
/// An error is its last item.
#[must_use = "streams do nothing unless polled"]
pub struct Watch {
    reader: Reader,
}

impl ClientEvents {
    pub(crate) const fn new(reader: Reader) -> Self {
        Self { reader }
    }
}

impl Watch {
    pub(crate) const fn new(reader: Reader) -> Self {
        Self { reader }
    }
}

impl Stream for ClientEvents {
    type Item = Result<ClientEvent, StreamError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let item = std::task::ready!(self.reader.poll(context));
            return Poll::Ready(match item {
                Some(Ok(StreamItem::Event(event))) => Some(Ok(own(event))),
                Some(Ok(StreamItem::Delta(_))) => continue,
                Some(Err(error)) => Some(Err(error)),
                None => None,
            });
        }
    }
}

impl Stream for Watch {
    type Item = Result<StreamItem, StreamError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.reader.poll(context)
    }
}

/// The event alone, copied only when others have it too.
fn own(event: Arc<SentEvent>) -> ClientEvent {
    Arc::try_unwrap(event).map_or_else(|shared| shared.event.clone(), |sent| sent.event)
}

impl fmt::Debug for ClientEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientEvents").finish_non_exhaustive()
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}
