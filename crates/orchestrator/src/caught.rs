//! Panics of parts that are not ours, kept away from who awaits them.

use std::{
    any::Any,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
};

/// What a panic carried.
pub(crate) type Panic = Box<dyn Any + Send>;

/// Awaits a future; a panic in it is an error. Dropping this drops it.
///
/// A future that panicked is never polled again, so what it left half done is seen by nobody.
pub(crate) async fn caught<T>(future: impl Future<Output = T>) -> Result<T, Panic> {
    let mut future = pin!(future);
    poll_fn(|context| match caught_now(|| future.as_mut().poll(context)) {
        Ok(polled) => polled.map(Ok),
        Err(panic) => Err(panic).into(),
    })
    .await
}

/// Calls a function; a panic in it is an error. What it left half done must be seen by nobody.
pub(crate) fn caught_now<T>(call: impl FnOnce() -> T) -> Result<T, Panic> {
    catch_unwind(AssertUnwindSafe(call))
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}
