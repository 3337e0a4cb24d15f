//! U-SQL on Apache DataFusion: scripts of Azure Data Lake Analytics, run on one machine.
//!
//! The way of a script: [`source::Source`] → tokens → syntax tree → bound rowsets, whose expressions
//! are C#'s → DataFusion's plans → files that are committed together. Faults of the script are
//! [`diagnostic::Diagnostic`]s with a place and the identifier that the service documented.
//!
//! It runs no C#: extractors, processors and functions of the user's own are refused by name.
//! docs/usql.md of the repository says what of the language is covered.

mod ast;
mod bind;
mod catalog;
mod csharp;
pub mod diagnostic;
mod formats;
pub mod job;
mod json;
pub mod layout;
mod lexer;
mod lower;
mod parser;
pub mod paths;
mod python;
mod rowset;
pub mod source;
mod types;
mod value;
