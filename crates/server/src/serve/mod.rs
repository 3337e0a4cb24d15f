//! A server from its lock to its clean stop.
//!
//! - [`config`]: its settings, and why it cannot serve;
//! - [`files`]: its folders, and the files that say where it is;
//! - [`own`]: whether the folder may be served at all;
//! - [`presence`]: that it can be found while it runs;
//! - [`sockets`]: where it listens;
//! - [`start`]: the application, put together;
//! - [`stop`]: when it ends.
//!
//! Steps are no children of the server in any sense that matters: it may stop, cleanly or not,
//! and they go on; the next server of the folder finds them.

mod config;
mod files;
mod own;
mod presence;
mod sockets;
mod start;
mod stop;

use std::sync::Arc;

use camino::Utf8Path;
use stepwell_api::Role;
use stepwell_data::folder::DataFolder;
use stepwell_data::home::{self, write_private};
use stepwell_store::{care, tokens};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

pub use self::config::{Endpoint, Mode, ServeConfig, ServeError};
pub use self::own::{Adopted, adopt};
use self::sockets::{Addresses, Sockets};
use crate::access::tokens::Tokens;
use crate::app::{App, now};
use crate::limits::Gate;
use crate::listen::Door;
use crate::lock::Lock;
use crate::{listen, routes, tls};

/// Serves until it is asked to stop, by a signal, a request, or by having nothing to do. `ready`
/// is called once requests are answered.
///
/// # Errors
/// When it cannot begin; a server that began stops without error.
pub async fn serve(config: ServeConfig, ready: impl FnOnce(&Endpoint)) -> Result<(), ServeError> {
    let folder = DataFolder::new(config.data_folder.clone());
    let unusable = |error: std::io::Error| ServeError::Folder {
        folder: config.data_folder.clone(),
        reason: error.to_string(),
    };
    let tls = config.tls.as_ref().map(tls::acceptor).transpose()?;
    files::make_root(&folder).map_err(unusable)?;
    if home::secure(folder.root()).map_err(unusable)? {
        tracing::warn!(folder = %folder.root(), "others could look into the folder; mended");
    }
    let mut lock = own::lock(&folder)?;
    let store = own::open(&folder, &mut lock, config.adopt).await?;
    files::make_folders(&folder).map_err(unusable)?;
    let issued = Tokens::new(store.read(tokens::list).await?);
    check_tokens(&config, &issued)?;
    let sockets = Sockets::open(&config, &folder).await?;
    let secret = files::token(&folder).map_err(unusable)?;
    let (url, shared_url) = sockets.urls().map_err(unusable)?;
    let keys = (secret.clone(), issued);
    let advertised = match &config.advertised {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => sockets.advertised().map_err(unusable)?,
    };
    let socket = sockets.path.clone();
    let addresses = Addresses {
        url: url.clone(),
        socket: socket.clone(),
        advertised,
    };
    let app = start::start(&config, folder.clone(), lock.root(), store, addresses, keys).await?;
    let endpoint = Endpoint {
        url,
        shared_url,
        socket: socket.clone(),
        token: secret,
        pid: std::process::id(),
        data_folder: config.data_folder.clone(),
    };
    let text = serde_json::to_string_pretty(&endpoint).unwrap_or_default();
    write_private(&folder.server_file(), text.as_bytes()).map_err(unusable)?;
    ready(&endpoint);
    run(&config, &app, sockets, tls, text).await;
    tidy(&folder, &socket, &lock, app);
    drop(lock);
    Ok(())
}

/// Ends the application and leaves the folder as one that nobody serves. What is at its path may be
/// another server's by now.
fn tidy(folder: &DataFolder, socket: &Utf8Path, lock: &Lock, app: Arc<App>) {
    // It is this folder's, wherever the folder is, for as long as the lock is held.
    drop(std::fs::remove_file(socket));
    if lock.root().is_in_place() {
        drop(std::fs::remove_file(folder.server_file()));
    }
    drop(app);
    // A copy of the file alone is then a copy of everything.
    if lock.root().is_in_place()
        && let Err(error) = care::checkpoint(&folder.database())
    {
        tracing::warn!(%error, "the write-ahead log could not be merged into the database");
    }
}

/// Other machines may ask only where somebody has decided who.
fn check_tokens(config: &ServeConfig, issued: &Tokens) -> Result<(), ServeError> {
    if config.host.is_loopback() {
        return Ok(());
    }
    let least = match config.mode {
        Mode::Shared => Role::Owner,
        Mode::Embedded => Role::Reader,
    };
    let good = issued.list(|token| token.fault(now()).is_none() && token.role >= least);
    if good.is_empty() {
        return Err(ServeError::NoToken {
            host: config.host,
            for_whom: match least {
                Role::Owner => "of an owner",
                _ => "of anybody",
            },
        });
    }
    if config.tls.is_none() {
        tracing::warn!(
            "without `--tls-cert` everybody on the way can read tokens and data: use https, or \
             put a proxy that speaks it in front"
        );
    }
    Ok(())
}

async fn run(
    config: &ServeConfig,
    app: &Arc<App>,
    sockets: Sockets,
    tls: Option<TlsAcceptor>,
    endpoint: String,
) {
    let (stop, stopped) = watch::channel(false);
    let gate = Gate::new(config.limits.clone());
    // Each door has a gate of its own: whoever crowds one keeps nobody from another.
    let accept = |door, tls| {
        let router = routes::router(Arc::clone(app), gate.another());
        let limits = config.limits.clone();
        tokio::spawn(listen::accept(door, tls, router, limits, stopped.clone()))
    };
    let mut doors = vec![
        accept(Door::Unix(sockets.file), None),
        accept(Door::Tcp(sockets.own), None),
    ];
    doors.extend(
        sockets
            .shared
            .map(|(listener, _)| accept(Door::Tcp(listener), tls)),
    );
    let reopened = std::cell::RefCell::new(Vec::new());
    let reopen = |listener| {
        reopened
            .borrow_mut()
            .push(accept(Door::Unix(listener), None));
    };
    let (condition, socket) = (app.condition.clone(), sockets.path);
    tokio::select! {
        () = stop::asked(config.idle_exit, Arc::clone(app)) => {}
        () = presence::keep(&app.folder, &socket, &app.root, &endpoint, condition, reopen) => {
            tracing::warn!(
                folder = %app.folder.root(),
                "the data folder was deleted or moved away; the server ends"
            );
        }
    }
    stop.send_replace(true);
    doors.append(&mut reopened.borrow_mut());
    for listening in doors {
        drop(listening.await);
    }
}
