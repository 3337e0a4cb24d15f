//! Metrics that the SDK in a step wrote to disk: because no server answered when it ended, or because
//! the step ended before they were sent.
//!
//! A file `*.json` is the body of a request. A file `*.jsonl` has its points in lines of their own,
//! after a first line that says who wrote them; a step that is killed may leave the last line torn.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use stepwell_data::folder::DataFolder;
use stepwell_model::{RunId, Timestamp};
use stepwell_store::{Store, metrics};

/// A spooled batch: the body of the request that could not be sent.
#[derive(Default, Deserialize)]
struct Batch {
    writer: String,
    first: u64,
    /// The run they are of, where it is not the step's own: its parent's.
    #[serde(default)]
    run: Option<String>,
    #[serde(default)]
    points: Vec<Point>,
}

#[derive(Deserialize)]
struct Point {
    name: String,
    kind: String,
    value: Value,
    #[serde(default)]
    step: Option<i64>,
    at_ms: i64,
    #[serde(default)]
    description: String,
}

/// Adds what a run spooled to its metrics. Batches are known by writer and number, so that a
/// crash between adding and removing does no harm; one that cannot be read stays where it is.
pub(super) async fn ingest(store: &Store, run: RunId, parent: RunId, folder: &DataFolder) {
    let spool = folder.spool(run);
    let read = tokio::task::spawn_blocking(move || read(spool.as_std_path()));
    for (path, batch) in read.await.unwrap_or_default() {
        let run = match &batch.run {
            None => run,
            // A step's program may write to its own run and to its parent, and to no other.
            Some(named) if *named == parent.to_string() => parent,
            Some(named) => {
                tracing::warn!(path = %path.display(), named, "a batch of another run is left");
                continue;
            }
        };
        let add = move |db: &stepwell_store::Connection| {
            let points: Vec<metrics::Point> = batch.points.into_iter().map(stored).collect();
            metrics::add(db, run, &batch.writer, batch.first, &points)
        };
        match store.write(add).await {
            Ok(_) => drop(tokio::fs::remove_file(&path).await),
            Err(error) => tracing::error!(%error, "a spooled batch cannot be stored yet"),
        }
    }
}

/// The batches in a folder that can be read.
fn read(folder: &Path) -> Vec<(PathBuf, Batch)> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let batch = |path: PathBuf| {
        let text = std::fs::read(&path).unwrap_or_default();
        let is_journal = path.extension().is_some_and(|kind| kind == "jsonl");
        match parse(&text, is_journal) {
            Ok(batch) => Some((path, batch)),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a spooled batch cannot be read");
                None
            }
        }
    };
    let paths = entries.flatten().map(|entry| entry.path());
    paths.filter_map(batch).collect()
}

fn parse(text: &[u8], is_journal: bool) -> serde_json::Result<Batch> {
    if !is_journal {
        return serde_json::from_slice(text);
    }
    let lines = text.split(|&byte| byte == b'\n');
    let mut lines = lines.filter(|line| !line.is_empty());
    let Some(header) = lines.next() else {
        return Ok(Batch::default());
    };
    let header: Batch = serde_json::from_slice(header)?;
    let points = lines.map_while(|line| serde_json::from_slice(line).ok());
    Ok(Batch {
        points: points.collect(),
        ..header
    })
}

fn stored(point: Point) -> metrics::Point {
    metrics::Point {
        name: point.name,
        kind: point.kind,
        value_json: point.value.to_string(),
        step: point.step,
        at: Timestamp::from_millis(point.at_ms),
        description: point.description,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_read_up_to_its_torn_line() {
        let point = r#"{"name":"a","kind":"scalar","value":1,"step":null,"at_ms":5}"#;
        let header = r#"{"writer":"w","first":7}"#;
        let text = format!("{header}\n{point}\n{point}\n{{\"name\":\"a");
        let batch = parse(text.as_bytes(), true).expect("a header");
        assert_eq!((batch.first, batch.points.len()), (7, 2));
        assert!(parse(b"", true).expect("an empty one").points.is_empty());
        assert!(parse(b"{\"wri", true).is_err());
    }
}
