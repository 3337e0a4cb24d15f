//! Files to and from a datastore: large ones in parts, many at once, counted as they go.
//!
//! An object appears under its name whole, when its last part is there. A file of this machine is
//! written where the caller says, who gives it its name when it is whole.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use camino::{Utf8Path, Utf8PathBuf};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use object_store::{ObjectStoreExt as _, PutPayload, WriteMultipart};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Semaphore;

use crate::store::Asked;
use crate::{Datastore, Entry, Error, Result, limits};

/// How many parts of one file are on their way or waiting to be written.
const PARTS_AHEAD: usize = 3;

/// How far a transfer is. Counts are read by whoever shows them.
#[derive(Debug, Default)]
pub struct Progress {
    files: AtomicU64,
    bytes: AtomicU64,
    files_total: AtomicU64,
    bytes_total: AtomicU64,
}

impl Progress {
    /// Announces what is to be moved.
    pub fn expect(&self, files: u64, bytes: u64) {
        self.files_total.fetch_add(files, Ordering::Relaxed);
        self.bytes_total.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn moved(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn finished_file(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
    }

    /// How many bytes have been moved.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// In words, such as `12 of 40 files, 3.1 of 9.8 GB`.
    #[must_use]
    pub fn words(&self) -> String {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let total = load(&self.bytes_total);
        let (unit, name) = match total {
            0..1_000_000 => (1_000, "kB"),
            1_000_000..1_000_000_000 => (1_000_000, "MB"),
            _ => (1_000_000_000, "GB"),
        };
        let tenths = |bytes: u64| {
            let tenths = bytes.saturating_mul(10) / unit;
            format!("{}.{}", tenths / 10, tenths % 10)
        };
        format!(
            "{} of {} files, {} of {} {name}",
            load(&self.files),
            load(&self.files_total),
            tenths(load(&self.bytes)),
            tenths(total)
        )
    }
}

/// The requests that one transfer may have open at once, over all its files.
#[derive(Debug, Clone)]
pub struct Lanes(Arc<Semaphore>);

impl Default for Lanes {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(limits::REQUESTS)))
    }
}

impl Lanes {
    async fn part(&self, store: &Datastore, entry: &Entry, start: u64) -> Result<bytes::Bytes> {
        // The lanes are never closed.
        let _lane = self.0.acquire().await;
        let end = entry.size.min(start + limits::PART_BYTES);
        store.part(entry, start..end).await
    }
}

/// Writes what an entry stands for to a file.
///
/// # Errors
/// When it is no longer what was listed, and those of the far side and of the disk. The file may
/// then hold a part of it.
pub async fn download(
    store: &Datastore,
    entry: &Entry,
    target: &Utf8Path,
    lanes: &Lanes,
    progress: &Progress,
) -> Result<()> {
    let writing = |error: std::io::Error| Error::File {
        kind: error.kind(),
        text: format!("failed to write `{target}`: {error}"),
    };
    // Made before anything is awaited: it is not there after all when this was dropped and tidied.
    let file = std::fs::File::create(target).map_err(writing)?;
    let mut file = tokio::fs::File::from_std(file);
    let starts = (0..entry.size.max(1)).step_by(usize::try_from(limits::PART_BYTES).unwrap_or(1));
    let mut parts = stream::iter(starts)
        .map(|start| lanes.part(store, entry, start))
        .buffered(PARTS_AHEAD);
    while let Some(bytes) = parts.try_next().await? {
        file.write_all(&bytes).await.map_err(writing)?;
        progress.moved(bytes.len() as u64);
    }
    file.flush().await.map_err(writing)?;
    progress.finished_file();
    Ok(())
}

/// Puts a file of this machine under a path; whatever was there is replaced.
///
/// # Errors
/// Those of the far side and of the disk; nothing of the file is there then.
pub async fn upload(
    store: &Datastore,
    source: &Utf8Path,
    path: &str,
    lanes: &Lanes,
    progress: &Progress,
) -> Result<Entry> {
    store.refuse_links(path)?;
    let reading = |error: std::io::Error| Error::File {
        kind: error.kind(),
        text: format!("failed to read `{source}`: {error}"),
    };
    let mut file = tokio::fs::File::open(source).await.map_err(reading)?;
    let size = file.metadata().await.map_err(reading)?.len();
    // The lanes are never closed.
    let _lane = lanes.0.acquire().await;
    let place = store.path(path)?;
    let client = store.client()?;
    let fault = |error| store.fault(&client, error, &Asked::File(path));
    let put = if size <= limits::PART_BYTES {
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        file.read_to_end(&mut bytes).await.map_err(reading)?;
        progress.moved(bytes.len() as u64);
        let payload = PutPayload::from(bytes);
        client.store.put(&place, payload).await.map_err(fault)?
    } else {
        let multipart = client.store.put_multipart(&place).await.map_err(fault)?;
        let part = limits::PART_BYTES.max(size.div_ceil(limits::PARTS_MAX));
        let part = usize::try_from(part).unwrap_or(usize::MAX);
        let mut writer = WriteMultipart::new_with_chunk_size(multipart, part);
        loop {
            let mut bytes = Vec::with_capacity(part);
            let read = (&mut file).take(part as u64).read_to_end(&mut bytes).await;
            if let Err(error) = read {
                drop(writer.abort().await);
                return Err(reading(error));
            }
            if bytes.is_empty() {
                break;
            }
            if let Err(error) = writer.wait_for_capacity(PARTS_AHEAD).await {
                drop(writer.abort().await);
                return Err(fault(error));
            }
            progress.moved(bytes.len() as u64);
            writer.put(bytes.into());
        }
        // It aborts the upload itself when it fails.
        writer.finish().await.map_err(fault)?
    };
    progress.finished_file();
    match put.e_tag.filter(|_| store.root().is_none()) {
        // Another machine is not asked again; it has taken the file this moment.
        Some(etag) => Ok(Entry {
            path: place.to_string(),
            size,
            etag: etag.trim_matches('"').to_owned(),
            modified_ms: now_ms(),
        }),
        None => store.stat(path).await,
    }
}

fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

/// Something that is about to be done, without the name of its type.
pub(crate) type Work<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A file of this machine and the path it gets on a datastore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The file.
    pub source: Utf8PathBuf,
    /// Its path on the datastore.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
}

/// Every file below a folder, or the file itself, and the path it gets below `target`.
/// Links are followed; empty folders have no counterpart on a datastore.
///
/// # Errors
/// When a folder cannot be read.
pub fn uploads(source: &Utf8Path, target: &str) -> Result<Vec<Upload>> {
    let about = match fs_err::metadata(source) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        about => about?,
    };
    let target = target.trim_matches('/');
    if about.is_file() {
        return Ok(vec![Upload {
            source: source.to_owned(),
            path: target.to_owned(),
            size: about.len(),
        }]);
    }
    let mut found = Vec::new();
    let mut folders = vec![(source.to_owned(), target.to_owned())];
    while let Some((folder, prefix)) = folders.pop() {
        for entry in folder.read_dir_utf8()? {
            let entry = entry?;
            let path = match prefix.as_str() {
                "" => entry.file_name().to_owned(),
                prefix => format!("{prefix}/{}", entry.file_name()),
            };
            let about = fs_err::metadata(entry.path())?;
            if about.is_dir() {
                folders.push((entry.into_path(), path));
            } else if about.is_file() {
                found.push(Upload {
                    source: entry.into_path(),
                    path,
                    size: about.len(),
                });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// Puts many files at once; the entries are in the order of the files.
///
/// # Errors
/// The first that fails; others may be there by then.
pub async fn upload_all(
    store: &Datastore,
    files: &[Upload],
    progress: &Progress,
) -> Result<Vec<Entry>> {
    let lanes = Lanes::default();
    progress.expect(files.len() as u64, files.iter().map(|file| file.size).sum());
    let mut uploads: Vec<Work<'_, Result<Entry>>> = Vec::with_capacity(files.len());
    for Upload { source, path, .. } in files {
        uploads.push(Box::pin(upload(store, source, path, &lanes, progress)));
    }
    stream::iter(uploads)
        .buffered(limits::REQUESTS)
        .try_collect()
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_reads_as_a_sentence() {
        let progress = Progress::default();
        progress.expect(40, 9_800_000_000);
        progress.moved(3_140_000_000);
        progress.finished_file();
        assert_eq!(progress.words(), "1 of 40 files, 3.1 of 9.8 GB");
    }
}
