//! Requests as services publish them: the types of their own clients, as JSON schemas, against every body a wire makes for them.
//! Owns the judging and which types judge whom; a script, `xtask/outside/vendor_schemas.py`, gets the schemas out of the clients.

mod answers;
mod bodies;

use std::{collections::BTreeMap, process::Command, time::Duration};

use anyhow::{Context as _, anyhow, ensure};
use jsonschema::Validator;
use mcp_orchestrator_providers::http::{Effort, Wire};
use serde::Deserialize;
use serde_json::{Value, json};

use super::grid::{Cell, Feature, Grid};
use crate::{
    cargo::root,
    outside::{install, process},
};
use bodies::{Body, Shape};

/// How long the script may take.
const RUNNING: Duration = Duration::from_mins(2);

/// Whose requests on which wire, by whose types, and what these do not know though the service does, with the reason.
struct Judged {
    vendor: &'static str,
    wire: Wire,
    by: &'static str,
    unknown: &'static [(Unknown, &'static str)],
}

/// What types do not know.
enum Unknown {
    /// Requests that have this.
    Shapes(&'static [Shape]),
    /// This field.
    Field(&'static str),
    /// Which roles there are.
    Roles,
}

const fn own(vendor: &'static str, wire: Wire, by: &'static str) -> Judged {
    Judged { vendor, wire, by, unknown: &[] }
}

/// A service that publishes no types, and says that it takes what OpenAI takes.
const fn as_openai(vendor: &'static str) -> Judged {
    own(vendor, Wire::Chat, "openai chat")
}

/// The same, and it wants its reasoning back.
const fn as_openai_with_reasoning(vendor: &'static str) -> Judged {
    Judged { unknown: REASONING, ..as_openai(vendor) }
}

const REASONING: &[(Unknown, &str)] = &[(
    Unknown::Shapes(&[Shape::Reasoning]),
    "OpenAI has no reasoning on this wire, and the service wants its own back",
)];
const STREAM_OPTIONS: &[(Unknown, &str)] =
    &[(Unknown::Field("stream_options"), "only the types of its answers speak of the field")];
const ROLES: (Unknown, &str) = (Unknown::Roles, "a role is any text");
const TASKS: &[(Unknown, &str)] = &[
    ROLES,
    (
        Unknown::Shapes(&[Shape::Conversation, Shape::LastWord, Shape::Reasoning]),
        "calls that go back have no arguments in them, those of answers have",
    ),
    (
        Unknown::Shapes(&[Shape::Effort(Effort::Low), Shape::Effort(Effort::Medium), Shape::Effort(Effort::High)]),
        "they know no effort, and allow what they do not know",
    ),
];

const JUDGED: [Judged; 19] = [
    own("openai", Wire::Responses, "openai responses"),
    own("openai", Wire::Chat, "openai chat"),
    own("anthropic", Wire::Messages, "anthropic messages"),
    Judged { unknown: &[ROLES], ..own("gemini", Wire::Gemini, "gemini gemini") },
    own("mistral", Wire::Chat, "mistral chat"),
    Judged { unknown: STREAM_OPTIONS, ..own("groq", Wire::Chat, "groq chat") },
    own("together", Wire::Chat, "together chat"),
    own("perplexity", Wire::Chat, "perplexity chat"),
    own("openrouter", Wire::Chat, "openrouter chat"),
    Judged { unknown: TASKS, ..own("huggingface", Wire::Chat, "huggingface chat") },
    as_openai("huggingface"),
    own("xai", Wire::Responses, "openai responses"),
    as_openai("xai"),
    as_openai("cohere"),
    as_openai_with_reasoning("deepseek"),
    as_openai_with_reasoning("ollama"),
    as_openai_with_reasoning("lmstudio"),
    as_openai_with_reasoning("llamacpp"),
    as_openai_with_reasoning("vllm"),
];

/// A schema and where it is from.
#[derive(Deserialize)]
struct Published {
    from: String,
    schema: Value,
}

/// All of them, by what they describe.
struct Schemas(BTreeMap<String, (String, Validator)>);

/// Judges every body, and the suite's own server; whether the latter is as services say.
pub(super) async fn judge(grid: &mut Grid) -> anyhow::Result<bool> {
    let schemas = Schemas::published()?;
    for judged in &JUDGED {
        let (vendor, wire) = (judged.vendor, judged.wire.as_str());
        let (from, validator) =
            schemas.0.get(judged.by).with_context(|| format!("there are no types {}", judged.by))?;
        let bodies = judged.known(bodies::of(vendor, judged.wire).await?);
        let cell = match judged.verdict(validator, &bodies) {
            Ok(()) => Cell::Passed(bodies.len().to_string()),
            Err(problem) => Cell::Failed(format!("{from}: {problem}")),
        };
        grid.note(format!("types: {from}"), format!("{vendor} over {wire}"));
        for (unknown, why) in judged.unknown {
            let what = match unknown {
                Unknown::Shapes(shapes) => format!("{shapes:?}"),
                Unknown::Field(field) => (*field).to_owned(),
                Unknown::Roles => "roles".to_owned(),
            };
            grid.note(format!("types without {what}: {why}"), format!("{vendor} over {wire}"));
        }
        grid.add_once(vendor, wire, (Feature::Types, cell));
    }
    answers::judge(&schemas)
}

impl Judged {
    /// What of the bodies its types know.
    fn known(&self, bodies: Vec<Body>) -> Vec<Body> {
        let mut known = bodies;
        for (unknown, _) in self.unknown {
            match unknown {
                Unknown::Shapes(shapes) => known.retain(|body| !shapes.contains(&body.shape)),
                Unknown::Roles => {}
                Unknown::Field(field) => {
                    for body in &mut known {
                        body.json.as_object_mut().map(|body| body.remove(*field));
                    }
                }
            }
        }
        known
    }

    /// Whether all bodies are as they should be, and whether that could have been otherwise: bodies that are broken on purpose
    /// must be refused.
    fn verdict(&self, validator: &Validator, bodies: &[Body]) -> Result<(), String> {
        for Body { shape, json } in bodies {
            if let Some(error) = validator.iter_errors(json).next() {
                return Err(format!("{shape:?} at {}: {error:.400}, in {json}", error.instance_path()));
            }
        }
        let whole = bodies.iter().find(|body| body.shape == Shape::Conversation).or_else(|| bodies.first());
        let whole = whole.ok_or("nothing was sent")?;
        let any_role = self.unknown.iter().any(|(unknown, _)| matches!(unknown, Unknown::Roles));
        for (what, broken) in broken(&whole.json, self.wire, any_role) {
            if validator.is_valid(&broken) {
                return Err(format!("the types take {what}: they prove nothing"));
            }
        }
        Ok(())
    }
}

/// The body with something wrong in it, in each of several ways.
fn broken(body: &Value, wire: Wire, any_role: bool) -> Vec<(&'static str, Value)> {
    let list = match wire {
        Wire::Responses => "input",
        Wire::Gemini => "contents",
        _ => "messages",
    };
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut body = body.clone();
        change(&mut body);
        body
    };
    let mut all = vec![
        ("an unknown field", changed(&|body| body["no_such_field"] = json!(1))),
        ("an unknown field of a message", changed(&|body| body[list][0]["no_such_field"] = json!(1))),
        ("a conversation that is a number", changed(&|body| body[list] = json!(1))),
        ("a tool without its name", changed(&nameless)),
    ];
    if any_role {
        all.push(("a role that is a number", changed(&|body| body[list][0]["role"] = json!(1))));
    } else {
        all.push(("a role nobody has", changed(&|body| body[list][0]["role"] = json!("nobody"))));
    }
    // OpenAI's newer requests can go without any.
    if wire != Wire::Responses {
        all.push(("no conversation", changed(&|body| drop(body.as_object_mut().map(|body| body.remove(list))))));
    }
    all
}

/// Takes the name of the first tool away, if tools are sent.
fn nameless(body: &mut Value) {
    for path in ["/tools/0", "/tools/0/function", "/tools/0/functionDeclarations/0"] {
        let tool = body.pointer_mut(path).and_then(Value::as_object_mut);
        if let Some(name) = tool.and_then(|tool| tool.get_mut("name")) {
            *name = json!(7);
            return;
        }
    }
    // A service that is sent none.
    body["tools"] = json!(7);
}

impl Schemas {
    /// Gets them out of the clients.
    fn published() -> anyhow::Result<Self> {
        let programs = install::python(install::VENDOR_SDKS)?;
        let scratch = install::scratch("types")?;
        let mut python = Command::new(programs.join("python"));
        python.arg(root().join("xtask/outside/vendor_schemas.py")).current_dir(&scratch);
        let finished = process::run(python, RUNNING, &scratch.join("python.log"))?;
        ensure!(finished.code == Some(0), "the script did not reach its end:\n{}", finished.errors);
        let published: BTreeMap<String, Published> = serde_json::from_str(&finished.output)?;
        let mut schemas = BTreeMap::new();
        for (name, Published { from, schema }) in published {
            let validator = jsonschema::validator_for(&schema).map_err(|error| anyhow!("{name}: {error}"))?;
            schemas.insert(name, (from, validator));
        }
        Ok(Self(schemas))
    }

    fn from(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |(from, _)| from)
    }

    /// What is wrong with a value, if anything is.
    fn problem(&self, name: &str, value: &Value) -> anyhow::Result<Option<String>> {
        let (_, validator) = self.0.get(name).with_context(|| format!("there are no types {name}"))?;
        let error = validator.iter_errors(value).next();
        Ok(error.map(|error| format!("{name}, at {}: {error:.300}", error.instance_path())))
    }
}
