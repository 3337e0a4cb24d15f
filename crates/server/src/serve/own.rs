//! Whether a folder may be served: whose it is, where it was made, and what its owner said.
//!
//! A folder that was unpacked or planted is not served at all until it is adopted. One that its owner
//! moved or copied is, unless something in it would go on, which its owner has to say is meant.

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_compute::local::lose_begun;
use stepwell_data::folder::DataFolder;
use stepwell_data::home::{self, Bond, OwnerKey};
use stepwell_store::{Store, catalog, runs, schedules, tokens};

use super::start::{WORKSPACE_ID, WORKSPACE_NAME};
use super::{ServeError, files};
use crate::app::now;
use crate::lock::{Lock, LockError};

/// What became of a folder that was adopted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Adopted {
    /// It belonged here already: nothing was changed.
    pub was_ours: bool,
    /// How many runs are not over and go on with the next server.
    pub open_runs: u64,
    /// How many schedules are enabled.
    pub schedules: usize,
    /// How many tokens were revoked, because a stranger may know them.
    pub revoked_tokens: usize,
    /// How many steps count as lost, because their processes are not this folder's.
    pub lost_steps: usize,
}

/// Takes over a folder that no server serves: it belongs to this user, place and machine from now on.
///
/// # Errors
/// It is served, belongs to another user, or cannot be used.
pub async fn adopt(data_folder: &Utf8Path) -> Result<Adopted, ServeError> {
    let folder = DataFolder::new(data_folder);
    let unusable = |error: std::io::Error| unusable(&folder, &error);
    home::secure(folder.root()).map_err(unusable)?;
    let mut lock = lock(&folder)?;
    let key = owner_key();
    let bond = home::bond(&folder, &key).map_err(unusable)?;
    take_over(&folder, &mut lock, &bond, &key).await
}

/// Takes the folder's lock.
pub(super) fn lock(folder: &DataFolder) -> Result<Lock, ServeError> {
    Lock::take(folder).map_err(|error| match error {
        LockError::Held { pid } => ServeError::Locked {
            folder: folder.root().to_owned(),
            pid,
        },
        LockError::Shared => ServeError::HardLinks {
            folder: folder.root().to_owned(),
        },
        LockError::Io(error) => unusable(folder, &error),
    })
}

/// Opens the database of a folder that may be served, and binds the folder to where it is.
pub(super) async fn open(
    folder: &DataFolder,
    lock: &mut Lock,
    adopt: bool,
) -> Result<Store, ServeError> {
    let unusable = |error: std::io::Error| unusable(folder, &error);
    let key = owner_key();
    let bond = home::bond(folder, &key).map_err(unusable)?;
    match &bond {
        Bond::New => {
            begin_anew(folder).map_err(unusable)?;
            home::bind(folder, &key).map_err(unusable)?;
        }
        Bond::Here => {}
        _ if adopt => {
            take_over(folder, lock, &bond, &key).await?;
        }
        Bond::Moved { from } | Bond::Copied { from } => {
            let is_copy = matches!(bond, Bond::Copied { .. });
            refuse_pending(folder, lock, from, is_copy).await?;
            tracing::info!(%from, is_copy, "the data folder was made elsewhere");
            if is_copy {
                take_over(folder, lock, &bond, &key).await?;
            } else {
                home::bind(folder, &key).map_err(unusable)?;
            }
        }
        Bond::Foreign => {
            return Err(ServeError::NotAdopted {
                folder: folder.root().to_owned(),
            });
        }
    }
    open_store(folder)
}

/// Refuses a folder made elsewhere in which something would go on.
async fn refuse_pending(
    folder: &DataFolder,
    lock: &mut Lock,
    from: &Utf8Path,
    is_copy: bool,
) -> Result<(), ServeError> {
    lock.unshare(folder)
        .map_err(|error| unusable(folder, &error))?;
    let (open_runs, schedules) = pending(&open_store(folder)?).await?;
    match open_runs + schedules as u64 {
        0 => Ok(()),
        _ => Err(ServeError::Pending {
            folder: folder.root().to_owned(),
            from: from.to_owned(),
            is_copy,
            open_runs,
            schedules,
        }),
    }
}

/// Removes what a server would believe although no database of it is there: a stranger may have put
/// it into the folder, and without a database it is of no use to anybody.
fn begin_anew(folder: &DataFolder) -> std::io::Result<()> {
    let [environments, sdk, cache] = [folder.environments(), folder.sdk(), folder.cache()];
    for place in [
        folder.token(),
        folder.datastores_key(),
        environments,
        sdk,
        cache,
    ] {
        let removed = match place.symlink_metadata() {
            Ok(there) if there.is_dir() => std::fs::remove_dir_all(&place),
            Ok(_) => std::fs::remove_file(&place),
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// A database that is missing where there have been runs is not made anew: it was deleted.
fn open_store(folder: &DataFolder) -> Result<Store, ServeError> {
    let database = folder.database();
    let had_runs = || {
        let runs = std::fs::read_dir(folder.root().join("runs"));
        runs.is_ok_and(|mut runs| runs.next().is_some())
    };
    if !database.exists() && had_runs() {
        return Err(ServeError::NoDatabase { database });
    }
    Ok(Store::open(&database)?)
}

async fn take_over(
    folder: &DataFolder,
    lock: &mut Lock,
    bond: &Bond,
    key: &OwnerKey,
) -> Result<Adopted, ServeError> {
    let unusable = |error: std::io::Error| unusable(folder, &error);
    if matches!(bond, Bond::New | Bond::Here) {
        home::bind(folder, key).map_err(unusable)?;
        let was_ours = true;
        return Ok(Adopted {
            was_ours,
            ..Adopted::default()
        });
    }
    lock.unshare(folder).map_err(unusable)?;
    let store = open_store(folder)?;
    // Nobody who knew a token of the folder it was may speak to the one it becomes.
    files::replace_token(folder).map_err(unusable)?;
    let revoked_tokens = match bond {
        Bond::Foreign => store.write_durable(revoke_all).await?,
        _ => 0,
    };
    if matches!(bond, Bond::Copied { .. }) {
        store.write_durable(forget_identity).await?;
    }
    let lost_steps = lose_begun(&folder.root().join("runs")).map_err(unusable)?;
    let (open_runs, schedules) = pending(&store).await?;
    home::bind(folder, key).map_err(unusable)?;
    Ok(Adopted {
        was_ours: false,
        open_runs,
        schedules,
        revoked_tokens,
        lost_steps,
    })
}

/// How many runs are not over, and how many schedules would start others.
async fn pending(store: &Store) -> Result<(u64, usize), ServeError> {
    let read = store.read(|db| {
        let enabled = schedules::Filter {
            enabled_only: true,
            ..schedules::Filter::default()
        };
        let schedules = schedules::list(db, enabled, usize::from(u16::MAX))?.len();
        Ok((runs::count_open(db)?, schedules))
    });
    Ok(read.await?)
}

fn revoke_all(db: &stepwell_store::Connection) -> stepwell_store::Result<usize> {
    let good = tokens::list(db)?
        .into_iter()
        .filter(|token| token.revoked.is_none());
    let mut revoked = 0;
    for token in good {
        tokens::revoke(db, token.id, now())?;
        revoked += 1;
    }
    Ok(revoked)
}

/// What becomes of a copy is another workspace than the original, called as its own folder says.
fn forget_identity(db: &stepwell_store::Connection) -> stepwell_store::Result<()> {
    catalog::remove_setting(db, WORKSPACE_NAME)?;
    catalog::remove_setting(db, WORKSPACE_ID)
}

/// The key of this user, in `$XDG_STATE_HOME/stepwell` or `~/.local/state/stepwell`.
fn owner_key() -> OwnerKey {
    let state = std::env::var("XDG_STATE_HOME").ok().map(Utf8PathBuf::from);
    let state = state.filter(|state| state.is_absolute());
    let user = || {
        let home = std::env::home_dir()?;
        Some(Utf8PathBuf::from_path_buf(home).ok()?.join(".local/state"))
    };
    let key = state
        .or_else(user)
        .map(|state| OwnerKey::open(&state.join("stepwell/owner.key")));
    match key {
        Some(Ok(key)) => key,
        other => {
            let error = other.map(|error| format!("{error:?}")).unwrap_or_default();
            tracing::warn!(
                error,
                "there is no place for the key that marks folders as one's own"
            );
            OwnerKey::none()
        }
    }
}

fn unusable(folder: &DataFolder, error: &std::io::Error) -> ServeError {
    ServeError::Folder {
        folder: folder.root().to_owned(),
        reason: error.to_string(),
    }
}
