//! What was given to programs and not printed is not seen by those who may only look.

mod common;

use common::{Served, operations};
use serde_json::{Value, json};
use stepwell_api::Role;

const SECRET: &str = "SECRETPW";

fn task(secret: &str) -> Value {
    json!({
        "type": "process",
        "program": {"command": "true"},
        "variables": {"PASSWORD": secret},
        "environment": {
            "kind": "python",
            "base_python": "/nonexistent/python",
            "pip": [format!("tool @ git+https://{secret}@host/tool")],
            "pip_options": ["--index-url", format!("http://user:{secret}@host/simple")]
        }
    })
}

fn pipeline(secret: &str) -> Value {
    let step = json!({"name": "s", "kind": "CommandStep", "target": "local", "task": task(secret)});
    json!({"experiment": "e", "steps": [step]})
}

fn made(server: &Served, method: &str, path: &str, body: &Value) -> Value {
    let answer = server.own(method, path, &body.to_string());
    assert!(answer.status < 300, "{method} {path}: {answer:?}");
    answer.json()
}

fn id(made: &Value) -> String {
    made["id"].as_str().expect("an id").to_owned()
}

/// Everything that can hold one, and how its path names it.
fn things(server: &Served) -> Vec<(&'static str, String)> {
    made(server, "POST", "/api/v1/runs", &pipeline("another"));
    let run = id(&made(server, "POST", "/api/v1/runs", &pipeline(SECRET)));
    let wait = format!("/api/v1/runs/{run}/wait?timeout_s=60");
    assert_eq!(server.own("GET", &wait, "").status, 200);
    let published = json!({"name": "p", "pipeline": pipeline(SECRET)});
    let published = id(&made(server, "POST", "/api/v1/published", &published));
    let draft = json!({"name": "d", "experiment": "e", "pipeline": pipeline(SECRET)});
    let draft = id(&made(server, "POST", "/api/v1/drafts", &draft));
    let environment = json!({"definition": {
        "environmentVariables": {"PASSWORD": SECRET},
        "docker": {"baseImageRegistry": {"password": SECRET}},
        "python": {"condaDependencies": {"dependencies": [
            {"pip": [format!("--extra-index-url http://user:{SECRET}@host/simple")]}]}}
    }});
    made(server, "PUT", "/api/v1/environments/there", &environment);
    let module = id(&made(
        server,
        "POST",
        "/api/v1/modules",
        &json!({"name": "m"}),
    ));
    let versions = format!("/api/v1/modules/{module}/versions");
    let version = json!({"definition": {"variables": {"PASSWORD": SECRET}}});
    let version = id(&made(server, "POST", &versions, &version));
    vec![
        ("/runs/{run}", run),
        ("/published/{id}", published),
        ("/drafts/{id}", draft),
        ("/environments/{name}", "there".to_owned()),
        ("/modules/{module}", module),
        ("/module-versions/{id}", version),
    ]
}

#[test]
fn no_reader_sees_a_secret_that_nobody_printed() {
    let server = Served::start();
    let things = things(&server);
    let reader = server.token("reader", Role::Reader);
    let submitter = server.token("submitter", Role::Submitter);
    let mut hidden = Vec::new();
    let looks = operations().into_iter().filter(|it| it.method == "GET");
    for operation in looks.filter(|it| it.role == Role::Reader && !it.pattern.contains("events")) {
        let known = |(part, id): &(&str, String)| {
            let (place, _) = part.rsplit_once('/')?;
            let rest = operation.pattern.split_once(part)?.1;
            Some(format!("/api/v1{place}/{id}{rest}"))
        };
        let path = things
            .iter()
            .find_map(known)
            .unwrap_or(operation.path.clone());
        let seen = server.ask("GET", &path, Some(&reader));
        assert!(!seen.body.contains(SECRET), "{path}: {}", seen.body);
        if server
            .ask("GET", &path, Some(&submitter))
            .body
            .contains(SECRET)
        {
            assert_eq!(seen.status, 200, "{path}");
            hidden.push(operation.pattern.trim_start_matches("/api/v1").to_owned());
        }
    }
    let expected = [
        "/drafts/{id}/pipeline",
        "/environments",
        "/environments/{name}",
        "/module-versions/{id}",
        "/modules",
        "/modules/{module}",
        "/published/{id}/pipeline",
        "/runs/{run}/pipeline",
    ];
    assert_eq!(hidden, expected, "where those who start runs see it");
}

#[test]
fn a_secret_of_the_workspace_is_for_those_who_start_runs_and_each_reading_is_recorded() {
    let server = Served::start();
    let path = "/api/v1/secrets/Db-Password";
    let body = json!({"value": SECRET, "content_type": "password"});
    let set = made(&server, "PUT", path, &body);
    assert_eq!(set["name"], "Db-Password");
    let ask = |role| {
        let token = server.token(Role::as_str(role), role);
        server.ask("GET", "/api/v1/secrets/db-password", Some(&token))
    };
    let refused = ask(Role::Reader);
    assert_eq!(refused.status, 403);
    assert!(!refused.body.contains(SECRET), "{refused:?}");
    let read = ask(Role::Submitter).json();
    assert_eq!(read["value"], SECRET);
    assert_eq!(read["content_type"], "password");

    // What a page shows is seen by whoever stands before it.
    let token = server.token("of-a-page", Role::Submitter);
    let opened = server.send("POST", "/session", Some(&token), &[], "{}");
    let cookie = opened.header("set-cookie").split(';').next();
    let headers = [
        ("cookie", cookie.expect("a cookie")),
        ("x-stepwell-page", "1"),
    ];
    let page = server.send("GET", path, None, &headers, "");
    assert_eq!(page.status, 403, "{page:?}");

    let audit = server.own("GET", "/api/v1/audit", "");
    assert!(!audit.body.contains(SECRET), "{audit:?}");
    let audit = audit.json();
    let records = audit["records"].as_array().expect("records").iter();
    let reads: Vec<_> = records
        .filter(|it| it["method"] == "GET")
        .map(|it| it["status"].as_u64())
        .collect();
    assert_eq!(reads, [Some(403), Some(200), Some(403)]);

    assert_eq!(server.own("DELETE", path, "").status, 204);
    assert_eq!(server.own("GET", path, "").status, 404);
    assert_eq!(server.own("DELETE", path, "").status, 404);
}

#[test]
fn a_refused_secret_is_not_repeated() {
    let server = Served::start();
    let long = "x".repeat(26 << 10);
    let refused = [
        ("a_b", json!({"value": SECRET})),
        ("a", json!({"value": {"deep": SECRET}})),
        ("a", json!({"value": SECRET, "more": 1})),
        ("a", json!(SECRET)),
        ("a", json!({"value": format!("{SECRET}{long}")})),
        (
            "a",
            json!({"value": "x", "content_type": SECRET.repeat(50)}),
        ),
    ];
    for (name, body) in refused {
        let path = format!("/api/v1/secrets/{name}");
        let answer = server.own("PUT", &path, &body.to_string());
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(!answer.body.contains(SECRET), "{answer:?}");
    }
    assert_eq!(
        server.own("GET", "/api/v1/secrets", "").json()["secrets"],
        json!([])
    );
}
