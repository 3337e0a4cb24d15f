//! Views, table-valued functions and procedures: their stored text is read where they are used,
//! with names of its own and the context in which it was written.

use std::collections::{BTreeMap, BTreeSet};

use super::query::invalid;
use super::{Binder, CALLS_MAX, Result};
use crate::ast::{Argument, ExprKind, ObjectName, ParameterType, Routine, StatementKind};
use crate::catalog::{Entity, Name};
use crate::csharp::Typed;
use crate::csharp::bind::{Variable, Variables};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use crate::rowset::{Column, Rowset};
use crate::source::{Source, Span};

impl Binder<'_> {
    /// The rows of a view.
    pub(super) fn view(&mut self, name: &Name, text: &str, span: Span) -> Result<Rowset> {
        let script = format!("@view = {text};");
        let (rowsets, ()) = self.inside(
            name,
            &script,
            Variables::new(),
            BTreeMap::new(),
            span,
            |_| (),
        )?;
        rowsets
            .get("view")
            .cloned()
            .ok_or_else(|| invalid(span, format!("the view `{name}` has no rows")))
    }

    /// The rows that a function returns.
    pub(super) fn call_function(
        &mut self,
        name: &ObjectName,
        arguments: &[Argument],
        span: Span,
    ) -> Result<Rowset> {
        let (full, entity) = self.entity(name, "function")?;
        let Entity::Function(stored) = entity else {
            return Err(invalid(name.span, format!("`{full}` is not a function")));
        };
        let text = stored.text.clone();
        let routine = routine(&text, &full, span)?;
        let (variables, tables) = self.bind_arguments(&routine, arguments, span)?;
        let body = body_text(&text, &routine);
        let (rowsets, ()) = self.inside(&full, body, variables, tables, span, |_| ())?;
        let Some(returned) = routine.returns.first() else {
            return Err(invalid(span, format!("`{full}` returns nothing")));
        };
        let rowset = rowsets.get(&returned.name.value).cloned().ok_or_else(|| {
            let message = format!(
                "`{full}` does not assign `@{}`, which it returns",
                returned.name.value
            );
            invalid(span, message)
        })?;
        if returned.columns.is_empty() {
            return Ok(rowset);
        }
        let declared = self.schema_columns(&returned.columns)?;
        conform(rowset, &declared, &full, span)
    }

    /// Runs the statements of a procedure.
    pub(super) fn call_procedure(
        &mut self,
        name: &ObjectName,
        arguments: &[Argument],
        span: Span,
    ) -> Result<()> {
        let (full, entity) = self.entity(name, "procedure")?;
        let Entity::Procedure(stored) = entity else {
            return Err(invalid(name.span, format!("`{full}` is not a procedure")));
        };
        let text = stored.text.clone();
        let routine = routine(&text, &full, span)?;
        let (variables, tables) = self.bind_arguments(&routine, arguments, span)?;
        let body = body_text(&text, &routine);
        let (_, (actions, catalog, inserted)) =
            self.inside(&full, body, variables, tables, span, |inner| {
                let actions = std::mem::take(&mut inner.actions);
                (actions, inner.catalog.clone(), inner.inserted.clone())
            })?;
        self.actions.extend(actions);
        self.catalog_changed |= catalog != self.catalog;
        self.catalog = catalog;
        self.inserted.extend(inserted);
        Ok(())
    }

    pub(super) fn bind_arguments(
        &mut self,
        routine: &Routine,
        arguments: &[Argument],
        span: Span,
    ) -> Result<(Variables, BTreeMap<String, Rowset>)> {
        let mut variables = Variables::new();
        let mut tables = BTreeMap::new();
        if arguments.len() > routine.parameters.len() {
            let message = format!(
                "`{}` takes {} arguments, not {}",
                routine.name.text(),
                routine.parameters.len(),
                arguments.len()
            );
            return Err(invalid(span, message));
        }
        for (at, parameter) in routine.parameters.iter().enumerate() {
            let name = &parameter.name.value;
            let named = arguments.iter().find(|argument| {
                argument
                    .name
                    .as_ref()
                    .is_some_and(|given| given.value == *name)
            });
            let given =
                named.or_else(|| arguments.get(at).filter(|argument| argument.name.is_none()));
            let given = given
                .map(|argument| &argument.value)
                .filter(|value| !is_default(value));
            let missing = || invalid(span, format!("the argument `@{name}` is missing"));
            match &parameter.ty {
                ParameterType::Scalar(written) => {
                    let expr = given.or(parameter.default.as_ref()).ok_or_else(missing)?;
                    let now = self.settings.now;
                    let (value, ty) = crate::csharp::declared(expr, written, &self.variables, now)?;
                    let value = Typed::literal(value, ty, expr.span);
                    variables.insert(name.clone(), Variable::Scalar(value));
                }
                table => {
                    let expr = given.ok_or_else(missing)?;
                    let ExprKind::Variable(rowset) = &expr.kind else {
                        return Err(invalid(
                            expr.span,
                            format!("`@{name}` takes a rowset such as `@rows`"),
                        ));
                    };
                    let rowset = self.rowset_variable(rowset, expr.span)?;
                    let declared = self.parameter_columns(table)?;
                    tables.insert(
                        name.clone(),
                        conform(rowset, &declared, &self.full_name(&routine.name), expr.span)?,
                    );
                }
            }
        }
        Ok((variables, tables))
    }

    fn parameter_columns(&self, ty: &ParameterType) -> Result<Vec<Column>> {
        match ty {
            ParameterType::Table(columns) => self.schema_columns(columns),
            ParameterType::NamedTable(name) => match self.entity(name, "table type")? {
                (_, Entity::Type(table)) => Ok(table.columns()),
                (full, _) => Err(invalid(name.span, format!("`{full}` is not a table type"))),
            },
            ParameterType::Scalar(_) => Ok(Vec::new()),
        }
    }

    /// Binds a text with names of its own; what is wrong in it is one diagnostic at the caller.
    pub(super) fn inside<T>(
        &mut self,
        name: &Name,
        text: &str,
        variables: Variables,
        rowsets: BTreeMap<String, Rowset>,
        span: Span,
        take: impl FnOnce(&mut Binder<'_>) -> T,
    ) -> Result<(BTreeMap<String, Rowset>, T)> {
        if self.depth >= CALLS_MAX {
            return Err(invalid(
                span,
                format!("`{name}` calls itself, or too many others"),
            ));
        }
        let mut diagnostics = Diagnostics::default();
        let statements = crate::parser::script(text, &mut diagnostics);
        let mut inner = Binder {
            text,
            settings: self.settings,
            diagnostics: &mut diagnostics,
            catalog: self.catalog.clone(),
            catalog_changed: false,
            variables,
            external: BTreeSet::new(),
            exported: matches!(self.catalog.entity(name), Some(Entity::Package(_)))
                .then(Variables::new),
            resources: Vec::new(),
            namespaces: Vec::new(),
            rowsets,
            database: name.database.clone(),
            schema: name.schema.clone(),
            actions: Vec::new(),
            inserted: self.inserted.clone(),
            switches: self.switches.clone(),
            depth: self.depth + 1,
        };
        inner.statements(&statements);
        let taken = take(&mut inner);
        let rowsets = inner.rowsets;
        let source = Source::new(name.to_string(), text);
        let first = diagnostics
            .into_sorted()
            .into_iter()
            .find(|each| each.severity == Severity::Error);
        match first {
            None => Ok((rowsets, taken)),
            Some(first) => {
                let line = source.position(first.span.start).0;
                let message = format!("in `{name}`, line {line} of its body: {}", first.message);
                Err(Diagnostic {
                    span,
                    message,
                    ..first
                })
            }
        }
    }
}

fn is_default(value: &crate::ast::Expr) -> bool {
    matches!(&value.kind, ExprKind::Name(name) if name == "DEFAULT")
}

/// The stored statement, read again.
pub(super) fn routine(text: &str, name: &Name, span: Span) -> Result<Routine> {
    let mut diagnostics = Diagnostics::default();
    let statements = crate::parser::script(&format!("{text};"), &mut diagnostics);
    match statements
        .into_iter()
        .next()
        .map(|statement| statement.kind)
    {
        Some(StatementKind::CreateRoutine(routine)) => Ok(*routine),
        _ => Err(Diagnostic::error(
            Code::EntityMissing,
            span,
            format!("the stored text of `{name}` cannot be read"),
        )),
    }
}

/// The statements between `BEGIN` and `END`.
pub(super) fn body_text<'a>(text: &'a str, routine: &Routine) -> &'a str {
    let (Some(first), Some(last)) = (routine.body.first(), routine.body.last()) else {
        return "";
    };
    let end = text[last.span.end..]
        .find(';')
        .map_or(text.len(), |at| last.span.end + at + 1);
    &text[first.span.start..end]
}

/// A rowset with the columns that were declared: the same names in any order, the same types.
fn conform(rowset: Rowset, declared: &[Column], name: &Name, span: Span) -> Result<Rowset> {
    let mut items = Vec::new();
    for column in declared {
        let index = rowset
            .columns
            .iter()
            .position(|each| each.name == column.name);
        let index = index.ok_or_else(|| {
            invalid(
                span,
                format!(
                    "`{name}` declares the column `{}`, which the rowset lacks",
                    column.name
                ),
            )
        })?;
        let value = Typed::column(index, rowset.columns[index].ty.clone(), span);
        items.push((
            column.name.clone(),
            crate::csharp::bind::convert(value, &column.ty)?,
        ));
    }
    Ok(rowset.project(items))
}
