//! Packages: variables, assemblies and resources under one name (U-SQL reference, "CREATE PACKAGE"
//! and "IMPORT PACKAGE").
//!
//! A package is stored as text, as functions are, and read where it is imported; what it exports
//! becomes variables of the importing script. Assemblies of the sample formats are built in, so that
//! exporting one has no effect.

use super::query::invalid;
use super::routine::{body_text, routine};
use super::statement::already_declared;
use super::{Binder, Result};
use crate::ast::{
    Argument, Declare, Expr, Ident, ObjectName, Statement, StatementKind, package_variable,
};
use crate::catalog::Entity;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;

/// Refuses what a package cannot hold.
pub(super) fn check(body: &[Statement]) -> Result<()> {
    for statement in body {
        match &statement.kind {
            StatementKind::Using { .. }
            | StatementKind::Declare(_)
            | StatementKind::Import { .. }
            | StatementKind::Export(_)
            | StatementKind::ReferenceAssembly { .. }
            | StatementKind::Deploy(_) => {}
            StatementKind::If(choice) => {
                for (_, branch) in &choice.branches {
                    check(branch)?;
                }
                check(&choice.otherwise)?;
            }
            _ => {
                let message = "this statement does not stand in a package";
                return Err(Diagnostic::error(Code::Syntax, statement.span, message).with_help(
                    "a package holds USING, DECLARE, IMPORT PACKAGE, EXPORT, DEPLOY RESOURCE and IF",
                ));
            }
        }
    }
    Ok(())
}

impl Binder<'_> {
    /// An exported variable is one of the package too.
    pub(super) fn export(&mut self, declare: &Declare) -> Result<()> {
        let name = &declare.name.value;
        if self.exported.is_none() {
            let message = "`EXPORT` stands only in a package";
            return Err(Diagnostic::error(Code::Syntax, declare.name.span, message));
        }
        self.declare(declare)?;
        if let (Some(exported), Some(value)) = (&mut self.exported, self.variables.get(name)) {
            exported.insert(name.clone(), value.clone());
        }
        Ok(())
    }

    pub(super) fn import(
        &mut self,
        name: &ObjectName,
        arguments: &[Argument],
        alias: Option<&Ident>,
        span: Span,
    ) -> Result<()> {
        let (full, entity) = self.entity(name, "package")?;
        let Entity::Package(stored) = entity else {
            let message = format!("`{full}` is a {}, not a package", entity.kind());
            return Err(invalid(name.span, message));
        };
        let text = stored.text.clone();
        let routine = routine(&text, &full, span)?;
        let (variables, tables) = self.bind_arguments(&routine, arguments, span)?;
        let body = body_text(&text, &routine);
        let take = |inner: &mut Binder<'_>| {
            let resources = std::mem::take(&mut inner.resources);
            (inner.exported.take().unwrap_or_default(), resources)
        };
        let (_, (exported, resources)) = self.inside(&full, body, variables, tables, span, take)?;
        for (name, value) in exported {
            let name = match alias {
                Some(alias) => package_variable(&alias.value, &name),
                None => name,
            };
            if self.variables.insert(name.clone(), value).is_some() {
                return Err(already_declared(&name, span));
            }
        }
        self.resources.extend(resources);
        Ok(())
    }

    /// The files must be there; the script's Python finds them in its working directory.
    pub(super) fn deploy(&mut self, paths: &[Expr]) -> Result<()> {
        for path in paths {
            let text = self.path_text(path)?;
            let resolved = self.settings.paths.resolve(&text);
            let resolved =
                resolved.map_err(|error| super::formats::path_error(error, path.span))?;
            // A package may name a file that is there only when it is imported.
            if self.settings.check_inputs && !resolved.is_file() {
                let message = format!("the resource `{text}` does not exist");
                return Err(Diagnostic::error(Code::InvalidPath, path.span, message));
            }
            self.resources.push(resolved);
        }
        Ok(())
    }
}
