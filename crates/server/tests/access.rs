//! Every route of the OpenAPI document, asked by everybody: let in exactly where its role says so.

mod common;

use std::time::{Duration, Instant};

use common::{Operation, Served, operations};
use serde_json::json;
use stepwell_api::Role;

#[test]
fn nobody_gets_in_without_a_token_of_this_server() {
    let (server, other) = (Served::start(), Served::start());
    let foreign = other.token("foreign", Role::Owner);
    for Operation { method, path, .. } in operations() {
        let strangers = [
            None,
            Some(""),
            Some("nonsense"),
            Some("stw_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
            Some("a.b.c"),
            Some(other.endpoint.token.as_str()),
            Some(foreign.as_str()),
        ];
        for token in strangers {
            let answer = server.ask(&method, &path, token);
            assert_eq!(answer.status, 401, "{method} {path} {token:?}: {answer:?}");
            assert_eq!(answer.code(), "unauthorized", "{method} {path}");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
    }
}

#[test]
fn each_role_gets_in_exactly_where_it_may() {
    for role in Role::ALL {
        let server = Served::start();
        let token = server.token("it", role);
        for operation in operations() {
            let Operation { method, path, .. } = &operation;
            let answer = server.ask(method, path, Some(&token));
            let refused = answer.status == 403;
            assert_eq!(refused, role < operation.role, "{role:?} {operation:?}");
            assert!(answer.status != 401 && answer.status != 405, "{answer:?}");
            if refused {
                assert_eq!(answer.code(), "forbidden", "{operation:?}");
                let wanted = format!("`{}`", operation.role.as_str());
                assert!(answer.body.contains(&wanted), "{answer:?}");
            }
        }
    }
}

#[test]
fn what_changes_something_needs_more_than_a_reader_and_is_recorded() {
    for operation in operations() {
        let secret = ["/connection", "/secrets/{name}"];
        let secret = secret.iter().any(|part| operation.pattern.ends_with(part));
        assert!(!secret || operation.audit.is_some(), "{operation:?}");
        let asks = operation.method == "GET" || operation.audit.is_none();
        let ask = ["/api/v1/tickets", "/api/v1/plan"].contains(&operation.pattern.as_str());
        assert_eq!(asks, operation.method == "GET" || ask, "{operation:?}");
        assert!(asks || operation.role > Role::Reader, "{operation:?}");
        let owners = ["/tokens", "/audit", "/shutdown", "/gc", "/connection"];
        let owners = owners.iter().any(|part| operation.pattern.contains(part));
        assert_eq!(operation.role == Role::Owner, owners, "{operation:?}");
    }
}

#[test]
fn a_token_lives_until_it_is_revoked_or_expires() {
    let server = Served::start();
    let token = server.token("ci", Role::Submitter);
    let caller = |token: &str| server.ask("GET", "/api/v1/caller", Some(token));
    let known = caller(&token).json();
    assert_eq!(known["role"], "submitter");
    assert_eq!(
        (&known["kind"], &known["name"]),
        (&json!("token"), &json!("ci"))
    );

    let body = r#"{"name": "ci", "role": "reader"}"#;
    let again = server.own("POST", "/api/v1/tokens", body);
    assert_eq!(again.status, 409, "{}", again.body);
    let listed = server.own("GET", "/api/v1/tokens", "");
    assert!(!listed.body.contains(&token), "the text is shown once");
    assert!(
        listed.json()["tokens"][0]["last_used_at"].is_string(),
        "{listed:?}"
    );

    let revoked = server.own("DELETE", "/api/v1/tokens/ci", "");
    assert_eq!(revoked.json()["is_valid"], false, "{revoked:?}");
    let refused = caller(&token);
    assert_eq!(refused.status, 401);
    assert_eq!(refused.json()["error"]["message"], "the token was revoked");
    assert_eq!(server.own("DELETE", "/api/v1/tokens/ci", "").status, 404);
    let by_id = format!("/api/v1/tokens/{}", known["id"].as_str().expect("an id"));
    let twice = server.own("DELETE", &by_id, "").json();
    assert_eq!(twice["revoked_at"], revoked.json()["revoked_at"]);

    let body = r#"{"name": "ci", "role": "reader", "expires_in_s": 1}"#;
    let made = server.own("POST", "/api/v1/tokens", body).json();
    let brief = made["token"].as_str().expect("a text").to_owned();
    let limit = Instant::now() + Duration::from_secs(10);
    loop {
        let answer = caller(&brief);
        if answer.status == 401 {
            assert_eq!(answer.json()["error"]["message"], "the token has expired");
            break;
        }
        assert!(Instant::now() < limit, "it does not expire: {answer:?}");
        std::thread::yield_now();
    }
}

#[test]
fn odd_names_and_lives_are_refused() {
    let server = Served::start();
    let bodies = [
        r#"{"name": "", "role": "reader"}"#,
        r#"{"name": "a/b", "role": "reader"}"#,
        r#"{"name": "0190a0a0-0000-7000-8000-000000000000", "role": "reader"}"#,
        r#"{"name": "x", "role": "king"}"#,
        r#"{"name": "x", "role": "reader", "expires_in_s": 0}"#,
        r#"{"name": "x", "role": "reader", "expires_in_s": 18446744073709551615}"#,
        r#"{"name": "x", "role": "reader", "hash": "00"}"#,
    ];
    for body in bodies {
        let answer = server.own("POST", "/api/v1/tokens", body);
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
    }
}

#[test]
fn no_text_of_a_token_is_in_the_database() {
    let server = Served::start();
    let token = server.token("secret", Role::Owner);
    server.ask("GET", "/api/v1/workspace", Some(&token));
    let (text, hash) = (token.as_bytes(), blake3::hash(token.as_bytes()));
    let mut hashes = 0;
    for entry in server
        .endpoint
        .data_folder
        .read_dir_utf8()
        .expect("a folder")
    {
        let path = entry.expect("an entry").into_path();
        if !path.is_file() {
            continue;
        }
        let content = std::fs::read(&path).expect("read");
        let holds = |wanted: &[u8]| content.windows(wanted.len()).any(|part| part == wanted);
        assert!(!holds(text), "{path} holds the token");
        hashes += usize::from(holds(hash.as_bytes()));
    }
    assert!(hashes > 0, "its digest is what is stored");
}

#[test]
fn a_page_gets_in_by_a_ticket_and_only_as_a_page() {
    let server = Served::start();
    let reader = server.token("reader", Role::Reader);
    let ticket = server.ask("POST", "/api/v1/tickets", Some(&reader));
    let ticket = ticket.json()["ticket"]
        .as_str()
        .expect("a ticket")
        .to_owned();
    let as_token = server.ask("GET", "/api/v1/runs", Some(&ticket));
    assert_eq!(as_token.status, 401, "a ticket opens pages only");

    let open = |body: &str| server.send("POST", "/session", None, &[], body);
    assert_eq!(open("{}").status, 401);
    assert_eq!(open(r#"{"ticket": "a.b.c"}"#).status, 401);
    let opened = open(&json!({"ticket": ticket}).to_string());
    assert_eq!(opened.status, 204, "{opened:?}");
    let set = opened.header("set-cookie");
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="] {
        assert!(set.contains(attribute), "{set}");
    }
    let cookie = set.split(';').next().expect("a cookie");

    let page = [("cookie", cookie), ("x-stepwell-page", "1")];
    for operation in operations() {
        let Operation { method, path, .. } = &operation;
        let bare = server.send(method, path, None, &[("cookie", cookie)], "");
        assert_eq!(bare.status, 401, "another site's page: {operation:?}");
        let answer = server.send(method, path, None, &page, "");
        // What would let another browser in, and outlive this page, is for none.
        let opens = operation.pattern == "/api/v1/tickets";
        let allowed = (operation.role == Role::Reader || operation.pages) && !opens;
        assert_eq!(answer.status != 403, allowed, "{operation:?}: {answer:?}");
    }
    let pages: Vec<_> = operations().into_iter().filter(|it| it.pages).collect();
    assert_eq!(pages.len(), 1, "a page may only cancel: {pages:?}");
}

#[test]
fn a_typed_token_opens_a_page_that_allows_no_more_than_it() {
    let server = Served::start();
    for (role, expected) in [(Role::Reader, "reader"), (Role::Owner, "submitter")] {
        let token = server.token(role.as_str(), role);
        let opened = server.send("POST", "/session", Some(&token), &[], "{}");
        let set = opened.header("set-cookie").to_owned();
        let cookie = set.split(';').next().expect("a cookie");
        let page = [("cookie", cookie), ("x-stepwell-page", "1")];
        let known = server.send("GET", "/api/v1/caller", None, &page, "");
        assert_eq!(known.json()["role"], expected, "{known:?}");
    }
}

/// Opens a page with a token, and gives the headers that the page sends afterwards.
fn page_of(server: &Served, token: &str) -> (u16, String) {
    let opened = server.send("POST", "/session", Some(token), &[], "{}");
    let set = opened.header("set-cookie");
    (
        opened.status,
        set.split(';').next().unwrap_or_default().to_owned(),
    )
}

fn new_token(server: &Served, body: &str) -> (String, String) {
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
    let token = text(&server.own("POST", "/api/v1/tokens", body).json()["token"]);
    let caller = server.ask("GET", "/api/v1/caller", Some(&token)).json();
    (token, text(&caller["id"]))
}

#[test]
fn what_a_token_opened_ends_with_the_token() {
    let server = Served::start();
    let (token, id) = new_token(&server, r#"{"name": "ann", "role": "contributor"}"#);
    let (status, cookie) = page_of(&server, &token);
    assert_eq!(status, 204);
    let page = [("cookie", cookie.as_str()), ("x-stepwell-page", "1")];
    let asks = |method: &str, path: &str, body: &str| server.send(method, path, None, &page, body);
    assert_eq!(asks("GET", "/api/v1/runs", "").status, 200);
    let ticket = server.ask("POST", "/api/v1/tickets", Some(&token)).json();
    let by_ticket = || {
        let body = serde_json::json!({"ticket": ticket["ticket"]}).to_string();
        server.send("POST", "/session", None, &[], &body).status
    };
    assert_eq!(by_ticket(), 204);

    assert_eq!(
        asks("POST", "/session", "{}").status,
        403,
        "a page renews nothing"
    );
    assert_eq!(asks("POST", "/api/v1/tickets", "").status, 403);

    let made = asks("POST", "/api/v1/runs/interactive", r#"{"experiment": "e"}"#);
    assert_eq!(made.status, 201, "{}", made.body);
    let audit = server.own("GET", "/api/v1/audit", "").json();
    let record = audit["records"].as_array().expect("records").iter();
    let record = record
        .clone()
        .find(|record| record["kind"] == "page")
        .expect("the page's");
    assert_eq!(
        (&record["name"], &record["who"]),
        (&"ann".into(), &id.as_str().into())
    );

    let revoked = server.own("DELETE", &format!("/api/v1/tokens/{id}"), "");
    assert!(revoked.status < 300, "{}", revoked.body);
    assert_eq!(asks("GET", "/api/v1/runs", "").status, 401);
    assert_eq!(by_ticket(), 401);
}

#[test]
fn a_page_is_open_no_longer_than_the_token_that_opened_it() {
    let server = Served::start();
    let body = r#"{"name": "short", "role": "reader", "expires_in_s": 600}"#;
    let (token, _) = new_token(&server, body);
    let opened = server.send("POST", "/session", Some(&token), &[], "{}");
    let set = opened.header("set-cookie").to_owned();
    let age = set
        .split("Max-Age=")
        .nth(1)
        .and_then(|text| text.split(';').next());
    let age: i64 = age.and_then(|age| age.parse().ok()).expect("an age");
    assert!((1..=600).contains(&age), "{set}");
}

#[test]
fn an_array_is_no_object() {
    let server = Served::start();
    let made = server.own("POST", "/api/v1/tokens", r#"["posi", "reader", null]"#);
    assert_eq!(made.status, 400, "{}", made.body);
}
