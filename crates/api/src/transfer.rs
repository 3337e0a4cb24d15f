//! A step that copies data from one place to another.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is copied where. Both ends are inputs of the step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferTask {
    /// The input that names what is copied.
    pub source: String,
    /// The input that names where to; it is written to and not read.
    pub destination: String,
    /// The output through which later steps read what was copied: it is the destination's place,
    /// whatever place it is given.
    pub output: String,
    /// What the source is; what is there when absent.
    #[serde(default)]
    pub source_type: Option<EntryType>,
    /// What the destination is to be; when absent what is there, else what the source is.
    #[serde(default)]
    pub destination_type: Option<EntryType>,
    /// Which rows are copied, when the source is a database and not all of the table that its path
    /// names.
    #[serde(default)]
    pub select: Option<Selection>,
    /// How rows are written, when the destination is a table; they are added when absent.
    #[serde(default)]
    pub mode: Option<WriteMode>,
    /// The columns that tell rows apart when they are updated; the primary key when empty.
    #[serde(default)]
    pub keys: Vec<String>,
    /// Whether a table that is not there is made, with the columns of the source.
    #[serde(default)]
    pub create: bool,
}

/// What a path stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntryType {
    /// One file.
    File,
    /// A folder with what is below it.
    Directory,
}

/// Which rows of a database are copied, where it is not all of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
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

/// A parameter of a stored procedure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
