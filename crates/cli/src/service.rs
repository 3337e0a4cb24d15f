//! The boundary to the server crate: what the command line knows of it.

use std::net::IpAddr;
use std::time::Duration;

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use crate::exit::Exit;
use crate::failure::{Advice, Failure};

/// Where a running server is, as it writes into its data folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Endpoint {
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) pid: u32,
    pub(crate) data_folder: Utf8PathBuf,
}

/// What is to be served.
#[derive(Debug)]
pub(crate) struct Request {
    /// The data folder.
    pub(crate) data_folder: Utf8PathBuf,
    /// The workspace's name if the folder is new.
    pub(crate) workspace_name: String,
    /// The address to listen on.
    pub(crate) host: IpAddr,
    /// The port, if a certain one is wanted.
    pub(crate) port: Option<u16>,
    /// Whether unknown compute targets are refused.
    pub(crate) shared: bool,
    /// When to stop for want of work.
    pub(crate) idle_exit: Option<Duration>,
}

/// The supervisor's program is not there.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is missing")]
pub(crate) struct NoSupervisor(Utf8PathBuf);

impl Advice for NoSupervisor {
    fn exit(&self) -> Exit {
        Exit::Unreachable
    }

    fn hint(&self) -> String {
        "it belongs beside the program `stepwell`: install Stepwell again".to_owned()
    }
}

/// The program that supervises steps: it lies beside this one.
pub(crate) fn supervisor() -> Result<Utf8PathBuf, Failure> {
    let program = std::env::current_exe()?;
    let program = Utf8PathBuf::try_from(program).map_err(|error| error.into_io_error())?;
    let supervisor = program.with_file_name("stepwell-supervise");
    if supervisor.is_file() {
        Ok(supervisor)
    } else {
        Err(NoSupervisor(supervisor).into())
    }
}

/// Serves until asked to stop.
pub(crate) fn serve(_request: Request) -> Result<(), Failure> {
    supervisor()?;
    Err(Failure::new(
        Exit::Unreachable,
        "no server in this build",
        "",
    ))
}
