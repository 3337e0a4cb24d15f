//! Rows into a table of SQL Server, in one transaction.

use stepwell_datastore::definition::Database;
use stepwell_transfer::table::TableEnd;

use super::statements::{Statements, Written as Target, add_rows, literal, statements};
use super::{Connection, connect, fault, rows as ask, run};
use crate::check;
use crate::copy::{Sink, Written, no_target};
use crate::create::{self, Dialect};
use crate::error::Result;
use crate::rows::Rows;
use crate::sql::Quote;
use crate::value::{Heading, names};

/// How large the text of one statement is, about.
const TEXT_BYTES: usize = 2 << 20;

/// Writes rows to a table.
pub(crate) async fn write(place: &Database, sink: &Sink<'_>, rows: &mut Rows) -> Result<Written> {
    let end = sink.end;
    let headings = rows.columns().await?;
    let mut client = connect(place, end).await?;
    let found = Known::of(&mut client, end).await?;
    let (known, make) = match found {
        Some(known) => (known, None),
        None if sink.create => {
            let make = create::statement(Dialect::SqlServer, &end.path, &headings, sink.keys)?;
            (Known::made(end, &headings, sink.keys), Some(make))
        }
        None => return Err(no_target(end)),
    };
    let keys = check::keys(&names(&headings), &known.target, sink.mode, sink.keys)?;
    let columns: Vec<Target> = headings.iter().map(|each| known.written(each)).collect();
    let has_identity = known
        .identity
        .is_some_and(|name| names(&headings).contains(&name));
    let mut todo = statements(&end.path, &columns, sink.mode, &keys, has_identity);
    todo.before.splice(0..0, make);
    client.begin_transaction().await.map_err(fault(end))?;
    insert(&mut client, end, &todo, &columns, rows).await?;
    client.commit_transaction().await.map_err(fault(end))?;
    client.close().await.map_err(fault(end))?;
    Ok(Written::rows(rows.count.rows))
}

/// Does what is to be done within the transaction. On an error the connection is closed, which undoes it.
async fn insert(
    client: &mut Connection,
    end: &TableEnd,
    todo: &Statements,
    columns: &[Target],
    rows: &mut Rows,
) -> Result<()> {
    for statement in &todo.before {
        run(client, statement).await.map_err(fault(end))?;
    }
    let mut text = String::new();
    loop {
        let batch = rows.next().await?;
        if let Some(batch) = &batch {
            add_rows(&mut text, batch, columns)?;
        }
        if text.len() >= TEXT_BYTES || (batch.is_none() && !text.is_empty()) {
            text.push(']');
            let done = client.execute(todo.rows.as_str(), &[&text.as_str()]).await;
            done.map_err(fault(end))?;
            text.clear();
        }
        if batch.is_none() {
            break;
        }
    }
    for statement in &todo.after {
        run(client, statement).await.map_err(fault(end))?;
    }
    Ok(())
}

/// What the server says of a table.
struct Known {
    target: check::Target,
    /// The type of each column, by its name in lower case.
    declared: Vec<String>,
    /// The column that numbers its rows.
    identity: Option<String>,
}

impl Known {
    /// Nothing when it is not there.
    async fn of(client: &mut Connection, end: &TableEnd) -> Result<Option<Self>> {
        let table = literal(&Quote::Bracket.table(&end.path));
        // Columns that are computed take no values, and neither do versions of rows, which are type 189.
        let columns = format!(
            "SELECT c.name, t.name, c.is_identity FROM sys.columns c \
             JOIN sys.types t ON t.user_type_id = c.system_type_id \
             WHERE c.object_id = OBJECT_ID({table}) AND c.is_computed = 0 \
             AND c.system_type_id <> 189 ORDER BY c.column_id"
        );
        let mut known = Self {
            target: check::Target {
                table: end.shown(),
                ..check::Target::default()
            },
            declared: Vec::new(),
            identity: None,
        };
        for row in ask(client, &columns).await.map_err(fault(end))? {
            let text = |at: usize| row.try_get::<&str, _>(at).map_err(fault(end));
            let name = text(0)?.unwrap_or_default().to_owned();
            known
                .declared
                .push(text(1)?.unwrap_or_default().to_lowercase());
            if row.try_get::<bool, _>(2).map_err(fault(end))? == Some(true) {
                known.identity = Some(name.clone());
            }
            known.target.columns.push(name);
        }
        if known.target.columns.is_empty() {
            return Ok(None);
        }
        known.read_indexes(client, end, &table).await?;
        Ok(Some(known))
    }

    async fn read_indexes(
        &mut self,
        client: &mut Connection,
        end: &TableEnd,
        table: &str,
    ) -> Result<()> {
        let indexes = format!(
            "SELECT i.index_id, i.is_primary_key, c.name FROM sys.indexes i \
             JOIN sys.index_columns k ON k.object_id = i.object_id AND k.index_id = i.index_id \
             JOIN sys.columns c ON c.object_id = k.object_id AND c.column_id = k.column_id \
             WHERE i.object_id = OBJECT_ID({table}) AND i.is_unique = 1 AND i.has_filter = 0 \
             AND k.is_included_column = 0 ORDER BY i.index_id, k.key_ordinal"
        );
        let mut last = None;
        for row in ask(client, &indexes).await.map_err(fault(end))? {
            let index: Option<i32> = row.try_get(0).map_err(fault(end))?;
            let is_primary: Option<bool> = row.try_get(1).map_err(fault(end))?;
            let name: Option<&str> = row.try_get(2).map_err(fault(end))?;
            let name = name.unwrap_or_default().to_owned();
            if is_primary == Some(true) {
                self.target.primary_key.push(name);
                continue;
            }
            if last != index {
                self.target.unique.push(Vec::new());
                last = index;
            }
            if let Some(columns) = self.target.unique.last_mut() {
                columns.push(name);
            }
        }
        Ok(())
    }

    /// A table that is made for these columns.
    fn made(end: &TableEnd, headings: &[Heading], keys: &[String]) -> Self {
        let declared = headings.iter().map(|heading| {
            let kind = Dialect::SqlServer.column(heading.kind, false);
            let base = kind.split('(').next().unwrap_or_default();
            base.to_lowercase()
        });
        Self {
            target: create::target(end.shown(), headings, keys),
            declared: declared.collect(),
            identity: None,
        }
    }

    fn written(&self, heading: &Heading) -> Target {
        let mut columns = self.target.columns.iter();
        let at = columns.position(|column| *column == heading.name);
        Target {
            heading: heading.clone(),
            declared: at
                .and_then(|at| self.declared.get(at))
                .cloned()
                .unwrap_or_default(),
        }
    }
}
