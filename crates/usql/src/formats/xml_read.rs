//! XML files as the sample library reads them: `XmlExtractor`, row by row by the names of elements,
//! and `XmlDomExtractor`, with XPath over the whole document.
//!
//! A column is what is between the tags of its element: empty for an empty element, null where there
//! is none.

use std::collections::BTreeMap;
use std::io::BufReader;

use super::records::Records;
use super::text_read::DataError;
use super::xml::{Element, Node, Part, Source};
use super::xml_path::XmlPath;
use crate::value::Value;

/// The arguments of the extractors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct XmlReader {
    pub(crate) rows: XmlRows,
}

/// How rows and columns are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum XmlRows {
    Named {
        row: String,
        /// The elements of columns, by the columns' numbers.
        columns: BTreeMap<String, usize>,
    },
    Paths {
        row: XmlPath,
        /// One for each column.
        columns: Vec<XmlPath>,
    },
}

pub(super) fn read(reader: &XmlReader, records: &mut Records<'_>) -> Result<(), DataError> {
    let file = BufReader::with_capacity(1 << 20, records.open()?);
    let mut source = Source::new(file);
    match &reader.rows {
        XmlRows::Named { row, columns } => {
            let width = records.fields().count();
            while let Some(element) =
                next_row(&mut source, row).map_err(|error| records.malformed(error))?
            {
                let mut values = vec![Value::Null; width];
                take(&element, columns, &mut values);
                if !records
                    .add(|field, _| Ok(std::mem::replace(&mut values[field], Value::Null)))?
                {
                    break;
                }
            }
            Ok(())
        }
        XmlRows::Paths { row, columns } => {
            let document = document(&mut source).map_err(|error| records.malformed(error))?;
            let Some(root) = document.elements().next() else {
                return Ok(());
            };
            for found in row.select(&document, root) {
                let super::xml_path::Target::Element(element) = found else {
                    continue;
                };
                let wanted = records.add(|field, _| {
                    let found = columns[field].select(&document, element).into_iter().next();
                    Ok(found.map_or(Value::Null, |found| Value::text(found.inner())))
                })?;
                if !wanted {
                    break;
                }
            }
            Ok(())
        }
    }
}

/// The next element of a name, with all that is in it.
fn next_row<R: std::io::BufRead>(
    source: &mut Source<R>,
    name: &str,
) -> Result<Option<Element>, String> {
    loop {
        match source.next()? {
            Part::Start(element, empty) if element.name == name => {
                return if empty {
                    Ok(Some(element))
                } else {
                    source.rest(element).map(Some)
                };
            }
            Part::Done => return source.closed().map(|()| None),
            _ => {}
        }
    }
}

/// The values of columns, wherever their elements are in the row; the last of several counts.
fn take(element: &Element, columns: &BTreeMap<String, usize>, values: &mut [Value]) {
    for child in element.elements() {
        match columns
            .get(&child.name)
            .and_then(|field| values.get_mut(*field))
        {
            Some(value) => *value = Value::text(child.inner()),
            None => take(child, columns, values),
        }
    }
}

/// The whole document; the root is its only element.
fn document<R: std::io::BufRead>(source: &mut Source<R>) -> Result<Element, String> {
    let mut document = Element::default();
    loop {
        match source.next()? {
            Part::Start(element, true) => document.children.push(Node::Element(element)),
            Part::Start(element, false) => {
                document.children.push(Node::Element(source.rest(element)?));
            }
            Part::Done => break,
            _ => {}
        }
    }
    if document.children.is_empty() {
        return Err("the document has no element".to_owned());
    }
    document.resolve(&BTreeMap::new());
    Ok(document)
}
