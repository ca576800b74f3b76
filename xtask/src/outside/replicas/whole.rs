//! Whether a stream is whole: what may be said of its events without the log. Asks nobody.

use anyhow::{Context as _, ensure};

use super::client::Told;

/// Whether these are the events of a workflow from its beginning to its end, each once and in order.
pub(super) fn is_whole(events: &[Told]) -> anyhow::Result<()> {
    let mut before = None;
    for told in events.iter().filter(|told| told.name != "stream_closed") {
        let place = place(&told.id).with_context(|| format!("{:?} is no id", told.id))?;
        ensure!(before < Some(place), "{} comes twice or too late", told.id);
        // Of a record with several events all but the last count on from the record before.
        let (_, seq, n) = place;
        let is_next = match before {
            Some((_, was, last)) if last > 0 => (seq, n) == (was, last + 1) || (seq, n) == (was + 1, 0),
            _ => n <= 1,
        };
        ensure!(is_next, "an event before {} is missing", told.id);
        before = Some(place);
    }
    let names: Vec<&str> = events.iter().map(|told| told.name.as_str()).collect();
    ensure!(names.first() == Some(&"workflow_start"), "it begins with {:?}", names.first());
    ensure!(names.iter().filter(|name| **name == "workflow_complete").count() == 1, "{names:?}");
    let last = events.last().context("nothing came")?;
    ensure!(last.name == "stream_closed" && last.data["data"]["reason"] == "ended", "it ends with {last:?}");
    Ok(())
}

/// Epoch, record and place in the record of an id.
fn place(id: &str) -> Option<(u64, u64, u64)> {
    let mut parts = id.split('-').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??, parts.next()??))
}

/// The first event in which two streams differ.
pub(super) fn difference(one: &[Told], other: &[Told]) -> String {
    let at = one.iter().zip(other).position(|(one, other)| one != other).unwrap_or_else(|| one.len().min(other.len()));
    format!("event {at} is {:?} and {:?}", one.get(at), other.get(at))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(id: &str, name: &str, reason: &str) -> Told {
        Told { id: id.to_owned(), name: name.to_owned(), data: json!({ "data": { "reason": reason } }) }
    }

    #[test]
    fn a_stream_with_a_hole_a_repetition_or_no_end_is_not_whole() {
        let whole = [
            told("0-1-0", "workflow_start", ""),
            told("0-3-1", "agent_complete", ""),
            told("0-4-0", "synthesis_start", ""),
            told("0-9-0", "workflow_complete", ""),
            told("0-9-0", "stream_closed", "ended"),
        ];
        is_whole(&whole).unwrap();
        for gone in [0, 2, 3, 4] {
            let rest: Vec<Told> =
                whole.iter().enumerate().filter(|(at, _)| *at != gone).map(|(_, told)| told.clone()).collect();
            assert!(is_whole(&rest).is_err(), "without {gone}");
        }
        let again: Vec<Told> = [0, 1, 1, 2, 3, 4].map(|at: usize| whole[at].clone()).into();
        assert!(is_whole(&again).is_err());
        let mut shut = whole;
        shut[4] = told("0-9-0", "stream_closed", "shutdown");
        assert!(is_whole(&shut).is_err());
    }
}
