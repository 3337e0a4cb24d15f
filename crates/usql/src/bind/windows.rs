//! Functions over windows: `ROW_NUMBER() OVER (PARTITION BY … ORDER BY …)` and their kin.

use std::cell::RefCell;

use super::aggregate::{aggregate, kind_of};
use super::query::invalid;
use super::scope::Columns;
use crate::ast::{Bound as FrameBound, Call, ExprKind, SortKey as WrittenKey, Window};
use crate::csharp::Typed;
use crate::csharp::bind::{Binder, Bound, Scope, convert};
use crate::diagnostic::Diagnostic;
use crate::rowset::{AggregateKind, SortKey, WindowFunction, WindowKind};
use crate::source::Span;
use crate::types::{Base, Type};

/// The columns of the input, and window functions over them.
pub(super) struct WindowScope<'a> {
    columns: &'a Columns,
    /// How many columns the input has.
    width: usize,
    functions: RefCell<Vec<WindowFunction>>,
}

impl<'a> WindowScope<'a> {
    pub(super) fn new(columns: &'a Columns, width: usize) -> Self {
        let functions = RefCell::default();
        Self {
            columns,
            width,
            functions,
        }
    }

    pub(super) fn into_functions(self) -> Vec<WindowFunction> {
        self.functions.into_inner()
    }
}

impl Scope for WindowScope<'_> {
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
        let ExprKind::Name(name) = &call.function.kind else {
            return None;
        };
        let window = window?;
        let mut inner = Binder::new(self.columns, binder.variables(), binder.now());
        Some(function(&mut inner, name, call, window).map(|function| {
            let ty = function.ty.clone();
            let mut functions = self.functions.borrow_mut();
            functions.push(function);
            Typed::column(self.width + functions.len() - 1, ty, call.span)
        }))
    }
}

fn function(
    binder: &mut Binder<'_>,
    name: &str,
    call: &Call,
    window: &Window,
) -> Result<WindowFunction, Diagnostic> {
    let span = call.span;
    let mut partition_by = Vec::new();
    for expr in &window.partition_by {
        partition_by.push(binder.bind(expr)?);
    }
    let order_by = keys(binder, &window.order_by)?;
    let (kind, arguments, ty, order_by, rows) = match name {
        "PERCENTILE_CONT" | "PERCENTILE_DISC" => {
            let (kind, arguments, ty) = percentile(binder, name, call)?;
            (kind, arguments, ty, Vec::new(), None)
        }
        name => match kind_of(name, call.star) {
            Some(kind) => {
                if call.distinct {
                    return Err(invalid(span, "`DISTINCT` does not go with `OVER`"));
                }
                if !order_by.is_empty() && window.rows.is_none() {
                    return Err(
                        invalid(span, "an aggregate over an ordered window needs `ROWS`")
                            .with_help("write `ROWS UNBOUNDED PRECEDING` for a running total"),
                    );
                }
                let bound = aggregate(binder, kind, call)?;
                let kind = WindowKind::Aggregate(bound.kind);
                (kind, bound.arguments, bound.ty, order_by, window.rows)
            }
            None => {
                let (kind, arguments, ty) = ranking(binder, name, call)?;
                if order_by.is_empty() && !matches!(kind, WindowKind::RowNumber) {
                    return Err(invalid(
                        span,
                        format!("`{name}` needs `ORDER BY` in its window"),
                    ));
                }
                (
                    kind,
                    arguments,
                    ty,
                    order_by,
                    default_rows(kind, window.rows),
                )
            }
        },
    };
    Ok(WindowFunction {
        kind,
        arguments,
        partition_by,
        order_by,
        rows,
        ty,
    })
}

fn keys(binder: &mut Binder<'_>, written: &[WrittenKey]) -> Result<Vec<SortKey>, Diagnostic> {
    let mut keys = Vec::new();
    for key in written {
        let value = binder.bind(&key.expr)?;
        let descending = key.descending;
        keys.push(SortKey { value, descending });
    }
    Ok(keys)
}

/// `FIRST_VALUE` and `LAST_VALUE` see the rows up to the current one unless `ROWS` says otherwise.
fn default_rows(
    kind: WindowKind,
    rows: Option<(FrameBound, FrameBound)>,
) -> Option<(FrameBound, FrameBound)> {
    let framed = matches!(kind, WindowKind::FirstValue | WindowKind::LastValue);
    let default = (FrameBound::UnboundedPreceding, FrameBound::CurrentRow);
    framed.then(|| rows.unwrap_or(default))
}

fn ranking(
    binder: &mut Binder<'_>,
    name: &str,
    call: &Call,
) -> Result<(WindowKind, Vec<Typed>, Type), Diagnostic> {
    let span = call.span;
    let mut arguments = Vec::new();
    for argument in &call.arguments {
        arguments.push(binder.bind(&argument.value)?);
    }
    let (kind, counts) = match name {
        "ROW_NUMBER" => (WindowKind::RowNumber, 0..=0),
        "RANK" => (WindowKind::Rank, 0..=0),
        "DENSE_RANK" => (WindowKind::DenseRank, 0..=0),
        "NTILE" => (WindowKind::Ntile, 1..=1),
        "FIRST_VALUE" => (WindowKind::FirstValue, 1..=1),
        "LAST_VALUE" => (WindowKind::LastValue, 1..=1),
        "LAG" => (WindowKind::Lag, 1..=3),
        "LEAD" => (WindowKind::Lead, 1..=3),
        "CUME_DIST" => (WindowKind::CumeDist, 0..=0),
        "PERCENT_RANK" => (WindowKind::PercentRank, 0..=0),
        "AGG" => return Err(super::aggregate::user_aggregate(span)),
        _ => return Err(invalid(span, format!("`{name}` is not a window function"))),
    };
    if !counts.contains(&arguments.len()) {
        let message = format!(
            "`{name}` takes {} to {} arguments",
            counts.start(),
            counts.end()
        );
        return Err(invalid(span, message));
    }
    let ty = match kind {
        WindowKind::CumeDist | WindowKind::PercentRank => Type::of(Base::Double),
        WindowKind::FirstValue | WindowKind::LastValue | WindowKind::Lag | WindowKind::Lead => {
            arguments[0].ty.clone().or_null()
        }
        _ => Type::of(Base::Long),
    };
    if let [value, _, default] = arguments.as_mut_slice() {
        *default = convert(default.clone(), &value.ty.clone().or_null())?;
    }
    let constant = |each: &Typed| matches!(each.as_literal(), Some(crate::value::Value::Int(_)));
    if matches!(kind, WindowKind::Lag | WindowKind::Lead | WindowKind::Ntile) {
        let number = if kind == WindowKind::Ntile {
            arguments.first()
        } else {
            arguments.get(1)
        };
        if number.is_some_and(|number| !constant(number)) {
            return Err(invalid(span, format!("`{name}` needs a constant number")));
        }
    }
    Ok((kind, arguments, ty))
}

/// `PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY x)`.
fn percentile(
    binder: &mut Binder<'_>,
    name: &str,
    call: &Call,
) -> Result<(WindowKind, Vec<Typed>, Type), Diagnostic> {
    let span = call.span;
    let help = format!("write `{name}(0.5) WITHIN GROUP (ORDER BY x) OVER (PARTITION BY k)`");
    let refused = |message: &str| invalid(span, message).with_help(help.clone());
    let ([fraction], [key]) = (call.arguments.as_slice(), call.within_group.as_slice()) else {
        return Err(refused(
            "a percentile takes a fraction, and one column in `WITHIN GROUP`",
        ));
    };
    let fraction = binder.bind_as(&fraction.value, &Type::of(Base::Double))?;
    let mut value = match fraction.as_literal() {
        Some(value) => value.as_double(),
        None => return Err(refused("the fraction of a percentile is a constant")),
    };
    if !(0.0..=1.0).contains(&value) {
        return Err(refused("the fraction of a percentile is between 0 and 1"));
    }
    if key.descending {
        value = 1.0 - value;
    }
    let fraction = Typed::literal(
        crate::value::Value::Double(value),
        Type::of(Base::Double),
        span,
    );
    let bound = binder.bind(&key.expr)?;
    if !bound.ty.is_numeric() {
        return Err(refused("a percentile needs numbers"));
    }
    let (kind, target) = if name == "PERCENTILE_CONT" {
        (
            AggregateKind::PercentileCont,
            Type {
                base: Base::Double,
                nullable: bound.ty.nullable,
            },
        )
    } else {
        (AggregateKind::PercentileDisc, bound.ty.clone())
    };
    let argument = if bound.ty.base == target.base {
        bound
    } else {
        let span = bound.span;
        crate::csharp::bind::explicit(bound, &target, span)
    };
    let ty = target.or_null();
    Ok((WindowKind::Aggregate(kind), vec![argument, fraction], ty))
}
