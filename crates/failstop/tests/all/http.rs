//! Real connections: what is told apart before and after the first byte, and what responses mean.

use std::{net::TcpListener as StdListener, pin::pin};

use decision_schema::{Object, Value, json};
use execution_orchestration_core::model::{Effect, EffectClass};
use failstop::executor::{
    Answer, Executor, Secret,
    http::{HttpExecutor, HttpSpec, HttpSpecError},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{
    one_attempt::{OneAttempt, answer_of, answer_to, in_time},
    support::nobody_listens,
};

async fn listen() -> (TcpListener, HttpSpec) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/act", listener.local_addr().unwrap());
    (listener, patient(url))
}

/// A target that a busy machine has time to connect to.
fn patient(url: impl Into<String>) -> HttpSpec {
    HttpSpec { connect_timeout_ms: 60_000, ..HttpSpec::new("act", url) }
}

fn executor(spec: HttpSpec) -> HttpExecutor {
    HttpExecutor::new(spec).unwrap()
}

async fn accept(listener: &TcpListener) -> TcpStream {
    in_time(listener.accept()).await.unwrap().0
}

/// Reads one whole request and returns it as text.
async fn receive(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = str::from_utf8(&bytes).unwrap();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = header(head, "content-length").unwrap_or("0").parse().unwrap();
            if body.len() >= length {
                return text.to_owned();
            }
        }
        let count = in_time(stream.read_buf(&mut bytes)).await.unwrap();
        assert_ne!(count, 0, "the request was cut");
    }
}

fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    request
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// Answers one request with these bytes, then closes.
async fn serve_once(listener: &TcpListener, response: &str) -> String {
    let mut stream = accept(listener).await;
    answer_over(&mut stream, response).await
}

async fn answer_over(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), response: &str) -> String {
    let request = receive(stream).await;
    // Whether all of it is wanted is the executor's business.
    let _ = stream.write_all(response.as_bytes()).await;
    let _ = stream.shutdown().await;
    request
}

/// What the executor makes of a response, and the request that it sent.
async fn exchange(change: impl FnOnce(&mut HttpSpec), one: &OneAttempt, response: &str) -> (Answer, String) {
    let (listener, mut spec) = listen().await;
    change(&mut spec);
    let executor = executor(spec);
    tokio::join!(answer_to(&executor, one), serve_once(&listener, response))
}

async fn answer_on(response: &str) -> Answer {
    exchange(|_| (), &OneAttempt::new(), response).await.0
}

fn whole(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} Some Reason\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

fn value(text: &str) -> Value {
    json::parse(text.as_bytes()).unwrap()
}

#[tokio::test]
async fn every_status_has_its_effect() {
    for (statuses, effect) in [
        (&[200, 201, 202, 203, 206, 226, 299][..], Effect::Applied),
        (&[300, 301, 302, 303, 304, 307, 308], Effect::Unknown),
        (
            &[400, 401, 402, 403, 404, 405, 406, 407, 410, 412, 413, 422, 426, 428, 431, 451, 499],
            Effect::Rejected,
        ),
        (&[425, 429], Effect::NotApplied),
        (&[408, 409], Effect::Unknown),
        (&[500, 501, 502, 503, 504, 507, 511, 599], Effect::Unknown),
    ] {
        for status in statuses {
            let expected = match effect {
                Effect::Applied => Answer::applied(),
                _ => Answer::of(effect).with_code(format!("http_{status}")),
            };
            assert_eq!(answer_on(&whole(*status, "", "")).await, expected, "{status}");
        }
    }
}

#[tokio::test]
async fn configured_statuses_win_over_their_class_and_over_the_body() {
    for (status, body, effect) in [
        (404, "", Effect::Applied),
        (409, "", Effect::NotApplied),
        (500, "", Effect::Rejected),
        (200, "", Effect::Unknown),
        (200, r#"{"effect":"applied"}"#, Effect::Unknown),
        (429, "", Effect::Unknown),
    ] {
        let change = |spec: &mut HttpSpec| spec.status_effects = [(status, effect)].into();
        let (answer, _) = exchange(change, &OneAttempt::new(), &whole(status, "", body)).await;
        assert_eq!(answer, Answer::of(effect).with_code(format!("http_{status}")), "{status}");
    }
}

#[tokio::test]
async fn a_2xx_may_name_its_effect_in_its_body() {
    for effect in [Effect::Applied, Effect::NotApplied, Effect::Rejected, Effect::Unknown] {
        let body = format!(r#"{{"effect":"{effect}","error_code":"c","retry_after_ms":7,"output":[1]}}"#);
        let expected = Answer::of(effect)
            .with_code("c")
            .with_retry_after_ms(7)
            .with_output(Value::Array(vec![Value::from(1)]));
        assert_eq!(answer_on(&whole(200, "", &body)).await, expected);
    }
    let rejected = whole(404, "", r#"{"effect":"applied"}"#);
    assert_eq!(answer_on(&rejected).await, Answer::rejected().with_code("http_404"));
}

#[tokio::test]
async fn other_json_becomes_output_and_what_is_no_json_is_ignored() {
    for (body, output) in [
        (r#"{"id":"x","n":18446744073709551615}"#, Some(value(r#"{"id":"x","n":18446744073709551615}"#))),
        ("[1,2]", Some(value("[1,2]"))),
        ("", None),
        ("<html>", None),
        (r#"{"a":1,"a":2}"#, None),
    ] {
        let expected = Answer { output, ..Answer::applied() };
        assert_eq!(answer_on(&whole(200, "content-type: text/plain\r\n", body)).await, expected, "{body}");
    }
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n";
    assert_eq!(answer_on(chunked).await, Answer::applied().with_output(value("[1,2]")));
    assert_eq!(answer_on("HTTP/1.1 200 OK\r\n\r\n[3]").await, Answer::applied().with_output(value("[3]")));
}

#[tokio::test]
async fn a_target_that_asks_to_be_left_alone_is_heard() {
    let date = "date: Sun, 06 Nov 1994 08:49:07 GMT\r\nretry-after: Sun, 06 Nov 1994 08:50:37 GMT\r\n";
    // Attempts here begin at 1,750,000,000 Unix seconds.
    let without_date = "retry-after: Sun, 15 Jun 2025 15:06:45 GMT\r\n";
    for (status, headers, wish) in [
        (429, "retry-after: 120\r\n", Some(120_000)),
        (425, "Retry-After:  1\r\n", Some(1_000)),
        (503, date, Some(90_000)),
        (503, without_date, Some(5_000)),
        (429, "retry-after: soon\r\n", None),
        (429, "", None),
        (500, "retry-after: 120\r\n", None),
        (409, "retry-after: 120\r\n", None),
    ] {
        let answer = answer_on(&whole(status, headers, "")).await;
        assert_eq!(answer.retry_after_ms, wish, "{status} {headers}");
    }
    let change = |spec: &mut HttpSpec| spec.status_effects = [(409, Effect::NotApplied)].into();
    let (answer, _) = exchange(change, &OneAttempt::new(), &whole(409, "retry-after: 2\r\n", "")).await;
    assert_eq!(answer.retry_after_ms, Some(2_000));
}

#[tokio::test]
async fn the_request_is_the_object_that_programs_get_and_carries_the_key() {
    let params: Object = [("text", "x".repeat(900 * 1024))].into_iter().collect();
    let (answer, request) = exchange(
        |spec| {
            spec.url = spec.url.replace("/act", "/runs/{run_id}/{step}?do={action}");
            spec.headers =
                vec![("X-Token".to_owned(), "canary".into()), ("x-token".to_owned(), "two".into())];
        },
        &OneAttempt { run_id: Some("a/../b é?#%"), ..OneAttempt::with_params(params.clone()) },
        &whole(204, "", ""),
    )
    .await;
    assert_eq!(answer, Answer::applied());
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert_eq!(head.lines().next(), Some("POST /runs/a%2F..%2Fb%20%C3%A9%3F%23%25/7?do=ACT HTTP/1.1"));
    for (name, expected) in [
        ("content-type", "application/json"),
        ("idempotency-key", "key-1"),
        ("user-agent", concat!("failstop/", env!("CARGO_PKG_VERSION"))),
        ("connection", "close"),
        ("x-token", "canary"),
    ] {
        assert_eq!(header(head, name), Some(expected), "{name}");
    }
    assert!(header(head, "host").unwrap().starts_with("127.0.0.1:") && head.contains("x-token: two"));
    let body = value(body);
    assert_eq!(body.get("params"), Some(&Value::Object(params)));
    assert_eq!(body.get("fence"), Some(&Value::from(41)));
}

#[tokio::test]
async fn own_content_type_and_user_agent_win_and_a_get_has_no_body() {
    let change = |spec: &mut HttpSpec| {
        spec.method = "GET".to_owned();
        spec.headers =
            vec![("User-Agent".to_owned(), "me".into()), ("content-type".to_owned(), "x/y".into())];
    };
    let (_, request) = exchange(change, &OneAttempt::new(), &whole(200, "", "")).await;
    assert!(request.starts_with("GET /act HTTP/1.1\r\n") && request.ends_with("\r\n\r\n"), "{request}");
    assert_eq!((header(&request, "user-agent"), header(&request, "content-type")), (Some("me"), Some("x/y")));
    assert_eq!(header(&request, "content-length"), None);
}

#[tokio::test]
async fn attempts_of_one_execution_share_a_trace_and_each_has_its_span() {
    let traceparent = async |one: OneAttempt| {
        let (_, request) = exchange(|_| (), &one, &whole(200, "", "")).await;
        header(&request, "traceparent").unwrap().to_owned()
    };
    let first = traceparent(OneAttempt::new()).await;
    let parts: Vec<&str> = first.split('-').collect();
    assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [2, 32, 16, 2]);
    assert!((parts[0], parts[3]) == ("00", "01") && first.chars().all(|c| c == '-' || c.is_ascii_hexdigit()));
    assert_eq!(traceparent(OneAttempt::new()).await, first);
    let second = traceparent(OneAttempt { attempt_number: 1, ..OneAttempt::new() }).await;
    assert!(second[..35] == first[..35] && second[36..] != first[36..]);
    let other = traceparent(OneAttempt { idempotency_key: Some("key-2"), ..OneAttempt::new() }).await;
    assert_ne!(other[3..35], first[3..35]);
}

#[tokio::test]
async fn without_a_key_no_key_is_sent() {
    let one = OneAttempt { idempotency_key: None, ..OneAttempt::new() };
    let (_, request) = exchange(|_| (), &one, &whole(200, "", "")).await;
    assert_eq!(header(&request, "idempotency-key"), None);
}

#[tokio::test]
async fn a_request_that_cannot_be_made_is_rejected_and_nothing_is_sent() {
    let listener = StdListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap());
    let run = |run_id| OneAttempt { run_id, ..OneAttempt::new() };
    let key = |key| OneAttempt { idempotency_key: Some(key), ..OneAttempt::new() };
    for (path, one, code) in [
        ("{tenant}", OneAttempt::new(), "url_value_unfit"),
        ("{run_id}", run(None), "url_value_unfit"),
        ("{run_id}", run(Some("")), "url_value_unfit"),
        ("x/{run_id}/y", run(Some("..")), "url_value_unfit"),
        ("", key(" k"), "key_unfit_for_header"),
        ("", key("k\n"), "key_unfit_for_header"),
        ("", key(""), "key_unfit_for_header"),
    ] {
        let answer = answer_to(&executor(HttpSpec::new("act", format!("{base}{path}"))), &one).await;
        assert_eq!(answer, Answer::rejected().with_code(code), "{path}");
    }
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn who_is_not_there_was_not_reached() {
    let (_held, url) = nobody_listens();
    assert_eq!(answer_of(&executor(patient(url))).await, Answer::not_applied().with_code("connect_refused"));
    let nowhere = executor(patient("http://nonexistent.invalid/"));
    assert_eq!(answer_of(&nowhere).await, Answer::not_applied().with_code("dns_failed"));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = StdListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let location = format!("location: http://{}/\r\n", elsewhere.local_addr().unwrap());
    for status in [301, 302, 303, 307, 308] {
        let answer = answer_on(&whole(status, &location, "")).await;
        assert_eq!(answer, Answer::unknown().with_code(format!("http_{status}")));
    }
    assert_eq!(elsewhere.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn what_breaks_after_the_request_was_sent_is_unknown() {
    let long_head = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(1 << 20));
    for (response, code) in [
        ("", "connection_lost"),
        ("HTTP/1.1 200 OK\r\ncontent-le", "connection_lost"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n[1]", "connection_lost"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\n[1]\r\n", "connection_lost"),
        ("SSH-2.0-OpenSSH_9.6\r\n\r\n", "bad_response"),
        (&long_head, "bad_response"),
    ] {
        let answer = answer_on(response).await;
        assert_eq!(answer, Answer::unknown().with_code(code), "{}", &response[..response.len().min(80)]);
    }
}

#[tokio::test]
async fn of_an_oversized_body_only_the_status_counts_and_the_connection_is_closed() {
    let exact = format!("\"{}\"", "x".repeat(98));
    for (body, output) in [(exact.clone(), Some(Value::from("x".repeat(98)))), (exact + " ", None)] {
        let change = |spec: &mut HttpSpec| spec.max_output_bytes = 100;
        let (answer, _) = exchange(change, &OneAttempt::new(), &whole(200, "", &body)).await;
        assert_eq!(answer, Answer { output, ..Answer::applied() });
    }

    let (listener, spec) = listen().await;
    let executor = executor(spec);
    let endless = async {
        let mut stream = accept(&listener).await;
        receive(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n{\"effect\":\"rejected\"}").await.unwrap();
        while stream.write_all(&[b' '; 1024]).await.is_ok() {}
    };
    let (answer, ()) = tokio::join!(answer_of(&executor), in_time(endless));
    assert_eq!(answer, Answer::applied());
}

#[tokio::test]
async fn a_server_that_never_answers_is_left_when_the_attempt_is_dropped() {
    let (listener, spec) = listen().await;
    let (executor, one) = (executor(spec), OneAttempt::new());
    let mut stream = {
        let mut running = pin!(executor.run(one.attempt()));
        let received = async {
            let mut stream = accept(&listener).await;
            receive(&mut stream).await;
            stream
        };
        tokio::select! {
            answer = running.as_mut() => panic!("ended too early: {answer:?}"),
            stream = received => stream,
        }
    };
    assert!(!one.control.is_listening() && !one.control.is_held());
    assert_eq!(in_time(stream.read(&mut [0; 1])).await.unwrap(), 0);
}

#[tokio::test]
async fn a_body_that_drips_for_ever_is_no_answer() {
    let (listener, spec) = listen().await;
    let (executor, one) = (executor(spec), OneAttempt::new());
    let mut stream = {
        let mut running = pin!(executor.run(one.attempt()));
        let dripping = async {
            let mut stream = accept(&listener).await;
            receive(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            for _ in 0..1000 {
                stream.write_all(b" ").await.unwrap();
                tokio::task::yield_now().await;
            }
            stream
        };
        tokio::select! {
            biased;
            answer = running.as_mut() => panic!("ended too early: {answer:?}"),
            stream = dripping => stream,
        }
    };
    let closed = async { while stream.write_all(b" ").await.is_ok() {} };
    in_time(closed).await;
}

mod tls {
    use std::sync::Arc;

    use rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    };
    use tokio_rustls::TlsAcceptor;

    use super::*;

    const CA: &[u8] = include_bytes!("../fixtures/tls/ca.pem");
    const CERTIFICATE: &[u8] = include_bytes!("../fixtures/tls/server.pem");
    const KEY: &[u8] = include_bytes!("../fixtures/tls/server.key");

    fn acceptor() -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(CERTIFICATE).unwrap()],
                PrivateKeyDer::from_pem_slice(KEY).unwrap(),
            )
            .unwrap();
        Arc::new(config).into()
    }

    async fn listen_tls() -> (TcpListener, HttpSpec) {
        let (listener, spec) = listen().await;
        let url = spec.url.replace("http://", "https://");
        (listener, HttpSpec { url, extra_roots_pem: Some(CA.to_vec()), ..spec })
    }

    #[tokio::test]
    async fn a_trusted_target_is_spoken_to() {
        for host in ["127.0.0.1", "localhost"] {
            let (listener, mut spec) = listen_tls().await;
            spec.url = spec.url.replace("127.0.0.1", host);
            let executor = executor(spec);
            let server = async {
                let mut stream = acceptor().accept(accept(&listener).await).await.unwrap();
                answer_over(&mut stream, &whole(200, "", "[1]")).await
            };
            let (answer, request) = tokio::join!(answer_of(&executor), server);
            assert_eq!(answer, Answer::applied().with_output(value("[1]")));
            assert!(header(&request, "host").unwrap().starts_with(host));
        }
    }

    #[tokio::test]
    async fn an_untrusted_target_gets_no_request() {
        let (listener, spec) = listen_tls().await;
        let executor = executor(HttpSpec { extra_roots_pem: None, ..spec });
        let server = async { acceptor().accept(accept(&listener).await).await.is_err() };
        let (answer, is_refused) = tokio::join!(answer_of(&executor), server);
        assert_eq!(answer, Answer::not_applied().with_code("tls_failed"));
        assert!(is_refused);
    }

    #[tokio::test]
    async fn a_target_that_does_not_speak_tls_gets_no_request() {
        let (listener, spec) = listen_tls().await;
        let executor = executor(spec);
        let server = async {
            let mut stream = accept(&listener).await;
            stream.write_all(whole(400, "", "").as_bytes()).await.unwrap();
            let mut received = Vec::new();
            let _ = stream.read_to_end(&mut received).await;
            received
        };
        let (answer, received) = tokio::join!(answer_of(&executor), server);
        assert_eq!(answer, Answer::not_applied().with_code("tls_failed"));
        assert!(!String::from_utf8_lossy(&received).contains("POST"));
    }

    #[tokio::test]
    async fn a_handshake_without_end_is_a_connect_timeout() {
        let (listener, spec) = listen_tls().await;
        let executor = executor(HttpSpec { connect_timeout_ms: 20, ..spec });
        let server = async {
            let mut stream = accept(&listener).await;
            stream.read_to_end(&mut Vec::new()).await
        };
        let (answer, _) = tokio::join!(answer_of(&executor), in_time(server));
        assert_eq!(answer, Answer::not_applied().with_code("connect_timeout"));
    }
}

#[test]
fn what_could_never_work_is_refused_at_once() {
    use HttpSpecError as E;
    let with_url = |url: &str| HttpSpec::new("act", url);
    let with = |change: fn(&mut HttpSpec)| {
        let mut spec = with_url("http://host/");
        change(&mut spec);
        spec
    };
    let header = |name: &str, value: &str| HttpSpec {
        headers: vec![("x-ok".to_owned(), "1".into()), (name.to_owned(), value.into())],
        ..with_url("http://host/")
    };
    let cases = [
        (with_url(""), E::Url),
        (with_url("host/path"), E::Url),
        (with_url("ftp://host/"), E::Url),
        (with_url("http://"), E::Url),
        (with_url("http:///path"), E::Url),
        (with_url("http://host:99999/"), E::Url),
        (with_url("http://host:/"), E::Url),
        (with_url("http://host/a b"), E::Url),
        (with_url("http://host/#canary"), E::Url),
        (with_url("http://ho st/canary"), E::Url),
        (with_url("https://user:canary@host/"), E::UrlCredentials),
        (with_url("https://canary@host/"), E::UrlCredentials),
        (with_url("http://{tenant}.host/"), E::UrlPlaceholder),
        (with_url("http://host/{canary}"), E::UrlPlaceholder),
        (with_url("http://host/{run_id"), E::UrlPlaceholder),
        (with(|spec| spec.method = "PO ST".to_owned()), E::Method),
        (with(|spec| spec.method = "CONNECT".to_owned()), E::Method),
        (header("Host", "canary"), E::HeaderName { index: 1 }),
        (header("Idempotency-Key", "canary"), E::HeaderName { index: 1 }),
        (header("can ary", "1"), E::HeaderName { index: 1 }),
        (header("x", "canary\r\nx-evil: 1"), E::HeaderValue { index: 1 }),
        (with(|spec| spec.status_effects = [(600, Effect::Applied)].into()), E::Status { status: 600 }),
        (with(|spec| spec.status_effects = [(199, Effect::Applied)].into()), E::Status { status: 199 }),
        (with(|spec| spec.connect_timeout_ms = 0), E::ConnectTimeout { ms: 0 }),
        (with(|spec| spec.connect_timeout_ms = 600_001), E::ConnectTimeout { ms: 600_001 }),
        (with(|spec| spec.extra_roots_pem = Some(b"canary".to_vec())), E::ExtraRoots),
    ];
    for (spec, expected) in cases {
        let error = HttpExecutor::new(spec).unwrap_err();
        assert_eq!(error, expected);
        assert!(!format!("{error} {error:?} {}", error.code()).contains("canary"));
    }
}

#[test]
fn urls_that_can_work_are_taken() {
    for url in [
        "http://host",
        "HTTPS://host:8443?a={step}",
        "http://[::1]:80/{run_id}/{tenant}/x",
        "http://h/{action}",
    ] {
        let executor = executor(HttpSpec { effect_class: EffectClass::ReadOnly, ..HttpSpec::new("it", url) });
        assert_eq!((executor.name(), executor.effect_class()), ("it", EffectClass::ReadOnly));
    }
}

#[test]
fn nothing_prints_urls_or_header_values() {
    let mut spec = HttpSpec::new("act", "http://host/?token=canary-4711");
    spec.headers = vec![("authorization".to_owned(), Secret::from("Bearer canary-4711"))];
    spec.extra_roots_pem = None;
    let printed = format!("{spec:?} {:#?}", executor(spec.clone()));
    assert!(!printed.contains("canary") && printed.contains("authorization"), "{printed}");
}
