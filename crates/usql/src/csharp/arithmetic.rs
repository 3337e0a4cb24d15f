//! Operators on numbers, as C# computes them.
//!
//! Integers wrap around (U-SQL compiles expressions `unchecked`), division truncates and fails for
//! zero, floating-point numbers follow IEEE 754, decimals fail when they overflow (C# language
//! specification, 12.10).

use rust_decimal::Decimal;

use super::Outcome;
use crate::ast::BinaryOp;
use crate::types::Base;
use crate::value::Value;

const DIVIDED_BY_ZERO: &str = "attempted to divide by zero";

/// `left op right`, both of the type `base`; null if either is.
pub(crate) fn arithmetic(op: BinaryOp, base: &Base, left: &Value, right: &Value) -> Outcome {
    if left.is_null() || right.is_null() {
        return Ok(Value::Null);
    }
    match base {
        Base::Float => Ok(Value::Float(
            float(op, left.as_double(), right.as_double()) as f32
        )),
        Base::Double => Ok(Value::Double(float(
            op,
            left.as_double(),
            right.as_double(),
        ))),
        Base::Decimal => decimal(op, left.as_decimal(), right.as_decimal()).map(Value::Decimal),
        Base::ULong => unsigned(op, as_ulong(left), as_ulong(right)).map(Value::ULong),
        Base::DateTime => Ok(Value::DateTime(times(op, left, right)?)),
        Base::TimeSpan => Ok(Value::TimeSpan(times(op, left, right)?)),
        Base::Bool => Ok(Value::Bool(match op {
            BinaryOp::BitAnd => left.as_bool() & right.as_bool(),
            BinaryOp::BitOr => left.as_bool() | right.as_bool(),
            _ => left.as_bool() ^ right.as_bool(),
        })),
        base => {
            let wide = signed(op, base, left.as_int(), right.as_int())?;
            Ok(Value::Int(wrap(base, wide)))
        }
    }
}

/// A result in 128 bits, cut to the width of its type.
pub(crate) fn wrap(base: &Base, value: i128) -> i64 {
    match base {
        Base::SByte => i64::from(value as i8),
        Base::Byte => i64::from(value as u8),
        Base::Short => i64::from(value as i16),
        Base::UShort | Base::Char => i64::from(value as u16),
        Base::UInt => i64::from(value as u32),
        Base::Long => value as i64,
        _ => i64::from(value as i32),
    }
}

fn as_ulong(value: &Value) -> u64 {
    match value {
        Value::ULong(value) => *value,
        value => value.as_int().cast_unsigned(),
    }
}

fn signed(op: BinaryOp, base: &Base, left: i64, right: i64) -> Result<i128, String> {
    let (a, b) = (i128::from(left), i128::from(right));
    let bits = if *base == Base::Long { 64 } else { 32 };
    // C# uses the low five or six bits of the shift count.
    let count = right.rem_euclid(bits) as u32;
    Ok(match op {
        BinaryOp::Add => a + b,
        BinaryOp::Subtract => a - b,
        BinaryOp::Multiply => a * b,
        BinaryOp::Divide | BinaryOp::Remainder if b == 0 => return Err(DIVIDED_BY_ZERO.to_owned()),
        BinaryOp::Divide => a / b,
        BinaryOp::Remainder => a % b,
        BinaryOp::ShiftLeft => a << count,
        BinaryOp::ShiftRight => a >> count,
        BinaryOp::BitAnd => a & b,
        BinaryOp::BitOr => a | b,
        _ => a ^ b,
    })
}

fn unsigned(op: BinaryOp, left: u64, right: u64) -> Result<u64, String> {
    Ok(match op {
        BinaryOp::Add => left.wrapping_add(right),
        BinaryOp::Subtract => left.wrapping_sub(right),
        BinaryOp::Multiply => left.wrapping_mul(right),
        BinaryOp::Divide => left.checked_div(right).ok_or(DIVIDED_BY_ZERO)?,
        BinaryOp::Remainder => left.checked_rem(right).ok_or(DIVIDED_BY_ZERO)?,
        BinaryOp::ShiftLeft => left << (right & 63),
        BinaryOp::ShiftRight => left >> (right & 63),
        BinaryOp::BitAnd => left & right,
        BinaryOp::BitOr => left | right,
        _ => left ^ right,
    })
}

fn float(op: BinaryOp, left: f64, right: f64) -> f64 {
    match op {
        BinaryOp::Add => left + right,
        BinaryOp::Subtract => left - right,
        BinaryOp::Multiply => left * right,
        BinaryOp::Divide => left / right,
        _ => left % right,
    }
}

fn decimal(op: BinaryOp, left: Decimal, right: Decimal) -> Result<Decimal, String> {
    let zero = right.is_zero() && matches!(op, BinaryOp::Divide | BinaryOp::Remainder);
    if zero {
        return Err(DIVIDED_BY_ZERO.to_owned());
    }
    let result = match op {
        BinaryOp::Add => left.checked_add(right),
        BinaryOp::Subtract => left.checked_sub(right),
        BinaryOp::Multiply => left.checked_mul(right),
        BinaryOp::Divide => left.checked_div(right),
        _ => left.checked_rem(right),
    };
    result.ok_or_else(|| "the value is too large or too small for a decimal".to_owned())
}

/// Sums and differences of times, both in microseconds.
fn times(op: BinaryOp, left: &Value, right: &Value) -> Result<i64, String> {
    let (left, right) = (left.as_int(), right.as_int());
    let result = match op {
        BinaryOp::Add => left.checked_add(right),
        _ => left.checked_sub(right),
    };
    result.ok_or_else(|| "the resulting time is out of range".to_owned())
}

/// `-value`.
pub(crate) fn negate(base: &Base, value: &Value) -> Outcome {
    let zero = match base {
        Base::Float => Value::Float(-0.0),
        Base::Double => Value::Double(-0.0),
        Base::Decimal => Value::Decimal(Decimal::ZERO),
        Base::TimeSpan => Value::TimeSpan(0),
        _ => Value::Int(0),
    };
    arithmetic(BinaryOp::Subtract, base, &zero, value)
}

/// `~value`.
pub(crate) fn complement(base: &Base, value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::ULong(value) => Value::ULong(!value),
        value => Value::Int(wrap(base, !i128::from(value.as_int()))),
    }
}

/// `==`, `!=` and the orders on values of one type. `null == null` is true; every order with null
/// is false (C# language specification, 12.4.8 and 12.12.10).
pub(crate) fn compare(op: BinaryOp, left: &Value, right: &Value) -> bool {
    let null = left.is_null() || right.is_null();
    match op {
        BinaryOp::Equal => equal(left, right),
        BinaryOp::NotEqual => !equal(left, right),
        _ if null => false,
        op => left.compare(right).is_some_and(|order| match op {
            BinaryOp::Less => order.is_lt(),
            BinaryOp::LessEqual => order.is_le(),
            BinaryOp::Greater => order.is_gt(),
            _ => order.is_ge(),
        }),
    }
}

fn equal(left: &Value, right: &Value) -> bool {
    left == right
}
