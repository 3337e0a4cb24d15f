//! Rows into one file. They are encoded on a thread of its own, while what is encoded goes on its way.

use std::io;
use std::mem;

use bytes::Bytes;
use stepwell_transfer::bytes::FileWriter;
use stepwell_transfer::listing::{self, Depth};
use stepwell_transfer::table::{Format, TableRequest};
use stepwell_transfer::{End, EntryType, Refusal};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::{format_of, open};
use crate::copy::{Select, Written};
use crate::csv;
use crate::error::{Error, Result};
use crate::parquet::{Encoder, Group};
use crate::rows::Rows;
use crate::text;
use crate::value::{Batch, Heading, Kind, Value};

/// How much is handed on at once.
const PIECE_BYTES: usize = 1 << 20;

/// How many pieces wait.
const AHEAD: usize = 8;

/// Writes rows to the file that a request names.
pub(crate) async fn write(request: &TableRequest, mut rows: Rows) -> Result<Written> {
    let end = target(request).await?;
    let format = format_of(&end)?;
    let headings = rows.columns().await?;
    let mut writer = FileWriter::new(end.clone(), request.state.as_deref()).await;
    let (sender, mut pieces) = mpsc::channel(AHEAD);
    let shown = end.shown();
    let encoding = spawn_blocking(move || {
        let out = Pieces::new(sender);
        let encoded = match format {
            Format::Csv => to_csv(out, &headings, &mut rows),
            Format::Parquet => to_parquet(out, &headings, &mut rows, &shown),
        };
        (rows, encoded)
    });
    let mut failed = None;
    while let Some(piece) = pieces.recv().await {
        let piece: Bytes = piece;
        if let Err(error) = writer.write(&piece).await {
            failed = Some(Error::from(error));
            break;
        }
    }
    // An encoder that nobody listens to ends.
    drop(pieces);
    let (mut rows, encoded) = encoding
        .await
        .map_err(|error| Error::Usage(error.to_string()))?;
    if let Some(error) = failed.or(encoded.err()) {
        writer.abort().await;
        return Err(error);
    }
    let bytes = writer.finish().await?;
    rows.count.say();
    Ok(Written {
        rows: rows.count.rows,
        bytes: Some(bytes),
        file: Some(end.path().to_owned()),
    })
}

/// The file that rows are written to; in a directory it has the name of the table.
async fn target(request: &TableRequest) -> Result<End> {
    let end = open(&request.destination);
    let found = listing::list(&end, Depth::Existence).await?;
    let is_directory = match request.destination_type {
        Some(asked) => asked == EntryType::Directory,
        None => found.below.is_some(),
    };
    if !is_directory {
        if found.below.is_some() && end.store().root().is_some() {
            let (shown, is, asked) = (end.shown(), "directory", "file");
            return Err(Error::File(Refusal::OtherType { shown, is, asked }.into()));
        }
        return Ok(end);
    }
    let name = match Select::of(request) {
        Select::Table(name) | Select::Procedure { name, .. } => name,
        Select::Query(_) => "query".to_owned(),
    };
    let ending = match request.format.unwrap_or_default() {
        Format::Csv => "csv",
        Format::Parquet => "parquet",
    };
    let path = end.join(&format!("{}.{ending}", name.replace('/', "_")));
    Ok(match end.is_plain() {
        true => End::plain(format!("/{path}").as_str().into()),
        false => End::on(std::sync::Arc::clone(end.store()), &path),
    })
}

/// Hands on what is written to it, in pieces.
struct Pieces {
    buffer: Vec<u8>,
    sender: mpsc::Sender<Bytes>,
}

impl Pieces {
    fn new(sender: mpsc::Sender<Bytes>) -> Self {
        let buffer = Vec::with_capacity(PIECE_BYTES);
        Self { buffer, sender }
    }

    fn hand_on(&mut self) -> io::Result<()> {
        let piece = mem::replace(&mut self.buffer, Vec::with_capacity(PIECE_BYTES));
        let sent = self.sender.blocking_send(piece.into());
        sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl io::Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE_BYTES {
            self.hand_on()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.buffer.is_empty() {
            true => Ok(()),
            false => self.hand_on(),
        }
    }
}

fn to_csv(mut out: Pieces, headings: &[Heading], rows: &mut Rows) -> Result<()> {
    // What takes the pieces has ended with an error of its own.
    let gone = |_: io::Error| Error::Usage("the file is not written any more".to_owned());
    let mut line = Vec::new();
    for (index, heading) in headings.iter().enumerate() {
        csv::field(&mut line, index == 0, Some(&heading.name));
    }
    csv::end_row(&mut line);
    io::Write::write_all(&mut out, &line).map_err(gone)?;
    let mut scratch = String::new();
    while let Some(batch) = rows.next_blocking()? {
        line.clear();
        add_lines(&batch, &mut line, &mut scratch);
        io::Write::write_all(&mut out, &line).map_err(gone)?;
    }
    io::Write::flush(&mut out).map_err(gone)
}

fn add_lines(batch: &Batch, line: &mut Vec<u8>, scratch: &mut String) {
    let mut columns: Vec<_> = batch.columns.iter().map(|each| each.values()).collect();
    for _ in 0..batch.rows {
        for (index, (values, column)) in columns.iter_mut().zip(&batch.columns).enumerate() {
            let value = values.next().unwrap_or(Value::Null);
            let is_text = matches!(column.kind, Kind::Text | Kind::Json | Kind::Field);
            match value {
                // A text goes as it is, without another copy of it.
                Value::Bytes(bytes) if is_text && let Ok(text) = std::str::from_utf8(bytes) => {
                    csv::field(line, index == 0, Some(text));
                }
                value => {
                    scratch.clear();
                    let is_there = text::write(scratch, column.kind, value);
                    csv::field(line, index == 0, is_there.then_some(scratch.as_str()));
                }
            }
        }
        csv::end_row(line);
    }
}

fn to_parquet(out: Pieces, headings: &[Heading], rows: &mut Rows, shown: &str) -> Result<()> {
    let fault = |error: parquet::errors::ParquetError| Error::Parquet {
        file: shown.to_owned(),
        fault: error.to_string(),
    };
    let encoder = Encoder::new(out, headings);
    // Rows go on arriving while a group of them is encoded.
    std::thread::scope(|scope| {
        let (sender, groups) = std::sync::mpsc::sync_channel(0);
        let encoding = scope.spawn(move || encode(encoder, &groups));
        let mut group = Group::default();
        while let Some(batch) = rows.next_blocking()? {
            group.add(batch);
            if group.is_full() && sender.send(mem::take(&mut group)).is_err() {
                break;
            }
        }
        if group.rows > 0 {
            // An encoder that has ended says why when it is joined.
            drop(sender.send(group));
        }
        drop(sender);
        let encoded = encoding.join();
        let broken = |_| Error::Usage("the rows could not be encoded".to_owned());
        encoded.map_err(broken)?.map_err(fault)
    })
}

fn encode(
    mut encoder: Encoder<Pieces>,
    groups: &std::sync::mpsc::Receiver<Group>,
) -> parquet::errors::Result<()> {
    while let Ok(group) = groups.recv() {
        encoder.add(group)?;
    }
    encoder.finish()
}
