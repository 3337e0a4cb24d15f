//! The columns that the expressions of a query see, by name and behind their alias.

use crate::csharp::Typed;
use crate::csharp::bind::Scope;
use crate::diagnostic::{Code, Diagnostic};
use crate::rowset::Rowset;
use crate::source::Span;
use crate::types::Type;

/// A column that is in scope.
#[derive(Debug, Clone)]
pub(crate) struct ScopeColumn {
    /// What may stand before the dot; several, as `T` and `dbo.T`.
    pub(crate) qualifiers: Vec<String>,
    pub(crate) name: String,
    pub(crate) ty: Type,
}

/// The columns of a source, in the order of its rowset.
#[derive(Debug, Clone, Default)]
pub(crate) struct Columns {
    pub(crate) list: Vec<ScopeColumn>,
}

impl Columns {
    /// All columns of a rowset behind the same qualifiers.
    pub(crate) fn of(rowset: &Rowset, qualifiers: &[String]) -> Self {
        let column = |column: &crate::rowset::Column| ScopeColumn {
            qualifiers: qualifiers.to_vec(),
            name: column.name.clone(),
            ty: column.ty.clone(),
        };
        Self {
            list: rowset.columns.iter().map(column).collect(),
        }
    }

    pub(crate) fn and(mut self, other: Self) -> Self {
        self.list.extend(other.list);
        self
    }

    /// The same where every column may be null, as behind an outer join.
    pub(crate) fn or_null(mut self) -> Self {
        for column in &mut self.list {
            column.ty = column.ty.clone().or_null();
        }
        self
    }

    /// The columns behind a qualifier.
    pub(crate) fn behind(&self, qualifier: &str) -> Vec<usize> {
        let behind = |column: &ScopeColumn| column.qualifiers.iter().any(|each| each == qualifier);
        (0..self.list.len())
            .filter(|at| behind(&self.list[*at]))
            .collect()
    }

    pub(crate) fn reference(&self, index: usize, span: Span) -> Typed {
        Typed::column(index, self.list[index].ty.clone(), span)
    }
}

impl Scope for Columns {
    fn column(
        &self,
        qualifier: Option<&str>,
        name: &str,
        span: Span,
    ) -> Result<Option<Typed>, Diagnostic> {
        let fits = |column: &ScopeColumn| {
            column.name == name
                && qualifier.is_none_or(|q| column.qualifiers.iter().any(|each| each == q))
        };
        let mut found = (0..self.list.len()).filter(|at| fits(&self.list[*at]));
        let Some(index) = found.next() else {
            return Ok(None);
        };
        if let Some(other) = found.next() {
            let qualifiers = [index, other].map(|at| {
                self.list[at]
                    .qualifiers
                    .first()
                    .map_or_else(|| name.to_owned(), |q| format!("{q}.{name}"))
            });
            let message = format!("`{name}` is ambiguous");
            return Err(
                Diagnostic::error(Code::InvalidExpression, span, message).with_help(format!(
                    "write {}",
                    qualifiers.map(|q| format!("`{q}`")).join(" or ")
                )),
            );
        }
        Ok(Some(self.reference(index, span)))
    }

    fn names(&self) -> Vec<String> {
        self.list.iter().map(|column| column.name.clone()).collect()
    }
}
