//! What can be refused before the first row. Pure.

use stepwell_model::WriteMode;

use crate::error::{Error, Result};

/// The columns of a table that rows are written to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Target {
    /// Its name in messages.
    pub(crate) table: String,
    /// Its columns.
    pub(crate) columns: Vec<String>,
    /// Those of its primary key.
    pub(crate) primary_key: Vec<String>,
    /// Those of each other index that takes no two equal rows.
    pub(crate) unique: Vec<Vec<String>>,
}

impl Target {
    /// Whether no two rows have the same values in these columns.
    fn is_unique_by(&self, keys: &[String]) -> bool {
        let sorted = |names: &[String]| {
            let mut names = names.to_vec();
            names.sort();
            names
        };
        let keys = sorted(keys);
        let mut known = std::iter::once(&self.primary_key).chain(&self.unique);
        known.any(|index| sorted(index) == keys)
    }
}

/// The columns that tell rows apart, when rows are updated; none otherwise.
///
/// Columns are matched by their names, case-sensitively; the table must have all of the source's.
pub(crate) fn keys(
    source: &[String],
    target: &Target,
    mode: WriteMode,
    asked: &[String],
) -> Result<Vec<String>> {
    let table = &target.table;
    for (index, name) in source.iter().enumerate() {
        if source[..index].contains(name) {
            return Err(Error::refused(
                format!("the source has two columns `{name}`"),
                "give each a name of its own, as with `SELECT a AS b`",
            ));
        }
    }
    if let Some(missing) = source.iter().find(|name| !target.columns.contains(name)) {
        let columns = target.columns.join(", ");
        return Err(Error::refused(
            format!("{table} has no column `{missing}`, which the source has"),
            format!("it has {columns}; names are matched case-sensitively"),
        ));
    }
    if mode != WriteMode::Upsert {
        return Ok(Vec::new());
    }
    let keys = match asked {
        [] => &target.primary_key,
        asked => asked,
    };
    if keys.is_empty() {
        return Err(Error::refused(
            format!("rows of {table} cannot be updated: it has no primary key"),
            "name the columns that tell its rows apart as keys",
        ));
    }
    if let Some(missing) = keys.iter().find(|key| !source.contains(key)) {
        return Err(Error::refused(
            format!("rows of {table} cannot be updated: the source has no column `{missing}`"),
            "the keys must be columns of the source",
        ));
    }
    if !target.is_unique_by(keys) {
        let keys = keys.join(", ");
        return Err(Error::refused(
            format!("rows of {table} cannot be updated by {keys}: it has no unique index on them"),
            "name the columns of its primary key or of a unique index",
        ));
    }
    Ok(keys.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(source: &str, mode: WriteMode, asked: &str) -> String {
        let words = |text: &str| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let target = Target {
            table: "table `t`".to_owned(),
            columns: words("id name Price"),
            primary_key: words("id"),
            unique: vec![words("name Price")],
        };
        match keys(&words(source), &target, mode, &words(asked)) {
            Ok(keys) => keys.join(" "),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn columns_are_matched_by_name_before_the_first_row() {
        assert_eq!(decided("name id", WriteMode::Append, ""), "");
        assert_eq!(
            decided("id price", WriteMode::Replace, ""),
            "table `t` has no column `price`, which the source has"
        );
        assert_eq!(
            decided("id id", WriteMode::Append, ""),
            "the source has two columns `id`"
        );
    }

    #[test]
    fn rows_are_updated_by_their_primary_key_or_by_the_keys_that_are_named() {
        assert_eq!(decided("id name", WriteMode::Upsert, ""), "id");
        assert_eq!(
            decided("id Price name", WriteMode::Upsert, "Price name"),
            "Price name"
        );
        assert_eq!(
            decided("id name", WriteMode::Upsert, "name"),
            "rows of table `t` cannot be updated by name: it has no unique index on them"
        );
        assert_eq!(
            decided("name", WriteMode::Upsert, ""),
            "rows of table `t` cannot be updated: the source has no column `id`"
        );
    }
}
