//! Registered environments; a version is never changed.

use std::sync::Arc;

use stepwell_store::catalog::{self as store, Environment};

use crate::core::Core;
use crate::page::{NamedPage, NamedPart, one_more};
use crate::{Error, Result};

/// What can be done with environments; cheap to clone.
#[derive(Clone)]
pub struct Environments(Arc<Core>);

impl Environments {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self(core)
    }

    /// The newest version of every environment, sorted by name.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list(&self, part: NamedPart) -> Result<NamedPage<Environment>> {
        let wanted = one_more(&part);
        let read = move |db: &_| store::list_environments(db, &wanted);
        let rows = self.0.store.read(read).await?;
        Ok(NamedPage::cut(rows, &part, |row| &row.name))
    }

    /// A version of an environment, or the newest.
    ///
    /// # Errors
    /// When there is none.
    pub async fn get(&self, name: &str, version: Option<u64>) -> Result<Environment> {
        let wanted = name.to_owned();
        let read = move |db: &_| store::find_environment(db, &wanted, version);
        let found = self.0.store.read(read).await?;
        found.ok_or_else(|| {
            Error::not_found(match version {
                Some(version) => format!("there is no environment `{name}` version {version}"),
                None => format!("there is no environment `{name}`"),
            })
        })
    }

    /// Registers an environment, its definition as JSON; an equal one gives the version there is.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn register(&self, name: String, definition_json: String) -> Result<Environment> {
        let now = self.0.now();
        let register = move |db: &_| store::register_environment(db, &name, &definition_json, now);
        Ok(self.0.store.write_durable(register).await?)
    }
}
