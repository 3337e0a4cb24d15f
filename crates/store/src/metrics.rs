//! Metrics: points in the order they were logged, each known by its writer and number.

use rusqlite::{Connection, Row, ToSql, params};
use stepwell_model::{RunId, Timestamp};

use crate::columns::{id, run_id};
use crate::{Result, runs, search};

/// One point.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The metric's name.
    pub name: String,
    /// How to read the value: `scalar`, `list`, `row`, `table`, `image`, `json`.
    pub kind: String,
    /// The value as JSON.
    pub value_json: String,
    /// The step of training.
    pub step: Option<i64>,
    /// When it was logged.
    pub at: Timestamp,
    /// A description for people.
    pub description: String,
}

impl Point {
    /// The number that it is, if it is one: also an infinity, or NaN.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        if self.kind != "scalar" {
            return None;
        }
        match self.value_json.as_str() {
            r#""NaN""# => Some(f64::NAN),
            r#""Infinity""# => Some(f64::INFINITY),
            r#""-Infinity""# => Some(f64::NEG_INFINITY),
            text => serde_json::from_str(text).ok(),
        }
    }
}

/// The number of a name that a run has logged last.
#[derive(Debug, Clone, PartialEq)]
pub struct Latest {
    /// The metric's name.
    pub name: String,
    /// The number; it may be infinite, or NaN.
    pub value: f64,
    /// The step of training.
    pub step: Option<i64>,
    /// When it was logged.
    pub at: Timestamp,
}

/// Adds points; those that were added before, by writer and number, are left as they are. Gives
/// how many were new.
///
/// # Errors
/// Those of the database.
pub fn add(
    connection: &Connection,
    run: RunId,
    writer: &str,
    first: u64,
    points: &[Point],
) -> Result<usize> {
    let numbers = (0_u64..).map(|place| first.saturating_add(place));
    add_numbered(connection, run, writer, numbers.zip(points))
}

/// The same for points each of which has a number of its own.
///
/// # Errors
/// Those of the database.
pub fn add_numbered<'a, N: ToSql>(
    connection: &Connection,
    run: RunId,
    writer: &str,
    points: impl Iterator<Item = (N, &'a Point)>,
) -> Result<usize> {
    let insert = "INSERT INTO metrics (run, writer, number, name, kind, value_json, step, at_ms,
        description) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
    let mut statement = connection.prepare_cached(insert)?;
    let seq = runs::seq_of(connection, run)?;
    let mut new = 0;
    for (number, point) in points {
        let added = statement.execute(params![
            id(run),
            writer,
            number,
            point.name,
            point.kind,
            point.value_json,
            point.step,
            point.at.as_millis(),
            point.description,
        ])?;
        if let Some(seq) = seq
            && added > 0
        {
            search::put_latest(connection, seq, point)?;
        }
        new += added;
    }
    Ok(new)
}

/// The points of a run, of one name or of all, in the order they were logged.
///
/// # Errors
/// Those of the database.
pub fn list(connection: &Connection, run: RunId, name: Option<&str>) -> Result<Vec<Point>> {
    let query = "SELECT name, kind, value_json, step, at_ms, description FROM metrics
                 WHERE run = ?1 AND (?2 IS NULL OR name = ?2) ORDER BY seq";
    let mut statement = connection.prepare_cached(query)?;
    let rows = statement.query_map(params![id(run), name], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The numbers that a run has logged last, sorted by name.
///
/// # Errors
/// Those of the database.
pub fn latest(connection: &Connection, run: RunId) -> Result<Vec<Latest>> {
    let query = "SELECT name, value, step, at_ms, is_nan FROM latest_metrics
                 WHERE run = (SELECT seq FROM runs WHERE id = ?) ORDER BY name";
    let mut statement = connection.prepare_cached(query)?;
    let rows = statement.query_map([id(run)], |row| {
        let value = match row.get(4)? {
            true => f64::NAN,
            false => row.get(1)?,
        };
        Ok(Latest {
            name: row.get(0)?,
            value,
            step: row.get(2)?,
            at: Timestamp::from_millis(row.get(3)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The largest, or the smallest, number that each child of a run has logged under a name.
///
/// # Errors
/// Those of the database.
pub fn extremes(
    connection: &Connection,
    parent: RunId,
    name: &str,
    largest: bool,
) -> Result<Vec<(RunId, f64)>> {
    let extreme = if largest { "max" } else { "min" };
    // What is no number, such as `"NaN"`, is kept as a text of JSON.
    let query = format!(
        "SELECT r.id, {extreme}(CAST(m.value_json AS REAL)) FROM runs r JOIN metrics m ON m.run = r.id
         WHERE r.parent = ? AND m.name = ? AND m.kind = 'scalar' AND m.value_json GLOB '[-0-9]*'
         GROUP BY r.id"
    );
    let mut statement = connection.prepare_cached(&query)?;
    let rows = statement.query_map(params![id(parent), name], |row| {
        Ok((run_id(row.get(0)?), row.get(1)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Point> {
    Ok(Point {
        name: row.get(0)?,
        kind: row.get(1)?,
        value_json: row.get(2)?,
        step: row.get(3)?,
        at: Timestamp::from_millis(row.get(4)?),
        description: row.get(5)?,
    })
}
