//! Bytes into JSON-RPC messages, and what is said of bytes that are none. Knows nothing of transports and methods.

use rmcp::model::{ClientJsonRpcMessage, ErrorCode, ErrorData, JsonRpcError, RequestId};
use serde_json::Value;

/// What a client is told of bytes that are no message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    id: Option<RequestId>,
    error: ErrorData,
}

impl Refusal {
    /// The error with the id of the request, when one could be read.
    pub(crate) fn into_message(self) -> JsonRpcError {
        JsonRpcError::new(self.id, self.error)
    }

    fn new(code: ErrorCode, message: &'static str) -> Self {
        Self { id: None, error: ErrorData::new(code, message, None) }
    }
}

/// Parses one message.
///
/// # Errors
/// What to answer; `None` when nothing may be answered, because the bytes are themselves an answer.
pub(crate) fn parse(bytes: &[u8]) -> Result<ClientJsonRpcMessage, Option<Refusal>> {
    serde_json::from_slice(bytes).map_err(|_| refusal(bytes))
}

/// Says why bytes are no message. Called for those that could not be parsed.
pub(crate) fn refusal(bytes: &[u8]) -> Option<Refusal> {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else {
        return Some(Refusal::new(ErrorCode::PARSE_ERROR, "not JSON in UTF-8"));
    };
    match value {
        Value::Object(object) if object.contains_key("method") => {
            let id = object.get("id").and_then(|id| serde_json::from_value(id.clone()).ok());
            let refusal = Refusal::new(ErrorCode::INVALID_REQUEST, "not a JSON-RPC 2.0 message");
            Some(Refusal { id, ..refusal })
        }
        Value::Object(object) if object.contains_key("result") || object.contains_key("error") => None,
        Value::Array(_) => {
            Some(Refusal::new(ErrorCode::INVALID_REQUEST, "batches are not served; send one message each"))
        }
        _ => Some(Refusal::new(ErrorCode::INVALID_REQUEST, "not a JSON-RPC 2.0 message")),
    }
}

/// What is said of a message that is too long to be read.
pub(crate) fn too_long() -> Refusal {
    Refusal::new(ErrorCode::INVALID_REQUEST, "the message is longer than this server reads")
}

/// What is said of a request this connection has no room for.
pub(crate) fn refuse(id: RequestId, message: &'static str) -> Refusal {
    Refusal { id: Some(id), error: ErrorData::new(ErrorCode::INVALID_REQUEST, message, None) }
}
