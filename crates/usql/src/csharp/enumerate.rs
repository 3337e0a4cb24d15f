//! LINQ on arrays, computed for a row.

use std::sync::Arc;

use super::eval::Row;
use super::linq::{Operand, Operator};
use super::{EvalError, Typed, arithmetic, convert as conversion};
use crate::ast::BinaryOp;
use crate::types::Base;
use crate::value::Value;

/// The longest array that `Enumerable.Range` makes.
const RANGE_MAX: i64 = 1 << 24;

/// Computes an operator for a row.
pub(super) fn eval(
    this: &Typed,
    operator: Operator,
    source: &Typed,
    operands: &[Operand],
    row: &mut Row<'_>,
) -> Result<Value, EvalError> {
    let source_value = source.eval(row)?;
    if source_value.is_null() {
        return Err(this.failed("a null has no elements".to_owned()));
    }
    if let Value::Map(entries) = &source_value {
        return eval_map(operator, entries, operands, row);
    }
    if let Value::Bytes(bytes) = &source_value {
        return Ok(Value::Int(bytes.len() as i64));
    }
    if operator == Operator::Range {
        let count = operands[0].body().eval(row)?.as_int();
        if !(0..=RANGE_MAX).contains(&count) {
            return Err(this.failed(format!("a range of {count} elements is out of range")));
        }
        let start = source_value.as_int();
        return Ok(Value::Array(
            (start..start + count).map(Value::Int).collect(),
        ));
    }
    let values = source_value.as_array();
    let evaluated = evaluate_operand(operands.first(), values, row)?;
    combine(this, operator, values, &evaluated, source)
}

fn eval_map(
    operator: Operator,
    entries: &[(Value, Value)],
    operands: &[Operand],
    row: &mut Row<'_>,
) -> Result<Value, EvalError> {
    Ok(match operator {
        Operator::Keys => Value::Array(entries.iter().map(|(key, _)| key.clone()).collect()),
        Operator::Pairs => {
            let pair = |entry: &(Value, Value)| Value::Map(Arc::from([entry.clone()]));
            Value::Array(entries.iter().map(pair).collect())
        }
        Operator::Values => Value::Array(entries.iter().map(|(_, value)| value.clone()).collect()),
        Operator::ContainsKey => {
            let key = operands[0].body().eval(row)?;
            Value::Bool(entries.iter().any(|(candidate, _)| *candidate == key))
        }
        _ => Value::Int(entries.len() as i64),
    })
}

/// The value of the operand, or of the lambda for each element.
enum Evaluated {
    None,
    Value(Value),
    Each(Vec<Value>),
}

fn evaluate_operand(
    operand: Option<&Operand>,
    values: &[Value],
    row: &mut Row<'_>,
) -> Result<Evaluated, EvalError> {
    Ok(match operand {
        None => Evaluated::None,
        Some(Operand::Value(value)) => Evaluated::Value(value.eval(row)?),
        Some(Operand::Lambda(body, slot)) => {
            let mut each = Vec::with_capacity(values.len());
            let outer = row.locals.len();
            for (at, value) in values.iter().enumerate() {
                row.locals.resize(outer.max(*slot), Value::Null);
                row.locals.truncate(*slot);
                row.locals.push(value.clone());
                row.locals.push(Value::Int(at as i64));
                let result = body.eval(row);
                each.push(result?);
            }
            row.locals.truncate(outer);
            Evaluated::Each(each)
        }
    })
}

fn combine(
    this: &Typed,
    operator: Operator,
    values: &[Value],
    evaluated: &Evaluated,
    source: &Typed,
) -> Result<Value, EvalError> {
    let keys: &[Value] = match evaluated {
        Evaluated::Each(each) => each,
        _ => values,
    };
    let filtered = || filtered(values, evaluated);
    let other = match evaluated {
        Evaluated::Value(value) => value.clone(),
        _ => Value::Null,
    };
    let empty = || this.failed("the sequence contains no elements".to_owned());
    let array = |values: Vec<Value>| Ok(Value::Array(Arc::from(values)));
    let default = || super::members::default_value(&this.ty.base);
    match operator {
        Operator::Where => array(filtered()),
        Operator::Select => array(keys.to_vec()),
        Operator::SelectMany => array(
            keys.iter()
                .flat_map(|each| each.as_array().to_vec())
                .collect(),
        ),
        Operator::Distinct => array(distinct(values)),
        Operator::First => filtered().first().cloned().ok_or_else(empty),
        Operator::Last => filtered().last().cloned().ok_or_else(empty),
        Operator::FirstOrDefault => Ok(filtered().first().cloned().unwrap_or_else(default)),
        Operator::LastOrDefault => Ok(filtered().last().cloned().unwrap_or_else(default)),
        Operator::Count => Ok(Value::Int(filtered().len() as i64)),
        Operator::Any => Ok(Value::Bool(!filtered().is_empty())),
        Operator::All => Ok(Value::Bool(keys.iter().all(Value::as_bool))),
        Operator::Contains => Ok(Value::Bool(values.contains(&other))),
        Operator::Concat => array([values, other.as_array()].concat()),
        Operator::Union => array(distinct(&[values, other.as_array()].concat())),
        Operator::Skip => array(values.iter().skip(count(&other)).cloned().collect()),
        Operator::Take => array(values.iter().take(count(&other)).cloned().collect()),
        Operator::SkipWhile => array(values[leading(keys)..].to_vec()),
        Operator::TakeWhile => array(values[..leading(keys)].to_vec()),
        Operator::Reverse => array(values.iter().rev().cloned().collect()),
        Operator::OrderBy => array(ordered(values, keys, false)),
        Operator::OrderByDescending => array(ordered(values, keys, true)),
        Operator::Min => extreme(keys, false).ok_or_else(empty),
        Operator::Max => extreme(keys, true).ok_or_else(empty),
        Operator::Sum => sum(this, keys, &this.ty.base),
        Operator::Average => average(keys).ok_or_else(empty),
        Operator::Merge | Operator::Dictionary => {
            let merged = merge(values, operator == Operator::Dictionary);
            merged.map_err(|message| source.failed(message))
        }
        _ => Err(source.failed("this operator is not one of arrays".to_owned())),
    }
}

/// The elements for which the lambda is true; all without one.
fn filtered(values: &[Value], evaluated: &Evaluated) -> Vec<Value> {
    match evaluated {
        Evaluated::Each(each) => {
            let kept = values.iter().zip(each).filter(|(_, keep)| keep.as_bool());
            kept.map(|(value, _)| value.clone()).collect()
        }
        _ => values.to_vec(),
    }
}

/// The entries of all maps, of which the last with a key stays in the first's place, unless they
/// are to differ.
fn merge(maps: &[Value], unique: bool) -> Result<Value, String> {
    let mut all: Vec<(Value, Value)> = Vec::new();
    for map in maps {
        let Value::Map(entries) = map else {
            return Err("a null stands among the entries of a map".to_owned());
        };
        for (key, value) in entries.iter() {
            match all.iter_mut().find(|(known, _)| known == key) {
                Some(_) if unique => {
                    return Err("an item with the same key has already been added".to_owned());
                }
                Some((_, known)) => known.clone_from(value),
                None => all.push((key.clone(), value.clone())),
            }
        }
    }
    Ok(Value::Map(Arc::from(all)))
}

fn average(values: &[Value]) -> Option<Value> {
    let sum: f64 = values.iter().map(Value::as_double).sum();
    (!values.is_empty()).then(|| Value::Double(sum / values.len() as f64))
}

/// How many are true before the first that is not.
fn leading(keys: &[Value]) -> usize {
    keys.iter().take_while(|key| key.as_bool()).count()
}

fn count(value: &Value) -> usize {
    usize::try_from(value.as_int()).unwrap_or_default()
}

fn distinct(values: &[Value]) -> Vec<Value> {
    let mut kept: Vec<Value> = Vec::new();
    for value in values {
        if !kept.contains(value) {
            kept.push(value.clone());
        }
    }
    kept
}

fn ordered(values: &[Value], keys: &[Value], descending: bool) -> Vec<Value> {
    let mut pairs: Vec<_> = values.iter().zip(keys).collect();
    pairs.sort_by(|(_, left), (_, right)| {
        let order = left.compare(right).unwrap_or(std::cmp::Ordering::Equal);
        if descending { order.reverse() } else { order }
    });
    pairs.into_iter().map(|(value, _)| value.clone()).collect()
}

/// The smallest or the largest, nulls aside.
fn extreme(values: &[Value], largest: bool) -> Option<Value> {
    let op = if largest {
        BinaryOp::Greater
    } else {
        BinaryOp::Less
    };
    let present = values.iter().filter(|value| !value.is_null());
    present
        .reduce(|best, value| {
            if arithmetic::compare(op, value, best) {
                value
            } else {
                best
            }
        })
        .cloned()
}

fn sum(this: &Typed, values: &[Value], base: &Base) -> Result<Value, EvalError> {
    let failed = |message| this.failed(message);
    let zero = conversion::cast(&Value::Int(0), &Base::Int, base).map_err(failed)?;
    values
        .iter()
        .filter(|value| !value.is_null())
        .try_fold(zero, |sum, value| {
            arithmetic::arithmetic(BinaryOp::Add, base, &sum, value).map_err(failed)
        })
}
