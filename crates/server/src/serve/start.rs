//! The application, put together: the engine and its executor, the datastores, who may ask.

use std::sync::Arc;
use std::time::Duration;

use stepwell_compute::Environments;
use stepwell_compute::local::{LocalConfig, LocalExecutor};
use stepwell_data::cas::Cas;
use stepwell_data::folder::{DataFolder, LOCAL_DATASTORES};
use stepwell_datastore::vault::Vault;
use stepwell_datastore::{Credentials, Datastore, Registry};
use stepwell_engine::driver::{Engine, Site, Start, TokenOf};
use stepwell_store::{Store, catalog, datastores};
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::{Mutex, Notify};
use uuid::Uuid;

use super::{ServeConfig, ServeError};
use crate::access::Access;
use crate::access::tokens::Tokens;
use crate::app::{Activity, App, now};
use crate::published::Templates;
use crate::routes;
use crate::schedules::Schedules;

/// How long a step may take to stop when asked.
const GRACE: Duration = Duration::from_secs(10);

/// Puts it together and lets it begin.
pub(super) async fn start(
    config: &ServeConfig,
    folder: DataFolder,
    store: Store,
    url: String,
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
    let slots = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let slots = u32::try_from(slots).unwrap_or(u32::MAX);
    let engine = engine(config, &store, &site, slots).await?;
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
            catalog::setting(db, "workspace.name", &name)?,
            catalog::setting(db, "workspace.id", &fresh)?,
        ))
    });
    Ok(settings.await?)
}

async fn engine(
    config: &ServeConfig,
    store: &Store,
    site: &Site,
    slots: u32,
) -> Result<Engine, ServeError> {
    let folder = &site.folder;
    let (reporter, reports) = unbounded_channel();
    let local = LocalConfig {
        objects: folder.objects(),
        supervisor_program: config.supervisor.clone(),
        grace: GRACE,
    };
    let environments = Arc::new(Environments::new(folder.environments(), None));
    let begin = Start {
        store: store.clone(),
        executor: Arc::new(LocalExecutor::new(local, environments, reporter)),
        reports,
        site: site.clone(),
        default_slots: slots,
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
        let default = catalog::setting(db, routes::datastores::DEFAULT, &default)?;
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
