//! Answers that are lists: a page of the rows, and where the next one begins.
//!
//! Invariant: the token of a page is the number of the rows before it, and there is none after the last.

use axum::Json;
use serde::Serialize;
use serde_json::{Value, json};

/// The answer with a page of rows under their name, which begins at `offset`; with the token of the next
/// page if there are more.
pub(super) fn page_of<T: Serialize>(
    name: &str,
    rows: &[T],
    offset: u64,
    more: bool,
) -> Json<Value> {
    let mut answer = json!({ name: rows });
    if more {
        let next = offset.saturating_add(rows.len() as u64);
        answer["next_page_token"] = next.to_string().into();
    }
    Json(answer)
}

/// The same of all that was found, from `offset` on and `limit` at most.
pub(super) fn cut<T, S: Serialize>(
    name: &str,
    found: Vec<T>,
    (offset, limit): (u64, usize),
    shown: impl FnMut(T) -> S,
) -> Json<Value> {
    let skip = usize::try_from(offset).unwrap_or(usize::MAX);
    let more = found.len().saturating_sub(skip) > limit;
    let rows = found.into_iter().skip(skip).take(limit).map(shown);
    page_of(name, &rows.collect::<Vec<_>>(), offset, more)
}
