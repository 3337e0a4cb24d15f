//! A run that is submitted again is a new run of the same.

mod common;

use common::Served;
use serde_json::{Value, json};

fn submitted(server: &Served) -> String {
    let step = |name: &str, after: &[u32]| {
        json!({
            "name": name, "kind": "CommandStep", "target": "local", "after": after,
            "task": {
                "type": "process",
                "program": {"command": "true"},
                "arguments": [{"parameter": "rate"}],
                "environment": {"kind": "interpreter", "python": "/nonexistent/python"}
            },
            "outputs": [{"name": "made"}]
        })
    };
    let body = json!({
        "experiment": "e", "display_name": "nightly", "tags": {"a": "b"},
        "declared": {"rate": {"type": "float", "default": "0.1"}},
        "parameters": {"rate": "0.5"},
        "steps": [step("one", &[]), step("two", &[0])],
        "outputs": {"result": {"step": 1, "output": "made"}}
    });
    let made = server.own("POST", "/api/v1/runs", &body.to_string());
    assert_eq!(made.status, 201, "{made:?}");
    made.json()["id"].as_str().expect("an id").to_owned()
}

fn get(server: &Served, path: &str) -> Value {
    let answer = server.own("GET", path, "");
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[test]
fn a_pipeline_is_submitted_again_with_its_values_and_named_outputs() {
    let server = Served::start();
    let first = submitted(&server);
    let path = format!("/api/v1/runs/{first}/resubmit");
    let again = server.own("POST", &path, r#"{"user": "ann"}"#);
    assert_eq!(again.status, 201, "{again:?}");
    let second = again.json();
    let id = second["id"].as_str().expect("an id");
    assert_ne!(id, first);
    assert_eq!(
        second["properties"]["stepwell.resubmittedfrom"],
        first.as_str()
    );
    assert_eq!(second["parameters"]["rate"], "0.5");
    assert_eq!(second["tags"], json!({"a": "b"}));
    assert_eq!(second["outputs"][0]["name"], "result");
    let steps = |run: &str| get(&server, &format!("/api/v1/runs/{run}/pipeline"));
    assert_eq!(steps(id), steps(&first));

    let token = Some(server.endpoint.token.as_str());
    let keyed = || server.send("POST", &path, token, &[("idempotency-key", "k")], "{}");
    assert_eq!(
        (keyed().status, keyed().status),
        (201, 200),
        "one run for one key"
    );
}

#[test]
fn what_nobody_submitted_is_not_submitted_again() {
    let server = Served::start();
    let pipeline = submitted(&server);
    let children = get(&server, &format!("/api/v1/runs?parent={pipeline}"));
    let step = children["runs"][0]["id"]
        .as_str()
        .expect("a step")
        .to_owned();
    let again = |run: &str| server.own("POST", &format!("/api/v1/runs/{run}/resubmit"), "{}");
    let refused = again(&step);
    assert_eq!(refused.status, 409, "{refused:?}");
    assert!(refused.body.contains(&pipeline), "{refused:?}");
    let opened = server.own("POST", "/api/v1/runs/interactive", r#"{"experiment": "e"}"#);
    let opened = opened.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(again(&opened).status, 409);
}
