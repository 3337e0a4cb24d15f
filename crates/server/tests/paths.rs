//! Whatever a client puts in the place of a name: nothing outside the data folder is read or
//! written, and the answer is a refusal of ours.

mod common;

use camino::{Utf8Path, Utf8PathBuf};
use common::{Served, operations};

/// Names that lead elsewhere where somebody follows them, as they stand in an address.
const NAMES: [&str; 9] = [
    "..",
    "%2e%2e",
    "..%2f..%2fcanary",
    "..%2f..%2f..%2fcanary",
    "%2e%2e%2f%2e%2e%2fcanary",
    "%2fetc%2fpasswd",
    "..%5c..%5ccanary",
    "a%00b",
    "%ff%fe",
];

fn files_below(folder: &Utf8Path, found: &mut Vec<Utf8PathBuf>) {
    for entry in folder.read_dir_utf8().expect("a folder") {
        let path = entry.expect("an entry").into_path();
        if path.is_dir() && !path.is_symlink() {
            files_below(&path, found);
        }
        found.push(path);
    }
}

#[test]
fn no_name_leads_outside_the_data_folder() {
    let server = Served::start();
    let data = server.endpoint.data_folder.clone();
    let around = data.parent().expect("the test's folder").to_owned();
    let canary = around.join("canary");
    std::fs::write(&canary, "sings").expect("written");
    let body = r#"{"experiment": "e"}"#;
    let run = server.own("POST", "/api/v1/runs/interactive", body).json();
    let run = run["id"].as_str().expect("a run").to_owned();

    let mut asked = 0;
    for operation in operations() {
        if operation.pattern.ends_with("/shutdown") {
            continue;
        }
        for name in NAMES {
            let names = [
                ("path", name),
                ("name", name),
                ("token", name),
                ("id", name),
            ];
            let mut path = operation.pattern.replace("{run}", &run);
            path = path.replace("{version}", "1").replace("{digest}", name);
            for (parameter, name) in names {
                path = path.replace(&format!("{{{parameter}}}"), name);
            }
            let known = path == operation.pattern.replace("{run}", &run);
            if known {
                continue;
            }
            let answer = server.own(&operation.method, &path, "planted");
            assert!(
                answer.status < 500,
                "{} {path}: {answer:?}",
                operation.method
            );
            let leaked = answer.body.contains("sings") || answer.body.contains("root:");
            assert!(!leaked, "{} {path}: {answer:?}", operation.method);
            if answer.status >= 400 {
                let code = answer.code();
                assert!(!code.is_empty(), "{} {path}: {answer:?}", operation.method);
            }
            asked += 1;
        }
    }
    assert!(asked > 150, "{asked}");
    assert_eq!(std::fs::read_to_string(&canary).expect("there"), "sings");
    let mut found = Vec::new();
    files_below(&around, &mut found);
    let outside: Vec<_> = found
        .iter()
        .filter(|path| !path.starts_with(&data) && **path != canary)
        .collect();
    assert!(outside.is_empty(), "{outside:?}");
}

#[test]
fn a_model_is_made_of_files_of_the_run_only() {
    let server = Served::start();
    let body = r#"{"experiment": "e"}"#;
    let run = server.own("POST", "/api/v1/runs/interactive", body).json();
    let run = run["id"].as_str().expect("a run").to_owned();
    let put = format!("/api/v1/runs/{run}/files/outputs/model");
    assert_eq!(server.own("PUT", &put, "kept").status, 201);
    let data = &server.endpoint.data_folder;
    let files = data.join("runs").join(&run).join("files");
    std::os::unix::fs::symlink(data, files.join("outputs/link")).expect("a link");
    let register = |path: &str| {
        let body = serde_json::json!({"name": "m", "run": run, "path": path}).to_string();
        server.own("POST", "/api/v1/models", &body).status
    };
    assert_eq!(register("outputs/model"), 201);
    for path in [
        "../token",
        "/etc/passwd",
        "outputs/link/token",
        "outputs/link",
        "",
    ] {
        assert!([400, 404].contains(&register(path)), "{path}");
    }
}
