//! Drafts: pipelines that are kept to be changed, run and published.
//!
//! A draft's values are the defaults of its template's parameters.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use stepwell_model::{Parameter, RunId, Template, Timestamp};
use uuid::Uuid;

use crate::columns::{self, id};
use crate::published::References;
use crate::{Error, Result};

/// A draft with its template.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Its place in the order in which they were made; the cursor of lists.
    pub seq: i64,
    /// Its id.
    pub id: Uuid,
    /// A name for people.
    pub name: String,
    /// A description for people.
    pub description: String,
    /// The experiment of its runs.
    pub experiment: String,
    /// Tags; its runs get them.
    pub tags: BTreeMap<String, String>,
    /// Properties; its runs get them.
    pub properties: BTreeMap<String, String>,
    /// The pipeline.
    pub template: Template,
    /// What it was made from.
    pub origin: Origin,
    /// The newest run of it.
    pub last_run: Option<RunId>,
    /// Who made it.
    pub user: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it last changed.
    pub changed: Timestamp,
}

impl Draft {
    /// Its parameters with their values.
    #[must_use]
    pub const fn parameters(&self) -> &BTreeMap<String, Parameter> {
        &self.template.parameters
    }
}

/// What a draft was made from, if not from a pipeline of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Origin {
    /// A published pipeline.
    pub pipeline: Option<Uuid>,
    /// A run.
    pub run: Option<RunId>,
    /// Another draft.
    pub draft: Option<Uuid>,
}

const SELECT: &str = "SELECT seq, id, name, description, experiment, tags_json, properties_json,
    template_json, of_pipeline, of_run, of_draft, last_run, user, created_ms, changed_ms
    FROM drafts";

/// Keeps a draft as it is given, new or changed.
///
/// # Errors
/// Those of the database.
pub fn save(connection: &Connection, draft: &Draft) -> Result<()> {
    let save = "INSERT INTO drafts (id, name, description, experiment, tags_json, properties_json,
        template_json, needs_json, of_pipeline, of_run, of_draft, last_run, user, created_ms,
        changed_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description,
        experiment = excluded.experiment, tags_json = excluded.tags_json,
        properties_json = excluded.properties_json, template_json = excluded.template_json,
        needs_json = excluded.needs_json, changed_ms = excluded.changed_ms";
    connection.prepare_cached(save)?.execute(params![
        draft.id.as_bytes(),
        draft.name,
        draft.description,
        draft.experiment,
        columns::json("draft's tags", &draft.tags)?,
        columns::json("draft's properties", &draft.properties)?,
        columns::json("template", &draft.template)?,
        columns::json("needs of a draft", &References::of(&draft.template))?,
        draft.origin.pipeline.as_ref().map(Uuid::as_bytes),
        draft.origin.run.map(id),
        draft.origin.draft.as_ref().map(Uuid::as_bytes),
        draft.last_run.map(id),
        draft.user,
        draft.created.as_millis(),
        draft.changed.as_millis(),
    ])?;
    Ok(())
}

/// The draft of that id.
///
/// # Errors
/// Those of the database.
pub fn find(connection: &Connection, draft: Uuid) -> Result<Option<Draft>> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE id = ?"))?;
    statement
        .query_row([draft.as_bytes()], |row| Ok(read(row)))
        .optional()?
        .transpose()
}

/// Drafts, newest first; with all of the given tags.
///
/// # Errors
/// Those of the database.
pub fn list(
    connection: &Connection,
    tags: &BTreeMap<String, String>,
    before: Option<i64>,
    limit: usize,
) -> Result<Vec<Draft>> {
    let query = format!("{SELECT} WHERE ?1 IS NULL OR seq < ?1 ORDER BY seq DESC");
    let mut statement = connection.prepare_cached(&query)?;
    let rows = statement.query_map(params![before], |row| Ok(read(row)))?;
    let has = |draft: &Draft| {
        let mut wanted = tags.iter();
        wanted.all(|(name, value)| draft.tags.get(name) == Some(value))
    };
    let fitting = rows
        .map(|row| row?)
        .filter(|row: &Result<Draft>| row.as_ref().map_or(true, has));
    fitting.take(limit).collect()
}

/// Remembers the newest run of a draft.
///
/// # Errors
/// Those of the database.
pub fn set_last_run(connection: &Connection, draft: Uuid, run: RunId) -> Result<()> {
    let update = "UPDATE drafts SET last_run = ? WHERE id = ?";
    let values = params![id(run), draft.as_bytes()];
    connection.prepare_cached(update)?.execute(values)?;
    Ok(())
}

/// Takes a draft away; gives whether there was one.
///
/// # Errors
/// Those of the database.
pub fn delete(connection: &Connection, draft: Uuid) -> Result<bool> {
    let delete = "DELETE FROM drafts WHERE id = ?";
    let deleted = connection
        .prepare_cached(delete)?
        .execute([draft.as_bytes()])?;
    Ok(deleted > 0)
}

fn read(row: &Row<'_>) -> Result<Draft, Error> {
    let text = |column: usize| row.get::<_, String>(column);
    let uuid = |column: usize| {
        let found: rusqlite::Result<Option<[u8; 16]>> = row.get(column);
        found.map(|found| found.map(Uuid::from_bytes))
    };
    Ok(Draft {
        seq: row.get(0)?,
        id: Uuid::from_bytes(row.get(1)?),
        name: text(2)?,
        description: text(3)?,
        experiment: text(4)?,
        tags: columns::from_json("draft's tags", &text(5)?)?,
        properties: columns::from_json("draft's properties", &text(6)?)?,
        template: columns::from_json("template", &text(7)?)?,
        origin: Origin {
            pipeline: uuid(8)?,
            run: uuid(9)?.map(RunId::new),
            draft: uuid(10)?,
        },
        last_run: uuid(11)?.map(RunId::new),
        user: text(12)?,
        created: Timestamp::from_millis(row.get(13)?),
        changed: Timestamp::from_millis(row.get(14)?),
    })
}
