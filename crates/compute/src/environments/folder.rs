//! The folder of environments on disk.
//!
//! ```text
//! <environment key>/           a virtual environment, whole once it holds `stepwell.json`
//! <request key>.log            the log of the last build for a request
//! requests/<request key>.in    what was asked
//! requests/<request key>.lock  what uv resolved it to
//! requests/<request key>.json  which interpreter and which environment that means
//! requests/uv.toml             settings for uv, where a request needs them
//! locks/<key>                  held by who works on that key
//! interpreters/<key>/          `python` and `python3` for an interpreter that lacks those names
//! ```
//!
//! Requests may hold passwords in index URLs, so only the owner reads them. It does not call uv.
//! Invariant: a file that others trust, a record or a seal, is written aside and renamed.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use camino::{Utf8Path, Utf8PathBuf};
use fs_err as fs;
use fs_err::os::unix::fs::OpenOptionsExt as _;
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

use super::interpreter::Interpreter;
use super::request::Key;
use crate::executor::Prepared;

/// The version of the stored formats here; others are not read, only built anew.
const FORMAT: u32 = 1;

/// The folder of environments.
#[derive(Debug, Clone)]
pub(super) struct Folder(Utf8PathBuf);

/// A request once resolved: it stays so, and the same request gives the same environment later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resolution {
    /// What the environment is built from.
    pub(super) interpreter: Interpreter,
    /// Every package with version and hashes.
    pub(super) lock: String,
    /// The day as of which packages were resolved, for a Python that takes the place of an older one.
    pub(super) as_of: Option<String>,
    /// What the user should know of the interpreter, in one line.
    pub(super) notice: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Record {
    format: u32,
    environment: String,
    interpreter: Interpreter,
    #[serde(default)]
    as_of: Option<String>,
    #[serde(default)]
    notice: Option<String>,
}

#[derive(Serialize)]
struct Seal<'a> {
    format: u32,
    name: &'a str,
    python_version: &'a str,
}

impl Resolution {
    /// The key of the environment this is.
    pub(super) fn key(&self) -> Key {
        Key::of(&[
            "stepwell environment 1",
            &self.interpreter.identity(),
            &self.lock,
        ])
    }
}

impl Folder {
    pub(super) fn new(root: Utf8PathBuf) -> Self {
        Self(root)
    }

    /// Makes the folders that hold files.
    pub(super) fn create(&self) -> io::Result<()> {
        fs::create_dir_all(self.0.join("locks"))?;
        let requests = self.0.join("requests");
        fs::create_dir_all(&requests)?;
        fs::set_permissions(requests, std::fs::Permissions::from_mode(0o700))
    }

    /// The log of a request's last build.
    pub(super) fn log(&self, request: &Key) -> Utf8PathBuf {
        self.0.join(format!("{}.log", request.as_str()))
    }

    /// A file of a request.
    pub(super) fn request_file(&self, request: &Key, extension: &str) -> Utf8PathBuf {
        self.0
            .join(format!("requests/{}.{extension}", request.as_str()))
    }

    /// The folder in which uv finds these settings; they are the same for all requests.
    pub(super) fn uv_settings(&self, settings: &str) -> io::Result<Utf8PathBuf> {
        let folder = self.0.join("requests");
        let aside = folder.join(format!("uv.{}", std::process::id()));
        write_private(&aside, settings.as_bytes())?;
        fs::rename(aside, folder.join("uv.toml"))?;
        Ok(folder)
    }

    /// What a request was resolved to, if that can still be trusted.
    pub(super) fn recall(&self, request: &Key) -> Option<Resolution> {
        let record = fs::read(self.request_file(request, "json")).ok()?;
        let record: Record = serde_json::from_slice(&record).ok()?;
        let resolution = Resolution {
            interpreter: record.interpreter,
            lock: fs::read_to_string(self.request_file(request, "lock")).ok()?,
            as_of: record.as_of,
            notice: record.notice,
        };
        let intact = record.format == FORMAT && resolution.key().as_str() == record.environment;
        intact.then_some(resolution)
    }

    /// Keeps what a request was resolved to.
    pub(super) fn remember(&self, request: &Key, resolution: &Resolution) -> io::Result<()> {
        let record = Record {
            format: FORMAT,
            environment: resolution.key().as_str().to_owned(),
            interpreter: resolution.interpreter.clone(),
            as_of: resolution.as_of.clone(),
            notice: resolution.notice.clone(),
        };
        // The record comes last and holds the digest of the lock, so it vouches for both.
        publish(
            &self.request_file(request, "lock"),
            resolution.lock.as_bytes(),
        )?;
        publish(&self.request_file(request, "json"), &json(&record))
    }

    /// The environment of a key, whether it is there or not.
    pub(super) fn environment(&self, key: &Key) -> EnvironmentFolder {
        EnvironmentFolder(self.0.join(key.as_str()))
    }

    /// The folder whose `python` and `python3` are the given interpreter: its own where that has
    /// both, else one that is made here.
    pub(super) fn programs_of(&self, python: &Utf8Path) -> io::Result<Utf8PathBuf> {
        const NAMES: [&str; 2] = ["python", "python3"];
        let real = python.canonicalize_utf8()?;
        let is_it = |path: Utf8PathBuf| path.canonicalize_utf8().is_ok_and(|found| found == real);
        if let Some(own) = python.parent()
            && NAMES.iter().all(|name| is_it(own.join(name)))
        {
            return Ok(own.to_owned());
        }
        // Not links: an interpreter finds its packages by the path it is started with.
        let text = format!(
            "#!/bin/sh\nexec '{}' \"$@\"\n",
            python.as_str().replace('\'', r"'\''")
        );
        let made = self.0.join("interpreters").join(Key::of(&[&text]).as_str());
        fs::create_dir_all(&made)?;
        for name in NAMES {
            let program = made.join(name);
            if !program.exists() {
                let aside = made.join(format!(".{name}.{}", std::process::id()));
                fs::write(&aside, &text)?;
                fs::set_permissions(&aside, std::fs::Permissions::from_mode(0o755))?;
                fs::rename(aside, program)?;
            }
        }
        Ok(made)
    }

    /// Waits for the sole right to work on a key, among all processes.
    pub(super) async fn guard(&self, key: &Key) -> io::Result<Guard> {
        let path = self.0.join("locks").join(key.as_str());
        // Lock files stay: removing one would let two processes lock two files of one name.
        let lock = move || -> io::Result<Guard> {
            let file = fs::OpenOptions::new()
                .create(true)
                .append(true)
                .read(true)
                .open(path)?;
            rustix::io::retry_on_intr(|| rustix::fs::flock(&file, FlockOperation::LockExclusive))?;
            Ok(Guard(file))
        };
        tokio::task::spawn_blocking(lock)
            .await
            .map_err(io::Error::other)?
    }
}

/// The sole right to work on a key, given up when it and every copy are closed.
#[derive(Debug)]
pub(super) struct Guard(fs::File);

impl Guard {
    /// An empty input that shares the right: a program that has it keeps others away while it
    /// lives, even when this process is killed.
    pub(super) fn stdin(&self) -> io::Result<Stdio> {
        Ok(Stdio::from(self.0.file().try_clone()?))
    }
}

/// The place of one environment.
#[derive(Debug, Clone)]
pub(super) struct EnvironmentFolder(Utf8PathBuf);

impl EnvironmentFolder {
    pub(super) fn path(&self) -> &Utf8Path {
        &self.0
    }

    pub(super) fn python(&self) -> Utf8PathBuf {
        self.0.join("bin/python")
    }

    /// The environment, if it is whole and its interpreter is still installed.
    pub(super) fn ready(&self) -> Option<Prepared> {
        let prepared = Prepared {
            python: self.python(),
            bin: Some(self.0.join("bin")),
            notice: None,
        };
        // `bin/python` is a link to the interpreter, and `exists` follows it.
        (self.seal_path().exists() && prepared.python.exists()).then_some(prepared)
    }

    /// Removes what a build that did not come to its end has left; says whether there was any.
    pub(super) async fn clear(&self) -> io::Result<bool> {
        let path = self.0.clone();
        let seal = self.seal_path();
        let remove = move || match fs::symlink_metadata(&path) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(err) => Err(err),
            // The seal goes first: what is half removed must not look whole.
            Ok(_) => match fs::remove_file(seal) {
                Err(err) if err.kind() != io::ErrorKind::NotFound => Err(err),
                _ => fs::remove_dir_all(path).map(|()| true),
            },
        };
        tokio::task::spawn_blocking(remove)
            .await
            .map_err(io::Error::other)?
    }

    /// Declares the environment whole.
    pub(super) fn seal(&self, name: &str, python_version: &str) -> io::Result<()> {
        let seal = Seal {
            format: FORMAT,
            name,
            python_version,
        };
        publish(&self.seal_path(), &json(&seal))
    }

    fn seal_path(&self) -> Utf8PathBuf {
        self.0.join("stepwell.json")
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec_pretty(value).expect("strings and numbers have a JSON form")
}

/// Writes aside, then renames; the caller holds the guard of what the file belongs to.
fn publish(path: &Utf8Path, bytes: &[u8]) -> io::Result<()> {
    let aside = path.with_extension("new");
    write_private(&aside, bytes)?;
    fs::rename(aside, path)
}

/// Writes a file that nobody else may read: options of an index may hold a password.
pub(super) fn write_private(path: &Utf8Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    let mut options = fs::OpenOptions::new();
    let options = options.write(true).create(true).truncate(true).mode(0o600);
    options.open(path)?.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_program_that_outlives_the_guard_keeps_others_away() {
        let root = camino_tempfile::tempdir().expect("a temporary folder");
        let root = root.path().to_owned();
        let folder = Folder::new(root.clone());
        folder.create().expect("the folders are made");
        let key = Key::of(&["anything"]);
        let guard = folder.guard(&key).await.expect("nobody else is here");
        let mut program = std::process::Command::new("sleep")
            .arg("600")
            .stdin(guard.stdin().expect("a copy"))
            .spawn()
            .expect("sleep starts");
        drop(guard);
        let file = fs::File::open(root.join("locks").join(key.as_str())).expect("it stays");
        let attempt = rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive);
        assert_eq!(attempt, Err(rustix::io::Errno::WOULDBLOCK));
        program.kill().expect("it is ours");
        program.wait().expect("it is ours");
        // Waited for, since a program another test starts may share the file until it runs.
        let again = tokio::time::timeout(std::time::Duration::from_secs(30), folder.guard(&key));
        again
            .await
            .expect("the program is gone")
            .expect("the lock can be had");
    }

    #[test]
    fn a_record_that_does_not_vouch_for_its_lock_is_forgotten() {
        let root = camino_tempfile::tempdir().expect("a temporary folder");
        let root = root.path().to_owned();
        let folder = Folder::new(root);
        folder.create().expect("the folders are made");
        let key = Key::of(&["anything"]);
        let resolution = Resolution {
            interpreter: Interpreter {
                python: "/usr/bin/python3".into(),
                version: "3.11.7".to_owned(),
                build: "cpython linux-x86_64 /usr".to_owned(),
            },
            lock: "tiny==1.0\n".to_owned(),
            as_of: Some("2021-12-31".to_owned()),
            notice: Some("another one".to_owned()),
        };
        folder.remember(&key, &resolution).expect("there is room");
        assert_eq!(folder.recall(&key), Some(resolution));
        fs::write(folder.request_file(&key, "lock"), "tiny==2.0\n").expect("there is room");
        assert_eq!(folder.recall(&key), None);
    }
}
