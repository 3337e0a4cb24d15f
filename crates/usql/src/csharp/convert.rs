//! Conversions between types, and between values and texts, in the invariant culture.

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive as _, ToPrimitive as _};

use super::{Outcome, arithmetic, datetime, format};
use crate::types::Base;
use crate::value::Value;

/// A cast, explicit or implicit. Null stays null. Floating-point numbers are truncated, integers
/// wrap (C# language specification, 10.3.2, in an unchecked context).
pub(crate) fn cast(value: &Value, from: &Base, to: &Base) -> Outcome {
    if value.is_null() || from == to {
        return Ok(value.clone());
    }
    Ok(match to {
        Base::Float => Value::Float(match value {
            Value::Float(value) => *value,
            value => value.as_double() as f32,
        }),
        Base::Double => Value::Double(value.as_double()),
        Base::Decimal => Value::Decimal(to_decimal(value)?),
        Base::ULong => Value::ULong(match value {
            Value::ULong(value) => *value,
            Value::Int(value) => value.cast_unsigned(),
            Value::Decimal(value) => value.trunc().to_u64().ok_or_else(|| too_large(to))?,
            value => value.as_double() as u64,
        }),
        Base::Bool | Base::String | Base::DateTime | Base::TimeSpan | Base::Guid => value.clone(),
        to => Value::Int(match value {
            Value::Int(value) => arithmetic::wrap(to, i128::from(*value)),
            Value::ULong(value) => arithmetic::wrap(to, i128::from(*value)),
            Value::Decimal(value) => {
                let whole = value.trunc().to_i128().ok_or_else(|| too_large(to))?;
                let wrapped = arithmetic::wrap(to, whole);
                if i128::from(wrapped) != whole {
                    return Err(too_large(to));
                }
                wrapped
            }
            value => arithmetic::wrap(to, value.as_double().trunc() as i128),
        }),
    })
}

fn too_large(to: &Base) -> String {
    let to = crate::types::Type {
        base: to.clone(),
        nullable: false,
    };
    format!("the value is too large or too small for `{to}`")
}

fn to_decimal(value: &Value) -> Result<Decimal, String> {
    let decimal = match value {
        Value::Float(value) => Decimal::from_f32(*value),
        Value::Double(value) => Decimal::from_f64(*value),
        value => Some(value.as_decimal()),
    };
    decimal.ok_or_else(|| too_large(&Base::Decimal))
}

/// A value as `ToString()` writes it; null is empty.
pub(crate) fn text(value: &Value, base: &Base) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Int(value) if *base == Base::Char => from_utf16(&[*value as u16]),
        Value::Int(value) if *base == Base::DayOfWeek => datetime::day_name(*value).to_owned(),
        Value::Int(value) => value.to_string(),
        Value::ULong(value) => value.to_string(),
        Value::Float(value) => format::general(f64::from(*value), 7),
        Value::Double(value) => format::general(*value, 15),
        Value::Decimal(value) => value.to_string(),
        Value::Text(text) => text.to_string(),
        Value::DateTime(micros) => datetime::format(*micros, "G").unwrap_or_default(),
        Value::TimeSpan(micros) => datetime::span_text(*micros),
        Value::Guid(guid) => guid_text(*guid),
        Value::Bytes(_) => "System.Byte[]".to_owned(),
        Value::Array(_) => "SQL.ARRAY".to_owned(),
        Value::Map(_) => "SQL.MAP".to_owned(),
    }
}

/// UTF-16 code units as text; one half of a pair becomes the replacement character.
pub(crate) fn from_utf16(units: &[u16]) -> String {
    String::from_utf16_lossy(units)
}

/// A GUID in the form `D`: hyphens, lower case.
pub(crate) fn guid_text(guid: u128) -> String {
    let hex = format!("{guid:032x}");
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    parts.join("-")
}

/// Reads a text as a value of a type, as `Parse` of that type does.
pub(crate) fn parse(text: &str, base: &Base) -> Option<Value> {
    let trimmed = text.trim();
    Some(match base {
        Base::String => Value::text(text),
        Base::Bool => match trimmed.to_ascii_lowercase().as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => return None,
        },
        Base::Float => Value::Float(parse_double(trimmed)? as f32),
        Base::Double => Value::Double(parse_double(trimmed)?),
        Base::Decimal => Value::Decimal(parse_decimal(trimmed)?),
        Base::ULong => Value::ULong(integer_digits(trimmed)?.parse().ok()?),
        Base::Char => {
            let units: Vec<u16> = text.encode_utf16().collect();
            let [unit] = units[..] else { return None };
            Value::Int(unit.into())
        }
        Base::DateTime => Value::DateTime(datetime::parse(trimmed)?),
        Base::TimeSpan => Value::TimeSpan(datetime::parse_span(trimmed)?),
        Base::Guid => Value::Guid(parse_guid(trimmed)?),
        Base::Bytes => Value::Bytes(parse_hex(trimmed)?.into()),
        base => Value::Int(parse_int(trimmed, base)?),
    })
}

/// A sign and digits, without what Rust does not take: a leading `+` is fine for both.
fn integer_digits(text: &str) -> Option<&str> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.strip_prefix('+').unwrap_or(text))
}

fn parse_int(text: &str, base: &Base) -> Option<i64> {
    let value: i64 = integer_digits(text)?.parse().ok()?;
    (arithmetic::wrap(base, i128::from(value)) == value).then_some(value)
}

/// Numbers of C#'s `NumberStyles.Float | AllowThousands`.
fn parse_double(text: &str) -> Option<f64> {
    match text {
        "NaN" => return Some(f64::NAN),
        "Infinity" | "∞" => return Some(f64::INFINITY),
        "-Infinity" | "-∞" => return Some(f64::NEG_INFINITY),
        _ => {}
    }
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_digit() || b"+-.eE,".contains(&b));
    if !plain || text.is_empty() {
        return None;
    }
    if text.contains(',') {
        return text.replace(',', "").parse().ok();
    }
    text.parse().ok()
}

fn parse_decimal(text: &str) -> Option<Decimal> {
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_digit() || b"+-.,".contains(&b));
    if !plain {
        return None;
    }
    text.replace(',', "").parse().ok()
}

pub(crate) fn parse_guid(text: &str) -> Option<u128> {
    let inner = text
        .trim_start_matches(['{', '('])
        .trim_end_matches(['}', ')']);
    let hex: String = inner.chars().filter(|c| *c != '-').collect();
    let valid = hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    valid.then(|| u128::from_str_radix(&hex, 16).ok()).flatten()
}

/// Pairs of hexadecimal digits.
pub(crate) fn parse_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| char::from(c).to_digit(16).map(|digit| digit as u8);
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect()
}

/// Bytes as upper-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
