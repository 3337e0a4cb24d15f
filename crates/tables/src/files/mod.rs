//! Files as ends of a copy of rows: CSV or Parquet, by the ending of their names, on any store.
//!
//! - [`mod@read`]: a file, or all files of a directory, one after the other;
//! - [`mod@write`]: one file, which appears complete or not at all;
//! - [`blocks`]: a file of a store, read in any order.

mod blocks;
mod read;
mod write;

use std::sync::Arc;

use stepwell_datastore::{Credentials, Datastore, Secret};
use stepwell_transfer::End;
use stepwell_transfer::table::{Format, TableEnd};

use crate::error::{Error, Result};

pub(crate) use read::read;
pub(crate) use write::write;

/// Where files are.
fn open(end: &TableEnd) -> End {
    if end.name.is_empty() {
        let path = format!("/{}", end.path.trim_start_matches('/'));
        return End::plain(path.as_str().into());
    }
    let secret = |(name, text): (&String, &String)| (name.clone(), Secret::new(text.as_str()));
    let credentials: Credentials = end.credentials.iter().map(secret).collect();
    let store = Datastore::new(end.name.as_str(), end.definition.clone(), credentials);
    End::on(Arc::new(store), &end.path)
}

/// What a file is by its name; CSV where the name says nothing.
fn format_of(end: &End) -> Result<Format> {
    let name = end
        .path()
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_lowercase();
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    match ending {
        "parquet" | "pq" => Ok(Format::Parquet),
        "json" | "jsonl" | "xlsx" | "xls" | "gz" | "zip" | "zst" | "orc" | "avro" | "feather" => {
            Err(Error::refused(
                format!("{} is neither CSV nor Parquet", end.shown()),
                "rows are copied to and from CSV and Parquet: name the file `.csv` or `.parquet`",
            ))
        }
        _ => Ok(Format::Csv),
    }
}
