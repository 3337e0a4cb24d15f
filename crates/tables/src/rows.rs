//! Rows on their way: the columns first, then batches, from whoever reads them to whoever writes them.

use std::time::{Duration, Instant};

use stepwell_transfer::table::Reply;
use tokio::sync::mpsc;

use crate::error::{Error, Result};
use crate::value::{Batch, Heading};

/// How many batches wait: with their size, what is in memory beside what a writer holds.
const AHEAD: usize = 16;

/// How often it is said how far the copy is.
const SAY_EVERY: Duration = Duration::from_millis(200);

/// What travels.
#[derive(Debug)]
enum Message {
    Columns(Vec<Heading>),
    Rows(Batch),
    Failed(Error),
}

/// Where rows go.
#[derive(Debug, Clone)]
pub(crate) struct Sender(mpsc::Sender<Message>);

/// Nobody takes rows any more: the writer has ended with an error of its own.
#[derive(Debug)]
pub(crate) struct Gone;

impl Sender {
    /// Announces the columns, before all rows.
    pub(crate) async fn columns(&self, columns: Vec<Heading>) -> Result<(), Gone> {
        self.0
            .send(Message::Columns(columns))
            .await
            .map_err(|_| Gone)
    }

    /// Sends rows.
    pub(crate) async fn rows(&self, rows: Batch) -> Result<(), Gone> {
        self.0.send(Message::Rows(rows)).await.map_err(|_| Gone)
    }

    /// The same, on a thread that may wait.
    pub(crate) fn columns_blocking(&self, columns: Vec<Heading>) -> Result<(), Gone> {
        let sent = self.0.blocking_send(Message::Columns(columns));
        sent.map_err(|_| Gone)
    }

    /// The same, on a thread that may wait.
    pub(crate) fn rows_blocking(&self, rows: Batch) -> Result<(), Gone> {
        self.0.blocking_send(Message::Rows(rows)).map_err(|_| Gone)
    }

    /// Reading has failed: the writer undoes what it has done, and ends with this error.
    pub(crate) async fn failed(&self, error: Error) {
        drop(self.0.send(Message::Failed(error)).await);
    }
}

/// Where rows come from.
#[derive(Debug)]
pub(crate) struct Rows {
    receiver: mpsc::Receiver<Message>,
    pub(crate) count: Count,
}

/// A way for rows.
pub(crate) fn channel() -> (Sender, Rows) {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let count = Count::new();
    (Sender(sender), Rows { receiver, count })
}

impl Rows {
    /// The columns.
    pub(crate) async fn columns(&mut self) -> Result<Vec<Heading>> {
        match self.receiver.recv().await {
            Some(Message::Columns(columns)) => Ok(columns),
            Some(Message::Failed(error)) => Err(error),
            Some(Message::Rows(_)) | None => Err(broken_off()),
        }
    }

    /// The next rows; nothing at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Batch>> {
        let message = self.receiver.recv().await;
        self.counted(message)
    }

    /// The same, on a thread that may wait.
    pub(crate) fn next_blocking(&mut self) -> Result<Option<Batch>> {
        let message = self.receiver.blocking_recv();
        self.counted(message)
    }

    fn counted(&mut self, message: Option<Message>) -> Result<Option<Batch>> {
        match message {
            Some(Message::Rows(batch)) => {
                self.count.add(batch.rows, batch.bytes);
                Ok(Some(batch))
            }
            Some(Message::Failed(error)) => Err(error),
            Some(Message::Columns(_)) => Err(broken_off()),
            None => Ok(None),
        }
    }
}

fn broken_off() -> Error {
    Error::Usage("reading broke off without saying why".to_owned())
}

/// Counts rows and the bytes of their values, and says so now and then.
#[derive(Debug)]
pub(crate) struct Count {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    said: (u64, u64),
    at: Instant,
}

impl Count {
    fn new() -> Self {
        Self {
            rows: 0,
            bytes: 0,
            said: (0, 0),
            at: Instant::now(),
        }
    }

    fn add(&mut self, rows: usize, bytes: usize) {
        self.rows += rows as u64;
        self.bytes += bytes as u64;
        if self.at.elapsed() >= SAY_EVERY {
            self.say();
        }
    }

    /// Says how many more there are.
    pub(crate) fn say(&mut self) {
        let (rows, bytes) = (self.rows - self.said.0, self.bytes - self.said.1);
        self.said = (self.rows, self.bytes);
        self.at = Instant::now();
        crate::say(&Reply::Progress { rows, bytes });
    }
}
