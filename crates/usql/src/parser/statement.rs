//! Statements, and how reading goes on behind one that does not follow the grammar.

use super::{Parsed, Parser};
use crate::ast::{
    Declare, If, Insert, ObjectName, Output, Query, QueryKind, Source, SourceKind, Statement,
    StatementKind, UseKind,
};
use crate::lexer::TokenKind;
use crate::source::Span;

/// Statements that the grammar knows and that cannot run here, by their first words.
const UNSUPPORTED: [&[&str]; 7] = [
    &["CREATE", "ASSEMBLY"],
    &["CREATE", "CREDENTIAL"],
    &["CREATE", "DATA"],
    &["CREATE", "EXTERNAL"],
    &["ALTER", "CREDENTIAL"],
    &["ALTER", "DATA"],
    &["GRANT"],
];

/// The sample library of formats, and what it is built on.
const BUILT_IN_ASSEMBLIES: [&str; 5] = [
    "Microsoft.Analytics.Samples.Formats",
    "Newtonsoft.Json",
    "Avro",
    "Microsoft.Hadoop.Avro",
    "log4net",
];

impl Parser<'_> {
    /// The statements of a whole script.
    pub(super) fn statements_until_end(&mut self) -> Vec<Statement> {
        let mut statements = Vec::new();
        while *self.peek() != TokenKind::End {
            if self.eat_symbol(";") {
                continue;
            }
            match self.terminated() {
                Ok(statement) => statements.push(statement),
                Err(_) => self.skip_statement(),
            }
        }
        statements
    }

    /// The statements of a block, up to a word that ends it, which is not taken.
    pub(super) fn block(&mut self, ends: &[&str]) -> Parsed<Vec<Statement>> {
        self.nested(|parser| {
            let mut statements = Vec::new();
            loop {
                if ends.iter().any(|word| parser.is(word)) {
                    return Ok(statements);
                }
                if *parser.peek() == TokenKind::End {
                    return parser.expected(&format!("`{}`", ends[0]));
                }
                if parser.eat_symbol(";") {
                    continue;
                }
                match parser.terminated() {
                    Ok(statement) => statements.push(statement),
                    Err(_) => parser.skip_within(ends),
                }
            }
        })
    }

    fn terminated(&mut self) -> Parsed<Statement> {
        let start = self.span();
        let kind = self.statement()?;
        let span = self.since(start);
        if !self.eat_symbol(";") {
            return self.expected("`;` at the end of the statement");
        }
        Ok(Statement { kind, span })
    }

    /// Goes behind the next semicolon, or in front of a word that ends the block.
    fn skip_within(&mut self, ends: &[&str]) {
        let ended = |parser: &Self| ends.iter().any(|word| parser.is(word));
        while *self.peek() != TokenKind::End && !ended(self) {
            if self.eat_symbol(";") {
                return;
            }
            self.bump();
        }
    }

    /// Goes behind the next semicolon outside of parentheses. At least one token is taken.
    fn skip_statement(&mut self) {
        let mut depth = 0_usize;
        loop {
            match self.bump().kind {
                TokenKind::End => return,
                TokenKind::Symbol("(") => depth += 1,
                TokenKind::Symbol(")") => depth = depth.saturating_sub(1),
                TokenKind::Symbol(";") if depth == 0 => return,
                _ => {}
            }
        }
    }

    fn statement(&mut self) -> Parsed<StatementKind> {
        let start = self.span();
        if self.is("CREATE")
            && self.is_at(1, "ASSEMBLY")
            && let Some(name) = self.attempt(Parser::known_assembly)
        {
            return Ok(StatementKind::ReferenceAssembly { name });
        }
        for words in UNSUPPORTED {
            let words_fit = (0..)
                .zip(words)
                .all(|(ahead, word)| self.is_at(ahead, word));
            if words_fit {
                return self.unsupported(&words.join(" "));
            }
        }
        match self.peek().clone() {
            TokenKind::Variable(_) => self.assignment(),
            TokenKind::Symbol("(") => self.returned_assignment(),
            TokenKind::Word(word) => match word.as_str() {
                "USE" => self.use_statement(),
                "SET" => self.set_statement(),
                "DECLARE" => self.declare(),
                "OUTPUT" => self.output(),
                "INSERT" => self.insert(),
                "IF" => self.if_statement(),
                "CREATE" => self.create(start),
                "DROP" => self.drop_statement(),
                "TRUNCATE" => self.truncate(),
                "ALTER" => self.alter(),
                "RAISE" => self.raise(),
                "USING" => self.using(),
                "REFERENCE" => self.reference(),
                "EXPORT" => self.export(),
                "IMPORT" => self.import(),
                "DEPLOY" => self.deploy(),
                "CALL" => self.call_statement(),
                _ if self.is_ident_at(0) => self.bare_call(),
                _ => self.expected("a statement"),
            },
            _ => self.expected("a statement"),
        }
    }

    /// Takes the statement up to its semicolon, so that its place is known and it can be named.
    fn unsupported(&mut self, words: &str) -> Parsed<StatementKind> {
        while *self.peek() != TokenKind::End && !self.is_symbol(";") {
            self.bump();
        }
        Ok(StatementKind::Unsupported {
            words: words.to_owned(),
        })
    }

    fn assignment(&mut self) -> Parsed<StatementKind> {
        let name = self.variable()?;
        self.expect_symbol("=")?;
        let query = self.query()?;
        Ok(StatementKind::Assign { name, query })
    }

    /// `(@a, @b) = function(arguments)`.
    fn returned_assignment(&mut self) -> Parsed<StatementKind> {
        let names = self.parenthesized(Self::variable)?;
        self.expect_symbol("=")?;
        let function = self.object_name()?;
        let arguments = self.function_arguments()?;
        Ok(StatementKind::AssignReturned {
            names,
            function,
            arguments,
        })
    }

    /// `CREATE ASSEMBLY` of a library whose classes are built in here, so that its file is not
    /// needed.
    fn known_assembly(parser: &mut Parser<'_>) -> Parsed<ObjectName> {
        parser.bump();
        parser.bump();
        parser.eat_all(&["IF", "NOT", "EXISTS"]);
        let name = parser.object_name()?;
        let last = name.parts.last().map(|part| part.value.as_str());
        if !last.is_some_and(|last| BUILT_IN_ASSEMBLIES.contains(&last)) {
            return Err(super::Failed);
        }
        parser.expect("FROM")?;
        parser.expression()?;
        Ok(name)
    }

    fn use_statement(&mut self) -> Parsed<StatementKind> {
        self.bump();
        let what = if self.eat("DATABASE") {
            UseKind::Database
        } else if self.eat("SCHEMA") {
            UseKind::Schema
        } else {
            UseKind::Either
        };
        let name = self.object_name()?;
        Ok(StatementKind::Use { what, name })
    }

    fn set_statement(&mut self) -> Parsed<StatementKind> {
        self.bump();
        let span = self.span();
        let TokenKind::SystemVariable(value) = self.peek().clone() else {
            return self.expected("a system variable such as `@@FeaturePreviews`");
        };
        self.bump();
        self.expect_symbol("=")?;
        let variable = crate::source::Spanned { value, span };
        let value = self.expression()?;
        Ok(StatementKind::Set { variable, value })
    }

    fn declare(&mut self) -> Parsed<StatementKind> {
        self.bump();
        for word in ["TYPE", "VIEW", "FUNCTION", "PROCEDURE"] {
            if self.is(word) && matches!(self.peek_at(1), TokenKind::Variable(_)) {
                return self.unsupported(&format!("DECLARE {word}"));
            }
        }
        let external = self.eat("EXTERNAL");
        Ok(StatementKind::Declare(self.declared(external)?))
    }

    /// `[CONST] @name [type] = value`.
    fn declared(&mut self, external: bool) -> Parsed<Declare> {
        let constant = self.eat("CONST");
        let name = self.variable()?;
        let ty = if self.is_symbol("=") {
            None
        } else {
            Some(self.type_ref()?)
        };
        self.expect_symbol("=")?;
        let value = self.expression()?;
        Ok(Declare {
            name,
            external,
            constant,
            ty,
            value,
        })
    }

    /// An assembly that a package exports is one that it refers to.
    fn export(&mut self) -> Parsed<StatementKind> {
        self.bump();
        if self.is("SYSTEM") || self.is("ASSEMBLY") {
            return self.assembly();
        }
        Ok(StatementKind::Export(self.declared(false)?))
    }

    fn import(&mut self) -> Parsed<StatementKind> {
        self.bump();
        self.expect("PACKAGE")?;
        let name = self.object_name()?;
        let mut arguments = Vec::new();
        if self.eat_symbol("(") {
            if !self.is_symbol(")") {
                arguments = self.list(Self::function_argument)?;
            }
            self.expect_symbol(")")?;
        }
        let alias = if self.eat("AS") {
            Some(self.ident()?)
        } else {
            None
        };
        Ok(StatementKind::Import {
            name,
            arguments,
            alias,
        })
    }

    fn deploy(&mut self) -> Parsed<StatementKind> {
        self.bump();
        self.expect("RESOURCE")?;
        Ok(StatementKind::Deploy(self.list(Self::expression)?))
    }

    fn output(&mut self) -> Parsed<StatementKind> {
        self.bump();
        let query = self.output_query()?;
        self.expect("TO")?;
        let path = self.expression()?;
        let order = if self.is("ORDER") {
            Some(self.order()?)
        } else {
            None
        };
        self.expect("USING")?;
        let using = self.expression()?;
        Ok(StatementKind::Output(Box::new(Output {
            query,
            path,
            order,
            using,
        })))
    }

    /// A rowset, a table, a function's result, or a query in parentheses.
    fn output_query(&mut self) -> Parsed<Query> {
        if self.is_symbol("(") {
            return self.query();
        }
        let start = self.span();
        let source = self.single_source()?;
        Ok(self.query_of(source, start))
    }

    fn query_of(&self, source: Source, start: Span) -> Query {
        Query {
            kind: QueryKind::Source(Box::new(source)),
            order: None,
            span: self.since(start),
        }
    }

    fn insert(&mut self) -> Parsed<StatementKind> {
        self.bump();
        self.eat("INTO");
        let table = self.object_name()?;
        let mut columns = Vec::new();
        if self.is_symbol("(") && self.is_ident_at(1) {
            columns = self.parenthesized(Self::ident)?;
        }
        let mut partition = Vec::new();
        if self.eat("PARTITION") {
            partition = self.parenthesized(Self::expression)?;
        }
        if self.eat_all(&["ON", "INTEGRITY", "VIOLATION"]) && !self.eat("IGNORE") {
            self.expect("MOVE")?;
            self.expect("TO")?;
            self.eat("PARTITION");
            self.parenthesized(Self::expression)?;
        }
        let start = self.span();
        let query = if self.is("VALUES") {
            let rows = self.values()?;
            let source = Source {
                kind: SourceKind::Values(rows),
                alias: None,
                columns: Vec::new(),
                span: self.since(start),
            };
            self.query_of(source, start)
        } else {
            self.query()?
        };
        Ok(StatementKind::Insert(Box::new(Insert {
            table,
            columns,
            partition,
            query,
        })))
    }

    fn if_statement(&mut self) -> Parsed<StatementKind> {
        let mut branches = Vec::new();
        self.bump();
        loop {
            let condition = self.expression()?;
            self.expect("THEN")?;
            let body = self.block(&["END", "ELSE", "ELSEIF"])?;
            branches.push((condition, body));
            if !self.eat("ELSEIF") {
                break;
            }
        }
        let mut otherwise = Vec::new();
        if self.eat("ELSE") {
            self.eat("THEN");
            otherwise = self.block(&["END"])?;
        }
        self.expect("END")?;
        self.eat("IF");
        Ok(StatementKind::If(If {
            branches,
            otherwise,
        }))
    }

    fn raise(&mut self) -> Parsed<StatementKind> {
        self.bump();
        let error = self.eat("ERROR");
        if !error {
            self.expect("WARNING")?;
        }
        let message = self.expression()?;
        Ok(StatementKind::Raise { error, message })
    }

    fn using(&mut self) -> Parsed<StatementKind> {
        self.bump();
        let mut alias = None;
        if self.is_ident_at(0) && self.is_symbol_at(1, "=") {
            alias = Some(self.ident()?);
            self.bump();
        }
        let name = self.object_name()?;
        Ok(StatementKind::Using { alias, name })
    }

    fn reference(&mut self) -> Parsed<StatementKind> {
        self.bump();
        self.assembly()
    }

    fn assembly(&mut self) -> Parsed<StatementKind> {
        self.eat("SYSTEM");
        self.expect("ASSEMBLY")?;
        let name = self.object_name()?;
        Ok(StatementKind::ReferenceAssembly { name })
    }

    fn call_statement(&mut self) -> Parsed<StatementKind> {
        self.bump();
        self.bare_call()
    }

    /// `name(arguments)`: a procedure.
    fn bare_call(&mut self) -> Parsed<StatementKind> {
        let name: ObjectName = self.object_name()?;
        let arguments = self.function_arguments()?;
        Ok(StatementKind::Call { name, arguments })
    }
}
