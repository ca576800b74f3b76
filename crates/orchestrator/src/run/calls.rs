//! Making calls: what runs outside the loop, one task each. Starts only what the log already knows of.

use std::{collections::HashSet, sync::Arc, time::Duration};

use bytes::Bytes;
use mcp_orchestrator_domain::{
    CallNo, CorpusName, Cost, Failure, FailureClass, Message, ModelName, Principal, Reply, RequestId, StepId,
    StepInput, Timestamp, ToolName, ToolSpec, Usage, WorkflowId, clean_line, millis,
};
use mcp_orchestrator_providers::{ChatAnswer, ChatRequest, DeltaSink, Provider, ProviderError};
use mcp_orchestrator_store::StoreError;
use mcp_orchestrator_tools::{Arguments, CallContext, ToolAnswer, ToolError};
use serde_json::Value;
use tokio::sync::mpsc;
use tracing::Instrument as _;

use super::{
    CallHere, Run,
    ended::{CallEnded, CallOutcome, Ended, ModelAnswered, ToolAnswered},
    parked::Parked,
    resume::{keep, put_blob},
    trace::CallLine,
};
use crate::{
    Error,
    caught::{caught, panic_text},
    parts::Parts,
};

/// A call whose intent is in the batch.
#[derive(Debug)]
pub(super) enum Start {
    Model {
        call: CallNo,
        step: StepId,
        provider: Arc<dyn Provider>,
        model: Option<ModelName>,
        messages: Arc<Vec<Message>>,
        tools: Arc<[ToolSpec]>,
        former_tools: Arc<[ToolSpec]>,
        output_schema: Option<Value>,
        temperature: Option<f32>,
        output_tokens_max: u32,
        idempotency_key: String,
        input: Arc<StepInput>,
        limit_ms: u64,
        /// Whether it is made beside another call: then nobody watches its text while it is written.
        is_hedge: bool,
    },
    Tool {
        call: CallNo,
        step: StepId,
        position: u16,
        name: ToolName,
        arguments: String,
        idempotency_key: String,
        limit_ms: u64,
    },
}

impl Start {
    fn place(&self) -> (CallNo, StepId, u16) {
        match self {
            Self::Model { call, step, .. } => (*call, step.clone(), 0),
            Self::Tool { call, step, position, .. } => (*call, step.clone(), *position),
        }
    }

    pub(super) const fn call(&self) -> CallNo {
        match self {
            Self::Model { call, .. } | Self::Tool { call, .. } => *call,
        }
    }
}

impl Run {
    /// Makes the calls whose intents have just become durable.
    pub(super) fn start_calls(&mut self) {
        for start in std::mem::take(&mut self.starts) {
            let caller = Caller {
                parts: Arc::clone(&self.parts),
                id: self.lease.id.clone(),
                principal: self.workflow.principal().clone(),
                corpora: self.workflow.request().corpora.clone(),
                request_id: self.workflow.request_id().cloned(),
            };
            let (call, step, position) = start.place();
            let parked = Arc::new(Parked::new(Arc::clone(&self.parts.clock)));
            let hedge_after = self.hedge_after(&start);
            let line = CallLine::begin(&self.workflow, call, step.clone(), Arc::clone(&self.parts.clock));
            let is_model = matches!(start, Start::Model { .. });
            let waits = Arc::clone(&parked);
            let make = async move {
                let made = caught(caller.make(&start, &waits)).await;
                let ended = made.unwrap_or_else(|panic| {
                    let error = CallError::panicked("call", &panic_text(panic.as_ref()));
                    let outcome = if is_model { CallOutcome::Model(Err(error)) } else { CallOutcome::Tool(Err(error)) };
                    CallEnded { call, step, position, run_ms: 0, outcome }
                });
                line.end(&ended.outcome);
                Box::new(Ended::Call(ended))
            };
            let task = self.in_flight.spawn(make.in_current_span());
            let began = self.parts.clock.now();
            // Until something else happens nobody plans again.
            if let Some(after) = hedge_after {
                self.wake_at(began.after(after));
            }
            self.open_here.insert(call, CallHere { task, began, parked, hedge_after });
        }
    }
}

/// What a call needs besides itself.
struct Caller {
    parts: Arc<Parts>,
    id: WorkflowId,
    principal: Principal,
    corpora: Vec<CorpusName>,
    request_id: Option<RequestId>,
}

impl Caller {
    /// Makes one call and stores what is too large for the log. Dropping the future ends the call.
    async fn make(&self, start: &Start, parked: &Parked) -> CallEnded {
        let began = self.parts.clock.now();
        let mut outcome = match start {
            Start::Model {
                call: _,
                step,
                provider,
                model,
                messages,
                tools,
                former_tools,
                output_schema,
                temperature,
                output_tokens_max,
                idempotency_key,
                input,
                limit_ms,
                is_hedge,
            } => {
                let request = ChatRequest {
                    model: model.as_ref(),
                    messages,
                    tools,
                    former_tools,
                    output_schema: output_schema.as_ref(),
                    temperature: *temperature,
                    output_tokens_max: *output_tokens_max,
                    idempotency_key,
                    request_id: self.request_id.as_ref(),
                    input,
                };
                let to = (!is_hedge).then_some(&self.parts.deltas);
                let mut sink = Deltas { id: &self.id, step, to, parked };
                let answer = self.within(*limit_ms, parked, provider.chat(request, &mut sink)).await;
                CallOutcome::Model(self.model_answered(provider.name().as_str(), answer).await)
            }
            Start::Tool { call: _, step: _, position: _, name, arguments, idempotency_key, limit_ms } => {
                let context = CallContext { idempotency_key, principal: &self.principal, corpora: &self.corpora };
                let calling = self.parts.tools.call(name.as_str(), Arguments::Text(arguments), context);
                let answer = self.within(*limit_ms, parked, calling).await;
                CallOutcome::Tool(self.tool_answered(name.as_str(), answer).await)
            }
        };
        let took = self.parts.clock.now().since(began);
        let mut parked_ms = millis(parked.so_far());
        if let CallOutcome::Model(Ok(answered)) = &mut outcome {
            // A provider that does not tell while it waits tells afterwards.
            parked_ms = parked_ms.max(answered.parked_ms);
            answered.parked_ms = parked_ms;
        }
        let run_ms = millis(took).saturating_sub(parked_ms);
        let (call, step, position) = start.place();
        CallEnded { call, step, position, run_ms, outcome }
    }

    /// Runs a call within a time limit and catches its panic. Time it is parked does not count.
    async fn within<T>(&self, limit_ms: u64, parked: &Parked, call: impl Future<Output = T>) -> Cut<T> {
        let clock = &self.parts.clock;
        let end: Timestamp = clock.now().after(Duration::from_millis(limit_ms));
        let call = caught(call);
        tokio::pin!(call);
        loop {
            let deadline = end.after(parked.so_far());
            if deadline <= clock.now() {
                return Cut::Late(limit_ms);
            }
            tokio::select! {
                biased;
                answer = &mut call => return match answer {
                    Ok(answer) => Cut::Answered(answer),
                    Err(panic) => Cut::Panicked(panic_text(panic.as_ref())),
                },
                () = clock.sleep_until(deadline) => {}
            }
        }
    }

    async fn model_answered(
        &self,
        name: &str,
        answer: Cut<Result<ChatAnswer, ProviderError>>,
    ) -> Result<ModelAnswered, CallError> {
        let answer = match answer {
            Cut::Answered(answer) => answer.map_err(|error| CallError::Provider(Box::new(error)))?,
            Cut::Late(limit_ms) => return Err(CallError::late(limit_ms)),
            Cut::Panicked(text) => return Err(CallError::panicked(&format!("provider {name}"), &text)),
        };
        let json = serde_json::to_string(&answer.reply).map_err(|error| CallError::internal(&error))?;
        if let Some(failure) = broken_reply(name, &answer.reply, json.len()) {
            return Err(CallError::Unkept(failure, answer.cost, answer.usage));
        }
        let kept = keep(&self.parts, &self.principal, json).await;
        let output = kept.map_err(|error| CallError::unkept(error, answer.cost, answer.usage))?;
        let parked_ms = millis(answer.parked);
        Ok(ModelAnswered { reply: answer.reply, output, usage: answer.usage, cost: answer.cost, parked_ms })
    }

    async fn tool_answered(
        &self,
        name: &str,
        answer: Cut<Result<ToolAnswer, ToolError>>,
    ) -> Result<ToolAnswered, CallError> {
        let (answer, is_error) = match answer {
            Cut::Answered(Ok(answer)) => (answer, false),
            Cut::Answered(Err(error)) => (ToolAnswer { content: error.to_string(), ..ToolAnswer::default() }, true),
            Cut::Late(limit_ms) => return Err(CallError::late(limit_ms)),
            Cut::Panicked(text) => return Err(CallError::panicked(&format!("tool {name}"), &text)),
        };
        for snapshot in &answer.snapshots {
            let bytes = Bytes::copy_from_slice(snapshot.text.as_bytes());
            let kept = put_blob(&self.parts, &self.principal, bytes).await;
            let kept = kept.map_err(|error| CallError::unkept(error, answer.cost, Usage::default()))?;
            if kept.sha256 != snapshot.digest {
                let message = format!("a snapshot of the tool {name} does not have the hash it claims");
                let failure = Failure::new(FailureClass::Tool, message);
                return Err(CallError::Unkept(failure, answer.cost, Usage::default()));
            }
        }
        let content = answer.content.clone();
        let kept = keep(&self.parts, &self.principal, answer.content).await;
        let output = kept.map_err(|error| CallError::unkept(error, answer.cost, Usage::default()))?;
        Ok(ToolAnswered { content, output, is_error, spans: answer.spans, cost: answer.cost })
    }
}

/// The largest answer of a model that is taken, in bytes of JSON. No model writes that much; a broken wire may.
const REPLY_BYTES_MAX: usize = 4 << 20;

/// What is wrong with an answer that came back well: its provider's fault. It counts as paid.
fn broken_reply(provider: &str, reply: &Reply, bytes: usize) -> Option<Failure> {
    if bytes > REPLY_BYTES_MAX {
        let message = format!("{provider} answered with {bytes} bytes, more than {REPLY_BYTES_MAX}");
        return Some(Failure::new(FailureClass::Limit, message));
    }
    let mut ids = HashSet::new();
    let twice = reply.message.tool_calls.iter().find(|call| !ids.insert(call.id.as_str()))?;
    let message = format!("{provider} asked for two tools under the id {:?}", clean_line(&twice.id, 80));
    Some(Failure::new(FailureClass::Internal, message))
}

/// How a call came back.
enum Cut<T> {
    Answered(T),
    Late(u64),
    Panicked(String),
}

/// Why a call brought nothing.
#[derive(Debug)]
pub(super) enum CallError {
    Provider(Box<ProviderError>),
    Own(Failure),
    /// It was answered, and the store has no room for the answer: it counts as paid and is not asked again.
    Unkept(Failure, Cost, Usage),
    Store(Error),
}

impl CallError {
    fn unkept(error: StoreError, cost: Cost, usage: Usage) -> Self {
        match error {
            StoreError::Full(_) | StoreError::TooLarge { .. } => {
                Self::Unkept(Failure::new(FailureClass::Store, error.to_string()), cost, usage)
            }
            other => Self::Store(other.into()),
        }
    }

    fn late(limit_ms: u64) -> Self {
        Self::Own(Failure::new(FailureClass::Deadline, format!("no answer within the step's last {limit_ms} ms")))
    }

    fn panicked(what: &str, text: &str) -> Self {
        Self::Own(Failure::new(FailureClass::Internal, format!("the {what} panicked: {text}")))
    }

    fn internal(error: &dyn std::fmt::Display) -> Self {
        Self::Own(Failure::new(FailureClass::Internal, error.to_string()))
    }
}

/// Hands text to those who watch, while it arrives. Drops what does not fit: the log has the whole.
struct Deltas<'a> {
    id: &'a WorkflowId,
    step: &'a StepId,
    /// `None`: nobody watches.
    to: Option<&'a mpsc::Sender<(WorkflowId, Bytes)>>,
    parked: &'a Parked,
}

impl DeltaSink for Deltas<'_> {
    fn text(&mut self, delta: &str) {
        #[derive(serde::Serialize)]
        struct Delta<'a> {
            agent_id: &'a str,
            text: &'a str,
        }
        let Some(to) = self.to else { return };
        if let Ok(json) = serde_json::to_vec(&Delta { agent_id: self.step.as_str(), text: delta }) {
            let _ = to.try_send((self.id.clone(), json.into()));
        }
    }
    fn waits(&mut self) {
        self.parked.begin();
    }

    fn runs(&mut self) {
        self.parked.end();
    }
}
