//! The suite of all providers behind HTTP, once for every wire.

use mcp_orchestrator_providers::{
    Provider,
    http::{self, Dialect, HttpProvider, HttpTimeouts, Wire},
};
use mcp_orchestrator_testkit::{
    provider_suite,
    provider_suite::{At, Voice},
};

fn open(at: &At, wire: Wire, dialect: Dialect) -> Box<dyn Provider> {
    let timeouts = HttpTimeouts { head: at.head, idle: at.idle, probe: at.head };
    let builder = HttpProvider::builder("lab", &at.base_url).with_wire(wire).with_dialect(dialect);
    let builder = builder.with_key(at.key.into()).with_default_model(at.model).with_timeouts(timeouts);
    let builder = builder.with_images(at.images);
    Box::new(builder.build().expect("the suite's address and key are good"))
}

fn dialect_of(vendor: &str) -> Dialect {
    http::vendor(vendor).expect("it is in the catalogue").dialect
}

mod chat {
    use super::*;

    fn chat(at: &At) -> Box<dyn Provider> {
        open(at, Wire::Chat, Dialect::LENIENT)
    }

    provider_suite!(Voice::Chat, chat);
}

mod responses {
    use super::*;

    fn responses(at: &At) -> Box<dyn Provider> {
        open(at, Wire::Responses, dialect_of("openai"))
    }

    provider_suite!(Voice::Responses, responses);
}

mod messages {
    use super::*;

    fn messages(at: &At) -> Box<dyn Provider> {
        open(at, Wire::Messages, dialect_of("anthropic"))
    }

    provider_suite!(Voice::Messages, messages);
}

mod gemini {
    use super::*;

    fn gemini(at: &At) -> Box<dyn Provider> {
        open(at, Wire::Gemini, dialect_of("gemini"))
    }

    provider_suite!(Voice::Gemini, gemini);
}
