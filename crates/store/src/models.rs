//! The model registry: names, versions, and the snapshot that holds each version's files.
//!
//! A version's files and properties are never changed, and its number never comes back. Of two
//! versions of a name the higher one is never the older one, whatever the clock did.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use stepwell_model::{RunId, Timestamp};
use uuid::Uuid;

use crate::columns::{self, id};
use crate::{Error, Result, catalog};

/// A file of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFile {
    /// Its path within the model.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
}

/// A dataset that a model was made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelDataset {
    /// The user's word for what it was used for, such as `training`.
    pub scenario: String,
    /// The dataset's id.
    pub dataset: Uuid,
}

/// Datasets that show what a model takes and gives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelSamples {
    /// An example of what it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Uuid>,
    /// An example of what it gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Uuid>,
}

/// What serving a model would need.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Resources {
    /// Processor cores.
    pub cpu: Option<f64>,
    /// Memory, in GB.
    pub memory_in_gb: Option<f64>,
    /// Graphics processors.
    pub gpu: Option<u32>,
}

/// One version of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// Its version, from 1; 0 for one that is to be inserted.
    pub version: u64,
    /// The run that made it.
    pub run: Option<RunId>,
    /// The digest of the snapshot with its files.
    pub snapshot: String,
    /// Whether it is one file rather than a folder.
    pub is_file: bool,
    /// Its files.
    pub files: Vec<ModelFile>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Properties.
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
    /// The login name of who registered it.
    pub user: String,
    /// When it was registered.
    pub created: Timestamp,
}

/// What to change of a model; what is empty stays.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// A new description.
    pub description: Option<String>,
    /// Tags to set.
    pub set_tags: BTreeMap<String, String>,
    /// Tags to remove, before others are set.
    pub remove_tags: Vec<String>,
    /// Properties to add.
    pub add_properties: BTreeMap<String, String>,
    /// Datasets to add.
    pub add_datasets: Vec<ModelDataset>,
    /// Examples to set.
    pub samples: ModelSamples,
    /// What serving it would need.
    pub resources: Option<Resources>,
}

/// Which models to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this name.
    pub name: Option<String>,
    /// Made by this run.
    pub run: Option<RunId>,
    /// Made by this run or one below it, or by one that a run there was reused from.
    pub under: Option<RunId>,
    /// Of this framework.
    pub framework: Option<String>,
    /// Made with this dataset.
    pub dataset: Option<Uuid>,
    /// With these tags, of any value where none is given.
    pub tags: Vec<(String, Option<String>)>,
    /// Only the newest version of each name.
    pub latest: bool,
    /// After this one of the page before.
    pub after: Option<Place>,
}

impl Filter {
    /// Whether it wants `model`, as far as the query has not decided that.
    fn wants(&self, model: &Model) -> bool {
        let tagged = |(name, value): &(String, Option<String>)| match value {
            Some(value) => model.tags.get(name) == Some(value),
            None => model.tags.contains_key(name),
        };
        let made_with = |wanted: Uuid| model.datasets.iter().any(|known| known.dataset == wanted);
        self.tags.iter().all(tagged) && self.dataset.is_none_or(made_with)
    }
}

/// Where a model stands in the order of lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// When it was registered.
    pub created: Timestamp,
    /// Its version.
    pub version: u64,
    /// Its name.
    pub name: String,
}

const SELECT: &str = "SELECT name, version, run, snapshot, is_file, files_json, tags_json,
    properties_json, description, framework, framework_version, created_ms, datasets_json,
    samples_json, resources_json, user FROM models";

/// Registers a model under the next version of its name.
///
/// # Errors
/// Those of the database.
pub fn insert(connection: &Connection, mut model: Model) -> Result<Model> {
    model.version = catalog::next_version(connection, "model", &model.name)?;
    // A clock that was set back must not make an older version the newest.
    let query = "SELECT max(created_ms) FROM models WHERE name = ?";
    let newest: Option<i64> = connection
        .prepare_cached(query)?
        .query_row([&model.name], |row| row.get(0))?;
    let newest = Timestamp::from_millis(newest.unwrap_or_default());
    model.created = model.created.max(newest);
    let insert = "INSERT INTO models (name, version, run, snapshot, is_file, files_json,
        tags_json, properties_json, description, framework, framework_version, created_ms,
        datasets_json, samples_json, resources_json, user)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    connection.prepare_cached(insert)?.execute(params![
        model.name,
        model.version,
        model.run.map(id),
        model.snapshot,
        model.is_file,
        columns::json("model's files", &model.files)?,
        columns::json("model's tags", &model.tags)?,
        columns::json("model's properties", &model.properties)?,
        model.description,
        model.framework,
        model.framework_version,
        model.created.as_millis(),
        columns::json("model's datasets", &model.datasets)?,
        columns::json("model's samples", &model.samples)?,
        resources_json(&model)?,
        model.user,
    ])?;
    Ok(model)
}

/// One version of a model.
///
/// # Errors
/// Those of the database.
pub fn find(connection: &Connection, name: &str, version: u64) -> Result<Option<Model>> {
    let query = format!("{SELECT} WHERE name = ? AND version = ?");
    let mut statement = connection.prepare_cached(&query)?;
    statement
        .query_row(params![name, version], |row| Ok(read(row)))
        .optional()?
        .transpose()
}

/// At most `limit` of the models that a filter wants, newest first.
///
/// # Errors
/// Those of the database.
pub fn list(connection: &Connection, filter: &Filter, limit: usize) -> Result<Vec<Model>> {
    let query = format!(
        "{SELECT} WHERE (?1 IS NULL OR name = ?1) AND (?2 IS NULL OR run = ?2)
            AND (?3 IS NULL OR run IN (SELECT coalesce(reused_from, id) FROM runs
                WHERE id = ?3 OR parent = ?3 OR root = ?3))
            AND (?4 IS NULL OR framework = ?4)
            AND (NOT ?5 OR version =
                (SELECT max(other.version) FROM models AS other WHERE other.name = models.name))
            AND (?6 IS NULL OR (created_ms, name, version) < (?6, ?7, ?8))
         ORDER BY created_ms DESC, name DESC, version DESC"
    );
    let after = filter.after.as_ref();
    let mut statement = connection.prepare_cached(&query)?;
    let rows = statement.query_map(
        params![
            filter.name,
            filter.run.map(id),
            filter.under.map(id),
            filter.framework,
            filter.latest,
            after.map(|place| place.created.as_millis()),
            after.map(|place| &place.name),
            after.map(|place| place.version),
        ],
        |row| Ok(read(row)),
    )?;
    let mut found = Vec::new();
    for row in rows {
        let model = row??;
        if filter.wants(&model) {
            found.push(model);
        }
        if found.len() == limit {
            break;
        }
    }
    Ok(found)
}

/// Changes what can be changed of a model; gives it, if there is one.
///
/// # Errors
/// [`Error::Conflict`] when a property exists with another value; those of the database.
pub fn change(
    connection: &Connection,
    name: &str,
    version: u64,
    change: Change,
) -> Result<Option<Model>> {
    let Some(mut model) = find(connection, name, version)? else {
        return Ok(None);
    };
    model.description = change.description.unwrap_or(model.description);
    model
        .tags
        .retain(|tag, _| !change.remove_tags.contains(tag));
    model.tags.extend(change.set_tags);
    for (property, value) in change.add_properties {
        match model.properties.get(&property) {
            Some(old) if *old != value => {
                return Err(Error::Conflict(format!(
                    "property `{property}` of model `{name}` version {version} is `{old}` and \
                     cannot become `{value}`"
                )));
            }
            _ => model.properties.insert(property, value),
        };
    }
    for dataset in change.add_datasets {
        if !model.datasets.contains(&dataset) {
            model.datasets.push(dataset);
        }
    }
    model.samples.input = change.samples.input.or(model.samples.input);
    model.samples.output = change.samples.output.or(model.samples.output);
    model.resources = change.resources.or(model.resources.take());
    update(connection, &model)?;
    Ok(Some(model))
}

fn resources_json(model: &Model) -> Result<Option<String>> {
    let resources = model.resources.as_ref();
    resources
        .map(|resources| columns::json("model's resources", resources))
        .transpose()
}

fn update(connection: &Connection, model: &Model) -> Result<()> {
    let update = "UPDATE models SET description = ?, tags_json = ?, properties_json = ?,
                  datasets_json = ?, samples_json = ?, resources_json = ?
                  WHERE name = ? AND version = ?";
    connection.prepare_cached(update)?.execute(params![
        model.description,
        columns::json("model's tags", &model.tags)?,
        columns::json("model's properties", &model.properties)?,
        columns::json("model's datasets", &model.datasets)?,
        columns::json("model's samples", &model.samples)?,
        resources_json(model)?,
        model.name,
        model.version,
    ])?;
    Ok(())
}

/// Removes one version; gives whether it was there.
///
/// # Errors
/// Those of the database.
pub fn remove(connection: &Connection, name: &str, version: u64) -> Result<bool> {
    let delete = "DELETE FROM models WHERE name = ? AND version = ?";
    Ok(connection
        .prepare_cached(delete)?
        .execute(params![name, version])?
        > 0)
}

fn read(row: &Row<'_>) -> Result<Model> {
    let text = |column: usize| row.get::<_, String>(column);
    Ok(Model {
        name: text(0)?,
        version: row.get(1)?,
        run: row.get::<_, Option<_>>(2)?.map(columns::run_id),
        snapshot: text(3)?,
        is_file: row.get(4)?,
        files: columns::from_json("model's files", &text(5)?)?,
        tags: columns::from_json("model's tags", &text(6)?)?,
        properties: columns::from_json("model's properties", &text(7)?)?,
        description: text(8)?,
        framework: row.get(9)?,
        framework_version: row.get(10)?,
        created: Timestamp::from_millis(row.get(11)?),
        datasets: columns::from_json("model's datasets", &text(12)?)?,
        samples: columns::from_json("model's samples", &text(13)?)?,
        // What cannot be read is of no use to anybody; the model is.
        resources: row
            .get::<_, Option<String>>(14)?
            .and_then(|text| serde_json::from_str(&text).ok()),
        user: text(15)?,
    })
}
