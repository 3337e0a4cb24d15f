//! The application, put together: the engine and its executor, the datastores, who may ask.

use std::sync::Arc;
use std::time::Duration;

use stepwell_compute::local::{LocalConfig, LocalExecutor};
use stepwell_compute::{ClusterConfig, Environments, Executors, Stager, ray, slurm};
use stepwell_data::cas::Cas;
use stepwell_data::folder::{DataFolder, LOCAL_DATASTORES};
use stepwell_datastore::vault::Vault;
use stepwell_datastore::{Credentials, Datastore, Registry};
use stepwell_engine::driver::{Engine, Start, StepContext, TokenOf};
use stepwell_model::ExecutorKind;
use stepwell_store::{Store, catalog, datastores};
use stepwell_workspace::clock::SystemClock;
use stepwell_workspace::{DEFAULT_SETTING, Setup, Workspace};
use tokio::sync::Notify;
use tokio::sync::mpsc::unbounded_channel;
use uuid::Uuid;

use super::sockets::Addresses;
use super::{Mode, ServeConfig, ServeError};
use crate::access::Access;
use crate::access::tokens::Tokens;
use crate::app::{Activity, App, Condition, now};
use crate::lock::Root;

/// The settings that hold what the workspace is called, and its id.
pub(super) const WORKSPACE_NAME: &str = "workspace.name";
pub(super) const WORKSPACE_ID: &str = "workspace.id";

/// How long a step may take to stop when asked.
const GRACE: Duration = Duration::from_secs(10);

/// How often the queue of a cluster is looked at.
const QUEUE_EVERY: Duration = Duration::from_secs(1);

/// How long a file of another machine may take to be seen on this one: network file systems keep
/// for a while what they have seen.
const FILE_DELAY: Duration = Duration::from_secs(15);

/// Puts it together and lets it begin.
pub(super) async fn start(
    config: &ServeConfig,
    folder: DataFolder,
    root: &Root,
    store: Store,
    addresses: Addresses,
    (secret, issued): (String, Tokens),
) -> Result<Arc<App>, ServeError> {
    let cas = Cas::open(&folder.objects()).map_err(|error| unusable(config, &error))?;
    // A server before this one may have been killed while it made room.
    cas.recover().map_err(|error| unusable(config, &error))?;
    let (workspace, workspace_id) = identity(config, &store).await?;
    let vault = Vault::open(&folder.datastores_key()).map_err(|error| unusable(config, &error))?;
    let datastores = Arc::new(known_datastores(config, &folder, &store, &vault).await?);
    let access = Access::new(secret, &workspace_id, issued);
    let passes = access.passes.clone();
    let site = StepContext {
        folder: folder.clone(),
        datastores: Arc::clone(&datastores),
        url: addresses.url.clone(),
        token: TokenOf::new(move |run| passes.step(run)),
        workspace,
        workspace_id: workspace_id.clone(),
        subscription_id: Uuid::nil().to_string(),
        resource_group: "stepwell".to_owned(),
    };
    let slots = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let slots = u32::try_from(slots).unwrap_or(u32::MAX);
    let engine = engine(config, &store, &site, addresses, slots).await?;
    let workspace = Workspace::open(Setup {
        store: store.clone(),
        engine: engine.clone(),
        cas: cas.clone(),
        folder: folder.clone(),
        datastores: Arc::clone(&datastores),
        site: site.clone(),
        vault,
        clock: Arc::new(SystemClock),
        any_target: config.mode == Mode::Embedded,
    });
    Ok(Arc::new(App {
        workspace,
        engine,
        store,
        cas,
        folder,
        root: root.clone(),
        datastores,
        site,
        access,
        workspace_id: workspace_id.parse().unwrap_or_default(),
        mode: config.mode,
        slots,
        started: now(),
        activity: Activity::default(),
        condition: Condition::default(),
        stop: Notify::new(),
    }))
}

fn unusable(config: &ServeConfig, error: &dyn std::error::Error) -> ServeError {
    ServeError::Folder {
        folder: config.data_folder.clone(),
        reason: error.to_string(),
    }
}

/// The name and the id of the workspace, which stay what they were when the folder was new.
async fn identity(config: &ServeConfig, store: &Store) -> Result<(String, String), ServeError> {
    let (name, fresh) = (config.workspace_name.clone(), Uuid::new_v4().to_string());
    let settings = store.write(move |db| {
        Ok((
            catalog::setting(db, WORKSPACE_NAME, &name)?,
            catalog::setting(db, WORKSPACE_ID, &fresh)?,
        ))
    });
    Ok(settings.await?)
}

async fn engine(
    config: &ServeConfig,
    store: &Store,
    site: &StepContext,
    addresses: Addresses,
    slots: u32,
) -> Result<Engine, ServeError> {
    let (reporter, reports) = unbounded_channel();
    let environments = Arc::new(Environments::new(site.folder.environments(), None));
    let stager = |url: String, socket| {
        Arc::new(Stager {
            folder: site.folder.clone(),
            datastores: Arc::clone(&site.datastores),
            environments: environments.clone(),
            url,
            socket,
            program: config.program.clone(),
        })
    };
    let local = LocalConfig {
        supervisor_program: config.supervisor.clone(),
        grace: GRACE,
    };
    let local = LocalExecutor::new(
        local,
        stager(addresses.url, Some(addresses.socket)),
        reporter.clone(),
    );
    let clusters = ClusterConfig {
        supervisor_program: config.supervisor.clone(),
        grace: GRACE,
        every: QUEUE_EVERY,
        file_delay: FILE_DELAY,
    };
    let far = stager(addresses.advertised, None);
    let slurm = slurm::executor(clusters.clone(), Arc::clone(&far), reporter.clone());
    let ray = ray::executor(clusters, far, reporter.clone());
    let begin = Start {
        store: store.clone(),
        executors: Executors::new(reporter)
            .with(ExecutorKind::Local, Arc::new(local))
            .with(ExecutorKind::Slurm, Arc::new(slurm))
            .with(ExecutorKind::Ray, Arc::new(ray)),
        reports,
        site: site.clone(),
        cores: slots,
    };
    Ok(Engine::start(begin).await?)
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
        let default = catalog::setting(db, DEFAULT_SETTING, &default)?;
        Ok((datastores::list(db)?, default))
    });
    let (rows, default) = read.await?;
    let unusable = |error: stepwell_datastore::Error| unusable(config, &error);
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
