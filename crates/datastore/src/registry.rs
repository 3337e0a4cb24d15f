//! The datastores of a workspace by name, and which of them is the default.
//!
//! It is what the server's rows say, kept in memory: whoever changes the rows changes it too.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use camino::Utf8PathBuf;
use stepwell_data::folder::{DataFolder, LOCAL_DATASTORES};

use crate::cache::Cache;
use crate::definition::Place;
use crate::{Credentials, Datastore, Error, Result};

/// The datastores of a workspace.
#[derive(Debug)]
pub struct Registry {
    known: RwLock<Known>,
    cache: Cache,
}

#[derive(Debug)]
struct Known {
    datastores: BTreeMap<String, Arc<Datastore>>,
    default: String,
}

impl Registry {
    /// The two that every workspace has, the first of which is the default, and what is cached in
    /// its folder.
    ///
    /// # Errors
    /// When the cache cannot be opened.
    pub fn open(folder: &DataFolder, cache_bytes_max: u64) -> Result<Self> {
        let own = |name| {
            let root = folder.datastore(name);
            let own = Datastore::new(name, Place::Local { root }, Credentials::new());
            (name.to_owned(), Arc::new(own))
        };
        Ok(Self {
            known: RwLock::new(Known {
                datastores: LOCAL_DATASTORES.into_iter().map(own).collect(),
                default: LOCAL_DATASTORES[0].to_owned(),
            }),
            cache: Cache::open(&folder.cache(), cache_bytes_max)?,
        })
    }

    /// What was fetched.
    #[must_use]
    pub const fn cache(&self) -> &Cache {
        &self.cache
    }

    /// A datastore.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn get(&self, name: &str) -> Result<Arc<Datastore>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let found = known.datastores.get(name).cloned();
        found.ok_or_else(|| Error::Unknown(name.to_owned()))
    }

    /// All datastores, sorted by name.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Datastore>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.datastores.values().cloned().collect()
    }

    /// The names, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let all = self.all();
        all.iter().map(|each| each.name().to_owned()).collect()
    }

    /// The datastore that outputs go to unless they name another.
    #[must_use]
    pub fn default_name(&self) -> String {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.default.clone()
    }

    /// Where a path of a local datastore is on this machine; nothing for one that is elsewhere.
    #[must_use]
    pub fn local(&self, datastore: &str, path: &str) -> Option<Utf8PathBuf> {
        let found = self.get(datastore).ok()?;
        found.root().map(|root| root.join(path.trim_matches('/')))
    }

    /// Adds or replaces a datastore.
    pub fn put(&self, datastore: Datastore) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let name = datastore.name().to_owned();
        known.datastores.insert(name, Arc::new(datastore));
    }

    /// Forgets a datastore; its files stay.
    pub fn remove(&self, name: &str) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.datastores.remove(name);
    }

    /// Makes a datastore the default.
    pub fn set_default(&self, name: &str) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        name.clone_into(&mut known.default);
    }
}
