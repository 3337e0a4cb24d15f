//! Databases, schemas and what is in them: tables, views, functions, procedures and table types.
//!
//! The catalog is one JSON file beside the tables' Parquet files. A script works on a copy; the copy
//! replaces the file when the script has succeeded, so that a script that fails changes nothing.
//! Table files that no catalog names are left behind only by a crash, and are removed at the next
//! commit.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::csharp::bind::resolve;
use crate::rowset::Column;

/// The full name of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    pub(crate) database: String,
    pub(crate) schema: String,
    pub(crate) object: String,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.database, self.schema, self.object)
    }
}

/// All databases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Catalog {
    /// Where the files are; not stored.
    #[serde(skip)]
    folder: PathBuf,
    databases: BTreeMap<String, BTreeMap<String, BTreeMap<String, Entity>>>,
}

/// An object of a schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Entity {
    Table(Table),
    View(Stored),
    Function(Stored),
    Procedure(Stored),
    Package(Stored),
    Type(TableType),
}

impl Entity {
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Table(_) => "table",
            Self::View(_) => "view",
            Self::Function(_) => "function",
            Self::Procedure(_) => "procedure",
            Self::Package(_) => "package",
            Self::Type(_) => "table type",
        }
    }
}

/// The text of a statement that is read again where it is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stored {
    pub(crate) text: String,
}

/// A column with its type as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredColumn {
    pub(crate) name: String,
    pub(crate) ty: String,
}

impl StoredColumn {
    pub(crate) fn of(column: &Column) -> Self {
        Self {
            name: column.name.clone(),
            ty: column.ty.to_string(),
        }
    }

    /// The column; a type that cannot be read any more is a text.
    fn column(&self) -> Column {
        let read = crate::parser::type_of(&self.ty).and_then(|written| resolve(&written).ok());
        let ty = read.unwrap_or_else(|| crate::types::Type::of(crate::types::Base::String));
        Column::new(self.name.clone(), ty)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TableType {
    pub(crate) columns: Vec<StoredColumn>,
}

impl TableType {
    pub(crate) fn columns(&self) -> Vec<Column> {
        self.columns.iter().map(StoredColumn::column).collect()
    }
}

/// A table: its schema and its files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Table {
    pub(crate) columns: Vec<StoredColumn>,
    #[serde(default)]
    pub(crate) partitioned_by: Vec<String>,
    #[serde(default)]
    pub(crate) files: Vec<TableFile>,
}

/// A Parquet file of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TableFile {
    pub(crate) name: String,
    /// The values of the partition, as text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) partition: Vec<String>,
}

/// The files of a table as a query reads them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableFiles {
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) columns: Vec<Column>,
}

impl Table {
    pub(crate) fn columns(&self) -> Vec<Column> {
        self.columns.iter().map(StoredColumn::column).collect()
    }

    pub(crate) fn files(&self, catalog: &Catalog) -> TableFiles {
        let path = |file: &TableFile| catalog.tables().join(&file.name);
        TableFiles {
            paths: self.files.iter().map(path).collect(),
            columns: self.columns(),
        }
    }
}

impl Catalog {
    const FILE: &str = "catalog.json";

    /// The catalog of a folder; a new one has the database `master` with the schema `dbo`.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        let mut catalog = match std::fs::read(folder.join(Self::FILE)) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::empty(),
            Err(error) => return Err(error),
        };
        folder.clone_into(&mut catalog.folder);
        Ok(catalog)
    }

    /// A catalog without a folder, for checking scripts.
    pub(crate) fn empty() -> Self {
        let schemas = BTreeMap::from([("dbo".to_owned(), BTreeMap::new())]);
        Self {
            folder: PathBuf::new(),
            databases: BTreeMap::from([("master".to_owned(), schemas)]),
        }
    }

    /// The folder of the tables' files.
    pub(crate) fn tables(&self) -> PathBuf {
        self.folder.join("tables")
    }

    pub(crate) fn has_database(&self, name: &str) -> bool {
        self.databases.contains_key(name)
    }

    pub(crate) fn has_schema(&self, database: &str, schema: &str) -> bool {
        self.databases
            .get(database)
            .is_some_and(|schemas| schemas.contains_key(schema))
    }

    pub(crate) fn databases(&self) -> impl Iterator<Item = &str> {
        self.databases.keys().map(String::as_str)
    }

    /// The names of the objects of a schema.
    pub(crate) fn names(&self, database: &str, schema: &str) -> Vec<String> {
        let schema = self
            .databases
            .get(database)
            .and_then(|schemas| schemas.get(schema));
        schema
            .map(|objects| objects.keys().cloned().collect())
            .unwrap_or_default()
    }

    pub(crate) fn entity(&self, name: &Name) -> Option<&Entity> {
        self.databases
            .get(&name.database)?
            .get(&name.schema)?
            .get(&name.object)
    }

    pub(crate) fn table_mut(&mut self, name: &Name) -> Option<&mut Table> {
        let entity = self
            .databases
            .get_mut(&name.database)?
            .get_mut(&name.schema)?
            .get_mut(&name.object)?;
        match entity {
            Entity::Table(table) => Some(table),
            _ => None,
        }
    }

    pub(crate) fn create_database(&mut self, name: &str) {
        let schemas = BTreeMap::from([("dbo".to_owned(), BTreeMap::new())]);
        self.databases.entry(name.to_owned()).or_insert(schemas);
    }

    pub(crate) fn create_schema(&mut self, database: &str, schema: &str) {
        let schemas = self.databases.entry(database.to_owned()).or_default();
        schemas.entry(schema.to_owned()).or_default();
    }

    pub(crate) fn insert(&mut self, name: &Name, entity: Entity) {
        let schemas = self.databases.entry(name.database.clone()).or_default();
        let objects = schemas.entry(name.schema.clone()).or_default();
        objects.insert(name.object.clone(), entity);
    }

    pub(crate) fn remove(&mut self, name: &Name) {
        let schema = self
            .databases
            .get_mut(&name.database)
            .and_then(|all| all.get_mut(&name.schema));
        if let Some(objects) = schema {
            objects.remove(&name.object);
        }
    }

    pub(crate) fn drop_database(&mut self, name: &str) {
        self.databases.remove(name);
    }

    pub(crate) fn drop_schema(&mut self, database: &str, schema: &str) {
        if let Some(schemas) = self.databases.get_mut(database) {
            schemas.remove(schema);
        }
    }

    /// Replaces the stored catalog, and removes files that no table has any more.
    ///
    /// # Errors
    /// When the file system refuses.
    pub(crate) fn commit(&self) -> io::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        let mut aside = tempfile::NamedTempFile::new_in(&self.folder)?;
        serde_json::to_writer_pretty(&mut aside, self)?;
        aside.as_file().sync_all()?;
        aside.persist(self.folder.join(Self::FILE))?;
        self.sweep();
        Ok(())
    }

    fn sweep(&self) {
        let objects = self
            .databases
            .values()
            .flat_map(BTreeMap::values)
            .flat_map(BTreeMap::values);
        let named: BTreeSet<&str> = objects
            .filter_map(|entity| match entity {
                Entity::Table(table) => Some(table.files.iter().map(|file| file.name.as_str())),
                _ => None,
            })
            .flatten()
            .collect();
        for entry in std::fs::read_dir(self.tables())
            .into_iter()
            .flatten()
            .flatten()
        {
            let name = entry.file_name();
            if name.to_str().is_some_and(|name| !named.contains(name)) {
                // What cannot be removed now is removed at the next commit.
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

/// Holds the catalog of a folder for one script; others wait.
pub(crate) struct Lock {
    _file: std::fs::File,
}

impl Lock {
    /// Waits until no other script holds the catalog.
    ///
    /// # Errors
    /// When the file system refuses.
    pub(crate) fn take(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let file = std::fs::File::create(folder.join("lock"))?;
        file.lock()?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalog_is_what_it_was_when_it_is_read_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut catalog = Catalog::open(folder.path()).expect("a catalog");
        let name = Name {
            database: "master".to_owned(),
            schema: "dbo".to_owned(),
            object: "T".to_owned(),
        };
        let column = |name: &str, ty: &str| StoredColumn {
            name: name.to_owned(),
            ty: ty.to_owned(),
        };
        let table = Table {
            columns: vec![column("a", "int?"), column("b", "SQL.MAP<string, int>")],
            partitioned_by: Vec::new(),
            files: vec![TableFile {
                name: "kept".to_owned(),
                partition: Vec::new(),
            }],
        };
        let types: Vec<String> = table
            .columns()
            .iter()
            .map(|column| column.ty.to_string())
            .collect();
        assert_eq!(types, ["int?", "SQL.MAP<string, int>"]);
        catalog.insert(&name, Entity::Table(table));
        std::fs::create_dir(catalog.tables()).expect("a folder");
        for file in ["kept", "stray"] {
            std::fs::write(catalog.tables().join(file), "").expect("a file");
        }
        catalog.commit().expect("a commit");
        assert_eq!(Catalog::open(folder.path()).expect("a catalog"), catalog);
        assert!(catalog.tables().join("kept").exists() && !catalog.tables().join("stray").exists());
    }
}
