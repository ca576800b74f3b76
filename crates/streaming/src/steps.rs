//! A stream out of an asynchronous function that hands its state on. Owns the polling; knows nothing of logs.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;

/// Calls a function with its own last state again and again, until it answers `None`; then the stream has ended for
/// good. Dropping it drops the call under way.
pub(crate) struct Steps<S, F, Call> {
    /// The state between two calls.
    idle: Option<S>,
    step: F,
    /// The call under way. One allocation serves all.
    call: Pin<Box<Option<Call>>>,
}

impl<S, F, Call> Steps<S, F, Call> {
    pub(crate) fn new(state: S, step: F) -> Self {
        Self { idle: Some(state), step, call: Box::pin(None) }
    }
}

impl<S, F, Call, T> Stream for Steps<S, F, Call>
where
    S: Unpin,
    F: FnMut(S) -> Call + Unpin,
    Call: Future<Output = Option<(T, S)>>,
{
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let this = self.get_mut();
        if let Some(state) = this.idle.take() {
            this.call.set(Some((this.step)(state)));
        }
        let Some(call) = this.call.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        let answer = ready!(call.poll(context));
        this.call.set(None);
        Poll::Ready(answer.map(|(item, state)| {
            this.idle = Some(state);
            item
        }))
    }
}
