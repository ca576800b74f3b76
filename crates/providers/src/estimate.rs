//! How many tokens a request has, before anybody has counted them. Owns the estimate that budgets and rate limits share.

use mcp_orchestrator_domain::{Message, ToolSpec};

/// Prompt tokens, estimated high: a token for three bytes and eight for each message.
#[must_use]
pub fn estimated_prompt_tokens(messages: &[Message], tools: &[ToolSpec]) -> u64 {
    let said: usize = messages
        .iter()
        .map(|message| match message {
            Message::System(text) | Message::User(text) => text.len(),
            Message::Assistant(assistant) => {
                let calls = assistant.tool_calls.iter().map(|call| call.name.len() + call.arguments.len() + 32);
                assistant.text.len() + calls.sum::<usize>()
            }
            Message::Tool(result) => result.content.len() + 32,
        })
        .sum();
    let offered: usize = tools.iter().map(|tool| tool.description.len() + tool.parameters.to_string().len() + 32).sum();
    ((said + offered).div_ceil(3) + 8 * messages.len()) as u64
}
