//! The loop of an agent: ask the model, run its tools, ask again, within bounds. Owns the transcript and what comes
//! next; makes no call and keeps no time.

use serde_json::Value;

use crate::{AssistantMessage, Failure, FailureClass, FinishReason, Message, Reply, ToolCall, ToolResult};

/// What an agent is told of an answer that has no end.
const CUT: &str = "Your answer was cut off at the token limit, so its end is missing. Write the whole answer again, in at most \
    half as many words, in the same form and with the citations of what you keep.";

/// The bounds of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a plain choice")]
pub struct AgentLimits {
    /// Model calls it may make. On the last it is offered no tools and must answer.
    pub turns_max: u16,
    /// Tool calls it may make in one turn; further ones are refused without a call.
    pub tool_calls_per_turn_max: u16,
}

impl AgentLimits {
    /// So many turns, and eight tool calls in each.
    #[must_use]
    pub const fn turns(turns_max: u16) -> Self {
        Self { turns_max, tool_calls_per_turn_max: 8 }
    }
}

/// One agent at work: the transcript of its turns.
///
/// The same machine runs live and after a crash, when the answers come from the log instead of from services.
#[derive(Clone, Debug)]
pub struct Agent {
    limits: AgentLimits,
    turns: Vec<Turn>,
    /// Whether its answer is taken although it was cut.
    keeps_cut: bool,
}

#[derive(Clone, Debug)]
struct Turn {
    reply: Reply,
    results: Vec<Option<ToolResult>>,
    objection: Option<Objection>,
}

/// Why an agent is asked again although it has answered.
#[derive(Clone, Debug)]
enum Objection {
    /// The token limit cut its answer.
    Cut,
    /// This is wrong with its answer.
    Wrong(String),
}

impl Objection {
    fn as_str(&self) -> &str {
        match self {
            Self::Cut => CUT,
            Self::Wrong(why) => why,
        }
    }
}

/// What an agent needs next.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "the engine must handle each")]
pub enum AgentNext {
    /// An answer of the model.
    AskModel {
        /// The turn, from 0.
        turn: u16,
        /// Whether tools are offered.
        tools: bool,
    },
    /// Answers of tools: every position of the turn's tool calls that has none yet.
    RunTools {
        /// The turn, from 0.
        turn: u16,
        /// Positions in the reply's tool calls.
        positions: Vec<u16>,
    },
    /// Nothing: it has answered. The text is that of its last reply.
    Done,
    /// Nothing: it cannot answer.
    Failed(Failure),
}

/// An answer that does not fit what the agent asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the agent has not asked for this answer")]
#[non_exhaustive]
pub struct Unasked;

impl Agent {
    /// An agent that has said nothing yet.
    #[must_use]
    pub const fn new(limits: AgentLimits) -> Self {
        Self { limits, turns: Vec::new(), keeps_cut: false }
    }

    /// What it needs next.
    #[must_use]
    pub fn next(&self) -> AgentNext {
        let Some(turn) = self.turns.last() else { return self.ask() };
        if self.keeps_cut {
            return AgentNext::Done;
        }
        if turn.objection.is_some() {
            return AgentNext::AskModel { turn: narrow(self.turns.len()), tools: false };
        }
        let positions: Vec<u16> = (0_u16..).zip(&turn.results).filter(|(_, r)| r.is_none()).map(|(p, _)| p).collect();
        if !positions.is_empty() {
            return AgentNext::RunTools { turn: narrow(self.turns.len() - 1), positions };
        }
        if !turn.results.is_empty() {
            return self.ask();
        }
        let text = turn.reply.message.text.trim();
        let finish = turn.reply.finish;
        if finish == FinishReason::ContentFilter {
            return failed(FailureClass::ContentFilter, "the service filtered the answer");
        }
        if !text.is_empty() {
            return AgentNext::Done;
        }
        if finish == FinishReason::Length {
            return failed(FailureClass::Limit, "the token limit was reached before anything was said");
        }
        if turn.reply.message.tool_calls.is_empty() {
            return failed(FailureClass::NoResult, "the answer is empty");
        }
        failed(FailureClass::Limit, "the agent used all its turns without an answer")
    }

    /// Takes the model's answer. Tool calls beyond the limit are answered with a refusal at once, and so is one whose
    /// arguments the token limit cut; on the last turn all are ignored.
    ///
    /// An answer in words that the token limit cut is asked for once more, shorter; that turn is beyond the agent's limit, as
    /// with [`Agent::object`]. The second one is taken as it comes: [`Agent::is_cut`] says how it came.
    ///
    /// # Errors
    /// [`Unasked`] when it waits for something else.
    pub fn reply(&mut self, reply: Reply) -> Result<(), Unasked> {
        let AgentNext::AskModel { tools, .. } = self.next() else { return Err(Unasked) };
        let limit = usize::from(self.limits.tool_calls_per_turn_max);
        let calls = &reply.message.tool_calls;
        let refused = |(position, call): (usize, &ToolCall)| {
            if position >= limit {
                Some(refusal(call, format!("Not called: at most {limit} tools can be called at once.")))
            } else if reply.finish == FinishReason::Length && arguments_are_cut(call, position + 1 == calls.len()) {
                let why = "Not called: its arguments were cut off at the token limit. Call it again with shorter ones.";
                Some(refusal(call, why.to_owned()))
            } else {
                None
            }
        };
        let results: Vec<_> = calls.iter().enumerate().filter(|_| tools).map(refused).collect();
        let is_cut =
            results.is_empty() && reply.finish == FinishReason::Length && !reply.message.text.trim().is_empty();
        let was_cut_before = self.turns.iter().any(|turn| matches!(turn.objection, Some(Objection::Cut)));
        let objection = (is_cut && !was_cut_before).then_some(Objection::Cut);
        self.turns.push(Turn { reply, results, objection });
        Ok(())
    }

    /// Takes the answer that was cut as it is, because the shorter one it was asked for cannot be had or is none. The agent
    /// is then done.
    ///
    /// # Errors
    /// [`Unasked`] when there is no such answer, or a shorter one may still come.
    pub fn keep_cut(&mut self) -> Result<(), Unasked> {
        let is_cut = |turn: Option<&Turn>| turn.is_some_and(|turn| matches!(turn.objection, Some(Objection::Cut)));
        if !is_cut(self.turns.last()) {
            let before = self.turns.len().checked_sub(2).and_then(|before| self.turns.get(before));
            if !is_cut(before) || !matches!(self.next(), AgentNext::Failed(_)) {
                return Err(Unasked);
            }
            self.turns.pop();
        }
        self.keeps_cut = true;
        Ok(())
    }

    /// Objects to the answer it has ended with: it is asked once more, without tools, and told why. That turn is beyond its
    /// limit, so that an answer of the last turn can be repaired too.
    ///
    /// # Errors
    /// [`Unasked`] when it has not answered, or was objected to before: an agent is not argued with.
    pub fn object(&mut self, why: impl Into<String>) -> Result<(), Unasked> {
        if self.turns.iter().any(|turn| matches!(turn.objection, Some(Objection::Wrong(_)))) {
            return Err(Unasked);
        }
        self.object_again(why)
    }

    /// As [`Agent::object`], whether or not it was objected to before: when the log shows that it was asked again, and
    /// when it gets another try in a workflow that continues the one in which it failed.
    ///
    /// # Errors
    /// [`Unasked`] when it has not answered, or with an answer that was cut and is kept.
    pub fn object_again(&mut self, why: impl Into<String>) -> Result<(), Unasked> {
        if self.keeps_cut || self.next() != AgentNext::Done {
            return Err(Unasked);
        }
        let answer = self.turns.last_mut().ok_or(Unasked)?;
        answer.objection = Some(Objection::Wrong(why.into()));
        Ok(())
    }

    /// Takes a tool's answer to the tool call at a position of the last reply.
    ///
    /// # Errors
    /// [`Unasked`] when no such call waits.
    pub fn tool_result(&mut self, position: u16, result: ToolResult) -> Result<(), Unasked> {
        let slot = self
            .turns
            .last_mut()
            .and_then(|turn| turn.results.get_mut(usize::from(position)))
            .filter(|slot| slot.is_none())
            .ok_or(Unasked)?;
        *slot = Some(result);
        Ok(())
    }

    /// The tool call at a position of the last reply.
    #[must_use]
    pub fn tool_call(&self, position: u16) -> Option<&ToolCall> {
        self.turns.last()?.reply.message.tool_calls.get(usize::from(position))
    }

    /// Tool calls it has made, refused ones included.
    #[must_use]
    pub fn tool_calls_made(&self) -> u16 {
        narrow(self.turns.iter().map(|turn| turn.results.len()).sum())
    }

    /// The text of its last reply.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.turns.last().map(|turn| turn.reply.message.text.trim())
    }

    /// The turn of its last reply, from 0.
    #[must_use]
    pub fn last_turn(&self) -> Option<u16> {
        self.turns.len().checked_sub(1).map(narrow)
    }

    /// Whether its last reply was cut at the token limit: the end of [`Agent::text`] is missing.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.turns.last().is_some_and(|turn| turn.reply.finish == FinishReason::Length)
    }

    /// The answers of the last reply's tools so far, in the order the model asked.
    pub fn last_results(&self) -> impl Iterator<Item = &ToolResult> {
        self.turns.last().into_iter().flat_map(|turn| turn.results.iter().flatten())
    }

    /// The conversation after the prompt: each reply, the answers of its tools, and what was objected to it.
    pub fn messages(&self) -> impl Iterator<Item = Message> {
        self.turns.iter().flat_map(|turn| {
            let message = if turn.results.is_empty() {
                AssistantMessage { tool_calls: Vec::new(), ..turn.reply.message.clone() }
            } else {
                turn.reply.message.clone()
            };
            std::iter::once(Message::Assistant(message))
                .chain(turn.results.iter().flatten().cloned().map(Message::Tool))
                .chain(turn.objection.iter().map(|objection| Message::User(objection.as_str().to_owned())))
        })
    }

    fn ask(&self) -> AgentNext {
        let turn = narrow(self.turns.len());
        if turn >= self.limits.turns_max {
            return failed(FailureClass::Limit, "the agent used all its turns without an answer");
        }
        AgentNext::AskModel { turn, tools: turn + 1 < self.limits.turns_max }
    }
}

fn failed(class: FailureClass, message: &str) -> AgentNext {
    AgentNext::Failed(Failure::new(class, message))
}

fn refusal(call: &ToolCall, content: String) -> ToolResult {
    ToolResult { call_id: call.id.clone(), name: call.name.clone(), content, is_error: true }
}

/// Whether a call of a reply that was cut lacks some of its arguments. Of the last one even none may be too few: it may be
/// where the cut is.
fn arguments_are_cut(call: &ToolCall, is_last: bool) -> bool {
    match serde_json::from_str::<Value>(&call.arguments) {
        Ok(Value::Object(arguments)) => is_last && arguments.is_empty(),
        _ => true,
    }
}

fn narrow(value: usize) -> u16 {
    u16::try_from(value).unwrap_or(u16::MAX)
}
