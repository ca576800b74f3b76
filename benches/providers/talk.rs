//! What is said: the conversation that is sent, and the answer the service gives, as every wire has it.

use mcp_orchestrator_domain::{AssistantMessage, Message};
use mcp_orchestrator_testkit::provider_suite::{
    Counts, End, Said, Voice,
    server::{STREAM_END, json, piece, stream_head},
};

/// Pieces in which an answer comes: a short one, and one of a page.
pub(crate) const PIECES: [usize; 2] = [24, 400];

/// A turn of every conversation: about 400 bytes, with what JSON must escape.
const TURN: &str = "Harbour log, entry 17: \"the pilots were told in time\".\n\
    - The dredger worked from the second buoy to the quay, and the channel is eleven metres deep again.\n\
    - Two ships waited outside; the larger one (a bulk carrier, 229 m) came in with the evening tide.\n\
    What do the earlier entries say about the western mole, and which of them contradict each other? \
    Cite each finding by its id, and say so where nothing was found.\n";

/// A conversation of so many messages, the instructions included.
pub(crate) fn conversation(messages: usize) -> Vec<Message> {
    let turn = |at: usize| match at {
        0 if messages > 1 => Message::System(TURN.to_owned()),
        at if at % 2 == 1 || messages == 1 => Message::User(TURN.to_owned()),
        _ => Message::Assistant(AssistantMessage { text: TURN.to_owned(), ..AssistantMessage::default() }),
    };
    (0..messages).map(turn).collect()
}

/// An answer in so many pieces.
pub(crate) fn said(pieces: usize) -> Said {
    const WORDS: [&str; 6] = ["The harbour", " was dredged,", " and the", " pilots were", " told of it", " in time.\n"];
    let counts = Counts { input: 6_000, cached: 4_000, cache_write: 0, output: 2 * pieces as u64, reasoning: 0 };
    let text = WORDS.iter().cycle().take(pieces).map(|word| (*word).to_owned()).collect();
    Said { text, calls: Vec::new(), end: End::Done, counts }
}

/// The bytes of a streamed answer: each event a chunk of its own, as services send them.
pub(crate) fn streamed(voice: Voice, said: &Said) -> Vec<u8> {
    let mut bytes = stream_head();
    for event in voice.begin(said).iter().chain(&voice.end(said)) {
        bytes.extend(piece(event.as_bytes()));
    }
    bytes.extend(STREAM_END);
    bytes
}

/// The bytes of the same answer as a whole.
pub(crate) fn whole(voice: Voice, said: &Said) -> Vec<u8> {
    json(200, &voice.whole(said).to_string())
}
