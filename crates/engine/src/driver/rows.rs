//! Rows of a database as what a step reads: the program that copies them says what they are.
//!
//! It reads all of them, within a limit: a step whose source takes longer to read than that runs.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use stepwell_datastore::{Datastore, Entry, Error};
use stepwell_model::{Rows as Asked, Selection};
use stepwell_transfer::table::{self, TableEnd, TableRequest};
use stepwell_transfer::{End, Progress};

/// How long reading may take.
const LIMIT: Duration = Duration::from_secs(30);

/// How a text begins that says which rows are meant. No path of a file does: it has no line ends.
const MARK: &str = "rows\n";

/// Which rows of a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rows {
    table: String,
    select: Option<Selection>,
}

impl Rows {
    /// The rows as text.
    pub(super) fn text(table: &str, rows: Asked<'_>) -> String {
        let rows = Self {
            table: table.to_owned(),
            select: match rows {
                Asked::Table => None,
                Asked::Selected(select) => Some(select.clone()),
            },
        };
        let text = serde_json::to_string(&rows).unwrap_or_default();
        format!("{MARK}{text}")
    }

    /// The rows of a text; nothing for the path of a file.
    pub(super) fn of(text: &str) -> Option<Self> {
        serde_json::from_str(text.strip_prefix(MARK)?).ok()
    }

    /// What tells these rows from others, as if they were a file.
    ///
    /// # Errors
    /// When they cannot be read, or not within the limit.
    pub(super) async fn digest(
        &self,
        store: &std::sync::Arc<Datastore>,
    ) -> Result<Vec<Entry>, Error> {
        if matches!(self.select, Some(Selection::Procedure { .. })) {
            // It may change something.
            return Err(refused(
                store,
                "what a procedure gives is known when it has run",
            ));
        }
        let end = TableEnd::of(&End::on(std::sync::Arc::clone(store), &self.table))?;
        let request = TableRequest {
            source: end.clone(),
            destination: end,
            source_type: None,
            destination_type: None,
            format: None,
            select: self.select.clone(),
            mode: stepwell_model::WriteMode::default(),
            keys: Vec::new(),
            create: false,
            only_digest: true,
            state: None,
        };
        let progress = Progress::default();
        let asked = tokio::time::timeout(LIMIT, table::copy(&request, &progress)).await;
        match asked {
            Ok(Ok(outcome)) => Ok(vec![Entry {
                path: String::new(),
                size: outcome.rows,
                etag: outcome.digest.unwrap_or_default(),
                modified_ms: 0,
            }]),
            Ok(Err(error)) => Err(refused(store, &error.message)),
            Err(_) => {
                let seconds = LIMIT.as_secs();
                Err(refused(
                    store,
                    &format!("its rows cannot be read within {seconds} s"),
                ))
            }
        }
    }
}

fn refused(store: &Datastore, detail: &str) -> Error {
    Error::Refused {
        datastore: store.name().to_owned(),
        detail: detail.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_out_of_their_text_and_a_path_is_none() {
        let query = "SELECT 1".to_owned();
        let select = Selection::Query { query };
        let rows = Rows::of(&Rows::text("", Asked::Selected(&select)));
        assert_eq!(rows.and_then(|rows| rows.select), Some(select));
        let rows = Rows::of(&Rows::text("orders", Asked::Table)).expect("rows");
        assert_eq!((rows.table.as_str(), rows.select), ("orders", None));
        assert_eq!(Rows::of("rows/2026.csv"), None);
    }
}
