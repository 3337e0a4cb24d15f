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
