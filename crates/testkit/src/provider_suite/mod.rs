//! What every provider behind HTTP must make of what services say, as properties to run against each wire. Owns the harness and
//! the list; an adapter brings a way to open itself on an address.
//!
//! ```ignore
//! mcp_orchestrator_testkit::provider_suite!(Voice::Chat, my_provider); // fn my_provider(at: &At) -> Box<dyn Provider>
//! ```
#![expect(clippy::unwrap_used, reason = "a property fails by panicking, as a test does")]
#![expect(clippy::missing_panics_doc, reason = "a property fails by panicking, as a test does")]

mod answers;
mod breaks;
mod images;
mod refusals;
pub mod server;
mod silence;
mod voice;

use std::{fmt, time::Duration};

use mcp_orchestrator_domain::{Message, Role, StepInput, Usage};
use mcp_orchestrator_providers::{ChatAnswer, ChatRequest, DeltaSink, Provider, ProviderError};

pub use answers::*;
pub use breaks::*;
pub use images::*;
pub use refusals::*;
pub use silence::*;
pub use voice::{Counts, End, Said, SaidCall, Trouble, Voice};

use server::{Act, STREAM_END, Server, json, piece, stream_head};

/// A key that must never be seen again.
pub const KEY: &str = "sk-test-0123456789abcdefghij";

/// Longer than anything on the loopback takes unless it is meant to.
const LONG: Duration = Duration::from_secs(60);

/// Where a provider is to be opened, and how.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct At {
    /// The base URL.
    pub base_url: String,
    /// The key to send.
    pub key: &'static str,
    /// The model for requests that name none.
    pub model: &'static str,
    /// Whether the model sees images.
    pub images: bool,
    /// How long the head of an answer may take.
    pub head: Duration,
    /// How long an answer may be silent.
    pub idle: Duration,
}

/// A provider to be tested: the wire its service speaks, and how to open it.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Subject {
    /// The wire.
    pub voice: Voice,
    open: fn(&At) -> Box<dyn Provider>,
}

impl Subject {
    /// A provider for a service that speaks so.
    #[must_use]
    pub fn new(voice: Voice, open: fn(&At) -> Box<dyn Provider>) -> Self {
        Self { voice, open }
    }

    /// The provider at a server.
    #[must_use]
    pub fn at(&self, server: &Server) -> Box<dyn Provider> {
        self.patient(server, LONG, LONG)
    }

    /// The same, with limits to its patience.
    #[must_use]
    pub fn patient(&self, server: &Server, head: Duration, idle: Duration) -> Box<dyn Provider> {
        self.opened(server, head, idle, false)
    }

    /// The provider at a server whose model sees images.
    #[must_use]
    pub fn seeing(&self, server: &Server) -> Box<dyn Provider> {
        self.opened(server, LONG, LONG, true)
    }

    fn opened(&self, server: &Server, head: Duration, idle: Duration, images: bool) -> Box<dyn Provider> {
        let base_url = server.address(self.voice.base_path());
        (self.open)(&At { base_url, key: KEY, model: Voice::MODEL, images, head, idle })
    }

    /// What it makes of a server that says these bytes.
    pub async fn told(&self, bytes: Vec<u8>) -> Result<ChatAnswer, ProviderError> {
        self.after(vec![Act::Send(bytes)]).await
    }

    /// What it makes of a server that does this.
    pub async fn after(&self, script: Vec<Act>) -> Result<ChatAnswer, ProviderError> {
        let server = Server::start(vec![script]).await;
        let outcome = ask(&*self.at(&server), &mut Pieces::default()).await;
        if let Err(error) = &outcome {
            let source = std::error::Error::source(error).map(ToString::to_string);
            let shown = format!("{error} {error:?} {source:?}");
            assert!(!shown.contains(&KEY[..12]), "{shown}");
        }
        outcome
    }

    /// The error it makes of these bytes.
    async fn refused(&self, bytes: Vec<u8>) -> ProviderError {
        self.told(bytes).await.unwrap_err()
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("voice", &self.voice).finish_non_exhaustive()
    }
}

/// Keeps the pieces of text.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Pieces(pub Vec<String>);

impl DeltaSink for Pieces {
    fn text(&mut self, delta: &str) {
        self.0.push(delta.to_owned());
    }
}

/// Asks a minimal question.
pub async fn ask(provider: &dyn Provider, sink: &mut dyn DeltaSink) -> Result<ChatAnswer, ProviderError> {
    let input = input();
    let messages = [Message::User("Hello".to_owned())];
    provider.chat(request(&messages, &input), sink).await
}

/// A step as no wire sees it.
#[must_use]
pub fn input() -> StepInput {
    StepInput {
        role: Role::Researcher,
        question: "q".to_owned(),
        task: "t".to_owned(),
        parts: 1,
        tools: Vec::new(),
        spans: Vec::new(),
        outputs: Vec::new(),
        tool_calls_made: 0,
    }
}

/// A minimal request of a conversation.
#[must_use]
pub const fn request<'a>(messages: &'a [Message], input: &'a StepInput) -> ChatRequest<'a> {
    ChatRequest {
        model: None,
        messages,
        tools: &[],
        former_tools: &[],
        output_schema: None,
        temperature: None,
        output_tokens_max: 256,
        idempotency_key: "wf/step/1",
        request_id: None,
        input,
    }
}

/// An answer with text beyond ASCII, two tool calls and all counts.
#[must_use]
pub fn answer_of_everything() -> Said {
    let call = |id: &str, name: &str, pieces: &[&str]| SaidCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: pieces.iter().map(|piece| (*piece).to_owned()).collect(),
    };
    Said {
        text: vec!["Grüße, ".to_owned(), "漢字 \"😀\"".to_owned()],
        calls: vec![
            call("call_a", "corpus_search", &["{\"q\":", "\"x", " y\"}"]),
            call("call_b", "corpus_read", &["{\"id", "\":7}"]),
        ],
        end: End::Done,
        counts: Counts { input: 1000, cached: 600, cache_write: 100, output: 20, reasoning: 5 },
    }
}

/// An answer that is a short text.
#[must_use]
pub fn short_answer() -> Said {
    Said { calls: Vec::new(), ..answer_of_everything() }
}

/// Counts as an answer has them.
#[must_use]
pub const fn usage(counts: Counts) -> Usage {
    let Counts { input, cached, cache_write, output, reasoning } = counts;
    Usage { input, cached, cache_write, output, reasoning }
}

/// A stream of these bytes, in pieces of so many.
#[must_use]
pub fn streamed(events: &str, piece_bytes: usize) -> Vec<u8> {
    let mut bytes = begun(events, piece_bytes);
    bytes.extend(STREAM_END);
    bytes
}

/// The same without its end.
fn begun(events: &str, piece_bytes: usize) -> Vec<u8> {
    let mut bytes = stream_head();
    for cut in events.as_bytes().chunks(piece_bytes.max(1)) {
        bytes.extend(piece(cut));
    }
    bytes
}

/// A trouble as its service tells it.
fn troubled(voice: Voice, trouble: Trouble) -> Vec<u8> {
    let (status, body) = voice.trouble(trouble);
    json(status, &body.to_string())
}

/// Makes one `#[tokio::test]` of every property, for the provider that `$open`, a `fn(&At) -> Box<dyn Provider>`, opens for a
/// service that speaks as `$voice`.
#[macro_export]
macro_rules! provider_suite {
    ($voice:expr, $open:path) => {
        $crate::provider_suite!(@each $voice, $open;
            a_request_goes_where_it_should_with_the_key_in_its_header_alone
            a_stream_gives_its_pieces_at_once_and_the_whole_at_the_end
            a_whole_body_is_the_same_answer
            events_cut_anywhere_change_nothing
            lines_may_end_in_every_way
            calls_that_come_interleaved_are_told_apart
            calls_without_ids_get_their_own
            an_answer_cut_by_the_token_limit_says_so
            an_answer_cut_by_a_filter_says_so
            reasons_nobody_knows_and_empty_ones_are_survived
            two_chats_share_one_connection
            a_wrong_key_is_told
            a_rate_limit_has_its_pause_in_every_form
            a_number_for_a_code_is_read
            an_overload_is_no_failure_of_the_request
            an_empty_account_is_no_rate_limit
            a_prompt_that_does_not_fit_is_told
            a_filtered_prompt_is_told
            an_unknown_model_is_told
            html_and_nothing_are_survived
            an_error_has_its_status_its_id_and_no_cost
            a_key_that_comes_back_is_never_shown
            an_error_in_a_success_is_an_error
            an_error_in_the_middle_ends_the_answer
            a_stream_without_its_end_is_truncated
            a_stream_cut_inside_an_event_is_truncated
            a_broken_connection_is_a_network_failure
            a_body_that_is_no_answer_cannot_be_read
            a_silent_server_ends_at_its_time
            a_body_that_does_not_come_ends_at_its_time
            a_stalled_stream_ends_at_its_time
            dropping_a_chat_closes_its_connection
            endless_events_are_refused
            endless_calls_are_refused
            images_are_sent_whole_and_before_their_text
            a_model_that_is_not_known_to_see_is_shown_nothing
        );
    };
    (@each $voice:expr, $open:path; $($property:ident)*) => {
        $(
            #[tokio::test]
            async fn $property() {
                $crate::provider_suite::$property($crate::provider_suite::Subject::new($voice, $open)).await;
            }
        )*
    };
}
