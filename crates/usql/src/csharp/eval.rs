//! Computes an expression for one row.

use std::sync::Arc;

use super::{EvalError, Node, Typed, arithmetic, convert, enumerate, format, texts};
use crate::value::Value;

/// The values that an expression may refer to.
pub(crate) struct Row<'a> {
    pub(crate) columns: &'a [Value],
    pub(crate) locals: Vec<Value>,
}

impl<'a> Row<'a> {
    pub(crate) const fn new(columns: &'a [Value]) -> Self {
        let locals = Vec::new();
        Self { columns, locals }
    }
}

type Evaluated = Result<Value, EvalError>;

impl Typed {
    /// The value of an expression that reads no column.
    pub(crate) fn constant(&self) -> Evaluated {
        self.eval(&mut Row::new(&[]))
    }

    pub(crate) fn eval(&self, row: &mut Row<'_>) -> Evaluated {
        let failed = |message: String| self.failed(message);
        Ok(match &self.node {
            Node::Literal(value) => value.clone(),
            Node::Column(index) => row.columns.get(*index).cloned().unwrap_or(Value::Null),
            Node::Local(index) => row.locals.get(*index).cloned().unwrap_or(Value::Null),
            Node::Arithmetic(op, base, left, right) => {
                let (left, right) = (left.eval(row)?, right.eval(row)?);
                arithmetic::arithmetic(*op, base, &left, &right).map_err(failed)?
            }
            Node::Compare(op, left, right) => {
                let (left, right) = (left.eval(row)?, right.eval(row)?);
                Value::Bool(arithmetic::compare(*op, &left, &right))
            }
            Node::And(left, right) => {
                Value::Bool(left.eval(row)?.as_bool() && right.eval(row)?.as_bool())
            }
            Node::Or(left, right) => {
                Value::Bool(left.eval(row)?.as_bool() || right.eval(row)?.as_bool())
            }
            Node::Not(operand) => match operand.eval(row)? {
                Value::Null => Value::Null,
                value => Value::Bool(!value.as_bool()),
            },
            Node::Negate(base, operand) => {
                arithmetic::negate(base, &operand.eval(row)?).map_err(failed)?
            }
            Node::Complement(base, operand) => arithmetic::complement(base, &operand.eval(row)?),
            Node::Concat(left, right) => {
                let mut text = left.text(row)?;
                text.push_str(&right.text(row)?);
                Value::text(text)
            }
            Node::Convert(base, operand) => {
                let mut value = operand.eval(row)?;
                if !self.ty.nullable {
                    value = self.present(value, "a null has no value to convert")?;
                }
                convert::cast(&value, &operand.ty.base, base).map_err(failed)?
            }
            Node::Conditional(condition, then, otherwise) => {
                if condition.eval(row)?.as_bool() {
                    then.eval(row)?
                } else {
                    otherwise.eval(row)?
                }
            }
            Node::Coalesce(left, right) => match left.eval(row)? {
                Value::Null => right.eval(row)?,
                value => value,
            },
            Node::IsNull(operand) => Value::Bool(operand.eval(row)?.is_null()),
            Node::NonNull(operand) => self.present(
                operand.eval(row)?,
                "a nullable without a value has none to give",
            )?,
            Node::Linq(operator, source, operands) => {
                enumerate::eval(self, *operator, source, operands, row)?
            }
            _ => self.eval_collection(row)?,
        })
    }

    /// The value, which is not null.
    fn present(&self, value: Value, message: &str) -> Evaluated {
        if value.is_null() {
            return Err(self.failed(message.to_owned()));
        }
        Ok(value)
    }

    /// Calls, collections and texts.
    fn eval_collection(&self, row: &mut Row<'_>) -> Evaluated {
        let failed = |message: String| self.failed(message);
        Ok(match &self.node {
            Node::Call(method, arguments) => {
                let values = eval_all(arguments, row)?;
                let receiver = values.first().is_some_and(Value::is_null);
                if method.instance && receiver {
                    let message = format!("`{}` was called on a null", method.name);
                    return Err(self.failed(message));
                }
                (method.run)(&values).map_err(failed)?
            }
            Node::Element(array, index) => {
                let (array, index) = (array.eval(row)?, index.eval(row)?);
                element(&array, index.as_int()).map_err(failed)?
            }
            Node::Lookup(map, key) => {
                let (map, key) = (map.eval(row)?, key.eval(row)?);
                let Value::Map(entries) = map else {
                    return Err(self.failed("a null map has no entries".to_owned()));
                };
                let found = entries.iter().find(|(candidate, _)| *candidate == key);
                found.map_or(Value::Null, |(_, value)| value.clone())
            }
            Node::Like(value, pattern) => {
                let (value, pattern) = (value.eval(row)?, pattern.eval(row)?);
                Value::Bool(!value.is_null() && texts::like(value.as_text(), pattern.as_text()))
            }
            Node::NewArray(elements) => Value::Array(Arc::from(eval_all(elements, row)?)),
            Node::NewMap(entries) => {
                let entry = |(key, value): &(Typed, Typed)| Ok((key.eval(row)?, value.eval(row)?));
                let entries: Result<Vec<_>, EvalError> = entries.iter().map(entry).collect();
                Value::Map(Arc::from(entries?))
            }
            Node::Format(arguments) => {
                let values = eval_all(arguments, row)?;
                let types: Vec<_> = arguments.iter().map(|each| &each.ty).collect();
                Value::text(format::composite(&values, &types).map_err(failed)?)
            }
            Node::ToText(value, format) => {
                let evaluated = value.eval(row)?;
                if evaluated.is_null() {
                    if value.ty.is_string() {
                        return Err(self.failed("`ToString` was called on a null".to_owned()));
                    }
                    return Ok(Value::text(""));
                }
                let text = match format {
                    Some(format) => {
                        let format = format.eval(row)?;
                        format::with_format(&evaluated, &value.ty.base, format.as_text())
                            .map_err(failed)?
                    }
                    None => convert::text(&evaluated, &value.ty.base),
                };
                Value::text(text)
            }
            _ => Value::Null,
        })
    }

    /// The value as a text, as `+` with a text makes it: null is empty.
    fn text(&self, row: &mut Row<'_>) -> Result<String, EvalError> {
        let value = self.eval(row)?;
        Ok(convert::text(&value, &self.ty.base))
    }

    pub(super) fn failed(&self, message: String) -> EvalError {
        let span = self.span;
        EvalError { message, span }
    }
}

fn eval_all(expressions: &[Typed], row: &mut Row<'_>) -> Result<Vec<Value>, EvalError> {
    expressions.iter().map(|each| each.eval(row)).collect()
}

fn element(array: &Value, index: i64) -> Result<Value, String> {
    let found = |length: usize| {
        let at = usize::try_from(index).ok().filter(|at| *at < length);
        at.ok_or_else(|| format!("index {index} is out of range: there are {length} elements"))
    };
    match array {
        Value::Null => Err("a null array has no elements".to_owned()),
        Value::Array(values) => Ok(values[found(values.len())?].clone()),
        Value::Bytes(bytes) => Ok(Value::Int(bytes[found(bytes.len())?].into())),
        Value::Text(text) => {
            let units: Vec<u16> = text.encode_utf16().collect();
            Ok(Value::Int(units[found(units.len())?].into()))
        }
        _ => Err("this value has no elements".to_owned()),
    }
}
