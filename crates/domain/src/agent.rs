//! The loop of an agent: ask the model, run its tools, ask again, within bounds. Owns the transcript and what comes
//! next; makes no call and keeps no time.

use crate::{AssistantMessage, Failure, FailureClass, FinishReason, Message, Reply, ToolCall, ToolResult};

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
}

#[derive(Clone, Debug)]
struct Turn {
    reply: Reply,
    results: Vec<Option<ToolResult>>,
    objection: Option<String>,
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
        Self { limits, turns: Vec::new() }
    }

    /// What it needs next.
    #[must_use]
    pub fn next(&self) -> AgentNext {
        let Some(turn) = self.turns.last() else { return self.ask() };
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

    /// Takes the model's answer. Tool calls beyond the limit are answered with a refusal at once; on the last turn all
    /// are ignored.
    ///
    /// # Errors
    /// [`Unasked`] when it waits for something else.
    pub fn reply(&mut self, reply: Reply) -> Result<(), Unasked> {
        let AgentNext::AskModel { tools, .. } = self.next() else { return Err(Unasked) };
        let limit = usize::from(self.limits.tool_calls_per_turn_max);
        let results = reply
            .message
            .tool_calls
            .iter()
            .enumerate()
            .filter(|_| tools)
            .map(|(position, call)| (position >= limit).then(|| refusal(call, limit)))
            .collect();
        self.turns.push(Turn { reply, results, objection: None });
        Ok(())
    }

    /// Objects to the answer it has ended with: it is asked once more, without tools, and told why. That turn is beyond its
    /// limit, so that an answer of the last turn can be repaired too.
    ///
    /// # Errors
    /// [`Unasked`] when it has not answered, or was objected to before: an agent is not argued with.
    pub fn object(&mut self, why: impl Into<String>) -> Result<(), Unasked> {
        if self.turns.iter().any(|turn| turn.objection.is_some()) {
            return Err(Unasked);
        }
        self.object_again(why)
    }

    /// As [`Agent::object`], whether or not it was objected to before: when the log shows that it was asked again, and
    /// when it gets another try in a workflow that continues the one in which it failed.
    ///
    /// # Errors
    /// [`Unasked`] when it has not answered.
    pub fn object_again(&mut self, why: impl Into<String>) -> Result<(), Unasked> {
        if self.next() != AgentNext::Done {
            return Err(Unasked);
        }
        let answer = self.turns.last_mut().ok_or(Unasked)?;
        answer.objection = Some(why.into());
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
                .chain(turn.objection.iter().cloned().map(Message::User))
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

fn refusal(call: &ToolCall, limit: usize) -> ToolResult {
    ToolResult {
        call_id: call.id.clone(),
        name: call.name.clone(),
        content: format!("Not called: at most {limit} tools can be called at once."),
        is_error: true,
    }
}

fn narrow(value: usize) -> u16 {
    u16::try_from(value).unwrap_or(u16::MAX)
}
