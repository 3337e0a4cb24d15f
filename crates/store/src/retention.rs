//! What the database knows of things that take room: who refers to which, and what was removed.
//!
//! It decides nothing. A table that is not known here may hold references: every digest and path
//! that stands anywhere in its texts counts as one, so a table that is new keeps what it names.

use std::collections::HashSet;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};
use stepwell_model::{Graph, RunId, Timestamp};

use crate::columns::{self, id};
use crate::runs::OutputPlace;
use crate::{Result, datasets, journal, published};

/// The tables whose references are read one by one, or which have none.
const KNOWN: [&str; 11] = [
    "meta",
    "experiments",
    "runs",
    "graphs",
    "journal",
    "metrics",
    "models",
    "versions",
    "environments",
    "reuse",
    "datasets",
];

/// A run, as far as room is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFacts {
    /// Its id.
    pub id: RunId,
    /// The run at the top of its tree.
    pub root: RunId,
    /// Whether it is over.
    pub over: bool,
    /// When it ended, or was made.
    pub used: Timestamp,
    /// The digest of its snapshot.
    pub snapshot: Option<String>,
    /// Where its outputs are.
    pub outputs: Vec<OutputPlace>,
    /// The run whose log, metrics and outputs stand in for its own.
    pub reused_from: Option<RunId>,
    /// Whether its files were removed.
    pub pruned: bool,
}

/// Everything that refers to something that takes room.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Every run.
    pub runs: Vec<RunFacts>,
    /// The runs of the steps that may be reused.
    pub reusable: HashSet<RunId>,
    /// The definitions, as JSON, of datasets that are registered or that a model, a published
    /// pipeline, a draft or a schedule names by their ids.
    pub datasets: Vec<String>,
    /// Places that published pipelines and drafts read, as `datastore/path`.
    pub places: Vec<String>,
    /// The digests of the snapshots of models.
    pub models: Vec<String>,
    /// What the runs that are not over were asked to do.
    pub active: Vec<Graph>,
    /// Digests, ids and names of views in tables that are not known.
    pub mentions: HashSet<String>,
}

/// Reads everything.
///
/// # Errors
/// Those of the database.
pub fn facts(connection: &Connection) -> Result<Facts> {
    let runs = run_facts(connection)?;
    let texts = |query: &str| -> Result<Vec<String>> {
        let mut statement = connection.prepare(query)?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    };
    let mut statement = connection.prepare("SELECT run FROM reuse")?;
    let reusable = statement.query_map([], |row| row.get(0))?;
    let reusable = reusable.map(|run| run.map(columns::run_id));
    let reusable = reusable.collect::<Result<_, _>>()?;
    let mut active = Vec::new();
    for run in runs.iter().filter(|run| !run.over) {
        let graph = journal::find_graph(connection, run.id)?;
        active.extend(graph.map(|(_, graph)| graph));
    }
    let needs = published::needed(connection)?;
    let mut datasets = texts("SELECT definition_json FROM datasets WHERE name IS NOT NULL")?;
    let mut naming = texts("SELECT datasets_json || samples_json FROM models")?;
    naming.extend(texts("SELECT submission_json FROM schedules")?);
    let mut named = needs.datasets;
    named.extend(
        naming
            .iter()
            .flat_map(|text| words_in(text))
            .map(str::to_owned),
    );
    for dataset in named.iter().filter_map(|text| text.parse().ok()) {
        let found = datasets::find(connection, dataset)?;
        datasets.extend(found.map(|dataset| dataset.definition_json));
    }
    Ok(Facts {
        reusable,
        datasets,
        places: needs.places.into_iter().collect(),
        models: texts("SELECT snapshot FROM models")?,
        active,
        mentions: mentions(connection)?,
        runs,
    })
}

fn run_facts(connection: &Connection) -> Result<Vec<RunFacts>> {
    let query = "SELECT id, root, status, coalesce(ended_ms, created_ms), snapshot, outputs_json,
        reused_from, pruned_ms IS NOT NULL FROM runs";
    let mut statement = connection.prepare(query)?;
    let mut rows = statement.query([])?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        let outputs: String = row.get(5)?;
        runs.push(RunFacts {
            id: columns::run_id(row.get(0)?),
            root: columns::run_id(row.get(1)?),
            over: columns::status(&row.get::<_, String>(2)?)?.is_terminal(),
            used: Timestamp::from_millis(row.get(3)?),
            snapshot: row.get(4)?,
            outputs: columns::from_json("run's outputs", &outputs)?,
            reused_from: row.get::<_, Option<_>>(6)?.map(columns::run_id),
            pruned: row.get(7)?,
        });
    }
    Ok(runs)
}

/// What the tables that are not known refer to.
fn mentions(connection: &Connection) -> Result<HashSet<String>> {
    let query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let mut statement = connection.prepare(query)?;
    let tables = statement.query_map([], |row| row.get::<_, String>(0))?;
    let mut found = HashSet::new();
    for table in tables {
        let table = table?;
        if KNOWN.contains(&table.as_str()) {
            continue;
        }
        let quoted = table.replace('"', "\"\"");
        let mut statement = connection.prepare(&format!("SELECT * FROM \"{quoted}\""))?;
        let width = statement.column_count();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            for column in 0..width {
                match row.get_ref(column)? {
                    ValueRef::Text(text) => names_in(&String::from_utf8_lossy(text), &mut found),
                    ValueRef::Blob(bytes) => found.extend(name_of(bytes)),
                    _ => {}
                }
            }
        }
    }
    Ok(found)
}

/// The words of a text that could be ids.
fn words_in(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_ascii_hexdigit() && c != '-');
    words.filter(|word| word.len() == 36)
}

/// Adds what a text refers to: every digest, and every id and name of a view that is part of a path.
/// An id by itself is history, and needs nothing of the run's files.
pub fn names_in(text: &str, found: &mut HashSet<String>) {
    let part = |c: char| c.is_ascii_hexdigit() || c == '-';
    let mut rest = 0;
    while let Some(start) = text[rest..].find(part).map(|start| rest + start) {
        let length = text[start..].find(|c| !part(c));
        let end = length.map_or(text.len(), |length| start + length);
        let in_path = text[..start].ends_with('/') || text[end..].starts_with('/');
        let word = &text[start..end];
        if word.len() == 64 || in_path && matches!(word.len(), 32 | 36) {
            found.insert(word.to_ascii_lowercase());
        }
        rest = end;
    }
}

/// The digest that some bytes are.
fn name_of(bytes: &[u8]) -> Option<String> {
    let bytes = <[u8; 32]>::try_from(bytes).ok()?;
    Some(stepwell_model::Digest::new(bytes).to_string())
}

/// Notes that the files and outputs of runs are removed; steps of them may not be reused any more.
/// It comes before the removal, so that nothing refers to what is half removed.
///
/// # Errors
/// Those of the database.
pub fn mark_pruned(connection: &Connection, runs: &[RunId], at: Timestamp) -> Result<()> {
    let mut mark = connection.prepare("UPDATE runs SET pruned_ms = ? WHERE id = ?")?;
    let mut forget = connection.prepare("DELETE FROM reuse WHERE run = ?")?;
    for run in runs {
        mark.execute(params![at.as_millis(), id(*run)])?;
        forget.execute([id(*run)])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_digests_are_found_wherever_they_stand() {
        let digest = "ab".repeat(32);
        let run = "0192f5c4-1111-7222-8333-444455556666";
        let view = "cd".repeat(16);
        let other = "0192f5c4-1111-7222-8333-444455557777";
        let text = format!(
            r#"{{"snapshot":"{digest}","p":"azureml/{run}/x/.views/{view}/a","fired":"{other}"}}"#
        );
        let mut found = HashSet::new();
        names_in(&text, &mut found);
        assert_eq!(found, HashSet::from([digest, run.to_owned(), view]));
    }
}
