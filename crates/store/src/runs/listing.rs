//! Which runs are listed, and in what order.
//!
//! Invariant: a list reads no more rows than it answers; the tests hold the plans to that.

use rusqlite::{Connection, ToSql};
use stepwell_model::{RunId, RunKind, RunQuery, RunStatus};
use uuid::Uuid;

use super::{Record, SELECT, read};
use crate::columns::id;
use crate::{Result, search};

/// Which runs to list; what is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this experiment.
    pub experiment: Option<String>,
    /// Whose parent is this.
    pub parent: Option<RunId>,
    /// In the tree of this run, itself not.
    pub root: Option<RunId>,
    /// Of this kind.
    pub kind: Option<RunKind>,
    /// In this status.
    pub status: Option<RunStatus>,
    /// Of this published pipeline.
    pub published: Option<Uuid>,
    /// That fit this query.
    pub query: Option<RunQuery>,
    /// Only runs without a parent.
    pub top_level: bool,
    /// After this cursor.
    pub after: Option<i64>,
}

impl Filter {
    /// The query of [`list`] with the values of its parameters; the last one, the limit, is left
    /// to the caller.
    fn query(&self) -> (String, Vec<Box<dyn ToSql>>) {
        let is_selective = self.query.as_ref().is_some_and(search::is_selective);
        let newest_top_level = self.top_level
            && self.experiment.is_none()
            && self.published.is_none()
            && !is_selective;
        let mut query = match newest_top_level {
            // The planner takes the index of parents to be better, and sorts all it finds there.
            true => SELECT.replace("runs r JOIN", "runs r INDEXED BY runs_top_level JOIN"),
            false => SELECT.to_owned(),
        };
        query.push_str(" WHERE 1");
        let mut values: Vec<Box<dyn ToSql>> = Vec::new();
        let mut also = |condition: &str, value: Box<dyn ToSql>| {
            query.push_str(" AND ");
            query.push_str(condition);
            values.push(value);
        };
        if let Some(experiment) = &self.experiment {
            also("e.name = ?", Box::new(experiment.clone()));
        }
        if let Some(parent) = self.parent {
            also("r.parent = ?", Box::new(id(parent)));
        }
        if let Some(root) = self.root {
            also("r.root = ?", Box::new(id(root)));
            also("r.id <> ?", Box::new(id(root)));
        }
        if let Some(kind) = self.kind {
            also("r.kind = ?", Box::new(kind.as_str()));
        }
        if let Some(status) = self.status {
            also("r.status = ?", Box::new(status.as_str()));
        }
        if let Some(pipeline) = self.published {
            also("r.published = ?", Box::new(*pipeline.as_bytes()));
        }
        if let Some(after) = self.after {
            let condition = match self.is_ascending() {
                true => "r.seq > ?",
                false => "r.seq < ?",
            };
            also(condition, Box::new(after));
        }
        if let Some(wanted) = &self.query {
            query.push_str(" AND ");
            query.push_str(&search::condition(wanted, &mut values));
        }
        if self.top_level {
            query.push_str(match newest_top_level {
                true => " AND r.parent IS NULL",
                // Not by the index of parents, which leads to all of them.
                false => " AND +r.parent IS NULL",
            });
        }
        query.push_str(match self.is_ascending() {
            true => " ORDER BY r.seq LIMIT ?",
            false => " ORDER BY r.seq DESC LIMIT ?",
        });
        (query, values)
    }

    /// Children and trees are listed in the order they were made, all else newest first.
    fn is_ascending(&self) -> bool {
        self.parent.is_some() || self.root.is_some()
    }
}

/// Runs newest first; children of one parent, and trees, in the order they were made.
///
/// # Errors
/// Those of the database.
pub fn list(connection: &Connection, filter: &Filter, limit: usize) -> Result<Vec<Record>> {
    let (query, mut values) = filter.query();
    values.push(Box::new(i64::try_from(limit).unwrap_or(i64::MAX)));
    let mut statement = connection.prepare_cached(&query)?;
    let rows = statement.query_map(rusqlite::params_from_iter(values), |row| Ok(read(row)))?;
    rows.map(|row| row?).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::tests::plan;

    fn plan_of_list(filter: &Filter) -> String {
        plan(&filter.query().0)
    }

    #[test]
    fn lists_read_no_more_rows_than_they_answer() {
        let top_level = Filter {
            top_level: true,
            ..Filter::default()
        };
        let after = Filter {
            after: Some(9),
            status: Some(RunStatus::Failed),
            ..top_level.clone()
        };
        let of_experiment = Filter {
            experiment: Some("e".to_owned()),
            ..top_level.clone()
        };
        let tagged = Filter {
            query: RunQuery::parse("tags.a = b and status = Failed").ok(),
            ..top_level.clone()
        };
        for (filter, index) in [
            (tagged, "run_tags_by_value"),
            (top_level, "runs_top_level"),
            (after, "runs_top_level"),
            (of_experiment, "runs_by_experiment"),
        ] {
            let plan = plan_of_list(&filter);
            assert!(plan.contains(index), "{filter:?}: {plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{filter:?}: {plan}");
        }
    }
}
