//! A part of a list that is sorted by name; the cursor is the last name that was given.

/// Which part of a list of names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NamedPart {
    /// Names after this one; from the first when absent.
    pub after: Option<String>,
    /// At most so many; all when absent.
    pub limit: Option<usize>,
}

impl NamedPart {
    /// The values of `WHERE name > ? … LIMIT ?`. No name is empty, and SQLite has no limit below 0.
    pub(crate) fn values(&self) -> (&str, i64) {
        let limit = self.limit.map(|limit| i64::try_from(limit).unwrap_or(-1));
        (
            self.after.as_deref().unwrap_or_default(),
            limit.unwrap_or(-1),
        )
    }
}
