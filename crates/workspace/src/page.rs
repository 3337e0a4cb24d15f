//! Parts of lists: how much, after which row, and where the next part begins.
//!
//! A cursor is the number of the last row that was given. Rows keep their numbers, so a list that
//! grows while it is read has no row twice and misses none that was there before.

pub use stepwell_store::NamedPart;

/// The most rows of one page.
pub const PAGE_MAX: usize = 1_000;

/// How many rows a page has by default.
const PAGE_DEFAULT: usize = 100;

/// Which part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Part {
    /// At most so many rows: 100 when absent, [`PAGE_MAX`] at most.
    pub limit: Option<usize>,
    /// Those after this cursor; from the beginning when absent.
    pub after: Option<i64>,
}

impl Part {
    /// The first rows, as many as there may be.
    #[must_use]
    pub const fn first(limit: usize) -> Self {
        Self {
            limit: Some(limit),
            after: None,
        }
    }

    pub(crate) fn limit(self) -> usize {
        self.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX)
    }
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// The cursor of the next page; absent on the last.
    pub next: Option<i64>,
}

impl<T> Page<T> {
    /// A page of rows that were read one too many, each with its cursor.
    pub(crate) fn cut(mut rows: Vec<T>, limit: usize, cursor: impl Fn(&T) -> i64) -> Self {
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(cursor);
        Self { rows, next }
    }

    /// The same rows in another form.
    pub fn map<U>(self, form: impl FnMut(T) -> U) -> Page<U> {
        Page {
            rows: self.rows.into_iter().map(form).collect(),
            next: self.next,
        }
    }
}

/// A part of a list that is sorted by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPage<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// The name after which the next page begins; absent on the last.
    pub next: Option<String>,
}

impl<T> NamedPage<T> {
    /// A page of rows that were read with [`one_more`].
    pub(crate) fn cut(mut rows: Vec<T>, part: &NamedPart, name: impl Fn(&T) -> &str) -> Self {
        let limit = part.limit.unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().filter(|_| more);
        let next = last.map(|row| name(row).to_owned());
        Self { rows, next }
    }
}

/// The part with one row more, to know whether there is a next page.
pub(crate) fn one_more(part: &NamedPart) -> NamedPart {
    NamedPart {
        after: part.after.clone(),
        limit: part.limit.map(|limit| limit.saturating_add(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_a_next_one_only_when_there_are_more_rows() {
        let cut = |rows: &[i64], limit| Page::cut(rows.to_vec(), limit, |row| *row);
        assert_eq!(cut(&[9, 8, 7], 2).next, Some(8));
        assert_eq!(cut(&[9, 8], 2).next, None);
        assert_eq!(cut(&[], 2).next, None);
        let limit = |limit| Part { limit, after: None }.limit();
        assert_eq!(
            (limit(None), limit(Some(0)), limit(Some(5_000))),
            (100, 1, 1_000)
        );
    }
}
