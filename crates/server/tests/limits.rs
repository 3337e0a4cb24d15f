//! Limits, over real sockets: too large, too slow, too many.

mod common;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use common::Served;
use stepwell_server::Limits;

/// Sends bytes as they are and reads the answer up to its end, or until the server hangs up.
struct Socket(TcpStream);

impl Socket {
    fn open(server: &Served) -> Self {
        let stream = TcpStream::connect(server.address()).expect("a connection");
        let limit = Some(Duration::from_secs(30));
        stream.set_read_timeout(limit).expect("a limit");
        Self(stream)
    }

    fn say(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).expect("said");
    }

    /// One answer, on a connection that stays open.
    fn hear_one(&mut self) -> String {
        let mut text = String::new();
        let mut byte = [0];
        let is_whole = |text: &str| {
            let (head, body) = text.split_once("\r\n\r\n")?;
            let size = head
                .to_lowercase()
                .split_once("content-length: ")?
                .1
                .to_owned();
            let size: usize = size.lines().next()?.trim().parse().ok()?;
            Some(body.len() >= size)
        };
        while is_whole(&text) != Some(true) {
            self.0.read_exact(&mut byte).expect("an answer");
            text.push(char::from(byte[0]));
        }
        text
    }

    fn hear(&mut self) -> String {
        let mut bytes = Vec::new();
        // A server that hangs up while we talk may do so with a reset.
        drop(self.0.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

fn head(server: &Served, method: &str, path: &str, more: &str) -> String {
    let (host, token) = (server.address(), &server.endpoint.token);
    format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
         Connection: close\r\n{more}\r\n"
    )
}

fn put_object(server: &Served, more: &str) -> String {
    let digest = blake3::hash(b"hello").to_hex();
    head(server, "PUT", &format!("/api/v1/objects/{digest}"), more)
}

#[test]
fn a_body_that_is_sent_after_the_answer_costs_nobody_the_connection() {
    let server = Served::with(|_| ());
    let run = "0192f5c4-1111-7222-8333-444455556666";
    for (method, path) in [
        ("POST", format!("/api/v1/runs/{run}/cancel")),
        ("PUT", "/no".into()),
    ] {
        let mut socket = Socket::open(&server);
        let more = "Content-Type: application/json\r\nContent-Length: 2\r\n";
        let request = head(&server, method, &path, more);
        socket.say(&request.replace("Connection: close\r\n", ""));
        assert!(socket.hear_one().starts_with("HTTP/1.1 404 "), "{path}");
        socket.say("{}");
        socket.say(&head(&server, "GET", "/api/v1/health", ""));
        assert!(socket.hear().starts_with("HTTP/1.1 200 "), "{path}");
    }
}

#[test]
fn clients_that_do_not_say_what_they_want_are_hung_up_on_and_block_nobody() {
    let server = Served::with(|config| {
        config.limits = Limits {
            connections: 100,
            head: Duration::from_millis(400),
            ..Limits::default()
        };
    });
    let began = Instant::now();
    let mut slow: Vec<Socket> = (0..60).map(|_| Socket::open(&server)).collect();
    for socket in &mut slow {
        socket.say("GET /api/v1/workspace HTTP/1.1\r\nHost: x\r\nX-Slow: ");
    }
    for _ in 0..20 {
        assert_eq!(server.own("GET", "/api/v1/workspace", "").status, 200);
    }
    for socket in &mut slow {
        let heard = socket.hear();
        assert!(!heard.contains("200 OK"), "{heard}");
    }
    assert!(began.elapsed() < Duration::from_secs(20), "they are let go");
}

#[test]
fn even_when_they_take_every_place_others_come_in_after_a_while() {
    let server = Served::with(|config| {
        config.limits = Limits {
            connections: 8,
            head: Duration::from_millis(400),
            ..Limits::default()
        };
    });
    let mut slow: Vec<Socket> = (0..40).map(|_| Socket::open(&server)).collect();
    for socket in &mut slow {
        socket.say("GET /");
    }
    assert_eq!(server.own("GET", "/api/v1/workspace", "").status, 200);
}

#[test]
fn a_body_that_comes_too_slowly_is_refused_and_one_that_comes_steadily_is_not() {
    let server = Served::with(|config| {
        config.limits = Limits {
            body_grace: Duration::from_millis(500),
            body_rate: 1_000_000,
            ..Limits::default()
        };
    });
    let mut slow = Socket::open(&server);
    slow.say(&put_object(&server, "Content-Length: 5\r\n"));
    slow.say("hel");
    let heard = slow.hear();
    assert!(heard.starts_with("HTTP/1.1 408"), "{heard}");
    assert!(heard.contains(r#""code":"timeout""#), "{heard}");

    let mut steady = Socket::open(&server);
    steady.say(&put_object(&server, "Content-Length: 5\r\n"));
    steady.say("hello");
    let heard = steady.hear();
    assert!(heard.starts_with("HTTP/1.1 201"), "{heard}");
}

#[test]
fn an_upload_over_the_limit_is_refused_whether_it_says_its_size_or_not() {
    let server = Served::with(|config| config.limits.upload_bytes = 4);
    let declared = put_object(&server, "Content-Length: 5\r\n");
    let chunked = put_object(&server, "Transfer-Encoding: chunked\r\n");
    for (head, body) in [(declared, "hello"), (chunked, "5\r\nhello\r\n0\r\n\r\n")] {
        let mut socket = Socket::open(&server);
        socket.say(&head);
        socket.say(body);
        let heard = socket.hear();
        assert!(heard.starts_with("HTTP/1.1 413"), "{heard}");
        assert!(heard.contains(r#""code":"too_large""#), "{heard}");
    }
}

#[test]
fn json_over_the_limit_of_its_route_is_refused() {
    let server = Served::start();
    let body = format!(r#"{{"name": "{}", "role": "reader"}}"#, "x".repeat(5 << 20));
    let answer = server.own("POST", "/api/v1/tokens", &body);
    assert_eq!(answer.status, 413, "{answer:?}");
    let graph = server.own("POST", "/api/v1/runs", &body);
    assert_eq!(graph.status, 400, "a graph may be larger: {graph:?}");
}

#[test]
fn what_is_too_much_at_once_is_told_to_come_again() {
    let server = Served::with(|config| {
        config.limits = Limits {
            requests: 2,
            turn: Duration::from_millis(100),
            ..Limits::default()
        };
    });
    let mut held: Vec<Socket> = (0..2).map(|_| Socket::open(&server)).collect();
    for socket in &mut held {
        socket.say(&put_object(&server, "Content-Length: 5\r\n"));
        socket.say("hel");
    }
    let limit = Instant::now() + Duration::from_secs(10);
    let refused = loop {
        let answer = server.own("GET", "/api/v1/workspace", "");
        if answer.status == 503 {
            break answer;
        }
        assert!(Instant::now() < limit, "it is never busy: {answer:?}");
    };
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.json()["error"]["code"], "busy");
    for socket in &mut held {
        socket.say("lo");
        let heard = socket.hear();
        assert!(heard.starts_with("HTTP/1.1 201"), "{heard}");
    }
    assert_eq!(server.own("GET", "/api/v1/workspace", "").status, 200);
}

#[test]
fn one_who_waits_for_a_run_takes_nobodys_turn() {
    let server = Served::with(|config| config.limits.requests = 1);
    let body = r#"{"experiment": "e"}"#;
    let run = server.own("POST", "/api/v1/runs/interactive", body).json();
    let run = run["id"].as_str().expect("a run").to_owned();
    let path = format!("/api/v1/runs/{run}/wait?timeout_s=30");
    let mut waiting = Socket::open(&server);
    waiting.say(&head(&server, "GET", &path, ""));
    let end = format!("/api/v1/runs/{run}/end");
    let ended = server.own("POST", &end, r#"{"status": "Completed"}"#);
    assert_eq!(ended.status, 200, "{ended:?}");
    let heard = waiting.hear();
    assert!(heard.contains(r#""status":"Completed""#), "{heard}");
}

#[test]
fn a_page_is_never_longer_than_a_thousand() {
    let server = Served::start();
    for n in 0..3 {
        let name = format!("e{n}");
        server.own("PUT", &format!("/api/v1/experiments/{name}"), "");
    }
    for limit in ["0", "1", "99999999"] {
        let path = format!("/api/v1/audit?limit={limit}");
        let answer = server.own("GET", &path, "");
        assert_eq!(answer.status, 200, "{answer:?}");
        let records = answer.json()["records"].as_array().map_or(0, Vec::len);
        assert_eq!(records, if limit == "99999999" { 3 } else { 1 });
    }
}

#[test]
fn strangers_with_slow_bodies_keep_nobody_who_is_known_waiting() {
    let server = Served::with(|config| {
        config.limits = Limits {
            requests: 4,
            guests: 4,
            turn: Duration::from_millis(200),
            ..Limits::default()
        };
    });
    let mut slow: Vec<Socket> = (0..40).map(|_| Socket::open(&server)).collect();
    for (index, socket) in slow.iter_mut().enumerate() {
        let path = if index % 2 == 0 {
            "/session"
        } else {
            "/api/v1/runs/interactive"
        };
        socket.say(&format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
             Content-Length: 900\r\n\r\n{{"
        ));
    }
    for _ in 0..20 {
        let body = r#"{"experiment": "e"}"#;
        let made = server.own("POST", "/api/v1/runs/interactive", body);
        assert_eq!(made.status, 201, "{}", made.body);
        assert_eq!(server.ask("GET", "/api/v1/health", None).status, 200);
    }
    let large = format!("{{\"ticket\": \"{}\"}}", "x".repeat(4_000));
    assert_eq!(
        server.send("POST", "/session", None, &[], &large).status,
        413
    );
}

#[test]
fn clients_that_read_nothing_lose_their_places() {
    let server = Served::with(|config| {
        config.limits = Limits {
            connections: 8,
            write_grace: Duration::from_millis(300),
            ..Limits::default()
        };
    });
    let mut deaf: Vec<Socket> = (0..8).map(|_| Socket::open(&server)).collect();
    for socket in &mut deaf {
        let request = "GET /api/v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(40);
        // The server may have hung up before it has read them all.
        drop(socket.0.write_all(request.as_bytes()));
    }
    let began = Instant::now();
    assert_eq!(server.own("GET", "/api/v1/workspace", "").status, 200);
    assert!(began.elapsed() < Duration::from_secs(20), "they are let go");
}

#[test]
fn large_bodies_take_turns_in_memory() {
    let server = Served::with(|config| {
        config.limits = Limits {
            bodies_bytes: 1 << 20,
            turn: Duration::from_millis(200),
            ..Limits::default()
        };
    });
    let length = 900 << 10;
    let mut slow = Socket::open(&server);
    let more = format!("Content-Type: application/json\r\nContent-Length: {length}\r\n");
    slow.say(&head(&server, "POST", "/api/v1/runs/interactive", &more));
    slow.say("{");
    let body = format!("{{\"experiment\": \"{}\"}}", "x".repeat(500 << 10));
    let wait = Instant::now() + Duration::from_secs(20);
    let busy = || server.own("POST", "/api/v1/runs/interactive", &body).status == 503;
    while !busy() {
        assert!(Instant::now() < wait, "the second is never refused");
    }
    let small = server.own("POST", "/api/v1/runs/interactive", r#"{"experiment": "e"}"#);
    assert_eq!(small.status, 201, "small ones pass");
}
