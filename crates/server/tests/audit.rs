//! The audit: exactly the routes that may change something leave a record.

mod common;

use common::{Served, operations};
use serde_json::Value;
use stepwell_api::Role;

fn records(server: &Served) -> Vec<Value> {
    let page = server.own("GET", "/api/v1/audit?limit=1000", "").json();
    page["records"].as_array().expect("records").clone()
}

#[test]
fn exactly_the_routes_that_change_something_leave_a_record() {
    let server = Served::start();
    for operation in operations() {
        if operation.pattern.ends_with("/shutdown") {
            continue;
        }
        let before = records(&server);
        let answer = server.own(&operation.method, &operation.path, "");
        let after = records(&server);
        let new = after.len() - before.len();
        let Some(detail) = &operation.audit else {
            assert_eq!(after, before, "{operation:?}");
            continue;
        };
        assert_eq!(new, 1, "{operation:?}: {answer:?}");
        let record = &after[0];
        assert_eq!(record["method"], operation.method.as_str());
        assert_eq!(record["status"], answer.status);
        assert_eq!(record["kind"], "folder");
        assert_eq!(record["address"], "127.0.0.1");
        let path = record["path"].as_str().expect("a path");
        match detail.as_str() {
            "each" => assert_eq!(path, operation.path),
            _ => assert_eq!(path.replace("{*path}", "{path}"), operation.pattern),
        }
    }
}

#[test]
fn a_record_says_who_and_what_came_of_it() {
    let server = Served::start();
    let token = server.token("ci", Role::Submitter);
    let known = server.ask("GET", "/api/v1/caller", Some(&token)).json();
    server.ask("PUT", "/api/v1/computes/gpu", Some(&token));
    let made = server.ask("PUT", "/api/v1/experiments/churn", Some(&token));
    assert_eq!(made.status, 200, "{made:?}");
    let summary = |record: &Value| {
        let field = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        (
            field("who"),
            field("name"),
            field("path"),
            record["status"].as_u64(),
        )
    };
    let id = known["id"].as_str().expect("an id");
    let record = |path: &str, status| {
        let path = format!("/api/v1/{path}");
        (id.to_owned(), "ci".to_owned(), path, Some(status))
    };
    let found: Vec<_> = records(&server).iter().take(2).map(summary).collect();
    let expected = [
        record("experiments/churn", 200),
        record("computes/gpu", 403),
    ];
    assert_eq!(found, expected);
}

#[test]
fn what_comes_often_is_counted_and_pages_follow_each_other() {
    let server = Served::start();
    let path = "/api/v1/runs/00000000-0000-4000-8000-000000000000/metrics";
    for _ in 0..5 {
        server.own("POST", path, "{}");
    }
    let counted = records(&server);
    assert_eq!(counted.len(), 1);
    assert_eq!(counted[0]["count"], 5);
    for name in ["a", "b", "c"] {
        server.own("PUT", &format!("/api/v1/experiments/{name}"), "");
    }
    let mut cursor = String::new();
    let mut paths = Vec::new();
    loop {
        let path = format!("/api/v1/audit?limit=1{cursor}");
        let page = server.own("GET", &path, "").json();
        let record = &page["records"][0]["path"];
        paths.push(record.as_str().expect("a path").replace("/api/v1/", ""));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let expected = [
        "experiments/c",
        "experiments/b",
        "experiments/a",
        "runs/{run}/metrics",
    ];
    assert_eq!(paths, expected);
}

#[test]
fn what_is_done_from_a_page_is_recorded_with_the_token_that_opened_it() {
    let server = Served::start();
    let token = server.token("anna", Role::Submitter);
    let known = server.ask("GET", "/api/v1/caller", Some(&token)).json();
    let opened = server.send("POST", "/session", Some(&token), &[], "{}");
    let cookie = opened
        .header("set-cookie")
        .split(';')
        .next()
        .expect("a cookie");
    let headers = [("cookie", cookie), ("x-stepwell-page", "1")];
    let made = server.send("PUT", "/api/v1/experiments/churn", None, &headers, "");
    assert_eq!(made.status, 200, "{made:?}");
    let record = &records(&server)[0];
    assert_eq!(record["path"], "/api/v1/experiments/churn");
    let who = ["kind", "who", "name"].map(|field| record[field].as_str());
    assert_eq!(who, [Some("page"), known["id"].as_str(), Some("anna")]);
}
