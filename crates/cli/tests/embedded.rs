//! The embedded server through the real command: found, started once, started again, stopped.

use std::process::{Command, Output, Stdio};

use camino::Utf8PathBuf;
use camino_tempfile::Utf8TempDir;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A project's folder; its server is stopped when the test ends.
struct Project {
    _guard: Utf8TempDir,
    folder: Utf8PathBuf,
}

impl Project {
    fn new() -> Self {
        let guard = camino_tempfile::tempdir().expect("a temporary folder");
        let folder = guard.path().join("churn");
        fs_err::create_dir(&folder).expect("a folder");
        Self {
            _guard: guard,
            folder,
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stepwell"));
        command.args(arguments).current_dir(&self.folder);
        for name in ["STEPWELL_URL", "STEPWELL_TOKEN", "STEPWELL_DATA"] {
            command.env_remove(name);
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments)
            .output()
            .expect("the command starts")
    }

    fn connect(&self) -> Value {
        json(&self.run(&["connect", "--json"]))
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        self.run(&["stop"]);
    }
}

fn json(output: &Output) -> Value {
    let errors = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn starters_at_once_end_with_one_server() {
    let project = Project::new();
    let starters: Vec<_> = (0..6)
        .map(|_| {
            let mut command = project.command(&["connect", "--json"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().expect("the command starts")
        })
        .collect();
    let found: Vec<Value> = starters
        .into_iter()
        .map(|starter| json(&starter.wait_with_output().expect("it ends")))
        .collect();
    let pids: Vec<&Value> = found.iter().map(|found| &found["pid"]).collect();
    assert!(pids.iter().all(|pid| *pid == pids[0]), "{pids:?}");
    let started = found
        .iter()
        .filter(|found| found["started"] == true)
        .count();
    assert_eq!(started, 1);
}

#[test]
fn a_killed_server_is_started_again_with_the_same_address_and_token() {
    let project = Project::new();
    let first = project.connect();
    let pid = first["pid"]
        .as_i64()
        .and_then(|pid| i32::try_from(pid).ok())
        .and_then(Pid::from_raw);
    kill_process(pid.expect("a process id"), Signal::KILL).expect("it is ours");
    let second = project.connect();
    assert_eq!(second["started"], true);
    assert_ne!(second["pid"], first["pid"]);
    assert_eq!(second["token"], first["token"]);
    assert_eq!(second["url"], first["url"]);
}

#[test]
fn looking_at_runs_makes_no_data_folder() {
    let project = Project::new();
    let output = project.run(&["runs"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(
        text(&output.stderr).contains("nothing has run in"),
        "{}",
        text(&output.stderr)
    );
    assert!(!project.folder.join(".stepwell").exists());
}

#[test]
fn a_second_server_of_a_folder_is_refused() {
    let project = Project::new();
    project.connect();
    let output = project.run(&["serve"]);
    assert_eq!(output.status.code(), Some(75));
    assert!(text(&output.stderr).starts_with("error: another server (process "));
    assert!(text(&output.stderr).contains("\n\nhint: "));
}

#[test]
fn a_snapshot_has_one_digest_whether_stored_or_sent() {
    let project = Project::new();
    let source = project.folder.join("src");
    fs_err::create_dir(&source).expect("a folder");
    fs_err::write(source.join("train.py"), "print('hello')\n").expect("a file");
    let server = project.connect();
    let sent = project
        .command(&["snapshot", "src", "--json"])
        .env("STEPWELL_URL", server["url"].as_str().expect("a URL"))
        .env("STEPWELL_TOKEN", server["token"].as_str().expect("a token"))
        .output()
        .expect("the command starts");
    let sent = json(&sent);
    let stored = json(&project.run(&["snapshot", "src", "--json"]));
    assert_eq!(
        sent["snapshots"][0]["digest"],
        stored["snapshots"][0]["digest"]
    );
    assert_eq!(stored["snapshots"][0]["files"], 1);
}

#[test]
fn a_program_runs_with_its_own_exit_code_and_output() {
    let project = Project::new();
    let program = "import sys\nprint(sys.argv[1:])\nsys.exit(7)\n";
    fs_err::write(project.folder.join("main.py"), program).expect("a file");
    let output = project.run(&["run", "main.py", "--folder", "x"]);
    assert_eq!(output.status.code(), Some(7), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "['--folder', 'x']\n");
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let project = Project::new();
    let mut command = project.command(&["completions", "bash"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn another_folders_server_is_not_taken_for_ones_own() {
    let (project, other) = (Project::new(), Project::new());
    let (own, stranger) = (project.connect(), other.connect());
    project.run(&["stop"]);
    // As after a restart of the machine: the number and the port were given to somebody else.
    let left = serde_json::json!({
        "url": stranger["url"],
        "token": own["token"],
        "pid": stranger["pid"],
        "data_folder": own["data_folder"],
    });
    let file = project.folder.join(".stepwell/server.json");
    fs_err::write(file, left.to_string()).expect("a file");
    let found = project.connect();
    assert_eq!(found["started"], true);
    assert_ne!(found["url"], stranger["url"]);
}
