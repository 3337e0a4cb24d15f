//! The statements that put rows into a table of SQL Server, and the rows as their one parameter. Pure.
//!
//! Many rows go in one statement, as a JSON text that the server takes apart with `OPENJSON`: what the
//! client library has for loading in bulk takes no text of more than 32,767 characters. The columns of
//! that text are called `c0`, `c1` and so on, so that no name has to be quoted twice.

use std::fmt::Write as _;

use stepwell_model::WriteMode;

use crate::create::Dialect;
use crate::error::Result;
use crate::sql::Quote;
use crate::text;
use crate::value::{Batch, Heading, Kind, Value, misfit};

/// The table of the session that rows wait in which are to update others.
pub(super) const WAITING: &str = "#stepwell_rows";

/// A text as a literal.
pub(super) fn literal(text: &str) -> String {
    format!("N{}", crate::sql::literal(text))
}

/// A column of the rows, and what the table's column is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) heading: Heading,
    /// The type of the table's column, by its name in lower case.
    pub(super) declared: String,
}

impl Written {
    fn is_bytes(&self) -> bool {
        let declared = ["binary", "varbinary", "image"].contains(&self.declared.as_str());
        match self.heading.kind {
            Kind::Bytes => true,
            Kind::Field => declared,
            _ => false,
        }
    }

    /// What the server is to take the text as.
    fn parsed_as(&self) -> String {
        match self.heading.kind {
            // As digits, of which bytes are made.
            _ if self.is_bytes() => "NVARCHAR(MAX)".to_owned(),
            // Those types take no more than three digits of a second in a text.
            Kind::Field if matches!(self.declared.as_str(), "datetime" | "smalldatetime") => {
                Dialect::SqlServer.column(Kind::Timestamp, false)
            }
            kind => Dialect::SqlServer.column(kind, false),
        }
    }

    /// Its value in a statement.
    fn value(&self, at: usize) -> String {
        match self.is_bytes() {
            true => format!("CONVERT(VARBINARY(MAX), c{at}, 2)"),
            false => format!("c{at}"),
        }
    }
}

/// The statements of a copy.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Statements {
    /// What is done before the first rows.
    pub(super) before: Vec<String>,
    /// What is done with rows, its only parameter.
    pub(super) rows: String,
    /// What is done after the last.
    pub(super) after: Vec<String>,
}

/// How rows are written to a table.
pub(super) fn statements(
    table: &str,
    columns: &[Written],
    mode: WriteMode,
    keys: &[String],
    has_identity: bool,
) -> Statements {
    let quote = Quote::Bracket;
    let target = quote.table(table);
    let names: Vec<String> = columns
        .iter()
        .map(|each| each.heading.name.clone())
        .collect();
    let listed = quote.names(&names);
    let with = columns.iter().enumerate().map(|(at, column)| {
        let kind = column.parsed_as();
        format!("c{at} {kind} '$[{at}]'")
    });
    let with = with.collect::<Vec<_>>().join(", ");
    let values = columns.iter().enumerate();
    let values: Vec<String> = values.map(|(at, column)| column.value(at)).collect();
    let from = format!(
        "SELECT {} FROM OPENJSON(@P1) WITH ({with})",
        values.join(", ")
    );
    let (mut before, mut after) = (Vec::new(), Vec::new());
    if has_identity {
        before.push(format!("SET IDENTITY_INSERT {target} ON"));
        after.push(format!("SET IDENTITY_INSERT {target} OFF"));
    }
    let rows = match mode {
        WriteMode::Append => format!("INSERT INTO {target} ({listed}) {from}"),
        WriteMode::Replace => {
            before.insert(0, format!("DELETE FROM {target}"));
            format!("INSERT INTO {target} ({listed}) {from}")
        }
        WriteMode::Upsert => {
            before.insert(0, waiting(columns));
            after.insert(0, merge(&target, &names, keys));
            let waiting: Vec<String> = (0..columns.len()).map(|at| format!("c{at}")).collect();
            format!("INSERT INTO {WAITING} ({}) {from}", waiting.join(", "))
        }
    };
    Statements {
        before,
        rows,
        after,
    }
}

fn waiting(columns: &[Written]) -> String {
    let columns = columns.iter().enumerate().map(|(at, column)| {
        let kind = match column.is_bytes() {
            true => "VARBINARY(MAX)".to_owned(),
            false => column.parsed_as(),
        };
        format!("c{at} {kind} NULL")
    });
    format!(
        "CREATE TABLE {WAITING} ({})",
        columns.collect::<Vec<_>>().join(", ")
    )
}

/// Rows with known keys get the new values, the others are added.
fn merge(target: &str, names: &[String], keys: &[String]) -> String {
    let quote = Quote::Bracket;
    let (mut on, mut set, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for (at, name) in names.iter().enumerate() {
        let quoted = quote.name(name);
        values.push(format!("source.c{at}"));
        match keys.contains(name) {
            true => on.push(format!("target.{quoted} = source.c{at}")),
            false => set.push(format!("{quoted} = source.c{at}")),
        }
    }
    let update = match set.is_empty() {
        true => String::new(),
        false => format!(" WHEN MATCHED THEN UPDATE SET {}", set.join(", ")),
    };
    format!(
        "MERGE INTO {target} WITH (HOLDLOCK) AS target USING {WAITING} AS source ON {}{update} \
         WHEN NOT MATCHED BY TARGET THEN INSERT ({}) VALUES ({});",
        on.join(" AND "),
        quote.names(names),
        values.join(", ")
    )
}

/// Adds the rows of a batch to a JSON text, an array of arrays that is not closed yet.
pub(super) fn add_rows(out: &mut String, batch: &Batch, columns: &[Written]) -> Result<()> {
    let mut values: Vec<_> = batch.columns.iter().map(|each| each.values()).collect();
    let mut scratch = String::new();
    for _ in 0..batch.rows {
        out.push_str(if out.is_empty() { "[[" } else { ",[" });
        for (at, (values, column)) in values.iter_mut().zip(columns).enumerate() {
            if at > 0 {
                out.push(',');
            }
            let value = values.next().unwrap_or(Value::Null);
            add_value(out, value, column, &mut scratch)?;
        }
        out.push(']');
    }
    Ok(())
}

fn add_value(
    out: &mut String,
    value: Value<'_>,
    column: &Written,
    scratch: &mut String,
) -> Result<()> {
    let (name, kind) = (&column.heading.name, column.heading.kind);
    scratch.clear();
    match value {
        Value::Null => {
            out.push_str("null");
            return Ok(());
        }
        Value::Int(value) if matches!(kind, Kind::Int(_)) => {
            // Writing to a text does not fail.
            let _ = write!(out, "{value}");
            return Ok(());
        }
        Value::Float32(value) if !value.is_finite() => {
            return Err(misfit(name, format!("SQL Server has no number {value}")));
        }
        Value::Float64(value) if !value.is_finite() => {
            return Err(misfit(name, format!("SQL Server has no number {value}")));
        }
        Value::Bytes(bytes) if column.is_bytes() => match kind {
            Kind::Bytes => text::hexadecimal(scratch, bytes),
            _ => scratch.push_str(digits_of(bytes)),
        },
        Value::Bytes(bytes) if matches!(kind, Kind::Text | Kind::Json | Kind::Field) => {
            let text = std::str::from_utf8(bytes);
            scratch.push_str(text.map_err(|_| misfit(name, "it is not UTF-8"))?);
        }
        value => {
            text::write(scratch, kind, value);
        }
    }
    // A text without quotes would be another value.
    out.push_str(&serde_json::Value::from(scratch.as_str()).to_string());
    Ok(())
}

/// The digits of a field that means bytes; any other text is for the server to refuse.
fn digits_of(field: &[u8]) -> &str {
    let text = std::str::from_utf8(field).unwrap_or_default();
    text.strip_prefix("\\x").unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Vec<Written> {
        let columns = [
            ("id", Kind::Int(64), "bigint"),
            ("a]b", Kind::Text, "nvarchar"),
            ("raw", Kind::Bytes, "varbinary"),
            ("at", Kind::Field, "datetime"),
        ];
        let written = columns.map(|(name, kind, declared)| Written {
            heading: Heading {
                name: name.to_owned(),
                kind,
            },
            declared: declared.to_owned(),
        });
        written.to_vec()
    }

    #[test]
    fn rows_are_added_by_one_statement_for_many() {
        let made = statements("dbo.t", &columns(), WriteMode::Replace, &[], true);
        assert_eq!(
            made.rows,
            "INSERT INTO [dbo].[t] ([id], [a]]b], [raw], [at]) \
             SELECT c0, c1, CONVERT(VARBINARY(MAX), c2, 2), c3 FROM OPENJSON(@P1) WITH \
             (c0 BIGINT '$[0]', c1 NVARCHAR(MAX) '$[1]', c2 NVARCHAR(MAX) '$[2]', \
             c3 DATETIME2(6) '$[3]')"
        );
        let before = ["DELETE FROM [dbo].[t]", "SET IDENTITY_INSERT [dbo].[t] ON"];
        assert_eq!(made.before, before);
        assert_eq!(made.after, ["SET IDENTITY_INSERT [dbo].[t] OFF"]);
    }

    #[test]
    fn rows_that_update_others_wait_until_all_are_there() {
        let columns = columns();
        let made = statements(
            "t",
            &columns[..2],
            WriteMode::Upsert,
            &["id".to_owned()],
            false,
        );
        let before = ["CREATE TABLE #stepwell_rows (c0 BIGINT NULL, c1 NVARCHAR(MAX) NULL)"];
        assert_eq!(made.before, before);
        assert!(
            made.rows
                .starts_with("INSERT INTO #stepwell_rows (c0, c1) SELECT c0, c1 FROM")
        );
        assert_eq!(
            made.after,
            [
                "MERGE INTO [t] WITH (HOLDLOCK) AS target USING #stepwell_rows AS source \
              ON target.[id] = source.c0 WHEN MATCHED THEN UPDATE SET [a]]b] = source.c1 \
              WHEN NOT MATCHED BY TARGET THEN INSERT ([id], [a]]b]) \
              VALUES (source.c0, source.c1);"
            ]
        );
        let made = statements(
            "t",
            &columns[..1],
            WriteMode::Upsert,
            &["id".to_owned()],
            false,
        );
        assert!(!made.after[0].contains("WHEN MATCHED"), "nothing but keys");
    }

    #[test]
    fn rows_are_a_json_text_in_which_a_text_stays_a_text() {
        let columns = columns();
        let headings: Vec<Heading> = columns.iter().map(|each| each.heading.clone()).collect();
        let mut batch = Batch::new(&headings);
        batch.columns[0].int(i64::MIN);
        batch.columns[1].bytes(b"\"],[1\n\xc3\xbc"[..].into());
        batch.columns[2].bytes(b"\x00\xff"[..].into());
        batch.columns[3].bytes(b"2026-07-01"[..].into());
        batch.end_row(1);
        (0..4).for_each(|at| batch.columns[at].null());
        batch.end_row(1);
        let mut text = String::new();
        add_rows(&mut text, &batch, &columns).expect("rows");
        text.push(']');
        let read: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let expected = serde_json::json!([
            [i64::MIN, "\"],[1\nü", "00ff", "2026-07-01"],
            [null, null, null, null]
        ]);
        assert_eq!(read, expected);
    }

    #[test]
    fn what_the_server_has_no_number_for_is_refused() {
        let heading = Heading {
            name: "x".to_owned(),
            kind: Kind::Float64,
        };
        let mut batch = Batch::new(std::slice::from_ref(&heading));
        batch.columns[0].float64(f64::NAN);
        batch.end_row(1);
        let declared = "float".to_owned();
        let refused = add_rows(&mut String::new(), &batch, &[Written { heading, declared }]);
        assert!(refused.is_err_and(|error| error.to_string().contains("column `x`")));
    }
}
