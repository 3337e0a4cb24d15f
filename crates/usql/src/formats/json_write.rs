//! JSON as the sample library writes it: `JsonOutputter`, one array of objects, and
//! `JsonLinesOutputter`, one object in each line. What is null is left out.

use datafusion::arrow::array::RecordBatch;

use crate::csharp::{convert, datetime};
use crate::json::{number, quote};
use crate::rowset::Column;
use crate::types::{Base, Type};
use crate::value::Value;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JsonWriter {
    pub(crate) lines: bool,
}

impl JsonWriter {
    /// The rows of a batch; `first` if none is in front of them.
    pub(super) fn rows(self, batch: &RecordBatch, columns: &[Column], first: bool) -> Vec<u8> {
        let mut out = String::with_capacity(batch.get_array_memory_size());
        for row in 0..batch.num_rows() {
            if !self.lines {
                out.push(if first && row == 0 { '[' } else { ',' });
            }
            let values = batch.columns().iter().zip(columns);
            let values = values.map(|(array, column)| {
                let value = Value::read(array, row, &column.ty);
                (column.name.as_str(), value, &column.ty)
            });
            object(values, &mut out);
            if self.lines {
                out.push_str("\r\n");
            }
        }
        out.into_bytes()
    }

    /// What stands behind the last row; nothing where there was none, as the library did.
    pub(super) const fn end(self, empty: bool) -> &'static [u8] {
        if self.lines || empty { b"" } else { b"]" }
    }
}

fn object<'a>(values: impl Iterator<Item = (&'a str, Value, &'a Type)>, out: &mut String) {
    out.push('{');
    let mut first = true;
    for (name, value, ty) in values.filter(|(_, value, _)| !value.is_null()) {
        if !std::mem::take(&mut first) {
            out.push(',');
        }
        quote(name, out);
        out.push(':');
        write(&value, ty, out);
    }
    out.push('}');
}

fn write(value: &Value, ty: &Type, out: &mut String) {
    match (value, &ty.base) {
        (Value::Null, _) => out.push_str("null"),
        (Value::Bool(value), _) => out.push_str(if *value { "true" } else { "false" }),
        (Value::Double(_) | Value::Float(_), _) => {
            let value = value.as_double();
            if value.is_finite() {
                out.push_str(&number(value));
            } else {
                quote(&number(value), out);
            }
        }
        (Value::Decimal(value), _) => {
            let text = value.to_string();
            out.push_str(&text);
            if !text.contains('.') {
                out.push_str(".0");
            }
        }
        (Value::DateTime(micros), _) => {
            let form = "yyyy-MM-ddTHH:mm:ss.FFFFFFF";
            quote(&datetime::format(*micros, form).unwrap_or_default(), out);
        }
        (Value::Array(values), Base::Array(element)) => {
            out.push('[');
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(value, element, out);
            }
            out.push(']');
        }
        (Value::Map(entries), Base::Map(key, each)) => {
            let names: Vec<String> = entries
                .iter()
                .map(|(name, _)| convert::text(name, &key.base))
                .collect();
            let values = names.iter().zip(entries.iter());
            object(
                values.map(|(name, (_, value))| (name.as_str(), value.clone(), &**each)),
                out,
            );
        }
        (Value::Int(_), Base::Char | Base::DayOfWeek) => {
            quote(&convert::text(value, &ty.base), out);
        }
        (Value::Int(_) | Value::ULong(_), _) => out.push_str(&convert::text(value, &ty.base)),
        (value, base) => quote(&convert::text(value, base), out),
    }
}
