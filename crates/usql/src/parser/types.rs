//! Types and schemas.

use super::{Parsed, Parser};
use crate::ast::{ColumnDef, ColumnSource, Ident, TypeRef};
use crate::lexer::TokenKind;

impl Parser<'_> {
    /// `int`, `int?`, `byte[]`, `SQL.MAP<string, int>`, `System.String`.
    pub(super) fn type_ref(&mut self) -> Parsed<TypeRef> {
        self.nested(Self::type_ref_inner)
    }

    fn type_ref_inner(&mut self) -> Parsed<TypeRef> {
        let start = self.span();
        let mut name = self.ident()?.value;
        while self.is_symbol(".") && self.is_ident_at(1) {
            self.bump();
            name = format!("{name}.{}", self.ident()?.value);
        }
        let mut arguments = Vec::new();
        if self.eat_symbol("<") {
            arguments = self.list(Self::type_ref)?;
            self.close_angle()?;
        }
        let nullable = self.eat_symbol("?");
        let mut array_rank = 0;
        while self.is_symbol("[") && self.is_symbol_at(1, "]") {
            self.bump();
            self.bump();
            array_rank += 1;
        }
        Ok(TypeRef {
            name,
            arguments,
            nullable,
            array_rank,
            span: self.since(start),
        })
    }

    /// `>`, also where two of them were read as one token.
    fn close_angle(&mut self) -> Parsed<()> {
        if self.is_symbol(">>") {
            let at = self.at;
            let start = self.tokens[at].span.start + 1;
            self.tokens[at].kind = TokenKind::Symbol(">");
            self.tokens[at].span.start = start;
            return Ok(());
        }
        self.expect_symbol(">")
    }

    /// `name type`, or `name = FILE.URI()`.
    pub(super) fn column_def(&mut self) -> Parsed<ColumnDef> {
        let name = self.ident()?;
        if self.eat_symbol("=") {
            let source = self.file_property()?;
            let source = ColumnSource::File(source);
            return Ok(ColumnDef { name, source });
        }
        let source = ColumnSource::Typed(self.type_ref()?);
        Ok(ColumnDef { name, source })
    }

    /// A column of `PRODUCE`: one without a type is a column of the input.
    pub(super) fn produced(&mut self) -> Parsed<ColumnDef> {
        let clause = self.is_at(1, "READONLY") || self.is_at(1, "REQUIRED");
        if self.is_ident_at(0) && (clause || self.is_at(1, "USING") || self.is_symbol_at(1, ",")) {
            let name = self.ident()?;
            let source = ColumnSource::Input;
            return Ok(ColumnDef { name, source });
        }
        self.column_def()
    }

    fn file_property(&mut self) -> Parsed<Ident> {
        self.expect("FILE")?;
        self.expect_symbol(".")?;
        let property = self.ident()?;
        self.expect_symbol("(")?;
        self.expect_symbol(")")?;
        Ok(property)
    }

    pub(super) fn column_defs(&mut self) -> Parsed<Vec<ColumnDef>> {
        self.list(Self::column_def)
    }
}
