//! From a listening socket to requests: connections, TLS, and clients that take their time.
//!
//! A connection that does not say what it wants, or does not finish its TLS handshake, is closed
//! after a while, so that it does not take the place of others for long. Each address has places of
//! its own: what happens outside does not keep this machine's own steps from their server.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use crate::access::Peer;
use crate::limits::Limits;
use crate::stalled::Unstalled;

/// How long open connections are given when the server stops. Long polls would hold the stop up;
/// their clients ask again.
const DRAIN: Duration = Duration::from_secs(1);

/// How long to wait when the system has no more sockets to give.
const PAUSE: Duration = Duration::from_millis(100);

/// How often it is logged that there are none.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// Where connections come in.
pub(crate) enum Door {
    /// At an address.
    Tcp(TcpListener),
    /// At a socket file of the data folder, which only its owner can reach.
    Unix(UnixListener),
}

impl Door {
    async fn accept(&self) -> std::io::Result<(Stream, IpAddr)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // Answers are small; waiting for more to send makes them late.
                drop(stream.set_nodelay(true));
                Ok((Box::new(stream), address.ip().to_canonical()))
            }
            Self::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                Ok((Box::new(stream), Ipv4Addr::LOCALHOST.into()))
            }
        }
    }
}

/// A connection of either kind.
type Stream = Box<dyn Duplex>;

pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Duplex for S {}

/// Takes connections until `stop` is set, then lets them end.
pub(crate) async fn accept(
    door: Door,
    tls: Option<TlsAcceptor>,
    router: Router,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let connections = Connections {
        tls,
        router,
        limits,
        stop: stop.clone(),
    };
    let connections = Arc::new(connections);
    let mut warned = None;
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (door.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            next = next => next,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        match (accepted, place) {
            (Ok((stream, address)), Ok(place)) => {
                let watcher = graceful.watcher();
                let connections = Arc::clone(&connections);
                tokio::spawn(async move {
                    connections.serve(stream, address, place, watcher).await;
                });
            }
            (Err(error), _) if of_the_client(error.kind()) => {}
            (Err(error), _) => {
                if warned.is_none_or(|at: Instant| at.elapsed() > WARN_EVERY) {
                    warned = Some(Instant::now());
                    tracing::warn!(%error, "no connection can be taken");
                }
                tokio::time::sleep(PAUSE).await;
            }
            (_, Err(_)) => break,
        }
    }
    drop(door);
    drop(tokio::time::timeout(DRAIN, graceful.shutdown()).await);
}

fn of_the_client(kind: ErrorKind) -> bool {
    use ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        kind,
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

type Watcher = hyper_util::server::graceful::Watcher;

struct Connections {
    tls: Option<TlsAcceptor>,
    router: Router,
    limits: Limits,
    stop: watch::Receiver<bool>,
}

impl Connections {
    async fn serve(
        &self,
        stream: Stream,
        address: IpAddr,
        _place: OwnedSemaphorePermit,
        watcher: Watcher,
    ) {
        let stream = Unstalled::new(stream, self.limits.write_grace, self.limits.body_rate);
        let Some(tls) = &self.tls else {
            let secure = false;
            return self.speak(stream, Peer { address, secure }, watcher).await;
        };
        let mut stop = self.stop.clone();
        let shake = tokio::time::timeout(self.limits.head, tls.accept(stream));
        let shaken = tokio::select! {
            shaken = shake => shaken,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        // Whoever does not speak TLS, or not in time, is no client.
        if let Ok(Ok(stream)) = shaken {
            let secure = true;
            self.speak(stream, Peer { address, secure }, watcher).await;
        }
    }

    async fn speak(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: Peer,
        watcher: Watcher,
    ) {
        let requests = Requests {
            router: TowerToHyperService::new(self.router.clone()),
            peer,
        };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head)
            .serve_connection(TokioIo::new(stream), requests);
        // What goes wrong between two machines is no fault of this one.
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%error, "a connection broke");
        }
    }
}

/// The router, for the requests of one connection.
struct Requests {
    router: TowerToHyperService<Router>,
    peer: Peer,
}

impl Service<Request<Incoming>> for Requests {
    type Response = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Response;
    type Error = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Error;
    type Future = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Future;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        self.router.call(request)
    }
}
