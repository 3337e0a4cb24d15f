//! Whose a data folder is: its permissions, its place, and what happens when it is copied.

mod common;

use std::os::unix::fs::PermissionsExt as _;

use camino::{Utf8Path, Utf8PathBuf};
use camino_tempfile::Utf8TempDir;
use common::{block_on, config};
use stepwell_data::socket;
use stepwell_server::{Endpoint, ServeError, adopt, holder};

/// Serves a folder, asks something of it, and stops.
fn serve_once(
    folder: &Utf8Path,
    guard: &Utf8TempDir,
    ask: impl FnOnce(&Endpoint) + Send + 'static,
) -> Result<(), ServeError> {
    let mut config = config(guard);
    config.data_folder = folder.to_owned();
    block_on(config, move |endpoint| {
        let endpoint = endpoint.clone();
        std::thread::spawn(move || {
            ask(&endpoint);
            send(&endpoint, "POST", "/api/v1/shutdown", "");
        });
    })
}

fn send(endpoint: &Endpoint, method: &str, path: &str, body: &str) -> u16 {
    let request = ureq::http::Request::builder()
        .method(method)
        .uri(format!("{}{path}", endpoint.url))
        .header("authorization", format!("Bearer {}", endpoint.token))
        .header("content-type", "application/json")
        .body(body.to_owned())
        .expect("a request");
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into();
    agent.run(request).expect("an answer").status().as_u16()
}

fn root(guard: &Utf8TempDir) -> Utf8PathBuf {
    let root = guard.path().to_owned();
    root.canonicalize_utf8().expect("it exists").join("data")
}

fn copy(from: &Utf8Path, to: &Utf8Path) {
    let copied = std::process::Command::new("cp")
        .args(["-a", from.as_str(), to.as_str()])
        .status();
    assert!(copied.expect("cp").success());
}

fn adopted(folder: &Utf8Path) -> stepwell_server::Adopted {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime
        .expect("a runtime")
        .block_on(adopt(folder))
        .expect("adopted")
}

#[test]
fn a_folder_that_others_could_look_into_is_mended_before_anything_is_written() {
    let guard = camino_tempfile::tempdir().expect("a temporary folder");
    let folder = root(&guard);
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).expect("set");
    serve_once(&folder, &guard, |_| ()).expect("it serves");
    let mode = std::fs::metadata(&folder)
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_folder_that_was_moved_after_a_clean_stop_just_works() {
    let guard = camino_tempfile::tempdir().expect("a temporary folder");
    let folder = root(&guard);
    serve_once(&folder, &guard, |_| ()).expect("it serves");
    let renamed = folder.with_file_name("renamed");
    std::fs::rename(&folder, &renamed).expect("renamed");
    for _ in 0..2 {
        serve_once(&renamed, &guard, |endpoint| {
            assert_eq!(send(endpoint, "GET", "/api/v1/runs", ""), 200);
        })
        .expect("it serves");
    }
}

#[test]
fn a_folder_that_was_moved_or_copied_with_runs_that_are_not_over_waits_for_its_owner() {
    let guard = camino_tempfile::tempdir().expect("a temporary folder");
    let folder = root(&guard);
    serve_once(&folder, &guard, |endpoint| {
        let body = r#"{"experiment": "e"}"#;
        assert_eq!(
            send(endpoint, "POST", "/api/v1/runs/interactive", body),
            201
        );
    })
    .expect("it serves");
    let renamed = folder.with_file_name("renamed");
    std::fs::rename(&folder, &renamed).expect("renamed");
    let error = serve_once(&renamed, &guard, |_| ()).expect_err("refused");
    assert!(
        matches!(
            error,
            ServeError::Pending {
                open_runs: 1,
                is_copy: false,
                ..
            }
        ),
        "{error}"
    );
    let report = adopted(&renamed);
    assert_eq!((report.open_runs, report.was_ours), (1, false));
    serve_once(&renamed, &guard, |_| ()).expect("it serves");

    let copied = folder.with_file_name("copied");
    copy(&renamed, &copied);
    let error = serve_once(&copied, &guard, |_| ()).expect_err("refused");
    assert!(
        matches!(error, ServeError::Pending { is_copy: true, .. }),
        "{error}"
    );
    assert!(error.hint().contains("stepwell adopt"));
}

#[test]
fn a_copy_goes_on_by_itself_and_a_planted_folder_waits_for_its_owner() {
    let guard = camino_tempfile::tempdir().expect("a temporary folder");
    let folder = root(&guard);
    serve_once(&folder, &guard, |endpoint| {
        let body = r#"{"name": "ann", "role": "owner"}"#;
        assert_eq!(send(endpoint, "POST", "/api/v1/tokens", body), 201);
    })
    .expect("it serves");
    let token = std::fs::read_to_string(folder.join("token")).expect("a token");

    let copied = folder.with_file_name("copied");
    copy(&folder, &copied);
    serve_once(&copied, &guard, |endpoint| {
        assert_eq!(send(endpoint, "GET", "/api/v1/runs", ""), 200);
    })
    .expect("it serves");
    let renewed = std::fs::read_to_string(copied.join("token")).expect("a token");
    assert_ne!(token, renewed, "the two share no token");
    assert!(adopted(&copied).was_ours);

    let planted = folder.with_file_name("planted");
    copy(&folder, &planted);
    let attempt = planted.join("runs/0192f5c4-1111-7222-8333-00007b5b0002/attempt-1");
    std::fs::create_dir_all(&attempt).expect("a folder");
    std::fs::write(attempt.join("claim.json"), "{}").expect("a file");
    std::fs::remove_file(planted.join("home.json")).expect("removed");
    let error = serve_once(&planted, &guard, |_| ()).expect_err("refused");
    assert!(matches!(error, ServeError::NotAdopted { .. }), "{error}");
    assert!(error.hint().contains("stepwell adopt"));
    let report = adopted(&planted);
    assert_eq!((report.revoked_tokens, report.lost_steps), (1, 1));
    let record = std::fs::read_to_string(attempt.join("claim.json")).expect("a record");
    assert!(record.contains(r#"{"outcome":{"failed":"#), "{record}");
    serve_once(&planted, &guard, |_| ()).expect("it serves");
}

#[test]
fn a_token_that_lies_in_an_empty_folder_is_not_believed() {
    let guard = camino_tempfile::tempdir().expect("a temporary folder");
    let folder = root(&guard);
    std::fs::create_dir_all(folder.join("envs/planted")).expect("a folder");
    std::fs::write(folder.join("token"), "x".repeat(64)).expect("a file");
    let planted = folder.join("envs/planted");
    serve_once(&folder, &guard, move |endpoint| {
        assert_ne!(endpoint.token, "x".repeat(64));
        assert!(!planted.exists());
    })
    .expect("it serves");
}

#[test]
fn a_deleted_database_is_not_made_anew_where_there_were_runs() {
    let guard = camino_tempfile::tempdir().expect("a temporary folder");
    let folder = root(&guard);
    serve_once(&folder, &guard, |_| ()).expect("it serves");
    std::fs::create_dir(folder.join("runs/0192f5c4-1111-7222-8333-00007b5b0002")).expect("a run");
    std::fs::remove_file(folder.join("stepwell.db")).expect("deleted");
    let error = serve_once(&folder, &guard, |_| ()).expect_err("refused");
    assert!(matches!(error, ServeError::NoDatabase { .. }), "{error}");
}

#[test]
fn after_a_stop_the_database_file_alone_is_complete_and_the_socket_is_gone() {
    let guard = camino_tempfile::tempdir().expect("a temporary folder");
    let folder = root(&guard);
    let data = stepwell_data::folder::DataFolder::new(&folder);
    let served = data.clone();
    serve_once(&folder, &guard, move |endpoint| {
        assert_eq!(holder(&served), Some(std::process::id()));
        assert_eq!(socket::find(served.root()).as_ref(), Some(&endpoint.socket));
        assert!(
            !endpoint.socket.starts_with(served.root()),
            "a copy of the folder has it not"
        );
    })
    .expect("it serves");
    let log = std::fs::metadata(folder.join("stepwell.db-wal"));
    assert!(
        log.map_or(0, |log| log.len()) == 0,
        "all of it is in the one file"
    );
    assert!(socket::find(data.root()).is_none() && !data.server_file().exists());
}

#[test]
fn a_socket_that_was_deleted_is_made_again() {
    let guard = camino_tempfile::tempdir().expect("a temporary folder");
    let folder = root(&guard);
    serve_once(&folder, &guard, |endpoint| {
        for file in [
            endpoint.socket.clone(),
            endpoint.data_folder.join("server.json"),
        ] {
            std::fs::remove_file(&file).expect("deleted");
            let limit = std::time::Instant::now() + std::time::Duration::from_secs(30);
            while !file.exists() {
                assert!(
                    std::time::Instant::now() < limit,
                    "`{file}` does not come back"
                );
                std::thread::yield_now();
            }
        }
        std::os::unix::net::UnixStream::connect(&endpoint.socket).expect("it answers");
    })
    .expect("it serves");
}
