//! `APPLY EXPLODE`, `PIVOT` and `UNPIVOT`.

use super::aggregate::GroupScope;
use super::query::{From, invalid};
use super::scope::{Columns, ScopeColumn};
use super::{Binder, Result};
use crate::ast::{Apply, Expr, ExprKind, Pivot, Source, Unpivot};
use crate::csharp::{Node, Typed, map_part};
use crate::diagnostic::{Code, Diagnostic};
use crate::rowset::{Column, Operator, Rowset, Set};
use crate::source::Span;
use crate::types::{Base, Type};
use crate::value::Value;

fn no_applier(apply: &Apply, span: Span) -> Diagnostic {
    let span = apply.applier.as_ref().map_or(span, |applier| applier.span);
    let message = "an applier is C# of the user's own, which does not run here";
    Diagnostic::error(Code::Unsupported, span, message)
        .with_help("`CROSS APPLY EXPLODE (…)` takes arrays and maps")
}

impl Binder<'_> {
    pub(super) fn apply(&mut self, apply: &Apply, source: &Source) -> Result<From> {
        let left = self.source(&apply.left)?;
        let Some(explode) = &apply.explode else {
            return Err(no_applier(apply, source.span));
        };
        let value = self.expressions(&left.columns).bind(explode)?;
        let arrays = match value.ty.base.clone() {
            Base::Array(_) => vec![value.clone()],
            Base::Map(..) => vec![map_part(&value, true), map_part(&value, false)],
            _ => {
                let message = format!("`EXPLODE` takes an array or a map, not `{}`", value.ty);
                return Err(invalid(explode.span, message));
            }
        };
        if apply.columns.len() != arrays.len() {
            let message = format!("`EXPLODE` of `{}` makes {} columns", value.ty, arrays.len());
            return Err(invalid(source.span, message));
        }
        let alias = source
            .alias
            .as_ref()
            .map(|alias| alias.value.clone())
            .unwrap_or_default();
        let mut output = left.rowset.columns.clone();
        let mut columns = left.columns;
        for ((name, written), array) in apply.columns.iter().zip(&arrays) {
            let Base::Array(element) = &array.ty.base else {
                continue;
            };
            let mut ty = (**element).clone();
            if apply.outer {
                ty = ty.or_null();
            }
            if let Some(written) = written {
                let declared = crate::csharp::bind::resolve(written)?;
                if declared.base != ty.base {
                    let message = format!("`{}` is `{ty}`, not `{declared}`", name.value);
                    return Err(invalid(name.span, message));
                }
            }
            output.push(Column::new(name.value.clone(), ty.clone()));
            columns.list.push(ScopeColumn {
                qualifiers: vec![alias.clone()],
                name: name.value.clone(),
                ty,
            });
        }
        let operator = Operator::Explode {
            input: left.rowset,
            arrays,
            outer: apply.outer,
        };
        let rowset = Rowset::new(output, operator);
        Ok(From { rowset, columns })
    }

    /// One column for each value of the key; the rows are grouped by all columns that are neither
    /// the key nor aggregated.
    pub(super) fn pivot(&mut self, input: From, pivot: &Pivot, span: Span) -> Result<Rowset> {
        let ExprKind::Call(call) = &pivot.aggregate.kind else {
            return Err(invalid(
                pivot.aggregate.span,
                "`PIVOT` begins with an aggregate such as `SUM(x)`",
            ));
        };
        let scope = GroupScope::new(&input.columns);
        self.expressions(&scope).bind(&pivot.aggregate)?;
        let aggregates = scope.into_aggregates();
        let [aggregate] = aggregates.as_slice() else {
            return Err(invalid(call.span, "`PIVOT` begins with one aggregate"));
        };
        let key = self.expressions(&input.columns).bind(&pivot.key)?;
        let mut used = key.columns();
        used.extend(aggregate.arguments.iter().flat_map(Typed::columns));
        let rest: Vec<usize> = (0..input.columns.list.len())
            .filter(|index| !used.contains(index))
            .collect();
        let groups: Vec<Typed> = rest
            .iter()
            .map(|index| input.columns.reference(*index, span))
            .collect();
        let mut output: Vec<Column> = rest
            .iter()
            .map(|index| input.rowset.columns[*index].clone())
            .collect();
        let mut pivoted = Vec::new();
        for (value, name) in &pivot.values {
            let value = self.expressions(&input.columns).bind(value)?;
            let matches = crate::csharp::equals(key.clone(), value, span)?;
            let mut each = aggregate.clone();
            for argument in &mut each.arguments {
                *argument = null_unless(matches.clone(), argument.clone());
            }
            output.push(Column::new(name.value.clone(), each.ty.clone()));
            pivoted.push(each);
        }
        let operator = Operator::Aggregate {
            input: input.rowset,
            groups,
            aggregates: pivoted,
        };
        Ok(Rowset::new(output, operator))
    }

    /// One row for each of the columns, with its name and its value.
    pub(super) fn unpivot(&mut self, input: From, unpivot: &Unpivot, span: Span) -> Result<Rowset> {
        let mut taken = Vec::new();
        for column in &unpivot.columns {
            let expr = Expr {
                kind: ExprKind::Name(column.value.clone()),
                span: column.span,
            };
            taken.push(self.expressions(&input.columns).bind(&expr)?);
        }
        let ty = taken.first().map(|first| first.ty.clone());
        let ty = ty.unwrap_or_else(|| Type::of(Base::Null)).or_null();
        let indexes: Vec<usize> = taken.iter().flat_map(Typed::columns).collect();
        let rest: Vec<usize> = (0..input.columns.list.len())
            .filter(|index| !indexes.contains(index))
            .collect();
        let mut parts = Vec::new();
        for (value, column) in taken.into_iter().zip(&unpivot.columns) {
            if value.ty.base != ty.base {
                let message = format!(
                    "`{}` is `{}`; the columns of `UNPIVOT` have one type",
                    column.value, value.ty
                );
                return Err(invalid(column.span, message));
            }
            let mut items = kept(&input.columns, &rest, span);
            let name = Typed::literal(Value::text(&column.value), Type::of(Base::String), span);
            items.push((unpivot.name.value.clone(), name));
            let value = Typed {
                ty: ty.clone(),
                ..value
            };
            items.push((unpivot.value.value.clone(), value));
            parts.push(input.rowset.clone().project(items));
        }
        let united = parts.into_iter().reduce(|left, right| {
            let columns = left.columns.clone();
            let kind = Set::UnionAll;
            Rowset::new(columns, Operator::Set { kind, left, right })
        });
        let united = united.ok_or_else(|| invalid(span, "`UNPIVOT` needs columns"))?;
        if unpivot.include_nulls {
            return Ok(united);
        }
        let last = united.columns.len() - 1;
        let value = Typed::column(last, united.columns[last].ty.clone(), span);
        let present = Node::Not(Box::new(Typed::new(
            Node::IsNull(Box::new(value)),
            Type::of(Base::Bool),
            span,
        )));
        Ok(united.filter(Typed::new(present, Type::of(Base::Bool), span)))
    }
}

fn kept(columns: &Columns, indexes: &[usize], span: Span) -> Vec<(String, Typed)> {
    let item = |index: &usize| {
        let name = columns.list[*index].name.clone();
        (name, columns.reference(*index, span))
    };
    indexes.iter().map(item).collect()
}

/// The value where the condition holds, and null elsewhere.
fn null_unless(condition: Typed, value: Typed) -> Typed {
    let (span, ty) = (value.span, value.ty.clone().or_null());
    let null = Typed::literal(Value::Null, ty.clone(), span);
    let value = Typed {
        ty: ty.clone(),
        ..value
    };
    let node = Node::Conditional(Box::new(condition), Box::new(value), Box::new(null));
    Typed::new(node, ty, span)
}
