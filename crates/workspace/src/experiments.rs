//! Experiments: the names that runs are gathered under.

use std::sync::Arc;

use stepwell_store::experiments::{self as store, Experiment, TagsChange};
use uuid::Uuid;

use crate::core::Core;
use crate::names::check_experiment;
use crate::page::{NamedPage, NamedPart, one_more};
use crate::{Error, Result};

/// What can be done with experiments; cheap to clone.
#[derive(Clone)]
pub struct Experiments(Arc<Core>);

impl Experiments {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self(core)
    }

    /// Experiments, sorted by name.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list(&self, part: NamedPart) -> Result<NamedPage<Experiment>> {
        let wanted = one_more(&part);
        let rows = self
            .0
            .store
            .read(move |db| store::list(db, &wanted))
            .await?;
        Ok(NamedPage::cut(rows, &part, |row| &row.name))
    }

    /// The experiment of a name.
    ///
    /// # Errors
    /// When there is none.
    pub async fn get(&self, name: &str) -> Result<Experiment> {
        let wanted = name.to_owned();
        let found = self
            .0
            .store
            .read(move |db| store::find(db, &wanted))
            .await?;
        found.ok_or_else(|| Error::not_found(format!("there is no experiment `{name}`")))
    }

    /// The experiment of an id.
    ///
    /// # Errors
    /// When there is none.
    pub async fn by_id(&self, id: Uuid) -> Result<Experiment> {
        let found = self.0.store.read(move |db| store::by_id(db, id)).await?;
        found.ok_or_else(|| Error::not_found(format!("there is no experiment with id {id}")))
    }

    /// A new experiment, with tags.
    ///
    /// # Errors
    /// When the name is none, or there is one of that name.
    pub async fn create(&self, name: String, tags: TagsChange) -> Result<Experiment> {
        check_experiment(&name)?;
        let taken = Error::conflict(format!("there is an experiment `{name}` already"));
        let (id, now) = (Uuid::now_v7(), self.0.now());
        let create = move |db: &_| {
            if store::find(db, &name)?.is_some() {
                return Ok(None);
            }
            store::ensure(db, &name, id, now)?;
            store::change_tags(db, &name, tags)
        };
        let created = self.0.store.write_durable(create).await?;
        created.ok_or(taken)
    }

    /// The experiment of a name; made if it does not exist.
    ///
    /// # Errors
    /// When the name is none.
    pub async fn ensure(&self, name: String) -> Result<Experiment> {
        check_experiment(&name)?;
        let (id, now) = (Uuid::now_v7(), self.0.now());
        let ensure = move |db: &_| store::ensure(db, &name, id, now);
        Ok(self.0.store.write_durable(ensure).await?)
    }

    /// Changes the tags of an experiment.
    ///
    /// # Errors
    /// When there is none of that name.
    pub async fn change_tags(&self, name: String, change: TagsChange) -> Result<Experiment> {
        let missing = Error::not_found(format!("there is no experiment `{name}`"));
        let change = move |db: &_| store::change_tags(db, &name, change);
        let changed = self.0.store.write_durable(change).await?;
        changed.ok_or(missing)
    }
}
