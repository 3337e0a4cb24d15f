//! Data copied from one place to another by Stepwell's own worker.

use serde::{Deserialize, Serialize};

use crate::{References, TaskKind};

/// What is copied where. Both ends are input ports; the output is the place of the destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferTask {
    /// The port that names what is copied.
    pub source: String,
    /// The port that names where to; it is written to and not read.
    pub destination: String,
    /// The output through which later steps read what was copied.
    pub output: String,
    /// What the source is; what is there when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_type: Option<EntryType>,
    /// What the destination is to be; when absent what is there, else what the source is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_type: Option<EntryType>,
    /// Which rows are copied, when the source is a database and not all of a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<Selection>,
    /// How rows are written, when the destination is a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<WriteMode>,
    /// The columns that tell rows apart when they are updated; the primary key when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// Whether a table that is not there is made, with the columns of the source.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub create: bool,
}

/// What a path stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryType {
    /// One file.
    File,
    /// A folder with what is below it.
    Directory,
}

/// Which rows of a database are copied, where it is not all of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Selection {
    /// Those of a query.
    Query {
        /// The query.
        query: String,
    },
    /// Those that a stored procedure gives.
    Procedure {
        /// Its name.
        name: String,
        /// Its parameters, in order.
        #[serde(default)]
        parameters: Vec<ProcedureParameter>,
    },
}

/// Which rows an input stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows<'a> {
    /// All of the table that its path names.
    Table,
    /// Those that are selected.
    Selected(&'a Selection),
}

/// A parameter of a stored procedure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcedureParameter {
    /// Its name.
    pub name: String,
    /// Its value as text; NULL when absent.
    #[serde(default)]
    pub value: Option<String>,
    /// Its type, as Azure ML names it.
    #[serde(default, rename = "type")]
    pub kind: ProcedureType,
}

/// The type of a parameter of a stored procedure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcedureType {
    /// A text.
    #[default]
    String,
    /// A whole number.
    Int,
    /// A number with decimals, exact.
    Decimal,
    /// A UUID.
    Guid,
    /// True or false.
    Boolean,
    /// A date.
    Date,
}

/// How rows are written to a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteMode {
    /// Added to those that are there.
    #[default]
    Append,
    /// Instead of those that are there.
    Replace,
    /// Added, or instead of the row with the same keys.
    Upsert,
}

impl TaskKind for TransferTask {
    fn references(&self) -> References {
        // Its datastores are those of its ports.
        References::default()
    }

    fn reads_files(&self, port: &str) -> bool {
        port == self.source || port == self.destination
    }

    fn reads(&self, port: &str) -> bool {
        port != self.destination
    }

    fn rows(&self, port: &str) -> Option<Rows<'_>> {
        let selected = self.select.as_ref().filter(|_| port == self.source);
        Some(selected.map_or(Rows::Table, Rows::Selected))
    }

    fn output_at(&self, output: &str) -> Option<&str> {
        (output == self.output).then_some(self.destination.as_str())
    }

    fn resumes(&self) -> bool {
        true
    }
}
