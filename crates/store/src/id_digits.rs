//! The digits that a person gives of a run's id, and the runs whose ids they fit.
//!
//! Ids begin with the time, so runs of one minute share their first digits; the last eight are
//! random, and tables show those. Both ends are accepted.

use rusqlite::{Connection, params};
use stepwell_model::RunId;

use crate::runs::{Record, find};
use crate::{Result, columns};

/// The fewest digits that are taken for the beginning of an id.
const FIRST_MIN: usize = 4;

/// How many digits an ending has at least: as many as tables show, and as the index has.
const LAST_MIN: usize = 8;

/// How many digits an id has.
const ALL: usize = 32;

/// At least four hexadecimal digits of an id, without hyphens and in lower case.
///
/// ```
/// use stepwell_store::IdDigits;
///
/// assert!(IdDigits::parse("0192F5C4-1111").is_some());
/// assert!(IdDigits::parse("train").is_none());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdDigits(String);

impl IdDigits {
    /// The digits in a text; `None` when it cannot be the beginning or the end of an id.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|digit| *digit != '-').collect();
        let hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let counted = (FIRST_MIN..=ALL).contains(&digits.len());
        (counted && hexadecimal).then(|| Self(digits.to_ascii_lowercase()))
    }

    /// Whether an id begins with them, or ends with them when there are eight or more.
    #[must_use]
    pub fn fit(&self, run: RunId) -> bool {
        let id = run.uuid().simple().to_string();
        id.starts_with(&self.0) || (self.0.len() >= LAST_MIN && id.ends_with(&self.0))
    }

    /// The lowest and the highest id that begin with them.
    pub(crate) fn range(&self) -> ([u8; 16], [u8; 16]) {
        let number = |fill: char| {
            let filled = self.0.chars().chain(std::iter::repeat(fill)).take(ALL);
            let value = u128::from_str_radix(&filled.collect::<String>(), 16);
            value.unwrap_or_default().to_be_bytes()
        };
        (number('0'), number('f'))
    }

    /// The last four bytes of an id that ends with them; `None` when they are too few.
    pub(crate) fn ending(&self) -> Option<[u8; 4]> {
        let start = self.0.len().checked_sub(LAST_MIN)?;
        let value = u32::from_str_radix(&self.0[start..], 16).ok()?;
        Some(value.to_be_bytes())
    }
}

/// The runs whose ids begin or end with hexadecimal digits, in the order of their ids, at most
/// `limit`: those without a parent, and only when there are none the others, as the steps of a
/// pipeline share its first digits. An ending needs eight digits; fewer are a beginning only.
///
/// # Errors
/// Those of the database.
pub fn find_abbreviated(
    connection: &Connection,
    digits: &IdDigits,
    limit: usize,
) -> Result<Vec<Record>> {
    let mut ending = Vec::new();
    if let Some(last) = digits.ending() {
        let mut statement = connection.prepare_cached(BY_LAST_DIGITS)?;
        let ids = statement.query_map([last], |row| row.get(0))?;
        for id in ids {
            let fits = Some(columns::run_id(id?)).filter(|run| digits.fit(*run));
            ending.extend(fits.map(|run| find(connection, run)).transpose()?.flatten());
        }
    }
    let (with_parent, without): (Vec<_>, Vec<_>) =
        ending.into_iter().partition(|run| run.parent.is_some());
    for (query, ending) in [
        (TOP_LEVEL_BY_FIRST_DIGITS, without),
        (BY_FIRST_DIGITS, with_parent),
    ] {
        let mut found = beginning(connection, query, digits, limit)?;
        found.extend(ending);
        found.sort_by_key(|run| run.id);
        found.dedup_by_key(|run| run.id);
        found.truncate(limit);
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

/// The first runs of a query whose ids begin with digits.
fn beginning(
    connection: &Connection,
    query: &str,
    digits: &IdDigits,
    limit: usize,
) -> Result<Vec<Record>> {
    let (first, last) = digits.range();
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(query)?;
    let ids = statement.query_map(params![first, last, limit], |row| row.get(0))?;
    let mut found = Vec::new();
    for id in ids {
        found.extend(find(connection, columns::run_id(id?))?);
    }
    Ok(found)
}

pub(crate) const BY_FIRST_DIGITS: &str =
    "SELECT id FROM runs WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?";

/// In the words of the index `runs_top_level_ids`.
pub(crate) const TOP_LEVEL_BY_FIRST_DIGITS: &str =
    "SELECT id FROM runs INDEXED BY runs_top_level_ids
    WHERE parent IS NULL AND id BETWEEN ? AND ? ORDER BY id LIMIT ?";

/// In the words of the index `runs_by_last_digits`.
pub(crate) const BY_LAST_DIGITS: &str =
    "SELECT id FROM runs INDEXED BY runs_by_last_digits WHERE substr(id, 13) = ? ORDER BY id";
