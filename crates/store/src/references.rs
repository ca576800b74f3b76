//! Which blobs a record names. Owns the one list of places; a new persisted shape that holds a digest belongs here.

use mcp_orchestrator_domain::{Digest, Event, Payload, Record};

/// The blobs named by some records, each once, in no particular order. Empty for nearly all.
#[must_use]
pub fn named_blobs<'a>(records: impl IntoIterator<Item = &'a Record>) -> Vec<Digest> {
    let mut digests = Vec::new();
    for record in records {
        collect(&record.event, &mut digests);
    }
    digests.sort_unstable();
    digests.dedup();
    digests
}

fn collect(event: &Event, digests: &mut Vec<Digest>) {
    let mut payload = |payload: &Payload| {
        if let Payload::Blob(blob) = payload {
            digests.push(blob.sha256);
        }
    };
    match event {
        Event::CallCompleted(completed) => {
            payload(&completed.output);
            digests.extend(completed.evidence.iter().map(|span| span.snapshot));
        }
        Event::ReportChecked(checked) => payload(&checked.report),
        Event::DocumentsWritten(written) => digests.extend(written.documents.iter().map(|file| file.blob.sha256)),
        Event::Submitted(submitted) => {
            digests.extend(submitted.request.images.iter().map(|image| image.blob.sha256));
        }
        Event::Forked(_)
        | Event::Started(_)
        | Event::StepPlanned(_)
        | Event::CallStarted(_)
        | Event::CallFailed(_)
        | Event::CallAbandoned(_)
        | Event::StepCompleted(_)
        | Event::StepFailed(_)
        | Event::InputRequested(_)
        | Event::InputGiven(_)
        | Event::TimerFired(_)
        | Event::Poisoned(_)
        | Event::Revived(_)
        | Event::CancelRequested(_)
        | Event::Completed(_)
        | Event::Failed(_)
        | Event::Cancelled(_) => {}
    }
}
