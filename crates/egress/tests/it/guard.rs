//! Where a guarded client does not go, however it is asked.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
};

use mcp_orchestrator_egress::{
    BaseUrl, ClientSettings, Guard, HttpClient, HttpError, InvalidRule, Refusal, Request, Resolver, Resolving,
};

use super::server::{Server, Then};

/// Answers every name with the next addresses it was given, the last ones for ever.
struct Scripted(Mutex<Vec<Vec<IpAddr>>>);

impl Scripted {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parsed = answers.iter().map(|addresses| addresses.iter().map(|text| text.parse().unwrap()).collect());
        Arc::new(Self(Mutex::new(parsed.collect())))
    }
}

impl Resolver for Scripted {
    fn resolve(&self, _: &str) -> Resolving {
        let mut answers = self.0.lock().unwrap();
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        Box::pin(async move { Ok(answer) })
    }
}

fn client(guard: Guard) -> HttpClient {
    let mut settings = ClientSettings::default();
    settings.guard = guard;
    HttpClient::new(settings)
}

fn ok() -> &'static str {
    "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
}

#[test]
fn hostile_addresses_are_refused_in_every_spelling() {
    let guard = Guard::public().allow_http();
    for hostile in [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://017700000001/",
        "http://127.0.0.1./",
        "http://%31%32%37.0.0.1/",
        "http://①②⑦.⓪.⓪.①/",
        "http://127。0。0。1/",
        "http:\\\\127.0.0.1\\",
        "http://127.0.0\n.1/",
        "http://0/",
        "http://0.0.0.0/",
        "http://10.1.2.3/",
        "http://172.16.0.1/",
        "http://172.31.255.255/",
        "http://192.168.1.1/",
        "http://100.64.0.1/",
        "http://100.100.100.200/",
        "http://169.254.169.254/latest/meta-data",
        "http://168.63.129.16/",
        "http://169.254.1.1/",
        "http://192.0.0.192/",
        "http://192.0.2.5/",
        "http://198.51.100.5/",
        "http://203.0.113.5/",
        "http://198.18.0.1/",
        "http://192.88.99.1/",
        "http://224.0.0.1/",
        "http://240.0.0.1/",
        "http://255.255.255.255/",
        "http://[::]/",
        "http://[::1]/",
        "http://[0:0:0:0:0:0:0:1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:a00:1]/",
        "http://[::ffff:0:127.0.0.1]/",
        "http://[::127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[64:ff9b:1::1]/",
        "http://[2002:7f00:1::]/",
        "http://[2002:c0a8:101::1]/",
        "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
        "http://[2606:4700::5efe:10.0.0.1]/",
        "http://[fd00:ec2::254]/",
        "http://[fc00::1]/",
        "http://[fe80::1]/",
        "http://[fec0::1]/",
        "http://[ff02::1]/",
        "http://[2001:db8::1]/",
        "http://[3fff::1]/",
        "http://[100::1]/",
        "http://[5f00::1]/",
        "http://localhost/",
        "http://LOCALHOST./",
        "http://a.localhost:8080/",
        "http://user:s3cret@example.com/",
        "http://example.com:0/",
        "http://example.com:22/",
        "http://example.com:443/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "https://",
        "//example.com/",
        "http://1.2.3.4.5/",
        "",
    ] {
        let refusal = guard.admit(hostile).expect_err(hostile);
        assert!(!format!("{refusal} {refusal:?}").contains("s3cret"));
    }
    assert_eq!(Guard::public().admit("http://example.com/"), Err(Refusal::Scheme("http".to_owned())));
    assert!(guard.admit(&format!("https://example.com/{}", "x".repeat(3000))).is_err());
}

#[test]
fn public_addresses_pass_and_their_tokens_are_not_shown() {
    let guard = Guard::public();
    for (address, shown) in [
        ("https://example.com/hook?token=s3cret#s3cret", "https://example.com/…"),
        ("https://example.com:8443/s3cret", "https://example.com:8443/…"),
        ("https://8.8.8.8/", "https://8.8.8.8/…"),
        ("https://[2606:4700::1111]/", "https://[2606:4700::1111]/…"),
        ("https://[64:ff9b::808:808]/", "https://[64:ff9b::808:808]/…"),
        ("https://172.32.0.1/", "https://172.32.0.1/…"),
        ("https://localhost.example.com/", "https://localhost.example.com/…"),
    ] {
        let target = guard.admit(address).unwrap();
        assert_eq!(format!("{target:?}"), shown);
        assert!(!target.as_str().contains('#'));
        let request = Request::post(&target, "{}").with_header(String::from("x-own"), "1");
        assert!(!format!("{request:?}").contains("s3cret"));
    }
    assert!(Guard::public().allow_http().admit("http://example.com/").is_ok());
}

#[test]
fn operators_allow_networks_and_hosts_by_name() {
    let guard = Guard::public().allow_http().allow_net("10.0.0.0/8").unwrap().allow_net("::1").unwrap();
    let guard = guard.allow_host("Hooks.Internal.").unwrap();
    for allowed in [
        "http://10.1.2.3:25/",
        "http://[::ffff:10.1.2.3]/",
        "http://[::1]:9000/",
        "http://localhost:9000/",
        "http://hooks.internal:81/",
    ] {
        guard.admit(allowed).expect(allowed);
    }
    for refused in ["http://127.0.0.1/", "http://192.168.0.1/", "http://x.hooks.internal:81/"] {
        guard.admit(refused).expect_err(refused);
    }
    assert_eq!(Guard::public().allow_net("10/8").unwrap_err(), InvalidRule::Net("10/8".to_owned()));
    assert_eq!(Guard::public().allow_host("10.0.0.1").unwrap_err(), InvalidRule::Host("10.0.0.1".to_owned()));
    assert!(Guard::public().allow_host("").is_err());
    assert!(Guard::operator().admit("http://127.0.0.1:11434/").is_ok());
}

#[tokio::test]
async fn a_name_with_one_address_inside_is_refused_and_nothing_is_sent() {
    let server = Server::start(ok(), Then::Close).await;
    for addresses in [&["127.0.0.1"][..], &["8.8.8.8", "127.0.0.1"], &["::ffff:127.0.0.1"], &["169.254.169.254"]] {
        let guard = Guard::public().allow_http().with_resolver(Scripted::new(&[addresses]));
        let client = client(guard);
        let address = server.base().to_string().replace("127.0.0.1", "secret.example");
        let target = client.admit(&address).unwrap();
        let error = client.send(Request::post(&target, "{}")).await.unwrap_err();
        assert!(matches!(error, HttpError::Refused(Refusal::Name)), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_name_is_looked_at_again_for_every_connection() {
    let server = Server::start(ok(), Then::Close).await;
    let resolver = Scripted::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let guard = Guard::public().allow_http().allow_net("127.0.0.1/32").unwrap().with_resolver(resolver);
    let client = client(guard);
    let target = client.admit(&server.base().to_string().replace("127.0.0.1", "turns.example")).unwrap();
    assert_eq!(client.send(Request::post(&target, "{}")).await.unwrap().body().await.unwrap(), b"ok");
    let error = client.send(Request::post(&target, "{}")).await.unwrap_err();
    assert!(matches!(error, HttpError::Refused(Refusal::Name)), "{error:?}");
}

#[tokio::test]
async fn the_systems_own_names_are_guarded_too() {
    let server = Server::start(ok(), Then::Close).await;
    // A list with one loopback address lets the name through the first half; the system then finds the other one.
    let client = client(Guard::public().allow_http().allow_net("::1").unwrap());
    let target = client.admit(&server.base().to_string().replace("127.0.0.1", "localhost")).unwrap();
    let error = client.send(Request::post(&target, "{}")).await.unwrap_err();
    assert!(matches!(error, HttpError::Refused(Refusal::Name)), "{error:?}");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn whatever_is_sent_is_looked_at_again() {
    let server = Server::start(ok(), Then::Close).await;
    let open = client(Guard::operator());
    let target = open.admit(&server.base().to_string()).unwrap();
    let strict = client(Guard::public().allow_http());
    for request in [Request::post(&target, "{}"), Request::get(&server.base(), "/")] {
        let error = strict.send(request).await.unwrap_err();
        assert!(matches!(error, HttpError::Refused(Refusal::Address("a loopback address"))), "{error:?}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn exact_bytes_and_any_header_reach_a_listed_address() {
    let server = Server::start(ok(), Then::Close).await;
    let listed = client(Guard::public().allow_http().allow_net("127.0.0.0/8").unwrap());
    let target = listed.admit(&format!("{}?token=1", server.base())).unwrap();
    let request = Request::post(&target, &b"\x00raw"[..]).with_header(String::from("x-any-name"), "value");
    assert_eq!(listed.send(request).await.unwrap().status(), 200);
    let head = &server.heads()[0];
    assert!(head.starts_with("POST /secret-path?token=1 HTTP/1.1\r\nx-any-name: value\r\n"), "{head}");
    assert!(head.ends_with("\r\n\r\n\0raw"), "{head}");
}

#[tokio::test]
async fn a_guarded_client_uses_no_proxy() {
    let proxy = Server::start(ok(), Then::Close).await;
    let mut settings = ClientSettings::default();
    settings.guard = Guard::public().allow_http();
    settings.proxy = Some(proxy.base().to_string());
    let target = BaseUrl::parse("http://service.example/").unwrap();
    let error = HttpClient::new(settings).send(Request::get(&target, "/")).await.unwrap_err();
    assert!(matches!(error, HttpError::Refused(Refusal::Proxy)), "{error:?}");
    assert_eq!(proxy.connections(), 0);
}
