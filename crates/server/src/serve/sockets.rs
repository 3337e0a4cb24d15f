//! Where a server listens: for its own steps and commands, and for other machines.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use stepwell_data::folder::DataFolder;
use tokio::net::TcpListener;

use super::{ServeConfig, ServeError};

/// The port for other machines, unless told otherwise.
const SHARED_PORT: u16 = 8471;

/// Where the server listens.
pub(super) struct Sockets {
    /// On this machine's own address, without TLS: for steps and commands here.
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
            return Ok(Self { own, shared: None });
        }
        let address = SocketAddr::new(config.host, config.port.unwrap_or(SHARED_PORT));
        let shared = bind(address).await?;
        Ok(Self {
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
