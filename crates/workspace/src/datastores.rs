//! The register of datastores: their definitions, and their credentials, which are kept sealed.

use std::sync::Arc;

use stepwell_data::folder::LOCAL_DATASTORES;
use stepwell_datastore::definition::Place;
use stepwell_datastore::vault::Vault;
use stepwell_datastore::{Credentials, Datastore};
use stepwell_store::{catalog, datastores as store};

use crate::core::Core;
use crate::{Error, Result, own_folder};

/// The setting that names the default datastore.
pub const DEFAULT_SETTING: &str = "workspace.default_datastore";

/// A datastore to register.
#[derive(Debug)]
pub struct NewDatastore {
    /// Its name: letters, digits, `-` and `_`.
    pub name: String,
    /// Where it is.
    pub place: Place,
    /// What opens it.
    pub credentials: Credentials,
    /// Whether another of that name is replaced; otherwise it is refused.
    pub overwrite: bool,
    /// Whether its container is made when it is not there.
    pub create_container: bool,
    /// Whether it is registered without being asked whether it can be used.
    pub skip_validation: bool,
}

/// What can be done with datastores; cheap to clone.
#[derive(Clone)]
pub struct Datastores {
    core: Arc<Core>,
    vault: Arc<Vault>,
}

impl Datastores {
    pub(crate) fn new(core: Arc<Core>, vault: Arc<Vault>) -> Self {
        Self { core, vault }
    }

    /// All datastores.
    #[must_use]
    pub fn list(&self) -> Vec<Arc<Datastore>> {
        self.core.datastores.all()
    }

    /// The name of the datastore that outputs go to unless they name another.
    #[must_use]
    pub fn default_name(&self) -> String {
        self.core.datastores.default_name()
    }

    /// The datastore of a name.
    ///
    /// # Errors
    /// When there is none.
    pub fn get(&self, name: &str) -> Result<Arc<Datastore>> {
        self.core.datastores.get(name).map_err(|error| {
            let known = self.core.datastores.names().join(", ");
            Error::not_found(error.to_string()).hint(format!("known datastores: {known}"))
        })
    }

    /// Registers a datastore. Its credentials are kept sealed.
    ///
    /// # Errors
    /// When its definition is none, the name is taken, or it cannot be used.
    pub async fn register(&self, new: NewDatastore) -> Result<Arc<Datastore>> {
        let NewDatastore {
            name,
            place,
            credentials,
            ..
        } = new;
        check_name(&name)?;
        if is_built_in(&name) {
            return Err(Error::conflict(format!(
                "datastore `{name}` is the workspace's own and stays as it is"
            )));
        }
        place
            .check(&name, &credentials)
            .map_err(|error| Error::invalid(error.to_string()))?;
        let folder = &self.core.folder;
        own_folder::refuse(folder.root(), &folder.datastores(), &name, &place)?;
        if let Ok(known) = self.core.datastores.get(&name) {
            if known.equals(&place, &credentials) {
                return Ok(known);
            }
            if !new.overwrite {
                return Err(Error::conflict(format!(
                    "there is another datastore `{name}` already"
                ))
                .hint("register it with `overwrite=True` to replace it"));
            }
        }
        let sealed = match credentials.is_empty() {
            true => None,
            false => Some(self.vault.seal(&name, &credentials)?),
        };
        let definition = serde_json::to_string(&place);
        let row = store::Datastore {
            name: name.clone(),
            definition_json: definition.map_err(|error| Error::internal(&error))?,
            sealed,
            created: self.core.now(),
        };
        let opened = Datastore::new(name.clone(), place, credentials);
        if new.create_container && opened.check().await.is_err() {
            opened.create_container().await?;
        }
        if !new.skip_validation {
            opened.check().await?;
        }
        let put = move |db: &_| store::put(db, &row);
        self.core.store.write_durable(put).await?;
        self.core.datastores.put(opened);
        self.get(&name)
    }

    /// Forgets a datastore; its files stay where they are.
    ///
    /// # Errors
    /// When there is none, or it is the workspace's own or its default.
    pub async fn unregister(&self, name: &str) -> Result<()> {
        self.get(name)?;
        if is_built_in(name) {
            return Err(Error::conflict(format!(
                "datastore `{name}` is the workspace's own and stays"
            )));
        }
        if self.default_name() == name {
            return Err(
                Error::conflict(format!("datastore `{name}` is the workspace's default"))
                    .hint("make another the default first: `ws.set_default_datastore(name)`"),
            );
        }
        let wanted = name.to_owned();
        let remove = move |db: &_| store::remove(db, &wanted);
        self.core.store.write_durable(remove).await?;
        self.core.datastores.remove(name);
        Ok(())
    }

    /// Sets which datastore outputs go to unless they name another.
    ///
    /// # Errors
    /// When there is none of that name.
    pub async fn set_default(&self, name: &str) -> Result<Arc<Datastore>> {
        let found = self.get(name)?;
        if found.place().is_database() {
            let message = format!("datastore `{name}` is a database, and outputs are files");
            return Err(Error::invalid(message).hint("make a store of files the default"));
        }
        let wanted = name.to_owned();
        let put = move |db: &_| catalog::put_setting(db, DEFAULT_SETTING, &wanted);
        self.core.store.write_durable(put).await?;
        self.core.datastores.set_default(name);
        Ok(found)
    }
}

/// Whether it is one of those that every workspace has.
fn is_built_in(name: &str) -> bool {
    LOCAL_DATASTORES.contains(&name)
}

fn check_name(name: &str) -> Result<()> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    match !name.is_empty() && name.len() <= 255 && name.chars().all(fits) {
        true => Ok(()),
        false => Err(Error::invalid(format!("`{name}` cannot name a datastore"))
            .hint("use letters, digits, `-` and `_`")),
    }
}
