//! The embedded server of a data folder: finding the one that runs, else starting it.
//!
//! However many processes look at once, all end with the one server: the server itself takes the
//! folder's lock, and a starter whose child lost the lock waits for the winner. A server that is
//! just going away makes the loser try again until the lock is free.
//!
//! Invariant: an endpoint given out has just answered.

mod log;

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_api::ErrorCode;
use stepwell_data::folder::DataFolder;
use stepwell_data::home;
use stepwell_data::socket;
use stepwell_server::Endpoint;

use crate::client::{self, Client};
use crate::discover::{DATA_FOLDER, Home};
use crate::exit::Exit;
use crate::failure::{Advice, storage_hint};
use log::ServerLog;

/// How long a server may take to start.
const START_MAX: Duration = Duration::from_secs(10);

/// How long a running server may take to answer that it is there.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// How often the endpoint file is looked at while a server starts.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// How long the loser of a race waits before it tries to start a server again.
const RETRY_AFTER: Duration = Duration::from_millis(200);

/// How long an embedded server stays when nobody needs it, in seconds.
const IDLE_EXIT_SECONDS: u64 = 3600;

/// A server that answers.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// Where it is.
    pub(crate) endpoint: Endpoint,
    /// Whether it had to be started.
    pub(crate) started: bool,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The data folder cannot be made or written.
    #[error("cannot use the data folder `{folder}`")]
    Folder {
        /// The folder.
        folder: Utf8PathBuf,
        /// The refusal; it names the path.
        source: std::io::Error,
    },
    /// This very program cannot be started again.
    #[error("cannot start the server")]
    Spawn(#[source] std::io::Error),
    /// The server ended while it started.
    #[error("the server of `{folder}` could not start: {last_words}")]
    Died {
        /// Its data folder.
        folder: Utf8PathBuf,
        /// The last lines of its log.
        last_words: String,
        /// What it advises; may be empty.
        hint: String,
    },
    /// The server did not answer in time.
    #[error("the server of `{folder}` does not answer after {} s{}", START_MAX.as_secs(), held_by(*.pid))]
    Silent {
        /// Its data folder.
        folder: Utf8PathBuf,
        /// The process that says it serves the folder.
        pid: Option<u32>,
    },
}

fn held_by(pid: Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| {
        format!(" (process {pid} has the folder)")
    })
}

impl Advice for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::Folder { .. } => Exit::Refused,
            _ => Exit::Unreachable,
        }
    }

    fn hint(&self) -> String {
        match self {
            Self::Folder { source, .. } => storage_hint(source).to_owned(),
            Self::Spawn(_) => String::new(),
            Self::Died { hint, .. } => hint.clone(),
            Self::Silent { folder, pid } => {
                let log = DataFolder::new(folder.clone()).server_log();
                match pid {
                    Some(pid) => {
                        format!("end it with `kill {pid}` and try again; its log is `{log}`")
                    }
                    None => format!("its log is `{log}`"),
                }
            }
        }
    }
}

/// What the folder's endpoint file says; it may be left over from a server that was killed, and is
/// believed in nothing but what it is called.
fn recorded(data_folder: &Utf8Path) -> Option<Endpoint> {
    let text = fs_err::read(DataFolder::new(data_folder.to_owned()).server_file()).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Whether a process runs; one that only waits for its parent does not.
pub(crate) fn is_alive(pid: u32) -> bool {
    let process = i32::try_from(pid)
        .ok()
        .map(stepwell_supervise::Process::find);
    matches!(process, Some(Ok(Some(_))))
}

/// The process that serves the folder, by the folder's lock: whether or not it answers.
pub(crate) fn holder(data_folder: &Utf8Path) -> Option<u32> {
    stepwell_server::holder(&DataFolder::new(data_folder.to_owned()))
}

/// The server that serves the folder now, if one answers at the folder's socket.
///
/// The other end of the connection is this user's process, which is asked of the system before anything
/// is sent; the token is shown only to one that serves this very folder, and has not been left by it.
pub(crate) fn find(data_folder: &Utf8Path) -> Option<Endpoint> {
    let folder = DataFolder::new(data_folder.to_owned());
    let socket = socket_of(data_folder)?;
    home::secure(data_folder).ok()?;
    let token = fs_err::read_to_string(folder.token())
        .ok()?
        .trim()
        .to_owned();
    let client = Client::at_socket(NOWHERE, &socket, "", ANSWER_MAX);
    let serves = client.health().ok()?.folder?;
    if serves != home::identity(data_folder).ok()? {
        return None;
    }
    let client = client.with_token(&token);
    let workspace = match client.workspace() {
        Ok(workspace) => workspace,
        // It is there, and has too much to do or a fault of its own to say more.
        Err(client::Error::Refused(body)) if body.code != ErrorCode::Unauthorized => {
            return recorded(data_folder).map(|recorded| Endpoint {
                socket,
                token,
                data_folder: data_folder.to_owned(),
                ..recorded
            });
        }
        Err(_) => return None,
    };
    Some(Endpoint {
        shared_url: recorded(data_folder)
            .filter(|recorded| recorded.url == workspace.url)
            .and_then(|recorded| recorded.shared_url),
        url: workspace.url,
        socket,
        token,
        pid: workspace.pid,
        data_folder: data_folder.to_owned(),
    })
}

/// Where the folder's server answers. One of an earlier version has its socket in the folder.
fn socket_of(data_folder: &Utf8Path) -> Option<Utf8PathBuf> {
    let before = data_folder.join("server.sock");
    socket::find(data_folder).or_else(|| before.exists().then_some(before))
}

/// What the server is called before it has said where its pages are; nothing is sent there.
const NOWHERE: &str = "http://127.0.0.1:1";

/// The folder's server, started if there is none.
pub(crate) fn find_or_start(home: &Home) -> Result<Found, Error> {
    if let Some(endpoint) = find(&home.data_folder) {
        return Ok(Found {
            endpoint,
            started: false,
        });
    }
    prepare(&home.data_folder)?;
    start(home)
}

/// The longest path of a data folder, in bytes: SQLite takes 512 for the path of a database, which
/// includes the names of the files that it keeps beside it.
const DATA_FOLDER_BYTES_MAX: usize = 480;

/// Refuses a folder in which no database can be opened.
fn check_length(data_folder: &Utf8Path) -> std::io::Result<()> {
    let bytes = data_folder.as_str().len();
    if bytes <= DATA_FOLDER_BYTES_MAX {
        return Ok(());
    }
    Err(std::io::Error::other(format!(
        "its path is too long: it has {bytes} bytes, and the database takes \
         {DATA_FOLDER_BYTES_MAX} at most; move the project to a shorter path"
    )))
}

/// Makes the data folder, and keeps it out of the user's version control.
pub(crate) fn prepare(data_folder: &Utf8Path) -> Result<(), Error> {
    let failed = |source| Error::Folder {
        folder: data_folder.to_owned(),
        source,
    };
    check_length(data_folder).map_err(failed)?;
    let mut builder = DirBuilder::new();
    // It holds the server's token, and what the runs of its owner read and write.
    builder
        .recursive(true)
        .mode(0o700)
        .create(data_folder)
        .map_err(failed)?;
    home::secure(data_folder).map_err(failed)?;
    let ignore = data_folder.join(".gitignore");
    if data_folder.file_name() == Some(DATA_FOLDER) && !ignore.exists() {
        fs_err::write(ignore, "*\n").map_err(failed)?;
    }
    Ok(())
}

fn start(home: &Home) -> Result<Found, Error> {
    let folder = &home.data_folder;
    let deadline = Instant::now() + START_MAX;
    let mut log = ServerLog::open(folder)?;
    let mut child = spawn(home, &log)?;
    let mut lost_at = None;
    loop {
        if let Some(endpoint) = find(folder) {
            let started = endpoint.pid == child.id();
            return Ok(Found { endpoint, started });
        }
        if lost_at.is_none() {
            match child.try_wait().map_err(Error::Spawn)? {
                Some(status) if lost_the_race(status) => lost_at = Some(Instant::now()),
                Some(status) => return Err(log.death(folder, status)),
                None => {}
            }
        }
        if lost_at.is_some_and(|at| at.elapsed() > RETRY_AFTER) {
            child = spawn(home, &log)?;
            lost_at = None;
        }
        if Instant::now() > deadline {
            return Err(Error::Silent {
                folder: folder.clone(),
                pid: holder(folder),
            });
        }
        thread::sleep(LOOK_EVERY);
    }
}

fn lost_the_race(status: ExitStatus) -> bool {
    status.code() == Some(i32::from(Exit::FolderTaken.code()))
}

/// Whether a variable was set for one step. A server that is started from within a step must not
/// pass it on to all others, and must not be taken for a process of that step.
fn is_of_a_step(name: &str) -> bool {
    let ours = [
        "STEPWELL_ATTEMPT",
        "STEPWELL_SPOOL",
        "STEPWELL_URL",
        "STEPWELL_SOCKET",
        "STEPWELL_TOKEN",
    ];
    let families = ["AZUREML_", "AML_PARAMETER_"];
    ours.contains(&name) || families.iter().any(|family| name.starts_with(family))
}

/// Starts `stepwell serve` with nothing of ours but the log; it makes its own session itself.
fn spawn(home: &Home, log: &ServerLog) -> Result<Child, Error> {
    let program = std::env::current_exe().map_err(Error::Spawn)?;
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_of_a_step) {
            command.env_remove(name);
        }
    }
    command
        .args(["serve", "--detached", "--data", home.data_folder.as_str()])
        // In one word: a name may begin with a dash.
        .arg(format!("--workspace-name={}", home.workspace_name))
        .args(["--idle-exit", &IDLE_EXIT_SECONDS.to_string()])
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(log.handle().map_err(Error::Spawn)?)
        .stderr(log.handle().map_err(Error::Spawn)?)
        .spawn()
        .map_err(Error::Spawn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_no_database_can_have_is_refused_with_its_length() {
        assert!(check_length(Utf8Path::new("/home/me/project/.stepwell")).is_ok());
        let long = format!("/{}/.stepwell", "d".repeat(500));
        let refusal = check_length(Utf8Path::new(&long)).expect_err("too long");
        assert!(
            refusal.to_string().contains("it has 511 bytes"),
            "{refusal}"
        );
    }

    #[test]
    fn a_data_folder_is_kept_out_of_version_control() {
        let guard = camino_tempfile::tempdir().expect("a temporary folder");
        let folder = guard.path().join(DATA_FOLDER);
        prepare(&folder).expect("a writable folder");
        let ignore = fs_err::read_to_string(folder.join(".gitignore")).expect("a file");
        assert_eq!(ignore, "*\n");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let guard = camino_tempfile::tempdir().expect("a temporary folder");
        let file = guard.path().join("file");
        fs_err::write(&file, "").expect("a file");
        let error = prepare(&file.join(DATA_FOLDER)).expect_err("a file is in the way");
        let text = stepwell_model::in_words(&error);
        assert!(text.contains(file.as_str()), "{text}");
        assert_eq!(error.exit(), Exit::Refused);
    }

    #[test]
    fn an_endpoint_file_is_never_believed() {
        let guard = camino_tempfile::tempdir().expect("a temporary folder");
        let folder = guard.path();
        let stranger = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let planted = Endpoint {
            url: format!("http://{}", stranger.local_addr().expect("an address")),
            shared_url: None,
            socket: folder.join("elsewhere.sock"),
            token: "t".to_owned(),
            pid: std::process::id(),
            data_folder: folder.to_owned(),
        };
        let text = serde_json::to_vec(&planted).expect("plain data");
        fs_err::write(folder.join("server.json"), text).expect("a file");
        fs_err::write(folder.join("token"), "secret").expect("a file");
        assert!(recorded(folder).is_some());
        assert!(find(folder).is_none() && holder(folder).is_none());
        stranger.set_nonblocking(true).expect("set");
        assert!(stranger.accept().is_err(), "nothing was sent there");
    }
}
