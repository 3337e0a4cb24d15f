//! What people change of a run, and how a program ends one that it opened itself.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};
use stepwell_model::{RunId, RunKind, RunStatus, Timestamp};

use super::{Record, StoredFailure, find};
use crate::columns::{self, id};
use crate::{Error, Result, search};

/// What to change of a run that its status does not depend on.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// A new name.
    pub display_name: Option<String>,
    /// A new description.
    pub description: Option<String>,
    /// Tags to set.
    pub set_tags: BTreeMap<String, String>,
    /// Tags to remove.
    pub remove_tags: Vec<String>,
    /// Properties to add.
    pub add_properties: BTreeMap<String, String>,
}

/// Changes a run; gives it as it is now, or `None` when there is no such run.
///
/// # Errors
/// [`Error::Conflict`] when a property exists with another value; those of the database.
pub fn change(connection: &Connection, run: RunId, change: Change) -> Result<Option<Record>> {
    let Some(mut record) = find(connection, run)? else {
        return Ok(None);
    };
    record.display_name = change.display_name.unwrap_or(record.display_name);
    record.description = change.description.unwrap_or(record.description);
    record
        .tags
        .retain(|name, _| !change.remove_tags.contains(name));
    record.tags.extend(change.set_tags);
    for (name, value) in change.add_properties {
        match record.properties.get(&name) {
            Some(old) if *old != value => {
                return Err(Error::Conflict(format!(
                    "property `{name}` of run {run} is `{old}` and cannot become `{value}`"
                )));
            }
            _ => record.properties.insert(name, value),
        };
    }
    let update = "UPDATE runs SET display_name = ?, description = ?, tags_json = ?,
                  properties_json = ? WHERE id = ?";
    connection.prepare_cached(update)?.execute(params![
        record.display_name,
        record.description,
        columns::json("run's tags", &record.tags)?,
        columns::json("run's properties", &record.properties)?,
        id(run),
    ])?;
    search::put_tags(connection, record.seq, &record.tags)?;
    Ok(Some(record))
}

/// Adds parameters to a run, all or none. Gives the name and value of one that has another value
/// already: then nothing is added.
///
/// # Errors
/// Those of the database.
pub fn add_parameters(
    connection: &Connection,
    record: &Record,
    added: &BTreeMap<String, String>,
) -> Result<Option<(String, String)>> {
    for (name, value) in added {
        if let Some(old) = record.parameters.get(name).filter(|old| *old != value) {
            return Ok(Some((name.clone(), old.clone())));
        }
    }
    let mut all = record.parameters.clone();
    all.extend(added.clone());
    let update = "UPDATE runs SET parameters_json = ? WHERE id = ?";
    let text = columns::json("run's parameters", &all)?;
    connection
        .prepare_cached(update)?
        .execute(params![text, id(record.id)])?;
    search::add_parameters(connection, record.seq, added)?;
    Ok(None)
}

/// Ends an interactive run; gives whether it was open.
///
/// # Errors
/// [`Error::Conflict`] when the run is one that the engine ends itself; those of the database.
pub fn end(
    connection: &Connection,
    run: RunId,
    status: RunStatus,
    failure: Option<&StoredFailure>,
    now: Timestamp,
) -> Result<bool> {
    let Some(record) = find(connection, run)? else {
        return Ok(false);
    };
    if record.kind != RunKind::Interactive {
        let kind = record.kind.as_str();
        return Err(Error::Conflict(format!(
            "run {run} is a {kind} run, which ends by itself"
        )));
    }
    let failure = failure
        .map(|failure| columns::json("failure", failure))
        .transpose()?;
    let update = "UPDATE runs SET status = ?, failure_json = ?, ended_ms = ?
                  WHERE id = ? AND ended_ms IS NULL";
    let values = params![status.as_str(), failure, now.as_millis(), id(run)];
    Ok(connection.prepare_cached(update)?.execute(values)? > 0)
}
