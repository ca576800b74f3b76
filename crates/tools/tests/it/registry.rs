//! Registering, listing and calling tools.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use mcp_orchestrator_domain::{Digest, EvidenceId, Principal, Source, Span, ToolName, ToolSpec};
use mcp_orchestrator_tools::{
    AnswerBounds, Arguments, CallContext, RegisterError, Registry, Snapshot, Tool, ToolAnswer, ToolDescription,
    ToolError, ToolFilter, ToolInvocation,
};
use serde_json::{Value, json};
use tokio::sync::Notify;

type Work = dyn Fn(&Value) -> ToolAnswer + Send + Sync;

/// A tool that does what a test says.
struct Scripted {
    description: ToolDescription,
    work: Box<Work>,
}

#[async_trait]
impl Tool for Scripted {
    fn description(&self) -> &ToolDescription {
        &self.description
    }

    async fn call(&self, call: ToolInvocation<'_>) -> Result<ToolAnswer, ToolError> {
        Ok((self.work)(call.arguments))
    }
}

fn description(name: &str, parameters: Value) -> ToolDescription {
    ToolDescription {
        spec: ToolSpec { name: ToolName::new(name).unwrap(), description: format!("Does {name}."), parameters },
        category: "test".to_owned(),
        tags: vec!["scripted".to_owned(), name.to_owned()],
        time_limit: Duration::from_secs(60),
        repeatable: true,
        is_source: false,
    }
}

fn tool(name: &str, work: impl Fn(&Value) -> ToolAnswer + Send + Sync + 'static) -> Arc<dyn Tool> {
    let description = description(name, json!({ "type": "object" }));
    Arc::new(Scripted { description, work: Box::new(work) })
}

fn said(text: &str) -> ToolAnswer {
    ToolAnswer { content: text.to_owned(), ..ToolAnswer::default() }
}

async fn call(registry: &Registry, name: &str, arguments: &str) -> Result<ToolAnswer, ToolError> {
    let principal = Principal::local();
    let context = CallContext { idempotency_key: "key", principal: &principal, corpora: &[] };
    registry.call(name, Arguments::Text(arguments), context).await
}

#[tokio::test]
async fn a_second_tool_of_a_name_is_refused_and_replaced_only_when_asked() {
    let registry = Registry::new();
    registry.register(tool("echo", |_| said("one"))).unwrap();
    let refused = registry.register(tool("echo", |_| said("two"))).unwrap_err();
    assert_eq!(refused, RegisterError::Duplicate(ToolName::new("echo").unwrap()));
    assert_eq!(call(&registry, "echo", "").await.unwrap().content, "one");
    let other_handle = registry.clone();
    assert!(other_handle.replace(tool("echo", |_| said("three"))).unwrap().is_some());
    assert_eq!(call(&registry, "echo", "{}").await.unwrap().content, "three");
    assert!(registry.unregister("echo").is_some());
    assert!(registry.unregister("echo").is_none());
    assert!(matches!(call(&registry, "echo", "{}").await, Err(ToolError::Unknown(name)) if name == "echo"));
}

#[test]
fn tools_are_listed_by_category_and_any_tag() {
    let registry = Registry::new();
    for name in ["b", "a", "c"] {
        registry.register(tool(name, |_| said(""))).unwrap();
    }
    let names = |category: Option<&str>, tags: &[&str]| {
        let filter = ToolFilter {
            category: category.map(str::to_owned),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        };
        registry.list(&filter).iter().map(|tool| tool.description().spec.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(None, &[]), ["a", "b", "c"]);
    assert_eq!(names(Some("test"), &["a", "c", "nothing"]), ["a", "c"]);
    assert!(names(Some("other"), &[]).is_empty());
    assert!(names(None, &["nothing"]).is_empty());
    assert_eq!(registry.categories(), ["test"]);
    let manifest = serde_json::to_value(registry.manifest(&ToolFilter::default())).unwrap();
    assert_eq!(
        manifest["tools"][0],
        json!({
            "name": "a", "version": env!("CARGO_PKG_VERSION"), "description": "Does a.", "category": "test",
            "tags": ["scripted", "a"], "inputSchema": { "type": "object" },
        })
    );
}

#[tokio::test]
async fn arguments_are_checked_and_the_wrong_one_is_named() {
    let schema = json!({
        "type": "object",
        "properties": {
            "q": { "type": "string", "minLength": 2 },
            "deep": { "type": "object", "properties": { "n~/": { "type": "integer", "maximum": 9 } } },
        },
        "required": ["q"], "additionalProperties": false,
    });
    let registry = Registry::new();
    let work = Box::new(|arguments: &Value| said(arguments["q"].as_str().unwrap()));
    registry.register(Arc::new(Scripted { description: description("ask", schema), work })).unwrap();
    assert_eq!(call(&registry, "ask", r#"{"q": "why"}"#).await.unwrap().content, "why");
    for (arguments, pointer, says) in [
        ("", "/q", "is required"),
        ("{}", "/q", "is required"),
        (r#"{"q": 3}"#, "/q", "the value is not of type \"string\""),
        (r#"{"q": "x"}"#, "/q", "the value is shorter than 2 characters"),
        (r#"{"q": "xx", "r": 1}"#, "/r", "is not an argument of this tool"),
        (r#"{"q": "xx", "deep": {"n~/": 10}}"#, "/deep/n~0~1", "the value is greater than the maximum of 9"),
        ("[]", "", "the value is not of type \"object\""),
        (r#"{"q": "#, "", "no valid JSON"),
        ("ask me", "", "no valid JSON"),
        (&format!("{{\"q\": \"{}\"}}", "x".repeat(300_000)), "", "at most 262144"),
        (&"[".repeat(10_000), "", "no valid JSON"),
    ] {
        let needs_json_schema = says.contains("shorter") || says.contains("maximum");
        if needs_json_schema && cfg!(not(feature = "json-schema")) {
            assert!(call(&registry, "ask", arguments).await.is_ok(), "{arguments}");
            continue;
        }
        let error = call(&registry, "ask", arguments).await.unwrap_err();
        let ToolError::Arguments { argument, detail } = &error else { panic!("{error:?}") };
        assert_eq!(argument, pointer, "{detail}");
        assert!(detail.contains(says), "{detail}");
        assert!(detail.len() < 400);
    }
}

#[test]
fn a_schema_that_is_none_is_refused_at_registration() {
    for (schema, pointer) in [
        #[cfg(feature = "json-schema")]
        (json!({ "type": "object", "properties": { "n": { "type": "nonsense" } } }), "/properties/n/type"),
        (json!({ "type": "object", "properties": ["n"] }), "/properties"),
        (json!({ "type": "object", "required": "n" }), "/required"),
        (json!({ "type": "string" }), "/type"),
        (json!(null), "/type"),
    ] {
        let registry = Registry::new();
        let bad = Scripted { description: description("bad", schema), work: Box::new(|_| said("")) };
        let error = registry.register(Arc::new(bad)).unwrap_err();
        assert!(matches!(&error, RegisterError::Schema { pointer: at, .. } if at == pointer), "{error}");
        assert!(registry.is_empty());
    }
}

#[tokio::test]
async fn a_panic_ends_the_call_and_nothing_else() {
    let registry = Registry::new();
    registry.register(tool("bomb", |_| panic!("on purpose"))).unwrap();
    registry.register(tool("echo", |_| said("fine"))).unwrap();
    assert!(matches!(call(&registry, "bomb", "{}").await, Err(ToolError::Panicked)));
    assert!(matches!(call(&registry, "bomb", "{}").await, Err(ToolError::Panicked)));
    assert_eq!(call(&registry, "echo", "{}").await.unwrap().content, "fine");
}

/// A tool that never answers and notes when its future is dropped.
struct Hanging {
    description: ToolDescription,
    begun: Arc<Notify>,
    dropped: Arc<(AtomicBool, Notify)>,
}

struct OnDrop(Arc<(AtomicBool, Notify)>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::SeqCst);
        self.0.1.notify_one();
    }
}

#[async_trait]
impl Tool for Hanging {
    fn description(&self) -> &ToolDescription {
        &self.description
    }

    async fn call(&self, _call: ToolInvocation<'_>) -> Result<ToolAnswer, ToolError> {
        let _noted = OnDrop(Arc::clone(&self.dropped));
        self.begun.notify_one();
        std::future::pending().await
    }
}

fn hanging() -> (Registry, Arc<Notify>, Arc<(AtomicBool, Notify)>) {
    let (begun, dropped) = (Arc::new(Notify::new()), Arc::new((AtomicBool::new(false), Notify::new())));
    let registry = Registry::new();
    let description = description("hang", json!({ "type": "object" }));
    registry
        .register(Arc::new(Hanging { description, begun: Arc::clone(&begun), dropped: Arc::clone(&dropped) }))
        .unwrap();
    (registry, begun, dropped)
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_hangs_is_ended_at_its_limit() {
    let (registry, _, dropped) = hanging();
    let error = call(&registry, "hang", "{}").await.unwrap_err();
    assert!(matches!(error, ToolError::TimedOut(limit) if limit == Duration::from_secs(60)));
    dropped.1.notified().await;
    assert!(dropped.0.load(Ordering::SeqCst));
}

#[tokio::test]
async fn dropping_a_call_cancels_the_tool() {
    let (registry, begun, dropped) = hanging();
    let calling = tokio::spawn(async move { call(&registry, "hang", "{}").await.map(|answer| answer.content) });
    begun.notified().await;
    assert!(!dropped.0.load(Ordering::SeqCst));
    calling.abort();
    dropped.1.notified().await;
}

/// A tool that fails with this text.
struct Failing(ToolDescription, String);

#[async_trait]
impl Tool for Failing {
    fn description(&self) -> &ToolDescription {
        &self.0
    }

    async fn call(&self, _call: ToolInvocation<'_>) -> Result<ToolAnswer, ToolError> {
        Err(ToolError::failed(self.1.clone()))
    }
}

#[tokio::test]
async fn what_a_failing_tool_says_is_held_to_the_bound_of_an_answer() {
    let bounds = AnswerBounds { content_bytes_max: 10, ..AnswerBounds::default() };
    let registry = Registry::new().with_bounds(bounds);
    let failing = Failing(description("fail", json!({ "type": "object" })), "é".repeat(1 << 20));
    registry.register(Arc::new(failing)).unwrap();
    let error = call(&registry, "fail", "{}").await.unwrap_err();
    assert_eq!(error.to_string(), format!("{}\n[cut: 10 of 2097152 bytes are shown]", "é".repeat(5)));
}

fn evidence(text: &Arc<str>, snapshot: u8, start: usize, end: usize) -> Arc<Span> {
    Arc::new(Span {
        id: EvidenceId::new(&format!("ev_{start:06x}{end:06x}")).unwrap(),
        snapshot: Digest::new([snapshot; 32]),
        start: start as u64,
        end: end as u64,
        quote: text[start..end].into(),
        source: Arc::new(Source { uri: "test:".to_owned(), title: "Test".to_owned() }),
    })
}

fn answer(text: &Arc<str>, spans: Vec<Arc<Span>>) -> ToolAnswer {
    let snapshots = vec![
        Snapshot { digest: Digest::new([1; 32]), text: Arc::clone(text) },
        Snapshot { digest: Digest::new([9; 32]), text: "nobody points here".into() },
    ];
    ToolAnswer { content: "é".repeat(100), spans, snapshots, ..ToolAnswer::default() }
}

#[tokio::test]
async fn an_answer_is_held_to_its_bounds_and_says_what_is_missing() {
    let bounds = AnswerBounds { content_bytes_max: 21, spans_max: 2, quote_bytes_max: 5, ..AnswerBounds::default() };
    let registry = Registry::new().with_bounds(bounds);
    let text: Arc<str> = "abcdefghij".into();
    let work = move |_: &Value| {
        let spans = vec![
            evidence(&text, 1, 0, 9),
            evidence(&text, 1, 0, 2),
            evidence(&text, 1, 2, 4),
            evidence(&text, 1, 4, 6),
        ];
        answer(&text, spans)
    };
    registry.register(tool("much", work)).unwrap();
    let answer = call(&registry, "much", "{}").await.unwrap();
    assert_eq!(answer.spans.iter().map(|span| &*span.quote).collect::<Vec<_>>(), ["ab", "cd"]);
    assert_eq!(answer.snapshots.len(), 1);
    let expected = format!(
        "{}\n[cut: 20 of 200 bytes are shown]\n[2 more passages were left out: too many or too long]",
        "é".repeat(10)
    );
    assert_eq!(answer.content, expected);
}

#[tokio::test]
async fn snapshots_over_the_bound_take_their_spans_along() {
    let registry = Registry::new().with_bounds(AnswerBounds { snapshot_bytes_max: 9, ..AnswerBounds::default() });
    let text: Arc<str> = "abcdefghij".into();
    registry.register(tool("large", move |_| answer(&text, vec![evidence(&text, 1, 0, 2)]))).unwrap();
    let answer = call(&registry, "large", "{}").await.unwrap();
    assert!(answer.spans.is_empty() && answer.snapshots.is_empty());
    assert!(answer.content.ends_with("[1 more passages were left out: too many or too long]"));
}

#[tokio::test]
async fn a_quote_that_is_not_in_its_snapshot_is_refused() {
    let text: Arc<str> = "abcdéfghij".into();
    let good = evidence(&text, 1, 0, 4);
    let forged = Span { quote: "abcx".into(), ..Span::clone(&good) };
    let beyond = Span { end: 99, ..Span::clone(&good) };
    let inside_a_character = Span { end: 5, ..Span::clone(&good) };
    let orphaned = Span { snapshot: Digest::new([7; 32]), ..Span::clone(&good) };
    let empty = Span { end: 0, quote: "".into(), ..Span::clone(&good) };
    for bad in [forged, beyond, inside_a_character, orphaned, empty] {
        let registry = Registry::new();
        let (text, bad) = (Arc::clone(&text), Arc::new(bad));
        registry.register(tool("forger", move |_| answer(&text, vec![Arc::clone(&bad)]))).unwrap();
        let error = call(&registry, "forger", "{}").await.unwrap_err();
        assert_eq!(error.to_string(), "ev_000000000004 does not quote its text");
    }
}
