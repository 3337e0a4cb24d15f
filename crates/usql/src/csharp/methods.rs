//! The methods of C# that expressions may call, one line each.
//!
//! A method is found by its owner, its name and the first row whose parameters take the arguments;
//! rows of one name stand from the narrowest to the widest. What is not here is reported by name.

#![expect(
    clippy::unnecessary_wraps,
    reason = "the rows of the table all have one form"
)]

use std::sync::Arc;

use rust_decimal::Decimal;

use super::numbers::{converted, parsed, rounded, rounded_double};
use super::{Outcome, convert, datetime, regular, texts};
use crate::types::{Base, Type};
use crate::value::Value;

/// A parameter's or a result's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum P {
    Bool,
    Int,
    Long,
    ULong,
    Float,
    Double,
    Decimal,
    Char,
    Text,
    Date,
    Span,
    Guid,
    Day,
    Texts,
    /// `byte[]`.
    Bytes,
    /// `SQL.MAP<string, string>`.
    TextMap,
    Chars,
    /// A member of an enumeration.
    Option,
    /// All further arguments, or one array: characters.
    RestChars,
    /// All further arguments, written as texts.
    RestAny,
    /// Any value, written as a text.
    Any,
}

impl P {
    /// The type; `None` where any is taken.
    pub(crate) fn ty(self) -> Option<Type> {
        Some(Type::of(match self {
            Self::Bool => Base::Bool,
            Self::Int => Base::Int,
            Self::Long => Base::Long,
            Self::ULong => Base::ULong,
            Self::Float => Base::Float,
            Self::Double => Base::Double,
            Self::Decimal => Base::Decimal,
            Self::Char => Base::Char,
            Self::Text => Base::String,
            Self::Date => Base::DateTime,
            Self::Span => Base::TimeSpan,
            Self::Guid => Base::Guid,
            Self::Day => Base::DayOfWeek,
            Self::Bytes => Base::Bytes,
            Self::TextMap => {
                let text = || Box::new(Type::of(Base::String));
                Base::Map(text(), text())
            }
            Self::Texts | Self::RestAny => {
                return Some(Type::array(Type::of(Base::String)));
            }
            Self::Chars | Self::RestChars => return Some(Type::array(Type::of(Base::Char))),
            Self::Option => Base::Option,
            Self::Any => return None,
        }))
    }

    pub(crate) const fn is_rest(self) -> bool {
        matches!(self, Self::RestChars | Self::RestAny)
    }
}

/// A method, a property (without parameters beside the instance) or a constructor (`new`).
pub(crate) struct Method {
    /// The type it belongs to.
    pub(crate) owner: &'static str,
    pub(crate) name: &'static str,
    /// Whether the first parameter is the instance, which must not be null.
    pub(crate) instance: bool,
    /// Whether it is written without parentheses.
    pub(crate) property: bool,
    pub(crate) parameters: &'static [P],
    pub(crate) result: P,
    pub(crate) run: Run,
}

impl std::fmt::Debug for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.owner, self.name)
    }
}

impl PartialEq for Method {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

type Run = fn(&[Value]) -> Outcome;

/// A member of an instance.
const fn member(
    owner: &'static str,
    name: &'static str,
    property: bool,
    parameters: &'static [P],
    result: P,
    run: Run,
) -> Method {
    Method {
        owner,
        name,
        instance: true,
        property,
        parameters,
        result,
        run,
    }
}

const fn method(
    owner: &'static str,
    name: &'static str,
    parameters: &'static [P],
    result: P,
    run: Run,
) -> Method {
    member(owner, name, false, parameters, result, run)
}

const fn property(
    owner: &'static str,
    name: &'static str,
    parameters: &'static [P],
    result: P,
    run: Run,
) -> Method {
    member(owner, name, true, parameters, result, run)
}

const fn function(
    owner: &'static str,
    name: &'static str,
    parameters: &'static [P],
    result: P,
    run: Run,
) -> Method {
    Method {
        instance: false,
        ..member(owner, name, false, parameters, result, run)
    }
}

const fn constant(owner: &'static str, name: &'static str, result: P, run: Run) -> Method {
    Method {
        instance: false,
        ..member(owner, name, true, &[], result, run)
    }
}

fn t(v: &[Value], at: usize) -> &str {
    v.get(at).map(Value::as_text).unwrap_or_default()
}
fn i(v: &[Value], at: usize) -> i64 {
    v.get(at).map(Value::as_int).unwrap_or_default()
}
fn d(v: &[Value], at: usize) -> f64 {
    v.get(at).map_or(f64::NAN, Value::as_double)
}
fn m(v: &[Value], at: usize) -> Decimal {
    v.get(at).map(Value::as_decimal).unwrap_or_default()
}
fn bytes(v: &[Value], at: usize) -> Result<&[u8], String> {
    match v.get(at) {
        Some(Value::Bytes(bytes)) => Ok(bytes),
        _ => Err("GetString was called with a null".to_owned()),
    }
}
fn text(text: impl AsRef<str>) -> Outcome {
    Ok(Value::text(text))
}
fn int(value: i64) -> Outcome {
    Ok(Value::Int(value))
}
fn truth(value: bool) -> Outcome {
    Ok(Value::Bool(value))
}
fn double(value: f64) -> Outcome {
    Ok(Value::Double(value))
}
fn character(value: &Value) -> String {
    convert::text(value, &Base::Char)
}
fn characters(value: Option<&Value>) -> Vec<String> {
    value
        .map(Value::as_array)
        .unwrap_or_default()
        .iter()
        .map(character)
        .collect()
}
fn strings(value: Option<&Value>) -> Vec<String> {
    let values = value.map(Value::as_array).unwrap_or_default();
    values
        .iter()
        .map(|each| each.as_text().to_owned())
        .collect()
}
fn texts_of(parts: Vec<String>) -> Outcome {
    Ok(Value::Array(
        parts.iter().map(Value::text).collect::<Arc<[Value]>>(),
    ))
}

/// `StringComparison`: every second member ignores case.
fn folded(text: &str, comparison: i64) -> String {
    if comparison % 2 == 1 {
        text.to_lowercase()
    } else {
        text.to_owned()
    }
}

fn date(value: i64) -> Outcome {
    Ok(Value::DateTime(value))
}

fn shifted(v: &[Value], unit: i64) -> Outcome {
    let amount = d(v, 1) * unit as f64;
    let sum = i(v, 0).checked_add(amount.round() as i64);
    let in_range = sum.filter(|micros| datetime::micros(datetime::civil(*micros)) == Some(*micros));
    in_range
        .map(Value::DateTime)
        .ok_or_else(|| "the resulting time is out of range".to_owned())
}

fn span(micros: f64) -> Outcome {
    Ok(Value::TimeSpan(micros.round() as i64))
}

fn month_of(v: &[Value]) -> jiff::civil::DateTime {
    datetime::civil(i(v, 0))
}

fn matched(v: &[Value], options: i64) -> Outcome {
    let found = regular::with(t(v, 1), options, |regex| {
        regex.find(t(v, 0)).map(|found| found.as_str().to_owned())
    })?;
    text(found.unwrap_or_default())
}

const SECOND: i64 = datetime::SECOND;
const DAY: i64 = datetime::DAY;

/// All methods. Sources: .NET API reference, the classes named as owners.
#[rustfmt::skip]
pub(crate) static METHODS: &[Method] = &[
    // System.String
    property("string", "Length", &[P::Text], P::Int, |v| int(texts::length(t(v, 0)) as i64)),
    method("string", "Substring", &[P::Text, P::Int], P::Text, |v| texts::substring(t(v, 0), i(v, 1), None).and_then(text)),
    method("string", "Substring", &[P::Text, P::Int, P::Int], P::Text, |v| texts::substring(t(v, 0), i(v, 1), Some(i(v, 2))).and_then(text)),
    method("string", "IndexOf", &[P::Text, P::Char], P::Int, |v| texts::index_of(t(v, 0), &character(&v[1]), 0).and_then(int)),
    method("string", "IndexOf", &[P::Text, P::Text], P::Int, |v| texts::index_of(t(v, 0), t(v, 1), 0).and_then(int)),
    method("string", "IndexOf", &[P::Text, P::Char, P::Int], P::Int, |v| texts::index_of(t(v, 0), &character(&v[1]), i(v, 2)).and_then(int)),
    method("string", "IndexOf", &[P::Text, P::Text, P::Int], P::Int, |v| texts::index_of(t(v, 0), t(v, 1), i(v, 2)).and_then(int)),
    method("string", "IndexOf", &[P::Text, P::Text, P::Option], P::Int, |v| texts::index_of(&folded(t(v, 0), i(v, 2)), &folded(t(v, 1), i(v, 2)), 0).and_then(int)),
    method("string", "LastIndexOf", &[P::Text, P::Char], P::Int, |v| int(texts::last_index_of(t(v, 0), &character(&v[1])))),
    method("string", "LastIndexOf", &[P::Text, P::Text], P::Int, |v| int(texts::last_index_of(t(v, 0), t(v, 1)))),
    method("string", "Contains", &[P::Text, P::Text], P::Bool, |v| truth(t(v, 0).contains(t(v, 1)))),
    method("string", "StartsWith", &[P::Text, P::Text], P::Bool, |v| truth(t(v, 0).starts_with(t(v, 1)))),
    method("string", "StartsWith", &[P::Text, P::Text, P::Option], P::Bool, |v| truth(folded(t(v, 0), i(v, 2)).starts_with(&folded(t(v, 1), i(v, 2))))),
    method("string", "EndsWith", &[P::Text, P::Text], P::Bool, |v| truth(t(v, 0).ends_with(t(v, 1)))),
    method("string", "EndsWith", &[P::Text, P::Text, P::Option], P::Bool, |v| truth(folded(t(v, 0), i(v, 2)).ends_with(&folded(t(v, 1), i(v, 2))))),
    method("string", "Replace", &[P::Text, P::Char, P::Char], P::Text, |v| text(t(v, 0).replace(&character(&v[1]), &character(&v[2])))),
    method("string", "Replace", &[P::Text, P::Text, P::Text], P::Text, |v| if t(v, 1).is_empty() { Err("Replace needs a text to replace".to_owned()) } else { text(t(v, 0).replace(t(v, 1), t(v, 2))) }),
    method("string", "Split", &[P::Text, P::Chars, P::Option], P::Texts, |v| texts_of(texts::split(t(v, 0), &characters(v.get(1)), usize::MAX, i(v, 2) == 1))),
    method("string", "Split", &[P::Text, P::Texts, P::Option], P::Texts, |v| texts_of(texts::split(t(v, 0), &strings(v.get(1)), usize::MAX, i(v, 2) == 1))),
    method("string", "Split", &[P::Text, P::Chars, P::Int], P::Texts, |v| texts_of(texts::split(t(v, 0), &characters(v.get(1)), usize::try_from(i(v, 2)).unwrap_or(0), false))),
    method("string", "Split", &[P::Text, P::Chars, P::Int, P::Option], P::Texts, |v| texts_of(texts::split(t(v, 0), &characters(v.get(1)), usize::try_from(i(v, 2)).unwrap_or(0), i(v, 3) == 1))),
    method("string", "Split", &[P::Text, P::RestChars], P::Texts, |v| texts_of(texts::split(t(v, 0), &characters(v.get(1)), usize::MAX, false))),
    method("string", "Trim", &[P::Text, P::RestChars], P::Text, |v| text(texts::trim(t(v, 0), &characters(v.get(1)).concat(), true, true))),
    method("string", "TrimStart", &[P::Text, P::RestChars], P::Text, |v| text(texts::trim(t(v, 0), &characters(v.get(1)).concat(), true, false))),
    method("string", "TrimEnd", &[P::Text, P::RestChars], P::Text, |v| text(texts::trim(t(v, 0), &characters(v.get(1)).concat(), false, true))),
    method("string", "ToUpper", &[P::Text], P::Text, |v| text(t(v, 0).to_uppercase())),
    method("string", "ToUpperInvariant", &[P::Text], P::Text, |v| text(t(v, 0).to_uppercase())),
    method("string", "ToLower", &[P::Text], P::Text, |v| text(t(v, 0).to_lowercase())),
    method("string", "ToLowerInvariant", &[P::Text], P::Text, |v| text(t(v, 0).to_lowercase())),
    method("string", "PadLeft", &[P::Text, P::Int], P::Text, |v| texts::pad(t(v, 0), i(v, 1), 32, true).and_then(text)),
    method("string", "PadLeft", &[P::Text, P::Int, P::Char], P::Text, |v| texts::pad(t(v, 0), i(v, 1), i(v, 2) as u16, true).and_then(text)),
    method("string", "PadRight", &[P::Text, P::Int], P::Text, |v| texts::pad(t(v, 0), i(v, 1), 32, false).and_then(text)),
    method("string", "PadRight", &[P::Text, P::Int, P::Char], P::Text, |v| texts::pad(t(v, 0), i(v, 1), i(v, 2) as u16, false).and_then(text)),
    method("string", "Insert", &[P::Text, P::Int, P::Text], P::Text, |v| texts::insert(t(v, 0), i(v, 1), t(v, 2)).and_then(text)),
    method("string", "Remove", &[P::Text, P::Int], P::Text, |v| texts::remove(t(v, 0), i(v, 1), None).and_then(text)),
    method("string", "Remove", &[P::Text, P::Int, P::Int], P::Text, |v| texts::remove(t(v, 0), i(v, 1), Some(i(v, 2))).and_then(text)),
    method("string", "Equals", &[P::Text, P::Text], P::Bool, |v| truth(v[0] == v[1])),
    method("string", "Equals", &[P::Text, P::Text, P::Option], P::Bool, |v| truth(!v[1].is_null() && folded(t(v, 0), i(v, 2)) == folded(t(v, 1), i(v, 2)))),
    method("string", "CompareTo", &[P::Text, P::Text], P::Int, |v| int(v[0].compare(&v[1]).map_or(0, |order| order as i64))),
    method("string", "ToCharArray", &[P::Text], P::Chars, |v| Ok(Value::Array(t(v, 0).encode_utf16().map(|unit| Value::Int(unit.into())).collect()))),
    method("string", "GetHashCode", &[P::Text], P::Int, |v| int(i64::from(t(v, 0).encode_utf16().fold(5381_i32, |hash, unit| hash.wrapping_mul(33) ^ i32::from(unit))))),
    function("string", "IsNullOrEmpty", &[P::Text], P::Bool, |v| truth(t(v, 0).is_empty())),
    function("string", "IsNullOrWhiteSpace", &[P::Text], P::Bool, |v| truth(t(v, 0).trim().is_empty())),
    function("string", "Join", &[P::Text, P::RestAny], P::Text, |v| text(strings(v.get(1)).join(t(v, 0)))),
    function("string", "Concat", &[P::RestAny], P::Text, |v| text(strings(v.first()).concat())),
    function("string", "Compare", &[P::Text, P::Text], P::Int, |v| int(v[0].compare(&v[1]).map_or(0, |order| order as i64))),
    function("string", "Compare", &[P::Text, P::Text, P::Bool], P::Int, |v| { let fold = i64::from(v[2].as_bool()); int(folded(t(v, 0), fold).cmp(&folded(t(v, 1), fold)) as i64) }),
    function("string", "Compare", &[P::Text, P::Text, P::Option], P::Int, |v| int(folded(t(v, 0), i(v, 2)).cmp(&folded(t(v, 1), i(v, 2))) as i64)),
    function("string", "CompareOrdinal", &[P::Text, P::Text], P::Int, |v| int(v[0].compare(&v[1]).map_or(0, |order| order as i64))),
    function("string", "Equals", &[P::Text, P::Text], P::Bool, |v| truth(v[0] == v[1])),
    function("string", "Equals", &[P::Text, P::Text, P::Option], P::Bool, |v| truth(v[0].is_null() == v[1].is_null() && folded(t(v, 0), i(v, 2)) == folded(t(v, 1), i(v, 2)))),
    constant("string", "Empty", P::Text, |_| text("")),
    // System.Char
    function("char", "IsDigit", &[P::Char], P::Bool, |v| truth(character(&v[0]).chars().all(|c| c.is_numeric()))),
    function("char", "IsLetter", &[P::Char], P::Bool, |v| truth(character(&v[0]).chars().all(char::is_alphabetic))),
    function("char", "IsLetterOrDigit", &[P::Char], P::Bool, |v| truth(character(&v[0]).chars().all(char::is_alphanumeric))),
    function("char", "IsWhiteSpace", &[P::Char], P::Bool, |v| truth(character(&v[0]).chars().all(char::is_whitespace))),
    function("char", "IsUpper", &[P::Char], P::Bool, |v| truth(character(&v[0]).chars().all(char::is_uppercase))),
    function("char", "IsLower", &[P::Char], P::Bool, |v| truth(character(&v[0]).chars().all(char::is_lowercase))),
    function("char", "IsPunctuation", &[P::Char], P::Bool, |v| truth(character(&v[0]).chars().all(|c| c.is_ascii_punctuation() && !"$+<=>^`|~".contains(c)))),
    function("char", "ToUpper", &[P::Char], P::Char, |v| int(i64::from(character(&v[0]).to_uppercase().encode_utf16().next().unwrap_or_default()))),
    function("char", "ToLower", &[P::Char], P::Char, |v| int(i64::from(character(&v[0]).to_lowercase().encode_utf16().next().unwrap_or_default()))),
    // Parse
    function("bool", "Parse", &[P::Text], P::Bool, |v| parsed(&v[0], &Base::Bool)),
    function("int", "Parse", &[P::Text], P::Int, |v| parsed(&v[0], &Base::Int)),
    function("long", "Parse", &[P::Text], P::Long, |v| parsed(&v[0], &Base::Long)),
    function("ulong", "Parse", &[P::Text], P::ULong, |v| parsed(&v[0], &Base::ULong)),
    function("short", "Parse", &[P::Text], P::Int, |v| parsed(&v[0], &Base::Short)),
    function("byte", "Parse", &[P::Text], P::Int, |v| parsed(&v[0], &Base::Byte)),
    function("uint", "Parse", &[P::Text], P::Long, |v| parsed(&v[0], &Base::UInt)),
    function("float", "Parse", &[P::Text], P::Float, |v| parsed(&v[0], &Base::Float)),
    function("double", "Parse", &[P::Text], P::Double, |v| parsed(&v[0], &Base::Double)),
    function("decimal", "Parse", &[P::Text], P::Decimal, |v| parsed(&v[0], &Base::Decimal)),
    function("Guid", "Parse", &[P::Text], P::Guid, |v| parsed(&v[0], &Base::Guid)),
    function("TimeSpan", "Parse", &[P::Text], P::Span, |v| parsed(&v[0], &Base::TimeSpan)),
    function("DateTime", "Parse", &[P::Text], P::Date, |v| parsed(&v[0], &Base::DateTime)),
    function("DateTime", "Parse", &[P::Text, P::Option], P::Date, |v| parsed(&v[0], &Base::DateTime)),
    function("DateTime", "ParseExact", &[P::Text, P::Text, P::Option], P::Date, |v| datetime::parse_exact(t(v, 0), t(v, 1)).map(Value::DateTime).ok_or_else(|| format!("`{}` is not a DateTime in the format `{}`", t(v, 0), t(v, 1)))),
    // Constants
    constant("int", "MaxValue", P::Int, |_| int(i32::MAX.into())),
    constant("int", "MinValue", P::Int, |_| int(i32::MIN.into())),
    constant("long", "MaxValue", P::Long, |_| int(i64::MAX)),
    constant("long", "MinValue", P::Long, |_| int(i64::MIN)),
    constant("double", "NaN", P::Double, |_| double(f64::NAN)),
    constant("double", "MaxValue", P::Double, |_| double(f64::MAX)),
    constant("double", "MinValue", P::Double, |_| double(f64::MIN)),
    constant("double", "PositiveInfinity", P::Double, |_| double(f64::INFINITY)),
    constant("double", "NegativeInfinity", P::Double, |_| double(f64::NEG_INFINITY)),
    constant("double", "Epsilon", P::Double, |_| double(5e-324)),
    constant("decimal", "Zero", P::Decimal, |_| Ok(Value::Decimal(Decimal::ZERO))),
    constant("decimal", "One", P::Decimal, |_| Ok(Value::Decimal(Decimal::ONE))),
    constant("Guid", "Empty", P::Guid, |_| Ok(Value::Guid(0))),
    function("double", "IsNaN", &[P::Double], P::Bool, |v| truth(d(v, 0).is_nan())),
    function("double", "IsInfinity", &[P::Double], P::Bool, |v| truth(d(v, 0).is_infinite())),
    // System.Math
    function("Math", "Abs", &[P::Int], P::Int, |v| int(i(v, 0).abs())),
    function("Math", "Abs", &[P::Long], P::Long, |v| i(v, 0).checked_abs().map(Value::Int).ok_or_else(|| "the smallest number has no absolute value".to_owned())),
    function("Math", "Abs", &[P::Float], P::Float, |v| Ok(Value::Float(d(v, 0).abs() as f32))),
    function("Math", "Abs", &[P::Double], P::Double, |v| double(d(v, 0).abs())),
    function("Math", "Abs", &[P::Decimal], P::Decimal, |v| Ok(Value::Decimal(m(v, 0).abs()))),
    function("Math", "Max", &[P::Int, P::Int], P::Int, |v| int(i(v, 0).max(i(v, 1)))),
    function("Math", "Max", &[P::Long, P::Long], P::Long, |v| int(i(v, 0).max(i(v, 1)))),
    function("Math", "Max", &[P::Double, P::Double], P::Double, |v| double(if d(v, 0).is_nan() { f64::NAN } else { d(v, 1).max(d(v, 0)) })),
    function("Math", "Max", &[P::Decimal, P::Decimal], P::Decimal, |v| Ok(Value::Decimal(m(v, 0).max(m(v, 1))))),
    function("Math", "Min", &[P::Int, P::Int], P::Int, |v| int(i(v, 0).min(i(v, 1)))),
    function("Math", "Min", &[P::Long, P::Long], P::Long, |v| int(i(v, 0).min(i(v, 1)))),
    function("Math", "Min", &[P::Double, P::Double], P::Double, |v| double(if d(v, 0).is_nan() { f64::NAN } else { d(v, 1).min(d(v, 0)) })),
    function("Math", "Min", &[P::Decimal, P::Decimal], P::Decimal, |v| Ok(Value::Decimal(m(v, 0).min(m(v, 1))))),
    function("Math", "Round", &[P::Decimal], P::Decimal, |v| Ok(Value::Decimal(rounded(m(v, 0), 0, false)))),
    function("Math", "Round", &[P::Double], P::Double, |v| rounded_double(d(v, 0), 0, false)),
    function("Math", "Round", &[P::Decimal, P::Int], P::Decimal, |v| Ok(Value::Decimal(rounded(m(v, 0), i(v, 1), false)))),
    function("Math", "Round", &[P::Double, P::Int], P::Double, |v| rounded_double(d(v, 0), i(v, 1), false)),
    function("Math", "Round", &[P::Decimal, P::Int, P::Option], P::Decimal, |v| Ok(Value::Decimal(rounded(m(v, 0), i(v, 1), i(v, 2) == 1)))),
    function("Math", "Round", &[P::Double, P::Int, P::Option], P::Double, |v| rounded_double(d(v, 0), i(v, 1), i(v, 2) == 1)),
    function("Math", "Floor", &[P::Decimal], P::Decimal, |v| Ok(Value::Decimal(m(v, 0).floor()))),
    function("Math", "Floor", &[P::Double], P::Double, |v| double(d(v, 0).floor())),
    function("Math", "Ceiling", &[P::Decimal], P::Decimal, |v| Ok(Value::Decimal(m(v, 0).ceil()))),
    function("Math", "Ceiling", &[P::Double], P::Double, |v| double(d(v, 0).ceil())),
    function("Math", "Truncate", &[P::Decimal], P::Decimal, |v| Ok(Value::Decimal(m(v, 0).trunc()))),
    function("Math", "Truncate", &[P::Double], P::Double, |v| double(d(v, 0).trunc())),
    function("Math", "Sign", &[P::Double], P::Int, |v| int(if d(v, 0) > 0.0 { 1 } else if d(v, 0) < 0.0 { -1 } else { 0 })),
    function("Math", "Sqrt", &[P::Double], P::Double, |v| double(d(v, 0).sqrt())),
    function("Math", "Pow", &[P::Double, P::Double], P::Double, |v| double(d(v, 0).powf(d(v, 1)))),
    function("Math", "Exp", &[P::Double], P::Double, |v| double(d(v, 0).exp())),
    function("Math", "Log", &[P::Double], P::Double, |v| double(d(v, 0).ln())),
    function("Math", "Log", &[P::Double, P::Double], P::Double, |v| double(d(v, 0).ln() / d(v, 1).ln())),
    function("Math", "Log10", &[P::Double], P::Double, |v| double(d(v, 0).log10())),
    function("Math", "Sin", &[P::Double], P::Double, |v| double(d(v, 0).sin())),
    function("Math", "Cos", &[P::Double], P::Double, |v| double(d(v, 0).cos())),
    function("Math", "Tan", &[P::Double], P::Double, |v| double(d(v, 0).tan())),
    function("Math", "Asin", &[P::Double], P::Double, |v| double(d(v, 0).asin())),
    function("Math", "Acos", &[P::Double], P::Double, |v| double(d(v, 0).acos())),
    function("Math", "Atan", &[P::Double], P::Double, |v| double(d(v, 0).atan())),
    function("Math", "Atan2", &[P::Double, P::Double], P::Double, |v| double(d(v, 0).atan2(d(v, 1)))),
    constant("Math", "PI", P::Double, |_| double(std::f64::consts::PI)),
    constant("Math", "E", P::Double, |_| double(std::f64::consts::E)),
    function("decimal", "Round", &[P::Decimal], P::Decimal, |v| Ok(Value::Decimal(rounded(m(v, 0), 0, false)))),
    function("decimal", "Round", &[P::Decimal, P::Int], P::Decimal, |v| Ok(Value::Decimal(rounded(m(v, 0), i(v, 1), false)))),
    // System.Convert
    function("Convert", "ToBoolean", &[P::Text], P::Bool, |v| if v[0].is_null() { truth(false) } else { parsed(&v[0], &Base::Bool) }),
    function("Convert", "ToBoolean", &[P::Double], P::Bool, |v| truth(d(v, 0) != 0.0)),
    function("Convert", "ToInt16", &[P::Any], P::Int, |v| converted(&v[0], &Base::Short)),
    function("Convert", "ToInt32", &[P::Any], P::Int, |v| converted(&v[0], &Base::Int)),
    function("Convert", "ToInt64", &[P::Any], P::Long, |v| converted(&v[0], &Base::Long)),
    function("Convert", "ToSingle", &[P::Any], P::Float, |v| converted(&v[0], &Base::Float)),
    function("Convert", "ToDouble", &[P::Any], P::Double, |v| converted(&v[0], &Base::Double)),
    function("Convert", "ToDecimal", &[P::Any], P::Decimal, |v| converted(&v[0], &Base::Decimal)),
    function("Convert", "ToDateTime", &[P::Text], P::Date, |v| parsed(&v[0], &Base::DateTime)),
    // System.DateTime
    function("DateTime", "new", &[P::Int, P::Int, P::Int], P::Date, |v| datetime::from_parts(&[i(v, 0), i(v, 1), i(v, 2)]).and_then(date)),
    function("DateTime", "new", &[P::Int, P::Int, P::Int, P::Int, P::Int, P::Int], P::Date, |v| datetime::from_parts(&[i(v, 0), i(v, 1), i(v, 2), i(v, 3), i(v, 4), i(v, 5)]).and_then(date)),
    function("DateTime", "new", &[P::Int, P::Int, P::Int, P::Int, P::Int, P::Int, P::Int], P::Date, |v| datetime::from_parts(&[i(v, 0), i(v, 1), i(v, 2), i(v, 3), i(v, 4), i(v, 5), i(v, 6)]).and_then(date)),
    // The kind is not kept.
    function("DateTime", "new", &[P::Int, P::Int, P::Int, P::Int, P::Int, P::Int, P::Option], P::Date, |v| datetime::from_parts(&[i(v, 0), i(v, 1), i(v, 2), i(v, 3), i(v, 4), i(v, 5)]).and_then(date)),
    function("DateTime", "new", &[P::Int, P::Int, P::Int, P::Int, P::Int, P::Int, P::Int, P::Option], P::Date, |v| datetime::from_parts(&[i(v, 0), i(v, 1), i(v, 2), i(v, 3), i(v, 4), i(v, 5), i(v, 6)]).and_then(date)),
    function("DateTime", "DaysInMonth", &[P::Int, P::Int], P::Int, |v| datetime::from_parts(&[i(v, 0), i(v, 1), 1]).map(|day| Value::Int(datetime::civil(day).date().days_in_month().into()))),
    function("DateTime", "IsLeapYear", &[P::Int], P::Bool, |v| datetime::from_parts(&[i(v, 0), 1, 1]).map(|day| Value::Bool(datetime::civil(day).date().in_leap_year()))),
    function("DateTime", "Compare", &[P::Date, P::Date], P::Int, |v| int(i(v, 0).cmp(&i(v, 1)) as i64)),
    constant("DateTime", "MinValue", P::Date, |_| datetime::from_parts(&[1, 1, 1]).and_then(date)),
    constant("DateTime", "MaxValue", P::Date, |_| datetime::from_parts(&[9999, 12, 31, 23, 59, 59]).map(|micros| Value::DateTime(micros + SECOND - 1))),
    property("DateTime", "Year", &[P::Date], P::Int, |v| int(month_of(v).year().into())),
    property("DateTime", "Month", &[P::Date], P::Int, |v| int(month_of(v).month().into())),
    property("DateTime", "Day", &[P::Date], P::Int, |v| int(month_of(v).day().into())),
    property("DateTime", "Hour", &[P::Date], P::Int, |v| int(month_of(v).hour().into())),
    property("DateTime", "Minute", &[P::Date], P::Int, |v| int(month_of(v).minute().into())),
    property("DateTime", "Second", &[P::Date], P::Int, |v| int(month_of(v).second().into())),
    property("DateTime", "Millisecond", &[P::Date], P::Int, |v| int(month_of(v).millisecond().into())),
    property("DateTime", "DayOfWeek", &[P::Date], P::Day, |v| int(datetime::day_of_week(i(v, 0)))),
    property("DateTime", "DayOfYear", &[P::Date], P::Int, |v| int(month_of(v).date().day_of_year().into())),
    property("DateTime", "Date", &[P::Date], P::Date, |v| date(i(v, 0).div_euclid(DAY) * DAY)),
    property("DateTime", "TimeOfDay", &[P::Date], P::Span, |v| Ok(Value::TimeSpan(i(v, 0).rem_euclid(DAY)))),
    property("DateTime", "Ticks", &[P::Date], P::Long, |v| int((i(v, 0) + 62_135_596_800 * SECOND) * 10)),
    method("DateTime", "AddDays", &[P::Date, P::Double], P::Date, |v| shifted(v, DAY)),
    method("DateTime", "AddHours", &[P::Date, P::Double], P::Date, |v| shifted(v, 3600 * SECOND)),
    method("DateTime", "AddMinutes", &[P::Date, P::Double], P::Date, |v| shifted(v, 60 * SECOND)),
    method("DateTime", "AddSeconds", &[P::Date, P::Double], P::Date, |v| shifted(v, SECOND)),
    method("DateTime", "AddMilliseconds", &[P::Date, P::Double], P::Date, |v| shifted(v, 1000)),
    method("DateTime", "AddMonths", &[P::Date, P::Int], P::Date, |v| datetime::add_months(i(v, 0), i(v, 1)).and_then(date)),
    method("DateTime", "AddYears", &[P::Date, P::Int], P::Date, |v| datetime::add_months(i(v, 0), i(v, 1) * 12).and_then(date)),
    method("DateTime", "Add", &[P::Date, P::Span], P::Date, |v| date(i(v, 0) + i(v, 1))),
    method("DateTime", "Subtract", &[P::Date, P::Date], P::Span, |v| Ok(Value::TimeSpan(i(v, 0) - i(v, 1)))),
    method("DateTime", "Subtract", &[P::Date, P::Span], P::Date, |v| date(i(v, 0) - i(v, 1))),
    method("DateTime", "CompareTo", &[P::Date, P::Date], P::Int, |v| int(i(v, 0).cmp(&i(v, 1)) as i64)),
    method("DateTime", "ToShortDateString", &[P::Date], P::Text, |v| datetime::format(i(v, 0), "M/d/yyyy").and_then(text)),
    method("DateTime", "ToShortTimeString", &[P::Date], P::Text, |v| datetime::format(i(v, 0), "h:mm tt").and_then(text)),
    method("DateTime", "ToLongDateString", &[P::Date], P::Text, |v| datetime::format(i(v, 0), "dddd, MMMM d, yyyy").and_then(text)),
    method("DateTime", "ToUniversalTime", &[P::Date], P::Date, |v| date(i(v, 0))),
    method("DateTime", "ToLocalTime", &[P::Date], P::Date, |v| date(i(v, 0))),
    // System.TimeSpan
    function("TimeSpan", "new", &[P::Int, P::Int, P::Int], P::Span, |v| Ok(Value::TimeSpan(((i(v, 0) * 60 + i(v, 1)) * 60 + i(v, 2)) * SECOND))),
    function("TimeSpan", "new", &[P::Int, P::Int, P::Int, P::Int], P::Span, |v| Ok(Value::TimeSpan(i(v, 0) * DAY + ((i(v, 1) * 60 + i(v, 2)) * 60 + i(v, 3)) * SECOND))),
    function("TimeSpan", "FromDays", &[P::Double], P::Span, |v| span(d(v, 0) * DAY as f64)),
    function("TimeSpan", "FromHours", &[P::Double], P::Span, |v| span(d(v, 0) * 3.6e9)),
    function("TimeSpan", "FromMinutes", &[P::Double], P::Span, |v| span(d(v, 0) * 6e7)),
    function("TimeSpan", "FromSeconds", &[P::Double], P::Span, |v| span(d(v, 0) * 1e6)),
    function("TimeSpan", "FromMilliseconds", &[P::Double], P::Span, |v| span(d(v, 0) * 1e3)),
    constant("TimeSpan", "Zero", P::Span, |_| Ok(Value::TimeSpan(0))),
    property("TimeSpan", "Days", &[P::Span], P::Int, |v| int(i(v, 0) / DAY)),
    property("TimeSpan", "Hours", &[P::Span], P::Int, |v| int(i(v, 0) / (3600 * SECOND) % 24)),
    property("TimeSpan", "Minutes", &[P::Span], P::Int, |v| int(i(v, 0) / (60 * SECOND) % 60)),
    property("TimeSpan", "Seconds", &[P::Span], P::Int, |v| int(i(v, 0) / SECOND % 60)),
    property("TimeSpan", "Milliseconds", &[P::Span], P::Int, |v| int(i(v, 0) / 1000 % 1000)),
    property("TimeSpan", "Ticks", &[P::Span], P::Long, |v| int(i(v, 0) * 10)),
    property("TimeSpan", "TotalDays", &[P::Span], P::Double, |v| double(i(v, 0) as f64 / DAY as f64)),
    property("TimeSpan", "TotalHours", &[P::Span], P::Double, |v| double(i(v, 0) as f64 / 3.6e9)),
    property("TimeSpan", "TotalMinutes", &[P::Span], P::Double, |v| double(i(v, 0) as f64 / 6e7)),
    property("TimeSpan", "TotalSeconds", &[P::Span], P::Double, |v| double(i(v, 0) as f64 / 1e6)),
    property("TimeSpan", "TotalMilliseconds", &[P::Span], P::Double, |v| double(i(v, 0) as f64 / 1e3)),
    // System.Text.RegularExpressions.Regex
    function("Regex", "IsMatch", &[P::Text, P::Text], P::Bool, |v| regular::with(t(v, 1), 0, |regex| regex.is_match(t(v, 0))).and_then(truth)),
    function("Regex", "IsMatch", &[P::Text, P::Text, P::Option], P::Bool, |v| regular::with(t(v, 1), i(v, 2), |regex| regex.is_match(t(v, 0))).and_then(truth)),
    function("Regex", "Match", &[P::Text, P::Text], P::Text, |v| matched(v, 0)),
    function("Regex", "Match", &[P::Text, P::Text, P::Option], P::Text, |v| matched(v, i(v, 2))),
    function("Regex", "Replace", &[P::Text, P::Text, P::Text], P::Text, |v| regular::with(t(v, 1), 0, |regex| regex.replace_all(t(v, 0), regular::replacement(t(v, 2))).into_owned()).and_then(text)),
    function("Regex", "Replace", &[P::Text, P::Text, P::Text, P::Option], P::Text, |v| regular::with(t(v, 1), i(v, 3), |regex| regex.replace_all(t(v, 0), regular::replacement(t(v, 2))).into_owned()).and_then(text)),
    function("Regex", "Split", &[P::Text, P::Text], P::Texts, |v| regular::with(t(v, 1), 0, |regex| regex.split(t(v, 0)).map(str::to_owned).collect()).and_then(texts_of)),
    function("Regex", "Escape", &[P::Text], P::Text, |v| text(regex::escape(t(v, 0)))),
    // System.IO.Path
    function("Path", "GetFileName", &[P::Text], P::Text, |v| text(t(v, 0).rsplit(['/', '\\']).next().unwrap_or_default())),
    function("Path", "GetDirectoryName", &[P::Text], P::Text, |v| texts::directory_name(t(v, 0)).map_or(Ok(Value::Null), text)),
    function("Path", "GetExtension", &[P::Text], P::Text, |v| { let name = t(v, 0).rsplit(['/', '\\']).next().unwrap_or_default(); text(name.rfind('.').map_or("", |at| &name[at..])) }),
    function("Path", "GetFileNameWithoutExtension", &[P::Text], P::Text, |v| { let name = t(v, 0).rsplit(['/', '\\']).next().unwrap_or_default(); text(name.rfind('.').map_or(name, |at| &name[..at])) }),
    function("Path", "Combine", &[P::Text, P::Text], P::Text, |v| text(format!("{}/{}", t(v, 0).trim_end_matches('/'), t(v, 1)))),
    // System.Text.Encoding
    function("Encoding.UTF8", "GetString", &[P::Bytes], P::Text, |v| bytes(v, 0).map(String::from_utf8_lossy).and_then(text)),
    function("Encoding.UTF8", "GetBytes", &[P::Text], P::Bytes, |v| if v[0].is_null() { Err("GetBytes was called with a null".to_owned()) } else { Ok(Value::Bytes(t(v, 0).as_bytes().into())) }),
    // Microsoft.Analytics.Samples.Formats.Json
    function("JsonFunctions", "JsonTuple", &[P::Text, P::RestAny], P::TextMap, |v| crate::json::tuple(t(v, 0), &v[1].as_array().iter().map(Value::as_text).collect::<Vec<_>>())),
    // System.Uri
    function("Uri", "EscapeDataString", &[P::Text], P::Text, |v| text(escaped(t(v, 0)))),
    function("Uri", "UnescapeDataString", &[P::Text], P::Text, |v| text(unescaped(t(v, 0)))),
];

/// Everything but RFC 3986's unreserved characters as `%XX`.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let escape = |byte: u8| {
        if plain(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(escape).collect()
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(byte) = rest.bytes().next() {
        let hex = rest
            .get(1..3)
            .filter(|_| byte == b'%')
            .and_then(convert::parse_hex);
        match hex {
            Some(decoded) => {
                bytes.extend(decoded);
                rest = &rest[3..];
            }
            None => {
                let length = rest.chars().next().map_or(1, char::len_utf8);
                bytes.extend(rest[..length].bytes());
                rest = &rest[length..];
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Members of enumerations, by their number.
pub(crate) static OPTIONS: &[(&str, &str, i64)] = &[
    ("StringComparison", "CurrentCulture", 0),
    ("StringComparison", "CurrentCultureIgnoreCase", 1),
    ("StringComparison", "InvariantCulture", 2),
    ("StringComparison", "InvariantCultureIgnoreCase", 3),
    ("StringComparison", "Ordinal", 4),
    ("StringComparison", "OrdinalIgnoreCase", 5),
    ("StringSplitOptions", "None", 0),
    ("StringSplitOptions", "RemoveEmptyEntries", 1),
    ("RegexOptions", "None", 0),
    ("RegexOptions", "IgnoreCase", 1),
    ("RegexOptions", "Multiline", 2),
    ("RegexOptions", "Compiled", 8),
    ("RegexOptions", "Singleline", 16),
    ("MidpointRounding", "ToEven", 0),
    ("MidpointRounding", "AwayFromZero", 1),
    ("DateTimeKind", "Unspecified", 0),
    ("DateTimeKind", "Utc", 1),
    ("DateTimeKind", "Local", 2),
    ("CultureInfo", "InvariantCulture", 0),
    ("CultureInfo", "CurrentCulture", 0),
];
