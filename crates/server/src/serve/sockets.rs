//! Where a server listens: for its own steps and commands, for pages, and for other machines.
//!
//! Steps and commands come by a socket file in the data folder, which nobody else can reach or take;
//! browsers cannot, and have a port of this machine.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::AsRawFd as _;

use stepwell_data::folder::DataFolder;
use tokio::net::{TcpListener, UnixListener};

use super::{ServeConfig, ServeError};

/// The port for other machines, unless another is set.
const SHARED_PORT: u16 = 8471;

/// Where the server listens.
pub(super) struct Sockets {
    /// In the data folder.
    pub(super) file: UnixListener,
    /// On this machine's own address, without TLS: for pages, and programs that are no SDK.
    pub(super) own: TcpListener,
    /// Where the user said, when that is something else; and whether TLS is spoken there.
    pub(super) shared: Option<(TcpListener, bool)>,
}

impl Sockets {
    pub(super) async fn open(
        config: &ServeConfig,
        folder: &DataFolder,
    ) -> Result<Self, ServeError> {
        let secure = config.tls.is_some();
        if config.host.is_loopback() && !secure {
            let own = listen(config.host, config.port, folder).await?;
            let file = socket_file(folder)?;
            return Ok(Self {
                file,
                own,
                shared: None,
            });
        }
        let address = SocketAddr::new(config.host, config.port.unwrap_or(SHARED_PORT));
        let shared = bind(address).await?;
        Ok(Self {
            file: socket_file(folder)?,
            own: listen(Ipv4Addr::LOCALHOST.into(), None, folder).await?,
            shared: Some((shared, secure)),
        })
    }

    pub(super) fn urls(&self) -> std::io::Result<(String, Option<String>)> {
        let own = format!("http://{}", self.own.local_addr()?);
        let shared = self.shared.as_ref().map(|(listener, secure)| {
            let scheme = if *secure { "https" } else { "http" };
            Ok::<_, std::io::Error>(format!("{scheme}://{}", listener.local_addr()?))
        });
        Ok((own, shared.transpose()?))
    }

    /// The URL by which other machines reach the server: where it listens to all of this machine's
    /// addresses, by this machine's name. Without a door for others, its own.
    pub(super) fn advertised(&self) -> std::io::Result<String> {
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

/// Makes the socket file anew. Only the holder of the folder's lock may.
pub(super) fn socket_file(folder: &DataFolder) -> Result<UnixListener, ServeError> {
    let path = folder.socket();
    let bound = || {
        drop(std::fs::remove_file(&path));
        // The system's addresses are short; the folder's path may not be.
        let root = File::open(folder.root())?;
        let short = format!("/proc/self/fd/{}/server.sock", root.as_raw_fd());
        let listener = std::os::unix::net::UnixListener::bind(match path.as_str().len() {
            ..SOCKET_PATH_MAX => path.as_str(),
            _ => short.as_str(),
        })?;
        listener.set_nonblocking(true)?;
        UnixListener::from_std(listener)
    };
    bound().map_err(|error: std::io::Error| ServeError::Folder {
        folder: folder.root().to_owned(),
        reason: format!("the socket `{path}` cannot be made: {error}"),
    })
}

/// How long the path of a socket may be, in bytes.
const SOCKET_PATH_MAX: usize = 100;

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
