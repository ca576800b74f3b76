//! How a service talks, on each wire. Owns what a test can let one say, whatever the wire; the words are in a file for each. It
//! is written from the vendors' descriptions and shares no code with the adapters.

mod chat;
mod gemini;
mod messages;
mod responses;

use serde_json::Value;

/// A wire as a service speaks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "tests match on it")]
pub enum Voice {
    /// OpenAI's older one.
    Chat,
    /// OpenAI's and xAI's newer one.
    Responses,
    /// Anthropic's.
    Messages,
    /// Google's.
    Gemini,
}

/// An answer as a model gives it.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "tests build it")]
pub struct Said {
    /// The text, in the pieces in which it comes.
    pub text: Vec<String>,
    /// The tool calls.
    pub calls: Vec<SaidCall>,
    /// Why it ends.
    pub end: End,
    /// What it took.
    pub counts: Counts,
}

/// A tool call of it.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "tests build it")]
pub struct SaidCall {
    /// The service's id of it.
    pub id: String,
    /// The tool.
    pub name: String,
    /// JSON text, in the pieces in which it comes.
    pub arguments: Vec<String>,
}

/// Why an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "tests match on it")]
pub enum End {
    /// It is done, or waits for its tools.
    Done,
    /// The limit of tokens was reached.
    Length,
    /// A filter cut it.
    Filter,
}

/// Token counts, in our terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "tests build it")]
pub struct Counts {
    /// All of the prompt.
    pub input: u64,
    /// Those of it that a cache had.
    pub cached: u64,
    /// Those of it that were written to a cache.
    pub cache_write: u64,
    /// All of the answer.
    pub output: u64,
    /// Those of it that were thoughts.
    pub reasoning: u64,
}

/// What goes wrong at a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "tests match on it")]
pub enum Trouble {
    /// The key is wrong.
    Auth,
    /// Too many requests.
    RateLimited,
    /// The service has too much to do.
    Overloaded,
    /// The prompt does not fit into the model.
    TooLong,
    /// The request does not fit through the door.
    TooLarge,
    /// A filter refused the prompt.
    Filtered,
    /// The account is empty.
    NoMoney,
    /// No such model.
    NoModel,
}

impl Voice {
    /// The images of the first message of a request, as kind and Base64, and the text after them.
    #[must_use]
    pub fn images(self, body: &Value) -> (Vec<(String, String)>, String) {
        let parts = match self {
            Self::Chat | Self::Messages => &body["messages"][0]["content"],
            Self::Responses => &body["input"][0]["content"],
            Self::Gemini => &body["contents"][0]["parts"],
        };
        let mut parts = parts.as_array().cloned().unwrap_or_default();
        let text = parts.pop().unwrap_or_default();
        let own = |part: &Value| match self {
            Self::Chat => of_url(&part["image_url"]["url"]),
            Self::Responses => of_url(&part["image_url"]),
            Self::Messages => (word(&part["source"]["media_type"]), word(&part["source"]["data"])),
            Self::Gemini => (word(&part["inlineData"]["mimeType"]), word(&part["inlineData"]["data"])),
        };
        (parts.iter().map(own).collect(), word(&text["text"]))
    }

    /// The model that is asked for.
    pub const MODEL: &'static str = "model-1";

    /// The path of the base URL.
    #[must_use]
    pub const fn base_path(self) -> &'static str {
        match self {
            Self::Gemini => "v1beta",
            Self::Chat | Self::Responses | Self::Messages => "v1",
        }
    }

    /// The first line of a request for an answer.
    #[must_use]
    pub const fn request_line(self) -> &'static str {
        match self {
            Self::Chat => "POST /v1/chat/completions HTTP/1.1",
            Self::Responses => "POST /v1/responses HTTP/1.1",
            Self::Messages => "POST /v1/messages HTTP/1.1",
            Self::Gemini => "POST /v1beta/models/model-1:streamGenerateContent?alt=sse HTTP/1.1",
        }
    }

    /// The header a key is in, and what stands before the key.
    #[must_use]
    pub const fn key_header(self) -> (&'static str, &'static str) {
        match self {
            Self::Chat | Self::Responses => ("authorization", "Bearer "),
            Self::Messages => ("x-api-key", ""),
            Self::Gemini => ("x-goog-api-key", ""),
        }
    }

    /// An answer in one piece.
    #[must_use]
    pub fn whole(self, said: &Said) -> Value {
        match self {
            Self::Chat => chat::whole(said),
            Self::Responses => responses::whole(said),
            Self::Messages => messages::whole(said),
            Self::Gemini => gemini::whole(said),
        }
    }

    /// All events of a streamed answer before those that say that it is complete.
    #[must_use]
    pub fn begin(self, said: &Said) -> Vec<String> {
        match self {
            Self::Chat => chat::begin(said),
            Self::Responses => responses::begin(said),
            Self::Messages => messages::begin(said),
            Self::Gemini => gemini::begin(said),
        }
    }

    /// The events that say that it is complete.
    #[must_use]
    pub fn end(self, said: &Said) -> Vec<String> {
        match self {
            Self::Chat => chat::end(said),
            Self::Responses => responses::end(said),
            Self::Messages => messages::end(said),
            Self::Gemini => gemini::end(said),
        }
    }

    /// A streamed answer, with both.
    #[must_use]
    pub fn events(self, said: &Said) -> String {
        self.begin(said).concat() + &self.end(said).concat()
    }

    /// The status and the body that tell of a trouble.
    #[must_use]
    pub fn trouble(self, trouble: Trouble) -> (u16, Value) {
        match self {
            Self::Chat | Self::Responses => chat::trouble(trouble),
            Self::Messages => messages::trouble(trouble),
            Self::Gemini => gemini::trouble(trouble),
        }
    }

    /// The event that ends a stream because of an overload.
    #[must_use]
    pub fn overload_in_the_middle(self) -> String {
        match self {
            Self::Chat => chat::overload(),
            Self::Responses => responses::overload(),
            Self::Messages => messages::overload(),
            Self::Gemini => gemini::overload(),
        }
    }

    /// The same answer with its reason to end replaced by a word nobody knows, or by an empty one.
    #[must_use]
    pub fn with_reason(self, whole: &Value, word: &str) -> Value {
        let mut changed = whole.clone();
        let place = match self {
            Self::Chat => &mut changed["choices"][0]["finish_reason"],
            Self::Responses => &mut changed["status"],
            Self::Messages => &mut changed["stop_reason"],
            Self::Gemini => &mut changed["candidates"][0]["finishReason"],
        };
        *place = word.into();
        changed
    }

    /// The counts as this wire is able to tell them.
    #[must_use]
    pub const fn tells(self, counts: Counts) -> Counts {
        match self {
            Self::Chat | Self::Responses => counts,
            Self::Messages => Counts { reasoning: 0, ..counts },
            Self::Gemini => Counts { cache_write: 0, ..counts },
        }
    }
}

/// An event of only data.
fn data(value: &Value) -> String {
    format!("data: {value}\n\n")
}

/// An event that is called as its data says.
fn named(value: &Value) -> String {
    format!("event: {}\ndata: {value}\n\n", value["type"].as_str().unwrap_or_default())
}

/// The pieces of all calls' arguments, one of each call after the other: call, piece.
fn interleaved(said: &Said) -> Vec<(usize, &str)> {
    let longest = said.calls.iter().map(|call| call.arguments.len()).max().unwrap_or(0);
    let at = |round: usize| {
        let calls = said.calls.iter().enumerate();
        calls.filter_map(move |(n, call)| Some((n, call.arguments.get(round)?.as_str())))
    };
    (0..longest).flat_map(at).collect()
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Kind and bytes of an address that holds both.
fn of_url(url: &Value) -> (String, String) {
    let url = word(url);
    let (kind, data) = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")).unwrap_or_default();
    (kind.to_owned(), data.to_owned())
}
