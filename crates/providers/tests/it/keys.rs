//! Keys in turn, keys that are refused, keys in a file that changes; and what a service says is left of its limits.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::{fs, future::Future, sync::Arc, time::Duration};

use mcp_orchestrator_domain::FailureClass;
use mcp_orchestrator_providers::{
    Allowance, ChatAnswer, ProviderError, RateLimits,
    http::{HttpProvider, InvalidHttpProvider},
    keys::{Key, KeyError, KeyProvider as _, KeyRing},
};
use mcp_orchestrator_testkit::provider_suite::{
    Pieces,
    server::{Act, Server, answer, json, stream},
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::advance;

const WELL: &str = r#"{"choices":[{"message":{"role":"assistant","content":"fine"},"finish_reason":"stop"}]}"#;

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

fn provider(server: &Server, keys: KeyRing) -> HttpProvider {
    let builder = HttpProvider::builder("lab", server.base_url()).with_default_model("m1");
    builder.with_keys(Arc::new(keys)).build().unwrap()
}

async fn ask(provider: &HttpProvider) -> Result<ChatAnswer, ProviderError> {
    mcp_orchestrator_testkit::provider_suite::ask(provider, &mut Pieces::default()).await
}

/// The keys of all requests so far.
fn shown(server: &Server) -> Vec<String> {
    let requests = server.requests();
    let key = |text: &str| text.trim_start_matches("Bearer ").to_owned();
    requests.iter().map(|request| key(request.header("authorization").unwrap_or_default())).collect()
}

fn refusal(status: u16, headers: &[&str]) -> Vec<Act> {
    vec![Act::Send(answer(status, headers, r#"{"error":{"message":"no"}}"#))]
}

fn fine() -> Vec<Act> {
    vec![Act::Send(json(200, WELL))]
}

async fn next(ring: &KeyRing) -> String {
    ring.key().await.unwrap().secret().expose_secret().to_owned()
}

fn keys(of: &[&str]) -> KeyRing {
    KeyRing::of(of.iter().map(|key| SecretString::from(*key)))
}

#[test]
fn keys_are_used_in_turn_and_a_bad_one_costs_a_request_not_the_answer() {
    run(async {
        let server = Server::start(vec![fine(), refusal(401, &[]), fine(), fine(), fine()]).await;
        let provider = provider(&server, keys(&["k-1", "k-2", "k-3"]));
        for _ in 0..4 {
            ask(&provider).await.unwrap();
        }
        assert_eq!(shown(&server), ["k-1", "k-2", "k-3", "k-1", "k-3"], "the second rests");
    });
}

#[test]
fn when_every_key_is_refused_the_service_says_why() {
    run(async {
        let server = Server::start(vec![refusal(401, &[])]).await;
        let error = ask(&provider(&server, keys(&["k-1", "k-2"]))).await.unwrap_err();
        assert_eq!((error.class(), error.status), (FailureClass::Auth, Some(401)));
        assert_eq!(shown(&server), ["k-1", "k-2"]);
    });
}

#[test]
fn a_rate_limit_of_one_key_is_not_one_of_the_next_and_other_refusals_are_of_no_key() {
    run(async {
        let server = Server::start(vec![refusal(429, &["retry-after: 30"]), fine(), refusal(400, &[])]).await;
        let provider = provider(&server, keys(&["k-1", "k-2"]));
        ask(&provider).await.unwrap();
        assert_eq!(ask(&provider).await.unwrap_err().class(), FailureClass::BadRequest);
        assert_eq!(shown(&server), ["k-1", "k-2", "k-2"]);
    });
}

#[test]
fn a_file_that_changes_is_read_again_and_one_that_goes_is_not_missed() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys");
        let ring = KeyRing::from_file(&file);
        assert!(matches!(ring.key().await, Err(KeyError::Unreadable { .. })));
        fs::write(&file, "# nothing yet\n").unwrap();
        assert!(matches!(ring.key().await, Err(KeyError::None { .. })));
        fs::write(&file, "first\n").unwrap();
        advance(Duration::from_secs(1)).await;
        assert_eq!(next(&ring).await, "first");
        fs::write(&file, "\n# both\n  second \nthird\nnot a key\n").unwrap();
        assert_eq!(next(&ring).await, "first", "looked at less than a second ago");
        advance(Duration::from_secs(1)).await;
        assert_eq!([next(&ring).await, next(&ring).await, next(&ring).await], ["second", "third", "second"]);
        fs::remove_file(&file).unwrap();
        advance(Duration::from_secs(1)).await;
        assert_eq!(next(&ring).await, "third");
    });
}

#[test]
fn a_refused_key_rests_and_comes_back() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let ring = keys(&["k-1", "k-2"]);
        for (class, asked, rests) in [
            (FailureClass::Auth, None, 600),
            (FailureClass::QuotaExhausted, None, 3_600),
            (FailureClass::QuotaExhausted, Some(Duration::from_secs(20)), 20),
            (FailureClass::RateLimited, Some(Duration::from_secs(7)), 7),
            (FailureClass::RateLimited, None, 1),
        ] {
            let key = ring.key().await.unwrap();
            assert!(ring.refused(&key, class, asked), "another one is there");
            let other = next(&ring).await;
            advance(Duration::from_secs(rests) - Duration::from_millis(1)).await;
            assert_eq!(next(&ring).await, other, "{class} {asked:?}");
            advance(Duration::from_millis(1)).await;
            assert_eq!(next(&ring).await, key.secret().expose_secret(), "{class} {asked:?}");
            next(&ring).await;
        }
        let one = keys(&["k-1"]);
        let key = one.key().await.unwrap();
        assert!(!one.refused(&key, FailureClass::Auth, None));
        assert_eq!(next(&one).await, "k-1", "a ring of one key behaves like a key");
    });
}

#[test]
fn no_key_is_ever_shown() {
    let ring = keys(&["sk-secret-1"]);
    let key = Key::new(&"sk-secret-1".into()).unwrap();
    assert!(!format!("{ring:?} {key:?}").contains("secret"));
    let error =
        HttpProvider::builder("lab", "http://127.0.0.1:1/v1").with_key("sk\nsecret".into()).build().unwrap_err();
    assert!(matches!(&error, InvalidHttpProvider::Key { provider } if provider == "lab"));
    assert!(!error.to_string().contains("secret"));
}

#[test]
fn what_is_left_of_a_limit_comes_with_the_answer() {
    let openai = ["x-ratelimit-remaining-requests: 59", "x-ratelimit-reset-requests: 20s"];
    let tokens = ["x-ratelimit-remaining-tokens: 149984", "x-ratelimit-reset-tokens: 6m0s"];
    run(async {
        let server = Server::saying(answer(200, &[openai[0], openai[1], tokens[0], tokens[1]], WELL)).await;
        let limits = ask(&provider(&server, keys(&["k"]))).await.unwrap().limits;
        let near = |left: Option<Allowance>, remaining, seconds| {
            left.is_some_and(|left| left.remaining == remaining && left.reset.as_secs() + 1 == seconds)
        };
        assert!(near(limits.requests, 59, 20) && near(limits.tokens, 149_984, 360), "{limits:?}");

        let server = Server::saying(json(200, WELL)).await;
        assert_eq!(ask(&provider(&server, keys(&["k"]))).await.unwrap().limits.requests, None);
    });
}

#[test]
fn a_refusal_that_names_no_pause_lasts_until_what_is_used_up_is_whole_again() {
    run(async {
        let used_up = ["x-ratelimit-remaining-requests: 0", "x-ratelimit-reset-requests: 9s"];
        let server = Server::start(vec![refusal(429, &used_up)]).await;
        let error = ask(&provider(&server, keys(&["k"]))).await.unwrap_err();
        assert_eq!((error.class(), error.retry_after), (FailureClass::RateLimited, Some(Duration::from_secs(9))));
    });
}

#[test]
fn a_key_that_is_to_rest_for_no_time_is_not_tried_again_at_once() {
    run(async {
        let server = Server::start(vec![refusal(429, &["retry-after: 0"]), fine()]).await;
        let error = ask(&provider(&server, keys(&["k-1"]))).await.unwrap_err();
        assert_eq!((error.class(), shown(&server).len()), (FailureClass::RateLimited, 1));
    });
}

#[test]
fn an_answer_that_has_begun_is_not_asked_for_with_another_key() {
    run(async {
        let begun =
            stream(&[r#"{"choices":[{"delta":{"content":"One"}}]}"#, r#"{"error":{"code":429,"message":"too many"}}"#]);
        let server = Server::start(vec![vec![Act::Send(begun)], fine()]).await;
        let error = ask(&provider(&server, keys(&["k-1", "k-2"]))).await.unwrap_err();
        assert_eq!((error.class(), shown(&server).len()), (FailureClass::RateLimited, 1));
    });
}

#[test]
fn a_key_that_is_used_up_rests_and_what_is_left_of_it_holds_up_nobody_who_has_another() {
    run(async {
        let used_up = || {
            let headers = ["x-ratelimit-remaining-requests: 0", "x-ratelimit-reset-requests: 50s"];
            vec![Act::Send(answer(200, &headers, WELL))]
        };
        let server = Server::start(vec![used_up(), fine(), fine(), used_up(), fine()]).await;
        let provider = provider(&server, keys(&["k-1", "k-2"]));
        for _ in 0..3 {
            assert_eq!(ask(&provider).await.unwrap().limits, RateLimits::default());
        }
        let limits = ask(&provider).await.unwrap().limits;
        let left = limits.requests.unwrap();
        assert_eq!((left.remaining, left.reset.as_secs()), (0, 49), "now all rest, for as long as the first one does");
        assert_eq!(shown(&server), ["k-1", "k-2", "k-2", "k-2"]);
    });
}

#[test]
fn when_the_rates_of_all_keys_are_used_up_the_pause_is_that_of_the_first_to_wake() {
    run(async {
        let (short, long) = (refusal(429, &["retry-after: 5"]), refusal(429, &["retry-after: 40"]));
        let server = Server::start(vec![short, long]).await;
        let error = ask(&provider(&server, keys(&["k-1", "k-2"]))).await.unwrap_err();
        assert_eq!(error.class(), FailureClass::RateLimited);
        assert!(error.retry_after.is_some_and(|pause| pause.as_secs() == 4), "{:?}", error.retry_after);
    });
}

#[test]
fn a_key_that_is_refused_for_good_beside_a_busy_one_does_not_end_the_wait_for_it() {
    run(async {
        for (status, body) in [
            (401, r#"{"error":{"message":"no"}}"#),
            (402, r#"{"error":{"message":"no"}}"#),
            (429, r#"{"error":{"message":"no","code":"insufficient_quota"}}"#),
        ] {
            let of_no_use = || vec![Act::Send(answer(status, &[], body))];
            let busy = || refusal(429, &["retry-after: 30"]);
            for script in [vec![busy(), of_no_use()], vec![of_no_use(), busy()]] {
                let server = Server::start(script).await;
                let error = ask(&provider(&server, keys(&["k-1", "k-2"]))).await.unwrap_err();
                assert_eq!((error.class(), error.status), (FailureClass::RateLimited, Some(429)), "{status}");
                assert!(error.retry_after.is_some_and(|pause| pause.as_secs() == 29), "{:?}", error.retry_after);
                assert_eq!(shown(&server), ["k-1", "k-2"]);
            }
        }
    });
}

#[test]
fn a_key_that_rests_since_an_earlier_request_is_waited_for_when_the_next_one_is_wrong() {
    run(async {
        let busy = refusal(429, &["retry-after: 3000"]);
        let server = Server::start(vec![busy, fine(), refusal(401, &[])]).await;
        let provider = provider(&server, keys(&["k-1", "k-2"]));
        ask(&provider).await.unwrap();
        let error = ask(&provider).await.unwrap_err();
        assert_eq!(error.class(), FailureClass::RateLimited);
        assert!(error.failure.message.contains("used up for now"), "{error}");
        assert!(error.retry_after.is_some_and(|pause| pause.as_secs() == 2_999), "not when the wrong one wakes");
        assert_eq!(shown(&server), ["k-1", "k-2", "k-2"]);
    });
}

#[cfg(feature = "layers")]
#[test]
fn behind_one_governor_the_rates_of_keys_add_up() {
    use mcp_orchestrator_providers::layers::{Governor, GovernorLimits};
    run(async {
        let used_up = ["x-ratelimit-remaining-requests: 0", "x-ratelimit-reset-requests: 50s"];
        let first = vec![Act::Send(answer(200, &used_up, WELL))];
        let server = Server::start(vec![first, fine()]).await;
        let limits = GovernorLimits { wait_max: Duration::from_secs(1), ..GovernorLimits::default() };
        let governor = Governor::new(provider(&server, keys(&["k-1", "k-2"])), limits);
        for _ in 0..5 {
            let answer = mcp_orchestrator_testkit::provider_suite::ask(&governor, &mut Pieces::default()).await;
            assert!(answer.is_ok(), "one used-up key parks nobody: {answer:?}");
        }
    });
}

#[test]
fn the_rests_of_keys_are_as_documented() {
    let rests = [KeyRing::WRONG_RESTS, KeyRing::EXHAUSTED_RESTS, KeyRing::BUSY_RESTS];
    assert_eq!(rests.map(|rest| rest.as_secs()), [600, 3_600, 1]);
}
