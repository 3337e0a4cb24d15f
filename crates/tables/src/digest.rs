//! What tells rows from other rows, whatever their order: what stands for the content of a table, which
//! has no etag.
//!
//! Each row is digested; the digests are added up, so that the order does not count and equal rows do.

use stepwell_transfer::table::TableOutcome;

use crate::error::Result;
use crate::rows::Rows;
use crate::value::{Batch, Heading, Value};

/// Reads all rows.
pub(crate) async fn of(mut rows: Rows) -> Result<TableOutcome> {
    let headings = rows.columns().await?;
    let mut sum = Sum::of(&headings);
    while let Some(batch) = rows.next().await? {
        sum.add(&batch);
    }
    Ok(TableOutcome {
        rows: rows.count.rows,
        bytes: rows.count.bytes,
        file: None,
        digest: Some(sum.text(rows.count.rows)),
    })
}

/// The sum of the digests of rows.
struct Sum {
    columns: blake3::Hash,
    rows: [u64; 4],
}

impl Sum {
    fn of(headings: &[Heading]) -> Self {
        let mut columns = blake3::Hasher::new();
        for heading in headings {
            columns.update(format!("{:?} {}\n", heading.kind, heading.name).as_bytes());
        }
        Self {
            columns: columns.finalize(),
            rows: [0; 4],
        }
    }

    fn add(&mut self, batch: &Batch) {
        let mut columns: Vec<_> = batch.columns.iter().map(|each| each.values()).collect();
        let mut row = Vec::new();
        for _ in 0..batch.rows {
            row.clear();
            for values in &mut columns {
                add_value(&mut row, values.next().unwrap_or(Value::Null));
            }
            let digest = blake3::hash(&row);
            for (sum, part) in self.rows.iter_mut().zip(digest.as_bytes().chunks(8)) {
                let part = part.try_into().map_or(0, u64::from_le_bytes);
                *sum = sum.wrapping_add(part);
            }
        }
    }

    fn text(&self, rows: u64) -> String {
        let mut whole = blake3::Hasher::new();
        whole.update(self.columns.as_bytes());
        whole.update(&rows.to_le_bytes());
        for part in self.rows {
            whole.update(&part.to_le_bytes());
        }
        whole.finalize().to_hex().to_string()
    }
}

/// Adds a value to a row so that no two rows look the same.
fn add_value(row: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::Null => row.push(0),
        Value::Bool(value) => row.extend([1, u8::from(value)]),
        Value::Int(value) => {
            row.push(2);
            row.extend(value.to_le_bytes());
        }
        Value::Float32(value) => {
            row.push(3);
            row.extend(value.to_bits().to_le_bytes());
        }
        Value::Float64(value) => {
            row.push(4);
            row.extend(value.to_bits().to_le_bytes());
        }
        Value::Decimal(value) => {
            row.push(5);
            row.extend(value.to_le_bytes());
        }
        Value::Bytes(value) => {
            row.push(6);
            row.extend((value.len() as u64).to_le_bytes());
            row.extend(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::value::Kind;

    fn digest(rows: &[(i64, Option<&'static str>)]) -> String {
        let heading = |name: &str, kind| Heading {
            name: name.to_owned(),
            kind,
        };
        let headings = [heading("id", Kind::Int(64)), heading("name", Kind::Text)];
        let mut sum = Sum::of(&headings);
        for (id, name) in rows {
            let mut batch = Batch::new(&headings);
            batch.columns[0].int(*id);
            match name {
                Some(name) => batch.columns[1].bytes(Bytes::from_static(name.as_bytes())),
                None => batch.columns[1].null(),
            }
            batch.end_row(1);
            sum.add(&batch);
        }
        sum.text(rows.len() as u64)
    }

    #[test]
    fn the_order_of_rows_does_not_count_and_everything_else_does() {
        let rows = [(1, Some("a")), (2, None), (2, None)];
        let turned = [(2, None), (1, Some("a")), (2, None)];
        assert_eq!(digest(&rows), digest(&turned));
        assert_ne!(digest(&rows), digest(&rows[..2]));
        assert_ne!(digest(&[(1, Some(""))]), digest(&[(1, None)]));
        assert_ne!(digest(&[(1, Some("a"))]), digest(&[(2, Some("a"))]));
        assert_ne!(digest(&[]), digest(&[(0, None)]));
    }
}
