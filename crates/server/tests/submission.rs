//! What is refused before anything runs, although each of its parts is in order.

mod common;

use common::Served;
use serde_json::json;
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
