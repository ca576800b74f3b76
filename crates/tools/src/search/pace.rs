//! One service, asked politely: how fast, how many at once, and when not at all. Owns the line before each service; what
//! the service said is read elsewhere.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, sleep_until, timeout_at},
};

use super::{SearchError, refusal::PAUSE_MAX};

/// Searches that wait for one service at most; a further one is refused.
const WAITING_MAX: usize = 256;
/// The pause after a refusal that names none; doubled by each further one in a row.
const PAUSE_FIRST: Duration = Duration::from_secs(2);
/// The longest pause nobody asked for.
const PAUSE_UNASKED_MAX: Duration = Duration::from_secs(120);
/// The longest pause between two looks at a rate that others take from.
const LOOK_MAX: Duration = Duration::from_secs(5);

/// A place all processes can reach: where the rate and the pauses of each service are kept for all of them together.
///
/// When it cannot be reached, each process keeps to its own count: it answers as if nobody else were there.
#[async_trait]
pub trait SharedPace: Send + Sync + 'static {
    /// Takes one of the questions a minute allows, evenly spread: `None` when it was taken, else how long until it is
    /// worth asking again.
    async fn take(&self, service: &str, per_minute: u32) -> Option<Duration>;

    /// Says that nobody asks a service for so long.
    async fn park(&self, service: &str, pause: Duration);

    /// For how long nobody asks a service, if so.
    async fn parked(&self, service: &str) -> Option<Duration>;
}

/// The line before one service. Whoever came first goes first. Dropping a wait gives up the place.
pub(super) struct Pace {
    service: &'static str,
    per_minute: u32,
    state: Mutex<State>,
    /// The head of the line: whoever holds it is next. Tokio's semaphore is first come, first served.
    head: Semaphore,
    running: Semaphore,
    waiting: AtomicUsize,
    shared: Option<Arc<dyn SharedPace>>,
}

struct State {
    /// When the next question may go.
    next: Instant,
    /// Until when none may.
    parked: Instant,
    /// Refusals since the last answer.
    refusals: u32,
}

impl Pace {
    pub(super) fn new(
        service: &'static str,
        per_minute: u32,
        at_once: u32,
        shared: Option<Arc<dyn SharedPace>>,
    ) -> Self {
        let now = Instant::now();
        Self {
            service,
            per_minute: per_minute.max(1),
            state: Mutex::new(State { next: now, parked: now, refusals: 0 }),
            head: Semaphore::new(1),
            running: Semaphore::new(usize::try_from(at_once.max(1)).unwrap_or(1)),
            waiting: AtomicUsize::new(0),
            shared,
        }
    }

    /// Waits for permission to ask, until then at the latest. The permission ends when it is dropped.
    pub(super) async fn admitted(&self, until: Instant) -> Result<SemaphorePermit<'_>, SearchError> {
        let _place = Waiting::in_line(&self.waiting)
            .ok_or(SearchError::Full { service: self.service, waiting_max: WAITING_MAX })?;
        let head = timeout_at(until, self.head.acquire()).await;
        let Ok(Ok(_head)) = head else { return Err(self.parked_for(until)) };
        let running = timeout_at(until, self.running.acquire()).await;
        let Ok(Ok(running)) = running else { return Err(self.parked_for(until)) };
        if let Some(shared) = &self.shared
            && let Some(pause) = shared.parked(self.service).await
        {
            self.state().park(pause);
        }
        loop {
            let at = self.state().ready_at();
            match () {
                () if at <= Instant::now() => break,
                () if at > until => return Err(self.parked_for(at)),
                () => sleep_until(at).await,
            }
        }
        if let Some(shared) = &self.shared {
            while let Some(pause) = shared.take(self.service, self.per_minute).await {
                let at = Instant::now() + pause.min(LOOK_MAX);
                if at > until {
                    return Err(self.parked_for(at));
                }
                sleep_until(at).await;
            }
        }
        self.state().next = Instant::now() + Duration::from_mins(1) / self.per_minute;
        Ok(running)
    }

    /// The service answered.
    pub(super) fn answered(&self) {
        self.state().refusals = 0;
    }

    /// The service refused because it is asked too much: nobody asks for as long as it says, or for longer each time.
    pub(super) async fn refused(&self, asked: Option<Duration>) {
        let pause = {
            let mut state = self.state();
            let unasked = PAUSE_FIRST.saturating_mul(1 << state.refusals.min(8)).min(PAUSE_UNASKED_MAX);
            state.refusals = state.refusals.saturating_add(1);
            asked.unwrap_or(unasked).min(PAUSE_MAX)
        };
        self.rest(pause).await;
    }

    /// Nobody asks for so long.
    pub(super) async fn rest(&self, pause: Duration) {
        self.state().park(pause);
        if let Some(shared) = &self.shared {
            shared.park(self.service, pause).await;
        }
    }

    fn parked_for(&self, until: Instant) -> SearchError {
        let until = until.max(self.state().ready_at());
        SearchError::Parked { service: self.service, pause: until.saturating_duration_since(Instant::now()) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn ready_at(&self) -> Instant {
        self.next.max(self.parked)
    }

    fn park(&mut self, pause: Duration) {
        self.parked = self.parked.max(Instant::now() + pause);
    }
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pace")
            .field("service", &self.service)
            .field("per_minute", &self.per_minute)
            .finish_non_exhaustive()
    }
}

/// A place in a line; given up when dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn in_line(waiting: &'a AtomicUsize) -> Option<Self> {
        let one_more = |count| (count < WAITING_MAX).then_some(count + 1);
        waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).ok().map(|_| Self(waiting))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use tokio::time::{Instant, sleep};

    use super::{Pace, SearchError, WAITING_MAX};

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[tokio::test(start_paused = true)]
    async fn questions_of_all_are_spread_evenly_and_one_at_a_time() {
        let pace = Arc::new(Pace::new("arxiv", 20, 1, None));
        let began = Instant::now();
        let asked = (0..5).map(|_| {
            let pace = Arc::clone(&pace);
            tokio::spawn(async move {
                let pass = pace.admitted(soon()).await.unwrap();
                let at = began.elapsed();
                sleep(Duration::from_secs(1)).await;
                drop(pass);
                at.as_secs()
            })
        });
        let mut times = Vec::new();
        for task in asked.collect::<Vec<_>>() {
            times.push(task.await.unwrap());
        }
        assert_eq!(times, [0, 3, 6, 9, 12]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_parks_everybody_for_as_long_as_the_service_asks() {
        let pace = Pace::new("crossref", 6_000, 8, None);
        drop(pace.admitted(soon()).await.unwrap());
        let began = Instant::now();
        pace.refused(Some(Duration::from_secs(30))).await;
        drop(pace.admitted(soon()).await.unwrap());
        assert_eq!(began.elapsed().as_secs(), 30);
        pace.refused(Some(Duration::from_secs(600))).await;
        let Err(SearchError::Parked { service, pause }) = pace.admitted(soon()).await else { panic!("it goes on") };
        assert_eq!((service, pause.as_secs()), ("crossref", 600));
        assert_eq!(began.elapsed().as_secs(), 30, "who cannot wait long enough is told at once");
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_nobody_asked_for_grow_until_an_answer_comes() {
        let pace = Pace::new("gdelt", 6_000, 8, None);
        let mut pauses = Vec::new();
        for round in 0..5 {
            let began = Instant::now();
            pace.refused(None).await;
            drop(pace.admitted(soon()).await.unwrap());
            pauses.push(began.elapsed().as_secs());
            if round == 3 {
                pace.answered();
            }
        }
        assert_eq!(pauses, [2, 4, 8, 16, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_has_an_end_and_who_leaves_makes_room() {
        let pace = Arc::new(Pace::new("arxiv", 1, 1, None));
        let held = pace.admitted(soon()).await.unwrap();
        let mut waiting = Vec::new();
        for _ in 0..WAITING_MAX {
            let pace = Arc::clone(&pace);
            waiting.push(tokio::spawn(async move { pace.admitted(soon() + Duration::from_secs(600)).await.is_ok() }));
        }
        while pace.waiting.load(std::sync::atomic::Ordering::Acquire) < WAITING_MAX {
            tokio::task::yield_now().await;
        }
        assert!(matches!(pace.admitted(soon()).await, Err(SearchError::Full { .. })));
        for task in waiting {
            task.abort();
            assert!(task.await.is_err());
        }
        drop(held);
        assert!(pace.admitted(soon() + Duration::from_secs(60)).await.is_ok());
    }
}
