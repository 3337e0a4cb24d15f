//! Queries: `SELECT`, `EXTRACT`, set operations and the operators of the user's.

use super::{Parsed, Parser};
use crate::ast::{
    ByName, Extract, Order, Query, QueryKind, Sample, Select, SelectItem, SetKind, SetOperation,
    Source, SourceKind, UserOperator,
};
use crate::source::Span;

impl Parser<'_> {
    /// A query with `ORDER BY … FETCH …` behind it, if there is one.
    pub(super) fn query(&mut self) -> Parsed<Query> {
        self.nested(|parser| {
            let mut query = parser.set_operations()?;
            if parser.is("ORDER") && query.order.is_none() {
                query.order = Some(parser.order()?);
                query.span = parser.since(query.span);
            }
            Ok(query)
        })
    }

    fn set_operations(&mut self) -> Parsed<Query> {
        let mut left = self.primary_query()?;
        while let Some(kind) = self.set_kind() {
            let all = self.eat("ALL");
            if !all {
                self.eat("DISTINCT");
            }
            let by_name = self.by_name()?;
            let right = self.primary_query()?;
            let span = left.span.to(right.span);
            let operation = SetOperation {
                kind,
                all: all || kind == SetKind::OuterUnion,
                by_name,
                left,
                right,
            };
            left = Query {
                kind: QueryKind::SetOperation(Box::new(operation)),
                order: None,
                span,
            };
        }
        Ok(left)
    }

    fn set_kind(&mut self) -> Option<SetKind> {
        if self.eat_all(&["OUTER", "UNION"]) {
            return Some(SetKind::OuterUnion);
        }
        let kinds = [
            ("UNION", SetKind::Union),
            ("INTERSECT", SetKind::Intersect),
            ("EXCEPT", SetKind::Except),
        ];
        let (word, kind) = kinds.into_iter().find(|(word, _)| self.is(word))?;
        self.eat(word);
        Some(kind)
    }

    fn by_name(&mut self) -> Parsed<Option<ByName>> {
        if !self.eat_all(&["BY", "NAME"]) {
            return Ok(None);
        }
        let mut by_name = ByName::default();
        if self.eat("ON") {
            by_name.has_on = true;
            self.expect_symbol("(")?;
            loop {
                if self.eat_symbol("*") {
                    by_name.star = true;
                } else {
                    by_name.columns.push(self.ident()?);
                }
                if !self.eat_symbol(",") {
                    break;
                }
            }
            self.expect_symbol(")")?;
        }
        Ok(Some(by_name))
    }

    fn primary_query(&mut self) -> Parsed<Query> {
        let start = self.span();
        if self.is_symbol("(") {
            self.bump();
            let mut query = self.query()?;
            self.expect_symbol(")")?;
            query.span = self.since(start);
            return Ok(query);
        }
        if self.eat("SELECT") {
            return self.select(start);
        }
        if self.eat("EXTRACT") {
            return self.extract(start);
        }
        for word in ["PROCESS", "REDUCE", "COMBINE"] {
            if self.is(word) {
                return self.user_operator(start);
            }
        }
        let source = self.single_source()?;
        Ok(Query {
            kind: QueryKind::Source(Box::new(source)),
            order: None,
            span: self.since(start),
        })
    }

    fn select(&mut self, start: Span) -> Parsed<Query> {
        let distinct = self.eat("DISTINCT");
        if !distinct {
            self.eat("ALL");
        }
        let items = self.list(Self::select_item)?;
        self.expect("FROM")?;
        let from = self.source()?;
        let filter = self.optional("WHERE")?;
        let mut group_by = Vec::new();
        if self.eat_all(&["GROUP", "BY"]) {
            group_by = self.list(Self::expression)?;
        }
        let having = self.optional("HAVING")?;
        let sample = self.sample()?;
        let order = if self.is("ORDER") {
            Some(self.order()?)
        } else {
            None
        };
        let select = Select {
            distinct,
            items,
            from,
            filter,
            group_by,
            having,
            sample,
        };
        Ok(Query {
            kind: QueryKind::Select(Box::new(select)),
            order,
            span: self.since(start),
        })
    }

    fn optional(&mut self, word: &str) -> Parsed<Option<crate::ast::Expr>> {
        if self.eat(word) {
            return Ok(Some(self.expression()?));
        }
        Ok(None)
    }

    fn select_item(&mut self) -> Parsed<SelectItem> {
        let start = self.span();
        if self.eat_symbol("*") {
            return Ok(SelectItem::All(start));
        }
        if self.is_ident_at(0) && self.is_symbol_at(1, ".") && self.is_symbol_at(2, "*") {
            let alias = self.ident()?;
            self.bump();
            self.bump();
            return Ok(SelectItem::AllOf(alias));
        }
        if let crate::lexer::TokenKind::Variable(_) = self.peek()
            && self.is_symbol_at(1, ".")
            && self.is_symbol_at(2, "*")
        {
            let mut alias = self.variable()?;
            alias.value = format!("@{}", alias.value);
            self.bump();
            self.bump();
            return Ok(SelectItem::AllOf(alias));
        }
        let expr = self.expression()?;
        let alias = if self.eat("AS") {
            Some(self.ident()?)
        } else {
            None
        };
        Ok(SelectItem::Expr(expr, alias))
    }

    fn sample(&mut self) -> Parsed<Option<Sample>> {
        if !self.eat("SAMPLE") {
            return Ok(None);
        }
        if self.eat("ANY") {
            self.expect_symbol("(")?;
            let rows = self.whole_number()?;
            self.expect_symbol(")")?;
            return Ok(Some(Sample::Any(rows)));
        }
        if self.eat("UNIFORM") {
            self.expect_symbol("(")?;
            let fraction = match self.peek().clone() {
                crate::lexer::TokenKind::Number(text, _) => text.parse::<f64>().ok(),
                _ => None,
            };
            let Some(fraction) = fraction.filter(|each| (0.0..=1.0).contains(each)) else {
                return self.expected("a fraction between 0 and 1");
            };
            self.bump();
            self.expect_symbol(")")?;
            return Ok(Some(Sample::Uniform(fraction)));
        }
        self.expected("`ANY (rows)` or `UNIFORM (fraction)`")
    }

    /// `ORDER BY … [OFFSET n ROWS] [FETCH [FIRST|NEXT] n ROWS [ONLY]]`.
    pub(super) fn order(&mut self) -> Parsed<Order> {
        let mut order = Order::default();
        self.expect("ORDER")?;
        self.expect("BY")?;
        order.keys = self.list(Self::sort_key)?;
        if self.eat("OFFSET") {
            order.offset = Some(self.whole_number()?);
            self.rows();
        }
        if self.eat("FETCH") {
            if !self.eat("FIRST") {
                self.eat("NEXT");
            }
            order.fetch = Some(self.whole_number()?);
            self.rows();
            self.eat("ONLY");
        }
        Ok(order)
    }

    fn rows(&mut self) {
        if !self.eat("ROWS") {
            self.eat("ROW");
        }
    }

    fn extract(&mut self, start: Span) -> Parsed<Query> {
        let columns = self.column_defs()?;
        self.expect("FROM")?;
        let paths = self.list(Self::expression)?;
        if self.eat_all(&["SORTED", "BY"]) {
            self.list(Self::sort_key)?;
        }
        self.expect("USING")?;
        let using = self.expression()?;
        let extract = Extract {
            columns,
            paths,
            using,
        };
        Ok(Query {
            kind: QueryKind::Extract(Box::new(extract)),
            order: None,
            span: self.since(start),
        })
    }

    fn user_operator(&mut self, start: Span) -> Parsed<Query> {
        let span = self.span();
        let word = match self.bump().kind {
            crate::lexer::TokenKind::Word(value) => crate::source::Spanned { value, span },
            _ => return self.expected("`PROCESS`, `REDUCE` or `COMBINE`"),
        };
        let input = self.single_source()?;
        if word.value == "COMBINE" {
            self.expect("WITH")?;
            self.single_source()?;
        }
        let mut presort = Vec::new();
        if self.eat("PRESORT") {
            presort = self.list(Self::sort_key)?;
        }
        self.eat("ALL");
        let mut on = Vec::new();
        if self.eat("ON") {
            if word.value == "COMBINE" {
                self.expression()?;
            } else {
                on = self.list(Self::ident)?;
            }
        }
        self.expect("PRODUCE")?;
        let produce = self.list(Self::produced)?;
        for clause in ["READONLY", "REQUIRED"] {
            if self.eat(clause) && !self.eat_symbol("*") {
                self.list(Self::ident)?;
            }
        }
        self.expect("USING")?;
        let using = self.expression()?;
        let operator = UserOperator {
            word,
            input,
            on,
            presort,
            produce,
            using,
        };
        Ok(Query {
            kind: QueryKind::UserOperator(Box::new(operator)),
            order: None,
            span: self.since(start),
        })
    }

    /// A query as a source, for places that take either.
    pub(super) fn query_source(&mut self) -> Parsed<Source> {
        let start = self.span();
        self.expect_symbol("(")?;
        let query = self.query()?;
        self.expect_symbol(")")?;
        Ok(Source {
            kind: SourceKind::Query(query),
            alias: None,
            columns: Vec::new(),
            span: self.since(start),
        })
    }
}
