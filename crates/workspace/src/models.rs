//! The model registry. A version's files are a snapshot, whatever they came from.

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_data::cas::Cas;
use stepwell_data::snapshot::{self, Entry, Manifest};
use stepwell_model::{Digest, RunId};
use stepwell_store::models::{
    self as store, Change, Filter, Model, ModelDataset, ModelFile, ModelSamples, Resources,
};
use stepwell_store::{Connection, datasets, runs};
use uuid::Uuid;

use crate::core::Core;
use crate::files::{FoundFile, walk};
use crate::page::PAGE_MAX;
use crate::runs::Runs;
use crate::{Error, Result};

/// Where the files of a model come from.
#[derive(Debug, Clone)]
pub enum ModelSource {
    /// A snapshot that is stored.
    Snapshot(Digest),
    /// A file or folder of the run that made the model, by its path among the run's files.
    RunFile(String),
}

/// A model to register.
#[derive(Debug, Clone)]
pub struct NewModel {
    /// Its name: 1 to 255 bytes without slashes.
    pub name: String,
    /// The run that made it.
    pub run: Option<RunId>,
    /// Its files.
    pub source: ModelSource,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Properties; they cannot be changed later.
    pub properties: BTreeMap<String, String>,
    /// A description.
    pub description: String,
    /// The framework.
    pub framework: Option<String>,
    /// The framework's version.
    pub framework_version: Option<String>,
    /// The datasets it was made with.
    pub datasets: Vec<ModelDataset>,
    /// Examples of what it takes and gives.
    pub samples: ModelSamples,
    /// What serving it would need.
    pub resources: Option<Resources>,
    /// Who registers it.
    pub user: String,
}

/// A version of a model, with the experiment of the run that made it.
#[derive(Debug, Clone, PartialEq)]
pub struct RegisteredModel {
    /// The version.
    pub model: Model,
    /// The experiment; `None` when no run is known.
    pub experiment: Option<String>,
}

/// What can be done with models; cheap to clone.
#[derive(Clone)]
pub struct Models(pub(crate) Arc<Core>);

impl Models {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self(core)
    }

    /// Registers a model under the next version of its name.
    ///
    /// # Errors
    /// When its name is none, it has no files, or what it names is not there.
    pub async fn register(&self, new: NewModel) -> Result<RegisteredModel> {
        check_name(&new.name)?;
        let run = match new.run {
            Some(run) => Some(self.run(run).await?),
            None => None,
        };
        self.check_datasets(&new.datasets, &new.samples).await?;
        let digest = match (new.source, &run) {
            (ModelSource::Snapshot(digest), _) => digest,
            (ModelSource::RunFile(path), Some(run)) => self.keep_of_run(run.id, &path).await?,
            (ModelSource::RunFile(_), None) => {
                return Err(Error::invalid("a model of a run's file names its run"));
            }
        };
        let files = self.files_of(digest).await?;
        let model = Model {
            name: new.name,
            version: 0,
            run: new.run,
            snapshot: digest.to_string(),
            is_file: matches!(&files[..], [only] if !only.name.contains('/')),
            files,
            tags: new.tags,
            properties: new.properties,
            description: new.description,
            framework: new.framework,
            framework_version: new.framework_version,
            datasets: new.datasets,
            samples: new.samples,
            resources: new.resources,
            user: new.user,
            created: self.0.now(),
        };
        let insert = move |db: &Connection| store::insert(db, model);
        let model = self.0.store.write_durable(insert).await?;
        Ok(RegisteredModel {
            model,
            experiment: run.map(|run| run.experiment),
        })
    }

    async fn run(&self, run: RunId) -> Result<runs::Record> {
        let found = self.0.store.read(move |db| runs::find(db, run)).await?;
        found.ok_or_else(|| Error::no_run(run))
    }

    /// Refuses datasets that there are not.
    async fn check_datasets(&self, named: &[ModelDataset], samples: &ModelSamples) -> Result<()> {
        let named = named.iter().map(|named| named.dataset);
        let samples = [samples.input, samples.output];
        let wanted: Vec<Uuid> = named.chain(samples.into_iter().flatten()).collect();
        let unknown = move |db: &Connection| {
            for id in wanted {
                if datasets::find(db, id)?.is_none() {
                    return Ok(Some(id));
                }
            }
            Ok(None)
        };
        match self.0.store.read(unknown).await? {
            Some(id) => Err(Error::invalid(format!("there is no dataset {id}"))
                .hint("save the dataset first: `POST /datasets`")),
            None => Ok(()),
        }
    }

    /// The snapshot of a file or folder of a run, named as it is there.
    async fn keep_of_run(&self, run: RunId, path: &str) -> Result<Digest> {
        let path = path.trim_end_matches('/');
        let at = Runs::new(Arc::clone(&self.0)).find_file(run, path).await?;
        let missing = || {
            Error::not_found(format!("run {run} has no file `{path}`"))
                .hint("`get_file_names` of the run lists its files")
        };
        // A link at the end is no more followed than one on the way.
        let about = tokio::fs::symlink_metadata(&at).await;
        let is_kept = about.is_ok_and(|about| about.is_file() || about.is_dir());
        if !is_kept {
            return Err(missing());
        }
        let cas = self.0.cas.clone();
        blocking(move || keep(&cas, &at)).await?.ok_or_else(missing)
    }

    /// The files of a snapshot, once they would survive a power cut.
    async fn files_of(&self, digest: Digest) -> Result<Vec<ModelFile>> {
        let cas = self.0.cas.clone();
        let manifest = blocking(move || {
            let manifest = snapshot::load(&cas, &digest)?;
            cas.sync()?;
            Ok(manifest)
        });
        let file = |entry: Entry| ModelFile {
            name: entry.path.into(),
            size: entry.size,
        };
        let entries = manifest.await?.entries;
        let files: Vec<ModelFile> = entries.into_iter().map(file).collect();
        match files.is_empty() {
            true => Err(Error::invalid("a model needs at least one file")),
            false => Ok(files),
        }
    }

    /// Models, newest first; whether there are more than `limit`.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list(
        &self,
        filter: Filter,
        limit: Option<usize>,
    ) -> Result<(Vec<RegisteredModel>, bool)> {
        let limit = limit.unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX);
        let read = move |db: &Connection| {
            let mut found = store::list(db, &filter, limit + 1)?;
            let more = found.len() > limit;
            found.truncate(limit);
            let models = found.into_iter().map(|model| with_experiment(db, model));
            Ok((models.collect::<stepwell_store::Result<_>>()?, more))
        };
        Ok(self.0.store.read(read).await?)
    }

    /// One version of a model.
    ///
    /// # Errors
    /// When there is none.
    pub async fn get(&self, name: &str, version: u64) -> Result<RegisteredModel> {
        let wanted = name.to_owned();
        let read = move |db: &Connection| {
            let found = store::find(db, &wanted, version)?;
            found.map(|model| with_experiment(db, model)).transpose()
        };
        let found = self.0.store.read(read).await?;
        found.ok_or_else(|| no_model(name, version))
    }

    /// Changes a version's description, tags and the like; its files and properties stay as they are.
    ///
    /// # Errors
    /// When there is none, a property has another value, or a dataset is not there.
    pub async fn update(
        &self,
        name: &str,
        version: u64,
        change: Change,
    ) -> Result<RegisteredModel> {
        self.check_datasets(&change.add_datasets, &change.samples)
            .await?;
        let wanted = name.to_owned();
        let change = move |db: &Connection| {
            let changed = store::change(db, &wanted, version, change)?;
            changed.map(|model| with_experiment(db, model)).transpose()
        };
        let changed = self.0.store.write_durable(change).await?;
        changed.ok_or_else(|| no_model(name, version))
    }

    /// Removes a version of a model; its number is not given again.
    ///
    /// # Errors
    /// When there is none.
    pub async fn delete(&self, name: &str, version: u64) -> Result<()> {
        let wanted = name.to_owned();
        let remove = move |db: &Connection| store::remove(db, &wanted, version);
        match self.0.store.write_durable(remove).await? {
            true => Ok(()),
            false => Err(no_model(name, version)),
        }
    }

    /// Where the content of a file of a model is.
    ///
    /// # Errors
    /// When there is no such version, or it has no such file.
    pub async fn file(&self, name: &str, version: u64, path: &str) -> Result<Utf8PathBuf> {
        let model = self.get(name, version).await?.model;
        let digest = model.snapshot.parse();
        let digest: Digest = digest.map_err(|error| Error::internal(&error))?;
        let cas = self.0.cas.clone();
        let manifest = blocking(move || snapshot::load(&cas, &digest)).await?;
        let wanted = Utf8Path::new(path);
        let at = manifest
            .entries
            .binary_search_by(|entry| entry.path.as_path().cmp(wanted));
        let missing = |_| {
            Error::not_found(format!(
                "model `{name}` version {version} has no file `{path}`"
            ))
        };
        let entry = &manifest.entries[at.map_err(missing)?];
        Ok(self.0.cas.path_of(&entry.digest))
    }
}

fn with_experiment(db: &Connection, model: Model) -> stepwell_store::Result<RegisteredModel> {
    let run = model.run.map(|run| runs::find(db, run)).transpose()?;
    let experiment = run.flatten().map(|run| run.experiment);
    Ok(RegisteredModel { model, experiment })
}

pub(crate) fn no_model(name: &str, version: u64) -> Error {
    Error::not_found(format!("there is no model `{name}` version {version}"))
        .hint("`stepwell models` lists the models of this workspace")
}

pub(crate) fn check_name(name: &str) -> Result<()> {
    let is_forbidden = |c: char| c.is_control() || c == '/' || c == '\\';
    match name.is_empty() || name.len() > 255 || name.contains(is_forbidden) {
        true => Err(Error::invalid(format!("`{name}` cannot name a model"))
            .hint("use 1 to 255 characters without slashes")),
        false => Ok(()),
    }
}

/// Puts a file or folder into the store, as a snapshot; `None` for a folder without files.
fn keep(cas: &Cas, place: &Utf8Path) -> stepwell_data::Result<Option<Digest>> {
    let name = place.file_name().unwrap_or("model");
    let found = match place.is_dir() {
        true => walk(place, &format!("{name}/"))?,
        false => vec![FoundFile {
            name: name.to_owned(),
            size: 0,
        }],
    };
    let base = place.parent().unwrap_or(place);
    let entry = |file: FoundFile| {
        let digest = cas.put_file(&base.join(&file.name))?;
        Ok(Entry {
            size: cas.path_of(&digest).metadata()?.len(),
            path: file.name.into(),
            digest,
            executable: false,
        })
    };
    let entries = found.into_iter().map(entry);
    let mut entries = entries.collect::<stepwell_data::Result<Vec<Entry>>>()?;
    if entries.is_empty() {
        return Ok(None);
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    cas.put_bytes(&Manifest { entries }.encode()).map(Some)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> stepwell_data::Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::internal(&error))?
        .map_err(|error| match error {
            stepwell_data::Error::Absent { .. } => Error::not_found(error.to_string())
                .hint("send the snapshot first: `stepwell snapshot DIR`"),
            error => Error::internal(&error),
        })
}
