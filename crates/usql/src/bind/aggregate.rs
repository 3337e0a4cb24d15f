//! Aggregates: where they may stand, their arguments and their results.

use std::cell::RefCell;

use super::query::invalid;
use super::scope::Columns;
use crate::ast::{Call, Expr, ExprKind, Window};
use crate::csharp::bind::{Binder, Bound, Scope, convert};
use crate::csharp::{AGGREGATES, Typed};
use crate::diagnostic::Diagnostic;
use crate::rowset::{Aggregate, AggregateKind};
use crate::source::Span;
use crate::types::{Base, Type};

/// Added to the number of an aggregate, so that its column differs from those of the input.
pub(super) const AGGREGATE_BASE: usize = 1 << 20;

/// The aggregate of a name, outside of windows.
pub(super) fn kind_of(name: &str, star: bool) -> Option<AggregateKind> {
    Some(match name {
        "ANY_VALUE" => AggregateKind::AnyValue,
        "ARRAY_AGG" => AggregateKind::ArrayAgg,
        "AVG" => AggregateKind::Avg,
        "COUNT" if star => AggregateKind::CountRows,
        "COUNT" => AggregateKind::Count,
        "MAP_AGG" => AggregateKind::MapAgg,
        "MAX" => AggregateKind::Max,
        "MIN" => AggregateKind::Min,
        "SUM" => AggregateKind::Sum,
        "STDEV" => AggregateKind::StdevSample,
        "STDEVP" => AggregateKind::StdevPopulation,
        "VAR" => AggregateKind::VarSample,
        "VARP" => AggregateKind::VarPopulation,
        _ => return None,
    })
}

/// Whether an expression calls an aggregate outside of a window.
pub(super) fn has_aggregate(expr: &Expr) -> bool {
    let any = |each: &[&Expr]| each.iter().any(|each| has_aggregate(each));
    match &expr.kind {
        ExprKind::Call(call) => {
            let named = matches!(&call.function.kind, ExprKind::Name(name) if kind_of(name, call.star).is_some());
            let generic = matches!(&call.function.kind, ExprKind::Name(name) if name == "AGG");
            named
                || generic
                || has_aggregate(&call.function)
                || call
                    .arguments
                    .iter()
                    .any(|argument| has_aggregate(&argument.value))
        }
        ExprKind::Member(a, _)
        | ExprKind::Unary(_, a)
        | ExprKind::Cast(_, a)
        | ExprKind::Is(a, _)
        | ExprKind::As(a, _)
        | ExprKind::IsNull(a, _)
        | ExprKind::Lambda(_, a) => has_aggregate(a),
        ExprKind::Binary(_, a, b) | ExprKind::Like(a, b, _) => any(&[a, b]),
        ExprKind::Conditional(a, b, c) | ExprKind::Between(a, b, c, _) => any(&[a, b, c]),
        ExprKind::Index(a, list) | ExprKind::In(a, list, _) => {
            has_aggregate(a) || list.iter().any(has_aggregate)
        }
        ExprKind::New(new) => {
            let elements = new.elements.iter().flatten().flat_map(|element| &element.0);
            new.arguments
                .iter()
                .map(|argument| &argument.value)
                .chain(elements)
                .any(has_aggregate)
        }
        ExprKind::Case(case) => {
            let branches = case.branches.iter().flat_map(|(a, b)| [a, b]);
            branches
                .chain(&case.operand)
                .chain(&case.otherwise)
                .any(has_aggregate)
        }
        _ => false,
    }
}

/// Binds an aggregate's arguments and works out its result.
///
/// Results by the U-SQL reference, "Aggregate Functions": `COUNT` is `long`; sums of integers are
/// `long?`; averages are `double?`, of decimals `decimal?`; all but `COUNT` are null for no rows.
pub(super) fn aggregate(
    binder: &mut Binder<'_>,
    kind: AggregateKind,
    call: &Call,
) -> Result<Aggregate, Diagnostic> {
    let span = call.span;
    let mut arguments = Vec::new();
    for argument in &call.arguments {
        if has_aggregate(&argument.value) {
            return Err(invalid(
                argument.value.span,
                "an aggregate does not stand within another",
            ));
        }
        arguments.push(binder.bind(&argument.value)?);
    }
    let expected = match kind {
        AggregateKind::CountRows => 0,
        AggregateKind::MapAgg => 2,
        _ => 1,
    };
    if arguments.len() != expected {
        let message = format!(
            "this aggregate takes {expected} arguments, not {}",
            arguments.len()
        );
        return Err(invalid(span, message));
    }
    let (operand, ty) = types(kind, &arguments, span)?;
    if let Some(argument) = arguments.first_mut() {
        let taken = argument.clone();
        let cast = matches!(kind, AggregateKind::Avg | AggregateKind::Sum) || operand != taken.ty;
        *argument = if cast && operand.base != taken.ty.base {
            let span = taken.span;
            crate::csharp::bind::explicit(taken, &operand, span)
        } else {
            convert(taken, &operand)?
        };
    }
    Ok(Aggregate {
        kind,
        distinct: call.distinct,
        arguments,
        ty,
    })
}

/// The type that the argument of an aggregate is converted to, and that of its result.
fn types(kind: AggregateKind, arguments: &[Typed], span: Span) -> Result<(Type, Type), Diagnostic> {
    let first = arguments.first().map(|each| each.ty.clone());
    let first = first.unwrap_or_else(|| Type::of(Base::Null));
    let numeric = |wanted: Base| -> Result<(Type, Type), Diagnostic> {
        if !first.is_numeric() {
            return Err(invalid(
                span,
                format!("this aggregate needs numbers, not `{first}`"),
            ));
        }
        let operand = Type {
            base: wanted.clone(),
            nullable: first.nullable,
        };
        Ok((operand, Type::nullable(wanted)))
    };
    Ok(match kind {
        AggregateKind::Count | AggregateKind::CountRows => (first.clone(), Type::of(Base::Long)),
        AggregateKind::Sum => numeric(match first.base {
            Base::Decimal => Base::Decimal,
            Base::Float | Base::Double | Base::ULong => Base::Double,
            _ => Base::Long,
        })?,
        AggregateKind::Avg => numeric(match first.base {
            Base::Decimal => Base::Decimal,
            _ => Base::Double,
        })?,
        AggregateKind::StdevSample
        | AggregateKind::StdevPopulation
        | AggregateKind::VarSample
        | AggregateKind::VarPopulation => numeric(Base::Double)?,
        AggregateKind::ArrayAgg => {
            let element = Type {
                nullable: Type::of(first.base.clone()).nullable,
                ..first.clone()
            };
            (first.clone(), Type::array(element))
        }
        AggregateKind::MapAgg => {
            let value = arguments[1].ty.clone();
            let key = Type {
                nullable: Type::of(first.base.clone()).nullable,
                ..first.clone()
            };
            (
                first.clone(),
                Type::of(Base::Map(Box::new(key), Box::new(value))),
            )
        }
        _ => (first.clone(), first.clone().or_null()),
    })
}

/// The columns of the input, and aggregates over them.
pub(super) struct GroupScope<'a> {
    columns: &'a Columns,
    aggregates: RefCell<Vec<Aggregate>>,
}

impl<'a> GroupScope<'a> {
    pub(super) fn new(columns: &'a Columns) -> Self {
        let aggregates = RefCell::default();
        Self {
            columns,
            aggregates,
        }
    }

    pub(super) fn into_aggregates(self) -> Vec<Aggregate> {
        self.aggregates.into_inner()
    }

    /// The column of an aggregate; equal ones are computed once.
    fn column_of(&self, aggregate: Aggregate, span: Span) -> Typed {
        let ty = aggregate.ty.clone();
        let mut aggregates = self.aggregates.borrow_mut();
        let plain = |each: &Aggregate| {
            let arguments: Vec<_> = each.arguments.iter().map(Typed::without_spans).collect();
            (each.kind, each.distinct, arguments)
        };
        let known = aggregates
            .iter()
            .position(|each| plain(each) == plain(&aggregate));
        let at = known.unwrap_or_else(|| {
            aggregates.push(aggregate);
            aggregates.len() - 1
        });
        Typed::column(AGGREGATE_BASE + at, ty, span)
    }
}

impl Scope for GroupScope<'_> {
    fn column(
        &self,
        qualifier: Option<&str>,
        name: &str,
        span: Span,
    ) -> Result<Option<Typed>, Diagnostic> {
        self.columns.column(qualifier, name, span)
    }

    fn names(&self) -> Vec<String> {
        self.columns.names()
    }

    fn special(
        &self,
        binder: &mut Binder<'_>,
        call: &Call,
        window: Option<&Window>,
    ) -> Option<Bound> {
        if window.is_some() {
            return Some(Err(invalid(
                call.span,
                "a window function does not go with `GROUP BY`",
            )
            .with_help(
                "group in one query, and use the window in a second one over its result",
            )));
        }
        let ExprKind::Name(name) = &call.function.kind else {
            return None;
        };
        if name == "AGG" {
            return Some(Err(user_aggregate(call.span)));
        }
        let kind = match kind_of(name, call.star) {
            Some(kind) => kind,
            None if AGGREGATES.contains(&name.as_str()) => {
                return Some(Err(invalid(
                    call.span,
                    format!("`{name}` needs `OVER (…)`"),
                )));
            }
            None => return None,
        };
        let inner = self.columns;
        let mut arguments = Binder::new(inner, binder.variables(), binder.now());
        Some(aggregate(&mut arguments, kind, call).map(|each| self.column_of(each, call.span)))
    }
}

pub(super) fn user_aggregate(span: Span) -> Diagnostic {
    Diagnostic::error(
        crate::diagnostic::Code::Unsupported,
        span,
        "`AGG<…>` is an aggregate of the user's own in C#, which does not run here",
    )
    .with_help("use the built-in aggregates, or `ARRAY_AGG` and LINQ over the array")
}
