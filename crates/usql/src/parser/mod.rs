//! From tokens to the syntax tree, by recursive descent.
//!
//! A statement that does not follow the grammar is one diagnostic, and reading goes on behind its
//! semicolon. Nesting is limited, so that no text overflows the stack.

mod call;
mod ddl;
mod expression;
mod query;
mod source;
mod statement;
mod types;

#[cfg(test)]
mod tests;

use crate::ast::{Ident, ObjectName, Statement};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::lexer::{self, Token, TokenKind};
use crate::source::{Span, Spanned};

/// How deep expressions, queries and blocks may be nested.
const DEPTH_MAX: usize = 64;

/// What could not be read has been reported.
#[derive(Debug)]
pub(crate) struct Failed;

pub(crate) type Parsed<T> = Result<T, Failed>;

/// Words that mean something in the grammar, and so name no column unless in brackets. The service
/// reserved every word in upper case; only those that are needed are reserved here.
const RESERVED: [&str; 92] = [
    "ALL",
    "ALTER",
    "AND",
    "ANTISEMIJOIN",
    "APPLY",
    "AS",
    "ASC",
    "BEGIN",
    "BETWEEN",
    "BY",
    "CALL",
    "CASE",
    "COMBINE",
    "CREATE",
    "CROSS",
    "DECLARE",
    "DEPLOY",
    "DESC",
    "DISTINCT",
    "DISTRIBUTED",
    "DROP",
    "ELSE",
    "ELSEIF",
    "END",
    "EXCEPT",
    "EXISTS",
    "EXPLODE",
    "EXTRACT",
    "FETCH",
    "FOLLOWING",
    "FOR",
    "FROM",
    "FULL",
    "FUNCTION",
    "GROUP",
    "HAVING",
    "IF",
    "IMPORT",
    "IN",
    "INNER",
    "INSERT",
    "INTERSECT",
    "INTO",
    "IS",
    "JOIN",
    "LEFT",
    "LIKE",
    "NOT",
    "NULL",
    "OFFSET",
    "ON",
    "OPTION",
    "OR",
    "ORDER",
    "OUTER",
    "OUTPUT",
    "OVER",
    "PARTITION",
    "PARTITIONED",
    "PIVOT",
    "PRECEDING",
    "PRESORT",
    "PROCESS",
    "PRODUCE",
    "RAISE",
    "READONLY",
    "REDUCE",
    "REFERENCE",
    "REQUIRED",
    "RETURNS",
    "RIGHT",
    "ROWS",
    "SAMPLE",
    "SELECT",
    "SEMIJOIN",
    "SET",
    "SORTED",
    "TABLE",
    "THEN",
    "TO",
    "TRUNCATE",
    "UNBOUNDED",
    "UNION",
    "UNPIVOT",
    "USE",
    "USING",
    "VALUES",
    "VIEW",
    "WHEN",
    "WHERE",
    "WITH",
    "WITHIN",
];

/// Reads a whole script.
pub(crate) fn script(text: &str, diagnostics: &mut Diagnostics) -> Vec<Statement> {
    let tokens = lexer::tokens(text, diagnostics);
    let mut parser = Parser {
        tokens,
        at: 0,
        depth: 0,
        diagnostics,
    };
    parser.statements_until_end()
}

pub(crate) struct Parser<'a> {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    diagnostics: &'a mut Diagnostics,
}

impl Parser<'_> {
    fn peek(&self) -> &TokenKind {
        self.peek_at(0)
    }

    fn peek_at(&self, ahead: usize) -> &TokenKind {
        let last = self.tokens.len() - 1;
        &self.tokens[(self.at + ahead).min(last)].kind
    }

    fn span(&self) -> Span {
        self.tokens[self.at.min(self.tokens.len() - 1)].span
    }

    /// The range from `start` to the end of the token before this one.
    fn since(&self, start: Span) -> Span {
        let last = self.tokens[self.at.saturating_sub(1)].span;
        start.to(if last.end >= start.end { last } else { start })
    }

    fn bump(&mut self) -> Token {
        let token = self.tokens[self.at.min(self.tokens.len() - 1)].clone();
        if self.at < self.tokens.len() - 1 {
            self.at += 1;
        }
        token
    }

    fn fail<T>(&mut self, span: Span, message: impl Into<String>) -> Parsed<T> {
        self.diagnostics
            .push(Diagnostic::error(Code::Syntax, span, message));
        Err(Failed)
    }

    /// Reports what the language has and this program does not.
    fn refuse<T>(&mut self, span: Span, message: &str, help: &str) -> Parsed<T> {
        self.diagnostics
            .push(Diagnostic::error(Code::Unsupported, span, message).with_help(help));
        Err(Failed)
    }

    /// Reports that something else was expected at this token.
    fn expected<T>(&mut self, what: &str) -> Parsed<T> {
        let message = format!("expected {what}, found {}", self.peek().describe());
        self.fail(self.span(), message)
    }

    fn is(&self, word: &str) -> bool {
        self.is_at(0, word)
    }

    fn is_at(&self, ahead: usize, word: &str) -> bool {
        matches!(self.peek_at(ahead), TokenKind::Word(found) if found == word)
    }

    fn eat(&mut self, word: &str) -> bool {
        let found = self.is(word);
        if found {
            self.bump();
        }
        found
    }

    /// Takes all the words, or none.
    fn eat_all(&mut self, words: &[&str]) -> bool {
        let found = (0..)
            .zip(words)
            .all(|(ahead, word)| self.is_at(ahead, word));
        if found {
            self.at += words.len();
        }
        found
    }

    fn expect(&mut self, word: &str) -> Parsed<()> {
        if self.eat(word) {
            return Ok(());
        }
        self.expected(&format!("`{word}`"))
    }

    fn is_symbol(&self, symbol: &str) -> bool {
        self.is_symbol_at(0, symbol)
    }

    fn is_symbol_at(&self, ahead: usize, symbol: &str) -> bool {
        matches!(self.peek_at(ahead), TokenKind::Symbol(found) if *found == symbol)
    }

    fn eat_symbol(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol);
        if found {
            self.bump();
        }
        found
    }

    fn expect_symbol(&mut self, symbol: &str) -> Parsed<()> {
        if self.eat_symbol(symbol) {
            return Ok(());
        }
        self.expected(&format!("`{symbol}`"))
    }

    /// Items with commas between them.
    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.eat_symbol(",") {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// Items in parentheses with commas between them; none is a fault.
    fn parenthesized<T>(&mut self, item: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        self.expect_symbol("(")?;
        let items = self.list(item)?;
        self.expect_symbol(")")?;
        Ok(items)
    }

    fn is_ident_at(&self, ahead: usize) -> bool {
        match self.peek_at(ahead) {
            TokenKind::Word(word) => !RESERVED.contains(&word.as_str()),
            TokenKind::Quoted(_) => true,
            _ => false,
        }
    }

    fn ident(&mut self) -> Parsed<Ident> {
        let span = self.span();
        match self.peek().clone() {
            TokenKind::Word(word) if RESERVED.contains(&word.as_str()) => {
                let message =
                    format!("`{word}` is a reserved word; write `[{word}]` to use it as a name");
                self.fail(span, message)
            }
            TokenKind::Word(value) | TokenKind::Quoted(value) => {
                self.bump();
                Ok(Spanned { value, span })
            }
            _ => self.expected("a name"),
        }
    }

    fn variable(&mut self) -> Parsed<Ident> {
        let span = self.span();
        match self.peek().clone() {
            TokenKind::Variable(value) => {
                self.bump();
                Ok(Spanned { value, span })
            }
            _ => self.expected("a variable such as `@name`"),
        }
    }

    /// `name`, `schema.name`, `db.schema.name` or `db..name`.
    fn object_name(&mut self) -> Parsed<ObjectName> {
        let start = self.span();
        let mut parts = vec![self.ident()?];
        while self.eat_symbol(".") {
            if self.is_symbol(".") {
                let span = self.span();
                let value = String::new();
                parts.push(Spanned { value, span });
            } else {
                parts.push(self.ident()?);
            }
        }
        let span = self.since(start);
        Ok(ObjectName { parts, span })
    }

    fn whole_number(&mut self) -> Parsed<u64> {
        if let TokenKind::Number(text, _) = self.peek()
            && let Ok(number) = text.parse()
        {
            self.bump();
            return Ok(number);
        }
        self.expected("a whole number")
    }

    /// Reads something that may contain itself, unless it is nested too deeply.
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= DEPTH_MAX {
            let message = format!("this is nested more than {DEPTH_MAX} levels deep");
            return self.fail(self.span(), message);
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    /// Reads ahead without a trace unless it succeeds.
    fn attempt<T>(&mut self, read: impl FnOnce(&mut Parser<'_>) -> Parsed<T>) -> Option<T> {
        let mut unheard = Diagnostics::default();
        let tokens = std::mem::take(&mut self.tokens);
        let mut trial = Parser {
            tokens,
            at: self.at,
            depth: self.depth,
            diagnostics: &mut unheard,
        };
        let read = read(&mut trial);
        let at = trial.at;
        self.tokens = std::mem::take(&mut trial.tokens);
        if read.is_ok() {
            self.at = at;
        }
        read.ok()
    }
}

/// Reads a type by itself, as the catalog stores it.
pub(crate) fn type_of(text: &str) -> Option<crate::ast::TypeRef> {
    let mut diagnostics = Diagnostics::default();
    let tokens = lexer::tokens(text, &mut diagnostics);
    let mut parser = Parser {
        tokens,
        at: 0,
        depth: 0,
        diagnostics: &mut diagnostics,
    };
    parser.type_ref().ok()
}
