//! Statements of the catalog: databases, schemas, tables, views, types, and rows that are added.

use super::package;
use super::query::invalid;
use super::statement::refuse_unstorable;
use super::{Action, Binder, Result};
use crate::ast::{
    AlterAction, AlterTable, ColumnDef, ColumnSource, CreateTable, Expr, Insert, ObjectName,
    Routine, RoutineKind, Statement, StatementKind,
};
use crate::catalog::{Entity, Name, Stored, StoredColumn, Table, TableFile, TableType};
use crate::csharp::{Typed, convert};
use crate::diagnostic::{Code, Diagnostic};
use crate::rowset::{Column, Rowset};
use crate::source::Span;

impl Binder<'_> {
    pub(super) fn catalog_statement(&mut self, statement: &Statement) -> Result<()> {
        let span = statement.span;
        match &statement.kind {
            StatementKind::CreateDatabase {
                name,
                if_not_exists,
            } => {
                if self.catalog.has_database(&name.value) {
                    return exists(*if_not_exists, "database", &name.value, name.span);
                }
                self.catalog.create_database(&name.value);
            }
            StatementKind::CreateSchema {
                name,
                if_not_exists,
            } => {
                let full = self.schema_name(name);
                if self.catalog.has_schema(&full.0, &full.1) {
                    return exists(*if_not_exists, "schema", &name.text(), name.span);
                }
                self.catalog.create_schema(&full.0, &full.1);
            }
            StatementKind::CreateTable(table) => return self.create_table(table, span),
            StatementKind::CreateType {
                name,
                columns,
                if_not_exists,
            } => {
                let columns = self.schema_columns(columns)?;
                let columns = columns.iter().map(StoredColumn::of).collect();
                return self.create(name, Entity::Type(TableType { columns }), *if_not_exists);
            }
            StatementKind::CreateView {
                name,
                query,
                if_not_exists,
            } => {
                let text = self.text[query.span.range()].to_owned();
                return self.create(name, Entity::View(Stored { text }), *if_not_exists);
            }
            StatementKind::CreateRoutine(routine) => return self.create_routine(routine),
            StatementKind::Drop {
                what,
                name,
                if_exists,
            } => {
                return self.drop_entity(&what.value, name, *if_exists);
            }
            StatementKind::Truncate { name, partition } => return self.truncate(name, partition),
            StatementKind::AlterTable(alter) => return self.alter(alter),
            _ => return Ok(()),
        }
        self.catalog_changed = true;
        Ok(())
    }

    fn create_routine(&mut self, routine: &Routine) -> Result<()> {
        let text = self.text[routine.span.range()].to_owned();
        let stored = Stored { text };
        let entity = match routine.kind {
            RoutineKind::Function => Entity::Function(stored),
            RoutineKind::Procedure => Entity::Procedure(stored),
            RoutineKind::Package => {
                package::check(&routine.body)?;
                Entity::Package(stored)
            }
        };
        self.create(&routine.name, entity, routine.if_not_exists)
    }

    fn schema_name(&self, name: &ObjectName) -> (String, String) {
        match name.parts.as_slice() {
            [database, schema, ..] => (database.value.clone(), schema.value.clone()),
            [schema] => (self.database.clone(), schema.value.clone()),
            [] => (self.database.clone(), self.schema.clone()),
        }
    }

    fn create(&mut self, name: &ObjectName, entity: Entity, if_not_exists: bool) -> Result<()> {
        let full = self.full_name(name);
        if !self.catalog.has_schema(&full.database, &full.schema) {
            let message = format!(
                "the schema `{}.{}` does not exist",
                full.database, full.schema
            );
            return Err(Diagnostic::error(Code::EntityMissing, name.span, message));
        }
        if let Some(existing) = self.catalog.entity(&full) {
            return exists(if_not_exists, existing.kind(), &full.to_string(), name.span);
        }
        self.catalog.insert(&full, entity);
        self.catalog_changed = true;
        Ok(())
    }

    /// The columns of a written schema.
    pub(super) fn schema_columns(&self, columns: &[ColumnDef]) -> Result<Vec<Column>> {
        let mut resolved: Vec<Column> = Vec::new();
        for column in columns {
            let ColumnSource::Typed(written) = &column.source else {
                return Err(invalid(column.name.span, "a column of a table has a type"));
            };
            let name = column.name.value.clone();
            if resolved.iter().any(|other| other.name == name) {
                return Err(invalid(
                    column.name.span,
                    format!("two columns have the name `{name}`"),
                ));
            }
            resolved.push(Column::new(name, crate::csharp::bind::resolve(written)?));
        }
        Ok(resolved)
    }

    fn create_table(&mut self, table: &CreateTable, span: Span) -> Result<()> {
        let rowset = table
            .query
            .as_ref()
            .map(|query| self.query(query))
            .transpose()?;
        let columns = match &rowset {
            Some(rowset) => rowset.columns.clone(),
            None => self.schema_columns(&table.columns)?,
        };
        if columns.is_empty() {
            return Err(invalid(span, "a table needs columns"));
        }
        refuse_unstorable(&columns, span)?;
        for partition in &table.partitioned_by {
            if columns.iter().all(|column| column.name != partition.value) {
                let message = format!("the table has no column `{}`", partition.value);
                return Err(invalid(partition.span, message));
            }
        }
        let full = self.full_name(&table.name);
        let existed = self.catalog.entity(&full).is_some();
        let entity = Entity::Table(Table {
            columns: columns.iter().map(StoredColumn::of).collect(),
            partitioned_by: table
                .partitioned_by
                .iter()
                .map(|each| each.value.clone())
                .collect(),
            files: Vec::new(),
        });
        self.create(&table.name, entity, table.if_not_exists)?;
        if let Some(rowset) = rowset.filter(|_| !existed) {
            self.add_rows(full, rowset, Vec::new(), span);
        }
        Ok(())
    }

    fn add_rows(&mut self, table: Name, rowset: Rowset, partition: Vec<String>, span: Span) {
        let name = format!("{:032x}.parquet", crate::csharp::random_guid());
        if let Some(stored) = self.catalog.table_mut(&table) {
            stored.files.push(TableFile {
                name: name.clone(),
                partition,
            });
        }
        self.catalog_changed = true;
        self.inserted.insert(table.clone());
        let path = self.catalog.tables().join(&name);
        self.actions.push(Action::Insert {
            rowset,
            table: path,
            span,
        });
    }

    pub(super) fn insert(&mut self, insert: &Insert, span: Span) -> Result<()> {
        let rowset = self.query(&insert.query)?;
        let (full, entity) = self.entity(&insert.table, "table")?;
        let Entity::Table(table) = entity else {
            return Err(invalid(
                insert.table.span,
                format!("`{full}` is not a table"),
            ));
        };
        let columns = table.columns();
        let partitioned_by = table.partitioned_by.clone();
        let partition =
            self.partition_values(&insert.partition, &partitioned_by, &columns, span)?;
        let fixed = |name: &str| {
            let at = partitioned_by.iter().position(|each| each == name)?;
            partition.get(at).cloned()
        };
        let mut given: Vec<String> = insert
            .columns
            .iter()
            .map(|column| column.value.clone())
            .collect();
        if given.is_empty() {
            let free = columns
                .iter()
                .filter(|column| fixed(&column.name).is_none());
            given = free.map(|column| column.name.clone()).collect();
        }
        let unknown = |name: &&String| columns.iter().all(|column| column.name != **name);
        if let Some(unknown) = given.iter().find(unknown) {
            let message = format!("the table `{full}` has no column `{unknown}`");
            return Err(invalid(span, message));
        }
        let (wanted, found) = (given.len(), rowset.columns.len());
        if wanted != found {
            let message = format!("{wanted} columns are filled with {found} values");
            return Err(invalid(span, message));
        }
        let mut items = Vec::new();
        for column in &columns {
            let value = match (
                given.iter().position(|name| *name == column.name),
                fixed(&column.name),
            ) {
                (Some(at), _) => {
                    let value = Typed::column(at, rowset.columns[at].ty.clone(), span);
                    crate::csharp::bind::convert(value, &column.ty)?
                }
                (None, Some(value)) => value,
                (None, None) => Typed::literal(
                    crate::csharp::default_of(&column.ty),
                    column.ty.clone(),
                    span,
                ),
            };
            items.push((column.name.clone(), value));
        }
        let texts = partition_texts(&partition);
        self.add_rows(full, rowset.project(items), texts, span);
        Ok(())
    }

    /// The values of a `PARTITION (…)`, with the types of the columns they are for.
    fn partition_values(
        &self,
        written: &[Expr],
        partitioned_by: &[String],
        columns: &[Column],
        span: Span,
    ) -> Result<Vec<Typed>> {
        if written.len() > partitioned_by.len() {
            return Err(invalid(
                span,
                format!("the table has {} partition columns", partitioned_by.len()),
            ));
        }
        let mut values = Vec::new();
        for (expr, name) in written.iter().zip(partitioned_by) {
            let ty = columns
                .iter()
                .find(|column| column.name == *name)
                .map(|column| column.ty.clone());
            let Some(ty) = ty else { continue };
            let scope = crate::csharp::bind::NoColumns;
            let bound = self.expressions(&scope).bind_as(expr, &ty)?;
            let value = bound
                .constant()
                .map_err(|error| Diagnostic::error(Code::NotConstant, error.span, error.message))?;
            values.push(Typed::literal(value, ty, expr.span));
        }
        Ok(values)
    }

    fn drop_entity(&mut self, what: &str, name: &ObjectName, if_exists: bool) -> Result<()> {
        let missing = |text: String| {
            if if_exists {
                return Ok(());
            }
            let message = format!("the {} `{text}` does not exist", what.to_lowercase());
            Err(Diagnostic::error(Code::EntityMissing, name.span, message))
        };
        match what {
            "DATABASE" => {
                if !self.catalog.has_database(&name.text()) {
                    return missing(name.text());
                }
                self.catalog.drop_database(&name.text());
            }
            "SCHEMA" => {
                let (database, schema) = self.schema_name(name);
                if !self.catalog.has_schema(&database, &schema) {
                    return missing(name.text());
                }
                self.catalog.drop_schema(&database, &schema);
            }
            // There is none to drop.
            "ASSEMBLY" | "CREDENTIAL" | "STATISTICS" => return missing(name.text()),
            _ => {
                let full = self.full_name(name);
                if self.catalog.entity(&full).is_none() {
                    return missing(full.to_string());
                }
                self.catalog.remove(&full);
            }
        }
        self.catalog_changed = true;
        Ok(())
    }

    fn truncate(&mut self, name: &ObjectName, partition: &[Expr]) -> Result<()> {
        let (full, columns, partitioned_by) = self.table_shape(name)?;
        let values = self.partition_values(partition, &partitioned_by, &columns, name.span)?;
        let texts = partition_texts(&values);
        self.remove_files(&full, &texts);
        Ok(())
    }

    fn table_shape(&self, name: &ObjectName) -> Result<(Name, Vec<Column>, Vec<String>)> {
        match self.entity(name, "table")? {
            (full, Entity::Table(table)) => {
                Ok((full, table.columns(), table.partitioned_by.clone()))
            }
            (full, other) => Err(invalid(
                name.span,
                format!("`{full}` is a {}, not a table", other.kind()),
            )),
        }
    }

    /// Removes the files of a partition; all files when no value is given.
    fn remove_files(&mut self, table: &Name, partition: &[String]) {
        if let Some(stored) = self.catalog.table_mut(table) {
            stored
                .files
                .retain(|file| !partition.is_empty() && file.partition != partition);
        }
        self.catalog_changed = true;
    }

    fn alter(&mut self, alter: &AlterTable) -> Result<()> {
        let (full, columns, partitioned_by) = self.table_shape(&alter.name)?;
        let span = alter.name.span;
        match &alter.action {
            // Partitions come with their first rows, and files are never fragmented.
            AlterAction::Rebuild | AlterAction::AddPartition(_) => {}
            AlterAction::DropPartition(partitions) => {
                for partition in partitions {
                    let values =
                        self.partition_values(partition, &partitioned_by, &columns, span)?;
                    self.remove_files(&full, &partition_texts(&values));
                }
            }
            AlterAction::AddColumns(added) => {
                let added = self.schema_columns(added)?;
                if let Some(known) = added
                    .iter()
                    .find(|new| columns.iter().any(|old| old.name == new.name))
                {
                    return Err(invalid(
                        span,
                        format!("the table has a column `{}` already", known.name),
                    ));
                }
                if let Some(table) = self.catalog.table_mut(&full) {
                    table.columns.extend(added.iter().map(StoredColumn::of));
                }
            }
            AlterAction::DropColumns(dropped) => {
                for column in dropped {
                    if columns.iter().all(|each| each.name != column.value) {
                        return Err(invalid(
                            column.span,
                            format!("the table has no column `{}`", column.value),
                        ));
                    }
                    if let Some(table) = self.catalog.table_mut(&full) {
                        table.columns.retain(|each| each.name != column.value);
                    }
                }
            }
        }
        self.catalog_changed = true;
        Ok(())
    }
}

fn partition_texts(values: &[Typed]) -> Vec<String> {
    let text = |value: &Typed| {
        let literal = value
            .as_literal()
            .cloned()
            .unwrap_or(crate::value::Value::Null);
        convert::text(&literal, &value.ty.base)
    };
    values.iter().map(text).collect()
}

fn exists(allowed: bool, what: &str, name: &str, span: Span) -> Result<()> {
    if allowed {
        return Ok(());
    }
    let message = format!("the {what} `{name}` exists already");
    Err(Diagnostic::error(Code::EntityExists, span, message)
        .with_help("write `IF NOT EXISTS`, or drop it first"))
}
