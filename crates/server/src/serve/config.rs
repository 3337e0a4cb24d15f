//! The settings of a server, what it prints when it serves, and why it cannot serve.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};
use stepwell_engine::driver::EngineError;

use crate::limits::Limits;
use crate::tls::{TlsError, TlsFiles};

/// What a server needs to know.
#[derive(Debug, Clone)]
pub struct ServeConfig {
    /// The folder that holds everything.
    pub data_folder: Utf8PathBuf,
    /// The address to listen on. With another than this machine's own, or with TLS, the server
    /// listens on this machine's own as well, for its steps and for commands.
    pub host: IpAddr,
    /// The port; `None` for the one used last time if it is free, else any. For other machines
    /// `None` is 8471.
    pub port: Option<u16>,
    /// The certificate for https; plain http when absent.
    pub tls: Option<TlsFiles>,
    /// The URL by which the nodes of clusters reach the server; `None` for the one that follows
    /// from where it listens.
    pub advertised: Option<String>,
    /// How much may be asked for.
    pub limits: Limits,
    /// Whom it serves.
    pub mode: Mode,
    /// The `stepwell-supervise` program.
    pub supervisor: Utf8PathBuf,
    /// The `stepwell` program.
    pub program: Utf8PathBuf,
    /// Stop after so long without requests and runs; `None` for never.
    pub idle_exit: Option<Duration>,
    /// The workspace's name, when the folder is new.
    pub workspace_name: String,
    /// Whether to take over a folder that was not made here.
    pub adopt: bool,
    /// How many bytes the cache of datastores on other machines may hold.
    pub cache_bytes_max: u64,
}

/// Whom a server serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// One user on this machine: compute targets nobody created run here.
    Embedded,
    /// A team: compute targets must be created.
    Shared,
}

/// Where a server can be reached. Stored in the data folder, readable by its owner only.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its URL, for programs on this machine.
    pub url: String,
    /// Its URL for others, if it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared_url: Option<String>,
    /// The socket file for commands and steps of this machine.
    #[serde(default)]
    pub socket: Utf8PathBuf,
    /// Its token.
    pub token: String,
    /// Its process id.
    pub pid: u32,
    /// Its data folder.
    pub data_folder: Utf8PathBuf,
}

/// Why a server cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another server has the folder.
    #[error("another server{} serves `{folder}`", pid.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Locked {
        /// The data folder.
        folder: Utf8PathBuf,
        /// The other server's process id.
        pid: Option<u32>,
    },
    /// Its files are hard links to those of a folder that is served.
    #[error("the data folder `{folder}` is a copy made of hard links, and the original is served")]
    HardLinks {
        /// The data folder.
        folder: Utf8PathBuf,
    },
    /// Nothing shows that the folder is this user's, of this machine and this place.
    #[error("the data folder `{folder}` was not made by you on this machine")]
    NotAdopted {
        /// The data folder.
        folder: Utf8PathBuf,
    },
    /// The folder was moved or copied while it had something to do.
    #[error(
        "the data folder `{folder}` {} `{from}` with {open_runs} runs that are not over \
         and {schedules} enabled schedules",
        if *.is_copy { "is a copy of" } else { "was moved from" }
    )]
    Pending {
        /// The data folder.
        folder: Utf8PathBuf,
        /// Where it was made.
        from: Utf8PathBuf,
        /// Whether it is there still.
        is_copy: bool,
        /// How many runs are not over.
        open_runs: u64,
        /// How many schedules are enabled.
        schedules: usize,
    },
    /// There have been runs, and their database is gone.
    #[error("the database `{database}` is gone, though there are runs beside it")]
    NoDatabase {
        /// Where it was.
        database: Utf8PathBuf,
    },
    /// The folder cannot be used.
    #[error("the data folder `{folder}` cannot be used: {reason}")]
    Folder {
        /// The data folder.
        folder: Utf8PathBuf,
        /// Why.
        reason: String,
    },
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] stepwell_store::Error),
    /// The journal cannot be folded.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Other machines could reach it, but nobody there has been given a token.
    #[error("other machines can reach {host}, but there is no token {for_whom} yet")]
    NoToken {
        /// The address.
        host: IpAddr,
        /// Who lacks one.
        for_whom: &'static str,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {reason}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        reason: String,
    },
}

impl ServeError {
    /// What the user can do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Locked { .. } => "`stepwell stop` stops it; `stepwell doctor` says more",
            Self::HardLinks { .. } => {
                "`stepwell stop` in the original's folder, then `stepwell adopt` here gives it files of \
                 its own; or copy it with `cp -a`"
            }
            Self::NotAdopted { .. } | Self::Pending { .. } => {
                "`stepwell adopt` takes it over, if you trust what is in it; or move it aside"
            }
            Self::NoDatabase { .. } => {
                "`stepwell restore` brings a backup back; or move the folder aside to begin anew"
            }
            Self::Folder { .. } => {
                "choose another folder with `--data`, or fix its permissions or free space"
            }
            Self::Store(error) if error.is_storage() => "free some space, or fix the permissions",
            Self::Store(stepwell_store::Error::Damaged { .. }) => {
                "`stepwell restore BACKUP` brings a backup back; a folder whose server runs is copied \
                 with `stepwell backup`; `stepwell doctor` says more"
            }
            Self::Store(_) | Self::Engine(_) => "`stepwell doctor` says more",
            Self::Tls(_) => {
                "`--tls-cert` and `--tls-key` name the PEM files of the certificate and its key"
            }
            Self::NoToken { .. } => {
                "make one first, in the same data folder: `STEPWELL_DATA=FOLDER stepwell token create \
                 NAME --role owner`, then `STEPWELL_DATA=FOLDER stepwell stop`"
            }
            Self::Bind { .. } => "choose another with `--port`, or leave it out for a free one",
        }
    }
}
