//! Calls of functions with their arguments, and the windows behind them.

use super::expression::expr;
use super::{Parsed, Parser};
use crate::ast::{Argument, Bound, Call, Expr, ExprKind, SortKey, TypeRef, Window};

impl Parser<'_> {
    pub(super) fn call(&mut self, function: Expr, type_arguments: Vec<TypeRef>) -> Parsed<Expr> {
        let start = function.span;
        self.expect_symbol("(")?;
        let distinct = self.eat("DISTINCT");
        let star = !distinct && self.is_symbol("*") && self.is_symbol_at(1, ")");
        let mut arguments = Vec::new();
        if star {
            self.bump();
        } else if !self.is_symbol(")") {
            arguments = self.list(Self::argument)?;
        }
        self.expect_symbol(")")?;
        let mut within_group = Vec::new();
        if self.eat_all(&["WITHIN", "GROUP"]) {
            self.expect_symbol("(")?;
            self.expect("ORDER")?;
            self.expect("BY")?;
            within_group = self.list(Self::sort_key)?;
            self.expect_symbol(")")?;
        }
        let span = self.since(start);
        let call = Box::new(Call {
            function,
            type_arguments,
            distinct,
            star,
            arguments,
            within_group,
            span,
        });
        if self.eat("OVER") {
            let window = Box::new(self.window()?);
            return Ok(expr(ExprKind::Over(call, window), self.since(start)));
        }
        Ok(expr(ExprKind::Call(call), span))
    }

    pub(super) fn argument(&mut self) -> Parsed<Argument> {
        let name = if self.is_ident_at(0) && self.is_symbol_at(1, ":") {
            let name = self.ident()?;
            self.bump();
            Some(name)
        } else {
            None
        };
        let value = self.expression()?;
        Ok(Argument { name, value })
    }

    fn window(&mut self) -> Parsed<Window> {
        self.expect_symbol("(")?;
        let mut window = Window {
            partition_by: Vec::new(),
            order_by: Vec::new(),
            rows: None,
        };
        if self.eat_all(&["PARTITION", "BY"]) {
            window.partition_by = self.list(Self::expression)?;
        }
        if self.eat_all(&["ORDER", "BY"]) {
            window.order_by = self.list(Self::sort_key)?;
        }
        if self.eat("ROWS") {
            window.rows = Some(if self.eat("BETWEEN") {
                let low = self.bound()?;
                self.expect("AND")?;
                (low, self.bound()?)
            } else {
                (self.bound()?, Bound::CurrentRow)
            });
        }
        self.expect_symbol(")")?;
        Ok(window)
    }

    fn bound(&mut self) -> Parsed<Bound> {
        if self.eat_all(&["UNBOUNDED", "PRECEDING"]) {
            return Ok(Bound::UnboundedPreceding);
        }
        if self.eat_all(&["CURRENT", "ROW"]) {
            return Ok(Bound::CurrentRow);
        }
        if self.is("UNBOUNDED") {
            return self.expected("`UNBOUNDED PRECEDING`; U-SQL has no other unbounded border");
        }
        let rows = self.whole_number()?;
        if self.eat("PRECEDING") {
            return Ok(Bound::Preceding(rows));
        }
        self.expect("FOLLOWING")?;
        Ok(Bound::Following(rows))
    }

    pub(super) fn sort_key(&mut self) -> Parsed<SortKey> {
        let expr = self.expression()?;
        let descending = self.eat("DESC");
        if !descending {
            self.eat("ASC");
        }
        Ok(SortKey { expr, descending })
    }
}
