//! Statements that change the catalog.

use super::{Parsed, Parser};
use crate::ast::{
    AlterAction, AlterTable, CreateTable, Ident, ObjectName, ParameterType, Returned, Routine,
    RoutineKind, RoutineParameter, StatementKind,
};
use crate::lexer::TokenKind;
use crate::source::{Span, Spanned};

impl Parser<'_> {
    pub(super) fn create(&mut self, start: Span) -> Parsed<StatementKind> {
        self.bump();
        self.eat("CLUSTERED");
        let what = self.entity_word()?;
        let if_not_exists = self.eat_all(&["IF", "NOT", "EXISTS"]);
        match what.value.as_str() {
            "DATABASE" => {
                let name = self.ident()?;
                Ok(StatementKind::CreateDatabase {
                    name,
                    if_not_exists,
                })
            }
            "SCHEMA" => {
                let name = self.object_name()?;
                Ok(StatementKind::CreateSchema {
                    name,
                    if_not_exists,
                })
            }
            "TABLE" => self.create_table(if_not_exists),
            "INDEX" | "STATISTICS" => {
                self.ident()?;
                self.tuning()
            }
            "TYPE" => self.create_type(if_not_exists),
            "VIEW" => self.create_view(if_not_exists),
            "FUNCTION" => self.routine(RoutineKind::Function, if_not_exists, start),
            "PROCEDURE" => self.routine(RoutineKind::Procedure, if_not_exists, start),
            "PACKAGE" => self.routine(RoutineKind::Package, if_not_exists, start),
            _ => self.fail(
                what.span,
                format!("`CREATE {}` is not a statement", what.value),
            ),
        }
    }

    fn entity_word(&mut self) -> Parsed<Ident> {
        let span = self.span();
        if let TokenKind::Word(value) = self.peek().clone() {
            self.bump();
            return Ok(Spanned { value, span });
        }
        self.expected("what is meant, such as `TABLE`")
    }

    /// `ON table …` of an index or of statistics.
    fn tuning(&mut self) -> Parsed<StatementKind> {
        self.expect("ON")?;
        let table = self.object_name()?;
        while *self.peek() != TokenKind::End && !self.is_symbol(";") {
            self.bump();
        }
        Ok(StatementKind::Tuning(table))
    }

    fn create_table(&mut self, if_not_exists: bool) -> Parsed<StatementKind> {
        let name = self.object_name()?;
        let mut table = CreateTable {
            name,
            if_not_exists,
            columns: Vec::new(),
            partitioned_by: Vec::new(),
            query: None,
        };
        if self.eat_symbol("(") {
            loop {
                if self.is("INDEX") && !self.is_symbol_at(1, ",") {
                    self.bump();
                    self.index()?;
                } else if self.is("PARTITIONED") || self.is("DISTRIBUTED") {
                    self.distribution(&mut table)?;
                } else {
                    table.columns.push(self.column_def()?);
                }
                self.distribution(&mut table)?;
                if !self.eat_symbol(",") {
                    break;
                }
            }
            self.expect_symbol(")")?;
        }
        self.distribution(&mut table)?;
        if self.eat("AS") {
            table.query = Some(self.query()?);
        }
        Ok(StatementKind::CreateTable(Box::new(table)))
    }

    /// `name CLUSTERED (keys)`. The index says how the service stored the table; it has no effect
    /// on results.
    fn index(&mut self) -> Parsed<()> {
        self.ident()?;
        self.eat("CLUSTERED");
        self.parenthesized(Self::sort_key)?;
        Ok(())
    }

    /// `PARTITIONED BY (…)`, `DISTRIBUTED BY … (…) [INTO n]`, in any order and number.
    fn distribution(&mut self, table: &mut CreateTable) -> Parsed<()> {
        loop {
            if self.eat("PARTITIONED") {
                self.eat("BY");
                if self.is("HASH") || self.is("RANGE") || self.is("ROUND") || self.is("DIRECT") {
                    self.distributed_by()?;
                } else {
                    table.partitioned_by = self.parenthesized(Self::ident)?;
                }
            } else if self.eat("DISTRIBUTED") {
                self.eat("BY");
                self.distributed_by()?;
            } else {
                return Ok(());
            }
        }
    }

    fn distributed_by(&mut self) -> Parsed<()> {
        if self.eat_all(&["ROUND", "ROBIN"]) {
        } else {
            self.eat("DIRECT");
            if !self.eat("HASH") {
                self.expect("RANGE")?;
            }
            self.parenthesized(Self::sort_key)?;
        }
        if self.eat("INTO") {
            self.whole_number()?;
        }
        Ok(())
    }

    fn create_type(&mut self, if_not_exists: bool) -> Parsed<StatementKind> {
        let name = self.object_name()?;
        self.expect("AS")?;
        self.expect("TABLE")?;
        let columns = self.parenthesized(Self::column_def)?;
        Ok(StatementKind::CreateType {
            name,
            columns,
            if_not_exists,
        })
    }

    fn create_view(&mut self, if_not_exists: bool) -> Parsed<StatementKind> {
        let name = self.object_name()?;
        self.expect("AS")?;
        let query = self.query()?;
        Ok(StatementKind::CreateView {
            name,
            query,
            if_not_exists,
        })
    }

    fn routine(
        &mut self,
        kind: RoutineKind,
        if_not_exists: bool,
        start: Span,
    ) -> Parsed<StatementKind> {
        let name = self.object_name()?;
        self.expect_symbol("(")?;
        let mut parameters = Vec::new();
        if !self.is_symbol(")") {
            parameters = self.list(Self::routine_parameter)?;
        }
        self.expect_symbol(")")?;
        let mut returns = Vec::new();
        if kind == RoutineKind::Function {
            self.expect("RETURNS")?;
            returns = if self.is_symbol("(") {
                self.parenthesized(Self::returned)?
            } else {
                self.list(Self::returned)?
            };
        }
        self.eat("AS");
        self.expect("BEGIN")?;
        let body = self.block(&["END", "RETURN"])?;
        // It may end a body, and changes nothing: what is returned stands in `RETURNS`.
        if self.eat("RETURN") {
            self.expect_symbol(";")?;
        }
        self.expect("END")?;
        Ok(StatementKind::CreateRoutine(Box::new(Routine {
            name,
            if_not_exists,
            parameters,
            kind,
            returns,
            body,
            span: self.since(start),
        })))
    }

    fn routine_parameter(&mut self) -> Parsed<RoutineParameter> {
        let name = self.variable()?;
        let ty = if self.eat("TABLE") {
            ParameterType::Table(self.parenthesized(Self::column_def)?)
        } else {
            let start = self.at;
            match self.attempt(Parser::table_type_name) {
                Some(name) => ParameterType::NamedTable(name),
                None => {
                    self.at = start;
                    ParameterType::Scalar(self.type_ref()?)
                }
            }
        };
        let default = if self.eat_symbol("=") {
            Some(self.expression()?)
        } else {
            None
        };
        Ok(RoutineParameter { name, ty, default })
    }

    /// A dotted name that is not one of C#'s: the name of a table type.
    fn table_type_name(parser: &mut Parser<'_>) -> Parsed<ObjectName> {
        let name = parser.object_name()?;
        let first = name.parts[0].value.as_str();
        let is_type = crate::types::Type::named(&name.text()).is_some()
            || matches!(first, "System" | "SQL" | "Func" | "Microsoft");
        if is_type || !(parser.is_symbol(",") || parser.is_symbol(")") || parser.is_symbol("=")) {
            return Err(super::Failed);
        }
        Ok(name)
    }

    fn returned(&mut self) -> Parsed<Returned> {
        let name = self.variable()?;
        let ty = if self.eat("TABLE") {
            Some(ParameterType::Table(self.parenthesized(Self::column_def)?))
        } else if self.is_ident_at(0) {
            Some(ParameterType::NamedTable(self.object_name()?))
        } else {
            None
        };
        Ok(Returned { name, ty })
    }

    pub(super) fn drop_statement(&mut self) -> Parsed<StatementKind> {
        self.bump();
        let what = self.entity_word()?;
        let if_exists = self.eat_all(&["IF", "EXISTS"]);
        let name = self.object_name()?;
        if self.is("ON") && matches!(what.value.as_str(), "INDEX" | "STATISTICS") {
            return self.tuning();
        }
        Ok(StatementKind::Drop {
            what,
            name,
            if_exists,
        })
    }

    pub(super) fn truncate(&mut self) -> Parsed<StatementKind> {
        self.bump();
        self.expect("TABLE")?;
        let name = self.object_name()?;
        let mut partition = Vec::new();
        if self.eat("PARTITION") {
            partition = self.parenthesized(Self::expression)?;
        }
        Ok(StatementKind::Truncate { name, partition })
    }

    pub(super) fn alter(&mut self) -> Parsed<StatementKind> {
        self.bump();
        self.expect("TABLE")?;
        let name = self.object_name()?;
        let action = if self.eat("REBUILD") {
            AlterAction::Rebuild
        } else if self.eat("ADD") {
            self.eat_all(&["IF", "NOT", "EXISTS"]);
            if self.eat("PARTITION") {
                AlterAction::AddPartition(self.partitions()?)
            } else {
                self.eat("COLUMN");
                AlterAction::AddColumns(self.column_defs()?)
            }
        } else {
            self.expect("DROP")?;
            self.eat_all(&["IF", "EXISTS"]);
            if self.eat("PARTITION") {
                AlterAction::DropPartition(self.partitions()?)
            } else {
                self.eat("COLUMN");
                AlterAction::DropColumns(self.list(Self::ident)?)
            }
        };
        Ok(StatementKind::AlterTable(Box::new(AlterTable {
            name,
            action,
        })))
    }

    /// `(values), PARTITION (values), …`.
    fn partitions(&mut self) -> Parsed<Vec<Vec<crate::ast::Expr>>> {
        self.list(|parser| {
            parser.eat("PARTITION");
            parser.parenthesized(Self::expression)
        })
    }
}
