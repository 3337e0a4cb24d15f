//! `UNION`, `INTERSECT` and `EXCEPT`, by position or by name.

use super::query::invalid;
use super::{Binder, Result};
use crate::ast::{ByName, SetKind, SetOperation};
use crate::csharp::{Typed, default_of};
use crate::rowset::{Operator, Rowset, Set};
use crate::source::Span;
use crate::types::Type;

impl Binder<'_> {
    pub(super) fn set_operation(&mut self, operation: &SetOperation, span: Span) -> Result<Rowset> {
        let (left, right) = (self.query(&operation.left)?, self.query(&operation.right)?);
        let (left, right) = match (&operation.by_name, operation.kind) {
            (Some(by_name), SetKind::OuterUnion) => outer(left, right, by_name, span)?,
            (None, SetKind::OuterUnion) => {
                return Err(invalid(span, "`OUTER UNION` needs `BY NAME ON (…)`"));
            }
            (Some(by_name), _) => aligned(left, right, by_name, span)?,
            (None, _) => (left, right),
        };
        let right = same_types(&left, right, span)?;
        let kind = match operation.kind {
            SetKind::Union | SetKind::OuterUnion => Set::UnionAll,
            SetKind::Intersect => Set::Intersect,
            SetKind::Except => Set::Except,
        };
        let columns = left.columns.clone();
        if operation.all && kind != Set::UnionAll {
            return Ok(with_multiplicity(kind, left, right));
        }
        let result = Rowset::new(columns, Operator::Set { kind, left, right });
        Ok(if operation.all {
            result
        } else {
            result.distinct()
        })
    }
}

/// Both sides in the order of the left, by name.
fn aligned(left: Rowset, right: Rowset, by_name: &ByName, span: Span) -> Result<(Rowset, Rowset)> {
    let names: Vec<String> = if by_name.has_on && !by_name.star {
        let known = |name: &str| left.columns.iter().any(|column| column.name == name);
        for column in &by_name.columns {
            if !known(&column.value) {
                let message = format!("the left side has no column `{}`", column.value);
                return Err(invalid(column.span, message));
            }
        }
        let listed = |name: &str| by_name.columns.iter().any(|column| column.value == name);
        let kept = left.columns.iter().filter(|column| listed(&column.name));
        kept.map(|column| column.name.clone()).collect()
    } else {
        let common = |name: &str| right.columns.iter().any(|column| column.name == name);
        if !by_name.has_on
            && (left.columns.len() != right.columns.len()
                || !left.columns.iter().all(|column| common(&column.name)))
        {
            return Err(invalid(
                span,
                "the sides have other columns; `BY NAME` needs the same",
            )
            .with_help("name the common ones: `BY NAME ON (a, b)`"));
        }
        let kept = left.columns.iter().filter(|column| common(&column.name));
        kept.map(|column| column.name.clone()).collect()
    };
    if names.is_empty() {
        return Err(invalid(span, "the sides have no column in common"));
    }
    let (left, right) = (picked(left, &names, span)?, picked(right, &names, span)?);
    Ok((left, right))
}

fn picked(rowset: Rowset, names: &[String], span: Span) -> Result<Rowset> {
    let mut items = Vec::new();
    for name in names {
        let index = rowset
            .columns
            .iter()
            .position(|column| column.name == *name);
        let index =
            index.ok_or_else(|| invalid(span, format!("one side has no column `{name}`")))?;
        let ty = rowset.columns[index].ty.clone();
        items.push((name.clone(), Typed::column(index, ty, span)));
    }
    Ok(rowset.project(items))
}

/// All columns of both sides; what a side lacks is null, or the default of a type without null.
fn outer(left: Rowset, right: Rowset, by_name: &ByName, span: Span) -> Result<(Rowset, Rowset)> {
    let has = |rowset: &Rowset, name: &str| rowset.columns.iter().any(|column| column.name == name);
    for column in &by_name.columns {
        if !has(&left, &column.value) || !has(&right, &column.value) {
            let message = format!("`{}` is not a column of both sides", column.value);
            return Err(invalid(column.span, message));
        }
    }
    let mut all: Vec<(String, Type)> = Vec::new();
    let common = left
        .columns
        .iter()
        .filter(|column| has(&right, &column.name));
    let left_only = left
        .columns
        .iter()
        .filter(|column| !has(&right, &column.name));
    let right_only = right
        .columns
        .iter()
        .filter(|column| !has(&left, &column.name));
    for column in common.chain(left_only).chain(right_only) {
        all.push((column.name.clone(), column.ty.clone()));
    }
    let filled = |rowset: Rowset| {
        let items = all.iter().map(|(name, ty)| {
            let index = rowset
                .columns
                .iter()
                .position(|column| column.name == *name);
            let value = match index {
                Some(index) => Typed::column(index, rowset.columns[index].ty.clone(), span),
                None => Typed::literal(default_of(ty), ty.clone(), span),
            };
            (name.clone(), value)
        });
        let items = items.collect();
        rowset.project(items)
    };
    Ok((filled(left), filled(right)))
}

/// The right side with the types of the left, which must be the same but for null.
fn same_types(left: &Rowset, right: Rowset, span: Span) -> Result<Rowset> {
    if left.columns.len() != right.columns.len() {
        let message = format!(
            "the left side has {} columns and the right side {}",
            left.columns.len(),
            right.columns.len()
        );
        return Err(invalid(span, message));
    }
    for (one, other) in left.columns.iter().zip(&right.columns) {
        if one.ty.base != other.ty.base {
            let message = format!(
                "`{}` is `{}` on the left and `{}` on the right; the types must be the same",
                one.name, one.ty, other.ty
            );
            return Err(invalid(span, message).with_help("cast one side before the set operation"));
        }
    }
    Ok(right)
}

/// `INTERSECT ALL` and `EXCEPT ALL`: equal rows are numbered on each side, so that each copy is a
/// row of its own.
fn with_multiplicity(kind: Set, left: Rowset, right: Rowset) -> Rowset {
    let columns = left.columns.clone();
    let span = Span::default();
    let numbered = |rowset: Rowset| {
        let all = rowset.columns.iter().enumerate();
        let all = all
            .map(|(at, column)| Typed::column(at, column.ty.clone(), span))
            .collect();
        let number = crate::rowset::WindowFunction {
            kind: crate::rowset::WindowKind::RowNumber,
            arguments: Vec::new(),
            partition_by: all,
            order_by: Vec::new(),
            rows: None,
            ty: Type::of(crate::types::Base::Long),
        };
        let mut output = rowset.columns.clone();
        output.push(crate::rowset::Column::new("copy", number.ty.clone()));
        let functions = vec![number];
        Rowset::new(
            output,
            Operator::Window {
                input: rowset,
                functions,
            },
        )
    };
    let (left, right) = (numbered(left), numbered(right));
    let both = Rowset::new(left.columns.clone(), Operator::Set { kind, left, right });
    let items = columns.iter().enumerate().map(|(at, column)| {
        (
            column.name.clone(),
            Typed::column(at, column.ty.clone(), span),
        )
    });
    let items = items.collect();
    both.project(items)
}
