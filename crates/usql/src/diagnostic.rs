//! What is wrong with a script or its data: errors as values with a code, a place and a way out.
//!
//! Codes are those that the service documented, so that its pages and old notes can be found by
//! them; what it never documented has a code that begins with `SW_`. Text is made in one place,
//! [`Diagnostic::render`].

use std::fmt::Write as _;

use serde::Serialize;

use crate::source::{Source, Span};

/// The kind of a diagnostic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(into = "&'static str")]
pub enum Code {
    /// The text does not follow the grammar.
    Syntax,
    /// An expression has no meaning in C#: unknown name, wrong type, no such method.
    InvalidExpression,
    /// A value that must be known before the job starts is not.
    NotConstant,
    /// A database, schema, table, view, function or procedure does not exist.
    EntityMissing,
    /// It exists already.
    EntityExists,
    /// A variable is declared twice.
    AlreadyDeclared,
    /// A path is empty.
    EmptyPath,
    /// A path is not one that can be read or written, or nothing is there.
    InvalidPath,
    /// A compressed output was not switched on.
    FileFormat,
    /// A column of this type cannot be written as text.
    OutputType,
    /// An argument of an extractor or outputter is unknown or has a wrong value.
    FormatArgument,
    /// The script raised it.
    Raised,
    /// The construct needs code that cannot run here.
    Unsupported,
    /// A file set uses a format that was removed.
    FileSet,
    /// A row of an input has another number of columns than the schema.
    ColumnCount,
    /// A field of an input cannot be converted to its column's type.
    Conversion,
    /// A field of an input is empty and its column takes no null.
    NullConversion,
    /// A field of an input is longer than a column may be.
    TooLong,
    /// Bytes of an input are not text in its encoding.
    Encoding,
    /// An expression failed for a row.
    Evaluation,
    /// A file could not be read or written.
    Storage,
    /// Memory or disk ran out, or the engine failed.
    Engine,
}

impl Code {
    /// The documented identifier.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "E_CSC_USER_SYNTAXERROR",
            Self::InvalidExpression => "E_CSC_USER_INVALIDCSHARP",
            Self::NotConstant => "E_CSC_USER_EXPRESSIONNOTCONSTANTFOLDABLE",
            Self::EntityMissing => "E_CSC_USER_DDLENTITYDOESNOTEXIST",
            Self::EntityExists => "E_CSC_USER_DDLENTITYALREADYEXISTS",
            Self::AlreadyDeclared => "E_CSC_USER_ROWSETVARIABLEALREADYDECLARED",
            Self::EmptyPath => "E_CSC_USER_EMPTYFILEPATH",
            Self::InvalidPath => "E_CSC_USER_INVALIDFILENAME",
            Self::FileFormat => "E_CSC_USER_FILEFORMATNOTSUPPORTED",
            Self::OutputType => "E_CSC_USER_INVALIDTYPEINOUTPUTTER",
            Self::FormatArgument => "SW_FORMAT_ARGUMENT",
            Self::Raised => "E_CSC_USER_RAISEERROR",
            Self::Unsupported => "SW_UNSUPPORTED",
            Self::FileSet => "E_CSC_USER_STARFORMATSPECIFIERISDEPRECATED",
            Self::ColumnCount => "E_EXTRACT_UNEXPECTED_NUMBER_COLUMNS",
            Self::Conversion => "E_RUNTIME_USER_EXTRACT_COLUMN_CONVERSION_INVALID_ERROR",
            Self::NullConversion => "E_RUNTIME_USER_EXTRACT_COLUMN_CONVERSION_NULL_ERROR",
            Self::TooLong => "E_RUNTIME_USER_EXTRACT_COLUMN_CONVERSION_TOO_LONG",
            Self::Encoding => "SW_ENCODING",
            Self::Evaluation => "E_RUNTIME_USER_EXPRESSIONEVALUATION",
            Self::Storage => "SW_STORAGE",
            Self::Engine => "SW_ENGINE",
        }
    }
}

impl From<Code> for &'static str {
    fn from(code: Code) -> Self {
        code.as_str()
    }
}

/// Whether the job can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can.
    Warning,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its kind.
    pub code: Code,
    /// Whether the job can go on.
    pub severity: Severity,
    /// One sentence without a full stop.
    pub message: String,
    /// Where in the script.
    pub span: Span,
    /// What to do; empty when the message says it.
    pub help: String,
}

impl Diagnostic {
    pub(crate) fn error(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            span,
            help: String::new(),
        }
    }

    pub(crate) fn warning(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, span, message)
        }
    }

    pub(crate) fn with_help(self, help: impl Into<String>) -> Self {
        Self {
            help: help.into(),
            ..self
        }
    }

    /// The diagnostic with its line and a caret below what it is about.
    #[must_use]
    pub fn render(&self, source: &Source) -> String {
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let (line, column) = source.position(self.span.start);
        let text = source.line(line).replace('\t', " ");
        let width = line.to_string().len();
        let rest = text.chars().count().saturating_sub(column - 1).max(1);
        let spanned = source.text().get(self.span.range()).unwrap_or_default();
        let marked = spanned.lines().next().unwrap_or_default().chars().count();
        let mut out = format!("{word}[{}]: {}\n", self.code.as_str(), self.message);
        let _ = writeln!(out, "{:width$}--> {}:{line}:{column}", "", source.name());
        let _ = writeln!(out, "{:width$} |", "");
        let _ = writeln!(out, "{line} | {text}");
        let (blank, carets) = (" ".repeat(column - 1), "^".repeat(marked.clamp(1, rest)));
        let _ = writeln!(out, "{:width$} | {blank}{carets}", "");
        if !self.help.is_empty() {
            let _ = writeln!(out, "{:width$} = help: {}", "", self.help);
        }
        out
    }

    /// The diagnostic as a record for programs.
    #[must_use]
    pub fn record(&self, source: &Source) -> serde_json::Value {
        let (line, column) = source.position(self.span.start);
        let (end_line, end_column) = source.position(self.span.end);
        serde_json::json!({
            "errorId": self.code.as_str(),
            "severity": self.severity,
            "message": self.message,
            "resolution": self.help,
            "file": source.name(),
            "line": line,
            "column": column,
            "end_line": end_line,
            "end_column": end_column,
        })
    }
}

/// Collects what is wrong while a script is read, so that all of it is reported together.
#[derive(Debug, Default)]
pub(crate) struct Diagnostics {
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.list
            .iter()
            .any(|each| each.severity == Severity::Error)
    }

    pub(crate) fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|each| each.span.start);
        self.list.dedup();
        self.list
    }
}

/// The candidate that was probably meant, for "did you mean" in messages.
pub(crate) fn closest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    let distance = |candidate: &str| edit_distance(&lower, &candidate.to_lowercase());
    let mut ranked: Vec<_> = known
        .into_iter()
        .map(|each| (distance(each), each))
        .collect();
    ranked.sort();
    let limit = (name.chars().count() / 3).max(1);
    ranked
        .first()
        .filter(|(distance, _)| *distance <= limit)
        .map(|(_, name)| *name)
}

/// The Levenshtein distance.
fn edit_distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let substituted = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_shows_its_line_with_a_caret() {
        let source = Source::new("job.usql", "@r =\n    SELECT x FROM @s;\n");
        let diagnostic = Diagnostic::error(Code::Syntax, Span::new(16, 17), "unknown column `x`")
            .with_help("did you mean `y`?");
        insta::assert_snapshot!(diagnostic.render(&source), @r"
        error[E_CSC_USER_SYNTAXERROR]: unknown column `x`
         --> job.usql:2:12
          |
        2 |     SELECT x FROM @s;
          |            ^
          = help: did you mean `y`?
        ");
    }

    #[test]
    fn the_closest_name_is_close() {
        assert_eq!(closest("regoin", ["region", "start"]), Some("region"));
        assert_eq!(closest("xyz", ["region", "start"]), None);
    }
}
