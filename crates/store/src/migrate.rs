//! The format of the file: migrations in order, each applied once, in one transaction.

use camino::Utf8PathBuf;
use rusqlite::Connection;

use crate::{Error, Result};

/// Migration `n` takes the file from format `n` to `n + 1`. A released one is never changed.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_start.sql"),
    include_str!("migrations/0002_reuse.sql"),
    include_str!("migrations/0003_datasets.sql"),
    include_str!("migrations/0004_models.sql"),
    include_str!("migrations/0005_published.sql"),
    include_str!("migrations/0006_endpoints.sql"),
    include_str!("migrations/0007_datastores.sql"),
    include_str!("migrations/0008_retention.sql"),
    include_str!("migrations/0009_schedules.sql"),
    include_str!("migrations/0010_access.sql"),
    include_str!("migrations/0011_open_runs.sql"),
    include_str!("migrations/0012_modules.sql"),
    include_str!("migrations/0013_lists.sql"),
    include_str!("migrations/0014_search.sql"),
    include_str!("migrations/0015_waiting.sql"),
    include_str!("migrations/0016_top_level_ids.sql"),
    include_str!("migrations/0017_secrets.sql"),
    include_str!("migrations/0018_mlflow.sql"),
    include_str!("migrations/0019_registry.sql"),
];

/// Brings the file to the newest format.
pub(crate) fn migrate(connection: &mut Connection, path: &Utf8PathBuf) -> Result<()> {
    let at = |error| Error::at(error, path);
    let found: usize = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(at)?;
    if found > MIGRATIONS.len() {
        return Err(Error::TooNew {
            path: path.clone(),
            found,
            known: MIGRATIONS.len(),
        });
    }
    for (format, migration) in MIGRATIONS.iter().enumerate().skip(found) {
        let transaction = connection.transaction().map_err(at)?;
        transaction.execute_batch(migration).map_err(at)?;
        transaction
            .pragma_update(None, "user_version", format + 1)
            .map_err(at)?;
        transaction.commit().map_err(at)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first column of a query's rows, as text.
    fn column(connection: &Connection, query: &str) -> String {
        let mut statement = connection.prepare(query).expect("compiles");
        let rows = statement.query_map([], |row| row.get::<_, String>(0));
        let rows: Result<Vec<_>, _> = rows.expect("asked").collect();
        rows.expect("texts").join(" | ")
    }

    #[test]
    fn what_runs_are_searched_by_is_filled_for_those_there_are() {
        let before = MIGRATIONS
            .iter()
            .position(|migration| migration.contains("CREATE TABLE run_tags"))
            .expect("the migration");
        let mut connection = Connection::open_in_memory().expect("opened");
        for migration in &MIGRATIONS[..before] {
            connection.execute_batch(migration).expect("applied");
        }
        connection
            .pragma_update(None, "user_version", before)
            .expect("set");
        connection
            .execute_batch(
                r#"INSERT INTO experiments (id, name, created_ms) VALUES (x'09', 'e', 1);
                INSERT INTO runs (seq, id, kind, experiment, number, display_name, status, root,
                    tags_json, parameters_json, created_ms, ended_ms) VALUES
                    (1, x'01', 'interactive', x'09', 1, 'r', 'Failed', x'01', '{"owner":"ann"}',
                        '{"rate":"0.1"}', 5, 9),
                    (2, x'02', 'interactive', x'09', 2, 'r', 'Running', x'02', '{}', '{}', 6, NULL);
                INSERT INTO metrics (run, writer, number, name, kind, value_json, at_ms) VALUES
                    (x'01', 'w', 0, 'loss', 'scalar', '0.5', 10),
                    (x'01', 'w', 1, 'loss', 'scalar', '2', 20),
                    (x'01', 'w', 2, 'loss', 'scalar', '0.7', 15),
                    (x'01', 'w', 3, 'loss', 'list', '[1]', 30),
                    (x'01', 'w', 4, 'none', 'scalar', 'null', 30);"#,
            )
            .expect("inserted");
        migrate(&mut connection, &":memory:".into()).expect("migrated");
        let tags = "SELECT run || name || value FROM run_tags";
        assert_eq!(column(&connection, tags), "1ownerann");
        let parameters = "SELECT run || name || value FROM run_parameters";
        assert_eq!(column(&connection, parameters), "1rate0.1");
        let latest = "SELECT run || name || value || ' ' || at_ms FROM latest_metrics";
        assert_eq!(column(&connection, latest), "1loss2.0 20");
        let journal = "SELECT hex(run) || at_ms || event_json FROM journal ORDER BY seq";
        assert_eq!(
            column(&connection, journal),
            r#"015{"e":"began"} | 026{"e":"began"} | 019{"e":"finished","status":"Failed"}"#
        );
        let events = "SELECT event_json FROM journal ORDER BY seq DESC LIMIT 1";
        let event: stepwell_model::Event =
            serde_json::from_str(&column(&connection, events)).expect("an event");
        assert_eq!(
            event,
            stepwell_model::Event::Finished {
                status: stepwell_model::RunStatus::Failed
            }
        );
    }
}
