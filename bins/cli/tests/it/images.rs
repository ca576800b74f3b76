//! `--image`: from a file to the model, here and through a server; what is no image, and who cannot see one.

use mcp_orchestrator_testkit::ModelServer;

use crate::{
    served::{Odd, Served},
    setup::Home,
};

const GIF: &[u8] = b"GIF89a\x02\0\x03\0\0\0\0";
const SENT: &str = "data:image/gif;base64,R0lGODlhAgADAAAAAA==";
const QUESTION: &str = "What is in the picture?";

/// A home with an image and a model that sees, or is said to.
fn home(model: &ModelServer, sees: &str) -> Home {
    let home = Home::with_docs();
    std::fs::write(home.path("small.png"), GIF).unwrap();
    home.write(
        ".config/mcp-orchestrator/config.toml",
        &format!("[provider.lab]\nbase_url = \"{}\"\nmodel = \"m\"\nimages = \"{sees}\"\n", model.base_url()),
    );
    home
}

#[test]
fn an_image_reaches_the_model_as_its_bytes_say_whatever_its_name_says() {
    let model = ModelServer::start();
    let home = home(&model, "yes");
    home.run(&["research", QUESTION, "--provider", "lab", "--agents", "2", "--image", "small.png"]).ended(0);
    let bodies = model.requests();
    let showing = bodies.iter().filter(|body| body.contains(SENT)).count();
    assert!(showing >= 3 && showing < bodies.len(), "{showing} of {}: the writer sees none", bodies.len());
}

#[test]
fn what_is_no_image_and_who_cannot_see_one_are_told_before_anything_starts() {
    let model = ModelServer::start();
    let home = home(&model, "no");
    let run = |file: &str| home.run(&["research", QUESTION, "--provider", "lab", "--image", file]).ended(65).err;
    let error = run("docs/store.md");
    assert!(error.contains("--image") && error.contains("is no PNG, JPEG, WebP or GIF image"), "{error}");
    assert!(run("absent.png").contains("cannot be read"));
    let error = run("small.png");
    assert!(error.contains("m of lab") && error.contains("`provider.lab.images = \"yes\"`"), "{error}");
    assert!(model.requests().is_empty());
}

#[test]
fn a_server_is_sent_the_image_and_judges_it() {
    let model = ModelServer::start();
    let home = home(&model, "yes");
    let server = Served::start_odd(&home, Odd { model: Some(model.base_url()), ..Odd::default() });
    let ran = server.run(&home, &["research", QUESTION, "--agents", "2", "--image", "small.png"]).ended(65);
    assert!(ran.err.contains("test of local") && ran.err.contains("see images"), "{}", ran.err);
    assert!(model.requests().is_empty());
}
