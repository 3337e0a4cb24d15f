//! Showing the board: live on a terminal, or a plain line for each piece of news.

use std::io::{self, Write as _};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use jiff::Timestamp;

use super::board::Board;
use super::{Message, Stream};
use crate::render::moment::span;
use crate::render::style::Style;
use crate::render::terminal;

/// How often the live view is drawn when nothing happens: its clocks run.
const DRAW_EVERY: Duration = Duration::from_millis(100);

/// How many messages are taken in between two drawings.
const BATCH_MAX: usize = 1000;

/// The most lines of the live view.
const LINES_MAX: usize = 16;

/// A way of showing.
#[derive(Debug)]
pub(crate) enum View {
    /// Redrawn in place, on standard error.
    Live(Live),
    /// Lines on standard error.
    Plain(Instant),
}

/// The live view: one bar for each line, used as text.
#[derive(Debug)]
pub(crate) struct Live {
    multi: MultiProgress,
    bars: Vec<ProgressBar>,
    style: Style,
    frame: usize,
}

impl View {
    /// The live view.
    pub(crate) fn live() -> Self {
        Self::Live(Live {
            multi: MultiProgress::new(),
            bars: Vec::new(),
            style: Style::of(&io::stderr()),
            frame: 0,
        })
    }

    /// Plain lines, with the time since now.
    pub(crate) fn plain() -> Self {
        Self::Plain(Instant::now())
    }

    /// Shows what comes until the end.
    pub(crate) fn show(mut self, messages: &Receiver<Message>) {
        let mut board = Board::default();
        loop {
            let first = match messages.recv_timeout(DRAW_EVERY) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => Some(Message::End),
            };
            let batch: Vec<Message> = first
                .into_iter()
                .chain(messages.try_iter().take(BATCH_MAX))
                .collect();
            let ended = batch.iter().any(|message| matches!(message, Message::End));
            let (printed, news) = take_in(&mut board, batch);
            match &mut self {
                Self::Live(live) => live.draw(&board, &printed, ended),
                Self::Plain(start) => print_plain(*start, &printed, &news),
            }
            if ended {
                return;
            }
        }
    }
}

/// Folds messages into the board: what the program printed, and the news.
fn take_in(board: &mut Board, batch: Vec<Message>) -> (Vec<(Stream, String)>, Vec<String>) {
    let mut printed = Vec::new();
    let mut news = Vec::new();
    for message in batch {
        match message {
            Message::Line(stream, line) => printed.push((stream, line)),
            Message::Found(run, steps) => news.push(board.found(&run, &steps)),
            Message::Changed { root, event } => news.extend(board.changed(root, &event)),
            Message::Progress {
                root,
                step,
                progress,
            } => board.progressed(root, step, &progress),
            Message::Final(run, steps) => board.finally(&run, &steps),
            Message::End => {}
        }
    }
    (printed, news)
}

/// A reader that went away is no reason to stop the program.
fn print(printed: &[(Stream, String)]) {
    for (stream, line) in printed {
        let _ = match stream {
            Stream::Out => writeln!(io::stdout(), "{line}"),
            Stream::Err => writeln!(io::stderr(), "{line}"),
        };
    }
}

fn print_plain(start: Instant, printed: &[(Stream, String)], news: &[String]) {
    print(printed);
    let millis = i64::try_from(start.elapsed().as_millis()).unwrap_or(i64::MAX);
    for line in news {
        let _ = writeln!(io::stderr(), "[{:>8}] {line}", span(millis));
    }
}

impl Live {
    fn draw(&mut self, board: &Board, printed: &[(Stream, String)], ended: bool) {
        if !printed.is_empty() {
            self.multi.suspend(|| print(printed));
        }
        let (_, rows) = terminal::size(&io::stderr());
        let lines_max = LINES_MAX.min(rows.saturating_sub(2)).max(1);
        self.frame += 1;
        let lines = board.lines(Timestamp::now(), lines_max, self.frame, self.style);
        if ended {
            // The last picture stays on the screen, as text. Bars that are dropped later would
            // clear it.
            for bar in self.bars.drain(..) {
                bar.finish_and_clear();
                self.multi.remove(&bar);
            }
            for line in lines {
                let _ = writeln!(io::stderr(), "{line}");
            }
            return;
        }
        while self.bars.len() > lines.len() {
            self.bars
                .pop()
                .iter()
                .for_each(|bar| self.multi.remove(bar));
        }
        while self.bars.len() < lines.len() {
            let text = ProgressStyle::with_template("{wide_msg}").expect("the template is right");
            let bar = self.multi.add(ProgressBar::new_spinner());
            bar.set_style(text);
            self.bars.push(bar);
        }
        for (bar, line) in self.bars.iter().zip(lines) {
            bar.set_message(line);
        }
    }
}
