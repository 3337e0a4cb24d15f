//! The formats of the sample library `Microsoft.Analytics.Samples.Formats`, by the names of its
//! classes: their work is done here, without C#.

use std::collections::BTreeMap;

use super::formats::argument_error;
use super::query::invalid;
use super::{Binder, Result};
use crate::ast::{Expr, ExprKind, NewObject};
use crate::formats::{
    AvroReader, Encoding, JsonReader, JsonWriter, Reading, Writing, XmlPath, XmlReader, XmlRows,
    XmlWriter,
};
use crate::json::Path;
use crate::rowset::Column;
use crate::source::Span;
use crate::types::Base;
use crate::value::Value;

/// The classes that are known, by their full names, with a short one.
const CLASSES: [(&str, &str); 10] = [
    (
        "Microsoft.Analytics.Samples.Formats.Json.JsonExtractor",
        "JsonExtractor",
    ),
    (
        "Microsoft.Analytics.Samples.Formats.Json.MultiLineJsonExtractor",
        "JsonExtractor",
    ),
    (
        "Microsoft.Analytics.Samples.Formats.Json.MultiLevelJsonExtractor",
        "MultiLevelJsonExtractor",
    ),
    (
        "Microsoft.Analytics.Samples.Formats.Json.JsonOutputter",
        "JsonOutputter",
    ),
    (
        "Microsoft.Analytics.Samples.Formats.Json.JsonLinesOutputter",
        "JsonLinesOutputter",
    ),
    (
        "Microsoft.Analytics.Samples.Formats.Xml.XmlExtractor",
        "XmlExtractor",
    ),
    (
        "Microsoft.Analytics.Samples.Formats.Xml.XmlDomExtractor",
        "XmlDomExtractor",
    ),
    (
        "Microsoft.Analytics.Samples.Formats.Xml.XmlOutputter",
        "XmlOutputter",
    ),
    (
        "Microsoft.Analytics.Samples.Formats.Avro.AvroExtractor",
        "AvroExtractor",
    ),
    (
        "Microsoft.Analytics.Samples.Formats.ApacheAvro.AvroExtractor",
        "AvroExtractor",
    ),
];

impl Binder<'_> {
    /// A class as it is written, with every namespace that `USING` opens in front of it.
    pub(super) fn full_names(&self, written: &str) -> Vec<String> {
        let mut names = vec![written.to_owned()];
        for (alias, namespace) in &self.namespaces {
            match alias {
                None => names.push(format!("{namespace}.{written}")),
                Some(alias) => {
                    let rest = written.strip_prefix(alias.as_str());
                    let rest = rest.and_then(|rest| rest.strip_prefix('.'));
                    names.extend(rest.map(|rest| format!("{namespace}.{rest}")));
                }
            }
        }
        names
    }

    /// `new` of a class of the sample library.
    pub(super) fn sample<'a>(&self, using: &'a Expr) -> Option<(&'static str, &'a NewObject)> {
        let ExprKind::New(new) = &using.kind else {
            return None;
        };
        let names = self.full_names(&new.ty.as_ref()?.name);
        let known = CLASSES
            .iter()
            .find(|(full, _)| names.iter().any(|name| name == full));
        known.map(|(_, short)| (*short, &**new))
    }

    /// How files are read by an extractor of the library; `fields` are the columns they have.
    pub(super) fn sample_reading(
        &self,
        class: &str,
        new: &NewObject,
        fields: &[&Column],
        span: Span,
    ) -> Result<Reading> {
        match class {
            "JsonExtractor" => self.json_reading(new).map(Reading::Json),
            "MultiLevelJsonExtractor" => self.leveled_reading(new, fields).map(Reading::Json),
            "XmlExtractor" | "XmlDomExtractor" => {
                strings_only(fields.iter().copied(), span)?;
                let by_path = class == "XmlDomExtractor";
                let rows = self.xml_rows(new, by_path, fields, span)?;
                Ok(Reading::Xml(XmlReader { rows }))
            }
            "AvroExtractor" => self.avro_reading(new).map(Reading::Avro),
            _ => Err(invalid(span, format!("`{class}` is no extractor"))),
        }
    }

    fn json_reading(&self, new: &NewObject) -> Result<JsonReader> {
        let mut reader = JsonReader::default();
        let names = &["rowpath", "encoding", "rowdelim"];
        for (name, value, span) in self.named_arguments(&new.arguments, names, false)? {
            match name {
                "rowpath" => reader.rows = optional_path(&value, span)?,
                "encoding" if Encoding::of(value.as_text()) != Some(Encoding::default()) => {
                    return Err(argument_error(span, "JSON is read as UTF-8"));
                }
                "rowdelim" if !value.as_text().trim().is_empty() => {
                    let message = "documents are separated by their ends, or by blanks";
                    return Err(argument_error(span, message));
                }
                _ => {}
            }
        }
        Ok(reader)
    }

    fn leveled_reading(&self, new: &NewObject, fields: &[&Column]) -> Result<JsonReader> {
        let mut reader = JsonReader::default();
        let names = &["rowpath", "bypassWarning", "jsonPaths"];
        for (name, value, span) in self.named_arguments(&new.arguments, names, true)? {
            match name {
                "rowpath" => reader.rows = optional_path(&value, span)?,
                "bypassWarning" => reader.missing_is_null = value.as_bool(),
                _ => {
                    let many = match &value {
                        Value::Array(values) => values.to_vec(),
                        one => vec![one.clone()],
                    };
                    for path in many {
                        let path = Path::parse(path.as_text());
                        reader
                            .columns
                            .push(path.map_err(|error| argument_error(span, error))?);
                    }
                    if reader.columns.len() > fields.len() {
                        let message =
                            format!("there are more paths than the {} columns", fields.len());
                        return Err(argument_error(span, message));
                    }
                }
            }
        }
        Ok(reader)
    }

    fn xml_rows(
        &self,
        new: &NewObject,
        by_path: bool,
        fields: &[&Column],
        span: Span,
    ) -> Result<XmlRows> {
        let (mut row, mut given, mut namespaces) = (String::new(), Vec::new(), BTreeMap::new());
        let names: &[&'static str] = &["rowPath", "columnPaths", "namespaceDecls"];
        let names = if by_path { names } else { &names[..2] };
        for (name, value, _) in self.named_arguments(&new.arguments, names, false)? {
            match name {
                "rowPath" => value.as_text().clone_into(&mut row),
                "columnPaths" => given = pairs(&value),
                _ => namespaces = pairs(&value).into_iter().collect(),
            }
        }
        if row.is_empty() {
            return Err(argument_error(
                span,
                "`rowPath` says which elements are rows",
            ));
        }
        let unknown = given
            .iter()
            .find(|(_, name)| fields.iter().all(|field| field.name != *name));
        if let Some((_, unknown)) = unknown {
            let message =
                format!("`columnPaths` names `{unknown}`, which is not a column of the schema");
            return Err(argument_error(span, message));
        }
        if !by_path {
            let at = |name: &str| fields.iter().position(|field| field.name == name);
            let mapped = given
                .iter()
                .filter_map(|(element, name)| Some((element.clone(), at(name)?)));
            let mut columns: BTreeMap<String, usize> = mapped.collect();
            for (at, field) in fields.iter().enumerate() {
                columns.entry(field.name.clone()).or_insert(at);
            }
            return Ok(XmlRows::Named { row, columns });
        }
        let read = |text: &str| {
            XmlPath::parse(text, &namespaces).map_err(|error| argument_error(span, error))
        };
        let path = |field: &&Column| {
            let given = given.iter().find(|(_, name)| *name == field.name);
            read(given.map_or(&field.name, |(path, _)| path))
        };
        let columns = fields.iter().map(path).collect::<Result<_>>()?;
        let row = read(&row)?;
        Ok(XmlRows::Paths { row, columns })
    }

    fn avro_reading(&self, new: &NewObject) -> Result<AvroReader> {
        let (mut schema, mut internal) = (None, false);
        let names = &["avroSchema", "mapToInternalSchema"];
        for (name, value, span) in self.named_arguments(&new.arguments, names, false)? {
            if name == "mapToInternalSchema" {
                internal = value.as_bool();
            } else if !value.as_text().trim().is_empty() {
                let text = value.as_text().to_owned();
                crate::json::Json::parse(&text).map_err(|error| argument_error(span, error))?;
                schema = Some(text);
            }
        }
        let schema = schema.filter(|_| !internal);
        Ok(AvroReader { schema })
    }

    /// How rows are written by an outputter of the library.
    pub(super) fn sample_writing(
        &self,
        class: &str,
        new: &NewObject,
        columns: &[Column],
        span: Span,
    ) -> Result<Writing> {
        match class {
            "JsonOutputter" | "JsonLinesOutputter" => {
                self.named_arguments(&new.arguments, &[], false)?;
                let lines = class == "JsonLinesOutputter";
                let nested =
                    |column: &&Column| matches!(column.ty.base, Base::Array(_) | Base::Map(..));
                match columns.iter().find(nested).filter(|_| !lines) {
                    Some(column) => {
                        let message = format!(
                            "`JsonOutputter` does not write the type `{}` of `{}`",
                            column.ty, column.name
                        );
                        Err(argument_error(span, message).with_help("`JsonLinesOutputter` does"))
                    }
                    None => Ok(Writing::Json(JsonWriter { lines })),
                }
            }
            "XmlOutputter" => {
                strings_only(columns.iter(), span)?;
                let (mut row, mut given) = (String::new(), Vec::new());
                let names = &["rowPath", "columnPaths"];
                for (name, value, _) in self.named_arguments(&new.arguments, names, false)? {
                    match name {
                        "rowPath" => value.as_text().clone_into(&mut row),
                        _ => given = pairs(&value),
                    }
                }
                let name = |column: &Column| {
                    let given = given.iter().find(|(name, _)| *name == column.name);
                    given.map_or_else(|| column.name.clone(), |(_, element)| element.clone())
                };
                let names: Vec<String> = columns.iter().map(name).collect();
                let wrong = names.iter().chain([&row]).find(|name| !is_xml_name(name));
                if let Some(wrong) = wrong {
                    let message = format!("`{wrong}` is not a name of an element");
                    return Err(argument_error(span, message));
                }
                Ok(Writing::Xml(XmlWriter { row, names }))
            }
            _ => Err(invalid(span, format!("`{class}` is no outputter"))),
        }
    }
}

fn optional_path(value: &Value, span: Span) -> Result<Option<Path>> {
    let text = value.as_text();
    if text.is_empty() {
        return Ok(None);
    }
    let path = Path::parse(text).map_err(|error| argument_error(span, error))?;
    Ok(Some(path))
}

/// A map of texts; of null none.
fn pairs(value: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_text().to_owned();
    match value {
        Value::Map(entries) => entries
            .iter()
            .map(|(key, value)| (text(key), text(value)))
            .collect(),
        _ => Vec::new(),
    }
}

fn strings_only<'a>(mut columns: impl Iterator<Item = &'a Column>, span: Span) -> Result<()> {
    match columns.find(|column| !column.ty.is_string()) {
        None => Ok(()),
        Some(column) => {
            let message = format!(
                "the column `{}` is a `{}`; XML has columns of type `string`",
                column.name, column.ty
            );
            Err(invalid(span, message).with_help("convert it in a SELECT"))
        }
    }
}

fn is_xml_name(name: &str) -> bool {
    let begins = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    begins
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || "_-.:".contains(c))
}
