//! JSON files as the sample library reads them: `JsonExtractor`, `MultiLineJsonExtractor` and
//! `MultiLevelJsonExtractor`.
//!
//! An object is a row, and so is every object of an array; what is neither is left out. A file may
//! hold several documents. The elements of an array are read one by one, unless a path of rows needs
//! the whole document.

use std::fmt;
use std::io::BufReader;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize as _, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::records::Records;
use super::text_read::DataError;
use crate::csharp::default_of;
use crate::json::{Found, Json, Path};
use crate::rowset::Column;
use crate::value::Value;

/// The arguments of the extractors.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct JsonReader {
    /// Where the rows are.
    pub(crate) rows: Option<Path>,
    /// Where each column is, from its row and else from what is around it; by name when empty.
    pub(crate) columns: Vec<Path>,
    /// Whether a column that is nowhere is null instead of a fault.
    pub(crate) missing_is_null: bool,
}

pub(super) fn read(reader: &JsonReader, records: &mut Records<'_>) -> Result<(), DataError> {
    let source = BufReader::with_capacity(1 << 20, records.open()?);
    let mut documents = serde_json::Deserializer::from_reader(source);
    let mut state = State {
        reader,
        records,
        fault: None,
        wanted: true,
    };
    // It is only looked at whether something is left.
    while state.wanted && documents.end().is_err() {
        let read = Document(&mut state).deserialize(&mut documents);
        if let Some(fault) = state.fault.take() {
            return Err(fault);
        }
        match read {
            Err(error) if state.wanted => return Err(state.records.malformed(error)),
            _ => {}
        }
    }
    Ok(())
}

struct State<'a, 'b> {
    reader: &'a JsonReader,
    records: &'a mut Records<'b>,
    fault: Option<DataError>,
    wanted: bool,
}

impl State<'_, '_> {
    /// Adds the rows of a document or, where rows are read one by one, of an element.
    fn add(&mut self, document: &Json) -> Result<(), DataError> {
        let rows = match &self.reader.rows {
            Some(path) => path.select(document),
            None => vec![Found {
                keys: Vec::new(),
                value: document,
            }],
        };
        let reader = self.reader;
        for row in rows {
            if !matches!(row.value, Json::Object(_)) || !self.wanted {
                continue;
            }
            self.wanted = self
                .records
                .add(|field, column| match reader.columns.get(field) {
                    Some(path) => reader.by_path(document, &row, path, column),
                    None => by_name(row.value, column),
                })?;
        }
        Ok(())
    }
}

fn by_name(row: &Json, column: &Column) -> Result<Value, String> {
    match row.get(&column.name) {
        Some(value) => value.convert(&column.ty),
        None => Ok(default_of(&column.ty)),
    }
}

impl JsonReader {
    /// The first that a path leads to from the row, or else from what is around the row.
    fn by_path(
        &self,
        document: &Json,
        row: &Found<'_>,
        path: &Path,
        column: &Column,
    ) -> Result<Value, String> {
        let mut around = vec![document];
        for key in &row.keys {
            let last = around.last().copied().unwrap_or(document);
            let children = last.children().into_iter();
            around.extend(
                children
                    .filter(|(each, _)| each == key)
                    .map(|(_, value)| value)
                    .take(1),
            );
        }
        let found = around
            .iter()
            .rev()
            .find_map(|each| path.select(each).into_iter().next());
        match found {
            Some(found) => found.value.convert(&column.ty),
            None if self.missing_is_null => Ok(Value::Null),
            None => Err(format!("nothing is at `{path}`")),
        }
    }
}

/// One document; its rows go to the state.
struct Document<'s, 'a, 'b>(&'s mut State<'a, 'b>);

impl<'de> DeserializeSeed<'de> for Document<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(mut self, deserializer: D) -> Result<(), D::Error> {
        if self.0.reader.rows.is_some() {
            let document = Json::deserialize(deserializer)?;
            self.keep(&document);
            return Ok(());
        }
        deserializer.deserialize_any(self)
    }
}

impl Document<'_, '_, '_> {
    fn keep(&mut self, document: &Json) {
        if let Err(fault) = self.0.add(document) {
            self.0.fault = Some(fault);
            self.0.wanted = false;
        }
    }
}

impl<'de> Visitor<'de> for Document<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, map: A) -> Result<(), A::Error> {
        let object = Json::deserialize(MapAccessDeserializer::new(map))?;
        self.keep(&object);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        while let Some(element) = elements.next_element()? {
            self.keep(&element);
            if !self.0.wanted {
                return Err(serde::de::Error::custom("no more rows are wanted"));
            }
        }
        Ok(())
    }

    // Values that are no rows.
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}
