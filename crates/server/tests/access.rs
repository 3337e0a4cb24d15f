//! Every route of the OpenAPI document, asked by everybody: let in exactly where its role says so.

mod common;

use common::Served;
use serde_json::Value;
use stepwell_api::Role;

/// One operation of the document.
struct Operation {
    method: String,
    /// With something in the place of each parameter.
    path: String,
    role: Role,
    steps: bool,
}

fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(&stepwell_server::openapi()).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let mut operations = Vec::new();
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().expect("operations") {
            let access = &operation["x-stepwell-access"];
            let role = serde_json::from_value(access["role"].clone());
            operations.push(Operation {
                method: method.to_uppercase(),
                path: filled(path),
                role: role.unwrap_or_else(|_| panic!("{method} {path} states no role")),
                steps: access["steps"] == true,
            });
        }
    }
    // Nobody answers after a shutdown.
    operations.sort_by_key(|operation| operation.path.ends_with("/shutdown"));
    assert!(operations.len() > 40, "the routes are there");
    operations
}

fn filled(path: &str) -> String {
    let part = |part: &str| match part
        .strip_prefix('{')
        .map(|name| name.trim_end_matches('}'))
    {
        Some("run" | "id") => "00000000-0000-4000-8000-000000000000".to_owned(),
        Some("digest") => "0".repeat(64),
        Some("version") => "1".to_owned(),
        Some(_) => "none".to_owned(),
        None => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[test]
fn nobody_gets_in_without_a_token_of_this_server() {
    let (server, other) = (Served::start(), Served::start());
    for Operation { method, path, .. } in operations() {
        let strangers = [
            None,
            Some(""),
            Some("nonsense"),
            Some(other.endpoint.token.as_str()),
        ];
        for token in strangers {
            let (status, body) = server.ask(&method, &path, token);
            assert_eq!(status, 401, "{method} {path} with {token:?}: {body}");
            let reply: Value = serde_json::from_str(&body).unwrap_or_default();
            // The answer to HEAD has no body, but none of these is HEAD.
            let said = match path.starts_with("/pipelines/") {
                true => &reply["Error"]["InnerError"]["Code"],
                false => &reply["error"]["code"],
            };
            assert_eq!(
                said.as_str().map(str::to_lowercase).as_deref(),
                Some("unauthorized"),
                "{method} {path}"
            );
        }
    }
}

#[test]
fn the_owner_gets_in_everywhere() {
    let server = Served::start();
    let token = server.endpoint.token.clone();
    for Operation { method, path, .. } in operations() {
        let (status, body) = server.ask(&method, &path, Some(&token));
        assert!(
            status != 401 && status != 403 && status != 405,
            "{method} {path}: {status} {body}"
        );
    }
}

#[test]
fn what_changes_something_needs_more_than_a_reader() {
    for Operation {
        method,
        path,
        role,
        steps,
    } in operations()
    {
        let changes = method != "GET";
        assert_eq!(changes, role > Role::Reader, "{method} {path}: {role:?}");
        assert!(!steps || role == Role::Contributor, "{method} {path}");
    }
}
