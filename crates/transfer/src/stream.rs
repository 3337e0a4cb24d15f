//! One file from store to store in parts, several at once.
//!
//! Memory is bounded by a budget that all files share, not by their size. Each part is digested as
//! it is read. The file gets its name when all its parts are there, and only if the source is still
//! what was listed.

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use camino::Utf8PathBuf;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use stepwell_datastore::{Entry, Upload};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::cut;
use crate::listing::{Item, local_item};
use crate::local;
use crate::log::{Line, Log, Unfinished};
use crate::plan::FileCopy;
use crate::{End, Error, Progress, Result};

/// How much of all files is in memory at once, in MiB.
const BUDGET_MIB: u32 = 128;

/// How many parts of one file are on their way at once.
const PARTS_AT_ONCE: usize = 8;

/// The pauses before a part is tried again, after those of the store's own client.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(8),
];

/// What copying a file needs to know.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) source: &'a End,
    pub(crate) destination: &'a End,
    pub(crate) log: &'a Log,
    pub(crate) progress: &'a Progress,
    pub(crate) budget: Semaphore,
}

impl<'a> Context<'a> {
    pub(crate) fn new(
        (source, destination): (&'a End, &'a End),
        log: &'a Log,
        progress: &'a Progress,
    ) -> Self {
        Self {
            source,
            destination,
            log,
            progress,
            budget: Semaphore::new(BUDGET_MIB as usize),
        }
    }
}

/// The digests of the parts of a file.
pub(crate) struct Digests {
    pub(crate) part_bytes: u64,
    pub(crate) parts: Vec<blake3::Hash>,
}

/// Copies one file; gives the digests of what was read.
pub(crate) async fn copy(
    cx: &Context<'_>,
    file: &FileCopy,
    unfinished: Option<&Unfinished>,
) -> Result<Digests> {
    let reader = Reader::open(cx.source, &file.source).await?;
    let target = cx.destination.join(&file.target);
    if file.source.size <= cut::PART_BYTES {
        let bytes = in_budget(cx, file.source.size, reader.part(0..file.source.size)).await?;
        let digest = blake3::hash(&bytes);
        reader.check_unchanged().await?;
        let length = bytes.len() as u64;
        put(cx.destination, &target, bytes).await?;
        cx.progress.copied(length);
        return Ok(Digests {
            part_bytes: cut::PART_BYTES,
            parts: vec![digest],
        });
    }
    let is_same = |begun: &&Unfinished| begun.etag == file.source.etag;
    let resumed = copy_parts(cx, file, &reader, &target, unfinished.filter(is_same)).await;
    match resumed {
        // The store has forgotten the upload: it begins anew.
        Err(error) if error.is_absent() && unfinished.is_some() => {
            copy_parts(cx, file, &reader, &target, None).await
        }
        done => done,
    }
}

async fn copy_parts(
    cx: &Context<'_>,
    file: &FileCopy,
    reader: &Reader,
    target: &str,
    unfinished: Option<&Unfinished>,
) -> Result<Digests> {
    let size = file.source.size;
    let part_bytes = unfinished.map_or_else(|| cut::part_bytes(size), |begun| begun.part_bytes);
    let writer = Writer::open(cx.destination, target, size, unfinished).await?;
    let there = match unfinished {
        Some(begun) => writer.kept(begun, size).await?,
        None => {
            cx.log.write(&Line::Begun {
                target: file.target.clone(),
                etag: file.source.etag.clone(),
                part_bytes,
                upload: writer.upload(),
            })?;
            BTreeMap::new()
        }
    };
    for index in there.keys() {
        cx.progress.resumed(length_of(*index, size, part_bytes));
    }
    let (there, writer) = (&there, &writer);
    let missing = cut::parts(size, part_bytes).filter(|(index, _)| !there.contains_key(index));
    let mut written = stream::iter(missing)
        .map(|(index, range)| async move {
            let length = range.end - range.start;
            let (id, digest) = in_budget(cx, length, async {
                let bytes = persist(|| reader.part(range.clone())).await?;
                let digest = blake3::hash(&bytes);
                let id = persist(|| writer.put(target, index, range.start, bytes.clone())).await?;
                Ok((id, digest))
            })
            .await?;
            cx.log.write(&Line::Part {
                target: file.target.clone(),
                index,
                id: id.clone(),
                digest: digest.to_hex().to_string(),
            })?;
            cx.progress.copied(length);
            Ok::<_, Error>((index, (id, digest)))
        })
        .buffer_unordered(PARTS_AT_ONCE);
    let mut parts = there.clone();
    while let Some((index, part)) = written.try_next().await? {
        parts.insert(index, part);
    }
    drop(written);
    reader.check_unchanged().await?;
    let (ids, digests): (Vec<String>, Vec<blake3::Hash>) = parts.into_values().unzip();
    writer.finish(target, ids).await?;
    Ok(Digests {
        part_bytes,
        parts: digests,
    })
}

fn length_of(index: usize, size: u64, part_bytes: u64) -> u64 {
    let start = part_bytes * index as u64;
    size.min(start + part_bytes).saturating_sub(start)
}

/// Does something that holds so many bytes in memory.
async fn in_budget<T>(
    cx: &Context<'_>,
    bytes: u64,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let mebibytes = u32::try_from(bytes.div_ceil(1 << 20)).unwrap_or(BUDGET_MIB);
    let held = cx.budget.acquire_many(mebibytes.clamp(1, BUDGET_MIB)).await;
    let _held = held.map_err(|_| Error::Interrupted)?;
    work.await
}

/// Tries again what a broken connection ended.
pub(crate) async fn persist<T, F: Future<Output = Result<T>>>(work: impl Fn() -> F) -> Result<T> {
    for pause in PAUSES {
        match work().await {
            Err(error) if error.is_passing() => {
                tracing::debug!(%error, "a part is tried again");
                tokio::time::sleep(pause).await;
            }
            done => return done,
        }
    }
    work().await
}

async fn put(destination: &End, target: &str, bytes: Bytes) -> Result<()> {
    let Some(path) = destination.local(target) else {
        let store = destination.store();
        return persist(|| async { Ok(store.put(target, bytes.clone()).await?) }).await;
    };
    let root = destination
        .refuses_links()
        .then(|| destination.local(""))
        .flatten();
    blocking(move || {
        local::make_parent(&path, root.as_deref())?;
        local::put(&path, &bytes)
    })
    .await
}

/// A file that is read part by part.
pub(crate) enum Reader {
    /// On this machine.
    Local {
        path: Utf8PathBuf,
        file: Arc<File>,
        etag: String,
    },
    /// On a datastore elsewhere.
    Remote { end: End, entry: Entry },
}

impl Reader {
    pub(crate) async fn open(end: &End, item: &Item) -> Result<Self> {
        let path = end.join(&item.name);
        let Some(place) = end.local(&path) else {
            let entry = Entry {
                path,
                size: item.size,
                etag: item.etag.clone(),
                modified_ms: item.modified_ms,
            };
            let end = end.clone();
            return Ok(Self::Remote { end, entry });
        };
        let opened = place.clone();
        let file = blocking(move || local::open(&opened)).await?;
        Ok(Self::Local {
            path: place,
            file: Arc::new(file),
            etag: item.etag.clone(),
        })
    }

    pub(crate) async fn part(&self, range: Range<u64>) -> Result<Bytes> {
        match self {
            Self::Remote { end, entry } => Ok(end.store().part(entry, range).await?),
            Self::Local { path, file, .. } => {
                let (path, file) = (path.clone(), Arc::clone(file));
                blocking(move || Ok(local::read_part(&file, &path, &range)?.into())).await
            }
        }
    }

    /// A remote file is checked with each part.
    async fn check_unchanged(&self) -> Result<()> {
        let Self::Local { path, etag, .. } = self else {
            return Ok(());
        };
        let (path, etag) = (path.clone(), etag.clone());
        blocking(move || {
            let about = std::fs::metadata(&path);
            let about = about.map_err(|error| Error::file("read", &path, &error))?;
            match local_item(String::new(), &about).etag == etag {
                true => Ok(()),
                false => Err(Error::Changed(format!("`{path}`"))),
            }
        })
        .await
    }
}

/// A file that is written part by part.
enum Writer {
    Local {
        part: Utf8PathBuf,
        path: Utf8PathBuf,
        file: Arc<File>,
    },
    Remote {
        end: End,
        upload: Upload,
    },
}

impl Writer {
    async fn open(
        end: &End,
        target: &str,
        size: u64,
        unfinished: Option<&Unfinished>,
    ) -> Result<Self> {
        let Some(path) = end.local(target) else {
            let upload = match unfinished {
                Some(begun) => Upload(begun.upload.clone()),
                None => end.store().begin(target).await?,
            };
            let end = end.clone();
            return Ok(Self::Remote { end, upload });
        };
        let root = end.refuses_links().then(|| end.local("")).flatten();
        let part = local::part_file(&path);
        let (opened, named) = (part.clone(), path.clone());
        let file = blocking(move || {
            local::make_parent(&named, root.as_deref())?;
            let file = local::open_part(&opened)?;
            let sized = file.set_len(size);
            sized.map_err(|error| Error::file("write", &named, &error))?;
            Ok(file)
        });
        let file = Arc::new(file.await?);
        Ok(Self::Local { part, path, file })
    }

    fn upload(&self) -> String {
        match self {
            Self::Local { .. } => String::new(),
            Self::Remote { upload, .. } => upload.0.clone(),
        }
    }

    /// The parts that are really there. Those on this machine are read: the log may have come to
    /// the disk without them.
    async fn kept(
        &self,
        begun: &Unfinished,
        size: u64,
    ) -> Result<BTreeMap<usize, (String, blake3::Hash)>> {
        let known = begun.parts.iter().filter_map(|(index, (id, digest))| {
            let digest = blake3::Hash::from_hex(digest).ok()?;
            Some((*index, (id.clone(), digest)))
        });
        let known: BTreeMap<_, _> = known.collect();
        let Self::Local { file, part, .. } = self else {
            return Ok(known);
        };
        let (file, part, part_bytes) = (Arc::clone(file), part.clone(), begun.part_bytes);
        blocking(move || {
            let is_there = |index: &usize, digest: &blake3::Hash| {
                let start = part_bytes * *index as u64;
                let range = start..start + length_of(*index, size, part_bytes);
                local::read_part(&file, &part, &range)
                    .is_ok_and(|bytes| blake3::hash(&bytes) == *digest)
            };
            let mut known = known;
            known.retain(|index, (_, digest)| is_there(index, digest));
            Ok(known)
        })
        .await
    }

    async fn put(&self, target: &str, index: usize, at: u64, bytes: Bytes) -> Result<String> {
        match self {
            Self::Remote { end, upload } => {
                Ok(end.store().put_part(target, upload, index, bytes).await?)
            }
            Self::Local { part, file, .. } => {
                let (part, file) = (part.clone(), Arc::clone(file));
                blocking(move || {
                    let written = file.write_all_at(&bytes, at);
                    written.map_err(|error| Error::file("write", &part, &error))?;
                    Ok(String::new())
                })
                .await
            }
        }
    }

    async fn finish(&self, target: &str, parts: Vec<String>) -> Result<()> {
        match self {
            Self::Remote { end, upload } => {
                let store = end.store();
                persist(|| async { Ok(store.complete(target, upload, parts.clone()).await?) }).await
            }
            Self::Local { part, path, .. } => {
                let (part, path) = (part.clone(), path.clone());
                blocking(move || local::give_name(&part, &path)).await
            }
        }
    }
}

pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    spawn_blocking(work).await.map_err(|_| Error::Interrupted)?
}
