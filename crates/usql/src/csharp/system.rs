//! System variables in expressions.

use super::Typed;
use crate::ast::{Expr, ExprKind, Ident};
use crate::source::Span;
use crate::types::{Base, Type};
use crate::value::Value;

/// `@@JobInfo.Name` and its kin (U-SQL reference, "@@JOBINFO"): null, as where scripts ran locally.
pub(super) fn job_info(object: &Expr, member: &Ident, span: Span) -> Option<Typed> {
    let group = match &object.kind {
        ExprKind::SystemVariable(name) if name == "JobInfo" => "",
        ExprKind::Member(object, group) => match &object.kind {
            ExprKind::SystemVariable(name) if name == "JobInfo" => group.value.as_str(),
            _ => return None,
        },
        _ => return None,
    };
    let base = match (group, member.value.as_str()) {
        ("", "Id") => Base::Guid,
        ("" | "Account", "Name") | ("Submit", "Alias") => Base::String,
        ("", "Priority" | "Allocation") => Base::Int,
        ("Submit", "Date") => Base::DateTime,
        _ => return None,
    };
    Some(Typed::literal(Value::Null, Type::nullable(base), span))
}
