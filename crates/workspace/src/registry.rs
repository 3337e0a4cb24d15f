//! Names of models as MLflow has them: what is known of a name beside its versions, the stages of
//! versions, and their other names.
//!
//! A version is the same whoever registers it: [`Models::register`] makes them all.

use std::collections::BTreeMap;

use stepwell_model::Timestamp;
use stepwell_store::model_names::{self as store, ModelName, Stage};
use stepwell_store::models::{self, Filter, Model};
use stepwell_store::{Connection, Error as StoreError};

use crate::models::{Models, check_name, no_model};
use crate::{Error, Result};

/// The stages that a version can have; the first is that of a new one.
pub const STAGES: [&str; 4] = ["None", "Staging", "Production", "Archived"];

/// A name with what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedModel {
    /// The name.
    pub name: ModelName,
    /// The newest version of each stage, sorted by version.
    pub latest: Vec<StagedModel>,
}

/// A version with its stage and its other names.
#[derive(Debug, Clone, PartialEq)]
pub struct StagedModel {
    /// The version.
    pub model: Model,
    /// Its stage.
    pub stage: Stage,
    /// Its other names.
    pub aliases: Vec<String>,
}

/// What to change of a name; what is empty stays.
#[derive(Debug, Clone, Default)]
pub struct NameChange {
    /// A new description.
    pub description: Option<String>,
    /// Tags to set.
    pub set_tags: BTreeMap<String, String>,
    /// A tag to remove.
    pub remove_tag: Option<String>,
    /// Another name for a version.
    pub set_alias: Option<(String, u64)>,
    /// Another name to forget.
    pub remove_alias: Option<String>,
}

impl Models {
    /// All names, sorted.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn names(&self) -> Result<Vec<NamedModel>> {
        let read = |db: &Connection| {
            let names = store::list(db)?.into_iter();
            names.map(|name| with_latest(db, name)).collect()
        };
        Ok(self.0.store.read(read).await?)
    }

    /// One name.
    ///
    /// # Errors
    /// When there is none.
    pub async fn name(&self, name: &str) -> Result<NamedModel> {
        let wanted = name.to_owned();
        let read = move |db: &Connection| {
            let found = store::find(db, &wanted)?;
            found.map(|name| with_latest(db, name)).transpose()
        };
        let found = self.0.store.read(read).await?;
        found.ok_or_else(|| no_name(name))
    }

    /// Begins to know a name that has no version yet.
    ///
    /// # Errors
    /// When it is none, or is there already.
    pub async fn create_name(
        &self,
        name: String,
        description: String,
        tags: BTreeMap<String, String>,
    ) -> Result<NamedModel> {
        check_name(&name)?;
        let now = self.0.now();
        let new = ModelName {
            name: name.clone(),
            description,
            tags,
            aliases: BTreeMap::new(),
            created: now,
            updated: now,
        };
        let create = move |db: &Connection| {
            if store::find(db, &new.name)?.is_some() {
                let message = format!("Registered Model (name={}) already exists.", new.name);
                return Err(StoreError::Conflict(message));
            }
            store::put(db, &new)
        };
        self.0.store.write_durable(create).await?;
        self.name(&name).await
    }

    /// Changes what is known of a name.
    ///
    /// # Errors
    /// When there is none, or it has no such version, tag or alias.
    pub async fn change_name(&self, name: &str, change: NameChange) -> Result<NamedModel> {
        if let Some((alias, version)) = &change.set_alias {
            check_alias(alias)?;
            self.get(name, *version).await?;
        }
        let known = self.name(name).await?.name;
        if let Some(tag) = change.remove_tag.as_ref()
            && !known.tags.contains_key(tag)
        {
            return Err(Error::not_found(format!(
                "No tag with name: {tag} of model {name}"
            )));
        }
        let (wanted, now) = (name.to_owned(), self.0.now());
        let change = move |db: &Connection| {
            let Some(mut known) = store::find(db, &wanted)? else {
                return Ok(());
            };
            known.description = change.description.unwrap_or(known.description);
            known.tags.extend(change.set_tags);
            if let Some(tag) = change.remove_tag {
                known.tags.remove(&tag);
            }
            if let Some((alias, version)) = change.set_alias {
                known.aliases.insert(alias, version);
            }
            if let Some(alias) = change.remove_alias {
                known.aliases.remove(&alias);
            }
            known.updated = now;
            store::put(db, &known)
        };
        self.0.store.write_durable(change).await?;
        self.name(name).await
    }

    /// Forgets a name with all its versions.
    ///
    /// # Errors
    /// When there is none.
    pub async fn delete_name(&self, name: &str) -> Result<()> {
        self.name(name).await?;
        let wanted = name.to_owned();
        let remove = move |db: &Connection| store::remove(db, &wanted);
        Ok(self.0.store.write_durable(remove).await?)
    }

    /// One version with its stage.
    ///
    /// # Errors
    /// When there is none.
    pub async fn staged(&self, name: &str, version: u64) -> Result<StagedModel> {
        let wanted = name.to_owned();
        let read = move |db: &Connection| {
            let found = models::find(db, &wanted, version)?;
            let aliases = aliases(db, &wanted)?;
            found.map(|model| staged(db, model, &aliases)).transpose()
        };
        let found = self.0.store.read(read).await?;
        found.ok_or_else(|| no_model(name, version))
    }

    /// All versions of a name, or of all names, newest first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn all_staged(&self, name: Option<String>) -> Result<Vec<StagedModel>> {
        let read = move |db: &Connection| {
            let filter = Filter {
                name,
                ..Filter::default()
            };
            let mut known: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
            let mut found = Vec::new();
            for model in models::list(db, &filter, usize::MAX)? {
                if !known.contains_key(&model.name) {
                    known.insert(model.name.clone(), aliases(db, &model.name)?);
                }
                let aliases = known[&model.name].clone();
                found.push(staged(db, model, &aliases)?);
            }
            Ok(found)
        };
        Ok(self.0.store.read(read).await?)
    }

    /// Gives a version a stage; with `archive`, those that had it become archived.
    ///
    /// # Errors
    /// When there is no such version, or no such stage.
    pub async fn set_stage(
        &self,
        name: &str,
        version: u64,
        stage: &str,
        archive: bool,
    ) -> Result<StagedModel> {
        let known = STAGES
            .iter()
            .find(|known| known.eq_ignore_ascii_case(stage));
        let stage = known.ok_or_else(|| {
            Error::invalid(format!("Invalid Model Version stage: {stage}"))
                .hint(format!("one of {}", STAGES.join(", ")))
        })?;
        self.get(name, version).await?;
        let (wanted, now) = (name.to_owned(), self.0.now());
        let change = move |db: &Connection| {
            let filter = Filter {
                name: Some(wanted.clone()),
                ..Filter::default()
            };
            for model in models::list(db, &filter, usize::MAX)? {
                let mut current = stage_of(db, &model)?;
                if model.version == version {
                    (*stage).clone_into(&mut current.stage);
                } else if archive && current.stage == *stage {
                    "Archived".clone_into(&mut current.stage);
                } else {
                    continue;
                }
                current.updated = now;
                store::put_stage(db, &wanted, model.version, &current)?;
            }
            Ok(())
        };
        self.0.store.write_durable(change).await?;
        self.staged(name, version).await
    }

    /// Takes note of what a version was said to be made from.
    ///
    /// # Errors
    /// When there is no such version.
    pub async fn note_source(&self, name: &str, version: u64, source: String) -> Result<()> {
        let model = self.get(name, version).await?.model;
        let note = move |db: &Connection| {
            let known = stage_of(db, &model)?;
            let noted = Stage { source, ..known };
            store::put_stage(db, &model.name, model.version, &noted)
        };
        Ok(self.0.store.write_durable(note).await?)
    }
}

fn aliases(db: &Connection, name: &str) -> stepwell_store::Result<BTreeMap<String, u64>> {
    let found = store::find(db, name)?;
    Ok(found.map_or_else(BTreeMap::new, |found| found.aliases))
}

fn stage_of(db: &Connection, model: &Model) -> stepwell_store::Result<Stage> {
    let found = store::stage(db, &model.name, model.version)?;
    Ok(found.unwrap_or_else(|| Stage {
        stage: STAGES[0].to_owned(),
        source: String::new(),
        updated: model.created,
    }))
}

fn staged(
    db: &Connection,
    model: Model,
    aliases: &BTreeMap<String, u64>,
) -> stepwell_store::Result<StagedModel> {
    let own = aliases
        .iter()
        .filter(|(_, version)| **version == model.version);
    Ok(StagedModel {
        aliases: own.map(|(alias, _)| alias.clone()).collect(),
        stage: stage_of(db, &model)?,
        model,
    })
}

/// A name with the newest version of each stage. An alias of a version that is gone is left out.
fn with_latest(db: &Connection, mut name: ModelName) -> stepwell_store::Result<NamedModel> {
    let filter = Filter {
        name: Some(name.name.clone()),
        ..Filter::default()
    };
    let mut latest: Vec<StagedModel> = Vec::new();
    let mut updated: Timestamp = name.updated;
    let versions = models::list(db, &filter, usize::MAX)?;
    name.aliases
        .retain(|_, version| versions.iter().any(|model| model.version == *version));
    // They come newest first.
    for model in versions {
        updated = updated.max(model.created);
        let version = staged(db, model, &name.aliases)?;
        if !latest
            .iter()
            .any(|known| known.stage.stage == version.stage.stage)
        {
            latest.push(version);
        }
    }
    latest.sort_by_key(|version| version.model.version);
    name.updated = updated;
    Ok(NamedModel { name, latest })
}

/// Refuses another name that is none, or means something already.
fn check_alias(alias: &str) -> Result<()> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let is_plain = !alias.is_empty() && alias.len() <= 255 && alias.chars().all(is_allowed);
    let digits = alias.strip_prefix(['v', 'V']).unwrap_or_default();
    let is_version = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    match is_plain && !is_version && !alias.eq_ignore_ascii_case("latest") {
        true => Ok(()),
        false => Err(Error::invalid(format!("Invalid alias name: '{alias}'")).hint(
            "use letters, digits, underscores and dashes; `latest` and `v1` mean something already",
        )),
    }
}

fn no_name(name: &str) -> Error {
    Error::not_found(format!("Registered Model with name={name} not found"))
        .hint("`stepwell models` lists the models of this workspace")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_is_no_version() {
        for alias in ["champion", "a-b_c", "version1", "v1a"] {
            assert!(check_alias(alias).is_ok(), "{alias}");
        }
        for alias in ["", "a b", "latest", "Latest", "v1", "V12", "ü"] {
            assert!(check_alias(alias).is_err(), "{alias}");
        }
    }
}
