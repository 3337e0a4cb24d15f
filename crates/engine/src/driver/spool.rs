//! Metrics that the SDK in a step wrote to disk because no server answered when it ended.

use serde::Deserialize;
use serde_json::Value;
use stepwell_data::folder::DataFolder;
use stepwell_model::{RunId, Timestamp};
use stepwell_store::{Store, metrics};

/// A spooled batch: the body of the request that could not be sent.
#[derive(Deserialize)]
struct Batch {
    writer: String,
    first: u64,
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
pub(super) async fn ingest(store: &Store, run: RunId, folder: &DataFolder) {
    let Ok(entries) = std::fs::read_dir(folder.spool(run)) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        let text = std::fs::read(&path).unwrap_or_default();
        let batch: Batch = match serde_json::from_slice(&text) {
            Ok(batch) => batch,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a spooled batch cannot be read");
                continue;
            }
        };
        let add = move |db: &stepwell_store::Connection| {
            let points: Vec<metrics::Point> = batch.points.into_iter().map(stored).collect();
            metrics::add(db, run, &batch.writer, batch.first, &points)
        };
        match store.write(add).await {
            Ok(_) => drop(std::fs::remove_file(&path)),
            Err(error) => tracing::error!(%error, "a spooled batch cannot be stored yet"),
        }
    }
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
