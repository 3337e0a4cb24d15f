//! One end of a copy: a path on a datastore, or a plain path of this machine.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_datastore::definition::Place;
use stepwell_datastore::{Credentials, Datastore};

/// Where files are read from or written to.
#[derive(Debug, Clone)]
pub struct End {
    store: Arc<Datastore>,
    /// Below the root of the store, without slashes at its ends; empty for the root itself.
    path: String,
    /// Whether a person named a path of this machine rather than a datastore.
    is_plain: bool,
}

impl End {
    /// A path on a datastore.
    #[must_use]
    pub fn on(store: Arc<Datastore>, path: &str) -> Self {
        Self {
            store,
            path: path.trim_matches('/').to_owned(),
            is_plain: false,
        }
    }

    /// An absolute path of this machine.
    #[must_use]
    pub fn plain(path: &Utf8Path) -> Self {
        let root = Place::Local { root: "/".into() };
        Self {
            store: Arc::new(Datastore::new("this machine", root, Credentials::new())),
            path: path.as_str().trim_matches('/').to_owned(),
            is_plain: true,
        }
    }

    /// The store.
    #[must_use]
    pub const fn store(&self) -> &Arc<Datastore> {
        &self.store
    }

    /// Whether a person named a path of this machine rather than a datastore.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// The path below the root of the store.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The path of something below this end; the end's own path for an empty name.
    #[must_use]
    pub fn join(&self, name: &str) -> String {
        match (self.path.as_str(), name) {
            ("", name) => name.to_owned(),
            (path, "") => path.to_owned(),
            (path, name) => format!("{path}/{name}"),
        }
    }

    /// Where a path of this store is on this machine; nothing for one that is elsewhere.
    #[must_use]
    pub fn local(&self, path: &str) -> Option<Utf8PathBuf> {
        let root = self.store.root()?;
        // Joining nothing would add a slash, which no file has.
        Some(match path {
            "" => root.clone(),
            path => root.join(path),
        })
    }

    /// Whether links on the way to a file are refused: a datastore must not lead out of its root.
    #[must_use]
    pub const fn refuses_links(&self) -> bool {
        !self.is_plain
    }

    /// Whether both are one store, so that a file can be copied without its bytes coming here.
    #[must_use]
    pub fn is_same_store(&self, other: &Self) -> bool {
        self.store.identity() == other.store.identity()
    }

    /// What tells this end from all others: two names of one place have the same.
    #[must_use]
    pub fn identity(&self) -> String {
        match self.local(&self.path) {
            Some(path) => format!("file:{}", real_path(&path)),
            None => format!("{} {}", self.store.identity(), self.path),
        }
    }

    /// The end in a message.
    #[must_use]
    pub fn shown(&self) -> String {
        match (self.is_plain, self.path.as_str()) {
            (true, path) => format!("`/{path}`"),
            (false, "") => format!("datastore `{}`", self.store.name()),
            (false, path) => format!("`{path}` on datastore `{}`", self.store.name()),
        }
    }
}

/// A path without links, as far as it is there.
fn real_path(path: &Utf8Path) -> Utf8PathBuf {
    for there in path.ancestors() {
        if let Ok(real) = there.canonicalize_utf8() {
            return match path.strip_prefix(there) {
                Ok(rest) if !rest.as_str().is_empty() => real.join(rest),
                _ => real,
            };
        }
    }
    path.to_owned()
}
