//! Where HTTP/2 spawns the tasks of its requests, so that they end with their connection.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinSet;

/// Spawns into a set of its own. When the last clone is dropped, what still runs is aborted.
#[derive(Clone, Debug, Default)]
pub(super) struct Executor {
    tasks: Arc<Mutex<JoinSet<()>>>,
}

impl<F> hyper::rt::Executor<F> for Executor
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, task: F) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }
}
