//! A server from its lock to its clean stop.
//!
//! - [`config`]: what it is told, and why it cannot serve;
//! - [`files`]: its folders, and the files that say where it is;
//! - [`sockets`]: where it listens;
//! - [`start`]: the application, put together;
//! - [`stop`]: when it ends.
//!
//! Steps are no children of the server in any sense that matters: it may stop, cleanly or not,
//! and they go on; the next server of the folder finds them.

mod config;
mod files;
mod sockets;
mod start;
mod stop;

use std::sync::Arc;

use stepwell_api::Role;
use stepwell_data::folder::DataFolder;
use stepwell_store::{Store, tokens};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

pub use self::config::{Endpoint, Mode, ServeConfig, ServeError};
use self::sockets::Sockets;
use crate::access::tokens::Tokens;
use crate::app::{App, now};
use crate::limits::Gate;
use crate::lock::{Lock, LockError};
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
    files::make_folders(&folder).map_err(unusable)?;
    let _lock = Lock::take(&folder.lock()).map_err(|error| match error {
        LockError::Held { pid } => ServeError::Locked {
            folder: config.data_folder.clone(),
            pid,
        },
        LockError::Io(error) => unusable(error),
    })?;
    let store = Store::open(&folder.database())?;
    let issued = Tokens::new(store.read(tokens::list).await?);
    check_tokens(&config, &issued)?;
    let sockets = Sockets::open(&config, &folder).await?;
    let secret = files::token(&folder).map_err(unusable)?;
    let (url, shared_url) = sockets.urls().map_err(unusable)?;
    let keys = (secret.clone(), issued);
    let app = start::start(&config, folder.clone(), store, url.clone(), keys).await?;
    let endpoint = Endpoint {
        url,
        shared_url,
        token: secret,
        pid: std::process::id(),
        data_folder: config.data_folder.clone(),
    };
    let text = serde_json::to_string_pretty(&endpoint).unwrap_or_default();
    files::write_private(&folder.server_file(), &text).map_err(unusable)?;
    ready(&endpoint);
    run(&config, &app, sockets, tls).await;
    // The next server writes its own; a stale one is recognised by its dead process.
    drop(std::fs::remove_file(folder.server_file()));
    Ok(())
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

async fn run(config: &ServeConfig, app: &Arc<App>, sockets: Sockets, tls: Option<TlsAcceptor>) {
    let (stop, stopped) = watch::channel(false);
    let router = routes::router(Arc::clone(app), Gate::new(config.limits.clone()));
    let accept = |listener, tls| {
        let (router, limits) = (router.clone(), config.limits.clone());
        tokio::spawn(listen::accept(
            listener,
            tls,
            router,
            limits,
            stopped.clone(),
        ))
    };
    let own = accept(sockets.own, None);
    let shared = sockets.shared.map(|(listener, _)| accept(listener, tls));
    stop::asked(config.idle_exit, Arc::clone(app)).await;
    stop.send_replace(true);
    for listening in [Some(own), shared].into_iter().flatten() {
        drop(listening.await);
    }
}
