//! Writes Arrow batches as rows of text.

use datafusion::arrow::array::{Array as _, RecordBatch};

use super::TextWriter;
use crate::csharp::{convert, datetime, format};
use crate::rowset::Column;
use crate::types::Base;
use crate::value::Value;

impl TextWriter {
    /// The names of the columns, if they are wanted.
    pub(crate) fn header_row(&self, columns: &[Column]) -> Vec<u8> {
        if !self.header {
            return Vec::new();
        }
        let names = columns.iter().map(|column| self.quoted(&column.name));
        let row = names.collect::<Vec<_>>().join(&self.delimiter.to_string());
        self.encoding.encode(&(row + &self.row_delimiter))
    }

    /// A text in quotes, or with its delimiters escaped.
    fn quoted(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len() + 2);
        if self.quoting {
            out.push('"');
        }
        for c in text.chars() {
            if let Some(escape) = self.escape
                && (c == escape || c == self.delimiter && !self.quoting)
            {
                out.push(escape);
            } else if self.quoting && c == '"' {
                out.push('"');
            }
            out.push(c);
        }
        if self.quoting {
            out.push('"');
        }
        out
    }

    fn field(&self, value: &Value, base: &Base, out: &mut String) {
        match value {
            Value::Null => out.push_str(&self.null_escape),
            Value::Text(text) => out.push_str(&self.quoted(text)),
            Value::DateTime(micros) => {
                let text = datetime::format(*micros, &self.date_time_format);
                out.push_str(&text.unwrap_or_default());
            }
            Value::Double(number) => out.push_str(&format::round_trip(*number, false)),
            Value::Float(number) => out.push_str(&format::round_trip(f64::from(*number), true)),
            Value::Bytes(bytes) => out.push_str(&convert::hex(bytes)),
            Value::Int(unit) if *base == Base::Char && !self.char_as_text => {
                out.push_str(&unit.to_string());
            }
            value if *base == Base::Char => out.push_str(&self.quoted(&convert::text(value, base))),
            value => out.push_str(&convert::text(value, base)),
        }
    }
}

/// The rows of a batch as bytes in the writer's encoding.
pub(crate) fn write_rows(writer: &TextWriter, batch: &RecordBatch, columns: &[Column]) -> Vec<u8> {
    let mut out = String::with_capacity(batch.get_array_memory_size());
    for row in 0..batch.num_rows() {
        for (at, (array, column)) in batch.columns().iter().zip(columns).enumerate() {
            if at > 0 {
                out.push(writer.delimiter);
            }
            if array.is_null(row) {
                out.push_str(&writer.null_escape);
            } else {
                let value = Value::read(array, row, &column.ty);
                writer.field(&value, &column.ty.base, &mut out);
            }
        }
        out.push_str(&writer.row_delimiter);
    }
    writer.encoding.encode(&out)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::datatypes::{Field, Schema};

    use super::*;
    use crate::types::Type;
    use crate::value;

    fn rows(writer: &TextWriter) -> String {
        let columns = [
            (
                Type::of(Base::String),
                vec![Value::text("a \"x\", b"), Value::Null],
            ),
            (
                Type::nullable(Base::Double),
                vec![Value::Double(0.5), Value::Null],
            ),
            (
                Type::nullable(Base::DateTime),
                vec![Value::DateTime(0), Value::Null],
            ),
            (
                Type::nullable(Base::Bool),
                vec![Value::Bool(true), Value::Null],
            ),
        ];
        let fields = columns
            .iter()
            .map(|(ty, _)| Field::new("c", ty.arrow(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let arrays = columns
            .iter()
            .map(|(ty, values)| value::column(values, ty))
            .collect();
        let batch = RecordBatch::try_new(schema, arrays).expect("a batch");
        let named: Vec<Column> = columns
            .iter()
            .map(|(ty, _)| Column::new("c", ty.clone()))
            .collect();
        String::from_utf8(write_rows(writer, &batch, &named)).expect("text")
    }

    // U-SQL reference, "Outputter Parameters": quoting, nullEscape, dateTimeFormat, rowDelimiter.
    #[test]
    fn values_are_written_as_the_service_did() {
        assert_eq!(
            rows(&TextWriter::default()),
            "\"a \"\"x\"\", b\",0.5,1970-01-01T00:00:00.0000000,True\r\n,,,\r\n"
        );
        let other = TextWriter {
            quoting: false,
            escape: Some('\\'),
            null_escape: "NULL".to_owned(),
            date_time_format: "yyyy".to_owned(),
            row_delimiter: "\n".to_owned(),
            ..TextWriter::default()
        };
        assert_eq!(
            rows(&other),
            "a \"x\"\\, b,0.5,1970,True\nNULL,NULL,NULL,NULL\n"
        );
    }
}
