//! Functions over windows.

use std::sync::Arc;

use datafusion::common::internal_datafusion_err;
use datafusion::error::Result;
use datafusion::functions_window as functions;
use datafusion::logical_expr::expr::{WindowFunction as Call, WindowFunctionParams};
use datafusion::logical_expr::{
    Expr, LogicalPlanBuilder, WindowFrame, WindowFrameBound, WindowFrameUnits,
    WindowFunctionDefinition, cast, lit,
};
use datafusion::scalar::ScalarValue;

use super::{aggregate, column, named, sort_expr, with_extra};
use crate::ast::Bound;
use crate::csharp::Typed;
use crate::rowset::{AggregateKind, WindowFunction, WindowKind};

/// The columns of the input, then the functions. Each is planned by itself, as their windows may
/// differ.
pub(super) fn plan(
    input: LogicalPlanBuilder,
    width: usize,
    windows: &[WindowFunction],
) -> Result<LogicalPlanBuilder> {
    let mut plan = input;
    for (at, window) in windows.iter().enumerate() {
        plan = add(plan, width + at, window)?;
    }
    Ok(plan)
}

/// Adds one function behind `width` columns.
fn add(
    plan: LogicalPlanBuilder,
    width: usize,
    window: &WindowFunction,
) -> Result<LogicalPlanBuilder> {
    let mut extra: Vec<Typed> = Vec::new();
    let mut place = |value: &Typed| {
        extra.push(value.clone());
        named("w", extra.len() - 1)
    };
    // The numbers of `NTILE`, `LAG` and `LEAD` are read when the query is planned.
    let constant = |at: usize| {
        matches!(
            (window.kind, at),
            (WindowKind::Ntile, 0)
                | (WindowKind::Lag | WindowKind::Lead, 1 | 2)
                | (
                    WindowKind::Aggregate(
                        AggregateKind::PercentileCont | AggregateKind::PercentileDisc
                    ),
                    1
                )
        )
    };
    let mut arguments = Vec::new();
    for (at, argument) in window.arguments.iter().enumerate() {
        arguments.push(match argument.as_literal().filter(|_| constant(at)) {
            Some(value) => lit(scalar(value, argument, at)?),
            None => place(argument),
        });
    }
    let partition_by: Vec<Expr> = window.partition_by.iter().map(&mut place).collect();
    let order_by: Vec<_> = window
        .order_by
        .iter()
        .map(|key| sort_expr(place(&key.value), key.descending))
        .collect();
    if window.kind == WindowKind::Aggregate(AggregateKind::CountRows) {
        arguments = vec![lit(1_i64)];
    }
    let params = WindowFunctionParams {
        args: arguments,
        partition_by,
        window_frame: frame(window.rows, !order_by.is_empty()),
        order_by,
        filter: None,
        null_treatment: None,
        distinct: false,
    };
    let fun = definition(window.kind);
    let call = Expr::WindowFunction(Box::new(Call { fun, params }));
    let plan = with_extra(plan, width, "w", &extra)?;
    let plan = LogicalPlanBuilder::window_plan(plan.build()?, vec![call])?;
    let mut items: Vec<Expr> = (0..width).map(column).collect();
    // A window plan wants its functions without an alias; the result is its last column.
    let result = plan.schema().columns().pop().map(Expr::Column);
    let result = result.ok_or_else(|| internal_datafusion_err!("a window plan has no columns"))?;
    items.push(cast(result, window.ty.arrow()).alias(format!("c{width}")));
    LogicalPlanBuilder::new(plan).project(items)
}

fn scalar(value: &crate::value::Value, argument: &Typed, at: usize) -> Result<ScalarValue> {
    if at == 1 && argument.ty.is_integer() || argument.ty.is_integer() && at == 0 {
        return Ok(ScalarValue::Int64(Some(value.as_int())));
    }
    let array = crate::value::column(std::slice::from_ref(value), &argument.ty);
    ScalarValue::try_from_array(&array, 0)
}

fn definition(kind: WindowKind) -> WindowFunctionDefinition {
    let udwf = match kind {
        WindowKind::Aggregate(kind) => {
            return WindowFunctionDefinition::AggregateUDF(aggregate::function(kind));
        }
        WindowKind::RowNumber => functions::row_number::row_number_udwf(),
        WindowKind::Rank => functions::rank::rank_udwf(),
        WindowKind::DenseRank => functions::rank::dense_rank_udwf(),
        WindowKind::PercentRank => functions::rank::percent_rank_udwf(),
        WindowKind::Ntile => functions::ntile::ntile_udwf(),
        WindowKind::CumeDist => functions::cume_dist::cume_dist_udwf(),
        WindowKind::FirstValue => functions::nth_value::first_value_udwf(),
        WindowKind::LastValue => functions::nth_value::last_value_udwf(),
        WindowKind::Lag => functions::lead_lag::lag_udwf(),
        WindowKind::Lead => functions::lead_lag::lead_udwf(),
    };
    WindowFunctionDefinition::WindowUDF(Arc::clone(&udwf))
}

/// Rows as they are written; the whole partition when nothing is.
fn frame(rows: Option<(Bound, Bound)>, ordered: bool) -> WindowFrame {
    let Some((low, high)) = rows else {
        return WindowFrame::new(ordered.then_some(true));
    };
    let bound = |bound: Bound| match bound {
        Bound::UnboundedPreceding => WindowFrameBound::Preceding(ScalarValue::UInt64(None)),
        Bound::Preceding(rows) => WindowFrameBound::Preceding(ScalarValue::UInt64(Some(rows))),
        Bound::CurrentRow => WindowFrameBound::CurrentRow,
        Bound::Following(rows) => WindowFrameBound::Following(ScalarValue::UInt64(Some(rows))),
    };
    WindowFrame::new_bounds(WindowFrameUnits::Rows, bound(low), bound(high))
}
