//! `GROUP BY` with its aggregates.

use std::sync::Arc;

use datafusion::error::Result;
use datafusion::functions_aggregate as functions;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{AggregateUDF, Expr, LogicalPlanBuilder, cast, lit};

use super::expression::lower;
use super::{named, percentile, renamed};
use crate::csharp::Typed;
use crate::rowset::{Aggregate, AggregateKind, Column};

/// The groups, then the aggregates, with the types of `columns`.
pub(super) fn plan(
    input: LogicalPlanBuilder,
    groups: &[Typed],
    aggregates: &[Aggregate],
    columns: &[Column],
) -> Result<LogicalPlanBuilder> {
    let mut items = Vec::new();
    for (at, group) in groups.iter().enumerate() {
        items.push(lower(group)?.alias(format!("g{at}")));
    }
    let mut arguments = 0;
    let mut calls = Vec::new();
    for (at, aggregate) in aggregates.iter().enumerate() {
        let mut names = Vec::new();
        for argument in &aggregate.arguments {
            items.push(lower(argument)?.alias(format!("a{arguments}")));
            names.push(named("a", arguments));
            arguments += 1;
        }
        calls.push(call(aggregate, names)?.alias(format!("f{at}")));
    }
    if items.is_empty() {
        // `COUNT(*)` alone needs rows, and no column of them.
        items.push(lit(true).alias("a0"));
    }
    let keys: Vec<Expr> = (0..groups.len()).map(|at| named("g", at)).collect();
    let grouped = renamed(input.project(items)?.aggregate(keys, calls)?)?;
    let types = columns.iter().enumerate();
    let items = types
        .map(|(at, column)| cast(super::column(at), column.ty.arrow()).alias(format!("c{at}")));
    grouped.project(items.collect::<Vec<_>>())
}

/// The function of an aggregate; what is special about it is in its arguments.
pub(super) fn function(kind: AggregateKind) -> Arc<AggregateUDF> {
    match kind {
        AggregateKind::AnyValue => functions::first_last::first_value_udaf(),
        AggregateKind::ArrayAgg => functions::array_agg::array_agg_udaf(),
        AggregateKind::Avg => functions::average::avg_udaf(),
        AggregateKind::Count | AggregateKind::CountRows => functions::count::count_udaf(),
        AggregateKind::Max => functions::min_max::max_udaf(),
        AggregateKind::Min => functions::min_max::min_udaf(),
        AggregateKind::Sum => functions::sum::sum_udaf(),
        AggregateKind::StdevSample => functions::stddev::stddev_udaf(),
        AggregateKind::StdevPopulation => functions::stddev::stddev_pop_udaf(),
        AggregateKind::VarSample => functions::variance::var_samp_udaf(),
        AggregateKind::VarPopulation => functions::variance::var_pop_udaf(),
        AggregateKind::MapAgg => percentile::map_agg(),
        AggregateKind::PercentileCont => percentile::percentile(true),
        AggregateKind::PercentileDisc => percentile::percentile(false),
    }
}

fn call(aggregate: &Aggregate, mut arguments: Vec<Expr>) -> Result<Expr> {
    let first = arguments.first().cloned();
    // Nulls are no values to these.
    let skips = matches!(
        aggregate.kind,
        AggregateKind::ArrayAgg | AggregateKind::AnyValue | AggregateKind::MapAgg
    );
    let filter = first
        .filter(|_| skips)
        .map(|value| Box::new(value.is_not_null()));
    if aggregate.kind == AggregateKind::CountRows {
        arguments = vec![lit(1_i64)];
    }
    let function = function(aggregate.kind);
    let distinct = aggregate.distinct && aggregate.kind != AggregateKind::CountRows;
    let call = AggregateFunction::new_udf(function, arguments, distinct, filter, Vec::new(), None);
    Ok(Expr::AggregateFunction(call))
}
