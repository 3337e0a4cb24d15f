//! A file of a store, read in any order: in blocks, of which the last ones used are kept.
//!
//! Parquet is read column by column, so a reader comes back to as many places as there are columns.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};
use stepwell_transfer::bytes::FileReader;
use tokio::runtime::Handle;

/// The size of a block.
const BLOCK: u64 = 1 << 20;

/// How many blocks are kept, at least.
const KEPT_MIN: usize = 32;

/// A file of a store. It is read on threads that may wait.
#[derive(Clone)]
pub(super) struct Blocks(Arc<Inner>);

struct Inner {
    file: FileReader,
    runtime: Handle,
    kept: Mutex<Kept>,
}

struct Kept {
    blocks: HashMap<u64, (u64, Bytes)>,
    most: usize,
    uses: u64,
}

impl Blocks {
    pub(super) fn new(file: FileReader) -> Self {
        Self(Arc::new(Inner {
            file,
            runtime: Handle::current(),
            kept: Mutex::new(Kept {
                blocks: HashMap::new(),
                most: KEPT_MIN,
                uses: 0,
            }),
        }))
    }

    /// Keeps two blocks for each of so many columns.
    pub(super) fn keep_for(&self, columns: usize) {
        let mut kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.most = KEPT_MIN.max(columns * 2);
    }

    fn block(&self, number: u64) -> Result<Bytes> {
        {
            let mut kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.uses += 1;
            let uses = kept.uses;
            if let Some((used, bytes)) = kept.blocks.get_mut(&number) {
                *used = uses;
                return Ok(bytes.clone());
            }
        }
        let start = number * BLOCK;
        let range = start..self.0.file.size.min(start + BLOCK);
        let read = self.0.runtime.block_on(self.0.file.part(range));
        let bytes = read.map_err(|error| ParquetError::External(Box::new(error)))?;
        let mut kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        while kept.blocks.len() >= kept.most {
            let oldest = kept.blocks.iter().min_by_key(|(_, (used, _))| *used);
            let Some(oldest) = oldest.map(|(number, _)| *number) else {
                break;
            };
            kept.blocks.remove(&oldest);
        }
        let used = kept.uses;
        kept.blocks.insert(number, (used, bytes.clone()));
        Ok(bytes)
    }

    /// What of a block begins at a place.
    fn at(&self, place: u64) -> Result<Bytes> {
        let block = self.block(place / BLOCK)?;
        let from = usize::try_from(place % BLOCK).unwrap_or(0).min(block.len());
        Ok(block.slice(from..))
    }
}

impl Length for Blocks {
    fn len(&self) -> u64 {
        self.0.file.size
    }
}

impl ChunkReader for Blocks {
    type T = Cursor;

    fn get_read(&self, start: u64) -> Result<Cursor> {
        Ok(Cursor {
            blocks: self.clone(),
            place: start,
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let first = self.at(start)?;
        if first.len() >= length {
            return Ok(first.slice(..length));
        }
        let mut bytes = Vec::with_capacity(length);
        let reader = self.get_read(start)?;
        reader.take(length as u64).read_to_end(&mut bytes)?;
        match bytes.len() == length {
            true => Ok(bytes.into()),
            false => Err(ParquetError::EOF(
                "the file is shorter than it says".to_owned(),
            )),
        }
    }
}

/// Reads on from a place.
pub(super) struct Cursor {
    blocks: Blocks,
    place: u64,
}

impl Read for Cursor {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.place >= self.blocks.len() {
            return Ok(0);
        }
        let there = self.blocks.at(self.place).map_err(io::Error::other)?;
        let count = there.len().min(buffer.len());
        buffer[..count].copy_from_slice(&there[..count]);
        self.place += count as u64;
        Ok(count)
    }
}
