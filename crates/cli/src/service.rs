//! The server inside this process: the one place with an asynchronous runtime and a log.

use std::io::{self, IsTerminal as _};

use camino::Utf8PathBuf;
use stepwell_server::{Endpoint, ServeConfig, ServeError, serve};
use tokio::runtime::Builder;
use tracing_subscriber::EnvFilter;

use crate::exit::Exit;
use crate::failure::{Advice, Failure};

/// The environment variable with the log's filter, in the syntax of `RUST_LOG`.
const LOG_FILTER: &str = "STEPWELL_LOG";

/// The most threads that answer requests; they wait for the disk, not for the processor.
const WORKERS_MAX: usize = 4;

/// A program of Stepwell's own is not there.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is missing")]
pub(crate) struct Missing(Utf8PathBuf);

impl Advice for Missing {
    fn exit(&self) -> Exit {
        Exit::Unreachable
    }

    fn hint(&self) -> String {
        "it belongs beside the program `stepwell`: install Stepwell again".to_owned()
    }
}

impl Advice for ServeError {
    fn exit(&self) -> Exit {
        match self {
            Self::Locked { .. } => Exit::FolderTaken,
            Self::NotAdopted { .. } | Self::Pending { .. } | Self::NoDatabase { .. } => {
                Exit::Refused
            }
            Self::Folder { .. } | Self::Tls(_) | Self::NoToken { .. } => Exit::Refused,
            Self::Store(error) if error.is_storage() => Exit::Refused,
            _ => Exit::Unreachable,
        }
    }

    fn hint(&self) -> String {
        Self::hint(self).to_owned()
    }
}

/// This program.
pub(crate) fn program() -> Result<Utf8PathBuf, Failure> {
    let program = Utf8PathBuf::try_from(std::env::current_exe()?);
    Ok(program.map_err(|error| error.into_io_error())?)
}

/// The program that supervises steps: it lies beside this one.
pub(crate) fn supervisor() -> Result<Utf8PathBuf, Failure> {
    let supervisor = program()?.with_file_name("stepwell-supervise");
    if supervisor.is_file() {
        Ok(supervisor)
    } else {
        Err(Missing(supervisor).into())
    }
}

/// Serves until asked to stop; `ready` is called once requests are answered.
pub(crate) fn run(config: ServeConfig, ready: impl FnOnce(&Endpoint)) -> Result<(), Failure> {
    log_to_stderr();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = Builder::new_multi_thread()
        .worker_threads(cores.min(WORKERS_MAX))
        .enable_all()
        .build()?;
    Ok(runtime.block_on(serve(config, ready))?)
}

/// Standard error, as long as it takes what is written. A disk that is full must not end whoever
/// has something to log.
#[derive(Debug)]
struct Forgiving;

impl io::Write for Forgiving {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(io::stderr().write(bytes).unwrap_or(bytes.len()))
    }

    fn flush(&mut self) -> io::Result<()> {
        drop(io::stderr().flush());
        Ok(())
    }
}

fn log_to_stderr() {
    let mut filter = EnvFilter::try_from_env(LOG_FILTER).unwrap_or_else(|_| EnvFilter::new("info"));
    // These print URLs, which may hold the signature that opens a datastore. Our own errors tell
    // what they have to say, without it.
    for silenced in ["object_store=off", "reqwest=off", "hyper_util=off"] {
        if let Ok(directive) = silenced.parse() {
            filter = filter.add_directive(directive);
        }
    }
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(|| Forgiving)
        .log_internal_errors(false)
        .init();
}
