//! One running workflow: a loop whose arms only build inputs, and one place that acts on them.
//!
//! The rule that protects what was paid for: the intent of a call is durable before the call is made, and its result
//! is durable before anything follows from it.

mod ask;
mod backoff;
mod budget;
mod calls;
mod check;
mod documents;
mod ended;
mod fallback;
mod hedge;
mod log;
mod parked;
mod plan;
mod poison;
mod prompts;
mod resume;
mod steps;
mod tail;
pub(crate) mod trace;
mod tries;

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use mcp_orchestrator_domain::{
    Agent, CallNo, Failure, FailureClass, Image, Message, Record, Rejected, Seq, StepId, StepInput, Timestamp,
    ToolSpec, Workflow,
};
use mcp_orchestrator_store::{AppendError, Head, Lease, LeaseRef};
use mcp_orchestrator_strategies::Strategy;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};

use crate::{
    Error,
    hub::Last,
    image,
    parts::Parts,
    patience::Patience,
    signal::Signal,
    submit::{names, needed_tools},
};
use calls::Start;
use ended::Ended;
use log::Shown;
use parked::Parked;
use tail::Tail;

pub(crate) use check::evidence;
pub(crate) use log::summary;
pub(crate) use poison::{died_of_it, hold_back};
pub(crate) use resume::{Read, load, put_blob, read_log, read_log_to, read_workflow};

/// Finished calls taken into one batch at most.
const BATCH_MAX: usize = 32;
/// Times a round waits for further calls that are about to end.
const YIELDS_MAX: usize = 8;
/// Rounds in which another writer was faster, before the run gives up.
const STALE_MAX: u32 = 64;

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
    /// Its workflow has ended, as told, or waits in the store.
    Done(Option<Box<Last>>),
    /// It was given back for another worker.
    Released,
    /// Somebody else has it.
    Fenced,
    /// It cannot go on here; the store or the log is to blame.
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

impl Stop {
    /// The store has lost what nobody here can write again, or others have taken its place.
    fn lost(head: Seq) -> Self {
        Self::Fault(Error::Internal(AppendError::Regressed { head }.to_string()))
    }
}

/// An agent at work in this process.
#[derive(Debug)]
struct AgentAtWork {
    agent: Agent,
    asked: Asked,
    messages: Arc<Vec<Message>>,
    tools: Arc<[ToolSpec]>,
    input: Arc<StepInput>,
}

/// What each of an agent's requests asks for besides its messages.
#[derive(Debug)]
struct Asked {
    output_schema: Option<serde_json::Value>,
    temperature: Option<f32>,
}

/// A call that this process makes.
#[derive(Debug)]
struct CallHere {
    task: tokio::task::AbortHandle,
    began: Timestamp,
    parked: Arc<Parked>,
    /// When it has run for so long a second one is made beside it; `None`: never, or that was decided.
    hedge_after: Option<Duration>,
}

/// One running workflow.
pub(crate) struct Run {
    parts: Arc<Parts>,
    strategy: Arc<dyn Strategy>,
    lease: LeaseRef,
    shared: Arc<RunShared>,
    workflow: Workflow,
    /// Records made and not yet durable.
    batch: Vec<Arc<Record>>,
    /// The last durable ones.
    tail: Tail,
    /// Calls to make once the batch is durable.
    starts: Vec<Start>,
    agents: HashMap<StepId, AgentAtWork>,
    texts: HashMap<StepId, Arc<str>>,
    /// What planning and the agents are shown.
    images: Vec<Image>,
    in_flight: JoinSet<Box<Ended>>,
    open_here: HashMap<CallNo, CallHere>,
    /// Calls to abort once it is durable that nobody waits for them.
    aborts: Vec<CallNo>,
    locals: HashSet<StepId>,
    rendering: bool,
    wake: Option<Timestamp>,
    /// When the strategy wants to be asked again.
    timer: Option<Timestamp>,
    replan: bool,
    /// Whether its taking over is in the log.
    begun: bool,
    /// How many workers had begun with it when this one had.
    takeover: u32,
    shown: Shown,
    /// The name of the last append.
    append_id: u128,
    /// Since when the store refuses what it is given, if it does.
    refused: Option<Patience>,
    /// Fires when it must give its workflow back.
    abort: Signal,
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

impl Input {
    fn cancel_reason(&self) -> Option<&str> {
        match self {
            Self::Cancel(reason, _) => Some(reason),
            Self::Ended(_) | Self::Changed | Self::Fenced | Self::Woken | Self::Shutdown => None,
        }
    }
}

impl Run {
    /// Takes over a leased workflow from its log.
    ///
    /// When `abort` fires it gives the workflow back.
    pub(crate) async fn open(
        parts: Arc<Parts>,
        lease: &Lease,
        shared: Arc<RunShared>,
        abort: Signal,
    ) -> Result<Self, Error> {
        let fresh = parts.fresh.take(&lease.lease.id).filter(|workflow| workflow.head() == lease.head);
        let Read { workflow, head } = match fresh {
            Some(workflow) => Read { head: Head::of(workflow.head()), workflow },
            None => read_workflow(parts.store.as_ref(), &lease.lease.id)
                .await?
                .ok_or_else(|| Error::NotFound(lease.lease.id.clone()))?,
        };
        trace::claimed(&workflow, lease.attempt);
        let name = &workflow.request().pattern;
        let strategy = parts
            .strategies
            .get(name)
            .cloned()
            .ok_or_else(|| Error::Internal(format!("the pattern {name} is not registered here")))?;
        let (version, wanted) = (strategy.version(), workflow.strategy_version());
        if version != wanted && !workflow.steps().is_empty() {
            let message = format!("version {wanted} of {name} planned it, and here is version {version}");
            return Err(Error::Internal(message));
        }
        if let Some(provider) = &workflow.request().provider
            && !parts.providers.contains_key(provider)
        {
            let known = parts.providers.keys().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            return Err(Error::UnknownProvider { name: provider.to_string(), known });
        }
        // A worker that lacks what the workflow needs leaves it to one that has it.
        if let Some(tool) =
            needed_tools(workflow.request()).into_iter().find(|tool| parts.tools.find(tool.as_str()).is_none())
        {
            return Err(Error::Internal(format!("the tool {tool} is not registered here")));
        }
        if let Some(corpus) = workflow.request().corpora.iter().find(|corpus| !parts.corpora.contains(corpus)) {
            return Err(Error::UnknownCorpus { name: corpus.to_string(), known: names(parts.corpora.iter()) });
        }
        let images = image::load(parts.store.as_ref(), workflow.principal(), &workflow.request().images).await?;
        let shown = Shown::of(workflow.request());
        Ok(Self {
            append_id: u128::from_be_bytes(parts.dice.roll()?),
            parts,
            strategy,
            lease: lease.lease.clone(),
            shared,
            workflow,
            batch: Vec::new(),
            tail: Tail::after(head),
            starts: Vec::new(),
            agents: HashMap::new(),
            texts: HashMap::new(),
            images,
            in_flight: JoinSet::new(),
            open_here: HashMap::new(),
            aborts: Vec::new(),
            begun: false,
            takeover: 0,
            locals: HashSet::new(),
            rendering: false,
            wake: None,
            timer: None,
            replan: true,
            shown,
            refused: None,
            abort,
        })
    }

    /// Runs it until it ends, waits, is lost, or must give it back. Every call has ended when this returns.
    pub(crate) async fn run(mut self, mut commands: mpsc::Receiver<RunCommand>) -> RunEnd {
        let mut stop = self.drive(&mut commands).await;
        // What came back before the fault was paid for; if the store takes it, it is kept. It may be the end.
        if matches!(stop, Stop::Fault(_)) && self.offer_again().await {
            stop = Stop::Done;
        }
        self.in_flight.shutdown().await;
        match stop {
            Stop::Done => RunEnd::Done(self.last().map(Box::new)),
            Stop::Released => RunEnd::Released,
            Stop::Fenced => RunEnd::Fenced,
            Stop::Stale => RunEnd::Fault(Error::Internal("the log did not settle".to_owned())),
            Stop::Fault(error) => RunEnd::Fault(error),
        }
    }

    /// How the workflow ended, once that is durable.
    fn last(&self) -> Option<Last> {
        let is_durable = self.batch.is_empty() && self.workflow.status().is_terminal();
        is_durable.then(|| Last { head: self.workflow.head(), summary: self.shown.summary(&self.workflow) })
    }

    async fn drive(&mut self, commands: &mut mpsc::Receiver<RunCommand>) -> Stop {
        let mut inputs = Vec::new();
        let mut stop = self.begin().await.err();
        let mut stale = 0;
        loop {
            match stop.take() {
                None => stale = 0,
                Some(Stop::Stale) if stale < STALE_MAX => {
                    // The inputs of the refused batch are acted on again, on the log as it is now.
                    stale += 1;
                    stop = match self.reload().await {
                        Err(stop) => Some(stop),
                        Ok(()) if self.begun => self.turn(&mut inputs).await.err(),
                        Ok(()) => self.begin().await.err(),
                    };
                    continue;
                }
                Some(stop) => return stop,
            }
            inputs.clear();
            self.gather(commands, &mut inputs).await;
            stop = self.turn(&mut inputs).await.err();
        }
    }

    /// Waits for something to happen and takes everything that has.
    async fn gather(&mut self, commands: &mut mpsc::Receiver<RunCommand>, inputs: &mut Vec<Input>) {
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
            () = self.abort.fired() => inputs.push(Input::Shutdown),
            () = async { match wake {
                Some(at) => clock.sleep_until(at).await,
                None => std::future::pending().await,
            } } => inputs.push(Input::Woken),
        }
        // Calls that end together are written together: as long as others become ready, they are let be seen first.
        for _ in 0..YIELDS_MAX {
            if !matches!(inputs.last(), Some(Input::Ended(_))) || self.in_flight.is_empty() {
                return;
            }
            tokio::task::yield_now().await;
            let before = inputs.len();
            while inputs.len() < BATCH_MAX
                && let Some(ended) = self.in_flight.try_join_next()
            {
                inputs.extend(input_of(ended));
            }
            if inputs.len() == before {
                return;
            }
        }
    }

    /// Acts on inputs, plans, makes the outcome durable, and only then makes the calls.
    ///
    /// What came back is taken first, whatever else has happened: it was paid for. Inputs stay until they are acted on,
    /// because a refused append makes the whole round begin again.
    async fn turn(&mut self, inputs: &mut Vec<Input>) -> Result<(), Stop> {
        for input in inputs.iter() {
            if let Input::Ended(ended) = input
                && !self.workflow.status().is_terminal()
            {
                self.ended(ended)?;
            }
        }
        if self.workflow.status().is_terminal() {
            return self.commit().await;
        }
        self.drop_beaten()?;
        if inputs.iter().any(|input| matches!(input, Input::Fenced)) {
            return Err(Stop::Fenced);
        }
        if let Some(reason) = inputs.iter().find_map(Input::cancel_reason) {
            let stored = self.store_cancel(reason).await;
            return self.answer_cancels(stored, inputs).await;
        }
        if inputs.iter().any(|input| matches!(input, Input::Shutdown)) {
            return self.give_back().await;
        }
        if inputs.iter().any(|input| matches!(input, Input::Changed)) {
            self.catch_up().await?;
        }
        if inputs.iter().any(|input| matches!(input, Input::Woken)) {
            self.woken()?;
        }
        self.plan()?;
        self.commit().await?;
        self.start_calls();
        Ok(())
    }

    /// Tells who cancelled, once every call has been aborted. Without an answer they look at the log themselves.
    async fn answer_cancels(&mut self, stored: Result<(), Stop>, inputs: &mut Vec<Input>) -> Result<(), Stop> {
        let answer = match &stored {
            Ok(()) | Err(Stop::Done) => Ok(()),
            Err(Stop::Fault(error)) => Err(error.clone()),
            Err(Stop::Stale | Stop::Fenced | Stop::Released) => return stored,
        };
        self.in_flight.shutdown().await;
        for input in inputs.drain(..) {
            if let Input::Cancel(_, reply) = input {
                let _ = reply.send(answer.clone());
            }
        }
        stored.and(Err(Stop::Done))
    }

    async fn store_cancel(&mut self, reason: &str) -> Result<(), Stop> {
        let command = mcp_orchestrator_domain::Command::Cancel { reason: reason.to_owned() };
        let events = match self.workflow.decide(&command) {
            Ok(events) => events,
            Err(Rejected::Ended(_)) => return Err(Stop::Stale),
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

fn input_of(joined: Result<Box<Ended>, tokio::task::JoinError>) -> Option<Input> {
    // What was aborted has been accounted for by whoever aborted it; panics are caught inside the tasks.
    joined.ok().map(Input::Ended)
}
