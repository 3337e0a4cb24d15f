//! Published pipelines: templates that are kept as they are, and started any number of times.
//!
//! Invariant: a template is never changed and never deleted; what it needs is listed beside it, so
//! that whoever clears up need not read templates.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use stepwell_model::{Digest, InputSource, Parameter, Place, RunId, Template, Timestamp};
use uuid::Uuid;

use crate::columns::{self, id};
use crate::{Result, runs};

/// A published pipeline without its template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its place in the order of publication; the cursor of lists.
    pub seq: i64,
    /// Its id.
    pub id: Uuid,
    /// A name for people.
    pub name: String,
    /// A description for people.
    pub description: String,
    /// A version for people.
    pub version: Option<String>,
    /// Whether it can be started.
    pub active: bool,
    /// Whether steps that do not depend on a failed step still run, if the publisher said so.
    pub continue_on_failure: Option<bool>,
    /// How many steps it has.
    pub steps: u32,
    /// Its parameters with their defaults.
    pub parameters: BTreeMap<String, Parameter>,
    /// The run it was published from.
    pub run: Option<RunId>,
    /// Who published it.
    pub user: String,
    /// When it was published.
    pub created: Timestamp,
    /// When its status last changed.
    pub changed: Timestamp,
}

/// What must live as long as the pipelines that name it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct References {
    /// Digests of snapshots.
    pub snapshots: BTreeSet<String>,
    /// Ids of saved datasets.
    pub datasets: BTreeSet<String>,
    /// Places on datastores, as `datastore/path`.
    pub places: BTreeSet<String>,
}

impl References {
    /// What a template names.
    #[must_use]
    pub fn of(template: &Template) -> Self {
        let mut needs = Self::default();
        for step in &template.steps {
            let references = step.task.kind().references();
            let snapshots = references.snapshots.iter();
            needs.snapshots.extend(snapshots.map(Digest::to_string));
            needs.datasets.extend(references.datasets);
            for input in &step.inputs {
                if let InputSource::Datastore { datastore, path } = &input.source {
                    needs.places.insert(format!("{datastore}/{path}"));
                }
            }
        }
        for parameter in template.parameters.values() {
            if let Parameter::Dataset(dataset) = parameter {
                needs.datasets.insert(dataset.id.clone());
            }
            if let Some(Place { datastore, path }) = parameter.place() {
                needs.places.insert(format!("{datastore}/{path}"));
            }
        }
        needs
    }

    fn extend(&mut self, more: Self) {
        self.snapshots.extend(more.snapshots);
        self.datasets.extend(more.datasets);
        self.places.extend(more.places);
    }
}

const SELECT: &str = "SELECT seq, id, name, description, version, active, goes_on, steps, run,
    user, created_ms, changed_ms, parameters_json FROM published";

/// Keeps a pipeline; its `seq` is given here.
///
/// # Errors
/// Those of the database.
pub fn insert(
    connection: &Connection,
    published: &Published,
    template_json: &str,
    needs: &References,
) -> Result<()> {
    let insert = "INSERT INTO published (id, name, description, version, active, goes_on, steps,
        parameters_json, template_json, needs_json, run, user, created_ms, changed_ms)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    connection.prepare_cached(insert)?.execute(params![
        published.id.as_bytes(),
        published.name,
        published.description,
        published.version,
        published.active,
        published.continue_on_failure,
        published.steps,
        columns::json("parameters", &published.parameters)?,
        template_json,
        columns::json("needs of a pipeline", needs)?,
        published.run.map(id),
        published.user,
        published.created.as_millis(),
        published.changed.as_millis(),
    ])?;
    Ok(())
}

/// The published pipeline of that id.
///
/// # Errors
/// Those of the database.
pub fn find(connection: &Connection, pipeline: Uuid) -> Result<Option<Published>> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE id = ?"))?;
    statement
        .query_row([pipeline.as_bytes()], |row| Ok(read(row)))
        .optional()?
        .transpose()
}

/// The template of a published pipeline.
///
/// # Errors
/// Those of the database.
pub fn template(connection: &Connection, pipeline: Uuid) -> Result<Option<Template>> {
    let query = "SELECT template_json FROM published WHERE id = ?";
    let mut statement = connection.prepare_cached(query)?;
    let text: Option<String> = statement
        .query_row([pipeline.as_bytes()], |row| row.get(0))
        .optional()?;
    text.map(|text| columns::from_json("template", &text))
        .transpose()
}

/// Published pipelines, newest first.
///
/// # Errors
/// Those of the database.
pub fn list(
    connection: &Connection,
    active_only: bool,
    before: Option<i64>,
    limit: usize,
) -> Result<Vec<Published>> {
    let query = format!(
        "{SELECT} WHERE (?1 OR active) AND (?2 IS NULL OR seq < ?2) ORDER BY seq DESC LIMIT ?3"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(&query)?;
    let values = params![!active_only, before, limit];
    let rows = statement.query_map(values, |row| Ok(read(row)))?;
    rows.map(|row| row?).collect()
}

/// Lets a pipeline be started, or not; gives whether there is one.
///
/// # Errors
/// Those of the database.
pub fn set_active(
    connection: &Connection,
    pipeline: Uuid,
    active: bool,
    at: Timestamp,
) -> Result<bool> {
    let update = "UPDATE published SET active = ?, changed_ms = ? WHERE id = ?";
    let values = params![active, at.as_millis(), pipeline.as_bytes()];
    Ok(connection.prepare_cached(update)?.execute(values)? > 0)
}

/// The runs of a published pipeline, newest first.
///
/// # Errors
/// Those of the database.
pub fn runs_of(
    connection: &Connection,
    pipeline: Uuid,
    before: Option<i64>,
    limit: usize,
) -> Result<Vec<runs::Record>> {
    let filter = runs::Filter {
        published: Some(pipeline),
        after: before,
        ..runs::Filter::default()
    };
    runs::list(connection, &filter, limit)
}

/// All that must live because a published pipeline or a draft names it.
///
/// # Errors
/// Those of the database.
pub fn needed(connection: &Connection) -> Result<References> {
    let query = "SELECT needs_json FROM published UNION ALL SELECT needs_json FROM drafts";
    let mut statement = connection.prepare_cached(query)?;
    let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
    let mut needs = References::default();
    for text in rows {
        needs.extend(columns::from_json("needs of a pipeline", &text?)?);
    }
    Ok(needs)
}

fn read(row: &Row<'_>) -> Result<Published> {
    Ok(Published {
        seq: row.get(0)?,
        id: Uuid::from_bytes(row.get(1)?),
        name: row.get(2)?,
        description: row.get(3)?,
        version: row.get(4)?,
        active: row.get(5)?,
        continue_on_failure: row.get(6)?,
        steps: row.get(7)?,
        run: row.get::<_, Option<_>>(8)?.map(columns::run_id),
        user: row.get(9)?,
        created: Timestamp::from_millis(row.get(10)?),
        changed: Timestamp::from_millis(row.get(11)?),
        parameters: columns::from_json("parameters", &row.get::<_, String>(12)?)?,
    })
}
