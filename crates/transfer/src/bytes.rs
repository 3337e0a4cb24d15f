//! A file as a stream of bytes whose length need not be known: what tables are written to and read
//! from.
//!
//! A file that is written appears under its name when it is finished, and is read back before that is
//! believed. Dropped before, it leaves nothing on this machine, and at a store parts without a name,
//! which [`FileWriter::abort`] removes; those of a process that was killed are removed by the next
//! writer with the same note.

use std::fs::File;
use std::io::Write as _;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use stepwell_datastore::Upload;

use crate::cut;
use crate::listing::{self, Depth};
use crate::local;
use crate::stream::{Reader, blocking, persist};
use crate::{End, Error, Refusal, Result};

/// After so many parts they become larger, so that there are never too many.
const PARTS_OF_A_SIZE: usize = 1_000;

/// The name of the note of an upload that has begun.
const NOTE: &str = "upload.json";

/// An upload that was begun and may have to be thrown away.
#[derive(Debug, Serialize, Deserialize)]
struct Begun {
    path: String,
    upload: Upload,
}

/// Reads a file, in any order.
pub struct FileReader {
    reader: Reader,
    /// Its size in bytes.
    pub size: u64,
}

impl FileReader {
    /// Opens the file at an end.
    ///
    /// # Errors
    /// When it is not there or no file, and those of the store.
    pub async fn open(end: &End) -> Result<Self> {
        let listing = listing::list(end, Depth::Existence).await?;
        let Some(item) = listing.file else {
            return Err(match listing.below {
                Some(_) => Refusal::OtherType {
                    shown: end.shown(),
                    is: "directory",
                    asked: "file",
                },
                None => Refusal::Missing(end.shown()),
            }
            .into());
        };
        Ok(Self {
            reader: Reader::open(end, &item).await?,
            size: item.size,
        })
    }

    /// The ranges to read it by, from first to last.
    pub fn ranges(&self) -> impl Iterator<Item = Range<u64>> + Send + use<> {
        let parts = cut::parts(self.size, cut::PART_BYTES);
        parts.map(|(_, range)| range)
    }

    /// The bytes of a range.
    ///
    /// # Errors
    /// Those of the store, and that the file has changed.
    pub async fn part(&self, range: Range<u64>) -> Result<Bytes> {
        persist(|| self.reader.part(range.clone())).await
    }
}

/// Writes a file from first to last byte.
pub struct FileWriter {
    end: End,
    /// Where it is noted that parts are at a store.
    note: Option<Utf8PathBuf>,
    digest: blake3::Hasher,
    waiting: BytesMut,
    to: Option<To>,
    written: u64,
}

enum To {
    Local {
        part: Utf8PathBuf,
        path: Utf8PathBuf,
        file: File,
    },
    Remote {
        upload: Upload,
        parts: Vec<String>,
    },
}

impl FileWriter {
    /// A file to be at an end. In the folder it is noted that parts are at a store; those of a
    /// process that was killed, which the note has, are removed.
    pub async fn new(end: End, folder: Option<&Utf8Path>) -> Self {
        let note = folder.map(|folder| folder.join(NOTE));
        if let Some(note) = &note
            && let Ok(text) = std::fs::read(note)
            && let Ok(begun) = serde_json::from_slice::<Begun>(&text)
        {
            throw_away(&end, &begun).await;
            drop(std::fs::remove_file(note));
        }
        Self {
            end,
            note,
            digest: blake3::Hasher::new(),
            waiting: BytesMut::new(),
            to: None,
            written: 0,
        }
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// Those of the store and of the disk.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.waiting.extend_from_slice(bytes);
        self.digest.update(bytes);
        while self.waiting.len() >= self.part_bytes() {
            let part = self.waiting.split_to(self.part_bytes()).freeze();
            self.write_part(part).await?;
        }
        Ok(())
    }

    fn part_bytes(&self) -> usize {
        let parts = match &self.to {
            Some(To::Remote { parts, .. }) => parts.len(),
            _ => 0,
        };
        usize::try_from(cut::PART_BYTES).unwrap_or(usize::MAX) * (1 + parts / PARTS_OF_A_SIZE)
    }

    async fn write_part(&mut self, bytes: Bytes) -> Result<()> {
        if self.to.is_none() {
            self.to = Some(self.begin().await?);
        }
        self.written += bytes.len() as u64;
        match &mut self.to {
            Some(To::Local { path, file, .. }) => {
                let failed = |error: std::io::Error| Error::file("write", path, &error);
                let mut file = file.try_clone().map_err(failed)?;
                let path = path.clone();
                blocking(move || {
                    let written = file.write_all(&bytes);
                    written.map_err(|error| Error::file("write", &path, &error))
                })
                .await
            }
            Some(To::Remote { upload, parts }) => {
                let (store, path) = (self.end.store(), self.end.path());
                let index = parts.len();
                let put =
                    || async { Ok(store.put_part(path, upload, index, bytes.clone()).await?) };
                let id = persist(put).await?;
                parts.push(id);
                Ok(())
            }
            None => Err(Error::Interrupted),
        }
    }

    async fn begin(&self) -> Result<To> {
        let Some(path) = self.end.local(self.end.path()) else {
            let upload = self.end.store().begin(self.end.path()).await?;
            if let Some(note) = &self.note {
                let begun = Begun {
                    path: self.end.path().to_owned(),
                    upload: upload.clone(),
                };
                let text = serde_json::to_vec(&begun).unwrap_or_default();
                let noted = std::fs::write(note, text);
                noted.map_err(|error| Error::file("write", note, &error))?;
            }
            let parts = Vec::new();
            return Ok(To::Remote { upload, parts });
        };
        let root = self
            .end
            .refuses_links()
            .then(|| self.end.local(""))
            .flatten();
        blocking(move || {
            local::make_parent(&path, root.as_deref())?;
            let part = local::part_file(&path);
            let made = File::create(&part).map_err(|error| Error::file("write", &path, &error));
            let file = made?;
            Ok(To::Local { part, path, file })
        })
        .await
    }

    /// Gives the file its name and reads it back; how many bytes it has.
    ///
    /// # Errors
    /// Those of the store and of the disk, and when what is there is not what was written.
    pub async fn finish(mut self) -> Result<u64> {
        let rest = self.waiting.split().freeze();
        if !rest.is_empty() || self.to.is_none() {
            self.write_part(rest).await?;
        }
        let written = self.written;
        match self.to.take() {
            Some(To::Local { part, path, .. }) => {
                blocking(move || local::give_name(&part, &path)).await?;
            }
            Some(To::Remote { upload, parts }) => {
                let (store, path) = (self.end.store(), self.end.path());
                let complete = || async { Ok(store.complete(path, &upload, parts.clone()).await?) };
                persist(complete).await?;
            }
            None => {}
        }
        if let Some(note) = &self.note {
            drop(std::fs::remove_file(note));
        }
        self.check(written).await?;
        Ok(written)
    }

    async fn check(&self, written: u64) -> Result<()> {
        let there = FileReader::open(&self.end).await?;
        let mut digest = blake3::Hasher::new();
        if there.size == written {
            for range in there.ranges() {
                digest.update(&there.part(range).await?);
            }
        }
        match there.size == written && digest.finalize() == self.digest.finalize() {
            true => Ok(()),
            false => Err(Error::Differs(self.end.shown())),
        }
    }

    /// Removes what was written.
    pub async fn abort(mut self) {
        if let Some(To::Remote { upload, .. }) = self.to.take() {
            let path = self.end.path().to_owned();
            throw_away(&self.end, &Begun { path, upload }).await;
            if let Some(note) = &self.note {
                drop(std::fs::remove_file(note));
            }
        }
    }
}

async fn throw_away(end: &End, begun: &Begun) {
    if let Err(error) = end.store().abort(&begun.path, &begun.upload).await
        && !error.is_absent()
    {
        tracing::warn!(%error, "the parts of an upload stay at the store");
    }
}

impl Drop for FileWriter {
    fn drop(&mut self) {
        if let Some(To::Local { part, .. }) = &self.to {
            // Nothing half-written stays.
            drop(std::fs::remove_file(part));
        }
    }
}
