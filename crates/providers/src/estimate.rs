//! How many tokens a request has, before anybody has counted them. Owns the estimate that budgets and rate limits share.

use mcp_orchestrator_domain::{Image, Message, ToolSpec};

/// Prompt tokens, estimated high: a token for three bytes and eight for each message; an image as the dearest service counts it.
#[must_use]
pub fn estimated_prompt_tokens(messages: &[Message], tools: &[ToolSpec]) -> u64 {
    let said: usize = messages
        .iter()
        .map(|message| match message {
            Message::System(text) | Message::User(text) | Message::UserWithImages { text, .. } => text.len(),
            Message::Assistant(assistant) => {
                let calls = assistant.tool_calls.iter().map(|call| call.name.len() + call.arguments.len() + 32);
                assistant.text.len() + calls.sum::<usize>()
            }
            Message::Tool(result) => result.content.len() + 32,
        })
        .sum();
    let seen: u64 = messages
        .iter()
        .map(|message| match message {
            Message::UserWithImages { images, .. } => images.iter().map(image_tokens).sum(),
            Message::System(_) | Message::User(_) | Message::Assistant(_) | Message::Tool(_) => 0,
        })
        .sum();
    let offered: usize = tools.iter().map(|tool| tool.description.len() + tool.parameters.to_string().len() + 32).sum();
    seen + ((said + offered).div_ceil(3) + 8 * messages.len()) as u64
}

/// The most tokens that an image is counted as by those who say how they count: by its area up to 4,784 (Anthropic), in tiles
/// of 258 (Google) and of 256 (xAI), in patches of 32 pixels times 2.46 (OpenAI) and of 16 pixels (Mistral).
fn image_tokens(image: &Image) -> u64 {
    let (width, height) = image.size();
    let (width, height) = (u64::from(width), u64::from(height));
    let pieces = |side: u64| width.div_ceil(side) * height.div_ceil(side);
    let area = (width * height).div_ceil(750).min(4_784);
    let tiles = (pieces((width.min(height) * 2 / 3).clamp(256, 768)) * 258).max(1_120);
    let fewer_tiles = pieces(448).min(7) * 256;
    let patches = (pieces(32).min(1_536) * 246).div_ceil(100);
    let small_patches = pieces(16).min(4_096);
    [area, tiles, fewer_tiles, patches, small_patches].into_iter().max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use mcp_orchestrator_domain::{Image, Message};

    use super::estimated_prompt_tokens;

    fn shown(width: u32, height: u32) -> Message {
        let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
        let bytes = [&b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"[..], &size, b"\x08\x06\0\0\0"].concat();
        Message::UserWithImages { text: String::new(), images: vec![Image::parse(bytes).unwrap()] }
    }

    #[test]
    fn an_image_counts_as_the_dearest_service_counts_it_and_a_larger_one_never_less() {
        let of = |width, height| estimated_prompt_tokens(&[shown(width, height)], &[]) - 8;
        assert_eq!(of(1, 1), 1_120);
        assert_eq!(of(1_024, 1_024), 4_096);
        assert_eq!(of(4_000, 3_000), 24 * 258);
        assert!(of(8_000, 8_000) >= 4_784);
        assert_eq!(estimated_prompt_tokens(&[shown(1, 1), shown(1, 1)], &[]), 2 * 1_128);
    }
}
