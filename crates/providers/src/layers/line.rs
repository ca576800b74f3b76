//! A line of callers: who came first goes first. Owns places, who is at the head, and the places of those who were sent away;
//! knows not what they wait for.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

/// For how long after he was to come again somebody's place is kept.
const KEPT: Duration = Duration::from_secs(60);

/// How often those who never came again are looked for.
const FORGET_EVERY: Duration = Duration::from_secs(1);

/// Callers in the order of their tickets. One at a time is at the head, which he gives up by leaving.
///
/// Who is sent away and comes again under the same name has his old ticket: he stands before all who came after it.
#[derive(Default)]
pub(super) struct Line(Mutex<State>);

#[derive(Default)]
struct State {
    next: u64,
    head: Option<u64>,
    waiting: BTreeMap<u64, Arc<Notify>>,
    away: HashMap<String, Away>,
    forgot: Option<Instant>,
}

/// Somebody who was sent away and may come again.
struct Away {
    ticket: u64,
    until: Instant,
}

/// A place in a line; given up when dropped.
pub(super) struct Place<'a> {
    line: &'a Line,
    name: &'a str,
    ticket: u64,
    called: Arc<Notify>,
}

impl Line {
    /// A place at the end, or the old one of this name; `None` when so many wait already.
    pub(super) fn enter<'a>(&'a self, name: &'a str, most: usize) -> Option<Place<'a>> {
        let mut state = self.state();
        if state.waiting.len() >= most {
            return None;
        }
        let old = state.away.remove(name).map(|away| away.ticket);
        let ticket = old.unwrap_or_else(|| {
            state.next += 1;
            state.next
        });
        let called = Arc::new(Notify::new());
        state.waiting.insert(ticket, Arc::clone(&called));
        state.call_next();
        Some(Place { line: self, name, ticket, called })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    /// Waits for the head of the line.
    pub(super) async fn is_head(&self) {
        while self.line.state().head != Some(self.ticket) {
            self.called.notified().await;
        }
    }

    /// How many of those who wait go first.
    pub(super) fn ahead(&self) -> usize {
        let state = self.line.state();
        if state.head == Some(self.ticket) {
            return 0;
        }
        let waiting = match state.waiting.last_key_value() {
            Some((last, _)) if *last == self.ticket => state.waiting.len() - 1,
            _ => state.waiting.range(..self.ticket).count(),
        };
        let is_overtaken_by_head = state.head.is_some_and(|head| head > self.ticket);
        waiting + usize::from(is_overtaken_by_head)
    }

    /// The same, with those who were sent away and have the right to go first when they come again.
    pub(super) fn ahead_in_all(&self, now: Instant) -> usize {
        let away = self.line.state().away.values().filter(|away| away.ticket < self.ticket && away.until > now).count();
        away + self.ahead()
    }

    /// Leaves, to come again after a while and stand here. At most so many such places are kept.
    pub(super) fn leave_for(self, pause: Duration, most: usize, now: Instant) {
        let mut state = self.line.state();
        if state.forgot.is_none_or(|forgot| now.saturating_duration_since(forgot) >= FORGET_EVERY) {
            state.forgot = Some(now);
            state.away.retain(|_, away| away.until > now);
        }
        if state.away.len() < most {
            let until = now.checked_add(pause.saturating_add(KEPT)).unwrap_or(now);
            state.away.insert(self.name.to_owned(), Away { ticket: self.ticket, until });
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.line.state();
        state.waiting.remove(&self.ticket);
        if state.head == Some(self.ticket) {
            state.head = None;
            state.call_next();
        }
    }
}

impl State {
    /// Calls the first of those who wait to the head, if nobody is there.
    fn call_next(&mut self) {
        if self.head.is_none()
            && let Some((ticket, called)) = self.waiting.first_key_value()
        {
            self.head = Some(*ticket);
            called.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(line: &Line) -> Option<u64> {
        line.state().head
    }

    #[test]
    fn whoever_was_sent_away_stands_where_he_stood_when_he_comes_again() {
        let (line, now) = (Line::default(), Instant::now());
        let one = line.enter("one", 10).unwrap();
        let two = line.enter("two", 10).unwrap();
        let three = line.enter("three", 10).unwrap();
        assert_eq!((one.ahead(), two.ahead(), three.ahead()), (0, 1, 2));
        two.leave_for(Duration::from_secs(5), 10, now);
        let four = line.enter("four", 10).unwrap();
        assert_eq!((four.ahead(), four.ahead_in_all(now)), (2, 3));
        let two = line.enter("two", 10).unwrap();
        assert_eq!((two.ahead(), three.ahead(), four.ahead()), (1, 2, 3));
        drop(one);
        assert_eq!(head(&line), Some(two.ticket));
    }

    #[test]
    fn nobody_is_called_away_from_the_head() {
        let (line, now) = (Line::default(), Instant::now());
        line.enter("one", 10).unwrap().leave_for(Duration::ZERO, 10, now);
        let two = line.enter("two", 10).unwrap();
        let one = line.enter("one", 10).unwrap();
        assert_eq!((head(&line), one.ahead(), two.ahead()), (Some(two.ticket), 1, 0));
        drop(two);
        assert_eq!((head(&line), one.ahead()), (Some(one.ticket), 0));
    }

    #[test]
    fn places_are_kept_for_a_while_and_only_so_many() {
        let (line, now) = (Line::default(), Instant::now());
        for name in ["one", "two", "three"] {
            line.enter(name, 10).unwrap().leave_for(Duration::from_secs(1), 2, now);
        }
        assert_eq!(line.state().away.len(), 2);
        assert!(line.enter("four", 0).is_none(), "there is no room");
        let later = now + Duration::from_secs(61);
        assert_eq!(line.enter("four", 10).unwrap().ahead_in_all(later), 0);
        line.enter("four", 10).unwrap().leave_for(Duration::ZERO, 2, later);
        assert_eq!(line.state().away.len(), 1);
    }
}
