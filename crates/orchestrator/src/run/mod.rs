//! One running workflow: a loop whose arms only build inputs, and one place that acts on them.
//!
//! The rule that protects what was paid for: the intent of a call is durable before the call is made, and its result
//! is durable before anything follows from it.

mod backoff;
mod budget;
mod calls;
mod check;
mod documents;
mod ended;
mod log;
mod plan;
mod resume;
mod steps;

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use mcp_orchestrator_domain::{
    Agent, CallNo, Failure, FailureClass, Message, Record, Rejected, Seq, StepId, StepInput, Timestamp, ToolSpec,
    Workflow,
};
use mcp_orchestrator_store::{Lease, LeaseRef};
use mcp_orchestrator_strategies::{Prompt, Strategy};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{Error, parts::Parts};
use calls::Start;
use ended::Ended;

pub(crate) use check::evidence;
pub(crate) use log::summary;
pub(crate) use resume::{load, read_log, read_workflow};

/// Finished calls taken into one batch at most.
const BATCH_MAX: usize = 256;

/// What others tell a run.
#[derive(Debug)]
pub(crate) enum RunCommand {
    /// Cancel it; answered when the cancellation is stored and every call is aborted.
    Cancel { reason: String, reply: oneshot::Sender<Result<(), Error>> },
    /// Somebody else may have appended to its log.
    Changed,
    /// The lease is lost.
    Fenced,
}

/// What the worker knows of a run.
#[derive(Debug)]
pub(crate) struct RunShared {
    pub(crate) commands: mpsc::Sender<RunCommand>,
    /// The last position this run has written or is about to write.
    pub(crate) written: AtomicU64,
}

impl RunShared {
    pub(crate) fn knows(&self, head: Seq) -> bool {
        head.value() <= self.written.load(Ordering::Acquire)
    }
}

/// How a run ended.
#[derive(Debug)]
pub(crate) enum RunEnd {
    /// Its workflow has ended, or waits in the store.
    Done,
    /// It was given back for another worker.
    Released,
    /// Somebody else has it.
    Fenced,
    /// It cannot go on here; the store or the log is to blame. The lease was given back if that was possible.
    Fault(Error),
}

/// A reason to stop running this workflow here.
#[derive(Debug)]
enum Stop {
    Done,
    Released,
    Fenced,
    /// The log has grown without us: read it and decide again.
    Stale,
    Fault(Error),
}

/// An agent at work in this process.
#[derive(Debug)]
struct AgentAtWork {
    agent: Agent,
    prompt: Prompt,
    messages: Arc<Vec<Message>>,
    tools: Arc<[ToolSpec]>,
    input: Arc<StepInput>,
}

/// One running workflow.
pub(crate) struct Run {
    parts: Arc<Parts>,
    strategy: Arc<dyn Strategy>,
    lease: LeaseRef,
    /// How often it was claimed without its log growing.
    attempt: u32,
    shared: Arc<RunShared>,
    workflow: Workflow,
    /// Records made and not yet durable.
    batch: Vec<Arc<Record>>,
    /// Calls to make once the batch is durable.
    starts: Vec<Start>,
    agents: HashMap<StepId, AgentAtWork>,
    texts: HashMap<StepId, Arc<str>>,
    in_flight: JoinSet<Ended>,
    open_here: HashMap<CallNo, tokio::task::AbortHandle>,
    locals: HashSet<StepId>,
    rendering: bool,
    wake: Option<Timestamp>,
    /// When the strategy wants to be asked again.
    timer: Option<Timestamp>,
    replan: bool,
    abort: CancellationToken,
}

/// What the loop has to act on.
enum Input {
    Ended(Box<Ended>),
    Cancel(String, oneshot::Sender<Result<(), Error>>),
    Changed,
    Fenced,
    Woken,
    Shutdown,
}

impl Run {
    /// Takes over a leased workflow from its log.
    pub(crate) async fn open(parts: Arc<Parts>, lease: &Lease, shared: Arc<RunShared>) -> Result<Self, Error> {
        let workflow = read_workflow(parts.store.as_ref(), &lease.lease.id)
            .await?
            .ok_or_else(|| Error::NotFound(lease.lease.id.clone()))?;
        let name = &workflow.request().pattern;
        let strategy = parts
            .strategies
            .get(name)
            .cloned()
            .ok_or_else(|| Error::Internal(format!("the pattern {name} is not registered here")))?;
        Ok(Self {
            parts,
            strategy,
            attempt: lease.attempt,
            lease: lease.lease.clone(),
            shared,
            workflow,
            batch: Vec::new(),
            starts: Vec::new(),
            agents: HashMap::new(),
            texts: HashMap::new(),
            in_flight: JoinSet::new(),
            open_here: HashMap::new(),
            locals: HashSet::new(),
            rendering: false,
            wake: None,
            timer: None,
            replan: true,
            abort: CancellationToken::new(),
        })
    }

    /// Runs it until it ends, waits, is lost, or `shutdown` fires. Every call has ended when this returns.
    pub(crate) async fn run(mut self, mut commands: mpsc::Receiver<RunCommand>, shutdown: CancellationToken) -> RunEnd {
        let stop = self.drive(&mut commands, &shutdown).await;
        self.abort.cancel();
        self.in_flight.shutdown().await;
        match stop {
            Stop::Done => RunEnd::Done,
            Stop::Released => RunEnd::Released,
            Stop::Fenced => RunEnd::Fenced,
            Stop::Stale => RunEnd::Fault(Error::Internal("the log did not settle".to_owned())),
            Stop::Fault(error) => {
                let _ = self.parts.store.release(&self.lease, None).await;
                RunEnd::Fault(error)
            }
        }
    }

    async fn drive(&mut self, commands: &mut mpsc::Receiver<RunCommand>, shutdown: &CancellationToken) -> Stop {
        let mut inputs = Vec::new();
        let mut stop = self.begin().await.err();
        loop {
            match stop.take() {
                None => {}
                Some(Stop::Stale) => {
                    // The inputs of the refused batch are acted on again, on the log as it is now.
                    stop = match self.reload().await {
                        Ok(()) => self.turn(&mut inputs).await.err(),
                        Err(stop) => Some(stop),
                    };
                    continue;
                }
                Some(stop) => return stop,
            }
            inputs.clear();
            self.gather(commands, shutdown, &mut inputs).await;
            stop = self.turn(&mut inputs).await.err();
        }
    }

    /// Waits for something to happen and takes everything that has.
    async fn gather(
        &mut self,
        commands: &mut mpsc::Receiver<RunCommand>,
        shutdown: &CancellationToken,
        inputs: &mut Vec<Input>,
    ) {
        let wake = self.wake;
        let clock = Arc::clone(&self.parts.clock);
        tokio::select! {
            biased;
            command = commands.recv() => inputs.push(match command {
                Some(RunCommand::Cancel { reason, reply }) => Input::Cancel(reason, reply),
                Some(RunCommand::Changed) => Input::Changed,
                Some(RunCommand::Fenced) | None => Input::Fenced,
            }),
            Some(ended) = self.in_flight.join_next() => inputs.extend(input_of(ended)),
            () = shutdown.cancelled() => inputs.push(Input::Shutdown),
            () = async { match wake {
                Some(at) => clock.sleep_until(at).await,
                None => std::future::pending().await,
            } } => inputs.push(Input::Woken),
        }
        // Calls that ended together are written together: let those that are ready be seen first.
        if matches!(inputs.first(), Some(Input::Ended(_))) && !self.in_flight.is_empty() {
            tokio::task::yield_now().await;
        }
        while inputs.len() < BATCH_MAX
            && let Some(ended) = self.in_flight.try_join_next()
        {
            inputs.extend(input_of(ended));
        }
    }

    /// Acts on inputs, plans, makes the outcome durable, and only then makes the calls.
    async fn turn(&mut self, inputs: &mut [Input]) -> Result<(), Stop> {
        let mut cancels = Vec::new();
        for input in inputs.iter_mut() {
            match input {
                Input::Ended(ended) => self.ended(ended)?,
                Input::Woken => self.woken()?,
                Input::Changed => self.catch_up().await?,
                Input::Fenced => return Err(Stop::Fenced),
                Input::Shutdown => return self.give_back().await,
                Input::Cancel(reason, reply) => {
                    let (unused, _) = oneshot::channel();
                    cancels.push((std::mem::take(reason), std::mem::replace(reply, unused)));
                }
            }
        }
        if !cancels.is_empty() {
            return self.cancel(cancels).await;
        }
        self.plan()?;
        self.commit().await?;
        self.start_calls();
        Ok(())
    }

    async fn cancel(&mut self, cancels: Vec<(String, oneshot::Sender<Result<(), Error>>)>) -> Result<(), Stop> {
        let reason = cancels.first().map(|(reason, _)| reason.clone()).unwrap_or_default();
        let mut outcome = Err(Stop::Stale);
        // Bounded: each round another writer has appended, and all a cancelled workflow's writers end.
        for _ in 0..16 {
            outcome = self.store_cancel(&reason).await;
            match outcome {
                Err(Stop::Stale) => {
                    if let Err(stop) = self.reload().await {
                        outcome = Err(stop);
                        break;
                    }
                }
                _ => break,
            }
        }
        self.abort.cancel();
        self.in_flight.shutdown().await;
        let answer = match &outcome {
            Ok(()) | Err(Stop::Done) => Ok(()),
            Err(Stop::Fault(error)) => Err(error.clone()),
            Err(Stop::Stale | Stop::Fenced | Stop::Released) => {
                Err(Error::Internal("the cancellation could not be stored".to_owned()))
            }
        };
        for (_, reply) in cancels {
            let _ = reply.send(answer.clone());
        }
        outcome.and(Err(Stop::Done))
    }

    async fn store_cancel(&mut self, reason: &str) -> Result<(), Stop> {
        let command = mcp_orchestrator_domain::Command::Cancel { reason: reason.to_owned() };
        let events = match self.workflow.decide(&command) {
            Ok(events) => events,
            Err(Rejected::Ended(_)) => return Err(Stop::Done),
            Err(other) => return Err(Stop::Fault(other.into())),
        };
        for event in events {
            self.advance(event)?;
        }
        self.commit().await
    }

    /// Fails the workflow. Its open calls are abandoned with it.
    fn fail(&mut self, failure: Failure) -> Result<(), Stop> {
        use mcp_orchestrator_domain::{Abandoned, Event, Failed};
        self.starts.clear();
        let abandoned: Vec<Event> = self.workflow.abandon_open_calls(Abandoned::Stopped).collect();
        for event in abandoned {
            self.advance(event)?;
        }
        self.advance(Event::Failed(Failed { failure }))
    }

    fn bug(message: impl AsRef<str>) -> Failure {
        Failure::new(FailureClass::Internal, message)
    }
}

fn input_of(joined: Result<Ended, tokio::task::JoinError>) -> Option<Input> {
    // A call that was aborted has been accounted for by whoever aborted it; panics are caught inside the task.
    joined.ok().map(|ended| Input::Ended(Box::new(ended)))
}
