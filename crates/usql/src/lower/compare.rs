//! Comparisons of floating-point numbers by IEEE 754, as C# makes them: Arrow orders such numbers
//! totally, so that NaN equals itself there and 0 is not -0.
//!
//! Invariant: the result is never null. Null equals null, and is in no order.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array as _, BooleanArray, Float64Array};
use datafusion::arrow::buffer::BooleanBuffer;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::cast::as_float64_array;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, cast,
};

use crate::ast::BinaryOp;

/// One of the six comparisons.
#[derive(Debug, PartialEq, Eq)]
struct Comparison {
    op: BinaryOp,
    signature: Signature,
}

impl Hash for Comparison {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

/// `left op right` for two numbers of type `float` or `double`.
pub(super) fn floating(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    let signature = Signature::exact(vec![DataType::Float64; 2], Volatility::Immutable);
    let comparison = ScalarUDF::from(Comparison { op, signature });
    comparison.call(vec![
        cast(left, DataType::Float64),
        cast(right, DataType::Float64),
    ])
}

fn holds(op: BinaryOp, left: f64, right: f64) -> bool {
    match op {
        BinaryOp::Equal => left == right,
        BinaryOp::NotEqual => left != right,
        BinaryOp::Less => left < right,
        BinaryOp::LessEqual => left <= right,
        BinaryOp::Greater => left > right,
        _ => left >= right,
    }
}

fn compared(op: BinaryOp, left: &Float64Array, right: &Float64Array) -> BooleanArray {
    let rows = left.len();
    let (numbers, others) = (left.values(), right.values());
    if left.null_count() == 0 && right.null_count() == 0 {
        let row = |at: usize| holds(op, numbers[at], others[at]);
        return BooleanArray::new(BooleanBuffer::collect_bool(rows, row), None);
    }
    let row = |at: usize| match (left.is_null(at), right.is_null(at)) {
        (false, false) => holds(op, numbers[at], others[at]),
        (true, true) => op == BinaryOp::Equal,
        _ => op == BinaryOp::NotEqual,
    };
    BooleanArray::new(BooleanBuffer::collect_bool(rows, row), None)
}

impl ScalarUDFImpl for Comparison {
    fn name(&self) -> &str {
        match self.op {
            BinaryOp::Equal => "equal",
            BinaryOp::NotEqual => "not_equal",
            BinaryOp::Less => "less",
            BinaryOp::LessEqual => "less_equal",
            BinaryOp::Greater => "greater",
            _ => "greater_equal",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [left, right] = args.args.as_slice() else {
            return datafusion::common::internal_err!("a comparison has two sides");
        };
        let left = left.to_array(args.number_rows)?;
        let right = right.to_array(args.number_rows)?;
        let (left, right) = (as_float64_array(&left)?, as_float64_array(&right)?);
        Ok(ColumnarValue::Array(Arc::new(compared(
            self.op, left, right,
        ))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C# language specification, 12.12.3: IEEE 754; 12.4.8, lifted operators.
    #[test]
    fn numbers_are_compared_by_ieee_and_null_is_in_no_order() {
        let left = Float64Array::from(vec![Some(f64::NAN), Some(-0.0), Some(1.0), None, None]);
        let right = Float64Array::from(vec![Some(f64::NAN), Some(0.0), Some(2.0), None, Some(1.0)]);
        let rows = |op| {
            compared(op, &left, &right)
                .iter()
                .flatten()
                .collect::<Vec<_>>()
        };
        assert_eq!(rows(BinaryOp::Equal), [false, true, false, true, false]);
        assert_eq!(rows(BinaryOp::NotEqual), [true, false, true, false, true]);
        assert_eq!(rows(BinaryOp::Less), [false, false, true, false, false]);
        assert_eq!(rows(BinaryOp::LessEqual), [false, true, true, false, false]);
        assert_eq!(rows(BinaryOp::Greater), [false; 5]);
        assert_eq!(
            rows(BinaryOp::GreaterEqual),
            [false, true, false, false, false]
        );
    }
}
