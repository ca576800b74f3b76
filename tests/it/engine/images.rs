//! Images of a request: who is shown them, where they are kept, and what is refused.

use mcp_orchestrator::{Error, ResumeOptions, SubmitOptions};
use mcp_orchestrator_domain::{Event, FailureClass, Image, Message, RequestDraft, Role, Seq, Status, Tier};
use mcp_orchestrator_store::named_blobs;
use mcp_orchestrator_testkit::{Act, Asked, ScriptedProvider, obliging};

use super::harness::{Engine, research};

/// A GIF of so many bytes.
fn image(bytes: usize) -> Image {
    let mut file = b"GIF89a\x02\0\x03\0\0\0\0".to_vec();
    file.resize(bytes.max(file.len()), 0);
    Image::parse(file).unwrap()
}

fn showing(images: Vec<Image>) -> SubmitOptions {
    SubmitOptions { images, ..SubmitOptions::default() }
}

/// What a request showed.
fn shown(asked: &Asked) -> &[Image] {
    let images = asked.messages.iter().find_map(|message| match message {
        Message::UserWithImages { images, .. } => Some(&images[..]),
        _ => None,
    });
    images.unwrap_or_default()
}

#[tokio::test]
async fn planning_and_the_agents_see_them_and_whoever_writes_reads_what_they_say() {
    let engine = Engine::start(ScriptedProvider::obliging(6).with_images());
    let images = vec![image(20), image(30)];
    let id = engine.handle.submit_with(research(6), showing(images.clone())).await.unwrap();
    assert_eq!(engine.handle.settled(&id).await.unwrap().summary.status, Status::Completed);
    for asked in engine.provider.asked() {
        let expected = if asked.input.role.tier() == Tier::Synthesis { &[][..] } else { &images[..] };
        assert_eq!(shown(&asked), expected, "{}", asked.key);
    }
}

#[tokio::test]
async fn the_log_names_them_by_hash_and_a_continuation_shows_them_again() {
    let provider = ScriptedProvider::new(|asked| match asked.input.role {
        Role::Researcher if asked.before == 0 => Act::Fail(FailureClass::Auth, None),
        _ => Act::Say(obliging(asked, 2)),
    });
    let engine = Engine::start(provider.with_images());
    let images = vec![image(40_000)];
    let id = engine.handle.submit_with(research(2), showing(images.clone())).await.unwrap();
    assert_eq!(engine.handle.settled(&id).await.unwrap().summary.status, Status::Failed);
    let log = engine.handle.records(&id, Seq::ZERO, 1).await.unwrap();
    let Event::Submitted(submitted) = &log[0].record.event else { panic!("{log:?}") };
    assert_eq!(submitted.request.images.iter().map(|image| image.blob.bytes).collect::<Vec<_>>(), [40_000]);
    let named = submitted.request.images.iter().map(|image| image.blob.sha256).collect::<Vec<_>>();
    assert_eq!(named_blobs([&*log[0].record]), named, "a store keeps what a record names");
    assert!(serde_json::to_string(&*log[0].record).unwrap().len() < 8_000, "the log names them and holds none");
    let next = engine.handle.resume(&id, ResumeOptions::default()).await.unwrap();
    engine.handle.settled(&next).await.unwrap();
    let again = engine.provider.asked();
    let again =
        again.iter().filter(|asked| asked.key.starts_with(next.as_str()) && asked.input.role == Role::Researcher);
    assert!(again.clone().count() > 0 && again.clone().all(|asked| shown(asked) == images), "shown again");
}

#[tokio::test]
async fn what_cannot_be_seen_or_is_too_much_is_refused_before_anything_starts() {
    let field = |error: Error| match error {
        Error::Invalid(invalid) => (invalid.errors[0].field.to_owned(), invalid.errors[0].detail.clone()),
        other => panic!("{other}"),
    };
    let blind = Engine::start(ScriptedProvider::obliging(2));
    let refused = blind.handle.submit_with(research(2), showing(vec![image(20)])).await.unwrap_err();
    let (name, detail) = field(refused);
    assert!(name == "images" && detail.contains("scripted-1 of scripted"), "{detail}");
    let seeing = Engine::start(ScriptedProvider::obliging(2).with_images());
    for images in [vec![image(20); Image::COUNT_MAX + 1], vec![image(3_700_000); 4]] {
        let refused = seeing.handle.submit_with(research(2), showing(images)).await.unwrap_err();
        assert_eq!(field(refused).0, "images");
    }
    assert!(seeing.handle.list(Default::default()).await.unwrap().is_empty());
}

#[tokio::test]
async fn their_tokens_are_set_aside_before_a_call() {
    let engine = Engine::start(ScriptedProvider::obliging(2).with_images());
    let budget = |tokens| RequestDraft { budget_tokens: Some(tokens), ..research(2) };
    let status = async |tokens, images| {
        let id = engine.handle.submit_with(budget(tokens), showing(images)).await.unwrap();
        engine.handle.settled(&id).await.unwrap().summary.status
    };
    assert_eq!(status(40_000, Vec::new()).await, Status::Completed);
    let wide = [&b"GIF89a\x40\x1f\x40\x1f\0\0\0"[..]].concat();
    let wide = vec![Image::parse(wide).unwrap(); Image::COUNT_MAX];
    assert_eq!(status(40_000, wide).await, Status::Failed, "eight images of 8,000 pixels do not fit");
}

#[tokio::test]
async fn the_same_key_with_another_image_is_another_request() {
    let engine = Engine::start(ScriptedProvider::obliging(2).with_images());
    let keyed = |bytes| SubmitOptions { idempotency_key: Some("once".to_owned()), ..showing(vec![image(bytes)]) };
    let first = engine.handle.submit_with(research(2), keyed(20)).await.unwrap();
    assert_eq!(engine.handle.submit_with(research(2), keyed(20)).await.unwrap(), first);
    let other = engine.handle.submit_with(research(2), keyed(21)).await;
    assert!(matches!(other, Err(Error::IdempotencyMismatch)));
}
