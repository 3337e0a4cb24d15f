//! What the database knows of what takes room: who refers to which, and what was removed.
//!
//! It decides nothing. A table that is not known here may hold references: every digest and path
//! that stands anywhere in its texts counts as one, so a table that is new keeps what it names.

use std::collections::{BTreeSet, HashSet};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};
use stepwell_model::{DatasetDefinition, Graph, RunId, Timestamp};

use crate::columns::{self, id};
use crate::runs::OutputPlace;
use crate::{Result, datasets, journal, published};

/// The tables whose references are read one by one, or which have none: what callers did is history
/// and keeps nothing.
const KNOWN: [&str; 16] = [
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
    "tokens",
    "audit",
    "run_tags",
    "run_parameters",
    "latest_metrics",
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
    /// The run that is reused: its log, metrics and outputs are this one's.
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
    /// What the runs that are not over were asked to do.
    pub active: Vec<Graph>,
    /// What is referred to by others than runs.
    pub references: References,
    /// The `seq` of the newest run.
    last: i64,
}

/// What is referred to by others than runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    /// The definitions of datasets that are registered or that a model, a published pipeline, a
    /// draft or a schedule names by their ids.
    pub datasets: Vec<DatasetDefinition>,
    /// Places that published pipelines and drafts read, as `datastore/path`.
    pub places: BTreeSet<String>,
    /// The digests of the snapshots of models.
    pub models: Vec<String>,
    /// Digests, ids and names of views in tables that are not known.
    pub mentions: HashSet<String>,
}

/// Reads everything. Its cost grows with the number of runs: it is for a reader, not the writer.
///
/// # Errors
/// Those of the database.
pub fn facts(connection: &Connection) -> Result<Facts> {
    let mut facts = Facts {
        references: references(connection)?,
        ..Facts::default()
    };
    facts.add_runs(connection)?;
    Ok(facts)
}

impl Facts {
    /// Brings facts that were read before up to date, as far as they could keep more than before:
    /// newer runs, and references by others. Runs that were active then count as active still.
    /// Gives whether there is anything new. Its cost grows with what is new, not with all runs.
    ///
    /// # Errors
    /// Those of the database.
    pub fn refresh(&mut self, connection: &Connection) -> Result<bool> {
        let references = references(connection)?;
        let changed = references != self.references;
        self.references = references;
        Ok(self.add_runs(connection)? || changed)
    }

    /// Adds the runs after the last known one; gives whether there are any.
    fn add_runs(&mut self, connection: &Connection) -> Result<bool> {
        let (runs, last) = run_facts(connection, self.last)?;
        let mut statement = connection.prepare(
            "SELECT reuse.run FROM reuse JOIN runs ON runs.id = reuse.run WHERE runs.seq > ?",
        )?;
        let reusable = statement.query_map([self.last], |row| row.get(0))?;
        for run in reusable {
            self.reusable.insert(columns::run_id(run?));
        }
        for run in runs.iter().filter(|run| !run.over) {
            let graph = journal::find_graph(connection, run.id)?;
            self.active.extend(graph.map(|(_, graph)| graph));
        }
        let any = !runs.is_empty();
        self.runs.extend(runs);
        self.last = last;
        Ok(any)
    }
}

fn references(connection: &Connection) -> Result<References> {
    let texts = |query: &str| -> Result<Vec<String>> {
        let mut statement = connection.prepare(query)?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    };
    let needs = published::needed(connection)?;
    let registered = texts("SELECT definition_json FROM datasets WHERE name IS NOT NULL")?;
    let mut datasets: Vec<_> = registered
        .into_iter()
        .map(DatasetDefinition::stored)
        .collect();
    let mut naming = texts("SELECT datasets_json || samples_json FROM models")?;
    naming.extend(texts("SELECT submission_json FROM schedules")?);
    let words = naming.iter().flat_map(|text| words_in(text));
    let named: BTreeSet<&str> = words
        .chain(needs.datasets.iter().map(String::as_str))
        .collect();
    for dataset in named.into_iter().filter_map(|text| text.parse().ok()) {
        let found = datasets::find(connection, dataset)?;
        datasets.extend(found.map(|dataset| dataset.definition));
    }
    Ok(References {
        datasets,
        places: needs.places,
        models: texts("SELECT snapshot FROM models")?,
        mentions: mentions(connection)?,
    })
}

/// The runs after a `seq`, and the `seq` of the last of them.
fn run_facts(connection: &Connection, after: i64) -> Result<(Vec<RunFacts>, i64)> {
    let query = "SELECT id, root, status, coalesce(ended_ms, created_ms), snapshot, outputs_json,
        reused_from, pruned_ms IS NOT NULL, seq FROM runs WHERE seq > ? ORDER BY seq";
    let mut statement = connection.prepare(query)?;
    let mut rows = statement.query([after])?;
    let (mut runs, mut last) = (Vec::new(), after);
    while let Some(row) = rows.next()? {
        last = row.get(8)?;
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
    Ok((runs, last))
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
