//! Rows out of SQL Server. It has no transaction that is read-only, so whatever a query changes is
//! undone at the end.

use futures_util::TryStreamExt as _;
use stepwell_datastore::definition::Database;
use stepwell_model::{ProcedureParameter, ProcedureType};
use tiberius::QueryItem;

use super::kinds::{add, kind_of};
use super::{Connection, connect, fault, rows};
use crate::copy::{Select, Source};
use crate::error::{Error, Result};
use crate::rows::{Gone, Sender};
use crate::sql::{Quote, parameter};
use crate::sqlserver::statements::literal;
use crate::value::{Batch, Heading};

/// The server's number for a table that is not there.
const NO_TABLE: i32 = 208;

/// Reads rows.
pub(crate) async fn read(place: &Database, source: &Source<'_>, sender: &Sender) -> Result<()> {
    let end = source.end;
    let mut client = connect(place, end).await?;
    let query = query(source.select)?;
    let headings = headings(&mut client, &query, source).await?;
    source.check_names(&headings)?;
    if sender.columns(headings.clone()).await.is_err() {
        return Ok(());
    }
    let is_procedure = matches!(source.select, Select::Procedure { .. });
    if !is_procedure {
        client.begin_transaction().await.map_err(fault(end))?;
    }
    send(&mut client, &query, &headings, source, sender).await?;
    if !is_procedure {
        client.rollback_transaction().await.map_err(fault(end))?;
    }
    client.close().await.map_err(fault(end))
}

async fn send(
    client: &mut Connection,
    query: &str,
    headings: &[Heading],
    source: &Source<'_>,
    sender: &Sender,
) -> Result<()> {
    let end = source.end;
    let found = client.simple_query(query).await.map_err(fault(end))?;
    let mut found = std::pin::pin!(found);
    let (mut batch, mut sets) = (Batch::new(headings), 0);
    while let Some(item) = found.try_next().await.map_err(fault(end))? {
        let row = match item {
            QueryItem::Metadata(_) => {
                sets += 1;
                continue;
            }
            // What a procedure gives beyond its first rows is not asked for.
            QueryItem::Row(_) if sets > 1 => continue,
            QueryItem::Row(row) => row,
        };
        let mut size = 0;
        for ((value, heading), column) in row.into_iter().zip(headings).zip(&mut batch.columns) {
            size += add(value, heading, column)?;
        }
        if batch.end_row(size) && matches!(sender.rows(batch.take()).await, Err(Gone)) {
            return Ok(());
        }
    }
    if batch.rows > 0 {
        // The writer may have ended with an error of its own.
        drop(sender.rows(batch).await);
    }
    Ok(())
}

/// The columns that a statement gives, which the server says without running it.
async fn headings(
    client: &mut Connection,
    query: &str,
    source: &Source<'_>,
) -> Result<Vec<Heading>> {
    let end = source.end;
    let describe = format!(
        "SELECT name, system_type_name, error_number, error_message \
         FROM sys.dm_exec_describe_first_result_set({}, NULL, 0) \
         WHERE is_hidden = 0 ORDER BY column_ordinal",
        literal(query)
    );
    let described = rows(client, &describe).await.map_err(fault(end))?;
    let mut headings = Vec::new();
    for row in described {
        let text = |at: usize| row.try_get::<&str, _>(at).map_err(fault(end));
        if let Some(number) = row.try_get::<i32, _>(2).map_err(fault(end))? {
            return Err(match (number, source.select) {
                (NO_TABLE, Select::Table(_)) => source.missing(),
                _ => Error::Database {
                    place: end.shown(),
                    text: text(3)?
                        .unwrap_or("the statement cannot be described")
                        .to_owned(),
                },
            });
        }
        let (name, kind) = (text(0)?.unwrap_or_default(), text(1)?.unwrap_or_default());
        let Some(kind) = kind_of(kind) else {
            return Err(Error::refused(
                format!("column `{name}` of {} is of type {kind}", end.shown()),
                "select it as another type: a query with CAST",
            ));
        };
        let name = name.to_owned();
        headings.push(Heading { name, kind });
    }
    match headings.is_empty() {
        true => Err(source.no_rows()),
        false => Ok(headings),
    }
}

fn query(select: &Select) -> Result<String> {
    Ok(match select {
        Select::Table(table) => format!("SELECT * FROM {}", Quote::Bracket.table(table)),
        Select::Query(query) => query.trim().trim_end_matches(';').to_owned(),
        Select::Procedure { name, parameters } => {
            let given = parameters
                .iter()
                .map(argument)
                .collect::<Result<Vec<_>>>()?;
            let call = format!("EXEC {} {}", Quote::Bracket.table(name), given.join(", "));
            call.trim_end().to_owned()
        }
    })
}

/// A parameter by its name; it takes constants only, of which the procedure makes its own types.
fn argument(given: &ProcedureParameter) -> Result<String> {
    let value = match (&given.value, given.kind) {
        (Some(text), ProcedureType::String | ProcedureType::Guid | ProcedureType::Date) => {
            literal(text)
        }
        (Some(_), ProcedureType::Boolean) => match parameter(given)?.as_str() {
            "TRUE" => "1".to_owned(),
            _ => "0".to_owned(),
        },
        _ => parameter(given)?,
    };
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '@' | '$' | '#');
    let name = given.name.trim_start_matches('@');
    match !name.is_empty() && name.chars().all(fits) {
        true => Ok(format!("@{name} = {value}")),
        false => Err(Error::refused(
            format!("`{}` cannot name a parameter", given.name),
            "use the name that the procedure has for it",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_selected_is_one_statement() {
        let given = |name: &str, value: Option<&str>, kind| ProcedureParameter {
            name: name.to_owned(),
            value: value.map(str::to_owned),
            kind,
        };
        let select = Select::Procedure {
            name: "dbo.chosen".to_owned(),
            parameters: vec![
                given("lowest", Some("3"), ProcedureType::Int),
                given("@word", Some("it's; DROP TABLE t"), ProcedureType::String),
                given("open", Some("true"), ProcedureType::Boolean),
                given("day", None, ProcedureType::Date),
            ],
        };
        assert_eq!(
            query(&select).ok().as_deref(),
            Some(
                "EXEC [dbo].[chosen] @lowest = 3, @word = N'it''s; DROP TABLE t', @open = 1, \
                 @day = NULL"
            )
        );
        let table = Select::Table("dbo.a]b".to_owned());
        assert_eq!(
            query(&table).ok().as_deref(),
            Some("SELECT * FROM [dbo].[a]]b]")
        );
        let refused = argument(&given("p = 1; --", Some("1"), ProcedureType::Int));
        assert!(refused.is_err());
    }
}
