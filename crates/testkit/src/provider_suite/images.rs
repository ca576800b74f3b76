//! Images that a request shows.

use mcp_orchestrator_domain::{Cost, FailureClass, Image, Message};
use mcp_orchestrator_providers::{ChatAnswer, Provider, ProviderError};

use super::{
    Pieces, Subject, input, request,
    server::{Server, json},
    short_answer,
};

/// A GIF and a PNG of two by three pixels, and their bytes in Base64.
const GIF: (&[u8], &str) = (b"GIF89a\x02\0\x03\0\0\0\0", "R0lGODlhAgADAAAAAA==");
const PNG: (&[u8], &str) =
    (b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x02\0\0\0\x03\x08\x06\0\0\0", "iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAYAAAA=");

async fn show(provider: &dyn Provider) -> Result<ChatAnswer, ProviderError> {
    let images = [GIF, PNG].map(|(bytes, _)| Image::parse(bytes).unwrap()).to_vec();
    let messages = [Message::UserWithImages { text: "Which one?".to_owned(), images }];
    provider.chat(request(&messages, &input()), &mut Pieces::default()).await
}

/// Every image goes out as the wire has it, with its kind, in its order, the text after them.
pub async fn images_are_sent_whole_and_before_their_text(subject: Subject) {
    let server = Server::saying(json(200, &subject.voice.whole(&short_answer()).to_string())).await;
    let provider = subject.seeing(&server);
    assert!(provider.capabilities(None).images);
    show(&*provider).await.unwrap();
    let body = server.requests().remove(0).json();
    let expected = [("image/gif", GIF.1), ("image/png", PNG.1)];
    let expected: Vec<_> = expected.iter().map(|(kind, data)| ((*kind).to_owned(), (*data).to_owned())).collect();
    assert_eq!(subject.voice.images(&body), (expected, "Which one?".to_owned()), "{body}");
}

/// Nothing is sent and nothing is paid; the error says whom to ask instead.
pub async fn a_model_that_is_not_known_to_see_is_shown_nothing(subject: Subject) {
    let server = Server::saying(json(200, &subject.voice.whole(&short_answer()).to_string())).await;
    let provider = subject.at(&server);
    assert!(!provider.capabilities(None).images);
    let error = show(&*provider).await.unwrap_err();
    assert_eq!((error.class(), error.cost), (FailureClass::BadRequest, Cost::FREE));
    assert!(error.to_string().contains("see images"), "{error}");
    assert!(server.requests().is_empty());
}
