//! A provider that answers as a test tells it to, and remembers what it was asked.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use mcp_orchestrator_domain::{
    AssistantMessage, Cost, FailureClass, FinishReason, Message, ModelName, ProviderName, Reply, RequestId, Role,
    StepInput, Tier, ToolCall, Usage,
};
use mcp_orchestrator_providers::{
    Capabilities, ChatAnswer, ChatRequest, DeltaSink, ModelCard, Price, Provider, ProviderError,
};
use tokio::sync::Notify;

/// What the provider does with one request.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "tests build it")]
pub enum Act {
    /// Answers with a text.
    Say(String),
    /// Answers with a text that the token limit cut.
    SayCut(String),
    /// Calls several tools and is cut by the token limit in the arguments of the last one.
    CallToolsCut(Vec<(&'static str, String)>),
    /// Does something once it is released as [`Act::Hold`] is.
    Wait(Box<Self>),
    /// Does something after it has waited for permission to run: until it is released as [`Act::Hold`] is.
    Park(Box<Self>),
    /// Does something and bills this for it.
    Bill(Usage, Cost, Box<Self>),
    /// Calls a tool with these arguments.
    CallTool(&'static str, String),
    /// Calls several tools at once.
    CallTools(Vec<(&'static str, String)>),
    /// Fails.
    Fail(FailureClass, Option<Duration>),
    /// Does something after so long.
    Late(Duration, Box<Self>),
    /// Never answers.
    Hang,
    /// Shows the text as a delta, and answers with it once [`ScriptedProvider::release`] was called so often that every held request is free.
    Hold(String),
    /// Panics.
    Panic,
}

/// One request as the script sees it.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "tests read it")]
pub struct Asked {
    /// The step's data.
    pub input: StepInput,
    /// The key of the call: workflow, step and turn.
    pub key: String,
    /// The client's request behind it.
    pub request_id: Option<RequestId>,
    /// How often a request with this key was seen before.
    pub before: usize,
    /// The model.
    pub model: Option<ModelName>,
    /// The conversation.
    pub messages: Vec<Message>,
}

impl Asked {
    /// The step that asks.
    #[must_use]
    pub fn step(&self) -> &str {
        self.key.split('/').nth(1).unwrap_or_default()
    }
}

type Script = dyn Fn(&Asked) -> Act + Send + Sync;

/// A provider that does as its script says. Clones share script and memory.
#[derive(Clone)]
pub struct ScriptedProvider {
    name: ProviderName,
    script: Arc<Script>,
    price: Option<Price>,
    tiers: HashMap<Tier, ModelName>,
    images: bool,
    context_tokens: Option<u64>,
    seen: Arc<Mutex<Seen>>,
    held: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Seen {
    asked: Vec<Asked>,
    by_key: HashMap<String, usize>,
    running: usize,
    running_peak: usize,
}

impl ScriptedProvider {
    /// A provider named `scripted` that follows a script.
    ///
    /// # Panics
    /// Never: the name is valid.
    #[must_use]
    pub fn new(script: impl Fn(&Asked) -> Act + Send + Sync + 'static) -> Self {
        Self {
            name: ProviderName::new("scripted").expect("a valid name"),
            script: Arc::new(script),
            price: None,
            tiers: HashMap::new(),
            images: false,
            context_tokens: None,
            seen: Arc::default(),
            held: Arc::default(),
        }
    }

    /// A provider that plans `parts` sub-tasks and answers everything else with a sentence.
    #[must_use]
    pub fn obliging(parts: usize) -> Self {
        Self::new(move |asked| Act::Say(obliging(asked, parts)))
    }

    /// The same under another name.
    ///
    /// # Panics
    /// When it is no name of a provider.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = ProviderName::new(name).expect("a valid name");
        self
    }

    /// The same with a known price.
    #[must_use]
    pub const fn with_price(mut self, price: Price) -> Self {
        self.price = Some(price);
        self
    }

    /// The same with a model of its own for a part of the work.
    ///
    /// # Panics
    /// When it is no name of a model.
    #[must_use]
    pub fn with_tier_model(mut self, tier: Tier, model: &str) -> Self {
        self.tiers.insert(tier, ModelName::new(model).expect("a valid name"));
        self
    }

    /// The same with eyes.
    #[must_use]
    pub const fn with_images(mut self) -> Self {
        self.images = true;
        self
    }

    /// The same with a model that takes requests of so many tokens.
    #[must_use]
    pub const fn with_context_tokens(mut self, tokens: u64) -> Self {
        self.context_tokens = Some(tokens);
        self
    }

    /// Everything it was asked, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.seen().asked.clone()
    }

    /// The most requests that ran at once.
    #[must_use]
    pub fn running_peak(&self) -> usize {
        self.seen().running_peak
    }

    /// Requests that run now.
    #[must_use]
    pub fn running(&self) -> usize {
        self.seen().running
    }

    /// Lets every held request go on.
    pub fn release(&self) {
        self.held.notify_waiters();
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What [`ScriptedProvider::obliging`] says.
#[must_use]
pub fn obliging(asked: &Asked, parts: usize) -> String {
    match asked.input.role {
        Role::Planner => {
            (1..=parts).map(|part| format!("{part}. Find out about part number {part} of the matter\n")).collect()
        }
        _ => format!("The finding of {} is clear.", asked.step().replace('_', " ")),
    }
}

impl fmt::Debug for ScriptedProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedProvider").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Counts a request out however it ends.
struct Running<'a>(&'a ScriptedProvider);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.seen().running -= 1;
    }
}

#[async_trait]
impl Provider for ScriptedProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self, _model: Option<&ModelName>) -> Capabilities {
        Capabilities {
            tools: true,
            output_schema: false,
            images: self.images,
            default_model: Some("scripted-1".to_owned()),
            price: self.price,
            is_model: true,
        }
    }

    fn tier_model(&self, tier: Tier) -> Option<ModelName> {
        self.tiers.get(&tier).cloned()
    }

    fn models(&self) -> Vec<ModelCard> {
        let card =
            |tokens| ModelCard { name: "scripted-1".to_owned(), context_tokens: Some(tokens), ..ModelCard::default() };
        self.context_tokens.map(card).into_iter().collect()
    }

    async fn chat(&self, request: ChatRequest<'_>, sink: &mut dyn DeltaSink) -> Result<ChatAnswer, ProviderError> {
        let (asked, mut held) = {
            let mut seen = self.seen();
            let before = seen.by_key.entry(request.idempotency_key.to_owned()).or_default();
            let asked = Asked {
                input: request.input.clone(),
                key: request.idempotency_key.to_owned(),
                request_id: request.request_id.cloned(),
                before: *before,
                model: request.model.cloned(),
                messages: request.messages.to_vec(),
            };
            *before += 1;
            seen.asked.push(asked.clone());
            seen.running += 1;
            seen.running_peak = seen.running_peak.max(seen.running);
            (asked, self.held.notified())
        };
        let _running = Running(self);
        let mut act = (self.script)(&asked);
        let mut usage = Usage { input: 100, output: 20, ..Usage::default() };
        let mut bill = None;
        loop {
            act = match act {
                Act::Late(after, then) => {
                    tokio::time::sleep(after).await;
                    *then
                }
                Act::Wait(then) => {
                    held.await;
                    held = self.held.notified();
                    *then
                }
                Act::Park(then) => {
                    sink.waits();
                    held.await;
                    held = self.held.notified();
                    sink.runs();
                    *then
                }
                Act::Bill(tokens, cost, then) => {
                    usage = tokens;
                    bill = Some(cost);
                    *then
                }
                act => break self.answer(act, usage, bill, held, sink).await,
            };
        }
    }
}

impl ScriptedProvider {
    async fn answer(
        &self,
        act: Act,
        usage: Usage,
        bill: Option<Cost>,
        held: tokio::sync::futures::Notified<'_>,
        sink: &mut dyn DeltaSink,
    ) -> Result<ChatAnswer, ProviderError> {
        let is_cut = matches!(act, Act::SayCut(_) | Act::CallToolsCut(_));
        let (text, tool_calls) = match act {
            Act::Late(..) | Act::Bill(..) | Act::Wait(_) | Act::Park(_) => (String::new(), Vec::new()),
            Act::Say(text) | Act::SayCut(text) => (text, Vec::new()),
            Act::CallTool(name, arguments) => {
                (String::new(), vec![ToolCall { id: "call_1".to_owned(), name: name.to_owned(), arguments }])
            }
            Act::CallTools(calls) | Act::CallToolsCut(calls) => {
                let calls = calls.into_iter().enumerate().map(|(position, (name, arguments))| ToolCall {
                    id: format!("call_{position}"),
                    name: name.to_owned(),
                    arguments,
                });
                (String::new(), calls.collect())
            }
            Act::Fail(class, pause) => {
                let mut error = ProviderError::new(class, "as the script says");
                if let Some(cost) = bill {
                    (error.cost, error.usage) = (cost, usage);
                }
                return Err(match pause {
                    Some(pause) => error.with_retry_after(pause),
                    None => error,
                });
            }
            Act::Hang => std::future::pending().await,
            Act::Hold(text) => {
                sink.text(&text);
                held.await;
                (text, Vec::new())
            }
            Act::Panic => panic!("as the script says"),
        };
        let finish = match tool_calls.is_empty() {
            _ if is_cut => FinishReason::Length,
            true => FinishReason::Stop,
            false => FinishReason::ToolCalls,
        };
        let message = AssistantMessage { text, tool_calls, continuation: None };
        let by_price = || self.price.map_or(Cost::Unknown, |price| Cost::Reported(price.of(usage.input, usage.output)));
        let cost = bill.unwrap_or_else(by_price);
        Ok(ChatAnswer {
            reply: Reply { message, finish, model: None, request_id: None },
            usage,
            cost,
            ..ChatAnswer::default()
        })
    }
}
