//! Which step's outputs may be reused by which, and why each step ran or did not.
//!
//! Keys and explanations are the engine's; here they are bytes and JSON.

use rusqlite::{Connection, OptionalExtension, Row, params};
use stepwell_model::{Digest, RunId, Timestamp};

use crate::columns::{self, id};
use crate::runs::OutputPlace;
use crate::{Result, runs};

/// A step that ran well, and what it may be reused by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reusable {
    /// The run of the step.
    pub run: RunId,
    /// What its key is made of, as JSON.
    pub parts_json: String,
    /// What its outputs looked like when it ended, as JSON.
    pub outputs_json: String,
    /// When it ended.
    pub at: Timestamp,
}

const SELECT: &str = "SELECT run, parts_json, outputs_json, at_ms FROM reuse";

/// The newest step of a key.
///
/// # Errors
/// Those of the database.
pub fn find(connection: &Connection, key: &Digest) -> Result<Option<Reusable>> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE key = ?"))?;
    Ok(statement.query_row([key.as_bytes()], read).optional()?)
}

/// The newest step of a name: what a step that misses is compared with.
///
/// # Errors
/// Those of the database.
pub fn newest_of(connection: &Connection, step: &str) -> Result<Option<Reusable>> {
    let query = format!("{SELECT} WHERE step = ? ORDER BY at_ms DESC LIMIT 1");
    let mut statement = connection.prepare_cached(&query)?;
    Ok(statement.query_row([step], read).optional()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Reusable> {
    Ok(Reusable {
        run: columns::run_id(row.get(0)?),
        parts_json: row.get(1)?,
        outputs_json: row.get(2)?,
        at: Timestamp::from_millis(row.get(3)?),
    })
}

/// Remembers a step that ran well, in place of an earlier one of its key.
///
/// # Errors
/// Those of the database.
pub fn remember(
    connection: &Connection,
    key: &Digest,
    step: &str,
    reusable: &Reusable,
) -> Result<()> {
    let upsert = "INSERT INTO reuse (key, run, step, parts_json, outputs_json, at_ms)
        VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET run = excluded.run,
        step = excluded.step, parts_json = excluded.parts_json,
        outputs_json = excluded.outputs_json, at_ms = excluded.at_ms";
    connection.prepare_cached(upsert)?.execute(params![
        key.as_bytes(),
        id(reusable.run),
        step,
        reusable.parts_json,
        reusable.outputs_json,
        reusable.at.as_millis(),
    ])?;
    Ok(())
}

/// Writes down why a step runs or does not, as JSON.
///
/// # Errors
/// Those of the database.
pub fn explain(connection: &Connection, step_run: RunId, explanation_json: &str) -> Result<()> {
    let update = "UPDATE runs SET reuse_json = ? WHERE id = ?";
    connection
        .prepare_cached(update)?
        .execute(params![explanation_json, id(step_run)])?;
    Ok(())
}

/// Why a step ran or did not, as JSON; `None` when it was never in question.
///
/// # Errors
/// Those of the database.
pub fn explanation(connection: &Connection, step_run: RunId) -> Result<Option<String>> {
    let query = "SELECT reuse_json FROM runs WHERE id = ?";
    let mut statement = connection.prepare_cached(query)?;
    Ok(statement
        .query_row([id(step_run)], |row| row.get(0))
        .optional()?
        .flatten())
}

/// Shows a step as done by an earlier one: its outputs are that one's.
pub(crate) fn project(
    connection: &Connection,
    step_run: RunId,
    source: RunId,
    at: Timestamp,
) -> Result<()> {
    let Some(original) = runs::find(connection, source)? else {
        return Ok(());
    };
    rename_pipeline_outputs(connection, step_run, &original.outputs)?;
    // What its script said of itself comes along: tags and properties, under those of this run.
    let update = "UPDATE runs SET status = 'Completed', reused_from = ?1, started_ms = ?2,
        ended_ms = ?2, outputs_json = ?3, usage_json = ?4, tags_json = json_patch(?8, tags_json),
        properties_json = json_set(json_patch(?9, properties_json),
        '$.\"azureml.reusedrunid\"', ?5,
        '$.\"azureml.reusedpipelinerunid\"', ?6, '$.\"azureml.isreused\"', 'true') WHERE id = ?7";
    connection.prepare_cached(update)?.execute(params![
        id(source),
        at.as_millis(),
        columns::json("run's outputs", &original.outputs)?,
        original
            .usage
            .map(|usage| columns::json("usage", &usage))
            .transpose()?,
        source.to_string(),
        original.parent.unwrap_or(original.root).to_string(),
        id(step_run),
        columns::json("run's tags", &original.tags)?,
        columns::json("run's properties", &original.properties)?,
    ])?;
    Ok(())
}

/// What the pipeline names as its own output is where the earlier step has put it.
fn rename_pipeline_outputs(
    connection: &Connection,
    step_run: RunId,
    originals: &[OutputPlace],
) -> Result<()> {
    let query = "SELECT p.id, p.outputs_json, s.outputs_json FROM runs s JOIN runs p
        ON p.id = s.parent WHERE s.id = ? AND p.outputs_json <> '[]'";
    let mut statement = connection.prepare_cached(query)?;
    let read = |row: &Row<'_>| {
        Ok((
            row.get::<_, [u8; 16]>(0)?,
            row.get::<_, String>(1)?,
            row.get::<_, String>(2)?,
        ))
    };
    let Some((pipeline, named, own)) = statement.query_row([id(step_run)], read).optional()? else {
        return Ok(());
    };
    let mut named: Vec<OutputPlace> = columns::from_json("run's outputs", &named)?;
    let own: Vec<OutputPlace> = columns::from_json("run's outputs", &own)?;
    for output in named.iter_mut().filter(|output| output.run == step_run) {
        let port = own.iter().find(|port| port.path == output.path);
        let original = port.and_then(|port| originals.iter().find(|each| each.name == port.name));
        if let Some(original) = original {
            let name = std::mem::take(&mut output.name);
            *output = OutputPlace {
                name,
                ..original.clone()
            };
        }
    }
    let update = "UPDATE runs SET outputs_json = ? WHERE id = ?";
    let text = columns::json("run's outputs", &named)?;
    connection
        .prepare_cached(update)?
        .execute(params![text, pipeline])?;
    Ok(())
}
