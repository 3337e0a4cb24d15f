//! A C# expression as a function of DataFusion, evaluated row by row.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::internal_datafusion_err;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::csharp::eval::Row;
use crate::csharp::{EvalError, Typed};
use crate::types::Type;
use crate::value::{self, Value};

/// An expression that failed for a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.message)]
pub(crate) struct Fault(pub(crate) EvalError);

/// An expression over its columns.
#[derive(Debug)]
struct Evaluated {
    /// Tells one function from another: two are never the same.
    id: u64,
    name: String,
    value: Typed,
    types: Vec<Type>,
    signature: Signature,
}

impl PartialEq for Evaluated {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Evaluated {}

impl Hash for Evaluated {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

/// The call of a function that evaluates `value` for each row.
pub(super) fn function(value: &Typed) -> Result<Expr> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let columns = value.columns();
    let mut types: Vec<Type> = Vec::new();
    for index in &columns {
        let mut found = None;
        value.walk(&mut |each| {
            if each.node == crate::csharp::Node::Column(*index) {
                found = Some(each.ty.clone());
            }
        });
        types.push(found.unwrap_or_else(|| value.ty.clone()));
    }
    let moved = value.map_columns(&|index| {
        let at = columns
            .iter()
            .position(|each| *each == index)
            .unwrap_or_default();
        Typed::column(at, types[at].clone(), value.span)
    });
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    let arrow: Vec<DataType> = types.iter().map(Type::arrow).collect();
    // An optimizer leaves what is volatile where it stands: it may fail, and be guarded there.
    let signature = if arrow.is_empty() {
        Signature::nullary(Volatility::Volatile)
    } else {
        Signature::exact(arrow.clone(), Volatility::Volatile)
    };
    let evaluated = Evaluated {
        id,
        name: format!("csharp{id}"),
        value: moved,
        types,
        signature,
    };
    let arguments = columns.into_iter().map(super::column).collect();
    Ok(ScalarUDF::from(evaluated).call(arguments))
}

/// A truth that is already computed, as a condition that no optimizer takes apart from its place:
/// put below what computes it, it would be evaluated for rows that another filter drops.
#[derive(Debug, PartialEq, Eq, Hash)]
struct InPlace(Signature);

/// `truth`, where it stands.
pub(super) fn in_place(truth: Expr) -> Expr {
    let signature = Signature::exact(vec![DataType::Boolean], Volatility::Volatile);
    ScalarUDF::from(InPlace(signature)).call(vec![truth])
}

impl ScalarUDFImpl for InPlace {
    fn name(&self) -> &str {
        "in_place"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        args.args
            .into_iter()
            .next()
            .ok_or_else(|| internal_datafusion_err!("no argument"))
    }
}

impl ScalarUDFImpl for Evaluated {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.value.ty.arrow())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let arrays: Vec<ArrayRef> = args
            .args
            .into_iter()
            .map(|argument| argument.into_array(rows))
            .collect::<Result<_>>()?;
        let mut values = Vec::with_capacity(rows);
        let mut columns = vec![Value::Null; arrays.len()];
        for row in 0..rows {
            for ((slot, array), ty) in columns.iter_mut().zip(&arrays).zip(&self.types) {
                *slot = Value::read(array, row, ty);
            }
            let computed = self.value.eval(&mut Row::new(&columns));
            values
                .push(computed.map_err(|error| DataFusionError::External(Box::new(Fault(error))))?);
        }
        Ok(ColumnarValue::Array(Arc::clone(&value::column(
            &values,
            &self.value.ty,
        ))))
    }
}
