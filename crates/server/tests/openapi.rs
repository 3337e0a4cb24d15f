//! The OpenAPI document in `docs/` is the one that the routes make.

use std::path::Path;

#[test]
fn the_document_in_docs_is_what_the_routes_make() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let made = format!("{}\n", stepwell_server::openapi());
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, &made).expect("written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "docs/openapi.json is not up to date: run `make openapi` and read what changed"
    );
}

#[test]
fn every_operation_lists_its_refusals_and_a_success() {
    let document: serde_json::Value =
        serde_json::from_str(stepwell_server::openapi()).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    assert!(paths.len() > 20, "the routes are there");
    for (path, operations) in paths {
        for (method, operation) in operations.as_object().expect("operations") {
            let responses = operation["responses"].as_object().expect("responses");
            for status in ["401", "403", "500", "503", "507"] {
                let documented = responses.contains_key(status);
                assert!(documented, "{method} {path} does not document {status}");
            }
            let open = responses.contains_key("default");
            assert!(!open, "{method} {path} documents what it does not know");
            let success = responses.keys().any(|status| status.starts_with('2'));
            assert!(success, "{method} {path} documents no success");
            assert!(operation["description"].is_string() || operation["summary"].is_string());
        }
    }
}

#[test]
fn no_part_of_a_whole_forbids_what_the_other_parts_say() {
    let document: serde_json::Value =
        serde_json::from_str(stepwell_server::openapi()).expect("JSON");
    let schemas = document["components"]["schemas"].as_object();
    let schemas = schemas.expect("schemas");
    let mut parts = 0;
    for (name, schema) in schemas {
        for choice in schema["oneOf"].as_array().into_iter().flatten() {
            for part in choice["allOf"].as_array().into_iter().flatten() {
                let Some(place) = part["$ref"].as_str() else {
                    continue;
                };
                let part = place.rsplit('/').next().expect("a name");
                parts += 1;
                assert!(
                    schemas[part].get("additionalProperties").is_none(),
                    "`{part}` is a part of `{name}` and closed: nothing can be such a `{name}`"
                );
            }
        }
    }
    assert!(parts > 1, "a task is made of parts");
}
