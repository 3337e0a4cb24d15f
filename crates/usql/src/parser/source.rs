//! What stands behind `FROM`: rowsets, tables, joins, `APPLY`, `PIVOT` and `UNPIVOT`.

use super::{Parsed, Parser};
use crate::ast::{Apply, Ident, Join, JoinKind, Pivot, Source, SourceKind, TypeRef, Unpivot};
use crate::lexer::TokenKind;
use crate::source::Span;

impl Parser<'_> {
    /// A source with all that is joined to it.
    pub(super) fn source(&mut self) -> Parsed<Source> {
        let mut left = self.aliased()?;
        loop {
            let next = if let Some(kind) = self.join_kind() {
                self.join(left, kind)?
            } else if self.is("CROSS") || self.is("OUTER") {
                self.apply(left)?
            } else if self.eat("PIVOT") {
                self.pivot(left)?
            } else if self.eat("UNPIVOT") {
                self.unpivot(left)?
            } else {
                return Ok(left);
            };
            left = next;
        }
    }

    /// A rowset variable, a table, a function's result, a query or `VALUES`, without joins.
    pub(super) fn single_source(&mut self) -> Parsed<Source> {
        let start = self.span();
        let kind = match self.peek().clone() {
            TokenKind::Variable(name) => {
                self.bump();
                SourceKind::Variable(name)
            }
            TokenKind::Symbol("(") if self.is_at(1, "VALUES") => {
                self.bump();
                let rows = self.values()?;
                self.expect_symbol(")")?;
                SourceKind::Values(rows)
            }
            TokenKind::Symbol("(") => return self.parenthesized_source(),
            TokenKind::Word(word) if word == "EXTERNAL" => {
                return self.refuse(
                    start,
                    "sources outside of the data lake (`EXTERNAL`) cannot be read here",
                    "copy the rows to a file, and read that with `EXTRACT`",
                );
            }
            _ => {
                let name = self.object_name()?;
                if self.is_symbol("(") {
                    SourceKind::Function(name, self.function_arguments()?)
                } else {
                    SourceKind::Table(name)
                }
            }
        };
        Ok(self.unaliased(kind, start))
    }

    /// The arguments of a function or a procedure, in parentheses.
    pub(super) fn function_arguments(&mut self) -> Parsed<Vec<crate::ast::Argument>> {
        self.expect_symbol("(")?;
        let mut arguments = Vec::new();
        if !self.is_symbol(")") {
            arguments = self.list(Self::function_argument)?;
        }
        self.expect_symbol(")")?;
        Ok(arguments)
    }

    /// An argument of a function: an expression, `DEFAULT`, or `@name = value`.
    pub(super) fn function_argument(&mut self) -> Parsed<crate::ast::Argument> {
        if let TokenKind::Variable(_) = self.peek()
            && self.is_symbol_at(1, "=")
        {
            let name = Some(self.variable()?);
            self.bump();
            let value = self.expression()?;
            return Ok(crate::ast::Argument { name, value });
        }
        self.argument()
    }

    fn unaliased(&self, kind: SourceKind, start: Span) -> Source {
        Source {
            kind,
            alias: None,
            columns: Vec::new(),
            span: self.since(start),
        }
    }

    /// `(query)`, or joined sources in parentheses.
    fn parenthesized_source(&mut self) -> Parsed<Source> {
        self.nested(|parser| {
            if let Some(query) = parser.attempt(|trial| {
                let source = trial.query_source()?;
                Ok(source)
            }) {
                return Ok(query);
            }
            let is_query = parser.is_at(1, "SELECT") || parser.is_at(1, "EXTRACT");
            if is_query {
                return parser.query_source();
            }
            parser.bump();
            let source = parser.source()?;
            parser.expect_symbol(")")?;
            Ok(source)
        })
    }

    fn aliased(&mut self) -> Parsed<Source> {
        let mut source = self.single_source()?;
        let start = source.span;
        if self.eat("AS") {
            source.alias = Some(self.ident()?);
            if self.is_symbol("(") {
                source.columns = self.parenthesized(Self::ident)?;
            }
            source.span = self.since(start);
        }
        Ok(source)
    }

    pub(super) fn values(&mut self) -> Parsed<Vec<Vec<crate::ast::Expr>>> {
        self.expect("VALUES")?;
        self.list(|parser| parser.parenthesized(Self::expression))
    }

    /// The kind of the join that begins here. `CROSS` and `OUTER` may begin an `APPLY` as well.
    fn join_kind(&mut self) -> Option<JoinKind> {
        let hint = |parser: &Self, ahead: usize| {
            usize::from(
                ["PAIR", "HASH", "BROADCASTLEFT", "BROADCASTRIGHT"]
                    .iter()
                    .any(|word| parser.is_at(ahead, word)),
            )
        };
        let forms: [(&[&str], JoinKind, &str); 14] = [
            (&["INNER"], JoinKind::Inner, "JOIN"),
            (&["LEFT", "OUTER"], JoinKind::Left, "JOIN"),
            (&["RIGHT", "OUTER"], JoinKind::Right, "JOIN"),
            (&["FULL", "OUTER"], JoinKind::Full, "JOIN"),
            (&["OUTER"], JoinKind::Left, "JOIN"),
            (&["CROSS"], JoinKind::Cross, "JOIN"),
            (&["LEFT"], JoinKind::Left, "JOIN"),
            (&["LEFT"], JoinKind::LeftSemi, "SEMIJOIN"),
            (&["RIGHT"], JoinKind::RightSemi, "SEMIJOIN"),
            (&["LEFT"], JoinKind::LeftAnti, "ANTISEMIJOIN"),
            (&["RIGHT"], JoinKind::RightAnti, "ANTISEMIJOIN"),
            (&[], JoinKind::Inner, "JOIN"),
            (&[], JoinKind::LeftSemi, "SEMIJOIN"),
            (&[], JoinKind::LeftAnti, "ANTISEMIJOIN"),
        ];
        for (words, kind, last) in forms {
            let fits = (0..)
                .zip(words)
                .all(|(ahead, word)| self.is_at(ahead, word));
            let hints = hint(self, words.len());
            if fits && self.is_at(words.len() + hints, last) {
                self.at += words.len() + hints + 1;
                return Some(kind);
            }
        }
        None
    }

    fn join(&mut self, left: Source, kind: JoinKind) -> Parsed<Source> {
        let start = left.span;
        let right = self.aliased()?;
        let on = if kind == JoinKind::Cross {
            None
        } else {
            self.expect("ON")?;
            Some(self.expression()?)
        };
        let join = Join {
            kind,
            left,
            right,
            on,
        };
        Ok(self.unaliased(SourceKind::Join(Box::new(join)), start))
    }

    fn apply(&mut self, left: Source) -> Parsed<Source> {
        let start = left.span;
        let outer = !self.eat("CROSS");
        if outer {
            self.expect("OUTER")?;
        }
        self.expect("APPLY")?;
        let mut explode = None;
        let mut applier = None;
        if self.eat("EXPLODE") {
            self.expect_symbol("(")?;
            explode = Some(self.expression()?);
            self.expect_symbol(")")?;
        } else {
            self.eat("USING");
            applier = Some(self.expression()?);
        }
        self.expect("AS")?;
        let name = self.ident()?;
        let columns = if self.is_symbol("(") {
            self.parenthesized(Self::applied_column)?
        } else {
            vec![(name.clone(), None)]
        };
        let apply = Apply {
            left,
            outer,
            explode,
            applier,
            columns,
        };
        let mut source = self.unaliased(SourceKind::Apply(Box::new(apply)), start);
        source.alias = Some(name);
        Ok(source)
    }

    fn applied_column(&mut self) -> Parsed<(Ident, Option<TypeRef>)> {
        let name = self.ident()?;
        let ty = if self.is_ident_at(0) {
            Some(self.type_ref()?)
        } else {
            None
        };
        Ok((name, ty))
    }

    fn pivot(&mut self, left: Source) -> Parsed<Source> {
        let start = left.span;
        self.expect_symbol("(")?;
        let aggregate = self.expression()?;
        self.expect("FOR")?;
        let key = self.postfix_name()?;
        self.expect("IN")?;
        let values = self.parenthesized(|parser| {
            let value = parser.expression()?;
            parser.expect("AS")?;
            Ok((value, parser.ident()?))
        })?;
        self.expect_symbol(")")?;
        let pivot = Box::new(Pivot {
            aggregate,
            key,
            values,
        });
        self.pivoted(SourceKind::Pivot(Box::new(left), pivot), start)
    }

    /// A column, which `IN` may follow without being an operator of it.
    fn postfix_name(&mut self) -> Parsed<crate::ast::Expr> {
        let name = self.ident()?;
        let mut value = crate::ast::Expr {
            span: name.span,
            kind: crate::ast::ExprKind::Name(name.value),
        };
        while self.eat_symbol(".") {
            let member = self.ident()?;
            let span = value.span.to(member.span);
            let kind = crate::ast::ExprKind::Member(Box::new(value), member);
            value = crate::ast::Expr { kind, span };
        }
        Ok(value)
    }

    fn unpivot(&mut self, left: Source) -> Parsed<Source> {
        let start = left.span;
        let include_nulls = self.eat_all(&["INCLUDE", "NULLS"]);
        if !include_nulls {
            self.eat_all(&["EXCLUDE", "NULLS"]);
        }
        self.expect_symbol("(")?;
        let value = self.ident()?;
        self.expect("FOR")?;
        let name = self.ident()?;
        self.expect("IN")?;
        let columns = self.parenthesized(Self::ident)?;
        self.expect_symbol(")")?;
        let unpivot = Box::new(Unpivot {
            include_nulls,
            value,
            name,
            columns,
        });
        self.pivoted(SourceKind::Unpivot(Box::new(left), unpivot), start)
    }

    fn pivoted(&mut self, kind: SourceKind, start: Span) -> Parsed<Source> {
        let mut source = self.unaliased(kind, start);
        if self.eat("AS") {
            source.alias = Some(self.ident()?);
        }
        Ok(source)
    }
}
