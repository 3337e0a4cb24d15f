//! Expressions that DataFusion computes as C# does, and the choice between it and our own
//! evaluation.
//!
//! Invariant: what can fail, or depends on being skipped, is evaluated as one function with
//! everything around it, so that no optimizer can move it in front of its guard.

use datafusion::error::Result;
use datafusion::logical_expr::{Expr, Operator as Op, binary_expr, cast, lit, when};
use datafusion::scalar::ScalarValue;

use super::{column, compare, evaluate};
use crate::ast::BinaryOp;
use crate::csharp::{Node, Typed};
use crate::types::{Base, Type};
use crate::value::{self, Value};

/// The expression as DataFusion computes it.
pub(super) fn lower(value: &Typed) -> Result<Expr> {
    if is_native(value) {
        return native(value);
    }
    evaluate::function(value)
}

/// Whether DataFusion's result is C#'s for every input, and neither can fail.
pub(super) fn is_native(value: &Typed) -> bool {
    match &value.node {
        Node::Column(_) => true,
        Node::Literal(literal) => !matches!(literal, Value::Array(_) | Value::Map(_)),
        Node::IsNull(operand) => is_native(operand),
        Node::Not(operand) => !operand.ty.nullable && is_native(operand),
        Node::And(left, right) | Node::Or(left, right) => is_native(left) && is_native(right),
        Node::Compare(_, left, right) => {
            let comparable = |side: &Typed| is_comparable(&side.ty.base) && is_native(side);
            comparable(left) && comparable(right)
        }
        Node::Arithmetic(op, base, left, right) => {
            is_total(*op, base) && is_native(left) && is_native(right)
        }
        Node::Convert(base, operand) => {
            let exact = operand.ty.nullable == value.ty.nullable || value.ty.nullable;
            exact && is_widening(&operand.ty.base, base) && is_native(operand)
        }
        Node::Conditional(condition, then, otherwise) => {
            is_native(condition) && is_native(then) && is_native(otherwise)
        }
        Node::Coalesce(left, right) => is_native(left) && is_native(right),
        _ => false,
    }
}

const fn is_comparable(base: &Base) -> bool {
    !matches!(
        base,
        Base::Array(_) | Base::Map(..) | Base::Null | Base::Option
    )
}

/// Operators that neither fail nor differ: sums and products that wrap, and all of IEEE's but the
/// remainder.
const fn is_total(op: BinaryOp, base: &Base) -> bool {
    let simple = matches!(op, BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply);
    match base {
        Base::Int | Base::Long => simple,
        Base::Double => simple || matches!(op, BinaryOp::Divide),
        _ => false,
    }
}

fn is_widening(from: &Base, to: &Base) -> bool {
    let whole = |base: &Base| {
        matches!(
            base,
            Base::SByte | Base::Byte | Base::Short | Base::UShort | Base::Int | Base::UInt
        )
    };
    match to {
        Base::Int => matches!(from, Base::SByte | Base::Byte | Base::Short | Base::UShort),
        Base::Long => whole(from),
        Base::Double => whole(from) || matches!(from, Base::Long | Base::Float),
        _ => false,
    }
}

fn native(value: &Typed) -> Result<Expr> {
    Ok(match &value.node {
        Node::Column(index) => column(*index),
        Node::Literal(literal) => scalar(literal, &value.ty)?,
        Node::IsNull(operand) => native(operand)?.is_null(),
        Node::Not(operand) => datafusion::logical_expr::not(native(operand)?),
        Node::And(left, right) => native(left)?.and(native(right)?),
        Node::Or(left, right) => native(left)?.or(native(right)?),
        Node::Compare(op, left, right) => comparison(*op, left, right)?,
        Node::Arithmetic(op, base, left, right) => {
            let op = match op {
                BinaryOp::Add => Op::Plus,
                BinaryOp::Subtract => Op::Minus,
                BinaryOp::Multiply => Op::Multiply,
                _ => Op::Divide,
            };
            let wanted = Type::of(base.clone()).arrow();
            cast(binary_expr(native(left)?, op, native(right)?), wanted)
        }
        Node::Convert(base, operand) => cast(native(operand)?, Type::of(base.clone()).arrow()),
        Node::Conditional(condition, then, otherwise) => {
            when(native(condition)?, native(then)?).otherwise(native(otherwise)?)?
        }
        Node::Coalesce(left, right) => {
            let left = native(left)?;
            when(left.clone().is_not_null(), left).otherwise(native(right)?)?
        }
        _ => evaluate::function(value)?,
    })
}

/// A comparison that is never null: null equals null, and is in no order.
fn comparison(op: BinaryOp, left: &Typed, right: &Typed) -> Result<Expr> {
    let nullable = left.ty.nullable || right.ty.nullable;
    let floating = matches!(left.ty.base, Base::Float | Base::Double);
    let (left, right) = (native(left)?, native(right)?);
    if floating {
        return Ok(compare::floating(op, left, right));
    }
    let op = match op {
        BinaryOp::Equal if nullable => Op::IsNotDistinctFrom,
        BinaryOp::NotEqual if nullable => Op::IsDistinctFrom,
        BinaryOp::Equal => Op::Eq,
        BinaryOp::NotEqual => Op::NotEq,
        BinaryOp::Less => Op::Lt,
        BinaryOp::LessEqual => Op::LtEq,
        BinaryOp::Greater => Op::Gt,
        _ => Op::GtEq,
    };
    let compared = binary_expr(left, op, right);
    let ordered = matches!(op, Op::Lt | Op::LtEq | Op::Gt | Op::GtEq);
    Ok(if nullable && ordered {
        compared.is_true()
    } else {
        compared
    })
}

fn scalar(literal: &Value, ty: &Type) -> Result<Expr> {
    let array = value::column(std::slice::from_ref(literal), ty);
    Ok(lit(ScalarValue::try_from_array(&array, 0)?))
}
