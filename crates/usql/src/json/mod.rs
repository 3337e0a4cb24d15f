//! JSON as the sample library's JSON.NET reads and writes it: properties keep their order, whole
//! numbers their size, and text is what its `ToString` makes.
//!
//! What a value becomes in a column follows the library's documentation ("Serialization Guide") and
//! the sample formats: null, and what is missing, is the default of the column's type.

mod path;

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

pub(crate) use self::path::{Found, Key, Path};
use crate::csharp::{default_of, numbers};
use crate::types::{Base, Type};
use crate::value::Value;

/// A value of a document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Whole(i128),
    Number(f64),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| format!("this is not JSON: {error}"))
    }

    /// A property of an object; the last of several with one name.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(properties) = self else {
            return None;
        };
        let found = properties.iter().rev().find(|(key, _)| key == name);
        found.map(|(_, value)| value)
    }

    /// The values within, each with its key.
    pub(crate) fn children(&self) -> Vec<(Key, &Self)> {
        match self {
            Self::Array(values) => {
                let keyed = values.iter().enumerate();
                keyed.map(|(at, value)| (Key::Index(at), value)).collect()
            }
            Self::Object(properties) => {
                let keyed = properties.iter();
                keyed
                    .map(|(name, value)| (Key::Name(name.clone()), value))
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    /// The value as a text; `None` for null. Arrays and objects are indented.
    pub(crate) fn text(&self) -> Option<String> {
        let mut out = String::new();
        match self {
            Self::Null => return None,
            Self::Text(text) => out.push_str(text),
            other => other.write(&mut out, 0),
        }
        Some(out)
    }

    fn write(&self, out: &mut String, depth: usize) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Whole(value) => out.push_str(&value.to_string()),
            Self::Number(value) => out.push_str(&number(*value)),
            Self::Text(text) => quote(text, out),
            Self::Array(values) => {
                let items = values.iter().map(|value| (None, value));
                write_items(items, ['[', ']'], out, depth);
            }
            Self::Object(properties) => {
                let items = properties
                    .iter()
                    .map(|(name, value)| (Some(name.as_str()), value));
                write_items(items, ['{', '}'], out, depth);
            }
        }
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a truth value",
            Self::Whole(_) | Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }

    /// The value as one of a column's type, or why it is none.
    pub(crate) fn convert(&self, ty: &Type) -> Result<Value, String> {
        let refused = || Err(format!("{} is not of type `{ty}`", self.kind()));
        match (self, &ty.base) {
            (Self::Null, _) => Ok(default_of(ty)),
            (_, Base::String) => Ok(self.text().map_or(Value::Null, Value::text)),
            (Self::Array(values), Base::Array(element)) => {
                let values = values.iter().map(|each| each.convert(element));
                Ok(Value::Array(values.collect::<Result<_, _>>()?))
            }
            (Self::Object(properties), Base::Map(key, value)) if key.is_string() => {
                let entry = |(name, each): &(String, Self)| {
                    Ok::<_, String>((Value::text(name), each.convert(value)?))
                };
                let entries = properties.iter().map(entry);
                Ok(Value::Map(entries.collect::<Result<_, _>>()?))
            }
            (Self::Text(text), _) if text.is_empty() && ty.nullable => Ok(Value::Null),
            (Self::Text(text), base) => crate::csharp::convert::parse(text, base)
                .ok_or_else(|| format!("`{text}` is not of type `{ty}`")),
            (Self::Bool(value), Base::Bool) => Ok(Value::Bool(*value)),
            (Self::Whole(value), Base::Bool) => Ok(Value::Bool(*value != 0)),
            (Self::Bool(value), base) if ty.is_numeric() => {
                numbers::converted(&Value::Bool(*value), base)
            }
            (Self::Whole(value), base) if ty.is_numeric() => {
                let whole = match (i64::try_from(*value), u64::try_from(*value)) {
                    (Ok(value), _) => Value::Int(value),
                    (_, Ok(value)) => Value::ULong(value),
                    _ => return refused(),
                };
                numbers::converted(&whole, base)
            }
            (Self::Number(value), base) if ty.is_numeric() => {
                numbers::converted(&Value::Double(*value), base)
            }
            _ => refused(),
        }
    }
}

fn write_items<'a>(
    items: impl ExactSizeIterator<Item = (Option<&'a str>, &'a Json)>,
    [open, close]: [char; 2],
    out: &mut String,
    depth: usize,
) {
    out.push(open);
    let empty = items.len() == 0;
    for (at, (name, value)) in items.enumerate() {
        if at > 0 {
            out.push(',');
        }
        new_line(out, depth + 1);
        if let Some(name) = name {
            quote(name, out);
            out.push_str(": ");
        }
        value.write(out, depth + 1);
    }
    if !empty {
        new_line(out, depth);
    }
    out.push(close);
}

fn new_line(out: &mut String, depth: usize) {
    out.push_str("\r\n");
    out.push_str(&"  ".repeat(depth));
}

/// A number that is seen to be no whole one.
pub(crate) fn number(value: f64) -> String {
    let text = crate::csharp::format::round_trip(value, false);
    if !value.is_finite() || text.contains(['.', 'E']) {
        return text;
    }
    text + ".0"
}

/// A text in quotes.
pub(crate) fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\u{1f}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// `JsonFunctions.JsonTuple(json, paths)`: what the paths lead to, by where it was found; without
/// paths the properties or elements. Null has nothing in it.
pub(crate) fn tuple(json: &str, paths: &[&str]) -> Result<Value, String> {
    let root = if json.is_empty() {
        Json::Object(Vec::new())
    } else {
        Json::parse(json)?
    };
    let mut found = Vec::new();
    for path in paths {
        found.extend(Path::parse(path)?.select(&root));
    }
    if paths.is_empty() {
        let children = root.children().into_iter();
        found.extend(children.map(|(key, value)| Found {
            keys: vec![key],
            value,
        }));
    }
    let entry = |each: Found<'_>| {
        let value = each.value.text().map_or(Value::Null, Value::text);
        (Value::text(each.text()), value)
    };
    Ok(Value::Map(found.into_iter().map(entry).collect()))
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Whole(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Whole(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Json, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = sequence.next_element()? {
            values.push(value);
        }
        Ok(Json::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut properties = Vec::new();
        while let Some(property) = map.next_entry()? {
            properties.push(property);
        }
        Ok(Json::Object(properties))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// JSON.NET documentation, "JToken.ToString" and "JsonConvert.ToString": indented containers,
    /// numbers that show that they are not whole.
    #[test]
    fn a_value_is_written_as_the_library_writes_it() {
        let text = |json: &str| Json::parse(json).expect("JSON").text();
        assert_eq!(text("null"), None);
        assert_eq!(text("\"a\\u2028\"").as_deref(), Some("a\u{2028}"));
        assert_eq!(text("1e2").as_deref(), Some("100.0"));
        assert_eq!(
            text("18446744073709551615").as_deref(),
            Some("18446744073709551615")
        );
        assert_eq!(
            text("{\"b\": [1, true, \"x\\\"\\n\"], \"a\": {}}").as_deref(),
            Some(
                "{\r\n  \"b\": [\r\n    1,\r\n    true,\r\n    \"x\\\"\\n\"\r\n  ],\r\n  \"a\": {}\r\n}"
            )
        );
    }

    #[test]
    fn a_value_becomes_one_of_its_column() {
        let convert = |json: &str, ty: Type| Json::parse(json).expect("JSON").convert(&ty);
        assert_eq!(convert("2.5", Type::of(Base::Int)), Ok(Value::Int(2)));
        assert_eq!(convert("\" 7\"", Type::of(Base::Long)), Ok(Value::Int(7)));
        assert_eq!(convert("null", Type::of(Base::Int)), Ok(Value::Int(0)));
        assert_eq!(convert("null", Type::nullable(Base::Int)), Ok(Value::Null));
        assert_eq!(convert("\"\"", Type::nullable(Base::Int)), Ok(Value::Null));
        assert_eq!(convert("1", Type::of(Base::Bool)), Ok(Value::Bool(true)));
        assert!(convert("3000000000", Type::of(Base::Int)).is_err());
        assert!(convert("{}", Type::of(Base::Int)).is_err());
        assert!(convert("\"x\"", Type::of(Base::Int)).is_err());
    }
}
