//! Models that runs have logged, as clients of MLflow's third version do: a folder of the run's files
//! with an id, a status, tags and parameters.
//!
//! The folder has the model's name, so that who looks among the run's files finds the model there.
//! A model that no run has logged gets a run of its own, which holds its files and is over at once.

use std::collections::BTreeMap;

use stepwell_model::{RunId, RunStatus};
use stepwell_store::Connection;
use stepwell_store::experiments::Experiment;
use stepwell_store::logged_models::{self as store, LoggedModel};
use uuid::Uuid;

use crate::files::place_of;
use crate::{Error, NewRun, Result, Runs};

/// A model that is about to be logged.
#[derive(Debug, Clone)]
pub struct NewLoggedModel {
    /// Its experiment, if no run logs it.
    pub experiment: Experiment,
    /// The run that logs it.
    pub run: Option<RunId>,
    /// Its name; `model` when there is none.
    pub name: String,
    /// The client's word for its kind.
    pub kind: String,
    /// The client's word for how far it is.
    pub status: String,
    /// Who logs it.
    pub user: String,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Parameters.
    pub params: BTreeMap<String, String>,
}

/// What to change of a logged model.
#[derive(Debug, Clone, Default)]
pub struct LoggedModelChange {
    /// How far it is now.
    pub status: Option<String>,
    /// Tags to set.
    pub set_tags: BTreeMap<String, String>,
    /// A tag to remove.
    pub remove_tag: Option<String>,
    /// Parameters to add.
    pub add_params: BTreeMap<String, String>,
}

impl Runs {
    /// Takes a model into the record, with a folder for its files.
    ///
    /// # Errors
    /// When the run is not there, or the name cannot be that of a folder.
    pub async fn log_model(&self, new: NewLoggedModel) -> Result<LoggedModel> {
        let name = match new.name.is_empty() {
            true => "model".to_owned(),
            false => new.name,
        };
        let is_plain = !name.contains(['/', '\\', ':', '%', '"', '\'']) && !name.starts_with('.');
        if !is_plain || !crate::names::is_relative(&name) {
            return Err(Error::invalid(format!("Invalid model name ({name})")).hint(
                "use no slashes, colons, periods at its beginning, percent signs and quotes",
            ));
        }
        let run = match new.run {
            Some(run) => self.get(run).await?.id,
            None => self.holder(&new.experiment, &name, &new.user).await?,
        };
        let at = place_of(&self.0.folder, run, &name)?;
        let is_taken = tokio::fs::symlink_metadata(&at).await.is_ok();
        let id = format!("m-{}", Uuid::now_v7().simple());
        let now = self.0.now();
        let mut model = LoggedModel {
            run,
            is_of_run: new.run.is_some(),
            experiment: new.experiment.id,
            folder: name.clone(),
            name,
            kind: new.kind,
            status: new.status,
            user: new.user,
            tags: new.tags,
            params: new.params,
            created: now,
            updated: now,
            id,
        };
        let insert = move |db: &Connection| {
            if is_taken || store::has_folder(db, run, &model.folder)? {
                model.folder = format!("{}-{}", model.name, model.id);
            }
            store::insert(db, &model)?;
            store::find(db, &model.id)
        };
        let made = self.0.store.write_durable(insert).await?;
        made.ok_or_else(|| Error::internal(&"a model that was stored is not there"))
    }

    /// A run for the files of a model that no run has logged.
    async fn holder(&self, experiment: &Experiment, name: &str, user: &str) -> Result<RunId> {
        let new = NewRun {
            experiment: experiment.name.clone(),
            display_name: Some(name.to_owned()),
            user: user.to_owned(),
            ..NewRun::default()
        };
        let run = self.open(new).await?.id;
        self.end(run, RunStatus::Completed, None, None).await?;
        Ok(run)
    }

    /// The model of an id.
    ///
    /// # Errors
    /// When there is none.
    pub async fn logged_model(&self, id: &str) -> Result<LoggedModel> {
        let wanted = id.to_owned();
        let read = move |db: &Connection| store::find(db, &wanted);
        let found = self.0.store.read(read).await?;
        found.ok_or_else(|| Error::not_found(format!("Logged model with ID '{id}' not found.")))
    }

    /// The models of experiments, newest first within each.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn logged_models(&self, experiments: Vec<Uuid>) -> Result<Vec<LoggedModel>> {
        let read = move |db: &Connection| {
            let mut found = Vec::new();
            for experiment in experiments {
                found.extend(store::list(db, experiment)?);
            }
            Ok(found)
        };
        Ok(self.0.store.read(read).await?)
    }

    /// Changes what is known of a model.
    ///
    /// # Errors
    /// When there is none, or it has no such tag.
    pub async fn change_logged_model(
        &self,
        id: &str,
        change: LoggedModelChange,
    ) -> Result<LoggedModel> {
        let known = self.logged_model(id).await?;
        if let Some(tag) = change.remove_tag.as_ref()
            && !known.tags.contains_key(tag)
        {
            return Err(Error::not_found(format!(
                "No tag with name: {tag} of model {id}"
            )));
        }
        let (wanted, now) = (id.to_owned(), self.0.now());
        let write = move |db: &Connection| {
            let Some(mut model) = store::find(db, &wanted)? else {
                return Ok(None);
            };
            model.status = change.status.unwrap_or(model.status);
            model.tags.extend(change.set_tags);
            if let Some(tag) = change.remove_tag {
                model.tags.remove(&tag);
            }
            model.params.extend(change.add_params);
            model.updated = now;
            store::update(db, &model)?;
            Ok(Some(model))
        };
        let changed = self.0.store.write_durable(write).await?;
        changed.ok_or_else(|| Error::not_found(format!("Logged model with ID '{id}' not found.")))
    }

    /// Forgets a model; its files stay with the run.
    ///
    /// # Errors
    /// When there is none.
    pub async fn forget_logged_model(&self, id: &str) -> Result<()> {
        self.logged_model(id).await?;
        let wanted = id.to_owned();
        let remove = move |db: &Connection| store::remove(db, &wanted);
        Ok(self.0.store.write_durable(remove).await?)
    }

    /// Takes note that a run has logged models, each at a step of training.
    ///
    /// # Errors
    /// When there is no such run.
    pub async fn add_model_outputs(&self, run: RunId, models: Vec<(String, i64)>) -> Result<()> {
        self.get(run).await?;
        let add = move |db: &Connection| store::add_outputs(db, run, &models);
        Ok(self.0.store.write(add).await?)
    }
}
