//! Where everything lies in a server's data folder: the one place that knows these names.
//!
//! ```text
//! stepwell.db            the metadata database
//! server.json, lock      who serves the folder
//! home.json              where the folder was made, and by whom
//! objects/               content-addressed files
//! runs/<run id>/claim.json  how the first try of a step went, and other files of that
//! runs/<run id>/work/    where its program runs
//! runs/<run id>/log      what a step prints, in all tries
//! runs/<run id>/files/   what a run keeps: outputs/, logs/, user_logs/, uploads
//! runs/<run id>/attempt-2/  how another try went, with its work/
//! runs/<run id>/state/   how far a step is that resumes, for its next attempt
//! runs/<run id>/data-1/   inputs and outputs of one try that are on other machines
//! runs/<run id>/log-times  when its log grew
//! runs/<run id>/delivered.json  what was uploaded of its outputs
//! runs/<run id>/spool/   what the SDK in a step could not send
//! runs/<run id>/staged/  outputs that are not to be seen before their step has succeeded
//! data/<datastore>/      the local datastores
//! usql/                  databases and tables of U-SQL scripts
//! datastores.key         what seals the credentials of datastores
//! cache/                 what was fetched from datastores on other machines
//! transfer/              files on their way to or from a datastore
//! digests                digests of files that were read before
//! envs/                  Python environments
//! sdk/                   links to the submitting SDK, for environments that lack it
//! logs/server.log        the server's own log
//! trash/                 what is being removed
//! ```

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_model::RunId;

/// The local datastores that every workspace has; the first is the default.
pub const LOCAL_DATASTORES: [&str; 2] = ["workspaceblobstore", "workspacefilestore"];

/// How names on local datastores begin under which outputs are copied until they are complete.
/// No listing shows them.
pub const INCOMING_PREFIX: &str = ".stepwell-incoming-";

/// The name of a step's log among the files of its run.
pub const LOG_NAME: &str = "user_logs/std_log.txt";

/// The file in a run's folder with a line for each growth of its log: the length, and the time in
/// milliseconds since 1970.
pub const LOG_TIMES: &str = "log-times";

/// A server's data folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFolder {
    root: Utf8PathBuf,
}

impl DataFolder {
    /// Names the places below `root`; nothing is made.
    #[must_use]
    pub fn new(root: impl Into<Utf8PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// The metadata database.
    #[must_use]
    pub fn database(&self) -> Utf8PathBuf {
        self.root.join("stepwell.db")
    }

    /// Who serves the folder: its URL and token, readable by the owner only.
    #[must_use]
    pub fn server_file(&self) -> Utf8PathBuf {
        self.root.join("server.json")
    }

    /// Where the folder was made, and by whom.
    #[must_use]
    pub fn home_file(&self) -> Utf8PathBuf {
        self.root.join("home.json")
    }

    /// The file that a server locks while it serves the folder.
    #[must_use]
    pub fn lock(&self) -> Utf8PathBuf {
        self.root.join("lock")
    }

    /// The token of the embedded server; it outlives the server, as steps hold it.
    #[must_use]
    pub fn token(&self) -> Utf8PathBuf {
        self.root.join("token")
    }

    /// Content-addressed files.
    #[must_use]
    pub fn objects(&self) -> Utf8PathBuf {
        self.root.join("objects")
    }

    /// Digests of files that were read before.
    #[must_use]
    pub fn digests(&self) -> Utf8PathBuf {
        self.root.join("digests")
    }

    /// The folder of a run.
    #[must_use]
    pub fn run(&self, run: RunId) -> Utf8PathBuf {
        self.root.join("runs").join(run.to_string())
    }

    /// What a run keeps.
    #[must_use]
    pub fn run_files(&self, run: RunId) -> Utf8PathBuf {
        self.run(run).join("files")
    }

    /// What a step prints: [`LOG_NAME`] among what it keeps. It lies beside that, as most steps keep
    /// nothing else; older versions have it where its name says.
    #[must_use]
    pub fn run_log(&self, run: RunId) -> Utf8PathBuf {
        let named = self.run_files(run).join(LOG_NAME);
        match named.exists() {
            true => named,
            false => self.run(run).join("log"),
        }
    }

    /// When what a step prints grew.
    #[must_use]
    pub fn run_log_times(&self, run: RunId) -> Utf8PathBuf {
        self.run(run).join(LOG_TIMES)
    }

    /// What the SDK in a step could not send because no server answered.
    #[must_use]
    pub fn spool(&self, run: RunId) -> Utf8PathBuf {
        self.run(run).join("spool")
    }

    /// How far a step is that resumes, and what it shows of its progress.
    #[must_use]
    pub fn state(&self, run: RunId) -> Utf8PathBuf {
        self.run(run).join("state")
    }

    /// What an attempt reads from and writes for other machines, while it lasts.
    #[must_use]
    pub fn step_data(&self, run: RunId, attempt: u32) -> Utf8PathBuf {
        self.run(run).join(format!("data-{attempt}"))
    }

    /// What a step has uploaded to other machines.
    #[must_use]
    pub fn delivered(&self, run: RunId) -> Utf8PathBuf {
        self.run(run).join("delivered.json")
    }

    /// Where a step writes an output that is not to be seen before it has succeeded.
    #[must_use]
    pub fn staged(&self, run: RunId, output: &str) -> Utf8PathBuf {
        self.run(run).join("staged").join(output)
    }

    /// What holds the local datastores, a folder each.
    #[must_use]
    pub fn datastores(&self) -> Utf8PathBuf {
        self.root.join("data")
    }

    /// The root of a local datastore.
    #[must_use]
    pub fn datastore(&self, name: &str) -> Utf8PathBuf {
        self.datastores().join(name)
    }

    /// What seals the credentials of datastores; readable by the owner only.
    #[must_use]
    pub fn datastores_key(&self) -> Utf8PathBuf {
        self.root.join("datastores.key")
    }

    /// What was fetched from datastores on other machines.
    #[must_use]
    pub fn cache(&self) -> Utf8PathBuf {
        self.root.join("cache")
    }

    /// Files on their way to or from a datastore; nothing here outlives a server.
    #[must_use]
    pub fn transfer(&self) -> Utf8PathBuf {
        self.root.join("transfer")
    }

    /// Python environments.
    #[must_use]
    pub fn environments(&self) -> Utf8PathBuf {
        self.root.join("envs")
    }

    /// Links to the packages of submitting SDKs.
    #[must_use]
    pub fn sdk(&self) -> Utf8PathBuf {
        self.root.join("sdk")
    }

    /// The file that remembers what a script has imported, by a name of the script.
    #[must_use]
    pub fn imports(&self, script: &str) -> Utf8PathBuf {
        let name = blake3::hash(script.as_bytes()).to_hex();
        self.root
            .join("imports")
            .join(format!("{}.json", &name[..32]))
    }

    /// What is being removed; nobody looks at it any more.
    #[must_use]
    pub fn trash(&self) -> Utf8PathBuf {
        self.root.join("trash")
    }

    /// The server's own log.
    #[must_use]
    pub fn server_log(&self) -> Utf8PathBuf {
        self.root.join("logs").join("server.log")
    }
}

/// The name of the folder below [`DataFolder::sdk`] that links to the packages of one SDK.
#[must_use]
pub fn sdk_name(sdk_path: &str) -> String {
    blake3::hash(sdk_path.as_bytes()).to_hex()[..16].to_owned()
}
