//! That the document says exactly which bodies are accepted: a body is read by its type, and then held
//! against its schema in the document.
//!
//! The type decides what is understood, the schema which kinds of values are allowed, as serde takes an
//! array for an object, field by field, and the least and the most of numbers. Patterns and lengths are
//! the handlers', whose refusals say more. Invariant: no body of up to a mebibyte with a
//! value of another kind than the document says reaches a handler. Larger ones are graphs and
//! manifests that programs write; they are held to their types alone, since a second copy of them in
//! memory is worth more than that.

use std::fmt;
use std::sync::LazyLock;

use serde::de::DeserializeOwned;
use serde_json::{Number, Value};
use utoipa::ToSchema;

use crate::misfit;

/// The largest body that is held against its schema.
const CHECKED_MAX: usize = 1 << 20;

/// Whole numbers up to this are the same as floating-point numbers.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// The body that the bytes are; if they are not, which field does not fit and why.
pub(crate) fn read<T: DeserializeOwned + ToSchema>(bytes: &[u8]) -> Result<T, String> {
    let read = typed(bytes).or_else(|fault| whole(bytes).ok_or(fault))?;
    if bytes.len() <= CHECKED_MAX {
        held::<T>(bytes)?;
    }
    Ok(read)
}

/// The same by its type alone.
fn typed<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let fault = misfit::in_words(&error.inner().to_string());
        match error.path().to_string().as_str() {
            "." | "?" => fault,
            path => format!("`{path}`: {fault}"),
        }
    })?;
    let end = reader.end().map(|()| value);
    end.map_err(|error| misfit::in_words(&error.to_string()))
}

/// The same where whole numbers are written as `1.0`, which JSON Schema takes for whole.
fn whole<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let mut value = serde_json::from_slice(bytes).ok()?;
    make_whole(&mut value);
    serde_json::from_value(value).ok()
}

fn make_whole(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(make_whole),
        Value::Object(fields) => fields.values_mut().for_each(make_whole),
        Value::Number(number) if !number.is_i64() && !number.is_u64() => {
            let whole = number
                .as_f64()
                .filter(|it| it.fract() == 0.0 && it.abs() < EXACT_MAX);
            if let Some(whole) = whole {
                *number = Number::from(whole as i64);
            }
        }
        _ => {}
    }
}

/// Holds a body against its schema; a type that is not in the document has none.
fn held<T: ToSchema>(bytes: &[u8]) -> Result<(), String> {
    let Some(schema) = SCHEMAS.get(&*T::name()) else {
        return Ok(());
    };
    let value: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    fits(schema, &value).map_err(|fault| fault.to_string())
}

/// What contradicts the document, and where.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    what: String,
    /// From the inside to the outside, as `.name` or `[0]`.
    path: Vec<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path: String = self.path.iter().rev().map(String::as_str).collect();
        match path.trim_start_matches('.') {
            "" => formatter.write_str(&self.what),
            path => write!(formatter, "`{path}`: {}", self.what),
        }
    }
}

fn fault<T>(what: String) -> Result<T, Fault> {
    let path = Vec::new();
    Err(Fault { what, path })
}

/// Whether a value and all in it are of the kinds that a schema names.
fn fits(schema: &Value, value: &Value) -> Result<(), Fault> {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap_or_default();
        return SCHEMAS
            .get(name)
            .map_or(Ok(()), |schema| fits(schema, value));
    }
    for parts in schema["allOf"].as_array().into_iter().flatten() {
        fits(parts, value)?;
    }
    for choice in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[choice].as_array() {
            any_fits(choices, value)?;
        }
    }
    let listed = schema["type"].as_array().into_iter().flatten();
    let one = schema["type"].as_str().into_iter();
    let kinds: Vec<&str> = one.chain(listed.filter_map(Value::as_str)).collect();
    if !kinds.is_empty() && !kinds.iter().any(|kind| is_of(kind, value)) {
        return fault(format!(
            "it must be {}",
            kinds
                .iter()
                .map(|kind| in_words(kind))
                .collect::<Vec<_>>()
                .join(" or ")
        ));
    }
    match value {
        Value::Number(number) => in_range(schema, number),
        Value::Array(items) => {
            let item = |(place, item)| inside(&schema["items"], item, || format!("[{place}]"));
            items.iter().enumerate().try_for_each(item)
        }
        Value::Object(fields) => {
            let named = |(name, value): (&String, &Value)| {
                let known = schema["properties"].get(name);
                let schema = known.unwrap_or(&schema["additionalProperties"]);
                inside(schema, value, || format!(".{name}"))
            };
            fields.iter().try_for_each(named)
        }
        _ => Ok(()),
    }
}

fn inside(schema: &Value, value: &Value, name: impl FnOnce() -> String) -> Result<(), Fault> {
    fits(schema, value).map_err(|mut fault| {
        fault.path.push(name());
        fault
    })
}

/// The fault of the choice that fits best is the one that says most.
fn any_fits(choices: &[Value], value: &Value) -> Result<(), Fault> {
    let mut nearest = None;
    for choice in choices {
        match fits(choice, value) {
            Ok(()) => return Ok(()),
            Err(fault) => {
                let depth = |known: &Fault| known.path.len();
                if nearest
                    .as_ref()
                    .is_none_or(|known| depth(known) < depth(&fault))
                {
                    nearest = Some(fault);
                }
            }
        }
    }
    nearest.map_or(Ok(()), Err)
}

fn in_range(schema: &Value, number: &Number) -> Result<(), Fault> {
    let limit = |name: &str| schema[name].as_number();
    if let Some(least) = limit("minimum").filter(|least| is_less(number, least)) {
        return fault(format!("it must be {least} or more"));
    }
    match limit("maximum").filter(|most| is_less(most, number)) {
        Some(most) => fault(format!("it must be {most} or less")),
        None => Ok(()),
    }
}

/// Whole numbers are compared as such: as floating-point numbers the largest are all the same.
fn is_less(a: &Number, b: &Number) -> bool {
    match (a.as_i128(), b.as_i128()) {
        (Some(a), Some(b)) => a < b,
        _ => a.as_f64() < b.as_f64(),
    }
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => true,
    }
}

fn in_words(kind: &str) -> &str {
    match kind {
        "object" => "an object",
        "array" => "a list",
        "string" => "a text",
        "boolean" => "`true` or `false`",
        "number" => "a number",
        "integer" => "a whole number",
        other => other,
    }
}

/// What the routes make of themselves, as a test holds it: making it takes longer than a whole
/// submission, and the first body would wait for it.
const DOCUMENT: &str = include_str!("../../../docs/openapi.json");

/// The schemas of the document, by name.
static SCHEMAS: LazyLock<Value> = LazyLock::new(|| {
    let mut document: Value = serde_json::from_str(DOCUMENT).unwrap_or_default();
    document["components"]["schemas"].take()
});

#[cfg(test)]
mod tests {
    use stepwell_api::{ComputeSettings, CreateToken, LogMetrics, RunChange, SubmitRun};

    use super::*;

    #[test]
    fn a_body_is_what_its_schema_says() {
        let refused = |text: Result<(), String>| text.expect_err("refused");
        let token = |body: &str| read::<CreateToken>(body.as_bytes()).map(drop);
        assert_eq!(
            token(r#"{"name": "ci", "role": "reader", "expires_in_s": 60.0}"#),
            Ok(())
        );
        refused(token(
            r#"{"name": "ci", "role": "reader", "expires_in_s": 60.5}"#,
        ));
        refused(token(r#"["ci", "reader", null]"#));
        let run = |body: &str| read::<RunChange>(body.as_bytes()).map(drop);
        refused(run("[null, null]"));
        let compute = |body: &str| read::<ComputeSettings>(body.as_bytes()).map(drop);
        assert_eq!(compute(r#"{"concurrent_steps_max": 2.0}"#), Ok(()));
        refused(compute(r#"{"concurrent_steps_max": -1}"#));
        refused(compute(r#"{"concurrent_steps_max": 4294967296}"#));
        refused(compute(r#"{"concurrent_steps_max": 0}"#));
        let first = |number: u64| {
            let body = format!(r#"{{"writer": "w", "first": {number}, "points": []}}"#);
            read::<LogMetrics>(body.as_bytes()).map(drop)
        };
        assert_eq!(first(i64::MAX.unsigned_abs()), Ok(()));
        refused(first(i64::MAX.unsigned_abs() + 1));
        let step = r#"{"name": "s", "kind": "k", "target": "local", "after": ["0"], "task": {
            "type": "process", "program": {"command": "true"},
            "environment": {"kind": "interpreter", "python": "p"}}}"#;
        let pipeline = |step: &str| {
            let body = format!(r#"{{"experiment": "e", "steps": [{step}]}}"#);
            read::<SubmitRun>(body.as_bytes()).map(drop)
        };
        refused(pipeline(step));
        let client = step.replace(r#""after": ["0"]"#, r#""resources": [1, 1, 0, 1, 1, 1]"#);
        let said = refused(pipeline(&client));
        assert!(
            said.contains("`steps[0].resources`: it must be an object"),
            "{said}"
        );
        assert_eq!(pipeline(&step.replace(r#""0""#, "0")), Ok(()));
        let array = step.replace(r#"{"command": "true"}"#, r#"["command", "true"]"#);
        refused(pipeline(&array.replace(r#""0""#, "0")));
    }
}
