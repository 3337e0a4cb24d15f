//! `FILE.EXISTS(path)` and `FILE.LENGTH(path)` in the conditions of `IF`, which are decided before
//! the job starts.
//!
//! They become literals here; everything else of a condition stays as it is written. Columns such
//! as `u = FILE.URI()` are the extractors' and not known here.

use super::formats::path_error;
use super::{Binder, Result};
use crate::ast::{BinaryOp, Call, Expr, ExprKind};
use crate::diagnostic::{Code, Diagnostic};
use crate::lexer::NumberSuffix;

impl Binder<'_> {
    /// The condition with what is known of files in place of the functions that ask for it. The
    /// right side of `AND` is not looked at when the left is false, as it may ask for the length
    /// of a file that is not there.
    pub(super) fn with_files(&self, condition: &Expr) -> Result<Expr> {
        let kind = match &condition.kind {
            ExprKind::Call(call) => match file_function(call) {
                Some(function) => self.file_value(function, call)?,
                None => return Ok(condition.clone()),
            },
            ExprKind::Unary(op, operand) => {
                ExprKind::Unary(*op, Box::new(self.with_files(operand)?))
            }
            ExprKind::Binary(op, left, right) => {
                let left = self.with_files(left)?;
                if *op == BinaryOp::And && left.kind == ExprKind::Bool(false) {
                    return Ok(left);
                }
                ExprKind::Binary(*op, Box::new(left), Box::new(self.with_files(right)?))
            }
            _ => return Ok(condition.clone()),
        };
        Ok(Expr {
            kind,
            span: condition.span,
        })
    }

    fn file_value(&self, function: &str, call: &Call) -> Result<ExprKind> {
        let [argument] = call.arguments.as_slice() else {
            let message = format!("`FILE.{function}` takes one path");
            return Err(Diagnostic::error(
                Code::InvalidExpression,
                call.span,
                message,
            ));
        };
        let span = argument.value.span;
        let text = self.path_text(&argument.value)?;
        let path = self.settings.paths.resolve(&text);
        let path = path.map_err(|error| path_error(error, span))?;
        if function == "EXISTS" {
            return Ok(ExprKind::Bool(path.is_file()));
        }
        let length = std::fs::metadata(&path).map_err(|error| {
            let message = format!("the length of `{text}` cannot be read: {error}");
            Diagnostic::error(Code::InvalidPath, span, message)
        })?;
        Ok(ExprKind::Number(
            length.len().to_string(),
            NumberSuffix::Long,
        ))
    }
}

/// `EXISTS` or `LENGTH`, when that is what is called.
fn file_function(call: &Call) -> Option<&str> {
    let ExprKind::Member(object, function) = &call.function.kind else {
        return None;
    };
    let is_file = matches!(&object.kind, ExprKind::Name(name) if name == "FILE");
    let function = function.value.as_str();
    (is_file && matches!(function, "EXISTS" | "LENGTH")).then_some(function)
}
