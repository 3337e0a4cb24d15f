//! From the syntax tree to rowsets and actions: names are resolved, types checked, the statements
//! that the catalog runs at compile time are run on a copy of it.
//!
//! Binding touches no data: of an input it asks only whether it is there. What is wrong is
//! collected, so that a script's faults are reported together.

mod aggregate;
mod explode;
mod formats;
mod intrinsics;
mod package;
mod python;
mod query;
mod routine;
mod samples;
mod scope;
mod select;
mod sets;
mod statement;
mod tables;
mod windows;

use std::collections::{BTreeMap, BTreeSet};

use crate::ast::{ObjectName, Statement};
use crate::catalog::{Catalog, Entity, Name};
use crate::csharp::bind::Variables;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, closest};
use crate::formats::Writing;
use crate::paths::Paths;
use crate::rowset::{Rowset, SortKey};
use crate::source::Span;

pub(crate) type Result<T> = std::result::Result<T, Diagnostic>;

/// How deep functions, views and procedures may call each other.
const CALLS_MAX: usize = 32;

/// What a bound script does, in order.
#[derive(Debug)]
pub(crate) enum Action {
    /// Writes a file.
    Output {
        rowset: Rowset,
        path: std::path::PathBuf,
        order: Vec<SortKey>,
        offset: u64,
        fetch: Option<u64>,
        format: Writing,
        span: Span,
    },
    /// Adds rows to a table.
    Insert {
        rowset: Rowset,
        table: std::path::PathBuf,
        span: Span,
    },
}

/// What a script's meaning depends on beside its text.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The moment of `DateTime.Now`, in microseconds since 1970.
    pub(crate) now: i64,
    pub(crate) paths: Paths,
    /// The interpreter of the Python extension.
    pub(crate) python: std::path::PathBuf,
    /// Whether an input must be there already.
    pub(crate) check_inputs: bool,
}

/// A script with its meaning.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) actions: Vec<Action>,
    pub(crate) catalog: Catalog,
    /// Whether the catalog is other than it was.
    pub(crate) catalog_changed: bool,
}

/// Binds a whole script. Faults and warnings are added to `diagnostics`.
pub(crate) fn script(
    statements: &[Statement],
    text: &str,
    catalog: Catalog,
    parameters: &BTreeMap<String, String>,
    settings: &Settings,
    diagnostics: &mut Diagnostics,
) -> Bound {
    let mut binder = Binder {
        text,
        settings,
        diagnostics,
        catalog,
        catalog_changed: false,
        variables: crate::job::given(parameters),
        external: BTreeSet::new(),
        exported: None,
        resources: Vec::new(),
        namespaces: Vec::new(),
        rowsets: BTreeMap::new(),
        database: "master".to_owned(),
        schema: "dbo".to_owned(),
        actions: Vec::new(),
        inserted: BTreeSet::new(),
        switches: BTreeMap::new(),
        depth: 0,
    };
    binder.statements(statements);
    Bound {
        actions: binder.actions,
        catalog: binder.catalog,
        catalog_changed: binder.catalog_changed,
    }
}

/// Binds the statements of one scope: a script, or the body of a function or procedure.
pub(crate) struct Binder<'a> {
    /// The text that spans refer to.
    text: &'a str,
    settings: &'a Settings,
    diagnostics: &'a mut Diagnostics,
    catalog: Catalog,
    catalog_changed: bool,
    variables: Variables,
    /// Variables that `DECLARE EXTERNAL` gave a default.
    external: BTreeSet<String>,
    /// What the package that is being read exports; `None` outside of packages.
    exported: Option<Variables>,
    /// Files of `DEPLOY RESOURCE`, which the script's Python finds in its folder.
    resources: Vec<std::path::PathBuf>,
    /// What `USING` opens, by its alias if it has one.
    namespaces: Vec<(Option<String>, String)>,
    rowsets: BTreeMap<String, Rowset>,
    database: String,
    schema: String,
    actions: Vec<Action>,
    /// Tables that this script has added rows to.
    inserted: BTreeSet<Name>,
    /// The values of `SET @@name`.
    switches: BTreeMap<String, String>,
    depth: usize,
}

impl Binder<'_> {
    pub(crate) fn statements(&mut self, statements: &[Statement]) {
        for statement in statements {
            if let Err(diagnostic) = self.statement(statement) {
                self.diagnostics.push(diagnostic);
            }
        }
    }

    /// The full name of an object, by the database and schema in use.
    fn full_name(&self, name: &ObjectName) -> Name {
        let part = |at: usize| name.parts.get(at).map(|part| part.value.clone());
        let last = name.parts.len().saturating_sub(1);
        let object = part(last).unwrap_or_default();
        let schema = last.checked_sub(1).and_then(part);
        let database = last.checked_sub(2).and_then(part);
        let filled = |part: Option<String>, default: &str| match part {
            Some(text) if !text.is_empty() => text,
            Some(_) => "dbo".to_owned(),
            None => default.to_owned(),
        };
        Name {
            database: database
                .filter(|text| !text.is_empty())
                .unwrap_or_else(|| self.database.clone()),
            schema: filled(schema, &self.schema),
            object,
        }
    }

    /// The entity of a name, or one diagnostic with what was probably meant.
    fn entity(&self, name: &ObjectName, what: &str) -> Result<(Name, &Entity)> {
        let full = self.full_name(name);
        if let Some(entity) = self.catalog.entity(&full) {
            return Ok((full, entity));
        }
        let message = format!("the {what} `{full}` does not exist");
        let error = Diagnostic::error(Code::EntityMissing, name.span, message);
        let names = self.catalog.names(&full.database, &full.schema);
        Err(
            match closest(&full.object, names.iter().map(String::as_str)) {
                Some(close) => error.with_help(format!("did you mean `{close}`?")),
                None => error,
            },
        )
    }

    /// Whether a switch such as `GZipOutput:on` is set.
    fn switched_on(&self, variable: &str, switch: &str) -> bool {
        let wanted = format!("{switch}:on");
        let value = self
            .switches
            .get(variable)
            .map(String::as_str)
            .unwrap_or_default();
        value
            .split([',', ';', ' '])
            .any(|each| each.trim().eq_ignore_ascii_case(&wanted))
    }

    fn expressions<'b>(
        &'b self,
        scope: &'b dyn crate::csharp::bind::Scope,
    ) -> crate::csharp::bind::Binder<'b> {
        crate::csharp::bind::Binder::new(scope, &self.variables, self.settings.now)
    }
}
