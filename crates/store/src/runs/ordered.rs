//! Runs of several experiments in an order of the asker's, a part at a time.
//!
//! Unlike [`super::list`] it sorts all that fit before it gives the first: an order by a metric has
//! no index.

use rusqlite::{Connection, ToSql};
use stepwell_model::{Field, RunQuery};
use uuid::Uuid;

use super::{Record, SELECT, read};
use crate::{Result, search};

/// What runs are sorted by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The field; runs without it come last.
    pub field: Field,
    /// Whether the largest comes first.
    pub descending: bool,
}

/// Which runs, and in what order.
#[derive(Debug, Clone, Default)]
pub struct Ordered {
    /// Of one of these experiments.
    pub experiments: Vec<Uuid>,
    /// That fit this query.
    pub query: Option<RunQuery>,
    /// Sorted by these, then the newest first.
    pub order: Vec<Order>,
}

/// The runs after the first `offset`, at most `limit`.
///
/// # Errors
/// Those of the database.
pub fn list_ordered(
    connection: &Connection,
    wanted: &Ordered,
    offset: u64,
    limit: usize,
) -> Result<Vec<Record>> {
    let mut values: Vec<Box<dyn ToSql>> = Vec::new();
    for experiment in &wanted.experiments {
        values.push(Box::new(*experiment.as_bytes()));
    }
    let marks = vec!["?"; wanted.experiments.len()].join(", ");
    let mut query = format!("{SELECT} WHERE r.experiment IN ({marks})");
    if let Some(condition) = &wanted.query {
        query.push_str(" AND ");
        query.push_str(&search::condition(condition, &mut values));
    }
    query.push_str(" ORDER BY ");
    for Order { field, descending } in &wanted.order {
        let direction = if *descending { "DESC" } else { "ASC" };
        let by = search::sorted_by(field, &mut values);
        query.push_str(&format!("{by} {direction} NULLS LAST, "));
        if let Field::Metric(name) = field {
            values.push(Box::new(name.clone()));
            // NaN stands after the numbers, and before the runs that have no value.
            query.push_str(
                "(SELECT is_nan FROM latest_metrics WHERE run = r.seq AND name = ?) DESC NULLS LAST, ",
            );
        }
    }
    query.push_str("r.seq DESC LIMIT ? OFFSET ?");
    values.push(Box::new(i64::try_from(limit).unwrap_or(i64::MAX)));
    values.push(Box::new(i64::try_from(offset).unwrap_or(i64::MAX)));
    let mut statement = connection.prepare(&query)?;
    let rows = statement.query_map(rusqlite::params_from_iter(values), |row| Ok(read(row)))?;
    rows.map(|row| row?).collect()
}
