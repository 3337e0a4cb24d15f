//! The table that is made where there is none: its columns are those of the rows that are written to
//! it. Pure.
//!
//! Each kind becomes the type by which it comes back as the same kind, as docs/transfer.md has it. What
//! a CSV field means is not known, so its column is a text.

use crate::check::Target;
use crate::error::{Error, Result};
use crate::sql::Quote;
use crate::value::{Heading, Kind, names};

/// Whose SQL it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Postgres,
    MySql,
    Sqlite,
    SqlServer,
}

impl Dialect {
    const fn quote(self) -> Quote {
        match self {
            Self::Postgres | Self::Sqlite => Quote::Double,
            Self::MySql => Quote::Back,
            Self::SqlServer => Quote::Bracket,
        }
    }

    /// The type of a column; one of a key has a bounded length where only such a one can be a key.
    pub(crate) fn column(self, kind: Kind, is_key: bool) -> String {
        let plain = match (self, kind) {
            (_, Kind::Decimal(digits, scale)) => {
                let name = match self {
                    Self::Postgres => "NUMERIC",
                    // A text keeps all digits; declared so, it is known to be a number.
                    Self::Sqlite => "DECIMAL_TEXT",
                    Self::MySql | Self::SqlServer => "DECIMAL",
                };
                return format!("{name}({digits}, {scale})");
            }
            (Self::Postgres, kind) => postgres(kind),
            (Self::MySql, kind) => mysql(kind, is_key),
            (Self::Sqlite, kind) => sqlite(kind),
            (Self::SqlServer, kind) => sql_server(kind, is_key),
        };
        plain.to_owned()
    }
}

const fn postgres(kind: Kind) -> &'static str {
    match kind {
        Kind::Bool => "BOOLEAN",
        Kind::Int(16) => "SMALLINT",
        Kind::Int(32) => "INTEGER",
        Kind::Int(_) => "BIGINT",
        Kind::Float32 => "REAL",
        Kind::Float64 => "DOUBLE PRECISION",
        Kind::Decimal(..) => "NUMERIC",
        Kind::Text | Kind::Field => "TEXT",
        Kind::Json => "JSON",
        Kind::Uuid => "UUID",
        Kind::Bytes => "BYTEA",
        Kind::Date => "DATE",
        Kind::Time => "TIME",
        Kind::Timestamp => "TIMESTAMP",
        Kind::Instant => "TIMESTAMPTZ",
    }
}

const fn mysql(kind: Kind, is_key: bool) -> &'static str {
    match (kind, is_key) {
        (Kind::Bool, _) => "BIT(1)",
        (Kind::Int(16), _) => "SMALLINT",
        (Kind::Int(32), _) => "INT",
        (Kind::Int(_), _) => "BIGINT",
        (Kind::Float32, _) => "FLOAT",
        (Kind::Float64, _) => "DOUBLE",
        (Kind::Decimal(..), _) => "DECIMAL",
        (Kind::Text | Kind::Field | Kind::Json, true) => "VARCHAR(255) CHARACTER SET utf8mb4",
        (Kind::Text | Kind::Field, false) => "LONGTEXT CHARACTER SET utf8mb4",
        (Kind::Json, false) => "JSON",
        (Kind::Uuid, _) => "CHAR(36)",
        (Kind::Bytes, true) => "VARBINARY(255)",
        (Kind::Bytes, false) => "LONGBLOB",
        (Kind::Date, _) => "DATE",
        (Kind::Time, _) => "TIME(6)",
        (Kind::Timestamp, _) => "DATETIME(6)",
        // Without a default of its own, which the first such column of a table has otherwise.
        (Kind::Instant, true) => "TIMESTAMP(6) DEFAULT '1970-01-01 00:00:01'",
        (Kind::Instant, false) => "TIMESTAMP(6) NULL",
    }
}

const fn sqlite(kind: Kind) -> &'static str {
    match kind {
        Kind::Bool => "BOOLEAN",
        Kind::Int(_) => "INTEGER",
        Kind::Float32 | Kind::Float64 => "REAL",
        Kind::Decimal(..) => "DECIMAL_TEXT",
        Kind::Text | Kind::Field => "TEXT",
        Kind::Json => "JSON",
        Kind::Uuid => "UUID",
        Kind::Bytes => "BLOB",
        Kind::Date => "DATE",
        Kind::Time => "TIME",
        Kind::Timestamp => "TIMESTAMP",
        Kind::Instant => "TIMESTAMPTZ",
    }
}

const fn sql_server(kind: Kind, is_key: bool) -> &'static str {
    match (kind, is_key) {
        (Kind::Bool, _) => "BIT",
        (Kind::Int(16), _) => "SMALLINT",
        (Kind::Int(32), _) => "INT",
        (Kind::Int(_), _) => "BIGINT",
        (Kind::Float32, _) => "REAL",
        (Kind::Float64, _) => "FLOAT(53)",
        (Kind::Decimal(..), _) => "DECIMAL",
        (Kind::Text | Kind::Field | Kind::Json, true) => "NVARCHAR(450)",
        (Kind::Text | Kind::Field | Kind::Json, false) => "NVARCHAR(MAX)",
        (Kind::Uuid, _) => "UNIQUEIDENTIFIER",
        (Kind::Bytes, true) => "VARBINARY(900)",
        (Kind::Bytes, false) => "VARBINARY(MAX)",
        (Kind::Date, _) => "DATE",
        (Kind::Time, _) => "TIME(6)",
        (Kind::Timestamp, _) => "DATETIME2(6)",
        (Kind::Instant, _) => "DATETIMEOFFSET(6)",
    }
}

/// The statement that makes a table for rows with these columns.
///
/// # Errors
/// When there is no column, or a key that is none.
pub(crate) fn statement(
    dialect: Dialect,
    table: &str,
    headings: &[Heading],
    keys: &[String],
) -> Result<String> {
    let quote = dialect.quote();
    if headings.is_empty() {
        return Err(Error::refused(
            format!("table `{table}` cannot be made: the source has no columns"),
            "copy rows with at least one column",
        ));
    }
    if let Some(key) = keys.iter().find(|key| !names(headings).contains(key)) {
        return Err(Error::refused(
            format!("table `{table}` cannot be made: the source has no column `{key}`"),
            "the keys must be columns of the source",
        ));
    }
    let columns = headings.iter().map(|heading| {
        let is_key = keys.contains(&heading.name);
        let not_null = if is_key { " NOT NULL" } else { "" };
        let kind = dialect.column(heading.kind, is_key);
        format!("{} {kind}{not_null}", quote.name(&heading.name))
    });
    let mut parts: Vec<String> = columns.collect();
    if !keys.is_empty() {
        parts.push(format!("PRIMARY KEY ({})", quote.names(keys)));
    }
    // Only this one of MySQL's engines is there everywhere and has transactions.
    let engine = match dialect {
        Dialect::MySql => " ENGINE=InnoDB",
        Dialect::Postgres | Dialect::Sqlite | Dialect::SqlServer => "",
    };
    let table = quote.table(table);
    Ok(format!(
        "CREATE TABLE {table} ({}){engine}",
        parts.join(", ")
    ))
}

/// What such a table is to those who write rows to it.
pub(crate) fn target(shown: String, headings: &[Heading], keys: &[String]) -> Target {
    Target {
        table: shown,
        columns: names(headings),
        primary_key: keys.to_vec(),
        unique: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headings(columns: &[(&str, Kind)]) -> Vec<Heading> {
        let heading = |(name, kind): &(&str, Kind)| Heading {
            name: (*name).to_owned(),
            kind: *kind,
        };
        columns.iter().map(heading).collect()
    }

    #[test]
    fn a_table_has_the_columns_of_its_rows_in_their_order() {
        let headings = headings(&[
            ("id", Kind::Text),
            ("a\"b", Kind::Decimal(20, 4)),
            ("at", Kind::Instant),
        ]);
        let made = |dialect, keys: &[String]| statement(dialect, "s.t", &headings, keys).ok();
        let key = ["id".to_owned()];
        assert_eq!(
            made(Dialect::Postgres, &[]).as_deref(),
            Some(r#"CREATE TABLE "s"."t" ("id" TEXT, "a""b" NUMERIC(20, 4), "at" TIMESTAMPTZ)"#)
        );
        assert_eq!(
            made(Dialect::MySql, &key).as_deref(),
            Some(
                "CREATE TABLE `s`.`t` (`id` VARCHAR(255) CHARACTER SET utf8mb4 NOT NULL, \
                 `a\"b` DECIMAL(20, 4), `at` TIMESTAMP(6) NULL, PRIMARY KEY (`id`)) ENGINE=InnoDB"
            )
        );
        assert_eq!(
            made(Dialect::SqlServer, &key).as_deref(),
            Some(
                "CREATE TABLE [s].[t] ([id] NVARCHAR(450) NOT NULL, [a\"b] DECIMAL(20, 4), \
                 [at] DATETIMEOFFSET(6), PRIMARY KEY ([id]))"
            )
        );
        assert_eq!(
            made(Dialect::Sqlite, &[]).as_deref(),
            Some(
                r#"CREATE TABLE "s"."t" ("id" TEXT, "a""b" DECIMAL_TEXT(20, 4), "at" TIMESTAMPTZ)"#
            )
        );
    }

    #[test]
    fn what_cannot_be_made_is_refused() {
        let columns = headings(&[("id", Kind::Int(64))]);
        let fault = |headings: &[Heading], key: &str| {
            let made = statement(Dialect::Sqlite, "t", headings, &[key.to_owned()]);
            made.expect_err("refused").to_string()
        };
        assert!(fault(&columns, "no").contains("the source has no column `no`"));
        assert!(fault(&[], "no").contains("the source has no columns"));
    }
}
