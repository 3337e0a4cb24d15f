//! `SELECT`: filters, groups, windows and the list of columns, in the order that they apply.

use super::aggregate::{AGGREGATE_BASE, GroupScope};
use super::query::{From, inferred_name, invalid, names_of};
use super::scope::Columns;
use super::windows::WindowScope;
use super::{Binder, Result};
use crate::ast::{Expr, Sample, Select, SelectItem};
use crate::csharp::Typed;
use crate::csharp::bind::Scope;
use crate::rowset::{Column, Operator, Rowset};

impl Binder<'_> {
    pub(super) fn select(&mut self, select: &Select) -> Result<Rowset> {
        let mut from = self.source(&select.from)?;
        if let Some(filter) = &select.filter {
            let condition = self.expressions(&from.columns).condition(filter)?;
            from.rowset = from.rowset.filter(condition);
        }
        let items = expand(&select.items, &from.columns)?;
        let rowset = if is_grouped(select) {
            self.grouped(select, from, &items)?
        } else {
            self.ungrouped(from, &items)?
        };
        let rowset = if select.distinct {
            rowset.distinct()
        } else {
            rowset
        };
        Ok(match select.sample {
            None => rowset,
            Some(Sample::Any(rows)) => {
                Rowset::new(rowset.columns.clone(), Operator::Limit(rowset, rows))
            }
            Some(Sample::Uniform(fraction)) => {
                let condition = crate::csharp::chance(fraction);
                rowset.filter(condition)
            }
        })
    }

    /// Items without groups; window functions become columns behind those of the input.
    fn ungrouped(&mut self, from: From, items: &[Item<'_>]) -> Result<Rowset> {
        let From { rowset, columns } = from;
        let width = columns.list.len();
        let scope = WindowScope::new(&columns, width);
        let bound = self.items(&scope, &columns, items)?;
        let functions = scope.into_functions();
        if functions.is_empty() {
            return Ok(rowset.project(bound));
        }
        let mut output = rowset.columns.clone();
        for (at, function) in functions.iter().enumerate() {
            output.push(Column::new(format!("window{at}"), function.ty.clone()));
        }
        let operator = Operator::Window {
            input: rowset,
            functions,
        };
        Ok(Rowset::new(output, operator).project(bound))
    }

    fn grouped(&mut self, select: &Select, from: From, items: &[Item<'_>]) -> Result<Rowset> {
        let From { rowset, columns } = from;
        let mut groups = Vec::new();
        for group in &select.group_by {
            groups.push(self.expressions(&columns).bind(group)?);
        }
        let scope = GroupScope::new(&columns);
        let mut bound = self.items(&scope, &columns, items)?;
        let mut having = match &select.having {
            Some(having) => Some(self.expressions(&scope).condition(having)?),
            None => None,
        };
        for (_, value) in &mut bound {
            *value = over_groups(value, &groups, &columns)?;
        }
        if let Some(condition) = &mut having {
            *condition = over_groups(condition, &groups, &columns)?;
        }
        let aggregates = scope.into_aggregates();
        let mut output = Vec::new();
        for (at, group) in groups.iter().enumerate() {
            output.push(Column::new(format!("group{at}"), group.ty.clone()));
        }
        for (at, aggregate) in aggregates.iter().enumerate() {
            output.push(Column::new(format!("aggregate{at}"), aggregate.ty.clone()));
        }
        let operator = Operator::Aggregate {
            input: rowset,
            groups,
            aggregates,
        };
        let mut rowset = Rowset::new(output, operator);
        if let Some(condition) = having {
            rowset = rowset.filter(condition);
        }
        Ok(rowset.project(bound))
    }

    fn items(
        &self,
        scope: &dyn Scope,
        columns: &Columns,
        items: &[Item<'_>],
    ) -> Result<Vec<(String, Typed)>> {
        let mut bound: Vec<(String, Typed)> = Vec::new();
        for item in items {
            let (name, value, span) = match item {
                Item::Column(index, span) => {
                    let name = columns.list[*index].name.clone();
                    (name, columns.reference(*index, *span), *span)
                }
                Item::Expr(expr, name) => {
                    let name = name.clone().ok_or_else(|| {
                        invalid(
                            expr.span,
                            "this expression needs a name: write `AS name` behind it",
                        )
                    })?;
                    (name, self.expressions(scope).bind(expr)?, expr.span)
                }
            };
            if value.ty.base == crate::types::Base::Null {
                return Err(invalid(span, "a column of null has no type")
                    .with_help("cast it, as in `(string)null`"));
            }
            if bound.iter().any(|(other, _)| *other == name) {
                let message = format!("two columns have the name `{name}`");
                return Err(invalid(span, message).with_help("rename one with `AS`"));
            }
            bound.push((name, value));
        }
        Ok(bound)
    }
}

/// An item of the list: a column of the source, or an expression with its name.
pub(super) enum Item<'a> {
    Column(usize, crate::source::Span),
    Expr(&'a Expr, Option<String>),
}

/// Replaces `*` by the columns it stands for.
fn expand<'a>(items: &'a [SelectItem], columns: &Columns) -> Result<Vec<Item<'a>>> {
    let mut expanded = Vec::new();
    for item in items {
        match item {
            SelectItem::All(span) => {
                expanded.extend((0..columns.list.len()).map(|at| Item::Column(at, *span)));
            }
            SelectItem::AllOf(alias) => {
                let behind = columns.behind(&alias.value);
                if behind.is_empty() {
                    let message = format!("there is no source `{}`", alias.value);
                    return Err(invalid(alias.span, message));
                }
                expanded.extend(behind.into_iter().map(|at| Item::Column(at, alias.span)));
            }
            SelectItem::Expr(expr, alias) => {
                let name = alias.as_ref().map(|alias| alias.value.clone());
                expanded.push(Item::Expr(expr, name.or_else(|| inferred_name(expr))));
            }
        }
    }
    Ok(expanded)
}

fn is_grouped(select: &Select) -> bool {
    let aggregated = |item: &SelectItem| match item {
        SelectItem::Expr(expr, _) => super::aggregate::has_aggregate(expr),
        _ => false,
    };
    !select.group_by.is_empty() || select.having.is_some() || select.items.iter().any(aggregated)
}

/// An expression over the input as one over the groups: what equals a group becomes its column,
/// aggregates follow behind the groups, and any other column is a fault.
fn over_groups(value: &Typed, groups: &[Typed], columns: &Columns) -> Result<Typed> {
    let plain: Vec<Typed> = groups.iter().map(Typed::without_spans).collect();
    let rewritten = value.rewrite(&|each| {
        if let crate::csharp::Node::Column(index) = each.node
            && index >= AGGREGATE_BASE
        {
            let at = groups.len() + index - AGGREGATE_BASE;
            return Some(Typed::column(GROUPED + at, each.ty.clone(), each.span));
        }
        let at = plain
            .iter()
            .position(|group| *group == each.without_spans())?;
        Some(Typed::column(GROUPED + at, each.ty.clone(), each.span))
    });
    let mut stray = None;
    rewritten.walk(&mut |each| {
        if let crate::csharp::Node::Column(index) = each.node
            && index < GROUPED
        {
            stray = stray.or(Some((index, each.span)));
        }
    });
    if let Some((index, span)) = stray {
        let name = columns.list.get(index).map_or("", |column| &column.name);
        let message = format!("`{name}` is neither in `GROUP BY` nor within an aggregate");
        let help = format!(
            "group by it, or use an aggregate such as `ANY_VALUE({name})`; the columns are {}",
            names_of(columns)
        );
        return Err(invalid(span, message).with_help(help));
    }
    Ok(rewritten.map_columns(&|index| {
        Typed::column(index - GROUPED, column_type(&rewritten, index), value.span)
    }))
}

/// Added to the indexes of columns over groups until none over the input is left.
const GROUPED: usize = 1 << 24;

fn column_type(value: &Typed, index: usize) -> crate::types::Type {
    let mut found = None;
    value.walk(&mut |each| {
        if each.node == crate::csharp::Node::Column(index) {
            found = Some(each.ty.clone());
        }
    });
    found.unwrap_or_else(|| value.ty.clone())
}
