//! C# expressions with U-SQL's additions, by precedence climbing.
//!
//! An expression ends at the first word or symbol that cannot continue it: the words of the
//! grammar are reserved, so that `x AS y` and `x FROM @r` end behind `x`.

use super::{Parsed, Parser, RESERVED};
use crate::ast::{
    Argument, BinaryOp, Call, Case, Comprehension, Element, Expr, ExprKind, Ident, NewObject,
    TypeRef, UnaryOp,
};
use crate::lexer::TokenKind;
use crate::source::Span;

/// Type words that are expressions only in front of a member, as in `string.Join(…)`, or a cast.
const PREDEFINED: [&str; 18] = [
    "bool", "sbyte", "byte", "short", "ushort", "int", "uint", "long", "ulong", "float", "double",
    "decimal", "char", "string", "object", "DateTime", "Guid", "TimeSpan",
];

/// The levels of binary operators, from the loosest (C# language specification, 12.4.2). `AND` and
/// `OR` of U-SQL bind more loosely than every operator of C#, and are read one level above.
const LEVELS: [&[(&str, BinaryOp)]; 10] = [
    &[("||", BinaryOp::Or)],
    &[("&&", BinaryOp::And)],
    &[("|", BinaryOp::BitOr)],
    &[("^", BinaryOp::BitXor)],
    &[("&", BinaryOp::BitAnd)],
    &[("==", BinaryOp::Equal), ("!=", BinaryOp::NotEqual)],
    &[
        ("<=", BinaryOp::LessEqual),
        (">=", BinaryOp::GreaterEqual),
        ("<", BinaryOp::Less),
        (">", BinaryOp::Greater),
    ],
    &[("<<", BinaryOp::ShiftLeft)],
    &[("+", BinaryOp::Add), ("-", BinaryOp::Subtract)],
    &[
        ("*", BinaryOp::Multiply),
        ("/", BinaryOp::Divide),
        ("%", BinaryOp::Remainder),
    ],
];

/// How many operators of a level may follow each other: each nests the expression once more.
const OPERATORS_MAX: usize = 256;
/// The level of `<`, `is`, `IN` and their kin.
const RELATIONAL: usize = 6;
/// The level of shifts.
const SHIFT: usize = 7;

pub(super) fn expr(kind: ExprKind, span: Span) -> Expr {
    Expr { kind, span }
}

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Parsed<Expr> {
        self.nested(Self::sql_or)
    }

    fn sql_or(&mut self) -> Parsed<Expr> {
        let mut left = self.sql_and()?;
        while self.eat("OR") {
            let right = self.sql_and()?;
            left = binary(BinaryOp::Or, left, right);
        }
        Ok(left)
    }

    fn sql_and(&mut self) -> Parsed<Expr> {
        let mut left = self.sql_not()?;
        while self.eat("AND") {
            let right = self.sql_not()?;
            left = binary(BinaryOp::And, left, right);
        }
        Ok(left)
    }

    fn sql_not(&mut self) -> Parsed<Expr> {
        let start = self.span();
        if self.eat("NOT") {
            let operand = self.nested(Self::sql_not)?;
            let span = start.to(operand.span);
            return Ok(expr(
                ExprKind::Unary(UnaryOp::SqlNot, Box::new(operand)),
                span,
            ));
        }
        self.lambda_or_conditional()
    }

    fn lambda_or_conditional(&mut self) -> Parsed<Expr> {
        if let Some(lambda) = self.lambda()? {
            return Ok(lambda);
        }
        let condition = self.coalesce()?;
        if !self.eat_symbol("?") {
            return Ok(condition);
        }
        let then = self.expression()?;
        self.expect_symbol(":")?;
        let otherwise = self.nested(Self::lambda_or_conditional)?;
        let span = condition.span.to(otherwise.span);
        let kind = ExprKind::Conditional(Box::new(condition), Box::new(then), Box::new(otherwise));
        Ok(expr(kind, span))
    }

    /// `x => …` or `(x, y) => …`.
    fn lambda(&mut self) -> Parsed<Option<Expr>> {
        let start = self.span();
        let mut ahead = 0;
        if self.is_ident_at(0) && self.is_symbol_at(1, "=>") {
            let parameter = self.ident()?;
            self.bump();
            let body = self.lambda_body()?;
            let span = start.to(body.span);
            let kind = ExprKind::Lambda(vec![parameter], Box::new(body));
            return Ok(Some(expr(kind, span)));
        }
        if !self.is_symbol("(") {
            return Ok(None);
        }
        ahead += 1;
        while self.is_ident_at(ahead) && self.is_symbol_at(ahead + 1, ",") {
            ahead += 2;
        }
        let named = self.is_ident_at(ahead);
        let close = if named { ahead + 1 } else { ahead };
        if !(self.is_symbol_at(close, ")") && self.is_symbol_at(close + 1, "=>")) {
            return Ok(None);
        }
        self.bump();
        let parameters = if named {
            self.list(Self::ident)?
        } else {
            Vec::new()
        };
        self.expect_symbol(")")?;
        self.expect_symbol("=>")?;
        let body = self.lambda_body()?;
        let span = start.to(body.span);
        Ok(Some(expr(
            ExprKind::Lambda(parameters, Box::new(body)),
            span,
        )))
    }

    /// An expression. A block of C# statements is refused as a whole, up to its last brace.
    fn lambda_body(&mut self) -> Parsed<Expr> {
        let start = self.span();
        if !self.is_symbol("{") {
            return self.expression();
        }
        let mut depth = 0_usize;
        loop {
            match self.bump().kind {
                TokenKind::End => break,
                TokenKind::Symbol("{") => depth += 1,
                TokenKind::Symbol("}") => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        self.refuse(
            start,
            "a lambda with a block of C# statements does not run here",
            "write it as one expression, `x => …`",
        )
    }

    /// `??` is right-associative.
    fn coalesce(&mut self) -> Parsed<Expr> {
        let left = self.binary_level(0)?;
        if !self.eat_symbol("??") {
            return Ok(left);
        }
        let right = self.nested(Self::coalesce)?;
        Ok(binary(BinaryOp::Coalesce, left, right))
    }

    /// Operators of a level and above, by precedence climbing.
    fn binary_level(&mut self, least: usize) -> Parsed<Expr> {
        let mut left = self.unary()?;
        let mut operators = 0;
        loop {
            if let Some((level, op, tokens)) = self.operator()
                && level >= least
            {
                operators += 1;
                if operators > OPERATORS_MAX {
                    let message = format!("more than {OPERATORS_MAX} operators follow each other");
                    return self.fail(self.span(), message);
                }
                self.at += tokens;
                let right = self.binary_level(level + 1)?;
                left = binary(op, left, right);
            } else if least <= RELATIONAL {
                match self.relational_word(left)? {
                    (next, true) => left = next,
                    (next, false) => return Ok(next),
                }
            } else {
                return Ok(left);
            }
        }
    }

    /// The operator at this token: its level and how many tokens it has.
    fn operator(&self) -> Option<(usize, BinaryOp, usize)> {
        if self.is_symbol(">") && self.is_adjacent_angle() {
            return Some((SHIFT, BinaryOp::ShiftRight, 2));
        }
        LEVELS.iter().enumerate().find_map(|(level, operators)| {
            let found = operators.iter().find(|(symbol, _)| self.is_symbol(symbol));
            found.map(|(_, op)| (level, *op, 1))
        })
    }

    /// Whether two `>` stand side by side: a shift.
    fn is_adjacent_angle(&self) -> bool {
        self.is_symbol_at(1, ">")
            && self.tokens[self.at].span.end == self.tokens[self.at + 1].span.start
    }

    /// `is`, `as`, `IN`, `BETWEEN`, `LIKE`, `IS NULL`; the flag says whether there was one.
    fn relational_word(&mut self, left: Expr) -> Parsed<(Expr, bool)> {
        let start = left.span;
        let left_box = |left| Box::new(left);
        if self.eat("is") {
            let ty = self.type_ref()?;
            let span = self.since(start);
            return Ok((expr(ExprKind::Is(left_box(left), ty), span), true));
        }
        if self.eat("as") {
            let ty = self.type_ref()?;
            let span = self.since(start);
            return Ok((expr(ExprKind::As(left_box(left), ty), span), true));
        }
        if self.eat("IS") {
            let negated = self.eat("NOT");
            self.expect("NULL")?;
            let span = self.since(start);
            return Ok((expr(ExprKind::IsNull(left_box(left), negated), span), true));
        }
        let negated = self.is("NOT")
            && (self.is_at(1, "IN") || self.is_at(1, "BETWEEN") || self.is_at(1, "LIKE"));
        if negated {
            self.bump();
        }
        let kind = if self.eat("IN") {
            let values = self.parenthesized(Self::expression)?;
            ExprKind::In(left_box(left), values, negated)
        } else if self.eat("BETWEEN") {
            let low = self.binary_level(SHIFT)?;
            self.expect("AND")?;
            let high = self.binary_level(SHIFT)?;
            ExprKind::Between(left_box(left), Box::new(low), Box::new(high), negated)
        } else if self.eat("LIKE") {
            let pattern = self.binary_level(SHIFT)?;
            ExprKind::Like(left_box(left), Box::new(pattern), negated)
        } else {
            return Ok((left, false));
        };
        Ok((expr(kind, self.since(start)), true))
    }

    fn unary(&mut self) -> Parsed<Expr> {
        let start = self.span();
        let op = match self.peek() {
            TokenKind::Symbol("+") => Some(UnaryOp::Plus),
            TokenKind::Symbol("-") => Some(UnaryOp::Minus),
            TokenKind::Symbol("!") => Some(UnaryOp::Not),
            TokenKind::Symbol("~") => Some(UnaryOp::Complement),
            _ => None,
        };
        if let Some(op) = op {
            self.bump();
            let operand = self.nested(Self::unary)?;
            let span = start.to(operand.span);
            return Ok(expr(ExprKind::Unary(op, Box::new(operand)), span));
        }
        if let Some(ty) = self.cast() {
            let operand = self.nested(Self::unary)?;
            let span = start.to(operand.span);
            return Ok(expr(ExprKind::Cast(ty, Box::new(operand)), span));
        }
        self.postfix()
    }

    /// `(type)` in front of an operand (C# language specification, 12.9.7).
    fn cast(&mut self) -> Option<TypeRef> {
        if !self.is_symbol("(") {
            return None;
        }
        self.attempt(|parser| {
            parser.bump();
            let ty = parser.type_ref()?;
            parser.expect_symbol(")")?;
            let certain = PREDEFINED.contains(&ty.name.as_str())
                || ty.nullable
                || ty.array_rank > 0
                || !ty.arguments.is_empty();
            let follows = match parser.peek() {
                TokenKind::Word(word) => !RESERVED.contains(&word.as_str()) || word == "CASE",
                TokenKind::Symbol("-" | "+") => certain,
                TokenKind::Symbol(symbol) => matches!(*symbol, "(" | "!" | "~"),
                TokenKind::End => false,
                _ => true,
            };
            if follows && (certain || ty.name.contains("SqlArray") || ty.name.contains("SqlMap")) {
                Ok(ty)
            } else {
                Err(super::Failed)
            }
        })
    }

    fn postfix(&mut self) -> Parsed<Expr> {
        let mut value = self.primary()?;
        loop {
            let start = value.span;
            if self.eat_symbol(".") {
                let member = self.member_name()?;
                let span = start.to(member.span);
                value = expr(ExprKind::Member(Box::new(value), member), span);
            } else if self.is_symbol("[") {
                self.bump();
                let index = self.list(Self::expression)?;
                self.expect_symbol("]")?;
                value = expr(ExprKind::Index(Box::new(value), index), self.since(start));
            } else if self.is_symbol("(") {
                value = self.call(value, Vec::new())?;
            } else if self.is_symbol("<")
                && let Some(types) = self.type_arguments()
            {
                value = self.call(value, types)?;
            } else {
                return Ok(value);
            }
        }
    }

    /// Behind a dot every word is a name, reserved or not, as in `SQL.ARRAY`.
    fn member_name(&mut self) -> Parsed<crate::ast::Ident> {
        let span = self.span();
        if let TokenKind::Word(value) | TokenKind::Quoted(value) = self.peek().clone() {
            self.bump();
            return Ok(crate::source::Spanned { value, span });
        }
        self.expected("the name of a member")
    }

    /// `<int>` between a name and its arguments.
    fn type_arguments(&mut self) -> Option<Vec<TypeRef>> {
        self.attempt(|parser| {
            parser.expect_symbol("<")?;
            let types = parser.list(Parser::type_ref)?;
            parser.expect_symbol(">")?;
            if parser.is_symbol("(") {
                Ok(types)
            } else {
                Err(super::Failed)
            }
        })
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let span = self.span();
        let kind = match self.peek().clone() {
            TokenKind::Text(value) => ExprKind::Text(value),
            TokenKind::Char(value) => ExprKind::Char(value),
            TokenKind::Number(text, suffix) => ExprKind::Number(text, suffix),
            TokenKind::Variable(name) => ExprKind::Variable(name),
            TokenKind::SystemVariable(name) => ExprKind::SystemVariable(name),
            TokenKind::Symbol("(") => {
                self.bump();
                let inner = self.expression()?;
                self.expect_symbol(")")?;
                return Ok(expr(inner.kind, self.since(span)));
            }
            TokenKind::Quoted(name) => ExprKind::Name(name),
            TokenKind::Word(word) => return self.word(&word, span),
            _ => return self.expected("an expression"),
        };
        self.bump();
        Ok(expr(kind, span))
    }

    fn word(&mut self, word: &str, span: Span) -> Parsed<Expr> {
        let kind = match word {
            "null" | "NULL" => ExprKind::Null,
            "true" => ExprKind::Bool(true),
            "false" => ExprKind::Bool(false),
            "new" => return self.new_object(span),
            "CASE" => return self.case(span),
            "from" if self.is_ident_at(1) && self.is_at(2, "in") => {
                return self.comprehension(span);
            }
            "SQL" | "SqlArray" | "SqlMap" => {
                let generic = self.attempt(|parser| {
                    let ty = parser.type_ref()?;
                    if ty.arguments.is_empty() {
                        return Err(super::Failed);
                    }
                    Ok(ty)
                });
                match generic {
                    Some(ty) => return Ok(expr(ExprKind::Type(ty), self.since(span))),
                    None => ExprKind::Name(word.to_owned()),
                }
            }
            reserved if RESERVED.contains(&reserved) => return self.expected("an expression"),
            package
                if self.is_symbol_at(1, ".")
                    && matches!(self.peek_at(2), TokenKind::Variable(_)) =>
            {
                return self.package_variable(package, span);
            }
            name => ExprKind::Name(name.to_owned()),
        };
        self.bump();
        Ok(expr(kind, span))
    }

    /// `package.@name`: a variable that an imported package exports.
    fn package_variable(&mut self, package: &str, start: Span) -> Parsed<Expr> {
        self.bump();
        self.bump();
        let name = self.variable()?;
        let name = crate::ast::package_variable(package, &name.value);
        Ok(expr(ExprKind::Variable(name), self.since(start)))
    }

    fn new_object(&mut self, start: Span) -> Parsed<Expr> {
        self.bump();
        let implicit = self.is_symbol("[") && self.is_symbol_at(1, "]");
        let ty = if implicit {
            self.bump();
            self.bump();
            None
        } else {
            Some(self.type_ref()?)
        };
        let mut arguments = Vec::new();
        if self.eat_symbol("(") {
            if !self.is_symbol(")") {
                arguments = self.list(Self::argument)?;
            }
            self.expect_symbol(")")?;
        }
        let elements = if self.is_symbol("{") {
            Some(self.elements()?)
        } else {
            None
        };
        let kind = ExprKind::New(Box::new(NewObject {
            ty,
            arguments,
            elements,
        }));
        Ok(expr(kind, self.since(start)))
    }

    fn elements(&mut self) -> Parsed<Vec<Element>> {
        self.expect_symbol("{")?;
        let mut elements = Vec::new();
        if self.is_ident_at(0) && self.is_symbol_at(1, "=") {
            return self.refuse(
                self.span(),
                "objects whose members are set one by one are not known here",
                "types of .NET other than texts, numbers, dates, arrays and maps do not run here",
            );
        }
        while !self.is_symbol("}") {
            elements.push(if self.eat_symbol("{") {
                let values = self.list(Self::expression)?;
                self.expect_symbol("}")?;
                Element(values)
            } else {
                Element(vec![self.expression()?])
            });
            if !self.eat_symbol(",") {
                break;
            }
        }
        self.expect_symbol("}")?;
        Ok(elements)
    }

    fn case(&mut self, start: Span) -> Parsed<Expr> {
        self.bump();
        let operand = if self.is("WHEN") {
            None
        } else {
            Some(self.expression()?)
        };
        let mut branches = Vec::new();
        while self.eat("WHEN") {
            let condition = self.expression()?;
            self.expect("THEN")?;
            branches.push((condition, self.expression()?));
        }
        if branches.is_empty() {
            return self.expected("`WHEN`");
        }
        let otherwise = if self.eat("ELSE") {
            Some(self.expression()?)
        } else {
            None
        };
        self.expect("END")?;
        let kind = ExprKind::Case(Box::new(Case {
            operand,
            branches,
            otherwise,
        }));
        Ok(expr(kind, self.since(start)))
    }

    fn comprehension(&mut self, start: Span) -> Parsed<Expr> {
        self.bump();
        let variable = self.ident()?;
        self.bump();
        let mut source = self.expression()?;
        let mut filter = if self.eat("where") {
            Some(self.expression()?)
        } else {
            None
        };
        if self.eat("orderby") {
            if let Some(condition) = filter.take() {
                source = over(source, "Where", &variable, condition);
            }
            let key = self.expression()?;
            let method = if self.eat("descending") {
                "OrderByDescending"
            } else {
                self.eat("ascending");
                "OrderBy"
            };
            source = over(source, method, &variable, key);
        }
        if !self.eat("select") {
            return self.expected("`select`");
        }
        let select = self.expression()?;
        let kind = ExprKind::Comprehension(Box::new(Comprehension {
            variable,
            source,
            filter,
            select,
        }));
        Ok(expr(kind, self.since(start)))
    }
}

/// `source.Method(variable => body)`, which a clause of a query stands for (C# language
/// specification, 12.20.3).
fn over(source: Expr, method: &str, variable: &Ident, body: Expr) -> Expr {
    let span = source.span.to(body.span);
    let name = Ident {
        value: method.to_owned(),
        span: body.span,
    };
    let lambda = ExprKind::Lambda(vec![variable.clone()], Box::new(body));
    let call = Call {
        function: expr(ExprKind::Member(Box::new(source), name), span),
        type_arguments: Vec::new(),
        distinct: false,
        star: false,
        arguments: vec![Argument {
            name: None,
            value: expr(lambda, span),
        }],
        within_group: Vec::new(),
        span,
    };
    expr(ExprKind::Call(Box::new(call)), span)
}

fn binary(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    let span = left.span.to(right.span);
    expr(ExprKind::Binary(op, Box::new(left), Box::new(right)), span)
}
