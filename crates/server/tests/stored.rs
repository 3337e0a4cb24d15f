//! What is kept under a name: the answer to keeping it is what a list says of it later, and what
//! cannot be kept is refused without a word of where the server keeps things.

mod common;

use common::Served;
use serde_json::Value;
use stepwell_data::snapshot::{Entry, Manifest};
use stepwell_data::stamp::digest_of;

const FILES: &str = "/api/v1/datastores/workspacefilestore/files";

#[test]
fn a_file_that_was_sent_is_what_the_list_says() {
    let server = Served::start();
    let sent = server.own("PUT", &format!("{FILES}/a/b.txt"), "four");
    assert_eq!(sent.status, 201, "{sent:?}");
    let listed = server.own("GET", &format!("{FILES}?path=a"), "").json();
    let file = sent.json();
    assert_eq!(listed["files"], Value::from(vec![file.clone()]));
    assert!(file["modified_at"].as_str() > Some("2026"), "{file}");
}

#[test]
fn a_file_that_cannot_be_is_the_callers_fault() {
    let server = Served::start();
    let reader = server.token("reader", stepwell_api::Role::Reader);
    let sent = server.own("PUT", &format!("{FILES}/folder/file"), "x");
    assert_eq!(sent.status, 201, "{sent:?}");
    let long = "n".repeat(256);
    for path in [
        "folder",
        "folder/file/below",
        &long,
        &format!("{long}/below"),
    ] {
        let answers = [
            server.own("PUT", &format!("{FILES}/{path}"), "x"),
            server.ask("GET", &format!("{FILES}/{path}"), Some(&reader)),
            server.ask("GET", &format!("{FILES}?path={path}"), Some(&reader)),
        ];
        assert!((400..500).contains(&answers[0].status), "{:?}", answers[0]);
        for answer in answers {
            assert!(answer.status < 500, "{answer:?}");
            let root = server.endpoint.data_folder.as_str();
            assert!(!answer.body.contains(root), "{answer:?}");
        }
    }
}

#[test]
fn a_snapshot_has_no_file_where_a_step_finds_a_folder() {
    let server = Served::start();
    for name in ["outputs", "logs"] {
        let entry = Entry {
            path: name.into(),
            size: 0,
            executable: false,
            digest: digest_of(b""),
        };
        let manifest = Manifest {
            entries: vec![entry],
        };
        let bytes = manifest.encode();
        let path = format!("/api/v1/snapshots/{}", digest_of(&bytes));
        let text = String::from_utf8(bytes).expect("text");
        let refused = server.own("PUT", &path, &text);
        assert_eq!(refused.status, 400, "{refused:?}");
        assert!(
            refused.body.contains(&format!("a file `{name}`")),
            "{refused:?}"
        );
    }
}
