//! What is refused before anything runs, although each of its parts is in order; and runs that are
//! started together.

mod common;

use common::{Answer, Served};
use serde_json::{Value, json};
use stepwell_data::snapshot::{Entry, Manifest};
use stepwell_data::stamp::digest_of;

/// The digest of a snapshot that holds these files, once the server has it.
fn sent(server: &Served, paths: &[&str]) -> String {
    let content = "print(1)\n";
    let digest = digest_of(content.as_bytes());
    let put = server.own("PUT", &format!("/api/v1/objects/{digest}"), content);
    assert!(put.status < 300, "{put:?}");
    let entry = |path: &&str| Entry {
        path: path.into(),
        digest,
        size: content.len() as u64,
        executable: false,
    };
    let manifest = Manifest {
        entries: paths.iter().map(entry).collect(),
    };
    let bytes = manifest.encode();
    let snapshot = digest_of(&bytes);
    let text = String::from_utf8(bytes).expect("text");
    let put = server.own("PUT", &format!("/api/v1/snapshots/{snapshot}"), &text);
    assert!(put.status < 300, "{put:?}");
    snapshot.to_string()
}

#[test]
fn a_script_that_its_snapshot_lacks_is_refused() {
    let server = Served::start();
    let snapshot = sent(&server, &["jobs/train.py", "util.py"]);
    let submit = |script: &str, of: &str| {
        let step = json!({
            "name": "train", "kind": "PythonScriptStep", "target": "local",
            "task": {
                "type": "process", "program": {"script": script}, "snapshot": of,
                "environment": {"kind": "interpreter", "python": "/nonexistent/python"}
            }
        });
        let body = json!({"experiment": "e", "steps": [step]});
        server.own("POST", "/api/v1/runs", &body.to_string())
    };
    for script in ["jobs/train.py", "./jobs/train.py", "util.py"] {
        assert_eq!(submit(script, &snapshot).status, 201, "{script}");
    }
    for script in ["train.py", "jobs", "jobs/train"] {
        let refused = submit(script, &snapshot);
        assert_eq!(refused.status, 400, "{refused:?}");
        let whole = refused
            .body
            .contains(&format!("step `train`: its script `{script}`"));
        assert!(whole && refused.body.contains(".amlignore"), "{refused:?}");
    }
    let no_manifest = digest_of(b"print(1)\n").to_string();
    assert_eq!(submit("util.py", &no_manifest).status, 400);
}

/// A script run of one step on a target that is there, under a key.
fn keyed(key: &str, experiment: &str, parent: &Value) -> Value {
    let step = json!({
        "name": key, "kind": "ScriptRun", "target": "local",
        "task": {
            "type": "process", "program": {"command": "true"},
            "environment": {"kind": "interpreter", "python": "/nonexistent/python"}
        }
    });
    let run = json!({
        "experiment": experiment, "kind": "script", "steps": [step], "parent": parent,
    });
    json!({"key": key, "run": run})
}

fn batch(server: &Served, runs: &[Value]) -> Answer {
    let body = json!({"runs": runs});
    server.own("POST", "/api/v1/runs/batch", &body.to_string())
}

#[test]
fn runs_that_are_started_together_are_all_stored_or_none_and_each_once() {
    let server = Served::start();
    let count = || {
        let found = server.own("GET", "/api/v1/runs?experiment=e", "").json();
        found["runs"].as_array().map_or(0, Vec::len)
    };
    let one = |key: &str| keyed(key, "e", &Value::Null);
    for (runs, said) in [
        (vec![], "there are 0 runs"),
        (vec![one("a"), one("")], "`runs[1].key`"),
        (vec![one("a"), one("ä")], "`runs[1].key`"),
        (
            vec![one("a"), keyed("b", "", &Value::Null)],
            "run number 1: ",
        ),
    ] {
        let refused = batch(&server, &runs);
        assert_eq!(refused.status, 400, "{refused:?}");
        assert!(refused.body.contains(said), "{refused:?}");
    }
    let nobody = json!("0192f5c4-1111-7222-8333-444455556666");
    assert_eq!(
        batch(&server, &[one("a"), keyed("b", "e", &nobody)]).status,
        404
    );
    assert_eq!(count(), 0);
    let first = batch(&server, &[one("a"), one("b")]);
    assert_eq!(first.status, 201, "{first:?}");
    let again = batch(&server, &[one("b"), one("c"), one("a")]);
    assert_eq!(again.status, 201, "{again:?}");
    let (first, again) = (first.json(), again.json());
    assert_eq!(again["runs"][0], first["runs"][1]);
    assert_eq!(again["runs"][2], first["runs"][0]);
    assert_eq!(count(), 3);
}

#[test]
fn the_ends_of_children_tell_what_they_have_logged() {
    let server = Served::start();
    let parent = json!({"experiment": "e"}).to_string();
    let parent = server
        .own("POST", "/api/v1/runs/interactive", &parent)
        .json();
    let other = server.own("POST", "/api/v1/runs/interactive", r#"{"experiment": "e"}"#);
    let started = batch(
        &server,
        &[
            keyed("a", "e", &parent["id"]),
            keyed("b", "e", &other.json()["id"]),
        ],
    );
    let run = started.json()["runs"][0].clone();
    let path = format!("/api/v1/runs/{}", run.as_str().expect("an id"));
    let point = |name: &str| json!({"name": name, "kind": "scalar", "value": 0.5, "at_ms": 1});
    let points = json!({"writer": "w", "first": 0, "points": [point("loss"), point("other")]});
    let logged = server.own("POST", &format!("{path}/metrics"), &points.to_string());
    assert_eq!(logged.status, 204, "{logged:?}");
    let ended = server.own("GET", &format!("{path}/wait?timeout_s=20"), "");
    assert_eq!(ended.json()["status"], "Failed", "{ended:?}");
    let parent = parent["id"].as_str().expect("an id");
    let events = |query: &str| {
        let path = format!("/api/v1/events?parent={parent}&follow=false{query}");
        let answer = server.own("GET", &path, "");
        let lines = answer.body.lines();
        let data = lines.filter_map(|line| line.strip_prefix("data: "));
        let read = |text| serde_json::from_str::<Value>(text).expect("an event");
        data.map(read).collect::<Vec<_>>()
    };
    assert!(events("").len() > 1);
    let ends = events("&ends=true&metric=loss");
    assert_eq!(ends.len(), 1, "{ends:?}");
    assert_eq!(
        (&ends[0]["run"], &ends[0]["status"]),
        (&run, &json!("Failed"))
    );
    let values = ends[0]["logged"].as_array().expect("points");
    assert_eq!(values.len(), 1, "{values:?}");
    assert_eq!(
        (&values[0]["name"], &values[0]["value"]),
        (&json!("loss"), &json!(0.5))
    );
    let alone = server.own("GET", "/api/v1/events?ends=true&follow=false", "");
    assert_eq!(alone.status, 400, "{alone:?}");
}
