//! A server from its lock to its clean stop.
//!
//! Steps are no children of the server in any sense that matters: it may stop, cleanly or not,
//! and they go on; the next server of the folder finds them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::sync::Arc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use stepwell_api::Role;
use stepwell_compute::Environments;
use stepwell_compute::local::{LocalConfig, LocalExecutor};
use stepwell_data::cas::Cas;
use stepwell_data::folder::{DataFolder, LOCAL_DATASTORES};
use stepwell_datastore::vault::Vault;
use stepwell_datastore::{Credentials, Datastore, Registry};
use stepwell_engine::driver::{Engine, EngineError, Site, Start, TokenOf};
use stepwell_store::{Store, catalog, datastores, tokens};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::{Mutex, Notify, watch};
use tokio_rustls::TlsAcceptor;
use uuid::Uuid;

use crate::access::Access;
use crate::access::tokens::Tokens;
use crate::app::{Activity, App, now};
use crate::limits::{Gate, Limits};
use crate::lock::{Lock, LockError};
use crate::published::Templates;
use crate::schedules::Schedules;
use crate::tls::{TlsError, TlsFiles};
use crate::{listen, routes, tls};

/// How long a step may take to stop when asked.
const GRACE: Duration = Duration::from_secs(10);

/// The port for other machines, unless told otherwise.
const SHARED_PORT: u16 = 8471;

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
            Self::Folder { .. } => {
                "choose another folder with `--data`, or mend its permissions or free space"
            }
            Self::Store(error) if error.is_storage() => "free some space, or mend the permissions",
            Self::Store(_) | Self::Engine(_) => "`stepwell doctor` says more",
            Self::Tls(_) => {
                "`--tls-cert` and `--tls-key` name the PEM files of the certificate and its key"
            }
            Self::NoToken { .. } => {
                "make one first: `stepwell token create NAME --role owner`, then `stepwell stop`"
            }
            Self::Bind { .. } => "choose another with `--port`, or leave it out for a free one",
        }
    }
}

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
    make_folders(&folder).map_err(unusable)?;
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
    let secret = token(&folder).map_err(unusable)?;
    let (url, shared_url) = sockets.urls().map_err(unusable)?;
    let keys = (secret.clone(), issued);
    let app = start(&config, folder.clone(), store, url.clone(), keys).await?;
    let endpoint = Endpoint {
        url,
        shared_url,
        token: secret,
        pid: std::process::id(),
        data_folder: config.data_folder.clone(),
    };
    let text = serde_json::to_string_pretty(&endpoint).unwrap_or_default();
    write_private(&folder.server_file(), &text).map_err(unusable)?;
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

/// Where the server listens.
struct Sockets {
    /// On this machine's own address, without TLS: for steps and commands here.
    own: TcpListener,
    /// Where the user said, when that is something else; and whether TLS is spoken there.
    shared: Option<(TcpListener, bool)>,
}

impl Sockets {
    async fn open(config: &ServeConfig, folder: &DataFolder) -> Result<Self, ServeError> {
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

    fn urls(&self) -> std::io::Result<(String, Option<String>)> {
        let own = format!("http://{}", self.own.local_addr()?);
        let shared = self.shared.as_ref().map(|(listener, secure)| {
            let scheme = if *secure { "https" } else { "http" };
            Ok::<_, std::io::Error>(format!("{scheme}://{}", listener.local_addr()?))
        });
        Ok((own, shared.transpose()?))
    }
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
    stop_asked(config.idle_exit, Arc::clone(app)).await;
    stop.send_replace(true);
    for listening in [Some(own), shared].into_iter().flatten() {
        drop(listening.await);
    }
}

/// Ends when the server should.
async fn stop_asked(idle_exit: Option<Duration>, app: Arc<App>) {
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        return app.stop.notified().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = app.stop.notified() => {}
        () = idle(idle_exit, &app) => tracing::info!("nothing to do; stopping"),
    }
}

/// Ends when there has been neither request nor run for long enough.
async fn idle(limit: Option<Duration>, app: &App) {
    let Some(limit) = limit else {
        return std::future::pending().await;
    };
    let limit_ms = i64::try_from(limit.as_millis()).unwrap_or(i64::MAX);
    let active = app.engine.active_runs();
    app.activity.touch();
    loop {
        tokio::time::sleep(limit.min(Duration::from_secs(5))).await;
        // A schedule that is enabled needs a server at its times.
        if *active.borrow() > 0 || app.schedules.enabled() > 0 {
            app.activity.touch();
        }
        let idle = app
            .activity
            .idle_since()
            .map(|since| now().as_millis() - since.as_millis());
        if idle.is_some_and(|idle| idle >= limit_ms) {
            return;
        }
    }
}

async fn start(
    config: &ServeConfig,
    folder: DataFolder,
    store: Store,
    url: String,
    (secret, issued): (String, Tokens),
) -> Result<Arc<App>, ServeError> {
    let cas = Cas::open(&folder.objects()).map_err(|error| ServeError::Folder {
        folder: config.data_folder.clone(),
        reason: error.to_string(),
    })?;
    // A server before this one may have been killed while it made room.
    cas.recover().map_err(|error| ServeError::Folder {
        folder: config.data_folder.clone(),
        reason: error.to_string(),
    })?;
    let (name, fresh) = (config.workspace_name.clone(), Uuid::new_v4().to_string());
    let settings = store.write(move |db| {
        Ok((
            catalog::setting(db, "workspace.name", &name)?,
            catalog::setting(db, "workspace.id", &fresh)?,
        ))
    });
    let (workspace, workspace_id) = settings.await?;
    let vault = Vault::open(&folder.datastores_key()).map_err(|error| ServeError::Folder {
        folder: config.data_folder.clone(),
        reason: error.to_string(),
    })?;
    let datastores = Arc::new(known_datastores(config, &folder, &store, &vault).await?);
    let access = Access::new(secret, &workspace_id, issued);
    let passes = access.passes.clone();
    let site = Site {
        folder: folder.clone(),
        datastores: Arc::clone(&datastores),
        url,
        token: TokenOf::new(move |run| passes.step(run)),
        workspace,
        workspace_id: workspace_id.clone(),
        subscription_id: Uuid::nil().to_string(),
        resource_group: "stepwell".to_owned(),
        program: config.program.clone(),
    };
    let (reporter, reports) = unbounded_channel();
    let local = LocalConfig {
        objects: folder.objects(),
        supervisor_program: config.supervisor.clone(),
        grace: GRACE,
    };
    let environments = Arc::new(Environments::new(folder.environments(), None));
    let executor = Arc::new(LocalExecutor::new(local, environments, reporter));
    let slots = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let slots = u32::try_from(slots).unwrap_or(u32::MAX);
    let begin = Start {
        store: store.clone(),
        executor,
        reports,
        site: site.clone(),
        default_slots: slots,
    };
    let engine = Engine::start(begin).await?;
    // Schedules start runs through the application they are part of.
    Ok(Arc::new_cyclic(|app| App {
        schedules: Schedules::of(app, &engine, &store, &datastores),
        engine,
        store,
        cas,
        folder,
        datastores,
        vault,
        site,
        access,
        workspace_id: workspace_id.parse().unwrap_or_default(),
        mode: config.mode,
        slots,
        started: now(),
        activity: Activity::default(),
        templates: Templates::default(),
        collecting: Mutex::new(()),
        stop: Notify::new(),
    }))
}

/// The datastores of the workspace: its own two, and those that were registered.
async fn known_datastores(
    config: &ServeConfig,
    folder: &DataFolder,
    store: &Store,
    vault: &Vault,
) -> Result<Registry, ServeError> {
    let default = LOCAL_DATASTORES[0].to_owned();
    let read = store.write(move |db| {
        let default = catalog::setting(db, routes::datastores::DEFAULT, &default)?;
        Ok((datastores::list(db)?, default))
    });
    let (rows, default) = read.await?;
    let unusable = |error: stepwell_datastore::Error| ServeError::Folder {
        folder: config.data_folder.clone(),
        reason: error.to_string(),
    };
    // What a killed server left on its way.
    if folder.transfer().exists() {
        let emptied = fs_err::remove_dir_all(folder.transfer());
        emptied.map_err(|error| unusable(error.into()))?;
    }
    let known = Registry::open(folder, config.cache_bytes_max).map_err(unusable)?;
    for row in rows {
        let Ok(place) = serde_json::from_str(&row.definition_json) else {
            tracing::error!(
                name = row.name,
                "the definition of a datastore cannot be read"
            );
            continue;
        };
        let opened = match row.sealed {
            Some(sealed) => vault.unseal(&row.name, &sealed),
            None => Ok(Credentials::new()),
        };
        known.put(match opened {
            Ok(credentials) => Datastore::new(row.name, place, credentials),
            Err(error) => {
                tracing::error!(%error, "a datastore cannot be used");
                Datastore::shut(row.name, place, error)
            }
        });
    }
    known.set_default(&default);
    Ok(known)
}

fn make_folders(folder: &DataFolder) -> std::io::Result<()> {
    let root = folder.root();
    let new = !root.exists();
    fs_err::create_dir_all(root)?;
    if new {
        fs_err::set_permissions(root, std::fs::Permissions::from_mode(0o700))?;
    }
    let ignore = root.join(".gitignore");
    if !ignore.exists() {
        fs_err::write(ignore, "*\n")?;
    }
    for datastore in LOCAL_DATASTORES {
        fs_err::create_dir_all(folder.datastore(datastore))?;
    }
    fs_err::create_dir_all(root.join("runs"))?;
    fs_err::create_dir_all(folder.environments())
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

/// The token of the folder. It stays the same from server to server, as steps hold it.
fn token(folder: &DataFolder) -> std::io::Result<String> {
    let path = folder.token();
    if let Ok(token) = fs_err::read_to_string(&path)
        && token.trim().len() >= 32
    {
        return Ok(token.trim().to_owned());
    }
    let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    write_private(&path, &token)?;
    Ok(token)
}

/// Writes a file that only its owner may read, whole or not at all.
fn write_private(path: &Utf8Path, text: &str) -> std::io::Result<()> {
    let aside = path.with_extension("new");
    // One that a killed server left may have other permissions.
    drop(std::fs::remove_file(&aside));
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&aside)?;
    std::io::Write::write_all(&mut file, text.as_bytes())?;
    fs_err::rename(aside, path)
}
