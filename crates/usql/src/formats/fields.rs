//! The fields of a row, and one column that is being filled.

use std::borrow::Cow;

use datafusion::arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, Int32Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use std::sync::Arc;

use super::TextReader;
use crate::csharp::convert;
use crate::diagnostic::Code;
use crate::types::{Base, Type};
use crate::value::{self, Value};

/// The longest text of a field, in bytes (U-SQL reference, "Built-in U-SQL Types").
const TEXT_MAX: usize = 128 * 1024;

/// A field: its text as it stands in the file, and what is meant by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field<'a> {
    pub(super) raw: &'a str,
    pub(super) text: Cow<'a, str>,
    pub(super) quoted: bool,
}

/// Whether nothing in a row hides a delimiter, so that `cut` will do.
pub(super) fn is_plain(row: &str, reader: &TextReader) -> bool {
    let bytes = row.as_bytes();
    let quoted = reader.quoting && memchr::memchr(b'"', bytes).is_some();
    let escaped = reader.escape.is_some_and(|escape| row.contains(escape));
    !quoted && !escaped
}

/// The ends of the fields of a plain row.
pub(super) fn cut(row: &str, reader: &TextReader, ends: &mut Vec<usize>) {
    ends.clear();
    if reader.delimiter.is_ascii() {
        ends.extend(memchr::memchr_iter(reader.delimiter as u8, row.as_bytes()));
    } else {
        ends.extend(row.match_indices(reader.delimiter).map(|(at, _)| at));
    }
    ends.push(row.len());
}

/// The field of a number in a row that was cut.
pub(super) fn nth<'a>(row: &'a str, reader: &TextReader, ends: &[usize], at: usize) -> Field<'a> {
    let start = match at.checked_sub(1) {
        None => 0,
        Some(before) => ends[before] + reader.delimiter.len_utf8(),
    };
    Field::plain(&row[start..ends[at]])
}

impl<'a> Field<'a> {
    const fn plain(raw: &'a str) -> Self {
        let text = Cow::Borrowed(raw);
        let quoted = false;
        Self { raw, text, quoted }
    }
}

/// Cuts a row into its fields. A quoted field hides delimiters; `""` within is a quote. An escape
/// character hides a delimiter or itself, and is dropped in front of others.
pub(super) fn split<'a>(row: &'a str, reader: &TextReader, fields: &mut Vec<Field<'a>>) {
    fields.clear();
    let mut rest = row;
    loop {
        let (field, length) = one(rest, reader);
        fields.push(field);
        match rest[length..].chars().next() {
            Some(delimiter) => rest = &rest[length + delimiter.len_utf8()..],
            None => return,
        }
    }
}

/// The first field of a text and its length in bytes.
fn one<'a>(text: &'a str, reader: &TextReader) -> (Field<'a>, usize) {
    let mut out = String::new();
    let mut inside = false;
    let mut quoted = false;
    let mut characters = text.char_indices().peekable();
    let mut end = text.len();
    while let Some((at, c)) = characters.next() {
        if Some(c) == reader.escape {
            let next =
                characters.next_if(|(_, c)| *c == reader.delimiter || Some(*c) == reader.escape);
            out.extend(next.map(|(_, c)| c));
        } else if reader.quoting && c == '"' {
            if inside && characters.next_if(|(_, c)| *c == '"').is_some() {
                out.push('"');
            } else {
                inside = !inside;
                quoted = true;
            }
        } else if c == reader.delimiter && !inside {
            end = at;
            break;
        } else {
            out.push(c);
        }
    }
    let field = Field {
        raw: &text[..end],
        text: Cow::Owned(out),
        quoted,
    };
    (field, end)
}

/// What was wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FieldError {
    pub(super) code: Code,
    pub(super) message: String,
}

/// A column that is being filled.
pub(super) struct ColumnBuilder {
    ty: Type,
    values: Values,
}

enum Values {
    Text(StringBuilder),
    Int(Int32Builder),
    Long(Int64Builder),
    Double(Float64Builder),
    Bool(BooleanBuilder),
    DateTime(TimestampMicrosecondBuilder),
    Any(Vec<Value>),
}

impl ColumnBuilder {
    pub(super) fn new(ty: &Type) -> Self {
        let values = match ty.base {
            Base::String => Values::Text(StringBuilder::new()),
            Base::Int => Values::Int(Int32Builder::new()),
            Base::Long => Values::Long(Int64Builder::new()),
            Base::Double => Values::Double(Float64Builder::new()),
            Base::Bool => Values::Bool(BooleanBuilder::new()),
            Base::DateTime => Values::DateTime(TimestampMicrosecondBuilder::new()),
            _ => Values::Any(Vec::new()),
        };
        let ty = ty.clone();
        Self { ty, values }
    }

    /// Adds a field, or says why it is no value of the column's type.
    pub(super) fn push(
        &mut self,
        field: &Field<'_>,
        reader: &TextReader,
    ) -> Result<(), FieldError> {
        if is_null(field, &self.ty, reader) {
            return self.push_null(field, reader);
        }
        let text = field.text.as_ref();
        if text.len() > TEXT_MAX && self.ty.is_string() {
            let message = format!("the text is longer than {TEXT_MAX} bytes");
            let code = Code::TooLong;
            return Err(FieldError { code, message });
        }
        let invalid = |ty: &Type| FieldError {
            code: Code::Conversion,
            message: format!("`{text}` is not of type `{ty}`"),
        };
        // The usual forms of the usual types; everything else is read as C# reads it.
        let usual = match &mut self.values {
            Values::Text(values) => {
                values.append_value(text);
                Some(())
            }
            Values::Int(values) => fast_integer(text)
                .and_then(|number| i32::try_from(number).ok())
                .map(|number| values.append_value(number)),
            Values::Long(values) => fast_integer(text).map(|number| values.append_value(number)),
            Values::Double(values) if is_plain_number(text) => {
                text.parse().ok().map(|number| values.append_value(number))
            }
            _ => None,
        };
        if usual.is_some() {
            return Ok(());
        }
        let base = match self.ty.base {
            Base::Char if !reader.char_as_text => &Base::UShort,
            _ => &self.ty.base,
        };
        match convert::parse(text, base) {
            Some(value) => self.push_value(value),
            None if reader.silent && self.ty.nullable => self.push_value(Value::Null),
            None => return Err(invalid(&self.ty)),
        }
        Ok(())
    }

    fn push_null(&mut self, field: &Field<'_>, reader: &TextReader) -> Result<(), FieldError> {
        if !self.ty.nullable {
            let message = format!("the field is empty, and `{}` takes no null", self.ty);
            let code = Code::NullConversion;
            return Err(FieldError { code, message });
        }
        // Quotes with nothing between them are an empty text, which only a text column takes.
        if field.quoted
            && field.text.is_empty()
            && !self.ty.is_string()
            && !reader.silent
            && reader.null_escape.as_deref() != Some(field.raw)
        {
            let message = format!("an empty text is not of type `{}`", self.ty);
            let code = Code::Conversion;
            return Err(FieldError { code, message });
        }
        self.push_value(Value::Null);
        Ok(())
    }

    fn push_value(&mut self, value: Value) {
        let present = (!value.is_null()).then_some(&value);
        match &mut self.values {
            Values::Text(values) => values.append_option(present.map(Value::as_text)),
            Values::Int(values) => values.append_option(present.map(|value| value.as_int() as i32)),
            Values::Long(values) => values.append_option(present.map(Value::as_int)),
            Values::Double(values) => values.append_option(present.map(Value::as_double)),
            Values::Bool(values) => values.append_option(present.map(Value::as_bool)),
            Values::DateTime(values) => values.append_option(present.map(Value::as_int)),
            Values::Any(values) => values.push(value),
        }
    }

    /// The column of all that was added; the builder is empty again.
    pub(super) fn finish(&mut self) -> ArrayRef {
        match &mut self.values {
            Values::Text(values) => Arc::new(values.finish()),
            Values::Int(values) => Arc::new(values.finish()),
            Values::Long(values) => Arc::new(values.finish()),
            Values::Double(values) => Arc::new(values.finish()),
            Values::Bool(values) => Arc::new(values.finish()),
            Values::DateTime(values) => Arc::new(values.finish()),
            Values::Any(values) => value::column(&std::mem::take(values), &self.ty),
        }
    }
}

/// Whether a field stands for null. An empty field of a text column is an empty text when quoting
/// is on, and null when it is off (as the service did; its reference says otherwise).
fn is_null(field: &Field<'_>, ty: &Type, reader: &TextReader) -> bool {
    if let Some(escape) = &reader.null_escape
        && field.raw == escape
    {
        return true;
    }
    if !field.text.is_empty() {
        return false;
    }
    if ty.is_string() {
        return !field.quoted && (!reader.quoting || reader.empty_as_null);
    }
    true
}

/// A plain decimal integer of up to eighteen digits.
fn fast_integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut value = 0_i64;
    for byte in digits.bytes() {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(byte - b'0');
    }
    Some(if negative { -value } else { value })
}

/// Whether a text has only what both C# and Rust read in one way in a number.
fn is_plain_number(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(row: &str, reader: &TextReader) -> Vec<String> {
        let mut fields = Vec::new();
        split(row, reader, &mut fields);
        fields.iter().map(|field| field.text.to_string()).collect()
    }

    // U-SQL reference, "Extractor Parameters (U-SQL)": quoting, escapeCharacter.
    #[test]
    fn quotes_and_escapes_hide_delimiters() {
        let csv = TextReader::default();
        assert_eq!(
            fields(r#"1,"a,b","say ""x""",, "#, &csv),
            ["1", "a,b", "say \"x\"", "", " "]
        );
        let plain = TextReader {
            quoting: false,
            ..TextReader::default()
        };
        assert_eq!(fields(r#""a,b""#, &plain), ["\"a", "b\""]);
        let escaped = TextReader {
            escape: Some('\\'),
            ..plain
        };
        assert_eq!(fields(r"a\,b,c\\,\d", &escaped), ["a,b", "c\\", "d"]);
    }

    // The sample row of the reference page, with nullEscape "\N".
    #[test]
    fn null_escape_compares_the_raw_field() {
        let reader = TextReader {
            null_escape: Some("\\N".to_owned()),
            ..TextReader::default()
        };
        let row = r##"1,,"",\N,#NULL#,"Some \N fun""##;
        let mut found = Vec::new();
        split(row, &reader, &mut found);
        let text = Type::of(Base::String);
        let nulls: Vec<bool> = found
            .iter()
            .map(|field| is_null(field, &text, &reader))
            .collect();
        assert_eq!(nulls, [false, false, false, true, false, false]);
        let int = Type::nullable(Base::Int);
        let results = found
            .iter()
            .map(|field| ColumnBuilder::new(&int).push(field, &reader).is_ok());
        assert_eq!(
            results.collect::<Vec<_>>(),
            [true, true, false, true, false, false]
        );
    }

    #[test]
    fn a_field_that_is_no_value_says_so() {
        let reader = TextReader::default();
        let push = |text: &str, ty: Type| {
            let mut found = Vec::new();
            split(text, &reader, &mut found);
            ColumnBuilder::new(&ty)
                .push(&found[0], &reader)
                .map_err(|error| error.code)
        };
        assert_eq!(push("x", Type::of(Base::Int)), Err(Code::Conversion));
        assert_eq!(
            push("3000000000", Type::of(Base::Int)),
            Err(Code::Conversion)
        );
        assert_eq!(push("", Type::of(Base::Int)), Err(Code::NullConversion));
        assert_eq!(push(" 7 ", Type::of(Base::Int)), Ok(()));
    }
}
