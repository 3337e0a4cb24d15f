//! `EXTRACT` and the expressions behind `USING`: which format, with which settings, over which
//! files.

use super::query::invalid;
use super::{Binder, Result};
use crate::ast::{Argument, Call, ColumnSource, Expr, ExprKind, Extract};
use crate::csharp::convert;
use crate::csharp::datetime::Parts;
use crate::diagnostic::{Code, Diagnostic, closest};
use crate::formats::{
    Encoding, Extraction, FieldSource, InputFile, ParquetWriter, Reading, TextReader, TextWriter,
    Writing,
};
use crate::paths::{Capture, Found, PathError, is_pattern, pattern_columns};
use crate::rowset::{Column, Operator, Rowset};
use crate::source::Span;
use crate::types::{Base, Type};
use crate::value::Value;

pub(super) fn argument_error(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(Code::FormatArgument, span, message)
}

pub(super) fn path_error(error: PathError, span: Span) -> Diagnostic {
    match error {
        PathError::Empty => Diagnostic::error(Code::EmptyPath, span, "the path is empty"),
        PathError::Invalid(message) => Diagnostic::error(Code::InvalidPath, span, message),
        PathError::Removed(message) => Diagnostic::error(Code::FileSet, span, message),
    }
}

impl Binder<'_> {
    pub(super) fn extract(&mut self, extract: &Extract, span: Span) -> Result<Rowset> {
        let mut patterns = Vec::new();
        for path in &extract.paths {
            patterns.push((self.path_text(path)?, path.span));
        }
        let mut virtuals = Vec::new();
        for (pattern, span) in &patterns {
            let named = pattern_columns(pattern).map_err(|error| path_error(error, *span))?;
            virtuals.extend(named);
        }
        let (columns, sources) = extraction_columns(extract, &virtuals, span)?;
        let read = columns.iter().zip(&sources);
        let read = read.filter(|(_, source)| matches!(source, FieldSource::Field(_)));
        let fields: Vec<&Column> = read.map(|(column, _)| column).collect();
        let format = self.reading(&extract.using, &fields)?;
        let mut files = Vec::new();
        for (pattern, span) in &patterns {
            files.extend(self.input_files(pattern, *span, &columns, &sources)?);
        }
        let extraction = Extraction {
            columns: columns.clone(),
            sources,
            files,
            format,
            span: extract.using.span,
        };
        Ok(Rowset::new(columns, Operator::Extract(extraction)))
    }

    /// A path: a text that is known before the job starts.
    pub(super) fn path_text(&self, path: &Expr) -> Result<String> {
        let (value, ty) = crate::csharp::constant(path, &self.variables, self.settings.now)?;
        if !ty.is_string() {
            return Err(invalid(path.span, format!("a path is a text, not `{ty}`")));
        }
        Ok(value.as_text().to_owned())
    }

    fn input_files(
        &mut self,
        pattern: &str,
        span: Span,
        columns: &[Column],
        sources: &[FieldSource],
    ) -> Result<Vec<InputFile>> {
        let found = self
            .settings
            .paths
            .find(pattern)
            .map_err(|error| path_error(error, span))?;
        if found.is_empty() && self.settings.check_inputs {
            if !is_pattern(pattern) {
                let message = format!("the input `{pattern}` does not exist");
                return Err(Diagnostic::error(Code::InvalidPath, span, message));
            }
            let message = format!("no file fits `{pattern}`; the rowset is empty");
            self.diagnostics
                .push(Diagnostic::warning(Code::InvalidPath, span, message));
        }
        Ok(found
            .into_iter()
            .filter_map(|file| input_file(file, columns, sources))
            .collect())
    }

    fn reading(&self, using: &Expr, fields: &[&Column]) -> Result<Reading> {
        if let Some((class, new)) = self.sample(using) {
            return self.sample_reading(class, new, fields, using.span);
        }
        let (name, call) = format_call(using, "Extractors")?;
        let mut reader = TextReader {
            empty_as_null: self.switched_on("InternalDebug", "EmptyStringAsNullWhenQuoting"),
            ..TextReader::default()
        };
        match name.as_str() {
            "Csv" => {}
            "Tsv" => reader.delimiter = '\t',
            "Text" => {}
            "Parquet" => {
                self.no_arguments(call)?;
                return Ok(Reading::Parquet);
            }
            other => return Err(unknown_format(other, "Extractors", using.span)),
        }
        for argument in self.named_arguments(&call.arguments, READER_ARGUMENTS, false)? {
            let (name, value, span) = argument;
            match name {
                "delimiter" if matches!(call_name(using), Some("Csv" | "Tsv")) => {
                    return Err(argument_error(
                        span,
                        "`delimiter` is for `Extractors.Text` only",
                    ));
                }
                "delimiter" => reader.delimiter = character(&value, span)?,
                "encoding" => reader.encoding = Encoding::of(value.as_text()).unwrap_or_default(),
                "escapeCharacter" => reader.escape = optional_character(&value, span)?,
                "nullEscape" => reader.null_escape = optional_text(&value),
                "quoting" => reader.quoting = value.as_bool(),
                "rowDelimiter" => reader.row_delimiter = row_delimiter(&value, span)?,
                "silent" => reader.silent = value.as_bool(),
                "skipFirstNRows" => {
                    reader.skip_first_rows = u64::try_from(value.as_int())
                        .map_err(|_| argument_error(span, "`skipFirstNRows` is not negative"))?;
                }
                _ => reader.char_as_text = char_format(&value, span)?,
            }
        }
        Ok(Reading::Text(reader))
    }

    pub(super) fn writing(&self, using: &Expr, columns: &[Column], path: &str) -> Result<Writing> {
        if let Some((class, new)) = self.sample(using) {
            return self.sample_writing(class, new, columns, using.span);
        }
        let (name, call) = format_call(using, "Outputters")?;
        let mut writer = TextWriter::default();
        match name.as_str() {
            "Csv" | "Text" => {}
            "Tsv" => writer.delimiter = '\t',
            "Parquet" => {
                refuse_columns(
                    columns,
                    &[Base::Guid, Base::Char, Base::TimeSpan],
                    using.span,
                )?;
                return Ok(Writing::Parquet(ParquetWriter));
            }
            other => return Err(unknown_format(other, "Outputters", using.span)),
        }
        for (name, value, span) in self.named_arguments(&call.arguments, WRITER_ARGUMENTS, false)? {
            match name {
                "delimiter" if matches!(call_name(using), Some("Csv" | "Tsv")) => {
                    return Err(argument_error(
                        span,
                        "`delimiter` is for `Outputters.Text` only",
                    ));
                }
                "delimiter" => writer.delimiter = character(&value, span)?,
                "dateTimeFormat" => {
                    writer.date_time_format =
                        optional_text(&value).unwrap_or_else(|| "G".to_owned());
                }
                "encoding" => writer.encoding = Encoding::of(value.as_text()).unwrap_or_default(),
                "escapeCharacter" => writer.escape = optional_character(&value, span)?,
                "nullEscape" => writer.null_escape = optional_text(&value).unwrap_or_default(),
                "quoting" => writer.quoting = value.as_bool(),
                "rowDelimiter" => {
                    if let Some(delimiter) = row_delimiter(&value, span)? {
                        writer.row_delimiter = delimiter.to_string();
                    }
                }
                "outputHeader" => writer.header = value.as_bool(),
                _ => writer.char_as_text = char_format(&value, span)?,
            }
        }
        writer.gzip = self.is_compressed(path, using.span)?;
        let complex = |ty: &Type| matches!(ty.base, Base::Array(_) | Base::Map(..));
        if let Some(column) = columns.iter().find(|column| complex(&column.ty)) {
            let message = format!(
                "the column `{}` of type `{}` cannot be written as text",
                column.name, column.ty
            );
            return Err(Diagnostic::error(Code::OutputType, using.span, message)
                .with_help("put it together first, as in `string.Join(\",\", x)`"));
        }
        Ok(Writing::Text(writer))
    }

    /// Whether an output is compressed, as its name says; that must be switched on.
    fn is_compressed(&self, path: &str, span: Span) -> Result<bool> {
        let end = std::path::Path::new(path).extension();
        let compressed = end.is_some_and(|end| end.eq_ignore_ascii_case("gz"));
        if compressed && !self.switched_on("FeaturePreviews", "GZipOutput") {
            let message = "compressed output is not switched on";
            return Err(Diagnostic::error(Code::FileFormat, span, message)
                .with_help("write `SET @@FeaturePreviews = \"GZipOutput:on\";` first"));
        }
        Ok(compressed)
    }

    fn no_arguments(&self, call: &Call) -> Result<()> {
        match call.arguments.first() {
            None => Ok(()),
            Some(argument) => Err(argument_error(
                argument.value.span,
                "this format takes no arguments here",
            )),
        }
    }

    /// The arguments of a format by name, as constants; of the last name there may be many.
    pub(super) fn named_arguments(
        &self,
        written: &[Argument],
        known: &[&'static str],
        many: bool,
    ) -> Result<Vec<(&'static str, Value, Span)>> {
        let mut arguments = Vec::new();
        for (at, Argument { name, value }) in written.iter().enumerate() {
            let span = name
                .as_ref()
                .map_or(value.span, |name| name.span.to(value.span));
            let name = match name {
                Some(name) => known
                    .iter()
                    .find(|each| **each == name.value)
                    .copied()
                    .ok_or_else(|| {
                        let error = argument_error(
                            name.span,
                            format!("there is no argument `{}`", name.value),
                        );
                        match closest(&name.value, known.iter().copied()) {
                            Some(close) => error.with_help(format!("did you mean `{close}`?")),
                            None => {
                                error.with_help(format!("the arguments are {}", known.join(", ")))
                            }
                        }
                    })?,
                None => known
                    .get(if many { at.min(known.len() - 1) } else { at })
                    .copied()
                    .ok_or_else(|| argument_error(span, "too many arguments"))?,
            };
            let constant = if name == "encoding" {
                Value::text(encoding_name(value)?)
            } else {
                crate::csharp::constant(value, &self.variables, self.settings.now)?.0
            };
            arguments.push((name, constant, span));
        }
        Ok(arguments)
    }
}

const READER_ARGUMENTS: &[&str] = &[
    "delimiter",
    "encoding",
    "escapeCharacter",
    "nullEscape",
    "quoting",
    "rowDelimiter",
    "silent",
    "skipFirstNRows",
    "charFormat",
];
const WRITER_ARGUMENTS: &[&str] = &[
    "delimiter",
    "dateTimeFormat",
    "encoding",
    "escapeCharacter",
    "nullEscape",
    "quoting",
    "rowDelimiter",
    "charFormat",
    "outputHeader",
];

/// The member of `Extractors` or `Outputters` that is called.
fn format_call<'a>(using: &'a Expr, class: &str) -> Result<(String, &'a Call)> {
    if let ExprKind::Call(call) = &using.kind
        && let ExprKind::Member(object, member) = &call.function.kind
        && let ExprKind::Name(name) = &object.kind
        && name == class
    {
        return Ok((member.value.clone(), call));
    }
    let word = if class == "Extractors" {
        "extractor"
    } else {
        "outputter"
    };
    let message = format!("an {word} of the user's own is C#, which does not run here");
    Err(Diagnostic::error(Code::Unsupported, using.span, message)
        .with_help(format!("use `{class}.Text(…)`, `.Csv()`, `.Tsv()` or `.Parquet()`, a format of Microsoft.Analytics.Samples.Formats, or convert the file in a PythonScriptStep")))
}

fn call_name(using: &Expr) -> Option<&str> {
    match &using.kind {
        ExprKind::Call(call) => match &call.function.kind {
            ExprKind::Member(_, member) => Some(&member.value),
            _ => None,
        },
        _ => None,
    }
}

fn unknown_format(name: &str, class: &str, span: Span) -> Diagnostic {
    let error = invalid(span, format!("there is no `{class}.{name}`"));
    match closest(name, ["Csv", "Tsv", "Text", "Parquet"]) {
        Some(close) => error.with_help(format!("did you mean `{class}.{close}`?")),
        None => error.with_help(format!("there are {class}.Csv, Tsv, Text and Parquet")),
    }
}

/// `Encoding.UTF8`, `Encoding.[ASCII]` or `Encoding.GetEncoding(1252)`.
fn encoding_name(expr: &Expr) -> Result<String> {
    let name = match &expr.kind {
        ExprKind::Member(_, member) => Some(member.value.clone()),
        ExprKind::Call(call) => {
            call.arguments
                .first()
                .and_then(|argument| match &argument.value.kind {
                    ExprKind::Text(text) => Some(text.clone()),
                    ExprKind::Number(text, _) => Some(text.clone()),
                    _ => None,
                })
        }
        _ => None,
    };
    let known = name.filter(|name| Encoding::of(name).is_some());
    known.ok_or_else(|| {
        argument_error(expr.span, "this is not an encoding that is known here").with_help(
            "there are Encoding.UTF8, Unicode, BigEndianUnicode, UTF32, [ASCII] and GetEncoding(1250 to 1258)",
        )
    })
}

fn character(value: &Value, span: Span) -> Result<char> {
    let found = match value {
        Value::Int(unit) => u32::try_from(*unit).ok().and_then(char::from_u32),
        Value::Text(text) if text.chars().count() == 1 => text.chars().next(),
        _ => None,
    };
    found.ok_or_else(|| argument_error(span, "one character is expected, as in `'|'`"))
}

fn optional_character(value: &Value, span: Span) -> Result<Option<char>> {
    if value.is_null() {
        return Ok(None);
    }
    character(value, span).map(Some)
}

fn optional_text(value: &Value) -> Option<String> {
    (!value.is_null()).then(|| value.as_text().to_owned())
}

fn row_delimiter(value: &Value, span: Span) -> Result<Option<char>> {
    if value.is_null() || value.as_text() == "\r\n" {
        return Ok(None);
    }
    character(value, span).map(Some).map_err(|_| {
        argument_error(span, "a row delimiter is one character")
            .with_help("without it, rows end at any of \\r\\n, \\r and \\n")
    })
}

fn char_format(value: &Value, span: Span) -> Result<bool> {
    match value.as_text() {
        "" | "uint16" => Ok(false),
        "string" => Ok(true),
        _ => Err(argument_error(
            span,
            "`charFormat` is \"uint16\" or \"string\"",
        )),
    }
}

/// The columns of an `EXTRACT`, and where each comes from.
fn extraction_columns(
    extract: &Extract,
    virtuals: &[String],
    span: Span,
) -> Result<(Vec<Column>, Vec<FieldSource>)> {
    let mut columns = Vec::new();
    let mut sources = Vec::new();
    let mut fields = 0;
    for column in &extract.columns {
        let name = column.name.value.clone();
        let (source, ty) = match &column.source {
            ColumnSource::File(property) => file_property(property)?,
            ColumnSource::Input => {
                return Err(invalid(column.name.span, "a column of a file has a type"));
            }
            ColumnSource::Typed(written) => {
                let ty = crate::csharp::bind::resolve(written)?;
                if virtuals.contains(&name) {
                    (FieldSource::Virtual, ty)
                } else {
                    fields += 1;
                    (FieldSource::Field(fields - 1), ty)
                }
            }
        };
        if columns.iter().any(|other: &Column| other.name == name) {
            return Err(invalid(
                column.name.span,
                format!("two columns have the name `{name}`"),
            ));
        }
        columns.push(Column::new(name, ty));
        sources.push(source);
    }
    if fields == 0 {
        return Err(invalid(
            span,
            "at least one column comes from the file itself",
        ));
    }
    if let Some(missing) = virtuals
        .iter()
        .find(|name| columns.iter().all(|c| c.name != **name))
    {
        return Err(invalid(
            span,
            format!("the path names `{missing}`, which is not a column of the schema"),
        ));
    }
    Ok((columns, sources))
}

fn file_property(property: &crate::ast::Ident) -> Result<(FieldSource, Type)> {
    Ok(match property.value.as_str() {
        "URI" => (FieldSource::Uri, Type::of(Base::String)),
        "MODIFIED" => (FieldSource::Modified, Type::nullable(Base::DateTime)),
        "CREATED" => (FieldSource::Created, Type::nullable(Base::DateTime)),
        "LENGTH" => (FieldSource::Length, Type::nullable(Base::Long)),
        other => {
            let error = invalid(property.span, format!("a file has no property `{other}`"));
            return Err(error.with_help("there are FILE.URI(), MODIFIED(), CREATED() and LENGTH()"));
        }
    })
}

/// A file with the values of its virtual columns; `None` if its name does not fit their types.
fn input_file(found: Found, columns: &[Column], sources: &[FieldSource]) -> Option<InputFile> {
    let mut values = Vec::new();
    for (column, source) in columns.iter().zip(sources) {
        let value = match source {
            FieldSource::Virtual => {
                let captures = found
                    .captures
                    .iter()
                    .filter(|each| each.column == column.name);
                virtual_value(&captures.collect::<Vec<_>>(), &column.ty)?
            }
            FieldSource::Uri => Value::text(found.path.display().to_string()),
            FieldSource::Modified => Value::DateTime(found.modified),
            FieldSource::Created => Value::DateTime(found.created),
            FieldSource::Length => Value::Int(i64::try_from(found.length).unwrap_or(i64::MAX)),
            FieldSource::Field(_) => Value::Null,
        };
        values.push(value);
    }
    Some(InputFile {
        path: found.path,
        values,
        length: found.length,
    })
}

/// The value of a virtual column. Parts of a date are put together; parts that contradict each
/// other are no match.
fn virtual_value(captures: &[&Capture], ty: &Type) -> Option<Value> {
    let first = captures.first()?;
    if captures.iter().all(|capture| capture.format.is_none()) {
        if captures.iter().any(|capture| capture.text != first.text) {
            return None;
        }
        return convert::parse(&first.text, &ty.base);
    }
    let mut parts = Parts::default();
    let mut seen: Vec<(char, i64)> = Vec::new();
    for capture in captures {
        let letter = capture.format.as_deref()?.chars().next()?;
        let number: i64 = capture.text.parse().ok()?;
        if seen
            .iter()
            .any(|(other, value)| *other == letter && *value != number)
        {
            return None;
        }
        seen.push((letter, number));
        match letter {
            'y' => parts.year = number,
            'M' => parts.month = number,
            'd' => parts.day = number,
            'H' => parts.hour = number,
            'm' => parts.minute = number,
            _ => parts.second = number,
        }
    }
    parts.micros().map(Value::DateTime)
}

fn refuse_columns(columns: &[Column], refused: &[Base], span: Span) -> Result<()> {
    match columns
        .iter()
        .find(|column| refused.contains(&column.ty.base))
    {
        None => Ok(()),
        Some(column) => {
            let message = format!(
                "the column `{}` of type `{}` cannot be written to Parquet",
                column.name, column.ty
            );
            Err(Diagnostic::error(Code::OutputType, span, message)
                .with_help("convert it to a text first"))
        }
    }
}
