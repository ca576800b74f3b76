//! Text of PDFs. Owns the guard around the parser: its own thread, a time limit, no panic gets out.

use std::{
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use mcp_orchestrator_domain::clean_line;

use super::{Extracted, SkipReason};

/// How long one file may take.
const PARSE_TIME_MAX: Duration = Duration::from_secs(20);
/// A deeply nested file must not overflow the stack.
const STACK_BYTES: usize = 32 << 20;
/// A thread cannot be killed. Once this many are stuck, no further PDF is begun.
const STUCK_MAX: usize = 4;

static STUCK: AtomicUsize = AtomicUsize::new(0);

pub(super) fn text(bytes: Vec<u8>) -> Result<Extracted, SkipReason> {
    if STUCK.load(Ordering::Relaxed) >= STUCK_MAX {
        return Err(SkipReason::TooSlow);
    }
    let (sender, receiver) = mpsc::sync_channel(1);
    let parser = thread::Builder::new()
        .name("pdf".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(move || {
            // The receiver is gone only when the time was up.
            let _ = sender.send(pdf_inspector::process_pdf_mem(&bytes));
        })
        .map_err(|_no_thread| SkipReason::Unreadable)?;
    match receiver.recv_timeout(PARSE_TIME_MAX) {
        Ok(Ok(parsed)) => {
            let title = parsed.title.map(|title| clean_line(&title, 200)).filter(|title| !title.is_empty());
            Ok(Extracted { text: parsed.markdown.unwrap_or_default(), title })
        }
        Ok(Err(_malformed)) => Err(SkipReason::Malformed),
        // It panicked: the sender was dropped unused. Joining takes the panic away.
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            drop(parser.join());
            Err(SkipReason::Malformed)
        }
        Err(mpsc::RecvTimeoutError::Timeout) => {
            STUCK.fetch_add(1, Ordering::Relaxed);
            Err(SkipReason::TooSlow)
        }
    }
}
