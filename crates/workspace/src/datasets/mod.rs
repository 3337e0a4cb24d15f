//! The register of datasets.
//!
//! The definition is the SDK's own and is kept as it comes. What is added here is memory: a
//! registered version remembers its files as they were, and can be asked whether they still are.

mod stamps;

use std::collections::BTreeMap;
use std::sync::Arc;

use stepwell_data::stamp;
use stepwell_model::{DatasetDefinition, DatasetKind, Place};
use stepwell_store::datasets::{self as store, Dataset, KnownName};
use uuid::Uuid;

pub use self::stamps::ChangedFile;
use self::stamps::{changes, take_stamps};
use crate::core::Core;
use crate::names::is_dataset_name;
use crate::page::{NamedPage, NamedPart, one_more};
use crate::{Error, Result};

/// A dataset to keep.
#[derive(Debug, Clone)]
pub struct NewDataset {
    /// The name it is registered under; without one it is only saved, and an equal definition
    /// gives the same id again.
    pub name: Option<String>,
    /// Whether it gives files or a table.
    pub kind: DatasetKind,
    /// Where its data is, and how it is read.
    pub definition: DatasetDefinition,
    /// The files on datastores that it reads now. Their state is recorded with the version.
    pub files: Vec<Place>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// A description for people.
    pub description: String,
    /// Whether a name that is known gets a new version; otherwise it is refused.
    pub new_version: bool,
}

/// What to change of a version; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct DatasetUpdate {
    /// A new description.
    pub description: Option<String>,
    /// All tags, in place of those there are; applied before the other two.
    pub tags: Option<BTreeMap<String, String>>,
    /// Tags to remove.
    pub remove_tags: Vec<String>,
    /// Tags to set.
    pub set_tags: BTreeMap<String, String>,
}

/// What can be done with datasets; cheap to clone.
#[derive(Clone)]
pub struct Datasets(Arc<Core>);

impl Datasets {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self(core)
    }

    /// Saves a dataset, or registers it when it has a name.
    ///
    /// # Errors
    /// When the name is none or is taken, or a file cannot be read.
    pub async fn save(&self, new: NewDataset) -> Result<Dataset> {
        if let Some(name) = new.name.as_ref().filter(|name| !is_dataset_name(name)) {
            return Err(Error::invalid(format!("`{name}` cannot name a dataset"))
                .hint("use 1 to 255 characters without slashes"));
        }
        let created = self.0.now();
        // Only a version promises anything of its files.
        let (id, files) = match new.name {
            Some(_) => {
                let files = take_stamps(&self.0.datastores, new.files).await?;
                (Uuid::now_v7(), files)
            }
            None => (id_of(new.kind, &new.definition), Vec::new()),
        };
        let dataset = Dataset {
            id,
            name: None,
            version: None,
            kind: new.kind,
            definition: new.definition,
            files,
            tags: new.tags,
            description: new.description,
            created,
        };
        let known = match new.new_version {
            true => KnownName::NewVersion,
            false => KnownName::Refuse,
        };
        let work = move |db: &_| match new.name {
            Some(name) => store::register(db, &name, dataset, known),
            None => store::save(db, dataset),
        };
        Ok(self.0.store.write_durable(work).await?)
    }

    /// The newest version of every registered dataset, sorted by name, without the files.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list(&self, part: NamedPart) -> Result<NamedPage<Dataset>> {
        let wanted = one_more(&part);
        let rows = self
            .0
            .store
            .read(move |db| store::list(db, &wanted))
            .await?;
        Ok(NamedPage::cut(rows, &part, |row| {
            row.name.as_deref().unwrap_or_default()
        }))
    }

    /// A saved dataset, or a version, by its id.
    ///
    /// # Errors
    /// When there is none.
    pub async fn get(&self, id: Uuid) -> Result<Dataset> {
        let found = self.0.store.read(move |db| store::find(db, id)).await?;
        found.ok_or_else(|| no_dataset(format!("there is no dataset {id}")))
    }

    /// A version of a registered dataset, or the newest.
    ///
    /// # Errors
    /// When there is none.
    pub async fn get_named(&self, name: &str, version: Option<u64>) -> Result<Dataset> {
        let wanted = name.to_owned();
        let read = move |db: &_| store::find_named(db, &wanted, version);
        let found = self.0.store.read(read).await?;
        found.ok_or_else(|| {
            no_dataset(match version {
                Some(version) => format!("there is no dataset `{name}` version {version}"),
                None => format!("there is no dataset `{name}`"),
            })
        })
    }

    /// Changes the tags and the description of a version.
    ///
    /// # Errors
    /// When there is none.
    pub async fn update(&self, id: Uuid, update: DatasetUpdate) -> Result<Dataset> {
        let change = move |db: &stepwell_store::Connection| {
            let Some(mut dataset) = store::find(db, id)? else {
                return Ok(None);
            };
            dataset.description = update.description.unwrap_or(dataset.description);
            dataset.tags = update.tags.unwrap_or(dataset.tags);
            dataset
                .tags
                .retain(|name, _| !update.remove_tags.contains(name));
            dataset.tags.extend(update.set_tags);
            store::update(db, &dataset)?;
            Ok(Some(dataset))
        };
        let changed = self.0.store.write_durable(change).await?;
        changed.ok_or_else(|| no_dataset(format!("there is no dataset {id}")))
    }

    /// Which files of a version are not what they were when it was registered.
    ///
    /// # Errors
    /// When there is none, or a datastore cannot be asked.
    pub async fn changes(&self, id: Uuid) -> Result<Vec<ChangedFile>> {
        let dataset = self.get(id).await?;
        changes(&self.0.datastores, dataset.files, dataset.created).await
    }

    /// Unregisters all versions of a dataset. They stay there under their ids, for runs that read
    /// them.
    ///
    /// # Errors
    /// When there is none.
    pub async fn unregister(&self, name: &str) -> Result<()> {
        let wanted = name.to_owned();
        let work = move |db: &_| store::unregister(db, &wanted);
        match self.0.store.write_durable(work).await? {
            0 => Err(Error::not_found(format!("there is no dataset `{name}`"))),
            _ => Ok(()),
        }
    }
}

fn no_dataset(message: String) -> Error {
    Error::not_found(message).hint("`Dataset.get_all(workspace)` lists the registered ones")
}

/// An id that follows from the definition, so that a step which names it can be reused.
fn id_of(kind: DatasetKind, definition: &DatasetDefinition) -> Uuid {
    let text = format!("{}\n{}", kind.as_str(), definition.text());
    let digest = stamp::digest_of(text.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_bytes()[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}
