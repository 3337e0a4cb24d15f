//! Where a server listens: for its own steps and commands, for pages, and for other machines.
//!
//! Steps and commands come by a socket file that nobody else can reach or take ([`socket`] says where
//! it is); browsers cannot, and have a port of this machine.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_data::folder::DataFolder;
use stepwell_data::socket;
use tokio::net::{TcpListener, UnixListener};

use super::{ServeConfig, ServeError};

/// The port for other machines, unless another is set.
const SHARED_PORT: u16 = 8471;

/// Where the server listens.
pub(super) struct Sockets {
    /// At the data folder's socket file.
    pub(super) file: UnixListener,
    /// Where that file is.
    pub(super) path: Utf8PathBuf,
    /// On this machine's own address, without TLS: for pages, and programs that are no SDK.
    pub(super) own: TcpListener,
    /// Where the user said, when that is something else; and whether TLS is spoken there.
    pub(super) shared: Option<(TcpListener, bool)>,
}

/// How attempts reach the server.
#[derive(Debug)]
pub(super) struct Addresses {
    /// By its URL, on this machine.
    pub(super) url: String,
    /// By its socket file, on this machine.
    pub(super) socket: Utf8PathBuf,
    /// By its URL, on other machines.
    pub(super) advertised: String,
}

impl Sockets {
    pub(super) async fn open(
        config: &ServeConfig,
        folder: &DataFolder,
    ) -> Result<Self, ServeError> {
        // A server of an earlier version, when it is killed, leaves its socket where copies stumble.
        drop(std::fs::remove_file(folder.root().join("server.sock")));
        let path = socket::place(folder.root()).map_err(|error| unusable(folder, &error))?;
        let secure = config.tls.is_some();
        let (own, shared) = if config.host.is_loopback() && !secure {
            (listen(config.host, config.port, folder).await?, None)
        } else {
            let address = SocketAddr::new(config.host, config.port.unwrap_or(SHARED_PORT));
            let shared = bind(address).await?;
            let own = listen(Ipv4Addr::LOCALHOST.into(), None, folder).await?;
            (own, Some((shared, secure)))
        };
        Ok(Self {
            file: socket_file(&path).map_err(|error| unusable(folder, &error))?,
            path,
            own,
            shared,
        })
    }

    pub(super) fn urls(&self) -> io::Result<(String, Option<String>)> {
        let own = format!("http://{}", self.own.local_addr()?);
        let shared = self.shared.as_ref().map(|(listener, secure)| {
            let scheme = if *secure { "https" } else { "http" };
            Ok::<_, io::Error>(format!("{scheme}://{}", listener.local_addr()?))
        });
        Ok((own, shared.transpose()?))
    }

    /// The URL by which other machines reach the server: where it listens to all of this machine's
    /// addresses, by this machine's name. Without a door for others, its own.
    pub(super) fn advertised(&self) -> io::Result<String> {
        let (listener, secure) = match &self.shared {
            Some((listener, secure)) => (listener, *secure),
            None => (&self.own, false),
        };
        let address = listener.local_addr()?;
        let scheme = if secure { "https" } else { "http" };
        if !address.ip().is_unspecified() {
            return Ok(format!("{scheme}://{address}"));
        }
        let system = rustix::system::uname();
        let host = system.nodename().to_string_lossy();
        Ok(format!("{scheme}://{host}:{}", address.port()))
    }
}

/// Makes the socket file anew. Only the holder of the data folder's lock may.
pub(super) fn socket_file(path: &Utf8Path) -> io::Result<UnixListener> {
    drop(std::fs::remove_file(path));
    UnixListener::bind(path).map_err(|error| {
        let text = format!("the socket `{path}` cannot be made: {error}");
        io::Error::new(error.kind(), text)
    })
}

fn unusable(folder: &DataFolder, error: &io::Error) -> ServeError {
    ServeError::Folder {
        folder: folder.root().to_owned(),
        reason: error.to_string(),
    }
}

/// The given port, or the one of last time so that links to pages stay good, or any.
async fn listen(
    host: IpAddr,
    port: Option<u16>,
    folder: &DataFolder,
) -> Result<TcpListener, ServeError> {
    let remembered = folder.root().join("port");
    let last = fs_err::read_to_string(&remembered)
        .ok()
        .and_then(|text| text.trim().parse().ok());
    let bind = async |port| bind(SocketAddr::new(host, port)).await;
    let listener = match (port, last) {
        (Some(port), _) => bind(port).await?,
        (None, Some(port)) => match bind(port).await {
            Ok(listener) => listener,
            Err(_) => bind(0).await?,
        },
        (None, None) => bind(0).await?,
    };
    if let Ok(address) = listener.local_addr() {
        // Only a convenience: without it the next server takes another port.
        drop(fs_err::write(remembered, address.port().to_string()));
    }
    Ok(listener)
}

async fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| ServeError::Bind {
        address,
        reason: error.to_string(),
    })
}
