//! XML as the sample library writes it: `XmlOutputter`, one element for each row. Null has no element,
//! an empty text an empty one.

use datafusion::arrow::array::RecordBatch;

use super::xml::escaped;
use crate::rowset::Column;
use crate::value::Value;

/// The arguments of the outputter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct XmlWriter {
    pub(crate) row: String,
    /// The names of the columns' elements.
    pub(crate) names: Vec<String>,
}

impl XmlWriter {
    pub(super) fn rows(&self, batch: &RecordBatch, columns: &[Column]) -> Vec<u8> {
        let mut out = String::with_capacity(batch.get_array_memory_size());
        for row in 0..batch.num_rows() {
            let values = batch.columns().iter().zip(columns).zip(&self.names);
            let mut inside = String::new();
            for ((array, column), name) in values {
                if let Value::Text(text) = Value::read(array, row, &column.ty) {
                    element(name, &escaped(&text), &mut inside);
                }
            }
            element(&self.row, &inside, &mut out);
        }
        out.into_bytes()
    }
}

fn element(name: &str, inside: &str, out: &mut String) {
    if inside.is_empty() {
        out.push_str(&format!("<{name} />"));
    } else {
        out.push_str(&format!("<{name}>{inside}</{name}>"));
    }
}
