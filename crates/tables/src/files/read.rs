//! Rows out of files. Those of a directory are read in the order of their names, and must have the
//! same columns; hidden ones and those of Spark's own (`_SUCCESS`) are none of them.

use bytes::Bytes;
use stepwell_transfer::bytes::FileReader;
use stepwell_transfer::listing::{self, Depth};
use stepwell_transfer::table::{Format, TableEnd};
use stepwell_transfer::{End, EntryType, Refusal};
use tokio::task::spawn_blocking;

use super::blocks::Blocks;
use super::{format_of, open};
use crate::csv::{Field, Parser};
use crate::error::{Error, Result};
use crate::parquet;
use crate::rows::{Gone, Sender};
use crate::value::{Batch, Heading, Kind};

/// Reads all rows; how many bytes the files have.
pub(crate) async fn read(end: &TableEnd, asked: Option<EntryType>, sender: &Sender) -> Result<u64> {
    let files = files(&open(end), asked).await?;
    let (mut bytes, mut known) = (0, None);
    for file in &files {
        let reader = FileReader::open(file).await?;
        bytes += reader.size;
        let mut job = Job {
            shown: file.shown(),
            sender: sender.clone(),
            known: known.take(),
        };
        let done = match format_of(file)? {
            Format::Csv => csv(&mut job, &reader).await,
            Format::Parquet => {
                let blocks = Blocks::new(reader);
                let work = spawn_blocking(move || {
                    let done = read_parquet(&mut job, blocks);
                    (job, done)
                });
                let (back, done) = work
                    .await
                    .map_err(|error| Error::Usage(error.to_string()))?;
                job = back;
                done
            }
        };
        match done? {
            Some(Gone) => return Ok(bytes),
            None => known = job.known,
        }
    }
    Ok(bytes)
}

/// The files that an end stands for.
async fn files(end: &End, asked: Option<EntryType>) -> Result<Vec<End>> {
    let found = listing::list(end, Depth::Files).await?;
    let other = |is: &'static str, asked: &'static str| -> Error {
        let shown = end.shown();
        Error::File(Refusal::OtherType { shown, is, asked }.into())
    };
    let missing = || Error::File(Refusal::Missing(end.shown()).into());
    let below = match (asked, &found.file, found.below) {
        (None | Some(EntryType::File), Some(_), None)
        | (Some(EntryType::File), Some(_), Some(_)) => return Ok(vec![end.clone()]),
        (None, Some(_), Some(_)) => {
            return Err(Error::File(Refusal::Ambiguous(end.shown()).into()));
        }
        (Some(EntryType::File), None, Some(_)) => return Err(other("directory", "file")),
        (Some(EntryType::Directory), Some(_), None) => return Err(other("file", "directory")),
        (None | Some(EntryType::Directory), _, Some(below)) => below,
        (_, None, None) => return Err(missing()),
    };
    let is_hidden = |name: &str| {
        let mut parts = name.split('/');
        parts.any(|part| part.starts_with('.') || part.starts_with('_'))
    };
    let files = below.iter().filter(|item| !is_hidden(&item.name));
    let files: Vec<End> = files
        .map(|item| match end.is_plain() {
            true => End::plain(format!("/{}", end.join(&item.name)).as_str().into()),
            false => End::on(std::sync::Arc::clone(end.store()), &end.join(&item.name)),
        })
        .collect();
    match files.is_empty() {
        true => Err(missing()),
        false => Ok(files),
    }
}

/// One file on its way.
struct Job {
    shown: String,
    sender: Sender,
    /// The columns of the files before.
    known: Option<Vec<Heading>>,
}

impl Job {
    /// Whether these columns are to be announced; those of a later file must be the same.
    fn is_first(&mut self, headings: &[Heading]) -> Result<bool> {
        let Some(known) = &self.known else {
            self.known = Some(headings.to_vec());
            return Ok(true);
        };
        match known == headings {
            true => Ok(false),
            false => Err(Error::refused(
                format!("{} has other columns than the files before it", self.shown),
                "copy files with the same columns, or one by one",
            )),
        }
    }
}

async fn csv(job: &mut Job, file: &FileReader) -> Result<Option<Gone>> {
    let mut parser = Parser::new(job.shown.clone());
    let (mut records, mut batch): (Vec<Vec<Field>>, Option<Batch>) = (Vec::new(), None);
    let mut ranges = file.ranges();
    loop {
        let range = ranges.next();
        let is_over = range.is_none();
        let bytes = match range {
            Some(range) => file.part(range).await?,
            None => Bytes::new(),
        };
        for piece in pieces(&bytes, is_over) {
            let mut keep = |record| {
                records.push(record);
                Ok(())
            };
            match piece {
                Some(piece) => parser.feed(piece, &mut keep)?,
                None => parser.finish(&mut keep)?,
            }
            for record in records.drain(..) {
                let Some(batch) = &mut batch else {
                    let headings = header(record);
                    let is_first = job.is_first(&headings)?;
                    batch = Some(Batch::new(&headings));
                    if is_first && job.sender.columns(headings).await.is_err() {
                        return Ok(Some(Gone));
                    }
                    continue;
                };
                if add(batch, record) && job.sender.rows(batch.take()).await.is_err() {
                    return Ok(Some(Gone));
                }
            }
        }
        if is_over {
            break;
        }
    }
    match batch {
        None => Err(Error::refused(
            format!("{} has no header, so its columns have no names", job.shown),
            "write a first line with the names of the columns",
        )),
        Some(batch) if batch.rows > 0 => Ok(job.sender.rows(batch).await.err()),
        Some(_) => Ok(None),
    }
}

/// Small pieces, so that few rows wait at once; after the last the end.
fn pieces(bytes: &Bytes, is_over: bool) -> impl Iterator<Item = Option<&[u8]>> {
    const PIECE: usize = 256 << 10;
    let end = is_over.then_some(None);
    bytes.chunks(PIECE).map(Some).chain(end)
}

fn header(record: Vec<Field>) -> Vec<Heading> {
    let heading = |name: Field| Heading {
        name: String::from_utf8_lossy(&name.unwrap_or_default()).into_owned(),
        kind: Kind::Field,
    };
    record.into_iter().map(heading).collect()
}

fn add(batch: &mut Batch, record: Vec<Field>) -> bool {
    let mut size = 0;
    for (field, column) in record.into_iter().zip(&mut batch.columns) {
        match field {
            Some(text) => {
                size += text.len() + 16;
                column.bytes(text);
            }
            None => column.null(),
        }
    }
    batch.end_row(size)
}

fn read_parquet(job: &mut Job, blocks: Blocks) -> Result<Option<Gone>> {
    let file = parquet::open(blocks.clone(), &job.shown)?;
    blocks.keep_for(file.headings.len());
    if job.is_first(&file.headings)? && job.sender.columns_blocking(file.headings.clone()).is_err()
    {
        return Ok(Some(Gone));
    }
    let mut gone = None;
    file.each(&mut |batch| {
        gone = job.sender.rows_blocking(batch).err();
        gone.is_none()
    })?;
    Ok(gone)
}
