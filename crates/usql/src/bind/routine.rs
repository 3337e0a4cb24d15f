//! Views, table-valued functions and procedures: their stored text is read where they are used,
//! with names of its own and the context in which it was written.

use std::collections::{BTreeMap, BTreeSet};

use super::query::invalid;
use super::statement::already_declared;
use super::{Binder, CALLS_MAX, Result};
use crate::ast::{Argument, ExprKind, Ident, ObjectName, ParameterType, Routine, StatementKind};
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

    /// The rows of a function that returns one rowset.
    pub(super) fn call_function(
        &mut self,
        name: &ObjectName,
        arguments: &[Argument],
        span: Span,
    ) -> Result<Rowset> {
        let mut returned = self.returned_rowsets(name, arguments, span)?;
        if returned.len() > 1 {
            let message = format!("`{}` returns {} rowsets", name.text(), returned.len());
            let help = format!("assign them: `(@a, @b) = {}(…);`", name.text());
            return Err(invalid(span, message).with_help(help));
        }
        returned
            .pop()
            .ok_or_else(|| invalid(span, format!("`{}` returns nothing", name.text())))
    }

    /// `(@a, @b) = function(arguments)`.
    pub(super) fn assign_returned(
        &mut self,
        names: &[Ident],
        function: &ObjectName,
        arguments: &[Argument],
        span: Span,
    ) -> Result<()> {
        for name in names {
            if self.variables.contains_key(&name.value) {
                return Err(already_declared(&name.value, name.span));
            }
        }
        let returned = self.returned_rowsets(function, arguments, span)?;
        if returned.len() != names.len() {
            let message = format!(
                "`{}` returns {} rowsets, not {}",
                function.text(),
                returned.len(),
                names.len()
            );
            return Err(invalid(span, message));
        }
        let names = names.iter().map(|name| name.value.clone());
        self.rowsets.extend(names.zip(returned));
        Ok(())
    }

    /// The rowsets that a function returns, in the order of `RETURNS`.
    fn returned_rowsets(
        &mut self,
        name: &ObjectName,
        arguments: &[Argument],
        span: Span,
    ) -> Result<Vec<Rowset>> {
        let (full, entity) = self.entity(name, "function")?;
        let Entity::Function(stored) = entity else {
            return Err(invalid(name.span, format!("`{full}` is not a function")));
        };
        let text = stored.text.clone();
        let routine = routine(&text, &full, span)?;
        let (variables, tables) = self.bind_arguments(&routine, arguments, span)?;
        let body = body_text(&text, &routine);
        let (rowsets, ()) = self.inside(&full, body, variables, tables, span, |_| ())?;
        let mut all = Vec::new();
        for returned in &routine.returns {
            let rowset = rowsets.get(&returned.name.value).cloned().ok_or_else(|| {
                let message = format!(
                    "`{full}` does not assign `@{}`, which it returns",
                    returned.name.value
                );
                invalid(span, message)
            })?;
            all.push(match &returned.ty {
                None => rowset,
                Some(ty) => {
                    let declared = self.returned_columns(ty, &full, span)?;
                    conform(rowset, &declared, &full, span)?
                }
            });
        }
        Ok(all)
    }

    /// The declared columns of what a function returns: a table type's name is one of the
    /// function's own context.
    fn returned_columns(
        &self,
        ty: &ParameterType,
        function: &Name,
        span: Span,
    ) -> Result<Vec<Column>> {
        let ParameterType::NamedTable(written) = ty else {
            return self.parameter_columns(ty);
        };
        let parts: Vec<&str> = written
            .parts
            .iter()
            .map(|part| part.value.as_str())
            .collect();
        let (database, schema, object) = match parts.as_slice() {
            [database, schema, object] => (*database, *schema, *object),
            [schema, object] => (function.database.as_str(), *schema, *object),
            _ => (
                function.database.as_str(),
                function.schema.as_str(),
                parts.last().copied().unwrap_or_default(),
            ),
        };
        let name = Name {
            database: database.to_owned(),
            schema: if schema.is_empty() { "dbo" } else { schema }.to_owned(),
            object: object.to_owned(),
        };
        let Some(Entity::Type(table)) = self.catalog.entity(&name) else {
            let message =
                format!("`{function}` returns the table type `{name}`, which does not exist");
            return Err(Diagnostic::error(Code::EntityMissing, span, message));
        };
        Ok(table.columns())
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
