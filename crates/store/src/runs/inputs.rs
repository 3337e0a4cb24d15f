//! The datasets that runs say they have read, as MLflow describes them.

use rusqlite::{Connection, params};
use stepwell_model::RunId;

use crate::Result;
use crate::columns::id;

/// A dataset that a run has read. A run has each once, by its name and digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunInput {
    /// The dataset's name.
    pub name: String,
    /// What tells its contents apart, as the client has computed it.
    pub digest: String,
    /// The whole description, as JSON.
    pub input_json: String,
}

/// Adds datasets to a run; one of the same name and digest is replaced.
///
/// # Errors
/// Those of the database.
pub fn add_inputs(connection: &Connection, run: RunId, inputs: &[RunInput]) -> Result<()> {
    let insert = "INSERT OR REPLACE INTO run_inputs (run, name, digest, input_json)
                  VALUES (?, ?, ?, ?)";
    let mut statement = connection.prepare_cached(insert)?;
    for input in inputs {
        statement.execute(params![id(run), input.name, input.digest, input.input_json])?;
    }
    Ok(())
}

/// The datasets of a run, sorted by name.
///
/// # Errors
/// Those of the database.
pub fn inputs(connection: &Connection, run: RunId) -> Result<Vec<RunInput>> {
    let query = "SELECT name, digest, input_json FROM run_inputs WHERE run = ?
                 ORDER BY name, digest";
    let mut statement = connection.prepare_cached(query)?;
    let rows = statement.query_map([id(run)], |row| {
        Ok(RunInput {
            name: row.get(0)?,
            digest: row.get(1)?,
            input_json: row.get(2)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
