//! `REDUCE` by the Python extension.

use super::formats::argument_error;
use super::query::invalid;
use super::scope::Columns;
use super::{Binder, Result};
use crate::ast::{ColumnDef, ColumnSource, Expr, ExprKind, NewObject, UserOperator};
use crate::diagnostic::{Code, Diagnostic};
use crate::python::{Reducer, is_exchanged};
use crate::rowset::{Column, Operator, Rowset, SortKey};
use crate::source::Span;

/// The class of the extension.
const REDUCER: &str = "Extension.Python.Reducer";

impl Binder<'_> {
    /// An operator that the script brings its code for; only Python's runs here.
    pub(super) fn user_operator(&mut self, operator: &UserOperator) -> Result<Rowset> {
        match self.python_reducer(&operator.using) {
            Some(new) if operator.word.value == "REDUCE" => self.python_reduce(operator, new),
            _ => {
                let word = &operator.word.value;
                let message =
                    format!("`{word} … USING` runs C# of the user's own, which does not run here");
                Err(
                    Diagnostic::error(Code::Unsupported, operator.using.span, message).with_help(
                        "`REDUCE … USING new Extension.Python.Reducer(pyScript: @script)` runs Python; or do this part in a PythonScriptStep between two scripts",
                    ),
                )
            }
        }
    }

    fn python_reducer<'a>(&self, using: &'a Expr) -> Option<&'a NewObject> {
        let ExprKind::New(new) = &using.kind else {
            return None;
        };
        let names = self.full_names(&new.ty.as_ref()?.name);
        names.iter().any(|name| name == REDUCER).then_some(&**new)
    }

    fn python_reduce(&mut self, operator: &UserOperator, new: &NewObject) -> Result<Rowset> {
        let span = operator.using.span;
        let mut script = String::new();
        // The version chose among the service's interpreters; here there is one.
        let known = ["pyScript", "pyVersion"];
        for (name, value, _) in self.named_arguments(&new.arguments, &known, false)? {
            if name == "pyScript" {
                value.as_text().clone_into(&mut script);
            }
        }
        if let Some(deployed) = self.deployed_script(&script, span)? {
            script = deployed;
        }
        if script.trim().is_empty() {
            let message = "`pyScript` is the text of a script with a function `usqlml_main(df)`";
            return Err(argument_error(span, message));
        }
        let from = self.source(&operator.input)?;
        let output = self.produced(&operator.produce, &from.rowset.columns)?;
        exchanged(&from.rowset.columns, operator.input.span)?;
        exchanged(&output, span)?;
        let mut keys = Vec::new();
        for key in &operator.on {
            let column = from.rowset.columns.iter();
            let at = column
                .into_iter()
                .position(|column| column.name == key.value);
            keys.push(at.ok_or_else(|| {
                let message = format!("the rowset has no column `{}`", key.value);
                invalid(key.span, message)
            })?);
        }
        let columns = Columns::of(&from.rowset, &[]);
        let mut order: Vec<SortKey> = Vec::new();
        for key in &operator.presort {
            order.push(SortKey {
                value: self.expressions(&columns).bind(&key.expr)?,
                descending: key.descending,
            });
        }
        let reducer = Reducer {
            python: self.settings.python.clone(),
            script,
            resources: self.resources.clone(),
            input: from.rowset.columns.clone(),
            output: output.clone(),
            keys,
            span,
        };
        let operator = Operator::Reduce {
            input: from.rowset,
            order,
            reducer,
        };
        Ok(Rowset::new(output, operator))
    }

    /// The columns of `PRODUCE`; one without a type is the input's.
    fn produced(&self, produce: &[ColumnDef], input: &[Column]) -> Result<Vec<Column>> {
        let mut output = Vec::new();
        for column in produce {
            let ColumnSource::Input = column.source else {
                output.extend(self.schema_columns(std::slice::from_ref(column))?);
                continue;
            };
            let name = &column.name.value;
            let found = input.iter().find(|each| each.name == *name);
            output.push(found.cloned().ok_or_else(|| {
                let message = format!("the input has no column `{name}`, and it has no type");
                invalid(column.name.span, message)
            })?);
        }
        Ok(output)
    }

    /// The text of a script that is given by the name of a deployed file, as `"code.usql.py"`.
    fn deployed_script(&self, script: &str, span: Span) -> Result<Option<String>> {
        if !script.ends_with(".py") || script.contains('\n') {
            return Ok(None);
        }
        let mut files = self.resources.iter();
        let file = files.find(|file| file.file_name().is_some_and(|name| name == script));
        let text = file.and_then(|file| std::fs::read_to_string(file).ok());
        text.map(Some).ok_or_else(|| {
            let message = format!("no file `{script}` is deployed");
            let help = format!("add `DEPLOY RESOURCE \"/…/{script}\";`");
            argument_error(span, message).with_help(help)
        })
    }
}

fn exchanged(columns: &[Column], span: Span) -> Result<()> {
    match columns.iter().find(|column| !is_exchanged(&column.ty)) {
        None => Ok(()),
        Some(column) => {
            let message = format!(
                "the column `{}` is a `{}`; Python takes and gives texts, numbers and `bool`",
                column.name, column.ty
            );
            Err(invalid(span, message).with_help("convert it in a SELECT, as with `ToString()`"))
        }
    }
}
