//! What runs are searched by: tags, parameters and latest metrics as rows, and queries as SQL.
//!
//! The rows are written in the transaction that changes what they stand for: the JSON columns of
//! `runs`, and the points of `metrics`.

use std::collections::BTreeMap;

use rusqlite::{Connection, ToSql, params};
use stepwell_model::{Field, Operand, Operator, RunQuery};

use crate::metrics::Point;
use crate::{Result, columns};

/// Writes the tags of a run in place of those there are.
pub(crate) fn put_tags(
    connection: &Connection,
    run: i64,
    tags: &BTreeMap<String, String>,
) -> Result<()> {
    let delete = "DELETE FROM run_tags WHERE run = ?";
    connection.prepare_cached(delete)?.execute([run])?;
    add(
        connection,
        "INSERT INTO run_tags VALUES (?, ?, ?)",
        run,
        tags,
    )
}

/// Writes the tags and parameters of a new run.
pub(crate) fn add_names(
    connection: &Connection,
    run: i64,
    tags: &BTreeMap<String, String>,
    parameters: &BTreeMap<String, String>,
) -> Result<()> {
    add(
        connection,
        "INSERT INTO run_tags VALUES (?, ?, ?)",
        run,
        tags,
    )?;
    let insert = "INSERT INTO run_parameters VALUES (?, ?, ?)";
    add(connection, insert, run, parameters)
}

fn add(
    connection: &Connection,
    insert: &str,
    run: i64,
    names: &BTreeMap<String, String>,
) -> Result<()> {
    for (name, value) in names {
        connection
            .prepare_cached(insert)?
            .execute(params![run, name, value])?;
    }
    Ok(())
}

/// Remembers the value of a point as the latest of its name, unless a later one is known. Points
/// that are no number have no latest value.
pub(crate) fn put_latest(connection: &Connection, run: i64, point: &Point) -> Result<()> {
    let Some(value) = point.number() else {
        return Ok(());
    };
    let upsert = "INSERT INTO latest_metrics (run, name, value, step, at_ms, is_nan)
        VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (run, name) DO UPDATE SET value = excluded.value, step = excluded.step,
        at_ms = excluded.at_ms, is_nan = excluded.is_nan
        WHERE excluded.at_ms >= latest_metrics.at_ms";
    // The column holds numbers only.
    let stored = if value.is_nan() { 0.0 } else { value };
    let at = point.at.as_millis();
    connection.prepare_cached(upsert)?.execute(params![
        run,
        point.name,
        stored,
        point.step,
        at,
        value.is_nan()
    ])?;
    Ok(())
}

/// Adds parameters to those that a run has.
pub(crate) fn add_parameters(
    connection: &Connection,
    run: i64,
    parameters: &BTreeMap<String, String>,
) -> Result<()> {
    let insert = "INSERT OR REPLACE INTO run_parameters VALUES (?, ?, ?)";
    add(connection, insert, run, parameters)
}

/// A query as a condition on `runs r JOIN experiments e`; its values are added in order.
pub(crate) fn condition(query: &RunQuery, values: &mut Vec<Box<dyn ToSql>>) -> String {
    let mut joined = |parts: &[RunQuery], word: &str| {
        let parts: Vec<String> = parts.iter().map(|part| condition(part, values)).collect();
        format!("({})", parts.join(word))
    };
    match query {
        RunQuery::And(parts) => joined(parts, " AND "),
        RunQuery::Or(parts) => joined(parts, " OR "),
        // A column without a value compares as unknown, which `NOT` must not make true.
        RunQuery::Not(inner) => format!("NOT coalesce({}, 0)", condition(inner, values)),
        RunQuery::Has(field) => has(field, values),
        RunQuery::Compare(field, operator, operand) => compare(field, *operator, operand, values),
    }
}

/// Whether some part of the query that must hold finds its runs by a tag or a parameter: then its
/// index leads to fewer runs than walking through them all.
pub(crate) fn is_selective(query: &RunQuery) -> bool {
    match query {
        RunQuery::And(parts) => parts.iter().any(is_selective),
        RunQuery::Compare(Field::Tag(_) | Field::Parameter(_), Operator::Equal, _) => true,
        RunQuery::Or(_) | RunQuery::Not(_) | RunQuery::Compare(..) | RunQuery::Has(_) => false,
    }
}

fn compare(
    field: &Field,
    operator: Operator,
    operand: &Operand,
    values: &mut Vec<Box<dyn ToSql>>,
) -> String {
    let column = match field {
        Field::Status => "r.status",
        Field::Kind => "r.kind",
        Field::Experiment => "e.name",
        Field::Name => "r.display_name",
        Field::User => "r.user",
        Field::Created => "r.created_ms",
        Field::Started => "r.started_ms",
        Field::Ended => "r.ended_ms",
        Field::Id => "r.id",
        Field::Parent => "r.parent",
        Field::Tag(_) | Field::Parameter(_) | Field::Metric(_) => {
            return named(field, Some((operator, operand)), values);
        }
    };
    against(column, operator, operand, values)
}

/// A comparison of a column or expression with a value.
fn against(
    column: &str,
    operator: Operator,
    operand: &Operand,
    values: &mut Vec<Box<dyn ToSql>>,
) -> String {
    values.push(match operand {
        Operand::Text(text) if operator == Operator::Like => Box::new(glob(text)),
        Operand::Text(text) => Box::new(text.clone()),
        Operand::Number(number) => Box::new(*number),
        Operand::Status(status) => Box::new(status.as_str()),
        Operand::Time(time) => Box::new(time.as_millis()),
        Operand::Run(run) => Box::new(columns::id(*run)),
    });
    match operator {
        Operator::Equal => format!("{column} = ?"),
        Operator::NotEqual => format!("{column} <> ?"),
        Operator::Less => format!("{column} < ?"),
        Operator::AtMost => format!("{column} <= ?"),
        Operator::Greater => format!("{column} > ?"),
        Operator::AtLeast => format!("{column} >= ?"),
        Operator::Contains => format!("instr({column}, ?) > 0"),
        // The database's own LIKE takes letters in any case.
        Operator::Like => format!("{column} GLOB ?"),
        Operator::LikeAnyCase => format!("{column} LIKE ?"),
    }
}

/// A pattern of `LIKE` as one of `GLOB`.
fn glob(pattern: &str) -> String {
    let mut glob = String::with_capacity(pattern.len());
    for c in pattern.chars() {
        match c {
            '%' => glob.push('*'),
            '_' => glob.push('?'),
            '*' | '?' | '[' => {
                glob.push('[');
                glob.push(c);
                glob.push(']');
            }
            c => glob.push(c),
        }
    }
    glob
}

/// What runs are sorted by: a column, or the value of a name.
pub(crate) fn sorted_by(field: &Field, values: &mut Vec<Box<dyn ToSql>>) -> String {
    let column = match field {
        Field::Tag(name) | Field::Parameter(name) | Field::Metric(name) => {
            values.push(Box::new(name.clone()));
            let (table, value) = match field {
                Field::Parameter(_) => ("run_parameters", "value"),
                // What is no number comes after all numbers, before what is not there.
                Field::Metric(_) => ("latest_metrics", "iif(is_nan, NULL, value)"),
                _ => ("run_tags", "value"),
            };
            return format!("(SELECT {value} FROM {table} WHERE run = r.seq AND name = ?)");
        }
        Field::Status => "r.status",
        Field::Kind => "r.kind",
        Field::Experiment => "e.name",
        Field::Name => "r.display_name",
        Field::User => "r.user",
        Field::Created => "r.created_ms",
        Field::Started => "coalesce(r.started_ms, r.created_ms)",
        Field::Ended => "r.ended_ms",
        Field::Id => "r.id",
        Field::Parent => "r.parent",
    };
    column.to_owned()
}

/// Whether the field is there.
fn has(field: &Field, values: &mut Vec<Box<dyn ToSql>>) -> String {
    match field {
        Field::Parent => "r.parent IS NOT NULL".to_owned(),
        field => named(field, None, values),
    }
}

/// A condition on a tag, a parameter or a metric.
fn named(
    field: &Field,
    comparison: Option<(Operator, &Operand)>,
    values: &mut Vec<Box<dyn ToSql>>,
) -> String {
    let (table, name) = match field {
        Field::Parameter(name) => ("run_parameters", name),
        Field::Metric(name) => ("latest_metrics", name),
        Field::Tag(name) => ("run_tags", name),
        // Only names of these are asked for.
        _ => return "0".to_owned(),
    };
    values.push(Box::new(name.clone()));
    let number = match field {
        Field::Metric(_) if comparison.is_some() => " AND NOT is_nan",
        _ => "",
    };
    let value = comparison.map_or_else(String::new, |(operator, operand)| {
        format!(" AND {}", against("value", operator, operand, values))
    });
    format!("r.seq IN (SELECT run FROM {table} WHERE name = ?{value}{number})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_the_same_as_a_glob() {
        assert_eq!(glob("a%b_c"), "a*b?c");
        assert_eq!(glob("[x]*?"), "[[]x][*][?]");
    }
}
