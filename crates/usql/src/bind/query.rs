//! Queries and their sources.

use super::scope::Columns;
use super::{Binder, Result};
use crate::ast::{
    Expr, ExprKind, JoinKind, Order, Query, QueryKind, SelectItem, Source, SourceKind,
};
use crate::catalog::Entity;
use crate::csharp::Typed;
use crate::csharp::bind::Scope as _;
use crate::diagnostic::{Code, Diagnostic, closest};
use crate::rowset::{Column, Join, Operator, Rowset, SortKey};
use crate::source::Span;
use crate::types::Type;

/// A bound source: its rows, and how expressions may name its columns.
pub(super) struct From {
    pub(super) rowset: Rowset,
    pub(super) columns: Columns,
}

pub(super) fn invalid(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(Code::InvalidExpression, span, message)
}

impl Binder<'_> {
    pub(super) fn query(&mut self, query: &Query) -> Result<Rowset> {
        let rowset = match &query.kind {
            QueryKind::Select(select) => self.select(select)?,
            QueryKind::Extract(extract) => self.extract(extract, query.span)?,
            QueryKind::SetOperation(operation) => self.set_operation(operation, query.span)?,
            QueryKind::Source(source) => self.source(source)?.rowset,
            QueryKind::UserOperator(operator) => self.user_operator(operator)?,
        };
        match &query.order {
            None => Ok(rowset),
            Some(order) => {
                let order = self.by_items(query, order);
                self.ordered(rowset, &order, query.span)
            }
        }
    }

    /// `ORDER BY … FETCH …` of a query: it chooses rows; a rowset itself has no order.
    fn ordered(&mut self, rowset: Rowset, order: &Order, span: Span) -> Result<Rowset> {
        if order.fetch.is_none() {
            let message = "`ORDER BY` of a query needs `FETCH`; a rowset has no order";
            return Err(Diagnostic::error(Code::Syntax, span, message)
                .with_help("order the rows where they are written: `OUTPUT … TO … ORDER BY …`"));
        }
        let keys = self.sort_keys(&rowset, order)?;
        let (offset, fetch) = (order.offset.unwrap_or_default(), order.fetch);
        Ok(Rowset::new(
            rowset.columns.clone(),
            Operator::Sort {
                input: rowset,
                keys,
                offset,
                fetch,
            },
        ))
    }

    /// A key that is written as an item of the `SELECT` is the column that the item becomes, as
    /// `t.x` in `SELECT t.x AS y … ORDER BY t.x FETCH 3`.
    fn by_items(&self, query: &Query, order: &Order) -> Order {
        let mut order = order.clone();
        let QueryKind::Select(select) = &query.kind else {
            return order;
        };
        let written = |expr: &Expr| self.text.get(expr.span.start..expr.span.end);
        for key in &mut order.keys {
            if matches!(key.expr.kind, ExprKind::Name(_)) {
                continue;
            }
            let name = select.items.iter().find_map(|item| match item {
                SelectItem::Expr(expr, alias) if written(expr) == written(&key.expr) => alias
                    .as_ref()
                    .map(|alias| alias.value.clone())
                    .or_else(|| inferred_name(expr)),
                _ => None,
            });
            if let Some(name) = name {
                key.expr.kind = ExprKind::Name(name);
            }
        }
        order
    }

    pub(super) fn sort_keys(&self, rowset: &Rowset, order: &Order) -> Result<Vec<SortKey>> {
        let columns = Columns::of(rowset, &[]);
        let mut keys = Vec::new();
        for key in &order.keys {
            let value = self.expressions(&columns).bind(&key.expr)?;
            keys.push(SortKey {
                value,
                descending: key.descending,
            });
        }
        Ok(keys)
    }

    /// A source of rows with the names that its columns have in the query.
    pub(super) fn source(&mut self, source: &Source) -> Result<From> {
        let alias = source.alias.as_ref().map(|alias| alias.value.clone());
        let mut from = match &source.kind {
            SourceKind::Variable(name) => {
                let rowset = self.rowset_variable(name, source.span)?;
                named(rowset, alias.unwrap_or_else(|| format!("@{name}")))
            }
            SourceKind::Table(name) => {
                let rowset = self.table_or_view(name)?;
                let short = name.parts.last().map(|part| part.value.clone());
                let mut qualifiers = vec![alias.clone().or(short).unwrap_or_default()];
                if alias.is_none() {
                    qualifiers.push(name.text());
                }
                let columns = Columns::of(&rowset, &qualifiers);
                From { rowset, columns }
            }
            SourceKind::Function(name, arguments) => {
                let rowset = self.call_function(name, arguments, source.span)?;
                named(rowset, alias.unwrap_or_else(|| name.text()))
            }
            SourceKind::Query(query) => named(self.query(query)?, alias.unwrap_or_default()),
            SourceKind::Values(rows) => {
                named(self.values(rows, source.span)?, alias.unwrap_or_default())
            }
            SourceKind::Join(join) => {
                let (left, right) = (self.source(&join.left)?, self.source(&join.right)?);
                return self.join(join.kind, left, right, join.on.as_ref(), source.span);
            }
            SourceKind::Apply(apply) => return self.apply(apply, source),
            SourceKind::Pivot(input, pivot) => {
                let input = self.source(input)?;
                named(
                    self.pivot(input, pivot, source.span)?,
                    alias.unwrap_or_default(),
                )
            }
            SourceKind::Unpivot(input, unpivot) => {
                let input = self.source(input)?;
                named(
                    self.unpivot(input, unpivot, source.span)?,
                    alias.unwrap_or_default(),
                )
            }
        };
        if !source.columns.is_empty() {
            rename(&mut from, source)?;
        }
        Ok(from)
    }

    pub(super) fn rowset_variable(&self, name: &str, span: Span) -> Result<Rowset> {
        if let Some(rowset) = self.rowsets.get(name) {
            return Ok(rowset.clone());
        }
        let message = format!("the rowset `@{name}` is not defined");
        let error = invalid(span, message);
        Err(
            match closest(name, self.rowsets.keys().map(String::as_str)) {
                Some(close) => error.with_help(format!("did you mean `@{close}`?")),
                None => error,
            },
        )
    }

    fn table_or_view(&mut self, name: &crate::ast::ObjectName) -> Result<Rowset> {
        let (full, entity) = self.entity(name, "table or view")?;
        match entity {
            Entity::Table(table) => {
                if self.inserted.contains(&full) {
                    let message =
                        format!("`{full}` is read after this script has added rows to it");
                    return Err(invalid(name.span, message).with_help(
                        "read it in another script, or use the rowset that was inserted",
                    ));
                }
                let columns = table.columns();
                let files = table.files(&self.catalog);
                Ok(Rowset::new(columns, Operator::Table(files)))
            }
            Entity::View(view) => {
                let text = view.text.clone();
                self.view(&full, &text, name.span)
            }
            other => {
                let message = format!("`{full}` is a {}, not a table or a view", other.kind());
                Err(invalid(name.span, message))
            }
        }
    }

    /// Rows of constants; each column has the type that all of its values share.
    fn values(&mut self, rows: &[Vec<Expr>], span: Span) -> Result<Rowset> {
        let width = rows.first().map_or(0, Vec::len);
        let mut bound: Vec<Vec<Typed>> = Vec::new();
        for row in rows {
            if row.len() != width {
                let message = format!(
                    "a row of `VALUES` has {} values and the first {width}",
                    row.len()
                );
                return Err(invalid(span, message));
            }
            let scope = Columns::default();
            let mut binder = self.expressions(&scope);
            bound.push(
                row.iter()
                    .map(|value| binder.bind(value))
                    .collect::<Result<_>>()?,
            );
        }
        let mut columns = Vec::new();
        for at in 0..width {
            let ty = common(bound.iter().map(|row| &row[at]))?;
            columns.push(Column::new(format!("Column{at}"), ty));
        }
        let mut values = Vec::new();
        for row in bound {
            let mut converted = Vec::new();
            for (value, column) in row.into_iter().zip(&columns) {
                let value = crate::csharp::bind::convert(value, &column.ty)?;
                converted.push(value.constant().map_err(|error| {
                    Diagnostic::error(Code::NotConstant, error.span, error.message)
                })?);
            }
            values.push(converted);
        }
        Ok(Rowset::new(columns, Operator::Values(values)))
    }

    fn join(
        &mut self,
        kind: JoinKind,
        left: From,
        right: From,
        on: Option<&Expr>,
        span: Span,
    ) -> Result<From> {
        let pairs = match on {
            Some(on) => self.join_pairs(on, &left.columns, &right.columns)?,
            None => Vec::new(),
        };
        let semi = |kind, kept: From, other: From, pairs: Vec<(usize, usize)>| From {
            rowset: Rowset::new(
                kept.rowset.columns.clone(),
                Operator::Join {
                    kind,
                    left: kept.rowset,
                    right: other.rowset,
                    on: pairs,
                },
            ),
            columns: kept.columns,
        };
        let swapped = |pairs: Vec<(usize, usize)>| pairs.into_iter().map(|(a, b)| (b, a)).collect();
        let kind = match kind {
            JoinKind::LeftSemi => return Ok(semi(Join::LeftSemi, left, right, pairs)),
            JoinKind::LeftAnti => return Ok(semi(Join::LeftAnti, left, right, pairs)),
            JoinKind::RightSemi => return Ok(semi(Join::LeftSemi, right, left, swapped(pairs))),
            JoinKind::RightAnti => return Ok(semi(Join::LeftAnti, right, left, swapped(pairs))),
            JoinKind::Inner | JoinKind::Cross => Join::Inner,
            JoinKind::Left => Join::Left,
            JoinKind::Right => Join::Right,
            JoinKind::Full => Join::Full,
        };
        let _ = span;
        let left_null = matches!(kind, Join::Right | Join::Full);
        let right_null = matches!(kind, Join::Left | Join::Full);
        let side = |columns: Columns, null| if null { columns.or_null() } else { columns };
        let columns = side(left.columns, left_null).and(side(right.columns, right_null));
        let output = columns
            .list
            .iter()
            .map(|each| Column::new(each.name.clone(), each.ty.clone()));
        let rowset = Rowset::new(
            output.collect(),
            Operator::Join {
                kind,
                left: left.rowset,
                right: right.rowset,
                on: pairs,
            },
        );
        Ok(From { rowset, columns })
    }

    /// The equalities of `ON`: `left.column == right.column` with `AND` between them.
    fn join_pairs(
        &self,
        on: &Expr,
        left: &Columns,
        right: &Columns,
    ) -> Result<Vec<(usize, usize)>> {
        if let ExprKind::Binary(crate::ast::BinaryOp::And, a, b) = &on.kind {
            let mut pairs = self.join_pairs(a, left, right)?;
            pairs.extend(self.join_pairs(b, left, right)?);
            return Ok(pairs);
        }
        let refused = || {
            invalid(
                on.span,
                "`ON` takes equalities of columns only, as in `a.x == b.y`",
            )
            .with_help("compute expressions before the join, and put other conditions into `WHERE`")
        };
        let ExprKind::Binary(crate::ast::BinaryOp::Equal, a, b) = &on.kind else {
            return Err(refused());
        };
        let both = left.clone().and(right.clone());
        let index = |expr: &Expr| -> Result<usize> {
            let bound = self.expressions(&both).bind(expr)?;
            match bound.node {
                crate::csharp::Node::Column(index) => Ok(index),
                _ => Err(refused()),
            }
        };
        let (a, b) = (index(a)?, index(b)?);
        let width = left.list.len();
        let (low, high) = (a.min(b), a.max(b));
        if low >= width || high < width {
            return Err(invalid(
                on.span,
                "an equality of `ON` compares one column of each side",
            ));
        }
        let (one, other) = (&left.list[low], &right.list[high - width]);
        if one.ty.base != other.ty.base {
            let message = format!(
                "`{}` is `{}` and `{}` is `{}`; columns that are joined have one type",
                one.name, one.ty, other.name, other.ty
            );
            return Err(invalid(on.span, message));
        }
        Ok(vec![(low, high - width)])
    }
}

/// The type that all values of a column of `VALUES` share.
fn common<'a>(mut values: impl Iterator<Item = &'a Typed>) -> Result<Type> {
    let Some(first) = values.next() else {
        return Ok(Type::of(crate::types::Base::Null));
    };
    let mut ty = first.ty.clone();
    for value in values {
        ty = if value.ty.converts_to(&ty) {
            ty
        } else if ty.converts_to(&value.ty) {
            value.ty.clone()
        } else if value.ty.converts_to(&ty.clone().or_null()) {
            ty.or_null()
        } else {
            let message = format!(
                "the values of one column have the types `{ty}` and `{}`",
                value.ty
            );
            return Err(invalid(value.span, message));
        };
    }
    if ty.base == crate::types::Base::Null {
        return Err(invalid(first.span, "a column of nulls has no type")
            .with_help("cast one, as in `(string)null` or `(int?)null`"));
    }
    Ok(ty)
}

fn named(rowset: Rowset, qualifier: String) -> From {
    let columns = Columns::of(&rowset, &[qualifier]);
    From { rowset, columns }
}

/// Gives the columns the names behind the alias, as in `AS t(a, b)`.
fn rename(from: &mut From, source: &Source) -> Result<()> {
    if source.columns.len() != from.rowset.columns.len() {
        let message = format!(
            "{} names for {} columns",
            source.columns.len(),
            from.rowset.columns.len()
        );
        return Err(invalid(source.span, message));
    }
    for (at, name) in source.columns.iter().enumerate() {
        from.rowset.columns[at].name.clone_from(&name.value);
        from.columns.list[at].name.clone_from(&name.value);
    }
    Ok(())
}

/// What a new name of a column was probably copied from.
pub(super) fn inferred_name(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Name(name) => Some(name.clone()),
        ExprKind::Member(_, member) => Some(member.value.clone()),
        _ => None,
    }
}

/// The columns of a rowset as a list for a message.
pub(super) fn names_of(columns: &Columns) -> String {
    columns.names().join(", ")
}
