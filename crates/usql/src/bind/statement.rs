//! Statements other than those of the catalog.

use super::formats::path_error;
use super::query::invalid;
use super::{Action, Binder, Result};
use crate::ast::{Declare, Expr, ExprKind, If, Output, Statement, StatementKind, UseKind};
use crate::csharp::Typed;
use crate::csharp::bind::Variable;
use crate::diagnostic::{Code, Diagnostic, closest};
use crate::source::Span;
use crate::value::Value;

impl Binder<'_> {
    pub(super) fn statement(&mut self, statement: &Statement) -> Result<()> {
        let span = statement.span;
        match &statement.kind {
            StatementKind::Use { what, name } => self.use_context(*what, name),
            StatementKind::Set { variable, value } => {
                let value = self.path_text(value)?;
                self.switches.insert(variable.value.clone(), value);
                Ok(())
            }
            StatementKind::Declare(declare) => self.declare(declare),
            StatementKind::Assign { name, query } => {
                if self.variables.contains_key(&name.value) {
                    return Err(already_declared(&name.value, name.span));
                }
                let rowset = self.query(query)?;
                self.rowsets.insert(name.value.clone(), rowset);
                Ok(())
            }
            StatementKind::AssignReturned {
                names,
                function,
                arguments,
            } => self.assign_returned(names, function, arguments, span),
            StatementKind::Output(output) => self.output(output, span),
            StatementKind::Insert(insert) => self.insert(insert, span),
            StatementKind::If(branches) => self.choose(branches),
            StatementKind::Call { name, arguments } => self.call_procedure(name, arguments, span),
            StatementKind::Raise { error, message } => self.raise(*error, message, span),
            // Namespaces of .NET are known without; those of the user's own are reported where
            // one of their names is used.
            StatementKind::Using { alias, name } => {
                let alias = alias.as_ref().map(|alias| alias.value.clone());
                self.namespaces.push((alias, name.text()));
                Ok(())
            }
            StatementKind::ReferenceAssembly { .. } => Ok(()),
            StatementKind::Export(declare) => self.export(declare),
            StatementKind::Import {
                name,
                arguments,
                alias,
            } => self.import(name, arguments, alias.as_ref(), span),
            StatementKind::Deploy(paths) => self.deploy(paths),
            StatementKind::Tuning(table) => self.entity(table, "table").map(|_| ()),
            StatementKind::Unsupported { words } => {
                let message = format!("`{words}` cannot run here");
                Err(
                    Diagnostic::error(Code::Unsupported, span, message).with_help(
                        "C# assemblies, credentials and external sources have no place here; \
                     do this part in a PythonScriptStep",
                    ),
                )
            }
            _ => self.catalog_statement(statement),
        }
    }

    fn raise(&mut self, error: bool, message: &Expr, span: Span) -> Result<()> {
        let text = self.path_text(message)?;
        let raised = Diagnostic::error(Code::Raised, span, text);
        if error {
            return Err(raised);
        }
        self.diagnostics.push(Diagnostic {
            severity: crate::diagnostic::Severity::Warning,
            ..raised
        });
        Ok(())
    }

    fn use_context(&mut self, what: UseKind, name: &crate::ast::ObjectName) -> Result<()> {
        let parts: Vec<&str> = name.parts.iter().map(|part| part.value.as_str()).collect();
        let (database, schema) = match (what, parts.as_slice()) {
            (_, [database, schema]) => (*database, *schema),
            (UseKind::Schema, [schema]) => (self.database.as_str(), *schema),
            (UseKind::Database, [database]) => (*database, "dbo"),
            (_, [one]) if self.catalog.has_database(one) => (*one, "dbo"),
            (_, [one]) if self.catalog.has_schema(&self.database, one) => {
                (self.database.as_str(), *one)
            }
            (_, [one, ..]) => (*one, "dbo"),
            (_, []) => return Ok(()),
        };
        if !self.catalog.has_schema(database, schema) {
            let (what, missing) = if self.catalog.has_database(database) {
                ("schema", format!("{database}.{schema}"))
            } else {
                ("database", database.to_owned())
            };
            let message = format!("the {what} `{missing}` does not exist");
            let error = Diagnostic::error(Code::EntityMissing, name.span, message);
            return Err(match closest(database, self.catalog.databases()) {
                Some(close) if close != database => {
                    error.with_help(format!("did you mean `{close}`?"))
                }
                _ => error,
            });
        }
        let (database, schema) = (database.to_owned(), schema.to_owned());
        self.database = database;
        self.schema = schema;
        Ok(())
    }

    pub(super) fn declare(&mut self, declare: &Declare) -> Result<()> {
        let name = declare.name.value.clone();
        if self.variables.contains_key(&name) {
            if declare.external {
                return self.take_given(declare);
            }
            if !self.external.contains(&name) {
                return Err(already_declared(&name, declare.name.span));
            }
        }
        if self.rowsets.contains_key(&name) {
            return Err(already_declared(&name, declare.name.span));
        }
        if declare.external {
            self.external.insert(name.clone());
        }
        if let ExprKind::Lambda(parameters, body) = &declare.value.kind {
            let lambda = Variable::Lambda(parameters.clone(), (**body).clone());
            self.variables.insert(name, lambda);
            return Ok(());
        }
        let now = self.settings.now;
        let (value, ty) = match &declare.ty {
            Some(written) => {
                crate::csharp::declared(&declare.value, written, &self.variables, now)?
            }
            None => crate::csharp::constant(&declare.value, &self.variables, now)?,
        };
        let value = Typed::literal(value, ty, declare.value.span);
        self.variables.insert(name, Variable::Scalar(value));
        Ok(())
    }

    /// A value that was given from outside wins over the default of `DECLARE EXTERNAL`; a text is
    /// read as a value of the declared type.
    fn take_given(&mut self, declare: &Declare) -> Result<()> {
        let name = &declare.name.value;
        let (Some(Variable::Scalar(given)), Some(written)) =
            (self.variables.get(name), &declare.ty)
        else {
            return Ok(());
        };
        let ty = crate::csharp::bind::resolve(written)?;
        if given.ty.base == ty.base {
            return Ok(());
        }
        let text = given
            .as_literal()
            .map(|value| value.as_text().to_owned())
            .unwrap_or_default();
        let value = crate::csharp::convert::parse(&text, &ty.base).ok_or_else(|| {
            invalid(
                declare.name.span,
                format!("`{text}` was given for `@{name}`, which is a `{ty}`"),
            )
        })?;
        let value = Typed::literal(value, ty, declare.name.span);
        self.variables.insert(name.clone(), Variable::Scalar(value));
        Ok(())
    }

    fn output(&mut self, output: &Output, span: Span) -> Result<()> {
        let rowset = self.query(&output.query)?;
        let text = self.path_text(&output.path)?;
        if crate::paths::is_pattern(&text) {
            let message = "an output goes to one file; patterns in output paths are not supported";
            return Err(
                Diagnostic::error(Code::InvalidPath, output.path.span, message)
                    .with_help("write one `OUTPUT` for each file, with `WHERE`"),
            );
        }
        let path = self.settings.paths.resolve(&text);
        let path = path.map_err(|error| path_error(error, output.path.span))?;
        if path.is_dir() {
            let message = format!("`{text}` is a folder; an output is a file");
            return Err(Diagnostic::error(
                Code::InvalidPath,
                output.path.span,
                message,
            ));
        }
        let taken = self
            .actions
            .iter()
            .any(|action| matches!(action, Action::Output { path: other, .. } if *other == path));
        if taken {
            let message = format!("two outputs go to `{text}`");
            return Err(Diagnostic::error(
                Code::InvalidPath,
                output.path.span,
                message,
            ));
        }
        let format = self.writing(&output.using, &rowset.columns, &text)?;
        let (order, offset, fetch) = match &output.order {
            None => (Vec::new(), 0, None),
            Some(order) => {
                let keys = self.sort_keys(&rowset, order)?;
                (keys, order.offset.unwrap_or_default(), order.fetch)
            }
        };
        self.actions.push(Action::Output {
            rowset,
            path,
            order,
            offset,
            fetch,
            format,
            span,
        });
        Ok(())
    }

    /// `IF` is decided before the job starts; only the branch that is taken has to make sense.
    fn choose(&mut self, choice: &If) -> Result<()> {
        for (condition, body) in &choice.branches {
            let scope = crate::csharp::bind::NoColumns;
            let condition = self.with_files(condition)?;
            let bound = self.expressions(&scope).condition(&condition)?;
            let value = bound
                .constant()
                .map_err(|error| Diagnostic::error(Code::NotConstant, error.span, error.message))?;
            if value == Value::Bool(true) {
                self.statements(body);
                return Ok(());
            }
        }
        self.statements(&choice.otherwise);
        Ok(())
    }
}

pub(super) fn already_declared(name: &str, span: Span) -> Diagnostic {
    let message = format!("`@{name}` is declared already");
    Diagnostic::error(Code::AlreadyDeclared, span, message)
        .with_help("variables and rowsets share their names; choose another")
}

/// A column that cannot be stored, for tables.
pub(super) fn refuse_unstorable(columns: &[crate::rowset::Column], span: Span) -> Result<()> {
    let bad = |column: &&crate::rowset::Column| {
        matches!(
            column.ty.base,
            crate::types::Base::TimeSpan | crate::types::Base::Option | crate::types::Base::Null
        )
    };
    match columns.iter().find(bad) {
        None => Ok(()),
        Some(column) => Err(invalid(
            span,
            format!(
                "a table cannot have the column `{}` of type `{}`",
                column.name, column.ty
            ),
        )),
    }
}
